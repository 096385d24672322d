use super::*;
use crate::record::FieldKey;
use crate::value::Value;
use time::macros::datetime;

pub(crate) fn subscription(id: &str, state: &str, created_at: OffsetDateTime) -> Subscription {
    Subscription {
        id: RemoteId::from(id),
        customer_id: RemoteId::from("77"),
        state: State::from(state),
        product: "Pro Plan".to_owned(),
        product_handle: Some("pro".to_owned()),
        price_in_cents: Some(4_900),
        balance_in_cents: Some(0),
        currency: Some("USD".to_owned()),
        next_billing_at: Some(datetime!(2026-09-30 22:30:00 -4)),
        trial_ends_at: None,
        created_at,
        updated_at: created_at,
        event_id: None,
        payment: None,
    }
}

const MAY: OffsetDateTime = datetime!(2026-05-01 12:00 UTC);
const JUNE: OffsetDateTime = datetime!(2026-06-01 12:00 UTC);

fn value(subscriptions: &[Subscription], key: &str) -> Value {
    facts(subscriptions).remove(key).unwrap()
}

#[test]
fn a_state_keeps_its_word_and_a_new_one_is_not_refused() {
    for word in ["active", "past_due", "awaiting_signup", "frozen_solid"] {
        assert_eq!(State::from(word).as_str(), word);
        assert_eq!(serde_json::to_value(State::from(word)).unwrap(), word);
    }
    assert_eq!(State::from("frozen_solid").words(), "frozen solid");
    assert_eq!(State::from("frozen_solid").standing(), Standing::Unclear);
    assert_eq!(State::from("past_due").standing(), Standing::Trouble);
}

#[test]
fn a_live_subscription_stands_for_the_customer_before_an_ended_one_and_the_youngest_of_those() {
    let check = |given: &[(&str, &str, OffsetDateTime)], expected: Option<&str>| {
        let all: Vec<_> = given.iter().map(|(id, state, at)| subscription(id, state, *at)).collect();
        assert_eq!(governing(&all).map(|one| one.id.as_str()), expected, "{given:?}");
    };
    check(&[], None);
    check(&[("1", "active", MAY), ("2", "canceled", JUNE)], Some("1"));
    check(&[("1", "active", MAY), ("2", "past_due", JUNE)], Some("2"));
    check(&[("1", "canceled", MAY), ("2", "expired", JUNE)], Some("2"));
    check(&[("10", "active", MAY), ("9", "active", MAY)], Some("10"));
    check(&[("1", "on_hold", JUNE), ("2", "trialing", MAY)], Some("2"));
}

#[test]
fn facts_are_empty_for_nobody_and_full_for_a_subscriber() {
    assert!(facts(&[]).values().all(|value| *value == Value::Empty));
    assert_eq!(facts(&[]).len(), FACTS.len());
    let all = [subscription("5", "past_due", MAY)];
    for (key, expected) in [
        ("subscription.state", "past_due"),
        ("subscription.product", "Pro Plan"),
        ("subscription.price", "49.00"),
        ("subscription.currency", "USD"),
        ("subscription.balance", "0.00"),
        ("subscription.next_billing", "2026-10-01"),
        ("subscription.trial_end", ""),
        ("subscription.id", "5"),
    ] {
        assert_eq!(value(&all, key), Value::from(expected), "{key}");
    }
    assert_eq!(value(&all, "subscription.tags"), Value::List(vec!["chargify:past_due".to_owned()]));
    assert!(is_fact(&FieldKey::from("subscription.state")));
    assert!(!is_fact(&FieldKey::from("state")));
}

#[test]
fn one_that_has_ended_is_not_billed_again() {
    assert_eq!(value(&[subscription("5", "canceled", MAY)], "subscription.next_billing"), Value::Empty);
}

#[test]
fn a_failed_payment_is_told_until_one_is_made_or_nothing_is_owed() {
    let payment = |failed| Some(Payment { failed, amount_in_cents: Some(4_900), at: JUNE, event_id: Some(1) });
    let check = |state: &str, balance: i64, failed: bool, expected: &str| {
        let one =
            Subscription { payment: payment(failed), balance_in_cents: Some(balance), ..subscription("5", state, MAY) };
        assert_eq!(value(&[one], "subscription.payment_failed"), Value::from(expected), "{state} {balance} {failed}");
    };
    check("past_due", 4_900, true, "2026-06-01");
    check("past_due", 4_900, false, "");
    check("active", 4_900, true, "2026-06-01");
    check("active", 0, true, "");
    check("canceled", 0, true, "2026-06-01");
}

#[test]
fn money_is_written_to_the_cent_with_its_currency() {
    assert_eq!(money(4_900, Some("USD")), "49.00 USD");
    assert_eq!(money(-5, None), "-0.05");
    assert_eq!(money(0, Some("EUR")), "0.00 EUR");
}
