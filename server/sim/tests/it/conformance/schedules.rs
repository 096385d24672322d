//! Schedules: what is due, and what holds it up.

use super::{
    Bench,
    bench::{NOON, policy},
    scenarios,
};
use domain::{RunId, schedule::ScheduleText};
use engine::store::{
    schedules::{Due, ScheduleRow},
    syncs::PolicyRow,
};
use time::{Duration, OffsetDateTime};

scenarios!(
    a_schedule_is_saved_whole,
    what_is_due_is_found_until_it_is_moved,
    a_start_waits_for_the_end_of_another_run,
    a_plan_of_the_schedule_that_waits_holds_it_up,
    a_service_that_refuses_is_not_asked_again_at_once,
    nothing_holds_up_a_sync_that_is_switched_off,
    a_due_time_is_started_for_once,
);

fn text() -> ScheduleText {
    ScheduleText {
        changes: "hourly".to_owned(),
        full: "0 2 * * *".to_owned(),
        zone: "UTC".to_owned(),
        quiet: String::new(),
    }
}

impl Bench {
    async fn schedule(&self, changes: Option<OffsetDateTime>, full: Option<OffsetDateTime>) {
        let due = Due { changes, full };
        self.session().await.save_schedule(self.workspace_id, self.sync_id, &text(), due).await.unwrap();
    }

    async fn due(&self) -> Option<(ScheduleRow, bool)> {
        self.session().await.lock_due_schedule(NOON, NOON - Duration::HOUR, &[]).await.unwrap()
    }

    async fn due_run(&mut self, mode: &str) -> RunId {
        let run_id = self.add_run(mode).await;
        self.session().await.mark_run_scheduled(self.workspace_id, run_id, NOON).await.unwrap();
        run_id
    }

    async fn move_to(&self, run_id: RunId, from: &str, to: &str) {
        assert!(self.session().await.move_run(self.workspace_id, run_id, &[from], to, None).await.unwrap());
    }
}

async fn a_schedule_is_saved_whole(bench: &mut Bench) {
    let mut session = bench.session().await;
    assert!(session.schedule(bench.workspace_id, bench.sync_id).await.unwrap().is_none());
    assert_eq!(session.first_due().await.unwrap(), None);
    bench.schedule(None, Some(NOON)).await;
    bench.schedule(Some(NOON + Duration::HOUR), Some(NOON)).await;
    let row = session.schedule(bench.workspace_id, bench.sync_id).await.unwrap().unwrap();
    assert_eq!((row.changes_timing.as_str(), row.full_timing.as_str()), ("hourly", "0 2 * * *"));
    assert_eq!((row.changes_due_at, row.full_due_at), (Some(NOON + Duration::HOUR), Some(NOON)));
    assert_eq!(session.first_due().await.unwrap(), Some(NOON));
}

async fn what_is_due_is_found_until_it_is_moved(bench: &mut Bench) {
    bench.schedule(Some(NOON + Duration::SECOND), None).await;
    assert!(bench.due().await.is_none());
    bench.schedule(Some(NOON + Duration::SECOND), Some(NOON)).await;
    let mut unit = bench.store.begin().await.unwrap();
    unit.lock_schedules(bench.workspace_id).await.unwrap();
    let (row, enabled) = unit.lock_due_schedule(NOON, NOON - Duration::HOUR, &[]).await.unwrap().unwrap();
    assert_eq!((row.sync_id, enabled), (bench.sync_id.0, true));
    assert!(unit.lock_due_schedule(NOON, NOON - Duration::HOUR, &[row.sync_id]).await.unwrap().is_none());
    unit.set_due(&row, Due { changes: row.changes_due_at, full: None }, Some(NOON)).await.unwrap();
    unit.commit().await.unwrap();
    assert!(bench.due().await.is_none());
}

async fn a_start_waits_for_the_end_of_another_run(bench: &mut Bench) {
    bench.schedule(Some(NOON), None).await;
    let run_id = bench.add_run("full").await;
    assert!(bench.due().await.is_none());
    bench.move_to(run_id, "queued", "complete").await;
    bench.add_run("resync").await;
    assert!(bench.due().await.is_some());
}

async fn a_plan_of_the_schedule_that_waits_holds_it_up(bench: &mut Bench) {
    bench.schedule(Some(NOON), None).await;
    let by_hand = bench.add_run("full").await;
    bench.move_to(by_hand, "queued", "awaiting_approval").await;
    assert!(bench.due().await.is_some());
    let scheduled = bench.due_run("changes").await;
    bench.move_to(scheduled, "queued", "awaiting_approval").await;
    assert!(bench.due().await.is_none());
}

async fn a_service_that_refuses_is_not_asked_again_at_once(bench: &mut Bench) {
    bench.schedule(Some(NOON), None).await;
    let mut session = bench.session().await;
    session.set_connection_state(bench.workspace_id, bench.crm, ("refused", None), NOON).await.unwrap();
    let (row, _) = bench.due().await.unwrap();
    let due = Due { changes: Some(NOON), full: None };
    session.set_due(&row, due, Some(NOON)).await.unwrap();
    assert!(bench.due().await.is_none());
    // What was started before stays so when a due time is moved alone.
    session.set_due(&row, due, None).await.unwrap();
    assert!(bench.due().await.is_none());
    session.set_connection_state(bench.workspace_id, bench.crm, ("healthy", None), NOON).await.unwrap();
    assert!(bench.due().await.is_some());
}

async fn nothing_holds_up_a_sync_that_is_switched_off(bench: &mut Bench) {
    bench.schedule(Some(NOON), None).await;
    bench.add_run("full").await;
    let off = PolicyRow { enabled: false, ..policy(3) };
    bench.session().await.update_sync_policy(bench.workspace_id, bench.sync_id, &off).await.unwrap();
    assert!(!bench.due().await.unwrap().1);
}

async fn a_due_time_is_started_for_once(bench: &mut Bench) {
    let first = bench.due_run("changes").await;
    bench.move_to(first, "queued", "complete").await;
    let second = bench.add_run("changes").await;
    assert!(bench.session().await.mark_run_scheduled(bench.workspace_id, second, NOON).await.is_err());
    let later = NOON + Duration::SECOND;
    assert!(bench.session().await.mark_run_scheduled(bench.workspace_id, second, later).await.is_ok());
}
