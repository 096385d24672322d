//! Jobs: queue, claim, lease, fence, coalesce, retry, sweep.

use super::{Bench, scenarios};
use domain::{ConnectionId, JobId, Side};
use engine::store::{
    Notice,
    jobs::{Claim, ClaimedRow, NewJob},
};
use serde_json::{Value as Json, json};
use std::time::Duration;
use uuid::Uuid;

scenarios!(
    a_due_job_is_claimed_once,
    a_job_waits_for_its_time,
    the_most_urgent_goes_first_then_the_one_due_first,
    ready_jobs_of_one_key_become_one_sooner_and_more_urgent,
    a_job_of_a_running_key_waits_for_it,
    no_more_jobs_run_than_the_lane_allows,
    a_paused_lane_gives_nothing_out,
    runs_have_half_of_the_places_and_are_passed_over_where_there_is_no_room,
    a_claim_is_held_until_it_is_lost,
    other_work_on_a_record_is_found,
    a_lane_named_is_passed_over,
    an_extended_lease_holds,
    an_expired_job_is_given_to_somebody_else_and_its_first_holder_knows,
    an_expired_job_gives_way_to_a_newer_one_of_its_key,
    a_finished_job_is_not_claimed_again,
    a_retried_job_comes_back_later_and_counts_or_not,
    a_retried_job_gives_way_to_a_newer_one_of_its_key,
    the_next_due_instant_counts_pauses_and_is_none_when_nothing_waits,
    ended_jobs_are_swept_after_a_week,
    a_new_job_wakes_workers,
);

const NODE: Uuid = Uuid::from_u128(0xe);

impl Bench {
    pub(super) async fn enqueue(&mut self, key: &str, priority: i16, delay_ms: i64) -> Uuid {
        self.enqueue_as("test", json!({ "key": key }), key, (priority, delay_ms)).await
    }

    async fn enqueue_as(&mut self, kind: &str, payload: Json, key: &str, (priority, delay_ms): (i16, i64)) -> Uuid {
        let job_id = self.id();
        let job = NewJob {
            job_id: JobId(job_id),
            workspace_id: self.workspace_id,
            lane_id: self.site,
            kind,
            payload,
            priority,
            coalesce_key: Some(key.to_owned()),
            delay_ms,
        };
        self.session().await.enqueue_job(job).await.unwrap();
        job_id
    }

    /// As the worker claims.
    pub(super) async fn claim(&self, lease_s: i32) -> Option<ClaimedRow> {
        let mut unit = self.store.begin().await.unwrap();
        let (workspace_id, lane_id) = unit.lock_lane_with_work(&[], true).await.unwrap()?;
        unit.release_expired_jobs(workspace_id, lane_id).await.unwrap();
        let job = unit.claim_job((workspace_id, lane_id), NODE, lease_s, true).await.unwrap();
        unit.commit().await.unwrap();
        job
    }

    async fn next_due_ms(&self) -> Option<i64> {
        self.session().await.next_due_ms().await.unwrap()
    }
}

async fn a_due_job_is_claimed_once(bench: &mut Bench) {
    let job_id = bench.enqueue("a", 0, 0).await;
    let claimed = bench.claim(60).await.unwrap();
    assert_eq!((claimed.workspace_id, claimed.job_id), (bench.workspace_id.0, job_id));
    assert_eq!((claimed.kind.as_str(), claimed.attempt, claimed.fence), ("test", 1, 1));
    assert_eq!(claimed.payload, json!({ "key": "a" }));
    assert!(bench.claim(60).await.is_none());
}

async fn a_job_waits_for_its_time(bench: &mut Bench) {
    bench.enqueue("a", 0, 60_000).await;
    assert!(bench.claim(60).await.is_none());
    bench.pass(Duration::from_secs(61)).await;
    assert!(bench.claim(60).await.is_some());
}

async fn the_most_urgent_goes_first_then_the_one_due_first(bench: &mut Bench) {
    let late = bench.enqueue("late", 2, -1_000).await;
    let early = bench.enqueue("early", 2, -2_000).await;
    let live = bench.enqueue("live", 0, 0).await;
    let mut order = Vec::new();
    while let Some(job) = bench.claim(60).await {
        bench.session().await.finish_job(&job, "done", None).await.unwrap();
        order.push(job.job_id);
    }
    assert_eq!(order, [live, early, late]);
}

async fn ready_jobs_of_one_key_become_one_sooner_and_more_urgent(bench: &mut Bench) {
    let first = bench.enqueue("a", 2, 60_000).await;
    bench.enqueue("a", 0, 90_000).await;
    bench.enqueue("b", 1, 0).await;
    bench.enqueue("a", 3, 0).await;
    assert_eq!(bench.claim(60).await.unwrap().job_id, first);
    assert!(bench.claim(60).await.is_some());
    assert!(bench.claim(60).await.is_none());
}

