//! The fields of both sides: what they are called, what they hold, whether they can be written.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::limits;
use crate::record::FieldKey;
use crate::side::Side;
use crate::value::{FieldKind, Value};

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
}

impl Field {
    /// A HighLevel custom field. `data_type` is the service's own word; unknown ones are opaque text.
    #[must_use]
    pub fn highlevel_custom(id: &str, name: &str, data_type: &str) -> Self {
        let kind = match data_type.to_ascii_uppercase().as_str() {
            "PHONE" => FieldKind::Phone,
            "EMAIL" => FieldKind::Email,
            "DATE" => FieldKind::Date,
            // "MONETORY" is how the service spells it.
            "NUMERICAL" | "MONETORY" | "MONETARY" => FieldKind::Number,
            "CHECKBOX" | "MULTIPLE_OPTIONS" | "TEXTBOX_LIST" => FieldKind::Tags,
            _ => FieldKind::Text,
        };
        Self {
            side: Side::Highlevel,
            key: FieldKey::custom_field(id),
            label: name.to_owned(),
            kind,
            writable: !data_type.eq_ignore_ascii_case("FILE_UPLOAD"),
            required: false,
            max_chars: None,
            nullable: false,
        }
    }

    /// A Chargify metafield: always text.
    #[must_use]
    pub fn chargify_metafield(name: &str) -> Self {
        Self {
            side: Side::Chargify,
            key: FieldKey::metafield(name),
            label: name.to_owned(),
            kind: FieldKind::Text,
            writable: true,
            required: false,
            max_chars: None,
            nullable: false,
        }
    }

    /// `value` as the service's JSON wants it. Chargify types its texts non-null and joins nothing by itself.
    #[must_use]
    pub fn wire(&self, value: &Value) -> serde_json::Value {
        match (self.side, value) {
            (_, Value::Empty) if self.nullable => serde_json::Value::Null,
            (_, Value::Empty) => serde_json::Value::String(String::new()),
            (Side::Highlevel, Value::List(items)) => items.iter().map(String::as_str).collect(),
            (_, value) => serde_json::Value::String(value.display()),
        }
    }
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
        }
    }
}

/// Contact fields a sync may use (HighLevel API docs, contacts, seen 2026-08). `tags` in an update replaces the whole
/// set, so tags are never written as a field; `gender` is refused on update.
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
    fn emptiness_is_written_as_each_service_wants_it() {
        let known = Catalogue::standard();
        let wire =
            |side, key: &str, value: Value| known.get(side, &FieldKey::from(key)).unwrap().wire(&value).to_string();
        assert_eq!(wire(Side::Chargify, "phone", Value::Empty), "\"\"");
        assert_eq!(wire(Side::Highlevel, "phone", Value::Empty), "null");
        assert_eq!(wire(Side::Highlevel, "country", Value::Empty), "\"\"");
        assert_eq!(wire(Side::Chargify, "city", Value::from("Rome")), "\"Rome\"");
        let list = Value::List(vec!["a".to_owned(), "b".to_owned()]);
        assert_eq!(Field::highlevel_custom("x", "X", "CHECKBOX").wire(&list).to_string(), "[\"a\",\"b\"]");
        assert_eq!(Field::chargify_metafield("x").wire(&list).to_string(), "\"a, b\"");
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
