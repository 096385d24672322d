//! What is sent to Chargify, and how its customers are read.

use super::script::{self, Script, body, bulk, fields, header, id, json, live, text};
use crate::setting::TestClock;
use domain::{field::Field, record::FieldKey, value::Value};
use engine::{
    UpstreamClass,
    clients::{CallError, Chargify, Gate, Permit, Priority, Refusal, Wire, chargify::CustomerPage},
};
use futures::future::BoxFuture;
use serde_json::json as j;
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicI32, Ordering},
    },
};
use time::macros::datetime;

#[tokio::test]
async fn every_call_carries_the_key_and_a_template_for_the_journal() {
    let answer = script::with(json(200, j!({ "customer": { "id": 2_566_241_561_i64 } })), "x-request-id", "req-9");
    let script = Script::of([answer]);
    let record = script::chargify(&script).get(&live(), &id("2566241561")).await.unwrap();
    assert_eq!(record.id, Some(id("2566241561")));

    let sent = script.only();
    assert_eq!(sent.url, "https://acme.example/customers/2566241561.json");
    assert_eq!(header(&sent, "authorization"), Some("Basic a2V5MTp4"), "key1:x");
    assert_eq!(sent.timeout.as_secs(), 60);
    let call = &script.calls()[0];
    assert_eq!((call.endpoint, call.remote_request_id.as_deref()), ("GET /customers/{id}.json", Some("req-9")));
}

#[tokio::test]
async fn empty_text_and_null_read_the_same_and_strange_types_cost_one_field() {
    let customer = j!({ "customer": {
        "id": 7, "first_name": "Nick ", "last_name": "Test", "email": ["odd", { "x": 1 }], "organization": "",
        "reference": null, "zip": 2120, "tax_exempt": false, "updated_at": "2016-10-13T16:52:54-04:00", "new": [1],
    }});
    let script = Script::of([json(200, customer)]);
    let record = script::chargify(&script).get(&live(), &id("7")).await.unwrap();
    assert_eq!(record.get("first_name"), Some(&Value::Text("Nick ".to_owned())), "verbatim");
    assert_eq!((record.get("organization"), record.get("reference")), (Some(&Value::Empty), Some(&Value::Empty)));
    assert_eq!(record.get("email"), None);
    assert_eq!(record.get("address"), None, "not in the answer: unknown");
    assert_eq!(record.text("zip"), Some("2120"));
    assert_eq!(record.stamp.updated_at, Some(datetime!(2016-10-13 20:52:54 UTC)));
}

#[tokio::test]
async fn an_organization_made_up_from_the_name_is_no_company() {
    let customer = |organization: &str| {
        let mut ann = j!({ "customer": { "id": 7, "first_name": "Ann", "last_name": "Lee" } });
        ann["customer"]["organization"] = j!(organization);
        ann
    };
    let script = Script::of([json(200, customer("Ann Lee")), json(200, customer("Ann Lee Ltd"))]);
    let client = script::chargify(&script);
    assert_eq!(client.get(&live(), &id("7")).await.unwrap().get("organization"), Some(&Value::Empty));
    assert_eq!(client.get(&live(), &id("7")).await.unwrap().text("organization"), Some("Ann Lee Ltd"));
}

#[tokio::test]
async fn a_filter_that_was_ignored_is_noticed() {
    let row = |n: i64, at: &str| j!({ "customer": { "id": n, "updated_at": at } });
    let good = j!([row(1, "2026-01-01T10:00:00Z"), row(2, "2026-01-01T12:00:00+02:00")]);
    let stale = j!([row(1, "2025-12-31T10:00:00Z"), "odd"]);
    let script = Script::of([json(200, good), json(200, stale)]);
    let client = script::chargify(&script);
    let page = CustomerPage { page: 3, updated_since: Some(datetime!(2026-01-01 11:00:00.9 +1)) };
    let rows = client.customers(&live(), &page).await.unwrap();
    assert!(rows.filtered && rows.rows_complete && !rows.more);
    let rows = client.customers(&live(), &page).await.unwrap();
    assert!(!rows.filtered && !rows.rows_complete);
    assert_eq!(rows.problems.len(), 1);
    let url = &script.sent()[0].url;
    let query = "?page=3&per_page=200&direction=asc&date_field=updated_at&start_datetime=2026-01-01T10%3A00%3A00Z";
    assert!(url.ends_with(query), "{url}");
}

