//! The plan of one record: the one function that preview, dry run and run share.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

mod action;
mod check;
mod decide;
mod pair;
mod person;
#[cfg(test)]
mod tests;

pub use action::{Action, Reason, ReasonCode};
pub use decide::plan;

use crate::decision::Decision;
use crate::deletes::DeletePolicy;
use crate::field::Catalogue;
use crate::id::LinkId;
use crate::mapping::{Mapping, RuleKey, TAGS};
use crate::matching::{Match, MatchPolicy};
use crate::merge::{Base, BasePair};
use crate::problem::Problem;
use crate::record::{FieldKey, Record};
use crate::scope::Scope;
use crate::side::Side;
use crate::value::{FieldKind, Value, normal};

/// The rules of a sync, as far as they decide about one record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncPolicy {
    /// Which contacts take part.
    pub scope: Scope,
    /// Which fields travel.
    pub mapping: Mapping,
    /// What is known of the fields; default the standard ones.
    #[serde(default)]
    pub catalogue: Catalogue,
    /// How partners are found, and the prefix of `reference`.
    #[serde(default)]
    pub matching: MatchPolicy,
    /// Whether a customer without a contact gets one.
    #[serde(default)]
    pub create_contacts: bool,
    /// Whether a linked customer whose `reference` is empty gets the contact's id.
    #[serde(default)]
    pub write_reference: bool,
    /// What becomes of partners of deleted records.
    #[serde(default)]
    pub deletes: DeletePolicy,
}

/// The link a record already has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkState {
    /// The link.
    pub id: LinkId,
    /// What both sides agreed on last.
    pub base: Base,
}

/// The end of a record's pair: its partner was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parted {
    /// The side that deleted it.
    pub side: Side,
    /// When that was noticed.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

/// All that is known when a record is planned.
#[derive(Debug, Clone, Copy)]
pub struct PlanInput<'a> {
    /// The sync's rules.
    pub policy: &'a SyncPolicy,
    /// The link, when there is one.
    pub link: Option<&'a LinkState>,
    /// The contact, when there is one.
    pub contact: Option<&'a Record>,
    /// The customer: the linked one, else the matched one.
    pub customer: Option<&'a Record>,
    /// What matching said, when there is no link. None with a customer: a person paired them.
    pub matched: Option<&'a Match>,
    /// The side whose record is proven gone: by an event, a 404, or a listing proved complete. A record that is merely
    /// missing from the input is never taken for gone.
    pub gone: Option<Side>,
    /// True when a webhook or event brought this up: finding nothing to do then means it was our own write.
    pub heard: bool,
    /// What a person settled about the record and is still in force.
    pub decision: Option<&'a Decision>,
    /// How the record lost its partner, when a deletion took it.
    pub parted: Option<Parted>,
}

impl<'a> PlanInput<'a> {
    /// An input of which nothing but the rules is known yet.
    #[must_use]
    pub fn new(policy: &'a SyncPolicy) -> Self {
        Self {
            policy,
            link: None,
            contact: None,
            customer: None,
            matched: None,
            gone: None,
            heard: false,
            decision: None,
            parted: None,
        }
    }
}

/// One field to be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The rule that asks for it.
    pub rule: RuleKey,
    /// The side written.
    pub side: Side,
    /// The field written.
    pub field: FieldKey,
    /// What it holds now.
    pub before: Value,
    /// What it shall hold.
    pub after: Value,
}

impl Change {
    /// Of a change of tags: those to put on and those to take off.
    #[must_use]
    pub fn tags(&self) -> (Vec<String>, Vec<String>) {
        let items = |value: &Value| match normal(FieldKind::Tags, value) {
            Value::List(tags) => tags,
            _ => Vec::new(),
        };
        let (before, after) = (items(&self.before), items(&self.after));
        let lacking = |these: &[String], those: &[String]| -> Vec<String> {
            these.iter().filter(|tag| !those.contains(tag)).cloned().collect()
        };
        (lacking(&after, &before), lacking(&before, &after))
    }
}

/// A field that changed on both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldConflict {
    /// The rule concerned.
    pub rule: RuleKey,
    /// What both agreed on last, when they ever did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<BasePair>,
    /// The contact's value.
    pub highlevel: Value,
    /// The customer's value.
    pub chargify: Value,
}

/// What is to be done with one record, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanItem {
    /// What.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// Fields to be written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// The `reference` to be written into the customer along with the fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// What both sides will have agreed on once it is done.
    #[serde(default)]
    pub base_after: Base,
    /// Findings: remarks, fields that could not travel, what made it fail.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
    /// Fields a person must decide on when the action is [`Action::Conflict`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<FieldConflict>,
    /// True when carrying it out makes a link that was not there.
    #[serde(default)]
    pub new_link: bool,
}

impl PlanItem {
    fn new(action: Action, reason: Reason, base_after: Base) -> Self {
        Self {
            action,
            reason,
            changes: Vec::new(),
            reference: None,
            base_after,
            problems: Vec::new(),
            conflicts: Vec::new(),
            new_link: false,
        }
    }

    /// Calls that carrying it out makes to one side: values of metafields have an operation of their own, and taking one
    /// off that has choices another.
    #[must_use]
    pub fn calls(&self, side: Side, known: &Catalogue) -> i64 {
        if !self.action.writes(side) {
            return 0;
        }
        let creates = matches!(self.action, Action::CreateCustomer | Action::CreateContact);
        let with_reference = side == Side::Chargify && self.reference.is_some();
        let has = |wanted: &dyn Fn(&Change) -> bool| i64::from(self.changes_to(side).any(wanted));
        let metafield = |change: &Change| change.field.metafield_name().is_some();
        let taken_off = |change: &Change| {
            let choices = known.get(side, &change.field).is_some_and(|field| !field.choices.is_empty());
            metafield(change) && change.after.is_blank() && choices
        };
        let tags = |change: &Change| change.field.as_str() == TAGS;
        let record = if creates || with_reference { 1 } else { has(&|change| !metafield(change) && !tags(change)) };
        if let Some(change) = self.changes_to(side).find(|change| tags(change) && !creates) {
            let (on, off) = change.tags();
            return record + i64::from(!on.is_empty()) + i64::from(!off.is_empty());
        }
        let set = has(&|change| metafield(change) && !taken_off(change) && !(creates && change.after.is_blank()));
        record + set + has(&|change| !creates && taken_off(change))
    }

    /// The fields to be written on one side.
    pub fn changes_to(&self, side: Side) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(move |change| change.side == side)
    }
}
