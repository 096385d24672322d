//! What is to be done to records whose partners were deleted: tags that are put on or taken off, and deletions that a person
//! approves.

use domain::{Side, SyncId, WorkspaceId};
use serde_json::Value as Json;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// One such wish.
#[derive(Clone, Debug, PartialEq)]
pub struct RemovalRow {
    pub removal_id: Uuid,
    pub sync_id: Uuid,
    /// The record that is still there.
    pub side: String,
    pub remote_id: String,
    /// The one that is not.
    pub gone_id: String,
    /// `tag`, `untag` or `delete`.
    pub effect: String,
    pub display_name: String,
    pub email: Option<String>,
    pub reason: String,
    /// `waiting`, `approved`, `done`, `refused`, `withdrawn` or `failed`.
    pub state: String,
    pub state_detail: Option<String>,
    /// The record as it was when it was asked about.
    pub seen: Json,
    pub asked_at: OffsetDateTime,
    pub decided_by: Option<String>,
    pub decided_at: Option<OffsetDateTime>,
    pub settled_at: Option<OffsetDateTime>,
}

/// A wish about to be kept.
pub struct NewRemoval<'a> {
    pub workspace_id: WorkspaceId,
    pub removal_id: Uuid,
    pub sync_id: SyncId,
    pub side: Side,
    pub remote_id: &'a str,
    pub gone_id: &'a str,
    pub effect: &'static str,
    pub display_name: &'a str,
    pub email: Option<&'a str>,
    pub reason: &'a str,
    /// `waiting`, or `approved` where nobody has to be asked.
    pub state: &'static str,
    pub seen: &'a Json,
    pub at: OffsetDateTime,
}

/// How a wish ended.
pub struct SettledRemoval<'a> {
    pub removal_id: Uuid,
    /// `done`, `refused`, `withdrawn` or `failed`.
    pub state: &'static str,
    pub detail: &'a str,
    pub at: OffsetDateTime,
}

/// False: something is wished for that record already.
pub(crate) async fn insert(conn: &mut PgConnection, new: &NewRemoval<'_>) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"
        insert into removal (
            workspace_id, removal_id, sync_id, side, remote_id, gone_id, effect, display_name, email, reason, state, seen,
            asked_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        on conflict do nothing
        "#,
        new.workspace_id.0,
        new.removal_id,
        new.sync_id.0,
        new.side.as_str(),
        new.remote_id,
        new.gone_id,
        new.effect,
        new.display_name,
        new.email,
        new.reason,
        new.state,
        new.seen,
        new.at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(crate) async fn find(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    removal_id: Uuid,
) -> sqlx::Result<Option<RemovalRow>> {
    sqlx::query_as!(
        RemovalRow,
        r#"
        select removal_id, sync_id, side, remote_id, gone_id, effect, display_name, email, reason, state, state_detail,
            seen, asked_at, decided_by, decided_at, settled_at
        from removal
        where workspace_id = $1 and removal_id = $2
        "#,
        workspace_id.0,
        removal_id,
    )
    .fetch_optional(conn)
    .await
}

/// Says what a person decided about one that waits. False: it does not wait (any more).
pub(crate) async fn approve(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    removal_id: Uuid,
    by: &str,
    at: OffsetDateTime,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"
        update removal
        set state = 'approved', state_detail = null, decided_by = $3, decided_at = $4
        where workspace_id = $1 and removal_id = $2 and state = 'waiting'
        "#,
        workspace_id.0,
        removal_id,
        by,
        at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Puts one that was approved back to a person, about the record as it is now. False: it is not approved (any more).
pub(crate) async fn ask_again(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    removal_id: Uuid,
    seen: &Json,
    detail: &str,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"
        update removal
        set state = 'waiting', state_detail = $4, seen = $3, decided_by = null, decided_at = null
        where workspace_id = $1 and removal_id = $2 and state = 'approved'
        "#,
        workspace_id.0,
        removal_id,
        seen,
        detail,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends one that is open. False: it had ended.
pub(crate) async fn settle(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    settled: &SettledRemoval<'_>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"
        update removal
        set state = $3, state_detail = $4, settled_at = $5
        where workspace_id = $1 and removal_id = $2 and state in ('waiting', 'approved')
        "#,
        workspace_id.0,
        settled.removal_id,
        settled.state,
        settled.detail,
        settled.at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Withdraws what is open because a record of that side was gone that is there again; returns how many.
pub(crate) async fn withdraw(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
    (gone_side, gone_id): (Side, &str),
    detail: &str,
    at: OffsetDateTime,
) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        r#"
        update removal
        set state = 'withdrawn', state_detail = $5, settled_at = $6
        where workspace_id = $1 and sync_id = $2 and side = $3 and gone_id = $4 and state in ('waiting', 'approved')
        "#,
        workspace_id.0,
        sync_id.0,
        gone_side.other().as_str(),
        gone_id,
        detail,
        at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Deletions that wait for a person, the oldest first.
pub(crate) async fn waiting(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    limit: i64,
) -> sqlx::Result<Vec<RemovalRow>> {
    sqlx::query_as!(
        RemovalRow,
        r#"
        select removal_id, sync_id, side, remote_id, gone_id, effect, display_name, email, reason, state, state_detail,
            seen, asked_at, decided_by, decided_at, settled_at
        from removal
        where workspace_id = $1 and state = 'waiting' and effect = 'delete'
        order by asked_at, removal_id
        limit $2
        "#,
        workspace_id.0,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// How many deletions wait for a person.
pub(crate) async fn count_waiting(conn: &mut PgConnection, workspace_id: WorkspaceId) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from removal where workspace_id = $1 and state = 'waiting' and effect = 'delete'"#,
        workspace_id.0,
    )
    .fetch_one(conn)
    .await
}

/// Deletions that a person decided about or that ended, the newest first.
pub(crate) async fn settled(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    limit: i64,
) -> sqlx::Result<Vec<RemovalRow>> {
    sqlx::query_as!(
        RemovalRow,
        r#"
        select removal_id, sync_id, side, remote_id, gone_id, effect, display_name, email, reason, state, state_detail,
            seen, asked_at, decided_by, decided_at, settled_at
        from removal
        where workspace_id = $1 and state <> 'waiting' and effect = 'delete'
        order by coalesce(settled_at, decided_at, asked_at) desc, removal_id
        limit $2
        "#,
        workspace_id.0,
        limit,
    )
    .fetch_all(conn)
    .await
}
