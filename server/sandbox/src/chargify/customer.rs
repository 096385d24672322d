//! One customer: the record, how it reads, and the attributes a request changes.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::{regions, zone::Zone};

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
const ANNOUNCED: [&str; 12] = [
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
];

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
    /// A new record; an old form leaves other blanks behind than a new one.
    pub(super) fn new(id: i64, change: Change, old_form: bool, now: OffsetDateTime) -> Self {
        let mut customer = Self {
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
        customer
    }

    /// Takes over what the change names; the caller sets `updated_at`.
    pub(super) fn apply(&mut self, change: Change) -> Effect {
        let mut effect = Effect::Nothing;
        for (field, value) in change.text {
            if self.text_or_blank(field) == value.as_deref().unwrap_or_default() {
                continue;
            }
            match value {
                Some(value) => self.text.insert(field, value),
                None => self.text.remove(field),
            };
            if ANNOUNCED.contains(&field) {
                effect = Effect::Announced;
            } else if effect == Effect::Nothing {
                effect = Effect::Quiet;
            }
        }
        let rest = (self.tax_exempt, self.verified, self.parent_id);
        self.tax_exempt = change.tax_exempt.unwrap_or(self.tax_exempt);
        self.verified = change.verified.unwrap_or(self.verified);
        self.parent_id = change.parent_id.unwrap_or(self.parent_id);
        if effect == Effect::Nothing && rest != (self.tax_exempt, self.verified, self.parent_id) {
            effect = Effect::Quiet;
        }
        self.fold();
        effect
    }

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
    pub(super) fn matches(&self, needle: &str) -> bool {
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

    /// The text a request sets, `None` when it sets none or `null`.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.wished(field)?
    }

    /// What a request says about an attribute; the outer `None` is silence.
    pub(super) fn wished(&self, field: &str) -> Option<Option<&str>> {
        self.text.get(field).map(Option::as_deref)
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
