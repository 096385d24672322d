//! What is sent to GoHighLevel, and how its contacts are read.

use super::script::{self, Script, body, fields, header, id, json, live};
use domain::{field::Field, record::FieldKey, value::Value};
use engine::{
    UpstreamClass,
    clients::{Refusal, highlevel::SearchPage},
};
use serde_json::json as j;
use time::macros::datetime;

fn row(id: &str, cursor: u32) -> serde_json::Value {
    j!({ "id": id, "email": format!("{id}@a.example"), "searchAfter": [cursor, id] })
}

fn page_of(rows: usize, total: usize) -> super::script::Scripted {
    let contacts: Vec<_> = (0..rows).map(|n| row(&format!("c{n}"), u32::try_from(n).unwrap())).collect();
    json(200, j!({ "contacts": contacts, "total": total, "traceId": "trace-1" }))
}

#[tokio::test]
async fn every_call_carries_token_version_and_a_template_for_the_journal() {
    let script = Script::of([json(200, j!({ "contact": { "id": "abc" }, "traceId": "t-77" }))]);
    script::highlevel(&script).get(&live(), &id("a/b c")).await.unwrap();

    let sent = script.only();
    assert_eq!(sent.url, "https://ghl.example/contacts/a%2Fb%20c");
    assert_eq!(header(&sent, "authorization"), Some("Bearer pit-1"));
    assert_eq!(header(&sent, "version"), Some("2021-07-28"));
    assert_eq!(header(&sent, "accept"), Some("application/json"));

    let calls = script.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].endpoint, "GET /contacts/{id}");
    assert_eq!((calls[0].status, calls[0].error_class), (Some(200), None));
    assert_eq!(calls[0].remote_request_id.as_deref(), Some("t-77"));
}

#[tokio::test]
async fn a_search_row_is_read_through_its_own_shape() {
    let row = j!({
        "id": "102goXVW3lIExEQPOnd3", "contactName": "josé niño", "firstName": "José", "lastName": "Niño",
        "email": "Jose@Example.com", "phone": "+14155550123", "companyName": "Niño LLC", "businessName": "Niño LLC",
        "address": "12 High St", "city": "Springfield", "state": "IL", "postalCode": 62701, "country": "US",
        "tags": ["vip", "new"],
        "customFields": [
            { "id": "f1", "value": ["a", "b"] }, { "id": "f2", "value": 12.5 }, { "id": "file", "value": {} },
        ],
        "dateOfBirth": 653_961_600_000_i64, "dateUpdated": "2024-06-01T14:22:00.000Z", "newKey": { "deep": 1 },
        "searchAfter": [1_717_251_720_000_i64, "102goXVW3lIExEQPOnd3"],
    });
    let script = Script::of([json(200, j!({ "contacts": [row], "total": 1 }))]);
    let known = ["f1", "f9", "file"].map(|id| Field::highlevel_custom(id, id, "TEXT"));
    let client = script::highlevel(&script).with_custom_fields(known);
    let page = client.search(&live(), &SearchPage::default()).await.unwrap();

    assert!(page.rows_complete && page.problems.is_empty(), "{:?}", page.problems);
    assert_eq!((page.total, page.next), (Some(1), None));
    let record = &page.records[0];
    let text = |key: &str| record.text(key).map(str::to_owned);
    assert_eq!(text("address1").as_deref(), Some("12 High St"));
    assert_eq!(text("postalCode").as_deref(), Some("62701"));
    assert_eq!(text("dateOfBirth").as_deref(), Some("1990-09-22"));
    assert_eq!(text("email").as_deref(), Some("Jose@Example.com"));
    assert_eq!(text("customField:f2").as_deref(), Some("12.5"));
    assert_eq!(record.get("customField:f1"), Some(&Value::List(vec!["a".to_owned(), "b".to_owned()])));
    assert_eq!(record.get("customField:f9"), Some(&Value::Empty), "wished for and not there: empty");
    assert_eq!(record.get("customField:file"), None, "a file holds no text");
    assert_eq!(record.get("website"), Some(&Value::Empty), "left out: empty");
    assert_eq!(record.get("timezone"), None, "not in this shape: unknown");
    assert_eq!(record.stamp.updated_at, Some(datetime!(2024-06-01 14:22 UTC)));
}

