//! Webhooks of both services: handed to the engine byte for byte, answered when they are durable.
//!
//! Maxio counts only 200 as taken (Maxio docs, Webhooks, seen 2026-08). GoHighLevel has been seen to repeat only what was
//! answered with 429 (HighLevel docs, Webhook Integration Guide, seen 2026-08), so that is what it gets when we cannot record.

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse as _, Response},
    routing::post,
};
use domain::{Side, limits};
use engine::{Engine, Received, Refusal};
use std::time::Duration;

/// Both services give up sooner or later: better to be asked again than to be waited for.
const PATIENCE: Duration = Duration::from_secs(8);

/// Both routes. They need no session; their proof is the signature.
pub(super) fn routes(engine: Engine) -> Router {
    Router::new()
        .route("/webhooks/highlevel/{connection}", post(highlevel))
        .route("/webhooks/chargify/{connection}", post(chargify))
        .layer(DefaultBodyLimit::max(limits::WEBHOOK_BODY_BYTES))
        .with_state(engine)
}

async fn highlevel(engine: State<Engine>, Path(key): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    receive(engine, Side::Highlevel, &key, (headers, body)).await
}

async fn chargify(engine: State<Engine>, Path(key): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    receive(engine, Side::Chargify, &key, (headers, body)).await
}

async fn receive(State(engine): State<Engine>, side: Side, key: &str, (headers, body): (HeaderMap, Bytes)) -> Response {
    match tokio::time::timeout(PATIENCE, engine.receive(side, key, &headers, &body)).await {
        Ok(Ok(Received::Recorded)) => (StatusCode::OK, "recorded").into_response(),
        Ok(Ok(Received::Repeated)) => (StatusCode::OK, "recorded before").into_response(),
        Ok(Ok(Received::Ignored)) => (StatusCode::OK, "recorded, nothing to do").into_response(),
        Ok(Ok(Received::UnknownConnection)) => (StatusCode::NOT_FOUND, "no such connection").into_response(),
        Ok(Ok(Received::Refused(Refusal::OtherAccount | Refusal::OtherApp))) => {
            (StatusCode::FORBIDDEN, "not about this connection's account").into_response()
        }
        Ok(Ok(Received::Refused(Refusal::WorkflowsOff | Refusal::WrongSecret))) => {
            (StatusCode::UNAUTHORIZED, "no valid secret").into_response()
        }
        Ok(Ok(Received::Refused(Refusal::Unsigned | Refusal::WronglySigned | Refusal::NoKey))) => {
            (StatusCode::UNAUTHORIZED, "no valid signature").into_response()
        }
        Ok(Err(error)) => {
            tracing::error!(error = &error as &dyn std::error::Error, side = %side, "a webhook cannot be recorded");
            come_again(side)
        }
        Err(_elapsed) => {
            tracing::error!(side = %side, "a webhook could not be recorded in time");
            come_again(side)
        }
    }
}

fn come_again(side: Side) -> Response {
    let status = match side {
        Side::Highlevel => StatusCode::TOO_MANY_REQUESTS,
        Side::Chargify => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, [(RETRY_AFTER, HeaderValue::from_static("30"))], "cannot record now").into_response()
}
