//! The rows of the audit trail. Append-only: there is no update and no delete here.

pub use crate::audit::{Columns, GENESIS};
use domain::WorkspaceId;
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// A line with the number of the run it belongs to.
#[derive(Clone, Debug)]
pub struct AuditLineRow {
    pub line_no: i64,
    pub at: OffsetDateTime,
    pub actor: String,
    pub actor_name: String,
    pub action: String,
    pub subject: String,
    pub subject_name: String,
    pub outcome: String,
    pub detail: Value,
    pub run_id: Option<Uuid>,
    pub contact_id: Option<String>,
    pub customer_id: Option<String>,
    pub previous_hash: Vec<u8>,
    pub hash: Vec<u8>,
    pub run_number: Option<i64>,
}

/// Which lines are wanted. `None` means any.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted<'a> {
    pub(crate) actor: Option<&'a str>,
    pub(crate) action: Option<&'a str>,
    pub(crate) outcome: Option<&'a str>,
    /// A contact's or customer's id.
    pub(crate) record: Option<&'a str>,
    /// From this instant on.
    pub(crate) from: Option<OffsetDateTime>,
    /// Before this instant.
    pub(crate) until: Option<OffsetDateTime>,
}

impl Wanted<'_> {
    fn is_dated(&self) -> bool {
        self.from.is_some() || self.until.is_some()
    }

    pub(crate) fn is_everything(&self) -> bool {
        let words = [self.actor, self.action, self.outcome, self.record];
        words.iter().all(Option::is_none) && !self.is_dated()
    }
}

/// Number and hash of the last line, locked until the transaction ends; before the first line, 0 and the genesis.
pub(crate) async fn lock_head(conn: &mut PgConnection, workspace_id: WorkspaceId) -> sqlx::Result<(i64, Vec<u8>)> {
    if let Some(head) = locked_head(conn, workspace_id).await? {
        return Ok(head);
    }
    sqlx::query!(
        "insert into audit_head (workspace_id, line_no, hash) values ($1, 0, $2) on conflict do nothing",
        workspace_id.0,
        GENESIS.as_slice(),
    )
    .execute(&mut *conn)
    .await?;
    // Whoever came first has committed by now, or it is ours.
    locked_head(conn, workspace_id).await?.ok_or(sqlx::Error::RowNotFound)
}

async fn locked_head(conn: &mut PgConnection, workspace_id: WorkspaceId) -> sqlx::Result<Option<(i64, Vec<u8>)>> {
    let row = sqlx::query!("select line_no, hash from audit_head where workspace_id = $1 for update", workspace_id.0)
        .fetch_optional(conn)
        .await?;
    Ok(row.map(|row| (row.line_no, row.hash)))
}

/// Number and hash of the last line, if there ever was one.
pub(crate) async fn head(conn: &mut PgConnection, workspace_id: WorkspaceId) -> sqlx::Result<Option<(i64, Vec<u8>)>> {
    let row = sqlx::query!("select line_no, hash from audit_head where workspace_id = $1", workspace_id.0)
        .fetch_optional(conn)
        .await?;
    Ok(row.map(|row| (row.line_no, row.hash)))
}

