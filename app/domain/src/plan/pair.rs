//! All fields of a pair of records, merged until nothing is left to do.

use super::{Change, FieldConflict, PlanInput};
use crate::mapping::Rule;
use crate::merge::{Base, Merged, Merging, Sides, Why, merge};
use crate::problem::Problem;
use crate::record::Record;
use crate::side::Side;

/// Rounds after which rules that keep rewriting each other's fields are given up. A template that reads a field which
/// another rule fills needs two.
const ROUNDS: usize = 4;

/// A merged pair.
pub(super) struct Pair {
    pub(super) changes: Vec<Change>,
    pub(super) conflicts: Vec<FieldConflict>,
    pub(super) problems: Vec<Problem>,
    pub(super) base: Base,
    /// True when no field differs from what was agreed: all that was heard is known already.
    pub(super) quiet: bool,
    /// False when the rules contradict each other and never come to an end.
    pub(super) settled: bool,
}

/// Merges all mapped fields. What one rule writes another may read, so it is done again on the result until a round
/// writes nothing; the changes are then from the records as read to the last result.
pub(super) fn merge_pair(input: &PlanInput<'_>, contact: &Record, customer: &Record) -> Pair {
    let mut contact_after = contact.clone();
    let mut customer_after = customer.clone();
    let mut base = input.link.map(|link| link.base.clone()).unwrap_or_default();
    let mut pair = Pair {
        changes: Vec::new(),
        conflicts: Vec::new(),
        problems: Vec::new(),
        base: Base::default(),
        quiet: true,
        settled: false,
    };
    for _ in 0..ROUNDS {
        let merged = merge_round(input, &contact_after, &customer_after, &base);
        let mut wrote = false;
        let mut broken = Vec::new();
        for (index, merging) in merged.into_iter().enumerate() {
            let Some(rule) = input.policy.mapping.rules.get(index) else { continue };
            let before = base.0.get(&rule.key());
            pair.quiet &= merging.base.as_ref() == before
                && matches!(merging.merged, Merged::Agree | Merged::Nothing(Why::Absent | Why::NotRead));
            pair.problems.extend(merging.remarks);
            match merging.merged {
                Merged::Write { to, after, .. } => {
                    wrote = true;
                    let record = if to == Side::Highlevel { &mut contact_after } else { &mut customer_after };
                    record.set(rule.field(to).clone(), after);
                }
                Merged::Conflict { base, highlevel, chargify } => {
                    if !pair.conflicts.iter().any(|conflict| conflict.rule == rule.key()) {
                        pair.conflicts.push(FieldConflict { rule: rule.key(), base, highlevel, chargify });
                    }
                }
                Merged::Broken(problems) => broken.extend(problems),
                Merged::Agree | Merged::Nothing(_) => {}
            }
            if let Some(agreed) = merging.base {
                base.0.insert(rule.key(), agreed);
            }
        }
        if !wrote {
            pair.problems.extend(broken);
            pair.settled = true;
            break;
        }
    }
    pair.base = base;
    pair.problems.sort();
    pair.problems.dedup();
    pair.changes = differences(input, (contact, &contact_after), (customer, &customer_after));
    pair
}

fn merge_round(input: &PlanInput<'_>, contact: &Record, customer: &Record, base: &Base) -> Vec<Merging> {
    let one = |rule: &Rule| {
        let sides = Sides {
            rule,
            highlevel: contact,
            chargify: customer,
            base: base.0.get(&rule.key()),
            catalogue: &input.policy.catalogue,
            decided: None,
        };
        let asked = merge(&sides);
        let choice = input.decision.and_then(|decision| decision.fields.get(&rule.key()));
        match (&asked.merged, choice) {
            (Merged::Conflict { highlevel, chargify, .. }, Some(choice)) if choice.is_about(highlevel, chargify) => {
                answered(&sides, choice.keep, asked)
            }
            _ => asked,
        }
    };
    input.policy.mapping.rules.iter().map(one).collect()
}

/// The field as the person wants it. A value that cannot travel leaves the question open, and says why.
fn answered(sides: &Sides<'_>, keep: Side, asked: Merging) -> Merging {
    let answer = merge(&Sides { decided: Some(keep), ..*sides });
    match answer.merged {
        Merged::Broken(problems) => Merging { remarks: problems, ..asked },
        _ => answer,
    }
}

/// What has to be written to turn the records as read into the last result.
fn differences(
    input: &PlanInput<'_>,
    (contact, contact_after): (&Record, &Record),
    (customer, customer_after): (&Record, &Record),
) -> Vec<Change> {
    let mut changes: Vec<Change> = Vec::new();
    for rule in &input.policy.mapping.rules {
        for (before, after) in [(contact, contact_after), (customer, customer_after)] {
            let side = before.side;
            let field = rule.field(side);
            let known = changes.iter().any(|change| change.side == side && change.field == *field);
            let (old, new) = (before.get(field.as_str()), after.get(field.as_str()));
            if old == new || known || !rule.direction.allows(side) {
                continue;
            }
            changes.push(Change {
                rule: rule.key(),
                side,
                field: field.clone(),
                before: old.cloned().unwrap_or_default(),
                after: new.cloned().unwrap_or_default(),
            });
        }
    }
    changes
}
