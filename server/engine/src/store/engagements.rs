//! Notes, tasks and appointments, and the subscription notes they became.

use domain::{SyncId, WorkspaceId, limits};
use serde_json::Value as Json;
use sqlx::PgConnection;
use time::OffsetDateTime;

/// One of them.
#[derive(Clone, Debug, PartialEq)]
pub struct EngagementRow {
    /// `note`, `task` or `appointment`.
    pub kind: String,
    pub remote_id: String,
    pub contact_id: String,
    /// As GoHighLevel said last.
    pub told: Json,
    pub told_at: OffsetDateTime,
    /// The service's own stamp, where it gives one.
    pub changed_at: Option<OffsetDateTime>,
    pub deleted_at: Option<OffsetDateTime>,
    /// Chosen once and for all.
    pub subscription_id: Option<String>,
    pub note_id: Option<String>,
    /// The text of the note as written last.
    pub written: Option<String>,
    pub written_at: Option<OffsetDateTime>,
    /// `open`, `in_step`, `held`, `failed`, `lost` (its note is gone), `deleted` or `left_out`.
    pub state: String,
    /// Why, in words.
    pub detail: String,
}

/// What GoHighLevel said of one, to be kept.
#[derive(Clone, Copy, Debug)]
pub struct NewTold<'a> {
    pub kind: &'a str,
    pub remote_id: &'a str,
    pub contact_id: &'a str,
    pub told: &'a Json,
    pub told_at: OffsetDateTime,
    pub changed_at: Option<OffsetDateTime>,
}

/// How one stands.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    pub kind: &'a str,
    pub remote_id: &'a str,
    pub state: &'a str,
    pub detail: &'a str,
}

/// A note that was written.
#[derive(Clone, Copy, Debug)]
pub struct WrittenNote<'a> {
    pub kind: &'a str,
    pub remote_id: &'a str,
    pub subscription_id: &'a str,
    pub note_id: &'a str,
    pub text: &'a str,
    pub at: OffsetDateTime,
    /// `in_step` or `deleted`.
    pub state: &'a str,
}

/// A linked contact and its customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedContact {
    pub contact_id: String,
    pub customer_id: String,
}

macro_rules! select {
    ($rest:literal, $($argument:expr),* $(,)?) => {
        sqlx::query_as!(
            EngagementRow,
            "select kind, remote_id, contact_id, told, told_at, changed_at, deleted_at, subscription_id, note_id, written,
                written_at, state, detail
            from engagement
            where workspace_id = $1 and sync_id = $2 " + $rest,
            $($argument),*
        )
    };
}

pub(crate) async fn find(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
    kind: &str,
    remote_id: &str,
) -> sqlx::Result<Option<EngagementRow>> {
    select!("and kind = $3 and remote_id = $4", workspace_id.0, sync_id.0, kind, remote_id).fetch_optional(conn).await
}

/// Those of a contact, by kind, the latest of each first.
pub(crate) async fn of_contact(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
    contact_id: &str,
) -> sqlx::Result<Vec<EngagementRow>> {
    select!(
        "and contact_id = $3
        order by kind, told ->> 'at' desc nulls last, remote_id
        limit $4",
        workspace_id.0,
        sync_id.0,
        contact_id,
        limits::ENGAGEMENTS_PER_CONTACT,
    )
    .fetch_all(conn)
    .await
}

/// Keeps what was said, unless something later was kept already; one that is deleted stays so. Whatever stands then is
/// returned.
pub(crate) async fn keep_told(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
    new: NewTold<'_>,
) -> sqlx::Result<EngagementRow> {
    sqlx::query!(
        r#"
        insert into engagement (
            workspace_id, sync_id, kind, remote_id, contact_id, told, told_at, changed_at, state)
        values ($1, $2, $3, $4, $5, $6, $7, $8, 'open')
        on conflict (workspace_id, sync_id, kind, remote_id) do update
        set contact_id = excluded.contact_id, told = excluded.told, told_at = excluded.told_at,
            changed_at = coalesce(excluded.changed_at, engagement.changed_at)
        where engagement.deleted_at is null and engagement.told_at <= excluded.told_at
        "#,
        workspace_id.0,
        sync_id.0,
        new.kind,
        new.remote_id,
        new.contact_id,
        new.told,
        new.told_at,
        new.changed_at,
    )
    .execute(&mut *conn)
    .await?;
    find(conn, workspace_id, sync_id, new.kind, new.remote_id).await?.ok_or(sqlx::Error::RowNotFound)
}

