//! The copies of both sides, as last read.

use domain::{RunId, Side, SyncId, WorkspaceId};
use serde_json::Value as Json;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

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

/// Inserts or refreshes copies. An older reading never replaces a newer one.
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
            read_at = excluded.read_at,
            gone_at = null
        where record.updated_at < excluded.updated_at
           or ((record.updated_at is null or excluded.updated_at is null or record.updated_at = excluded.updated_at)
               and record.read_at <= excluded.read_at)
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
    if let Some(run_id) = mark.run_id {
        // A listing may lag behind a newer copy that is kept; it was seen all the same.
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
            &batch.remote_id,
        )
        .execute(conn)
        .await?;
    }
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

/// Marks as seen the contacts that customers read by this run belong to or may belong to, by link, reference, or e-mail;
/// and those that failed, wait or drifted when they were last planned: a change that was not carried out is still to be.
pub(crate) async fn mark_partners_of_customers(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
    run_id: RunId,
) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        r#"
        update record contact
        set seen_run = $3
        where contact.workspace_id = $1
          and contact.sync_id = $2
          and contact.side = 'highlevel'
          and contact.seen_run is distinct from $3
          and contact.gone_at is null
          and (contact.verdict in ('failed', 'waiting', 'drifted') or contact.remote_id in (
              select link.contact_id
              from record customer
              join link on link.workspace_id = $1 and link.sync_id = $2
                  and link.customer_id = customer.remote_id and link.state <> 'unlinked'
              where customer.workspace_id = $1 and customer.sync_id = $2 and customer.side = 'chargify'
                and customer.seen_run = $3
              union
              select customer.reference
              from record customer
              where customer.workspace_id = $1 and customer.sync_id = $2 and customer.side = 'chargify'
                and customer.seen_run = $3 and customer.reference is not null
              union
              select same.remote_id
              from record customer
              join record same on same.workspace_id = $1 and same.sync_id = $2 and same.side = 'highlevel'
                  and same.email = customer.email
              where customer.workspace_id = $1 and customer.sync_id = $2 and customer.side = 'chargify'
                and customer.seen_run = $3 and customer.email is not null))
        "#,
        workspace_id.0,
        sync_id.0,
        run_id.0,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Customers that could be partners of contacts with these ids, e-mails and phones. A hit may fit by more than one key.
pub(crate) async fn candidates(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
    references: &[String],
    emails: &[String],
    phones: &[String],
) -> sqlx::Result<Vec<RecordRow>> {
    sqlx::query_as!(
        RecordRow,
        r#"
        select distinct on (remote_id)
            side as "side!", remote_id as "remote_id!", field_values as "field_values!", updated_at, event_id, email,
            reference, verdict as "verdict!", read_at as "read_at!", gone_at
        from (
            -- Key by key: asked for all at once, Postgres goes through every customer of the sync.
            select named.*
            from unnest($3::text[]) as wanted (reference)
            cross join lateral (
                select *
                from record
                where workspace_id = $1 and sync_id = $2 and side = 'chargify' and gone_at is null
                  and lower(reference) = wanted.reference and reference is not null
                limit 10
            ) as named
            union all
            select * from record
            where workspace_id = $1 and sync_id = $2 and side = 'chargify' and email = any($4) and gone_at is null
            union all
            select * from record
            where workspace_id = $1 and sync_id = $2 and side = 'chargify' and phone = any($5) and gone_at is null
        ) as hit
        order by remote_id
        limit 20000
        "#,
        workspace_id.0,
        sync_id.0,
        references,
        emails,
        phones,
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

/// How many live contacts share each of the e-mail addresses.
pub(crate) async fn contacts_sharing_email(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
    emails: &[String],
) -> sqlx::Result<Vec<(String, i64)>> {
    let rows = sqlx::query!(
        r#"
        select email as "email!", count(*) as "count!"
        from record
        where workspace_id = $1 and sync_id = $2 and side = 'highlevel' and email = any($3) and gone_at is null
        group by email
        "#,
        workspace_id.0,
        sync_id.0,
        emails,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.email, row.count)).collect())
}

