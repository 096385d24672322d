//! The journal of calls.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// Calls to write, column by column.
#[derive(Default)]
pub struct CallBatch {
    pub workspace_id: Vec<Uuid>,
    pub connection_id: Vec<Uuid>,
    pub side: Vec<String>,
    pub endpoint: Vec<String>,
    pub status: Vec<Option<i16>>,
    pub error_class: Vec<Option<String>>,
    pub took_ms: Vec<i32>,
    pub cause: Vec<String>,
    pub run_id: Vec<Option<Uuid>>,
    pub remote_request_id: Vec<Option<String>>,
    pub called_at: Vec<OffsetDateTime>,
}

pub(crate) async fn insert(conn: &mut PgConnection, batch: &CallBatch) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into api_call (
            workspace_id, connection_id, side, endpoint, status, error_class, took_ms, cause, run_id,
            remote_request_id, called_at)
        select *
        from unnest(
            $1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::smallint[], $6::text[], $7::int[], $8::text[],
            $9::uuid[], $10::text[], $11::timestamptz[])
        "#,
        &batch.workspace_id,
        &batch.connection_id,
        &batch.side,
        &batch.endpoint,
        &batch.status as &[Option<i16>],
        &batch.error_class as &[Option<String>],
        &batch.took_ms,
        &batch.cause,
        &batch.run_id as &[Option<Uuid>],
        &batch.remote_request_id as &[Option<String>],
        &batch.called_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Calls per side since an instant.
pub(crate) async fn count_since(
    conn: &mut PgConnection,
    workspace_id: Uuid,
    since: OffsetDateTime,
) -> sqlx::Result<Vec<(String, i64)>> {
    let rows = sqlx::query!(
        r#"
        select side, count(*) as "count!"
        from api_call
        where workspace_id = $1 and called_at >= $2
        group by side
        "#,
        workspace_id,
        since,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.side, row.count)).collect())
}
