//! One suite for both stores: what Postgres does, the store in memory does.
//!
//! Every scenario is written once, against the traits, and runs on each. Where time has to pass, the store in memory is
//! given a later clock, and Postgres an earlier past: all instants that its own clock set are moved back.

mod accounts;
mod audit;
mod bench;
mod decisions;
mod deliveries;
mod engagements;
mod fields;
mod installs;
mod intents;
mod items;
mod jobs;
mod links;
mod nodes;
mod records;
mod removals;
mod runs;
mod schedules;
mod slots;
mod subscriptions;
mod syncs;
mod tombstones;
mod units;
mod watches;

pub(crate) use bench::Bench;

/// Makes a test on each store of every scenario.
macro_rules! scenarios {
    ($($name:ident),* $(,)?) => {
        mod memory {
            $(
                #[tokio::test]
                async fn $name() {
                    super::$name(&mut $crate::conformance::Bench::in_memory().await).await;
                }
            )*
        }

        mod postgres {
            $(
                #[sqlx::test(migrator = "engine::MIGRATOR")]
                async fn $name(pool: sqlx::PgPool) {
                    super::$name(&mut $crate::conformance::Bench::on_postgres(pool).await).await;
                }
            )*
        }
    };
}

pub(crate) use scenarios;
