//! The wire as tests see it: real HTTP, with a look at the database before and after every call.

use engine::{HttpTransport, Incoming, Outgoing, Transport, TransportError};
use futures::future::BoxFuture;
use sqlx::{PgPool, postgres::PgPoolOptions};
use std::sync::{Arc, Mutex};

/// Transactions that stood still while a third party was called.
pub(crate) type Offences = Arc<Mutex<Vec<String>>>;

/// A transaction that was idle before a call and has not moved when the answer is there was open for the call's sake.
/// One that moved belongs to other work.
pub(crate) struct Watching {
    inner: HttpTransport,
    eyes: PgPool,
    offences: Offences,
}

impl Watching {
    pub(crate) fn new(inner: HttpTransport, pool: &PgPool, offences: &Offences) -> Self {
        let eyes = PgPoolOptions::new().max_connections(2).connect_lazy_with(pool.connect_options().as_ref().clone());
        Self { inner, eyes, offences: Arc::clone(offences) }
    }

    /// Idle transactions of this database, each with the instant at which it came to a halt.
    async fn idle(&self) -> Vec<String> {
        sqlx::query_scalar(
            "select pid || ' since ' || state_change || ': ' || query from pg_stat_activity
             where datname = current_database() and state like 'idle in transaction%'",
        )
        .fetch_all(&self.eyes)
        .await
        .unwrap_or_default()
    }
}

impl Transport for Watching {
    fn send(&self, request: Outgoing) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        Box::pin(async move {
            let what = format!("{} {}", request.method, request.url);
            let before = self.idle().await;
            let answer = self.inner.send(request).await;
            if !before.is_empty() {
                let after = self.idle().await;
                let stood = before.into_iter().filter(|one| after.contains(one));
                self.offences.lock().unwrap().extend(stood.map(|one| format!("{what}: {one}")));
            }
            answer
        })
    }
}
