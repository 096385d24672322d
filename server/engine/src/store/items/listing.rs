//! Items as pages show them: lists, and what is counted over them.

use super::ItemRow;
use domain::{RunId, WorkspaceId};
use sqlx::PgConnection;

/// Which items a page wants.
pub(crate) struct ItemQuery<'a> {
    /// Actions; empty: any.
    pub(crate) actions: &'a [String],
    /// Outcomes; empty: any, settled or not.
    pub(crate) outcomes: &'a [String],
    pub(crate) search: &'a str,
    pub(crate) field: &'a str,
    pub(crate) after: i64,
    pub(crate) limit: i64,
}

pub(crate) async fn page(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    run_id: RunId,
    query: &ItemQuery<'_>,
) -> sqlx::Result<Vec<ItemRow>> {
    sqlx::query_as!(
        ItemRow,
        r#"
        select item_no, action, contact_id, customer_id, link_id, display_name, email, reason, changes, plan, outcome,
            outcome_detail, settled_at, took_ms
        from run_item
        where workspace_id = $1 and run_id = $2 and item_no > $3
          and (cardinality($4::text[]) = 0 or action = any($4))
          and (cardinality($5::text[]) = 0 or outcome = any($5))
          and ($6 = '' or display_name ilike '%' || $6 || '%' or email = lower($6) or contact_id = $6 or customer_id = $6)
          and ($7 = '' or changes @> jsonb_build_array(jsonb_build_object('field', $7::text)))
        order by item_no
        limit $8
        "#,
        workspace_id.0,
        run_id.0,
        query.after,
        query.actions,
        query.outcomes,
        query.search,
        query.field,
        query.limit,
    )
    .fetch_all(conn)
    .await
}

/// How many items pass the query, whatever the page.
pub(crate) async fn count(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    run_id: RunId,
    query: &ItemQuery<'_>,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"
        select count(*) as "count!"
        from run_item
        where workspace_id = $1 and run_id = $2
          and (cardinality($3::text[]) = 0 or action = any($3))
          and (cardinality($4::text[]) = 0 or outcome = any($4))
          and ($5 = '' or display_name ilike '%' || $5 || '%' or email = lower($5) or contact_id = $5 or customer_id = $5)
          and ($6 = '' or changes @> jsonb_build_array(jsonb_build_object('field', $6::text)))
        "#,
        workspace_id.0,
        run_id.0,
        query.actions,
        query.outcomes,
        query.search,
        query.field,
    )
    .fetch_one(conn)
    .await
}

/// Items left out, per reason, most first.
pub(crate) async fn excluded_by_reason(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    run_id: RunId,
) -> sqlx::Result<Vec<(String, String, i64)>> {
    let rows = sqlx::query!(
        r#"
        select reason_code, min(reason) as "reason!", count(*) as "count!"
        from run_item
        where workspace_id = $1 and run_id = $2 and action = 'exclude'
        group by reason_code
        order by count(*) desc
        limit 20
        "#,
        workspace_id.0,
        run_id.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.reason_code, row.reason, row.count)).collect())
}

/// The last items settled, newest first.
pub(crate) async fn tail(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    run_id: RunId,
    limit: i64,
) -> sqlx::Result<Vec<ItemRow>> {
    sqlx::query_as!(
        ItemRow,
        r#"
        select item_no, action, contact_id, customer_id, link_id, display_name, email, reason, changes, plan, outcome,
            outcome_detail, settled_at, took_ms
        from run_item
        where workspace_id = $1 and run_id = $2 and settled_at is not null and took_ms is not null
        order by settled_at desc
        limit $3
        "#,
        workspace_id.0,
        run_id.0,
        limit,
    )
    .fetch_all(conn)
    .await
}
