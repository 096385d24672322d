//! What is sent when a contact is written. The service refuses every property it does not know, so only those of the
//! catalogue are sent (HighLevel API docs, create and update contact, seen 2026-08).

use crate::clients::{CallError, Dropped, Refusal};
use domain::{
    Side,
    field::{Catalogue, Field},
    record::{FieldKey, Record},
    value::{FieldKind, Value, normal},
};
use serde_json::{Map, Value as Json, json};
use std::{collections::BTreeMap, sync::LazyLock};

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(Catalogue::standard);

/// All of a new contact; empty values are left out. Tags may be given to a contact that does not exist yet.
pub(super) fn create_body(
    location_id: &str,
    fields: &BTreeMap<FieldKey, Value>,
    custom: &[Field],
) -> Result<Json, CallError> {
    let (tags, rest): (Vec<_>, Vec<_>) =
        fields.iter().filter(|(_, value)| !value.is_blank()).partition(|(key, _)| key.as_str() == "tags");
    let mut members = members(rest.into_iter(), custom)?;
    for (_, value) in tags {
        let tags = match normal(FieldKind::Tags, value) {
            Value::List(tags) => tags,
            _ => Vec::new(),
        };
        members.insert("tags".to_owned(), json!(tags));
    }
    members.insert("locationId".to_owned(), json!(location_id));
    Ok(Json::Object(members))
}

/// The changed fields only; an empty value clears.
pub(super) fn update_body(fields: &BTreeMap<FieldKey, Value>, custom: &[Field]) -> Result<Json, CallError> {
    if fields.is_empty() {
        return Err(CallError::never_sent(Side::Highlevel, "there is nothing to change"));
    }
    members(fields.iter(), custom).map(Json::Object)
}

/// Whether an update was refused only for naming the company, which some locations accept and others do not.
pub(super) fn refuses_company_name(error: &CallError) -> bool {
    matches!(&error.refusal, Refusal::PropertiesRefused(names) if names.iter().any(|name| name == "companyName"))
}

/// The fields that came back with another value than was sent.
pub(super) fn differing(sent: &BTreeMap<FieldKey, Value>, got: &Record, custom: &[Field]) -> Vec<FieldKey> {
    sent.iter()
        .filter(|(key, value)| {
            let own = custom.iter().find(|field| field.key == **key);
            let kind = own.map_or_else(|| CATALOGUE.kind(Side::Highlevel, key), |field| field.kind);
            // An empty custom field is left out of the answer.
            let back = got.get(key.as_str()).unwrap_or(&Value::Empty);
            normal(kind, value) != normal(kind, back)
        })
        .map(|(key, _)| key.clone())
        .collect()
}

/// Custom fields that the service took without a word and does not hold: it does so with an id it does not know.
pub(super) fn not_kept(sent: &BTreeMap<FieldKey, Value>, got: &Record) -> Vec<Dropped> {
    let lost = |key: &FieldKey| got.get(key.as_str()).is_none_or(Value::is_blank);
    let why = "GoHighLevel answered with success and does not hold it; the field may have been deleted";
    sent.iter()
        .filter(|(key, value)| key.custom_field_id().is_some() && !value.is_blank() && lost(key))
        .map(|(key, _)| Dropped { field: key.clone(), why: why.to_owned() })
        .collect()
}

fn members<'a>(
    fields: impl Iterator<Item = (&'a FieldKey, &'a Value)>,
    known: &[Field],
) -> Result<Map<String, Json>, CallError> {
    let mut members = Map::new();
    let mut custom = Vec::new();
    for (key, value) in fields {
        if let Some(id) = key.custom_field_id() {
            let field = known.iter().find(|field| field.key == *key).cloned();
            let field = field.unwrap_or_else(|| Field::highlevel_custom(id, id, ""));
            if !field.writable {
                let words = format!("{} holds {}, which are left alone", field.label, field.type_words());
                return Err(CallError::never_sent(Side::Highlevel, words));
            }
            custom.push(json!({ "id": id, "field_value": field.wire(value) }));
            continue;
        }
        let field = CATALOGUE.get(Side::Highlevel, key).filter(|field| field.writable).ok_or_else(|| {
            let hint = if key.as_str() == "tags" { "; tags have operations of their own" } else { "" };
            CallError::never_sent(Side::Highlevel, format!("{key} cannot be written as a field of a contact{hint}"))
        })?;
        members.insert(key.as_str().to_owned(), field.wire(value));
    }
    if !custom.is_empty() {
        members.insert("customFields".to_owned(), Json::Array(custom));
    }
    Ok(members)
}
