//! The merge of a rule that puts tags on contacts. The tags of a contact belong to many: what the rule put on last, its half
//! of the base, is all it takes off again.

use std::collections::BTreeSet;

use super::field::{Travel, travel};
use super::{BasePair, Merged, Merging, Sides, Why};
use crate::mapping::{EmptyRule, TAGS};
use crate::side::Side;
use crate::value::{FieldKind, Value, normal};

pub(super) fn merge(sides: &Sides<'_>) -> Merging {
    let stays = |merged| Merging { merged, base: sides.base.cloned(), remarks: Vec::new() };
    let raw = sides.chargify.get(sides.rule.chargify.as_str());
    let (value, remarks) = match travel(sides, raw, sides.chargify) {
        Travel::Absent | Travel::NoWay => return stays(Merged::Nothing(Why::Absent)),
        Travel::Broken(problems) => return stays(Merged::Broken(problems)),
        Travel::Value { value, remarks } => (value, remarks),
    };
    let held = sides.highlevel.get(TAGS);
    if held.is_none() && sides.highlevel.id.is_some() {
        return stays(Merged::Nothing(Why::NotRead));
    }
    let (wanted, held, ours) = (set(&value), set(held.unwrap_or(&Value::Empty)), ours(sides));
    let told = raw.map(|raw| normal(FieldKind::Tags, raw)).unwrap_or_default();
    if sides.base.is_some_and(|base| base.chargify == told) {
        // Nothing new was said: a tag that somebody took off stays off.
        return stays(if wanted.is_subset(&held) { Merged::Agree } else { Merged::Nothing(Why::Direction) });
    }
    if wanted.is_empty() && !ours.is_empty() && sides.rule.empty == EmptyRule::NeverClear {
        return stays(Merged::Nothing(Why::EmptyRule));
    }
    let after: BTreeSet<String> = held.iter().filter(|tag| !ours.contains(*tag)).chain(&wanted).cloned().collect();
    let list = |tags: &BTreeSet<String>| Value::from(tags.iter().cloned().collect::<Vec<_>>());
    let base = Some(BasePair { highlevel: list(&wanted), chargify: told });
    let merged = if after == held {
        Merged::Agree
    } else {
        Merged::Write { to: Side::Highlevel, before: list(&held), after: list(&after) }
    };
    Merging { merged, base, remarks }
}

/// What the rule put on last.
fn ours(sides: &Sides<'_>) -> BTreeSet<String> {
    sides.base.map(|base| set(&base.highlevel)).unwrap_or_default()
}

/// The tags as the service compares them: without order and case.
fn set(value: &Value) -> BTreeSet<String> {
    match normal(FieldKind::Tags, value) {
        Value::List(tags) => tags.into_iter().collect(),
        _ => BTreeSet::new(),
    }
}
