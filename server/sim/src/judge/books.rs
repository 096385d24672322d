//! What must hold between what Concord has written down and what it did.

use super::{Evidence, Violation};
use crate::{fields::PAIRS, ledger::Write};
use domain::Side;

/// A contact is looked for so shortly before it is made: between the two there may be pauses of the lane.
const LOOKED_MS: u64 = 20 * 60_000;

pub(super) fn judge(evidence: &Evidence<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    every_write_is_journalled(evidence, &mut violations);
    runs_write_by_the_rules_in_force(evidence, &mut violations);
    contacts_are_looked_for(evidence, &mut violations);
    for record in &evidence.books.twins {
        let words = format!("two jobs about {record} ran at the same time");
        violations.push(Violation::new("one job about a record at a time", words));
    }
    violations
}

/// The id of the record that a write changes. `None`: it makes one.
fn changed_id(write: &Write) -> Option<&str> {
    let mut parts = write.path.trim_start_matches('/').split('/').skip(1);
    parts.next().map(|id| id.trim_end_matches(".json")).filter(|id| !id.is_empty())
}

/// A write that left is in the journal, whatever became of it.
fn every_write_is_journalled(evidence: &Evidence<'_>, violations: &mut Vec<Violation>) {
    let is_journalled = |write: &Write| {
        let mut same_side = evidence.books.intents.iter().filter(|intent| intent.side == write.side);
        match changed_id(write) {
            Some(id) => same_side.any(|intent| intent.key == id),
            None => same_side.next().is_some(),
        }
    };
    if let Some(write) = evidence.ledger.writes.iter().find(|write| !is_journalled(write)) {
        let words = format!("{} {} at {} s is in no journal", write.side, write.path, write.shot.sent_ms / 1_000);
        violations.push(Violation::new("a write is journalled before it leaves", words));
    }
}

/// A run that begins to write after the mapping was edited writes by the edited one, or not at all.
fn runs_write_by_the_rules_in_force(evidence: &Evidence<'_>, violations: &mut Vec<Violation>) {
    if evidence.clocks_jumped {
        return;
    }
    for run in &evidence.books.runs {
        let Some(from) = run.writes_from else { continue };
        let from_ms = u64::try_from((from - evidence.start).whole_milliseconds()).unwrap_or(0);
        let Some((_, rules)) = evidence.mapping.iter().rev().find(|(since_ms, _)| *since_ms < from_ms) else {
            continue;
        };
        let is_mapped = |side: Side, field: &str| {
            let place = PAIRS.iter().position(|pair| pair.on(side) == field);
            place.is_none_or(|place| rules.iter().any(|rule| rule.place == place))
        };
        let own = evidence.books.intents.iter().filter(|intent| intent.run == Some(run.number));
        let mut fields = own.flat_map(|intent| intent.fields.iter().map(move |field| (intent, field)));
        if let Some((intent, field)) = fields.find(|(intent, field)| !is_mapped(intent.side, field)) {
            let words = format!(
                "run {} began to write at {} s, when no rule named {field} any more, and wrote it to {} {}",
                run.number,
                from_ms / 1_000,
                intent.side.noun(),
                intent.key
            );
            violations.push(Violation::new("a run writes by the rules in force", words));
        }
    }
}

/// GoHighLevel may take the same person twice: whoever makes a contact has asked before.
fn contacts_are_looked_for(evidence: &Evidence<'_>, violations: &mut Vec<Violation>) {
    let made =
        evidence.ledger.writes.iter().filter(|write| write.side == Side::Highlevel && changed_id(write).is_none());
    for write in made {
        let asked = evidence.ledger.heard.iter().any(|call| {
            call.looks
                && call.node == write.node
                && call.heard_ms <= write.shot.sent_ms
                && call.heard_ms + LOOKED_MS >= write.shot.sent_ms
        });
        if !asked {
            let words = format!("node {} made one at {} s without", write.node, write.shot.sent_ms / 1_000);
            violations.push(Violation::new("a contact is looked for before it is made", words));
            return;
        }
    }
}
