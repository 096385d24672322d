//! The journal of calls: told by the clients without waiting, written behind in batches.

use crate::{
    Engine, Result, UpstreamClass,
    clients::{CallRecord, CallSink},
    store::{self, Tables},
};
use domain::{ConnectionId, Side, WorkspaceId};
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};
use time::OffsetDateTime;

/// Calls not yet written.
#[derive(Debug, Default)]
pub(crate) struct CallJournal {
    waiting: Mutex<Vec<CallRecord>>,
}

/// At most so many calls wait in memory; beyond it the oldest are dropped rather than memory grown.
const WAITING_MAX: usize = 20_000;

impl CallSink for CallJournal {
    fn record(&self, call: CallRecord) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= WAITING_MAX {
            tracing::warn!("the journal of calls is not being written; dropping the oldest");
            waiting.clear();
        }
        waiting.push(call);
    }
}

impl CallJournal {
    fn take(&self) -> Taken<'_> {
        let calls = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        Taken { journal: self, calls }
    }
}

/// Calls on their way to the store. Whatever is still in it when it is dropped (the write failed, or whoever was
/// writing was stopped) waits again.
struct Taken<'a> {
    journal: &'a CallJournal,
    calls: Vec<CallRecord>,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        if !self.calls.is_empty() {
            let mut waiting = self.journal.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let newer = std::mem::replace(&mut *waiting, std::mem::take(&mut self.calls));
            waiting.extend(newer);
        }
    }
}

impl Engine {
    /// Writes the calls told so far, and counts those of runs to their run.
    pub(crate) async fn flush_calls(&self) -> Result<()> {
        let mut taken = self.call_journal().take();
        if taken.calls.is_empty() {
            return Ok(());
        }
        let mut tx = self.store().begin().await?;
        write(&mut *tx, &taken.calls).await?;
        // From here on a second writing would count twice, so what is taken is not given back.
        let accepted = accepted(&taken.calls);
        taken.calls.clear();
        tx.commit().await?;
        for (workspace_id, connection_id, wrote_at) in accepted {
            self.note_answers(workspace_id, connection_id, wrote_at).await?;
        }
        Ok(())
    }
}

/// The connections whose every call succeeded, and when the last of them that was a write was made.
fn accepted(calls: &[CallRecord]) -> Vec<(WorkspaceId, ConnectionId, Option<OffsetDateTime>)> {
    let mut seen: BTreeMap<_, (bool, Option<OffsetDateTime>)> = BTreeMap::new();
    for call in calls {
        let (clean, wrote) = seen.entry((call.workspace_id, call.connection_id)).or_insert((true, None));
        *clean &= call.error_class.is_none();
        if call.error_class.is_none() && is_write(call.endpoint) {
            *wrote = (*wrote).max(Some(call.called_at));
        }
    }
    let clean = seen.into_iter().filter(|(_, (clean, _))| *clean);
    clean.map(|((workspace_id, connection_id), (_, wrote))| (workspace_id, connection_id, wrote)).collect()
}

/// Searches are asked by POST and change nothing.
fn is_write(endpoint: &str) -> bool {
    !endpoint.starts_with("GET ") && !endpoint.ends_with("/search")
}

async fn write(conn: &mut dyn Tables, calls: &[CallRecord]) -> Result<()> {
    let mut batch = store::calls::CallBatch::default();
    let mut of_runs: BTreeMap<_, (i64, i64)> = BTreeMap::new();
    for call in calls {
        batch.workspace_id.push(call.workspace_id.0);
        batch.connection_id.push(call.connection_id.0);
        batch.side.push(call.side.as_str().to_owned());
        batch.endpoint.push(call.endpoint.to_owned());
        batch.status.push(call.status.and_then(|status| i16::try_from(status).ok()));
        batch.error_class.push(call.error_class.map(|class: UpstreamClass| class.to_string()));
        batch.took_ms.push(i32::try_from(call.took_ms).unwrap_or(i32::MAX));
        batch.cause.push(call.cause.clone());
        batch.run_id.push(call.run_id.map(|run| run.0));
        batch.remote_request_id.push(call.remote_request_id.clone());
        batch.called_at.push(call.called_at);
        if let Some(run_id) = call.run_id {
            let counts = of_runs.entry((call.workspace_id.0, run_id.0)).or_default();
            match call.side {
                Side::Highlevel => counts.0 += 1,
                Side::Chargify => counts.1 += 1,
            }
        }
    }
    conn.insert_calls(&batch).await?;
    for ((workspace_id, run_id), (highlevel, chargify)) in of_runs {
        conn.add_run_calls(workspace_id, run_id, highlevel, chargify).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn call(connection: u128, endpoint: &'static str, error_class: Option<UpstreamClass>) -> CallRecord {
        CallRecord {
            side: Side::Chargify,
            workspace_id: WorkspaceId(Uuid::from_u128(1)),
            connection_id: ConnectionId(Uuid::from_u128(connection)),
            endpoint,
            status: None,
            error_class,
            took_ms: 1,
            cause: String::new(),
            run_id: None,
            remote_request_id: None,
            called_at: OffsetDateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_connection_is_accepted_when_nothing_of_it_was_refused() {
        let calls = [
            call(1, "GET /customers.json", None),
            call(1, "PUT /customers/{id}.json", None),
            call(2, "POST /contacts/search", None),
            call(3, "GET /contacts/{id}", None),
            call(3, "PUT /contacts/{id}", Some(UpstreamClass::Permission)),
        ];
        let accepted: Vec<_> =
            accepted(&calls).into_iter().map(|(_, id, wrote)| (id.0.as_u128(), wrote.is_some())).collect();
        assert_eq!(accepted, [(1, true), (2, false)]);
    }
}
