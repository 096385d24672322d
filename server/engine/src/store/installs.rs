//! Apps that connections call with: what they are, their tokens, and whose turn it is to renew those.

use crate::vault::Sealed;
use domain::{ConnectionId, WorkspaceId};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// An app with its tokens, all of one moment.
#[derive(Clone)]
pub struct InstallRow {
    pub workspace_id: Uuid,
    pub connection_id: Uuid,
    pub client_id: String,
    pub version_id: Option<String>,
    pub chooser_url: Option<String>,
    /// `waiting`, `installed`, `ended` or `uninstalled`.
    pub standing: String,
    pub company_id: Option<String>,
    pub generation: i64,
    pub expires_at: Option<OffsetDateTime>,
    pub installed_at: Option<OffsetDateTime>,
    pub lease_by: Option<Uuid>,
    pub lease_until: Option<OffsetDateTime>,
    pub retry_at: Option<OffsetDateTime>,
    pub access_token: Option<Vec<u8>>,
    pub access_token_nonce: Option<Vec<u8>>,
    pub refresh_token: Option<Vec<u8>>,
    pub refresh_token_nonce: Option<Vec<u8>>,
}

impl InstallRow {
    pub(crate) fn access_token(&self) -> Option<Sealed> {
        Some(Sealed { bytes: self.access_token.clone()?, nonce: self.access_token_nonce.clone()? })
    }

    pub(crate) fn refresh_token(&self) -> Option<Sealed> {
        Some(Sealed { bytes: self.refresh_token.clone()?, nonce: self.refresh_token_nonce.clone()? })
    }
}

/// The app as a person entered it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppRow {
    pub client_id: String,
    pub version_id: Option<String>,
    pub chooser_url: Option<String>,
}

/// A turn at renewing.
#[derive(Clone, Copy, Debug)]
pub struct Lease {
    pub by: Uuid,
    pub now: OffsetDateTime,
    pub until: OffsetDateTime,
}

/// Tokens just given.
#[derive(Clone, Debug)]
pub struct Granted {
    /// Whose turn it was; `None`: a person installed the app, which goes before any turn.
    pub by: Option<Uuid>,
    pub company_id: Option<String>,
    pub expires_at: OffsetDateTime,
    pub at: OffsetDateTime,
}

/// The app of a connection. One statement: tokens and generation belong together.
pub(crate) async fn find(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    connection_id: ConnectionId,
) -> sqlx::Result<Option<InstallRow>> {
    sqlx::query_as!(
        InstallRow,
        r#"
        select
            i.workspace_id, i.connection_id, i.client_id, i.version_id, i.chooser_url, i.standing, i.company_id,
            i.generation, i.expires_at, i.installed_at, i.lease_by, i.lease_until, i.retry_at,
            a.sealed as "access_token?", a.nonce as "access_token_nonce?", r.sealed as "refresh_token?",
            r.nonce as "refresh_token_nonce?"
        from install i
        left join credential a
            on a.workspace_id = i.workspace_id and a.connection_id = i.connection_id and a.field = 'access_token'
        left join credential r
            on r.workspace_id = i.workspace_id and r.connection_id = i.connection_id and r.field = 'refresh_token'
        where i.workspace_id = $1 and i.connection_id = $2
        "#,
        workspace_id.0,
        connection_id.0,
    )
    .fetch_optional(conn)
    .await
}

/// Sets which app it is. Another client id is another app, which is not installed yet.
pub(crate) async fn put(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    connection_id: ConnectionId,
    app: &AppRow,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into install (workspace_id, connection_id, client_id, version_id, chooser_url)
        values ($1, $2, $3, $4, $5)
        on conflict (workspace_id, connection_id) do update set
            client_id = excluded.client_id,
            version_id = excluded.version_id,
            chooser_url = excluded.chooser_url,
            standing = case when install.client_id = excluded.client_id then install.standing else 'waiting' end,
            company_id = case when install.client_id = excluded.client_id then install.company_id end,
            expires_at = case when install.client_id = excluded.client_id then install.expires_at end,
            installed_at = case when install.client_id = excluded.client_id then install.installed_at end,
            generation = install.generation + 1,
            lease_by = null,
            lease_until = null,
            retry_at = null
        "#,
        workspace_id.0,
        connection_id.0,
        app.client_id,
        app.version_id,
        app.chooser_url,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets the app. False: there was none.
pub(crate) async fn remove(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    connection_id: ConnectionId,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "delete from install where workspace_id = $1 and connection_id = $2",
        workspace_id.0,
        connection_id.0,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Forgets a credential. False: there was none.
pub(crate) async fn remove_credential(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    connection_id: ConnectionId,
    field: &str,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "delete from credential where workspace_id = $1 and connection_id = $2 and field = $3",
        workspace_id.0,
        connection_id.0,
        field,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Takes the turn at renewing, or keeps it. False: it is another's, or the tokens are no longer those of that
/// generation. The condition is the concurrency rule: of many that try, one updates the row.
pub(crate) async fn lease(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    connection_id: ConnectionId,
    generation: i64,
    lease: Lease,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"
        update install
        set lease_by = $4, lease_until = $6
        where workspace_id = $1 and connection_id = $2 and generation = $3 and standing = 'installed'
            and (lease_by is null or lease_by = $4 or lease_until < $5)
        "#,
        workspace_id.0,
        connection_id.0,
        generation,
        lease.by,
        lease.now,
        lease.until,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Gives the turn back without new tokens. Nothing happens when it is another's.
pub(crate) async fn release(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    connection_id: ConnectionId,
    by: Uuid,
    retry_at: Option<OffsetDateTime>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"
        update install
        set lease_by = null, lease_until = null, retry_at = $4
        where workspace_id = $1 and connection_id = $2 and lease_by = $3
        "#,
        workspace_id.0,
        connection_id.0,
        by,
        retry_at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Notes that new tokens were given and ends the turn. False: the turn is another's by now, and nothing is changed.
pub(crate) async fn grant(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    connection_id: ConnectionId,
    granted: &Granted,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"
        update install
        set standing = 'installed', company_id = $4, expires_at = $5, generation = generation + 1,
            installed_at = case when $3::uuid is null then $6 else installed_at end,
            lease_by = null, lease_until = null, retry_at = null
        where workspace_id = $1 and connection_id = $2 and ($3::uuid is null or lease_by = $3)
        "#,
        workspace_id.0,
        connection_id.0,
        granted.by,
        granted.company_id,
        granted.expires_at,
        granted.at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Notes that the tokens are worth nothing any more. False: it is not installed, or the turn is another's by now.
pub(crate) async fn end(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    connection_id: ConnectionId,
    standing: &str,
    by: Option<Uuid>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"
        update install
        set standing = $3, expires_at = null, generation = generation + 1, lease_by = null, lease_until = null,
            retry_at = null
        where workspace_id = $1 and connection_id = $2 and standing = 'installed'
            and ($4::uuid is null or lease_by = $4)
        "#,
        workspace_id.0,
        connection_id.0,
        standing,
        by,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}