#[tokio::test]
async fn a_reference_that_differs_in_case_is_not_the_one_meant() {
    let found = |reference: &str| json(200, j!({ "customer": { "id": 1, "reference": reference } }));
    let script = Script::of([found("aB+c"), found("AB+C"), text(404, " ")]);
    let client = script::chargify(&script);
    assert!(client.lookup(&live(), "aB+c").await.unwrap().unwrap().exact);
    assert!(!client.lookup(&live(), "aB+c").await.unwrap().unwrap().exact);
    assert_eq!(client.lookup(&live(), "aB+c").await.unwrap(), None);
    assert!(script.sent()[0].url.ends_with("/customers/lookup.json?reference=aB%2Bc"));
}

#[tokio::test]
async fn a_write_sends_what_is_meant_and_verifies_the_echo() {
    let back = j!({ "customer": { "id": 5, "first_name": "Ann", "state": "TX", "reference": "c1", "phone": null } });
    let script = Script::of([json(201, back.clone()), json(200, back)]);
    let client = script::chargify(&script);
    let new = fields([
        ("first_name", "Ann"),
        ("last_name", ""),
        ("state", "Texas"),
        ("reference", "c1"),
        ("tax_exempt", "yes"),
    ]);
    let written = client.create(&live(), &new, "token-1").await.unwrap();
    let expected = j!({
        "customer": { "first_name": "Ann", "state": "Texas", "reference": "c1", "tax_exempt": true },
        "uniqueness_token": "token-1",
    });
    let sent = script.sent();
    assert_eq!(body(&sent[0]), expected);
    assert_eq!((sent[0].timeout.as_secs(), header(&sent[0], "content-type")), (130, Some("application/json")));
    assert!(written.differing.contains(&FieldKey::from("tax_exempt")), "it did not come back");
    assert!(!written.differing.contains(&FieldKey::from("reference")));

    let changed = fields([("phone", ""), ("city", "Rome")]);
    let written = client.update(&live(), &id("5"), &changed).await.unwrap();
    assert_eq!(body(&script.sent()[1]), j!({ "customer": { "phone": "", "city": "Rome" } }));
    assert_eq!(written.differing, [FieldKey::from("city")], "null is what an emptied phone looks like");
}

#[tokio::test]
async fn what_the_service_would_refuse_is_never_sent() {
    let script = Script::of([]);
    let client = script::chargify(&script);
    for changed in [fields([]), fields([("emailzzz", "x")]), fields([("id", "1")]), fields([("parent_id", "1")])] {
        let error = client.update(&live(), &id("1"), &changed).await.unwrap_err();
        assert_eq!(error.refusal, Refusal::NeverSent, "{changed:?}");
    }
    let long = BTreeMap::from([("note".to_owned(), Value::Text("x".repeat(2_001)))]);
    assert_eq!(client.set_metadata(&live(), &id("1"), &long).await.unwrap_err().refusal, Refusal::NeverSent);
}

#[tokio::test]
async fn a_metafield_value_dropped_in_silence_is_told() {
    let values = BTreeMap::from([("kept".to_owned(), Value::from("a")), ("lost".to_owned(), Value::from("b"))]);
    let kept = j!({ "id": 1, "name": "kept", "value": "a" });
    let dropped = j!([kept, { "id": null, "name": "lost", "value": null }]);
    let stored = j!([kept, { "id": 2, "name": "lost", "value": "b" }]);
    let script = Script::of([json(200, dropped), json(200, stored)]);
    let client = script::chargify(&script);
    let lost = client.set_metadata(&live(), &id("1"), &values).await.unwrap();
    assert_eq!(lost, BTreeMap::from([("lost".to_owned(), Value::Empty)]));
    assert!(client.set_metadata(&live(), &id("1"), &values).await.unwrap().is_empty());
}

fn tier() -> Field {
    Field::chargify_metafield("tier").with_choices(["Gold", "Silver"])
}

