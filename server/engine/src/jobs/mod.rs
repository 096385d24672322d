//! Jobs: durable work on Postgres. A job carries ids and re-reads the world, so that the common path and the path after
//! a crash are one path. Enqueued on the caller's connection: a job joins the transaction that makes it necessary.

mod giving_up;
mod listener;
mod worker;

use listener::Wakeups;
pub(crate) use worker::Ending;
pub use worker::Worker;

use crate::{
    Engine,
    clients::Priority,
    store::{self, Tables},
};
use domain::{ConnectionId, JobId, RunId, Side, SyncId, WorkspaceId, engagement::EngagementKind};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Everything a worker can be asked to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Job {
    /// Carry a run on from where it stands.
    Run { run_id: RunId },
    /// Heed that the app of a connection was uninstalled.
    Uninstall { connection_id: ConnectionId },
    /// Look at one record and its partner, and do what the mapping asks.
    Reconcile { sync_id: SyncId, side: Side, remote_id: String },
    /// Carry over one note, task or appointment that webhooks told of.
    Engagement { sync_id: SyncId, engagement: EngagementKind, remote_id: String },
    /// Carry over all that a contact has; asked by its customer, what waited for a subscription.
    Engagements { sync_id: SyncId, side: Side, remote_id: String },
    /// Do to a record whose partner was deleted what is wished.
    Remove { sync_id: SyncId, removal_id: Uuid },
    /// Look after the webhooks of a connection.
    Watch { connection_id: ConnectionId },
}

impl Job {
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Run { .. } => "run",
            Self::Uninstall { .. } => "uninstall",
            Self::Reconcile { .. } => "reconcile",
            Self::Engagement { .. } => "engagement",
            Self::Engagements { .. } => "engagements",
            Self::Remove { .. } => "remove",
            Self::Watch { .. } => "watch",
        }
    }

    /// Ready jobs of one key become one; jobs of one key never run at the same time.
    pub(crate) fn coalesce_key(&self) -> String {
        match self {
            Self::Run { run_id } => format!("run:{run_id}"),
            Self::Remove { removal_id, .. } => format!("remove:{removal_id}"),
            Self::Uninstall { connection_id } => format!("uninstall:{connection_id}"),
            Self::Reconcile { sync_id, side, remote_id } => format!("reconcile:{sync_id}:{side}:{remote_id}"),
            Self::Engagement { sync_id, engagement, remote_id } => {
                format!("engagement:{sync_id}:{engagement}:{remote_id}")
            }
            Self::Engagements { sync_id, side, remote_id } => format!("engagements:{sync_id}:{side}:{remote_id}"),
            Self::Watch { connection_id } => format!("watch:{connection_id}"),
        }
    }
}

/// Where a job waits and how urgent it is.
pub(crate) struct Queueing {
    pub(crate) workspace_id: WorkspaceId,
    /// The lane: the Chargify connection of the sync.
    pub(crate) lane_id: ConnectionId,
    pub(crate) priority: Priority,
    pub(crate) delay_ms: i64,
}

impl Engine {
    /// Adds the job in the caller's transaction; workers wake when it commits.
    pub(crate) async fn enqueue(&self, conn: &mut dyn Tables, job: &Job, at: &Queueing) -> crate::Result<()> {
        let payload =
            serde_json::to_value(job).map_err(|_infallible| crate::EngineError::Bug("a job does not serialise"))?;
        conn.enqueue_job(store::jobs::NewJob {
            job_id: JobId(self.entropy().uuid()),
            workspace_id: at.workspace_id,
            lane_id: at.lane_id,
            kind: job.kind(),
            payload,
            priority: at.priority.rank(),
            coalesce_key: Some(job.coalesce_key()),
            delay_ms: at.delay_ms,
        })
        .await?;
        Ok(())
    }
}
