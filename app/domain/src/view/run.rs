//! Runs as pages see them: the same card for the plan and for the run.

use super::At;
use crate::outcome::Counts;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunView {
    pub number: u64,
    pub run_id: String,
    pub sync: String,
    /// `full`, `changes`, `reconcile`, `dry-run`, `resync`.
    pub mode: String,
    /// `queued`, `reading`, `planning`, `awaiting_approval`, `writing`, `complete`, `complete_with_failures`, `failed`, `cancelled`.
    pub status: String,
    pub detail: Option<String>,
    pub mapping_version: u32,
    pub started_by: String,
    pub approved_by: Option<String>,
    pub queued_at: At,
    pub finished_at: Option<At>,
    /// What became of each record. While the plan waits: what is settled already (unchanged, excluded, …).
    pub counts: Counts,
    /// What the plan says per action; `to_create`, `to_update` are 0 once settled.
    pub to_create: u64,
    pub to_update: u64,
    /// Planned writes per side: creates and updates.
    pub planned_highlevel: u64,
    pub planned_chargify: u64,
    pub predicted_highlevel: u64,
    pub predicted_chargify: u64,
    pub predicted_ms: u64,
    pub calls_highlevel: u64,
    pub calls_chargify: u64,
    pub phases: Vec<PhaseView>,
    pub cancel_requested: bool,
    /// Customers without a contact that the run leaves alone.
    pub left_alone: u64,
    /// Rules that rest in this run because a field of theirs is gone, each with why.
    #[serde(default)]
    pub resting: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PhaseView {
    /// "Read", "Plan", "Approve", "Write", "Finish".
    pub title: String,
    pub started_at: Option<At>,
    pub finished_at: Option<At>,
    pub done: u64,
    /// 0 when not known yet.
    pub total: u64,
}

/// A list of runs, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunPageView {
    pub runs: Vec<RunView>,
    /// Pass as `before` for the next page.
    pub next: Option<u64>,
}

/// What the run page shows while it goes on; also one server-sent event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunLiveView {
    pub run: RunView,
    pub now: At,
    pub to_go: u64,
    pub eta_ms: Option<u64>,
    pub slots_busy: u8,
    pub slots_held: u8,
    pub slots_ceiling: u8,
    /// Tokens left in GoHighLevel's window and of how many, as its last answer said.
    pub tokens_left: Option<u32>,
    pub tokens_max: Option<u32>,
    pub day_left: Option<u32>,
    /// "Why is it slow right now?" in one sentence.
    pub pace: String,
    /// The last items settled, newest first.
    pub tail: Vec<ItemView>,
}

/// One record in a plan or run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ItemView {
    pub item_no: u64,
    pub name: String,
    pub email: Option<String>,
    pub contact_id: Option<String>,
    pub customer_id: Option<String>,
    /// `create_customer`, `update_customer`, `update_contact`, `update_both`, `create_contact`, `link`, `unchanged`,
    /// `exclude`, `ambiguous`, `conflict`, `fail`, `echo`, `unlink`.
    pub action: String,
    pub reason: String,
    pub changes: Vec<ChangeView>,
    pub outcome: Option<String>,
    pub outcome_detail: Option<String>,
    pub settled_at: Option<At>,
    pub took_ms: Option<u32>,
}

/// One field that would change or changed. Empty text stands for an empty field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChangeView {
    /// `highlevel` or `chargify`: where it is written.
    pub side: String,
    pub field: String,
    pub before: String,
    pub after: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ItemFilter {
    /// `create`, `update_chargify`, `update_highlevel`, `decisions`, `failed`, `excluded`, `unchanged`; empty: all changes.
    #[serde(default)]
    pub tab: String,
    /// Part of a name, an e-mail address or an id.
    #[serde(default)]
    pub search: String,
    /// Only where this field changes.
    #[serde(default)]
    pub field: String,
    /// Outcome, for a run.
    #[serde(default)]
    pub outcome: String,
    /// Keyset: items after this number.
    #[serde(default)]
    pub after: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ItemPageView {
    pub items: Vec<ItemView>,
    /// Items that pass the filter.
    pub total: u64,
    pub next: Option<u64>,
    /// Tab and its count, for all tabs.
    pub tabs: Vec<(String, u64)>,
    pub excluded: Vec<ReasonCountView>,
    /// Fields that change anywhere in the plan.
    pub fields: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReasonCountView {
    pub code: String,
    pub reason: String,
    pub count: u64,
}

/// One call of the live tail, redacted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallView {
    pub at: At,
    pub side: String,
    pub endpoint: String,
    pub status: Option<u16>,
    pub error: Option<String>,
    pub took_ms: u32,
    pub cause: String,
}
