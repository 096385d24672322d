//! GoHighLevel as the shell sees it, and the switches only this side has.

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use super::{
    HighLevel,
    auth::{Class, Token},
    console,
};
use crate::{
    request::{Reply, Request},
    service::{Service, ShellState, Slots},
    webhook::{Delivery, Outgoing, Settled},
};

impl Service for HighLevel {
    fn handle(&mut self, request: &Request, now: OffsetDateTime) -> Reply {
        self.respond(request, now)
    }

    fn console(&mut self, request: &Request, state: &ShellState, now: OffsetDateTime) -> Reply {
        console::answer(self, request, state, now)
    }

    fn control(&mut self, name: &str, request: &Request, now: OffsetDateTime) -> Option<Reply> {
        let body = request.json().unwrap_or(Value::Null);
        let text = |key: &str| body.get(key).and_then(Value::as_str).map(str::to_owned);
        let done = Reply::json(200, &json!({ "ok": true }));
        let parts: Vec<&str> = name.split('/').collect();
        match parts.as_slice() {
            ["location"] => self.switch_location(&body).then_some(done),
            ["locations"] => {
                let (id, token) = self.add_location(&text("name").unwrap_or_else(|| "Another".to_owned()));
                Some(Reply::json(201, &json!({ "location_id": id, "token": token })))
            }
            ["tokens"] => Some(self.make_token(&body, now)),
            ["oauth-code"] => {
                let class = self.class(&body);
                let code = self.authorization_code(class, now);
                Some(Reply::json(
                    201,
                    &json!({
                        "code": code,
                        "client_id": super::oauth::CLIENT_ID,
                        "client_secret": super::oauth::CLIENT_SECRET,
                    }),
                ))
            }
            ["uninstall"] => {
                let class = self.class(&body);
                let gone = self.uninstall(&class, now);
                Some(Reply::json(if gone { 200 } else { 404 }, &json!({ "ok": gone })))
            }
            ["expire-tokens"] => {
                self.tokens.expire();
                Some(done)
            }
            ["limits"] => {
                self.switch_limits(&body);
                Some(done)
            }
            ["webhook-retries"] => {
                self.sender.retry_only_429(body.get("only_429") == Some(&Value::Bool(true)));
                Some(done)
            }
            ["contacts"] => Some(by_hand(201, self.add_contact(&body, now).map(|contact| contact.full()))),
            ["contacts", id] if request.method == http::Method::PUT => {
                Some(by_hand(200, self.edit_contact(id, &body, now).map(|contact| contact.full())))
            }
            ["contacts", id] if request.method == http::Method::DELETE => {
                Some(by_hand(200, self.delete_contact(id, now).map(|()| json!({ "ok": true }))))
            }
            ["contacts", id, "restore"] => {
                let status = if self.restore_contact(id, now) { 200 } else { 404 };
                Some(Reply::json(status, &json!({ "ok": status == 200 })))
            }
            ["contacts", id, "merge"] => {
                let merged = text("into").is_some_and(|into| self.merge_contact(id, &into, now));
                Some(Reply::json(if merged { 200 } else { 404 }, &json!({ "ok": merged })))
            }
            _ => None,
        }
    }

    fn due_webhooks(&mut self, now: OffsetDateTime) -> Vec<Outgoing> {
        self.sender.outbox.due(now)
    }

    fn webhook_result(&mut self, delivery: u64, status: Option<u16>, now: OffsetDateTime) -> Settled {
        self.sender.outbox.result(delivery, status, now)
    }

    fn next_due(&self) -> Option<OffsetDateTime> {
        self.sender.outbox.next_due()
    }

    fn set_webhook_target(&mut self, url: Option<String>) {
        self.sender.outbox.target = url;
    }

    fn set_webhook_delivery(&mut self, delivery: Delivery) {
        self.sender.outbox.delivery = delivery;
    }

    fn set_key_revoked(&mut self, revoked: bool) {
        self.tokens.revoked = revoked;
    }

    fn slots(&self) -> Option<Slots> {
        None
    }

    fn overloaded(&self, _now: OffsetDateTime) -> Reply {
        self.fresh.mark(Reply::json(429, &json!({ "statusCode": 429, "message": "Too Many Requests" })))
    }

    fn credentials(&self) -> Value {
        json!({
            "location_id": self.main_location_id(),
            "token": self.main_token(),
            "webhook_public_key": self.sender.public_key(),
            "client_id": super::oauth::CLIENT_ID,
            "client_secret": super::oauth::CLIENT_SECRET,
        })
    }
}

fn by_hand(status: u16, done: Result<Value, (u16, Value)>) -> Reply {
    let (status, body) = done.map_or_else(|refusal| refusal, |body| (status, body));
    Reply::json(status, &body)
}

impl HighLevel {
    /// `{allow_duplicates?, missing_is_400?, index_lag_ms?, country?}` for the main location.
    fn switch_location(&mut self, body: &Value) -> bool {
        let flag = |key: &str| body.get(key).and_then(Value::as_bool);
        let Some(location) = self.main_mut() else { return false };
        if let Some(allow) = flag("allow_duplicates") {
            location.allow_duplicates = allow;
        }
        if let Some(bad_request) = flag("missing_is_400") {
            location.missing_is_400 = bad_request;
        }
        if let Some(lag) = body.get("index_lag_ms").and_then(Value::as_i64) {
            location.book.lag = Duration::milliseconds(lag);
        }
        if let Some(country) = body.get("country").and_then(Value::as_str) {
            country.clone_into(&mut location.country);
        }
        true
    }

    /// `{max?, window_ms?, daily?}`; starts counting afresh.
    fn switch_limits(&mut self, body: &Value) {
        let number = |key: &str| body.get(key).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok());
        if let Some(max) = number("max") {
            self.fresh.max = max;
        }
        if let Some(daily) = number("daily") {
            self.fresh.daily = daily;
        }
        if let Some(window) = number("window_ms") {
            self.fresh.window = Duration::milliseconds(i64::from(window));
        }
        self.limits.clear();
    }

    /// `{location_id}` or `{company: true}`: which class a new token or code is for.
    fn class(&self, body: &Value) -> Class {
        if body.get("company") == Some(&Value::Bool(true)) {
            return Class::Company(self.company_id.clone());
        }
        let named = body.get("location_id").and_then(Value::as_str);
        Class::Location(named.unwrap_or(self.main_location_id()).to_owned())
    }

    /// `{location_id? | company?, scopes?}`: a token with exactly these scopes, as a careless person might make one.
    fn make_token(&mut self, body: &Value, now: OffsetDateTime) -> Reply {
        let class = self.class(body);
        let secret = match &class {
            Class::Location(id) => self.private_token(&id.clone()),
            Class::Company(_) => format!("pit-company-{}", self.authorization_code(class.clone(), now)),
        };
        let mut token = Token { class, ..Token::private("") };
        if let Some(scopes) = body.get("scopes").and_then(Value::as_array) {
            token.scopes = scopes.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        }
        self.tokens.give(secret.clone(), token);
        Reply::json(201, &json!({ "token": secret, "company_id": self.company_id }))
    }
}
