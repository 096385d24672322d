//! A store in memory that behaves as the one on Postgres does: a conformance suite runs against both.
//!
//! Units of work take turns: one is at work at a time, over all processes, and whoever holds one must not ask for another.
//! Durations and `now` go by the store's own clock. What Postgres leaves open (the order of rows without `order by`) is
//! always the same here.

mod accounts;
mod audit;
mod calls;
mod data;
mod decisions;
mod deliveries;
mod engagements;
mod fields;
mod installs;
mod intents;
mod items;
mod jobs;
mod links;
mod memory;
mod nodes;
mod records;
mod removals;
mod runs;
mod schedules;
mod session;
mod slots;
mod subscriptions;
mod syncs;
mod table;
mod tombstones;
mod watches;

pub use data::{
    CallEntry, Data, DeliveryEntry, IntentEntry, ItemEntry, JobEntry, LaneEntry, LinkEntry, MappingEntry, RecordEntry,
    RunEntry, ScheduleEntry, SlotEntry, SyncEntry, WorkspaceEntry,
};
pub use memory::{Hook, MemoryStore};
pub use subscriptions::SubscriptionEntry;
pub use table::Table;
