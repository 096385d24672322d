//! Records that are gone: their copies stay as tombstones for a while, and come back only when the record itself was read.

use super::ReadMark;
use crate::store::links::MissedRow;
use domain::{RunId, Side, SyncId, WorkspaceId, deletes::GoneBy};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// The record is proved gone at the remote. What is known of it stays.
pub(crate) async fn mark_gone(
    conn: &mut PgConnection,
    mark: ReadMark,
    remote_id: &str,
    how: GoneBy,
) -> sqlx::Result<()> {
    let ReadMark { workspace_id, sync_id, side, run_id, read_at } = mark;
    sqlx::query!(
        r#"
        update record
        set gone_at = coalesce(gone_at, $5),
            gone_by = coalesce(gone_by, $7),
            seen_run = coalesce($6, seen_run),
            verdict = 'left_out',
            verdict_detail = 'Deleted at the service.'
        where workspace_id = $1 and sync_id = $2 and side = $3 and remote_id = $4
        "#,
        workspace_id.0,
        sync_id.0,
        side.as_str(),
        remote_id,
        read_at,
        run_id.map(|run| run.0),
        how.as_str(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The record itself was read at that instant: it is there again. False: it was not known to be gone before then.
pub(crate) async fn revive(conn: &mut PgConnection, mark: ReadMark, remote_id: &str) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"
        update record
        set gone_at = null, gone_by = null, verdict = 'unpaired', verdict_detail = ''
        where workspace_id = $1 and sync_id = $2 and side = $3 and remote_id = $4 and gone_at < $5
        "#,
        mark.workspace_id.0,
        mark.sync_id.0,
        mark.side.as_str(),
        remote_id,
        mark.read_at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Records that were gone before an instant and that a list read by the run held all the same.
pub(crate) async fn returned(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
    run_id: RunId,
    before: OffsetDateTime,
    limit: i64,
) -> sqlx::Result<Vec<MissedRow>> {
    sqlx::query_as!(
        MissedRow,
        r#"
        select side, remote_id
        from record
        where workspace_id = $1 and sync_id = $2 and seen_run = $3 and gone_at < $4
        order by side, remote_id
        limit $5
        "#,
        workspace_id.0,
        sync_id.0,
        run_id.0,
        before,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Takes away what is known of records that went before an instant and belong to no active link, at most `limit` of them.
/// Their ended links keep no value of theirs, but that they ended, and when. Returns how many, by workspace.
pub(crate) async fn purge(
    conn: &mut PgConnection,
    before: OffsetDateTime,
    limit: i64,
) -> sqlx::Result<Vec<(Uuid, i64)>> {
    let rows = sqlx::query!(
        r#"
        with doomed as (
            select workspace_id, sync_id, side, remote_id, gone_at
            from record
            where gone_at < $1
              and not exists (
                  select 1 from link
                  where link.workspace_id = record.workspace_id and link.sync_id = record.sync_id
                    and link.state <> 'unlinked'
                    and ((record.side = 'highlevel' and link.contact_id = record.remote_id)
                      or (record.side = 'chargify' and link.customer_id = record.remote_id)))
            order by gone_at, workspace_id, sync_id, side, remote_id
            limit $2
        ), parted as (
            update link
            set base = '{}', gone_side = doomed.side, gone_at = doomed.gone_at
            from doomed
            where link.workspace_id = doomed.workspace_id and link.sync_id = doomed.sync_id and link.state = 'unlinked'
              and ((doomed.side = 'highlevel' and link.contact_id = doomed.remote_id)
                or (doomed.side = 'chargify' and link.customer_id = doomed.remote_id))
        ), taken as (
            delete from record
            using doomed
            where record.workspace_id = doomed.workspace_id and record.sync_id = doomed.sync_id
              and record.side = doomed.side and record.remote_id = doomed.remote_id
            returning record.workspace_id
        )
        select workspace_id as "workspace_id!", count(*) as "count!"
        from taken
        group by workspace_id
        order by workspace_id
        "#,
        before,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.workspace_id, row.count)).collect())
}

/// A record that is gone, with the last record it was paired with.
#[derive(Clone, Debug)]
pub(crate) struct TombstoneRow {
    pub(crate) gone_at: OffsetDateTime,
    pub(crate) gone_by: Option<String>,
    pub(crate) partner_id: Option<String>,
    /// `active`, `unlinked` or `parked`, and why.
    pub(crate) link_state: Option<String>,
    pub(crate) link_reason: Option<String>,
    /// As far as anything is kept of the partner.
    pub(crate) partner_name: Option<String>,
    pub(crate) partner_gone_at: Option<OffsetDateTime>,
    pub(crate) partner_verdict: Option<String>,
    pub(crate) partner_detail: Option<String>,
    /// Whom the partner is paired with by now.
    pub(crate) partner_of: Option<String>,
}

/// `None`: it is not known, or not known to be gone.
pub(crate) async fn tombstone(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
    side: Side,
    remote_id: &str,
) -> sqlx::Result<Option<TombstoneRow>> {
    sqlx::query_as!(
        TombstoneRow,
        r#"
        select
            record.gone_at as "gone_at!", record.gone_by,
            last.partner_id as "partner_id?", last.state as "link_state?", last.state_reason as "link_reason?",
            partner.display_name as "partner_name?", partner.gone_at as "partner_gone_at?",
            partner.verdict as "partner_verdict?", partner.verdict_detail as "partner_detail?",
            present.other_id as "partner_of?"
        from record
        left join lateral (
            select case $3 when 'highlevel' then customer_id else contact_id end as partner_id, state, state_reason
            from link
            where link.workspace_id = $1 and link.sync_id = $2
              and (($3 = 'highlevel' and contact_id = $4) or ($3 = 'chargify' and customer_id = $4))
            order by state = 'unlinked', settled_at desc
            limit 1
        ) as last on true
        left join record partner on partner.workspace_id = $1 and partner.sync_id = $2
            and partner.side = case $3 when 'highlevel' then 'chargify' else 'highlevel' end
            and partner.remote_id = last.partner_id
        left join lateral (
            select case $3 when 'highlevel' then contact_id else customer_id end as other_id
            from link
            where link.workspace_id = $1 and link.sync_id = $2 and state <> 'unlinked'
              and (($3 = 'highlevel' and customer_id = last.partner_id)
                or ($3 = 'chargify' and contact_id = last.partner_id))
              and last.state = 'unlinked'
            limit 1
        ) as present on true
        where record.workspace_id = $1 and record.sync_id = $2 and record.side = $3 and record.remote_id = $4
          and record.gone_at is not null
        "#,
        workspace_id.0,
        sync_id.0,
        side.as_str(),
        remote_id,
    )
    .fetch_optional(conn)
    .await
}
