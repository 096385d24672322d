//! Makes a failing history smaller: leaves out events, people and trouble for as long as the same invariant breaks.

use crate::{history::History, outcome::play};

/// Histories tried at most: a person waits.
const TRIES: usize = 600;

/// The smallest history found that still breaks the named invariant, and how many were tried.
#[must_use]
pub fn shrink(history: &History, name: &str) -> (History, usize) {
    let mut smallest = history.clone();
    let mut tries = 0;
    let mut fails = |history: &History| {
        tries += 1;
        tries <= TRIES && play(history, false).violations.iter().any(|violation| violation.name == name)
    };
    let mut size = smallest.events.len().div_ceil(2);
    while size > 0 {
        let mut at = 0;
        while at < smallest.events.len() {
            let mut fewer = smallest.clone();
            let end = (at + size).min(fewer.events.len());
            // Time goes on as it did: what was left out leaves its gap to the next.
            let gap_ms: u64 = fewer.events.drain(at..end).map(|event| event.gap_ms).sum();
            if let Some(next) = fewer.events.get_mut(at) {
                next.gap_ms += gap_ms;
            }
            if fails(&fewer) {
                smallest = fewer;
            } else {
                at += size;
            }
        }
        size /= 2;
    }
    let mut at = smallest.plan.people.len();
    while at > 0 {
        at -= 1;
        let mut fewer = smallest.clone();
        fewer.plan.people.remove(at);
        if fails(&fewer) {
            smallest = fewer;
        }
    }
    for calmer in CALMER {
        let mut fewer = smallest.clone();
        calmer(&mut fewer);
        if fails(&fewer) {
            smallest = fewer;
        }
    }
    (smallest, tries)
}

/// What can be taken away from a plan besides people.
const CALMER: [fn(&mut History); 7] = [
    |history| history.plan.crowd = 0,
    |history| history.plan.post = Default::default(),
    |history| history.plan.nodes = 1,
    |history| history.plan.index_lag_s = 0,
    |history| history.plan.event_lag_s = 0,
    |history| history.plan.create_contacts = false,
    |history| history.plan.write_reference = false,
];
