//! Serving: from a socket through slots, faults and latency to the rules, and back.

use std::{
    convert::Infallible,
    io,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{ConnectInfo, Request as HttpRequest, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::OwnedSemaphorePermit, time::Instant};

use super::{
    clock::Clock,
    control,
    faults::Fault,
    latency,
    line::{Cutter, Lines},
    side::Running,
};
use crate::{
    options::RequestInfo,
    request::{Reply, Request, pairs},
    service::Service,
};

/// Largest body read.
const BODY_MAX: usize = 16 * 1024 * 1024;

/// How a call ends.
enum Outcome {
    Answered(Reply),
    /// The body breaks off half way.
    Truncated(Reply),
    /// The connection is reset.
    Cut,
}

pub(super) async fn serve<S: Service>(running: Arc<Running<S>>, listener: TcpListener) {
    let stop = running.stop.clone();
    let router = Router::new().fallback(answer::<S>).with_state(running);
    let service = router.into_make_service_with_connect_info::<Cutter>();
    let served = axum::serve(Lines(listener), service).with_graceful_shutdown(stop.cancelled_owned()).await;
    if let Err(error) = served {
        tracing::error!(%error, "the sandbox stopped listening");
    }
}

async fn answer<S: Service>(
    State(running): State<Arc<Running<S>>>,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    http: HttpRequest,
) -> Result<Response, Infallible> {
    let Some(request) = read(http).await else {
        return Ok(into_response(Reply::text(413, "The body is too large."), false));
    };
    if request.path.starts_with("/_sandbox/") {
        return Ok(into_response(control::answer(&running, &request), false));
    }
    if request.path == "/" || request.path == "/console" || request.path.starts_with("/console/") {
        let state = running.state();
        let reply = running.rules().console(&request, &state, running.clock.now());
        running.wake.notify_one();
        return Ok(into_response(reply, false));
    }
    // In a task of its own, so that a client that goes away does not undo what the service has begun.
    let worked = running.tasks.spawn(work(Arc::clone(&running), request));
    Ok(match worked.await.unwrap_or(Outcome::Cut) {
        Outcome::Answered(reply) => into_response(reply, false),
        Outcome::Truncated(reply) => into_response(reply, true),
        Outcome::Cut => {
            cutter.cut();
            into_response(Reply::empty(500), false)
        }
    })
}

async fn read(http: HttpRequest) -> Option<Request> {
    let (parts, body) = http.into_parts();
    let body = axum::body::to_bytes(body, BODY_MAX).await.ok()?;
    let headers = parts.headers.iter().filter_map(|(name, value)| {
        // Latin-1 is what header bytes beyond ASCII mean; credentials and ids are ASCII anyway.
        value.to_str().ok().map(|value| (name.as_str().to_owned(), value.to_owned()))
    });
    Some(Request {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: pairs(parts.uri.query().unwrap_or_default()),
        headers: headers.collect(),
        body: body.to_vec(),
    })
}

/// Answers one API call, counted from arrival to answer.
async fn work<S: Service>(running: Arc<Running<S>>, request: Request) -> Outcome {
    let slots = running.slots.as_ref().map(|(slots, ..)| slots.running);
    let request = Arc::new(request);
    let (number, in_flight) = running.world().stats.arrive(&request, slots, running.clock.now());
    if let Some(hook) = &running.hook {
        hook(&RequestInfo { side: running.side, in_flight, request: Arc::clone(&request) });
    }
    let outcome = match slot(&running).await {
        Ok(_permit) => run(&running, &request).await,
        Err(reply) => Outcome::Answered(reply),
    };
    let status = match &outcome {
        Outcome::Answered(reply) | Outcome::Truncated(reply) => Some(reply.status),
        Outcome::Cut => None,
    };
    running.world().stats.leave(number, status, running.clock.now());
    running.wake.notify_one();
    outcome
}

/// Waits for a slot, unless too many wait already.
async fn slot<S: Service>(running: &Running<S>) -> Result<Option<OwnedSemaphorePermit>, Reply> {
    let Some((slots, free, waiting)) = &running.slots else { return Ok(None) };
    if let Ok(permit) = Arc::clone(free).try_acquire_owned() {
        return Ok(Some(permit));
    }
    if waiting.fetch_add(1, Ordering::SeqCst) >= slots.waiting {
        waiting.fetch_sub(1, Ordering::SeqCst);
        return Err(running.rules().overloaded(running.clock.now()));
    }
    let permit = Arc::clone(free).acquire_owned().await;
    waiting.fetch_sub(1, Ordering::SeqCst);
    Ok(permit.ok())
}

/// Does the work half way through the latency, so that a client that dies in between may find either.
async fn run<S: Service>(running: &Running<S>, request: &Request) -> Outcome {
    let begun = Clock::mark();
    let (fault, takes) = {
        let mut guard = running.world();
        let world = &mut *guard;
        let fault = world.script.hit(request.method.as_str(), &request.path, &mut world.rng);
        let takes = latency::draw(world.latency, &mut world.rng);
        (fault, takes)
    };
    let takes = if let Some(Fault::Slow { ms }) = &fault { takes + Duration::from_millis(*ms) } else { takes };
    sleep_until(running, begun, takes / 2).await;
    let handle = || running.rules().handle(request, running.clock.now());
    let outcome = match fault {
        None | Some(Fault::Slow { .. }) => Outcome::Answered(handle()),
        Some(Fault::Reset) => Outcome::Cut,
        Some(Fault::ResetAfter) => {
            drop(handle());
            Outcome::Cut
        }
        Some(Fault::TimeoutBefore { ms }) => {
            sleep_until(running, begun, Duration::from_millis(ms)).await;
            Outcome::Cut
        }
        Some(Fault::TimeoutAfter { ms }) => {
            drop(handle());
            running.wake.notify_one();
            sleep_until(running, begun, Duration::from_millis(ms)).await;
            Outcome::Cut
        }
        Some(Fault::Truncate) => Outcome::Truncated(handle()),
        Some(Fault::Status { status, body, retry_after }) => {
            let reply = if status == 429 && body.is_none() {
                running.rules().overloaded(running.clock.now())
            } else {
                faulty(status, body)
            };
            Outcome::Answered(match retry_after {
                Some(seconds) => reply.with_header("retry-after", seconds.to_string()),
                None => reply,
            })
        }
        Some(Fault::StatusAfter { status, body }) => {
            drop(handle());
            Outcome::Answered(faulty(status, body))
        }
    };
    sleep_until(running, begun, takes).await;
    outcome
}

fn faulty(status: u16, body: Option<Value>) -> Reply {
    match body {
        Some(Value::String(text)) => Reply::text(status, text),
        Some(body) => Reply::json(status, &body),
        None => Reply::json(status, &json!({ "statusCode": status, "message": "The sandbox was told to fail." })),
    }
}

async fn sleep_until<S: Service>(running: &Running<S>, begun: Instant, after: Duration) {
    if !after.is_zero() {
        running.stop.run_until_cancelled(tokio::time::sleep_until(begun + after)).await;
    }
}

fn into_response(reply: Reply, truncated: bool) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in &reply.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().append(name, value);
        }
    }
    let body = Bytes::from(reply.body);
    if truncated {
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
        let half = body.slice(..body.len() / 2);
        // The pause lets the first half leave; an error in the same breath would swallow it.
        let broken = async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            Err::<Bytes, io::Error>(io::ErrorKind::ConnectionReset.into())
        };
        let parts = stream::once(async { Ok(half) }).chain(stream::once(broken));
        *response.body_mut() = Body::from_stream(parts);
    } else {
        *response.body_mut() = Body::from(body);
    }
    response
}
