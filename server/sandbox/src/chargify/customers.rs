//! Customers: the record, its validation with Chargify's texts, and the indexes that keep 100,000 of them quick.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::regions;
use super::zone::{Window, Zone, whole_seconds};

/// Text attributes a caller may set, in the order Chargify documents them.
pub const TEXT_FIELDS: [&str; 17] = [
    "first_name",
    "last_name",
    "email",
    "cc_emails",
    "organization",
    "reference",
    "address",
    "address_2",
    "city",
    "state",
    "zip",
    "country",
    "phone",
    "locale",
    "vat_number",
    "tax_exempt_reason",
    "salesforce_id",
];

/// Attributes whose change raises `customer_update` (Chargify webhook reference of 2016: the list is closed).
const ANNOUNCED: [&str; 13] = [
    "first_name",
    "last_name",
    "organization",
    "email",
    "reference",
    "address",
    "address_2",
    "city",
    "state",
    "zip",
    "country",
    "phone",
    "name",
];

/// Above 2^31, as the service has long been.
const FIRST_ID: i64 = 2_183_648_007;

/// One customer. Absent text is `null`; cleared text is kept as `""`.
#[derive(Clone, Debug)]
pub struct Customer {
    pub id: i64,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
    pub tax_exempt: bool,
    pub verified: Option<bool>,
    pub parent_id: Option<i64>,
    /// Made by an old form: unset text reads as `""` instead of `null`.
    pub old_form: bool,
    text: BTreeMap<&'static str, String>,
    /// What a search looks through: the searchable attributes in lower case, one a line.
    folded: String,
}

impl Customer {
    /// Stored text, `None` for unset. A cleared attribute is `Some("")`.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.text.get(field).map(String::as_str)
    }

    /// Stored text, blank for unset.
    pub fn text_or_blank(&self, field: &str) -> &str {
        self.text(field).unwrap_or_default()
    }

    /// First and last name as event messages print them.
    pub fn name(&self) -> String {
        format!("{} {}", self.text_or_blank("first_name"), self.text_or_blank("last_name"))
    }

    /// The reference, unless unset or blank.
    pub fn reference(&self) -> Option<&str> {
        self.text("reference").filter(|text| !text.trim().is_empty())
    }

    pub fn state_name(&self) -> Option<&'static str> {
        regions::state_name(self.text("country").unwrap_or("US"), self.text("state")?)
    }

    pub fn country_name(&self) -> Option<&'static str> {
        regions::country_name(self.text("country")?)
    }

    /// The record as answers carry it. `draw` picks the attribute no schema knows, which every client must survive.
    pub fn json(&self, zone: Zone, draw: u64) -> Value {
        let mut row = Map::new();
        for field in TEXT_FIELDS {
            row.insert(field.to_owned(), self.text_json(field));
        }
        row.insert("id".to_owned(), json!(self.id));
        row.insert("created_at".to_owned(), json!(zone.iso(self.created_at)));
        row.insert("updated_at".to_owned(), json!(zone.iso(self.updated_at)));
        row.insert("state_name".to_owned(), json!(self.state_name()));
        row.insert("country_name".to_owned(), json!(self.country_name()));
        row.insert("verified".to_owned(), json!(self.verified));
        row.insert("tax_exempt".to_owned(), json!(self.tax_exempt));
        row.insert("parent_id".to_owned(), json!(self.parent_id));
        for field in ["portal_customer_created_at", "portal_invite_last_sent_at", "portal_invite_last_accepted_at"] {
            row.insert(field.to_owned(), Value::Null);
        }
        for field in ["default_subscription_group_uid", "default_auto_renewal_profile_id"] {
            row.insert(field.to_owned(), Value::Null);
        }
        let (name, value) = match draw % 4 {
            0 => ("surcharging", json!(false)),
            1 => ("maxioid", json!(format!("mx-{}", self.id))),
            2 => ("branding_theme_id", Value::Null),
            _ => ("vat_country", json!("")),
        };
        row.insert(name.to_owned(), value);
        Value::Object(row)
    }

    /// Unset and cleared text show as `null` or `""`, differently from record to record, as the service's own examples do.
    fn text_json(&self, field: &str) -> Value {
        match self.text(field) {
            Some("") if !self.old_form && self.id % 2 == 1 => Value::Null,
            Some(text) => json!(text),
            None if self.old_form => json!(""),
            None => Value::Null,
        }
    }

    /// Whether a list search for `needle` (already lower case) finds this record: a substring of one attribute.
    fn matches(&self, needle: &str) -> bool {
        self.folded.contains(needle)
    }

    fn fold(&mut self) {
        let searched = ["email", "organization", "reference", "first_name", "last_name"];
        let mut folded = self.id.to_string();
        for text in searched.into_iter().filter_map(|field| self.text(field)) {
            folded.push('\n');
            folded.push_str(&text.to_lowercase());
        }
        self.folded = folded;
    }
}

