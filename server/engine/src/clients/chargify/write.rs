//! What is sent when a customer is written (Maxio Advanced Billing API reference, create and update customer, seen
//! 2026-08). Texts are typed non-null: `""` clears.

use crate::clients::CallError;
use domain::{
    Side,
    field::{Catalogue, Field},
    record::{FieldKey, Record},
    value::{FieldKind, Value, normal},
};
use serde_json::{Map, Value as Json, json};
use std::{collections::BTreeMap, sync::LazyLock};

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(Catalogue::standard);

/// All of a new customer; empty values are left out.
pub(super) fn create_body(fields: &BTreeMap<FieldKey, Value>, uniqueness_token: &str) -> Result<Json, CallError> {
    let customer = members(fields.iter().filter(|(_, value)| !value.is_blank()))?;
    Ok(json!({ "customer": customer, "uniqueness_token": uniqueness_token }))
}

/// The changed fields only.
pub(super) fn update_body(fields: &BTreeMap<FieldKey, Value>) -> Result<Json, CallError> {
    if fields.is_empty() {
        // An empty customer is refused by the service.
        return Err(CallError::never_sent(Side::Chargify, "there is nothing to change"));
    }
    Ok(json!({ "customer": members(fields.iter())? }))
}

/// The fields that came back with another value than was sent.
pub(super) fn differing(sent: &BTreeMap<FieldKey, Value>, got: &Record) -> Vec<FieldKey> {
    sent.iter()
        .filter(|(key, value)| {
            let kind = CATALOGUE.kind(Side::Chargify, key);
            let back = got.get(key.as_str()).unwrap_or(&Value::Empty);
            normal(kind, value) != normal(kind, back)
        })
        .map(|(key, _)| key.clone())
        .collect()
}

fn members<'a>(fields: impl Iterator<Item = (&'a FieldKey, &'a Value)>) -> Result<Map<String, Json>, CallError> {
    fields
        .map(|(key, value)| {
            // The catalogue keeps the reference from mappings; the link itself writes it.
            let field = CATALOGUE
                .get(Side::Chargify, key)
                .filter(|field| field.writable || key.as_str() == "reference")
                .ok_or_else(|| {
                    CallError::never_sent(Side::Chargify, format!("{key} cannot be written as a field of a customer"))
                })?;
            Ok((key.as_str().to_owned(), wire(field, value)))
        })
        .collect()
}

/// The catalogue's form, but yes and no as such: the service types `tax_exempt` as a boolean.
fn wire(field: &Field, value: &Value) -> Json {
    if field.kind != FieldKind::Bool {
        return field.wire(value);
    }
    match normal(FieldKind::Bool, value) {
        Value::Text(truth) => Json::Bool(truth == "true"),
        _ => Json::Bool(false),
    }
}
