//! One call: gate, wire, classification, journal. Shared by both clients.

use super::{CallError, Gate, Permit, Priority, Refusal};
use crate::{Clock, Incoming, Outgoing, Transport, TransportError, UpstreamClass};
use domain::{
    ConnectionId, RemoteId, RunId, Side, WorkspaceId, limits,
    record::{FieldKey, Record},
    retry,
};
use std::{sync::Arc, time::Duration};
use time::OffsetDateTime;
use tracing::Instrument;

/// Whose credentials a client uses, and where they are good.
#[derive(Clone, Debug)]
pub struct Account {
    pub workspace_id: WorkspaceId,
    pub connection_id: ConnectionId,
    /// Without a trailing slash.
    pub base_url: String,
}

/// What a client is given from outside.
#[derive(Clone)]
pub struct Wire {
    pub transport: Arc<dyn Transport>,
    pub clock: Arc<dyn Clock>,
    pub gate: Arc<dyn Gate>,
    pub sink: Arc<dyn CallSink>,
}

/// Why a call is made.
#[derive(Clone, Debug)]
pub struct CallContext {
    pub priority: Priority,
    /// For the journal: `run:<id>`, `webhook:<id>`, `person:<id>`, `check`.
    pub cause: String,
    pub run_id: Option<RunId>,
    /// After waiting longer than this for the gate it is not sent: what it was decided from may be old by then.
    pub fresh_for: Option<Duration>,
}

impl CallContext {
    /// A call outside of any run.
    pub fn new(priority: Priority, cause: impl Into<String>) -> Self {
        Self { priority, cause: cause.into(), run_id: None, fresh_for: None }
    }

    /// A call of a run.
    #[must_use]
    pub fn of_run(priority: Priority, run_id: RunId) -> Self {
        Self { priority, cause: format!("run:{run_id}"), run_id: Some(run_id), fresh_for: None }
    }

    /// The same call, not to be sent once it has waited for so long.
    #[must_use]
    pub fn fresh_for(&self, span: Duration) -> Self {
        Self { fresh_for: Some(span), ..self.clone() }
    }
}

/// One call as the journal keeps it. Holds no record id, no query value, no body and no credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallRecord {
    pub side: Side,
    pub workspace_id: WorkspaceId,
    pub connection_id: ConnectionId,
    /// Method and template, such as `PUT /customers/{id}.json`.
    pub endpoint: &'static str,
    /// `None`: no answer came.
    pub status: Option<u16>,
    /// `None`: it succeeded.
    pub error_class: Option<UpstreamClass>,
    /// From the request leaving to the answer's last byte; waiting for the gate is not part of it.
    pub took_ms: u32,
    pub cause: String,
    pub run_id: Option<RunId>,
    /// The service's own name for the call: `traceId` or `x-request-id`.
    pub remote_request_id: Option<String>,
    pub called_at: OffsetDateTime,
}

/// Is told every call that left, after its answer.
pub trait CallSink: Send + Sync {
    /// Must not block: it is called between the answer and its use.
    fn record(&self, call: CallRecord);
}

/// Keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct QuietSink;

impl CallSink for QuietSink {
    fn record(&self, _call: CallRecord) {}
}

/// Something in an answer that could not be read. The rest of the answer was.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RowProblem {
    /// The record concerned, when even that could be read.
    pub id: Option<RemoteId>,
    /// The field left out; `None` when the whole row was.
    pub field: Option<FieldKey>,
    pub detail: String,
}

/// A write that the service confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The record as the service returned it.
    pub record: Record,
    /// Fields that were sent but came back with another value, compared in normal form.
    pub differing: Vec<FieldKey>,
    /// Fields that were left out because the service does not take them, or that it did not keep.
    pub dropped: Vec<Dropped>,
    /// What could not be read in the answer.
    pub problems: Vec<RowProblem>,
}

impl Written {
    /// A write that the service took whole, as it answered it.
    pub(super) fn of(record: Record) -> Self {
        Self { record, differing: Vec::new(), dropped: Vec::new(), problems: Vec::new() }
    }
}

/// A field that was to be written and was not, while the rest was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    pub field: FieldKey,
    /// For a person, without a full stop.
    pub why: String,
}

/// A request, before the credential is put on it.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub method: http::Method,
    /// For the journal, such as `GET /customers/{id}.json`.
    pub endpoint: &'static str,
    /// Path and encoded query, beginning with a slash.
    pub target: String,
    pub body: Option<serde_json::Value>,
    /// Whether the service changes anything: then a missing answer is ambiguous.
    pub writes: bool,
    pub timeout: Duration,
}

/// An answer with what it took.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub incoming: Incoming,
    pub writes: bool,
    pub side: Side,
}

impl Answer {
    /// The body as JSON.
    pub(super) fn json(&self) -> Result<serde_json::Value, CallError> {
        serde_json::from_slice(&self.incoming.body)
            .map_err(|error| self.unreadable(format!("the answer is not JSON: {error}")))
    }

    /// The answer succeeded but does not hold what it should.
    pub(super) fn unreadable(&self, what: impl AsRef<str>) -> CallError {
        CallError::unreadable(self.side, self.incoming.status, self.writes, what)
    }
}