/// Customers a run has read that no contact is linked to or planned for, by keyset.
pub(crate) async fn lone_customers(
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
        where workspace_id = $1 and sync_id = $2 and side = 'chargify' and seen_run = $3 and remote_id > $4
          and gone_at is null
          and not exists (
              select 1 from link
              where link.workspace_id = $1 and link.sync_id = $2
                and link.customer_id = record.remote_id and link.state <> 'unlinked')
          and not exists (
              select 1 from run_item
              where run_item.workspace_id = $1 and run_item.run_id = $3 and run_item.customer_id = record.remote_id)
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

/// The record is proved gone at the remote.
pub(crate) async fn mark_gone(conn: &mut PgConnection, mark: ReadMark, remote_id: &str) -> sqlx::Result<()> {
    let ReadMark { workspace_id, sync_id, side, run_id, read_at } = mark;
    sqlx::query!(
        r#"
        update record
        set gone_at = coalesce(gone_at, $5),
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
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A row of the records page: a contact with its customer, or a customer that has no contact.
#[derive(Clone, Debug)]
pub(crate) struct ListedRow {
    pub(crate) sync_id: Uuid,
    pub(crate) sync: String,
    pub(crate) side: String,
    pub(crate) remote_id: String,
    pub(crate) partner_id: Option<String>,
    pub(crate) display_name: String,
    pub(crate) email: Option<String>,
    pub(crate) phone: Option<String>,
    pub(crate) verdict: String,
    pub(crate) verdict_detail: String,
    pub(crate) read_at: OffsetDateTime,
}

/// Where a page of records ended: side and id within a sync.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RecordKey {
    pub(crate) sync_id: Uuid,
    pub(crate) side: String,
    pub(crate) remote_id: String,
}

/// What a records page asks for.
pub(crate) struct RecordQuery<'a> {
    /// Empty: any.
    pub(crate) verdict: &'a str,
    /// Of this sync only.
    pub(crate) sync_id: Option<SyncId>,
    /// Records before this one in descending order of sync, side and id.
    pub(crate) before: Option<&'a RecordKey>,
    pub(crate) limit: i64,
}

/// Records in descending order of sync, side (contacts first) and id: the primary key, read backwards. A linked customer
/// stands on its contact's row.
pub(crate) async fn list(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    query: &RecordQuery<'_>,
) -> sqlx::Result<Vec<ListedRow>> {
    sqlx::query_as!(
        ListedRow,
        r#"
        select
            record.sync_id as "sync_id!", sync.name as "sync!", record.side as "side!", record.remote_id as "remote_id!",
            partner.partner_id as "partner_id?", record.display_name as "display_name!", record.email, record.phone,
            record.verdict as "verdict!", record.verdict_detail as "verdict_detail!", record.read_at as "read_at!"
        from record
        join sync on sync.workspace_id = record.workspace_id and sync.sync_id = record.sync_id
        left join lateral (
            select link.customer_id as partner_id
            from link
            where link.workspace_id = record.workspace_id and link.sync_id = record.sync_id
              and link.contact_id = record.remote_id and link.state <> 'unlinked' and record.side = 'highlevel'
            union all
            select link.contact_id
            from link
            where link.workspace_id = record.workspace_id and link.sync_id = record.sync_id
              and link.customer_id = record.remote_id and link.state <> 'unlinked' and record.side = 'chargify'
        ) as partner on true
        where record.workspace_id = $1
          and ($2::uuid is null or (record.sync_id, record.side, record.remote_id) < ($2, $3, $4))
          and record.gone_at is null
          and ($5 = '' or record.verdict = $5)
          and ($6::uuid is null or record.sync_id = $6)
          and (record.side = 'highlevel' or partner.partner_id is null)
        order by record.sync_id desc, record.side desc, record.remote_id desc
        limit $7
        "#,
        workspace_id.0,
        query.before.map(|key| key.sync_id),
        query.before.map_or("", |key| key.side.as_str()),
        query.before.map_or("", |key| key.remote_id.as_str()),
        query.verdict,
        query.sync_id.map(|sync| sync.0),
        query.limit,
    )
    .fetch_all(conn)
    .await
}

/// Records whose name begins with the text, or whose e-mail, phone, id or reference is the text; the first few, each found
/// on an index of its own.
pub(crate) async fn search(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    text: &str,
    query: &RecordQuery<'_>,
) -> sqlx::Result<Vec<ListedRow>> {
    let exact = text.trim();
    let folded = exact.to_lowercase();
    let prefix = format!("{}%", folded.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"));
    let digits: String = folded.chars().filter(char::is_ascii_digit).collect();
    let phone = format!("+{digits}");
    sqlx::query_as!(
        ListedRow,
        r#"
        with hit as (
            select record.sync_id, record.side, record.remote_id
            from sync join record using (workspace_id, sync_id)
            where sync.workspace_id = $1 and record.side in ('highlevel', 'chargify') and record.email = $2
            union
            select record.sync_id, record.side, record.remote_id
            from sync join record using (workspace_id, sync_id)
            where sync.workspace_id = $1 and record.side in ('highlevel', 'chargify') and record.phone = $4
            union
            select record.sync_id, record.side, record.remote_id
            from sync join record using (workspace_id, sync_id)
            where sync.workspace_id = $1 and record.side in ('highlevel', 'chargify') and record.remote_id = $5
            union
            select record.sync_id, record.side, record.remote_id
            from sync join record using (workspace_id, sync_id)
            where sync.workspace_id = $1 and record.reference is not null and lower(record.reference) = $2
            union
            (select record.sync_id, record.side, record.remote_id
            from sync join record using (workspace_id, sync_id)
            where sync.workspace_id = $1 and lower(record.display_name) like $3
            limit 500)
        )
        select
            record.sync_id as "sync_id!", sync.name as "sync!", record.side as "side!", record.remote_id as "remote_id!",
            partner.partner_id as "partner_id?", record.display_name as "display_name!", record.email, record.phone,
            record.verdict as "verdict!", record.verdict_detail as "verdict_detail!", record.read_at as "read_at!"
        from hit
        join record on record.workspace_id = $1
            and record.sync_id = hit.sync_id and record.side = hit.side and record.remote_id = hit.remote_id
        join sync on sync.workspace_id = $1 and sync.sync_id = hit.sync_id
        left join lateral (
            select link.customer_id as partner_id
            from link
            where link.workspace_id = $1 and link.sync_id = hit.sync_id
              and link.contact_id = hit.remote_id and link.state <> 'unlinked' and hit.side = 'highlevel'
            union all
            select link.contact_id
            from link
            where link.workspace_id = $1 and link.sync_id = hit.sync_id
              and link.customer_id = hit.remote_id and link.state <> 'unlinked' and hit.side = 'chargify'
        ) as partner on true
        where record.gone_at is null
          and ($6 = '' or record.verdict = $6)
          and ($7::uuid is null or hit.sync_id = $7)
          -- A linked customer that is found is shown as its contact, unless that one is found as well.
          and (hit.side = 'highlevel' or not exists (
              select 1 from hit as contact
              where contact.sync_id = hit.sync_id and contact.side = 'highlevel' and contact.remote_id = partner.partner_id))
        order by lower(record.display_name), record.side desc, record.remote_id
        limit $8
        "#,
        workspace_id.0,
        folded,
        prefix,
        phone,
        exact,
        query.verdict,
        query.sync_id.map(|sync| sync.0),
        query.limit,
    )
    .fetch_all(conn)
    .await
}

/// Live contacts, live customers and links of a workspace.
pub(crate) async fn totals(conn: &mut PgConnection, workspace_id: WorkspaceId) -> sqlx::Result<(i64, i64, i64)> {
    let row = sqlx::query!(
        r#"
        select
            (select count(*) from record where workspace_id = $1 and side = 'highlevel' and gone_at is null) as "contacts!",
            (select count(*) from record where workspace_id = $1 and side = 'chargify' and gone_at is null) as "customers!",
            (select count(*) from link where workspace_id = $1 and state <> 'unlinked') as "links!"
        "#,
        workspace_id.0,
    )
    .fetch_one(conn)
    .await?;
    Ok((row.contacts, row.customers, row.links))
}

/// Phone and name of the live contacts that have one of the phones.
pub(crate) async fn contact_names_by_phone(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
    phones: &[String],
) -> sqlx::Result<Vec<(String, String)>> {
    let rows = sqlx::query!(
        r#"
        select phone as "phone!", display_name
        from record
        where workspace_id = $1 and sync_id = $2 and side = 'highlevel' and phone = any($3) and gone_at is null
        limit 20000
        "#,
        workspace_id.0,
        sync_id.0,
        phones,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.phone, row.display_name)).collect())
}

