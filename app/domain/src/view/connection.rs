//! Connections as pages see them. A credential is never here, only that it is set, since when, and its last characters.

use super::At;
use crate::Side;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConnectionView {
    /// The public id: stands in addresses.
    pub id: String,
    pub name: String,
    pub side: Side,
    /// Location id or subdomain.
    pub account: String,
    pub base_url: Option<String>,
    /// `untested`, `healthy`, `refused`, `blocked`.
    pub state: String,
    pub state_detail: Option<String>,
    pub state_at: At,
    pub webhook_url: String,
    pub credentials: Vec<CredentialView>,
    pub last_check: Option<CheckView>,
    pub paused_until: Option<At>,
    pub pause_reason: Option<String>,
    pub calls_today: u64,
    pub median_ms: Option<u32>,
    pub last_webhook_at: Option<At>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CredentialView {
    /// `token`, `api_key`, `shared_key`.
    pub field: String,
    pub label: String,
    /// The last four characters.
    pub hint: String,
    pub set_at: At,
}

/// One test of a connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckView {
    pub passed: bool,
    pub checked_at: At,
    pub steps: Vec<CheckStepView>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckStepView {
    /// "Name resolves", "Read contacts", …
    pub title: String,
    pub state: StepState,
    /// What was found, and when it failed what to do.
    pub detail: String,
    pub status: Option<u16>,
    pub took_ms: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepState {
    Passed,
    /// Works, with something to know.
    Warned,
    Failed,
    /// An earlier step failed.
    Skipped,
}
