//! The right to have one request in flight. Who gives it out, and how many, is decided outside of the clients.

use super::CallError;
use futures::future::BoxFuture;

/// How urgent a call is. Smaller goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// A webhook or a click: somebody waits.
    Live,
    /// A new record that somebody will look for soon.
    Provisioning,
    /// Runs over many records.
    Bulk,
    /// Reconciling and other work nobody waits for.
    Background,
}

impl Priority {
    /// As stored: 0 live, 1 provisioning, 2 bulk, 3 background.
    #[must_use]
    pub const fn rank(self) -> i16 {
        match self {
            Self::Live => 0,
            Self::Provisioning => 1,
            Self::Bulk => 2,
            Self::Background => 3,
        }
    }
}

/// One request may be in flight while this lives. Dropped when the call has ended, whatever its outcome.
pub struct Permit {
    _guard: Box<dyn Send>,
}

impl Permit {
    /// A permit that gives `guard` back when it is dropped.
    #[must_use]
    pub fn holding(guard: impl Send + 'static) -> Self {
        Self { _guard: Box::new(guard) }
    }
}

impl std::fmt::Debug for Permit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Permit")
    }
}

/// Gives out permits for one account.
pub trait Gate: Send + Sync {
    /// Waits until one more request may leave.
    ///
    /// # Errors
    /// When none will be given for now: the lane is paused, or the caller's work was cancelled.
    fn enter(&self, priority: Priority) -> BoxFuture<'_, Result<Permit, CallError>>;
}

/// A gate that is always open: for GoHighLevel, which counts calls instead of requests in flight, and for tests.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenGate;

impl Gate for OpenGate {
    fn enter(&self, _priority: Priority) -> BoxFuture<'_, Result<Permit, CallError>> {
        Box::pin(std::future::ready(Ok(Permit::holding(()))))
    }
}
