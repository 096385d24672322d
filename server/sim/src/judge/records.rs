//! What must hold of records, links and the books.

use super::{Evidence, Violation};
use crate::{
    fields::EMAIL,
    ledger::{By, Write},
};
use domain::{Side, mapping::Conflict};
use std::collections::BTreeMap;

/// Where the phone number stands among a record's values.
const PHONE: usize = 3;
/// Where the reference stands among a customer's values.
const REFERENCE: usize = 6;

pub(super) fn judge(evidence: &Evidence<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    one_customer_per_contact(evidence, &mut violations);
    everybody_is_linked(evidence, &mut violations);
    nothing_is_removed_on_a_guess(evidence, &mut violations);
    one_write_per_edit(evidence, &mut violations);
    each_input_has_one_outcome(evidence, &mut violations);
    nobody_is_made_twice(evidence, &mut violations);
    references_stay(evidence, &mut violations);
    a_slowed_lane_rests(evidence, &mut violations);
    if evidence.high_water > evidence.slots {
        violations.push(Violation::new(
            "never more in flight than the site allows",
            format!("{} requests at once; {} are allowed", evidence.high_water, evidence.slots),
        ));
    }
    if let Some(fault) = &evidence.books.audit_fault {
        violations.push(Violation::new("the audit chain verifies", fault.clone()));
    }
    violations
}

/// Customers of a contact: linked to it, made for it, or carrying its id.
fn one_customer_per_contact(evidence: &Evidence<'_>, violations: &mut Vec<Violation>) {
    let mut customers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for link in evidence.books.links.iter().filter(|link| link.active) {
        customers.entry(&link.contact_id).or_default().push(&link.customer_id);
    }
    for id in evidence.ledger.ids(Side::Chargify) {
        let Some(entry) = evidence.ledger.live(Side::Chargify, id).filter(|entry| entry.made_by == By::Engine) else {
            continue;
        };
        let reference = entry.values.get(REFERENCE).map(String::as_str).unwrap_or_default();
        let known = customers.entry(reference).or_default();
        if !known.contains(&id) {
            known.push(id);
        }
    }
    for (contact, found) in customers.iter().filter(|(contact, found)| !contact.is_empty() && found.len() > 1) {
        let words = format!("contact {contact} has customers {}", found.join(", "));
        violations.push(Violation::new("one customer per contact", words));
    }
    let mut contacts: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for link in evidence.books.links.iter().filter(|link| link.active) {
        contacts.entry(&link.customer_id).or_default().push(&link.contact_id);
    }
    for (customer, found) in contacts.iter().filter(|(_, found)| found.len() > 1) {
        let words = format!("customer {customer} has contacts {}", found.join(", "));
        violations.push(Violation::new("one customer per contact", words));
    }
}

/// Whoever has all that Chargify wants, and an e-mail address nobody shares, is linked in the end.
fn everybody_is_linked(evidence: &Evidence<'_>, violations: &mut Vec<Violation>) {
    let ledger = evidence.ledger;
    let email = |side, id: &str| ledger.live(side, id).and_then(|entry| entry.values.get(EMAIL)).cloned();
    let held_by = |side, wanted: &str| ledger.ids(side).filter(|id| email(side, id).as_deref() == Some(wanted)).count();
    for id in ledger.ids(Side::Highlevel) {
        let Some(entry) = ledger.live(Side::Highlevel, id) else { continue };
        let complete = entry.values.iter().take(EMAIL + 1).all(|value| !value.is_empty());
        let links: Vec<_> = evidence.books.links.iter().filter(|link| link.contact_id == id).collect();
        // Whose customer a person deleted waits for a person's word.
        if !complete || !links.is_empty() {
            continue;
        }
        let Some(address) = email(Side::Highlevel, id) else { continue };
        // A customer with this address was deleted: creating one anew waits for a person's word.
        let deleted = ledger.records.iter().any(|((side, _), entry)| {
            *side == Side::Chargify && entry.gone_ms.is_some() && entry.values.get(EMAIL) == Some(&address)
        });
        // Where the two differ, and the rule asks or cannot tell who is newer, a person decides.
        let asks = evidence.mapping.last().is_some_and(|(_, rules)| {
            rules.iter().any(|rule| matches!(rule.conflict, Conflict::Ask | Conflict::Newest))
        });
        let has_rival = held_by(Side::Chargify, &address) > 0;
        // Somebody with the same number and name may be the same person: that is a question too.
        let phone = entry.values.get(PHONE);
        let has_twin = ledger.ids(Side::Chargify).any(|customer| {
            let other = ledger.live(Side::Chargify, customer);
            phone.is_some_and(|phone| !phone.is_empty()) && other.and_then(|other| other.values.get(PHONE)) == phone
        });
        // A customer that names it, and differs where a person must decide, waits for that.
        let is_named = ledger.ids(Side::Chargify).any(|customer| {
            let other = ledger.live(Side::Chargify, customer);
            other.and_then(|other| other.values.get(REFERENCE)).is_some_and(|reference| reference == id)
        });
        let is_free = !is_named && !deleted && !has_twin;
        let is_certain = !asks || !has_rival;
        let is_own =
            is_free && is_certain && held_by(Side::Highlevel, &address) == 1 && held_by(Side::Chargify, &address) <= 1;
        let rivals =
            ledger.ids(Side::Chargify).filter(|customer| email(Side::Chargify, customer).as_ref() == Some(&address));
        let is_taken = rivals.into_iter().any(|customer| {
            // Whose link ended is offered to a person, not taken.
            let linked = evidence.books.links.iter().any(|link| link.customer_id == customer);
            let entry = ledger.live(Side::Chargify, customer);
            linked || entry.and_then(|entry| entry.values.get(REFERENCE)).is_some_and(|reference| !reference.is_empty())
        });
        if is_own && !is_taken {
            let words = format!("contact {id} ({address}) has no customer after everything came to rest");
            violations.push(Violation::new("nothing is lost", words));
        }
    }
}

