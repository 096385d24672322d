//! The journal of calls in memory.

use super::{
    data::{CallEntry, kept},
    session::Session,
};
use async_trait::async_trait;
use engine::{
    Result,
    store::{Calls, calls::CallBatch},
};

/// One row of a batch. `None`: the columns are not of one length.
fn call(batch: &CallBatch, place: usize) -> Option<CallEntry> {
    Some(CallEntry {
        workspace_id: *batch.workspace_id.get(place)?,
        connection_id: *batch.connection_id.get(place)?,
        side: batch.side.get(place)?.clone(),
        endpoint: batch.endpoint.get(place)?.clone(),
        status: *batch.status.get(place)?,
        error_class: batch.error_class.get(place)?.clone(),
        took_ms: *batch.took_ms.get(place)?,
        cause: batch.cause.get(place)?.clone(),
        run_id: *batch.run_id.get(place)?,
        called_at: kept(*batch.called_at.get(place)?),
    })
}

#[async_trait]
impl Calls for Session {
    async fn insert_calls(&mut self, batch: &CallBatch) -> Result<()> {
        self.act("insert_calls", |work| {
            for call in (0..batch.workspace_id.len()).filter_map(|place| call(batch, place)) {
                let number = work.data.draw();
                work.data.calls.insert(number, call);
            }
            Ok(())
        })
        .await
    }
}
