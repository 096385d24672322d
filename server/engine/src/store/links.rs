//! Links: which contact is which customer, and what both agreed on last.

use domain::{LinkId, RunId, SyncId, WorkspaceId};
use serde_json::Value as Json;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

#[derive(Clone, Debug)]
pub struct LinkRow {
    pub link_id: Uuid,
    pub contact_id: String,
    pub customer_id: String,
    pub matched_by: String,
    pub base: Json,
    pub linked_at: OffsetDateTime,
    pub settled_at: OffsetDateTime,
}

pub struct NewLink<'a> {
    pub workspace_id: WorkspaceId,
    pub sync_id: SyncId,
    pub link_id: LinkId,
    pub contact_id: &'a str,
    pub customer_id: &'a str,
    pub matched_by: &'a str,
    pub base: &'a Json,
    pub at: OffsetDateTime,
}

/// False: one of the two is linked already.
pub(crate) async fn insert(conn: &mut PgConnection, new: &NewLink<'_>) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"
        insert into link (
            workspace_id, sync_id, link_id, contact_id, customer_id, matched_by, base, linked_at, settled_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $8)
        on conflict do nothing
        "#,
        new.workspace_id.0,
        new.sync_id.0,
        new.link_id.0,
        new.contact_id,
        new.customer_id,
        new.matched_by,
        new.base,
        new.at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Sets the base after a write or an agreement.
pub(crate) async fn settle(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    link_id: LinkId,
    base: &Json,
    at: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update link
        set base = $3, settled_at = $4, state = 'active', state_reason = null
        where workspace_id = $1 and link_id = $2 and state <> 'unlinked'
        "#,
        workspace_id.0,
        link_id.0,
        base,
        at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes over pairs of the base that moved. When the link was settled last stays: nothing was decided anew.
pub(crate) async fn move_base(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    link_id: LinkId,
    moved: &Json,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update link set base = base || $3 where workspace_id = $1 and link_id = $2 and state <> 'unlinked'",
        workspace_id.0,
        link_id.0,
        moved,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends the link; both records stay as they are.
pub(crate) async fn unlink(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    link_id: LinkId,
    reason: &str,
    at: OffsetDateTime,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"
        update link
        set state = 'unlinked', state_reason = $3, settled_at = $4
        where workspace_id = $1 and link_id = $2 and state <> 'unlinked'
        "#,
        workspace_id.0,
        link_id.0,
        reason,
        at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A link that is in force again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelinkedRow {
    pub link_id: Uuid,
    pub contact_id: String,
    pub customer_id: String,
}

/// Puts the last link of a record that is there again back in force, with what was agreed on: if its partner is there,
/// neither belongs to anybody else, none had another partner since, and no person decided about either since.
pub(crate) async fn relink(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
    (contact_id, customer_id): (Option<&str>, Option<&str>),
    at: OffsetDateTime,
) -> sqlx::Result<Option<RelinkedRow>> {
    sqlx::query_as!(
        RelinkedRow,
        r#"
        update link
        set state = 'active', state_reason = null, settled_at = $5
        from (
            select link_id, settled_at
            from link
            where workspace_id = $1 and sync_id = $2 and state = 'unlinked' and (contact_id = $3 or customer_id = $4)
            order by settled_at desc
            limit 1
        ) as last
        where link.workspace_id = $1
          and link.link_id = last.link_id
          and not exists (
              select 1 from link other
              where other.workspace_id = $1 and other.sync_id = $2 and other.link_id <> link.link_id
                and (other.contact_id = link.contact_id or other.customer_id = link.customer_id)
                and (other.state <> 'unlinked' or other.settled_at > link.settled_at))
          and (
              select count(*) from record
              where record.workspace_id = $1 and record.sync_id = $2 and record.gone_at is null
                and (record.side, record.remote_id)
                    in (('highlevel', link.contact_id), ('chargify', link.customer_id))) = 2
          and not exists (
              select 1 from decision
              where decision.workspace_id = $1 and decision.sync_id = $2
                and (decision.side, decision.remote_id)
                    in (('highlevel', link.contact_id), ('chargify', link.customer_id))
                and decision.decided_at > link.settled_at)
        returning link.link_id, link.contact_id, link.customer_id
        "#,
        workspace_id.0,
        sync_id.0,
        contact_id,
        customer_id,
        at,
    )
    .fetch_optional(conn)
    .await
}

/// Leaves the link as it is until a person has looked at it.
pub(crate) async fn park(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    link_id: LinkId,
    reason: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update link
        set state = 'parked', state_reason = $3
        where workspace_id = $1 and link_id = $2 and state <> 'unlinked'
        "#,
        workspace_id.0,
        link_id.0,
        reason,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How many links of a sync ended after an instant.
pub(crate) async fn parted_since(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
    since: OffsetDateTime,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"
        select count(*) as "count!"
        from link
        where workspace_id = $1 and sync_id = $2 and state = 'unlinked' and settled_at > $3
        "#,
        workspace_id.0,
        sync_id.0,
        since,
    )
    .fetch_one(conn)
    .await
}

/// Syncs with links that wait for a person, and how many.
pub(crate) async fn parked(conn: &mut PgConnection, workspace_id: WorkspaceId) -> sqlx::Result<Vec<(String, i64)>> {
    let rows = sqlx::query!(
        r#"
        select sync.name, count(*) as "count!"
        from link
        join sync on sync.workspace_id = link.workspace_id and sync.sync_id = link.sync_id
        where link.workspace_id = $1 and link.state = 'parked'
        group by sync.name
        order by sync.name
        limit 500
        "#,
        workspace_id.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.name, row.count)).collect())
}

/// Active links that involve any of the contacts or customers.
pub(crate) async fn of_records(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
    contact_ids: &[String],
    customer_ids: &[String],
) -> sqlx::Result<Vec<LinkRow>> {
    sqlx::query_as!(
        LinkRow,
        r#"
        select link_id as "link_id!", contact_id as "contact_id!", customer_id as "customer_id!",
            matched_by as "matched_by!", base as "base!", linked_at as "linked_at!",
            settled_at as "settled_at!"
        from (
            select * from link
            where workspace_id = $1 and sync_id = $2 and contact_id = any($3) and state <> 'unlinked'
            union
            select * from link
            where workspace_id = $1 and sync_id = $2 and customer_id = any($4) and state <> 'unlinked'
        ) as hit
        "#,
        workspace_id.0,
        sync_id.0,
        contact_ids,
        customer_ids,
    )
    .fetch_all(conn)
    .await
}

/// Active links of a sync.
pub(crate) async fn count(conn: &mut PgConnection, workspace_id: WorkspaceId, sync_id: SyncId) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"
        select count(*) as "count!"
        from link
        where workspace_id = $1 and sync_id = $2 and state <> 'unlinked'
        "#,
        workspace_id.0,
        sync_id.0,
    )
    .fetch_one(conn)
    .await
}

