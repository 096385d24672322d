//! The site's webhooks: endpoints, the log of deliveries, replay (Maxio Advanced Billing API reference, webhooks, seen
//! 2026-08). There is no way to delete an endpoint and none to ask whether the site sends webhooks at all.

use super::{Chargify, change, read};
use crate::clients::{CallContext, CallError, address, json};
use domain::{limits, view::EndpointState};
use serde_json::{Value as Json, json};
use time::{Date, OffsetDateTime};

/// Where the site sends webhooks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub id: String,
    pub url: String,
    pub state: EndpointState,
    /// Events it is told of.
    pub events: Vec<String>,
}

/// Webhooks of the log by how they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogStatus {
    /// Not sent yet, or being tried again.
    Pending,
    /// Given up.
    Failed,
    /// Made while the endpoint was paused.
    Paused,
}

impl LogStatus {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Failed => "failed",
            Self::Paused => "paused",
        }
    }
}

/// A webhook as the site's log has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    pub id: i64,
    pub event: String,
    pub created_at: Option<OffsetDateTime>,
    pub last_sent_at: Option<OffsetDateTime>,
    /// `None`: it was never sent, so whose it is is not told.
    pub last_sent_url: Option<String>,
    pub body: String,
    /// HMAC-SHA-256 of the body with the site's shared key, in hex.
    pub signature: Option<String>,
}

/// One page of the log, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPage {
    pub rows: Vec<Logged>,
    pub more: bool,
}

impl Chargify {
    /// All endpoints of the site, other people's among them.
    ///
    /// # Errors
    /// A [`CallError`].
    pub async fn endpoints(&self, context: &CallContext) -> Result<Vec<Endpoint>, CallError> {
        let answer = self.call(context, read("GET /endpoints.json", "/endpoints.json".to_owned())).await?;
        let body = answer.json()?;
        let rows = body.as_array().ok_or_else(|| answer.unreadable("the answer is no list of endpoints"))?;
        Ok(rows.iter().filter_map(endpoint).collect())
    }

    /// # Errors
    /// A [`CallError`]. After [`crate::UpstreamClass::Ambiguous`] it may be there: list again before another try.
    pub async fn create_endpoint(
        &self,
        context: &CallContext,
        url: &str,
        events: &[String],
    ) -> Result<Endpoint, CallError> {
        let body = endpoint_body(url, events);
        let call = change(http::Method::POST, "POST /endpoints.json", "/endpoints.json".to_owned(), body);
        let answer = self.call(context, call).await?;
        endpoint(&answer.json()?).ok_or_else(|| answer.unreadable("the answer holds no endpoint"))
    }

    /// Replaces address and events. Another address heals an endpoint that is paused or disabled.
    ///
    /// # Errors
    /// A [`CallError`].
    pub async fn update_endpoint(
        &self,
        context: &CallContext,
        id: &str,
        url: &str,
        events: &[String],
    ) -> Result<Endpoint, CallError> {
        let target = format!("/endpoints/{}.json", address::encode(id));
        let call = change(http::Method::PUT, "PUT /endpoints/{id}.json", target, endpoint_body(url, events));
        let answer = self.call(context, call).await?;
        endpoint(&answer.json()?).ok_or_else(|| answer.unreadable("the answer holds no endpoint"))
    }

    /// Switches webhooks on for the whole site, all endpoints included.
    ///
    /// # Errors
    /// A [`CallError`].
    pub async fn enable_webhooks(&self, context: &CallContext) -> Result<(), CallError> {
        let target = "/webhooks/settings.json".to_owned();
        let body = json!({ "webhooks_enabled": true });
        self.call(context, change(http::Method::PUT, "PUT /webhooks/settings.json", target, body)).await?;
        Ok(())
    }

    /// A page, from 1, of the log's webhooks of that status made on that day or later, oldest first.
    ///
    /// # Errors
    /// A [`CallError`].
    pub async fn webhook_log(
        &self,
        context: &CallContext,
        status: LogStatus,
        since: Date,
        page: u32,
    ) -> Result<LogPage, CallError> {
        let query = [
            ("status", status.as_str().to_owned()),
            ("since_date", since.to_string()),
            ("order", "oldest_first".to_owned()),
            ("page", page.max(1).to_string()),
            ("per_page", limits::CHARGIFY_PAGE.to_string()),
        ];
        self.log_page(context, &query).await
    }

    /// The webhook made last, whatever became of it; `None` when the log is empty.
    ///
    /// # Errors
    /// A [`CallError`].
    pub async fn newest_webhook(&self, context: &CallContext) -> Result<Option<Logged>, CallError> {
        let query = [("order", "newest_first".to_owned()), ("page", "1".to_owned()), ("per_page", "1".to_owned())];
        Ok(self.log_page(context, &query).await?.rows.into_iter().next())
    }

    /// Has webhooks sent again, at most [`limits::CHARGIFY_REPLAY`] of them. Unknown ids are passed over in silence.
    ///
    /// # Errors
    /// A [`CallError`].
    pub async fn replay(&self, context: &CallContext, ids: &[i64]) -> Result<(), CallError> {
        let target = "/webhooks/replay.json".to_owned();
        let body = json!({ "ids": ids });
        self.call(context, change(http::Method::POST, "POST /webhooks/replay.json", target, body)).await?;
        Ok(())
    }

    async fn log_page(&self, context: &CallContext, query: &[(&str, String)]) -> Result<LogPage, CallError> {
        let target = address::with_query("/webhooks.json", query);
        let answer = self.call(context, read("GET /webhooks.json", target)).await?;
        let body = answer.json()?;
        let rows = body.as_array().ok_or_else(|| answer.unreadable("the answer is no list of webhooks"))?;
        Ok(LogPage {
            rows: rows.iter().filter_map(|row| logged(row.get("webhook")?)).collect(),
            more: rows.len() >= limits::CHARGIFY_PAGE as usize,
        })
    }
}

fn endpoint_body(url: &str, events: &[String]) -> Json {
    json!({ "endpoint": { "url": url, "webhook_subscriptions": events } })
}

/// Rows of the list stand bare; what was made or changed comes wrapped.
fn endpoint(row: &Json) -> Option<Endpoint> {
    let row = row.get("endpoint").unwrap_or(row);
    let events = row.get("webhook_subscriptions").and_then(Json::as_array);
    Some(Endpoint {
        id: json::text(row, "id")?,
        url: json::text(row, "url").unwrap_or_default(),
        state: json::text(row, "status").map_or(EndpointState::Unknown, |name| EndpointState::named(&name)),
        events: events.into_iter().flatten().filter_map(Json::as_str).map(str::to_owned).collect(),
    })
}

fn logged(row: &Json) -> Option<Logged> {
    Some(Logged {
        id: json::integer(row, "id")?,
        event: json::text(row, "event").unwrap_or_default(),
        created_at: json::instant(row, "created_at"),
        last_sent_at: json::instant(row, "last_sent_at"),
        last_sent_url: json::text(row, "last_sent_url"),
        body: json::text(row, "body").unwrap_or_default(),
        signature: json::text(row, "signature_hmac_sha_256"),
    })
}
