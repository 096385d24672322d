//! What is known of the fields that both accounts of a sync made themselves, and what follows for its rules.

use crate::{EngineError, Result, store::syncs::SyncRow};
use domain::{
    Side,
    field::{Catalogue, Field},
    limits,
    mapping::{Mapping, Rule},
    record::FieldKey,
};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::BTreeSet;
use time::{Duration, OffsetDateTime};

/// Deleted fields that are remembered: enough to say what a rule that rests was about.
const GONE_KEPT: usize = 200;

/// The fields one account made itself, as last read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct OwnFields {
    #[serde(with = "time::serde::rfc3339")]
    read_at: OffsetDateTime,
    fields: Vec<OwnField>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct OwnField {
    field: Field,
    /// When it was first missing.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    gone_at: Option<OffsetDateTime>,
}

impl OwnFields {
    /// What is known after a reading found these.
    pub(super) fn after(before: Option<&Self>, found: Vec<Field>, read_at: OffsetDateTime) -> Self {
        let there: BTreeSet<FieldKey> = found.iter().map(|field| field.key.clone()).collect();
        let missing = before.into_iter().flat_map(|before| &before.fields);
        let missing = missing.filter(|own| !there.contains(&own.field.key)).take(GONE_KEPT);
        let gone = missing.map(|own| OwnField { gone_at: own.gone_at.or(Some(read_at)), ..own.clone() }).collect();
        let live = found.into_iter().map(|field| OwnField { field, gone_at: None });
        let fields = live.chain::<Vec<OwnField>>(gone).collect();
        Self { read_at, fields }
    }

    /// Fields that are new since, and fields that are gone, by their names.
    pub(super) fn differences(&self, before: Option<&Self>) -> (Vec<String>, Vec<String>) {
        let live = |own: Option<&Self>| -> Vec<(FieldKey, String)> {
            let fields = own.into_iter().flat_map(Self::live);
            fields.map(|field| (field.key.clone(), field.label.clone())).collect()
        };
        let (old, new) = (live(before), live(Some(self)));
        let lacking = |these: &[(FieldKey, String)], those: &[(FieldKey, String)]| {
            let lacks = |key: &FieldKey| those.iter().all(|(other, _)| other != key);
            these.iter().filter(|(key, _)| lacks(key)).map(|(_, label)| label.clone()).collect()
        };
        (lacking(&new, &old), lacking(&old, &new))
    }

    pub(crate) fn is_older_than(&self, age: Duration, now: OffsetDateTime) -> bool {
        now - self.read_at > age
    }

    fn live(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|own| own.gone_at.is_none()).map(|own| &own.field)
    }

    fn gone(&self, key: &FieldKey) -> Option<(&Field, OffsetDateTime)> {
        let own = self.fields.iter().find(|own| own.field.key == *key)?;
        Some((&own.field, own.gone_at?))
    }

    pub(super) fn is_same_as(&self, other: Option<&Self>) -> bool {
        other.is_some_and(|other| other.fields == self.fields)
    }
}

/// What is known of the fields of both accounts of a sync; `None` for one whose fields were never read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Known {
    highlevel: Option<OwnFields>,
    chargify: Option<OwnFields>,
}

impl Known {
    /// As stored.
    ///
    /// # Errors
    /// [`EngineError::Bug`] when what we stored ourselves cannot be read.
    pub(crate) fn of(row: &SyncRow) -> Result<Self> {
        let read = |stored: &Option<Json>| stored.as_ref().map(own_fields).transpose();
        Ok(Self { highlevel: read(&row.highlevel_fields)?, chargify: read(&row.chargify_fields)? })
    }

    pub(crate) fn side(&self, side: Side) -> Option<&OwnFields> {
        match side {
            Side::Highlevel => self.highlevel.as_ref(),
            Side::Chargify => self.chargify.as_ref(),
        }
    }

    /// Every field known: the standard ones, those of the accounts, and those the mapping names beyond them. Whether an
    /// account whose fields were never read has those is seen when they are.
    pub(crate) fn catalogue(&self, mapping: &Mapping) -> Catalogue {
        let mut catalogue = Catalogue::standard();
        for side in Side::BOTH {
            for field in self.side(side).into_iter().flat_map(OwnFields::live) {
                catalogue.add(field.clone());
            }
        }
        for (side, key) in mapping.rules.iter().flat_map(named) {
            if catalogue.get(side, &key).is_none()
                && let Some(field) = self.unseen(side, &key)
            {
                catalogue.add(field);
            }
        }
        catalogue
    }

    /// A field that is named but not there: as it last was, else plain text.
    fn unseen(&self, side: Side, key: &FieldKey) -> Option<Field> {
        if let Some((gone, _)) = self.side(side).and_then(|own| own.gone(key)) {
            return Some(Field { label: format!("{} (deleted)", gone.label), ..gone.clone() });
        }
        let name = match side {
            Side::Highlevel => key.custom_field_id(),
            Side::Chargify => key.metafield_name(),
        };
        let name = name.filter(|name| !name.trim().is_empty())?;
        Some(match side {
            Side::Highlevel => Field::highlevel_custom(name, name, "TEXT"),
            Side::Chargify => Field::chargify_metafield(name),
        })
    }

    /// Whether an account made the field itself and has deleted it.
    pub(crate) fn is_gone(&self, side: Side, key: &FieldKey) -> bool {
        self.side(side).is_some_and(|own| own.gone(key).is_some())
    }

