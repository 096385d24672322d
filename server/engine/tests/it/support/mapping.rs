//! The mapping of the world's sync, and the fields that the contacts have because the location made them.

use super::{SYNC, World};
use domain::view::RuleView;
use engine::{EngineError, RuleDraft};
use serde_json::Value;

/// A rule as it would be sent back unchanged.
pub(crate) fn draft(rule: RuleView) -> RuleDraft {
    RuleDraft {
        highlevel: rule.highlevel,
        chargify: rule.chargify,
        direction: rule.direction,
        conflict: rule.conflict,
        empty: rule.empty,
        transform: rule.transform,
    }
}

impl World {
    pub(crate) async fn rules(&self) -> Vec<RuleView> {
        self.engine.sync(&self.viewer().await, SYNC).await.unwrap().rules
    }

    /// Adds rules to the mapping: the contact's field, the customer's field, the direction.
    pub(crate) async fn map(&self, more: &[(&str, &str, &str)]) -> Result<(), EngineError> {
        let mut drafts: Vec<RuleDraft> = self.rules().await.into_iter().map(draft).collect();
        drafts.extend(more.iter().map(|(highlevel, chargify, direction)| RuleDraft {
            highlevel: (*highlevel).to_owned(),
            chargify: (*chargify).to_owned(),
            direction: (*direction).to_owned(),
            ..RuleDraft::default()
        }));
        let editor = self.viewer().await.editor().unwrap();
        self.engine.save_mapping(&editor, SYNC, drafts, "more fields").await.map(drop)
    }

    /// The id of the custom field of that name.
    pub(crate) fn field(&self, name: &str) -> String {
        self.sandbox.highlevel.with(|rules, _| {
            let location = rules.main().unwrap();
            location.fields.iter().find(|field| field.name == name).unwrap().id.to_string()
        })
    }

    /// What a contact holds in the custom field of that name.
    pub(crate) fn held(&self, contact: &str, field: &str) -> Option<Value> {
        let id = self.field(field);
        self.sandbox.highlevel.with(|rules, _| {
            let contact = rules.contact(contact).unwrap();
            contact.custom_fields.iter().find(|(known, _)| **known == *id).map(|(_, value)| value.clone())
        })
    }
}
