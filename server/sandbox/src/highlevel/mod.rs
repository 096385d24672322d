//! The rules of GoHighLevel: contacts and what hangs on them, the search that trails behind, tokens, limits and
//! webhooks, as the vendor's v2 API behaves. Pure: no I/O, no clock, randomness from the seed.

mod attached;
pub mod auth;
mod body;
mod book;
mod business;
mod calendar;
mod call;
mod console;
mod contact;
mod contacts;
mod fill;
mod filter;
mod limits;
mod location;
mod notes;
pub mod oauth;
mod refusal;
mod route;
mod search;
mod settings;
mod switches;
mod tags;
mod tasks;
mod webhooks;

use std::collections::BTreeMap;

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value};
use time::{Duration, OffsetDateTime};

pub use book::Book;
pub use business::Business;
pub use calendar::{Appointment, Calendar};
pub use contact::{Contact, iso};
pub use limits::Limits;
pub use location::Location;
pub use notes::Note;
pub use settings::CustomField;
pub use tasks::Task;
pub use webhooks::Sender;

use crate::{
    options::Options,
    request::{Reply, Request},
    seed::{self, Person},
};
use auth::{Token, Tokens};
use call::Call;
use refusal::{Answer, Refusal};

/// GoHighLevel: an agency with its locations.
#[derive(Debug)]
pub struct HighLevel {
    /// The agency's id.
    pub company_id: String,
    /// Locations by id.
    pub locations: BTreeMap<String, Location>,
    /// Tokens, codes and refresh tokens.
    pub tokens: Tokens,
    /// The sender of webhooks.
    pub sender: Sender,
    limits: BTreeMap<String, Limits>,
    fresh: Limits,
    main: String,
    main_token: String,
    seed: u64,
    index_lag: Duration,
    rng: ChaCha8Rng,
}

impl HighLevel {
    /// An agency with one location, filled with people.
    pub fn new(options: &Options, people: &[Person]) -> Self {
        let mut rng = seed::rng(options.seed, 0, 7);
        let (max, window) = options.rate;
        let mut side = Self {
            company_id: seed::id(&mut rng),
            locations: BTreeMap::new(),
            tokens: Tokens::default(),
            sender: Sender::new(options.seed, options.retry_speedup),
            limits: BTreeMap::new(),
            fresh: Limits::new(max, span(window), options.daily),
            main: String::new(),
            main_token: String::new(),
            seed: options.seed,
            index_lag: span(options.index_lag),
            rng,
        };
        side.sender.outbox.target.clone_from(&options.highlevel_webhooks);
        let (id, token) = side.add_location("Concord Demo");
        if let Some(location) = side.locations.get_mut(&id) {
            location.allow_duplicates = options.allow_duplicate_contacts;
            fill::fill(location, options.seed, people);
        }
        (side.main, side.main_token) = (id, token);
        side
    }

    /// Adds an empty location; returns its id and a private integration token bound to it.
    pub fn add_location(&mut self, name: &str) -> (String, String) {
        let id = seed::id(&mut self.rng);
        let seed = self.seed ^ u64::try_from(self.locations.len()).unwrap_or(0);
        let mut location = Location::new(&id, &self.company_id, name, seed);
        location.book.lag = self.index_lag;
        self.locations.insert(id.clone(), location);
        let token = self.private_token(&id);
        (id, token)
    }

    /// Gives out a private integration token with every scope.
    pub fn private_token(&mut self, location_id: &str) -> String {
        let bytes: [u8; 16] = self.rng.random();
        let secret = format!("pit-{}", uuid::Builder::from_random_bytes(bytes).into_uuid());
        self.tokens.give(secret.clone(), Token::private(location_id));
        secret
    }

    /// The id of the location the sandbox started with.
    pub fn main_location_id(&self) -> &str {
        &self.main
    }

    /// The location the sandbox started with.
    pub fn main(&self) -> Option<&Location> {
        self.locations.get(&self.main)
    }

    /// The private integration token the sandbox started with.
    pub fn main_token(&self) -> &str {
        &self.main_token
    }

    /// Adds a contact to the main location as a person would, from the API's properties.
    ///
    /// # Errors
    /// The answer's status and body when the properties are refused.
    pub fn add_contact(&mut self, properties: &Value, now: OffsetDateTime) -> Result<Contact, (u16, Value)> {
        self.by_hand(now, |location| {
            body::contact(properties, body::UPDATE)?;
            Ok((*location.add(properties.as_object().unwrap_or(&Map::new()), now)?).clone())
        })
    }

    /// Changes a contact of the main location as a person would.
    ///
    /// # Errors
    /// The answer's status and body when the contact is missing or the properties are refused.
    pub fn edit_contact(&mut self, id: &str, properties: &Value, now: OffsetDateTime) -> Result<Contact, (u16, Value)> {
        self.by_hand(now, |location| {
            body::contact(properties, body::UPDATE)?;
            Ok((*location.change(id, properties.as_object().unwrap_or(&Map::new()), now)?).clone())
        })
    }

    /// Deletes a contact of the main location as a person would.
    ///
    /// # Errors
    /// The answer's status and body when the contact is missing.
    pub fn delete_contact(&mut self, id: &str, now: OffsetDateTime) -> Result<(), (u16, Value)> {
        self.by_hand(now, |location| location.remove(id, now))
    }

