//! Notes, tasks and appointments of a contact (HighLevel API docs, contacts and calendars, seen 2026-08). Concord reads
//! them and never changes one.

use super::{HighLevel, change, read};
use crate::{
    UpstreamClass,
    clients::{CallContext, CallError, address, json},
};
use domain::{
    RemoteId,
    engagement::{EngagementKind, Told},
};
use serde_json::{Value as Json, json};
use time::OffsetDateTime;

/// Tasks asked for by a part of their title. No page size is documented.
const TASKS_FOUND: u32 = 100;

/// One of them, as the service tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Engagement {
    pub kind: EngagementKind,
    pub id: String,
    /// Not every payload names it.
    pub contact_id: Option<String>,
    pub told: Told,
    /// The service's own stamp; only appointments have one.
    pub changed_at: Option<OffsetDateTime>,
}

/// Those of one kind that a contact has. The lists have no pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Engagements {
    pub found: Vec<Engagement>,
    /// Every row could be read: whoever is not among them is not the contact's any more.
    pub is_whole: bool,
}

impl HighLevel {
    /// All of one kind that the contact has. Instants of appointments come as the location's wall clock, without an
    /// offset: [`HighLevel::engagement`] tells them with one.
    ///
    /// # Errors
    /// [`UpstreamClass::NotFound`] when the contact is gone; other [`CallError`]s.
    pub async fn engagements(
        &self,
        context: &CallContext,
        contact_id: &RemoteId,
        kind: EngagementKind,
    ) -> Result<Engagements, CallError> {
        let contact = address::encode(contact_id.as_str());
        let (endpoint, key) = match kind {
            EngagementKind::Note => ("GET /contacts/{id}/notes", "notes"),
            EngagementKind::Task => ("GET /contacts/{id}/tasks", "tasks"),
            EngagementKind::Appointment => ("GET /contacts/{id}/appointments", "events"),
        };
        let target = format!("/contacts/{contact}/{}", kind.plural());
        let answer = self.call(context, read(endpoint, target)).await?;
        let body = answer.json()?;
        let rows = body.get(key).and_then(Json::as_array);
        let rows = rows.ok_or_else(|| answer.unreadable(format!("the answer holds no {}", kind.plural())))?;
        let found: Vec<Engagement> = rows.iter().filter_map(|row| engagement(kind, row)).collect();
        let is_whole = found.len() == rows.len();
        Ok(Engagements { found, is_whole })
    }

    /// One of them.
    ///
    /// # Errors
    /// [`UpstreamClass::NotFound`] when it is gone, or its contact is; other [`CallError`]s.
    pub async fn engagement(
        &self,
        context: &CallContext,
        contact_id: &RemoteId,
        (kind, id): (EngagementKind, &str),
    ) -> Result<Engagement, CallError> {
        let (contact, own) = (address::encode(contact_id.as_str()), address::encode(id));
        let (endpoint, target, key) = match kind {
            EngagementKind::Note => {
                ("GET /contacts/{id}/notes/{id}", format!("/contacts/{contact}/notes/{own}"), "note")
            }
            EngagementKind::Task => {
                ("GET /contacts/{id}/tasks/{id}", format!("/contacts/{contact}/tasks/{own}"), "task")
            }
            EngagementKind::Appointment => {
                let target = format!("/calendars/events/appointments/{own}");
                ("GET /calendars/events/appointments/{id}", target, "event")
            }
        };
        let answer = self.call(context, read(endpoint, target)).await?;
        let body = answer.json()?;
        // The documents name a key for an appointment that not every answer has.
        let row = body.get(key).or_else(|| body.get(kind.as_str()));
        let found = row.and_then(|row| engagement(kind, row)).filter(|found| found.id == id);
        found.ok_or_else(|| answer.unreadable(format!("the answer holds no such {kind}")))
    }

    /// The contact of a task, found among the location's tasks by its title: the webhook of a new task does not name its
    /// contact (vendor's issue 332, open in 2026-09).
    ///
    /// # Errors
    /// A [`CallError`].
    pub async fn contact_of_task(
        &self,
        context: &CallContext,
        id: &str,
        title: &str,
    ) -> Result<Option<String>, CallError> {
        let target = format!("/locations/{}/tasks/search", address::encode(&self.location_id));
        let body = json!({ "query": title, "limit": TASKS_FOUND });
        let mut call = change(http::Method::POST, "POST /locations/{id}/tasks/search", target, body);
        call.writes = false;
        let answer = match self.call(context, call).await {
            Ok(answer) => answer,
            Err(error) if error.class == UpstreamClass::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let body = answer.json()?;
        let rows = body.get("tasks").and_then(Json::as_array);
        let rows = rows.ok_or_else(|| answer.unreadable("the answer holds no tasks"))?;
        let named =
            |row: &&Json| json::text(row, "id").or_else(|| json::text(row, "_id")).is_some_and(|found| found == id);
        Ok(rows.iter().find(named).and_then(|row| json::text(row, "contactId")))
    }
}

/// One of them out of a row or a payload. `None`: it has no id that could be one.
pub(crate) fn engagement(kind: EngagementKind, row: &Json) -> Option<Engagement> {
    let id = json::text(row, "id").filter(|id| domain::engagement::is_id(id))?;
    let text = |key: &str| json::text(row, key);
    let told = match kind {
        EngagementKind::Note => {
            Told { title: text("title"), body: text("body"), at: text("dateAdded"), ..Told::default() }
        }
        EngagementKind::Task => Told {
            title: text("title"),
            body: text("body"),
            status: json::truth(row, "completed").map(|done| if done { "done" } else { "open" }.to_owned()),
            at: text("dueDate"),
            ..Told::default()
        },
        EngagementKind::Appointment => Told {
            title: text("title"),
            body: text("notes"),
            status: text("appointmentStatus").or_else(|| text("status")),
            at: text("startTime"),
            until: text("endTime"),
            place: text("address"),
        },
    };
    Some(Engagement { kind, id, contact_id: text("contactId"), told, changed_at: json::instant(row, "dateUpdated") })
}
