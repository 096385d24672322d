//! Runs and their counters.

use domain::{RunId, SyncId, WorkspaceId, outcome::Counts};
use serde_json::Value as Json;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

#[derive(Clone, Debug)]
pub struct RunRow {
    pub workspace_id: Uuid,
    pub run_id: Uuid,
    pub number: i64,
    pub sync_id: Uuid,
    pub sync: String,
    pub mode: String,
    pub status: String,
    pub mapping_version: i32,
    pub started_by: String,
    pub chosen: Option<Vec<String>>,
    pub approval: String,
    pub approved_by: Option<String>,
    pub detail: Option<String>,
    pub cancel_requested_at: Option<OffsetDateTime>,
    pub planned_at: Option<OffsetDateTime>,
    pub to_create: i64,
    pub to_update: i64,
    pub planned_highlevel: i64,
    pub planned_chargify: i64,
    pub left_alone: i64,
    pub predicted_highlevel: i64,
    pub predicted_chargify: i64,
    pub predicted_ms: i64,
    pub calls_highlevel: i64,
    pub calls_chargify: i64,
    pub count_read: i64,
    pub count_created: i64,
    pub count_updated: i64,
    pub count_unchanged: i64,
    pub count_echo: i64,
    pub count_excluded: i64,
    pub count_ambiguous: i64,
    pub count_parked: i64,
    pub count_failed: i64,
    pub phases: Json,
    pub progress: Json,
    pub queued_at: OffsetDateTime,
    pub finished_at: Option<OffsetDateTime>,
}

impl RunRow {
    /// The counters as the domain knows them.
    pub(crate) fn counts(&self) -> Counts {
        let count = |number: i64| u64::try_from(number).unwrap_or(0);
        Counts {
            read: count(self.count_read),
            created: count(self.count_created),
            updated: count(self.count_updated),
            unchanged: count(self.count_unchanged),
            echo: count(self.count_echo),
            excluded: count(self.count_excluded),
            ambiguous: count(self.count_ambiguous),
            parked: count(self.count_parked),
            failed: count(self.count_failed),
        }
    }
}

pub struct NewRun<'a> {
    pub workspace_id: WorkspaceId,
    pub run_id: RunId,
    pub sync_id: SyncId,
    pub mode: &'a str,
    pub mapping_version: i32,
    pub started_by: &'a str,
    pub chosen: Option<&'a [String]>,
    pub approval: &'a str,
    pub queued_at: OffsetDateTime,
}

/// Inserts a queued run and returns its number. Fails on `run_one_at_a_time` while another run of the sync goes on.
pub(crate) async fn insert(conn: &mut PgConnection, new: &NewRun<'_>) -> sqlx::Result<i64> {
    let number = sqlx::query_scalar!(
        r#"
        update workspace
        set next_run_number = next_run_number + 1
        where workspace_id = $1
        returning next_run_number - 1 as "number!"
        "#,
        new.workspace_id.0,
    )
    .fetch_one(&mut *conn)
    .await?;
    sqlx::query!(
        r#"
        insert into run (
            workspace_id, run_id, number, sync_id, mode, status, mapping_version, started_by, chosen, approval, queued_at)
        values ($1, $2, $3, $4, $5, 'queued', $6, $7, $8, $9, $10)
        "#,
        new.workspace_id.0,
        new.run_id.0,
        number,
        new.sync_id.0,
        new.mode,
        new.mapping_version,
        new.started_by,
        new.chosen,
        new.approval,
        new.queued_at,
    )
    .execute(conn)
    .await?;
    Ok(number)
}

macro_rules! select_run {
    ($rest:literal, $($argument:expr),* $(,)?) => {
        sqlx::query_as!(
            RunRow,
            "select run.workspace_id, run.run_id, run.number, run.sync_id, sync.name as sync, run.mode, run.status,
                run.mapping_version, run.started_by, run.chosen, run.approval, run.approved_by, run.detail,
                run.cancel_requested_at, run.planned_at, run.to_create, run.to_update, run.planned_highlevel,
                run.planned_chargify, run.left_alone, run.predicted_highlevel, run.predicted_chargify,
                run.predicted_ms, run.calls_highlevel, run.calls_chargify, run.count_read, run.count_created,
                run.count_updated, run.count_unchanged, run.count_echo, run.count_excluded, run.count_ambiguous,
                run.count_parked, run.count_failed, run.phases, run.progress, run.queued_at, run.finished_at
            from run
            join sync on sync.workspace_id = run.workspace_id and sync.sync_id = run.sync_id " + $rest,
            $($argument),*
        )
    };
}

