//! The engine's error: what failed, by class, so that callers decide by variant and never by text.

use domain::Side;
use std::time::Duration;

pub type Result<T, E = EngineError> = std::result::Result<T, E>;

/// Why a use case did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error("no such {0}")]
    NotFound(&'static str),
    /// Somebody was faster, or it was done before: nothing changed now.
    #[error("already done")]
    AlreadyDone,
    /// The input breaks rules; each line names the field and says what to do.
    #[error("invalid: {}", .0.join("; "))]
    Invalid(Vec<String>),
    #[error("not allowed: needs the right to {0}")]
    NotAllowed(&'static str),
    /// Nobody is signed in, or the session ended.
    #[error("not signed in")]
    NotSignedIn,
    #[error("too many attempts")]
    Throttled { retry_after: Duration },
    #[error("{side} answered: {class}")]
    Upstream { side: Side, class: UpstreamClass, detail: String },
    #[error("database")]
    Database(#[from] sqlx::Error),
    /// A sealed value does not open: the secret key is another one, or the row was changed.
    #[error("cannot open a sealed value: {0}")]
    Sealed(&'static str),
    /// An invariant of ours does not hold.
    #[error("bug: {0}")]
    Bug(&'static str),
}

impl EngineError {
    /// In words for the run it ended.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Upstream { side, class, detail } => format!("{}: {class}. {detail}", side.label()),
            other => other.to_string(),
        }
    }

    /// Whether the database is only away for a moment, or others were in the way: the same again may well succeed.
    pub(crate) fn is_passing(&self) -> bool {
        let Self::Database(error) = self else { return false };
        match error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => true,
            // Connection lost, rolled back for others' sake, out of resources, being shut down, a standby for now
            // (PostgreSQL documentation, appendix A, error codes).
            sqlx::Error::Database(error) => error.code().is_some_and(|code| {
                ["08", "40", "53", "57"].iter().any(|class| code.starts_with(class))
                    || matches!(&*code, "55P03" | "25006")
            }),
            _ => false,
        }
    }

    /// One broken rule.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid(vec![message.into()])
    }
}

/// What an answer of a remote service means for the work at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpstreamClass {
    /// The credential is refused: park the work, alert.
    Auth,
    /// The credential is good but lacks a permission or belongs to another account.
    Permission,
    /// Too much: the lane pauses.
    Rate { retry_after: Option<Duration> },
    /// The record is not there.
    NotFound,
    /// The request breaks a rule of theirs; trying again changes nothing.
    Rejected,
    /// The whole account is blocked by the service: pause the connection.
    AccountBlocked,
    /// Refused before anything was done (connection failed, 503 before processing): safe to try again.
    Unavailable,
    /// It may or may not have been done: look before trying again.
    Ambiguous,
    /// The answer cannot be understood.
    Malformed,
}

impl std::fmt::Display for UpstreamClass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Auth => "credential refused",
            Self::Permission => "permission missing",
            Self::Rate { .. } => "too many requests",
            Self::NotFound => "not found",
            Self::Rejected => "rejected",
            Self::AccountBlocked => "account blocked",
            Self::Unavailable => "unavailable",
            Self::Ambiguous => "outcome unknown",
            Self::Malformed => "answer not understood",
        })
    }
}
