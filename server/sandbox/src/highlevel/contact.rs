//! A contact and the shapes it is shown in: by id, after creation, as a row of a search, in the old list, and in a
//! webhook. The shapes differ as they do at the vendor.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use time::{Date, OffsetDateTime, macros::format_description};

/// Everything known about one contact. Text that is empty is absent.
#[derive(Debug, Clone, PartialEq)]
pub struct Contact {
    /// Twenty letters and digits.
    pub id: String,
    /// The location it belongs to.
    pub location_id: Arc<str>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// As it was written; compared without case.
    pub email: Option<String>,
    /// E.164 wherever the number could be understood.
    pub phone: Option<String>,
    /// Free text, unrelated to [`Contact::business_id`].
    pub company_name: Option<String>,
    /// Street and number.
    pub address1: Option<String>,
    /// City.
    pub city: Option<String>,
    /// State or region.
    pub state: Option<String>,
    /// Postal code.
    pub postal_code: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// Web site.
    pub website: Option<String>,
    /// IANA time zone.
    pub timezone: Option<String>,
    /// Where the contact came from.
    pub source: Option<String>,
    /// A user's id.
    pub assigned_to: Option<String>,
    /// Day of birth.
    pub date_of_birth: Option<Date>,
    /// Do not disturb, on every channel.
    pub dnd: bool,
    /// Do not disturb, per channel; an object or `Null`.
    pub dnd_settings: Value,
    /// Do not disturb for incoming messages; an object or `Null`.
    pub inbound_dnd_settings: Value,
    /// Lower case, in the order they were added.
    pub tags: Vec<String>,
    /// Values by custom field id, in the order of the ids.
    pub custom_fields: Vec<(Arc<str>, Value)>,
    /// A business's id.
    pub business_id: Option<String>,
    /// Users' ids.
    pub followers: Vec<String>,
    /// When it was added.
    pub date_added: OffsetDateTime,
    /// When it was last changed.
    pub date_updated: OffsetDateTime,
}

impl Contact {
    /// An empty contact.
    pub fn new(id: String, location_id: Arc<str>, now: OffsetDateTime) -> Self {
        Self {
            id,
            location_id,
            first_name: None,
            last_name: None,
            email: None,
            phone: None,
            company_name: None,
            address1: None,
            city: None,
            state: None,
            postal_code: None,
            country: None,
            website: None,
            timezone: None,
            source: None,
            assigned_to: None,
            date_of_birth: None,
            dnd: false,
            dnd_settings: Value::Null,
            inbound_dnd_settings: Value::Null,
            tags: Vec::new(),
            custom_fields: Vec::new(),
            business_id: None,
            followers: Vec::new(),
            date_added: now,
            date_updated: now,
        }
    }

    /// First and last name together.
    pub fn name(&self) -> Option<String> {
        match (&self.first_name, &self.last_name) {
            (Some(first), Some(last)) => Some(format!("{first} {last}")),
            (first, last) => first.clone().or_else(|| last.clone()),
        }
    }

    fn fields(&self) -> Value {
        self.custom_fields.iter().map(|(id, value)| json!({ "id": &**id, "value": value })).collect()
    }

    /// The value of a custom field.
    pub fn custom_field(&self, id: &str) -> Option<&Value> {
        self.custom_fields.iter().find(|(known, _)| **known == *id).map(|(_, value)| value)
    }

    /// Sets a custom field, or clears it.
    pub fn set_custom_field(&mut self, id: &Arc<str>, value: Option<Value>) {
        let place = self.custom_fields.binary_search_by(|(known, _)| known.cmp(id));
        match (place, value) {
            (Ok(at), Some(value)) => {
                if let Some((_, old)) = self.custom_fields.get_mut(at) {
                    *old = value;
                }
            }
            (Ok(at), None) => drop(self.custom_fields.remove(at)),
            (Err(at), Some(value)) => self.custom_fields.insert(at, (Arc::clone(id), value)),
            (Err(_), None) => {}
        }
    }

    fn core(&self) -> Map<String, Value> {
        let mut map = Map::new();
        let texts = [
            ("id", Some(&self.id)),
            ("firstName", self.first_name.as_ref()),
            ("lastName", self.last_name.as_ref()),
            ("email", self.email.as_ref()),
            ("phone", self.phone.as_ref()),
            ("companyName", self.company_name.as_ref()),
            ("city", self.city.as_ref()),
            ("state", self.state.as_ref()),
            ("postalCode", self.postal_code.as_ref()),
            ("country", self.country.as_ref()),
            ("website", self.website.as_ref()),
            ("source", self.source.as_ref()),
            ("assignedTo", self.assigned_to.as_ref()),
        ];
        for (key, value) in texts {
            set(&mut map, key, value.cloned());
        }
        map.insert("locationId".to_owned(), Value::from(&*self.location_id));
        map.insert("dateAdded".to_owned(), Value::from(iso(self.date_added)));
        map.insert("dnd".to_owned(), Value::from(self.dnd));
        map.insert("tags".to_owned(), json!(self.tags));
        map
    }

