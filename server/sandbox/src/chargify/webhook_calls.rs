//! The webhook operations of the API: the switch, the delivery log and replay.

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use super::{
    Chargify,
    call::{Call, errors},
    payload,
    webhooks::Webhook,
    zone::parse_date,
};
use crate::request::Reply;

/// Webhooks one replay request may name.
const MAX_REPLAY: usize = 1000;

impl Chargify {
    /// `PUT /webhooks/settings.json`.
    pub(super) fn set_webhooks_enabled(&mut self, call: &Call<'_>) -> Reply {
        if let Some(enabled) = call.body.get("webhooks_enabled").and_then(Value::as_bool) {
            self.webhooks.enabled = enabled;
        }
        Reply::json(200, &json!({"webhooks_enabled": self.webhooks.enabled}))
    }

    /// `GET /webhooks.json`: the delivery log.
    pub(super) fn list_webhooks(&self, call: &Call<'_>) -> Reply {
        let page = match call.page(20) {
            Ok(page) => page,
            Err(refusal) => return refusal,
        };
        let zone = self.site.zone;
        let day = |name: &str| call.param(name).and_then(parse_date).map(|date| zone.resolve(date.midnight()));
        let (since, until) = (day("since_date"), day("until_date").map(|at| at + Duration::days(1)));
        let subscription = call.number("subscription");
        let chosen = self.webhooks.log().filter(|row| {
            call.param("status").is_none_or(|status| row.state.name() == status)
                && since.is_none_or(|since| row.created_at >= since)
                && until.is_none_or(|until| row.created_at < until)
                && subscription.is_none_or(|id| row.subscription_id == Some(id))
        });
        let rows: Vec<Value> = if call.param("order") == Some("oldest_first") {
            page.of(chosen).map(|row| self.webhook_json(row)).collect()
        } else {
            page.of(chosen.rev()).map(|row| self.webhook_json(row)).collect()
        };
        Reply::json(200, &Value::Array(rows))
    }

    /// `POST /webhooks/replay.json`: takes any ids, known or not.
    pub(super) fn replay_webhooks(&mut self, call: &Call<'_>) -> Reply {
        let ids: Vec<i64> = call
            .body
            .get("ids")
            .and_then(Value::as_array)
            .map(|ids| ids.iter().filter_map(Value::as_i64).collect())
            .unwrap_or_default();
        if ids.len() > MAX_REPLAY {
            return errors(&[format!("Ids: at most {MAX_REPLAY} webhooks can be replayed at once.")]);
        }
        self.webhooks.replay(&ids, call.now);
        Reply::json(200, &json!({"status": "ok"}))
    }

    /// Sends the plain test event to every endpoint, as the button of the service does.
    pub fn send_test_webhook(&mut self, now: OffsetDateTime) {
        self.send_by_hand("test", &payload::test_event(), now);
    }

    /// Sends `customer_update` with sample data under the id 0, as the webhook testing page of the service does.
    pub fn send_sample_webhook(&mut self, now: OffsetDateTime) {
        self.send_by_hand("customer_update", &payload::sample_customer_event(&self.site), now);
    }

    fn send_by_hand(&mut self, event: &str, fields: &str, now: OffsetDateTime) {
        let endpoints: Vec<i64> = self.webhooks.endpoints.iter().map(|endpoint| endpoint.id).collect();
        for endpoint in endpoints {
            self.webhooks.push_test(endpoint, event, fields, now);
        }
    }

    fn webhook_json(&self, row: &Webhook) -> Value {
        let zone = self.site.zone;
        let (hmac, md5) = self.webhooks.signatures(&row.body);
        let mut shown = json!({
            "event": row.event, "id": row.id, "created_at": zone.iso(row.created_at),
            "accepted_at": row.accepted_at.map(|at| zone.iso(at)), "successful": row.accepted_at.is_some(),
            "body": row.body, "signature": md5, "signature_hmac_sha_256": hmac,
        });
        if let Some(object) = shown.as_object_mut() {
            if let Some((at, text)) = &row.last_error {
                object.insert("last_error".to_owned(), json!(text));
                object.insert("last_error_at".to_owned(), json!(zone.iso(*at)));
            }
            if let Some((at, url)) = &row.last_sent {
                object.insert("last_sent_at".to_owned(), json!(zone.iso(*at)));
                object.insert("last_sent_url".to_owned(), json!(url));
            }
        }
        json!({"webhook": shown})
    }
}
