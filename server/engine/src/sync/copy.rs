//! Between a record as the domain knows it and the copy of it in the store.

use crate::{
    EngineError, Result,
    store::records::{RecordBatch, RecordRow},
};
use domain::{
    RemoteId, Side,
    record::{Record, Stamp},
    value::{FieldKind, Value, normal},
};
use std::{collections::BTreeMap, str::FromStr as _};

/// The record a copy holds.
///
/// # Errors
/// [`EngineError::Bug`] when the stored copy cannot be read.
pub(crate) fn record_of(row: &RecordRow) -> Result<Record> {
    Ok(Record {
        side: Side::from_str(&row.side).map_err(|_unknown| EngineError::Bug("a copy of no known side"))?,
        id: Some(RemoteId(row.remote_id.clone())),
        values: serde_json::from_value(row.field_values.clone())
            .map_err(|_unreadable| EngineError::Bug("a stored copy cannot be read"))?,
        stamp: Stamp { updated_at: row.updated_at, event_id: row.event_id },
    })
}

/// Records as rows to store. Records without an id have nowhere to go and are left out.
pub(crate) fn batch_of<'a>(records: impl IntoIterator<Item = &'a Record>) -> RecordBatch {
    let mut batch = RecordBatch::default();
    for record in records {
        let Some(id) = &record.id else { continue };
        batch.remote_id.push(id.0.clone());
        batch.field_values.push(serde_json::to_value(&record.values).unwrap_or_default());
        batch.metafields.push(metafields(record));
        batch.updated_at.push(record.stamp.updated_at);
        batch.event_id.push(record.stamp.event_id);
        batch.email.push(record.email());
        batch.phone.push(phone(record));
        batch.reference.push(record.reference().map(str::to_owned));
        batch.display_name.push(record.display_name());
    }
    batch
}

/// The values of metafields, where they were read.
fn metafields(record: &Record) -> Option<serde_json::Value> {
    let told: BTreeMap<_, _> = record.values.iter().filter(|(key, _)| key.metafield_name().is_some()).collect();
    if told.is_empty() { None } else { serde_json::to_value(told).ok() }
}

/// The phone number in normal form.
pub(crate) fn phone(record: &Record) -> Option<String> {
    match normal(FieldKind::Phone, record.get("phone")?) {
        Value::Text(phone) => Some(phone),
        _ => None,
    }
}