#[tokio::test]
async fn metafields_are_set_after_the_customer_and_one_that_is_not_kept_takes_nothing_else_along() {
    let customer = j!({ "customer": { "id": 1, "city": "Rome" } });
    let rows = j!([{ "name": "note", "value": "x" }, { "name": "tier", "value": "Gold" }]);
    let script = Script::of([json(200, customer), json(200, rows)]);
    let client = script::chargify(&script).with_metafields([tier(), Field::chargify_metafield("note")]);
    let changed = fields([("city", "Rome"), ("metafield:note", "x"), ("metafield:tier", "Tin")]);
    let written = client.update(&live(), &id("1"), &changed).await.unwrap();
    let dropped: Vec<&str> = written.dropped.iter().map(|dropped| dropped.field.as_str()).collect();
    assert_eq!(dropped, ["metafield:tier"]);
    assert!(written.dropped[0].why.ends_with("when last read it took Gold, Silver"), "{}", written.dropped[0].why);
    assert_eq!(written.record.text("metafield:note"), Some("x"));
    assert_eq!(written.record.text("metafield:tier"), Some("Gold"), "what stands there");
    let sent = script.sent();
    assert_eq!(body(&sent[0]), j!({ "customer": { "city": "Rome" } }));
    assert_eq!(
        body(&sent[1]),
        j!({ "metadata": [{ "name": "note", "value": "x" }, { "name": "tier", "value": "Tin" }] })
    );
}

#[tokio::test]
async fn a_created_customer_stands_even_when_its_metafields_are_refused() {
    for answer in [json(422, j!({ "error": "Metafield limit reached" })), text(503, "away")] {
        let script = Script::of([json(201, j!({ "customer": { "id": 1 } })), answer]);
        let client = script::chargify(&script).with_metafields([Field::chargify_metafield("note")]);
        let written = client.create(&live(), &fields([("metafield:note", "x")]), "token").await.unwrap();
        assert_eq!(written.dropped.len(), 1);
        assert!(written.dropped[0].why.starts_with("it was not set: "), "{:?}", written.dropped);
        assert_eq!(written.record.get("metafield:note"), None, "nothing is known of it");
    }
}

#[tokio::test]
async fn a_choice_is_taken_off_and_a_text_is_emptied() {
    let script = Script::of([json(200, j!([{ "name": "note", "value": "" }])), text(404, "")]);
    let client = script::chargify(&script).with_metafields([tier(), Field::chargify_metafield("note")]);
    let emptied = fields([("metafield:note", ""), ("metafield:tier", "")]);
    let written = client.update(&live(), &id("1"), &emptied).await.unwrap();
    assert!(written.dropped.is_empty(), "{:?}", written.dropped);
    assert_eq!(written.record.get("metafield:tier"), Some(&Value::Empty));
    let sent = script.sent();
    assert_eq!((sent[1].method.as_str(), sent[1].body.as_ref()), ("DELETE", None));
    assert!(sent[1].url.ends_with("/customers/1/metadata.json?names%5B%5D=tier"), "{}", sent[1].url);
}

#[tokio::test]
async fn values_of_many_customers_come_page_by_page_and_whoever_has_none_has_them_empty() {
    let row = |id: i64, name: &str, value: &str| j!({ "resource_id": id, "name": name, "value": value });
    let page = |page: i64, rows: serde_json::Value| {
        json(200, j!({ "total_pages": 2, "current_page": page, "metadata": rows }))
    };
    let script = Script::of([
        page(1, j!([row(1, "tier", "Gold"), row(9, "tier", "Tin"), { "name": "tier" }, 7])),
        page(
            2,
            j!([row(1, "other", "x"), { "resource_id": 2, "name": "tier", "value": "x", "deleted_at": "2026-01-01" }]),
        ),
    ]);
    let client = script::chargify(&script).with_metafields([tier()]);
    let told = client.metafields_of(&bulk(), &[id("1"), id("2")]).await.unwrap();
    assert_eq!(told.len(), 2);
    assert_eq!(told[&id("1")], fields([("metafield:tier", "Gold")]));
    assert_eq!(told[&id("2")], fields([("metafield:tier", "")]));
    let url = &script.sent()[0].url;
    assert!(url.contains("per_page=200&resource_ids%5B%5D=1&resource_ids%5B%5D=2"), "{url}");
}

#[tokio::test]
async fn definitions_are_read_whatever_stands_for_their_choices() {
    let rows = j!([
        { "name": "tier", "input_type": "dropdown", "enum": ["Gold", "Silver"] },
        { "name": "one", "input_type": "radio", "enum": "Only" },
        { "name": "note", "input_type": "text", "enum": null },
        { "name": "odd", "enum": { "a": 1 } },
        { "input_type": "text" }, 7,
    ]);
    let script = Script::of([json(200, j!({ "total_pages": 1, "current_page": 1, "metafields": rows }))]);
    let found = script::chargify(&script).metafields(&live()).await.unwrap();
    let told: Vec<(&str, usize)> = found.iter().map(|field| (field.label.as_str(), field.choices.len())).collect();
    assert_eq!(told, [("tier", 2), ("one", 1), ("note", 0), ("odd", 0)]);
}

