//! Customers as the service writes them, read into records. Unknown fields are ignored; a field of an unexpected type
//! is left out and told.

use crate::clients::{RowProblem, json};
use domain::{
    Side,
    record::{FieldKey, Record},
    value::Value,
};
use serde_json::Value as Json;

/// Fields a customer has. One that is missing from an answer is not known; `null` and `""` are both empty.
const FIELDS: &[&str] = &[
    "first_name",
    "last_name",
    "email",
    "cc_emails",
    "organization",
    "reference",
    "phone",
    "address",
    "address_2",
    "city",
    "state",
    "zip",
    "country",
    "locale",
    "vat_number",
    "tax_exempt",
    "tax_exempt_reason",
    "salesforce_id",
    "parent_id",
    "created_at",
    "updated_at",
];

/// Reads `{customer: {...}}`. `Err` when it is no customer at all.
pub(super) fn customer(envelope: &Json) -> Result<(Record, Vec<RowProblem>), RowProblem> {
    let lost = |detail: &str| RowProblem { id: None, field: None, detail: detail.to_owned() };
    let json =
        envelope.get("customer").filter(|json| json.is_object()).ok_or_else(|| lost("the row holds no customer"))?;
    let id = json::text(json, "id").ok_or_else(|| lost("a customer without an id"))?;
    let mut record = Record::new(Side::Chargify).with_id(id);
    let mut problems = Vec::new();
    for key in FIELDS {
        let Some(member) = json.get(key) else { continue };
        match json::value(member) {
            Ok(value) => record.set(*key, value),
            Err(what) => problems.push(RowProblem {
                id: record.id.clone(),
                field: Some(FieldKey::from(*key)),
                detail: format!("{key} is {what}"),
            }),
        }
    }
    forget_made_up_organization(&mut record);
    record.stamp.updated_at = json::instant(json, "updated_at");
    Ok((record, problems))
}

/// Some sites fill a blank organization with the customer's own name (Maxio Advanced Billing API reference, create
/// customer). That says nothing about a company, so it is read as empty.
fn forget_made_up_organization(record: &mut Record) {
    let name = record.full_name();
    if !name.is_empty() && record.text("organization").is_some_and(|organization| organization.trim() == name) {
        record.set("organization", Value::Empty);
    }
}
