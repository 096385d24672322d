//! A record: what one service says about one person, in no service's own shape.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::id::RemoteId;
use crate::side::Side;
use crate::value::{FieldKind, Value, normal};

/// Names a field of one side: `firstName`, `customField:<id>`; `first_name`, `metafield:<name>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FieldKey(pub String);

impl FieldKey {
    /// The key of a HighLevel custom field.
    #[must_use]
    pub fn custom_field(id: &str) -> Self {
        Self(format!("customField:{id}"))
    }

    /// The key of a Chargify metafield.
    #[must_use]
    pub fn metafield(name: &str) -> Self {
        Self(format!("metafield:{name}"))
    }

    /// The key as written in files and the database.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id of the HighLevel custom field meant, if one is.
    #[must_use]
    pub fn custom_field_id(&self) -> Option<&str> {
        self.0.strip_prefix("customField:")
    }

    /// True for a field that an account made itself: a custom field or a metafield.
    #[must_use]
    pub fn is_custom(&self) -> bool {
        self.custom_field_id().is_some() || self.metafield_name().is_some()
    }

    /// The name of the Chargify metafield meant, if one is.
    #[must_use]
    pub fn metafield_name(&self) -> Option<&str> {
        self.0.strip_prefix("metafield:")
    }
}

impl fmt::Display for FieldKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for FieldKey {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for FieldKey {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl Borrow<str> for FieldKey {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// When a record was last changed, as far as its service says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// The service's own time of the last change.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<OffsetDateTime>,
    /// Chargify's event number, which orders changes within one second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<i64>,
}

impl Stamp {
    /// True when this stamp is certainly later than `other`, both of the same side. Unknown is never newer.
    #[must_use]
    pub fn newer_than(&self, other: &Self) -> bool {
        match (self.updated_at, other.updated_at) {
            (Some(mine), Some(theirs)) if mine != theirs => mine > theirs,
            (Some(_), None) => false,
            (None, Some(_)) => false,
            _ => matches!((self.event_id, other.event_id), (Some(mine), Some(theirs)) if mine > theirs),
        }
    }
}

/// What one service says about one contact or customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Where it was read.
    pub side: Side,
    /// Its id there; none before it is created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<RemoteId>,
    /// The fields known. A missing key is *absent*: nothing is known of it.
    pub values: BTreeMap<FieldKey, Value>,
    /// When it was last changed.
    #[serde(default)]
    pub stamp: Stamp,
}

impl Record {
    /// A record of which nothing is known yet.
    #[must_use]
    pub fn new(side: Side) -> Self {
        Self { side, id: None, values: BTreeMap::new(), stamp: Stamp::default() }
    }

    /// This record with an id.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<RemoteId>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// This record with one field set.
    #[must_use]
    pub fn with(mut self, key: impl Into<FieldKey>, value: impl Into<Value>) -> Self {
        self.set(key, value);
        self
    }

    /// Sets one field.
    pub fn set(&mut self, key: impl Into<FieldKey>, value: impl Into<Value>) {
        self.values.insert(key.into(), value.into());
    }

    /// The field, or `None` when it is absent.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.values.get(key)
    }

    /// The field's text when it is a text and not blank.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.get(key) {
            Some(Value::Text(text)) if !text.trim().is_empty() => Some(text),
            _ => None,
        }
    }

    /// The e-mail address in normal form.
    #[must_use]
    pub fn email(&self) -> Option<String> {
        match normal(FieldKind::Email, self.get("email")?) {
            Value::Text(email) => Some(email),
            _ => None,
        }
    }

    /// The first name, by the side's own key.
    #[must_use]
    pub fn first_name(&self) -> Option<&str> {
        self.text(match self.side {
            Side::Highlevel => "firstName",
            Side::Chargify => "first_name",
        })
    }

    /// The last name, by the side's own key.
    #[must_use]
    pub fn last_name(&self) -> Option<&str> {
        self.text(match self.side {
            Side::Highlevel => "lastName",
            Side::Chargify => "last_name",
        })
    }

    /// First and last name, each only when there is one. Empty when there is neither.
    #[must_use]
    pub fn full_name(&self) -> String {
        let parts: Vec<&str> = [self.first_name(), self.last_name()].into_iter().flatten().map(str::trim).collect();
        parts.join(" ")
    }

    /// What to call this record on a page: the name, else the company, else the e-mail, else the id.
    #[must_use]
    pub fn display_name(&self) -> String {
        let name = self.full_name();
        if !name.is_empty() {
            return name;
        }
        let company = match self.side {
            Side::Highlevel => "companyName",
            Side::Chargify => "organization",
        };
        [company, "email", "phone"]
            .into_iter()
            .find_map(|key| self.text(key))
            .map(|text| text.trim().to_owned())
            .or_else(|| self.id.as_ref().map(|id| id.to_string()))
            .unwrap_or_else(|| format!("unnamed {}", self.side.noun()))
    }

    /// Chargify's `reference`, when there is one.
    #[must_use]
    pub fn reference(&self) -> Option<&str> {
        self.text("reference")
    }

    /// The tags, lower-cased and sorted; none when absent.
    #[must_use]
    pub fn tags(&self) -> Vec<String> {
        match self.get("tags").map(|value| normal(FieldKind::Tags, value)) {
            Some(Value::List(tags)) => tags,
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_record_is_called_by_the_best_name_it_has() {
        let contact = Record::new(Side::Highlevel).with_id("c1");
        assert_eq!(contact.display_name(), "c1");
        let contact = contact.with("phone", "+1 617").with("email", " ann@example.com ");
        assert_eq!(contact.display_name(), "ann@example.com");
        let contact = contact.with("companyName", "Acme");
        assert_eq!(contact.display_name(), "Acme");
        let contact = contact.with("lastName", " Lee ");
        assert_eq!(contact.display_name(), "Lee");
        assert_eq!(contact.with("firstName", "Ann").display_name(), "Ann Lee");
        assert_eq!(Record::new(Side::Chargify).display_name(), "unnamed customer");
    }

    #[test]
    fn absent_empty_and_a_value_are_three_things() {
        let record = Record::new(Side::Chargify).with("phone", "").with("city", "Rome");
        assert_eq!(record.get("zip"), None);
        assert_eq!(record.get("phone"), Some(&Value::Empty));
        assert_eq!(record.get("city"), Some(&Value::from("Rome")));
        let json = serde_json::to_string(&record).unwrap();
        assert_eq!(serde_json::from_str::<Record>(&json).unwrap(), record);
    }

    #[test]
    fn the_later_stamp_is_newer_and_the_unknown_one_never() {
        let at = |second: u8, event_id| Stamp {
            updated_at: Some(datetime!(2026-08-01 10:00:00 UTC).replace_second(second).unwrap()),
            event_id,
        };
        let unknown = Stamp::default();
        assert!(at(2, None).newer_than(&at(1, Some(9))));
        assert!(!at(1, Some(9)).newer_than(&at(2, None)));
        assert!(at(1, Some(9)).newer_than(&at(1, Some(8))));
        assert!(!at(1, Some(8)).newer_than(&at(1, Some(8))));
        assert!(!at(1, None).newer_than(&unknown));
        assert!(!unknown.newer_than(&at(1, None)));
    }
}
