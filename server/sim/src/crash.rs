//! Every place at which a process can die: a short history is played again and again, and each time the node dies one step
//! later. A step is an operation of the store, before and after it, a call, its answer, or a webhook.

use crate::{
    history::{Event, History, Mode, On, Person, Plan, Post, Rule, What, Wish},
    outcome::{Outcome, play},
};
use domain::{
    Side,
    mapping::{Conflict, Direction},
};

/// The short histories: a first run, then what people do on both sides, and a run of changes.
pub const COURSES: usize = 2;

/// One course, in which the first node dies at that step.
#[must_use]
pub fn history(course: usize, step: u64) -> History {
    let crash = Event { no: 1, gap_ms: 0, what: What::Crash { node: 0, after: step } };
    let run = |no, gap_ms, mode| Event { no, gap_ms, what: What::Run { mode, approval: Wish::Granted } };
    let edit = |no, gap_ms, side, who, place| Event { no, gap_ms, what: What::Edit { side, who, place, clear: false } };
    let add = |no, gap_ms, side| Event { no, gap_ms, what: What::Create { side, complete: true } };
    let (contacts, customers) = (Side::Highlevel, Side::Chargify);
    let events = match course {
        0 => vec![crash, run(2, 500, Mode::Full), edit(3, 300, contacts, 1, 4), edit(4, 2_000, customers, 0, 5)],
        _ => vec![
            run(2, 500, Mode::Full),
            Event { gap_ms: 5_000, ..crash },
            edit(3, 100, contacts, 0, 3),
            edit(4, 50, customers, 1, 4),
            add(5, 1_500, contacts),
            edit(6, 100, contacts, 1, 0),
            run(7, 200, Mode::Changes),
            add(8, 1_000, customers),
        ],
    };
    // Away from every seed that is drawn.
    let seed = 9_000_000 + course as u64;
    History { seed, plan: plan(), events }
}

fn plan() -> Plan {
    let person =
        |no, on, differs_in| Person { on, no, email_no: Some(no), has_last_name: true, differs_in, referenced: false };
    let rule = |place| Rule { place, direction: Direction::Both, conflict: Conflict::Highlevel };
    Plan {
        people: vec![
            person(9_000, On::Highlevel, None),
            person(9_001, On::Both, Some(5)),
            person(9_002, On::Chargify, None),
        ],
        rules: (0..crate::fields::PAIRS.len()).map(rule).collect(),
        nodes: 1,
        slots: 2,
        create_contacts: true,
        write_reference: true,
        allow_duplicates: true,
        latency_ms: (100, 100),
        index_lag_s: 1,
        event_lag_s: 1,
        crowd: 0,
        post: Post::default(),
    }
}

/// Plays a course with a death at that step. `None`: the node takes no such step.
#[must_use]
pub fn die_at(course: usize, step: u64) -> Option<Outcome> {
    let outcome = play(&history(course, step), false);
    outcome.counts.contains_key("nodes died").then_some(outcome)
}
