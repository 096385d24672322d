//! Payments and changes of product: what happens to a subscription without anybody calling the API.

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{
    Chargify,
    events::NewEvent,
    payload,
    products::Product,
    subscriptions::{Subscription, SubscriptionState},
    zone::whole_seconds,
};

/// An attempt to be paid, as payloads tell it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Transaction {
    pub(super) id: i64,
    pub(super) success: bool,
    pub(super) amount_in_cents: i64,
    pub(super) ending_balance_in_cents: i64,
    pub(super) created_at: OffsetDateTime,
}

impl Chargify {
    /// The period's price is asked for and does not come: it is owed, and the subscription is past due. `false`: there is no
    /// such subscription.
    pub fn fail_payment(&mut self, id: i64, now: OffsetDateTime) -> bool {
        self.attempt_payment(id, false, now)
    }

    /// What is owed, or else the period's price, is paid; a subscription that was past due is active again. `false`: there is
    /// no such subscription.
    pub fn take_payment(&mut self, id: i64, now: OffsetDateTime) -> bool {
        self.attempt_payment(id, true, now)
    }

    fn attempt_payment(&mut self, id: i64, success: bool, now: OffsetDateTime) -> bool {
        let draw = self.draw();
        let Some(subscription) = self.subscriptions.get_mut(id) else { return false };
        let before = subscription.state;
        let owed = subscription.balance_in_cents;
        let amount_in_cents = if owed > 0 { owed } else { subscription.price_in_cents };
        subscription.balance_in_cents = if success { 0 } else { amount_in_cents };
        subscription.updated_at = whole_seconds(now);
        let after = match (success, before) {
            (false, SubscriptionState::Active | SubscriptionState::Trialing) => SubscriptionState::PastDue,
            (true, SubscriptionState::PastDue | SubscriptionState::Unpaid) => SubscriptionState::Active,
            (_, state) => state,
        };
        let ending_balance_in_cents = subscription.balance_in_cents;
        // The attempt is told of the subscription as it then is, and the change of its state apart.
        subscription.enter(after, now);
        let created_at = whole_seconds(now);
        let number = i64::try_from(draw % 1_000_000).unwrap_or_default();
        let transaction =
            Transaction { id: 1_170_000_000 + number, success, amount_in_cents, ending_balance_in_cents, created_at };
        self.tell_payment(id, &transaction, now);
        if after != before {
            self.tell_subscription("subscription_state_change", id, before, now);
        }
        true
    }

    /// Moves a subscription to another product at once. `false`: there is no such subscription, or it has it already.
    pub fn change_product(&mut self, id: i64, product: Product, now: OffsetDateTime) -> bool {
        let Some(subscription) = self.subscriptions.get_mut(id).filter(|row| row.product_id != product.id) else {
            return false;
        };
        let before = subscription.product();
        (subscription.product_id, subscription.price_in_cents) = (product.id, product.price_in_cents);
        subscription.updated_at = whole_seconds(now);
        let told = subscription.clone();
        let message = format!("Product changed from {} to {}", before.name, product.name);
        let data = json!({ "previous_product_id": before.id, "new_product_id": product.id });
        self.tell_of("subscription_product_change", (&told, message, data), now, |form, site| {
            payload::previous_product(form, &before, site);
        });
        true
    }

    fn tell_payment(&mut self, id: i64, transaction: &Transaction, now: OffsetDateTime) {
        let Some(told) = self.subscriptions.get(id).cloned() else { return };
        let (key, words) =
            if transaction.success { ("payment_success", "Successful") } else { ("payment_failure", "Failed") };
        let message = format!("{words} payment of {} cents", transaction.amount_in_cents);
        let transaction = *transaction;
        let data = json!({ "account_transaction_id": transaction.id });
        self.tell_of(key, (&told, message, data), now, |form, _| payload::transaction(form, &transaction));
    }

    /// Notes the event and sends its webhooks, with what belongs to this kind of event in `more`.
    fn tell_of(
        &mut self,
        key: &'static str,
        (subscription, message, data): (&Subscription, String, Value),
        now: OffsetDateTime,
        more: impl Fn(&mut payload::Form, &super::site::Site),
    ) {
        let Some(customer) = self.customers.get(subscription.customer_id).cloned() else { return };
        let (subscription_id, customer_id) = (Some(subscription.id), Some(subscription.customer_id));
        let event_id = self.note_event(NewEvent { key, message, subscription_id, customer_id, data }, now);
        let listeners = self.webhooks.listeners(key);
        if listeners.is_empty() {
            return;
        }
        let product = subscription.product();
        let told = (subscription, subscription.state);
        let fields = payload::subscription_event_with(told, &customer, &product, (&self.site, event_id), more);
        for endpoint in listeners {
            self.webhooks.push(endpoint, key, &fields, subscription_id, now);
        }
    }
}
