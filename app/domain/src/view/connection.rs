//! Connections as pages see them. A credential is never here, only that it is set, since when, and its last characters.

use super::At;
use crate::{Side, denial::Denial, limits};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

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
    /// `None`: calls are made with a private token or an API key.
    pub app: Option<AppView>,
}

impl ConnectionView {
    /// How many days its private token has, once that is too many.
    #[must_use]
    pub fn old_token_days(&self, now: OffsetDateTime) -> Option<i64> {
        let token = self.credentials.iter().find(|credential| credential.field == "token")?;
        let days = (now - token.set_at.instant()).whole_days();
        (days >= limits::PRIVATE_TOKEN_DAYS).then_some(days)
    }

    /// Why GoHighLevel says no to all of it, while it does.
    #[must_use]
    pub fn denial(&self) -> Option<Denial> {
        match (&self.app, self.state.as_str()) {
            (Some(app), _) if app.standing == "waiting" => Some(Denial::NotInstalled),
            (_, "refused") => self.state_detail.as_deref().and_then(Denial::told),
            _ => None,
        }
    }
}

/// The app of the Marketplace that a connection calls with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AppView {
    pub client_id: String,
    pub version_id: Option<String>,
    pub chooser_url: Option<String>,
    /// `waiting`, `installed`, `ended`, `uninstalled`.
    pub standing: String,
    /// Whether a whole agency installed it.
    pub of_agency: bool,
    pub installed_at: Option<At>,
    /// When its present token ends; it is renewed before.
    pub expires_at: Option<At>,
    /// What the app's settings must name as the place to come back to.
    pub callback_url: String,
    /// What it must be permitted.
    pub scopes: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CredentialView {
    /// `token`, `api_key`, `shared_key`, `client_secret`, `workflow_secret`.
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
