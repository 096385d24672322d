//! Making a custom field (HighLevel API docs, locations, create custom field, seen 2026-08).

use super::{CustomField, HighLevel, change, location};
use crate::clients::{CallContext, CallError, address};
use serde_json::json;

impl HighLevel {
    /// Makes a custom field of contacts; `data_type` in the service's own word.
    ///
    /// # Errors
    /// A [`CallError`]; one of that name refuses it. After an ambiguous one it may be there: read the fields again.
    pub async fn create_custom_field(
        &self,
        context: &CallContext,
        name: &str,
        data_type: &str,
    ) -> Result<CustomField, CallError> {
        let target = format!("/locations/{}/customFields", address::encode(&self.location_id));
        let body = json!({ "name": name, "dataType": data_type, "model": "contact" });
        let call = change(http::Method::POST, "POST /locations/{id}/customFields", target, body);
        let answer = self.call(context, call).await?;
        location::made_field(&answer.json()?).ok_or_else(|| answer.unreadable("the answer holds no custom field"))
    }
}