#[tokio::test]
async fn one_strange_row_never_costs_the_page() {
    let rows = j!([
        { "id": "good", "firstName": "Ann", "email": { "odd": true }, "tags": "single", "dateUpdated": 17 },
        "not an object",
        { "firstName": "No id" },
        { "id": 42, "firstName": true, "customFields": "none", "dateUpdated": "soon" },
    ]);
    let script = Script::of([json(200, j!({ "contacts": rows, "total": "4" }))]);
    let page = script::highlevel(&script).search(&live(), &SearchPage::default()).await.unwrap();

    assert!(!page.rows_complete);
    let ids: Vec<_> = page.records.iter().map(|record| record.id.clone().unwrap().0).collect();
    assert_eq!(ids, ["good", "42"]);
    assert_eq!(page.records[0].get("email"), None, "unreadable is not the same as empty");
    assert_eq!(page.records[1].text("firstName"), Some("true"));
    assert_eq!(page.records[1].stamp.updated_at, None);
    let lost: Vec<_> = page.problems.iter().filter(|problem| problem.field.is_none()).collect();
    assert_eq!(lost.len(), 2);
    assert!(page.problems.iter().any(|problem| problem.field == Some(FieldKey::from("email"))));
    assert_eq!(page.total, Some(4));
}

#[tokio::test]
async fn pages_follow_the_last_rows_cursor() {
    let script = Script::of([page_of(100, 130), page_of(30, 130)]);
    let client = script::highlevel(&script);
    let first = SearchPage { page_limit: 100, ..SearchPage::default() };
    let page = client.search(&live(), &first).await.unwrap();
    let next = SearchPage { after: page.next.clone(), ..first };
    let stored: SearchPage =
        SearchPage { after: serde_json::from_value(serde_json::to_value(next.after).unwrap()).unwrap(), ..next };
    let page = client.search(&live(), &stored).await.unwrap();

    assert_eq!(page.next, None);
    let sent = script.sent();
    assert_eq!(body(&sent[0])["locationId"], "loc1");
    assert!(body(&sent[0]).get("searchAfter").is_none());
    assert_eq!(body(&sent[1])["searchAfter"], j!([99, "c99"]));
    assert_eq!(body(&sent[0])["sort"], body(&sent[1])["sort"]);
}

#[tokio::test]
async fn a_full_page_without_a_cursor_is_no_end() {
    let rows = vec![j!({ "id": "a" }); 100];
    let script = Script::of([json(200, j!({ "contacts": rows, "total": 900 }))]);
    let page = SearchPage { page_limit: 100, ..SearchPage::default() };
    let error = script::highlevel(&script).search(&live(), &page).await.unwrap_err();
    assert_eq!(error.class, UpstreamClass::Malformed);
}

#[tokio::test]
async fn a_location_that_refuses_500_is_asked_for_100_from_then_on() {
    let refused = json(422, j!({ "statusCode": 422, "message": ["pageLimit must not be greater than 100"] }));
    let script = Script::of([refused, page_of(100, 300), page_of(100, 300)]);
    let client = script::highlevel(&script);
    client.search(&live(), &SearchPage::default()).await.unwrap();
    client.search(&live(), &SearchPage::default()).await.unwrap();
    let limits: Vec<_> = script.sent().iter().map(|sent| body(sent)["pageLimit"].as_u64().unwrap()).collect();
    assert_eq!(limits, [500, 100, 100]);
}

#[tokio::test]
async fn a_page_lowered_without_a_word_does_not_end_the_listing() {
    let script = Script::of([page_of(100, 300)]);
    let page = script::highlevel(&script).search(&live(), &SearchPage::default()).await.unwrap();
    assert!(page.next.is_some());
}

#[tokio::test]
async fn an_update_sends_the_changed_fields_only() {
    let back =
        j!({ "contact": { "id": "c1", "phone": "+14155550123", "customFields": [{ "id": "f1", "value": "x" }] } });
    let script = Script::of([json(200, back)]);
    let changed = fields([
        ("phone", "+1 415 555 0123"),
        ("city", ""),
        ("postalCode", ""),
        ("country", ""),
        ("customField:f1", "y"),
        ("customField:f2", ""),
    ]);
    let written = script::highlevel(&script).update(&live(), &id("c1"), &changed).await.unwrap();

    let expected = j!({
        "phone": "+1 415 555 0123", "city": null, "postalCode": "", "country": "",
        "customFields": [{ "id": "f1", "field_value": "y" }, { "id": "f2", "field_value": "" }],
    });
    assert_eq!(body(&script.only()), expected);
    assert_eq!(written.differing, [FieldKey::from("customField:f1")], "the phone is the same in normal form");
}

