//! What people settled about single records, how records lost their partners, and how many wait.

use domain::{Side, SyncId, WorkspaceId};
use serde_json::Value as Json;
use sqlx::PgConnection;
use time::OffsetDateTime;

/// An answer as it stands.
#[derive(Clone, Debug)]
pub struct DecisionRow {
    pub remote_id: String,
    pub answers: Json,
    pub decided_by: String,
    pub decided_at: OffsetDateTime,
}

/// An answer about to be stored.
pub struct NewDecision<'a> {
    pub workspace_id: WorkspaceId,
    pub sync_id: SyncId,
    pub side: Side,
    pub remote_id: &'a str,
    pub answers: &'a Json,
    pub decided_by: &'a str,
    pub decided_at: OffsetDateTime,
}

/// The end of a record's last pair.
#[derive(Clone, Debug)]
pub struct EndedLinkRow {
    pub remote_id: String,
    /// Whom it was paired with.
    pub partner_id: String,
    pub ended_at: OffsetDateTime,
    /// When the partner was found deleted, if it was.
    pub partner_gone_at: Option<OffsetDateTime>,
}

/// Stores an answer in place of an earlier one about the same record.
pub(crate) async fn save(conn: &mut PgConnection, new: &NewDecision<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into decision (workspace_id, sync_id, side, remote_id, answers, decided_by, decided_at)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict (workspace_id, sync_id, side, remote_id)
        do update set
            answers = excluded.answers,
            decided_by = excluded.decided_by,
            decided_at = excluded.decided_at
        "#,
        new.workspace_id.0,
        new.sync_id.0,
        new.side.as_str(),
        new.remote_id,
        new.answers,
        new.decided_by,
        new.decided_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes an answer back; `false` when there is none (any more).
pub(crate) async fn delete(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
    side: Side,
    remote_id: &str,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "delete from decision where workspace_id = $1 and sync_id = $2 and side = $3 and remote_id = $4",
        workspace_id.0,
        sync_id.0,
        side.as_str(),
        remote_id,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The answers about any of the records of one side.
pub(crate) async fn of_records(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
    side: Side,
    ids: &[String],
) -> sqlx::Result<Vec<DecisionRow>> {
    sqlx::query_as!(
        DecisionRow,
        r#"
        select remote_id, answers, decided_by, decided_at
        from decision
        where workspace_id = $1 and sync_id = $2 and side = $3 and remote_id = any($4)
        "#,
        workspace_id.0,
        sync_id.0,
        side.as_str(),
        ids,
    )
    .fetch_all(conn)
    .await
}

/// How the last pair of each of these contacts ended, for those that had one.
pub(crate) async fn ended_of_contacts(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
    ids: &[String],
) -> sqlx::Result<Vec<EndedLinkRow>> {
    sqlx::query_as!(
        EndedLinkRow,
        r#"
        select distinct on (link.contact_id)
            link.contact_id as remote_id, link.customer_id as partner_id, link.settled_at as ended_at,
            coalesce(
                partner.gone_at,
                case when partner.remote_id is null and link.gone_side = 'chargify' then link.gone_at end
            ) as "partner_gone_at?"
        from link
        left join record partner on partner.workspace_id = link.workspace_id and partner.sync_id = link.sync_id
            and partner.side = 'chargify' and partner.remote_id = link.customer_id
        where link.workspace_id = $1 and link.sync_id = $2 and link.state = 'unlinked' and link.contact_id = any($3)
        order by link.contact_id, link.settled_at desc
        "#,
        workspace_id.0,
        sync_id.0,
        ids,
    )
    .fetch_all(conn)
    .await
}

/// How the last pair of each of these customers ended, for those that had one.
pub(crate) async fn ended_of_customers(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
    ids: &[String],
) -> sqlx::Result<Vec<EndedLinkRow>> {
    sqlx::query_as!(
        EndedLinkRow,
        r#"
        select distinct on (link.customer_id)
            link.customer_id as remote_id, link.contact_id as partner_id, link.settled_at as ended_at,
            coalesce(
                partner.gone_at,
                case when partner.remote_id is null and link.gone_side = 'highlevel' then link.gone_at end
            ) as "partner_gone_at?"
        from link
        left join record partner on partner.workspace_id = link.workspace_id and partner.sync_id = link.sync_id
            and partner.side = 'highlevel' and partner.remote_id = link.contact_id
        where link.workspace_id = $1 and link.sync_id = $2 and link.state = 'unlinked' and link.customer_id = any($3)
        order by link.customer_id, link.settled_at desc
        "#,
        workspace_id.0,
        sync_id.0,
        ids,
    )
    .fetch_all(conn)
    .await
}

/// Records that wait for a person, as the list of records shows them: a linked customer stands on its contact's row.
pub(crate) async fn waiting(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: Option<SyncId>,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"
        select count(*) as "waiting!"
        from record
        where workspace_id = $1
          and ($2::uuid is null or sync_id = $2)
          and verdict = 'waiting'
          and gone_at is null
          and (side = 'highlevel' or not exists (
              select 1 from link
              where link.workspace_id = record.workspace_id and link.sync_id = record.sync_id
                and link.customer_id = record.remote_id and link.state <> 'unlinked'))
        "#,
        workspace_id.0,
        sync_id.map(|sync| sync.0),
    )
    .fetch_one(conn)
    .await
}
