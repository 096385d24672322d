//! Tags: names that are put on and taken off a contact one by one. Never as a field: that would replace the whole set
//! (HighLevel API docs, update contact, seen 2026-08).

use super::{HighLevel, change};
use crate::clients::{CallContext, CallError, address, json};
use domain::{RemoteId, Side, record::FieldKey, value::Value};
use serde_json::json;
use std::collections::BTreeMap;

/// In an update: tags to put on.
pub const TAGS_ON: &str = "tags:on";
/// In an update: tags to take off.
pub const TAGS_OFF: &str = "tags:off";

type Values = BTreeMap<FieldKey, Value>;

impl HighLevel {
    /// Adds tags to a contact and keeps its others. Adding a tag it has changes nothing.
    ///
    /// # Errors
    /// A [`CallError`].
    pub async fn add_tags(
        &self,
        context: &CallContext,
        id: &RemoteId,
        tags: &[String],
    ) -> Result<Vec<String>, CallError> {
        self.change_tags(context, http::Method::POST, "POST /contacts/{id}/tags", (id, tags)).await
    }

    /// Removes tags from a contact. Removing a tag it does not have changes nothing.
    ///
    /// # Errors
    /// A [`CallError`].
    pub async fn remove_tags(
        &self,
        context: &CallContext,
        id: &RemoteId,
        tags: &[String],
    ) -> Result<Vec<String>, CallError> {
        self.change_tags(context, http::Method::DELETE, "DELETE /contacts/{id}/tags", (id, tags)).await
    }

    /// The contact's tags afterwards, when any were to be changed.
    pub(super) async fn set_tags(
        &self,
        context: &CallContext,
        id: &RemoteId,
        tags: &Values,
    ) -> Result<Option<Vec<String>>, CallError> {
        let named = |key: &str| match tags.get(key) {
            Some(Value::List(tags)) => tags.clone(),
            Some(Value::Text(tag)) => vec![tag.clone()],
            _ => Vec::new(),
        };
        let (on, off) = (named(TAGS_ON), named(TAGS_OFF));
        let mut now = None;
        if !on.is_empty() {
            now = Some(self.add_tags(context, id, &on).await?);
        }
        if !off.is_empty() {
            now = Some(self.remove_tags(context, id, &off).await?);
        }
        Ok(now)
    }

    async fn change_tags(
        &self,
        context: &CallContext,
        method: http::Method,
        endpoint: &'static str,
        (id, tags): (&RemoteId, &[String]),
    ) -> Result<Vec<String>, CallError> {
        // Tags are stored in lower case; sent so, they are what comes back.
        let tags: Vec<String> =
            tags.iter().map(|tag| tag.trim().to_lowercase()).filter(|tag| !tag.is_empty()).collect();
        if tags.is_empty() {
            return Err(CallError::never_sent(Side::Highlevel, "no tag was given"));
        }
        let target = format!("/contacts/{}/tags", address::encode(id.as_str()));
        let answer = self.call(context, change(method, endpoint, target, json!({ "tags": tags }))).await?;
        let body = answer.json()?;
        let now = body.get("tags").and_then(|tags| json::value(tags).ok());
        match now.ok_or_else(|| answer.unreadable("the answer holds no tags"))? {
            Value::List(tags) => Ok(tags),
            Value::Text(tag) => Ok(vec![tag]),
            Value::Empty => Ok(Vec::new()),
        }
    }
}

/// What is to be done with tags, then all other fields.
pub(super) fn split(fields: &Values) -> (Values, Values) {
    fields.clone().into_iter().partition(|(key, _)| matches!(key.as_str(), TAGS_ON | TAGS_OFF))
}
