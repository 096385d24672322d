//! The copies of both sides, as last read.

mod partners;
mod searching;
mod tombstones;

pub(crate) use partners::{
    candidates, contact_names_by_phone, contacts_for_customer, contacts_sharing_email, customer_came_since,
    lone_customers, mark_partners_of_customers,
};
pub(crate) use searching::{ListedRow, RecordKey, RecordQuery, list, list_gone, search, totals};
pub(crate) use tombstones::{TombstoneRow, mark_gone, purge, returned, revive, tombstone};

use domain::{LinkId, RunId, Side, SyncId, WorkspaceId};
use serde_json::Value as Json;
use sqlx::PgConnection;
use time::OffsetDateTime;

#[derive(Clone, Debug)]
pub struct RecordRow {
    pub side: String,
    pub remote_id: String,
    pub field_values: Json,
    pub updated_at: Option<OffsetDateTime>,
    pub event_id: Option<i64>,
    pub email: Option<String>,
    pub reference: Option<String>,
    pub verdict: String,
    pub read_at: OffsetDateTime,
    pub gone_at: Option<OffsetDateTime>,
}

/// Rows to write, column by column, so that a page is one statement.
#[derive(Default)]
pub struct RecordBatch {
    pub remote_id: Vec<String>,
    pub field_values: Vec<Json>,
    /// Values of metafields, where they were read; they stand in `field_values` too.
    pub metafields: Vec<Option<Json>>,
    pub updated_at: Vec<Option<OffsetDateTime>>,
    pub event_id: Vec<Option<i64>>,
    pub email: Vec<Option<String>>,
    pub phone: Vec<Option<String>>,
    pub reference: Vec<Option<String>>,
    pub display_name: Vec<String>,
}

/// Where and when a batch was read.
#[derive(Clone, Copy)]
pub struct ReadMark {
    pub workspace_id: WorkspaceId,
    pub sync_id: SyncId,
    pub side: Side,
    pub run_id: Option<RunId>,
    pub read_at: OffsetDateTime,
}

/// A record as a plan was made from it.
#[derive(Clone, Debug)]
pub struct PlannedRecord {
    pub id: String,
    pub values: Json,
}

/// What a plan was made from.
#[derive(Clone, Debug, Default)]
pub struct PlannedPair {
    pub contact: Option<PlannedRecord>,
    pub customer: Option<PlannedRecord>,
    /// The link and what was agreed on.
    pub link: Option<(LinkId, Json)>,
}

/// Inserts or refreshes copies. An older reading never replaces a newer one, and none brings back a record that is gone.
pub(crate) async fn upsert(conn: &mut PgConnection, mark: ReadMark, batch: &RecordBatch) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into record (
            workspace_id, sync_id, side, remote_id, field_values, updated_at, event_id, email, phone, reference,
            display_name, seen_run, read_at, metafields, metafields_read_at)
        select distinct on (new.remote_id)
            $1, $2, $3, new.remote_id, new.field_values, new.updated_at, new.event_id, new.email, new.phone,
            new.reference, new.display_name, $4::uuid, $5::timestamptz, new.metafields,
            case when new.metafields is not null then $5::timestamptz end
        from unnest(
            $6::text[], $7::jsonb[], $8::timestamptz[], $9::bigint[], $10::text[], $11::text[], $12::text[], $13::text[],
            $14::jsonb[]
        ) as new (remote_id, field_values, updated_at, event_id, email, phone, reference, display_name, metafields)
        on conflict (workspace_id, sync_id, side, remote_id)
        do update set
            -- What this reading does not tell of metafields is as it was.
            field_values = case
                when record.metafields is null then excluded.field_values
                else record.metafields || excluded.field_values
            end,
            metafields = case
                when record.metafields is null then excluded.metafields
                when excluded.metafields is null then record.metafields
                else record.metafields || excluded.metafields
            end,
            metafields_read_at = coalesce(excluded.metafields_read_at, record.metafields_read_at),
            updated_at = excluded.updated_at,
            -- The event belongs to the state: of a newer one it is not known unless it is told.
            event_id = case
                when record.updated_at < excluded.updated_at then excluded.event_id
                else greatest(record.event_id, excluded.event_id)
            end,
            email = excluded.email,
            phone = excluded.phone,
            reference = excluded.reference,
            display_name = excluded.display_name,
            seen_run = coalesce(excluded.seen_run, record.seen_run),
            read_at = excluded.read_at
        where record.gone_at is null
          and (record.updated_at < excluded.updated_at
            or ((record.updated_at is null or excluded.updated_at is null or record.updated_at = excluded.updated_at)
                and record.read_at <= excluded.read_at))
        "#,
        mark.workspace_id.0,
        mark.sync_id.0,
        mark.side.as_str(),
        mark.run_id.map(|run| run.0),
        mark.read_at,
        &batch.remote_id,
        &batch.field_values,
        &batch.updated_at as &[Option<OffsetDateTime>],
        &batch.event_id as &[Option<i64>],
        &batch.email as &[Option<String>],
        &batch.phone as &[Option<String>],
        &batch.reference as &[Option<String>],
        &batch.display_name,
        &batch.metafields as &[Option<Json>],
    )
    .execute(&mut *conn)
    .await?;
    match mark.run_id {
        // A listing may lag behind a newer copy that is kept; it was seen all the same.
        Some(run_id) => mark_seen(conn, mark, run_id, &batch.remote_id).await,
        None => Ok(()),
    }
}

