//! Calendars and appointments.

use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339, macros::format_description};

use super::{
    body::{Kind, Property, check},
    call::Call,
    contact::{millis, set},
    location::Location,
    refusal::{Answer, Refusal},
};

/// A calendar.
#[derive(Debug, Clone)]
pub struct Calendar {
    /// Twenty letters and digits.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// An appointment.
#[derive(Debug, Clone)]
pub struct Appointment {
    /// Twenty letters and digits.
    pub id: String,
    /// The calendar it stands in.
    pub calendar_id: String,
    /// Whom it is with.
    pub contact_id: String,
    /// A headline.
    pub title: String,
    /// `new`, `confirmed`, `cancelled`, `showed`, `noshow` or `invalid`.
    pub status: String,
    /// A user's id.
    pub assigned_user_id: String,
    /// Where it takes place.
    pub address: Option<String>,
    /// What it is about.
    pub notes: Option<String>,
    /// Beginning.
    pub start: OffsetDateTime,
    /// End.
    pub end: OffsetDateTime,
    /// When it was made.
    pub date_added: OffsetDateTime,
    /// When it was last changed.
    pub date_updated: OffsetDateTime,
}

const STATUS: &[&str] = &["new", "confirmed", "cancelled", "showed", "noshow", "invalid"];

const WRITE: &[Property] = &[
    ("title", Kind::Text, false),
    ("meetingLocationType", Kind::Text, false),
    ("meetingLocationId", Kind::Text, false),
    ("overrideLocationConfig", Kind::Flag, false),
    ("appointmentStatus", Kind::Text, false),
    ("assignedUserId", Kind::Text, false),
    ("description", Kind::Text, false),
    ("address", Kind::Text, false),
    ("ignoreDateRange", Kind::Flag, false),
    ("toNotify", Kind::Flag, false),
    ("ignoreFreeSlotValidation", Kind::Flag, false),
    ("rrule", Kind::Text, false),
    ("endTime", Kind::Text, false),
];
const CREATE: &[Property] = &[
    ("calendarId", Kind::Text, true),
    ("locationId", Kind::Text, true),
    ("contactId", Kind::Text, true),
    ("startTime", Kind::Text, true),
];
const UPDATE: &[Property] = &[("calendarId", Kind::Text, false), ("startTime", Kind::Text, false)];

impl Appointment {
    /// As the answer to a write shows it, without dates of its own.
    fn written(&self, location_id: &str) -> Value {
        let mut map = Map::new();
        set(&mut map, "id", Some(self.id.clone()));
        set(&mut map, "calendarId", Some(self.calendar_id.clone()));
        set(&mut map, "locationId", Some(location_id.to_owned()));
        set(&mut map, "contactId", Some(self.contact_id.clone()));
        set(&mut map, "startTime", Some(offset(self.start)));
        set(&mut map, "endTime", Some(offset(self.end)));
        set(&mut map, "title", Some(self.title.clone()));
        set(&mut map, "appointmentStatus", Some(self.status.clone()));
        set(&mut map, "assignedUserId", Some(self.assigned_user_id.clone()));
        set(&mut map, "address", self.address.clone());
        map.insert("isRecurring".to_owned(), Value::from(false));
        Value::Object(map)
    }

    /// As the calendars API shows it, times with an offset.
    fn event(&self, location_id: &str) -> Map<String, Value> {
        let mut map = match self.written(location_id) {
            Value::Object(map) => map,
            _ => Map::new(),
        };
        set(&mut map, "groupId", Some(String::new()));
        set(&mut map, "notes", self.notes.clone());
        set(&mut map, "dateAdded", Some(offset(self.date_added)));
        set(&mut map, "dateUpdated", Some(offset(self.date_updated)));
        map.insert("users".to_owned(), json!([self.assigned_user_id]));
        map.insert("assignedResources".to_owned(), json!([]));
        map
    }

    /// As the contacts API shows it: times without an offset, in the location's zone, and the status twice.
    fn of_contact(&self, location_id: &str) -> Value {
        let mut map = self.event(location_id);
        map.remove("isRecurring");
        set(&mut map, "status", Some(self.status.clone()));
        for (key, at) in [
            ("startTime", self.start),
            ("endTime", self.end),
            ("dateAdded", self.date_added),
            ("dateUpdated", self.date_updated),
        ] {
            set(&mut map, key, Some(bare(at)));
        }
        Value::Object(map)
    }

    fn payload(&self, location_id: &str) -> Map<String, Value> {
        let mut event = self.event(location_id);
        for absent in ["locationId", "isRecurring", "assignedResources", "groupId"] {
            event.remove(absent);
        }
        set(&mut event, "source", Some("api".to_owned()));
        let mut map = Map::new();
        map.insert("appointment".to_owned(), Value::Object(event));
        map
    }

