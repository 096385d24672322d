//! What a GoHighLevel webhook says: one flat JSON object, now and then wrapped in `data` (HighLevel docs, Webhook
//! Integration Guide, seen 2026-08).

use super::{Parsed, Refusal, signature};
use crate::store::deliveries::RecipientRow;
use http::HeaderMap;
use serde_json::{Map, Value as Json};

const CONTACT_EVENTS: [&str; 5] =
    ["ContactCreate", "ContactUpdate", "ContactDelete", "ContactTagUpdate", "ContactDndUpdate"];
const ENGAGEMENTS: [&str; 3] = ["Note", "Task", "Appointment"];

pub(super) fn read(recipient: &RecipientRow, headers: &HeaderMap, body: &[u8]) -> Result<Parsed, Refusal> {
    signature::check_highlevel(recipient.webhook_public_key.as_deref(), headers, body)?;
    let Some(members) = members(body) else {
        // The key is shared by all of GoHighLevel's customers: what names no location is nobody's.
        return Err(Refusal::OtherAccount);
    };
    if text(&members, "locationId").as_deref() != Some(&recipient.account) {
        return Err(Refusal::OtherAccount);
    }
    let event = text(&members, "type").unwrap_or_default();
    let (subject_id, ignored) = if CONTACT_EVENTS.contains(&event.as_str()) {
        let subject = text(&members, "id");
        let ignored = subject.is_none().then_some("it names no contact");
        (subject, ignored)
    } else if ENGAGEMENTS.iter().any(|kind| event.starts_with(kind)) {
        let contact = text(&members, "contactId").or_else(|| {
            members.get("appointment").and_then(Json::as_object).and_then(|inner| text(inner, "contactId"))
        });
        (contact, Some("notes, tasks and appointments are not synced by this version"))
    } else {
        (None, Some("events of this type are not used"))
    };
    Ok(Parsed { webhook_id: text(&members, "webhookId"), event, subject_id, ignored })
}

/// The object's members, those of a nested `data` filling what the outer one lacks. `None`: no JSON object.
pub(super) fn members(body: &[u8]) -> Option<Map<String, Json>> {
    let Ok(Json::Object(mut outer)) = serde_json::from_slice::<Json>(body) else { return None };
    if let Some(Json::Object(inner)) = outer.get("data").cloned() {
        for (key, member) in inner {
            outer.entry(key).or_insert(member);
        }
    }
    Some(outer)
}

fn text(members: &Map<String, Json>, key: &str) -> Option<String> {
    match members.get(key)? {
        Json::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