/// Marks one as deleted; the first time counts. `None`: it is not known.
pub(crate) async fn mark_deleted(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
    (kind, remote_id): (&str, &str),
    at: OffsetDateTime,
) -> sqlx::Result<Option<EngagementRow>> {
    sqlx::query!(
        r#"
        update engagement
        set deleted_at = $5, told = '{}', state = case when note_id is null then 'deleted' else 'open' end, detail = ''
        where workspace_id = $1 and sync_id = $2 and kind = $3 and remote_id = $4 and deleted_at is null
        "#,
        workspace_id.0,
        sync_id.0,
        kind,
        remote_id,
        at,
    )
    .execute(&mut *conn)
    .await?;
    find(conn, workspace_id, sync_id, kind, remote_id).await
}

/// Chooses the subscription, unless one was chosen before; returns the one that counts.
pub(crate) async fn choose(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
    (kind, remote_id): (&str, &str),
    subscription_id: &str,
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        r#"
        update engagement
        set subscription_id = coalesce(subscription_id, $5)
        where workspace_id = $1 and sync_id = $2 and kind = $3 and remote_id = $4
        returning subscription_id as "subscription_id!"
        "#,
        workspace_id.0,
        sync_id.0,
        kind,
        remote_id,
        subscription_id,
    )
    .fetch_optional(conn)
    .await
}

/// Forgets the choice and the note of one whose note is gone, so that it is written anew.
pub(crate) async fn release(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
    (kind, remote_id): (&str, &str),
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"
        update engagement
        set subscription_id = null, note_id = null, written = null, written_at = null, state = 'open', detail = ''
        where workspace_id = $1 and sync_id = $2 and kind = $3 and remote_id = $4 and state = 'lost'
            and deleted_at is null
        "#,
        workspace_id.0,
        sync_id.0,
        kind,
        remote_id,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Says how one stands.
pub(crate) async fn set_standing(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
    standing: Standing<'_>,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update engagement
        set state = $5, detail = $6
        where workspace_id = $1 and sync_id = $2 and kind = $3 and remote_id = $4
        "#,
        workspace_id.0,
        sync_id.0,
        standing.kind,
        standing.remote_id,
        standing.state,
        standing.detail,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps what was written, and where.
pub(crate) async fn keep_written(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
    note: WrittenNote<'_>,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update engagement
        set subscription_id = $5, note_id = $6, written = $7, written_at = $8, state = $9, detail = ''
        where workspace_id = $1 and sync_id = $2 and kind = $3 and remote_id = $4
        "#,
        workspace_id.0,
        sync_id.0,
        note.kind,
        note.remote_id,
        note.subscription_id,
        note.note_id,
        note.text,
        note.at,
        note.state,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Linked contacts that are there, by id after `after`; with `since`, only those linked from then on.
pub(crate) async fn linked_contacts(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
    since: Option<OffsetDateTime>,
    (after, limit): (&str, i64),
) -> sqlx::Result<Vec<LinkedContact>> {
    sqlx::query_as!(
        LinkedContact,
        r#"
        select link.contact_id, link.customer_id
        from link
        join record contact on contact.workspace_id = link.workspace_id and contact.sync_id = link.sync_id
            and contact.side = 'highlevel' and contact.remote_id = link.contact_id
        where link.workspace_id = $1 and link.sync_id = $2 and link.state <> 'unlinked'
          and contact.gone_at is null and link.contact_id > $4
          and ($3::timestamptz is null or link.linked_at >= $3)
        order by link.contact_id
        limit $5
        "#,
        workspace_id.0,
        sync_id.0,
        since,
        after,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// How many stand so.
pub(crate) async fn count(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
    state: &str,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from engagement where workspace_id = $1 and sync_id = $2 and state = $3"#,
        workspace_id.0,
        sync_id.0,
        state,
    )
    .fetch_one(conn)
    .await
}