/// Inserts the lines and moves the head to the last, in one statement. The caller holds the head's lock.
pub(crate) async fn insert(conn: &mut PgConnection, workspace_id: WorkspaceId, columns: &Columns) -> sqlx::Result<()> {
    let (Some(last_no), Some(last_hash)) = (columns.line_no.last(), columns.hash.last()) else {
        return Ok(());
    };
    sqlx::query!(
        r#"
        with line as (
            insert into audit_line (
                workspace_id, line_no, at, actor, actor_name, action, subject, subject_name, outcome, detail,
                run_id, contact_id, customer_id, previous_hash, hash)
            select $1, *
            from unnest(
                $2::bigint[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                $9::text[], $10::jsonb[], $11::uuid[], $12::text[], $13::text[], $14::bytea[], $15::bytea[])
        )
        update audit_head
        set line_no = $16, hash = $17
        where workspace_id = $1
        "#,
        workspace_id.0,
        &columns.line_no,
        &columns.at,
        &columns.actor,
        &columns.actor_name,
        &columns.action,
        &columns.subject,
        &columns.subject_name,
        &columns.outcome,
        &columns.detail,
        &columns.run_id as &[Option<Uuid>],
        &columns.contact_id as &[Option<String>],
        &columns.customer_id as &[Option<String>],
        &columns.previous_hash,
        &columns.hash,
        last_no,
        last_hash,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Has every statement of this transaction planned for its very arguments: a plan for any filter is good for none.
pub(crate) async fn plan_for_arguments(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("set local plan_cache_mode = force_custom_plan").execute(conn).await?;
    Ok(())
}

/// Wanted lines before the line of that number (or from the newest), newest first.
pub(crate) async fn page(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    wanted: Wanted<'_>,
    before: Option<i64>,
    limit: i64,
) -> sqlx::Result<Vec<AuditLineRow>> {
    if wanted.is_dated() {
        return page_by_time(conn, workspace_id, wanted, before, limit).await;
    }
    sqlx::query_as!(
        AuditLineRow,
        r#"
        select l.line_no, l.at, l.actor, l.actor_name, l.action, l.subject, l.subject_name, l.outcome, l.detail,
            l.run_id, l.contact_id, l.customer_id, l.previous_hash, l.hash, r.number as "run_number?"
        from audit_line l
        left join run r on r.workspace_id = l.workspace_id and r.run_id = l.run_id
        where l.workspace_id = $1
            and ($2::text is null or l.actor = $2)
            and ($3::text is null or l.action = $3)
            and ($4::text is null or l.outcome = $4)
            and ($5::text is null or l.contact_id = $5 or l.customer_id = $5)
            and ($6::bigint is null or l.line_no < $6)
        order by l.line_no desc
        limit $7
        "#,
        workspace_id.0,
        wanted.actor,
        wanted.action,
        wanted.outcome,
        wanted.record,
        before,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// As [`page`], in the order of time, so that a span long ago is found by its index.
async fn page_by_time(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    wanted: Wanted<'_>,
    before: Option<i64>,
    limit: i64,
) -> sqlx::Result<Vec<AuditLineRow>> {
    sqlx::query_as!(
        AuditLineRow,
        r#"
        select l.line_no, l.at, l.actor, l.actor_name, l.action, l.subject, l.subject_name, l.outcome, l.detail,
            l.run_id, l.contact_id, l.customer_id, l.previous_hash, l.hash, r.number as "run_number?"
        from audit_line l
        left join run r on r.workspace_id = l.workspace_id and r.run_id = l.run_id
        where l.workspace_id = $1
            and ($2::text is null or l.actor = $2)
            and ($3::text is null or l.action = $3)
            and ($4::text is null or l.outcome = $4)
            and ($5::text is null or l.contact_id = $5 or l.customer_id = $5)
            and ($6::timestamptz is null or l.at >= $6)
            and ($7::timestamptz is null or l.at < $7)
            and ($8::bigint is null or (l.at, l.line_no) < (
                select b.at, b.line_no from audit_line b where b.workspace_id = $1 and b.line_no = $8))
        order by l.at desc, l.line_no desc
        limit $9
        "#,
        workspace_id.0,
        wanted.actor,
        wanted.action,
        wanted.outcome,
        wanted.record,
        wanted.from,
        wanted.until,
        before,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Wanted lines after the line of that number, oldest first.
pub(crate) async fn page_onwards(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    wanted: Wanted<'_>,
    after: i64,
    limit: i64,
) -> sqlx::Result<Vec<AuditLineRow>> {
    sqlx::query_as!(
        AuditLineRow,
        r#"
        select l.line_no, l.at, l.actor, l.actor_name, l.action, l.subject, l.subject_name, l.outcome, l.detail,
            l.run_id, l.contact_id, l.customer_id, l.previous_hash, l.hash, r.number as "run_number?"
        from audit_line l
        left join run r on r.workspace_id = l.workspace_id and r.run_id = l.run_id
        where l.workspace_id = $1
            and ($2::text is null or l.actor = $2)
            and ($3::text is null or l.action = $3)
            and ($4::text is null or l.outcome = $4)
            and ($5::text is null or l.contact_id = $5 or l.customer_id = $5)
            and ($6::timestamptz is null or l.at >= $6)
            and ($7::timestamptz is null or l.at < $7)
            and l.line_no > $8
        order by l.line_no
        limit $9
        "#,
        workspace_id.0,
        wanted.actor,
        wanted.action,
        wanted.outcome,
        wanted.record,
        wanted.from,
        wanted.until,
        after,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// How many lines are wanted, counted no further than `limit`.
pub(crate) async fn count(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    wanted: Wanted<'_>,
    limit: i64,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"
        select count(*) as "count!"
        from (
            select 1
            from audit_line l
            where l.workspace_id = $1
                and ($2::text is null or l.actor = $2)
                and ($3::text is null or l.action = $3)
                and ($4::text is null or l.outcome = $4)
                and ($5::text is null or l.contact_id = $5 or l.customer_id = $5)
                and ($6::timestamptz is null or l.at >= $6)
                and ($7::timestamptz is null or l.at < $7)
            limit $8
        ) as counted
        "#,
        workspace_id.0,
        wanted.actor,
        wanted.action,
        wanted.outcome,
        wanted.record,
        wanted.from,
        wanted.until,
        limit,
    )
    .fetch_one(conn)
    .await
}

/// One line by its number.
pub(crate) async fn find(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    line_no: i64,
) -> sqlx::Result<Option<AuditLineRow>> {
    sqlx::query_as!(
        AuditLineRow,
        r#"
        select l.line_no, l.at, l.actor, l.actor_name, l.action, l.subject, l.subject_name, l.outcome, l.detail,
            l.run_id, l.contact_id, l.customer_id, l.previous_hash, l.hash, r.number as "run_number?"
        from audit_line l
        left join run r on r.workspace_id = l.workspace_id and r.run_id = l.run_id
        where l.workspace_id = $1 and l.line_no = $2
        "#,
        workspace_id.0,
        line_no,
    )
    .fetch_optional(conn)
    .await
}

/// Makes the transaction see one state of the database throughout, and only read. Its first statement.
pub(crate) async fn freeze(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("set transaction isolation level repeatable read, read only").execute(conn).await?;
    Ok(())
}
