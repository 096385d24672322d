//! The answers that say no, in the vendor's wording.

use serde_json::{Value, json};

/// A refusal: status and body.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) body: Value,
}

/// What an operation answers.
pub(super) type Answer = Result<(u16, Value), Refusal>;

impl Refusal {
    fn new(status: u16, message: impl Into<Value>, error: &str) -> Self {
        let mut body = json!({ "statusCode": status, "message": message.into() });
        if let (false, Some(map)) = (error.is_empty(), body.as_object_mut()) {
            map.insert("error".to_owned(), Value::from(error));
        }
        Self { status, body }
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, message.into(), "Bad Request")
    }

    pub(super) fn unauthorized(message: &str) -> Self {
        let error = if message.starts_with("Invalid token") { "Unauthorized" } else { "" };
        Self::new(401, message, error)
    }

    /// The token belongs to another tenant.
    pub(super) fn wrong_location() -> Self {
        Self::new(403, "The token does not have access to this location.", "")
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, message.into(), "Not Found")
    }

    /// The validator's list of complaints.
    pub(super) fn unprocessable(messages: Vec<String>) -> Self {
        Self::new(422, messages, "Unprocessable Entity")
    }

    pub(super) fn too_many_requests() -> Self {
        Self::new(429, "Too Many Requests", "")
    }

    pub(super) fn duplicate(contact_id: &str, field: &str, name: Option<String>, updating: bool) -> Self {
        let mut body = json!({
            "statusCode": 400,
            "message": "This location does not allow duplicated contacts.",
            "meta": { "contactId": contact_id, "matchingField": field },
        });
        if let (Some(name), Some(meta)) = (name, body.get_mut("meta").and_then(Value::as_object_mut)) {
            meta.insert("contactName".to_owned(), Value::from(name));
        }
        if let (true, Some(map)) = (updating, body.as_object_mut()) {
            map.insert("succeeded".to_owned(), Value::from(false));
        }
        Self { status: 400, body }
    }
}