pub(crate) async fn get(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    run_id: RunId,
) -> sqlx::Result<Option<RunRow>> {
    select_run!("where run.workspace_id = $1 and run.run_id = $2", workspace_id.0, run_id.0).fetch_optional(conn).await
}

pub(crate) async fn find(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    number: i64,
) -> sqlx::Result<Option<RunRow>> {
    select_run!("where run.workspace_id = $1 and run.number = $2", workspace_id.0, number).fetch_optional(conn).await
}

/// Newest first, before a number.
pub(crate) async fn list(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync: Option<&str>,
    before: i64,
    limit: i64,
) -> sqlx::Result<Vec<RunRow>> {
    select_run!(
        "where run.workspace_id = $1 and run.number < $2 and ($3::text is null or sync.name = $3) order by run.number desc limit $4",
        workspace_id.0,
        before,
        sync,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Moves the run from one of `from` to `to`. False: it is in none of them any more.
pub(crate) async fn transit(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    run_id: RunId,
    from: &[&str],
    to: &str,
    detail: Option<&str>,
) -> sqlx::Result<bool> {
    let from: Vec<String> = from.iter().map(|status| (*status).to_owned()).collect();
    let done = sqlx::query!(
        r#"
        update run
        set status = $4,
            detail = $5,
            finished_at = case
                when $4 in ('complete', 'complete_with_failures', 'failed', 'cancelled') then now() else null end
        where workspace_id = $1 and run_id = $2 and status = any($3)
        "#,
        workspace_id.0,
        run_id.0,
        &from,
        to,
        detail,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(crate) async fn approve(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    run_id: RunId,
    by: &str,
    at: OffsetDateTime,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"
        update run
        set approved_by = $3, approved_at = $4, approval = 'granted', status = 'writing', detail = null
        where workspace_id = $1 and run_id = $2 and status = 'awaiting_approval'
        "#,
        workspace_id.0,
        run_id.0,
        by,
        at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(crate) async fn request_cancel(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    run_id: RunId,
    at: OffsetDateTime,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"
        update run
        set cancel_requested_at = $3
        where workspace_id = $1 and run_id = $2 and cancel_requested_at is null
          and status in ('queued', 'reading', 'planning', 'awaiting_approval', 'writing')
        "#,
        workspace_id.0,
        run_id.0,
        at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// What the plan came to.
pub struct PlanTotals {
    pub counts: Counts,
    pub to_create: i64,
    pub to_update: i64,
    pub planned_highlevel: i64,
    pub planned_chargify: i64,
    pub left_alone: i64,
    pub predicted_highlevel: i64,
    pub predicted_chargify: i64,
    pub predicted_ms: i64,
    pub planned_at: OffsetDateTime,
}

pub(crate) async fn set_plan(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    run_id: RunId,
    totals: &PlanTotals,
) -> sqlx::Result<()> {
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    sqlx::query!(
        r#"
        update run
        set planned_at = $3, to_create = $4, to_update = $5, planned_highlevel = $6, planned_chargify = $7,
            left_alone = $8, predicted_highlevel = $9, predicted_chargify = $10, predicted_ms = $11,
            count_read = $12, count_unchanged = $13, count_echo = $14, count_excluded = $15, count_ambiguous = $16,
            count_parked = $17, count_failed = $18, count_created = $19, count_updated = $20
        where workspace_id = $1 and run_id = $2
        "#,
        workspace_id.0,
        run_id.0,
        totals.planned_at,
        totals.to_create,
        totals.to_update,
        totals.planned_highlevel,
        totals.planned_chargify,
        totals.left_alone,
        totals.predicted_highlevel,
        totals.predicted_chargify,
        totals.predicted_ms,
        number(totals.counts.read),
        number(totals.counts.unchanged),
        number(totals.counts.echo),
        number(totals.counts.excluded),
        number(totals.counts.ambiguous),
        number(totals.counts.parked),
        number(totals.counts.failed),
        number(totals.counts.created),
        number(totals.counts.updated),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds to the counters; `read` too, for records that joined the run after it was planned.
pub(crate) async fn add_counts(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    run_id: RunId,
    counts: &Counts,
) -> sqlx::Result<()> {
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    sqlx::query!(
        r#"
        update run
        set count_read = count_read + $3, count_created = count_created + $4, count_updated = count_updated + $5,
            count_unchanged = count_unchanged + $6, count_echo = count_echo + $7, count_excluded = count_excluded + $8,
            count_ambiguous = count_ambiguous + $9, count_parked = count_parked + $10, count_failed = count_failed + $11
        where workspace_id = $1 and run_id = $2
        "#,
        workspace_id.0,
        run_id.0,
        number(counts.read),
        number(counts.created),
        number(counts.updated),
        number(counts.unchanged),
        number(counts.echo),
        number(counts.excluded),
        number(counts.ambiguous),
        number(counts.parked),
        number(counts.failed),
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn add_calls(
    conn: &mut PgConnection,
    workspace_id: Uuid,
    run_id: Uuid,
    highlevel: i64,
    chargify: i64,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update run
        set calls_highlevel = calls_highlevel + $3, calls_chargify = calls_chargify + $4
        where workspace_id = $1 and run_id = $2
        "#,
        workspace_id,
        run_id,
        highlevel,
        chargify,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn set_phases(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    run_id: RunId,
    phases: &Json,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update run set phases = $3 where workspace_id = $1 and run_id = $2",
        workspace_id.0,
        run_id.0,
        phases,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What is to be said about how the run stands.
pub(crate) async fn set_detail(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    run_id: RunId,
    detail: Option<&str>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update run set detail = $3 where workspace_id = $1 and run_id = $2",
        workspace_id.0,
        run_id.0,
        detail,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The number of the sync's run that is writing now, if one is.
pub(crate) async fn writing_now(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!(
        "select number from run where workspace_id = $1 and sync_id = $2 and status = 'writing' order by number limit 1",
        workspace_id.0,
        sync_id.0,
    )
    .fetch_optional(conn)
    .await
}

pub(crate) async fn set_progress(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    run_id: RunId,
    progress: &Json,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update run set progress = $3 where workspace_id = $1 and run_id = $2",
        workspace_id.0,
        run_id.0,
        progress,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Tells listening pages, on commit, that something of the run changed.
pub(crate) async fn notify(conn: &mut PgConnection, run_id: RunId) -> sqlx::Result<()> {
    sqlx::query!(r#"select pg_notify('concord_run', $1) as "notified!: ()""#, run_id.to_string())
        .fetch_one(conn)
        .await?;
    Ok(())
}

/// Median duration of the last successful calls to a connection, in milliseconds.
pub(crate) async fn median_call_ms(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    connection_id: Uuid,
) -> sqlx::Result<Option<f64>> {
    sqlx::query_scalar!(
        r#"
        select percentile_cont(0.5) within group (order by took_ms)
        from (
            select took_ms
            from api_call
            where workspace_id = $1 and connection_id = $2 and error_class is null
            order by called_at desc
            limit 200
        ) as latest
        "#,
        workspace_id.0,
        connection_id,
    )
    .fetch_one(conn)
    .await
}

/// Notes which fields the plan of a run changes anywhere: finding out from its items takes long where there are many.
pub(crate) async fn note_fields(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    run_id: RunId,
    fields: &[String],
) -> sqlx::Result<()> {
    sqlx::query!(
        "update run set fields_planned = $3 where workspace_id = $1 and run_id = $2",
        workspace_id.0,
        run_id.0,
        fields,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Fields that the plan of the run changes anywhere.
pub(crate) async fn fields_changed(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    run_id: RunId,
) -> sqlx::Result<Vec<String>> {
    let fields = sqlx::query_scalar!(
        "select fields_planned from run where workspace_id = $1 and run_id = $2",
        workspace_id.0,
        run_id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(fields.unwrap_or_default())
}