async fn a_job_of_a_running_key_waits_for_it(bench: &mut Bench) {
    bench.enqueue("a", 0, 0).await;
    let first = bench.claim(60).await.unwrap();
    let second = bench.enqueue("a", 0, 0).await;
    assert!(bench.claim(60).await.is_none());
    assert!(bench.session().await.finish_job(&first, "done", None).await.unwrap());
    assert_eq!(bench.claim(60).await.unwrap().job_id, second);
}

async fn no_more_jobs_run_than_the_lane_allows(bench: &mut Bench) {
    for key in ["a", "b", "c"] {
        bench.enqueue(key, 0, 0).await;
    }
    let first = bench.claim(60).await.unwrap();
    assert!(bench.claim(60).await.is_some());
    assert!(bench.claim(60).await.is_none());
    bench.session().await.finish_job(&first, "gave_up", Some("why")).await.unwrap();
    assert!(bench.claim(60).await.is_some());
}

async fn a_paused_lane_gives_nothing_out(bench: &mut Bench) {
    bench.enqueue("a", 0, 0).await;
    bench.session().await.pause_lane(bench.workspace_id, bench.site, 5_000, "slow down").await.unwrap();
    assert!(bench.claim(60).await.is_none());
    bench.pass(Duration::from_secs(6)).await;
    assert!(bench.claim(60).await.is_some());
}

async fn runs_have_half_of_the_places_and_are_passed_over_where_there_is_no_room(bench: &mut Bench) {
    for key in ["run-1", "run-2"] {
        bench.enqueue_as("run", json!({}), key, (0, 0)).await;
    }
    let lane = (bench.workspace_id.0, bench.site.0);
    let mut session = bench.session().await;
    assert_eq!(session.lock_lane_with_work(&[], false).await.unwrap(), None);
    assert!(session.claim_job(lane, NODE, 60, false).await.unwrap().is_none());
    assert!(session.claim_job(lane, NODE, 60, true).await.unwrap().is_some());
    assert!(session.claim_job(lane, NODE, 60, true).await.unwrap().is_none());
    let live = bench.enqueue("live", 3, 0).await;
    assert_eq!(session.claim_job(lane, NODE, 60, true).await.unwrap().unwrap().job_id, live);
}

async fn a_claim_is_held_until_it_is_lost(bench: &mut Bench) {
    bench.enqueue("a", 0, 0).await;
    let job = bench.claim(10).await.unwrap();
    let claim = Claim { job_id: JobId(job.job_id), fence: job.fence };
    assert!(bench.session().await.job_is_held(bench.workspace_id, claim).await.unwrap());
    bench.pass(Duration::from_secs(11)).await;
    // Nobody took it: it is still its holder's.
    assert!(bench.session().await.job_is_held(bench.workspace_id, claim).await.unwrap());
    bench.claim(10).await.unwrap();
    assert!(!bench.session().await.job_is_held(bench.workspace_id, claim).await.unwrap());
}

async fn other_work_on_a_record_is_found(bench: &mut Bench) {
    let about = |id: &str| json!({ "kind": "reconcile", "side": "highlevel", "remote_id": id });
    bench.enqueue_as("reconcile", about("1"), "a", (0, 0)).await;
    bench.enqueue_as("reconcile", about("2"), "b", (1, 0)).await;
    let job = bench.claim(60).await.unwrap();
    let mut session = bench.session().await;
    assert!(!session.others_at_record(&job, Side::Highlevel, "1").await.unwrap());
    assert!(session.others_at_record(&job, Side::Highlevel, "2").await.unwrap());
    assert!(!session.others_at_record(&job, Side::Chargify, "2").await.unwrap());
    let other = bench.claim(60).await.unwrap();
    session.finish_job(&other, "done", None).await.unwrap();
    assert!(!session.others_at_record(&job, Side::Highlevel, "2").await.unwrap());
}

async fn a_lane_named_is_passed_over(bench: &mut Bench) {
    bench.enqueue("a", 0, 0).await;
    let other = ConnectionId(bench.id());
    let mut session = bench.session().await;
    bench.connect(&mut *session, other, "billing-2").await;
    let site = bench.site;
    bench.site = other;
    bench.enqueue("b", 0, 0).await;
    let first = session.lock_lane_with_work(&[], true).await.unwrap().unwrap();
    let second = session.lock_lane_with_work(&[first.1], true).await.unwrap().unwrap();
    assert_eq!((first.1, second.1), (site.0, other.0));
    assert_eq!(session.lock_lane_with_work(&[first.1, second.1], true).await.unwrap(), None);
}

async fn an_extended_lease_holds(bench: &mut Bench) {
    bench.enqueue("a", 0, 0).await;
    let job = bench.claim(10).await.unwrap();
    bench.pass(Duration::from_secs(5)).await;
    assert!(bench.session().await.extend_job(&job, 10).await.unwrap());
    bench.pass(Duration::from_secs(8)).await;
    assert!(bench.claim(10).await.is_none());
}

