//! What would be done about one of them now. The same question after it was done has the answer [`Step::Nothing`].

use super::{EngagementKind, Told, deleted_text, note_text};
use time::Date;

/// Where the note about it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoteAt<'a> {
    pub subscription_id: &'a str,
    pub note_id: &'a str,
}

/// Everything the decision needs.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    pub kind: EngagementKind,
    pub id: &'a str,
    pub told: &'a Told,
    /// The day on which it was found deleted.
    pub deleted_on: Option<Date>,
    /// Its kind is switched on.
    pub is_on: bool,
    /// Its contact has a customer.
    pub is_linked: bool,
    /// The subscription chosen for it, once and for all.
    pub chosen: Option<&'a str>,
    pub note: Option<NoteAt<'a>>,
    /// What was written to the note last.
    pub written: Option<&'a str>,
}

/// Why it waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// The contact has no customer (any more).
    NoCustomer,
    /// The customer has no subscription yet, and a note belongs to one.
    NoSubscription,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It is in step, or none of ours.
    Nothing,
    Hold(Held),
    Create {
        subscription_id: String,
        text: String,
    },
    Update {
        subscription_id: String,
        note_id: String,
        text: String,
    },
}

impl Step {
    /// What would be written.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Create { text, .. } | Self::Update { text, .. } => Some(text),
            Self::Nothing | Self::Hold(_) => None,
        }
    }
}

/// Plans one.
#[must_use]
pub fn plan(known: &Known<'_>) -> Step {
    if !known.is_on || (known.told.is_ours() && known.note.is_none()) {
        return Step::Nothing;
    }
    let text = match (known.deleted_on, known.note) {
        // It never reached Chargify, and never will.
        (Some(_), None) => return Step::Nothing,
        (Some(day), Some(_)) => deleted_text(known.kind, known.id, day),
        (None, _) => note_text(known.kind, known.id, known.told),
    };
    if known.note.is_some() && known.written == Some(text.as_str()) {
        return Step::Nothing;
    }
    if !known.is_linked {
        return Step::Hold(Held::NoCustomer);
    }
    match (known.note, known.chosen) {
        (Some(note), _) => {
            Step::Update { subscription_id: note.subscription_id.to_owned(), note_id: note.note_id.to_owned(), text }
        }
        (None, Some(subscription)) => Step::Create { subscription_id: subscription.to_owned(), text },
        (None, None) => Step::Hold(Held::NoSubscription),
    }
}
