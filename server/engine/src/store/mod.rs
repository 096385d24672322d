//! The only SQL. Functions take the caller's connection, so that a use case owns its transaction; they decide nothing.
//! Every list has a limit and a keyset; a `where` that carries a concurrency rule says so.

pub mod audit;
pub mod calls;
pub mod connections;
pub mod decisions;
pub mod deliveries;
pub mod engagements;
pub(crate) mod fields;
pub mod installs;
pub mod intents;
pub mod items;
pub mod jobs;
pub(crate) mod keys;
pub mod links;
pub(crate) mod logins;
pub(crate) mod overview;
pub(crate) mod people;
pub mod records;
pub mod removals;
pub mod runs;
pub(crate) mod savepoints;
pub mod schedules;
pub(crate) mod schema;
pub mod slots;
pub mod subscriptions;
pub mod syncs;
pub(crate) mod unit;
pub mod watches;
pub(crate) mod workspaces;

pub use unit::{
    AuditTrail, Calls, Connections, Decisions, Deliveries, Engagements, Fields, Installs, Intents, Items, Jobs, Links,
    Nodes, Notice, Notices, PostgresStore, Presence, Records, Removals, Runs, Savepoints, Schedules, Slots, Store,
    Subscriptions, Syncs, Tables, Unit, Watches, Workspaces,
};
