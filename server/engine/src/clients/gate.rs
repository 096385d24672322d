//! The right to have one request in flight. Who gives it out, and how many, is decided outside of the clients.

use super::CallError;
use futures::future::BoxFuture;
use std::time::Duration;

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

/// What a permit holds; told how the call ended before it is dropped.
pub trait Hold: Send {
    /// The service answered without complaint about the pace.
    fn went_well(&self) {}

    /// The service asked for fewer requests, in these words.
    fn too_many(&self, _retry_after: Option<Duration>, _words: &str) {}
}

struct Plain<T> {
    _guard: T,
}

impl<T: Send> Hold for Plain<T> {}

/// One request may be in flight while this lives. Dropped when the call has ended, whatever its outcome.
pub struct Permit {
    hold: Option<Box<dyn Hold>>,
}

impl Permit {
    /// A permit that gives `guard` back when it is dropped.
    #[must_use]
    pub fn holding(guard: impl Send + 'static) -> Self {
        Self::of(Plain { _guard: guard })
    }

    /// A permit that tells `hold` how the call ended, and gives it back when it is dropped.
    #[must_use]
    pub fn of(hold: impl Hold + 'static) -> Self {
        Self { hold: Some(Box::new(hold)) }
    }

    /// A permit where requests in flight are not counted.
    #[must_use]
    pub const fn uncounted() -> Self {
        Self { hold: None }
    }

    /// Whether it keeps anybody else from sending.
    pub(super) const fn is_counted(&self) -> bool {
        self.hold.is_some()
    }

    pub(super) fn hold(&self) -> Option<&dyn Hold> {
        self.hold.as_deref()
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
        Box::pin(std::future::ready(Ok(Permit::uncounted())))
    }
}
