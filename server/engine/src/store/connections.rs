//! Connections, their sealed credentials and the results of their tests.

use crate::vault::Sealed;
pub use crate::vault::SealedKey;
use domain::{ConnectionId, WorkspaceId};
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// More connections than a workspace will have.
const CONNECTIONS_MAX: i64 = 500;
/// A median over the last calls says how the account answers now.
const MEDIAN_CALLS: i64 = 200;

/// A connection.
#[derive(Clone, Debug)]
pub struct ConnectionRow {
    pub workspace_id: Uuid,
    pub connection_id: Uuid,
    pub public_id: String,
    pub name: String,
    pub side: String,
    pub account: String,
    pub base_url: Option<String>,
    pub webhook_public_key: Option<String>,
    pub data_key: Vec<u8>,
    pub data_key_nonce: Vec<u8>,
    pub key_version: i32,
    pub state: String,
    pub state_detail: Option<String>,
    pub state_at: OffsetDateTime,
}

impl ConnectionRow {
    pub(crate) fn workspace_id(&self) -> WorkspaceId {
        WorkspaceId(self.workspace_id)
    }

    pub(crate) fn connection_id(&self) -> ConnectionId {
        ConnectionId(self.connection_id)
    }

    /// The key its credentials are sealed with.
    pub(crate) fn sealed_key(&self) -> SealedKey {
        SealedKey { bytes: self.data_key.clone(), nonce: self.data_key_nonce.clone(), version: self.key_version }
    }
}

/// A sealed credential.
#[derive(Clone)]
pub struct CredentialRow {
    pub field: String,
    pub sealed: Vec<u8>,
    pub nonce: Vec<u8>,
    pub hint: String,
    pub set_at: OffsetDateTime,
}

impl CredentialRow {
    pub(crate) fn sealed(&self) -> Sealed {
        Sealed { bytes: self.sealed.clone(), nonce: self.nonce.clone() }
    }
}

/// What there is to say of a connection beside its own row.
#[derive(Clone, Debug)]
pub(crate) struct FiguresRow {
    pub(crate) calls_today: i64,
    pub(crate) median_ms: Option<i32>,
    pub(crate) last_webhook_at: Option<OffsetDateTime>,
    pub(crate) paused_until: Option<OffsetDateTime>,
    pub(crate) pause_reason: Option<String>,
}

/// The result of a test.
#[derive(Clone, Debug)]
pub(crate) struct CheckRow {
    pub(crate) passed: bool,
    pub(crate) steps: Value,
    pub(crate) checked_at: OffsetDateTime,
}

/// A connection about to be stored.
pub struct NewConnectionRow<'a> {
    pub workspace_id: WorkspaceId,
    pub connection_id: ConnectionId,
    pub public_id: &'a str,
    pub name: &'a str,
    pub side: &'a str,
    pub account: &'a str,
    pub base_url: Option<&'a str>,
    pub webhook_public_key: Option<&'a str>,
    pub data_key: &'a SealedKey,
    pub at: OffsetDateTime,
}

/// A lane about to be stored.
#[derive(Clone, Copy, Debug)]
pub struct NewLaneRow {
    pub job_slots: i16,
    pub call_slots: i16,
    /// Slot rows to have, from 1: the most that `call_slots` can ever be set to.
    pub slots_max: i16,
}

