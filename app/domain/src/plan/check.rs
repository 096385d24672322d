//! What the services would refuse, found before it is sent.

use super::{Change, Reason, ReasonCode};
use crate::field::Catalogue;
use crate::limits;
use crate::problem::{Problem, ProblemCode};
use crate::record::FieldKey;
use crate::side::Side;
use crate::value::{FieldKind, Value, is_email};

/// Texts longer than their field. Nothing is cut unless a rule says so.
pub(super) fn too_long(changes: &[Change], reference: Option<&str>, catalogue: &Catalogue) -> Vec<Problem> {
    let mut problems: Vec<Problem> = changes.iter().filter_map(|change| change_too_long(change, catalogue)).collect();
    if let Some(reference) = reference
        && reference.chars().count() > limits::CHARGIFY_TEXT_CHARS
    {
        let detail = format!("the reference has {} characters", reference.chars().count());
        problems.push(Problem::at(ProblemCode::TooLong, &FieldKey::from("reference"), detail));
    }
    problems
}

fn change_too_long(change: &Change, catalogue: &Catalogue) -> Option<Problem> {
    let chars = change.after.display().chars().count();
    let problem = |detail: String| Some(Problem::at(ProblemCode::TooLong, &change.field, detail));
    let limit = catalogue.get(change.side, &change.field)?.max_chars?;
    if chars > limit { problem(format!("{chars} characters; {limit} fit")) } else { None }
}

/// The first e-mail address among the changes that is none.
pub(super) fn malformed_email(changes: &[Change], catalogue: &Catalogue) -> Option<(Reason, Problem)> {
    changes.iter().find_map(|change| {
        let Value::Text(text) = &change.after else { return None };
        let concerned = !change.field.is_custom() && catalogue.kind(change.side, &change.field) == FieldKind::Email;
        if !concerned || is_email(text) {
            return None;
        }
        let problem = Problem::at(ProblemCode::EmailMalformed, &change.field, text.trim());
        Some((
            Reason::new(ReasonCode::EmailMalformed, format!("\"{}\" is not an e-mail address", text.trim())),
            problem,
        ))
    })
}

/// Required Chargify fields that a new customer would lack.
pub(super) fn missing_for_customer(changes: &[Change], catalogue: &Catalogue) -> Vec<Problem> {
    let given = |key: &FieldKey| {
        changes.iter().any(|change| change.side == Side::Chargify && change.field == *key && !change.after.is_blank())
    };
    let required = catalogue.fields(Side::Chargify).values().filter(|field| field.required && !given(&field.key));
    required.map(|field| Problem::at(ProblemCode::RequiredMissing, &field.key, "")).collect()
}
