//! What a person settled about one record, where the rules stop and ask.
//!
//! An answer holds for the question that was put, and for no other: one about values that changed since, or about
//! customers that are others by now, is void, and the question is put again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::RemoteId;
use crate::mapping::RuleKey;
use crate::matching::{Match, MatchRule};
use crate::side::Side;
use crate::value::Value;

/// The answers given about one record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Whose partner it is, where matching could not tell or a deletion left it alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner: Option<Partner>,
    /// Which side's value is kept, per field that changed on both.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<RuleKey, FieldChoice>,
}

/// Who the record's partner shall be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Partner {
    /// This customer.
    Customer(RemoteId),
    /// A new record, and none of these customers.
    New {
        /// The customers that were in question.
        #[serde(default)]
        instead_of: Vec<RemoteId>,
    },
    /// Nobody, for good: the record takes no part until a person says otherwise.
    Nobody,
}

impl Partner {
    /// Whether a new record answers what matching says now.
    ///
    /// Never where a customer has the contact's id as its `reference`, in whatever capitals: Chargify takes a reference
    /// once only (Maxio Advanced Billing API reference, create customer, seen 2026-08).
    #[must_use]
    pub fn is_new_for(&self, matched: Option<&Match>) -> bool {
        let Self::New { instead_of } = self else { return false };
        match matched {
            None | Some(Match::None) => true,
            Some(Match::Ambiguous { candidates, .. }) => {
                matched.is_some_and(may_be_new) && candidates.iter().all(|id| instead_of.contains(id))
            }
            Some(_) => false,
        }
    }
}

/// Whether a new customer could be an answer to what matching found.
#[must_use]
pub fn may_be_new(matched: &Match) -> bool {
    matches!(matched, Match::None | Match::Ambiguous { rule: MatchRule::Email | MatchRule::PhoneName, .. })
}

/// The side kept of one field, with both values as they were shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChoice {
    /// The side whose value stays.
    pub keep: Side,
    /// The contact's value that was shown.
    pub highlevel: Value,
    /// The customer's value that was shown.
    pub chargify: Value,
}

impl FieldChoice {
    /// Whether it was made about these values.
    #[must_use]
    pub fn is_about(&self, highlevel: &Value, chargify: &Value) -> bool {
        self.highlevel == *highlevel && self.chargify == *chargify
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matching::Ambiguity;

    fn several(rule: MatchRule, ids: &[&str]) -> Match {
        let candidates = ids.iter().map(|id| RemoteId::from(*id)).collect();
        Match::Ambiguous { rule, candidates, why: Ambiguity::SeveralCustomers }
    }

    #[test]
    fn a_new_record_answers_only_the_question_that_was_put() {
        let new = Partner::New { instead_of: vec!["7".into(), "8".into()] };
        let table = [
            (None, true),
            (Some(Match::None), true),
            (Some(several(MatchRule::Email, &["7", "8"])), true),
            (Some(several(MatchRule::PhoneName, &["8"])), true),
            (Some(several(MatchRule::Email, &["7", "8", "9"])), false),
            (Some(several(MatchRule::Reference, &["7"])), false),
            (Some(Match::CaseOnlyReference("7".into())), false),
            (Some(Match::Email("7".into())), false),
        ];
        for (matched, answers) in table {
            assert_eq!(new.is_new_for(matched.as_ref()), answers, "{matched:?}");
            assert!(!Partner::Nobody.is_new_for(matched.as_ref()));
            assert!(!Partner::Customer("7".into()).is_new_for(matched.as_ref()));
        }
    }

    #[test]
    fn a_choice_is_about_the_values_that_were_shown() {
        let choice = FieldChoice { keep: Side::Highlevel, highlevel: "Rome".into(), chargify: "Milan".into() };
        assert!(choice.is_about(&"Rome".into(), &"Milan".into()));
        for (highlevel, chargify) in [("Rome", "Turin"), ("Turin", "Milan"), ("Milan", "Rome")] {
            assert!(!choice.is_about(&highlevel.into(), &chargify.into()), "{highlevel}, {chargify}");
        }
    }

    #[test]
    fn a_decision_is_stored_compactly_and_read_back() {
        let fields = [(
            RuleKey("city→city".to_owned()),
            FieldChoice { keep: Side::Chargify, highlevel: "Rome".into(), chargify: Value::Empty },
        )];
        let whole = Decision { partner: Some(Partner::Customer("7".into())), fields: fields.into() };
        for decision in [whole, Decision { partner: Some(Partner::Nobody), ..Decision::default() }, Decision::default()]
        {
            let stored = serde_json::to_value(&decision).unwrap();
            assert_eq!(serde_json::from_value::<Decision>(stored).unwrap(), decision);
        }
        assert_eq!(serde_json::to_string(&Decision::default()).unwrap(), "{}");
    }
}
