//! Notes of a contact.

use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::{
    body::{Kind, Property, check},
    call::Call,
    contact::{iso, set},
    location::Location,
    refusal::{Answer, Refusal},
};

/// A note.
#[derive(Debug, Clone)]
pub struct Note {
    /// Twenty letters and digits.
    pub id: String,
    /// The text.
    pub body: String,
    /// Who wrote it.
    pub user_id: Option<String>,
    /// A headline.
    pub title: Option<String>,
    /// A colour such as `#FFAA00`.
    pub color: Option<String>,
    /// Whether it stays on top.
    pub pinned: bool,
    /// When it was written.
    pub date_added: OffsetDateTime,
    /// The contact it belongs to.
    pub contact_id: String,
}

const CREATE: &[Property] = &[
    ("body", Kind::Text, true),
    ("userId", Kind::Nullable, false),
    ("title", Kind::Nullable, false),
    ("color", Kind::Nullable, false),
    ("pinned", Kind::Flag, false),
];
const UPDATE: &[Property] = &[
    ("body", Kind::Text, false),
    ("userId", Kind::Nullable, false),
    ("title", Kind::Nullable, false),
    ("color", Kind::Nullable, false),
    ("pinned", Kind::Flag, false),
];

impl Note {
    fn view(&self) -> Value {
        let mut map = self.payload();
        set(&mut map, "userId", self.user_id.clone());
        set(&mut map, "title", self.title.clone());
        set(&mut map, "color", self.color.clone());
        map.insert("pinned".to_owned(), Value::from(self.pinned));
        Value::Object(map)
    }

    /// Webhooks carry four properties and no more.
    fn payload(&self) -> Map<String, Value> {
        let mut map = Map::new();
        set(&mut map, "id", Some(self.id.clone()));
        set(&mut map, "body", Some(self.body.clone()));
        set(&mut map, "contactId", Some(self.contact_id.clone()));
        set(&mut map, "dateAdded", Some(iso(self.date_added)));
        map
    }

    fn apply(&mut self, map: &Map<String, Value>) {
        let text = |key: &str| map.get(key).map(|value| value.as_str().map(str::to_owned));
        if let Some(Some(body)) = text("body") {
            self.body = body;
        }
        for (key, place) in [("userId", &mut self.user_id), ("title", &mut self.title), ("color", &mut self.color)] {
            if let Some(value) = text(key) {
                *place = value;
            }
        }
        if let Some(pinned) = map.get("pinned").and_then(Value::as_bool) {
            self.pinned = pinned;
        }
    }
}

impl Location {
    fn note(&mut self, contact_id: &str, id: &str) -> Result<&mut Note, Refusal> {
        self.contact(contact_id)?;
        self.notes
            .get_mut(contact_id)
            .and_then(|notes| notes.iter_mut().find(|note| note.id == id))
            .ok_or_else(|| Refusal::not_found("Note not found"))
    }

    pub(super) fn list_notes(&self, contact_id: &str) -> Answer {
        self.contact(contact_id)?;
        let notes: Vec<Value> = self.notes.get(contact_id).into_iter().flatten().rev().map(Note::view).collect();
        Ok((200, json!({ "notes": notes })))
    }

    /// Writes a note from checked properties.
    pub(super) fn add_note(&mut self, contact_id: &str, map: &Map<String, Value>, now: OffsetDateTime) -> Note {
        let mut note = Note {
            id: self.new_id(),
            body: String::new(),
            user_id: None,
            title: None,
            color: None,
            pinned: false,
            date_added: now,
            contact_id: contact_id.to_owned(),
        };
        note.apply(map);
        self.notes.entry(contact_id.to_owned()).or_default().push(note.clone());
        self.tell("NoteCreate", note.payload());
        note
    }

    pub(super) fn create_note(&mut self, contact_id: &str, call: &Call<'_>) -> Answer {
        self.contact(contact_id)?;
        let map = check(&call.body, CREATE)?;
        let note = self.add_note(contact_id, map, call.now);
        Ok((201, json!({ "note": note.view() })))
    }

    pub(super) fn get_note(&mut self, contact_id: &str, id: &str) -> Answer {
        Ok((200, json!({ "note": self.note(contact_id, id)?.view() })))
    }

    pub(super) fn update_note(&mut self, contact_id: &str, id: &str, call: &Call<'_>) -> Answer {
        let map = check(&call.body, UPDATE)?;
        let note = self.note(contact_id, id)?;
        note.apply(map);
        let (view, payload) = (note.view(), note.payload());
        self.tell("NoteUpdate", payload);
        Ok((200, json!({ "note": view })))
    }

    pub(super) fn delete_note(&mut self, contact_id: &str, id: &str) -> Answer {
        let payload = self.note(contact_id, id)?.payload();
        if let Some(notes) = self.notes.get_mut(contact_id) {
            notes.retain(|note| note.id != id);
        }
        self.tell("NoteDelete", payload);
        Ok((200, json!({ "succeded": true })))
    }
}
