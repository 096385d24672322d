//! Which customer belongs to a contact that has no link yet. One certain answer, or a question for a person.

use serde::{Deserialize, Serialize};

use crate::id::RemoteId;
use crate::record::Record;
use crate::value::tidy;
use crate::{geo, limits, phone};

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
    /// What keeps these rules from being used, each as `field: what to do`.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let Some(prefix) = &self.prefix else { return Vec::new() };
        let mut faults = Vec::new();
        if prefix.is_empty() || prefix.chars().any(|char| char.is_whitespace() || char.is_control()) {
            faults.push("prefix: use letters, digits and signs without spaces, or leave it out".to_owned());
        }
        if prefix.chars().count() > limits::REFERENCE_PREFIX_CHARS {
            faults.push(format!(
                "prefix: use at most {} characters, so that the contact's id fits behind it",
                limits::REFERENCE_PREFIX_CHARS
            ));
        }
        faults
    }

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
    /// The contact it belonged to until that one was deleted.
    pub left_by: Option<RemoteId>,
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
    /// The only customer that fits belonged to this other contact, which was deleted: the two may have been merged.
    Left(RemoteId),
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
    if policy.reference
        && let Some(found) = by_reference(lookup, policy)
    {
        return found;
    }
    if policy.email
        && let Some(email) = lookup.contact.email()
    {
        let same = lookup.by_email.iter().filter(|candidate| candidate.record.email().as_ref() == Some(&email));
        if let Some(found) = single(lookup, MatchRule::Email, same, lookup.others.email) {
            return found;
        }
    }
    if policy.phone_name
        && let Some(own) = phone_and_name(lookup.contact)
    {
        let same =
            lookup.by_phone_name.iter().filter(|candidate| phone_and_name(candidate.record).as_ref() == Some(&own));
        if let Some(found) = single(lookup, MatchRule::PhoneName, same, lookup.others.phone_name) {
            return found;
        }
    }
    Match::None
}

fn by_reference(lookup: &Lookup<'_>, policy: &MatchPolicy) -> Option<Match> {
    let reference = policy.reference_of(lookup.contact.id.as_ref()?);
    // The service keeps white space; an id has none.
    let of = |candidate: &Candidate<'_>| candidate.record.reference().map(str::to_owned);
    let exact = lookup.by_reference.iter().filter(|candidate| of(candidate).as_ref() == Some(&reference));
    if let Some(found) = single(lookup, MatchRule::Reference, exact, 0) {
        return Some(found);
    }
    let lower = reference.to_lowercase();
    let close =
        lookup.by_reference.iter().find(|candidate| of(candidate).is_some_and(|other| other.to_lowercase() == lower));
    close.map(|candidate| Match::CaseOnlyReference(candidate.id.clone()))
}

/// The one certain candidate, or the question that a rule's candidates raise; `None` when there is no candidate.
fn single<'a>(
    lookup: &Lookup<'_>,
    rule: MatchRule,
    candidates: impl Iterator<Item = &'a Candidate<'a>>,
    others: u32,
) -> Option<Match> {
    let mut found: Vec<&Candidate<'_>> = candidates.collect();
    found.sort_by(|one, other| one.id.cmp(&other.id));
    found.dedup_by(|one, other| one.id == other.id);
    let first = *found.first()?;
    let another = |owner: &Option<RemoteId>| owner.clone().filter(|owner| Some(owner) != lookup.contact.id.as_ref());
    let why = match (found.len(), another(&first.taken_by), another(&first.left_by)) {
        (1, Some(owner), _) => Ambiguity::Taken(owner),
        (1, None, Some(owner)) => Ambiguity::Left(owner),
        (1, None, None) if others > 0 => Ambiguity::SeveralContacts,
        (1, None, None) => {
            return Some(match rule {
                MatchRule::Reference => Match::Reference(first.id.clone()),
                MatchRule::Email => Match::Email(first.id.clone()),
                MatchRule::PhoneName => Match::PhoneName(first.id.clone()),
            });
        }
        _ => Ambiguity::SeveralCustomers,
    };
    Some(Match::Ambiguous { rule, candidates: found.iter().map(|candidate| candidate.id.clone()).collect(), why })
}

/// The number in E.164 and the name in lower case; `None` when either is missing or not certain.
fn phone_and_name(record: &Record) -> Option<(String, String)> {
    let country = record.text("country").and_then(geo::country);
    let number = phone::parse(record.text("phone")?, country).ok()?;
    let name = tidy(&record.full_name()).to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ");
    (!name.is_empty()).then_some((number, name))
}

impl MatchRule {
    /// What the rule goes by, for a sentence.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::Email => "e-mail address",
            Self::PhoneName => "phone number and name",
        }
    }
}

impl Match {
    /// The customer found for certain.
    #[must_use]
    pub fn customer(&self) -> Option<&RemoteId> {
        match self {
            Self::Reference(id) | Self::Email(id) | Self::PhoneName(id) => Some(id),
            Self::None | Self::Ambiguous { .. } | Self::CaseOnlyReference(_) => None,
        }
    }

    /// The rule that found the customer.
    #[must_use]
    pub fn rule(&self) -> Option<MatchRule> {
        match self {
            Self::Reference(_) => Some(MatchRule::Reference),
            Self::Email(_) => Some(MatchRule::Email),
            Self::PhoneName(_) => Some(MatchRule::PhoneName),
            Self::None | Self::Ambiguous { .. } | Self::CaseOnlyReference(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;
