//! The mapping: which field travels to which, in which direction, and what happens when both sides changed.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::field::Catalogue;
use crate::problem::{Problem, ProblemCode};
use crate::record::FieldKey;
use crate::side::Side;
use crate::subscription::is_fact;
use crate::transform::{self, Transform};

/// The contact's tags: a set of which every rule, and every person, has only a part.
pub const TAGS: &str = "tags";

/// The field rules of a sync.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mapping {
    /// The rules, in the order they are shown. The order decides nothing.
    pub rules: Vec<Rule>,
}

/// One field rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The contact's field.
    pub highlevel: FieldKey,
    /// The customer's field.
    pub chargify: FieldKey,
    /// Which way values travel.
    #[serde(default)]
    pub direction: Direction,
    /// Who wins when both sides changed to different values.
    #[serde(default)]
    pub conflict: Conflict,
    /// What is done to a value on its way. Written for the way to Chargify, or, on a rule that only goes to HighLevel,
    /// for that way; the opposite way uses the inverse.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transform: Vec<Transform>,
    /// What happens when a field was emptied.
    #[serde(default)]
    pub empty: EmptyRule,
}

/// Which way values travel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Both ways.
    #[default]
    Both,
    /// From the contact to the customer only.
    ToChargify,
    /// From the customer to the contact only.
    ToHighlevel,
}

/// Who wins when both sides changed to different values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conflict {
    /// The side whose record changed last; when that cannot be told, a person.
    #[default]
    Newest,
    /// The contact.
    Highlevel,
    /// The customer.
    Chargify,
    /// An empty side is filled; two different values stay as they are.
    FillEmpty,
    /// A person.
    Ask,
}

/// What happens when a field was emptied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmptyRule {
    /// The other side is emptied too.
    CopyEmpties,
    /// The other side keeps its value.
    NeverClear,
    /// The other side is emptied only while it holds what both agreed on last.
    #[default]
    ClearOnlyOurs,
}

/// Names a rule within its mapping: `firstName→first_name`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RuleKey(pub String);

impl fmt::Display for RuleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Direction {
    /// Whether values may travel to this side.
    #[must_use]
    pub fn allows(self, to: Side) -> bool {
        match self {
            Self::Both => true,
            Self::ToChargify => to == Side::Chargify,
            Self::ToHighlevel => to == Side::Highlevel,
        }
    }

    /// The name used in files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::ToChargify => "to_chargify",
            Self::ToHighlevel => "to_highlevel",
        }
    }
}

impl Conflict {
    /// The name used in files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Highlevel => "highlevel",
            Self::Chargify => "chargify",
            Self::FillEmpty => "fill_empty",
            Self::Ask => "ask",
        }
    }
}

impl EmptyRule {
    /// The name used in files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CopyEmpties => "copy_empties",
            Self::NeverClear => "never_clear",
            Self::ClearOnlyOurs => "clear_only_ours",
        }
    }
}

impl Rule {
    /// A rule that goes both ways, the newest winning, with nothing done to the value.
    #[must_use]
    pub fn new(highlevel: impl Into<FieldKey>, chargify: impl Into<FieldKey>) -> Self {
        Self {
            highlevel: highlevel.into(),
            chargify: chargify.into(),
            direction: Direction::Both,
            conflict: Conflict::Newest,
            transform: Vec::new(),
            empty: EmptyRule::ClearOnlyOurs,
        }
    }

    /// This rule with a chain of transforms.
    #[must_use]
    pub fn through(mut self, transform: impl IntoIterator<Item = Transform>) -> Self {
        self.transform = transform.into_iter().collect();
        self
    }

    /// The rule's name within its mapping.
    #[must_use]
    pub fn key(&self) -> RuleKey {
        RuleKey(format!("{}→{}", self.highlevel, self.chargify))
    }

    /// The rule's field on one side.
    #[must_use]
    pub fn field(&self, side: Side) -> &FieldKey {
        match side {
            Side::Highlevel => &self.highlevel,
            Side::Chargify => &self.chargify,
        }
    }

    /// The chain a value goes through on its way to `to`; `None` when the chain cannot be turned round.
    #[must_use]
    pub fn chain(&self, to: Side) -> Option<Vec<Transform>> {
        if to == self.source().other() { Some(self.transform.clone()) } else { transform::back_all(&self.transform) }
    }

    /// The side the transforms are written for: HighLevel, unless values only come from Chargify.
    #[must_use]
    pub fn source(&self) -> Side {
        if self.direction == Direction::ToHighlevel { Side::Chargify } else { Side::Highlevel }
    }

    /// Who wins when both sides changed to different values: of a billing fact always the customer, since nothing else can
    /// be true.
    #[must_use]
    pub fn winner(&self) -> Conflict {
        if is_fact(&self.chargify) { Conflict::Chargify } else { self.conflict }
    }

