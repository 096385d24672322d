//! What a recorded webhook says about its subject, as a record.

use super::{chargify::customer_prefix, form::Form, highlevel::members};
use crate::store::deliveries::DeliveryRow;
use domain::{
    Side,
    field::Catalogue,
    record::{FieldKey, Record},
    value::Value,
};
use serde_json::{Map, Value as Json};
use time::{OffsetDateTime, PrimitiveDateTime, format_description::well_known::Rfc3339, macros::format_description};

/// Fields every customer payload of our day holds; older or shorter ones say less than they could.
const WHOLE_CUSTOMER: [&str; 12] = [
    "first_name",
    "last_name",
    "email",
    "organization",
    "reference",
    "phone",
    "address",
    "address_2",
    "city",
    "state",
    "zip",
    "country",
];

/// The record a payload describes, and whether it holds all the standard fields and its instant.
///
/// GoHighLevel leaves out empty fields and says neither when nor by whom a contact was changed: never complete. Custom
/// fields of either side are known only as far as they are in the payload. `None`: it describes no record.
pub(crate) fn payload_record(row: &DeliveryRow) -> Option<(Record, bool)> {
    match row.side.parse::<Side>().ok()? {
        Side::Highlevel => contact(&row.body).map(|record| (record, false)),
        Side::Chargify => customer(&row.body),
    }
}

fn contact(body: &[u8]) -> Option<Record> {
    let members = members(body)?;
    let id = members.get("id").and_then(Json::as_str)?;
    let is_contact = members.get("type").and_then(Json::as_str).is_some_and(|event| event.starts_with("Contact"));
    if !is_contact {
        return None;
    }
    let mut record = Record::new(Side::Highlevel).with_id(id);
    for key in Catalogue::standard().fields(Side::Highlevel).keys() {
        if let Some(value) = members.get(key.as_str()).and_then(value) {
            record.set(key.clone(), value);
        }
    }
    for (id, value) in
        members.get("customFields").and_then(Json::as_array).into_iter().flatten().filter_map(custom_field)
    {
        record.set(FieldKey::custom_field(&id), value);
    }
    Some(record)
}

fn custom_field(item: &Json) -> Option<(String, Value)> {
    let members: &Map<String, Json> = item.as_object()?;
    let id = members.get("id")?.as_str()?;
    Some((id.to_owned(), value(members.get("value")?)?))
}