    fn derived(&self, map: &mut Map<String, Value>) {
        set(map, "firstNameLowerCase", self.first_name.as_ref().map(|text| text.to_lowercase()));
        set(map, "lastNameLowerCase", self.last_name.as_ref().map(|text| text.to_lowercase()));
        set(map, "fullNameLowerCase", self.name().map(|text| text.to_lowercase()));
        set(map, "emailLowerCase", self.email.as_ref().map(|text| text.to_lowercase()));
        set(map, "businessId", self.business_id.clone());
        map.insert("customFields".to_owned(), self.fields());
        map.insert("dateUpdated".to_owned(), Value::from(iso(self.date_updated)));
        map.insert("type".to_owned(), Value::from("lead"));
        if !self.dnd_settings.is_null() {
            map.insert("dndSettings".to_owned(), self.dnd_settings.clone());
        }
        if !self.inbound_dnd_settings.is_null() {
            map.insert("inboundDndSettings".to_owned(), self.inbound_dnd_settings.clone());
        }
    }

    /// The answer to a read, an update or an upsert.
    pub fn full(&self) -> Value {
        let mut map = self.core();
        self.derived(&mut map);
        set(&mut map, "name", self.name());
        set(&mut map, "address1", self.address1.clone());
        set(&mut map, "timezone", self.timezone.clone());
        set(&mut map, "dateOfBirth", self.date_of_birth.map(day));
        map.insert("additionalEmails".to_owned(), json!([]));
        map.insert("additionalPhones".to_owned(), json!([]));
        map.insert("followers".to_owned(), json!(self.followers));
        Value::Object(map)
    }

    /// The answer to a creation: no full name, but flags nothing else shows.
    pub fn created(&self) -> Value {
        let mut map = self.core();
        self.derived(&mut map);
        set(&mut map, "address1", self.address1.clone());
        if let Some(date) = self.date_of_birth {
            map.insert("dateOfBirth".to_owned(), Value::from(format!("{}T00:00:00.000Z", day(date))));
            map.insert("birthMonth".to_owned(), Value::from(u8::from(date.month()) - 1));
            map.insert("birthDay".to_owned(), Value::from(date.day()));
        }
        for flag in ["deleted", "bounceEmail", "unsubscribeEmail"] {
            map.insert(flag.to_owned(), Value::from(false));
        }
        map.insert("offers".to_owned(), json!([]));
        map.insert("products".to_owned(), json!([]));
        Value::Object(map)
    }

    /// A row of `POST /contacts/search`: renamed address, epoch birthday, a cursor of its own.
    pub fn row(&self, cursor: Value, business: Option<&str>) -> Value {
        let mut map = self.core();
        self.derived(&mut map);
        for key in ["fullNameLowerCase", "emailLowerCase", "dndSettings", "inboundDndSettings"] {
            map.remove(key);
        }
        set(&mut map, "contactName", self.name());
        set(&mut map, "address", self.address1.clone());
        set(&mut map, "timezone", self.timezone.clone());
        set(&mut map, "businessName", business.map(str::to_owned));
        let born = self.date_of_birth.map(|date| date.midnight().assume_utc().unix_timestamp() * 1000);
        map.insert("dateOfBirth".to_owned(), born.map_or(Value::Null, Value::from));
        map.insert("additionalEmails".to_owned(), json!([]));
        map.insert("additionalPhones".to_owned(), json!([]));
        map.insert("followers".to_owned(), json!(self.followers));
        map.insert("searchAfter".to_owned(), cursor);
        for absent in ["firstName", "lastName", "email", "phone", "companyName", "address", "city", "state", "website"]
        {
            map.entry(absent).or_insert(Value::Null);
        }
        Value::Object(map)
    }

    /// A row of the old list and of the list by business.
    pub fn listed(&self) -> Value {
        let mut map = self.core();
        set(&mut map, "contactName", self.name());
        set(&mut map, "address1", self.address1.clone());
        set(&mut map, "timezone", self.timezone.clone());
        set(&mut map, "businessId", self.business_id.clone());
        map.insert("customFields".to_owned(), self.fields());
        map.insert("dateUpdated".to_owned(), Value::from(iso(self.date_updated)));
        map.insert("type".to_owned(), Value::from("lead"));
        map.insert("attributions".to_owned(), json!([]));
        map.insert("followers".to_owned(), json!(self.followers));
        Value::Object(map)
    }

    /// What a webhook says about the contact: neither `dateUpdated` nor anything empty.
    pub fn payload(&self) -> Map<String, Value> {
        let mut map = self.core();
        set(&mut map, "name", self.name());
        set(&mut map, "address1", self.address1.clone());
        set(&mut map, "dateOfBirth", self.date_of_birth.map(|date| format!("{}T00:00:00.000Z", day(date))));
        map.insert("customFields".to_owned(), self.fields());
        map.retain(|_, value| !empty(value));
        map
    }
}

fn empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Sets a key when there is a value.
pub(super) fn set(map: &mut Map<String, Value>, key: &str, value: Option<String>) {
    if let Some(value) = value {
        map.insert(key.to_owned(), Value::String(value));
    }
}

/// An instant as the API writes it: UTC with milliseconds.
pub fn iso(at: OffsetDateTime) -> String {
    let at = at.to_offset(time::UtcOffset::UTC);
    at.format(format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"))
        .unwrap_or_default()
}

fn day(date: Date) -> String {
    date.format(format_description!("[year]-[month]-[day]")).unwrap_or_default()
}

/// Milliseconds since 1970.
pub(super) fn millis(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}
