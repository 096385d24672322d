//! Watches the wire while a connection is tested: status, time and date of every answer. Keeps no body.

use crate::{Clock, Incoming, Outgoing, Transport, TransportError};
use futures::future::BoxFuture;
use std::sync::{Arc, Mutex, PoisonError};
use time::{OffsetDateTime, format_description::well_known::Rfc2822};

/// What one call looked like on the wire.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) status: Option<u16>,
    pub(super) took_ms: u32,
    /// How much later the service's clock is than ours, in seconds. `None`: it did not say.
    pub(super) skew_s: Option<i64>,
    /// Why no answer came.
    pub(super) broken: Option<TransportError>,
}

/// A transport that remembers what it carried.
pub(super) struct Probe {
    inner: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    seen: Mutex<Vec<Seen>>,
}

impl Probe {
    pub(super) fn around(inner: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Self {
        Self { inner, clock, seen: Mutex::new(Vec::new()) }
    }

    /// The last call; of none, nothing is known.
    pub(super) fn last(&self) -> Seen {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).last().cloned().unwrap_or_default()
    }

    /// All calls that were answered.
    pub(super) fn answered(&self) -> Vec<Seen> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter().filter(|seen| seen.status.is_some()).cloned().collect()
    }
}

impl Transport for Probe {
    fn send(&self, request: Outgoing) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        Box::pin(async move {
            let started = self.clock.monotonic_ms();
            let result = self.inner.send(request).await;
            let took_ms = u32::try_from(self.clock.monotonic_ms().saturating_sub(started)).unwrap_or(u32::MAX);
            let seen = match &result {
                Ok(incoming) => {
                    let date = incoming.header("date").and_then(|date| OffsetDateTime::parse(date, &Rfc2822).ok());
                    let skew_s = date.map(|date| (date - self.clock.now()).whole_seconds());
                    Seen { status: Some(incoming.status), took_ms, skew_s, broken: None }
                }
                Err(error) => Seen { status: None, took_ms, skew_s: None, broken: Some(error.clone()) },
            };
            self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
            result
        })
    }
}
