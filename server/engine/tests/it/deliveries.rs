//! Webhooks: proved, recorded together with their work, counted once, and refused without a trace but one audit line.

use crate::setting;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{Side, view::AuditFilter};
use ed25519_dalek::{Signer as _, SigningKey, pkcs8::EncodePublicKey as _};
use engine::{Engine, EngineError, Received, Refusal};
use hmac::{Hmac, Mac as _};
use http::HeaderMap;
use secrecy::SecretString;
use serde_json::{Value, json};
use sha2::Sha256;
use sqlx::PgPool;
use std::collections::BTreeSet;
use time::Duration;

const SHARED_KEY: &str = "shared-key-0123456789";
const LOCATION: &str = "ve9EPM428h8vShlRW1KT";

pub(crate) fn signing_key() -> SigningKey {
    SigningKey::from_bytes(&[9; 32])
}

pub(crate) fn pem(key: &SigningKey) -> String {
    key.verifying_key().to_public_key_pem(ed25519_dalek::pkcs8::spki::der::pem::LineEnding::LF).unwrap()
}

/// An installation with both connections, and a sync between them when `synced`.
async fn installation(pool: &PgPool, synced: bool) -> Engine {
    let (engine, _clock) = setting::engine(pool);
    configure(&engine, &pem(&signing_key()), synced).await;
    engine
}

async fn configure(engine: &Engine, webhook_public_key: &str, synced: bool) {
    let sync = if synced { "[[sync]]\nname = \"contacts\"\nhighlevel = \"crm\"\nchargify = \"billing\"\n" } else { "" };
    let file = format!(
        "[[connection]]\nname = \"crm\"\nkind = \"highlevel\"\nlocation_id = \"{LOCATION}\"\ntoken_env = \"TOKEN\"\n\
         webhook_public_key = \"\"\"{webhook_public_key}\"\"\"\n\
         [[connection]]\nname = \"billing\"\nkind = \"chargify\"\nsubdomain = \"acme\"\napi_key_env = \"KEY\"\n\
         shared_key_env = \"SHARED\"\n{sync}"
    );
    let viewer = engine.command_line(None).await.unwrap();
    let credentials =
        |name: &str| Ok(SecretString::from(if name == "SHARED" { SHARED_KEY } else { "credential-0123456789" }));
    engine.apply(&viewer, &file, &credentials).await.unwrap();
}

pub(crate) fn signed(body: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let signature = STANDARD.encode(signing_key().sign(body).to_bytes());
    headers.insert("x-ghl-signature", signature.parse().unwrap());
    headers
}

pub(crate) fn tagged(key: &str, body: &[u8]) -> HeaderMap {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(body);
    let mut headers = HeaderMap::new();
    let tag = hex::encode(mac.finalize().into_bytes());
    headers.insert("x-chargify-webhook-signature-hmac-sha-256", tag.parse().unwrap());
    headers
}

fn contact_update(webhook_id: &str, contact: &str) -> Vec<u8> {
    let body = json!({
        "type": "ContactUpdate", "locationId": LOCATION, "id": contact, "firstName": "Zoë", "webhookId": webhook_id,
    });
    serde_json::to_vec(&body).unwrap()
}

async fn highlevel(engine: &Engine, body: &[u8]) -> Received {
    engine.receive(Side::Highlevel, "crm", &signed(body), body).await.unwrap()
}

async fn chargify(engine: &Engine, body: &str) -> Received {
    let headers = tagged(SHARED_KEY, body.as_bytes());
    engine.receive(Side::Chargify, "billing", &headers, body.as_bytes()).await.unwrap()
}

/// (event, subject, state, arrivals) of every delivery.
async fn deliveries(pool: &PgPool) -> Vec<(String, Option<String>, String, i32)> {
    sqlx::query_as("select event, subject_id, state, arrivals from delivery order by received_at, event, webhook_id")
        .fetch_all(pool)
        .await
        .unwrap()
}

async fn jobs(pool: &PgPool) -> Vec<(Value, i16)> {
    sqlx::query_as("select payload, priority from job where state = 'ready' order by queued_at")
        .fetch_all(pool)
        .await
        .unwrap()
}

