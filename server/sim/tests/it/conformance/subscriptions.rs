//! The copy of a site's subscriptions.

use super::{
    Bench,
    bench::{NOON, texts},
    scenarios,
};
use domain::{
    RemoteId, Side,
    subscription::{Payment, State, Subscription},
};
use engine::store::{
    records::{ReadMark, RecordBatch},
    subscriptions::{Freshness, SiteMark},
};
use serde_json::json;
use time::{Duration, OffsetDateTime};

scenarios!(
    a_stale_payload_never_takes_the_place_of_a_newer_one,
    within_a_second_the_greater_event_counts_and_a_list_by_when_it_was_read,
    a_batch_that_tells_one_twice_keeps_the_newer,
    a_payment_is_kept_whatever_order_it_comes_in,
    one_that_changes_hands_touches_both_customers,
    one_that_is_gone_stays_gone,
    subscriptions_are_told_by_customer_and_age,
    freshness_only_moves_forward,
    facts_stand_with_the_customer_until_they_change,
    a_run_knows_the_customers_it_has_seen,
);

fn subscription(id: &str, state: &str, updated: i64, event_id: Option<i64>) -> Subscription {
    Subscription {
        id: RemoteId::from(id),
        customer_id: RemoteId::from("1"),
        state: State::from(state),
        product: "Pro".to_owned(),
        product_handle: None,
        price_in_cents: Some(4_900),
        balance_in_cents: Some(-1),
        currency: Some("EUR".to_owned()),
        next_billing_at: Some(NOON),
        trial_ends_at: None,
        created_at: NOON,
        updated_at: NOON + Duration::seconds(updated),
        event_id,
        payment: None,
    }
}

fn of(id: &str, customer_id: &str, created: i64) -> Subscription {
    let created_at = NOON + Duration::seconds(created);
    Subscription { customer_id: RemoteId::from(customer_id), created_at, ..subscription(id, "active", created, None) }
}

impl Bench {
    fn site_mark(&self, read_at: OffsetDateTime) -> SiteMark {
        SiteMark { workspace_id: self.workspace_id, connection_id: self.site, read_at }
    }

    async fn put(&self, read: i64, batch: &[Subscription]) -> Vec<String> {
        let mark = self.site_mark(NOON + Duration::seconds(read));
        let mut touched = self.session().await.put_subscriptions(mark, batch).await.unwrap();
        touched.sort();
        touched
    }

    async fn subscriptions(&self, customers: &[&str]) -> Vec<Subscription> {
        let ids = texts(customers);
        self.session().await.subscriptions_of_customers(self.workspace_id, self.site, &ids).await.unwrap()
    }

    async fn state(&self) -> String {
        self.subscriptions(&["1"]).await.first().map(|row| row.state.to_string()).unwrap_or_default()
    }
}

async fn a_stale_payload_never_takes_the_place_of_a_newer_one(bench: &mut Bench) {
    let newer = subscription("9", "past_due", 5, Some(50));
    assert_eq!(bench.put(1, std::slice::from_ref(&newer)).await, ["1"]);
    assert!(bench.put(2, &[subscription("9", "active", 4, Some(60))]).await.is_empty());
    assert_eq!(bench.subscriptions(&["1"]).await, [newer]);
    let unpriced = Subscription { currency: None, ..subscription("9", "canceled", 6, None) };
    assert_eq!(bench.put(0, &[unpriced]).await, ["1"]);
    let rows = bench.subscriptions(&["1"]).await;
    let row = rows.first().unwrap();
    assert_eq!((row.state.as_str(), row.currency.as_deref(), row.event_id), ("canceled", Some("EUR"), None));
}

