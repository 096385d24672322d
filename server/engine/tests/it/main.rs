//! The engine on a real Postgres, through its public use cases.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is, helpers included")]

mod accounts;
mod apply;
mod audit;
mod billing;
mod clients;
mod connections;
mod decisions;
mod deletes;
mod deliveries;
mod engagements;
mod fields;
mod fuzz;
mod jobs;
mod live;
mod merges;
mod oauth;
mod polling;
mod reading;
mod recovery;
mod runs;
mod schedules;
mod setting;
mod slots;
mod support;
mod sync;
mod syncs;
mod tombstones;
mod vault;
mod watch;
mod wire_spec;
mod writing;
