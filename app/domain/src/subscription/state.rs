//! The states a subscription can be in (Maxio Advanced Billing API reference, Subscription State, seen 2026-08).

use serde::{Deserialize, Serialize};
use std::fmt;

/// A state. One that Chargify adds some day is kept in its own word.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum State {
    Active,
    Trialing,
    /// Between two other states; it passes.
    Assessing,
    /// Between two other states; it passes.
    Pending,
    /// The merchant's own account is in arrears.
    Paused,
    PastDue,
    /// The payment gateway failed; Chargify tries again by itself.
    SoftFailure,
    Unpaid,
    Canceled,
    Expired,
    FailedToCreate,
    OnHold,
    Suspended,
    TrialEnded,
    AwaitingSignup,
    Other(String),
}

/// What a state means to whoever looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It runs.
    Good,
    /// It runs and is not paid.
    Trouble,
    /// It bills nothing (any more), for good or for now.
    Ended,
    /// It has not begun, or the state is not known to us.
    Unclear,
}

/// Every known state with its word at Chargify, its word for people, and what it means.
const STATES: [(State, &str, &str, Standing); 15] = [
    (State::Active, "active", "Active", Standing::Good),
    (State::Trialing, "trialing", "Trial", Standing::Good),
    (State::Assessing, "assessing", "Being billed", Standing::Good),
    (State::Pending, "pending", "Pending", Standing::Good),
    (State::Paused, "paused", "Paused by Chargify", Standing::Good),
    (State::PastDue, "past_due", "Past due", Standing::Trouble),
    (State::SoftFailure, "soft_failure", "Payment gateway failed", Standing::Trouble),
    (State::Unpaid, "unpaid", "Unpaid", Standing::Trouble),
    (State::Canceled, "canceled", "Canceled", Standing::Ended),
    (State::Expired, "expired", "Expired", Standing::Ended),
    (State::FailedToCreate, "failed_to_create", "Sign-up failed", Standing::Ended),
    (State::OnHold, "on_hold", "On hold", Standing::Ended),
    (State::Suspended, "suspended", "Suspended", Standing::Ended),
    (State::TrialEnded, "trial_ended", "Trial ended", Standing::Ended),
    (State::AwaitingSignup, "awaiting_signup", "Awaiting sign-up", Standing::Unclear),
];

impl State {
    fn known(&self) -> Option<&'static (Self, &'static str, &'static str, Standing)> {
        STATES.iter().find(|(state, ..)| state == self)
    }

    /// As Chargify spells it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Other(word) => word,
            known => known.known().map_or("", |(_, word, ..)| word),
        }
    }

    /// In words for people.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Other(word) => word.replace('_', " "),
            known => known.known().map_or("", |(_, _, words, _)| words).to_owned(),
        }
    }

    /// What it means.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.known().map_or(Standing::Unclear, |(.., standing)| *standing)
    }
}

impl From<String> for State {
    fn from(word: String) -> Self {
        let known = STATES.iter().find(|(_, known, ..)| *known == word);
        known.map_or(Self::Other(word), |(state, ..)| state.clone())
    }
}

impl From<&str> for State {
    fn from(word: &str) -> Self {
        Self::from(word.to_owned())
    }
}

impl From<State> for String {
    fn from(state: State) -> Self {
        state.as_str().to_owned()
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
