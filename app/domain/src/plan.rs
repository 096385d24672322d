//! The plan of one record: the one function that preview, dry run and run share.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::field::Catalogue;
use crate::id::LinkId;
use crate::mapping::{Mapping, RuleKey};
use crate::matching::{Match, MatchPolicy};
use crate::merge::Base;
use crate::outcome::Outcome;
use crate::problem::Problem;
use crate::record::{FieldKey, Record};
use crate::scope::Scope;
use crate::side::Side;
use crate::value::Value;

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
}

/// The link a record already has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkState {
    /// The link.
    pub id: LinkId,
    /// What both sides agreed on last.
    pub base: Base,
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
    /// What matching said, when there is no link.
    pub matched: Option<&'a Match>,
    /// The side whose record is proven gone: by an event, a 404, or a listing proved complete. A record that is merely
    /// missing from the input is never taken for gone.
    pub gone: Option<Side>,
    /// True when a webhook or event brought this up: finding nothing to do then means it was our own write.
    pub heard: bool,
}

impl<'a> PlanInput<'a> {
    /// An input of which nothing but the rules is known yet.
    #[must_use]
    pub fn new(policy: &'a SyncPolicy) -> Self {
        Self { policy, link: None, contact: None, customer: None, matched: None, gone: None, heard: false }
    }
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Create a customer for the contact, and link them.
    CreateCustomer,
    /// Create a contact for the customer, and link them.
    CreateContact,
    /// Write fields, or the reference, of the customer.
    UpdateCustomer,
    /// Write fields of the contact.
    UpdateContact,
    /// Write fields of both.
    UpdateBoth,
    /// Both agree already; only our link is new. No remote call.
    Link,
    /// One side is gone: end the link. No remote call.
    Unlink,
    /// Nothing to do.
    Unchanged,
    /// Nothing to do: it was our own write coming back.
    Echo,
    /// The record takes no part.
    Exclude,
    /// More than one partner is possible.
    Ambiguous,
    /// A field changed on both sides and a person decides; nothing of the record is written before.
    Conflict,
    /// It cannot be done.
    Fail,
}

impl Action {
    /// How the record ends when the action is carried out.
    #[must_use]
    pub fn outcome_if_done(self) -> Outcome {
        match self {
            Self::CreateCustomer | Self::CreateContact => Outcome::Created,
            Self::UpdateCustomer | Self::UpdateContact | Self::UpdateBoth | Self::Link | Self::Unlink => {
                Outcome::Updated
            }
            Self::Unchanged => Outcome::Unchanged,
            Self::Echo => Outcome::Echo,
            Self::Exclude => Outcome::Excluded,
            Self::Ambiguous => Outcome::Ambiguous,
            Self::Conflict => Outcome::Parked,
            Self::Fail => Outcome::Failed,
        }
    }

    /// Whether a remote service is written to.
    #[must_use]
    pub fn is_write(self) -> bool {
        self.writes(Side::Highlevel) || self.writes(Side::Chargify)
    }

    /// Whether this side is written to.
    #[must_use]
    pub fn writes(self, side: Side) -> bool {
        match side {
            Side::Highlevel => matches!(self, Self::CreateContact | Self::UpdateContact | Self::UpdateBoth),
            Side::Chargify => matches!(self, Self::CreateCustomer | Self::UpdateCustomer | Self::UpdateBoth),
        }
    }

    /// The name used in JSON and the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CreateCustomer => "create_customer",
            Self::CreateContact => "create_contact",
            Self::UpdateCustomer => "update_customer",
            Self::UpdateContact => "update_contact",
            Self::UpdateBoth => "update_both",
            Self::Link => "link",
            Self::Unlink => "unlink",
            Self::Unchanged => "unchanged",
            Self::Echo => "echo",
            Self::Exclude => "exclude",
            Self::Ambiguous => "ambiguous",
            Self::Conflict => "conflict",
            Self::Fail => "fail",
        }
    }
}

/// Why an action was chosen, as a code to group by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonCode {
    /// No customer belongs to the contact yet.
    NewContact,
    /// No contact belongs to the customer yet.
    NewCustomer,
    /// A partner was found.
    Matched,
    /// Fields differ.
    FieldsDiffer,
    /// Both sides say the same.
    InAgreement,
    /// Our own write came back.
    OwnWrite,
    /// The contact has no e-mail address.
    NoEmail,
    /// The contact lacks the tag the scope asks for.
    TagMissing,
    /// The contact carries the tag the scope excludes.
    TagExcludes,
    /// Chargify requires fields that are empty.
    RequiredMissing,
    /// The e-mail address is not valid.
    EmailMalformed,
    /// Customers do not get contacts in this sync.
    CreateContactsOff,
    /// Several customers fit, or the one that fits is somebody's already.
    SeveralFit,
    /// The reference differs from the contact's id only in case.
    ReferenceCase,
    /// Fields changed on both sides.
    BothChanged,
    /// The contact is gone.
    ContactGone,
    /// The customer is gone.
    CustomerGone,
    /// A record that is needed was not read.
    NotRead,
    /// A text is longer than Chargify takes.
    TooLong,
    /// The run would change too large a share of the links.
    FuseShare,
    /// The run would create or change too many records.
    FuseRecords,
    /// The run would delete or unlink too many records.
    FuseRemovals,
}

/// Why, as a code and in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// To group by.
    pub code: ReasonCode,
    /// For a person, without a full stop.
    pub words: String,
}

impl Reason {
    /// A reason.
    #[must_use]
    pub fn new(code: ReasonCode, words: impl Into<String>) -> Self {
        Self { code, words: words.into() }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
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
    /// Rules a person must decide on when the action is [`Action::Conflict`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<RuleKey>,
    /// True when carrying it out makes a link that was not there.
    #[serde(default)]
    pub new_link: bool,
}

/// Plans one record.
#[must_use]
pub fn plan(input: &PlanInput<'_>) -> PlanItem {
    PlanItem {
        action: Action::Unchanged,
        reason: Reason::new(ReasonCode::InAgreement, "both sides agree"),
        changes: Vec::new(),
        reference: None,
        base_after: input.link.map(|link| link.base.clone()).unwrap_or_default(),
        problems: Vec::new(),
        conflicts: Vec::new(),
        new_link: false,
    }
}