/// Marks copies as seen by a run, also those that it had no need to read.
pub(crate) async fn mark_seen(
    conn: &mut PgConnection,
    mark: ReadMark,
    run_id: RunId,
    ids: &[String],
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
            update record
            set seen_run = $4
            where workspace_id = $1 and sync_id = $2 and side = $3 and remote_id = any($5)
              and seen_run is distinct from $4
            "#,
        mark.workspace_id.0,
        mark.sync_id.0,
        mark.side.as_str(),
        run_id.0,
        ids,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The copies of the named records of one side.
pub(crate) async fn by_ids(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
    side: Side,
    ids: &[String],
) -> sqlx::Result<Vec<RecordRow>> {
    sqlx::query_as!(
        RecordRow,
        r#"
        select side, remote_id, field_values, updated_at, event_id, email, reference, verdict, read_at, gone_at
        from record
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

/// Contacts a run has read, after `after` in the order of their ids.
pub(crate) async fn contacts_seen(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
    run_id: RunId,
    after: &str,
    limit: i64,
) -> sqlx::Result<Vec<RecordRow>> {
    sqlx::query_as!(
        RecordRow,
        r#"
        select side, remote_id, field_values, updated_at, event_id, email, reference, verdict, read_at, gone_at
        from record
        where workspace_id = $1 and sync_id = $2 and side = 'highlevel' and seen_run = $3 and remote_id > $4
          and gone_at is null
        order by remote_id
        limit $5
        "#,
        workspace_id.0,
        sync_id.0,
        run_id.0,
        after,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Customers of a sync that were there when last read.
pub(crate) async fn count_customers(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"
        select count(*) as "count!"
        from record
        where workspace_id = $1 and sync_id = $2 and side = 'chargify' and gone_at is null
        "#,
        workspace_id.0,
        sync_id.0,
    )
    .fetch_one(conn)
    .await
}

/// Says how records stand after planning or writing, many at once.
pub(crate) async fn set_verdicts(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
    side: Side,
    rows: &[(String, &'static str, String)],
) -> sqlx::Result<()> {
    let ids: Vec<String> = rows.iter().map(|row| row.0.clone()).collect();
    let verdicts: Vec<String> = rows.iter().map(|row| row.1.to_owned()).collect();
    let details: Vec<String> = rows.iter().map(|row| row.2.clone()).collect();
    sqlx::query!(
        r#"
        update record
        set verdict = new.verdict, verdict_detail = new.detail
        from unnest($4::text[], $5::text[], $6::text[]) as new (remote_id, verdict, detail)
        where record.workspace_id = $1
          and record.sync_id = $2
          and record.side = $3
          and record.remote_id = new.remote_id
          and (record.verdict, record.verdict_detail) is distinct from (new.verdict, new.detail)
        "#,
        workspace_id.0,
        sync_id.0,
        side.as_str(),
        &ids,
        &verdicts,
        &details,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Tells Postgres how many records there are now. It finds out by itself once a minute only, and until then goes through
/// a whole sync to find one record.
pub(crate) async fn analyze(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("analyze record").execute(conn).await?;
    Ok(())
}

/// Whether a copy of the pair was read, or its link settled, after an instant; or either is otherwise than planned, which
/// a reading that began earlier can make it; or one of the two belongs to somebody else.
pub(crate) async fn pair_changed_since(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
    pair: &PlannedPair,
    since: OffsetDateTime,
) -> sqlx::Result<bool> {
    let (contact, customer) = (pair.contact.as_ref(), pair.customer.as_ref());
    sqlx::query_scalar!(
        r#"
        select (
            exists (
                select 1 from record
                where workspace_id = $1 and sync_id = $2 and side = 'highlevel' and remote_id = $3
                  and (read_at > $5 or gone_at > $5 or field_values <> $6))
            or exists (
                select 1 from record
                where workspace_id = $1 and sync_id = $2 and side = 'chargify' and remote_id = $4
                  and (read_at > $5 or gone_at > $5 or field_values <> $7))
            or exists (
                select 1 from link
                where workspace_id = $1 and sync_id = $2 and contact_id = $3 and state <> 'unlinked'
                  and (settled_at > $5 or link_id is distinct from $8 or base <> $9))
            or exists (
                select 1 from link
                where workspace_id = $1 and sync_id = $2 and customer_id = $4 and state <> 'unlinked'
                  and (settled_at > $5 or link_id is distinct from $8 or base <> $9))
        ) as "changed!"
        "#,
        workspace_id.0,
        sync_id.0,
        contact.map(|record| record.id.as_str()),
        customer.map(|record| record.id.as_str()),
        since,
        contact.map(|record| &record.values),
        customer.map(|record| &record.values),
        pair.link.as_ref().map(|(link_id, _)| link_id.0),
        pair.link.as_ref().map(|(_, base)| base),
    )
    .fetch_one(conn)
    .await
}
