//! From all that is known of one record to what is to be done with it.

use super::pair::{Pair, merge_pair};
use super::{Action, Change, FieldConflict, PlanInput, PlanItem, Reason, ReasonCode, check, person};
use crate::matching::{Ambiguity, Match};
use crate::merge::Base;
use crate::problem::Problem;
use crate::record::{FieldKey, Record};
use crate::side::Side;
use crate::value::Value;

/// Plans one record. Preview, dry run and run call this and nothing else.
///
/// Carrying the plan out and planning again finds nothing more to do.
#[must_use]
pub fn plan(input: &PlanInput<'_>) -> PlanItem {
    if input.link.is_some() { plan_linked(input) } else { plan_unlinked(input) }
}

fn plan_linked(input: &PlanInput<'_>) -> PlanItem {
    match (input.contact, input.customer, input.gone) {
        (_, _, Some(side)) => unlink(input, side),
        (Some(contact), Some(customer), None) => {
            if let Err(reason) = input.policy.scope.enters(contact) {
                let words = format!("{}; the link is kept and nothing is written", reason.words);
                return end(input, Action::Exclude, Reason::new(reason.code, words));
            }
            let pair = merge_pair(input, contact, customer);
            let echo = input.heard && pair.quiet;
            pair_item(input, contact, customer, pair, echo)
        }
        (None, _, None) => not_read(input, Side::Highlevel),
        (_, None, None) => not_read(input, Side::Chargify),
    }
}

fn plan_unlinked(input: &PlanInput<'_>) -> PlanItem {
    if person::leaves_it_out(input) {
        return end(input, Action::Exclude, Reason::new(ReasonCode::LeftOutByPerson, "a person left it out for good"));
    }
    match (input.contact, input.customer) {
        (Some(contact), _) => match input.policy.scope.enters(contact) {
            Err(reason) => end(input, Action::Exclude, reason),
            Ok(()) => plan_lone_contact(input, contact),
        },
        (None, Some(customer)) => person::unless_parted(input, create_contact(input, customer)),
        (None, None) => not_read(input, Side::Highlevel),
    }
}

fn plan_lone_contact(input: &PlanInput<'_>, contact: &Record) -> PlanItem {
    if let Some(customer) = person::paired_with(input) {
        let pair = merge_pair(input, contact, customer);
        return pair_item(input, contact, customer, pair, false);
    }
    if person::wants_a_new_one(input) {
        return create_customer(input, contact);
    }
    match (input.matched, input.customer) {
        (Some(Match::Ambiguous { .. } | Match::CaseOnlyReference(_)), _) => ambiguous(input),
        (None | Some(Match::None), None) => person::unless_parted(input, create_customer(input, contact)),
        (Some(Match::None), Some(_)) | (Some(_), None) => not_read(input, Side::Chargify),
        (found, Some(customer)) => {
            let fits = found.and_then(Match::customer).is_none_or(|id| customer.id.as_ref() == Some(id));
            if !fits {
                return not_read(input, Side::Chargify);
            }
            let pair = merge_pair(input, contact, customer);
            pair_item(input, contact, customer, pair, false)
        }
    }
}

fn pair_item(input: &PlanInput<'_>, contact: &Record, customer: &Record, pair: Pair, echo: bool) -> PlanItem {
    let linked = input.link.is_some();
    if !pair.conflicts.is_empty() {
        let label = |conflict: &FieldConflict| match input.policy.mapping.rule(&conflict.rule) {
            Some(rule) => input.policy.catalogue.label(Side::Chargify, &rule.chargify).to_owned(),
            None => conflict.rule.0.clone(),
        };
        let fields: Vec<String> = pair.conflicts.iter().map(label).collect();
        let words = format!("changed on both sides to different values: {}", fields.join(", "));
        let mut item = end(input, Action::Conflict, Reason::new(ReasonCode::BothChanged, words));
        item.conflicts = pair.conflicts;
        item.problems = pair.problems;
        return item;
    }
    let writes = |side| pair.changes.iter().any(|change| change.side == side);
    // A free reference alone is no reason to call: a linked customer gets it with the next write.
    let reference = reference_to_write(input, contact, customer).filter(|_| !linked || writes(Side::Chargify));
    let action = match (writes(Side::Highlevel), writes(Side::Chargify) || reference.is_some()) {
        (true, true) => Action::UpdateBoth,
        (true, false) => Action::UpdateContact,
        (false, true) => Action::UpdateCustomer,
        (false, false) if !linked => Action::Link,
        (false, false) if echo => Action::Echo,
        (false, false) => Action::Unchanged,
    };
    let reason = without(pair_reason(input, action, &pair.changes), &pair.problems);
    finish(input, PlanItem { reference, new_link: !linked, ..PlanItem::new(action, reason, Base::default()) }, pair)
}

