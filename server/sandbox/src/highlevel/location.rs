//! One location: everything a token bound to it can reach. Changes leave events behind, which become webhooks.

use std::{collections::BTreeMap, sync::Arc};

use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value, json};
use time::Duration;

use super::{
    book::Book,
    business::Business,
    calendar::{Appointment, Calendar},
    notes::Note,
    settings::CustomField,
    tasks::Task,
};
use crate::seed;

/// Something that happened and that a webhook tells.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) name: &'static str,
    pub(super) payload: Map<String, Value>,
}

/// A sub-account with its records.
#[derive(Debug)]
pub struct Location {
    /// Twenty letters and digits.
    pub id: Arc<str>,
    /// The agency it belongs to.
    pub company_id: String,
    /// Its name.
    pub name: String,
    /// ISO 3166-1 alpha-2; phones without a prefix are read as of this country.
    pub country: String,
    /// IANA time zone.
    pub timezone: String,
    /// Whether two contacts may share an e-mail or a phone.
    pub allow_duplicates: bool,
    /// Its contacts.
    pub book: Book,
    /// Definitions of custom fields.
    pub fields: Vec<CustomField>,
    /// Tag ids by name.
    pub tags: BTreeMap<String, String>,
    /// Notes by contact.
    pub notes: BTreeMap<String, Vec<Note>>,
    /// Tasks by contact.
    pub tasks: BTreeMap<String, Vec<Task>>,
    /// Businesses by id.
    pub businesses: BTreeMap<String, Business>,
    /// Calendars.
    pub calendars: Vec<Calendar>,
    /// Appointments by id.
    pub appointments: BTreeMap<String, Appointment>,
    /// The one user everything is assigned to.
    pub user_id: String,
    pub(super) events: Vec<Event>,
    pub(super) rng: ChaCha8Rng,
    pub(super) missing_is_400: bool,
}

impl Location {
    /// An empty location with one user and one calendar.
    pub fn new(id: &str, company_id: &str, name: &str, seed: u64) -> Self {
        let mut rng = seed::rng(seed, 0, 3);
        Self {
            id: Arc::from(id),
            company_id: company_id.to_owned(),
            name: name.to_owned(),
            country: "US".to_owned(),
            timezone: "America/Chicago".to_owned(),
            allow_duplicates: false,
            book: Book::new(Duration::seconds(2)),
            fields: Vec::new(),
            tags: BTreeMap::new(),
            notes: BTreeMap::new(),
            tasks: BTreeMap::new(),
            businesses: BTreeMap::new(),
            calendars: vec![Calendar { id: seed::id(&mut rng), name: "Consultations".to_owned() }],
            appointments: BTreeMap::new(),
            user_id: seed::id(&mut rng),
            events: Vec::new(),
            rng,
            missing_is_400: false,
        }
    }

    pub(super) fn new_id(&mut self) -> String {
        seed::id(&mut self.rng)
    }

    pub(super) fn tell(&mut self, name: &'static str, payload: Map<String, Value>) {
        self.events.push(Event { name, payload });
    }

    /// Adds names to the location's catalogue of tags.
    pub(super) fn know_tags<'a>(&mut self, names: impl IntoIterator<Item = &'a String>) {
        for name in names {
            if !self.tags.contains_key(name) {
                let id = self.new_id();
                self.tags.insert(name.clone(), id);
            }
        }
    }

    /// The answer to `GET /locations/{id}`.
    pub(super) fn view(&self) -> Value {
        json!({
            "id": &*self.id,
            "companyId": self.company_id,
            "name": self.name,
            "address": "1 Main Street",
            "city": "Chicago",
            "state": "IL",
            "country": self.country,
            "postalCode": "60601",
            "website": "https://location.example/",
            "timezone": self.timezone,
            "firstName": "Olu",
            "lastName": "Okafor",
            "email": "owner@location.example",
            "phone": "+13125550100",
            "business": { "name": self.name, "country": self.country, "timezone": self.timezone },
            "social": {},
            "settings": {
                "allowDuplicateContact": self.allow_duplicates,
                "allowDuplicateOpportunity": false,
                "allowFacebookNameMerge": false,
                "disableContactTimezone": false,
            },
        })
    }

    /// Forgets everything that hangs on a deleted contact; a restore does not bring it back.
    pub(super) fn forget_around(&mut self, contact_id: &str) {
        self.notes.remove(contact_id);
        self.tasks.remove(contact_id);
        self.appointments.retain(|_, appointment| appointment.contact_id != contact_id);
    }
}
