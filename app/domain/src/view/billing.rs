//! Subscriptions as pages see them: from the copy, with how far it can be trusted.

use super::At;
use crate::limits;
use crate::subscription::{Standing, Subscription, failed_words, governing, money};
use serde::{Deserialize, Serialize};

/// One subscription of a customer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SubscriptionView {
    pub id: String,
    /// In words.
    pub state: String,
    /// `good`, `trouble`, `ended`, `unclear`.
    pub standing: String,
    pub product: String,
    /// With its currency.
    pub price: Option<String>,
    /// With its currency.
    pub balance: Option<String>,
    /// Whether something is owed.
    pub owes: bool,
    pub next_billing_at: Option<At>,
    pub trial_ends_at: Option<At>,
    /// The payment that failed and still matters, in words.
    pub payment_failed: Option<String>,
    pub created_at: At,
    /// The one that stands for the customer: the billing facts are about it.
    pub governs: bool,
}

/// What a customer pays for, as last told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BillingView {
    /// The one that stands for the customer first, then the youngest first.
    pub subscriptions: Vec<SubscriptionView>,
    /// How many more there are, older ones.
    pub more: u64,
    /// Until when nothing that happened at the site can be missing; none: they were never read whole.
    pub current_at: Option<At>,
    /// When a webhook last changed any of the site.
    pub heard_at: Option<At>,
}

/// A billing fact and where it is told, or would be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FactView {
    pub key: String,
    /// Its name, and that of the custom field made for it.
    pub label: String,
    /// The type of the custom field made for it; none: it is told as a tag.
    pub kind: Option<String>,
    /// The field it is told in already.
    pub told_in: Option<String>,
    /// A custom field of that name and type is there, as last read.
    pub is_there: bool,
}

/// The copy of one site's subscriptions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SubscriptionCopyView {
    /// Name of the connection.
    pub connection: String,
    pub subscriptions: u64,
    /// Until when nothing that happened at the site can be missing; none: they were never read whole.
    pub current_at: Option<At>,
    /// When a webhook last changed any.
    pub heard_at: Option<At>,
}

impl BillingView {
    /// A customer's subscriptions, and when they were current and heard of.
    #[must_use]
    pub fn of(subscriptions: &[Subscription], current_at: Option<At>, heard_at: Option<At>) -> Self {
        let governs = governing(subscriptions).map(|one| one.id.clone());
        let mut views: Vec<SubscriptionView> =
            subscriptions.iter().map(|one| view(one, governs.as_ref() == Some(&one.id))).collect();
        views.sort_by_key(|one| (!one.governs, std::cmp::Reverse(one.created_at)));
        let more = views.len().saturating_sub(limits::SUBSCRIPTIONS_SHOWN) as u64;
        views.truncate(limits::SUBSCRIPTIONS_SHOWN);
        Self { subscriptions: views, more, current_at, heard_at }
    }
}

fn view(one: &Subscription, governs: bool) -> SubscriptionView {
    let currency = one.currency.as_deref();
    let standing = match one.state.standing() {
        Standing::Good => "good",
        Standing::Trouble => "trouble",
        Standing::Ended => "ended",
        Standing::Unclear => "unclear",
    };
    SubscriptionView {
        id: one.id.0.clone(),
        state: one.state.words(),
        standing: standing.to_owned(),
        product: one.product.clone(),
        price: one.price_in_cents.map(|cents| money(cents, currency)),
        balance: one.balance_in_cents.map(|cents| money(cents, currency)),
        owes: one.balance_in_cents.is_some_and(|cents| cents > 0),
        next_billing_at: one.next_billing_at.filter(|_| one.is_live()).map(At::from),
        trial_ends_at: one.trial_ends_at.map(At::from),
        payment_failed: one.failed_payment().map(|payment| failed_words(payment, currency)),
        created_at: At::from(one.created_at),
        governs,
    }
}
