mod decisions;
mod golden;
mod properties;

use super::*;
use crate::field::Field;
use crate::mapping::{Conflict, Direction, EmptyRule, Rule};

fn contact() -> Record {
    Record::new(Side::Highlevel)
        .with_id("Abc1")
        .with("firstName", "Ann")
        .with("lastName", "Lee")
        .with("email", "ann@example.com")
        .with("phone", "+16171110000")
        .with("companyName", "")
        .with("state", "Texas")
        .with("country", "US")
}

fn customer() -> Record {
    Record::new(Side::Chargify)
        .with_id("77")
        .with("reference", "")
        .with("first_name", "Ann")
        .with("last_name", "Lee")
        .with("email", "ann@example.com")
        .with("phone", "+16171110000")
        .with("organization", "")
        .with("state", "TX")
        .with("country", "US")
}

/// Carries a plan out as the services would: fields are set, what is created exists, what was agreed is kept.
fn apply(item: &PlanItem, contact: Option<&Record>, customer: Option<&Record>) -> (Record, Record, LinkState) {
    let created = |side, id: &str, mapping: &Mapping| {
        let mut record = Record::new(side).with_id(id);
        for rule in &mapping.rules {
            record.set(rule.field(side).clone(), Value::Empty);
        }
        record
    };
    let mapping = Mapping::default();
    let mut contact = contact.cloned().unwrap_or_else(|| created(Side::Highlevel, "New1", &mapping));
    let mut customer = customer.cloned().unwrap_or_else(|| created(Side::Chargify, "99", &mapping));
    for change in &item.changes {
        let record = if change.side == Side::Highlevel { &mut contact } else { &mut customer };
        record.set(change.field.clone(), change.after.clone());
    }
    if let Some(reference) = &item.reference {
        customer.set("reference", reference.as_str());
    }
    let id = LinkId(uuid::Uuid::from_u128(1));
    (contact, customer, LinkState { id, base: item.base_after.clone() })
}
