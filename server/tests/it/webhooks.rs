//! Webhooks over HTTP: what is answered, and that nothing is acknowledged that is not kept.

use crate::site::{LOCATION, SHARED_KEY, Site};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signer as _, SigningKey, pkcs8::EncodePublicKey as _};
use hmac::{Hmac, Mac as _};
use reqwest::{Response, StatusCode};
use serde_json::json;
use sha2::Sha256;
use sqlx::PgPool;

fn signing_key() -> SigningKey {
    SigningKey::from_bytes(&[4; 32])
}

async fn site(pool: &PgPool) -> Site {
    let pem = signing_key().verifying_key().to_public_key_pem(ed25519_dalek::pkcs8::spki::der::pem::LineEnding::LF);
    Site::connected(pool, &pem.unwrap()).await
}

fn contact(location: &str) -> Vec<u8> {
    let body = json!({ "type": "ContactUpdate", "locationId": location, "id": "c1", "webhookId": "w1" });
    serde_json::to_vec(&body).unwrap()
}

async fn post(site: &Site, path: &str, (name, value): (&str, String), body: Vec<u8>) -> Response {
    site.client.post(site.url(path)).header(name, value).body(body).send().await.unwrap()
}

async fn highlevel(site: &Site, path: &str, body: Vec<u8>) -> Response {
    let signature = STANDARD.encode(signing_key().sign(&body).to_bytes());
    post(site, path, ("X-GHL-Signature", signature), body).await
}

async fn chargify(site: &Site, body: &str) -> Response {
    let mut mac = Hmac::<Sha256>::new_from_slice(SHARED_KEY.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let tag = hex::encode(mac.finalize().into_bytes());
    let header = ("X-Chargify-Webhook-Signature-Hmac-Sha-256", tag);
    post(site, "/webhooks/chargify/billing", header, body.as_bytes().to_vec()).await
}

async fn count(pool: &PgPool, table: &str) -> i64 {
    sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select count(*) from {table}"))).fetch_one(pool).await.unwrap()
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_accepted_webhook_is_kept_and_answered_with_200(pool: PgPool) {
    let site = site(&pool).await;
    let body = contact(LOCATION);
    assert_eq!(highlevel(&site, "/webhooks/highlevel/crm", body.clone()).await.status(), StatusCode::OK);
    assert_eq!(highlevel(&site, "/webhooks/highlevel/crm", body).await.status(), StatusCode::OK, "again");
    let form = "id=1&event=customer_update&payload[customer][id]=7&payload[site][subdomain]=acme";
    assert_eq!(chargify(&site, form).await.status(), StatusCode::OK);
    assert_eq!(chargify(&site, "id=2&event=test&payload[chargify]=testing").await.status(), StatusCode::OK);
    assert_eq!((count(&pool, "delivery").await, count(&pool, "job").await), (3, 2));
    assert_eq!(count(&pool, "api_call").await, 0, "nothing is acted upon in the request");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn what_cannot_be_proved_is_refused_and_not_kept(pool: PgPool) {
    let site = site(&pool).await;
    let path = "/webhooks/highlevel/crm";
    let check = async |response: Response, status: StatusCode| assert_eq!(response.status(), status);
    check(post(&site, path, ("x-nothing", String::new()), contact(LOCATION)).await, StatusCode::UNAUTHORIZED).await;
    check(post(&site, path, ("X-GHL-Signature", "N/A".to_owned()), contact(LOCATION)).await, StatusCode::UNAUTHORIZED)
        .await;
    let other = STANDARD.encode(SigningKey::from_bytes(&[5; 32]).sign(&contact(LOCATION)).to_bytes());
    check(post(&site, path, ("X-GHL-Signature", other), contact(LOCATION)).await, StatusCode::UNAUTHORIZED).await;
    check(highlevel(&site, path, contact("elsewhere")).await, StatusCode::FORBIDDEN).await;
    check(highlevel(&site, "/webhooks/highlevel/nobody", contact(LOCATION)).await, StatusCode::NOT_FOUND).await;
    check(highlevel(&site, "/webhooks/chargify/crm", contact(LOCATION)).await, StatusCode::NOT_FOUND).await;
    let form = "id=1&event=customer_update&payload[customer][id]=7&payload[site][subdomain]=other";
    check(chargify(&site, form).await, StatusCode::FORBIDDEN).await;
    assert_eq!((count(&pool, "delivery").await, count(&pool, "job").await), (0, 0));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_oversize_webhook_is_refused_before_it_is_read(pool: PgPool) {
    let site = site(&pool).await;
    let body = vec![b' '; domain::limits::WEBHOOK_BODY_BYTES + 1];
    let response = highlevel(&site, "/webhooks/highlevel/crm", body).await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(count(&pool, "delivery").await, 0);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn without_a_database_each_service_is_told_to_come_again_in_its_own_way(pool: PgPool) {
    let site = site(&pool).await;
    pool.close().await;
    let response = highlevel(&site, "/webhooks/highlevel/crm", contact(LOCATION)).await;
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(response.headers().contains_key("retry-after"));
    let response = chargify(&site, "id=1&event=test").await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
}