/// How a side puts its credential on a request and reads its refusals.
pub(super) trait Manners: Send + Sync {
    fn side(&self) -> Side;
    fn headers(&self, call: &Call) -> Vec<(&'static str, String)>;
    fn refusal(&self, incoming: &Incoming, writes: bool, now: OffsetDateTime) -> CallError;
    fn remote_request_id(&self, incoming: &Incoming) -> Option<String>;
    /// Sees every answer, for the limits in its headers.
    fn observe(&self, incoming: &Incoming);
}

/// Sends `call` once and journals it.
pub(super) async fn send(
    manners: &dyn Manners,
    account: &Account,
    wire: &Wire,
    context: &CallContext,
    call: Call,
) -> Result<Answer, CallError> {
    let (side, endpoint, writes) = (manners.side(), call.endpoint, call.writes);
    let mut headers = manners.headers(&call);
    headers.push(("accept", "application/json".to_owned()));
    if call.body.is_some() {
        headers.push(("content-type", "application/json".to_owned()));
    }
    let outgoing = Outgoing {
        method: call.method,
        url: format!("{}{}", account.base_url, call.target),
        headers,
        body: call.body.map(|body| body.to_string().into_bytes()),
        timeout: call.timeout,
    };
    // Everything that can be done before is done: the time in the gate is the service's.
    let permit = enter(side, wire, context).await?;
    let called_at = wire.clock.now();
    let started = wire.clock.monotonic_ms();
    let span = tracing::info_span!("call", side = side.as_str(), endpoint, cause = %context.cause);
    let transport = Arc::clone(&wire.transport);
    // In a task of its own: a caller who goes away does not end the request at the service, so neither its place.
    let clock = Arc::clone(&wire.clock);
    let flight = async move {
        let outcome = transport.send(outgoing).await;
        let took = Duration::from_millis(clock.monotonic_ms().saturating_sub(started));
        tell(&permit, &outcome, clock.now());
        let goes_on = goes_on(&outcome, took);
        if permit.is_counted() && !goes_on.is_zero() && !crate::planted!(FreeSlotEarly) {
            // Its place stays taken as long as the service may be at it.
            tokio::spawn(async move {
                clock.sleep(goes_on).await;
                drop(permit);
            });
        }
        (outcome, goes_on)
    };
    let flown = tokio::spawn(flight.instrument(span.clone())).await;
    let cut_short = |_ended| (Err(TransportError::Broken("the call was cut short".to_owned())), limits::REMOTE_ENDED);
    let (outcome, goes_on) = flown.unwrap_or_else(cut_short);
    let took_ms = u32::try_from(wire.clock.monotonic_ms().saturating_sub(started)).unwrap_or(u32::MAX);
    // Whoever waits for the gate sends first; this answer can be read meanwhile.
    tokio::task::yield_now().await;
    if let Ok(incoming) = &outcome {
        manners.observe(incoming);
    }
    let status = outcome.as_ref().ok().map(|incoming| incoming.status);
    let remote_request_id = outcome.as_ref().ok().and_then(|incoming| manners.remote_request_id(incoming));
    let result = match outcome {
        Err(error) => Err(CallError::from_transport(side, &error, writes)),
        Ok(incoming) if (200..300).contains(&incoming.status) => Ok(Answer { incoming, writes, side }),
        Ok(incoming) => Err(manners.refusal(&incoming, writes, wire.clock.now())),
    };
    let result = result.map_err(|error: CallError| error.with_goes_on(goes_on));
    let error_class = result.as_ref().err().map(|error| error.class);
    span.in_scope(|| match &error_class {
        None => tracing::debug!(status, took_ms, "call answered"),
        Some(class) => tracing::info!(status, took_ms, %class, "call refused"),
    });
    wire.sink.record(CallRecord {
        side,
        workspace_id: account.workspace_id,
        connection_id: account.connection_id,
        endpoint,
        status,
        error_class,
        took_ms,
        cause: context.cause.clone(),
        run_id: context.run_id,
        remote_request_id,
        called_at,
    });
    result
}

/// Waits for the gate; what waited for longer than it is fresh is not let through.
async fn enter(side: Side, wire: &Wire, context: &CallContext) -> Result<Permit, CallError> {
    let asked = wire.clock.monotonic_ms();
    let permit = wire.gate.enter(context.priority).await?;
    let waited = Duration::from_millis(wire.clock.monotonic_ms().saturating_sub(asked));
    if context.fresh_for.is_some_and(|fresh_for| waited > fresh_for) {
        let words = format!("it waited for {} s and has to be looked at again", waited.as_secs());
        return Err(CallError::new(side, UpstreamClass::Unavailable, words).with_refusal(Refusal::WaitedLong));
    }
    Ok(permit)
}

/// Tells the gate how the service liked the pace.
fn tell(permit: &Permit, outcome: &Result<Incoming, TransportError>, now: OffsetDateTime) {
    let (Some(hold), Ok(incoming)) = (permit.hold(), outcome) else { return };
    match incoming.status {
        429 if crate::planted!(IgnoreTooMany) => {}
        429 => {
            let retry_after = incoming.header("retry-after").and_then(|text| retry::parse_retry_after(text, now));
            hold.too_many(retry_after, "too many requests");
        }
        200..500 => hold.went_well(),
        _ => {}
    }
}

/// How long the service may still be at a request that took so long and was not answered: it cuts every request off
/// after a while. A gateway that gave up says nothing about the service behind it.
fn goes_on(outcome: &Result<Incoming, TransportError>, took: Duration) -> Duration {
    let is_open = match outcome {
        Ok(incoming) => incoming.status == 504,
        Err(TransportError::Broken(_) | TransportError::TimedOut(_)) => true,
        Err(TransportError::Connect(_) | TransportError::CutShort(_)) => false,
    };
    if is_open { limits::REMOTE_ENDED.saturating_sub(took) } else { Duration::ZERO }
}
