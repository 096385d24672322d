//! Workspaces, the links of the first start, and which key the database was sealed with.

use domain::{PersonId, WorkspaceId};
use sqlx::PgConnection;
use time::OffsetDateTime;

/// The oldest workspace.
pub(crate) async fn first(conn: &mut PgConnection) -> sqlx::Result<Option<WorkspaceId>> {
    let id = sqlx::query_scalar!("select workspace_id from workspace order by created_at, workspace_id limit 1")
        .fetch_optional(conn)
        .await?;
    Ok(id.map(WorkspaceId))
}

/// The workspace of that name.
pub(crate) async fn named(conn: &mut PgConnection, name: &str) -> sqlx::Result<Option<WorkspaceId>> {
    let id =
        sqlx::query_scalar!("select workspace_id from workspace where name = $1", name).fetch_optional(conn).await?;
    Ok(id.map(WorkspaceId))
}

/// The workspaces of a person with their role there, by name; at most 200.
pub(crate) async fn of_person(
    conn: &mut PgConnection,
    person_id: PersonId,
) -> sqlx::Result<Vec<(WorkspaceId, String, String)>> {
    let rows = sqlx::query!(
        r#"
        select w.workspace_id, w.name, m.role
        from member m
        join workspace w on w.workspace_id = m.workspace_id
        where m.person_id = $1
        order by lower(w.name), w.workspace_id
        limit 200
        "#,
        person_id.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (WorkspaceId(row.workspace_id), row.name, row.role)).collect())
}

/// The workspace's name.
pub(crate) async fn name(conn: &mut PgConnection, workspace_id: WorkspaceId) -> sqlx::Result<String> {
    sqlx::query_scalar!("select name from workspace where workspace_id = $1", workspace_id.0).fetch_one(conn).await
}

/// Makes a workspace.
pub(crate) async fn insert(conn: &mut PgConnection, workspace_id: WorkspaceId, name: &str) -> sqlx::Result<()> {
    sqlx::query!("insert into workspace (workspace_id, name) values ($1, $2)", workspace_id.0, name)
        .execute(conn)
        .await?;
    Ok(())
}

/// Gives a workspace nobody belongs to another name; `false` when somebody does.
pub(crate) async fn rename_unpeopled(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    name: &str,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"
        update workspace
        set name = $2
        where workspace_id = $1 and not exists (select 1 from member where workspace_id = $1)
        "#,
        workspace_id.0,
        name,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends every set-up link not used yet.
pub(crate) async fn end_setup_links(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("delete from setup_link where used_at is null").execute(conn).await?;
    Ok(())
}

/// Stores a set-up link by the hash of its token.
pub(crate) async fn insert_setup_link(
    conn: &mut PgConnection,
    token_hash: &[u8],
    now: OffsetDateTime,
    expires_at: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into setup_link (token_hash, created_at, expires_at) values ($1, $2, $3)",
        token_hash,
        now,
        expires_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether the link could be used now.
pub(crate) async fn setup_link_is_open(
    conn: &mut PgConnection,
    token_hash: &[u8],
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"
        select exists (
            select 1 from setup_link where token_hash = $1 and used_at is null and expires_at > $2
        ) as "open!"
        "#,
        token_hash,
        now,
    )
    .fetch_one(conn)
    .await
}

/// Uses the link up; `false` when it is unknown, used or too old.
pub(crate) async fn use_setup_link(
    conn: &mut PgConnection,
    token_hash: &[u8],
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update setup_link set used_at = $2 where token_hash = $1 and used_at is null and expires_at > $2",
        token_hash,
        now,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The fingerprint this database knows for that key version; the first one given is kept.
pub(crate) async fn key_fingerprint(conn: &mut PgConnection, version: i32, given: &str) -> sqlx::Result<String> {
    sqlx::query!(
        "insert into key_check (key_version, fingerprint) values ($1, $2) on conflict do nothing",
        version,
        given,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query_scalar!("select fingerprint from key_check where key_version = $1", version).fetch_one(conn).await
}

/// The fingerprint this database knows for that key version, if it was ever given one.
pub(crate) async fn known_fingerprint(conn: &mut PgConnection, version: i32) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!("select fingerprint from key_check where key_version = $1", version).fetch_optional(conn).await
}