async fn an_expired_job_is_given_to_somebody_else_and_its_first_holder_knows(bench: &mut Bench) {
    bench.enqueue("a", 0, 0).await;
    let lost = bench.claim(10).await.unwrap();
    bench.pass(Duration::from_secs(11)).await;
    let held = bench.claim(10).await.unwrap();
    assert_eq!((held.job_id, held.attempt, held.fence), (lost.job_id, 2, 2));
    let mut session = bench.session().await;
    assert!(!session.extend_job(&lost, 10).await.unwrap());
    assert!(!session.finish_job(&lost, "done", None).await.unwrap());
    assert!(!session.retry_job(&lost, 0, true, "why").await.unwrap());
    assert!(session.extend_job(&held, 10).await.unwrap());
    assert!(session.finish_job(&held, "done", None).await.unwrap());
    assert!(!session.extend_job(&held, 10).await.unwrap());
}

async fn an_expired_job_gives_way_to_a_newer_one_of_its_key(bench: &mut Bench) {
    bench.enqueue("a", 0, 0).await;
    bench.claim(10).await.unwrap();
    let newer = bench.enqueue("a", 0, 0).await;
    bench.pass(Duration::from_secs(11)).await;
    assert_eq!(bench.claim(10).await.unwrap().job_id, newer);
    assert!(bench.claim(10).await.is_none());
    assert_eq!(bench.next_due_ms().await, None);
}

async fn a_finished_job_is_not_claimed_again(bench: &mut Bench) {
    bench.enqueue("a", 0, 0).await;
    let job = bench.claim(10).await.unwrap();
    bench.session().await.finish_job(&job, "done", None).await.unwrap();
    bench.pass(Duration::from_secs(60)).await;
    assert!(bench.claim(10).await.is_none());
}

async fn a_retried_job_comes_back_later_and_counts_or_not(bench: &mut Bench) {
    bench.enqueue("a", 0, 0).await;
    let job = bench.claim(60).await.unwrap();
    assert!(bench.session().await.retry_job(&job, 5_000, true, "why").await.unwrap());
    assert!(bench.claim(60).await.is_none());
    bench.pass(Duration::from_secs(6)).await;
    let job = bench.claim(60).await.unwrap();
    assert_eq!((job.attempt, job.fence), (2, 2));
    assert!(bench.session().await.retry_job(&job, 0, false, "more to do").await.unwrap());
    let job = bench.claim(60).await.unwrap();
    assert_eq!((job.attempt, job.fence), (2, 3));
}

async fn a_retried_job_gives_way_to_a_newer_one_of_its_key(bench: &mut Bench) {
    bench.enqueue("a", 0, 0).await;
    let job = bench.claim(60).await.unwrap();
    let newer = bench.enqueue("a", 0, 0).await;
    assert!(bench.session().await.retry_job(&job, 0, true, "why").await.unwrap());
    assert_eq!(bench.claim(60).await.unwrap().job_id, newer);
    assert!(bench.claim(60).await.is_none());
}

async fn the_next_due_instant_counts_pauses_and_is_none_when_nothing_waits(bench: &mut Bench) {
    assert_eq!(bench.next_due_ms().await, None);
    bench.enqueue("a", 0, 60_000).await;
    let due_ms = bench.next_due_ms().await.unwrap();
    assert!((55_000..=60_000).contains(&due_ms), "{due_ms}");
    bench.session().await.pause_lane(bench.workspace_id, bench.site, 90_000, "slow down").await.unwrap();
    let due_ms = bench.next_due_ms().await.unwrap();
    assert!((85_000..=90_000).contains(&due_ms), "{due_ms}");
    bench.pass(Duration::from_secs(100)).await;
    assert_eq!(bench.next_due_ms().await, Some(0));
    bench.claim(60).await.unwrap();
    assert_eq!(bench.next_due_ms().await, None);
}

async fn ended_jobs_are_swept_after_a_week(bench: &mut Bench) {
    bench.enqueue("a", 0, 0).await;
    let job = bench.claim(60).await.unwrap();
    bench.session().await.finish_job(&job, "done", None).await.unwrap();
    assert_eq!(bench.session().await.sweep_jobs().await.unwrap(), 0);
    bench.pass(Duration::from_secs(8 * 24 * 3600)).await;
    assert_eq!(bench.session().await.sweep_jobs().await.unwrap(), 1);
    assert_eq!(bench.session().await.sweep_jobs().await.unwrap(), 0);
}

async fn a_new_job_wakes_workers(bench: &mut Bench) {
    let mut notices = bench.store.notices().await.unwrap();
    bench.enqueue("a", 0, 0).await;
    assert_eq!(notices.next().await.unwrap(), Notice::Jobs);
}
