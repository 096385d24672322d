//! Runs, as the core sees them.

use crate::{
    EngineError, Result,
    store::runs::{self, NewRun, PlanTotals, RunRow},
};
use domain::{RunId, SyncId, WorkspaceId, outcome::Counts};
use serde_json::Value as Json;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

tables! {
    /// Runs and their counters.
    trait Runs {
        /// Inserts a queued run and returns its number. [`EngineError::AlreadyDone`] while another run over the same
        /// lists goes on.
        fn insert_run(new: &NewRun<'_>) -> i64 = insert;

        fn run(workspace_id: WorkspaceId, run_id: RunId) -> Option<RunRow> = runs::get;

        fn run_by_number(workspace_id: WorkspaceId, number: i64) -> Option<RunRow> = runs::find;

        /// Moves the run from one of `from` to `to`. False: it is in none of them any more.
        fn move_run(
            workspace_id: WorkspaceId,
            run_id: RunId,
            from: &[&str],
            to: &str,
            detail: Option<&str>,
        ) -> bool = runs::transit;

        /// Releases a run that waits for a person. False: it does not wait. [`EngineError::AlreadyDone`] while another
        /// run over the same lists goes on.
        fn approve_run(workspace_id: WorkspaceId, run_id: RunId, by: &str, at: OffsetDateTime) -> bool = approve;

        /// False: it has ended, or was asked to end before.
        fn request_cancel(workspace_id: WorkspaceId, run_id: RunId, at: OffsetDateTime) -> bool = runs::request_cancel;

        /// What is to be said about how the run stands.
        fn set_run_detail(workspace_id: WorkspaceId, run_id: RunId, detail: Option<&str>) -> () = runs::set_detail;

        /// The number of the sync's run that is writing now, if one is.
        fn run_writing_now(workspace_id: WorkspaceId, sync_id: SyncId) -> Option<i64> = runs::writing_now;

        /// What the plan came to; the counters begin with it.
        fn set_run_plan(workspace_id: WorkspaceId, run_id: RunId, totals: &PlanTotals) -> () = runs::set_plan;

        fn add_run_counts(workspace_id: WorkspaceId, run_id: RunId, counts: &Counts) -> () = runs::add_counts;

        fn add_run_calls(workspace_id: Uuid, run_id: Uuid, highlevel: i64, chargify: i64) -> () = runs::add_calls;

        fn set_run_phases(workspace_id: WorkspaceId, run_id: RunId, phases: &Json) -> () = runs::set_phases;

        fn set_run_progress(workspace_id: WorkspaceId, run_id: RunId, progress: &Json) -> () = runs::set_progress;

        /// Notes which fields the plan of a run changes anywhere.
        fn note_planned_fields(workspace_id: WorkspaceId, run_id: RunId, fields: &[String]) -> () = runs::note_fields;

        /// Tells those who listen, on commit, that something of the run changed.
        fn notify_run(run_id: RunId) -> () = runs::notify;

        /// Median duration of the last successful calls to a connection, in milliseconds.
        fn median_call_ms(workspace_id: WorkspaceId, connection_id: Uuid) -> Option<f64> = runs::median_call_ms;
    }
}

async fn insert(conn: &mut PgConnection, new: &NewRun<'_>) -> Result<i64> {
    runs::insert(conn, new).await.map_err(one_at_a_time)
}

async fn approve(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    run_id: RunId,
    by: &str,
    at: OffsetDateTime,
) -> Result<bool> {
    runs::approve(conn, workspace_id, run_id, by, at).await.map_err(one_at_a_time)
}

/// Two runs over the same lists would plan against each other.
fn one_at_a_time(error: sqlx::Error) -> EngineError {
    match error.as_database_error().and_then(|error| error.constraint()) {
        Some("run_one_at_a_time") => EngineError::AlreadyDone,
        _ => error.into(),
    }
}
