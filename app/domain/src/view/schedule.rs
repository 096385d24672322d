//! When a sync runs by itself, as pages see it.

use super::At;
use crate::schedule::ScheduleText;
use serde::{Deserialize, Serialize};

/// The schedule of a sync, whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScheduleView {
    pub sync: String,
    /// Whether the sync is switched on: else nothing starts.
    pub enabled: bool,
    pub text: ScheduleText,
    /// `Berlin time`.
    pub zone_label: String,
    pub changes: TimingView,
    pub full: TimingView,
    /// Number of the run that what is due waits for.
    pub open_run: Option<u64>,
    /// Names of time zones to choose from.
    pub zones: Vec<String>,
}

/// One timing of a schedule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TimingView {
    /// `every day at 02:00, Berlin time`; `None`: off.
    pub words: Option<String>,
    /// Since when a start is due and held up.
    pub overdue_at: Option<At>,
    /// The next starts.
    pub upcoming: Vec<StartView>,
}

/// A start to come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StartView {
    pub at: At,
    /// By the wall clock of the schedule's zone: `Sun 29 Mar 2026, 03:00`.
    pub local: String,
}

/// A schedule in a few words.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ScheduleBriefView {
    /// The timings in plain words; `None`: off.
    pub changes: Option<String>,
    pub full: Option<String>,
    /// `22:00-06:00`.
    pub quiet: Option<String>,
    /// `changes` or `full`, and when it is due; in the past while it is held up. `None` too while the sync is switched off.
    pub next: Option<(String, At)>,
}

/// What the form of a schedule sends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleDraft {
    /// `off`, a preset, or `cron`: then the line beside it counts.
    pub changes: String,
    #[serde(default)]
    pub changes_cron: String,
    pub full: String,
    #[serde(default)]
    pub full_cron: String,
    #[serde(default)]
    pub zone: String,
    #[serde(default)]
    pub quiet: String,
    /// Why; stands in the audit trail.
    #[serde(default)]
    pub reason: String,
    /// The button: `show` only shows the starts, everything else saves.
    #[serde(default)]
    pub press: String,
}