    fn apply(&mut self, map: &Map<String, Value>) -> Result<(), Refusal> {
        let text = |key: &str| map.get(key).and_then(Value::as_str).map(str::to_owned);
        if let Some(status) = text("appointmentStatus") {
            if !STATUS.contains(&status.as_str()) {
                let message = format!("appointmentStatus must be one of {}", STATUS.join(", "));
                return Err(Refusal::unprocessable(vec![message]));
            }
            self.status = status;
        }
        let length = self.end - self.start;
        if let Some(start) = text("startTime") {
            self.start = instant("startTime", &start)?;
            self.end = self.start + length;
        }
        if let Some(end) = text("endTime") {
            self.end = instant("endTime", &end)?;
        }
        for (key, place) in [
            ("title", &mut self.title),
            ("calendarId", &mut self.calendar_id),
            ("assignedUserId", &mut self.assigned_user_id),
        ] {
            if let Some(value) = text(key) {
                *place = value;
            }
        }
        for (key, place) in [("address", &mut self.address), ("description", &mut self.notes)] {
            if let Some(value) = text(key) {
                *place = Some(value);
            }
        }
        Ok(())
    }
}

fn instant(key: &str, text: &str) -> Result<OffsetDateTime, Refusal> {
    OffsetDateTime::parse(text, &Rfc3339).map_err(|_error: time::error::Parse| {
        Refusal::unprocessable(vec![format!("{key} must be a valid ISO 8601 date string")])
    })
}

/// Central Standard Time: the sandbox's locations keep it all year.
const ZONE: UtcOffset = match UtcOffset::from_hms(-6, 0, 0) {
    Ok(zone) => zone,
    Err(_) => UtcOffset::UTC,
};

fn offset(at: OffsetDateTime) -> String {
    let format = format_description!(
        "[year]-[month]-[day]T[hour]:[minute]:[second][offset_hour sign:mandatory]:[offset_minute]"
    );
    at.to_offset(ZONE).format(format).unwrap_or_default()
}

fn bare(at: OffsetDateTime) -> String {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
    at.to_offset(ZONE).format(format).unwrap_or_default()
}

impl Location {
    fn appointment(&self, id: &str) -> Result<&Appointment, Refusal> {
        self.appointments.get(id).ok_or_else(|| Refusal::not_found("Appointment not found"))
    }

    pub(super) fn list_calendars(&self, call: &Call<'_>) -> Answer {
        call.location_param()?;
        let calendars: Vec<Value> = self
            .calendars
            .iter()
            .map(|calendar| json!({ "id": calendar.id, "name": calendar.name, "locationId": &*self.id, "isActive": true }))
            .collect();
        Ok((200, json!({ "calendars": calendars })))
    }

    pub(super) fn contact_appointments(&self, contact_id: &str) -> Answer {
        self.contact(contact_id)?;
        let events: Vec<Value> = self
            .appointments
            .values()
            .filter(|appointment| appointment.contact_id == contact_id)
            .map(|appointment| appointment.of_contact(&self.id))
            .collect();
        Ok((200, json!({ "events": events })))
    }

    /// Makes an appointment from checked properties.
    pub(super) fn add_appointment(
        &mut self,
        map: &Map<String, Value>,
        now: OffsetDateTime,
    ) -> Result<Appointment, Refusal> {
        let contact_id = map.get("contactId").and_then(Value::as_str).unwrap_or_default();
        self.contact(contact_id)?;
        let mut appointment = Appointment {
            id: self.new_id(),
            calendar_id: String::new(),
            contact_id: contact_id.to_owned(),
            title: "Appointment".to_owned(),
            status: "confirmed".to_owned(),
            assigned_user_id: self.user_id.clone(),
            address: None,
            notes: None,
            start: now,
            end: now + Duration::minutes(30),
            date_added: now,
            date_updated: now,
        };
        appointment.apply(map)?;
        if !self.calendars.iter().any(|calendar| calendar.id == appointment.calendar_id) {
            return Err(Refusal::bad_request("The calendar is not found or not active."));
        }
        self.appointments.insert(appointment.id.clone(), appointment.clone());
        self.tell("AppointmentCreate", appointment.payload(&self.id));
        Ok(appointment)
    }

    pub(super) fn create_appointment(&mut self, call: &Call<'_>) -> Answer {
        let properties: Vec<Property> = WRITE.iter().chain(CREATE).copied().collect();
        let map = check(&call.body, &properties)?;
        call.same_location(map.get("locationId"))?;
        let appointment = self.add_appointment(map, call.now)?;
        Ok((200, appointment.written(&self.id)))
    }

    pub(super) fn get_appointment(&self, id: &str) -> Answer {
        Ok((200, json!({ "event": self.appointment(id)?.event(&self.id) })))
    }

    pub(super) fn update_appointment(&mut self, id: &str, call: &Call<'_>) -> Answer {
        let properties: Vec<Property> = WRITE.iter().chain(UPDATE).copied().collect();
        let map = check(&call.body, &properties)?;
        let mut appointment = self.appointment(id)?.clone();
        appointment.apply(map)?;
        appointment.date_updated = call.now;
        self.appointments.insert(id.to_owned(), appointment.clone());
        self.tell("AppointmentUpdate", appointment.payload(&self.id));
        Ok((200, appointment.written(&self.id)))
    }

    pub(super) fn delete_event(&mut self, id: &str) -> Answer {
        let payload = self.appointment(id)?.payload(&self.id);
        self.appointments.remove(id);
        self.tell("AppointmentDelete", payload);
        Ok((201, json!({ "succeeded": true })))
    }

    pub(super) fn list_events(&self, call: &Call<'_>) -> Answer {
        call.location_param()?;
        let param = |name: &str| call.request.param(name);
        if ["userId", "calendarId", "groupId"].iter().all(|name| param(name).is_none()) {
            let message = "either of groupId, calendarId or userId is required".to_owned();
            return Err(Refusal::unprocessable(vec![message]));
        }
        let bound = |name: &str| {
            param(name)
                .and_then(|text| text.parse::<i64>().ok())
                .ok_or_else(|| Refusal::unprocessable(vec![format!("{name} must be a number string")]))
        };
        let (from, to) = (bound("startTime")?, bound("endTime")?);
        let events: Vec<Value> = self
            .appointments
            .values()
            .filter(|appointment| (from..=to).contains(&millis(appointment.start)))
            .filter(|appointment| param("calendarId").is_none_or(|id| id == appointment.calendar_id))
            .filter(|appointment| param("userId").is_none_or(|id| id == appointment.assigned_user_id))
            .map(|appointment| Value::Object(appointment.event(&self.id)))
            .collect();
        Ok((200, json!({ "events": events })))
    }
}
