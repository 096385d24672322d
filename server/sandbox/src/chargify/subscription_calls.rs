//! The subscription operations of the API.

use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::{
    Chargify,
    call::{Call, error, errors, not_found},
    customers::Change,
    events::NewEvent,
    metafields::Owner,
    payload,
    products::Product,
    subscriptions::{Signup, Subscription, SubscriptionState, cancellation_message},
    zone::Window,
};
use crate::request::Reply;

impl Chargify {
    /// `GET /subscriptions.json`.
    pub(super) fn list_subscriptions(&mut self, call: &Call<'_>) -> Reply {
        let page = match call.page(20) {
            Ok(page) => page,
            Err(refusal) => return refusal,
        };
        let mut chosen: Vec<&Subscription> =
            self.subscriptions.iter().filter(|subscription| self.is_wanted(subscription, call)).collect();
        match call.param("sort") {
            Some("period_start") => chosen.sort_by_key(|row| (row.period_started_at, row.id)),
            Some("period_end" | "next_assessment") => chosen.sort_by_key(|row| (row.period_ends_at, row.id)),
            Some("updated_at") => chosen.sort_by_key(|row| (row.updated_at, row.id)),
            _ => chosen.sort_by_key(|row| (row.created_at, row.id)),
        }
        if call.descending(true) {
            chosen.reverse();
        }
        let ids: Vec<i64> = page.of(chosen.into_iter()).map(|subscription| subscription.id).collect();
        let rows = ids.into_iter().filter_map(|id| self.subscription_json(id)).collect();
        Reply::json(200, &Value::Array(rows))
    }

    fn is_wanted(&self, subscription: &Subscription, call: &Call<'_>) -> bool {
        let window = Window::from_query(self.site.zone, |name| call.param(name));
        let in_window = match call.param("date_field").and_then(|field| subscription.instant(field)) {
            Some(instant) => window.is_open() || instant.is_some_and(|at| window.contains(at)),
            None => true,
        };
        let with_metadata = call.request.query.iter().all(|(key, value)| {
            let name = key.strip_prefix("metadata[").and_then(|rest| rest.strip_suffix(']'));
            name.is_none_or(|name| self.subscription_fields.value(subscription.id, name) == Some(value))
        });
        in_window
            && with_metadata
            && call.param("state").is_none_or(|state| subscription.state.name() == state)
            && call.number("product").is_none_or(|product| subscription.product_id == product)
    }

    /// `GET /subscriptions/{id}.json`.
    pub(super) fn read_subscription(&mut self, id: i64) -> Reply {
        self.subscription_json(id).map_or_else(not_found, |mut body| {
            if let Some(row) = body.get_mut("subscription").and_then(Value::as_object_mut) {
                let price = row.get("product_price_in_cents").cloned().unwrap_or_default();
                row.insert("current_billing_amount_in_cents".to_owned(), price);
            }
            Reply::json(200, &body)
        })
    }

    /// `GET /subscriptions/lookup.json?reference=`.
    pub(super) fn look_up_subscription(&mut self, call: &Call<'_>) -> Reply {
        let found = call.param("reference").and_then(|reference| self.subscriptions.by_reference(reference));
        match found.map(|subscription| subscription.id) {
            Some(id) => self.read_subscription(id),
            None => not_found(),
        }
    }

    /// `POST /subscriptions.json`: the least a signup needs.
    pub(super) fn create_subscription(&mut self, call: &Call<'_>) -> Reply {
        let empty = Map::new();
        let wish = call.body.get("subscription").and_then(Value::as_object).unwrap_or(&empty);
        let text = |name: &str| wish.get(name).and_then(Value::as_str);
        let product = Product::find(wish.get("product_id").and_then(Value::as_i64), text("product_handle"));
        let Some(product) = product else {
            return errors(&["A Product must be specified for the subscription to be valid."]);
        };
        let method = text("payment_collection_method").unwrap_or("automatic");
        let paid = ["payment_profile_id", "payment_profile_attributes", "credit_card_attributes"];
        if method == "automatic" && product.price_in_cents > 0 && !paid.iter().any(|key| wish.contains_key(*key)) {
            return errors(&["Payment profile: cannot be blank."]);
        }
        let customer_id = match self.signup_customer(wish, call.now) {
            Ok(id) => id,
            Err(refusal) => return refusal,
        };
        let signup = Signup {
            customer_id,
            product,
            state: SubscriptionState::Active,
            reference: text("reference").map(str::to_owned),
            collection_method: method.to_owned(),
        };
        let id = self.add_subscription(signup, call.now);
        Reply::json(201, &self.subscription_json(id).unwrap_or_default())
    }

