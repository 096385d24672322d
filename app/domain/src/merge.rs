//! The three-way merge of one rule: the contact's value, the customer's value, and what both agreed on last.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::field::Catalogue;
use crate::mapping::{Rule, RuleKey};
use crate::problem::Problem;
use crate::record::Record;
use crate::side::Side;
use crate::value::Value;

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
#[must_use]
pub fn merge(sides: &Sides<'_>) -> Merging {
    Merging { merged: Merged::Agree, base: sides.base.cloned(), remarks: Vec::new() }
}
