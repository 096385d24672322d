//! Notes of a contact.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::{
    attached::{Attached, shown},
    body::{Kind, Property, check},
    call::Call,
    contact::{iso, set},
    location::Location,
    refusal::Answer,
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

impl Attached for Note {
    const ONE: &'static str = "note";
    const MANY: &'static str = "notes";
    const MISSING: &'static str = "Note not found";
    const DELETED: &'static str = "NoteDelete";
    const NEWEST_FIRST: bool = true;

    fn id(&self) -> &str {
        &self.id
    }

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

    fn all(location: &Location) -> &BTreeMap<String, Vec<Self>> {
        &location.notes
    }

    fn all_mut(location: &mut Location) -> &mut BTreeMap<String, Vec<Self>> {
        &mut location.notes
    }
}

impl Note {
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
        shown::<Note>(201, note.view())
    }

    pub(super) fn update_note(&mut self, contact_id: &str, id: &str, call: &Call<'_>) -> Answer {
        let map = check(&call.body, UPDATE)?;
        let note = self.attached::<Note>(contact_id, id)?;
        note.apply(map);
        let (view, payload) = (note.view(), note.payload());
        self.tell("NoteUpdate", payload);
        shown::<Note>(200, view)
    }
}
