//! The first screen: is all well, and if not, what to do.

use super::{At, ConnectionView, SubscriptionCopyView, SyncView};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OverviewView {
    pub now: At,
    /// What needs a person, most urgent first. Empty: all is well.
    pub needs: Vec<NeedView>,
    pub pairs: u64,
    pub pairs_in_step: u64,
    pub syncs: Vec<SyncView>,
    pub connections: Vec<ConnectionView>,
    pub day: Tally24,
    pub queue: QueueView,
    /// Of each site whose subscriptions are known.
    #[serde(default)]
    pub subscriptions: Vec<SubscriptionCopyView>,
}

/// One thing that needs a person: what happened, is the data safe, what to press.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NeedView {
    /// `age`, `decision`, `credential`, `failure`, `setup`, `approval`.
    pub kind: String,
    pub title: String,
    pub detail: String,
    pub action: String,
    pub href: String,
}

/// Everything that came in during 24 hours and how it ended: `came_in` is the sum of the others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally24 {
    pub came_in: u64,
    pub written: u64,
    pub echo: u64,
    pub nothing_to_do: u64,
    pub waiting: u64,
    pub failed: u64,
    pub in_work: u64,
    /// Per hour, oldest first, 24 numbers.
    pub hours: Vec<u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct QueueView {
    pub ready: u64,
    pub running: u64,
    pub oldest_s: Option<u64>,
    /// Calls of the last 24 hours per side.
    pub calls_highlevel: u64,
    pub calls_chargify: u64,
}
