//! What is known of the webhooks of each connection, and the installation's sign of life.

use domain::{ConnectionId, WorkspaceId};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// What is known of one connection's webhooks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchRow {
    pub workspace_id: Uuid,
    pub connection_id: Uuid,
    /// Concord registers the endpoint by itself and puts it right.
    pub registers: bool,
    pub endpoint_id: Option<String>,
    /// `unknown`, `missing`, `enabled`, `paused` or `disabled`.
    pub endpoint_state: String,
    pub endpoint_at: Option<OffsetDateTime>,
    pub test_passed: Option<bool>,
    pub test_detail: Option<String>,
    pub tested_at: Option<OffsetDateTime>,
    pub missed: i64,
    pub missed_at: Option<OffsetDateTime>,
    pub fetched: i64,
    pub fetched_at: Option<OffsetDateTime>,
    pub silent_since: Option<OffsetDateTime>,
    pub outage_from: Option<OffsetDateTime>,
    pub trouble: Option<String>,
    /// `None`: it is to be looked at now.
    pub due_at: Option<OffsetDateTime>,
}

impl WatchRow {
    /// Of a connection that was never looked at.
    #[must_use]
    pub fn blank(workspace_id: WorkspaceId, connection_id: ConnectionId) -> Self {
        Self {
            workspace_id: workspace_id.0,
            connection_id: connection_id.0,
            registers: false,
            endpoint_id: None,
            endpoint_state: "unknown".to_owned(),
            endpoint_at: None,
            test_passed: None,
            test_detail: None,
            tested_at: None,
            missed: 0,
            missed_at: None,
            fetched: 0,
            fetched_at: None,
            silent_since: None,
            outage_from: None,
            trouble: None,
            due_at: None,
        }
    }
}

/// What is known; `None` of a connection that was never looked at.
pub(crate) async fn find(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    connection_id: ConnectionId,
) -> sqlx::Result<Option<WatchRow>> {
    sqlx::query_as!(
        WatchRow,
        r#"
        select
            workspace_id, connection_id, registers, endpoint_id, endpoint_state, endpoint_at, test_passed, test_detail,
            tested_at, missed, missed_at, fetched, fetched_at, silent_since, outage_from, trouble, due_at
        from watch
        where workspace_id = $1 and connection_id = $2
        "#,
        workspace_id.0,
        connection_id.0,
    )
    .fetch_optional(conn)
    .await
}

/// What is known, a blank row where nothing was, locked until the transaction ends.
pub(crate) async fn lock(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    connection_id: ConnectionId,
) -> sqlx::Result<WatchRow> {
    sqlx::query!(
        "insert into watch (workspace_id, connection_id) values ($1, $2) on conflict do nothing",
        workspace_id.0,
        connection_id.0,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query_as!(
        WatchRow,
        r#"
        select
            workspace_id, connection_id, registers, endpoint_id, endpoint_state, endpoint_at, test_passed, test_detail,
            tested_at, missed, missed_at, fetched, fetched_at, silent_since, outage_from, trouble, due_at
        from watch
        where workspace_id = $1 and connection_id = $2
        for update
        "#,
        workspace_id.0,
        connection_id.0,
    )
    .fetch_one(conn)
    .await
}

/// Stores a locked row.
pub(crate) async fn save(conn: &mut PgConnection, row: &WatchRow) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update watch
        set registers = $3, endpoint_id = $4, endpoint_state = $5, endpoint_at = $6, test_passed = $7, test_detail = $8,
            tested_at = $9, missed = $10, missed_at = $11, fetched = $12, fetched_at = $13, silent_since = $14,
            outage_from = $15, trouble = $16, due_at = $17
        where workspace_id = $1 and connection_id = $2
        "#,
        row.workspace_id,
        row.connection_id,
        row.registers,
        row.endpoint_id,
        row.endpoint_state,
        row.endpoint_at,
        row.test_passed,
        row.test_detail,
        row.tested_at,
        row.missed,
        row.missed_at,
        row.fetched,
        row.fetched_at,
        row.silent_since,
        row.outage_from,
        row.trouble,
        row.due_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Connections to be looked at: those of syncs that are switched on, and those whose endpoint Concord registers, when
/// they are due or were never looked at. Not those whose credential is refused: nothing could be asked.
pub(crate) async fn due(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    limit: i64,
) -> sqlx::Result<Vec<(WorkspaceId, ConnectionId)>> {
    let rows = sqlx::query!(
        r#"
        select c.workspace_id, c.connection_id
        from connection c
        left join watch w on w.workspace_id = c.workspace_id and w.connection_id = c.connection_id
        where (w.due_at is null or w.due_at <= $1)
            and c.state not in ('refused', 'blocked')
            and (coalesce(w.registers, false) or exists (
                select 1
                from sync s
                where s.workspace_id = c.workspace_id and s.enabled
                    and c.connection_id in (s.highlevel_connection_id, s.chargify_connection_id)))
        order by c.workspace_id, c.connection_id
        limit $2
        "#,
        now,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (WorkspaceId(row.workspace_id), ConnectionId(row.connection_id))).collect())
}

