//! What a plan can decide, and why.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::outcome::Outcome;
use crate::side::Side;

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
    /// Its partner was deleted: nothing is created in its place before a person decides.
    Hold,
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
            Self::Conflict | Self::Hold => Outcome::Parked,
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
            Self::Hold => "hold",
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
    /// The customer that fits lost its contact to a deletion: perhaps a merge.
    PartnerLeft,
    /// The reference differs from the contact's id only in case.
    ReferenceCase,
    /// Fields changed on both sides.
    BothChanged,
    /// The contact is gone.
    ContactGone,
    /// The customer is gone.
    CustomerGone,
    /// A person left the record out for good.
    LeftOutByPerson,
    /// A record that is needed was not read.
    NotRead,
    /// The rules write over each other without end.
    RulesContradict,
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
