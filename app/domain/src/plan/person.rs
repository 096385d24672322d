//! Where a person has the word: what they decided about a record, and what waits for them to decide.

use super::decide::end;
use super::{Action, PlanInput, PlanItem, Reason, ReasonCode};
use crate::decision::Partner;
use crate::record::Record;
use crate::side::Side;

fn partner<'a>(input: &PlanInput<'a>) -> Option<&'a Partner> {
    input.decision.and_then(|decision| decision.partner.as_ref())
}

/// Whether the record takes no part, for good.
pub(super) fn leaves_it_out(input: &PlanInput<'_>) -> bool {
    partner(input) == Some(&Partner::Nobody)
}

/// The customer the contact was paired with. Void when that customer is not the one at hand: it is gone, or somebody's.
pub(super) fn paired_with<'a>(input: &PlanInput<'a>) -> Option<&'a Record> {
    match (partner(input), input.customer) {
        (Some(Partner::Customer(id)), Some(customer)) if customer.id.as_ref() == Some(id) => Some(customer),
        _ => None,
    }
}

/// Whether a new partner is to be created, whatever was found or deleted.
pub(super) fn wants_a_new_one(input: &PlanInput<'_>) -> bool {
    partner(input).is_some_and(|partner| partner.is_new_for(input.matched))
}

/// A create in place of a partner that was deleted waits for a person; everything else is left as planned.
pub(super) fn unless_parted(input: &PlanInput<'_>, planned: PlanItem) -> PlanItem {
    let creates = matches!(planned.action, Action::CreateCustomer | Action::CreateContact);
    let Some(parted) = input.parted.filter(|_| creates && !wants_a_new_one(input)) else { return planned };
    let code = if parted.side == Side::Highlevel { ReasonCode::ContactGone } else { ReasonCode::CustomerGone };
    let (noun, label, on) = (parted.side.noun(), parted.side.label(), parted.at.date());
    let words =
        format!("its {noun} was deleted in {label} on {} {} {}: waits for a decision", on.day(), on.month(), on.year());
    end(input, Action::Hold, Reason::new(code, words))
}
