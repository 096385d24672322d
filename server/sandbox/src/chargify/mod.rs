//! The rules of Chargify (Maxio Advanced Billing): one site with its customers, custom fields, subscriptions, notes,
//! events and webhooks. Free of I/O and clock, see [`Service`].

pub mod call;
pub mod console;
mod customer_calls;
pub mod customers;
pub mod endpoints;
pub mod events;
mod metadata;
pub mod metafields;
pub mod notes;
mod payload;
pub mod products;
mod regions;
mod routes;
mod seed;
pub mod site;
mod subscription_calls;
pub mod subscriptions;
mod webhook_calls;
pub mod webhooks;
pub mod zone;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use self::{
    call::{Call, errors},
    customers::Customers,
    events::{Events, NewEvent},
    metafields::{CustomFields, Owner},
    notes::Notes,
    site::{Account, Site},
    subscriptions::{SubscriptionState, Subscriptions},
    webhooks::Webhooks,
    zone::Zone,
};
use crate::{
    options::Options,
    request::{Reply, Request},
    seed::Person,
    service::{Service, ShellState, Slots},
    webhook::{Delivery, Outgoing, Settled},
};

/// Requests the service works on at once, over everyone using the site.
const RUNNING: usize = 4;
/// Requests it holds back before it answers 429. The vendor does not publish the number.
const WAITING: usize = 40;

/// One Chargify site.
#[derive(Debug)]
pub struct Chargify {
    pub site: Site,
    pub customers: Customers,
    pub subscriptions: Subscriptions,
    pub notes: Notes,
    pub events: Events,
    pub webhooks: Webhooks,
    customer_fields: CustomFields,
    subscription_fields: CustomFields,
    rng: ChaCha8Rng,
}

impl Chargify {
    /// A site without records.
    pub fn new(options: &Options) -> Self {
        let mut rng = crate::seed::rng(options.seed, 0, 0xc4a2);
        let api_key = secret(&mut rng, 38);
        let shared_key = secret(&mut rng, 32);
        let lag = Duration::try_from(options.event_lag).unwrap_or(Duration::ZERO);
        let mut webhooks = Webhooks::new(options.seed, &shared_key, options.retry_speedup);
        webhooks.set_target(options.chargify_webhooks.clone());
        Self {
            site: Site::new("acme", &api_key, &shared_key, Zone::Pacific),
            customers: Customers::default(),
            subscriptions: Subscriptions::default(),
            notes: Notes::default(),
            events: Events::new(lag),
            webhooks,
            customer_fields: CustomFields::new(Owner::Customer),
            subscription_fields: CustomFields::new(Owner::Subscription),
            rng: ChaCha8Rng::seed_from_u64(options.seed),
        }
    }

    /// A site with the customers of the seed: half as many as contacts, unless the options say otherwise.
    pub fn seeded(options: &Options) -> Self {
        let customers = options.customers.unwrap_or(options.contacts / 2);
        Self::with_people(options, &crate::seed::people(options.seed, options.contacts, customers))
    }

    /// A site with those of the people who are customers.
    pub fn with_people(options: &Options, people: &[Person]) -> Self {
        let mut site = Self::new(options);
        site.plant(options.seed, people);
        site
    }

    /// A random number, from the seed.
    fn draw(&mut self) -> u64 {
        self.rng.random()
    }

    /// Appends to the events feed.
    fn note_event(&mut self, event: NewEvent, now: OffsetDateTime) -> i64 {
        let draw = self.draw();
        self.events.append(event, draw, now)
    }

    /// Drops customers, subscriptions, notes and values. No event tells of it.
    fn forget_customers(&mut self) {
        self.customers.clear();
        self.subscriptions.clear();
        self.notes.clear();
        self.customer_fields.forget_values();
        self.subscription_fields.forget_values();
    }

    fn forget_custom_fields(&mut self) {
        self.customer_fields = CustomFields::new(Owner::Customer);
        self.subscription_fields = CustomFields::new(Owner::Subscription);
    }
}

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
        match name {
            "account" => {
                let Some(account) = body.get("state").and_then(Value::as_str).and_then(Account::from_name) else {
                    return Some(errors(&["state: one of open, canceled, trial_ended, deleted"]));
                };
                self.site.account = account;
            }
            "event-lag" => {
                let lag_ms = body.get("lag_ms").and_then(Value::as_i64).unwrap_or_default();
                self.events.set_lag(Duration::milliseconds(lag_ms));
            }
            "subscription-state" => {
                let id = body.get("id").and_then(Value::as_i64).unwrap_or_default();
                let state = body.get("state").and_then(Value::as_str).and_then(SubscriptionState::from_name);
                let changed = state.is_some_and(|state| self.set_subscription_state(id, state, now));
                return Some(Reply::json(200, &json!({"changed": changed})));
            }
            "test-webhook" => self.send_test_webhook(now),
            "sample-webhook" => self.send_sample_webhook(now),
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

fn secret(rng: &mut ChaCha8Rng, length: usize) -> String {
    (0..length).map(|_| char::from(rng.sample(rand::distr::Alphanumeric))).collect()
}
