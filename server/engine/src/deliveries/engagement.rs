//! What a webhook says of a note, a task or an appointment (HighLevel docs, webhook events, seen 2026-08).

use super::highlevel::members;
use crate::{
    clients::highlevel::{Engagement, engagement},
    store::deliveries::DeliveryRow,
};
use domain::{
    Side,
    engagement::{EngagementKind, is_id},
};
use serde_json::{Map, Value as Json};

/// One of them, as a webhook tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HeardEngagement {
    pub(crate) found: Engagement,
    pub(crate) is_deletion: bool,
    /// It tells all there is, and when it was so.
    pub(crate) is_whole: bool,
}

/// The kind an event is about. `None`: another event.
pub(super) fn kind_of(event: &str) -> Option<EngagementKind> {
    let (kind, events): (_, &[&str]) = if event.starts_with("Note") {
        (EngagementKind::Note, &["NoteCreate", "NoteUpdate", "NoteDelete"])
    } else if event.starts_with("Task") {
        (EngagementKind::Task, &["TaskCreate", "TaskUpdate", "TaskComplete", "TaskDelete"])
    } else {
        (EngagementKind::Appointment, &["AppointmentCreate", "AppointmentUpdate", "AppointmentDelete"])
    };
    events.contains(&event).then_some(kind)
}

/// What deliveries about it are found by: an id of its own kind, so that they are not taken for those of a contact.
pub(crate) fn engagement_subject(kind: EngagementKind, id: &str) -> String {
    format!("{kind}:{id}")
}

/// The subject of a delivery about one of them.
pub(super) fn subject(kind: EngagementKind, members: &Map<String, Json>) -> Option<String> {
    let id = match kind {
        EngagementKind::Appointment => members.get("appointment").and_then(|inner| inner.get("id")),
        EngagementKind::Note | EngagementKind::Task => members.get("id"),
    };
    id.and_then(Json::as_str).map(str::trim).filter(|id| is_id(id)).map(|id| engagement_subject(kind, id))
}

/// The one that a subject names, if the event is about one of them.
pub(super) fn of_subject(side: Side, event: &str, subject: &str) -> Option<(EngagementKind, String)> {
    let kind = kind_of(event).filter(|_| side == Side::Highlevel)?;
    let id = subject.strip_prefix(kind.as_str())?.strip_prefix(':')?;
    Some((kind, id.to_owned()))
}

/// Everything a recorded webhook says of it. `None`: it tells of none.
pub(crate) fn heard_engagement(row: &DeliveryRow) -> Option<HeardEngagement> {
    let kind = kind_of(&row.event)?;
    let members = members(&row.body)?;
    let whole = Json::Object(members);
    let inner = if kind == EngagementKind::Appointment { whole.get("appointment")? } else { &whole };
    let mut found = engagement(kind, inner)?;
    if row.event == "TaskComplete" {
        found.told.status = Some("done".to_owned());
    }
    let is_whole = kind == EngagementKind::Appointment && found.changed_at.is_some() && found.told.at.is_some();
    Some(HeardEngagement { found, is_deletion: row.event.ends_with("Delete"), is_whole })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(event: &str, body: &str) -> Option<HeardEngagement> {
        let row = DeliveryRow {
            delivery_id: uuid::Uuid::nil(),
            side: "highlevel".to_owned(),
            event: event.to_owned(),
            body: body.as_bytes().to_vec(),
        };
        heard_engagement(&row)
    }

    #[test]
    fn every_event_tells_its_kind_and_no_other_event_one() {
        let check = |event: &str, kind| assert_eq!(kind_of(event), kind, "{event}");
        check("NoteUpdate", Some(EngagementKind::Note));
        check("TaskComplete", Some(EngagementKind::Task));
        check("AppointmentDelete", Some(EngagementKind::Appointment));
        check("NoteShared", None);
        check("ContactUpdate", None);
        check("", None);
    }

    #[test]
    fn a_note_is_told_in_part_and_an_appointment_whole() {
        let note = heard("NoteUpdate", r#"{"id":"n1","body":"x","contactId":"c1","dateAdded":"2026-08-30T09:00:00Z"}"#);
        let note = note.unwrap();
        assert_eq!((note.is_whole, note.found.contact_id.as_deref()), (false, Some("c1")));
        let appointment = heard(
            "AppointmentUpdate",
            r#"{"appointment":{"id":"a1","contactId":"c1","title":"Demo","appointmentStatus":"confirmed",
                "startTime":"2026-09-01T10:00:00-06:00","dateUpdated":"2026-08-30T09:00:00Z","notes":"slides"}}"#,
        )
        .unwrap();
        assert!(appointment.is_whole && !appointment.is_deletion);
        assert_eq!(appointment.found.told.body.as_deref(), Some("slides"));
    }

    #[test]
    fn a_completed_task_is_done_and_a_new_one_names_no_contact() {
        let done = heard("TaskComplete", r#"{"id":"t1","title":"Call","contactId":"c1"}"#).unwrap();
        assert_eq!(done.found.told.status.as_deref(), Some("done"));
        let new = heard("TaskCreate", r#"{"id":"t1","title":"Call"}"#).unwrap();
        assert_eq!((new.found.contact_id, new.found.told.status), (None, None));
    }

    #[test]
    fn what_names_no_id_tells_of_none() {
        assert_eq!(heard("NoteCreate", r#"{"body":"x"}"#), None);
        assert_eq!(heard("NoteCreate", r#"{"id":"a b]","body":"x"}"#), None);
        assert_eq!(heard("AppointmentCreate", r#"{"id":"a1"}"#), None);
        assert_eq!(heard("NoteDelete", "no json"), None);
    }
}
