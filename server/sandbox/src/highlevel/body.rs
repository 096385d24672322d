//! Request bodies: the strict whitelist of properties, and how a contact's properties are read and normalised.

use serde_json::{Map, Value};
use time::{Date, Month};

use super::{contact::Contact, refusal::Refusal};

/// What a property may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Nullable,
    Flag,
    Number,
    Texts,
    List,
    Object,
    Any,
}

/// A property's name, what it may hold, and whether it must be there.
pub(super) type Property = (&'static str, Kind, bool);

const CONTACT: &[Property] = &[
    ("firstName", Kind::Nullable, false),
    ("lastName", Kind::Nullable, false),
    ("name", Kind::Nullable, false),
    ("email", Kind::Nullable, false),
    ("phone", Kind::Nullable, false),
    ("address1", Kind::Nullable, false),
    ("city", Kind::Nullable, false),
    ("state", Kind::Nullable, false),
    ("postalCode", Kind::Text, false),
    ("website", Kind::Nullable, false),
    ("timezone", Kind::Nullable, false),
    ("dnd", Kind::Flag, false),
    ("dndSettings", Kind::Object, false),
    ("inboundDndSettings", Kind::Object, false),
    ("tags", Kind::Texts, false),
    ("customFields", Kind::List, false),
    ("source", Kind::Nullable, false),
    ("dateOfBirth", Kind::Nullable, false),
    ("country", Kind::Text, false),
    ("companyName", Kind::Nullable, false),
    ("assignedTo", Kind::Nullable, false),
];

/// What a creation accepts on top of what every contact write accepts.
pub(super) const CREATE: &[Property] = &[("locationId", Kind::Text, true), ("gender", Kind::Text, false)];
/// What an upsert accepts on top.
pub(super) const UPSERT: &[Property] = &[
    ("locationId", Kind::Text, true),
    ("gender", Kind::Text, false),
    ("createNewIfDuplicateAllowed", Kind::Flag, false),
];
/// What an update accepts on top. `type`, `keyword` and `ssn` are in no schema, yet the live service takes them.
pub(super) const UPDATE: &[Property] =
    &[("type", Kind::Text, false), ("keyword", Kind::Text, false), ("ssn", Kind::Text, false)];

/// Checks a contact body against the common properties and the operation's own.
pub(super) fn contact(body: &Value, extra: &[Property]) -> Result<(), Refusal> {
    let all: Vec<Property> = CONTACT.iter().chain(extra).copied().collect();
    let map = check(body, &all)?;
    let mut complaints = Vec::new();
    if let Some(email) = map.get("email").and_then(Value::as_str).filter(|email| !email.is_empty())
        && !is_email(email)
    {
        complaints.push("email must be an email".to_owned());
    }
    for (at, item) in map.get("customFields").and_then(Value::as_array).into_iter().flatten().enumerate() {
        match item.as_object() {
            None => complaints.push(format!("customFields.{at} must be an object")),
            Some(item) => complaints.extend(
                item.keys()
                    .filter(|key| !["id", "key", "field_value", "fieldValue"].contains(&key.as_str()))
                    .map(|key| format!("customFields.{at}.property {key} should not exist")),
            ),
        }
    }
    if complaints.is_empty() { Ok(()) } else { Err(Refusal::unprocessable(complaints)) }
}

/// Checks a body against a whitelist: unknown, missing and mistyped properties in one answer.
pub(super) fn check<'a>(body: &'a Value, properties: &[Property]) -> Result<&'a Map<String, Value>, Refusal> {
    let Some(map) = body.as_object() else {
        return Err(Refusal::unprocessable(vec!["body must be an object".to_owned()]));
    };
    let mut complaints: Vec<String> = map
        .keys()
        .filter(|key| !properties.iter().any(|(name, ..)| name == key))
        .map(|key| format!("property {key} should not exist"))
        .collect();
    for (name, kind, required) in properties {
        match map.get(*name) {
            None | Some(Value::Null) if *required => complaints.push(format!("{name} should not be empty")),
            None => {}
            Some(value) => complaints.extend(mistyped(value, *kind).map(|must| format!("{name} must be {must}"))),
        }
    }
    if complaints.is_empty() { Ok(map) } else { Err(Refusal::unprocessable(complaints)) }
}

fn mistyped(value: &Value, kind: Kind) -> Option<&'static str> {
    let (fits, must) = match kind {
        Kind::Text => (value.is_string(), "a string"),
        Kind::Nullable => (value.is_string() || value.is_null(), "a string"),
        Kind::Flag => (value.is_boolean(), "a boolean value"),
        Kind::Number => (value.is_number(), "a number"),
        Kind::Texts => (value.as_array().is_some_and(|list| list.iter().all(Value::is_string)), "an array of strings"),
        Kind::List => (value.is_array(), "an array"),
        Kind::Object => (value.is_object(), "an object"),
        Kind::Any => (true, ""),
    };
    (!fits).then_some(must)
}

type Place = fn(&mut Contact) -> &mut Option<String>;

const TEXTS: &[(&str, Place)] = &[
    ("firstName", |contact| &mut contact.first_name),
    ("lastName", |contact| &mut contact.last_name),
    ("email", |contact| &mut contact.email),
    ("companyName", |contact| &mut contact.company_name),
    ("address1", |contact| &mut contact.address1),
    ("city", |contact| &mut contact.city),
    ("state", |contact| &mut contact.state),
    ("postalCode", |contact| &mut contact.postal_code),
    ("country", |contact| &mut contact.country),
    ("website", |contact| &mut contact.website),
    ("timezone", |contact| &mut contact.timezone),
    ("source", |contact| &mut contact.source),
    ("assignedTo", |contact| &mut contact.assigned_to),
];