/// A link ends only when one of its records did.
fn nothing_is_removed_on_a_guess(evidence: &Evidence<'_>, violations: &mut Vec<Violation>) {
    let was_gone = |side, id: &str| {
        let known = evidence.ledger.records.get(&(side, id.to_owned()));
        // Restored since, it has come into being a second time.
        known.is_none_or(|entry| entry.gone_ms.is_some())
            || evidence.ledger.changes.iter().any(|change| {
                change.side == side
                    && change.id == id
                    && change.is_new
                    && change.shot.at_ms > 0
                    && evidence.ledger.records.get(&(side, id.to_owned())).is_some_and(|entry| entry.made_ms > 0)
            })
    };
    for link in evidence.books.links.iter().filter(|link| !link.active) {
        if !was_gone(Side::Highlevel, &link.contact_id) && !was_gone(Side::Chargify, &link.customer_id) {
            let words = format!(
                "the link of contact {} and customer {} was ended, although both are there ({})",
                link.contact_id, link.customer_id, link.reason
            );
            violations.push(Violation::new("no delete on a guess", words));
        }
    }
    for write in evidence.ledger.writes.iter().filter(|write| write.path.contains("delete")) {
        violations.push(Violation::new("no delete on a guess", format!("{} was called", write.path)));
    }
}

/// A write that changes nothing repeats one whose answer was not heard, or it should not have been made.
fn one_write_per_edit(evidence: &Evidence<'_>, violations: &mut Vec<Violation>) {
    let mut unheard: BTreeMap<(Side, &str), u64> = BTreeMap::new();
    for write in evidence.ledger.writes.iter().filter(|write| (200..300).contains(&write.status)) {
        let repeats = unheard.entry((write.side, write.path.as_str())).or_default();
        if !write.changed {
            match repeats.checked_sub(1) {
                Some(rest) => *repeats = rest,
                None => violations.push(Violation::new(
                    "one write per edit and target",
                    format!("{} {} at {} s changed nothing", write.side, write.path, write.shot.at_ms / 1_000),
                )),
            }
        }
        if !is_known(evidence, write) {
            *repeats += 1;
        }
    }
}

/// Its sender heard what became of it, and lived to write it down.
fn is_known(evidence: &Evidence<'_>, write: &Write) -> bool {
    write.heard_ms.is_some_and(|heard_ms| evidence.ledger.outlived(write.node, heard_ms))
}

