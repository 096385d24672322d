//! Notes of a subscription (Maxio Advanced Billing API reference, subscription notes, seen 2026-08). No event tells of them
//! and no search finds them: a note is found by listing those of its subscription.

use super::{Chargify, change, read};
use crate::clients::{CallContext, CallError, address, json};
use domain::{RemoteId, limits};
use serde_json::{Value as Json, json};

/// A service that keeps promising a further page is not followed for ever.
const PAGES_MAX: u32 = 50;

/// A note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub id: RemoteId,
    pub body: String,
}

impl Chargify {
    /// All notes of a subscription.
    ///
    /// # Errors
    /// [`crate::UpstreamClass::NotFound`] when there is no such subscription; other [`CallError`]s.
    pub async fn notes(&self, context: &CallContext, subscription_id: &str) -> Result<Vec<Note>, CallError> {
        let mut notes = Vec::new();
        for page in 1..=PAGES_MAX {
            let query = [("page", page.to_string()), ("per_page", limits::CHARGIFY_PAGE.to_string())];
            let target = address::with_query(&path(subscription_id, ".json"), &query);
            let answer = self.call(context, read("GET /subscriptions/{id}/notes.json", target)).await?;
            let body = answer.json()?;
            let rows = body.as_array().ok_or_else(|| answer.unreadable("the answer is no list of notes"))?;
            notes.extend(rows.iter().filter_map(note));
            if rows.len() < limits::CHARGIFY_PAGE as usize {
                break;
            }
        }
        Ok(notes)
    }

    /// Writes a new note.
    ///
    /// # Errors
    /// After [`crate::UpstreamClass::Ambiguous`] it may exist: look for it before trying again; other [`CallError`]s.
    pub async fn create_note(
        &self,
        context: &CallContext,
        subscription_id: &str,
        text: &str,
    ) -> Result<Note, CallError> {
        let target = path(subscription_id, ".json");
        let call = change(http::Method::POST, "POST /subscriptions/{id}/notes.json", target, body(text));
        let answer = self.call(context, call).await?;
        note(&answer.json()?).ok_or_else(|| answer.unreadable("the answer holds no note"))
    }

    /// Replaces the text of a note.
    ///
    /// # Errors
    /// [`crate::UpstreamClass::NotFound`] when the note or its subscription is gone; other [`CallError`]s.
    pub async fn update_note(
        &self,
        context: &CallContext,
        (subscription_id, note_id): (&str, &str),
        text: &str,
    ) -> Result<Note, CallError> {
        let target = path(subscription_id, &format!("/{}.json", address::encode(note_id)));
        let call = change(http::Method::PUT, "PUT /subscriptions/{id}/notes/{id}.json", target, body(text));
        let answer = self.call(context, call).await?;
        note(&answer.json()?).ok_or_else(|| answer.unreadable("the answer holds no note"))
    }
}

fn path(subscription_id: &str, rest: &str) -> String {
    format!("/subscriptions/{}/notes{rest}", address::encode(subscription_id))
}

/// Both members are required; a note of ours is never pinned above a person's.
fn body(text: &str) -> Json {
    json!({ "note": { "body": text, "sticky": false } })
}

/// `{note: {...}}`.
fn note(row: &Json) -> Option<Note> {
    let note = row.get("note")?;
    Some(Note { id: RemoteId(json::text(note, "id")?), body: json::text(note, "body").unwrap_or_default() })
}