/// Says that the installation is alive now, and returns when it said so last.
pub(crate) async fn beat(conn: &mut PgConnection, now: OffsetDateTime) -> sqlx::Result<Option<OffsetDateTime>> {
    let row = sqlx::query!(
        r#"
        with last as (select alive_at from heartbeat), beaten as (
            insert into heartbeat (alive_at) values ($1)
            on conflict (only_one) do update set alive_at = greatest(heartbeat.alive_at, excluded.alive_at)
            returning 1
        )
        select (select alive_at from last) as alive_at
        from beaten
        "#,
        now,
    )
    .fetch_one(conn)
    .await?;
    Ok(row.alive_at)
}

/// Makes every connection of a sync that is switched on due at once: nothing was received since then.
pub(crate) async fn note_outage(conn: &mut PgConnection, from: OffsetDateTime) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        r#"
        insert into watch (workspace_id, connection_id, outage_from)
        select c.workspace_id, c.connection_id, $1
        from connection c
        where exists (
            select 1
            from sync s
            where s.workspace_id = c.workspace_id and s.enabled
                and c.connection_id in (s.highlevel_connection_id, s.chargify_connection_id))
        order by c.workspace_id, c.connection_id
        on conflict (workspace_id, connection_id)
        do update set outage_from = least(watch.outage_from, excluded.outage_from), due_at = null
        "#,
        from,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// When the connection's first and last webhook came, tests left out.
pub(crate) async fn heard(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    connection_id: ConnectionId,
) -> sqlx::Result<Option<(OffsetDateTime, OffsetDateTime)>> {
    let row = sqlx::query!(
        r#"
        select min(received_at) as first, max(received_at) as last
        from delivery
        where workspace_id = $1 and connection_id = $2 and event <> 'test'
        "#,
        workspace_id.0,
        connection_id.0,
    )
    .fetch_one(conn)
    .await?;
    Ok(row.first.zip(row.last))
}

/// How many of the connection's webhooks came from the first instant of each pair up to, not including, the second, in
/// the order of the pairs; tests left out.
pub(crate) async fn counts(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    connection_id: ConnectionId,
    windows: &[(OffsetDateTime, OffsetDateTime)],
) -> sqlx::Result<Vec<u64>> {
    let (from, until): (Vec<OffsetDateTime>, Vec<OffsetDateTime>) = windows.iter().copied().unzip();
    let rows = sqlx::query_scalar!(
        r#"
        select (
            select count(*)
            from delivery
            where workspace_id = $1 and connection_id = $2 and received_at >= w.since and received_at < w.until
                and event <> 'test'
        ) as "count!"
        from unnest($3::timestamptz[], $4::timestamptz[]) with ordinality as w (since, until, place)
        order by w.place
        "#,
        workspace_id.0,
        connection_id.0,
        &from,
        &until,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|count| u64::try_from(count).unwrap_or(0)).collect())
}

/// Those of the webhooks that were received, in their order.
pub(crate) async fn received(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    connection_id: ConnectionId,
    webhook_ids: &[String],
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"
        select webhook_id
        from delivery
        where workspace_id = $1 and connection_id = $2 and webhook_id = any($3)
        order by webhook_id
        "#,
        workspace_id.0,
        connection_id.0,
        webhook_ids,
    )
    .fetch_all(conn)
    .await
}
