//! The card of a run: how far it is, and the sum of its records. Shown as it stands and, by the island, as it goes.

use domain::view::{At, PhaseView, RunLiveView, RunView};
use leptos::prelude::*;

use crate::parts::{Balance, Ending, Glyph, Ledger, Phase, Progress, RunLine, Term, Tone, counted, lasting};

/// Whether something is being done about it right now.
#[must_use]
pub fn goes_on(run: &RunView) -> bool {
    matches!(run.status.as_str(), "queued" | "reading" | "planning" | "writing")
}

/// Whether its numbers are still those of a plan: nothing of it was written.
#[must_use]
pub fn is_plan(run: &RunView) -> bool {
    run.status == "awaiting_approval" || run.mode == "dry-run"
}

/// Changes the plan would make.
#[must_use]
pub const fn changes(run: &RunView) -> u64 {
    run.to_create + run.to_update
}

/// The parts that add up to the records read.
#[must_use]
pub fn parts(run: &RunView) -> Vec<Term> {
    let counts = run.counts;
    let rows = |tab: &str| format!("?tab={tab}#records");
    let ended = |outcome: &str| format!("?tab=all&outcome={outcome}#records");
    let unsettled = counts.read.saturating_sub(counts.settled());
    // Of a plan the rows are what it would do; of a run, what became of each.
    let out = Term::ending(counts.excluded, Ending::LeftOut).href(ended("excluded"));
    let ambiguous = Term::ending(counts.ambiguous, Ending::Ambiguous).href(ended("ambiguous"));
    let parked = Term::ending(counts.parked, Ending::Parked).href(ended("parked"));
    if is_plan(run) {
        // Pairs found to agree are confirmed when the run writes: no call, and nothing changes.
        let agreeing = counts.unchanged + counts.echo + unsettled.saturating_sub(changes(run));
        return vec![
            Term::ending(run.to_create, Ending::ToCreate).href(rows("create")),
            Term::ending(run.to_update, Ending::ToUpdate).href(rows("")),
            Term::ending(agreeing, Ending::Unchanged),
            out,
            ambiguous,
            parked,
            Term::ending(counts.failed, Ending::WouldFail).href(rows("failed")),
        ];
    }
    let rest = if run.finished_at.is_some() {
        (unsettled > 0).then(|| Term::new(unsettled, "not reached", Tone::Warn, Glyph::Unreached))
    } else {
        Some(Term::ending(unsettled, Ending::ToGo))
    };
    let parts = [
        Term::ending(counts.created, Ending::Created).href(ended("created")),
        Term::ending(counts.updated, Ending::Updated).href(ended("updated")),
        Term::ending(counts.unchanged, Ending::Unchanged),
        Term::ending(counts.echo, Ending::Echo),
        out,
        ambiguous,
        parked,
        Term::ending(counts.failed, Ending::Failed).href(ended("failed")),
    ];
    parts.into_iter().chain(rest).collect()
}

/// The sum with its bar.
#[component]
pub fn Sum(run: RunView) -> impl IntoView {
    let total = Term::total(run.counts.read, "records read");
    view! { <Ledger total=total parts=parts(&run) bar=true /> }
}

/// The line under the sum.
#[component]
pub fn SumFoot(run: RunView) -> impl IntoView {
    let accounted = parts(&run).iter().map(|term| term.count).sum();
    let counts = run.counts;
    let waiting = counts.ambiguous + counts.parked;
    let note = if run.finished_at.is_none() && waiting > 0 {
        let many = "records wait for a decision and are not written.";
        counted(waiting, "record waits for a decision and is not written.", many)
    } else if run.mode == "dry-run" {
        "A dry run: nothing was written, and nothing can be.".to_owned()
    } else {
        String::new()
    };
    view! {
        <Balance read=run.counts.read accounted=accounted />
        {(!note.is_empty()).then(|| view! { <span>{note}</span> })}
    }
}

/// How far the run is, and how long it will take.
#[component]
pub fn Way(view: RunLiveView) -> impl IntoView {
    let (left, meaning) = way_words(&view);
    view! { <RunLine left=left meaning=meaning phases=phases(&view.run, view.now) /> }
}

