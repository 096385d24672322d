//! The location and the custom fields its contacts can have (HighLevel API docs, locations, seen 2026-08).

use crate::clients::json;
use domain::field::Field;
use serde_json::Value as Json;

/// A location, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    pub id: String,
    pub name: String,
    pub timezone: Option<String>,
    /// ISO 3166-1 code: national phone numbers are read by it.
    pub country: Option<String>,
    /// Whether two contacts may have the same e-mail or phone.
    pub allows_duplicates: Option<bool>,
}

/// The definition of a custom field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomField {
    pub id: String,
    pub name: String,
    /// The portable name, such as `contact.pincode`.
    pub field_key: Option<String>,
    /// The service's own word, such as `TEXT`; new ones appear.
    pub data_type: String,
    pub options: Vec<String>,
    /// Whether it takes other values than its options too.
    pub is_open: bool,
}

impl CustomField {
    /// As a field of the catalogue.
    #[must_use]
    pub fn field(&self) -> Field {
        let field = Field::highlevel_custom(&self.id, &self.name, &self.data_type);
        if self.is_open { field } else { field.with_choices(self.options.iter().cloned()) }
    }
}

/// `{location: {...}}`.
pub(super) fn location(body: &Json) -> Option<Location> {
    let location = body.get("location")?;
    Some(Location {
        id: json::text(location, "id")?,
        name: json::text(location, "name").unwrap_or_default(),
        timezone: json::text(location, "timezone"),
        country: json::text(location, "country"),
        allows_duplicates: location.get("settings").and_then(|settings| json::truth(settings, "allowDuplicateContact")),
    })
}

/// `{customFields: [...]}`. Definitions of other models and without an id are left out.
pub(super) fn custom_fields(body: &Json) -> Option<Vec<CustomField>> {
    let rows = body.get("customFields")?.as_array()?;
    let of_contacts = |row: &&Json| json::text(row, "model").is_none_or(|model| model == "contact");
    Some(rows.iter().filter(of_contacts).filter_map(custom_field).collect())
}

/// `{customField: {...}}`.
pub(super) fn made_field(body: &Json) -> Option<CustomField> {
    custom_field(body.get("customField")?)
}

fn custom_field(row: &Json) -> Option<CustomField> {
    let id = json::text(row, "id")?;
    let options = row.get("picklistOptions").and_then(Json::as_array);
    Some(CustomField {
        name: json::text(row, "name").unwrap_or_else(|| id.clone()),
        field_key: json::text(row, "fieldKey"),
        data_type: json::text(row, "dataType").unwrap_or_default(),
        is_open: json::truth(row, "isAllowedCustomOption").unwrap_or(false),
        options: options.into_iter().flatten().filter_map(json::plain).collect(),
        id,
    })
}
