//! Recognises our own writes coming back: by content, never by a timer.

use super::SyncContext;
use domain::{
    Side,
    merge::Base,
    record::Record,
    value::{Value, normal},
};

/// Whether a webhook's payload says nothing but what both sides agreed on last. GoHighLevel leaves empty fields out, and a
/// few it never tells; what Chargify leaves out is not known.
pub(crate) fn is_echo(context: &SyncContext, base: &Base, payload: &Record) -> bool {
    let policy = &context.policy;
    !policy.mapping.rules.is_empty()
        && policy.mapping.rules.iter().all(|rule| {
            let field = rule.field(payload.side);
            let kind = policy.catalogue.kind(payload.side, field);
            let told = match payload.values.get(field) {
                Some(value) => normal(kind, value),
                None if payload.side == Side::Highlevel && field.as_str() != "timezone" => Value::Empty,
                None => return false,
            };
            match base.0.get(&rule.key()) {
                Some(pair) => *pair.half(payload.side) == told,
                // Never agreed on: only an empty field surely has nothing to carry.
                None => told == Value::Empty,
            }
        })
}
