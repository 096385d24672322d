//! The way of one record through the rules, in the words a person asks for: read, scope, match, map, merge, validate, write.

use crate::sync::Planned;
use domain::{
    plan::{Action, ReasonCode},
    view::TraceStepView,
};

/// The steps in order.
const STEPS: [&str; 7] = ["Read", "Scope", "Match", "Map", "Merge", "Validate", "Write"];

/// The question above the trace, its answer, and the steps with the one that stopped it. `refused` says what became of
/// the last write, where a service did not take it.
pub(super) fn of(planned: &Planned, linked: bool, refused: Option<&str>) -> (String, String, Vec<TraceStepView>) {
    let refused = refused.filter(|_| planned.item.action.is_write());
    let stop = match (stopped_at(planned), refused) {
        (Some(stop), _) => Some((stop, planned.item.reason.words.clone())),
        (None, Some(refused)) => Some((STEPS.len() - 1, refused.to_owned())),
        (None, None) => None,
    };
    let steps = STEPS
        .iter()
        .enumerate()
        .map(|(index, title)| {
            let (state, detail) = match &stop {
                Some((stop, why)) if index == *stop => ("stopped", why.clone()),
                Some((stop, _)) if index > *stop => ("not_reached", "not reached".to_owned()),
                _ => ("done", done_words(index, planned, linked)),
            };
            TraceStepView { title: (*title).to_owned(), state: state.to_owned(), detail }
        })
        .collect();
    let (question, answer) = headline(planned, stop.map(|(_, why)| why), refused.is_some());
    (question, answer, steps)
}

fn headline(planned: &Planned, stopped: Option<String>, refused: bool) -> (String, String) {
    if let Some(why) = stopped {
        let next = if refused { " A resync tries again, and shows what it would write first." } else { "" };
        return ("Why is it not in step?".to_owned(), format!("{}{next}", sentence(&why)));
    }
    if planned.item.action.is_write() {
        let count = planned.item.changes.len();
        let fields = if count == 1 { "1 field differs".to_owned() } else { format!("{count} fields differ") };
        return ("Is it in step?".to_owned(), format!("Not yet: {fields}. A resync shows what it would write first."));
    }
    ("Is it in step?".to_owned(), sentence(&planned.item.reason.words))
}

/// The step that stops the record, if one does.
fn stopped_at(planned: &Planned) -> Option<usize> {
    let step = match planned.item.action {
        Action::Exclude => match planned.item.reason.code {
            ReasonCode::RequiredMissing | ReasonCode::EmailMalformed => "Validate",
            ReasonCode::ContactGone | ReasonCode::CustomerGone | ReasonCode::NotRead => "Read",
            ReasonCode::CreateContactsOff | ReasonCode::LeftOutByPerson => "Match",
            _ => "Scope",
        },
        Action::Ambiguous | Action::Hold => "Match",
        Action::Conflict => "Merge",
        Action::Fail => "Validate",
        Action::Unlink => "Read",
        _ => return None,
    };
    STEPS.iter().position(|title| *title == step)
}

fn done_words(index: usize, planned: &Planned, linked: bool) -> String {
    let writes = planned.item.changes.len();
    match index {
        0 => match (&planned.contact, &planned.customer) {
            (Some(_), Some(_)) => "Both sides are known".to_owned(),
            (Some(_), None) => "Only GoHighLevel has it".to_owned(),
            _ => "Only Chargify has it".to_owned(),
        },
        1 => "Takes part".to_owned(),
        2 if linked => "Existing link".to_owned(),
        2 => match planned.customer {
            Some(_) => format!("Found by {}", planned.matched_by()),
            None => "No partner yet".to_owned(),
        },
        3 => format!("{} fields", planned.item.base_after.0.len()),
        4 if writes == 0 => "Nothing differs".to_owned(),
        4 if writes == 1 => "1 field differs".to_owned(),
        4 => format!("{writes} fields differ"),
        5 => "Accepted".to_owned(),
        _ if planned.item.action.is_write() => "Would be written".to_owned(),
        _ => "Nothing to write".to_owned(),
    }
}

/// A reason as a sentence.
pub(super) fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), letters.as_str().trim_end_matches('.')),
        None => String::new(),
    }
}
