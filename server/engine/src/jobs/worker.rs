//! The worker: claims jobs, keeps their leases, carries them out, and writes down how they ended.

use super::{Job, Wakeups};
use crate::{Engine, EngineError, Result, UpstreamClass, store::jobs::ClaimedRow};
use domain::{WorkspaceId, limits, retry};
use std::{sync::Arc, time::Duration};
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How a job ended.
#[derive(Debug)]
pub(crate) enum Ending {
    Done,
    /// Nothing is wrong; there is more to do at that time. Does not count as an attempt.
    Later(Duration),
}

/// Works the queue of one process.
#[derive(Clone)]
pub struct Worker {
    engine: Engine,
}

/// The places of one process.
struct Places {
    all: Arc<Semaphore>,
    /// Runs take hours: they never have all of them, so that what is live finds room.
    runs: Arc<Semaphore>,
}

impl Worker {
    #[must_use]
    pub fn new(engine: Engine) -> Self {
        Self { engine }
    }

    /// Works until `stop`; then finishes what is in flight, at most as long as the caller waits.
    pub async fn run(&self, stop: CancellationToken) {
        self.engine.start_presence();
        let tracker = TaskTracker::new();
        let places = Places {
            all: Arc::new(Semaphore::new(limits::JOBS_AT_ONCE)),
            runs: Arc::new(Semaphore::new(limits::RUNS_AT_ONCE)),
        };
        let ears = Wakeups::listen(&self.engine);
        let hands = self.claim_and_spawn(&tracker, &places, &stop);
        let timetable = self.engine.keep_schedules();
        let tidying = self.engine.keep_tidy();
        tokio::select! {
            // In this order: a simulation draws no chance but its own.
            biased;
            () = stop.cancelled() => {}
            () = ears => {}
            () = hands => {}
            () = timetable => {}
            () = tidying => {}
        }
        tracker.close();
        tracker.wait().await;
        if let Err(error) = self.engine.flush_calls().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the last calls were not journalled");
        }
        if let Err(error) = self.engine.leave().await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "could not leave in order; the others will notice"
            );
        }
    }

    async fn claim_and_spawn(&self, tracker: &TaskTracker, places: &Places, stop: &CancellationToken) {
        loop {
            let Ok(place) = Arc::clone(&places.all).acquire_owned().await else { return };
            let mut run_place = Arc::clone(&places.runs).try_acquire_owned().ok();
            let loss = self.engine.node().loss();
            match self.claim(run_place.is_some()).await {
                Ok(Some(job)) => {
                    run_place = run_place.filter(|_| job.is_run());
                    let (worker, stop) = (self.clone(), stop.clone());
                    tracker.spawn(async move {
                        worker.carry_out(job, &stop, &loss).await;
                        drop((place, run_place));
                    });
                }
                Ok(None) => {
                    drop(place);
                    self.rest().await;
                }
                Err(error) => {
                    drop(place);
                    tracing::warn!(error = &error as &dyn std::error::Error, "cannot look for work; trying again");
                    self.engine.clock().sleep(limits::NODE_REJOIN).await;
                }
            }
        }
    }

    /// Waits for a wake-up, the next due job, or the poll.
    async fn rest(&self) {
        let due = match self.next_due().await {
            Ok(Some(due)) => due.min(limits::QUEUE_POLL),
            Ok(None) | Err(_) => limits::QUEUE_POLL,
        };
        // A lane that is full frees up with a wake-up, so a job that is due but cannot run must not spin here.
        let pause = due.max(Duration::from_millis(100));
        let sleep = self.engine.clock().sleep(pause);
        let woken = Box::pin(self.engine.shared().job_wakes.notified());
        futures::future::select(sleep, woken).await;
        if let Err(error) = self.engine.flush_calls().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "calls wait to be journalled");
        }
    }

    async fn next_due(&self) -> Result<Option<Duration>> {
        let mut conn = self.engine.store().session().await?;
        let due_ms = conn.next_due_ms().await?;
        Ok(due_ms.map(|ms| Duration::from_millis(u64::try_from(ms).unwrap_or(0))))
    }

    /// Carries out one due job, if there is one, and says so. For tests and for commands that work the queue themselves.
    ///
    /// # Errors
    /// Database errors while claiming.
    pub async fn step(&self) -> Result<bool> {
        self.engine.start_presence();
        let loss = self.engine.node().loss();
        let Some(job) = self.claim(true).await? else { return Ok(false) };
        self.carry_out(job, &CancellationToken::new(), &loss).await;
        self.engine.flush_calls().await?;
        Ok(true)
    }

    /// Claims the most urgent job that may run now, a run only if there is room for one. Commits before any work. A node
    /// that lost its session claims nothing before it has another.
    async fn claim(&self, with_runs: bool) -> Result<Option<ClaimedRow>> {
        if self.engine.node().is_lost() {
            return Ok(None);
        }
        let lease_s = i32::try_from(limits::JOB_LEASE_S).unwrap_or(i32::MAX);
        let node_id = self.engine.node().id;
        let mut full = Vec::new();
        loop {
            let mut tx = self.engine.store().begin().await?;
            let Some((workspace_id, lane_id)) = tx.lock_lane_with_work(&full, with_runs).await? else {
                return Ok(None);
            };
            tx.release_expired_jobs(workspace_id, lane_id).await?;
            let job = tx.claim_job((workspace_id, lane_id), node_id, lease_s, with_runs).await?;
            tx.commit().await?;
            if job.is_some() {
                return Ok(job);
            }
            full.push(lane_id);
        }
    }

    #[tracing::instrument(skip_all, fields(job.id = %job.job_id, job.kind = %job.kind, job.attempt = job.attempt))]
    async fn carry_out(&self, job: ClaimedRow, stop: &CancellationToken, loss: &CancellationToken) {
        let result = tokio::select! {
            biased;
            () = loss.cancelled() => {
                tracing::warn!("the database session was lost, and the job may be another node's; stopped here");
                return self.hand_back(&job).await;
            }
            result = self.dispatch(&job, stop) => result,
            () = self.keep_lease(&job) => {
                tracing::warn!("the job was lost to another node; stopped here");
                return;
            }
        };
        if let Err(error) = self.write_down(&job, result).await {
            // The lease runs out and the job is taken up again: handlers can be run twice.
            tracing::error!(error = &error as &dyn std::error::Error, "cannot write down how the job ended");
        }
    }

    /// Puts a job that was cancelled back into the queue, if it is still ours.
    async fn hand_back(&self, job: &ClaimedRow) {
        for _ in 0..limits::JOB_LEASE_S {
            let handed = async {
                let mut conn = self.engine.store().session().await?;
                conn.retry_job(job, 0, false, "the database session was lost").await
            };
            match handed.await {
                Ok(_) => return,
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "cannot hand the job back; trying again");
                    self.engine.clock().sleep(limits::NODE_REJOIN).await;
                }
            }
        }
    }

    /// Extends the lease until the job is lost.
    async fn keep_lease(&self, job: &ClaimedRow) {
        let lease_s = i32::try_from(limits::JOB_LEASE_S).unwrap_or(i32::MAX);
        loop {
            self.engine.clock().sleep(Duration::from_secs(limits::JOB_RENEW_S)).await;
            let extended = async {
                let mut conn = self.engine.store().session().await?;
                conn.extend_job(job, lease_s).await
            };
            match extended.await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "cannot extend the lease; trying again");
                }
            }
        }
    }

    async fn dispatch(&self, claimed: &ClaimedRow, stop: &CancellationToken) -> Result<Ending> {
        let workspace_id = WorkspaceId(claimed.workspace_id);
        let job: Job = serde_json::from_value(claimed.payload.clone())
            .map_err(|_unreadable| EngineError::Bug("a job's payload cannot be read"))?;
        match job {
            Job::Run { run_id } => self.engine.carry_run_on(workspace_id, run_id, claimed.claim(), stop).await,
            Job::Remove { sync_id, removal_id } => {
                Box::pin(self.engine.carry_removal(workspace_id, sync_id, removal_id, claimed.claim())).await
            }
            Job::Watch { connection_id } => Box::pin(self.engine.watch_over(workspace_id, connection_id)).await,
            Job::Uninstall { connection_id } => self.engine.heed_uninstall(workspace_id, connection_id).await,
            Job::Reconcile { sync_id, side, remote_id } => {
                Box::pin(self.engine.reconcile(workspace_id, sync_id, side, &remote_id, claimed.claim())).await
            }
            Job::Engagement { sync_id, engagement, remote_id } => {
                let which = (engagement, remote_id.as_str());
                Box::pin(self.engine.carry_engagement((workspace_id, sync_id), which, claimed.claim())).await
            }
            Job::Engagements { sync_id, side, remote_id } => {
                let whose = (side, remote_id.as_str());
                Box::pin(self.engine.carry_engagements((workspace_id, sync_id), whose, claimed.claim())).await
            }
        }
    }

    async fn write_down(&self, job: &ClaimedRow, result: Result<Ending>) -> Result<()> {
        let mut conn = self.engine.store().session().await?;
        let attempt = u32::try_from(job.attempt).unwrap_or(u32::MAX);
        match result {
            Ok(Ending::Done) => conn.finish_job(job, "done", None).await?,
            Ok(Ending::Later(delay)) => conn.retry_job(job, millis(delay), false, "more to do").await?,
            Err(EngineError::Upstream { class: UpstreamClass::Rate { retry_after }, detail, .. }) => {
                let delay = retry_after.unwrap_or(Duration::from_secs(limits::LANE_PAUSE_FIRST_S));
                conn.retry_job(job, millis(delay), false, &detail).await?
            }
            Err(error) if attempt >= limits::JOB_ATTEMPTS || is_final(&error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "gave the job up");
                drop(conn);
                return self.engine.give_job_up(job, &error).await;
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "the job failed; trying again later");
                let delay = retry::backoff(attempt, self.engine.entropy().next());
                conn.retry_job(job, millis(delay), true, &error.to_string()).await?
            }
        };
        Ok(())
    }
}

/// Trying again would change nothing.
fn is_final(error: &EngineError) -> bool {
    matches!(
        error,
        EngineError::NotFound(_) | EngineError::Invalid(_) | EngineError::Bug(_) | EngineError::NotAllowed(_)
    )
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
