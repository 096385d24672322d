//! Contacts as the service writes them, read into records. Nothing here fails on a field: what cannot be read is left
//! out and told.

use crate::clients::{RowProblem, json};
use domain::{
    RemoteId, Side,
    field::Field,
    record::{FieldKey, Record},
    value::{FieldKind, Value, normal},
};
use serde_json::Value as Json;
use time::{OffsetDateTime, macros::format_description};

/// Which of the service's two shapes a contact has (HighLevel API docs, contacts, seen 2026-08).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// As get, create and update return it.
    Whole,
    /// As search returns it: `address` for `address1`, the birthday in Unix milliseconds.
    SearchRow,
}

/// Fields both shapes hold. The service leaves empty ones out, so a missing one is known to be empty.
const ALWAYS: &[&str] = &[
    "firstName",
    "lastName",
    "email",
    "phone",
    "companyName",
    "address1",
    "city",
    "state",
    "postalCode",
    "country",
    "website",
    "source",
    "dateOfBirth",
    "assignedTo",
    "tags",
];

/// Fields that one of the shapes may lack: a missing one is not known.
const SOMETIMES: &[&str] = &["timezone", "businessName", "businessId", "dnd", "type", "dateAdded", "dateUpdated"];

/// Channels a contact can be left in peace on (HighLevel API docs, contacts, seen 2026-08; RCS in live answers).
const CHANNELS: &[&str] = &["Call", "Email", "SMS", "WhatsApp", "GMB", "FB", "RCS"];

/// Reads a contact. `custom_fields` are reported as empty where the contact does not have them.
///
/// `Err` when it is no contact at all.
pub(super) fn contact(
    json: &Json,
    shape: Shape,
    custom_fields: &[Field],
) -> Result<(Record, Vec<RowProblem>), RowProblem> {
    let lost = |detail: &str| RowProblem { id: None, field: None, detail: detail.to_owned() };
    if !json.is_object() {
        return Err(lost("a contact that is no object"));
    }
    let id = json::text(json, "id").ok_or_else(|| lost("a contact without an id"))?;
    let mut record = Record::new(Side::Highlevel).with_id(id);
    let mut problems = Vec::new();
    for key in ALWAYS {
        let member = json.get(wire_name(key, shape)).unwrap_or(&Json::Null);
        set(&mut record, &mut problems, FieldKey::from(*key), member);
    }
    for key in SOMETIMES {
        if let Some(member) = json.get(key) {
            set(&mut record, &mut problems, FieldKey::from(*key), member);
        }
    }
    if let Some(day) = record.get("dateOfBirth").and_then(epoch_day) {
        record.set("dateOfBirth", day);
    }
    read_channels(json.get("dndSettings"), &mut record);
    read_custom_fields(json.get("customFields"), &mut record, &mut problems, custom_fields);
    record.stamp.updated_at = json::instant(json, "dateUpdated");
    Ok((record, problems))
}

fn wire_name(key: &'static str, shape: Shape) -> &'static str {
    match (key, shape) {
        ("address1", Shape::SearchRow) => "address",
        (key, _) => key,
    }
}

fn set(record: &mut Record, problems: &mut Vec<RowProblem>, key: FieldKey, member: &Json) {
    match json::value(member) {
        Ok(value) => record.set(key, value),
        Err(what) => problems.push(told(record.id.as_ref(), key, what)),
    }
}

fn told(id: Option<&RemoteId>, key: FieldKey, what: &str) -> RowProblem {
    RowProblem { id: id.cloned(), detail: format!("{key} is {what}"), field: Some(key) }
}

/// `{Email: {status: "active"}, ...}`, with capitals or, from newer versions, without. Not all answers hold it; one that
/// does and names a channel not says that nothing is set for it.
fn read_channels(json: Option<&Json>, record: &mut Record) {
    let Some(settings) = json.and_then(Json::as_object) else { return };
    for channel in CHANNELS {
        let told = settings.iter().find(|(name, _)| name.eq_ignore_ascii_case(channel));
        let status = told.and_then(|(_, set)| json::text(set, "status"));
        record.set(format!("dndSettings.{channel}"), Value::from(status));
    }
}

/// `[{id, value}]`. Uploaded files come as objects: there is no text in them to sync, so such a field is not known.
fn read_custom_fields(json: Option<&Json>, record: &mut Record, problems: &mut Vec<RowProblem>, known: &[Field]) {
    let mut present = Vec::new();
    for item in json.and_then(Json::as_array).into_iter().flatten() {
        let Some(id) = json::text(item, "id") else { continue };
        let key = FieldKey::custom_field(&id);
        let field = known.iter().find(|field| field.key == key);
        let member = item.get("value").or_else(|| item.get("fieldValue")).or_else(|| item.get("field_value"));
        let member = member.unwrap_or(&Json::Null);
        if !member.is_object() && field.is_none_or(|field| field.writable) {
            set(record, problems, key.clone(), member);
        }
        if field.is_some_and(|field| field.kind == FieldKind::Date)
            && let Some(told) = record.values.get_mut(&key)
        {
            // Some answers hold Unix milliseconds.
            *told = normal(FieldKind::Date, told);
        }
        present.push(key);
    }
    for field in known.iter().filter(|field| field.writable && !present.contains(&field.key)) {
        record.set(field.key.clone(), Value::Empty);
    }
}

/// `YYYY-MM-DD` for a birthday in Unix milliseconds.
fn epoch_day(value: &Value) -> Option<String> {
    let Value::Text(text) = value else { return None };
    let ms: i64 = text.parse().ok()?;
    let instant = OffsetDateTime::from_unix_timestamp(ms.div_euclid(1_000)).ok()?;
    instant.date().format(format_description!("[year]-[month]-[day]")).ok()
}