fn way_words(view: &RunLiveView) -> (String, String) {
    let run = &view.run;
    let end = run.finished_at.unwrap_or(view.now);
    let so_far = lasting(u64::try_from(end.0 - run.queued_at.0).unwrap_or(0));
    match (run.status.as_str(), view.eta_ms) {
        ("writing", Some(eta)) => {
            let done = At(view.now.0.saturating_add(i64::try_from(eta).unwrap_or(0))).instant();
            let near = format!("{:02}:{:02}", done.hour(), done.minute());
            (about(eta), format!("left · done near {near} UTC · {so_far} so far"))
        }
        ("writing", None) => ("Nearly done".to_owned(), format!("{so_far} so far")),
        ("queued", _) => ("Queued".to_owned(), "It starts as soon as a worker is free.".to_owned()),
        ("reading", _) => ("Reading".to_owned(), format!("both sides · {so_far} so far")),
        ("planning", _) => ("Planning".to_owned(), format!("every record, without a call · {so_far} so far")),
        ("awaiting_approval", _) => ("Waits".to_owned(), "for a person to approve the plan".to_owned()),
        _ => (lasting(worked_ms(run)), format!("of work · {so_far} from the start to the end")),
    }
}

/// Time in the phases, without what was waited for a person.
fn worked_ms(run: &RunView) -> u64 {
    let end = |phase: &PhaseView| phase.finished_at.or(run.finished_at);
    let took = |phase: &PhaseView| u64::try_from(end(phase)?.0 - phase.started_at?.0).ok();
    run.phases.iter().filter_map(took).sum()
}

/// A time nobody should read to the second.
fn about(ms: u64) -> String {
    match ms / 1_000 {
        0..10 => "a few seconds".to_owned(),
        seconds @ 10..60 => format!("about {} s", seconds.div_ceil(10) * 10),
        seconds @ 60..5_400 => format!("about {} min", (seconds + 30) / 60),
        seconds => format!("about {} h", (seconds + 1_800) / 3_600),
    }
}

/// The phases in their order; those that did not begin wait, unless the run has ended without them.
fn phases(run: &RunView, now: At) -> Vec<Phase> {
    let ended = run.finished_at;
    let usual: &[&str] = if run.mode == "dry-run" { &["Read", "Plan"] } else { &["Read", "Plan", "Write"] };
    // Some runs do more after it.
    let more = run.phases.iter().map(|phase| phase.title.as_str()).filter(|title| !usual.contains(title));
    let titles: Vec<&str> = usual.iter().copied().chain(more).collect();
    let failed = run.status == "failed" || run.status == "cancelled";
    let last = run.phases.last().map(|phase| phase.title.as_str());
    titles
        .iter()
        .filter_map(|title| {
            let Some(phase) = run.phases.iter().find(|phase| phase.title == *title) else {
                return ended.is_none().then(|| Phase::new(*title, "", Progress::Waiting));
            };
            let began = phase.started_at?;
            let until = phase.finished_at.or(ended).unwrap_or(now);
            let took = lasting(u64::try_from(until.0 - began.0).unwrap_or(0));
            let progress = match (phase.finished_at, ended) {
                _ if failed && last == Some(*title) => Progress::Stopped,
                (None, None) => Progress::Going { done: phase.done, whole: phase.total },
                _ => Progress::Done,
            };
            Some(Phase::new(*title, took, progress))
        })
        .collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use domain::outcome::Counts;

    pub(in crate::pages::runs) fn run(status: &str) -> RunView {
        RunView {
            number: 7,
            run_id: String::new(),
            sync: "contacts".to_owned(),
            mode: "full".to_owned(),
            status: status.to_owned(),
            detail: None,
            mapping_version: 1,
            started_by: "Ada".to_owned(),
            approved_by: None,
            queued_at: At(0),
            finished_at: None,
            counts: Counts { read: 20, unchanged: 5, excluded: 3, ambiguous: 1, failed: 1, ..Counts::default() },
            to_create: 6,
            to_update: 2,
            planned_highlevel: 1,
            planned_chargify: 7,
            predicted_highlevel: 2,
            predicted_chargify: 9,
            predicted_ms: 900,
            calls_highlevel: 1,
            calls_chargify: 2,
            phases: Vec::new(),
            cancel_requested: false,
            left_alone: 0,
            resting: Vec::new(),
        }
    }

    fn accounted(run: &RunView) -> u64 {
        parts(run).iter().map(|term| term.count).sum()
    }

    #[test]
    fn the_sum_balances_in_every_state() {
        for status in ["awaiting_approval", "writing", "failed", "complete"] {
            let finished_at = matches!(status, "failed" | "complete").then_some(At(9));
            let run = RunView { finished_at, ..run(status) };
            assert_eq!(accounted(&run), 20, "{status}");
        }
        let dry = RunView { mode: "dry-run".to_owned(), finished_at: Some(At(9)), ..run("complete") };
        assert_eq!(accounted(&dry), 20);
    }

    #[test]
    fn a_time_left_is_told_roughly() {
        let told = [900, 12_000, 61_000, 170_000, 7_200_000].map(about);
        assert_eq!(told, ["a few seconds", "about 20 s", "about 1 min", "about 3 min", "about 2 h"]);
    }
}