    /// The customer of a signup: named by id or reference, or described. A known reference finds the known customer.
    fn signup_customer(&mut self, wish: &Map<String, Value>, now: OffsetDateTime) -> Result<i64, Reply> {
        let nobody = || errors(&["A Customer must be specified for the subscription to be valid."]);
        if let Some(id) = wish.get("customer_id").and_then(Value::as_i64) {
            return self.customers.get(id).map(|customer| customer.id).ok_or_else(nobody);
        }
        if let Some(reference) = wish.get("customer_reference").and_then(Value::as_str) {
            return self.customers.by_reference(reference).map(|customer| customer.id).ok_or_else(nobody);
        }
        let Some(attributes) = wish.get("customer_attributes").and_then(Value::as_object) else { return Err(nobody()) };
        let mut attributes = attributes.clone();
        let metafields = attributes.remove("metafields");
        let change = Change::read(&attributes).map_err(|unknown| errors(&unknown))?;
        let known = change.text("reference").and_then(|reference| self.customers.by_reference(reference));
        let id = match known {
            Some(customer) => customer.id,
            None => self.add_customer(change, now).map_err(|problems| errors(&problems))?,
        };
        let values: Vec<Map<String, Value>> = metafields
            .as_ref()
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| json!({"name": name, "value": value}).as_object().cloned())
            .collect();
        self.set_metadata(Owner::Customer, id, &values, now).map_err(error)?;
        Ok(id)
    }

    /// `DELETE /subscriptions/{id}.json`.
    pub(super) fn cancel_subscription(&mut self, id: i64, call: &Call<'_>) -> Reply {
        let Some(subscription) = self.subscriptions.get_mut(id) else { return not_found() };
        if subscription.state == SubscriptionState::Canceled {
            return error("The subscription is already canceled");
        }
        subscription.cancellation_method = Some("merchant_api");
        subscription.cancellation_message = cancellation_message(&call.body);
        self.set_subscription_state(id, SubscriptionState::Canceled, call.now);
        self.read_subscription(id)
    }

    /// `POST /subscriptions/{id}/purge.json?ack={customer_id}`: test sites only.
    pub(super) fn purge_subscription(&mut self, id: i64, call: &Call<'_>) -> Reply {
        let Some(customer_id) = self.subscriptions.get(id).map(|subscription| subscription.customer_id) else {
            return not_found();
        };
        let body = self.subscription_json(id).unwrap_or_default();
        if !self.site.test {
            return Reply::empty(403);
        }
        if call.number("ack") != Some(customer_id) {
            return Reply::json(400, &body);
        }
        self.purge(id, call.now);
        if call.list("cascade").contains(&"customer") && self.subscriptions.of_customer(customer_id).next().is_none() {
            // Nothing hangs on the customer any more, so this cannot be refused.
            let _gone = self.remove_customer(customer_id, call.now);
        }
        Reply::json(200, &body)
    }

    /// Removes a subscription with all that hangs on it; only the events feed tells. `false`: there is none.
    pub fn purge(&mut self, id: i64, now: OffsetDateTime) -> bool {
        let Some(gone) = self.subscriptions.remove(id) else { return false };
        self.notes.forget(id);
        self.subscription_fields.forget(id);
        let event = NewEvent {
            key: "subscription_deletion",
            message: format!("Subscription {id} deleted"),
            subscription_id: Some(id),
            customer_id: Some(gone.customer_id),
            data: Value::Null,
        };
        self.note_event(event, now);
        true
    }

    /// The wrapped record with its customer.
    pub(super) fn subscription_json(&mut self, id: i64) -> Option<Value> {
        let draw = self.draw();
        let subscription = self.subscriptions.get(id)?;
        let customer = self.customers.get(subscription.customer_id)?.json(self.site.zone, draw);
        Some(json!({"subscription": subscription.json(self.site.zone, customer, &self.site.subdomain)}))
    }

    /// Creates a subscription as any path does.
    pub fn add_subscription(&mut self, signup: Signup, now: OffsetDateTime) -> i64 {
        let state = signup.state;
        let id = self.subscriptions.insert(signup, now);
        self.tell_subscription("signup_success", id, state, now);
        id
    }

    /// Moves a subscription to another state as the service or its users do; `false` when it is unknown or there already.
    pub fn set_subscription_state(&mut self, id: i64, state: SubscriptionState, now: OffsetDateTime) -> bool {
        let Some(subscription) = self.subscriptions.get_mut(id).filter(|row| row.state != state) else { return false };
        let before = subscription.state;
        subscription.enter(state, now);
        self.tell_subscription("subscription_state_change", id, before, now);
        true
    }

    pub(super) fn tell_subscription(
        &mut self,
        key: &'static str,
        id: i64,
        before: SubscriptionState,
        now: OffsetDateTime,
    ) {
        let Some(subscription) = self.subscriptions.get(id).cloned() else { return };
        let Some(customer) = self.customers.get(subscription.customer_id).cloned() else { return };
        let product = subscription.product();
        let (message, data) = if key == "signup_success" {
            (format!("Successful signup for {} to {}", customer.name(), product.name), Value::Null)
        } else {
            let (from, to) = (before.name(), subscription.state.name());
            let message =
                format!("State changed on {}'s subscription to {} from {from} to {to}", customer.name(), product.name);
            (message, json!({"previous_subscription_state": from, "new_subscription_state": to}))
        };
        let event =
            NewEvent { key, message, subscription_id: Some(id), customer_id: Some(subscription.customer_id), data };
        let event_id = self.note_event(event, now);
        let listeners = self.webhooks.listeners(key);
        if listeners.is_empty() {
            return;
        }
        let fields = payload::subscription_event((&subscription, before), &customer, &product, &self.site, event_id);
        for endpoint in listeners {
            self.webhooks.push(endpoint, key, &fields, Some(id), now);
        }
    }
}