/// Writes the named properties of a checked body into a contact; what is not named stays. `null` and `""` clear.
/// `country` is the location's, for phones written without a prefix.
pub(super) fn apply(contact: &mut Contact, map: &Map<String, Value>, country: &str) {
    if let Some(name) = map.get("name").and_then(Value::as_str)
        && !map.contains_key("firstName")
        && !map.contains_key("lastName")
    {
        let (first, last) = name.trim().split_once(' ').unwrap_or((name.trim(), ""));
        contact.first_name = filled(first);
        contact.last_name = filled(last);
    }
    for (key, place) in TEXTS {
        if let Some(value) = map.get(*key) {
            *place(contact) = value.as_str().and_then(filled);
        }
    }
    if let Some(value) = map.get("phone") {
        contact.phone = value.as_str().and_then(filled).map(|phone| phone_e164(&phone, country));
    }
    if let Some(value) = map.get("dateOfBirth") {
        contact.date_of_birth = value.as_str().and_then(birthday);
    }
    if let Some(dnd) = map.get("dnd").and_then(Value::as_bool) {
        contact.dnd = dnd;
    }
    if let Some(settings) = map.get("dndSettings").and_then(Value::as_object) {
        merge(&mut contact.dnd_settings, settings);
    }
    if let Some(settings) = map.get("inboundDndSettings").and_then(Value::as_object) {
        merge(&mut contact.inbound_dnd_settings, settings);
    }
    if let Some(list) = map.get("tags").and_then(Value::as_array) {
        contact.tags.clear();
        add_tags(&mut contact.tags, list);
    }
}

/// Takes over from another contact what one lacks.
pub(super) fn fill_gaps(contact: &mut Contact, other: &Contact) {
    let mut other = other.clone();
    for (_, place) in TEXTS {
        if place(contact).is_none() {
            *place(contact) = place(&mut other).take();
        }
    }
    contact.phone = contact.phone.take().or(other.phone);
    for tag in other.tags {
        if !contact.tags.contains(&tag) {
            contact.tags.push(tag);
        }
    }
}

fn merge(into: &mut Value, settings: &Map<String, Value>) {
    if !into.is_object() {
        *into = Value::Object(Map::new());
    }
    if let Some(map) = into.as_object_mut() {
        map.extend(settings.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
}

/// A text that is not blank, as it was written.
pub(super) fn filled(text: &str) -> Option<String> {
    (!text.trim().is_empty()).then(|| text.to_owned())
}

/// A tag as it is stored: trimmed, lower case.
pub(super) fn tag(name: &str) -> String {
    name.trim().to_lowercase()
}

/// Adds tags that are not there yet; returns the new ones.
pub(super) fn add_tags(tags: &mut Vec<String>, names: &[Value]) -> Vec<String> {
    let mut added = Vec::new();
    for name in names.iter().filter_map(Value::as_str).map(tag) {
        if !name.is_empty() && !tags.contains(&name) {
            tags.push(name.clone());
            added.push(name);
        }
    }
    added
}

/// Good enough for a validator: one `@`, something on both sides, a dot in the domain, no blanks.
fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(user, host)| {
        !user.is_empty()
            && !host.contains('@')
            && host.split('.').count() > 1
            && host.split('.').all(|label| !label.is_empty())
            && !text.contains(char::is_whitespace)
    })
}

/// A phone in E.164 where it can be understood, otherwise as it was written.
///
/// National numbers are read in the location's country; the vendor does not publish its rules.
pub(super) fn phone_e164(text: &str, country: &str) -> String {
    let trimmed = text.trim();
    let number = trimmed.split(['x', 'e', '#']).next().unwrap_or(trimmed);
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    if digits.len() < 7 || digits.len() > 15 {
        return trimmed.to_owned();
    }
    if trimmed.starts_with('+') {
        return format!("+{digits}");
    }
    if let Some(rest) = digits.strip_prefix("00") {
        return format!("+{rest}");
    }
    match (country, digits.len()) {
        ("US" | "CA", 10) => format!("+1{digits}"),
        ("US" | "CA", 11) if digits.starts_with('1') => format!("+{digits}"),
        _ => trimmed.to_owned(),
    }
}

/// Any of the eight formats the documentation names: year first or last, with `-`, `/`, `.` or `_`. An ISO instant
/// counts by its date.
fn birthday(text: &str) -> Option<Date> {
    let text = text.split('T').next()?;
    let parts: Vec<u32> = text.split(['-', '/', '.', '_']).map(str::parse).collect::<Result<_, _>>().ok()?;
    let [first, second, third] = parts.try_into().ok()?;
    let (year, month, day) = if first > 31 { (first, second, third) } else { (third, first, second) };
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    Date::from_calendar_date(i32::try_from(year).ok()?, month, u8::try_from(day).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phones_become_e164_where_that_is_no_guess() {
        for (typed, stored) in [
            ("+1 888-888-8888", "+18888888888"),
            ("(415) 555-0123", "+14155550123"),
            ("0049 301 1234567", "+493011234567"),
            ("12345", "12345"),
        ] {
            assert_eq!(phone_e164(typed, "US"), stored);
        }
        assert_eq!(phone_e164("030 1234567", "DE"), "030 1234567");
    }

    #[test]
    fn birthdays_are_understood_in_all_documented_formats() {
        for text in ["1990/09/25", "09/25/1990", "1990-09-25", "09-25-1990", "1990.09.25", "09.25.1990", "1990_09_25"] {
            assert_eq!(birthday(text).map(Date::ordinal), Some(268), "{text}");
        }
        assert_eq!(birthday("25th of May"), None);
    }
}
