//! The rules of Chargify (Maxio Advanced Billing): one site with its customers, custom fields, subscriptions, notes,
//! events and webhooks. Free of I/O and clock, see [`crate::service::Service`].

pub mod call;
pub mod console;
pub mod customer;
mod customer_calls;
pub mod customers;
pub mod endpoints;
pub mod events;
mod metadata;
pub mod metafields;
pub mod notes;
mod payload;
mod payments;
pub mod products;
mod regions;
mod routes;
mod seed;
pub mod signature;
pub mod site;
mod subscription_calls;
pub mod subscriptions;
mod switches;
mod webhook_calls;
pub mod webhooks;
pub mod zone;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use time::{Duration, OffsetDateTime};

use self::{
    customers::Customers,
    events::{Events, NewEvent},
    metafields::{CustomFields, Owner},
    notes::Notes,
    site::Site,
    subscriptions::Subscriptions,
    webhooks::Webhooks,
    zone::Zone,
};
use crate::{options::Options, seed::Person};

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

    /// Changes the key webhooks are signed with from now on, as the merchant does in the service's settings.
    pub fn set_shared_key(&mut self, key: &str) {
        key.clone_into(&mut self.site.shared_key);
        self.webhooks.set_shared_key(key);
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

fn secret(rng: &mut ChaCha8Rng, length: usize) -> String {
    (0..length).map(|_| char::from(rng.sample(rand::distr::Alphanumeric))).collect()
}
