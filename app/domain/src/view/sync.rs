//! Syncs and their mapping as pages see them.

use super::{At, ScheduleBriefView};
use crate::deletes::Effect;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SyncView {
    pub name: String,
    pub highlevel: String,
    pub chargify: String,
    pub enabled: bool,
    pub slots: u8,
    pub require_email: bool,
    pub only_tag: Option<String>,
    pub not_tag: Option<String>,
    /// Which rules may find a partner, and what stands before the contact id in a customer's `reference`.
    pub match_reference: bool,
    pub match_email: bool,
    pub match_phone_name: bool,
    pub prefix: Option<String>,
    pub create_contacts: bool,
    pub write_reference: bool,
    /// Whether notes, tasks and appointments become subscription notes.
    #[serde(default)]
    pub carry_notes: bool,
    #[serde(default)]
    pub carry_tasks: bool,
    #[serde(default)]
    pub carry_appointments: bool,
    /// What becomes of the customer of a deleted contact, and of the contact of a deleted customer.
    #[serde(default)]
    pub contact_deleted: Effect,
    #[serde(default)]
    pub customer_deleted: Effect,
    pub mapping_version: u32,
    pub rules: Vec<RuleView>,
    pub links: u64,
    pub contacts: u64,
    pub customers: u64,
    pub waiting: u64,
    pub written_today: u64,
    /// Number, mode and status of the last run.
    pub last_run: Option<(u64, String, String)>,
    pub last_run_at: Option<At>,
    /// Number of the run under way or waiting for approval.
    pub open_run: Option<u64>,
    pub schedule: ScheduleBriefView,
}

/// A mapping row. Every word as in the configuration file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleView {
    pub highlevel: String,
    pub highlevel_label: String,
    pub chargify: String,
    pub chargify_label: String,
    /// `both`, `to_chargify`, `to_highlevel`.
    pub direction: String,
    /// `newest`, `highlevel`, `chargify`, `fill_empty`, `ask`.
    pub conflict: String,
    /// `copy_empties`, `never_clear`, `clear_only_ours`.
    pub empty: String,
    /// The transform chain in its text form, steps joined by ` | `.
    pub transform: String,
    /// Required in Chargify: the row cannot be removed.
    pub locked: bool,
    /// Why the rule rests although it is there: a field of it is gone.
    #[serde(default)]
    pub rests: Option<String>,
    /// A value of a real record, when some were read.
    pub highlevel_sample: Option<String>,
    pub chargify_sample: Option<String>,
}

/// A field one can choose.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldChoiceView {
    pub key: String,
    pub label: String,
    /// What it holds, in words.
    #[serde(default)]
    pub kind: String,
    /// Why it can only be read, if so.
    pub read_only: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MappingVersionView {
    pub version: u32,
    pub author: String,
    pub reason: String,
    pub created_at: At,
}

/// What the form of a new sync sends.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SyncDraft {
    pub name: String,
    /// Names of connections.
    pub highlevel: String,
    pub chargify: String,
    #[serde(default)]
    pub require_email: bool,
    #[serde(default)]
    pub only_tag: String,
    #[serde(default)]
    pub not_tag: String,
    #[serde(default)]
    pub create_contacts: bool,
    pub slots: u8,
}

/// What the form of a sync's settings sends. A box that is not ticked is not sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsDraft {
    #[serde(default)]
    pub require_email: bool,
    #[serde(default)]
    pub only_tag: String,
    #[serde(default)]
    pub not_tag: String,
    #[serde(default)]
    pub match_reference: bool,
    #[serde(default)]
    pub match_email: bool,
    #[serde(default)]
    pub match_phone_name: bool,
    #[serde(default)]
    pub prefix: String,
    #[serde(default)]
    pub create_contacts: bool,
    #[serde(default)]
    pub write_reference: bool,
    #[serde(default)]
    pub carry_notes: bool,
    #[serde(default)]
    pub carry_tasks: bool,
    #[serde(default)]
    pub carry_appointments: bool,
    #[serde(default)]
    pub contact_deleted: Effect,
    #[serde(default)]
    pub customer_deleted: Effect,
    pub slots: u16,
    /// Why; stands in the audit trail.
    #[serde(default)]
    pub reason: String,
}
