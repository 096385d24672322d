//! Which operation a path means, and the scope it needs.

use http::Method;
use serde_json::{Value, json};

use super::{
    call::Call,
    location::Location,
    notes::Note,
    refusal::{Answer, Refusal},
    tasks::Task,
};

const READ: &str = "contacts.readonly";
const WRITE: &str = "contacts.write";

/// Runs the operation a call names, within the location its token is bound to.
pub(super) fn run(location: &mut Location, call: &Call<'_>) -> Answer {
    let segments = call.request.segments();
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    let method = call.request.method.as_str();
    let answer = match parts.first().copied() {
        Some("contacts") => match parts.get(2).copied() {
            _ if parts.get(1) == Some(&"bulk") => contacts(location, call, method, &parts),
            Some("notes" | "tasks" | "tags" | "followers" | "appointments" | "campaigns" | "workflow") => {
                around_contact(location, call, method, &parts)
            }
            _ => contacts(location, call, method, &parts),
        },
        Some("locations") => locations(location, call, method, &parts),
        Some("businesses") => businesses(location, call, method, &parts),
        Some("calendars") => calendars(location, call, method, &parts),
        Some("users") => users(location, call, method, &parts),
        _ => None,
    };
    answer.unwrap_or_else(|| Err(unknown(&call.request.method, &call.request.path)))
}

/// The answer to a path nobody serves.
pub(super) fn unknown(method: &Method, path: &str) -> Refusal {
    Refusal::not_found(format!("Cannot {method} {path}"))
}

fn contacts(location: &mut Location, call: &Call<'_>, method: &str, parts: &[&str]) -> Option<Answer> {
    let needed = |scope: &str| call.need(scope);
    Some(match (method, parts) {
        ("POST", ["contacts"]) => needed(WRITE).and_then(|()| location.create_contact(call)),
        ("GET", ["contacts"]) => needed(READ).and_then(|()| location.list_contacts(call)),
        ("POST", ["contacts", "upsert"]) => needed(WRITE).and_then(|()| location.upsert_contact(call)),
        ("POST", ["contacts", "search"]) => needed(READ).and_then(|()| location.search_contacts(call)),
        ("GET", ["contacts", "search", "duplicate"]) => needed(READ).and_then(|()| location.find_duplicate(call)),
        ("GET", ["contacts", "business", id]) => needed(READ).and_then(|()| location.contacts_of_business(id, call)),
        ("POST", ["contacts", "bulk", "business"]) => needed(WRITE).and_then(|()| location.bulk_business(call)),
        ("POST", ["contacts", "bulk", "tags", "update", kind]) => {
            needed(WRITE).and_then(|()| location.bulk_tags(kind, call))
        }
        ("GET", ["contacts", id]) => {
            needed(READ).and_then(|()| location.contact(id).map(|contact| (200, json!({ "contact": contact.full() }))))
        }
        ("PUT", ["contacts", id]) => needed(WRITE).and_then(|()| location.update_contact(id, call)),
        ("DELETE", ["contacts", id]) => needed(WRITE).and_then(|()| location.delete_contact(id, call)),
        _ => return None,
    })
}

fn around_contact(location: &mut Location, call: &Call<'_>, method: &str, parts: &[&str]) -> Option<Answer> {
    let allowed = call.need(if method == "GET" { READ } else { WRITE });
    if let Err(refusal) = allowed {
        return Some(Err(refusal));
    }
    let (id, rest) = match parts {
        [_, id, rest @ ..] => (*id, rest),
        _ => return None,
    };
    Some(match (method, rest) {
        ("GET", ["notes"]) => location.list_attached::<Note>(id),
        ("POST", ["notes"]) => location.create_note(id, call),
        ("GET", ["notes", note]) => location.get_attached::<Note>(id, note),
        ("PUT", ["notes", note]) => location.update_note(id, note, call),
        ("DELETE", ["notes", note]) => location.delete_attached::<Note>(id, note),
        ("GET", ["tasks"]) => location.list_attached::<Task>(id),
        ("POST", ["tasks"]) => location.create_task(id, call),
        ("GET", ["tasks", task]) => location.get_attached::<Task>(id, task),
        ("PUT", ["tasks", task]) => location.update_task(id, task, call, false),
        ("PUT", ["tasks", task, "completed"]) => location.update_task(id, task, call, true),
        ("DELETE", ["tasks", task]) => location.delete_attached::<Task>(id, task),
        ("POST", ["tags"]) => location.add_tags(id, call),
        ("DELETE", ["tags"]) => location.remove_tags(id, call),
        ("POST", ["followers"]) => location.change_followers(id, true, call),
        ("DELETE", ["followers"]) => location.change_followers(id, false, call),
        ("GET", ["appointments"]) => location.contact_appointments(id),
        // Campaigns and workflows are accepted and lead nowhere.
        ("POST", ["campaigns" | "workflow", _]) => {
            let status = if rest.first() == Some(&"campaigns") { 201 } else { 200 };
            location.contact(id).map(|_| (status, json!({ "succeded": true })))
        }
        ("DELETE", ["campaigns" | "workflow", _]) => location.contact(id).map(|_| (200, json!({ "succeded": true }))),
        _ => return None,
    })
}

