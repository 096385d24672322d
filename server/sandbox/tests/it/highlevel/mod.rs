//! GoHighLevel's rules, driven directly: no socket, and the clock is a value.

mod access;
mod contacts;
mod search;
mod webhooks;

use http::Method;
use sandbox::{
    highlevel::HighLevel,
    options::Options,
    request::{Reply, Request},
    seed,
    service::Service,
};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime, macros::datetime};

/// An agency with a clock, and every call made to it.
pub(crate) struct Agency {
    pub(crate) rules: HighLevel,
    pub(crate) now: OffsetDateTime,
    pub(crate) token: String,
    pub(crate) calls: Vec<(Request, Reply)>,
}

impl Agency {
    /// A location without contacts and practically without limits.
    pub(crate) fn empty() -> Self {
        Self::with(&Options {
            contacts: 0,
            rate: (1_000_000, std::time::Duration::from_secs(10)),
            ..Options::default()
        })
    }

    pub(crate) fn with(options: &Options) -> Self {
        let people = seed::people(options.seed, options.contacts, options.customers.unwrap_or(0));
        let rules = HighLevel::new(options, &people);
        let token = rules.main_token().to_owned();
        Self { rules, now: datetime!(2026-11-22 03:00 UTC), token, calls: Vec::new() }
    }

    pub(crate) fn wait(&mut self, seconds: i64) {
        self.now += Duration::seconds(seconds);
    }

    pub(crate) fn location_id(&self) -> String {
        self.rules.main_location_id().to_owned()
    }

    /// Sends exactly this.
    pub(crate) fn send_bare(&mut self, request: Request) -> Reply {
        let reply = self.rules.handle(&request, self.now);
        self.calls.push((request, reply.clone()));
        reply
    }

    /// Sends with token and version.
    pub(crate) fn send(&mut self, request: Request) -> Reply {
        let bearer = format!("Bearer {}", self.token);
        self.send_bare(request.with_header("version", "2021-07-28").with_header("authorization", bearer))
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

    pub(crate) fn delete(&mut self, target: &str, body: Option<&Value>) -> Reply {
        let request = Request::new(Method::DELETE, target);
        self.send(match body {
            Some(body) => request.with_json(body),
            None => request,
        })
    }

    pub(crate) fn control(&mut self, name: &str, body: &Value) -> Value {
        let request = Request::new(Method::PUT, &format!("/_sandbox/{name}")).with_json(body);
        self.rules.control(name, &request, self.now).expect("the switch exists").value()
    }

    /// Creates a contact in the main location and returns its id.
    pub(crate) fn contact(&mut self, mut body: Value) -> String {
        body["locationId"] = json!(self.location_id());
        let reply = self.post("/contacts/", &body);
        assert_eq!(reply.status, 201, "{}", reply.value());
        reply.value()["contact"]["id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn search(&mut self, mut body: Value) -> Value {
        body["locationId"] = json!(self.location_id());
        if body["pageLimit"].is_null() {
            body["pageLimit"] = json!(100);
        }
        let reply = self.post("/contacts/search", &body);
        assert_eq!(reply.status, 200, "{}", reply.value());
        reply.value()
    }
}

pub(crate) fn ids(found: &Value) -> Vec<String> {
    found["contacts"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}