#[tokio::test]
async fn metadata_is_read_to_the_last_page() {
    let page = |page: i64, name: &str| {
        json(200, j!({ "total_pages": 2, "current_page": page, "metadata": [{ "name": name, "value": "v" }] }))
    };
    let script = Script::of([page(1, "a"), page(2, "b")]);
    let values = script::chargify(&script).metadata(&live(), &id("1")).await.unwrap();
    assert_eq!(values.keys().collect::<Vec<_>>(), ["a", "b"]);
}

#[tokio::test]
async fn events_come_in_order_whatever_order_they_came_in() {
    let event = |n: i64| j!({ "event": { "id": n, "key": "customer_update", "customer_id": 9, "message": "x" } });
    let script = Script::of([
        json(200, j!([event(3), { "event": null }, event(2)])),
        json(200, j!([event(8)])),
        json(200, j!([])),
    ]);
    let client = script::chargify(&script);
    let page = client.events(&live(), 2, &["customer_update", "customer_delete"]).await.unwrap();
    assert_eq!(page.events.iter().map(|event| event.id).collect::<Vec<_>>(), [2, 3]);
    assert!(!page.more);
    assert_eq!(client.newest_event_id(&live()).await.unwrap(), Some(8));
    assert_eq!(client.newest_event_id(&live()).await.unwrap(), None);
    let url = &script.sent()[0].url;
    assert!(url.ends_with("?direction=asc&since_id=2&per_page=200&filter=customer_update%2Ccustomer_delete"), "{url}");
}

#[tokio::test]
async fn site_and_subscriptions_are_read_leniently() {
    let subscriptions = j!([
        { "subscription": {
            "id": 1, "state": "past_due", "product": { "name": "Gold" }, "balance_in_cents": "150", "customer": { "id": 1 },
            "created_at": "2026-08-01T12:00:00Z", "updated_at": "2026-08-01T12:00:00Z",
        } },
        { "subscription": {} }, 7,
    ]);
    let script = Script::of([json(200, j!({ "site": { "name": "Acme", "test": "true" } })), json(200, subscriptions)]);
    let client = script::chargify(&script);
    assert!(client.site(&live()).await.unwrap().test);
    let found = client.subscriptions_of(&live(), &id("1")).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].product.as_str(), found[0].balance_in_cents), ("Gold", Some(150)));
}

/// Counts who is inside, and can be closed.
#[derive(Default)]
struct Counting {
    inside: Arc<AtomicI32>,
    entered: AtomicI32,
    closed: bool,
}

struct Leave(Arc<AtomicI32>);

impl Drop for Leave {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Gate for Counting {
    fn enter(&self, _priority: Priority) -> BoxFuture<'_, Result<Permit, CallError>> {
        Box::pin(async move {
            if self.closed {
                let class = UpstreamClass::Rate { retry_after: None };
                return Err(CallError::new(domain::Side::Chargify, class, "the lane is paused"));
            }
            self.entered.fetch_add(1, Ordering::SeqCst);
            self.inside.fetch_add(1, Ordering::SeqCst);
            Ok(Permit::holding(Leave(Arc::clone(&self.inside))))
        })
    }
}

#[tokio::test]
async fn every_call_passes_the_gate_and_leaves_it() {
    let script = Script::of([json(200, j!({ "customer": { "id": 1 } })), text(500, "")]);
    let gate = Arc::new(Counting::default());
    let wire = Wire { gate: gate.clone(), ..script::wire(&script, Arc::<TestClock>::default()) };
    let client = Chargify::new(script::account("https://acme.example"), "key1".into(), wire);
    client.get(&live(), &id("1")).await.unwrap();
    client.get(&live(), &id("1")).await.unwrap_err();
    assert_eq!((gate.entered.load(Ordering::SeqCst), gate.inside.load(Ordering::SeqCst)), (2, 0));
}

#[tokio::test]
async fn nothing_is_sent_through_a_closed_gate() {
    let script = Script::of([]);
    let gate = Arc::new(Counting { closed: true, ..Counting::default() });
    let wire = Wire { gate, ..script::wire(&script, Arc::<TestClock>::default()) };
    let client = Chargify::new(script::account("https://acme.example"), "key1".into(), wire);
    assert!(client.get(&live(), &id("1")).await.is_err());
    assert!(script.sent().is_empty() && script.calls().is_empty());
}