fn locations(location: &mut Location, call: &Call<'_>, method: &str, parts: &[&str]) -> Option<Answer> {
    if let ("GET", ["locations", "search"]) = (method, parts) {
        let view = location.view();
        return Some(call.need("locations.readonly").map(|()| (200, json!({ "locations": [view] }))));
    }
    let (id, rest) = match parts {
        [_, id, rest @ ..] => (Value::from(*id), rest),
        _ => return None,
    };
    let scope = match (method, rest.first().copied()) {
        (_, None) => "locations.readonly",
        ("GET", Some("customFields")) => "locations/customFields.readonly",
        (_, Some("customFields")) => "locations/customFields.write",
        ("GET", Some("tags")) => "locations/tags.readonly",
        (_, Some("tags")) => "locations/tags.write",
        _ => "locations/tasks.readonly",
    };
    if let Err(refusal) = call.need(scope).and_then(|()| call.same_location(Some(&id))) {
        return Some(Err(refusal));
    }
    Some(match (method, rest) {
        ("GET", []) => Ok((200, json!({ "location": location.view() }))),
        ("GET", ["customFields"]) => location.list_fields(call),
        ("POST", ["customFields"]) => location.create_field(call),
        ("GET", ["customFields", field]) => location.get_field(field),
        ("PUT", ["customFields", field]) => location.update_field(field, call),
        ("DELETE", ["customFields", field]) => location.delete_field(field),
        ("GET", ["tags"]) => location.list_tags(),
        ("POST", ["tags"]) => location.create_tag(call),
        ("GET", ["tags", tag]) => location.get_tag(tag),
        ("DELETE", ["tags", tag]) => location.delete_tag(tag),
        ("POST", ["tasks", "search"]) => location.search_tasks(call),
        _ => return None,
    })
}

fn businesses(location: &mut Location, call: &Call<'_>, method: &str, parts: &[&str]) -> Option<Answer> {
    let scope = if method == "GET" { "businesses.readonly" } else { "businesses.write" };
    if let Err(refusal) = call.need(scope) {
        return Some(Err(refusal));
    }
    Some(match (method, parts) {
        ("GET", [_]) => location.list_businesses(call),
        ("POST", [_]) => location.create_business(call),
        ("GET", [_, id]) => location.get_business(id),
        ("PUT", [_, id]) => location.update_business(id, call),
        ("DELETE", [_, id]) => location.delete_business(id, call),
        _ => return None,
    })
}

fn calendars(location: &mut Location, call: &Call<'_>, method: &str, parts: &[&str]) -> Option<Answer> {
    let scope = match (method, parts.get(1)) {
        (_, None) => "calendars.readonly",
        ("GET", _) => "calendars/events.readonly",
        _ => "calendars/events.write",
    };
    if let Err(refusal) = call.need(scope) {
        return Some(Err(refusal));
    }
    Some(match (method, parts) {
        ("GET", [_]) => location.list_calendars(call),
        ("GET", [_, "events"]) => location.list_events(call),
        ("POST", [_, "events", "appointments"]) => location.create_appointment(call),
        ("GET", [_, "events", "appointments", id]) => location.get_appointment(id),
        ("PUT", [_, "events", "appointments", id]) => location.update_appointment(id, call),
        ("DELETE", [_, "events", id]) => location.delete_event(id),
        _ => return None,
    })
}

fn users(location: &Location, call: &Call<'_>, method: &str, parts: &[&str]) -> Option<Answer> {
    let user = json!({
        "id": location.user_id,
        "name": "Olu Okafor",
        "firstName": "Olu",
        "lastName": "Okafor",
        "email": "owner@location.example",
        "phone": "+13125550100",
        "extension": "",
        "permissions": {},
        "scopes": "contacts.write",
        "roles": { "type": "account", "role": "admin", "locationIds": [&*location.id] },
        "deleted": false,
    });
    let allowed = call.need("users.readonly");
    Some(match (method, parts) {
        ("GET", [_]) => allowed.and_then(|()| call.location_param()).map(|()| (200, json!({ "users": [user] }))),
        ("GET", [_, "search"]) => allowed.map(|()| (200, json!({ "users": [user], "count": 1 }))),
        ("GET", [_, id]) if **id == *location.user_id => allowed.map(|()| (200, user)),
        // A missing user is refused as if the token were at fault (vendor issue 205).
        ("GET", [_, _]) => Err(Refusal::unauthorized("The user does not exist.")),
        _ => return None,
    })
}
