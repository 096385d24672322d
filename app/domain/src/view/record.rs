//! Records as pages see them: both sides, what was agreed last, what would happen now.

use super::{At, BillingView, decision::QuestionView, run::ChangeView};
use crate::side::Side;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PairState {
    /// Linked, and both sides agree as last read.
    InStep,
    /// Linked, and something would be written.
    Drifted,
    /// Waits for a person.
    Waiting,
    /// The last attempt failed.
    Failed,
    /// Takes no part: scope or a missing required value.
    LeftOut,
    /// Not linked yet.
    Unpaired,
    /// Deleted at the service.
    Gone,
}

/// Which records a list wants; what is empty narrows nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RecordFilter {
    /// A name's beginning, or a whole e-mail address, phone number or id.
    pub search: String,
    /// Name of the sync.
    pub sync: String,
    /// `in_step`, `drifted`, `waiting`, `failed`, `left_out`, `unpaired`, `gone`.
    pub state: String,
    /// The `next` of the page before.
    pub after: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordRowView {
    pub sync: String,
    pub contact_id: Option<String>,
    pub customer_id: Option<String>,
    pub name: String,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub state: PairState,
    pub detail: String,
    pub read_at: At,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordPageView {
    pub rows: Vec<RecordRowView>,
    pub next: Option<String>,
    pub total_contacts: u64,
    pub total_customers: u64,
    pub total_links: u64,
    /// Records that wait to be deleted because their partners were.
    #[serde(default)]
    pub removals: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordView {
    pub sync: String,
    pub name: String,
    pub email: Option<String>,
    pub contact_id: Option<String>,
    pub customer_id: Option<String>,
    pub matched_by: Option<String>,
    pub linked_at: Option<At>,
    pub state: PairState,
    /// The heading above the trace and its answer.
    pub question: String,
    pub answer: String,
    pub trace: Vec<TraceStepView>,
    pub fields: Vec<FieldView>,
    pub history: Vec<HistoryView>,
    pub highlevel_read_at: Option<At>,
    pub chargify_read_at: Option<At>,
    /// What a resync from the local copy would write.
    pub would: Vec<ChangeView>,
    /// What a person has to settle before anything is written, or has settled and can take back.
    pub asked: Option<QuestionView>,
    /// What the customer pays for; none: there is no customer, or nothing is known of it.
    #[serde(default)]
    pub billing: Option<BillingView>,
    /// Where the record was deleted: when, how that is known, and what became of its partner.
    #[serde(default)]
    pub gone: Option<TombstoneView>,
}

/// What is kept of a record that was deleted at its service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TombstoneView {
    pub side: Side,
    /// When it was found to be gone.
    pub at: At,
    /// How that is known, as sentences.
    pub how: String,
    /// Until when its last values are kept.
    pub kept_until: At,
    pub partner: Option<FormerPartnerView>,
}

/// The record that a deleted one was paired with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FormerPartnerView {
    pub side: Side,
    pub id: String,
    pub name: String,
    /// What became of it, as a sentence.
    pub what: String,
    /// False: nothing of it is kept, so that it has no page.
    pub is_known: bool,
}

/// Read, scope, match, map, merge, validate, write.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TraceStepView {
    pub title: String,
    /// `done`, `stopped`, `not_reached`.
    pub state: String,
    pub detail: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldView {
    pub label: String,
    pub highlevel_field: String,
    pub chargify_field: String,
    pub highlevel: Option<String>,
    pub base: Option<String>,
    pub chargify: Option<String>,
    /// `in_step`, `to_chargify`, `to_highlevel`, `ask`, `left_alone`, `broken`.
    pub verdict: String,
    pub detail: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistoryView {
    pub at: At,
    pub actor: String,
    pub action: String,
    pub words: String,
    pub outcome: String,
    pub changes: Vec<ChangeView>,
    pub run_number: Option<u64>,
}

/// The diff a person sees before a resync: read from both services at that moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResyncView {
    pub action: String,
    pub reason: String,
    pub changes: Vec<ChangeView>,
    /// What keeps values from travelling, in words.
    pub problems: Vec<String>,
    /// What has to be settled first, as read just now.
    pub asked: Option<QuestionView>,
    /// Whether the plan supposes an answer of the person.
    pub answers: bool,
    pub calls: u32,
    /// Stands for exactly this plan; the resync refuses when the world has moved on.
    pub seal: String,
}
