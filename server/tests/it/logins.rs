//! Browser logins as a browser meets them: the cookie, its rotation on sign-in, its end.

use axum::{
    Router,
    body::Body,
    http::{Request, Response, StatusCode},
    routing::{get, post},
};
use engine::{Engine, Entropy, Incoming, Outgoing, Parts, Settings, SystemClock, Transport, TransportError, Vault};
use futures::future::BoxFuture;
use server::http::logins;
use sqlx::PgPool;
use std::sync::Arc;
use tower::ServiceExt as _;
use tower_sessions::Session;

const PERSON: &str = "6f1d2c3b-0000-4000-8000-000000000001";

struct NoWire;

impl Transport for NoWire {
    fn send(&self, _request: Outgoing) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        Box::pin(std::future::ready(Err(TransportError::Connect("no wire in this test".to_owned()))))
    }
}

pub(crate) fn engine(pool: &PgPool) -> Engine {
    Engine::new(Parts {
        pool: pool.clone(),
        store: Arc::new(engine::PostgresStore::new(pool.clone())),
        clock: Arc::new(SystemClock::new()),
        entropy: Entropy::from_seed(1),
        transport: Arc::new(NoWire),
        vault: Vault::new([7; 32]),
        settings: Settings { public_url: String::new(), allowed_base_urls: Vec::new() },
    })
}

async fn sign_in(session: Session) {
    session.cycle_id().await.unwrap();
    session.insert(engine::LOGIN_PERSON, PERSON).await.unwrap();
}

async fn who(session: Session) -> String {
    session.get(engine::LOGIN_PERSON).await.unwrap().unwrap_or_default()
}

/// A site where the usual person signs in by asking for it.
async fn site(pool: &PgPool, public_url: &str) -> Router {
    sqlx::query(
        "insert into person (person_id, email, name, password_hash) values ($1::uuid, 'ops@example.com', '', '')",
    )
    .bind(PERSON)
    .execute(pool)
    .await
    .unwrap();
    Router::new()
        .route("/in", post(sign_in))
        .route("/out", post(|session: Session| async move { session.flush().await.unwrap() }))
        .route("/who", get(who))
        .layer(logins::layer(engine(pool), public_url))
}

async fn send(site: &Router, method: &str, path: &str, cookie: &str) -> Response<Body> {
    let request = Request::builder().method(method).uri(path).header("cookie", cookie).body(Body::empty()).unwrap();
    let response = site.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    response
}

fn set_cookie(response: &Response<Body>) -> String {
    response.headers().get("set-cookie").map_or("", |value| value.to_str().unwrap()).to_owned()
}

async fn person(site: &Router, cookie: &str) -> String {
    let body = axum::body::to_bytes(send(site, "GET", "/who", cookie).await.into_body(), 1000).await.unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_cookie_lasts_from_sign_in_to_sign_out_and_no_longer(pool: PgPool) {
    let site = site(&pool, "http://127.0.0.1:3000").await;
    assert_eq!(set_cookie(&send(&site, "GET", "/who", "").await), "", "no cookie before there is something to keep");

    let first = set_cookie(&send(&site, "POST", "/in", "").await);
    let first = first.split(';').next().unwrap();
    assert_eq!(person(&site, first).await, PERSON);

    let second = set_cookie(&send(&site, "POST", "/in", first).await);
    let second = second.split(';').next().unwrap();
    assert_ne!(first, second, "signing in changes the id");
    assert_eq!((person(&site, first).await.as_str(), person(&site, second).await.as_str()), ("", PERSON));

    send(&site, "POST", "/out", second).await;
    assert_eq!(person(&site, second).await, "");
    let left: i64 = sqlx::query_scalar("select count(*) from login").fetch_one(&pool).await.unwrap();
    assert_eq!(left, 0);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn the_cookie_is_out_of_reach_of_scripts_and_other_sites(pool: PgPool) {
    let site = site(&pool, "https://concord.example.com").await;
    let cookie = set_cookie(&send(&site, "POST", "/in", "").await);
    assert!(cookie.starts_with("__Host-concord="), "{cookie}");
    for attribute in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert!(!cookie.contains("Max-Age") && !cookie.contains("Domain"), "{cookie}");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn plain_http_has_a_plain_cookie(pool: PgPool) {
    let site = site(&pool, "http://127.0.0.1:3000").await;
    let cookie = set_cookie(&send(&site, "POST", "/in", "").await);
    assert!(cookie.starts_with("concord=") && !cookie.contains("Secure"), "{cookie}");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn the_database_knows_whose_login_it_is_but_not_its_cookie(pool: PgPool) {
    let site = site(&pool, "http://127.0.0.1:3000").await;
    let cookie = set_cookie(&send(&site, "POST", "/in", "").await);
    let id = cookie.trim_start_matches("concord=").split(';').next().unwrap().to_owned();
    let (person, row): (String, String) =
        sqlx::query_as("select person_id::text, login::text from login").fetch_one(&pool).await.unwrap();
    assert_eq!(person, PERSON);
    assert!(!row.contains(&id), "{row}");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_made_up_cookie_is_nobody(pool: PgPool) {
    let site = site(&pool, "http://127.0.0.1:3000").await;
    for cookie in ["concord=AAAAAAAAAAAAAAAAAAAAAA", "concord=nonsense", "concord="] {
        assert_eq!(person(&site, cookie).await, "", "{cookie}");
    }
}