/// Text, number, boolean or a list of such; `None` for what is empty or has another shape.
fn value(json: &Json) -> Option<Value> {
    let plain = |json: &Json| match json {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(truth) => Some(truth.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    };
    let value = match json {
        Json::Array(items) => Value::from(items.iter().map(plain).collect::<Option<Vec<_>>>()?),
        other => Value::text(plain(other)?),
    };
    (!value.is_blank()).then_some(value)
}

fn customer(body: &[u8]) -> Option<(Record, bool)> {
    let form = Form::parse(body);
    let prefix = customer_prefix(&form)?;
    let at = |key: &str| form.get(&format!("{prefix}[{key}]"));
    let mut record = Record::new(Side::Chargify).with_id(at("id")?.trim());
    for key in Catalogue::standard().fields(Side::Chargify).keys() {
        if let Some(text) = at(key.as_str()) {
            // Instants are US Eastern here and ISO 8601 everywhere else.
            let text = if key.as_str().ends_with("_at") { iso(text) } else { text.to_owned() };
            record.set(key.clone(), Value::text(text));
        }
    }
    record.stamp.updated_at = at("updated_at").and_then(instant);
    record.stamp.event_id = form.said("payload[event_id]").and_then(|id| id.parse().ok()).filter(|id| *id > 0);
    let complete = record.stamp.updated_at.is_some() && WHOLE_CUSTOMER.iter().all(|key| record.get(key).is_some());
    Some((record, complete))
}

fn iso(text: &str) -> String {
    instant(text).and_then(|instant| instant.format(&Rfc3339).ok()).unwrap_or_else(|| text.to_owned())
}

/// The three ways an instant is written in payloads: `2024-10-11 15:12:51 -0400`, `2013-11-27 00:59:35 UTC`, ISO 8601.
pub(super) fn instant(text: &str) -> Option<OffsetDateTime> {
    let text = text.trim();
    if let Some(utc) = text.strip_suffix(" UTC") {
        let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
        return PrimitiveDateTime::parse(utc, format).ok().map(PrimitiveDateTime::assume_utc);
    }
    let eastern = format_description!(
        "[year]-[month]-[day] [hour]:[minute]:[second] [offset_hour sign:mandatory][offset_minute]"
    );
    OffsetDateTime::parse(text, eastern).or_else(|_other_form| OffsetDateTime::parse(text, &Rfc3339)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn row(side: Side, body: &str) -> DeliveryRow {
        DeliveryRow {
            delivery_id: uuid::Uuid::nil(),
            side: side.as_str().to_owned(),
            event: String::new(),
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn an_instant_is_read_in_all_its_forms() {
        let check = |text: &str, expected| assert_eq!(instant(text), Some(expected), "{text}");
        check("2024-10-11 15:12:51 -0400", datetime!(2024-10-11 19:12:51 UTC));
        check("2024-12-11 15:12:51 -0500", datetime!(2024-12-11 20:12:51 UTC));
        check("2013-11-27 00:59:35 UTC", datetime!(2013-11-27 00:59:35 UTC));
        check("2012-11-19T16:59:13Z", datetime!(2012-11-19 16:59:13 UTC));
        assert_eq!(instant("yesterday"), None);
    }

    #[test]
    fn a_contact_payload_holds_what_it_names_and_is_never_complete() {
        let body = r#"{"type":"ContactUpdate","locationId":"L","id":"c1","firstName":"Jane","city":"","tags":["a"],
            "customFields":[{"id":"f1","value":"x"},{"id":"f2","value":{"file":1}}],"dnd":true}"#;
        let (record, complete) = payload_record(&row(Side::Highlevel, body)).unwrap();
        assert!(!complete);
        assert_eq!(record.text("firstName"), Some("Jane"));
        assert_eq!(record.get("city"), None);
        assert_eq!(record.get("tags"), Some(&Value::List(vec!["a".to_owned()])));
        assert_eq!(record.text("customField:f1"), Some("x"));
        assert_eq!(record.get("customField:f2"), None);
        let note = r#"{"type":"NoteCreate","id":"n1"}"#;
        assert_eq!(payload_record(&row(Side::Highlevel, note)), None);
    }

    #[test]
    fn a_customer_payload_is_complete_with_its_instant_and_event() {
        let mut body = "id=9&event=customer_update&payload[customer][id]=77&payload[event_id]=4833962613\
            &payload[customer][updated_at]=2024-10-11%2015%3A12%3A51%20-0400"
            .to_owned();
        for key in WHOLE_CUSTOMER {
            body.push_str(&format!("&payload[customer][{key}]={}", if key == "city" { "" } else { "x" }));
        }
        let (record, complete) = payload_record(&row(Side::Chargify, &body)).unwrap();
        assert!(complete);
        assert_eq!(record.id.as_ref().unwrap().as_str(), "77");
        assert_eq!(record.get("city"), Some(&Value::Empty));
        assert_eq!(record.get("cc_emails"), None);
        assert_eq!(record.stamp.updated_at, Some(datetime!(2024-10-11 19:12:51 UTC)));
        assert_eq!(record.stamp.event_id, Some(4_833_962_613));
        let short = "id=9&payload[subscription][customer][id]=77&payload[subscription][customer][email]=a";
        let (record, complete) = payload_record(&row(Side::Chargify, short)).unwrap();
        assert!(!complete);
        assert_eq!(record.text("email"), Some("a"));
    }
}
