//! The three-way merge of one rule: the contact's value, the customer's value, and what both agreed on last.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::field::Catalogue;
use crate::mapping::{Mapping, Rule, RuleKey};
use crate::problem::Problem;
use crate::record::{FieldKey, Record};
use crate::side::Side;
use crate::value::{FieldKind, Value, common_kind, tidy};

mod field;
mod tags;
#[cfg(test)]
mod tests;

/// What both sides agreed on last, in normal form, per rule. Written compactly: `{"firstName→first_name":["Ann","Ann"]}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Base(pub BTreeMap<RuleKey, BasePair>);

/// One rule's agreed values in normal form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(Value, Value)", into = "(Value, Value)")]
pub struct BasePair {
    /// The contact's half.
    pub highlevel: Value,
    /// The customer's half.
    pub chargify: Value,
}

impl From<(Value, Value)> for BasePair {
    fn from((highlevel, chargify): (Value, Value)) -> Self {
        Self { highlevel, chargify }
    }
}

impl From<BasePair> for (Value, Value) {
    fn from(pair: BasePair) -> Self {
        (pair.highlevel, pair.chargify)
    }
}

impl BasePair {
    /// One side's half.
    #[must_use]
    pub fn half(&self, side: Side) -> &Value {
        match side {
            Side::Highlevel => &self.highlevel,
            Side::Chargify => &self.chargify,
        }
    }
}

impl Base {
    /// Drops what was agreed under rules that have changed since.
    pub fn forget(&mut self, rules: &BTreeSet<RuleKey>) {
        self.0.retain(|key, _| !rules.contains(key));
    }
}

/// Why nothing is written although the sides differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The field was not read on either side, or not on the side that would have to give.
    Absent,
    /// The field that would be written was not read: it may hold anything, and is not written over.
    NotRead,
    /// The rule does not go this way.
    Direction,
    /// The rule does not copy emptiness here.
    EmptyRule,
    /// The rule only fills empty fields, and neither is empty.
    FillEmpty,
}

/// What becomes of one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Merged {
    /// Both sides say the same.
    Agree,
    /// They differ, and stay so.
    Nothing(Why),
    /// One side is written.
    Write {
        /// The side written.
        to: Side,
        /// What it holds now, as read.
        before: Value,
        /// What it shall hold.
        after: Value,
    },
    /// A person must choose.
    Conflict {
        /// What both agreed on last, when they ever did.
        base: Option<BasePair>,
        /// The contact's value as read.
        highlevel: Value,
        /// The customer's value as read.
        chargify: Value,
    },
    /// The value that should travel cannot.
    Broken(Vec<Problem>),
}

/// One field on both sides, ready to be merged.
#[derive(Debug, Clone, Copy)]
pub struct Sides<'a> {
    /// The rule.
    pub rule: &'a Rule,
    /// The contact.
    pub highlevel: &'a Record,
    /// The customer.
    pub chargify: &'a Record,
    /// What this rule's fields agreed on last.
    pub base: Option<&'a BasePair>,
    /// What is known of the fields.
    pub catalogue: &'a Catalogue,
    /// The side a person has chosen for this field, after a conflict was put to them.
    pub decided: Option<Side>,
}

/// A merged field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merging {
    /// What becomes of it.
    pub merged: Merged,
    /// The agreed pair after it was done; the old one where nothing was agreed.
    pub base: Option<BasePair>,
    /// Remarks on a value that travels all the same.
    pub remarks: Vec<Problem>,
}