fn each_input_has_one_outcome(evidence: &Evidence<'_>, violations: &mut Vec<Violation>) {
    let books = evidence.books;
    let mut lost = |words: String| violations.push(Violation::new("each input ends in exactly one outcome", words));
    for run in &books.runs {
        if !run.ended {
            lost(format!("run {} stays {}", run.number, run.status));
        }
        if !run.balances {
            lost(format!(
                "the counts of run {} ({}, {}) do not balance: {}",
                run.number, run.mode, run.status, run.counts
            ));
        }
    }
    for intent in &books.open_intents {
        lost(format!("a write stays unsettled: {intent}"));
    }
    for job in &books.open_jobs {
        lost(format!("a job stays in the queue: {job}"));
    }
    for delivery in books.deliveries.iter().filter(|delivery| delivery.state == "recorded") {
        lost(format!("webhook {} stays without an outcome", delivery.webhook_id));
    }
    let known: std::collections::BTreeSet<(Side, &str)> =
        books.deliveries.iter().map(|delivery| (delivery.side, delivery.webhook_id.as_str())).collect();
    if known.len() != books.deliveries.len() {
        lost("one webhook is recorded twice".to_owned());
    }
    for (side, id) in evidence.taken.iter().filter(|(side, id)| !known.contains(&(*side, id.as_str()))) {
        lost(format!("webhook {side} {id} was answered with 200 and is not recorded"));
    }
}

/// So long before a record is made the engine must know of another one with the same address.
const KNOWN_MS: u64 = 30_000;

/// No record is made for an address that a record of a person's has on that side.
fn nobody_is_made_twice(evidence: &Evidence<'_>, violations: &mut Vec<Violation>) {
    let ledger = evidence.ledger;
    let made = ledger.changes.iter().filter(|change| change.is_new && change.by == By::Engine && change.place == EMAIL);
    for new in made.filter(|change| !change.after.is_empty()) {
        let held = ledger.changes.iter().filter(|change| {
            change.side == new.side
                && change.id != new.id
                && change.place == EMAIL
                && change.after == new.after
                && change.shot.at_ms
                    < new.shot.sent_ms.saturating_sub(if change.by == By::Engine { 0 } else { KNOWN_MS })
        });
        let is_held_still = |id: &str| {
            let known = ledger.records.get(&(new.side, id.to_owned()));
            known.is_some_and(|entry| {
                // Who lay in the bin then and was taken out of it since stood in nobody's way.
                entry.gone_ms.is_none()
                    && entry.was_there(new.shot.sent_ms)
                    && entry.values.get(EMAIL) == Some(&new.after)
            })
        };
        let shares = ledger
            .changes
            .iter()
            .filter(|change| change.side == new.side.other() && change.place == EMAIL && change.after == new.after);
        // Two who share an address may both be made: nobody can tell which of them the other is.
        let sharers: std::collections::BTreeSet<&str> = shares.map(|change| change.id.as_str()).collect();
        if sharers.len() > 1 {
            continue;
        }
        for other in held.filter(|change| is_held_still(&change.id)) {
            let words = format!(
                "{} {} was made for {} at {} s, although {} {} had it since {} s",
                new.side.noun(),
                new.id,
                new.after,
                new.shot.at_ms / 1_000,
                new.side.noun(),
                other.id,
                other.shot.at_ms / 1_000
            );
            violations.push(Violation::new("nobody is made twice", words));
        }
    }
}

/// What a merchant has put into a reference is the merchant's.
fn references_stay(evidence: &Evidence<'_>, violations: &mut Vec<Violation>) {
    let written = evidence.ledger.changes.iter().filter(|change| {
        change.side == Side::Chargify
            && change.place == REFERENCE
            && change.by == By::Engine
            && !change.before.is_empty()
    });
    for change in written {
        let words = format!("{:?} of customer {} became {:?}", change.before, change.id, change.after);
        violations.push(Violation::new("a reference that is there stays", words));
    }
}

/// After 429 nothing is sent for at least a second, apart from what is on its way already.
fn a_slowed_lane_rests(evidence: &Evidence<'_>, violations: &mut Vec<Violation>) {
    let calls = || evidence.ledger.heard.iter().filter(|call| call.side == Side::Chargify);
    for refused in calls().filter(|call| call.status == Some(429)) {
        let rest = refused.heard_ms + 5..refused.heard_ms + 900;
        let hasty = calls().filter(|call| call.node == refused.node && rest.contains(&call.sent_ms)).count();
        if hasty > 0 {
            let words = format!(
                "node {} made {hasty} calls within a second of being told at {} s that there were too many",
                refused.node,
                refused.heard_ms / 1_000
            );
            violations.push(Violation::new("a lane that is told to slow down rests", words));
            return;
        }
    }
}
