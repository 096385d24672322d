use http::Method;
use sandbox::{options::Options, request::Request, seed::EPOCH, service::Service};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{Site, column, texts};

#[test]
fn a_wrong_key_is_refused_in_plain_text() {
    let mut site = Site::empty();
    let reply = site.rules.handle(&Request::new(Method::GET, "/site.json"), site.now);
    assert_eq!((reply.status, reply.body.as_slice()), (401, b"HTTP Basic: Access denied.\n".as_slice()));
    site.rules.set_key_revoked(true);
    assert_eq!(site.get("/site.json").status, 401);
    site.rules.set_key_revoked(false);
    assert_eq!(site.get("/site.json").value()["site"]["test"], json!(true));
}

#[test]
fn a_customer_needs_names_and_an_email() {
    let mut site = Site::empty();
    let reply = site.post("/customers.json", &json!({"customer": {"organization": "Acme"}}));
    assert_eq!(
        texts(&reply),
        ["First name: cannot be blank.", "Last name: cannot be blank.", "Email address: cannot be blank."]
    );
    let wish = json!({"customer": {"first_name": "A", "last_name": "B", "email": "nobody at home"}});
    assert_eq!(texts(&site.post("/customers.json", &wish)), ["Email address: must be a valid email format."]);
    let wish = json!({"customer": {"first_name": "A", "last_name": "B", "email": "a@b.example", "emailzzz": "x"}});
    assert_eq!(texts(&site.post("/customers.json", &wish)), ["unknown attribute: emailzzz"]);
}

#[test]
fn an_empty_customer_is_refused_with_a_map() {
    let mut site = Site::empty();
    let refusal = json!({"errors": {"customer": "can't be blank"}});
    for body in [json!({}), json!({"customer": {}})] {
        let reply = site.post("/customers.json", &body);
        assert_eq!((reply.status, reply.value()), (422, refusal.clone()));
    }
    let id = site.customer("Ann", None);
    assert_eq!(site.put(&format!("/customers/{id}.json"), &json!({"customer": {}})).value(), refusal);
    assert_eq!(site.put("/customers/7.json", &json!({"customer": {}})).status, 404);
}

#[test]
fn a_new_customer_has_null_for_what_was_not_sent() {
    let mut site = Site::empty();
    let id = site.customer("Ann", None);
    assert!(id > 1 << 31);
    let row = site.get(&format!("/customers/{id}.json")).value()["customer"].clone();
    for field in ["organization", "reference", "address", "state_name", "country_name", "phone", "vat_number"] {
        assert_eq!(row[field], Value::Null, "{field}");
    }
    assert_eq!((&row["verified"], &row["tax_exempt"]), (&json!(false), &json!(false)));
    assert_eq!(row["created_at"], json!("2026-11-21T19:00:00-08:00"));
}

#[test]
fn a_reference_is_unique_without_regard_to_case() {
    let mut site = Site::empty();
    let first = site.customer("Ann", Some("AbC-1"));
    let second = site.customer("Ben", None);
    let taken = ["Reference: must be unique - that value has been taken."];
    let wish = json!({"customer": {"reference": "aBc-1"}});
    assert_eq!(texts(&site.put(&format!("/customers/{second}.json"), &wish)), taken);
    assert_eq!(site.put(&format!("/customers/{first}.json"), &wish).status, 200);
    let found = site.get("/customers/lookup.json?reference=ABC-1");
    assert_eq!(found.value()["customer"]["id"], json!(first));
    let moved = json!({"customer": {"reference": "other"}});
    site.put(&format!("/customers/{first}.json"), &moved);
    assert_eq!(site.get("/customers/lookup.json?reference=abc-1").status, 404);
    assert_eq!(site.put(&format!("/customers/{second}.json"), &wish).status, 200);
}

