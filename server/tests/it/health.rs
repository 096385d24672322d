//! The two questions a supervisor asks.

use crate::logins::engine;
use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use server::http::health;
use sqlx::PgPool;
use tower::ServiceExt as _;

async fn ask(pool: &PgPool, path: &str) -> (StatusCode, serde_json::Value) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = health::routes(engine(pool)).oneshot(request).await.unwrap();
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), 1000).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_server_with_its_database_is_live_and_ready(pool: PgPool) {
    assert_eq!(ask(&pool, "/health/live").await.0, StatusCode::OK);
    let (status, body) = ask(&pool, "/health/ready").await;
    assert_eq!((status, body["ready"].as_bool()), (StatusCode::OK, Some(true)));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_server_without_its_database_is_live_but_not_ready(pool: PgPool) {
    pool.close().await;
    assert_eq!(ask(&pool, "/health/live").await.0, StatusCode::OK);
    let (status, body) = ask(&pool, "/health/ready").await;
    assert_eq!((status, body["ready"].as_bool()), (StatusCode::SERVICE_UNAVAILABLE, Some(false)));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_database_behind_the_program_is_told_apart(pool: PgPool) {
    sqlx::query("delete from _sqlx_migrations where version = 7").execute(&pool).await.unwrap();
    let (status, body) = ask(&pool, "/health/ready").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(body["reason"].as_str().unwrap().contains("concord migrate"), "{body}");
}
