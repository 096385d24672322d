//! Items: one record in a run, from plan to outcome.

mod listing;

pub(crate) use listing::{ItemQuery, count, excluded_by_reason, page, tail};

use domain::{LinkId, RunId, WorkspaceId};
use serde_json::Value as Json;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

#[derive(Clone, Debug)]
pub struct ItemRow {
    pub item_no: i64,
    pub action: String,
    pub contact_id: Option<String>,
    pub customer_id: Option<String>,
    pub link_id: Option<Uuid>,
    pub display_name: String,
    pub email: Option<String>,
    pub reason: String,
    pub changes: Json,
    pub plan: Json,
    pub outcome: Option<String>,
    pub outcome_detail: Option<String>,
    pub settled_at: Option<OffsetDateTime>,
    pub took_ms: Option<i32>,
}

/// Items to write, column by column.
#[derive(Default)]
pub struct ItemBatch {
    pub item_no: Vec<i64>,
    pub action: Vec<String>,
    pub contact_id: Vec<Option<String>>,
    pub customer_id: Vec<Option<String>>,
    pub link_id: Vec<Option<Uuid>>,
    pub display_name: Vec<String>,
    pub email: Vec<Option<String>>,
    pub reason_code: Vec<String>,
    pub reason: Vec<String>,
    pub changes: Vec<Json>,
    pub plan: Vec<Json>,
    pub outcome: Vec<Option<String>>,
    pub outcome_detail: Vec<Option<String>>,
}

/// Forgets a plan that was not finished, so that it can be made again.
pub(crate) async fn clear(conn: &mut PgConnection, workspace_id: WorkspaceId, run_id: RunId) -> sqlx::Result<()> {
    sqlx::query!("delete from run_item where workspace_id = $1 and run_id = $2", workspace_id.0, run_id.0)
        .execute(conn)
        .await?;
    Ok(())
}

pub(crate) async fn insert(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    run_id: RunId,
    at: OffsetDateTime,
    batch: &ItemBatch,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into run_item (
            workspace_id, run_id, item_no, action, contact_id, customer_id, link_id, display_name, email, reason_code,
            reason, changes, plan, outcome, outcome_detail, settled_at)
        select
            $1, $2, new.item_no, new.action, new.contact_id, new.customer_id, new.link_id, new.display_name, new.email,
            new.reason_code, new.reason, new.changes, new.plan, new.outcome, new.outcome_detail,
            case when new.outcome is null then null else $3::timestamptz end
        from unnest(
            $4::bigint[], $5::text[], $6::text[], $7::text[], $8::uuid[], $9::text[], $10::text[], $11::text[],
            $12::text[], $13::jsonb[], $14::jsonb[], $15::text[], $16::text[]
        ) as new (
            item_no, action, contact_id, customer_id, link_id, display_name, email, reason_code, reason, changes, plan,
            outcome, outcome_detail)
        "#,
        workspace_id.0,
        run_id.0,
        at,
        &batch.item_no,
        &batch.action,
        &batch.contact_id as &[Option<String>],
        &batch.customer_id as &[Option<String>],
        &batch.link_id as &[Option<Uuid>],
        &batch.display_name,
        &batch.email as &[Option<String>],
        &batch.reason_code,
        &batch.reason,
        &batch.changes,
        &batch.plan,
        &batch.outcome as &[Option<String>],
        &batch.outcome_detail as &[Option<String>],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Tells Postgres how many items there are now, for the same reason as `records::analyze`.
pub(crate) async fn analyze(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("analyze run_item").execute(conn).await?;
    Ok(())
}

/// An open item and whether something of its record changed since the plan was made.
pub struct OpenRow {
    pub item: ItemRow,
    pub stale: bool,
}

/// Which open items are wanted.
pub struct OpenQuery {
    /// Items that write to GoHighLevel only, or all others. `None` in [`open`]: all.
    pub only_highlevel: Option<bool>,
    pub after: i64,
    pub limit: i64,
}

/// The next items that are not settled, after a number.
pub(crate) async fn open(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    run_id: RunId,
    query: &OpenQuery,
) -> sqlx::Result<Vec<OpenRow>> {
    let rows = sqlx::query!(
        r#"
        select
            item.item_no, item.action, item.contact_id, item.customer_id, item.link_id, item.display_name, item.email,
            item.reason, item.changes, item.plan, item.outcome, item.outcome_detail, item.settled_at, item.took_ms,
            -- One look by key for each: a single one with "or" would go through every record of the sync.
            (exists (
                select 1 from record contact
                where contact.workspace_id = run.workspace_id and contact.sync_id = run.sync_id
                  and contact.side = 'highlevel' and contact.remote_id = item.contact_id
                  and (contact.read_at > run.planned_at or contact.gone_at is not null))
            or exists (
                select 1 from record customer
                where customer.workspace_id = run.workspace_id and customer.sync_id = run.sync_id
                  and customer.side = 'chargify' and customer.remote_id = item.customer_id
                  and (customer.read_at > run.planned_at or customer.gone_at is not null))
            or (item.action = 'create_customer' and exists (
                select 1 from record other
                where other.workspace_id = run.workspace_id and other.sync_id = run.sync_id
                  and other.side = 'chargify' and other.email = item.email and other.read_at > run.planned_at))
            or exists (
                select 1 from link
                where link.workspace_id = run.workspace_id and link.sync_id = run.sync_id
                  and link.contact_id = item.contact_id and link.state <> 'unlinked'
                  and link.settled_at > run.planned_at)
            or exists (
                select 1 from link
                where link.workspace_id = run.workspace_id and link.sync_id = run.sync_id
                  and link.customer_id = item.customer_id and link.state <> 'unlinked'
                  and link.settled_at > run.planned_at)) as "stale!"
        from run_item item
        join run on run.workspace_id = item.workspace_id and run.run_id = item.run_id
        where item.workspace_id = $1 and item.run_id = $2 and item.outcome is null and item.item_no > $3
          and ($4::boolean is null or (item.action in ('create_contact', 'update_contact')) = $4)
        order by item.item_no
        limit $5
        "#,
        workspace_id.0,
        run_id.0,
        query.after,
        query.only_highlevel,
        query.limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| OpenRow {
            stale: row.stale,
            item: ItemRow {
                item_no: row.item_no,
                action: row.action,
                contact_id: row.contact_id,
                customer_id: row.customer_id,
                link_id: row.link_id,
                display_name: row.display_name,
                email: row.email,
                reason: row.reason,
                changes: row.changes,
                plan: row.plan,
                outcome: row.outcome,
                outcome_detail: row.outcome_detail,
                settled_at: row.settled_at,
                took_ms: row.took_ms,
            },
        })
        .collect())
}