async fn refusals(engine: &Engine) -> Vec<String> {
    let viewer = engine.command_line(None).await.unwrap();
    let filter = AuditFilter { action: "delivery.refused".to_owned(), ..AuditFilter::default() };
    engine.audit_page(&viewer, filter).await.unwrap().lines.into_iter().map(|line| line.words).collect()
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_genuine_webhook_is_recorded_together_with_its_work(pool: PgPool) {
    let engine = installation(&pool, true).await;
    assert_eq!(highlevel(&engine, &contact_update("w1", "c1")).await, Received::Recorded);
    assert_eq!(
        deliveries(&pool).await,
        [("ContactUpdate".to_owned(), Some("c1".to_owned()), "recorded".to_owned(), 1)]
    );
    let jobs = jobs(&pool).await;
    assert_eq!(jobs.len(), 1);
    assert_eq!((jobs[0].0["kind"].as_str(), jobs[0].0["remote_id"].as_str()), (Some("reconcile"), Some("c1")));
    assert_eq!(jobs[0].1, 0, "live");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_second_arrival_of_the_same_webhook_only_counts(pool: PgPool) {
    let engine = installation(&pool, true).await;
    let body = contact_update("w1", "c1");
    assert_eq!(highlevel(&engine, &body).await, Received::Recorded);
    sqlx::query("update job set state = 'done'").execute(&pool).await.unwrap();
    assert_eq!(highlevel(&engine, &body).await, Received::Repeated);
    assert_eq!(deliveries(&pool).await[0].3, 2);
    assert!(jobs(&pool).await.is_empty(), "no work for what was seen before");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_burst_about_one_contact_is_one_piece_of_work(pool: PgPool) {
    let engine = installation(&pool, true).await;
    for number in 0..5 {
        let body = contact_update(&format!("w{number}"), "c1");
        assert_eq!(highlevel(&engine, &body).await, Received::Recorded);
    }
    assert_eq!((deliveries(&pool).await.len(), jobs(&pool).await.len()), (5, 1));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn many_at_once_are_each_recorded_once(pool: PgPool) {
    let engine = installation(&pool, true).await;
    let arrivals = (0..24).map(|number| {
        let body = contact_update(&format!("w{}", number / 2), &format!("c{}", number % 3));
        let engine = engine.clone();
        async move { highlevel(&engine, &body).await }
    });
    let received = futures::future::join_all(arrivals).await;
    let fresh = received.iter().filter(|received| **received == Received::Recorded).count();
    assert_eq!((fresh, received.len() - fresh), (12, 12));
    assert_eq!((deliveries(&pool).await.len(), jobs(&pool).await.len()), (12, 3));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn what_is_not_proved_leaves_one_audit_line_a_minute_and_nothing_else(pool: PgPool) {
    let (engine, clock) = setting::engine(&pool);
    configure(&engine, &pem(&signing_key()), true).await;
    let body = contact_update("w1", "c1");
    let other = contact_update("w2", "c1");
    for _ in 0..3 {
        let unsigned = engine.receive(Side::Highlevel, "crm", &HeaderMap::new(), &body).await.unwrap();
        assert_eq!(unsigned, Received::Refused(Refusal::Unsigned));
        let wrong = engine.receive(Side::Highlevel, "crm", &signed(&other), &body).await.unwrap();
        assert_eq!(wrong, Received::Refused(Refusal::WronglySigned));
    }
    assert!(deliveries(&pool).await.is_empty() && jobs(&pool).await.is_empty());
    assert_eq!(refusals(&engine).await.len(), 2, "one for each reason");
    clock.pass(Duration::seconds(61));
    engine.receive(Side::Highlevel, "crm", &HeaderMap::new(), &body).await.unwrap();
    let words = refusals(&engine).await;
    assert_eq!(words.len(), 3);
    assert_eq!(words[0], "A webhook for crm was turned away: it carries no usable signature");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_genuine_webhook_of_another_location_is_refused(pool: PgPool) {
    let engine = installation(&pool, true).await;
    for body in [
        json!({ "type": "ContactUpdate", "locationId": "somebody-else", "id": "c1" }),
        json!({ "type": "ContactUpdate", "id": "c1" }),
        json!(["no", "object"]),
    ] {
        let body = serde_json::to_vec(&body).unwrap();
        assert_eq!(highlevel(&engine, &body).await, Received::Refused(Refusal::OtherAccount));
    }
    assert!(deliveries(&pool).await.is_empty());
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn what_is_not_used_is_recorded_and_ignored(pool: PgPool) {
    let engine = installation(&pool, true).await;
    let nameless = json!({ "type": "AppointmentCreate", "locationId": LOCATION, "appointment": { "contactId": "c2" }, "webhookId": "1" });
    let unknown = json!({ "type": "WeatherChanged", "locationId": LOCATION, "webhookId": "2" });
    for body in [nameless, unknown] {
        assert_eq!(highlevel(&engine, &serde_json::to_vec(&body).unwrap()).await, Received::Ignored);
    }
    let rows = deliveries(&pool).await;
    assert!(rows.iter().all(|row| row.2 == "ignored"));
    assert!(rows.len() == 2 && rows.iter().all(|row| row.1.is_none()));
    assert!(jobs(&pool).await.is_empty());
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_note_is_a_subject_of_its_own_and_not_its_contact(pool: PgPool) {
    let engine = installation(&pool, true).await;
    let note = json!({ "type": "NoteCreate", "locationId": LOCATION, "id": "n1", "contactId": "c1", "webhookId": "1" });
    let task = json!({ "type": "TaskCreate", "locationId": LOCATION, "id": "n1", "title": "Call", "webhookId": "2" });
    for body in [note, task] {
        assert_eq!(highlevel(&engine, &serde_json::to_vec(&body).unwrap()).await, Received::Recorded);
    }
    let rows = deliveries(&pool).await;
    let subjects: BTreeSet<_> = rows.iter().filter_map(|row| row.1.as_deref()).collect();
    assert_eq!(subjects, BTreeSet::from(["task:n1", "note:n1"]));
    assert_eq!(jobs(&pool).await.len(), 2);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn without_a_sync_there_is_nobody_to_tell(pool: PgPool) {
    let engine = installation(&pool, false).await;
    assert_eq!(highlevel(&engine, &contact_update("w1", "c1")).await, Received::Ignored);
    let viewer = engine.command_line(None).await.unwrap();
    let page = engine.deliveries(&viewer, None).await.unwrap();
    assert_eq!(page.deliveries[0].detail.as_deref(), Some("no sync uses this connection"));
    assert_eq!((page.deliveries[0].connection.as_str(), page.next), ("crm", None));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_nested_body_and_one_without_an_id_are_understood(pool: PgPool) {
    let engine = installation(&pool, true).await;
    let body = json!({ "type": "ContactCreate", "data": { "locationId": LOCATION, "id": "c7" } });
    let body = serde_json::to_vec(&body).unwrap();
    assert_eq!(highlevel(&engine, &body).await, Received::Recorded);
    assert_eq!(highlevel(&engine, &body).await, Received::Repeated, "the same bytes are the same webhook");
    assert_eq!(deliveries(&pool).await[0].1.as_deref(), Some("c7"));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn awkward_ids_are_kept_out_of_the_index_and_never_fail(pool: PgPool) {
    let engine = installation(&pool, true).await;
    let long = "x".repeat(5_000);
    for (webhook_id, contact, received) in [
        ("nul\0", "c1", Received::Recorded),
        (long.as_str(), "c2", Received::Recorded),
        ("w3", "nul\0", Received::Ignored),
        ("w4", long.as_str(), Received::Ignored),
    ] {
        assert_eq!(highlevel(&engine, &contact_update(webhook_id, contact)).await, received);
    }
    assert_eq!((deliveries(&pool).await.len(), jobs(&pool).await.len()), (4, 2));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_connection_is_addressed_by_its_public_id_or_a_name_that_is_unique(pool: PgPool) {
    let engine = installation(&pool, true).await;
    let viewer = engine.command_line(None).await.unwrap();
    let id = engine.connection(&viewer, "crm").await.unwrap().id;
    let body = contact_update("w1", "c1");
    let by_id = engine.receive(Side::Highlevel, &id, &signed(&body), &body).await.unwrap();
    assert_eq!(by_id, Received::Recorded);
    let wrong_side = engine.receive(Side::Chargify, "crm", &signed(&body), &body).await.unwrap();
    assert_eq!(wrong_side, Received::UnknownConnection);

    // A second workspace with a connection of the same name.
    sqlx::raw_sql(
        "insert into workspace (workspace_id, name) values ('00000000-0000-0000-0000-00000000000f', 'other');
         insert into connection (workspace_id, connection_id, public_id, name, side, account, data_key, data_key_nonce,
             key_version)
         select '00000000-0000-0000-0000-00000000000f', '00000000-0000-0000-0000-0000000000ff', 'another', name, side,
             account, data_key, data_key_nonce, key_version
         from connection where name = 'crm'",
    )
    .execute(&pool)
    .await
    .unwrap();
    let by_name = engine.receive(Side::Highlevel, "crm", &signed(&body), &body).await.unwrap();
    assert_eq!(by_name, Received::UnknownConnection);
    let by_id = engine.receive(Side::Highlevel, &id, &signed(&body), &body).await.unwrap();
    assert_eq!(by_id, Received::Repeated);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn chargify_webhooks_name_their_customer_in_several_places(pool: PgPool) {
    let engine = installation(&pool, true).await;
    let site = "payload[site][subdomain]=acme";
    for (body, subject) in [
        (format!("id=1&event=customer_update&payload%5Bcustomer%5D%5Bid%5D=77&{site}"), "77"),
        (format!("id=2&event=signup_success&payload[subscription][customer][id]=78&{site}"), "78"),
        (
            "id=3&event=subscription_state_change&payload[subscription][customer][id]=79&payload[subscription][group]="
                .to_owned(),
            "79",
        ),
    ] {
        assert_eq!(chargify(&engine, &body).await, Received::Recorded, "{body}");
        assert!(deliveries(&pool).await.iter().any(|row| row.1.as_deref() == Some(subject)));
    }
    assert_eq!(jobs(&pool).await.len(), 4, "a sign-up also asks for what waited for it");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn chargify_tests_and_samples_are_acknowledged_and_left_alone(pool: PgPool) {
    let engine = installation(&pool, true).await;
    for body in [
        "id=1&event=test&payload[chargify]=testing",
        "id=2&event=customer_update&payload[customer][id]=0&payload[site][subdomain]=acme",
        "id=3&event=metered_usage&payload[subscription][customer][id]=5",
    ] {
        assert_eq!(chargify(&engine, body).await, Received::Ignored, "{body}");
    }
    assert!(jobs(&pool).await.is_empty());
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn chargify_webhooks_of_another_site_or_key_are_refused(pool: PgPool) {
    let engine = installation(&pool, true).await;
    let other = "id=1&event=customer_update&payload[customer][id]=7&payload[site][subdomain]=other";
    assert_eq!(chargify(&engine, other).await, Received::Refused(Refusal::OtherAccount));
    let body = b"id=1&event=customer_update&payload[customer][id]=7";
    let wrong = engine.receive(Side::Chargify, "billing", &tagged("another", body), body).await.unwrap();
    assert_eq!(wrong, Received::Refused(Refusal::WronglySigned));
    let unsigned = engine.receive(Side::Chargify, "billing", &HeaderMap::new(), body).await.unwrap();
    assert_eq!(unsigned, Received::Refused(Refusal::Unsigned));
    sqlx::query("delete from credential where field = 'shared_key'").execute(&pool).await.unwrap();
    let keyless = engine.receive(Side::Chargify, "billing", &tagged(SHARED_KEY, body), body).await.unwrap();
    assert_eq!(keyless, Received::Refused(Refusal::NoKey));
    assert!(deliveries(&pool).await.is_empty());
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn without_a_database_nothing_is_acknowledged(pool: PgPool) {
    let engine = installation(&pool, true).await;
    pool.close().await;
    let body = contact_update("w1", "c1");
    let received = engine.receive(Side::Highlevel, "crm", &signed(&body), &body).await;
    assert!(matches!(received, Err(EngineError::Database(_))), "{received:?}");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn the_vendors_signature_vectors_are_taken_as_they_say(pool: PgPool) {
    let Some(folder) = std::env::var_os("CONCORD_VENDOR_SPECS").map(std::path::PathBuf::from) else {
        println!("skipped: CONCORD_VENDOR_SPECS names no folder with the vendors' documents");
        return;
    };
    let read = |path: &str| -> Value { serde_json::from_slice(&std::fs::read(folder.join(path)).unwrap()).unwrap() };
    let vector = read("ghl/examples/signature_vectors.json");
    let (engine, _clock) = setting::engine(&pool);
    configure(&engine, vector["ed25519"]["public_key_pem"].as_str().unwrap(), true).await;
    let body = STANDARD.decode(vector["body_base64"].as_str().unwrap()).unwrap();
    let mut headers = HeaderMap::new();
    headers.insert("X-GHL-Signature", vector["ed25519"]["signature_base64"].as_str().unwrap().parse().unwrap());
    let received = engine.receive(Side::Highlevel, "crm", &headers, &body).await.unwrap();
    assert_eq!(received, Received::Recorded);
    let mut changed = body.clone();
    changed[20] ^= 1;
    let received = engine.receive(Side::Highlevel, "crm", &headers, &changed).await.unwrap();
    assert_eq!(received, Received::Refused(Refusal::WronglySigned));

    let by = engine.command_line(None).await.unwrap().keyholder().unwrap();
    for vector in read("chargify/examples/webhook-signature-vectors.json")["vectors"].as_array().unwrap() {
        let key = vector["shared_key"].as_str().unwrap();
        // Shorter than any real key, so past the form: what is sealed is what verifies.
        let stored = engine.rotate_credential(&by, "billing", engine::CredentialField::SharedKey, key.into()).await;
        if stored.is_err() {
            println!("skipped: the vector's key {key} is shorter than a connection takes");
            continue;
        }
        let body = vector["raw_body"].as_str().unwrap().as_bytes();
        let mut headers = HeaderMap::new();
        let tag = vector["hmac_sha_256"].as_str().unwrap();
        headers.insert("X-Chargify-Webhook-Signature-Hmac-Sha-256", tag.parse().unwrap());
        let received = engine.receive(Side::Chargify, "billing", &headers, body).await.unwrap();
        assert_eq!(received, Received::Ignored);
    }
}
