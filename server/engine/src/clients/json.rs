//! Reading answers without trusting their types: a field of an unexpected type is a finding, never a failure.

use domain::value::Value;
use serde_json::Value as Json;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// A field's value: text as it stands, numbers and booleans as text, a list of such as a list. `Err` names what it is
/// instead.
pub(super) fn value(json: &Json) -> Result<Value, &'static str> {
    match json {
        Json::Null => Ok(Value::Empty),
        Json::Array(items) => items
            .iter()
            .filter(|item| !item.is_null())
            .map(|item| plain(item).ok_or("a list of objects"))
            .collect::<Result<Vec<_>, _>>()
            .map(Value::from),
        Json::Object(_) => Err("an object"),
        other => plain(other).map(Value::text).ok_or("an object"),
    }
}

/// Text, a number or a boolean, as text.
pub(super) fn plain(json: &Json) -> Option<String> {
    match json {
        // Postgres holds no NUL in text, and neither do the services' own pages.
        Json::String(text) if text.contains('\0') => Some(text.replace('\0', "")),
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(truth) => Some(truth.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

/// The text of a member, when it holds text, a number or a boolean and is not blank.
pub(super) fn text(json: &Json, key: &str) -> Option<String> {
    json.get(key).and_then(plain).filter(|text| !text.trim().is_empty())
}

/// A whole number, also when it comes as text.
pub(super) fn integer(json: &Json, key: &str) -> Option<i64> {
    let member = json.get(key)?;
    member.as_i64().or_else(|| member.as_str()?.trim().parse().ok())
}

/// Yes or no, also as text or 0/1.
pub(super) fn truth(json: &Json, key: &str) -> Option<bool> {
    match plain(json.get(key)?)?.to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// An instant: ISO 8601 with offset, or Unix milliseconds.
pub(super) fn instant(json: &Json, key: &str) -> Option<OffsetDateTime> {
    let member = json.get(key)?;
    if let Some(ms) = member.as_i64() {
        return OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000).ok();
    }
    OffsetDateTime::parse(member.as_str()?.trim(), &Rfc3339).ok()
}

/// What a service says went wrong, in whichever shape it says it: `message` as text or list, `errors` as list or map
/// (nested too), `error` as text. Empty when it says nothing.
pub(super) fn messages(json: &Json) -> Vec<String> {
    let mut found = Vec::new();
    for key in ["errors", "message", "error_description", "error"] {
        if let Some(member) = json.get(key) {
            collect("", member, &mut found);
        }
        if !found.is_empty() {
            break;
        }
    }
    if found.is_empty() && json.is_array() {
        collect("", json, &mut found);
    }
    found
}

/// Flattens a message of any shape; map keys become labels.
fn collect(label: &str, json: &Json, found: &mut Vec<String>) {
    match json {
        Json::Null => {}
        Json::Array(items) => items.iter().for_each(|item| collect(label, item, found)),
        Json::Object(members) => {
            for (key, member) in members {
                let label = if label.is_empty() { key.clone() } else { format!("{label}.{key}") };
                collect(&label, member, found);
            }
        }
        other => {
            let text = plain(other).unwrap_or_default();
            found.push(if label.is_empty() { text } else { format!("{label}: {text}") });
        }
    }
}
