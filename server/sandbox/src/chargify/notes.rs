//! Notes on subscriptions, the only place Chargify has for free text. Nothing tells anyone when they change.

use std::collections::BTreeMap;

use rand::seq::SliceRandom;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::{
    Chargify,
    call::{Call, errors, not_found},
    zone::Zone,
};
use crate::request::Reply;

const FIRST_ID: i64 = 2_148_000_006;

/// One note.
#[derive(Clone, Debug)]
pub struct Note {
    pub id: i64,
    pub subscription_id: i64,
    pub body: String,
    pub sticky: bool,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
}

impl Note {
    fn json(&self, zone: Zone) -> Value {
        json!({"note": {
            "id": self.id, "body": self.body, "sticky": self.sticky, "subscription_id": self.subscription_id,
            "created_at": zone.iso(self.created_at), "updated_at": zone.iso(self.updated_at),
        }})
    }
}

/// All notes, by subscription.
#[derive(Debug, Default)]
pub struct Notes {
    rows: BTreeMap<i64, BTreeMap<i64, Note>>,
    made: i64,
}

impl Notes {
    /// Oldest first.
    pub fn of(&self, subscription_id: i64) -> impl Iterator<Item = &Note> {
        self.rows.get(&subscription_id).into_iter().flat_map(BTreeMap::values)
    }

    pub fn get(&self, subscription_id: i64, id: i64) -> Option<&Note> {
        self.rows.get(&subscription_id)?.get(&id)
    }

    pub fn get_mut(&mut self, subscription_id: i64, id: i64) -> Option<&mut Note> {
        self.rows.get_mut(&subscription_id)?.get_mut(&id)
    }

    pub fn add(&mut self, subscription_id: i64, body: &str, sticky: bool, now: OffsetDateTime) -> i64 {
        self.made += 1;
        let id = FIRST_ID + self.made;
        let note = Note { id, subscription_id, body: body.to_owned(), sticky, created_at: now, updated_at: now };
        self.rows.entry(subscription_id).or_default().insert(id, note);
        id
    }

    pub fn remove(&mut self, subscription_id: i64, id: i64) -> bool {
        self.rows.get_mut(&subscription_id).is_some_and(|notes| notes.remove(&id).is_some())
    }

    /// Forgets a subscription.
    pub fn forget(&mut self, subscription_id: i64) {
        self.rows.remove(&subscription_id);
    }

    /// Forgets everything but the numbering.
    pub fn clear(&mut self) {
        self.rows.clear();
    }
}

impl Chargify {
    /// `GET /subscriptions/{id}/notes.json`: complete over its pages, in no order within one.
    pub(super) fn list_notes(&mut self, subscription_id: i64, call: &Call<'_>) -> Reply {
        if self.subscriptions.get(subscription_id).is_none() {
            return not_found();
        }
        let page = match call.page(20) {
            Ok(page) => page,
            Err(refusal) => return refusal,
        };
        let zone = self.site.zone;
        let mut rows: Vec<Value> = page.of(self.notes.of(subscription_id)).map(|note| note.json(zone)).collect();
        rows.shuffle(&mut self.rng);
        Reply::json(200, &Value::Array(rows))
    }

    /// `POST /subscriptions/{id}/notes.json`.
    pub(super) fn create_note(&mut self, subscription_id: i64, call: &Call<'_>) -> Reply {
        if self.subscriptions.get(subscription_id).is_none() {
            return not_found();
        }
        let (body, sticky) = match read(&call.body) {
            Ok(wish) => wish,
            Err(refusal) => return refusal,
        };
        let id = self.notes.add(subscription_id, &body, sticky.unwrap_or_default(), call.now);
        self.show_note(subscription_id, id, 201)
    }

    /// `GET /subscriptions/{id}/notes/{note}.json`.
    pub(super) fn read_note(&self, subscription_id: i64, id: i64) -> Reply {
        self.show_note(subscription_id, id, 200)
    }

    /// `PUT /subscriptions/{id}/notes/{note}.json`; answers 201.
    pub(super) fn update_note(&mut self, subscription_id: i64, id: i64, call: &Call<'_>) -> Reply {
        if self.notes.get(subscription_id, id).is_none() {
            return not_found();
        }
        let (body, sticky) = match read(&call.body) {
            Ok(wish) => wish,
            Err(refusal) => return refusal,
        };
        if let Some(note) = self.notes.get_mut(subscription_id, id) {
            note.body = body;
            note.sticky = sticky.unwrap_or(note.sticky);
            note.updated_at = call.now;
        }
        self.show_note(subscription_id, id, 201)
    }

    /// `DELETE /subscriptions/{id}/notes/{note}.json`.
    pub(super) fn delete_note(&mut self, subscription_id: i64, id: i64) -> Reply {
        if self.notes.remove(subscription_id, id) { Reply::empty(200) } else { not_found() }
    }

    fn show_note(&self, subscription_id: i64, id: i64, status: u16) -> Reply {
        match self.notes.get(subscription_id, id) {
            Some(note) => Reply::json(status, &note.json(self.site.zone)),
            None => not_found(),
        }
    }
}

/// The body must not be blank; its length is not checked.
fn read(body: &Value) -> Result<(String, Option<bool>), Reply> {
    let empty = Map::new();
    let wish = body.get("note").and_then(Value::as_object).unwrap_or(&empty);
    let text = wish.get("body").and_then(Value::as_str).unwrap_or_default();
    if text.trim().is_empty() {
        return Err(errors(&["Body: cannot be blank."]));
    }
    Ok((text.to_owned(), wish.get("sticky").and_then(Value::as_bool)))
}