/// The attributes one request carries; what it does not name stays as it is.
#[derive(Clone, Debug, Default)]
pub struct Change {
    text: BTreeMap<&'static str, Option<String>>,
    tax_exempt: Option<bool>,
    verified: Option<Option<bool>>,
    parent_id: Option<Option<i64>>,
}

impl Change {
    /// Sets one text attribute. Unknown names are ignored.
    pub fn with(mut self, field: &str, value: &str) -> Self {
        if let Some(known) = TEXT_FIELDS.into_iter().find(|known| *known == field) {
            self.text.insert(known, Some(value.to_owned()));
        }
        self
    }

    /// Reads the `customer` object of a request body.
    ///
    /// # Errors
    /// One `unknown attribute: name` for each name Chargify does not know.
    pub fn read(object: &Map<String, Value>) -> Result<Self, Vec<String>> {
        let mut change = Self::default();
        let mut unknown = Vec::new();
        for (name, value) in object {
            match name.as_str() {
                "tax_exempt" => change.tax_exempt = Some(truthy(value)),
                "verified" => change.verified = Some((!value.is_null()).then(|| truthy(value))),
                "parent_id" => change.parent_id = Some(value.as_i64()),
                _ => match TEXT_FIELDS.into_iter().find(|known| *known == name) {
                    Some(known) => {
                        change.text.insert(known, plain_text(value));
                    }
                    None => unknown.push(format!("unknown attribute: {name}")),
                },
            }
        }
        if unknown.is_empty() { Ok(change) } else { Err(unknown) }
    }

    pub fn text(&self, field: &str) -> Option<&str> {
        self.text.get(field)?.as_deref()
    }
}

/// What an update did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The record already read so; `updated_at` stays.
    Nothing,
    /// Changed, but only attributes nobody is told about.
    Quiet,
    /// Changed in an attribute that raises `customer_update`.
    Announced,
}

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
        let after = |field: &'static str| match change.text.get(field) {
            Some(value) => value.as_deref(),
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
        let mut customer = Customer {
            id,
            created_at: now,
            updated_at: now,
            tax_exempt: change.tax_exempt.unwrap_or_default(),
            verified: change.verified.unwrap_or(if old_form { None } else { Some(false) }),
            parent_id: change.parent_id.flatten(),
            old_form,
            text: change.text.into_iter().filter_map(|(field, value)| Some((field, value?))).collect(),
            folded: String::new(),
        };
        customer.fold();
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
        let mut effect = Effect::Nothing;
        for (field, value) in change.text {
            if customer.text_or_blank(field) == value.as_deref().unwrap_or_default() {
                continue;
            }
            match value {
                Some(value) => customer.text.insert(field, value),
                None => customer.text.remove(field),
            };
            if ANNOUNCED.contains(&field) {
                effect = Effect::Announced;
            } else if effect == Effect::Nothing {
                effect = Effect::Quiet;
            }
        }
        let rest = (customer.tax_exempt, customer.verified, customer.parent_id);
        customer.tax_exempt = change.tax_exempt.unwrap_or(customer.tax_exempt);
        customer.verified = change.verified.unwrap_or(customer.verified);
        customer.parent_id = change.parent_id.unwrap_or(customer.parent_id);
        if effect == Effect::Nothing && rest != (customer.tax_exempt, customer.verified, customer.parent_id) {
            effect = Effect::Quiet;
        }
        if effect != Effect::Nothing {
            customer.fold();
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

fn plain_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn truthy(value: &Value) -> bool {
    match value {
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_i64() == Some(1),
        Value::String(text) => matches!(text.as_str(), "1" | "true"),
        _ => false,
    }
}
