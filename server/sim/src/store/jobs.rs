//! Jobs in memory.

use super::{
    data::{Data, JobEntry, LaneEntry, Within},
    links::count,
    session::{Session, Work},
};
use async_trait::async_trait;
use domain::{Side, WorkspaceId};
use engine::{
    Result,
    store::{
        Jobs, Notice,
        jobs::{Claim, ClaimedRow, NewJob},
    },
};
use std::collections::BTreeSet;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// Ended jobs are kept so long.
const KEPT: Duration = Duration::days(7);
/// Ended jobs are removed so many at a time.
const SWEEP: usize = 5_000;

impl Data {
    /// The ready job of that key, if there is one.
    fn ready_of_key(&self, workspace_id: Uuid, key: &str) -> Option<Within> {
        let is_it =
            |id: &Within, job: &JobEntry| id.0 == workspace_id && job.state == "ready" && job.has_key(Some(key));
        self.jobs.iter().find(|(id, job)| is_it(id, job)).map(|(id, _)| *id)
    }

    /// Whether a ready job of the same key would take its place.
    pub(super) fn is_superseded(&self, workspace_id: Uuid, key: Option<&str>) -> bool {
        key.is_some_and(|key| self.ready_of_key(workspace_id, key).is_some())
    }

    /// Puts a running job back, or ends it where a ready one of its key waits. True: it is back.
    pub(super) fn put_back(&mut self, id: &Within, finished_at: Option<OffsetDateTime>) -> bool {
        let key = self.jobs.get(id).and_then(|job| job.coalesce_key.clone());
        let is_superseded = self.is_superseded(id.0, key.as_deref());
        let Some(job) = self.jobs.get_mut(id) else { return false };
        job.lease_until = None;
        job.node_id = None;
        job.state = if is_superseded { "superseded" } else { "ready" };
        if is_superseded {
            job.finished_at = finished_at;
            self.end_job(id);
        }
        !is_superseded
    }

    fn end_job(&mut self, id: &Within) {
        if let Some(job) = self.jobs.get(id).cloned() {
            self.jobs.remove(id);
            self.ended_jobs.insert(*id, job);
        }
    }

    /// The claimed job, if the fence still holds.
    fn held(&self, job: &ClaimedRow) -> Option<Within> {
        let id = (job.workspace_id, job.job_id);
        self.jobs.get(&id).filter(|known| known.fence == job.fence && known.state == "running").map(|_| id)
    }

    /// Whether the job is carried out under that very claim.
    pub(super) fn is_held(&self, workspace_id: WorkspaceId, claim: Claim) -> bool {
        let job = self.jobs.get(&(workspace_id.0, claim.job_id.0));
        job.is_some_and(|job| job.fence == claim.fence && job.state == "running")
    }

    /// Adds a job, or joins the ready one of its key.
    pub(super) fn enqueue(&mut self, id: Within, job: JobEntry) {
        let ready = job.coalesce_key.as_deref().and_then(|key| self.ready_of_key(id.0, key));
        match ready.and_then(|ready| self.jobs.get_mut(&ready)) {
            Some(ready) => {
                ready.run_at = ready.run_at.min(job.run_at);
                ready.priority = ready.priority.min(job.priority);
            }
            None => self.jobs.insert(id, job),
        }
    }

    fn jobs_of_lane(&self, lane: Within) -> impl Iterator<Item = (&Within, &JobEntry)> {
        self.jobs.iter().filter(move |(id, job)| (id.0, job.lane_id) == lane)
    }
}

impl JobEntry {
    fn has_key(&self, key: Option<&str>) -> bool {
        key.is_some() && self.coalesce_key.as_deref() == key
    }

    fn is_run(&self) -> bool {
        self.kind == "run"
    }

    fn is_due(&self, now: OffsetDateTime, with_runs: bool) -> bool {
        self.state == "ready" && self.run_at <= now && (with_runs || !self.is_run())
    }

    fn is_expired(&self, now: OffsetDateTime) -> bool {
        self.state == "running" && self.lease_until.is_some_and(|until| until < now)
    }
}

impl LaneEntry {
    fn is_open(&self, now: OffsetDateTime) -> bool {
        self.paused_until.is_none_or(|until| until <= now)
    }
}