#[test]
fn an_update_keeps_what_it_does_not_name() {
    let mut site = Site::empty();
    let id = site.customer("Ann", Some("r1"));
    site.wait(60);
    let path = format!("/customers/{id}.json");
    let reply = site.put(&path, &json!({"customer": {"city": "Austin", "state": "TX", "country": "US"}}));
    let row = &reply.value()["customer"];
    assert_eq!((&row["first_name"], &row["reference"]), (&json!("Ann"), &json!("r1")));
    assert_eq!((&row["state_name"], &row["country_name"]), (&json!("Texas"), &json!("United States")));
    assert_eq!(row["updated_at"], json!("2026-11-21T19:01:00-08:00"));
    site.wait(60);
    let again = site.put(&path, &json!({"customer": {"city": "Austin"}}));
    assert_eq!(again.value()["customer"]["updated_at"], json!("2026-11-21T19:01:00-08:00"));
    let cleared = site.put(&path, &json!({"customer": {"city": ""}}));
    assert!([json!(""), Value::Null].contains(&cleared.value()["customer"]["city"]));
    assert_eq!(texts(&site.put(&path, &json!({"customer": {"last_name": " "}}))), ["Last name: cannot be blank."]);
}

#[test]
fn a_customer_with_subscriptions_stays() {
    let mut site = Site::empty();
    let id = site.customer("Ann", None);
    let subscription = site.subscription(id);
    assert_eq!(site.delete(&format!("/customers/{id}.json")).status, 422);
    let purged = site.post(&format!("/subscriptions/{subscription}/purge.json?ack={id}"), &json!({}));
    assert_eq!(purged.status, 200);
    assert_eq!(site.delete(&format!("/customers/{id}.json")).status, 204);
    assert_eq!(site.delete(&format!("/customers/{id}.json")).status, 404);
}

#[test]
fn pages_end_with_an_empty_list_and_large_wishes_are_lowered() {
    let mut site = Site::empty();
    let ids: Vec<Value> = (0..205).map(|_| json!(site.customer("Ann", None))).collect();
    assert_eq!(column(&site.get("/customers.json"), "customer", "id"), ids[..50]);
    assert_eq!(column(&site.get("/customers.json?per_page=1000"), "customer", "id"), ids[..200]);
    assert_eq!(column(&site.get("/customers.json?per_page=200&page=2"), "customer", "id"), ids[200..]);
    assert_eq!(column(&site.get("/customers.json?per_page=200&page=3"), "customer", "id"), [Value::Null; 0]);
    assert_eq!(column(&site.get("/customers.json?direction=desc&per_page=1"), "customer", "id"), ids[204..]);
    assert_eq!(column(&site.get("/customers.json?per_page=-1"), "customer", "id").len(), 50);
    assert_eq!(texts(&site.get("/customers.json?page=-1")), ["invalid page: -1"]);
}

#[test]
fn dates_filter_by_the_named_field_only() {
    let mut site = Site::empty();
    let first = json!(site.customer("Ann", None));
    site.wait(3600);
    let second = json!(site.customer("Ben", None));
    site.wait(3600);
    site.put(&format!("/customers/{first}.json"), &json!({"customer": {"phone": "1"}}));
    let late = "start_datetime=2026-11-22T03:30:00Z";
    let updated = site.get(&format!("/customers.json?date_field=updated_at&{late}"));
    assert_eq!(column(&updated, "customer", "id"), [first.clone(), second.clone()]);
    let created = site.get(&format!("/customers.json?date_field=created_at&{late}"));
    assert_eq!(column(&created, "customer", "id"), std::slice::from_ref(&second));
    let exact = site.get("/customers.json?date_field=updated_at&start_datetime=2026-11-21%2021:00:00");
    assert_eq!(column(&exact, "customer", "id"), std::slice::from_ref(&first));
    let day = site.get("/customers.json?date_field=created_at&end_date=2026-11-20");
    assert_eq!(column(&day, "customer", "id"), [Value::Null; 0]);
    let misspelt = site.get("/customers.json?date_field=updatedat&start_date=2030-01-01");
    assert_eq!(column(&misspelt, "customer", "id"), [first, second]);
}

#[test]
fn a_search_finds_parts_of_words() {
    let mut site = Site::empty();
    let fernando = json!(site.customer("Fernando", Some("ref-77")));
    let nando = json!(site.customer("Nando", None));
    assert_eq!(column(&site.get("/customers.json?q=NANDO"), "customer", "id"), [fernando.clone(), nando]);
    assert_eq!(column(&site.get("/customers.json?q=ref-7"), "customer", "id"), std::slice::from_ref(&fernando));
    assert_eq!(column(&site.get(&format!("/customers.json?q={fernando}")), "customer", "id"), [fernando]);
}

