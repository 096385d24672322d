//! The contents of a fresh location: contacts as they are in real life, and a little of everything around them.

use std::sync::Arc;

use rand::Rng;
use serde_json::{Map, Value, json};
use time::Duration;

use super::{contact::Contact, location::Location, settings::CustomField};
use crate::seed::{self, EPOCH, Person};

const FIELDS: &[(&str, &str, &[&str])] = &[
    ("Shoe Size", "NUMERICAL", &[]),
    ("Favourite Plan", "SINGLE_OPTIONS", &["Starter", "Growth", "Scale"]),
    ("Interests", "MULTIPLE_OPTIONS", &["Billing", "CRM", "Automation", "Reporting"]),
    ("Contract Value", "MONETORY", &[]),
    ("Renewal Date", "DATE", &[]),
    ("Account Notes", "LARGE_TEXT", &[]),
    ("VAT Number", "TEXT", &[]),
    ("Consent", "CHECKBOX", &["Terms", "Marketing"]),
    ("Contact Channel", "RADIO", &["E-mail", "Phone"]),
    ("Second Phone", "PHONE", &[]),
    ("Invoice E-mail", "EMAIL", &[]),
    ("Links", "TEXTBOX_LIST", &["Blog", "Shop"]),
    ("Signed Contract", "FILE_UPLOAD", &[]),
];
const SOURCES: &[&str] = &["website form", "csv import", "facebook ads", "public api"];

/// Fills an empty location. Seeded records fire no events.
pub(super) fn fill(location: &mut Location, seed: u64, people: &[Person]) {
    for (position, (name, data_type, options)) in FIELDS.iter().enumerate() {
        let id = location.new_id();
        location.fields.push(CustomField {
            id: Arc::from(id),
            name: (*name).to_owned(),
            key: format!("contact.{}", name.to_lowercase().replace([' ', '-'], "_")),
            data_type: (*data_type).to_owned(),
            placeholder: None,
            position: u64::try_from(position).unwrap_or(0) * 50,
            options: options.iter().map(|option| (*option).to_owned()).collect(),
            model: "contact".to_owned(),
        });
    }
    for name in ["Harbour & Sons", "Nordlicht GmbH", "Kita Foods"] {
        location.add_business(&object(json!({ "name": name, "country": "US" })), EPOCH - Duration::days(400));
    }
    for person in people.iter().filter(|person| person.in_highlevel) {
        let contact = contact(location, seed, person);
        let (id, at) = (contact.id.clone(), contact.date_added);
        location.know_tags(&contact.tags);
        location.book.put(contact, at);
        around(location, seed, person.index, &id);
    }
    location.book.settle_all();
    location.events.clear();
}

fn contact(location: &Location, seed: u64, person: &Person) -> Contact {
    let mut rng = seed::quick(seed, person.index, 5);
    let mut contact = Contact::new(person.contact_id.clone(), location.id.clone(), person.added_at);
    contact.first_name.clone_from(&person.first_name);
    contact.last_name.clone_from(&person.last_name);
    contact.email.clone_from(&person.email);
    contact.phone.clone_from(&person.phone);
    contact.company_name.clone_from(&person.company);
    contact.address1.clone_from(&person.address);
    contact.city.clone_from(&person.city);
    contact.state.clone_from(&person.state);
    contact.postal_code.clone_from(&person.postal_code);
    contact.country.clone_from(&person.country);
    contact.tags.clone_from(&person.tags);
    contact.source = Some((*seed::pick(&mut rng, SOURCES)).to_owned());
    contact.dnd = rng.random_bool(0.05);
    if rng.random_bool(0.3) {
        let days = rng.random_range(7_000..25_000);
        contact.date_of_birth = EPOCH.date().checked_sub(Duration::days(days));
    }
    let age = (EPOCH - person.added_at).whole_seconds().max(1);
    contact.date_updated = person.added_at + Duration::seconds(rng.random_range(0..age));
    for field in &location.fields {
        if let (true, Some(value)) = (rng.random_bool(0.25), value(&mut rng, field)) {
            contact.set_custom_field(&field.id, Some(value));
        }
    }
    if rng.random_bool(0.1) {
        let all: Vec<&String> = location.businesses.keys().collect();
        contact.business_id = (!all.is_empty()).then(|| (*seed::pick(&mut rng, &all)).clone());
    }
    contact
}

fn value(rng: &mut impl Rng, field: &CustomField) -> Option<Value> {
    Some(match field.data_type.as_str() {
        "NUMERICAL" => json!(rng.random_range(34..48)),
        "MONETORY" => json!(f64::from(rng.random_range(100..90_000)) / 100.0),
        "DATE" => json!(format!("2027-{:02}-{:02}", rng.random_range(1..13), rng.random_range(1..29))),
        "SINGLE_OPTIONS" | "RADIO" => json!(seed::pick(rng, &field.options)),
        "MULTIPLE_OPTIONS" | "CHECKBOX" => json!([seed::pick(rng, &field.options)]),
        "LARGE_TEXT" => json!("Prefers calls after lunch.\nSpeaks three languages: “así es”."),
        "TEXT" => json!(format!("GB{}", rng.random_range(100_000_000..999_999_999))),
        "PHONE" => json!("+1 415 555 0199"),
        "EMAIL" => json!(format!("invoices{}@mail.example", rng.random_range(1..1000))),
        "TEXTBOX_LIST" => json!({ "Blog": "https://blog.example" }),
        _ => return None,
    })
}

/// Notes, tasks and appointments for a few.
fn around(location: &mut Location, seed: u64, index: usize, contact_id: &str) {
    let mut rng = seed::quick(seed, index, 6);
    let at = EPOCH - Duration::hours(rng.random_range(1..4_000));
    if rng.random_bool(0.1) {
        let body = format!("Called on {}. Wants an offer for {} seats.", at.date(), rng.random_range(2..80));
        location.add_note(contact_id, &object(json!({ "body": body })), at);
    }
    if rng.random_bool(0.05) {
        let due = super::contact::iso(at + Duration::days(7));
        let completed = rng.random_bool(0.5);
        let task = json!({ "title": "Send the offer", "dueDate": due, "completed": completed });
        // The seed's own task is well-formed; there is nobody to tell otherwise.
        drop(location.add_task(contact_id, &object(task), at));
    }
    if rng.random_bool(0.05) {
        let calendar = location.calendars.first().map(|calendar| calendar.id.clone());
        let start = super::contact::iso(at + Duration::days(3));
        let map = json!({
            "contactId": contact_id, "calendarId": calendar, "title": "Introductory call", "startTime": start,
        });
        drop(location.add_appointment(&object(map), at));
    }
    location.events.clear();
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