    /// True when the rule puts tags on contacts and takes off those it put on; tags of others are none of its business.
    #[must_use]
    pub fn adds_tags(&self) -> bool {
        self.highlevel.as_str() == TAGS && self.direction == Direction::ToHighlevel
    }

    /// True when the rule's value is made from several fields of this side.
    #[must_use]
    pub fn is_made_from(&self, side: Side) -> bool {
        side == self.source() && self.transform.iter().any(Transform::is_template)
    }
}

impl Default for Mapping {
    /// Names, e-mail, phone, company and address, both ways, the newest winning. Phone, state and country are brought
    /// into the only forms both services take.
    fn default() -> Self {
        let phone = Transform::Phone { default_country: None };
        Self {
            rules: vec![
                Rule::new("firstName", "first_name"),
                Rule::new("lastName", "last_name"),
                Rule::new("email", "email"),
                Rule::new("phone", "phone").through([phone]),
                Rule::new("companyName", "organization"),
                Rule::new("address1", "address"),
                Rule::new("city", "city"),
                Rule::new("state", "state").through([Transform::Subdivision]),
                Rule::new("postalCode", "zip"),
                Rule::new("country", "country").through([Transform::Country]),
            ],
        }
    }
}

impl Mapping {
    /// The rule of that name.
    #[must_use]
    pub fn rule(&self, key: &RuleKey) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.key() == *key)
    }

    /// Keys of the rules of `self` that mean something else, or nothing, in `other`. Their bases no longer hold:
    /// [`crate::merge::Base::forget`] drops them, and the fields are compared anew.
    #[must_use]
    pub fn rules_changed_in(&self, other: &Self) -> Vec<RuleKey> {
        self.rules.iter().filter(|rule| !other.rules.contains(rule)).map(Rule::key).collect()
    }

    /// Everything that is wrong with this mapping. Empty when it can be used.
    #[must_use]
    pub fn check(&self, known: &Catalogue) -> Vec<Problem> {
        if self.rules.is_empty() {
            return vec![Problem::new(ProblemCode::EmptyMapping, "")];
        }
        let mut problems = Vec::new();
        for rule in &self.rules {
            check_fields(rule, known, &mut problems);
            check_transforms(rule, known, &mut problems);
        }
        for side in Side::BOTH {
            self.check_targets(side, &mut problems);
        }
        self.check_required(known, &mut problems);
        problems
    }

    fn check_targets(&self, side: Side, problems: &mut Vec<Problem>) {
        let mut writers: BTreeMap<&FieldKey, Vec<&Rule>> = BTreeMap::new();
        for rule in self.rules.iter().filter(|rule| rule.direction.allows(side)) {
            writers.entry(rule.field(side)).or_default().push(rule);
        }
        for (field, rules) in writers.into_iter().filter(|(_, rules)| rules.len() > 1) {
            let sources: Vec<&str> = rules.iter().map(|rule| rule.field(side.other()).as_str()).collect();
            let detail = format!("{} field, from {}", side.label(), sources.join(" and "));
            problems.push(Problem::at(ProblemCode::SameTargetTwice, field, detail));
        }
    }

    fn check_required(&self, known: &Catalogue, problems: &mut Vec<Problem>) {
        let filled = |key: &FieldKey| {
            self.rules.iter().any(|rule| rule.chargify == *key && rule.direction.allows(Side::Chargify))
        };
        for field in known.fields(Side::Chargify).values().filter(|field| field.required && !filled(&field.key)) {
            problems.push(Problem::at(ProblemCode::RequiredUnmapped, &field.key, ""));
        }
    }
}

fn check_fields(rule: &Rule, known: &Catalogue, problems: &mut Vec<Problem>) {
    for side in Side::BOTH {
        let key = rule.field(side);
        match known.get(side, key) {
            None => problems.push(Problem::at(ProblemCode::UnknownField, key, format!("in {}", side.label()))),
            Some(_) if side == Side::Highlevel && rule.adds_tags() => {}
            Some(_) if side == Side::Chargify && is_fact(key) && rule.direction.allows(side) => {
                problems.push(Problem::at(ProblemCode::FactIsOnlyTold, key, ""));
            }
            Some(field) if !field.writable && rule.direction.allows(side) => {
                problems.push(Problem::at(ProblemCode::ReadOnlyTarget, key, format!("{} field", side.label())));
            }
            Some(_) => {}
        }
    }
}

fn check_transforms(rule: &Rule, known: &Catalogue, problems: &mut Vec<Problem>) {
    for step in &rule.transform {
        if rule.direction == Direction::Both && step.back().is_none() {
            problems.push(Problem::at(ProblemCode::Irreversible, &rule.highlevel, step.to_string()));
        }
        for key in step.fields().into_iter().filter(|key| known.get(rule.source(), key).is_none()) {
            problems.push(Problem::at(ProblemCode::UnknownField, &key, format!("in {step}")));
        }
    }
}

#[cfg(test)]
mod tests;
