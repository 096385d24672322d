//! Filters of the contact search.

use serde_json::Value;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    contact::{Contact, millis},
    refusal::Refusal,
};

const TEXT_MAX: usize = 75;

const FIELDS: &[&str] = &[
    "id",
    "email",
    "phone",
    "firstNameLowerCase",
    "lastNameLowerCase",
    "companyName",
    "businessId",
    "tags",
    "assignedTo",
    "source",
    "dnd",
    "dateAdded",
    "dateUpdated",
    "city",
    "state",
    "country",
    "postalCode",
    "address",
    "website",
    "timezone",
    "type",
    "followers",
];

/// A condition, or a group of them.
#[derive(Debug)]
pub(super) enum Filter {
    All(Vec<Self>),
    Any(Vec<Self>),
    Is { field: String, test: Test },
}

#[derive(Debug)]
pub(super) enum Test {
    Equal(Vec<String>),
    NotEqual(Vec<String>),
    Contains(Vec<String>),
    NotContains(Vec<String>),
    Exists,
    Missing,
    /// Bounds in milliseconds for dates: at least, above, at most, below.
    Range([Option<i64>; 4]),
}

/// Reads a list of filters, which all have to hold.
pub(super) fn read(list: &[Value]) -> Result<Vec<Filter>, Refusal> {
    list.iter().map(one).collect()
}

fn one(item: &Value) -> Result<Filter, Refusal> {
    if let Some(group) = item.get("group").and_then(Value::as_str) {
        let inner = read(item.get("filters").and_then(Value::as_array).map_or(&[], Vec::as_slice))?;
        return match group {
            "AND" => Ok(Filter::All(inner)),
            "OR" => Ok(Filter::Any(inner)),
            other => Err(Refusal::bad_request(format!("Invalid group {other}"))),
        };
    }
    let field = item.get("field").and_then(Value::as_str).unwrap_or_default();
    if !FIELDS.contains(&field) && !field.starts_with("customFields.") {
        return Err(Refusal::bad_request(format!("Invalid field {field}")));
    }
    let operator = item.get("operator").and_then(Value::as_str).unwrap_or_default();
    let value = item.get("value").unwrap_or(&Value::Null);
    if texts(value).iter().any(|text| text.chars().count() > TEXT_MAX) {
        return Err(Refusal::bad_request(format!("value must be shorter than or equal to {TEXT_MAX} characters")));
    }
    let invalid = || Refusal::bad_request(format!("Invalid operator {operator} for field {field}"));
    if field == "email" && !["eq", "exists", "not_exists"].contains(&operator) {
        return Err(invalid());
    }
    let test = match operator {
        "eq" => Test::Equal(texts(value)),
        "not_eq" => Test::NotEqual(texts(value)),
        "contains" => Test::Contains(texts(value)),
        "not_contains" => Test::NotContains(texts(value)),
        "exists" => Test::Exists,
        "not_exists" => Test::Missing,
        "range" => Test::Range(bounds(value)?),
        _ => return Err(invalid()),
    };
    Ok(Filter::Is { field: field.to_owned(), test })
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.to_lowercase()],
        Value::Array(list) => list.iter().flat_map(texts).collect(),
        Value::Null => Vec::new(),
        other => vec![other.to_string()],
    }
}

fn bounds(value: &Value) -> Result<[Option<i64>; 4], Refusal> {
    let mut bounds = [None; 4];
    let Some(map) = value.as_object() else {
        return Err(Refusal::bad_request("value of a range must be an object"));
    };
    for (slot, name) in bounds.iter_mut().zip(["gte", "gt", "lte", "lt"]) {
        if let Some(bound) = map.get(name) {
            *slot = Some(instant(bound).ok_or_else(|| Refusal::bad_request(format!("Invalid range value {bound}")))?);
        }
    }
    if bounds.iter().all(Option::is_none) {
        return Err(Refusal::bad_request("a range needs gte, gt, lte or lt"));
    }
    Ok(bounds)
}

fn instant(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => OffsetDateTime::parse(text, &Rfc3339).ok().map(millis).or_else(|| {
            let day = format!("{text}T00:00:00Z");
            OffsetDateTime::parse(&day, &Rfc3339).ok().map(millis)
        }),
        _ => None,
    }
}