async fn within_a_second_the_greater_event_counts_and_a_list_by_when_it_was_read(bench: &mut Bench) {
    bench.put(1, &[subscription("9", "active", 5, Some(50))]).await;
    assert!(bench.put(2, &[subscription("9", "past_due", 5, Some(49))]).await.is_empty());
    assert_eq!(bench.put(2, &[subscription("9", "past_due", 5, Some(51))]).await, ["1"]);
    assert!(bench.put(1, &[subscription("9", "active", 5, None)]).await.is_empty());
    assert_eq!(bench.state().await, "past_due");
    assert_eq!(bench.put(3, &[subscription("9", "unpaid", 5, None)]).await, ["1"]);
    let rows = bench.subscriptions(&["1"]).await;
    assert_eq!(rows.first().map(|row| (row.state.as_str(), row.event_id)), Some(("unpaid", Some(51))));
}

async fn a_batch_that_tells_one_twice_keeps_the_newer(bench: &mut Bench) {
    let batch = [
        subscription("9", "active", 5, None),
        subscription("9", "past_due", 5, Some(7)),
        subscription("9", "unpaid", 4, Some(99)),
    ];
    assert_eq!(bench.put(1, &batch).await, ["1"]);
    assert_eq!(bench.state().await, "past_due");
}

async fn a_payment_is_kept_whatever_order_it_comes_in(bench: &mut Bench) {
    let payment = |failed, at, event| {
        Some(Payment { failed, amount_in_cents: Some(12), at: NOON + Duration::seconds(at), event_id: Some(event) })
    };
    let told =
        |updated, event, payment| Subscription { payment, ..subscription("9", "past_due", updated, Some(event)) };
    // The state is stale, the payment is news.
    bench.put(1, &[told(9, 60, None)]).await;
    assert_eq!(bench.put(1, &[told(8, 50, payment(true, 8, 50))]).await, ["1"]);
    assert!(bench.put(1, &[told(7, 40, payment(false, 7, 40))]).await.is_empty());
    assert!(bench.put(1, &[told(8, 49, payment(false, 8, 49))]).await.is_empty());
    let rows = bench.subscriptions(&["1"]).await;
    assert_eq!(rows.first().map(|row| (row.event_id, row.payment.clone())), Some((Some(60), payment(true, 8, 50))));
    // A list says nothing of payments.
    bench.put(9, &[subscription("9", "active", 10, None)]).await;
    assert_eq!(bench.subscriptions(&["1"]).await.first().unwrap().payment, payment(true, 8, 50));
    assert_eq!(bench.put(1, &[told(8, 51, payment(false, 8, 51))]).await, ["1"]);
}

async fn one_that_changes_hands_touches_both_customers(bench: &mut Bench) {
    bench.put(1, &[of("9", "1", 0)]).await;
    let moved = Subscription { customer_id: RemoteId::from("2"), ..subscription("9", "active", 3, None) };
    assert_eq!(bench.put(2, &[moved]).await, ["1", "2"]);
    assert!(bench.subscriptions(&["1"]).await.is_empty());
    assert_eq!(bench.subscriptions(&["2"]).await.len(), 1);
}

async fn one_that_is_gone_stays_gone(bench: &mut Bench) {
    bench.put(1, &[of("9", "1", 0)]).await;
    let mark = bench.site_mark(NOON);
    let mut session = bench.session().await;
    assert_eq!(session.mark_subscription_gone(mark, "9").await.unwrap(), Some("1".to_owned()));
    assert_eq!(session.mark_subscription_gone(mark, "9").await.unwrap(), None);
    assert_eq!(session.mark_subscription_gone(mark, "never").await.unwrap(), None);
    drop(session);
    assert!(bench.put(9, &[subscription("9", "active", 99, Some(99))]).await.is_empty());
    assert!(bench.subscriptions(&["1"]).await.is_empty());
}

async fn subscriptions_are_told_by_customer_and_age(bench: &mut Bench) {
    bench.put(1, &[of("7", "2", 0), of("8", "1", 5), of("9", "1", 1), of("6", "3", 0)]).await;
    let ids: Vec<String> = bench.subscriptions(&["1", "2", "4"]).await.into_iter().map(|row| row.id.0).collect();
    assert_eq!(ids, ["9", "8", "7"]);
    let mut session = bench.session().await;
    let elsewhere = session.subscriptions_of_customers(bench.workspace_id, bench.crm, &texts(&["1"])).await.unwrap();
    assert!(elsewhere.is_empty());
}