/// Those of the customers that open items of the run name.
pub(crate) async fn open_of_customers(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    run_id: RunId,
    customer_ids: &[String],
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"
        select distinct customer_id as "customer_id!"
        from run_item
        where workspace_id = $1 and run_id = $2 and customer_id = any($3) and outcome is null
        "#,
        workspace_id.0,
        run_id.0,
        customer_ids,
    )
    .fetch_all(conn)
    .await
}

/// Replaces what an open item plans, after its record changed.
pub(crate) async fn replan(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    run_id: RunId,
    item: &ItemRow,
    reason_code: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update run_item
        set action = $4, customer_id = $5, link_id = $6, reason_code = $7, reason = $8, changes = $9, plan = $10
        where workspace_id = $1 and run_id = $2 and item_no = $3 and outcome is null
        "#,
        workspace_id.0,
        run_id.0,
        item.item_no,
        item.action,
        item.customer_id,
        item.link_id,
        reason_code,
        item.reason,
        item.changes,
        item.plan,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How an item ended.
pub struct Settlement {
    pub item_no: i64,
    pub outcome: &'static str,
    pub detail: Option<String>,
    pub contact_id: Option<String>,
    pub customer_id: Option<String>,
    pub link_id: Option<LinkId>,
    pub took_ms: i32,
}

/// Settles open items and returns their numbers; one that was settled already is not among them.
pub(crate) async fn settle(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    run_id: RunId,
    at: OffsetDateTime,
    settlements: &[Settlement],
) -> sqlx::Result<Vec<i64>> {
    let item_nos: Vec<i64> = settlements.iter().map(|one| one.item_no).collect();
    let outcomes: Vec<String> = settlements.iter().map(|one| one.outcome.to_owned()).collect();
    let details: Vec<Option<String>> = settlements.iter().map(|one| one.detail.clone()).collect();
    let contact_ids: Vec<Option<String>> = settlements.iter().map(|one| one.contact_id.clone()).collect();
    let customer_ids: Vec<Option<String>> = settlements.iter().map(|one| one.customer_id.clone()).collect();
    let link_ids: Vec<Option<Uuid>> = settlements.iter().map(|one| one.link_id.map(|link| link.0)).collect();
    let took_ms: Vec<i32> = settlements.iter().map(|one| one.took_ms).collect();
    sqlx::query_scalar!(
        r#"
        update run_item
        set outcome = new.outcome, outcome_detail = new.detail,
            contact_id = coalesce(new.contact_id, run_item.contact_id),
            customer_id = coalesce(new.customer_id, run_item.customer_id),
            link_id = coalesce(new.link_id, run_item.link_id), took_ms = new.took_ms, settled_at = $3
        from unnest($4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[], $9::uuid[], $10::int[])
            as new (item_no, outcome, detail, contact_id, customer_id, link_id, took_ms)
        where run_item.workspace_id = $1 and run_item.run_id = $2 and run_item.item_no = new.item_no
          and run_item.outcome is null
        returning run_item.item_no
        "#,
        workspace_id.0,
        run_id.0,
        at,
        &item_nos,
        &outcomes,
        &details as &[Option<String>],
        &contact_ids as &[Option<String>],
        &customer_ids as &[Option<String>],
        &link_ids as &[Option<Uuid>],
        &took_ms,
    )
    .fetch_all(conn)
    .await
}

/// Settles every item that is still open, and says how many.
pub(crate) async fn settle_rest(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    run_id: RunId,
    at: OffsetDateTime,
    outcome: &str,
    detail: &str,
) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        r#"
        update run_item
        set outcome = $3, outcome_detail = $4, settled_at = $5
        where workspace_id = $1 and run_id = $2 and outcome is null
        "#,
        workspace_id.0,
        run_id.0,
        outcome,
        detail,
        at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Items per action.
pub(crate) async fn by_action(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    run_id: RunId,
) -> sqlx::Result<Vec<(String, i64)>> {
    let rows = sqlx::query!(
        r#"
        select action, count(*) as "count!"
        from run_item
        where workspace_id = $1 and run_id = $2
        group by action
        "#,
        workspace_id.0,
        run_id.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.action, row.count)).collect())
}

/// Planned updates of records that are linked already.
pub(crate) async fn updates_of_links(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    run_id: RunId,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"
        select count(*) as "count!"
        from run_item
        where workspace_id = $1 and run_id = $2 and link_id is not null
          and action in ('update_customer', 'update_contact', 'update_both')
        "#,
        workspace_id.0,
        run_id.0,
    )
    .fetch_one(conn)
    .await
}