/// Drops what both sides agreed on under rules that mean something else now.
pub(crate) async fn forget_rules(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
    rules: &[String],
) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        r#"
        update link
        set base = base - $3::text[]
        where workspace_id = $1 and sync_id = $2 and state <> 'unlinked' and base ?| $3::text[]
        "#,
        workspace_id.0,
        sync_id.0,
        rules,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// A record that a run has not seen.
#[derive(Clone, Debug)]
pub struct MissedRow {
    pub side: String,
    pub remote_id: String,
}

/// Records that a run has not seen although they are not known to be gone; those of linked pairs first. One without a
/// partner is found as somebody's for as long as it is believed to be there.
pub(crate) async fn missed(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
    run_id: RunId,
    limit: i64,
) -> sqlx::Result<Vec<MissedRow>> {
    sqlx::query_as!(
        MissedRow,
        r#"
        select side, remote_id
        from record
        where workspace_id = $1 and sync_id = $2 and seen_run is distinct from $3 and gone_at is null
        order by
            not exists (
                select 1 from link
                where link.workspace_id = $1 and link.sync_id = $2 and link.state <> 'unlinked'
                  and (link.contact_id = record.remote_id and record.side = 'highlevel'
                    or link.customer_id = record.remote_id and record.side = 'chargify')),
            side, remote_id
        limit $4
        "#,
        workspace_id.0,
        sync_id.0,
        run_id.0,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Active links whose contact is gone, by keyset.
pub(crate) async fn without_contact(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
    after: &str,
    limit: i64,
) -> sqlx::Result<Vec<LinkRow>> {
    sqlx::query_as!(
        LinkRow,
        r#"
        select link.link_id, link.contact_id, link.customer_id, link.matched_by, link.base, link.linked_at,
            link.settled_at
        from link
        join record contact on contact.workspace_id = link.workspace_id and contact.sync_id = link.sync_id
            and contact.side = 'highlevel' and contact.remote_id = link.contact_id
        where link.workspace_id = $1 and link.sync_id = $2 and link.state <> 'unlinked'
          and contact.gone_at is not null and link.contact_id > $3
        order by link.contact_id
        limit $4
        "#,
        workspace_id.0,
        sync_id.0,
        after,
        limit,
    )
    .fetch_all(conn)
    .await
}
