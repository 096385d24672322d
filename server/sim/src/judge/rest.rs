//! What must hold of the time after the last event.

use super::{Evidence, Violation};
use crate::services::Counts;

/// What was counted once nobody changed anything any more.
#[derive(Clone, Debug, Default)]
pub struct Rest {
    /// It never came to rest; why.
    pub restless: Option<String>,
    /// Whether a `changes` run came before the full ones and was to find everything.
    pub changes_found_all: Option<bool>,
    /// Writes of each full run after the last event.
    pub writes_of_full_runs: Vec<u64>,
    /// Of a `changes` run when there is nothing to do.
    pub idle_run: Option<Counts>,
    /// Of a while without any run.
    pub idle_time: Option<Counts>,
    /// Of one edit of a linked record, its webhook, and the echo of what was written.
    pub edit: Option<Counts>,
    /// Runs of the end that did not complete, in words.
    pub failed_runs: Vec<String>,
}

/// Calls of one edit: the record is read, its partner too where its copy may be old, and written; a read too many if the
/// echo overtakes the answer.
const EDIT_CALLS: u64 = 4;
/// Calls of a `changes` run without changes: one list of each side.
const IDLE_RUN_CALLS: u64 = 2;

pub(super) fn judge(evidence: &Evidence<'_>) -> Vec<Violation> {
    let rest = evidence.rest;
    let mut violations = Vec::new();
    if let Some(why) = &rest.restless {
        violations.push(Violation::new("everything comes to rest", why.clone()));
        return violations;
    }
    let mut calls = |words: String| violations.push(Violation::new("calls fall to zero after the last edit", words));
    if rest.writes_of_full_runs.last().is_some_and(|writes| *writes > 0) {
        calls(format!("full runs go on writing: {:?} writes", rest.writes_of_full_runs));
    }
    if let Some(run) = rest.idle_run
        && (run.all_calls() > IDLE_RUN_CALLS || run.all_writes() > 0)
    {
        calls(format!("a run without changes made {:?} calls and {:?} writes", run.calls, run.writes));
    }
    if let Some(time) = rest.idle_time
        && time.all_calls() > 0
    {
        calls(format!("{:?} calls while nobody did anything", time.calls));
    }
    if let Some(edit) = rest.edit
        && (edit.all_writes() != 1 || edit.all_calls() > EDIT_CALLS)
    {
        calls(format!("one edit made {:?} calls and {:?} writes", edit.calls, edit.writes));
    }
    if rest.changes_found_all == Some(false) {
        let words = "a full run after a run of changes found more to write";
        violations.push(Violation::new("a run of changes misses nothing", words));
    }
    for run in &rest.failed_runs {
        violations.push(Violation::new("a run in fair weather completes", run.clone()));
    }
    violations
}
