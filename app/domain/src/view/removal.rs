//! Records that wait to be deleted because their partners were, as pages see them.

use super::At;
use crate::side::Side;
use serde::{Deserialize, Serialize};

/// One record that is asked about, or was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RemovalView {
    pub id: String,
    pub sync: String,
    pub side: Side,
    pub remote_id: String,
    /// Its partner, which was deleted.
    pub gone_id: String,
    pub name: String,
    pub email: Option<String>,
    /// Why it is asked about.
    pub reason: String,
    /// `waiting`, `approved`, `done`, `refused`, `withdrawn` or `failed`.
    pub state: String,
    /// What came of it, or why it is asked again.
    pub detail: Option<String>,
    pub asked_at: At,
    /// Who decided, and when.
    pub decided: Option<(String, At)>,
}

/// Those that wait, the oldest first, and the last that do not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RemovalPageView {
    pub waiting: Vec<RemovalView>,
    /// How many wait, shown or not.
    pub total: u64,
    /// With more than so many at once the number has to be typed.
    pub typed_beyond: u64,
    pub settled: Vec<RemovalView>,
}

/// Which of those that wait are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RemovalDraft {
    /// One of them; empty: all.
    pub id: String,
    /// How many the page showed, where all are meant.
    pub shown: u64,
    /// The number as typed, where there are many.
    pub typed: String,
}
