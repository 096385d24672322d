//! Customers: the record, its validation with Chargify's texts, and the indexes that keep 100,000 of them quick.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use time::OffsetDateTime;

pub use super::customer::{Change, Customer, Effect};
use super::zone::{Window, whole_seconds};

/// Above 2^31, as the service has long been.
const FIRST_ID: i64 = 2_183_648_007;

/// All customers of the site with their indexes.
#[derive(Debug)]
pub struct Customers {
    rows: BTreeMap<i64, Customer>,
    /// Ids in creation order, so that a page is a slice.
    order: Vec<i64>,
    by_reference: HashMap<String, i64>,
    by_updated: BTreeSet<(OffsetDateTime, i64)>,
    next_id: i64,
}

impl Default for Customers {
    fn default() -> Self {
        Self {
            rows: BTreeMap::new(),
            order: Vec::new(),
            by_reference: HashMap::new(),
            by_updated: BTreeSet::new(),
            next_id: FIRST_ID,
        }
    }
}

impl Customers {
    pub fn get(&self, id: i64) -> Option<&Customer> {
        self.rows.get(&id)
    }

    pub fn count(&self) -> usize {
        self.order.len()
    }

    /// Every customer, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Customer> {
        self.rows.values()
    }

    /// Exact reference without regard to case; a raw percent-decoded value as the caller sent it.
    pub fn by_reference(&self, reference: &str) -> Option<&Customer> {
        self.rows.get(self.by_reference.get(&reference.to_lowercase())?)
    }

    /// Checks a create or update the way the service words its refusals; `id` is the record being updated.
    pub fn problems(&self, id: Option<i64>, change: &Change) -> Vec<String> {
        let current = id.and_then(|id| self.get(id));
        let after = |field: &'static str| match change.wished(field) {
            Some(value) => value,
            None => current.and_then(|customer| customer.text(field)),
        };
        let mut problems = Vec::new();
        for (field, label) in [("first_name", "First name"), ("last_name", "Last name"), ("email", "Email address")] {
            if after(field).is_none_or(|text| text.trim().is_empty()) {
                problems.push(format!("{label}: cannot be blank."));
            }
        }
        if after("email").is_some_and(|email| !email.trim().is_empty() && !is_email(email)) {
            problems.push("Email address: must be a valid email format.".to_owned());
        }
        let reference = after("reference").filter(|text| !text.trim().is_empty());
        let holder = reference.and_then(|reference| self.by_reference(reference));
        if holder.is_some_and(|holder| Some(holder.id) != id) {
            problems.push("Reference: must be unique - that value has been taken.".to_owned());
        }
        problems
    }

    /// Stores a new record; `gap` (0 or more) is how many ids other sites have used up meanwhile. The caller has
    /// checked [`Self::problems`].
    pub fn insert(&mut self, change: Change, old_form: bool, gap: i64, now: OffsetDateTime) -> i64 {
        let now = whole_seconds(now);
        let id = self.next_id;
        self.next_id += 1 + gap;
        let customer = Customer::new(id, change, old_form, now);
        if let Some(reference) = customer.reference() {
            self.by_reference.insert(reference.to_lowercase(), id);
        }
        self.by_updated.insert((now, id));
        self.order.push(id);
        self.rows.insert(id, customer);
        id
    }

    /// Applies a partial update; the caller has checked [`Self::problems`].
    pub fn update(&mut self, id: i64, change: Change, now: OffsetDateTime) -> Effect {
        let now = whole_seconds(now);
        let Some(customer) = self.rows.get_mut(&id) else { return Effect::Nothing };
        let reference_before = customer.reference().map(str::to_lowercase);
        let effect = customer.apply(change);
        if effect != Effect::Nothing {
            self.by_updated.remove(&(customer.updated_at, id));
            customer.updated_at = now;
            self.by_updated.insert((now, id));
        }
        let reference_after = customer.reference().map(str::to_lowercase);
        if reference_before != reference_after {
            if let Some(before) = reference_before {
                self.by_reference.remove(&before);
            }
            if let Some(after) = reference_after {
                self.by_reference.insert(after, id);
            }
        }
        effect
    }

    /// Forgets everything but the numbering.
    pub fn clear(&mut self) {
        *self = Self { next_id: self.next_id, ..Self::default() };
    }

    pub fn remove(&mut self, id: i64) -> Option<Customer> {
        let customer = self.rows.remove(&id)?;
        if let Ok(place) = self.order.binary_search(&id) {
            self.order.remove(place);
        }
        if let Some(reference) = customer.reference() {
            self.by_reference.remove(&reference.to_lowercase());
        }
        self.by_updated.remove(&(customer.updated_at, id));
        Some(customer)
    }

    /// Ids in creation order that a list request selects, before paging.
    pub fn select(&self, field: DateField, window: Window, search: Option<&str>) -> Vec<i64> {
        let mut ids: Vec<i64> = match field {
            DateField::None => self.order.clone(),
            DateField::Created => self
                .order
                .iter()
                .copied()
                .filter(|id| self.get(*id).is_some_and(|c| window.contains(c.created_at)))
                .collect(),
            DateField::Updated => {
                let from =
                    window.from.map_or(std::ops::Bound::Unbounded, |from| std::ops::Bound::Included((from, i64::MIN)));
                let mut ids: Vec<i64> = self
                    .by_updated
                    .range((from, std::ops::Bound::Unbounded))
                    .take_while(|(at, _)| window.until.is_none_or(|until| *at <= until))
                    .map(|(_, id)| *id)
                    .collect();
                ids.sort_unstable();
                ids
            }
        };
        if let Some(search) = search {
            let needle = search.to_lowercase();
            ids.retain(|id| self.get(*id).is_some_and(|customer| customer.matches(&needle)));
        }
        ids
    }
}

/// Which instant a date filter looks at. A name Chargify does not know is ignored together with the dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateField {
    None,
    Created,
    Updated,
}

/// One `@`, a dot in the domain, no blanks.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    !local.is_empty()
        && !text.chars().any(char::is_whitespace)
        && !domain.contains('@')
        && domain.split('.').count() > 1
        && domain.split('.').all(|label| !label.is_empty())
}
