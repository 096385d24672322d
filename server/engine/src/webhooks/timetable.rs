//! When connections are looked at: after the installation was away, and now and then. The sign of life that tells of an
//! outage is beaten here.

use crate::{
    Engine, Result,
    clients::Priority,
    jobs::{Job, Queueing},
};
use domain::{ConnectionId, WorkspaceId, limits};

impl Engine {
    /// Keeps watch until dropped. One look is due soon after the start: whatever came meanwhile was not received.
    pub async fn keep_watch(&self) {
        self.clock().sleep(limits::WATCH_FIRST).await;
        loop {
            if let Err(error) = self.look_at_watches().await {
                tracing::warn!(error = &error as &dyn std::error::Error, "cannot look at the webhooks; trying again");
            }
            self.clock().sleep(limits::WATCH_POLL).await;
        }
    }

    /// Says that the installation is alive, and queues a look at every connection that is due; how many. After an outage
    /// all are. A server calls this by the clock; tests call it when their clock has moved.
    ///
    /// # Errors
    /// Database errors.
    pub async fn look_at_watches(&self) -> Result<usize> {
        let now = self.clock().now();
        let mut conn = self.store().session().await?;
        if let Some(alive_at) = conn.beat(now).await?
            && now - alive_at > limits::WATCH_OUTAGE
        {
            let connections = conn.note_outage(alive_at).await?;
            tracing::warn!(connections, since = %alive_at, "nothing was received meanwhile; fetching what was missed");
        }
        let due = conn.due_watches(now, limits::WATCH_BATCH).await?;
        drop(conn);
        for (workspace_id, connection_id) in &due {
            self.queue_look(*workspace_id, *connection_id).await?;
        }
        Ok(due.len())
    }

    async fn queue_look(&self, workspace_id: WorkspaceId, connection_id: ConnectionId) -> Result<()> {
        let mut tx = self.store().begin().await?;
        let mut known = tx.lock_watch(workspace_id, connection_id).await?;
        known.due_at = Some(self.clock().now() + limits::WATCH_EVERY);
        tx.save_watch(&known).await?;
        let at = Queueing { workspace_id, lane_id: connection_id, priority: Priority::Background, delay_ms: 0 };
        self.enqueue(&mut *tx, &Job::Watch { connection_id }, &at).await?;
        tx.commit().await
    }
}
