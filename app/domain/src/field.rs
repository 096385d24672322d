//! The fields of both sides: what they are called, what they hold, whether they can be written.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::limits;
use crate::record::FieldKey;
use crate::side::Side;
use crate::subscription;
use crate::value::FieldKind;

mod custom;

pub use custom::Misfit;

/// One field of one side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Where the field is.
    pub side: Side,
    /// Its key in records and mappings.
    pub key: FieldKey,
    /// Its name as people read it.
    pub label: String,
    /// What it holds.
    pub kind: FieldKind,
    /// Whether Concord may write it.
    pub writable: bool,
    /// Whether the service refuses a record without it.
    pub required: bool,
    /// Longest text in characters, where there is a bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_chars: Option<usize>,
    /// Whether `null` empties it; otherwise `""` does.
    pub nullable: bool,
    /// The service's own word for its type, of fields that an account made itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_type: Option<String>,
    /// The only values it takes, as the service spells them. None: it takes any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
}

/// All fields known of both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalogue {
    highlevel: BTreeMap<FieldKey, Field>,
    chargify: BTreeMap<FieldKey, Field>,
}

impl Default for Catalogue {
    fn default() -> Self {
        Self::standard()
    }
}

impl Catalogue {
    /// The fields every account has.
    #[must_use]
    pub fn standard() -> Self {
        let mut all = Self { highlevel: BTreeMap::new(), chargify: BTreeMap::new() };
        for row in HIGHLEVEL {
            all.add(row.field(Side::Highlevel));
        }
        for row in CHARGIFY {
            all.add(row.field(Side::Chargify));
        }
        for fact in subscription::FACTS {
            all.add(Row::new(fact.key, fact.label, fact.kind).read_only().field(Side::Chargify));
        }
        all
    }

    /// This catalogue with further fields, such as an account's custom ones.
    #[must_use]
    pub fn with(mut self, fields: impl IntoIterator<Item = Field>) -> Self {
        for field in fields {
            self.add(field);
        }
        self
    }

    /// Adds a field, in place of any of the same key.
    pub fn add(&mut self, field: Field) {
        let fields = match field.side {
            Side::Highlevel => &mut self.highlevel,
            Side::Chargify => &mut self.chargify,
        };
        fields.insert(field.key.clone(), field);
    }

    /// The field, if the side has it.
    #[must_use]
    pub fn get(&self, side: Side, key: &FieldKey) -> Option<&Field> {
        self.fields(side).get(key)
    }

    /// What the field holds; opaque text when it is not known.
    #[must_use]
    pub fn kind(&self, side: Side, key: &FieldKey) -> FieldKind {
        self.get(side, key).map_or(FieldKind::Text, |field| field.kind)
    }

    /// The name of the field as people read it; its key when it is not known.
    #[must_use]
    pub fn label<'a>(&'a self, side: Side, key: &'a FieldKey) -> &'a str {
        self.get(side, key).map_or(key.as_str(), |field| &field.label)
    }

    /// The fields of one side, by key.
    #[must_use]
    pub fn fields(&self, side: Side) -> &BTreeMap<FieldKey, Field> {
        match side {
            Side::Highlevel => &self.highlevel,
            Side::Chargify => &self.chargify,
        }
    }
}

struct Row {
    key: &'static str,
    label: &'static str,
    kind: FieldKind,
    writable: bool,
    required: bool,
    nullable: bool,
}

impl Row {
    const fn new(key: &'static str, label: &'static str, kind: FieldKind) -> Self {
        Self { key, label, kind, writable: true, required: false, nullable: false }
    }

    const fn nullable(mut self) -> Self {
        self.nullable = true;
        self
    }

    const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    const fn read_only(mut self) -> Self {
        self.writable = false;
        self
    }

    fn field(&self, side: Side) -> Field {
        let bounded = side == Side::Chargify && self.writable && self.kind != FieldKind::Bool;
        Field {
            side,
            key: FieldKey::from(self.key),
            label: self.label.to_owned(),
            kind: self.kind,
            writable: self.writable,
            required: self.required,
            max_chars: bounded.then_some(limits::CHARGIFY_TEXT_CHARS),
            nullable: self.nullable,
            data_type: None,
            choices: Vec::new(),
        }
    }
}

