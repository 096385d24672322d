//! The audit trail as pages see it.

use super::{At, run::ChangeView};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditLineView {
    pub line_no: u64,
    pub at: At,
    pub actor: String,
    pub actor_name: String,
    /// Machine name such as `connection.added`; `words` says it in a sentence.
    pub action: String,
    pub words: String,
    pub subject: String,
    pub subject_name: String,
    pub outcome: String,
    pub changes: Vec<ChangeView>,
    pub run_number: Option<u64>,
    pub contact_id: Option<String>,
    pub customer_id: Option<String>,
    /// Hex.
    pub hash: String,
    pub previous_hash: String,
    /// The stored detail as JSON text; one press away, never first.
    pub detail: String,
}

/// Every offered filter. Empty text means "any".
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AuditFilter {
    #[serde(default)]
    pub actor: String,
    #[serde(default)]
    pub action: String,
    #[serde(default)]
    pub outcome: String,
    /// A record id of either side.
    #[serde(default)]
    pub record: String,
    /// `YYYY-MM-DD`, inclusive, UTC.
    #[serde(default)]
    pub from: String,
    #[serde(default)]
    pub until: String,
    /// Keyset: lines before this number; 0 from the newest.
    #[serde(default)]
    pub before: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditPageView {
    pub lines: Vec<AuditLineView>,
    pub next: Option<u64>,
    /// What can be chosen in the filters.
    pub actors: Vec<(String, String)>,
    pub actions: Vec<String>,
    pub total: u64,
}
