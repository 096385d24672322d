//! What a GoHighLevel webhook says: one flat JSON object, now and then wrapped in `data` (HighLevel docs, Webhook
//! Integration Guide, seen 2026-08).

use super::{Parsed, Refusal, engagement, signature, workflow};
use crate::{connections::app_id, store::deliveries::RecipientRow};
use http::HeaderMap;
use secrecy::SecretString;
use serde_json::{Map, Value as Json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

const CONTACT_EVENTS: [&str; 5] =
    ["ContactCreate", "ContactUpdate", "ContactDelete", "ContactTagUpdate", "ContactDndUpdate"];
/// The app came into a location or an agency, or was taken out.
const INSTALL: &str = "INSTALL";
pub(super) const UNINSTALL: &str = "UNINSTALL";

pub(super) fn read(
    recipient: &RecipientRow,
    workflow_secret: Option<&SecretString>,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Parsed, Refusal> {
    if workflow::is_meant(headers) {
        return workflow::read(recipient, workflow_secret, headers, body);
    }
    signature::check_highlevel(recipient.webhook_public_key.as_deref(), headers, body)?;
    let Some(members) = members(body) else {
        // The key is shared by all of GoHighLevel's customers: what names no location is nobody's.
        return Err(Refusal::OtherAccount);
    };
    let event = text(&members, "type").unwrap_or_default();
    if !is_ours(recipient, &members, &event) {
        return Err(Refusal::OtherAccount);
    }
    if let (Some(client_id), Some(app)) = (&recipient.client_id, text(&members, "appId"))
        && app != app_id(client_id)
    {
        return Err(Refusal::OtherApp);
    }
    let (subject_id, ignored) = if CONTACT_EVENTS.contains(&event.as_str()) {
        let subject = text(&members, "id");
        let ignored = subject.is_none().then_some("it names no contact");
        (subject, ignored)
    } else if let Some(kind) = engagement::kind_of(&event) {
        let subject = engagement::subject(kind, &members);
        let ignored = subject.is_none().then_some("it names no note, task or appointment");
        (subject, ignored)
    } else if event == UNINSTALL {
        let private = recipient.client_id.is_none().then_some("this connection has a private token, no app");
        (Some(recipient.account.clone()), private)
    } else if event == INSTALL {
        (None, Some("an install is finished by whoever asked for it"))
    } else {
        (None, Some("events of this type are not used"))
    };
    Ok(Parsed { webhook_id: text(&members, "webhookId"), event, subject_id, ignored })
}

/// Whether it is about the connection's location, or about the app in the agency that installed it.
fn is_ours(recipient: &RecipientRow, members: &Map<String, Json>, event: &str) -> bool {
    match text(members, "locationId") {
        Some(location) => location == recipient.account,
        // Which agency installs it is not known before.
        None if event == INSTALL => recipient.client_id.is_some(),
        None => {
            event == UNINSTALL && recipient.company_id.is_some() && text(members, "companyId") == recipient.company_id
        }
    }
}

/// When the service says that it happened.
pub(crate) fn told_at(body: &[u8]) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(&text(&members(body)?, "timestamp")?, &Rfc3339).ok()
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

pub(super) fn text(members: &Map<String, Json>, key: &str) -> Option<String> {
    match members.get(key)? {
        Json::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
