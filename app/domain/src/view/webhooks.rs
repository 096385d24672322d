//! How the webhooks of a connection are doing, as pages and commands show it.

use super::At;
use crate::Side;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WebhooksView {
    /// The connection's public id and name.
    pub id: String,
    pub name: String,
    pub side: Side,
    /// Where the service has to send them.
    pub url: String,
    /// Concord registers the endpoint by itself and puts it right.
    pub registers: bool,
    pub endpoint: EndpointState,
    pub endpoint_at: Option<At>,
    pub test: Option<SelfTestView>,
    /// Found undelivered by the last look, and when that was.
    pub missed: Option<(u64, At)>,
    /// Asked for by the last fetch, and when that was.
    pub fetched: Option<(u64, At)>,
    pub hearing: HearingView,
    pub last_at: Option<At>,
    /// Why the last look failed.
    pub trouble: Option<String>,
    /// Syncs of the connection that are switched on, each with when it reads changes by itself; `None`: never.
    pub read_by: Vec<(String, Option<String>)>,
}

/// Our endpoint at the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EndpointState {
    /// Nobody looked yet; or the service shows none.
    Unknown,
    Missing,
    Enabled,
    /// Webhooks are made but not sent.
    Paused,
    /// Webhooks are not even made.
    Disabled,
}

impl EndpointState {
    /// As stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Missing => "missing",
            Self::Enabled => "enabled",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
        }
    }

    /// The state of that name; what the service calls otherwise is not known.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let states = [Self::Missing, Self::Enabled, Self::Paused, Self::Disabled];
        states.into_iter().find(|state| state.as_str() == name).unwrap_or(Self::Unknown)
    }

    /// Webhooks do not come.
    #[must_use]
    pub const fn is_stopped(self) -> bool {
        matches!(self, Self::Paused | Self::Disabled)
    }
}

/// A signed webhook that we sent to our own public address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SelfTestView {
    pub passed: bool,
    /// What was found, and when it failed what to do.
    pub detail: String,
    pub at: At,
}

/// Whether it is odd that none comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HearingView {
    Never,
    Learning,
    Usual,
    /// As many at least were to be expected since the last one.
    Silent(u64),
}
