//! Figures for the first screen and for `concord status`.

use domain::{SyncId, WorkspaceId};
use sqlx::PgConnection;
use time::OffsetDateTime;

/// How many contacts stand how.
pub(crate) async fn verdicts(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: Option<SyncId>,
) -> sqlx::Result<Vec<(String, i64)>> {
    let rows = sqlx::query!(
        r#"
        select verdict, count(*) as "count!"
        from record
        where workspace_id = $1 and ($2::uuid is null or sync_id = $2) and side = 'highlevel' and gone_at is null
        group by verdict
        "#,
        workspace_id.0,
        sync_id.map(|sync| sync.0),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.verdict, row.count)).collect())
}

/// Webhooks received since an instant, per state and outcome.
pub(crate) async fn deliveries_since(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    since: OffsetDateTime,
) -> sqlx::Result<Vec<(String, Option<String>, i64)>> {
    let rows = sqlx::query!(
        r#"
        select state, outcome, count(*) as "count!"
        from delivery
        where workspace_id = $1 and received_at >= $2
        group by state, outcome
        "#,
        workspace_id.0,
        since,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.state, row.outcome, row.count)).collect())
}

/// Webhooks per hour since an instant: hours ago (0 is the running one) and how many.
pub(crate) async fn deliveries_by_hour(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    now: OffsetDateTime,
) -> sqlx::Result<Vec<(i32, i64)>> {
    let rows = sqlx::query!(
        r#"
        select floor(extract(epoch from ($2::timestamptz - received_at)) / 3600)::int as "hours_ago!", count(*) as "count!"
        from delivery
        where workspace_id = $1 and received_at > $2::timestamptz - interval '24 hours' and received_at <= $2
        group by 1
        "#,
        workspace_id.0,
        now,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.hours_ago, row.count)).collect())
}

/// The queue: ready, running, and the age in seconds of the oldest job that is due.
pub(crate) async fn queue(conn: &mut PgConnection, workspace_id: WorkspaceId) -> sqlx::Result<(i64, i64, Option<i64>)> {
    let row = sqlx::query!(
        r#"
        select
            count(*) filter (where state = 'ready') as "ready!",
            count(*) filter (where state = 'running') as "running!",
            extract(epoch from now() - min(run_at) filter (where state = 'ready' and run_at <= now()))::bigint as oldest_s
        from job
        where workspace_id = $1 and state in ('ready', 'running')
        "#,
        workspace_id.0,
    )
    .fetch_one(conn)
    .await?;
    Ok((row.ready, row.running, row.oldest_s))
}