#[test]
fn a_repeated_submission_is_refused_for_an_hour() {
    let mut site = Site::empty();
    let wish = json!({"customer": {"first_name": "A"}, "uniqueness_token": "7e4b"});
    assert_eq!(site.post("/customers.json", &wish).status, 422);
    site.wait(3599);
    let again = site.post("/customers.json", &wish);
    assert_eq!(again.status, 409);
    assert_eq!(again.value(), json!({"errors": ["DuplicatePrevention::DuplicateSubmissionError"]}));
    site.wait(2);
    assert_eq!(site.post("/customers.json", &wish).status, 422);
}

#[test]
fn a_blocked_account_refuses_every_call() {
    let mut site = Site::empty();
    let switch = |state: &str| Request::new(Method::PUT, "/").with_json(&json!({"state": state}));
    for (state, text) in [
        ("canceled", "Your Chargify account has been canceled. Please contact support@chargify.com to reactivate."),
        ("trial_ended", "Your trial has ended, please contact sales."),
        ("deleted", "This site has been deleted."),
    ] {
        assert!(site.rules.control("account", &switch(state), site.now).is_some());
        assert_eq!(texts(&site.get("/site.json")), [text]);
    }
    site.rules.control("account", &switch("open"), site.now);
    assert_eq!(site.get("/site.json").status, 200);
}

#[test]
fn clearing_the_site_takes_its_time() {
    let mut site = Site::empty();
    site.customer("Ann", None);
    assert_eq!(site.post("/sites/clear_data.json?cleanup_scope=everything", &json!({})).status, 403);
    assert_eq!(site.post("/sites/clear_data.json?cleanup_scope=customers", &json!({})).status, 200);
    assert_eq!(texts(&site.get("/customers.json")), ["Site data clearing is in progress. Please try later."]);
    site.wait(5);
    assert_eq!(column(&site.get("/customers.json"), "customer", "id"), [Value::Null; 0]);
    site.rules.site.test = false;
    assert_eq!(site.post("/sites/clear_data.json?cleanup_scope=all", &json!({})).status, 403);
}

#[test]
fn bodies_must_be_json() {
    let mut site = Site::empty();
    let mut request = Request::new(Method::POST, "/customers.json");
    request.body = b"customer[first_name]=A".to_vec();
    assert_eq!(site.send(request).status, 422);
}

#[test]
fn a_seeded_site_is_the_same_every_time_and_reads_both_kinds_of_blank() {
    let options = Options { contacts: 400, customers: Some(300), ..Options::default() };
    let (mut one, mut other) = (Site::with(&options), Site::with(&options));
    let first = one.get("/customers.json?per_page=200").value();
    let ids = |rows: &Value| {
        rows.as_array().map(|rows| rows.iter().map(|row| row["customer"]["id"].clone()).collect::<Vec<_>>())
    };
    assert_eq!(ids(&first), ids(&other.get("/customers.json?per_page=200").value()));
    assert_eq!(one.rules.customers.count(), 300);
    let rows: Vec<Value> =
        first.as_array().expect("a list").iter().map(|row| row["customer"]["phone"].clone()).collect();
    assert!(rows.contains(&json!("")) && rows.contains(&Value::Null));
    let instants: Vec<OffsetDateTime> = one.rules.customers.iter().map(|customer| customer.created_at).collect();
    assert!(instants.is_sorted() && instants.iter().all(|at| *at <= EPOCH));
    assert!(one.rules.subscriptions.iter().count() > 100);
    assert!(one.rules.webhooks.log().next().is_none());
}

#[test]
fn a_large_site_answers_from_its_indexes() {
    let options = Options { contacts: 100_000, customers: Some(60_000), ..Options::default() };
    let mut site = Site::with(&options);
    assert_eq!(site.rules.customers.count(), 60_000);
    let last = site.get("/customers.json?per_page=200&page=300");
    assert_eq!(column(&last, "customer", "id").len(), 200);
    let nobody = site.get("/customers.json?date_field=updated_at&start_datetime=2026-11-22T00:00:00Z");
    assert_eq!(column(&nobody, "customer", "id").len(), 0);
    assert_eq!(column(&site.get("/customers.json?q=no%20such%20person"), "customer", "id").len(), 0);
}
