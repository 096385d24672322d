//! A note as it is written: where, what, and how it is recognised again.

use crate::{
    UpstreamClass,
    clients::{CallError, chargify::Note},
    store::engagements::EngagementRow,
};
use domain::engagement::{EngagementKind, Marker, Step, marker_of};
use serde::{Deserialize, Serialize};

/// So much of a note's text stands in the audit trail.
const AUDITED_CHARS: usize = 500;

/// A write as it is journalled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Writing {
    pub(super) subscription_id: String,
    /// `None`: a new note.
    pub(super) note_id: Option<String>,
    pub(super) text: String,
}

impl Writing {
    pub(super) fn of(step: &Step) -> Option<Self> {
        match step.clone() {
            Step::Create { subscription_id, text } => Some(Self { subscription_id, note_id: None, text }),
            Step::Update { subscription_id, note_id, text } => {
                Some(Self { subscription_id, note_id: Some(note_id), text })
            }
            Step::Nothing | Step::Hold(_) => None,
        }
    }
}

/// What writes about one of them are journalled under: one at a time.
pub(super) fn key(row: &EngagementRow) -> String {
    format!("{}:{}", row.kind, row.remote_id)
}

/// The note that the write made or changed, if it did. A note of a person may quote a marker, and even begin with one of
/// another: only the very text counts for a change, and only its own marker for a new one, the very text before all.
pub(super) fn ours(notes: Vec<Note>, row: &EngagementRow, writing: &Writing) -> Option<Note> {
    let is_same = |note: &Note| note.body.trim() == writing.text.trim();
    if let Some(id) = &writing.note_id {
        return notes.into_iter().find(|note| note.id.as_str() == id && is_same(note));
    }
    let own: Option<Marker> =
        row.kind.parse::<EngagementKind>().ok().map(|kind| Marker { kind, id: row.remote_id.clone() });
    let mut marked: Vec<Note> =
        notes.into_iter().filter(|note| own.is_some() && marker_of(&note.body) == own).collect();
    let place = marked.iter().position(is_same).or((!marked.is_empty()).then_some(0))?;
    Some(marked.swap_remove(place))
}

/// What happened, is it safe, what to do.
pub(super) fn refusal_words(writing: &Writing, error: &CallError) -> String {
    match (error.class, &writing.note_id) {
        (UpstreamClass::NotFound, Some(_)) => {
            "Chargify no longer has the note, or its subscription. Nothing was written. To have it written as a new note, \
                choose “Write it anew”."
                .to_owned()
        }
        (UpstreamClass::NotFound, None) => {
            "Chargify no longer has the subscription that was chosen for it. Nothing was written. To choose another, choose \
                “Write it anew”."
                .to_owned()
        }
        (UpstreamClass::Ambiguous, _) => {
            "Chargify did not answer, and a look-up found nothing written. The next full run tries again.".to_owned()
        }
        _ => format!("Chargify refused it: {} The next full run tries again.", error.message),
    }
}

/// As much of a text as stands in the audit trail.
pub(super) fn audited(text: &str) -> String {
    if text.chars().count() <= AUDITED_CHARS {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(AUDITED_CHARS - 1).collect();
    short.push('…');
    short
}