/// Contact fields a sync may use (HighLevel API docs, contacts, seen 2026-08). `tags` in an update replaces the whole
/// set, so tags are never written as a field; `gender` is refused on update. Do not disturb is the contact's own wish:
/// it is told, never set. The company's name is `companyName`; what setting a business's link does to it, or the other
/// way round, is documented nowhere, so the link is only read.
const HIGHLEVEL: &[Row] = &[
    Row::new("firstName", "First name", FieldKind::Text).nullable(),
    Row::new("lastName", "Last name", FieldKind::Text).nullable(),
    Row::new("email", "Email", FieldKind::Email).nullable(),
    Row::new("phone", "Phone", FieldKind::Phone).nullable(),
    Row::new("companyName", "Company", FieldKind::Text).nullable(),
    Row::new("address1", "Street address", FieldKind::Text).nullable(),
    Row::new("city", "City", FieldKind::Text).nullable(),
    Row::new("state", "State", FieldKind::Subdivision).nullable(),
    Row::new("postalCode", "Postal code", FieldKind::Text),
    Row::new("country", "Country", FieldKind::Country),
    Row::new("website", "Website", FieldKind::Text).nullable(),
    Row::new("timezone", "Time zone", FieldKind::Text).nullable(),
    Row::new("source", "Source", FieldKind::Text),
    Row::new("dateOfBirth", "Date of birth", FieldKind::Date).nullable(),
    Row::new("assignedTo", "Assigned to", FieldKind::Text).nullable(),
    Row::new("dnd", "Do not disturb", FieldKind::Bool).read_only(),
    Row::new("dndSettings.Call", "Do not disturb: calls", FieldKind::Text).read_only(),
    Row::new("dndSettings.Email", "Do not disturb: e-mail", FieldKind::Text).read_only(),
    Row::new("dndSettings.SMS", "Do not disturb: SMS", FieldKind::Text).read_only(),
    Row::new("dndSettings.WhatsApp", "Do not disturb: WhatsApp", FieldKind::Text).read_only(),
    Row::new("dndSettings.GMB", "Do not disturb: Google Business", FieldKind::Text).read_only(),
    Row::new("dndSettings.FB", "Do not disturb: Facebook", FieldKind::Text).read_only(),
    Row::new("dndSettings.RCS", "Do not disturb: RCS", FieldKind::Text).read_only(),
    Row::new("businessId", "Business (id of the linked one)", FieldKind::Text).read_only(),
    Row::new("businessName", "Business (name of the linked one)", FieldKind::Text).read_only(),
    Row::new("tags", "Tags", FieldKind::Tags).read_only(),
    Row::new("type", "Contact type", FieldKind::Text).read_only(),
    Row::new("dateAdded", "Added", FieldKind::Date).read_only(),
    Row::new("dateUpdated", "Last changed", FieldKind::Text).read_only(),
];

/// Customer fields a sync may use (Maxio Advanced Billing API reference, customers, seen 2026-08). The address is the
/// shipping address. `reference` carries the link and belongs to Concord.
const CHARGIFY: &[Row] = &[
    Row::new("first_name", "First name", FieldKind::Text).required(),
    Row::new("last_name", "Last name", FieldKind::Text).required(),
    Row::new("email", "Email", FieldKind::Email).required(),
    Row::new("cc_emails", "CC emails", FieldKind::Text),
    Row::new("organization", "Organization", FieldKind::Text),
    Row::new("reference", "Reference", FieldKind::Text).read_only(),
    Row::new("phone", "Phone", FieldKind::Phone),
    Row::new("address", "Street address", FieldKind::Text),
    Row::new("address_2", "Address line 2", FieldKind::Text),
    Row::new("city", "City", FieldKind::Text),
    Row::new("state", "State", FieldKind::Subdivision),
    Row::new("zip", "Postal code", FieldKind::Text),
    Row::new("country", "Country", FieldKind::Country),
    Row::new("locale", "Locale", FieldKind::Text),
    Row::new("vat_number", "VAT number", FieldKind::Text),
    Row::new("tax_exempt", "Tax exempt", FieldKind::Bool),
    Row::new("tax_exempt_reason", "Tax exemption reason", FieldKind::Text),
    Row::new("salesforce_id", "Salesforce id", FieldKind::Text).nullable(),
    Row::new("parent_id", "Parent customer", FieldKind::Number).read_only(),
    Row::new("created_at", "Created", FieldKind::Date).read_only(),
    Row::new("updated_at", "Last changed", FieldKind::Text).read_only(),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::Mapping;

    #[test]
    fn the_standard_fields_hold_the_default_mapping() {
        let known = Catalogue::standard();
        for rule in Mapping::default().rules {
            for side in Side::BOTH {
                assert!(known.get(side, rule.field(side)).is_some_and(|field| field.writable), "{}", rule.key());
            }
        }
        let required: Vec<&str> = known
            .fields(Side::Chargify)
            .values()
            .filter(|field| field.required)
            .map(|field| field.key.as_str())
            .collect();
        assert_eq!(required, ["email", "first_name", "last_name"]);
        assert!(!known.get(Side::Highlevel, &FieldKey::from("tags")).unwrap().writable);
        assert!(!known.get(Side::Chargify, &FieldKey::from("reference")).unwrap().writable);
    }

    #[test]
    fn a_catalogue_reads_back_what_it_writes() {
        let known = Catalogue::standard().with([Field::highlevel_custom("abc", "Size", "NUMERICAL")]);
        let json = serde_json::to_string(&known).unwrap();
        assert_eq!(serde_json::from_str::<Catalogue>(&json).unwrap(), known);
        assert_eq!(known.kind(Side::Highlevel, &FieldKey::custom_field("abc")), FieldKind::Number);
        assert_eq!(known.label(Side::Highlevel, &FieldKey::custom_field("abc")), "Size");
    }
}
