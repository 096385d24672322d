//! Schedules of syncs, as those who start what is due see them.

use crate::store::schedules::{self, Due, ScheduleRow};
use domain::{RunId, SyncId, WorkspaceId, schedule::ScheduleText};
use time::OffsetDateTime;
use uuid::Uuid;

tables! {
    /// When syncs run by themselves.
    trait Schedules {
        fn schedule(workspace_id: WorkspaceId, sync_id: SyncId) -> Option<ScheduleRow> = schedules::find;

        /// Saves a schedule and when it is due.
        fn save_schedule(
            workspace_id: WorkspaceId,
            sync_id: SyncId,
            text: &ScheduleText,
            due: Due,
        ) -> () = schedules::save;

        /// When the first start of all is due; it may be held up.
        fn first_due() -> Option<OffsetDateTime> = schedules::first_due;

        /// Locks one schedule that is due and that nothing holds up, other than those named, with whether its sync is
        /// switched on. Held up is what would run beside an open run or beside a plan of the schedule that waits for a
        /// person, and what was started after `asked_since` and would ask a service again that refuses everything.
        fn lock_due_schedule(
            now: OffsetDateTime,
            asked_since: OffsetDateTime,
            except: &[Uuid],
        ) -> Option<(ScheduleRow, bool)> = schedules::lock_due;

        /// Keeps the workspace's schedules from being started until the unit of work ends.
        fn lock_schedules(workspace_id: WorkspaceId) -> () = schedules::lock_all;

        /// Moves when both timings are due; `started_at` where a run was started.
        fn set_due(row: &ScheduleRow, due: Due, started_at: Option<OffsetDateTime>) -> () = schedules::set_due;

        /// Says which due time a run was started for.
        fn mark_run_scheduled(
            workspace_id: WorkspaceId,
            run_id: RunId,
            due_at: OffsetDateTime,
        ) -> () = schedules::mark_run;
    }
}
