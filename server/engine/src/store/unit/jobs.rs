//! Jobs, as the worker sees them.

use crate::store::jobs::{self, Claim, ClaimedRow, NewJob};
use domain::{Side, WorkspaceId};
use uuid::Uuid;

tables! {
    /// Durable work. Leases run by the store's clock; every write to a claimed job names its fence.
    trait Jobs {
        /// Adds a job, or joins the ready one of the same key, which then runs no later and no less urgently. Wakes
        /// workers on commit.
        fn enqueue_job(job: NewJob<'_>) -> () = jobs::enqueue;

        /// Locks one open lane that has work due, other than those named, runs counted or not: first half of a claim.
        fn lock_lane_with_work(except: &[Uuid], with_runs: bool) -> Option<(Uuid, Uuid)> = jobs::lock_lane_with_work;

        /// Returns expired jobs of the locked lane to the queue, or ends them where a newer one of their key waits.
        fn release_expired_jobs(workspace_id: Uuid, lane_id: Uuid) -> () = jobs::release_expired;

        /// Second half of a claim: the most urgent job of the lane that may run now. Two jobs of one key never run at
        /// the same time, nor more than the lane allows, nor runs in more than half of its places.
        fn claim_job(
            lane: (Uuid, Uuid),
            node_id: Uuid,
            lease_s: i32,
            with_runs: bool,
        ) -> Option<ClaimedRow> = jobs::claim_in_lane;

        /// Extends the lease. False: the job is no longer ours.
        fn extend_job(job: &ClaimedRow, lease_s: i32) -> bool = jobs::extend;

        /// Whether the job is still held, and stays so until the unit of work ends.
        fn job_is_held(workspace_id: WorkspaceId, claim: Claim) -> bool = jobs::is_held;

        /// Whether other work on the same record waits or goes on.
        fn others_at_record(job: &ClaimedRow, side: Side, remote_id: &str) -> bool = jobs::others_at_record;

        /// Ends the job as `done` or `gave_up`. False: it is no longer ours.
        fn finish_job(job: &ClaimedRow, state: &str, error: Option<&str>) -> bool = jobs::finish;

        /// Puts the job back for later; where a newer one of its key is ready already, this one ends instead. False: it
        /// is no longer ours.
        fn retry_job(job: &ClaimedRow, delay_ms: i64, counts: bool, error: &str) -> bool = jobs::retry;

        /// Milliseconds until the next ready job is due, counting pauses; `None` when nothing waits.
        fn next_due_ms() -> Option<i64> = jobs::next_due_ms;

        /// Removes jobs that ended long ago, at most a batch, and says how many.
        fn sweep_jobs() -> u64 = jobs::sweep;
    }
}
