//! What is known of the fields an account made itself, and the values of metafields that are read apart from customers.

use domain::{ConnectionId, RunId, SyncId, WorkspaceId};
use serde_json::Value as Json;
use sqlx::PgConnection;
use time::OffsetDateTime;

/// Keeps what is known of a connection's own fields.
pub(crate) async fn set(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    connection_id: ConnectionId,
    fields: &Json,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update connection set fields = $3 where workspace_id = $1 and connection_id = $2",
        workspace_id.0,
        connection_id.0,
        fields,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What is known of a connection's own fields; `None`: they were never read.
pub(crate) async fn get(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    connection_id: ConnectionId,
) -> sqlx::Result<Option<Json>> {
    let found = sqlx::query_scalar!(
        "select fields from connection where workspace_id = $1 and connection_id = $2",
        workspace_id.0,
        connection_id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.flatten())
}

/// Customers a run has seen whose metafields were not read since, by id after `after`.
pub(crate) async fn customers_without_metafields(
    conn: &mut PgConnection,
    (workspace_id, sync_id, run_id): (WorkspaceId, SyncId, RunId),
    since: OffsetDateTime,
    after: &str,
    limit: i64,
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"
        select remote_id
        from record
        where workspace_id = $1 and sync_id = $2 and side = 'chargify' and seen_run = $3 and remote_id > $5
          and gone_at is null
          and (metafields_read_at is null or metafields_read_at < $4)
        order by remote_id
        limit $6
        "#,
        workspace_id.0,
        sync_id.0,
        run_id.0,
        since,
        after,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Keeps the values of metafields of many customers. An older reading never replaces a newer one.
pub(crate) async fn set_metafields(
    conn: &mut PgConnection,
    (workspace_id, sync_id): (WorkspaceId, SyncId),
    read_at: OffsetDateTime,
    ids: &[String],
    values: &[Json],
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update record
        set metafields = coalesce(record.metafields, '{}') || new.metafields,
            field_values = record.field_values || new.metafields,
            metafields_read_at = $3,
            read_at = greatest(record.read_at, $3)
        from unnest($4::text[], $5::jsonb[]) as new (remote_id, metafields)
        where record.workspace_id = $1
          and record.sync_id = $2
          and record.side = 'chargify'
          and record.remote_id = new.remote_id
          and (record.metafields_read_at is null or record.metafields_read_at <= $3)
        "#,
        workspace_id.0,
        sync_id.0,
        read_at,
        ids,
        values,
    )
    .execute(conn)
    .await?;
    Ok(())
}
