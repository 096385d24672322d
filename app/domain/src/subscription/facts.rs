//! Billing facts: what a contact can be told about its customer's subscriptions, as fields that are only read.

use super::{Subscription, decimal, governing};
use crate::record::FieldKey;
use crate::value::{FieldKind, Value};
use std::collections::BTreeMap;
use time::{OffsetDateTime, UtcOffset, macros::format_description};

/// What every fact's key begins with.
const PREFIX: &str = "subscription.";

/// One fact as the field catalogue knows it.
#[derive(Debug, Clone, Copy)]
pub struct Fact {
    /// Its key in mappings.
    pub key: &'static str,
    /// Its name as people read it.
    pub label: &'static str,
    /// What it holds.
    pub kind: FieldKind,
    /// The type of custom field that holds it at HighLevel, in the service's own word; none for tags.
    pub data_type: Option<&'static str>,
}

const fn fact(key: &'static str, label: &'static str, kind: FieldKind, data_type: Option<&'static str>) -> Fact {
    Fact { key, label, kind, data_type }
}

/// All facts. Each is about the subscription that stands for the customer ([`governing`]).
pub const FACTS: [Fact; 11] = [
    fact("subscription.state", "Subscription state", FieldKind::Text, Some("TEXT")),
    fact("subscription.product", "Subscription product", FieldKind::Text, Some("TEXT")),
    fact("subscription.product_handle", "Subscription product handle", FieldKind::Text, Some("TEXT")),
    fact("subscription.price", "Subscription price", FieldKind::Number, Some("MONETORY")),
    fact("subscription.currency", "Subscription currency", FieldKind::Text, Some("TEXT")),
    fact("subscription.balance", "Subscription balance", FieldKind::Number, Some("MONETORY")),
    fact("subscription.next_billing", "Next billing", FieldKind::Date, Some("DATE")),
    fact("subscription.trial_end", "Trial end", FieldKind::Date, Some("DATE")),
    fact("subscription.payment_failed", "Payment failed on", FieldKind::Date, Some("DATE")),
    fact("subscription.id", "Subscription id", FieldKind::Text, Some("TEXT")),
    fact("subscription.tags", "Subscription tag (chargify:state)", FieldKind::Tags, None),
];

/// Whether the field is a billing fact.
#[must_use]
pub fn is_fact(key: &FieldKey) -> bool {
    key.as_str().starts_with(PREFIX)
}

/// Every fact about a customer with these subscriptions: empty where there is nothing to tell, so that a contact of whom
/// something was told is told that it no longer holds. Days are those of UTC, whatever zone the service answered in.
#[must_use]
pub fn facts(subscriptions: &[Subscription]) -> BTreeMap<FieldKey, Value> {
    let it = governing(subscriptions);
    let day = |at: Option<OffsetDateTime>| Value::from(at.and_then(day));
    let cents = |cents: Option<i64>| Value::from(cents.map(decimal));
    let text = |text: Option<&str>| Value::from(text.map(str::to_owned));
    let value = |name: &str| match name {
        "state" => text(it.map(|it| it.state.as_str())),
        "product" => text(it.map(|it| it.product.as_str())),
        "product_handle" => text(it.and_then(|it| it.product_handle.as_deref())),
        "price" => cents(it.and_then(|it| it.price_in_cents)),
        "currency" => text(it.and_then(|it| it.currency.as_deref())),
        "balance" => cents(it.and_then(|it| it.balance_in_cents)),
        "next_billing" => day(it.filter(|it| it.is_live()).and_then(|it| it.next_billing_at)),
        "trial_end" => day(it.and_then(|it| it.trial_ends_at)),
        "payment_failed" => day(it.and_then(|it| it.failed_payment()).map(|payment| payment.at)),
        "id" => text(it.map(|it| it.id.as_str())),
        "tags" => Value::from(it.map(|it| vec![format!("chargify:{}", it.state)]).unwrap_or_default()),
        _ => Value::Empty,
    };
    FACTS.iter().map(|fact| (FieldKey::from(fact.key), value(fact.key.trim_start_matches(PREFIX)))).collect()
}

fn day(at: OffsetDateTime) -> Option<String> {
    at.to_offset(UtcOffset::UTC).date().format(format_description!("[year]-[month]-[day]")).ok()
}
