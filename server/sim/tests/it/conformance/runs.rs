//! Runs: one at a time over the same lists, from status to status, counters that add up.

use super::{Bench, bench::NOON, items::totals, scenarios};
use domain::{RunId, outcome::Counts};
use engine::{
    EngineError,
    store::{calls::CallBatch, runs::RunRow},
};
use serde_json::json;
use time::OffsetDateTime;

scenarios!(
    runs_are_numbered_in_order_and_found_by_number,
    one_run_at_a_time_goes_over_the_lists,
    a_run_of_chosen_records_may_go_on_beside,
    a_run_moves_only_from_where_it_is,
    a_run_that_waits_is_approved_once_and_not_beside_another,
    a_run_is_asked_to_end_once,
    counters_begin_with_the_plan_and_add_up,
    what_is_said_of_a_run_is_replaced,
    the_run_that_writes_is_found,
    calls_of_a_run_are_added,
    the_median_is_of_calls_that_went_well,
);

impl Bench {
    async fn row(&self, run_id: RunId) -> RunRow {
        self.session().await.run(self.workspace_id, run_id).await.unwrap().unwrap()
    }

    async fn moved(&self, run_id: RunId, from: &[&str], to: &str) -> bool {
        self.session().await.move_run(self.workspace_id, run_id, from, to, Some("why")).await.unwrap()
    }
}

async fn runs_are_numbered_in_order_and_found_by_number(bench: &mut Bench) {
    let first = bench.add_run("full").await;
    assert!(bench.moved(first, &["queued"], "complete").await);
    let second = bench.add_run("changes").await;
    let mut session = bench.session().await;
    let row = session.run_by_number(bench.workspace_id, 2).await.unwrap().unwrap();
    assert_eq!((row.run_id, row.number, row.sync.as_str(), row.mode.as_str()), (second.0, 2, "contacts", "changes"));
    assert_eq!((row.status.as_str(), row.approval.as_str(), row.started_by.as_str()), ("queued", "fuse", "ada"));
    assert_eq!((row.phases, row.progress, row.chosen, row.queued_at), (json!([]), json!({}), None, NOON));
    assert!(session.run_by_number(bench.workspace_id, 3).await.unwrap().is_none());
    assert!(session.run(bench.workspace_id, RunId(bench.id())).await.unwrap().is_none());
}

async fn one_run_at_a_time_goes_over_the_lists(bench: &mut Bench) {
    let first = bench.add_run("full").await;
    let second = RunId(bench.id());
    let refused = bench.session().await.insert_run(&bench.run(second, "dry-run")).await;
    assert!(matches!(refused, Err(EngineError::AlreadyDone)));
    // One that waits for a person is in nobody's way.
    assert!(bench.moved(first, &["queued"], "awaiting_approval").await);
    assert!(bench.session().await.insert_run(&bench.run(second, "dry-run")).await.is_ok());
}

async fn a_run_of_chosen_records_may_go_on_beside(bench: &mut Bench) {
    bench.add_run("full").await;
    let run_id = RunId(bench.id());
    let mut resync = bench.run(run_id, "resync");
    let chosen = super::bench::texts(&["con-1"]);
    resync.chosen = Some(&chosen);
    let mut session = bench.session().await;
    assert_eq!(session.insert_run(&resync).await.unwrap(), 2);
    assert_eq!(session.run(bench.workspace_id, resync.run_id).await.unwrap().unwrap().chosen, Some(chosen.clone()));
}

async fn a_run_moves_only_from_where_it_is(bench: &mut Bench) {
    let run_id = bench.add_run("full").await;
    assert!(!bench.moved(run_id, &["reading", "planning"], "writing").await);
    assert!(bench.moved(run_id, &["queued", "reading"], "writing").await);
    let row = bench.row(run_id).await;
    assert_eq!((row.detail.as_deref(), row.finished_at), (Some("why"), None));
    assert!(bench.moved(run_id, &["writing"], "complete_with_failures").await);
    assert!(bench.row(run_id).await.finished_at.is_some());
    assert!(!bench.moved(run_id, &["writing"], "failed").await);
}

async fn a_run_that_waits_is_approved_once_and_not_beside_another(bench: &mut Bench) {
    let run_id = bench.add_run("full").await;
    let (workspace_id, mut session) = (bench.workspace_id, bench.session().await);
    assert!(!session.approve_run(workspace_id, run_id, "bea", NOON).await.unwrap());
    assert!(bench.moved(run_id, &["queued"], "awaiting_approval").await);
    let other = bench.add_run("changes").await;
    let refused = session.approve_run(workspace_id, run_id, "bea", NOON).await;
    assert!(matches!(refused, Err(EngineError::AlreadyDone)));
    assert!(bench.moved(other, &["queued"], "cancelled").await);
    assert!(session.approve_run(workspace_id, run_id, "bea", NOON).await.unwrap());
    assert!(!session.approve_run(workspace_id, run_id, "bea", NOON).await.unwrap());
    let row = bench.row(run_id).await;
    assert_eq!((row.status.as_str(), row.approval.as_str(), row.detail), ("writing", "granted", None));
    assert_eq!(row.approved_by.as_deref(), Some("bea"));
}