/// Contacts a customer may belong to: the one its reference names, else those with its e-mail address.
pub(crate) async fn contacts_for_customer(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
    customer: &RecordRow,
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"
        select remote_id
        from record
        where workspace_id = $1 and sync_id = $2 and side = 'highlevel' and gone_at is null
          and (remote_id = $3 or email = $4)
        order by remote_id = $3 desc nulls last, remote_id
        limit 10
        "#,
        workspace_id.0,
        sync_id.0,
        customer.reference,
        customer.email,
    )
    .fetch_all(conn)
    .await
}

/// Whether a copy of the pair was read, or its link settled, after an instant; or one of the two belongs to somebody else.
pub(crate) async fn pair_changed_since(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
    (contact_id, customer_id): (Option<&str>, Option<&str>),
    since: OffsetDateTime,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"
        select (
            exists (
                select 1 from record
                where workspace_id = $1 and sync_id = $2 and side = 'highlevel' and remote_id = $3
                  and (read_at > $5 or gone_at > $5))
            or exists (
                select 1 from record
                where workspace_id = $1 and sync_id = $2 and side = 'chargify' and remote_id = $4
                  and (read_at > $5 or gone_at > $5))
            or exists (
                select 1 from link
                where workspace_id = $1 and sync_id = $2 and contact_id = $3 and state <> 'unlinked'
                  and settled_at > $5)
            or exists (
                select 1 from link
                where workspace_id = $1 and sync_id = $2 and customer_id = $4 and state <> 'unlinked'
                  and settled_at > $5)
        ) as "changed!"
        "#,
        workspace_id.0,
        sync_id.0,
        contact_id,
        customer_id,
        since,
    )
    .fetch_one(conn)
    .await
}
