//! Deletes a customer (Maxio Advanced Billing API reference, delete customer, seen 2026-08).

use super::{Chargify, change};
use crate::{
    UpstreamClass,
    clients::{CallContext, CallError, address},
};
use domain::RemoteId;
use serde_json::json;

/// Statuses that say that the customer cannot be deleted: it has subscriptions. Which of them is sent is not documented.
const NOT_DELETABLE: [u16; 4] = [400, 403, 409, 422];

impl Chargify {
    /// Deletes a customer; safe to repeat.
    ///
    /// # Errors
    /// [`UpstreamClass::NotFound`] when it is gone already; [`UpstreamClass::Rejected`] when it has subscriptions; other
    /// [`CallError`]s.
    pub(crate) async fn remove(&self, context: &CallContext, id: &RemoteId) -> Result<(), CallError> {
        let target = format!("/customers/{}.json", address::encode(id.as_str()));
        let call = change(http::Method::DELETE, "DELETE /customers/{id}.json", target, json!({}));
        let Err(mut error) = self.call(context, call).await else { return Ok(()) };
        let says_no = error.status.is_some_and(|status| NOT_DELETABLE.contains(&status));
        if says_no && error.class != UpstreamClass::AccountBlocked {
            error.class = UpstreamClass::Rejected;
        }
        Err(error)
    }
}