    /// Takes a deleted contact back, under its old id and without its notes, tasks and appointments. No event tells.
    pub fn restore_contact(&mut self, id: &str, now: OffsetDateTime) -> bool {
        self.main_mut().is_some_and(|location| location.book.restore(id, now).is_some())
    }

    /// Merges a contact of the main location into another; `false` when either is missing. No event tells.
    pub fn merge_contact(&mut self, from: &str, into: &str, now: OffsetDateTime) -> bool {
        self.main_mut().is_some_and(|location| location.merge(from, into, now))
    }

    /// Writes a note on a contact of the main location as a person would.
    ///
    /// # Errors
    /// The answer's status and body when the contact is missing.
    pub fn add_note(&mut self, contact_id: &str, text: &str, now: OffsetDateTime) -> Result<Note, (u16, Value)> {
        self.by_hand(now, |location| {
            location.contact(contact_id)?;
            let mut map = Map::new();
            contact::set(&mut map, "body", Some(text.to_owned()));
            Ok(location.add_note(contact_id, &map, now))
        })
    }

    /// Deletes the definition of a custom field of the main location, with every value of it, as a person would; `false`
    /// when there is none. No event tells.
    pub fn delete_custom_field(&mut self, named: &str) -> bool {
        self.main_mut().is_some_and(|location| location.delete_field(named).is_ok())
    }

    /// Renames a custom field of the main location, as a person would; `false` when there is none. No event tells.
    pub fn rename_custom_field(&mut self, before: &str, after: &str) -> bool {
        let field = self.main_mut().and_then(|location| location.fields.iter_mut().find(|field| field.name == before));
        field.map(|field| after.clone_into(&mut field.name)).is_some()
    }

    /// A contact of the main location.
    pub fn contact(&self, id: &str) -> Option<&Contact> {
        self.main()?.book.get(id).map(AsRef::as_ref)
    }

    fn main_mut(&mut self) -> Option<&mut Location> {
        self.locations.get_mut(&self.main)
    }

    fn by_hand<T>(
        &mut self,
        now: OffsetDateTime,
        change: impl FnOnce(&mut Location) -> Result<T, Refusal>,
    ) -> Result<T, (u16, Value)> {
        let id = self.main.clone();
        let Some(location) = self.locations.get_mut(&id) else { return Err((404, Value::Null)) };
        let done = change(location).map_err(|refusal| (refusal.status, refusal.body));
        self.send_events(&id, now);
        done
    }

    fn send_events(&mut self, location_id: &str, now: OffsetDateTime) {
        let Some(location) = self.locations.get_mut(location_id) else { return };
        for event in std::mem::take(&mut location.events) {
            self.sender.queue(location_id, event, now);
        }
    }

    /// The limits a call counts against: its location's, or the agency's.
    fn limits_of(&mut self, request: &Request, now: OffsetDateTime) -> &mut Limits {
        let resource = match self.tokens.of(request, now).map(|token| &token.class) {
            Ok(auth::Class::Location(id)) => id.clone(),
            _ => String::new(),
        };
        self.limits.entry(resource).or_insert_with(|| self.fresh.clone())
    }

    fn answer(&mut self, request: &Request, now: OffsetDateTime) -> Answer {
        let parts = request.segments();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match (request.method.as_str(), parts.as_slice()) {
            ("POST", ["oauth", "token"]) => return self.token(request, now),
            ("POST", ["oauth", "locationToken"]) => return self.location_token(request, now),
            ("POST", ["oauth", "reconnect"]) => return self.reconnect(request, now),
            ("GET", ["oauth", "installedLocations"]) => return self.installed_locations(request, now),
            _ => {}
        }
        let token = self.tokens.of(request, now)?;
        let (location_id, scopes) = (token.location()?.to_owned(), token.scopes.clone());
        let body = request.json().map_err(|error| Refusal::bad_request(error.to_string()))?;
        let call = Call { request, body, now, location_id, scopes };
        if parts.first() == Some(&"contacts")
            && parts.get(1).is_some_and(|id| self.belongs_elsewhere(id, &call.location_id))
        {
            return Err(Refusal::wrong_location());
        }
        let location = self.locations.get_mut(&call.location_id).ok_or_else(Refusal::wrong_location)?;
        let answer = route::run(location, &call);
        self.send_events(&call.location_id, now);
        answer
    }

    fn belongs_elsewhere(&self, contact_id: &str, location_id: &str) -> bool {
        self.locations.len() > 1
            && self
                .locations
                .iter()
                .any(|(id, location)| id.as_str() != location_id && location.book.get(contact_id).is_some())
    }

    /// Answers one call, limits and headers included.
    fn respond(&mut self, request: &Request, now: OffsetDateTime) -> Reply {
        if request.path == "/oauth/chooselocation" {
            return self.choose_location(request, now);
        }
        let trace_id = uuid::Builder::from_random_bytes(self.rng.random()).into_uuid().to_string();
        let answer = if self.limits_of(request, now).admit(now) {
            self.answer(request, now)
        } else {
            Err(Refusal::too_many_requests())
        };
        let (status, mut body) = answer.unwrap_or_else(|refusal| (refusal.status, refusal.body));
        if let Some(map) = body.as_object_mut() {
            map.insert("traceId".to_owned(), Value::from(trace_id));
        }
        self.limits_of(request, now).mark(Reply::json(status, &body))
    }
}

fn span(duration: std::time::Duration) -> Duration {
    Duration::try_from(duration).unwrap_or(Duration::MAX)
}