#[tokio::test]
async fn what_would_do_harm_is_never_sent() {
    let script = Script::of([]);
    let client = script::highlevel(&script);
    for changed in [fields([("tags", "vip")]), fields([("gender", "f")]), fields([("id", "x")]), fields([])] {
        let error = client.update(&live(), &id("c1"), &changed).await.unwrap_err();
        assert_eq!((error.class, error.refusal), (UpstreamClass::Rejected, Refusal::NeverSent), "{changed:?}");
    }
    assert!(script.sent().is_empty());
}

#[tokio::test]
async fn a_refused_company_is_dropped_once_and_told() {
    let refused = || json(422, j!({ "message": ["property companyName should not exist"], "statusCode": 422 }));
    let script = Script::of([refused(), json(200, j!({ "contact": { "id": "c1", "city": "Rome" } }))]);
    let changed = fields([("city", "Rome"), ("companyName", "ACME")]);
    let written = script::highlevel(&script).update(&live(), &id("c1"), &changed).await.unwrap();
    assert_eq!(written.dropped.iter().map(|one| one.field.as_str()).collect::<Vec<_>>(), ["companyName"]);
    assert!(written.differing.is_empty());
    assert_eq!(body(&script.sent()[1]), j!({ "city": "Rome" }));

    let alone = Script::of([refused()]);
    let changed = fields([("companyName", "ACME")]);
    let error = script::highlevel(&alone).update(&live(), &id("c1"), &changed).await.unwrap_err();
    assert_eq!(error.refusal, Refusal::PropertiesRefused(vec!["companyName".to_owned()]));
}

#[tokio::test]
async fn a_new_contact_leaves_empty_fields_out() {
    let script = Script::of([json(201, j!({ "contact": { "id": "new", "email": "a@b.example", "firstName": "A" } }))]);
    let new = fields([("firstName", "A"), ("lastName", ""), ("email", "a@b.example"), ("tags", "VIP, new ")]);
    let written = script::highlevel(&script).create(&live(), &new).await.unwrap();
    assert_eq!(written.record.id, Some(id("new")));
    let expected = j!({ "locationId": "loc1", "firstName": "A", "email": "a@b.example", "tags": ["new", "vip"] });
    assert_eq!(body(&script.only()), expected);
}

#[tokio::test]
async fn an_unreadable_success_of_a_write_is_ambiguous() {
    for answer in [script::text(200, "{\"contact\": {\"id\""), script::text(200, ""), json(200, j!({ "ok": true }))] {
        let script = Script::of([answer]);
        let changed = fields([("city", "Rome")]);
        let error = script::highlevel(&script).update(&live(), &id("c1"), &changed).await.unwrap_err();
        assert_eq!(error.class, UpstreamClass::Ambiguous);
    }
    let script = Script::of([script::text(200, "{\"contact\"")]);
    let error = script::highlevel(&script).get(&live(), &id("c1")).await.unwrap_err();
    assert_eq!(error.class, UpstreamClass::Malformed);
}

#[tokio::test]
async fn a_duplicate_is_looked_up_with_every_sign_encoded() {
    let found = json(200, j!({ "contact": { "id": "dup", "email": "a+b@c.example" } }));
    let script = Script::of([found, json(200, j!({ "contact": null })), script::text(200, "")]);
    let client = script::highlevel(&script);
    let dup = client.find_duplicate(&live(), Some("a+b@c.example"), Some("+14155550123")).await.unwrap();
    assert_eq!(dup.and_then(|record| record.id), Some(id("dup")));
    assert_eq!(client.find_duplicate(&live(), Some("x@y.example"), None).await.unwrap(), None);
    assert_eq!(client.find_duplicate(&live(), None, Some("+1")).await.unwrap(), None);
    assert_eq!(client.find_duplicate(&live(), None, None).await.unwrap(), None, "nothing to look for is not asked");
    let url = &script.sent()[0].url;
    assert!(url.ends_with("?locationId=loc1&email=a%2Bb%40c.example&number=%2B14155550123"), "{url}");
}

