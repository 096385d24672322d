//! Which customer belongs to a contact that has no link yet. One certain answer, or a question for a person.

use serde::{Deserialize, Serialize};

use crate::id::RemoteId;
use crate::record::Record;

/// Which rules may find a partner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MatchPolicy {
    /// By Chargify's `reference`.
    pub reference: bool,
    /// By e-mail address.
    pub email: bool,
    /// By phone number and name together.
    pub phone_name: bool,
    /// Put before the contact id in `reference`, when several locations feed one site.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
}

impl Default for MatchPolicy {
    fn default() -> Self {
        Self { reference: true, email: true, phone_name: true, prefix: None }
    }
}

impl MatchPolicy {
    /// The `reference` of the customer that belongs to this contact.
    #[must_use]
    pub fn reference_of(&self, contact: &RemoteId) -> String {
        match &self.prefix {
            Some(prefix) => format!("{prefix}{contact}"),
            None => contact.to_string(),
        }
    }
}

/// A customer that may belong to the contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate<'a> {
    /// The customer's id.
    pub id: RemoteId,
    /// What Chargify says about it.
    pub record: &'a Record,
    /// The other contact it already belongs to: by an active link, or because its `reference` is that contact's.
    pub taken_by: Option<RemoteId>,
}

/// How many *other* contacts of the location share what a rule goes by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sharing {
    /// Other contacts with the same e-mail address.
    pub email: u32,
    /// Other contacts with the same phone number and name.
    pub phone_name: u32,
}

/// What was looked up for one contact. Lists may hold too much: each is filtered here again.
#[derive(Debug, Clone)]
pub struct Lookup<'a> {
    /// The contact that seeks its customer.
    pub contact: &'a Record,
    /// Customers found by `reference`, in any case.
    pub by_reference: &'a [Candidate<'a>],
    /// Customers found by e-mail.
    pub by_email: &'a [Candidate<'a>],
    /// Customers found by phone number or name.
    pub by_phone_name: &'a [Candidate<'a>],
    /// Other contacts that would find the same customers.
    pub others: Sharing,
}

/// The rule that found, or failed to tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchRule {
    /// Chargify's `reference` equals the contact's id.
    Reference,
    /// The e-mail address, unique on both sides.
    Email,
    /// Phone number and name, unique on both sides.
    PhoneName,
}

/// Why no single partner could be named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ambiguity {
    /// Several customers fit.
    SeveralCustomers,
    /// Other contacts fit the same customer.
    SeveralContacts,
    /// The only customer that fits belongs to this other contact.
    Taken(RemoteId),
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Match {
    /// This customer carries the contact's id as its `reference`.
    Reference(RemoteId),
    /// This customer alone has the same e-mail address.
    Email(RemoteId),
    /// This customer alone has the same phone number and name.
    PhoneName(RemoteId),
    /// Nobody.
    None,
    /// A person must choose.
    Ambiguous {
        /// The rule that stopped.
        rule: MatchRule,
        /// The customers in question.
        candidates: Vec<RemoteId>,
        /// Why it stopped.
        why: Ambiguity,
    },
    /// This customer's `reference` differs from the contact's id only in case. Chargify holds the two equal, HighLevel
    /// does not, so a person looks.
    CaseOnlyReference(RemoteId),
}

/// Finds the customer that belongs to a contact. The first rule that finds anybody decides; what it finds is either
/// certain or a question, and later rules are not asked.
#[must_use]
pub fn find(lookup: &Lookup<'_>, policy: &MatchPolicy) -> Match {
    let _ = (lookup, policy);
    Match::None
}