async fn a_run_is_asked_to_end_once(bench: &mut Bench) {
    let run_id = bench.add_run("full").await;
    let mut session = bench.session().await;
    assert!(session.request_cancel(bench.workspace_id, run_id, NOON).await.unwrap());
    assert!(!session.request_cancel(bench.workspace_id, run_id, NOON).await.unwrap());
    assert_eq!(bench.row(run_id).await.cancel_requested_at, Some(NOON));
    assert!(bench.moved(run_id, &["queued"], "cancelled").await);
    let other = bench.add_run("full").await;
    assert!(bench.moved(other, &["queued"], "complete").await);
    assert!(!session.request_cancel(bench.workspace_id, other, NOON).await.unwrap());
}

async fn counters_begin_with_the_plan_and_add_up(bench: &mut Bench) {
    let run_id = bench.add_run("full").await;
    let (workspace_id, mut session) = (bench.workspace_id, bench.session().await);
    let before = Counts { failed: 9, ..Counts::default() };
    session.add_run_counts(workspace_id, run_id, &before).await.unwrap();
    session.set_run_plan(workspace_id, run_id, &totals(NOON)).await.unwrap();
    let more = Counts { created: 2, parked: 1, ..Counts::default() };
    session.add_run_counts(workspace_id, run_id, &more).await.unwrap();
    session.add_run_counts(workspace_id, run_id, &more).await.unwrap();
    session.note_planned_fields(workspace_id, run_id, &super::bench::texts(&["email"])).await.unwrap();
    session.set_run_phases(workspace_id, run_id, &json!([{ "title": "Read" }])).await.unwrap();
    session.set_run_progress(workspace_id, run_id, &json!({ "contacts": 4 })).await.unwrap();
    let row = bench.row(run_id).await;
    let found = [row.count_read, row.count_unchanged, row.count_created, row.count_parked, row.count_failed];
    assert_eq!((found, row.planned_at), ([4, 1, 4, 2, 0], Some(NOON)));
    assert_eq!((row.to_create, row.to_update, row.left_alone, row.predicted_ms), (1, 2, 5, 8));
    assert_eq!((row.phases, row.progress), (json!([{ "title": "Read" }]), json!({ "contacts": 4 })));
}

async fn what_is_said_of_a_run_is_replaced(bench: &mut Bench) {
    let run_id = bench.add_run("full").await;
    let mut session = bench.session().await;
    for detail in [Some("two records wait"), None] {
        session.set_run_detail(bench.workspace_id, run_id, detail).await.unwrap();
        assert_eq!(bench.row(run_id).await.detail.as_deref(), detail);
    }
}

async fn the_run_that_writes_is_found(bench: &mut Bench) {
    let run_id = bench.add_run("full").await;
    let mut session = bench.session().await;
    assert_eq!(session.run_writing_now(bench.workspace_id, bench.sync_id).await.unwrap(), None);
    assert!(bench.moved(run_id, &["queued"], "writing").await);
    assert_eq!(session.run_writing_now(bench.workspace_id, bench.sync_id).await.unwrap(), Some(1));
}

async fn calls_of_a_run_are_added(bench: &mut Bench) {
    let run_id = bench.add_run("full").await;
    let mut session = bench.session().await;
    for _ in 0..2 {
        session.add_run_calls(bench.workspace_id.0, run_id.0, 1, 2).await.unwrap();
    }
    let row = bench.row(run_id).await;
    assert_eq!((row.calls_highlevel, row.calls_chargify), (2, 4));
}

async fn the_median_is_of_calls_that_went_well(bench: &mut Bench) {
    let mut session = bench.session().await;
    assert_eq!(session.median_call_ms(bench.workspace_id, bench.site.0).await.unwrap(), None);
    let made = [(10, None), (20, None), (900, Some("rate")), (40, None), (50, None)];
    let made: Vec<_> = made.into_iter().map(|(took_ms, class)| (NOON, took_ms, class)).collect();
    session.insert_calls(&calls(bench, &made)).await.unwrap();
    assert_eq!(session.median_call_ms(bench.workspace_id, bench.site.0).await.unwrap(), Some(30.0));
    assert_eq!(session.median_call_ms(bench.workspace_id, bench.crm.0).await.unwrap(), None);
}

/// Calls to the site: when, how long, and of what class the error was.
pub(super) fn calls(bench: &Bench, made: &[(OffsetDateTime, i32, Option<&str>)]) -> CallBatch {
    let mut batch = CallBatch::default();
    for (called_at, took_ms, class) in made {
        batch.workspace_id.push(bench.workspace_id.0);
        batch.connection_id.push(bench.site.0);
        batch.side.push("chargify".to_owned());
        batch.endpoint.push("GET /customers".to_owned());
        batch.status.push(Some(200));
        batch.error_class.push(class.map(str::to_owned));
        batch.took_ms.push(*took_ms);
        batch.cause.push("test".to_owned());
        batch.run_id.push(None);
        batch.remote_request_id.push(None);
        batch.called_at.push(*called_at);
    }
    batch
}
