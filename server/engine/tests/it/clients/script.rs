//! A wire with written answers, and clients on it.

use crate::setting::TestClock;
use domain::{ConnectionId, RemoteId, WorkspaceId, record::FieldKey, value::Value};
use engine::{
    Incoming, Outgoing, Transport, TransportError,
    clients::{
        Account, CallContext, CallRecord, CallSink, Chargify, HighLevel, OpenGate, Priority, Wire,
        highlevel::LocationState,
    },
};
use futures::future::BoxFuture;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
};
use uuid::Uuid;

pub(crate) type Scripted = Result<Incoming, TransportError>;

/// Gives the next written answer and keeps what was asked.
#[derive(Default)]
pub(crate) struct Script {
    answers: Mutex<VecDeque<Scripted>>,
    sent: Mutex<Vec<Outgoing>>,
    calls: Mutex<Vec<CallRecord>>,
}

impl Script {
    pub(crate) fn of(answers: impl IntoIterator<Item = Scripted>) -> Arc<Self> {
        let script = Self::default();
        script.answers.lock().unwrap().extend(answers);
        Arc::new(script)
    }

    /// Everything that was sent, in order.
    pub(crate) fn sent(&self) -> Vec<Outgoing> {
        self.sent.lock().unwrap().clone()
    }

    /// The only request that was sent.
    pub(crate) fn only(&self) -> Outgoing {
        let sent = self.sent();
        assert_eq!(sent.len(), 1, "one request");
        sent.into_iter().next().unwrap()
    }

    /// Everything the journal was told.
    pub(crate) fn calls(&self) -> Vec<CallRecord> {
        self.calls.lock().unwrap().clone()
    }
}

impl Transport for Script {
    fn send(&self, request: Outgoing) -> BoxFuture<'_, Scripted> {
        self.sent.lock().unwrap().push(request);
        let answer = self.answers.lock().unwrap().pop_front();
        Box::pin(std::future::ready(answer.unwrap_or_else(|| panic!("a request too many"))))
    }
}

impl CallSink for Script {
    fn record(&self, call: CallRecord) {
        self.calls.lock().unwrap().push(call);
    }
}

/// An answer with a JSON body.
pub(crate) fn json(status: u16, body: serde_json::Value) -> Scripted {
    text(status, &body.to_string())
}

/// An answer with that body.
pub(crate) fn text(status: u16, body: &str) -> Scripted {
    Ok(Incoming { status, headers: Vec::new(), body: body.as_bytes().to_vec() })
}

/// The same answer with one more header.
pub(crate) fn with(answer: Scripted, name: &str, value: &str) -> Scripted {
    answer.map(|mut incoming| {
        incoming.headers.push((name.to_owned(), value.to_owned()));
        incoming
    })
}

pub(crate) fn account(base_url: &str) -> Account {
    Account {
        workspace_id: WorkspaceId(Uuid::from_u128(1)),
        connection_id: ConnectionId(Uuid::from_u128(2)),
        base_url: base_url.to_owned(),
    }
}

pub(crate) fn wire(script: &Arc<Script>, clock: Arc<TestClock>) -> Wire {
    Wire { transport: script.clone(), clock, gate: Arc::new(OpenGate), sink: script.clone() }
}

pub(crate) fn highlevel(script: &Arc<Script>) -> HighLevel {
    highlevel_on(script, Arc::default())
}

pub(crate) fn highlevel_on(script: &Arc<Script>, clock: Arc<TestClock>) -> HighLevel {
    let state = Arc::<LocationState>::default();
    HighLevel::new(account("https://ghl.example"), "loc1".to_owned(), "pit-1".into(), wire(script, clock), state)
}

pub(crate) fn chargify(script: &Arc<Script>) -> Chargify {
    Chargify::new(account("https://acme.example"), "key1".into(), wire(script, Arc::default()))
}

pub(crate) fn live() -> CallContext {
    CallContext::new(Priority::Live, "test")
}

pub(crate) fn bulk() -> CallContext {
    CallContext::new(Priority::Bulk, "test")
}

pub(crate) fn id(text: &str) -> RemoteId {
    RemoteId::from(text)
}

pub(crate) fn fields<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<FieldKey, Value> {
    pairs.into_iter().map(|(key, value)| (FieldKey::from(key), Value::from(value))).collect()
}

/// The body of a request as JSON.
pub(crate) fn body(request: &Outgoing) -> serde_json::Value {
    serde_json::from_slice(request.body.as_deref().unwrap_or(b"null")).unwrap()
}

pub(crate) fn header<'a>(request: &'a Outgoing, name: &str) -> Option<&'a str> {
    request.headers.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str())
}
