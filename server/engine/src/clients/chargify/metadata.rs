//! Metafield values of a customer (Maxio Advanced Billing API reference, metadata, seen 2026-08).

use crate::{
    UpstreamClass,
    clients::{CallError, address, json},
};
use domain::{RemoteId, Side, limits, value::Value};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// A customer has at most 100 values; a service that keeps promising more is not followed for ever.
pub(super) const PAGES_MAX: u32 = 5;

/// One page of values.
pub(super) struct Rows {
    pub values: BTreeMap<String, Value>,
    pub more: bool,
}

pub(super) fn target(id: &RemoteId, page: u32) -> String {
    let path = format!("/customers/{}/metadata.json", address::encode(id.as_str()));
    address::with_query(&path, &[("page", page.to_string()), ("per_page", limits::CHARGIFY_PAGE.to_string())])
}

/// `{total_pages, current_page, metadata: [...]}`.
pub(super) fn page(body: &Json) -> Option<Rows> {
    let rows = body.get("metadata")?.as_array()?;
    let values = rows.iter().filter(|row| row.get("deleted_at").is_none_or(Json::is_null)).filter_map(named).collect();
    let counter = |key| json::integer(body, key).unwrap_or(1);
    Some(Rows { values, more: counter("current_page") < counter("total_pages") })
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

/// Compares what came back with what was sent: a value the service does not take is dropped with status 200.
pub(super) fn verify(body: &Json, sent: &BTreeMap<String, Value>) -> Result<(), CallError> {
    let rows = body.as_array().or_else(|| body.get("metadata")?.as_array());
    let back: BTreeMap<String, Value> = rows.into_iter().flatten().filter_map(named).collect();
    let lost: Vec<&str> = sent
        .iter()
        .filter(|(name, value)| back.get(*name).map(Value::display).unwrap_or_default() != value.display())
        .map(|(name, _)| name.as_str())
        .collect();
    if lost.is_empty() {
        return Ok(());
    }
    let words = format!("answered with success, but did not take the value of {}", lost.join(", "));
    Err(CallError::new(Side::Chargify, UpstreamClass::Rejected, words))
}

fn named(row: &Json) -> Option<(String, Value)> {
    Some((json::text(row, "name")?, json::value(row.get("value")?).ok()?))
}
