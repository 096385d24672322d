//! Chargify's rules, driven directly: no socket, and the clock is a value.

mod customers;
mod events;
mod fields;
mod served;
mod subscriptions;
mod webhooks;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::Method;
use sandbox::{
    chargify::Chargify,
    options::Options,
    request::{Reply, Request},
    service::Service,
};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime, macros::datetime};

/// A site with a clock, and every call made to it.
pub(crate) struct Site {
    pub(crate) rules: Chargify,
    pub(crate) now: OffsetDateTime,
    pub(crate) calls: Vec<(Request, Reply)>,
}

impl Site {
    /// A site without records.
    pub(crate) fn empty() -> Self {
        Self::with(&Options { contacts: 0, ..Options::default() })
    }

    pub(crate) fn with(options: &Options) -> Self {
        Self { rules: Chargify::seeded(options), now: datetime!(2026-11-22 03:00 UTC), calls: Vec::new() }
    }

    pub(crate) fn wait(&mut self, seconds: i64) {
        self.now += Duration::seconds(seconds);
    }

    pub(crate) fn send(&mut self, request: Request) -> Reply {
        let key = STANDARD.encode(format!("{}:x", self.rules.site.api_key));
        let request = request.with_header("authorization", format!("Basic {key}"));
        let reply = self.rules.handle(&request, self.now);
        self.calls.push((request, reply.clone()));
        reply
    }

    pub(crate) fn get(&mut self, target: &str) -> Reply {
        self.send(Request::new(Method::GET, target))
    }

    pub(crate) fn post(&mut self, target: &str, body: &Value) -> Reply {
        self.send(Request::new(Method::POST, target).with_json(body))
    }

    pub(crate) fn put(&mut self, target: &str, body: &Value) -> Reply {
        self.send(Request::new(Method::PUT, target).with_json(body))
    }

    pub(crate) fn delete(&mut self, target: &str) -> Reply {
        self.send(Request::new(Method::DELETE, target))
    }

    /// Answers everything that is due with 500.
    pub(crate) fn fail_webhooks(&mut self) -> usize {
        let due = self.rules.due_webhooks(self.now);
        for outgoing in &due {
            self.rules.webhook_result(outgoing.delivery, Some(500), self.now);
        }
        due.len()
    }

    /// A customer with the least a customer needs.
    pub(crate) fn customer(&mut self, first_name: &str, reference: Option<&str>) -> i64 {
        let mailbox: String = first_name.chars().filter(char::is_ascii_alphanumeric).collect();
        let mut customer = json!({
            "first_name": first_name, "last_name": "Example", "email": format!("{mailbox}@shop.example"),
        });
        if let Some(reference) = reference {
            customer["reference"] = json!(reference);
        }
        let reply = self.post("/customers.json", &json!({"customer": customer}));
        assert_eq!(reply.status, 201, "{}", reply.value());
        reply.value()["customer"]["id"].as_i64().expect("an id")
    }

    /// A subscription of the customer.
    pub(crate) fn subscription(&mut self, customer_id: i64) -> i64 {
        let wish = json!({"subscription": {
            "product_handle": "pro", "customer_id": customer_id, "payment_collection_method": "remittance",
        }});
        let reply = self.post("/subscriptions.json", &wish);
        assert_eq!(reply.status, 201, "{}", reply.value());
        reply.value()["subscription"]["id"].as_i64().expect("an id")
    }
}

/// The texts of a refusal with a list of errors.
pub(crate) fn texts(reply: &Reply) -> Vec<String> {
    assert_eq!(reply.status, 422, "{}", reply.value());
    serde_json::from_value(reply.value()["errors"].clone()).expect("a list of texts")
}

/// One attribute of every row of a list.
pub(crate) fn column(reply: &Reply, wrapper: &str, field: &str) -> Vec<Value> {
    reply.value().as_array().expect("a list").iter().map(|row| row[wrapper][field].clone()).collect()
}
