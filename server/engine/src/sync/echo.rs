//! Recognises our own writes coming back: by content, never by a timer.

use super::SyncContext;
use domain::{
    Side,
    merge::Base,
    record::{FieldKey, Record},
    subscription::is_fact,
    value::{Value, normal},
};

/// Whether a webhook's payload says nothing but what both sides agreed on last. GoHighLevel leaves empty fields out, and a
/// few it never tells; what Chargify leaves out is not known.
pub(crate) fn is_echo(context: &SyncContext, base: &Base, payload: &Record) -> bool {
    let policy = &context.policy;
    !policy.mapping.rules.is_empty()
        && policy.mapping.rules.iter().filter(|rule| is_told(rule.field(payload.side), payload)).all(|rule| {
            let field = rule.field(payload.side);
            let kind = policy.catalogue.kind(payload.side, field);
            let told = match payload.values.get(field) {
                Some(value) => normal(kind, value),
                None if payload.side == Side::Highlevel && !is_seldom_told(field) => Value::Empty,
                None => return false,
            };
            if rule.adds_tags() {
                // The contact has others' tags too.
                let ours = base.0.get(&rule.key()).map(|pair| pair.half(payload.side).clone()).unwrap_or_default();
                return is_part_of(&ours, &told);
            }
            match base.0.get(&rule.key()) {
                Some(pair) => *pair.half(payload.side) == told,
                // Never agreed on: only an empty field surely has nothing to carry.
                None => told == Value::Empty,
            }
        })
}

/// No webhook tells of metafields, whatever else it tells; nor of subscriptions while they are not known whole.
fn is_told(field: &FieldKey, payload: &Record) -> bool {
    field.metafield_name().is_none() && (!is_fact(field) || payload.values.contains_key(field))
}

/// Fields that a contact's webhooks lack although they may hold something.
fn is_seldom_told(field: &FieldKey) -> bool {
    matches!(field.as_str(), "timezone" | "businessId" | "businessName" | "type" | "dateUpdated")
        || field.as_str().starts_with("dndSettings.")
}

/// Whether every tag of the one is among those of the other; both in normal form.
fn is_part_of(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Empty, _) => true,
        (Value::List(one), Value::List(other)) => one.iter().all(|tag| other.contains(tag)),
        _ => false,
    }
}
