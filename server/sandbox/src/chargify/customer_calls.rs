//! The customer operations of the API.

use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::{
    Chargify,
    call::{Call, errors, not_found},
    customers::{Change, Customer, DateField, Effect},
    events::NewEvent,
    payload,
    zone::Window,
};
use crate::request::Reply;

impl Chargify {
    /// `GET /customers.json`: by creation, whatever the filter looks at.
    pub(super) fn list_customers(&mut self, call: &Call<'_>) -> Reply {
        let page = match call.page(50) {
            Ok(page) => page,
            Err(refusal) => return refusal,
        };
        let window = Window::from_query(self.site.zone, |name| call.param(name));
        // A misspelt date_field is ignored together with its dates (vendor announcement of 2020-12-18).
        let field = match call.param("date_field") {
            Some("created_at") if !window.is_open() => DateField::Created,
            Some("updated_at") if !window.is_open() => DateField::Updated,
            _ => DateField::None,
        };
        let search = call.param("q").filter(|text| !text.is_empty());
        let ids = self.customers.select(field, window, search);
        let chosen: Vec<i64> = if call.descending(false) {
            page.of(ids.iter().rev().copied()).collect()
        } else {
            page.of(ids.iter().copied()).collect()
        };
        let rows = chosen.into_iter().filter_map(|id| self.customer_json(id)).collect();
        Reply::json(200, &Value::Array(rows))
    }

    /// `GET /customers/{id}.json`.
    pub(super) fn read_customer(&mut self, id: i64) -> Reply {
        self.customer_json(id).map_or_else(not_found, |body| Reply::json(200, &body))
    }

    /// `GET /customers/lookup.json?reference=`.
    pub(super) fn look_up_customer(&mut self, call: &Call<'_>) -> Reply {
        let found = call.param("reference").and_then(|reference| self.customers.by_reference(reference));
        match found.map(|customer| customer.id) {
            Some(id) => self.read_customer(id),
            None => not_found(),
        }
    }

    /// `POST /customers.json`.
    pub(super) fn create_customer(&mut self, call: &Call<'_>) -> Reply {
        let change = match read(&call.body) {
            Ok(change) => change,
            Err(refusal) => return refusal,
        };
        match self.add_customer(change, call.now) {
            Ok(id) => Reply::json(201, &self.customer_json(id).unwrap_or_default()),
            Err(problems) => errors(&problems),
        }
    }

    /// `PUT /customers/{id}.json`: an unknown id is noticed before a bad body.
    pub(super) fn update_customer(&mut self, id: i64, call: &Call<'_>) -> Reply {
        if self.customers.get(id).is_none() {
            return not_found();
        }
        let change = match read(&call.body) {
            Ok(change) => change,
            Err(refusal) => return refusal,
        };
        match self.edit_customer(id, change, call.now) {
            Ok(_) => self.read_customer(id),
            Err(problems) => errors(&problems),
        }
    }

    /// `DELETE /customers/{id}.json`; refused while subscriptions exist, with a status the vendor leaves open.
    pub(super) fn delete_customer(&mut self, id: i64, call: &Call<'_>) -> Reply {
        match self.remove_customer(id, call.now) {
            Ok(true) => Reply::empty(204),
            Ok(false) => not_found(),
            Err(problem) => errors(&[problem]),
        }
    }

    /// `GET /customers/{id}/subscriptions.json`.
    pub(super) fn list_customer_subscriptions(&mut self, id: i64) -> Reply {
        if self.customers.get(id).is_none() {
            return not_found();
        }
        let ids: Vec<i64> = self.subscriptions.of_customer(id).map(|subscription| subscription.id).collect();
        let rows = ids.into_iter().filter_map(|id| self.subscription_json(id)).collect();
        Reply::json(200, &Value::Array(rows))
    }

    /// The wrapped record, each time with another attribute that no schema lists.
    pub(super) fn customer_json(&mut self, id: i64) -> Option<Value> {
        let draw = self.draw();
        Some(json!({"customer": self.customers.get(id)?.json(self.site.zone, draw)}))
    }

    /// Creates a customer as any path does: validation, event, webhooks.
    ///
    /// # Errors
    /// The texts of the refusal.
    pub fn add_customer(&mut self, change: Change, now: OffsetDateTime) -> Result<i64, Vec<String>> {
        let problems = self.customers.problems(None, &change);
        if !problems.is_empty() {
            return Err(problems);
        }
        let gap = i64::try_from(self.draw() % 7).unwrap_or_default();
        let id = self.customers.insert(change, false, gap, now);
        self.tell_customer("customer_create", id, now);
        Ok(id)
    }

    /// Changes a customer; `false` when the record already read so. Only some attributes raise an event.
    ///
    /// # Errors
    /// The texts of the refusal.
    pub fn edit_customer(&mut self, id: i64, change: Change, now: OffsetDateTime) -> Result<bool, Vec<String>> {
        let problems = self.customers.problems(Some(id), &change);
        if !problems.is_empty() {
            return Err(problems);
        }
        let effect = self.customers.update(id, change, now);
        if effect == Effect::Announced {
            self.tell_customer("customer_update", id, now);
        }
        Ok(effect != Effect::Nothing)
    }

    /// Deletes a customer without subscriptions; `false` when there is none. Leaves a row in the events feed, and no
    /// webhook.
    ///
    /// # Errors
    /// The text of the refusal.
    pub fn remove_customer(&mut self, id: i64, now: OffsetDateTime) -> Result<bool, &'static str> {
        if self.subscriptions.of_customer(id).next().is_some() {
            return Err("Customer: cannot be deleted while it has subscriptions.");
        }
        let Some(customer) = self.customers.remove(id) else { return Ok(false) };
        self.customer_fields.forget(id);
        let message = format!("Customer {} deleted", customer.name());
        self.note_event(NewEvent::about_customer("customer_delete", message, id), now);
        Ok(true)
    }

    fn tell_customer(&mut self, key: &'static str, id: i64, now: OffsetDateTime) {
        let Some(customer) = self.customers.get(id).cloned() else { return };
        let message = customer_message(key, &customer);
        let event_id = self.note_event(NewEvent::about_customer(key, message, id), now);
        let listeners = self.webhooks.listeners(key);
        if listeners.is_empty() {
            return;
        }
        let fields = payload::customer_event(&customer, &self.site, event_id);
        for endpoint in listeners {
            self.webhooks.push(endpoint, key, &fields, None, now);
        }
    }
}

/// The text of a `customer_create` or `customer_update` event.
pub(super) fn customer_message(key: &str, customer: &Customer) -> String {
    let name = customer.name();
    if key == "customer_create" {
        format!("Customer {name} created")
    } else {
        format!("Customer information changed for {name}")
    }
}

/// Reads the root object. Missing or empty, it is refused with a map instead of a list.
fn read(body: &Value) -> Result<Change, Reply> {
    let empty = Map::new();
    let object = body.get("customer").and_then(Value::as_object).unwrap_or(&empty);
    if object.is_empty() {
        return Err(Reply::json(422, &json!({"errors": {"customer": "can't be blank"}})));
    }
    Change::read(object).map_err(|unknown| errors(&unknown))
}
