//! Records as pages list them and people look for them.

use domain::{SyncId, WorkspaceId};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

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
        ) as partner on true
        where record.workspace_id = $1
          and ($2::uuid is null or (record.sync_id, record.side, record.remote_id) < ($2, $3, $4))
          and record.gone_at is null
          and ($5 = '' or record.verdict = $5)
          and ($6::uuid is null or record.sync_id = $6)
          -- Looked at once for a page with customers, and never for one of contacts.
          and (record.side = 'highlevel' or (record.sync_id, record.remote_id) not in (
              select linked.sync_id, linked.customer_id
              from link as linked
              where linked.workspace_id = $1 and linked.state <> 'unlinked'))
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

/// Records that are gone, in the same order, each by itself.
pub(crate) async fn list_gone(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    query: &RecordQuery<'_>,
) -> sqlx::Result<Vec<ListedRow>> {
    sqlx::query_as!(
        ListedRow,
        r#"
        select
            record.sync_id, sync.name as sync, record.side, record.remote_id, null as "partner_id?: String",
            record.display_name, record.email, record.phone, 'gone' as "verdict!", record.verdict_detail, record.read_at
        from record
        join sync on sync.workspace_id = record.workspace_id and sync.sync_id = record.sync_id
        where record.workspace_id = $1
          and ($2::uuid is null or (record.sync_id, record.side, record.remote_id) < ($2, $3, $4))
          and record.gone_at is not null
          and ($5::uuid is null or record.sync_id = $5)
        order by record.sync_id desc, record.side desc, record.remote_id desc
        limit $6
        "#,
        workspace_id.0,
        query.before.map(|key| key.sync_id),
        query.before.map_or("", |key| key.side.as_str()),
        query.before.map_or("", |key| key.remote_id.as_str()),
        query.sync_id.map(|sync| sync.0),
        query.limit,
    )
    .fetch_all(conn)
    .await
}

/// Records whose name begins with the text, or whose e-mail, phone, id or reference is the text; the first few, each found
/// on an index of its own. Those that are gone are among them.
pub(crate) async fn search(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    text: &str,
    query: &RecordQuery<'_>,
) -> sqlx::Result<Vec<ListedRow>> {
    let exact = text.trim();
    let folded = exact.to_lowercase();
    let (prefix, phone) = (beginning_with(&folded), international(&folded));
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
            case when record.gone_at is null then record.verdict else 'gone' end as "verdict!",
            record.verdict_detail as "verdict_detail!", record.read_at as "read_at!"
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
        where ($6 = '' or $6 = case when record.gone_at is null then record.verdict else 'gone' end)
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

/// A `like` pattern for what begins with exactly this text.
fn beginning_with(text: &str) -> String {
    format!("{}%", text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"))
}

/// The digits of the text as a phone number is kept.
fn international(text: &str) -> String {
    std::iter::once('+').chain(text.chars().filter(char::is_ascii_digit)).collect()
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
