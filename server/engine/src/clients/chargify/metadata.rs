//! Metafield values of a customer (Maxio Advanced Billing API reference, metadata, seen 2026-08).

use crate::clients::{CallError, address, json};
use domain::{RemoteId, Side, limits, value::Value};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// A customer has at most 100 values; a service that keeps promising more is not followed for ever.
pub(super) const PAGES_MAX: u32 = 5;
/// The same for the values of as many customers as one call takes.
pub(super) const PAGES_OF_MANY_MAX: u32 = 30;

/// One page of values.
pub(super) struct Rows {
    pub values: BTreeMap<String, Value>,
    pub more: bool,
}

pub(super) fn target(id: &RemoteId, page: u32) -> String {
    let path = format!("/customers/{}/metadata.json", address::encode(id.as_str()));
    address::with_query(&path, &[("page", page.to_string()), ("per_page", limits::CHARGIFY_PAGE.to_string())])
}

/// Values of many customers at once; the service takes at most [`limits::CHARGIFY_METADATA_IDS`] ids.
pub(super) fn target_of_many(ids: &[RemoteId], page: u32) -> String {
    let mut query = vec![("page", page.to_string()), ("per_page", limits::CHARGIFY_PAGE.to_string())];
    query.extend(ids.iter().map(|id| ("resource_ids[]", id.0.clone())));
    address::with_query("/customers/metadata.json", &query)
}

/// A value with the customer it belongs to and its name.
pub(super) type Belonging = (RemoteId, String, Value);

/// One page of values of many customers, and whether there is a further page.
pub(super) fn page_of_many(body: &Json) -> Option<(Vec<Belonging>, bool)> {
    let rows = body.get("metadata")?.as_array()?;
    let live = rows.iter().filter(|row| row.get("deleted_at").is_none_or(Json::is_null));
    let of = |row: &Json| {
        let (name, value) = named(row)?;
        Some((RemoteId(json::text(row, "resource_id")?), name, value))
    };
    Some((live.filter_map(of).collect(), more(body)))
}

/// `{total_pages, current_page, metadata: [...]}`.
pub(super) fn page(body: &Json) -> Option<Rows> {
    let rows = body.get("metadata")?.as_array()?;
    let values = rows.iter().filter(|row| row.get("deleted_at").is_none_or(Json::is_null)).filter_map(named).collect();
    Some(Rows { values, more: more(body) })
}

/// Whether there is a further page.
pub(super) fn more(body: &Json) -> bool {
    let counter = |key| json::integer(body, key).unwrap_or(1);
    counter("current_page") < counter("total_pages")
}

/// A list even for one value: the form the service documents for all of them.
pub(super) fn body(values: &BTreeMap<String, Value>) -> Result<Json, CallError> {
    if values.is_empty() {
        return Err(CallError::never_sent(Side::Chargify, "there is nothing to change"));
    }
    if let Some((name, _)) = values.iter().find(|(_, value)| value.display().len() > limits::CHARGIFY_METAFIELD_BYTES) {
        let most = limits::CHARGIFY_METAFIELD_BYTES;
        return Err(CallError::never_sent(Side::Chargify, format!("the value of {name} is longer than {most} bytes")));
    }
    let rows: Vec<Json> =
        values.iter().map(|(name, value)| json!({ "name": name, "value": value.display() })).collect();
    Ok(json!({ "metadata": rows }))
}

/// The values that did not arrive as sent, each with what stands there now.
pub(super) fn not_taken(body: &Json, sent: &BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    let rows = body.as_array().or_else(|| body.get("metadata")?.as_array());
    let back: BTreeMap<String, Value> = rows.into_iter().flatten().filter_map(named).collect();
    sent.iter()
        .map(|(name, value)| (name, value, back.get(name).cloned().unwrap_or_default()))
        .filter(|(_, value, back)| back.display() != value.display())
        .map(|(name, _, back)| (name.clone(), back))
        .collect()
}

fn named(row: &Json) -> Option<(String, Value)> {
    Some((json::text(row, "name")?, json::value(row.get("value")?).ok()?))
}