impl Filter {
    /// The field and value of a filter that only one value can pass.
    pub(super) fn exact(&self) -> Option<(&str, &str)> {
        match self {
            Self::Is { field, test: Test::Equal(values) } if field != "id" => match values.as_slice() {
                [one] => Some((field, one)),
                _ => None,
            },
            _ => None,
        }
    }

    /// The lowest and the highest instant a range lets pass, in milliseconds.
    pub(super) fn span(&self, wanted: &str) -> Option<(i64, i64)> {
        match self {
            Self::Is { field, test: Test::Range([at_least, above, at_most, below]) } if field == wanted => Some((
                (*at_least).max(*above).unwrap_or(i64::MIN),
                at_most.unwrap_or(i64::MAX).min(below.unwrap_or(i64::MAX)),
            )),
            _ => None,
        }
    }

    /// Whether a contact passes.
    pub(super) fn matches(&self, contact: &Contact) -> bool {
        match self {
            Self::All(inner) => inner.iter().all(|filter| filter.matches(contact)),
            Self::Any(inner) => inner.iter().any(|filter| filter.matches(contact)),
            Self::Is { field, test } => test.passes(field, contact),
        }
    }
}

impl Test {
    fn passes(&self, field: &str, contact: &Contact) -> bool {
        if let Self::Range([at_least, above, at_most, below]) = self {
            let Some(at) = date(field, contact) else { return false };
            return at_least.is_none_or(|bound| at >= bound)
                && above.is_none_or(|bound| at > bound)
                && at_most.is_none_or(|bound| at <= bound)
                && below.is_none_or(|bound| at < bound);
        }
        let values = values(field, contact);
        let equal = |wanted: &[String]| values.iter().any(|value| wanted.contains(value));
        let within = |wanted: &[String]| values.iter().any(|value| wanted.iter().any(|part| value.contains(part)));
        match self {
            Self::Equal(wanted) => equal(wanted),
            Self::NotEqual(wanted) => !equal(wanted),
            Self::Contains(wanted) => within(wanted),
            Self::NotContains(wanted) => !within(wanted),
            Self::Exists => !values.is_empty(),
            Self::Missing => values.is_empty(),
            Self::Range(_) => false,
        }
    }
}

fn date(field: &str, contact: &Contact) -> Option<i64> {
    match field {
        "dateAdded" => Some(millis(contact.date_added)),
        "dateUpdated" => Some(millis(contact.date_updated)),
        _ => None,
    }
}

fn values(field: &str, contact: &Contact) -> Vec<String> {
    let text = match field {
        "id" => Some(&contact.id),
        "email" => contact.email.as_ref(),
        "phone" => contact.phone.as_ref(),
        "firstNameLowerCase" => contact.first_name.as_ref(),
        "lastNameLowerCase" => contact.last_name.as_ref(),
        "companyName" => contact.company_name.as_ref(),
        "businessId" => contact.business_id.as_ref(),
        "assignedTo" => contact.assigned_to.as_ref(),
        "source" => contact.source.as_ref(),
        "city" => contact.city.as_ref(),
        "state" => contact.state.as_ref(),
        "country" => contact.country.as_ref(),
        "postalCode" => contact.postal_code.as_ref(),
        "address" => contact.address1.as_ref(),
        "website" => contact.website.as_ref(),
        "timezone" => contact.timezone.as_ref(),
        "tags" => return contact.tags.iter().map(|tag| tag.to_lowercase()).collect(),
        "followers" => return contact.followers.iter().map(|id| id.to_lowercase()).collect(),
        "dnd" => return vec![contact.dnd.to_string()],
        "type" => return vec!["lead".to_owned()],
        "dateAdded" | "dateUpdated" => return date(field, contact).iter().map(i64::to_string).collect(),
        custom => {
            let id = custom.strip_prefix("customFields.").unwrap_or(custom);
            return contact.custom_field(id).map(texts).unwrap_or_default();
        }
    };
    text.map(|text| text.to_lowercase()).into_iter().collect()
}

/// Whether name, e-mail, phone or company of a contact mention a lower-case text.
pub(super) fn mentions(contact: &Contact, text: &str) -> bool {
    [contact.name(), contact.email.clone(), contact.phone.clone(), contact.company_name.clone()]
        .into_iter()
        .flatten()
        .any(|value| value.to_lowercase().contains(text))
}