async fn freshness_only_moves_forward(bench: &mut Bench) {
    let mut session = bench.session().await;
    let (workspace_id, site) = (bench.workspace_id, bench.site);
    assert_eq!(session.subscription_freshness(workspace_id, site).await.unwrap(), Freshness::default());
    let later = Some(NOON + Duration::MINUTE);
    for told in [
        Freshness { current_at: later, ..Freshness::default() },
        Freshness { listed_at: Some(NOON), current_at: Some(NOON), heard_at: None, event_id: Some(7) },
        Freshness { event_id: Some(6), ..Freshness::default() },
    ] {
        session.set_subscription_freshness(workspace_id, site, told).await.unwrap();
    }
    let known = session.subscription_freshness(workspace_id, site).await.unwrap();
    assert_eq!(known, Freshness { listed_at: Some(NOON), current_at: later, heard_at: None, event_id: Some(7) });
}

async fn facts_stand_with_the_customer_until_they_change(bench: &mut Bench) {
    bench.copy_of(Side::Chargify, "1", None).await;
    bench.copy_of(Side::Chargify, "2", None).await;
    let run_id = bench.add_run("changes").await;
    let of = (bench.workspace_id, bench.sync_id, Some(run_id));
    let ids = texts(&["1", "never"]);
    let facts = [json!({ "subscription.state": "active" }), json!({ "subscription.state": null })];
    let mut session = bench.session().await;
    let at = NOON + Duration::MINUTE;
    assert_eq!(session.set_billing_facts(of, at, &ids, &facts).await.unwrap(), ["1"]);
    let seen = session.customers_there((of.0, of.1), of.2, "", 9).await.unwrap();
    assert_eq!(seen, ["1"]);
    let later = at + Duration::MINUTE;
    assert!(session.set_billing_facts(of, later, &ids, &facts).await.unwrap().is_empty());
    let rows = session.records_by_ids(of.0, of.1, Side::Chargify, &ids).await.unwrap();
    assert_eq!(rows.first().map(|row| row.read_at), Some(at));
    drop(session);
    // Another reading of the customer knows nothing of them and leaves them.
    let batch = RecordBatch {
        remote_id: texts(&["1"]),
        field_values: vec![json!({ "city": "Gent" })],
        metafields: vec![None],
        updated_at: vec![None],
        event_id: vec![None],
        email: vec![None],
        phone: vec![None],
        reference: vec![None],
        display_name: texts(&[""]),
    };
    let mark = ReadMark { workspace_id: of.0, sync_id: of.1, side: Side::Chargify, run_id: None, read_at: later };
    let mut session = bench.session().await;
    session.upsert_records(mark, &batch).await.unwrap();
    let rows = session.records_by_ids(of.0, of.1, Side::Chargify, &ids).await.unwrap();
    let expected = json!({ "city": "Gent", "subscription.state": "active" });
    assert_eq!(rows.first().map(|row| &row.field_values), Some(&expected));
}

async fn a_run_knows_the_customers_it_has_seen(bench: &mut Bench) {
    let run_id = bench.add_run("full").await;
    for id in ["1", "2"] {
        bench.copy_of(Side::Chargify, id, Some(run_id)).await;
    }
    bench.copy_of(Side::Chargify, "3", None).await;
    bench.copy_of(Side::Highlevel, "4", Some(run_id)).await;
    let of = (bench.workspace_id, bench.sync_id);
    let mut session = bench.session().await;
    assert_eq!(session.customers_there(of, Some(run_id), "", 9).await.unwrap(), ["1", "2"]);
    assert_eq!(session.customers_there(of, Some(run_id), "1", 9).await.unwrap(), ["2"]);
    assert_eq!(session.customers_there(of, Some(run_id), "", 1).await.unwrap(), ["1"]);
    assert_eq!(session.customers_there(of, None, "1", 9).await.unwrap(), ["2", "3"]);
}