fn pair_reason(input: &PlanInput<'_>, action: Action, changes: &[Change]) -> Reason {
    let matched = input.matched.filter(|_| person::paired_with(input).is_none());
    let found = match (input.link, matched.and_then(Match::rule)) {
        (Some(_), _) => None,
        (None, Some(rule)) => Some(format!("found by {}", rule.words())),
        (None, None) => Some("paired by a person".to_owned()),
    };
    let named = |side: Side| {
        let keys = changes.iter().filter(move |change| change.side == side);
        let labels: Vec<&str> = keys.map(|change| input.policy.catalogue.label(side, &change.field)).collect();
        (!labels.is_empty()).then(|| format!("the {} gets {}", side.noun(), labels.join(", ")))
    };
    let what: Vec<String> = Side::BOTH.into_iter().rev().filter_map(named).collect();
    match (action, found) {
        (Action::Echo, _) => Reason::new(ReasonCode::OwnWrite, "our own write came back; there is nothing to do"),
        (Action::Unchanged, _) => Reason::new(ReasonCode::InAgreement, "both sides agree"),
        (_, None) => Reason::new(ReasonCode::FieldsDiffer, what.join("; ")),
        (_, Some(found)) if what.is_empty() => Reason::new(ReasonCode::Matched, format!("{found}; both sides agree")),
        (_, Some(found)) => Reason::new(ReasonCode::Matched, format!("{found}; {}", what.join("; "))),
    }
}

/// The reason, with the fields that stay behind because their values cannot travel.
fn without(reason: Reason, problems: &[Problem]) -> Reason {
    let left: Vec<String> = problems.iter().filter(|one| one.stops_the_value()).map(Problem::to_string).collect();
    if left.is_empty() {
        return reason;
    }
    Reason::new(reason.code, format!("{}; left as it is: {}", reason.words, left.join("; ")))
}

fn create_customer(input: &PlanInput<'_>, contact: &Record) -> PlanItem {
    let contact = &complete(input, contact);
    let nobody = Record::new(Side::Chargify);
    let pair = merge_pair(input, contact, &nobody);
    let missing = check::missing_for_customer(&pair.changes, &input.policy.catalogue);
    if !missing.is_empty() {
        let fields: Vec<String> =
            missing.iter().filter_map(|problem| problem.field.as_ref()).map(FieldKey::to_string).collect();
        let words = format!("Chargify requires {}, which the contact does not give", fields.join(", "));
        let mut item = end(input, Action::Exclude, Reason::new(ReasonCode::RequiredMissing, words));
        item.problems = pair.problems;
        item.problems.extend(missing);
        return item;
    }
    let reason = Reason::new(ReasonCode::NewContact, "no customer belongs to this contact yet");
    let reason = without(reason, &pair.problems);
    let reference = contact.id.as_ref().map(|id| input.policy.matching.reference_of(id));
    let item = PlanItem { reference, new_link: true, ..PlanItem::new(Action::CreateCustomer, reason, Base::default()) };
    finish(input, item, pair)
}

fn create_contact(input: &PlanInput<'_>, customer: &Record) -> PlanItem {
    if !input.policy.create_contacts && input.parted.is_none() && !person::wants_a_new_one(input) {
        let words = "no contact belongs to this customer, and this sync does not create contacts";
        return end(input, Action::Exclude, Reason::new(ReasonCode::CreateContactsOff, words));
    }
    let nobody = Record::new(Side::Highlevel);
    let pair = merge_pair(input, &nobody, &complete(input, customer));
    let mut contact = nobody;
    for change in &pair.changes {
        contact.set(change.field.clone(), change.after.clone());
    }
    if let Err(reason) = input.policy.scope.enters(&contact) {
        let words = format!("the contact would not take part: {}", reason.words);
        return end(input, Action::Exclude, Reason::new(reason.code, words));
    }
    if contact.email().is_none() && contact.text("phone").is_none() && contact.full_name().is_empty() {
        let words = "the customer gives a contact neither a name nor an e-mail address nor a phone number";
        return end(input, Action::Exclude, Reason::new(ReasonCode::RequiredMissing, words));
    }
    let reason = Reason::new(ReasonCode::NewCustomer, "no contact belongs to this customer yet");
    let reason = without(reason, &pair.problems);
    finish(input, PlanItem { new_link: true, ..PlanItem::new(Action::CreateContact, reason, Base::default()) }, pair)
}

