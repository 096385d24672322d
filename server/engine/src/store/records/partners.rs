//! Who may belong to whom: what matching looks for among the copies.

use super::RecordRow;
use domain::{RunId, SyncId, WorkspaceId};
use sqlx::PgConnection;
use time::OffsetDateTime;

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

/// Whether a customer with that e-mail address was read after that instant: one about to be created may be there by now.
pub(crate) async fn customer_came_since(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
    email: &str,
    since: OffsetDateTime,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"
        select exists (
            select 1
            from record
            where workspace_id = $1 and sync_id = $2 and side = 'chargify' and email = $3 and read_at > $4
        ) as "exists!"
        "#,
        workspace_id.0,
        sync_id.0,
        email,
        since,
    )
    .fetch_one(conn)
    .await
}

/// Customers a run has read that no contact is linked to, planned for, or in question for, by keyset.
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
          -- Read once for a page: a contact that may be any of them is a question, and none of them is alone.
          and remote_id not in (
              select jsonb_array_elements_text(plan->'matched'->'ambiguous'->'candidates')
              from run_item
              where workspace_id = $1 and run_id = $3 and action = 'ambiguous'
                and plan->'matched'->'ambiguous' is not null
              union all
              select plan->'matched'->>'case_only_reference'
              from run_item
              where workspace_id = $1 and run_id = $3 and action = 'ambiguous'
                and plan->'matched'->>'case_only_reference' is not null)
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

/// Contacts a customer may belong to: the one its reference names, else those with its e-mail address, else those with its
/// phone number and name.
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
          and (remote_id = $3 or email = $4
            or (phone, lower(display_name)) = (
                select phone, lower(display_name) from record
                where workspace_id = $1 and sync_id = $2 and side = 'chargify' and remote_id = $5
                  and display_name <> ''))
        order by remote_id = $3 desc nulls last, email = $4 desc nulls last, remote_id
        limit 10
        "#,
        workspace_id.0,
        sync_id.0,
        customer.reference,
        customer.email,
        customer.remote_id,
    )
    .fetch_all(conn)
    .await
}
