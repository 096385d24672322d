//! Schedules of syncs, and which of them are due.

use domain::{RunId, SyncId, WorkspaceId, schedule::ScheduleText};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// A schedule and when it is next due.
#[derive(Clone, Debug)]
pub struct ScheduleRow {
    pub workspace_id: Uuid,
    pub sync_id: Uuid,
    pub changes_timing: String,
    pub full_timing: String,
    pub zone: String,
    pub quiet: String,
    pub changes_due_at: Option<OffsetDateTime>,
    pub full_due_at: Option<OffsetDateTime>,
}

impl ScheduleRow {
    pub(crate) fn text(&self) -> ScheduleText {
        ScheduleText {
            changes: self.changes_timing.clone(),
            full: self.full_timing.clone(),
            zone: self.zone.clone(),
            quiet: self.quiet.clone(),
        }
    }
}

/// When both timings are due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Due {
    pub changes: Option<OffsetDateTime>,
    pub full: Option<OffsetDateTime>,
}

pub(crate) async fn find(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
) -> sqlx::Result<Option<ScheduleRow>> {
    sqlx::query_as!(
        ScheduleRow,
        r#"
        select workspace_id, sync_id, changes_timing, full_timing, zone, quiet, changes_due_at, full_due_at
        from schedule
        where workspace_id = $1 and sync_id = $2
        "#,
        workspace_id.0,
        sync_id.0,
    )
    .fetch_optional(conn)
    .await
}

/// Saves a schedule and when it is due.
pub(crate) async fn save(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
    text: &ScheduleText,
    due: Due,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into schedule (
            workspace_id, sync_id, changes_timing, full_timing, zone, quiet, changes_due_at, full_due_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        on conflict (workspace_id, sync_id) do update set
            changes_timing = excluded.changes_timing,
            full_timing = excluded.full_timing,
            zone = excluded.zone,
            quiet = excluded.quiet,
            changes_due_at = excluded.changes_due_at,
            full_due_at = excluded.full_due_at
        "#,
        workspace_id.0,
        sync_id.0,
        text.changes,
        text.full,
        text.zone,
        text.quiet,
        due.changes,
        due.full,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// When the first start of all is due; it may be held up.
pub(crate) async fn first_due(conn: &mut PgConnection) -> sqlx::Result<Option<OffsetDateTime>> {
    sqlx::query_scalar!(r#"select min(least(changes_due_at, full_due_at)) from schedule"#).fetch_one(conn).await
}

/// Locks one schedule that is due and that nothing holds up, other than those named, with whether its sync is switched
/// on. The lock is what makes one start of each due time: another node passes over it, and once it is free it is not due.
///
/// Held up is what would run beside an open run or beside a plan of the schedule that waits for a person, and what would
/// ask a service again within the hour (from `asked_since`) that refused everything.
pub(crate) async fn lock_due(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    asked_since: OffsetDateTime,
    except: &[Uuid],
) -> sqlx::Result<Option<(ScheduleRow, bool)>> {
    let row = sqlx::query!(
        r#"
        select
            schedule.workspace_id, schedule.sync_id, schedule.changes_timing, schedule.full_timing, schedule.zone,
            schedule.quiet, schedule.changes_due_at, schedule.full_due_at, sync.enabled
        from schedule
        join sync on sync.workspace_id = schedule.workspace_id and sync.sync_id = schedule.sync_id
        where least(schedule.changes_due_at, schedule.full_due_at) <= $1
          and schedule.sync_id <> all($3)
          and not (sync.enabled and exists (
              select 1 from run
              where run.workspace_id = schedule.workspace_id
                and run.sync_id = schedule.sync_id
                and (run.status in ('queued', 'reading', 'planning', 'writing') and run.mode <> 'resync'
                    or run.status = 'awaiting_approval' and run.scheduled_for is not null)))
          and not (sync.enabled and coalesce(schedule.started_at > $2, false) and exists (
              select 1 from connection
              where connection.workspace_id = schedule.workspace_id
                and connection.connection_id in (sync.highlevel_connection_id, sync.chargify_connection_id)
                and connection.state in ('refused', 'blocked')))
        order by least(schedule.changes_due_at, schedule.full_due_at)
        limit 1
        for update of schedule skip locked
        "#,
        now,
        asked_since,
        except,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| {
        let schedule = ScheduleRow {
            workspace_id: row.workspace_id,
            sync_id: row.sync_id,
            changes_timing: row.changes_timing,
            full_timing: row.full_timing,
            zone: row.zone,
            quiet: row.quiet,
            changes_due_at: row.changes_due_at,
            full_due_at: row.full_due_at,
        };
        (schedule, row.enabled)
    }))
}

/// Keeps the workspace's schedules from being started until the caller's transaction ends.
pub(crate) async fn lock_all(conn: &mut PgConnection, workspace_id: WorkspaceId) -> sqlx::Result<()> {
    sqlx::query!(
        r#"select sync_id from schedule where workspace_id = $1 order by sync_id for update"#,
        workspace_id.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(())
}

/// Number of the run that a start of the sync would wait for, by the rule of [`lock_due`].
pub(crate) async fn holding_run(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!(
        r#"
        select number from run
        where workspace_id = $1
          and sync_id = $2
          and (status in ('queued', 'reading', 'planning', 'writing') and mode <> 'resync'
              or status = 'awaiting_approval' and scheduled_for is not null)
        order by number desc
        limit 1
        "#,
        workspace_id.0,
        sync_id.0,
    )
    .fetch_optional(conn)
    .await
}

/// Moves when both timings are due; `started_at` where a run was started.
pub(crate) async fn set_due(
    conn: &mut PgConnection,
    row: &ScheduleRow,
    due: Due,
    started_at: Option<OffsetDateTime>,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update schedule
        set changes_due_at = $3, full_due_at = $4, started_at = coalesce($5, started_at)
        where workspace_id = $1 and sync_id = $2
        "#,
        row.workspace_id,
        row.sync_id,
        due.changes,
        due.full,
        started_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Says which due time a run was started for. Fails on `run_scheduled_once` when it was started for before.
pub(crate) async fn mark_run(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    run_id: RunId,
    due_at: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update run set scheduled_for = $3 where workspace_id = $1 and run_id = $2",
        workspace_id.0,
        run_id.0,
        due_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}