pub(crate) async fn insert(conn: &mut PgConnection, row: NewConnectionRow<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into connection
            (workspace_id, connection_id, public_id, name, side, account, base_url, webhook_public_key,
             data_key, data_key_nonce, key_version, state_at, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)
        "#,
        row.workspace_id.0,
        row.connection_id.0,
        row.public_id,
        row.name,
        row.side,
        row.account,
        row.base_url,
        row.webhook_public_key,
        row.data_key.bytes,
        row.data_key.nonce,
        row.data_key.version,
        row.at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The queue of the connection's account, with its slots.
pub(crate) async fn insert_lane(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    connection_id: ConnectionId,
    lane: NewLaneRow,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into lane (workspace_id, connection_id, job_slots, call_slots) values ($1, $2, $3, $4)",
        workspace_id.0,
        connection_id.0,
        lane.job_slots,
        lane.call_slots,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into slot (workspace_id, lane_id, slot_no) select $1, $2, n::smallint from generate_series(1, $3::int) as n",
        workspace_id.0,
        connection_id.0,
        i32::from(lane.slots_max),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The workspace's connections by name.
pub(crate) async fn list(conn: &mut PgConnection, workspace_id: WorkspaceId) -> sqlx::Result<Vec<ConnectionRow>> {
    sqlx::query_as!(
        ConnectionRow,
        r#"
        select workspace_id, connection_id, public_id, name, side, account, base_url, webhook_public_key,
               data_key, data_key_nonce, key_version, state, state_detail, state_at
        from connection
        where workspace_id = $1
        order by name
        limit $2
        "#,
        workspace_id.0,
        CONNECTIONS_MAX,
    )
    .fetch_all(conn)
    .await
}

pub(crate) async fn find(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    connection_id: ConnectionId,
) -> sqlx::Result<Option<ConnectionRow>> {
    sqlx::query_as!(
        ConnectionRow,
        r#"
        select workspace_id, connection_id, public_id, name, side, account, base_url, webhook_public_key,
               data_key, data_key_nonce, key_version, state, state_detail, state_at
        from connection
        where workspace_id = $1 and connection_id = $2
        "#,
        workspace_id.0,
        connection_id.0,
    )
    .fetch_optional(conn)
    .await
}

/// By public id or by name, within the workspace.
pub(crate) async fn find_by_key(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    key: &str,
) -> sqlx::Result<Option<ConnectionRow>> {
    sqlx::query_as!(
        ConnectionRow,
        r#"
        select workspace_id, connection_id, public_id, name, side, account, base_url, webhook_public_key,
               data_key, data_key_nonce, key_version, state, state_detail, state_at
        from connection
        where workspace_id = $1 and (public_id = $2 or name = $2)
        order by public_id = $2 desc
        limit 1
        "#,
        workspace_id.0,
        key,
    )
    .fetch_optional(conn)
    .await
}

/// Changes where the account is and how its webhooks are verified. Credentials of the old place are not known to be
/// good at the new one.
pub(crate) async fn update(conn: &mut PgConnection, row: &ConnectionRow, at: OffsetDateTime) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        r#"
        update connection
        set account = $3, base_url = $4, webhook_public_key = $5,
            state = 'untested', state_detail = null, state_at = $6
        where workspace_id = $1 and connection_id = $2
        "#,
        row.workspace_id,
        row.connection_id,
        row.account,
        row.base_url,
        row.webhook_public_key,
        at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Sets the state. False: it was that already, and nothing is changed.
pub(crate) async fn set_state(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    connection_id: ConnectionId,
    (state, detail): (&str, Option<&str>),
    at: OffsetDateTime,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"
        update connection
        set state = $3, state_detail = $4, state_at = $5
        where workspace_id = $1 and connection_id = $2
          and (state is distinct from $3 or state_detail is distinct from $4)
        "#,
        workspace_id.0,
        connection_id.0,
        state,
        detail,
        at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// The connection's credentials, sealed.
pub(crate) async fn credentials(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    connection_id: ConnectionId,
) -> sqlx::Result<Vec<CredentialRow>> {
    sqlx::query_as!(
        CredentialRow,
        r#"
        select field, sealed, nonce, hint, set_at
        from credential
        where workspace_id = $1 and connection_id = $2
        order by field
        limit 10
        "#,
        workspace_id.0,
        connection_id.0,
    )
    .fetch_all(conn)
    .await
}

/// Stores a credential in place of the one there was.
pub(crate) async fn put_credential(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    connection_id: ConnectionId,
    row: &CredentialRow,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into credential (workspace_id, connection_id, field, sealed, nonce, hint, set_at)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict (workspace_id, connection_id, field)
        do update set sealed = excluded.sealed, nonce = excluded.nonce, hint = excluded.hint, set_at = excluded.set_at
        "#,
        workspace_id.0,
        connection_id.0,
        row.field,
        row.sealed,
        row.nonce,
        row.hint,
        row.set_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn insert_check(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    connection_id: ConnectionId,
    check_id: Uuid,
    row: &CheckRow,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into connection_check (workspace_id, connection_id, check_id, passed, steps, checked_at)
        values ($1, $2, $3, $4, $5, $6)
        "#,
        workspace_id.0,
        connection_id.0,
        check_id,
        row.passed,
        row.steps,
        row.checked_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The result of the last test.
pub(crate) async fn latest_check(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    connection_id: ConnectionId,
) -> sqlx::Result<Option<CheckRow>> {
    sqlx::query_as!(
        CheckRow,
        r#"
        select passed, steps, checked_at
        from connection_check
        where workspace_id = $1 and connection_id = $2
        order by checked_at desc
        limit 1
        "#,
        workspace_id.0,
        connection_id.0,
    )
    .fetch_optional(conn)
    .await
}

/// Calls since `day`, how long the last ones took, the last webhook, and the lane's pause if it is one.
pub(crate) async fn figures(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    connection_id: ConnectionId,
    (day, now): (OffsetDateTime, OffsetDateTime),
) -> sqlx::Result<FiguresRow> {
    sqlx::query_as!(
        FiguresRow,
        r#"
        select
            (select count(*) from api_call
             where workspace_id = $1 and connection_id = $2 and called_at >= $3) as "calls_today!",
            (select percentile_disc(0.5) within group (order by took_ms)
             from (select took_ms from api_call
                   where workspace_id = $1 and connection_id = $2 and status is not null
                   order by called_at desc
                   limit $5) as latest) as median_ms,
            (select max(received_at) from delivery
             where workspace_id = $1 and connection_id = $2) as last_webhook_at,
            (select paused_until from lane
             where workspace_id = $1 and connection_id = $2 and paused_until > $4) as paused_until,
            (select pause_reason from lane
             where workspace_id = $1 and connection_id = $2 and paused_until > $4) as pause_reason
        "#,
        workspace_id.0,
        connection_id.0,
        day,
        now,
        MEDIAN_CALLS,
    )
    .fetch_one(conn)
    .await
}
