use std::collections::BTreeSet;

use sandbox::chargify::subscriptions::SubscriptionState;
use serde_json::{Value, json};

use super::{Site, column, texts};

#[test]
fn a_signup_needs_a_customer_and_a_way_to_pay() {
    let mut site = Site::empty();
    let wish = json!({"subscription": {"product_handle": "pro", "payment_collection_method": "remittance"}});
    let nobody = ["A Customer must be specified for the subscription to be valid."];
    assert_eq!(texts(&site.post("/subscriptions.json", &wish)), nobody);
    let customer = site.customer("Ann", None);
    let wish = json!({"subscription": {"product_handle": "pro", "customer_id": customer}});
    assert_eq!(texts(&site.post("/subscriptions.json", &wish)), ["Payment profile: cannot be blank."]);
}

#[test]
fn two_signups_with_one_reference_share_the_customer() {
    let mut site = Site::empty();
    let wish = json!({"subscription": {
        "product_handle": "free",
        "customer_attributes": {
            "first_name": "Ann", "last_name": "Lee", "email": "ann@shop.example", "reference": "r1",
            "metafields": {"ghl_tags": "vip"},
        },
    }});
    let first = site.post("/subscriptions.json", &wish).value()["subscription"]["customer"]["id"].clone();
    let second = site.post("/subscriptions.json", &wish).value()["subscription"]["customer"]["id"].clone();
    assert_eq!(first, second);
    let rows = site.get(&format!("/customers/{first}/metadata.json")).value();
    assert_eq!(rows["metadata"][0]["value"], json!("vip"));
    assert_eq!(column(&site.get(&format!("/customers/{first}/subscriptions.json")), "subscription", "id").len(), 2);
}

#[test]
fn a_cancelled_subscription_cannot_be_cancelled_again() {
    let mut site = Site::empty();
    let customer = site.customer("Ann", None);
    let id = site.subscription(customer);
    let row = site.delete(&format!("/subscriptions/{id}.json")).value()["subscription"].clone();
    assert_eq!((&row["state"], &row["previous_state"]), (&json!("canceled"), &json!("canceled")));
    let again = site.delete(&format!("/subscriptions/{id}.json"));
    assert_eq!(again.status, 422);
    assert_eq!(again.value(), json!({"error": "The subscription is already canceled"}));
}

#[test]
fn lists_filter_by_state_and_date() {
    let mut site = Site::empty();
    let customer = site.customer("Ann", None);
    let first = site.subscription(customer);
    site.wait(3600);
    let second = site.subscription(customer);
    assert!(site.rules.set_subscription_state(first, SubscriptionState::PastDue, site.now));
    assert!(!site.rules.set_subscription_state(first, SubscriptionState::PastDue, site.now));
    let ids =
        |site: &mut Site, query: &str| column(&site.get(&format!("/subscriptions.json?{query}")), "subscription", "id");
    assert_eq!(ids(&mut site, "state=past_due"), [json!(first)]);
    assert_eq!(ids(&mut site, "sort=created_at&direction=asc"), [json!(first), json!(second)]);
    let late = "date_field=created_at&start_datetime=2026-11-22T03:30:00Z";
    assert_eq!(ids(&mut site, late), [json!(second)]);
    assert_eq!(ids(&mut site, "state=trialing"), [Value::Null; 0]);
}

#[test]
fn notes_belong_to_a_subscription_and_come_in_no_order() {
    let mut site = Site::empty();
    let customer = site.customer("Ann", None);
    let subscription = site.subscription(customer);
    let path = format!("/subscriptions/{subscription}/notes.json");
    let mut ids = BTreeSet::new();
    for number in 0..30 {
        let reply = site.post(&path, &json!({"note": {"body": format!("note {number}"), "sticky": false}}));
        assert_eq!(reply.status, 201);
        ids.insert(reply.value()["note"]["id"].as_i64());
    }
    let read = |site: &mut Site, page: u8| -> Vec<Option<i64>> {
        let reply = site.get(&format!("{path}?per_page=20&page={page}"));
        column(&reply, "note", "id").iter().map(Value::as_i64).collect()
    };
    let (one, again, two) = (read(&mut site, 1), read(&mut site, 1), read(&mut site, 2));
    assert_ne!(one, again);
    assert_eq!(one.into_iter().chain(two).collect::<BTreeSet<_>>(), ids);
    assert_eq!(texts(&site.get(&format!("{path}?page=-1"))), ["invalid page: -1"]);
    assert_eq!(texts(&site.post(&path, &json!({"note": {"body": " ", "sticky": true}}))), ["Body: cannot be blank."]);
    assert_eq!(site.get("/subscriptions/1/notes.json").status, 404);
}

#[test]
fn a_note_can_be_changed_and_removed() {
    let mut site = Site::empty();
    let customer = site.customer("Ann", None);
    let subscription = site.subscription(customer);
    let wish = json!({"note": {"body": "first", "sticky": true}});
    let made = site.post(&format!("/subscriptions/{subscription}/notes.json"), &wish).value();
    let path = format!("/subscriptions/{subscription}/notes/{}.json", made["note"]["id"]);
    let changed = site.put(&path, &json!({"note": {"body": "second", "sticky": false}}));
    assert_eq!(changed.status, 201);
    assert_eq!(site.get(&path).value()["note"]["body"], json!("second"));
    let gone = site.delete(&path);
    assert_eq!((gone.status, gone.body.len()), (200, 0));
    assert_eq!(site.get(&path).status, 404);
}
