//! Questions that a person answers about one record, and the answers on their way.

use super::{At, run::ChangeView};
use crate::side::Side;
use serde::{Deserialize, Serialize};

/// What is asked about a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuestionKind {
    /// Fields were changed on both sides.
    Conflict,
    /// Matching found more than one partner, or one that is not certain.
    Ambiguous,
    /// The customer that fits lost its contact to a deletion: the two contacts may have been merged.
    Merged,
    /// The partner was deleted.
    Held,
    /// Answered: a person left it out for good. It can be taken back.
    LeftOut,
}

/// A question with all that is needed to answer it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuestionView {
    pub kind: QuestionKind,
    /// Fields changed on both sides, for a conflict.
    pub fields: Vec<ConflictView>,
    /// Customers that may be the partner.
    pub candidates: Vec<CandidateView>,
    /// Whether a new record may be the answer.
    pub may_create: bool,
    /// Whether leaving it out for good may be the answer.
    pub may_leave_out: bool,
    /// Who left it out, and when.
    pub answered: Option<(String, At)>,
    /// The deleted contact that may have been merged into this one.
    #[serde(default)]
    pub former: Option<FormerContactView>,
    /// Contacts that a deleted one may have been merged into, for the customer it left.
    #[serde(default)]
    pub heirs: Vec<HeirView>,
}

/// A deleted contact, as it was last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FormerContactView {
    pub contact_id: String,
    pub name: String,
    pub email: Option<String>,
    pub phone: Option<String>,
    /// When it was found to be gone.
    pub gone_at: Option<At>,
}

/// A contact that may stand in for a deleted one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeirView {
    pub contact_id: String,
    pub name: String,
    pub email: Option<String>,
}

/// One field that was changed on both sides. Empty text stands for an empty field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConflictView {
    /// The mapping rule, by which the answer names the field.
    pub rule: String,
    pub label: String,
    pub highlevel_field: String,
    pub chargify_field: String,
    /// What both agreed on last, where they ever did.
    pub base: Option<String>,
    pub highlevel: String,
    pub chargify: String,
}

/// A customer that may be the partner of a contact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CandidateView {
    pub customer_id: String,
    pub name: String,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub organization: Option<String>,
    pub reference: Option<String>,
    pub updated_at: Option<At>,
    /// The contact it is paired with already: it cannot be chosen.
    pub belongs_to: Option<String>,
    /// What choosing it would write, as last read.
    pub would: Vec<ChangeView>,
    /// Labels of the fields that would be asked about next.
    pub asks: Vec<String>,
}

/// What a person answers, before the record was read anew.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AnswerDraft {
    /// `customer:<id>`, `new`, `nobody`; empty where the partner is not in question.
    pub partner: String,
    pub fields: Vec<FieldAnswerDraft>,
}

/// The side whose value of a field is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldAnswerDraft {
    pub rule: String,
    pub keep: Side,
}

impl AnswerDraft {
    /// Whether nothing is answered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.partner.is_empty() && self.fields.is_empty()
    }
}