/// The last look before anything is written: what a service would refuse is not sent.
fn finish(input: &PlanInput<'_>, mut item: PlanItem, pair: Pair) -> PlanItem {
    let catalogue = &input.policy.catalogue;
    if !pair.settled {
        let words = "the rules contradict each other: each writes what another rule changes back";
        return end(input, Action::Fail, Reason::new(ReasonCode::RulesContradict, words));
    }
    let too_long = check::too_long(&pair.changes, item.reference.as_deref(), catalogue);
    if let Some((reason, problem)) = check::malformed_email(&pair.changes, catalogue) {
        let mut refused = end(input, Action::Exclude, reason);
        refused.problems = pair.problems;
        refused.problems.push(problem);
        return refused;
    }
    if let Some(first) = too_long.first() {
        let mut refused = end(input, Action::Fail, Reason::new(ReasonCode::TooLong, first.to_string()));
        refused.problems = pair.problems;
        refused.problems.extend(too_long);
        return refused;
    }
    item.changes = pair.changes;
    item.base_after = pair.base;
    item.problems = pair.problems;
    item
}

/// A record that is about to be created has no unread past: what the source does not name is empty.
fn complete(input: &PlanInput<'_>, source: &Record) -> Record {
    let mut source = source.clone();
    for rule in &input.policy.mapping.rules {
        let named = rule.transform.iter().flat_map(|step| step.fields());
        let keys: Vec<FieldKey> = named.chain([rule.field(source.side).clone()]).collect();
        for key in keys {
            source.values.entry(key).or_insert(Value::Empty);
        }
    }
    source
}

/// The contact's id, where the customer's `reference` is free and the sync wants it there.
fn reference_to_write(input: &PlanInput<'_>, contact: &Record, customer: &Record) -> Option<String> {
    // An absent reference is not known to be free.
    let free = customer.get("reference").is_some_and(Value::is_blank);
    let wanted = input.policy.write_reference && free;
    contact.id.as_ref().filter(|_| wanted).map(|id| input.policy.matching.reference_of(id))
}

fn ambiguous(input: &PlanInput<'_>) -> PlanItem {
    let (code, words) = match input.matched {
        Some(Match::CaseOnlyReference(id)) => (
            ReasonCode::ReferenceCase,
            format!("customer {id} has this contact's id as its reference, but in other capitals"),
        ),
        Some(Match::Ambiguous { rule, candidates, why: Ambiguity::Left(contact) }) => {
            let ids: Vec<&str> = candidates.iter().map(|id| id.as_str()).collect();
            let (id, rule) = (ids.join(", "), rule.words());
            (
                ReasonCode::PartnerLeft,
                format!(
                    "customer {id} has the same {rule}, and its contact {contact} was deleted: the two contacts may have \
                     been merged"
                ),
            )
        }
        Some(Match::Ambiguous { rule, candidates, why }) => {
            let ids: Vec<&str> = candidates.iter().map(|id| id.as_str()).collect();
            let ids = ids.join(", ");
            let rule = rule.words();
            (
                ReasonCode::SeveralFit,
                match why {
                    Ambiguity::SeveralCustomers => format!("several customers have the same {rule}: {ids}"),
                    Ambiguity::SeveralContacts => format!("other contacts have the same {rule} as customer {ids}"),
                    Ambiguity::Taken(owner) | Ambiguity::Left(owner) => {
                        format!("customer {ids} has the same {rule}, but belongs to contact {owner} already")
                    }
                },
            )
        }
        _ => (ReasonCode::SeveralFit, "several customers fit".to_owned()),
    };
    end(input, Action::Ambiguous, Reason::new(code, words))
}

fn unlink(input: &PlanInput<'_>, gone: Side) -> PlanItem {
    let code = if gone == Side::Highlevel { ReasonCode::ContactGone } else { ReasonCode::CustomerGone };
    let what = input.policy.deletes.words(gone);
    let words = format!("the {} was deleted in {}; {what}", gone.noun(), gone.label());
    end(input, Action::Unlink, Reason::new(code, words))
}

fn not_read(input: &PlanInput<'_>, side: Side) -> PlanItem {
    let words = format!("the {} was not read, and nothing is decided on a guess", side.noun());
    end(input, Action::Fail, Reason::new(ReasonCode::NotRead, words))
}

/// An end at which nothing is written and nothing new is agreed.
pub(super) fn end(input: &PlanInput<'_>, action: Action, reason: Reason) -> PlanItem {
    PlanItem::new(action, reason, input.link.map(|link| link.base.clone()).unwrap_or_default())
}
