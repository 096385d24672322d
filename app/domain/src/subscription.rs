//! What a customer pays for, as Chargify last told it, and the billing facts that a contact can be shown of it.
//!
//! Concord reads subscriptions and never changes one.

mod facts;
mod state;

pub use facts::{FACTS, Fact, facts, is_fact};
pub use state::{Standing, State};

use crate::id::RemoteId;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// One subscription of a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// Its id at Chargify.
    pub id: RemoteId,
    /// Whose it is. It can change hands.
    pub customer_id: RemoteId,
    /// How it stands.
    pub state: State,
    /// The product's name.
    pub product: String,
    /// The product's handle, where it has one.
    pub product_handle: Option<String>,
    /// Price of one period, in hundredths of the currency.
    pub price_in_cents: Option<i64>,
    /// What is owed, in hundredths of the currency; below zero it is in credit.
    pub balance_in_cents: Option<i64>,
    /// ISO 4217. Payloads of older sites leave it out.
    pub currency: Option<String>,
    /// When the next period is charged.
    pub next_billing_at: Option<OffsetDateTime>,
    /// When the trial ends, or ended.
    pub trial_ends_at: Option<OffsetDateTime>,
    /// When it was signed up for.
    pub created_at: OffsetDateTime,
    /// The service's own time of the last change; whole seconds.
    pub updated_at: OffsetDateTime,
    /// The event that told it: orders what happened within one second. Lists do not tell it.
    pub event_id: Option<i64>,
    /// The last attempt to be paid that was heard of. Only webhooks tell it.
    pub payment: Option<Payment>,
}

/// An attempt to be paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// Whether the money did not come.
    pub failed: bool,
    /// How much was asked for, in hundredths of the subscription's currency.
    pub amount_in_cents: Option<i64>,
    /// When; whole seconds.
    pub at: OffsetDateTime,
    /// The event that told it: of two within one second the greater one is the later.
    pub event_id: Option<i64>,
}

impl Subscription {
    /// True for those that have not come to an end, whether or not they are paid.
    #[must_use]
    pub fn is_live(&self) -> bool {
        matches!(self.state.standing(), Standing::Good | Standing::Trouble)
    }

    /// The payment that failed and still matters: none was made since as far as is known, and something is owed or the
    /// state says so. A success may have gone unheard; a live subscription in good standing that owes nothing proves it.
    #[must_use]
    pub fn failed_payment(&self) -> Option<&Payment> {
        let is_settled =
            self.state.standing() == Standing::Good && self.balance_in_cents.is_none_or(|cents| cents <= 0);
        self.payment.as_ref().filter(|payment| payment.failed && !is_settled)
    }

    /// The younger of two has the greater age key: by sign-up, then by id, which are numbers of growing length.
    fn age(&self) -> (OffsetDateTime, usize, &str) {
        (self.created_at, self.id.as_str().len(), self.id.as_str())
    }
}

/// The subscription that stands for the customer where only one can: a live one before one that has ended, and of those
/// the youngest.
#[must_use]
pub fn governing(subscriptions: &[Subscription]) -> Option<&Subscription> {
    subscriptions.iter().max_by_key(|subscription| (subscription.is_live(), subscription.age()))
}

/// An amount as people write it: `1234` of `USD` is `12.34 USD`.
#[must_use]
pub fn money(cents: i64, currency: Option<&str>) -> String {
    let amount = decimal(cents);
    currency.map_or_else(|| amount.clone(), |currency| format!("{amount} {currency}"))
}

/// A payment that failed, in words.
#[must_use]
pub fn failed_words(payment: &Payment, currency: Option<&str>) -> String {
    let day = payment.at.date();
    match payment.amount_in_cents {
        Some(cents) => format!("A payment of {} failed on {day}", money(cents, currency)),
        None => format!("A payment failed on {day}"),
    }
}

/// Hundredths as a decimal number.
fn decimal(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    let cents = cents.unsigned_abs();
    format!("{sign}{}.{:02}", cents / 100, cents % 100)
}

#[cfg(test)]
mod tests;
