//! What the sync core asks of the place where Concord keeps its things. On Postgres every operation is a function of
//! `store`; a simulation gives a store in memory, and one suite of tests holds both to the same behaviour.
//!
//! One trait per noun; [`Tables`] is all of them. Use cases of pages alone (people, logins, lists, figures) stay on
//! Postgres and are not here.

/// Declares the trait of a noun together with what it is on Postgres: functions of `store`, on whatever leads to a
/// connection (a pooled one, a transaction, a borrowed one).
macro_rules! tables {
    (
        $(#[$about:meta])*
        trait $noun:ident {
            $(
                $(#[$doc:meta])*
                fn $method:ident($($argument:ident: $type:ty),* $(,)?) -> $answer:ty = $function:path;
            )*
        }
    ) => {
        $(#[$about])*
        #[async_trait::async_trait]
        pub trait $noun: Send {
            $(
                $(#[$doc])*
                async fn $method(&mut self, $($argument: $type),*) -> crate::Result<$answer>;
            )*
        }

        #[async_trait::async_trait]
        impl<C> $noun for C
        where
            C: std::ops::DerefMut<Target = sqlx::PgConnection> + Send,
        {
            $(
                async fn $method(&mut self, $($argument: $type),*) -> crate::Result<$answer> {
                    Ok($function(self, $($argument),*).await?)
                }
            )*
        }
    };
}

mod accounts;
mod audit;
mod calls;
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
mod postgres;
mod records;
mod removals;
mod runs;
mod savepoints;
mod schedules;
mod slots;
mod subscriptions;
mod syncs;
mod watches;

pub use accounts::{Connections, Workspaces};
pub use audit::AuditTrail;
pub use calls::Calls;
pub use decisions::Decisions;
pub use deliveries::Deliveries;
pub use engagements::Engagements;
pub use fields::Fields;
pub use installs::Installs;
pub use intents::Intents;
pub use items::Items;
pub use jobs::Jobs;
pub use links::Links;
pub use nodes::Nodes;
pub use postgres::PostgresStore;
pub use records::Records;
pub use removals::Removals;
pub use runs::Runs;
pub use savepoints::Savepoints;
pub use schedules::Schedules;
pub use slots::Slots;
pub use subscriptions::Subscriptions;
pub use syncs::Syncs;
pub use watches::Watches;

use crate::Result;
use async_trait::async_trait;
use domain::RunId;
use uuid::Uuid;

/// Declares what has all the nouns.
macro_rules! together {
    ($($noun:ident)+) => {
        /// Every operation the sync core needs, by noun.
        pub trait Tables: $($noun +)+ {}

        impl<T: $($noun +)+ ?Sized> Tables for T {}
    };
}

together! {
    Workspaces Connections Installs Syncs Schedules Links Records Fields Decisions Removals Runs Items Intents Jobs Slots Nodes Deliveries
    AuditTrail Calls Savepoints Engagements Watches Subscriptions
}

/// A unit of work: what is done on it becomes true together, when it is committed; dropped, nothing of it happened.
#[async_trait]
pub trait Unit: Tables {
    /// # Errors
    /// Database errors; then nothing of it happened, or, when the connection broke in this very moment, all of it.
    async fn commit(self: Box<Self>) -> Result<()>;
}

/// Where Concord keeps its things. Instants that the callers do not give are told by the store's own clock.
#[async_trait]
pub trait Store: Send + Sync {
    /// A way to the tables on which every operation commits by itself. Given back when dropped: hold none while a
    /// service is called.
    ///
    /// # Errors
    /// Database errors.
    async fn session(&self) -> Result<Box<dyn Tables>>;

    /// Begins a unit of work.
    ///
    /// # Errors
    /// Database errors.
    async fn begin(&self) -> Result<Box<dyn Unit>>;

    /// Makes a node known to the others for as long as the presence lives.
    ///
    /// # Errors
    /// [`crate::EngineError::Bug`] when another session stands for that node; database errors.
    async fn join(&self, node_id: Uuid, lock_key: i64) -> Result<Box<dyn Presence>>;

    /// What is said from now on, by this process and by others.
    ///
    /// # Errors
    /// Database errors.
    async fn notices(&self) -> Result<Box<dyn Notices>>;
}

/// A node's sign of life. Dropped, or lost, the others may bury the node.
#[async_trait]
pub trait Presence: Send {
    /// Resolves when the others can no longer see the node.
    async fn lost(&mut self);
}

/// Something that changed, told on commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// There may be work to claim.
    Jobs,
    /// Something of the run changed.
    Run(RunId),
}

/// Notices in the order in which they were told.
#[async_trait]
pub trait Notices: Send {
    /// The next one.
    ///
    /// # Errors
    /// Database errors: some may be missed, so look for yourself and listen anew.
    async fn next(&mut self) -> Result<Notice>;
}