#[tokio::test]
async fn tags_are_added_and_removed_as_sets() {
    let script = Script::of([json(201, j!({ "tags": ["a", "vip"] })), json(200, j!({ "tags": [] }))]);
    let client = script::highlevel(&script);
    let tags = [" VIP ".to_owned(), String::new()];
    assert_eq!(client.add_tags(&live(), &id("c1"), &tags).await.unwrap(), ["a", "vip"]);
    assert!(client.remove_tags(&live(), &id("c1"), &tags).await.unwrap().is_empty());
    let sent = script.sent();
    assert_eq!((sent[0].method.as_str(), sent[1].method.as_str()), ("POST", "DELETE"));
    assert_eq!(body(&sent[1]), j!({ "tags": ["vip"] }));
}

#[tokio::test]
async fn custom_fields_of_other_models_are_left_out() {
    let answer = j!({ "customFields": [
        { "id": "f1", "name": "PIN", "fieldKey": "contact.pin", "dataType": "TEXT", "model": "contact" },
        { "id": "f2", "name": "Stage", "dataType": "TEXT", "model": "opportunity" },
        { "id": "f3", "dataType": "SOMETHING_NEW", "picklistOptions": ["a", 2, { "k": "v" }] },
        { "name": "no id" },
    ]});
    let script = Script::of([json(200, answer)]);
    let found = script::highlevel(&script).custom_fields(&live()).await.unwrap();
    assert_eq!(found.iter().map(|field| field.id.as_str()).collect::<Vec<_>>(), ["f1", "f3"]);
    assert_eq!(found[1].options, ["a", "2"]);
    assert_eq!(found[0].field().key, FieldKey::from("customField:f1"));
}

#[tokio::test]
async fn custom_fields_are_written_in_the_form_of_their_types_and_files_never() {
    let known = [
        Field::highlevel_custom("n", "Size", "NUMERICAL"),
        Field::highlevel_custom("c", "Consent", "CHECKBOX"),
        Field::highlevel_custom("d", "Renewal", "DATE"),
        Field::highlevel_custom("f", "Contract", "FILE_UPLOAD"),
    ];
    let back = j!({ "contact": { "id": "C1", "customFields": [
        { "id": "n", "value": 42.5 }, { "id": "c", "value": ["Terms"] }, { "id": "d", "value": 1_788_134_400_000_i64 },
    ] } });
    let script = Script::of([json(200, back)]);
    let client = script::highlevel(&script).with_custom_fields(known);
    let mut changed = fields([("customField:n", "42.50"), ("customField:d", "2026-08-31"), ("customField:gone", "x")]);
    changed.insert(FieldKey::custom_field("c"), Value::List(vec!["Terms".to_owned()]));
    let written = client.update(&live(), &id("C1"), &changed).await.unwrap();
    assert_eq!(written.differing, [FieldKey::from("customField:gone")]);
    assert_eq!(written.dropped.len(), 1, "{:?}", written.dropped);
    assert_eq!(written.record.text("customField:d"), Some("2026-08-31"));
    assert_eq!(written.record.get("customField:f"), None, "files are left alone");
    assert_eq!(
        body(&script.only())["customFields"],
        j!([
            { "id": "c", "field_value": ["Terms"] },
            { "id": "d", "field_value": "2026-08-31" },
            { "id": "gone", "field_value": "x" },
            { "id": "n", "field_value": 42.5 },
        ])
    );
    let files = fields([("customField:f", "x")]);
    assert_eq!(client.update(&live(), &id("C1"), &files).await.unwrap_err().refusal, Refusal::NeverSent);
}

#[tokio::test]
async fn channels_of_do_not_disturb_are_read_and_where_nothing_is_told_nothing_is_known() {
    let contact = |settings: serde_json::Value| {
        let mut contact = j!({ "id": "C1" });
        if !settings.is_null() {
            contact["dndSettings"] = settings;
        }
        json(200, j!({ "contact": contact }))
    };
    let script = Script::of([
        contact(j!({ "Email": { "status": "active" }, "sms": { "status": "permanent" }, "NEW": 7 })),
        contact(serde_json::Value::Null),
        contact(j!("odd")),
    ]);
    let client = script::highlevel(&script);
    let told = client.get(&live(), &id("C1")).await.unwrap();
    assert_eq!(told.text("dndSettings.Email"), Some("active"));
    assert_eq!(told.text("dndSettings.SMS"), Some("permanent"));
    assert_eq!(told.get("dndSettings.Call"), Some(&Value::Empty));
    for _ in 0..2 {
        let silent = client.get(&live(), &id("C1")).await.unwrap();
        assert_eq!(silent.get("dndSettings.Email"), None);
    }
}
