//! Webhook endpoints: who is told what, and the health that pauses and disables an endpoint that keeps failing.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};

use super::{
    Chargify,
    call::{Call, errors, not_found},
};
use crate::request::Reply;

/// Keys an endpoint can subscribe to (OpenAPI of 2025-12, with the four keys of 2026-09). Deletions and custom field
/// changes are missing: those reach the events feed only.
pub const KEYS: [&str; 39] = [
    "billing_date_change",
    "chjs_tokenization_failure",
    "chjs_tokenization_success",
    "component_allocation_change",
    "customer_create",
    "customer_update",
    "direct_debit_payment_paid_out",
    "direct_debit_payment_pending",
    "direct_debit_payment_rejected",
    "dunning_step_reached",
    "expiration_date_change",
    "expiring_card",
    "invoice_issued",
    "invoice_pending",
    "metered_usage",
    "payment_failure",
    "payment_success",
    "pending_cancellation_change",
    "prepaid_subscription_balance_changed",
    "prepaid_usage",
    "refund_failure",
    "refund_success",
    "renewal_failure",
    "renewal_success",
    "signup_failure",
    "signup_success",
    "statement_closed",
    "statement_settled",
    "subscription_card_update",
    "subscription_group_card_update",
    "subscription_prepayment_account_balance_changed",
    "subscription_product_change",
    "subscription_product_change_scheduled",
    "subscription_service_credit_account_balance_changed",
    "subscription_state_change",
    "trial_end_notice",
    "upcoming_renewal_notice",
    "upgrade_downgrade_failure",
    "upgrade_downgrade_success",
];

/// Failures in a row from which an endpoint is paused.
pub const PAUSED_FROM: u32 = 26;
/// Failures in a row from which an endpoint is disabled.
pub const DISABLED_FROM: u32 = 51;
const TRIAL_EVERY: Duration = Duration::hours(2);
const DISABLED_AFTER: Duration = Duration::hours(48);

/// What becomes of an endpoint's webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Made and sent.
    Enabled,
    /// Made, but only one sent every two hours.
    Paused,
    /// Not even made.
    Disabled,
}

impl Status {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
        }
    }
}

/// Failures since the last webhook the endpoint accepted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Health {
    failures: u32,
    failing_since: Option<OffsetDateTime>,
    trial_at: Option<OffsetDateTime>,
    given_up: bool,
}

impl Health {
    pub fn status(&self) -> Status {
        if self.given_up || self.failures >= DISABLED_FROM {
            Status::Disabled
        } else if self.failures >= PAUSED_FROM {
            Status::Paused
        } else {
            Status::Enabled
        }
    }

    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// When a paused endpoint is tried next.
    pub fn trial_at(&self) -> Option<OffsetDateTime> {
        (self.status() == Status::Paused).then_some(self.trial_at).flatten()
    }

    /// One failed attempt; `speedup` divides the vendor's waiting times.
    pub fn failed(&mut self, now: OffsetDateTime, speedup: u32) {
        self.failures = self.failures.saturating_add(1);
        let since = *self.failing_since.get_or_insert(now);
        self.given_up |= now - since >= DISABLED_AFTER / speedup.max(1);
        if self.status() == Status::Paused && self.trial_at.is_none_or(|at| at <= now) {
            self.trial_at = Some(now + TRIAL_EVERY / speedup.max(1));
        }
    }
}

/// One endpoint.
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub id: i64,
    pub url: String,
    pub keys: Vec<String>,
    pub health: Health,
}

/// All endpoints of the site; there is no way to delete one.
#[derive(Debug, Default)]
pub struct Endpoints {
    rows: BTreeMap<i64, Endpoint>,
}

impl Endpoints {
    pub fn get(&self, id: i64) -> Option<&Endpoint> {
        self.rows.get(&id)
    }

    pub fn get_mut(&mut self, id: i64) -> Option<&mut Endpoint> {
        self.rows.get_mut(&id)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Endpoint> {
        self.rows.values()
    }

    pub fn add(&mut self, url: String, keys: Vec<String>) -> i64 {
        let id = self.rows.keys().next_back().map_or(11, |id| id + 1);
        self.rows.insert(id, Endpoint { id, url, keys, health: Health::default() });
        id
    }

    pub fn remove(&mut self, id: i64) {
        self.rows.remove(&id);
    }

    /// Endpoints for which a webhook of this key is to be made.
    pub fn subscribed(&self, key: &str) -> Vec<i64> {
        let wanted = |endpoint: &&Endpoint| endpoint.keys.iter().any(|known| known == key);
        let alive = |endpoint: &&Endpoint| endpoint.health.status() != Status::Disabled;
        self.rows.values().filter(wanted).filter(alive).map(|endpoint| endpoint.id).collect()
    }
}

impl Chargify {
    /// `GET /endpoints.json`; the rows are not wrapped.
    pub(super) fn list_endpoints(&self) -> Reply {
        let rows = self.webhooks.endpoints.iter().map(|endpoint| self.endpoint_json(endpoint)).collect();
        Reply::json(200, &Value::Array(rows))
    }

    /// `POST /endpoints.json`.
    pub(super) fn create_endpoint(&mut self, call: &Call<'_>) -> Reply {
        let (url, keys) = match read(&call.body) {
            Ok(wish) => wish,
            Err(refusal) => return refusal,
        };
        let id = self.webhooks.endpoints.add(url, keys);
        self.show_endpoint(id)
    }

    /// `PUT /endpoints/{id}.json`: replaces the list of keys whole; another URL heals the endpoint.
    pub(super) fn update_endpoint(&mut self, id: i64, call: &Call<'_>) -> Reply {
        if self.webhooks.endpoints.get(id).is_none() {
            return not_found();
        }
        let (url, keys) = match read(&call.body) {
            Ok(wish) => wish,
            Err(refusal) => return refusal,
        };
        if let Some(endpoint) = self.webhooks.endpoints.get_mut(id) {
            if endpoint.url != url {
                endpoint.health = Health::default();
            }
            endpoint.url = url;
            endpoint.keys = keys;
        }
        self.show_endpoint(id)
    }

    fn show_endpoint(&self, id: i64) -> Reply {
        match self.webhooks.endpoints.get(id) {
            Some(endpoint) => Reply::json(200, &json!({"endpoint": self.endpoint_json(endpoint)})),
            None => not_found(),
        }
    }

    fn endpoint_json(&self, endpoint: &Endpoint) -> Value {
        json!({
            "id": endpoint.id, "url": endpoint.url, "site_id": self.site.id,
            "status": endpoint.health.status().name(), "webhook_subscriptions": endpoint.keys,
        })
    }
}

fn read(body: &Value) -> Result<(String, Vec<String>), Reply> {
    let empty = Map::new();
    let wish = body.get("endpoint").and_then(Value::as_object).unwrap_or(&empty);
    let url = wish.get("url").and_then(Value::as_str).unwrap_or_default();
    if url.trim().is_empty() {
        return Err(errors(&["URL: cannot be blank."]));
    }
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return Err(errors(&["URL: invalid, only http and https supported"]));
    }
    let keys: Vec<String> = wish
        .get("webhook_subscriptions")
        .and_then(Value::as_array)
        .map(|keys| keys.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        .unwrap_or_default();
    let unknown: Vec<String> = keys
        .iter()
        .filter(|key| !KEYS.contains(&key.as_str()))
        .map(|key| format!("Event key is not valid - {key}"))
        .collect();
    if unknown.is_empty() { Ok((url.to_owned(), keys)) } else { Err(errors(&unknown)) }
}