fn claim(work: &mut Work<'_>, lane: Within, node_id: Uuid, lease_s: i32, with_runs: bool) -> Option<ClaimedRow> {
    let now = work.now;
    let job_slots = work.data.lanes.get(&lane)?.lane.job_slots;
    let running = count(work.data.jobs_of_lane(lane).filter(|(_, job)| job.state == "running"));
    if i64::from(job_slots) <= running {
        return None;
    }
    let running_runs = count(work.data.jobs_of_lane(lane).filter(|(_, job)| job.state == "running" && job.is_run()));
    let room_for_runs = with_runs && i64::from((job_slots / 2).max(1)) > running_runs;
    let keys: BTreeSet<&str> = work
        .data
        .jobs
        .iter()
        .filter(|(id, job)| id.0 == lane.0 && job.state == "running")
        .filter_map(|(_, job)| job.coalesce_key.as_deref())
        .collect();
    let may_run = |job: &JobEntry| {
        let is_busy = job.coalesce_key.as_deref().is_some_and(|key| keys.contains(key));
        job.is_due(now, room_for_runs) && (!is_busy || engine::planted!(SharedJobs))
    };
    let next = work.data.jobs_of_lane(lane).filter(|(_, job)| may_run(job));
    let id = next.min_by_key(|(_, job)| (job.priority, job.run_at, job.number)).map(|(id, _)| *id)?;
    let job = work.data.jobs.get_mut(&id)?;
    job.state = "running";
    job.attempt += 1;
    job.fence += 1;
    job.node_id = Some(node_id);
    job.lease_until = Some(now + Duration::seconds(lease_s.into()));
    Some(ClaimedRow {
        workspace_id: id.0,
        job_id: id.1,
        kind: job.kind.clone(),
        payload: job.payload.clone(),
        attempt: job.attempt,
        fence: job.fence,
    })
}

#[async_trait]
impl Jobs for Session {
    async fn enqueue_job(&mut self, job: NewJob<'_>) -> Result<()> {
        self.act("enqueue_job", |work| {
            let new = JobEntry {
                number: work.data.draw(),
                lane_id: job.lane_id.0,
                kind: job.kind.to_owned(),
                payload: job.payload,
                priority: job.priority,
                coalesce_key: job.coalesce_key,
                attempt: 0,
                fence: 0,
                run_at: work.now + Duration::milliseconds(job.delay_ms),
                lease_until: None,
                node_id: None,
                last_error: None,
                state: "ready",
                finished_at: None,
            };
            work.data.enqueue((job.workspace_id.0, job.job_id.0), new);
            work.say(Notice::Jobs);
            Ok(())
        })
        .await
    }

    async fn lock_lane_with_work(&mut self, except: &[Uuid], with_runs: bool) -> Result<Option<(Uuid, Uuid)>> {
        self.act("lock_lane_with_work", |work| {
            let now = work.now;
            let due: BTreeSet<Within> = work
                .data
                .jobs
                .iter()
                .filter(|(_, job)| job.is_due(now, with_runs) || job.is_expired(now))
                .map(|(id, job)| (id.0, job.lane_id))
                .collect();
            let is_open = |lane: &&Within| work.data.lanes.get(*lane).is_some_and(|lane| lane.is_open(now));
            let open = due.iter().filter(|lane| !except.contains(&lane.1)).filter(is_open);
            Ok(open.min_by_key(|lane| lane.1).copied())
        })
        .await
    }

    async fn release_expired_jobs(&mut self, workspace_id: Uuid, lane_id: Uuid) -> Result<()> {
        self.act("release_expired_jobs", |work| {
            let now = work.now;
            let lane = work.data.jobs_of_lane((workspace_id, lane_id));
            let expired: Vec<Within> = lane.filter(|(_, job)| job.is_expired(now)).map(|(id, _)| *id).collect();
            for id in &expired {
                work.data.put_back(id, None);
            }
            Ok(())
        })
        .await
    }

