//! What becomes of the work of a job that nobody tries again: it ends with the reason, in the transaction that ends the job.

use super::Job;
use crate::{
    Engine, EngineError, Result, deliveries,
    store::{Tables, deliveries::Settled, jobs::ClaimedRow, removals::SettledRemoval},
};
use domain::{ConnectionId, Side, SyncId, WorkspaceId, outcome::Outcome};

impl Engine {
    /// Ends the job, and with it its run or the deliveries that asked for it. Nothing happens when the job is another's.
    pub(super) async fn give_job_up(&self, job: &ClaimedRow, error: &EngineError) -> Result<()> {
        self.flush_calls().await?;
        let mut tx = self.store().begin().await?;
        if !tx.finish_job(job, "gave_up", Some(&error.to_string())).await? {
            return Ok(());
        }
        match serde_json::from_value(job.payload.clone()) {
            Ok(Job::Run { run_id }) => {
                self.fail_run_in(&mut *tx, WorkspaceId(job.workspace_id), run_id, &error.words()).await?;
            }
            // The first call with its tokens finds out the same.
            Ok(Job::Uninstall { .. }) => {}
            Ok(Job::Reconcile { sync_id, side, remote_id }) => {
                self.fail_deliveries(&mut *tx, job, (sync_id, side, &remote_id), error).await?;
            }
            Ok(Job::Remove { removal_id, .. }) => {
                let detail = format!("Given up after {} attempts: {}", job.attempt, error.words());
                let at = self.clock().now();
                let settled = SettledRemoval { removal_id, state: "failed", detail: &detail, at };
                tx.settle_removal(WorkspaceId(job.workspace_id), &settled).await?;
            }
            // The next look comes by the clock.
            Ok(Job::Watch { .. }) => {}
            Ok(Job::Engagement { sync_id, engagement, remote_id }) => {
                let subject = deliveries::engagement_subject(engagement, &remote_id);
                self.fail_deliveries(&mut *tx, job, (sync_id, Side::Highlevel, &subject), error).await?;
            }
            // The next full run looks at them again.
            Ok(Job::Engagements { .. }) => {}
            Err(unreadable) => {
                tracing::error!(job.id = %job.job_id, error = %unreadable, "a job that nobody can read is given up");
            }
        }
        tx.commit().await?;
        Ok(())
    }

    /// Deliveries that nobody else will look at end as failed. Their writes of unknown outcome are looked up by the next
    /// work on the record, or by the next run.
    async fn fail_deliveries(
        &self,
        conn: &mut dyn Tables,
        job: &ClaimedRow,
        (sync_id, side, remote_id): (SyncId, Side, &str),
        error: &EngineError,
    ) -> Result<()> {
        let workspace_id = WorkspaceId(job.workspace_id);
        let Some(sync) = conn.sync(workspace_id, sync_id).await? else { return Ok(()) };
        if conn.others_at_record(job, side, remote_id).await? {
            return Ok(());
        }
        let connection_id = match side {
            Side::Highlevel => ConnectionId(sync.highlevel_connection_id),
            Side::Chargify => ConnectionId(sync.chargify_connection_id),
        };
        let detail = format!(
            "Given up after {} attempts: {}. The next run compares the record again.",
            job.attempt,
            error.words().trim_end_matches('.')
        );
        let settled = Settled {
            state: "done",
            outcome: Some(Outcome::Failed.as_str()),
            detail: Some(&detail),
            at: self.clock().now(),
        };
        let ids = [remote_id.to_owned()];
        loop {
            let open = conn.open_deliveries(workspace_id, connection_id, &ids).await?;
            let open: Vec<_> = open.into_iter().map(|delivery| delivery.delivery_id).collect();
            if open.is_empty() {
                return Ok(());
            }
            conn.settle_deliveries(workspace_id, &open, &settled).await?;
        }
    }
}
