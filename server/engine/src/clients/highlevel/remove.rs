//! Deletes a contact (HighLevel API docs, delete contact, seen 2026-08). It can be restored there for about sixty days.

use super::{HighLevel, change};
use crate::clients::{CallContext, CallError, address};
use domain::RemoteId;
use serde_json::json;

impl HighLevel {
    /// Deletes a contact; safe to repeat.
    ///
    /// # Errors
    /// [`crate::UpstreamClass::NotFound`] when it is gone already; other [`CallError`]s.
    pub(crate) async fn remove(&self, context: &CallContext, id: &RemoteId) -> Result<(), CallError> {
        let target = format!("/contacts/{}", address::encode(id.as_str()));
        self.call(context, change(http::Method::DELETE, "DELETE /contacts/{id}", target, json!({}))).await.map(drop)
    }
}