/// Merges one field.
///
/// A side changed when its normal form differs from its half of the base. One side changed: it travels if the rule's
/// direction allows. Both changed, or there is no base: equal values agree, an empty side is filled, and otherwise the
/// rule's conflict setting decides. An absent field never counts as changed and never travels.
#[must_use]
pub fn merge(sides: &Sides<'_>) -> Merging {
    if sides.rule.adds_tags() {
        return tags::merge(sides);
    }
    let as_read = field::FieldMerge::new(*sides).run();
    let Some(plain) = without_own_name(sides, &as_read) else { return as_read };
    let mut merging = field::FieldMerge::new(Sides { chargify: &plain, ..*sides }).run();
    if let Merged::Write { to: Side::Chargify, before, .. } = &mut merging.merged {
        *before = sides.chargify.get(ORGANIZATION).cloned().unwrap_or_default();
    }
    merging
}

const ORGANIZATION: &str = "organization";

/// Chargify fills a blank organization with "first last" on some sites (Maxio Advanced Billing API reference, create
/// customer, seen 2026-08). Such a value was entered by nobody: unless both sides agreed on it, it counts as empty.
fn without_own_name(sides: &Sides<'_>, as_read: &Merging) -> Option<Record> {
    let settled = as_read.merged == Merged::Agree;
    if settled || sides.rule.chargify.as_str() != ORGANIZATION {
        return None;
    }
    let organization = tidy(sides.chargify.text(ORGANIZATION)?);
    let agreed = sides.base.is_some_and(|base| base.chargify == Value::text(organization.as_str()));
    if agreed || organization != tidy(&sides.chargify.full_name()) {
        return None;
    }
    let mut plain = sides.chargify.clone();
    plain.set(ORGANIZATION, Value::Empty);
    Some(plain)
}

impl Base {
    /// The agreed values of one side as a record, to stand in for that side when only the other was heard of.
    ///
    /// They are normal forms: good to compare with, and what the side holds as far as anybody was told.
    #[must_use]
    pub fn stand_in(&self, side: Side, mapping: &Mapping) -> Record {
        let mut record = Record::new(side);
        for rule in mapping.rules.iter().filter(|rule| !rule.is_made_from(side)) {
            if let Some(pair) = self.0.get(&rule.key()) {
                record.set(rule.field(side).clone(), pair.half(side).clone());
            }
        }
        record
    }

    /// The pairs that change when it turns out that these fields of the record were written by us: both sides agreed on
    /// what it holds now, since the one gave it to the other. Whatever either holds by now besides is news.
    #[must_use]
    pub fn moved_by(
        &self,
        record: &Record,
        written: &BTreeMap<FieldKey, Value>,
        mapping: &Mapping,
        catalogue: &Catalogue,
    ) -> Self {
        let side = record.side;
        let moved = mapping.rules.iter().filter(|rule| !rule.adds_tags() && written.contains_key(rule.field(side)));
        let pairs = moved.filter_map(|rule| {
            let seen = field::seen(rule, rule_kind(rule, catalogue), record)?;
            let is_known = self.0.get(&rule.key()).is_some_and(|pair| *pair.half(side) == seen);
            (!is_known).then(|| (rule.key(), BasePair { highlevel: seen.clone(), chargify: seen }))
        });
        Self(pairs.collect())
    }

    /// True when every mapped field the record names holds what was agreed last, and at least one does: the content is
    /// our own write coming back, or nothing that concerns this sync.
    #[must_use]
    pub fn is_echo(&self, record: &Record, mapping: &Mapping, catalogue: &Catalogue) -> bool {
        let named = |rule: &&Rule| record.get(rule.field(record.side).as_str()).is_some();
        let mut heard = mapping.rules.iter().filter(named);
        let same = |rule: &Rule| {
            let seen = field::seen(rule, rule_kind(rule, catalogue), record);
            self.0.get(&rule.key()).is_some_and(|pair| seen.as_ref() == Some(pair.half(record.side)))
        };
        heard.clone().next().is_some() && heard.all(same)
    }
}

/// The kind by which a rule's two fields are compared.
#[must_use]
pub fn rule_kind(rule: &Rule, catalogue: &Catalogue) -> FieldKind {
    let kind = |side| catalogue.kind(side, rule.field(side));
    common_kind(kind(Side::Highlevel), kind(Side::Chargify))
}
