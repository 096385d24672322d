//! Chargify as the shell sees it, and the switches only this side has.

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use super::{
    Chargify,
    call::{Call, errors},
    site::Account,
    subscriptions::SubscriptionState,
};
use crate::{
    request::{Reply, Request},
    service::{Service, ShellState, Slots},
    webhook::{Delivery, Outgoing, Settled},
};

/// Requests the service works on at once, over everyone using the site.
const RUNNING: usize = 4;
/// Requests it holds back before it answers 429. The vendor does not publish the number.
const WAITING: usize = 40;

impl Service for Chargify {
    fn handle(&mut self, request: &Request, now: OffsetDateTime) -> Reply {
        if self.site.key_revoked || !self.site.knows(request) {
            return Reply::text(401, "HTTP Basic: Access denied.\n");
        }
        if let Some(refusal) = self.site.blocked(now) {
            return refusal;
        }
        let call = match Call::read(request, now) {
            Ok(call) => call,
            Err(refusal) => return refusal,
        };
        if let Some(refusal) = self.site.repeated(&call) {
            return refusal;
        }
        self.route(&call)
    }

    fn console(&mut self, request: &Request, state: &ShellState, now: OffsetDateTime) -> Reply {
        self.show_console(request, state, now)
    }

    fn control(&mut self, name: &str, request: &Request, now: OffsetDateTime) -> Option<Reply> {
        let body = request.json().unwrap_or_default();
        let text = |key: &str| body.get(key).and_then(Value::as_str);
        let parts: Vec<&str> = name.split('/').collect();
        match parts.as_slice() {
            ["account"] => {
                let Some(account) = text("state").and_then(Account::from_name) else {
                    return Some(errors(&["state: one of open, canceled, trial_ended, deleted"]));
                };
                self.site.account = account;
                self.site.test = body.get("test").and_then(Value::as_bool).unwrap_or(self.site.test);
            }
            ["event-lag"] => {
                let lag_ms = body.get("lag_ms").and_then(Value::as_i64).unwrap_or_default();
                self.events.set_lag(Duration::milliseconds(lag_ms));
            }
            ["shared-key"] => self.set_shared_key(text("key").unwrap_or_default()),
            ["test-webhook"] => self.send_test_webhook(now),
            ["sample-webhook"] => self.send_sample_webhook(now),
            ["subscriptions", id] => {
                let state = text("state").and_then(SubscriptionState::from_name)?;
                let changed = self.set_subscription_state(id.parse().ok()?, state, now);
                return Some(Reply::json(200, &json!({"changed": changed})));
            }
            // What a user of the service does: nobody's key is needed, and no slot.
            ["customers", ..] => {
                let path = format!("/{name}.json");
                let plain = Request { path, ..request.clone() };
                return Some(match Call::read(&plain, now) {
                    Ok(call) => self.route(&call),
                    Err(refusal) => refusal,
                });
            }
            _ => return None,
        }
        Some(Reply::json(200, &json!({"ok": true})))
    }

    fn due_webhooks(&mut self, now: OffsetDateTime) -> Vec<Outgoing> {
        self.webhooks.due(now)
    }

    fn webhook_result(&mut self, delivery: u64, status: Option<u16>, now: OffsetDateTime) -> Settled {
        self.webhooks.result(delivery, status, now)
    }

    fn next_due(&self) -> Option<OffsetDateTime> {
        self.webhooks.next_due()
    }

    fn set_webhook_target(&mut self, url: Option<String>) {
        self.webhooks.set_target(url);
    }

    fn set_webhook_delivery(&mut self, delivery: Delivery) {
        self.webhooks.delivery = delivery;
    }

    fn set_key_revoked(&mut self, revoked: bool) {
        self.site.key_revoked = revoked;
    }

    fn slots(&self) -> Option<Slots> {
        Some(Slots { running: RUNNING, waiting: WAITING })
    }

    /// Text with a reference code, and no `Retry-After` (vendor's page on error handling, seen 2026-11).
    fn overloaded(&self, now: OffsetDateTime) -> Reply {
        let code = now.unix_timestamp_nanos().unsigned_abs() % 0xffff_ffff;
        Reply::text(
            429,
            format!(
                "Your request was denied due to a usage violation. You can track this request with support by \
                 referencing {code:08x}"
            ),
        )
    }

    fn credentials(&self) -> Value {
        json!({
            "subdomain": self.site.subdomain, "api_key": self.site.api_key, "shared_key": self.site.shared_key,
        })
    }
}
