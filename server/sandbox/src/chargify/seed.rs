//! The customers a site starts with: those of the shared seed who are customers, as years of use have left them.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};

use super::{
    Chargify,
    customer_calls::customer_message,
    customers::Change,
    events::NewEvent,
    metafields::Owner,
    products::PRODUCTS,
    subscriptions::{Signup, SubscriptionState},
};
use crate::seed::{self, Agreement, EPOCH, Person, Reference};

const NOTES: [&str; 5] = [
    "Asked for an invoice with the VAT number on it.",
    "Prefers to be called in the afternoon.",
    "Ärger mit der Karte – zweiter Versuch hat geklappt.",
    "Gets 10 % until the end of the year, agreed with Sales.",
    "お客様はメールでの連絡を希望。",
];

impl Chargify {
    /// Fills the site. History is in the events feed; webhooks do not tell of it.
    pub(super) fn plant(&mut self, seed: u64, people: &[Person]) {
        let mut people: Vec<&Person> = people.iter().filter(|person| person.customer.is_some()).collect();
        people.sort_by_key(|person| person.added_at);
        self.plant_fields();
        let mut history = Vec::new();
        for person in people {
            let mut rng = seed::rng(seed, person.index, 3);
            self.plant_person(person, &mut rng, &mut history);
        }
        history.sort_by_key(|(at, _)| *at);
        for (at, event) in history {
            self.note_event(event, at);
        }
    }

    fn plant_fields(&mut self) {
        let wishes = [
            json!({"name": "account_manager"}),
            json!({"name": "tier", "input_type": "dropdown", "enum": ["Bronze", "Silver", "Gold"]}),
        ];
        for wish in wishes.iter().filter_map(Value::as_object) {
            // Two names into an empty list: neither can be taken.
            let _id = self.customer_fields.define(wish);
        }
    }

    fn plant_person(&mut self, person: &Person, rng: &mut ChaCha8Rng, history: &mut Vec<(OffsetDateTime, NewEvent)>) {
        let at = person.added_at.replace_nanosecond(0).unwrap_or(person.added_at);
        let id = self.customers.insert(equal(person), rng.random_bool(0.3), rng.random_range(0..40), at);
        self.record("customer_create", id, at, history);
        let later = (at + Duration::hours(rng.random_range(1..2_000))).min(EPOCH);
        if let Some(change) = differing(person, rng) {
            self.customers.update(id, change, later);
            self.record("customer_update", id, later, history);
        }
        if rng.random_bool(0.2) {
            let tier = *seed::pick(rng, &["Bronze", "Silver", "Gold"]);
            self.plant_value(id, "tier", tier, at);
        }
        if rng.random_bool(0.1) {
            self.plant_value(id, "account_manager", "Márta Kovács", at);
        }
        for _ in 0..*seed::pick(rng, &[0, 0, 1, 1, 1, 2]) {
            self.plant_subscription(id, rng, later, history);
        }
    }

    fn plant_value(&mut self, id: i64, name: &str, value: &str, at: OffsetDateTime) {
        let wish: Map<String, Value> =
            [("name", name), ("value", value)].into_iter().map(|(key, text)| (key.to_owned(), json!(text))).collect();
        let zone = self.site.zone;
        // The fields were defined above and their values fit.
        let _row = self.custom_fields_mut(Owner::Customer).write(id, &wish, at, zone);
    }

    fn plant_subscription(
        &mut self,
        customer_id: i64,
        rng: &mut ChaCha8Rng,
        at: OffsetDateTime,
        history: &mut Vec<(OffsetDateTime, NewEvent)>,
    ) {
        let state =
            if rng.random_bool(0.6) { SubscriptionState::Active } else { *seed::pick(rng, &SubscriptionState::ALL) };
        let signup = Signup {
            customer_id,
            product: *seed::pick(rng, &PRODUCTS),
            state,
            reference: None,
            collection_method: (*seed::pick(rng, &["automatic", "remittance"])).to_owned(),
        };
        let message = format!("Successful signup to {}", signup.product.name);
        let id = self.subscriptions.insert(signup, at);
        let event = NewEvent {
            key: "signup_success",
            message,
            subscription_id: Some(id),
            customer_id: Some(customer_id),
            data: Value::Null,
        };
        history.push((at, event));
        for _ in 0..*seed::pick(rng, &[0, 0, 0, 1, 3]) {
            let sticky = rng.random_bool(0.2);
            let body = *seed::pick(rng, &NOTES);
            self.notes.add(id, body, sticky, at);
        }
    }

    fn record(&self, key: &'static str, id: i64, at: OffsetDateTime, history: &mut Vec<(OffsetDateTime, NewEvent)>) {
        if let Some(customer) = self.customers.get(id) {
            history.push((at, NewEvent::about_customer(key, customer_message(key, customer), id)));
        }
    }
}

/// The customer as the contact is now.
fn equal(person: &Person) -> Change {
    let reference = match person.customer.as_ref().map(|customer| &customer.reference) {
        Some(Reference::ContactId) => Some(&person.contact_id),
        Some(Reference::Merchant(reference)) => Some(reference),
        _ => None,
    };
    let values = [
        ("first_name", &person.first_name),
        ("last_name", &person.last_name),
        ("email", &person.email),
        ("phone", &person.phone),
        ("organization", &person.company),
        ("address", &person.address),
        ("city", &person.city),
        ("state", &person.state),
        ("zip", &person.postal_code),
        ("country", &person.country),
    ];
    let mut change = Change::default();
    for (field, value) in values.into_iter().filter_map(|(field, value)| Some((field, value.as_ref()?))) {
        change = change.with(field, value);
    }
    match reference {
        Some(reference) => change.with("reference", reference),
        None => change,
    }
}

/// What the two sides disagree on.
fn differing(person: &Person, rng: &mut ChaCha8Rng) -> Option<Change> {
    let change = Change::default();
    Some(match person.customer.as_ref()?.agreement {
        Agreement::Equal => return None,
        Agreement::Phone if rng.random_bool(0.3) => {
            change.with("phone", &format!("555-{:03}-{:04}", rng.random_range(100..999), rng.random_range(0..9999)))
        }
        Agreement::Phone => change.with("phone", person.phone_typed.as_deref()?),
        Agreement::Address => change
            .with("address", &format!("{} Old Mill Lane", rng.random_range(1..300)))
            .with("address_2", "c/o Front Desk"),
        Agreement::Company => {
            let company = person.company.as_deref().unwrap_or("Acme");
            change.with("organization", &format!("{} Ltd.", company.trim_end_matches(" GmbH")))
        }
        Agreement::FirstName => {
            let first = person.first_name.as_deref()?;
            change.with("first_name", &format!("{first} "))
        }
        Agreement::EmailCase => change.with("email", &person.email.as_deref()?.to_uppercase()),
    })
}
