//! Tags of contacts, one by one and in bulk. Tags are names; operations on them are set operations.

use serde_json::{Value, json};

use super::{
    body::{self, Kind, Property, check},
    call::Call,
    location::Location,
    refusal::{Answer, Refusal},
};

const TAGS: &[Property] = &[("tags", Kind::Texts, true)];
const BULK: &[Property] = &[
    ("contacts", Kind::Texts, true),
    ("tags", Kind::Texts, true),
    ("locationId", Kind::Text, true),
    ("removeAllTags", Kind::Any, false),
];

fn list<'a>(call: &'a Call<'_>, key: &str) -> &'a [Value] {
    call.body.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

impl Location {
    pub(super) fn add_tags(&mut self, id: &str, call: &Call<'_>) -> Answer {
        let mut tags = self.contact(id)?.tags.clone();
        check(&call.body, TAGS)?;
        body::add_tags(&mut tags, list(call, "tags"));
        let contact = self.set_tags(id, tags, call.now)?;
        Ok((201, json!({ "tags": contact.tags })))
    }

    pub(super) fn remove_tags(&mut self, id: &str, call: &Call<'_>) -> Answer {
        let mut tags = self.contact(id)?.tags.clone();
        check(&call.body, TAGS)?;
        let named: Vec<String> = list(call, "tags").iter().filter_map(Value::as_str).map(body::tag).collect();
        tags.retain(|tag| !named.contains(tag));
        let contact = self.set_tags(id, tags, call.now)?;
        Ok((200, json!({ "tags": contact.tags })))
    }

    /// One answer for many contacts, each with its own success or error.
    pub(super) fn bulk_tags(&mut self, kind: &str, call: &Call<'_>) -> Answer {
        let adding = match kind {
            "add" => true,
            "remove" => false,
            _ => return Err(Refusal::unprocessable(vec!["type must be one of add, remove".to_owned()])),
        };
        check(&call.body, BULK)?;
        call.same_location(call.body.get("locationId"))?;
        let named: Vec<String> = list(call, "tags").iter().filter_map(Value::as_str).map(body::tag).collect();
        let remove_all = matches!(call.body.get("removeAllTags"), Some(Value::Bool(true)))
            || call.body.get("removeAllTags").and_then(Value::as_str) == Some("true");
        let mut responses = Vec::new();
        for id in list(call, "contacts").iter().filter_map(Value::as_str) {
            responses.push(match self.book.get(id).map(|contact| contact.tags.clone()) {
                Some(old) => {
                    let mut tags = if remove_all { Vec::new() } else { old.clone() };
                    if adding {
                        body::add_tags(&mut tags, list(call, "tags"));
                    } else {
                        tags.retain(|tag| !named.contains(tag));
                    }
                    self.set_tags(id, tags.clone(), call.now)?;
                    json!({
                        "contactId": id,
                        "message": "Tags updated",
                        "type": "success",
                        "oldTags": old,
                        "tagsAdded": tags.iter().filter(|tag| !old.contains(tag)).collect::<Vec<_>>(),
                        "tagsRemoved": old.iter().filter(|tag| !tags.contains(tag)).collect::<Vec<_>>(),
                    })
                }
                None => json!({ "contactId": id, "message": self.why_missing(id), "type": "error" }),
            });
        }
        let errors = responses.iter().filter(|response| response["type"] == "error").count();
        Ok((201, json!({ "succeded": true, "errorCount": errors, "responses": responses })))
    }

    fn why_missing(&self, id: &str) -> &'static str {
        if id.len() != 20 || !id.chars().all(|character| character.is_ascii_alphanumeric()) {
            "contact id is not a valid firebase id"
        } else if self.book.is_deleted(id) {
            "contact is deleted"
        } else {
            "contact does not belong to location"
        }
    }
}