    /// Why a rule rests, if it does. A metafield that was never there is made with the first value; a custom field is not.
    pub(crate) fn rests(&self, rule: &Rule) -> Option<String> {
        named(rule).into_iter().find_map(|(side, key)| {
            let own = self.side(side)?;
            let label = side.label();
            if let Some((field, at)) = own.gone(&key) {
                return Some(format!(
                    "{label} no longer has the field {} (noticed on {}). This rule rests, all others go on. Make the field \
                     again there, or choose another one.",
                    field.label,
                    at.date()
                ));
            }
            let unknown = key.custom_field_id().is_some() && own.live().all(|field| field.key != key);
            unknown.then(|| {
                format!("{label} has no field {key}. This rule rests, all others go on. Choose another field.")
            })
        })
    }

    /// What keeps the metafields a mapping names from being made, each with what to do.
    pub(crate) fn metafield_faults(&self, mapping: &Mapping) -> Vec<String> {
        let there: BTreeSet<&str> = self
            .side(Side::Chargify)
            .into_iter()
            .flat_map(OwnFields::live)
            .filter_map(|field| field.key.metafield_name())
            .collect();
        let named: BTreeSet<&str> = mapping.rules.iter().filter_map(|rule| rule.chargify.metafield_name()).collect();
        let mut faults: Vec<String> = named
            .iter()
            .filter(|name| name.chars().count() > limits::CHARGIFY_METAFIELD_NAME_CHARS)
            .map(|name| {
                let most = limits::CHARGIFY_METAFIELD_NAME_CHARS;
                format!("metafield:{name}: a metafield's name has at most {most} characters; shorten it")
            })
            .collect();
        let new: Vec<&str> = named.difference(&there).copied().collect();
        let most = limits::CHARGIFY_METAFIELDS;
        if !new.is_empty() && there.len() + new.len() > most {
            faults.push(format!(
                "Chargify takes {most} metafields for a site, which has {} already; this mapping would make {} more ({}). \
                 Map to those there are, or delete some in Chargify",
                there.len(),
                new.len(),
                new.join(", ")
            ));
        }
        faults
    }
}

/// As stored with a connection.
pub(super) fn own_fields(stored: &Json) -> Result<OwnFields> {
    serde_json::from_value(stored.clone()).map_err(|_shape| EngineError::Bug("stored fields cannot be read"))
}

/// Every field a rule names, templates included.
fn named(rule: &Rule) -> Vec<(Side, FieldKey)> {
    let both = [(Side::Highlevel, rule.highlevel.clone()), (Side::Chargify, rule.chargify.clone())];
    let in_templates = rule.transform.iter().flat_map(|step| step.fields()).map(|key| (rule.source(), key));
    both.into_iter().chain(in_templates).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const MONDAY: OffsetDateTime = datetime!(2026-11-23 08:00:00 UTC);

    fn tier() -> Field {
        Field::highlevel_custom("t1", "Tier", "RADIO").with_choices(["Gold"])
    }

    fn knowing(fields: Vec<Field>) -> Known {
        Known { highlevel: Some(OwnFields::after(None, fields, MONDAY)), chargify: None }
    }

    fn to_text(key: &str) -> Rule {
        Rule::new(key, "metafield:tier")
    }

    #[test]
    fn a_rule_rests_once_its_field_is_gone_and_goes_on_when_it_is_back() {
        let before = OwnFields::after(None, vec![tier()], MONDAY);
        let later = MONDAY + Duration::DAY;
        let gone = OwnFields::after(Some(&before), Vec::new(), later);
        assert_eq!(gone.differences(Some(&before)), (Vec::new(), vec!["Tier".to_owned()]));
        let rule = to_text("customField:t1");
        let known = Known { highlevel: Some(gone.clone()), chargify: None };
        let why = known.rests(&rule).unwrap();
        assert!(why.starts_with("GoHighLevel no longer has the field Tier (noticed on 2026-11-24)."), "{why}");
        let mapping = Mapping { rules: vec![rule.clone()] };
        let catalogue = known.catalogue(&mapping);
        assert_eq!(catalogue.label(Side::Highlevel, &rule.highlevel), "Tier (deleted)");
        assert_eq!(known.rests(&to_text("city")), None);

        let back = OwnFields::after(Some(&gone), vec![tier()], later + Duration::DAY);
        assert_eq!(Known { highlevel: Some(back), chargify: None }.rests(&rule), None);
    }

    #[test]
    fn a_field_in_a_template_counts_and_an_unknown_one_is_told() {
        let known = knowing(vec![tier()]);
        let made = to_text("city").through(["template(\"{{customField:t9}}!\")".parse().unwrap()]);
        assert!(known.rests(&made).unwrap().starts_with("GoHighLevel has no field customField:t9."));
        assert_eq!(Known::default().rests(&made), None, "nothing is known of an account whose fields were never read");
        assert_eq!(known.rests(&to_text("customField:t1")), None, "a metafield that is not there yet is made");
    }

    #[test]
    fn a_site_has_room_for_a_hundred_metafields() {
        let site = |count: usize| {
            let fields = (0..count).map(|number| Field::chargify_metafield(&format!("f{number}"))).collect();
            Known { highlevel: None, chargify: Some(OwnFields::after(None, fields, MONDAY)) }
        };
        let mapping = Mapping { rules: vec![to_text("city"), Rule::new("state", "metafield:f1")] };
        assert_eq!(site(99).metafield_faults(&mapping), Vec::<String>::new());
        let faults = site(100).metafield_faults(&mapping);
        assert_eq!(faults.len(), 1);
        assert!(faults[0].contains("would make 1 more (tier)"), "{faults:?}");
        let long = Mapping { rules: vec![Rule::new("city", format!("metafield:{}", "x".repeat(101)))] };
        assert_eq!(Known::default().metafield_faults(&long).len(), 1);
    }
}
