//! `/health/live`: the process answers. `/health/ready`: it can work.

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use engine::{Engine, Readiness};
use serde_json::{Value, json};
use std::time::Duration;

/// Longer than a database in good health ever takes to answer, shorter than a probe's own patience.
const PATIENCE: Duration = Duration::from_secs(2);

/// Both routes. Anybody may ask; the answers name no version and no address.
pub fn routes(engine: Engine) -> Router {
    Router::new().route("/health/live", get(live)).route("/health/ready", get(ready)).with_state(engine)
}

async fn live() -> Json<Value> {
    Json(json!({ "live": true }))
}

async fn ready(State(engine): State<Engine>) -> (StatusCode, Json<Value>) {
    let obstacle = match tokio::time::timeout(PATIENCE, engine.readiness()).await {
        Ok(Ok(Readiness::Ready)) => return (StatusCode::OK, Json(json!({ "ready": true }))),
        Ok(Ok(Readiness::SchemaBehind)) => "the database is older than this program: run `concord migrate`",
        Ok(Ok(Readiness::OtherKey)) => "the database was sealed with another secret key",
        Ok(Err(error)) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "the database does not answer as it should");
            "the database does not answer"
        }
        Err(_elapsed) => "the database does not answer in time",
    };
    (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "ready": false, "reason": obstacle })))
}