    async fn claim_job(
        &mut self,
        lane: (Uuid, Uuid),
        node_id: Uuid,
        lease_s: i32,
        with_runs: bool,
    ) -> Result<Option<ClaimedRow>> {
        self.act("claim_job", |work| Ok(claim(work, lane, node_id, lease_s, with_runs))).await
    }

    async fn extend_job(&mut self, job: &ClaimedRow, lease_s: i32) -> Result<bool> {
        self.act("extend_job", |work| {
            let lease_until = work.now + Duration::seconds(lease_s.into());
            let held = work.data.held(job);
            if let Some(known) = held.and_then(|id| work.data.jobs.get_mut(&id)) {
                known.lease_until = Some(lease_until);
            }
            Ok(held.is_some())
        })
        .await
    }

    async fn job_is_held(&mut self, workspace_id: WorkspaceId, claim: Claim) -> Result<bool> {
        self.act("job_is_held", |work| Ok(work.data.is_held(workspace_id, claim))).await
    }

    async fn others_at_record(&mut self, job: &ClaimedRow, side: Side, remote_id: &str) -> Result<bool> {
        self.act("others_at_record", |work| {
            let told = |payload: &serde_json::Value, key: &str, value: &str| {
                payload.get(key).and_then(serde_json::Value::as_str) == Some(value)
            };
            Ok(work.data.jobs.iter().any(|(id, other)| {
                id.0 == job.workspace_id
                    && id.1 != job.job_id
                    && other.kind == "reconcile"
                    && told(&other.payload, "side", side.as_str())
                    && told(&other.payload, "remote_id", remote_id)
            }))
        })
        .await
    }

    async fn finish_job(&mut self, job: &ClaimedRow, state: &str, error: Option<&str>) -> Result<bool> {
        self.act("finish_job", |work| {
            let now = work.now;
            // A job of the same key may have waited for this one.
            work.say(Notice::Jobs);
            let Some(id) = work.data.held(job) else { return Ok(false) };
            if let Some(known) = work.data.jobs.get_mut(&id) {
                known.state = if state == "done" { "done" } else { "gave_up" };
                known.last_error = error.map(str::to_owned);
                known.finished_at = Some(now);
                known.lease_until = None;
                known.node_id = None;
            }
            work.data.end_job(&id);
            Ok(true)
        })
        .await
    }

    async fn retry_job(&mut self, job: &ClaimedRow, delay_ms: i64, counts: bool, error: &str) -> Result<bool> {
        self.act("retry_job", |work| {
            let run_at = work.now + Duration::milliseconds(delay_ms);
            let Some(id) = work.data.held(job) else { return Ok(false) };
            if let Some(known) = work.data.jobs.get_mut(&id) {
                known.run_at = run_at;
                known.attempt -= i32::from(!counts);
                known.last_error = Some(error.to_owned());
            }
            work.data.put_back(&id, None);
            Ok(true)
        })
        .await
    }

    async fn next_due_ms(&mut self) -> Result<Option<i64>> {
        self.act("next_due_ms", |work| {
            let due = work.data.jobs.iter().filter(|(_, job)| job.state == "ready").filter_map(|(id, job)| {
                let lane = work.data.lanes.get(&(id.0, job.lane_id))?;
                Some(lane.paused_until.map_or(job.run_at, |until| until.max(job.run_at)))
            });
            Ok(due.min().map(|due| ms_until(due, work.now)))
        })
        .await
    }

    async fn sweep_jobs(&mut self) -> Result<u64> {
        self.act("sweep_jobs", |work| {
            let until = work.now - KEPT;
            let is_old = |job: &JobEntry| job.finished_at.is_some_and(|at| at < until);
            let old: Vec<Within> =
                work.data.ended_jobs.iter().filter(|(_, job)| is_old(job)).map(|(id, _)| *id).take(SWEEP).collect();
            for id in &old {
                work.data.ended_jobs.remove(id);
            }
            Ok(old.len() as u64)
        })
        .await
    }
}

/// Whole milliseconds until then, rounded up; 0 when it is past.
pub(super) fn ms_until(until: OffsetDateTime, now: OffsetDateTime) -> i64 {
    let micros = (until - now).whole_microseconds().max(0);
    i64::try_from((micros + 999) / 1000).unwrap_or(i64::MAX)
}
