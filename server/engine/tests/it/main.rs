//! The engine on a real Postgres, through its public use cases.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is, helpers included")]

mod accounts;
mod apply;
mod audit;
mod clients;
mod connections;
mod deliveries;
mod live;
mod slots;
mod jobs;
mod runs;
mod recovery;
mod setting;
mod syncs;
mod support;
mod sync;
mod vault;
mod wire_spec;
