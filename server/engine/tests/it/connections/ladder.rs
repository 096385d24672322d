//! The ladder: each failure has its own rung and its own words, and what stands on a failed rung is skipped.

use super::place::{Place, step};
use domain::view::{CheckView, StepState};
use engine::{HttpTransport, Incoming, Outgoing, Transport, TransportError};
use futures::future::BoxFuture;
use sandbox::{Fault, FaultRule, Options};
use serde_json::{Value, json};
use sqlx::PgPool;
use std::sync::Arc;

use StepState::{Failed, Passed, Skipped, Warned};

fn states(check: &CheckView) -> Vec<(&str, StepState)> {
    check.steps.iter().map(|step| (step.title.as_str(), step.state)).collect()
}

fn answers(calls: &str, status: u16, body: Value) -> Vec<FaultRule> {
    vec![FaultRule::always(calls, Fault::Status { status, body: Some(body), retry_after: None })]
}

/// The failed rung, after which nothing of the service was tried.
fn failed_at(check: &CheckView, title: &str) -> String {
    assert!(!check.passed);
    let failed: Vec<_> = check.steps.iter().filter(|step| step.state == Failed).collect();
    let [failed] = failed.as_slice() else { panic!("not one failed rung: {:#?}", check.steps) };
    assert_eq!(failed.title, title);
    failed.detail.clone()
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_good_location_climbs_to_the_top(pool: PgPool) {
    let place = Place::open(&pool, 5).await;
    place.add_highlevel(None).await;
    place.sandbox.highlevel.reset_stats();
    let check = place.test("crm").await;
    let expected = [
        ("Name resolves", Passed),
        ("Secure connection", Warned),
        ("Token accepted", Passed),
        ("Token belongs to this location", Passed),
        ("Read contacts", Passed),
        ("Read the location", Passed),
        ("Read custom fields", Passed),
        ("Write contacts", Passed),
        ("One contact read", Passed),
        ("Clocks agree", Passed),
        ("Answers in good time", Passed),
    ];
    assert_eq!(states(&check), expected, "{:#?}", check.steps);
    assert!(check.passed);
    assert_eq!(step(&check, "Read contacts").status, Some(200));
    let view = place.view("crm").await;
    assert_eq!((view.state.as_str(), view.last_check), ("healthy", Some(check)));
    let written = place.sandbox.highlevel.requests().into_iter().filter(|call| call.status.is_some_and(|s| s < 300));
    assert!(
        written.filter(|call| call.method != "GET").all(|call| call.path == "/contacts/search"),
        "nothing is written"
    );
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_good_site_climbs_to_the_top(pool: PgPool) {
    let place = Place::open(&pool, 5).await;
    place.add_chargify(None).await;
    let check = place.test("billing").await;
    let expected = [
        ("Name resolves", Passed),
        ("Secure connection", Warned),
        ("API key accepted", Passed),
        ("Read the site", Warned),
        ("Read customers", Passed),
        ("Read events", Passed),
        ("Write customers", Passed),
        ("One customer read", Passed),
        ("Shared key for webhooks", Passed),
        ("Clocks agree", Passed),
        ("Answers in good time", Passed),
    ];
    assert_eq!(states(&check), expected, "{:#?}", check.steps);
    assert!(check.passed && step(&check, "Read the site").detail.contains("test mode"));
    assert_eq!(place.view("billing").await.state, "healthy");
    assert!(place.sandbox.chargify.requests().iter().all(|call| call.method == "GET"), "nothing is written");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_wrong_and_a_revoked_credential_are_refused(pool: PgPool) {
    let place = Place::open(&pool, 2).await;
    place.add_highlevel(Some("pit-00000000-wrong")).await;
    place.add_chargify(None).await;
    let words = failed_at(&place.test("crm").await, "Token accepted");
    assert!(words.contains("Private Integrations"), "{words}");
    assert_eq!(place.view("crm").await.state, "refused");

    assert!(place.test("billing").await.passed);
    place.sandbox.chargify.revoke_key();
    let check = place.test("billing").await;
    let words = failed_at(&check, "API key accepted");
    assert!(words.contains("revoked"), "{words}");
    assert_eq!(step(&check, "API key accepted").status, Some(401));
    assert_eq!(step(&check, "Read customers").state, Skipped);
    let view = place.view("billing").await;
    assert_eq!(view.state, "refused");
    assert!(view.state_detail.unwrap().starts_with("Chargify does not take this key"));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_token_of_another_location_is_good_but_not_here(pool: PgPool) {
    let place = Place::open(&pool, 2).await;
    let (_, token) = place.sandbox.highlevel.with(|side, _now| side.add_location("Somebody else"));
    place.add_highlevel(Some(&token)).await;
    let check = place.test("crm").await;
    let words = failed_at(&check, "Token belongs to this location");
    assert!(words.contains("another location"), "{words}");
    assert_eq!(step(&check, "Token accepted").state, Passed);
    assert_eq!(step(&check, "Read contacts").state, Skipped);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_missing_scope_is_named_by_its_own_rung(pool: PgPool) {
    let place = Place::open(&pool, 2).await;
    place.add_highlevel(None).await;
    let lacking = json!({ "statusCode": 401, "message": "The token is not authorized for this scope." });

    place.sandbox.highlevel.set_faults(answers("PUT /contacts/*", 401, lacking.clone()));
    let words = failed_at(&place.test("crm").await, "Write contacts");
    assert!(words.contains("contacts.write"), "{words}");
    assert_eq!(place.view("crm").await.state, "refused");

    place.sandbox.highlevel.set_faults(answers("POST /contacts/search", 401, lacking.clone()));
    let check = place.test("crm").await;
    let words = failed_at(&check, "Read contacts");
    assert!(words.contains("contacts.readonly"), "{words}");
    assert_eq!((step(&check, "Token accepted").state, step(&check, "One contact read").state), (Passed, Skipped));

    place.sandbox.highlevel.set_faults(answers("GET /locations/*/customFields", 401, lacking));
    let check = place.test("crm").await;
    assert!(check.passed, "one can do without");
    let rung = step(&check, "Read custom fields");
    assert_eq!(rung.state, Warned);
    assert!(rung.detail.contains("locations/customFields.readonly"));
    assert_eq!(place.view("crm").await.state, "healthy");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_agencys_token_is_told_apart(pool: PgPool) {
    let place = Place::open(&pool, 1).await;
    place.add_highlevel(None).await;
    let body = json!({ "statusCode": 401, "message": "This authClass type is not allowed to access this scope." });
    place.sandbox.highlevel.set_faults(answers("/*", 401, body));
    assert!(failed_at(&place.test("crm").await, "Token accepted").contains("agency"));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_blocked_account_is_no_fault_of_the_key(pool: PgPool) {
    let place = Place::open(&pool, 1).await;
    place.add_chargify(None).await;
    let body = json!({ "errors": ["Your trial has ended, please contact sales."] });
    place.sandbox.chargify.set_faults(answers("/*", 422, body));
    let check = place.test("billing").await;
    assert!(failed_at(&check, "Read the site").contains("Your trial has ended"));
    assert_eq!(step(&check, "API key accepted").state, Passed);
    assert_eq!(place.view("billing").await.state, "blocked");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_outage_says_nothing_about_the_credential(pool: PgPool) {
    let place = Place::open(&pool, 1).await;
    place.add_chargify(None).await;
    assert!(place.test("billing").await.passed);
    place.sandbox.chargify.set_faults(answers("/*", 503, Value::Null));
    assert!(failed_at(&place.test("billing").await, "API key accepted").contains("some minutes"));
    assert_eq!(place.view("billing").await.state, "healthy");
    place.sandbox.chargify.set_faults(vec![FaultRule::always("/*", Fault::Reset)]);
    assert!(failed_at(&place.test("billing").await, "Secure connection").contains("broke the connection off"));
    place.sandbox.chargify.set_faults(answers("GET /site.json", 404, Value::Null));
    assert!(failed_at(&place.test("billing").await, "API key accepted").contains("no site"));
    place.sandbox.chargify.set_faults(answers("GET /site.json", 200, json!("hello")));
    assert!(failed_at(&place.test("billing").await, "API key accepted").contains("does not speak like Chargify"));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_host_that_takes_no_connections_fails_at_the_bottom(pool: PgPool) {
    let place = Place::open(&pool, 1).await;
    let new = super::new_chargify("billing", Some("http://127.0.0.1:1"), "key-0123456789");
    place.engine.add_connection(&place.by, new).await.unwrap();
    let check = place.test("billing").await;
    assert!(failed_at(&check, "Secure connection").contains("does not take connections"));
    assert_eq!(step(&check, "API key accepted").state, Skipped);
    assert_eq!(step(&check, "Shared key for webhooks").state, Warned, "what needs no call is still looked at");
    assert_eq!(place.view("billing").await.state, "untested");
}

/// A wire that ends in the same fault whatever is sent.
struct Faulty(TransportError);

impl Transport for Faulty {
    fn send(&self, _request: Outgoing) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        Box::pin(std::future::ready(Err(self.0.clone())))
    }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn faults_below_the_service_have_words_of_their_own(pool: PgPool) {
    let cases = [
        ("dns error: failed to lookup address information", "Name resolves", "cannot be found"),
        ("invalid peer certificate: UnknownIssuer", "Secure connection", "certificate"),
    ];
    for (n, (fault, rung, words)) in cases.into_iter().enumerate() {
        let sandbox = sandbox::start(Options { contacts: 1, ..Options::default() }).await.unwrap();
        let faulty = Arc::new(Faulty(TransportError::Connect(fault.to_owned())));
        let place = Place::around(&pool, sandbox, faulty).await;
        let new = super::new_chargify(&format!("billing{n}"), None, "key-0123456789");
        let new = engine::NewConnection { account: format!("site{n}"), ..new };
        place.engine.add_connection(&place.by, new).await.unwrap();
        let detail = failed_at(&place.test(&format!("billing{n}")).await, rung);
        assert!(detail.contains(words), "{detail}");
    }
}

/// The service's clock runs ahead.
struct Ahead(HttpTransport);

impl Transport for Ahead {
    fn send(&self, request: Outgoing) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        Box::pin(async move {
            let mut incoming = self.0.send(request).await?;
            for (name, value) in &mut incoming.headers {
                if name == "date" {
                    *value = "Fri, 01 Jan 2100 00:00:00 GMT".to_owned();
                }
            }
            Ok(incoming)
        })
    }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_clock_that_is_wrong_is_warned_of(pool: PgPool) {
    let sandbox = sandbox::start(Options { contacts: 1, ..Options::default() }).await.unwrap();
    let place = Place::around(&pool, sandbox, Arc::new(Ahead(HttpTransport::new().unwrap()))).await;
    place.add_highlevel(None).await;
    let check = place.test("crm").await;
    let rung = step(&check, "Clocks agree");
    assert_eq!(rung.state, Warned);
    assert!(rung.detail.contains("behind"), "{}", rung.detail);
    assert!(check.passed);
}
