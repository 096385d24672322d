//! Webhooks of workflows: unsigned, off unless a secret is set, believed by that secret alone.

use crate::{
    connections::place::{keyholder, new_highlevel},
    setting,
};
use domain::{Side, view::AuditFilter};
use engine::{CredentialField, Engine, EngineError, Keyholder, Received, Refusal};
use http::HeaderMap;
use serde_json::{Value, json};
use sqlx::PgPool;

const LOCATION: &str = "ve9EPM428h8vShlRW1KT";
const SECRET: &str = "workflow-secret-0123456789";

async fn installation(pool: &PgPool) -> (Engine, Keyholder) {
    let (engine, _clock) = setting::engine(pool);
    let by = keyholder(&engine).await;
    engine.add_connection(&by, new_highlevel("crm", None, LOCATION, "pit-0123456789")).await.unwrap();
    let billing = crate::connections::place::new_chargify("billing", None, "key-0123456789");
    engine.add_connection(&by, billing).await.unwrap();
    let sync = "[[sync]]\nname = \"contacts\"\nhighlevel = \"crm\"\nchargify = \"billing\"\n";
    let viewer = engine.command_line(None).await.unwrap();
    engine.apply(&viewer, sync, &|name: &str| Err(format!("{name} is not set"))).await.unwrap();
    (engine, by)
}

async fn switch_on(engine: &Engine, by: &Keyholder) {
    assert!(engine.rotate_credential(by, "crm", CredentialField::WorkflowSecret, SECRET.into()).await.unwrap());
}

async fn send(engine: &Engine, secret: Option<&str>, body: &Value) -> Received {
    let mut headers = HeaderMap::new();
    if let Some(secret) = secret {
        headers.insert("x-concord-secret", secret.parse().unwrap());
    }
    let body = serde_json::to_vec(body).unwrap();
    engine.receive(Side::Highlevel, "crm", &headers, &body).await.unwrap()
}

fn contact() -> Value {
    json!({ "contact_id": "c1", "first_name": "Zoë", "tags": "a,b", "location": { "id": LOCATION, "name": "Home" } })
}

async fn jobs(pool: &PgPool) -> Vec<Value> {
    sqlx::query_scalar("select payload from job where state = 'ready'").fetch_all(pool).await.unwrap()
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn without_a_secret_set_none_is_taken(pool: PgPool) {
    let (engine, _by) = installation(&pool).await;
    assert_eq!(send(&engine, Some(SECRET), &contact()).await, Received::Refused(Refusal::WorkflowsOff));
    assert_eq!(send(&engine, None, &contact()).await, Received::Refused(Refusal::Unsigned));
    assert!(jobs(&pool).await.is_empty());
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn the_right_secret_has_the_contact_looked_at(pool: PgPool) {
    let (engine, by) = installation(&pool).await;
    switch_on(&engine, &by).await;
    assert_eq!(send(&engine, Some(SECRET), &contact()).await, Received::Recorded);
    let jobs = jobs(&pool).await;
    assert_eq!(
        (jobs.len(), jobs[0]["kind"].as_str(), jobs[0]["remote_id"].as_str()),
        (1, Some("reconcile"), Some("c1"))
    );
    // There is no second try and no id: the same words again tell of another change.
    assert_eq!(send(&engine, Some(SECRET), &contact()).await, Received::Recorded);
    let events: Vec<String> = sqlx::query_scalar("select event from delivery").fetch_all(&pool).await.unwrap();
    assert_eq!(events, ["Workflow", "Workflow"]);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_wrong_secret_or_none_leaves_one_line_and_nothing_else(pool: PgPool) {
    let (engine, by) = installation(&pool).await;
    switch_on(&engine, &by).await;
    for wrong in ["", "workflow-secret-012345678", "workflow-secret-01234567890", "x"] {
        let refused = send(&engine, Some(wrong), &contact()).await;
        assert_eq!(refused, Received::Refused(Refusal::WrongSecret), "{wrong:?}");
    }
    assert_eq!(send(&engine, None, &contact()).await, Received::Refused(Refusal::Unsigned));
    let count: i64 = sqlx::query_scalar("select count(*) from delivery").fetch_one(&pool).await.unwrap();
    assert_eq!((count, jobs(&pool).await.len()), (0, 0));
    let viewer = engine.command_line(None).await.unwrap();
    let filter = AuditFilter { action: "delivery.refused".to_owned(), ..AuditFilter::default() };
    let lines = engine.audit_page(&viewer, filter).await.unwrap().lines;
    assert_eq!(lines.len(), 2, "one for each reason: {lines:#?}");
    assert!(lines.iter().any(|line| line.words.contains("its secret is not the connection's")));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn another_location_and_no_contact_are_told_apart(pool: PgPool) {
    let (engine, by) = installation(&pool).await;
    switch_on(&engine, &by).await;
    let elsewhere = json!({ "contact_id": "c1", "location": { "id": "elsewhere00" } });
    assert_eq!(send(&engine, Some(SECRET), &elsewhere).await, Received::Refused(Refusal::OtherAccount));
    assert_eq!(send(&engine, Some(SECRET), &json!({ "first_name": "Zoë" })).await, Received::Ignored);
    assert_eq!(send(&engine, Some(SECRET), &json!("no object")).await, Received::Ignored);
    let plain = json!({ "contact_id": "c2" });
    assert_eq!(send(&engine, Some(SECRET), &plain).await, Received::Recorded, "the secret is the connection's own");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn switched_off_again_none_is_taken(pool: PgPool) {
    let (engine, by) = installation(&pool).await;
    switch_on(&engine, &by).await;
    assert!(engine.refuse_workflow_webhooks(&by, "crm").await.unwrap());
    assert!(!engine.refuse_workflow_webhooks(&by, "crm").await.unwrap());
    assert_eq!(send(&engine, Some(SECRET), &contact()).await, Received::Refused(Refusal::WorkflowsOff));
    let words = super::trail(&engine).await.into_iter().find(|words| words.contains("removed")).unwrap();
    assert!(words.ends_with("removed the secret of workflow webhooks of the connection crm"), "{words}");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_secret_that_can_be_guessed_is_not_taken(pool: PgPool) {
    let (engine, by) = installation(&pool).await;
    let short = engine.rotate_credential(&by, "crm", CredentialField::WorkflowSecret, "hunter2hunter2".into()).await;
    let Err(EngineError::Invalid(faults)) = short else { panic!("{short:?}") };
    assert!(faults[0].starts_with("workflow_secret: use at least 16"), "{faults:?}");
}
