//! The copy of a site's subscriptions, and how far it can be trusted.

use domain::{
    ConnectionId, RemoteId, RunId, SyncId, WorkspaceId,
    subscription::{Payment, State, Subscription},
};
use serde_json::Value as Json;
use sqlx::PgConnection;
use time::OffsetDateTime;

/// Whose copy it is, and when what is put into it was read.
#[derive(Clone, Copy, Debug)]
pub struct SiteMark {
    pub workspace_id: WorkspaceId,
    /// The connection to the Chargify site.
    pub connection_id: ConnectionId,
    pub read_at: OffsetDateTime,
}

/// How far the copy of a site's subscriptions can be trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Freshness {
    /// When the last list that was read to its end was begun. `None`: never.
    pub listed_at: Option<OffsetDateTime>,
    /// Until when nothing that happened at the site can be missing.
    pub current_at: Option<OffsetDateTime>,
    /// The last event of the site that is taken in. `None`: never heard of any.
    pub event_id: Option<i64>,
    /// When a webhook last changed it.
    pub heard_at: Option<OffsetDateTime>,
}

/// Rows to write, column by column.
#[derive(Default)]
struct Columns {
    subscription_id: Vec<String>,
    customer_id: Vec<String>,
    state: Vec<String>,
    product: Vec<String>,
    product_handle: Vec<Option<String>>,
    price_in_cents: Vec<Option<i64>>,
    balance_in_cents: Vec<Option<i64>>,
    currency: Vec<Option<String>>,
    next_billing_at: Vec<Option<OffsetDateTime>>,
    trial_ends_at: Vec<Option<OffsetDateTime>>,
    created_at: Vec<OffsetDateTime>,
    updated_at: Vec<OffsetDateTime>,
    event_id: Vec<Option<i64>>,
}

impl Columns {
    fn of(batch: &[Subscription]) -> Self {
        let mut columns = Self::default();
        for row in batch {
            columns.subscription_id.push(row.id.0.clone());
            columns.customer_id.push(row.customer_id.0.clone());
            columns.state.push(row.state.as_str().to_owned());
            columns.product.push(row.product.clone());
            columns.product_handle.push(row.product_handle.clone());
            columns.price_in_cents.push(row.price_in_cents);
            columns.balance_in_cents.push(row.balance_in_cents);
            columns.currency.push(row.currency.clone());
            columns.next_billing_at.push(row.next_billing_at);
            columns.trial_ends_at.push(row.trial_ends_at);
            columns.created_at.push(row.created_at);
            columns.updated_at.push(row.updated_at);
            columns.event_id.push(row.event_id);
        }
        columns
    }
}

/// Inserts or refreshes copies; what is older than the copy changes nothing. Returns the customers, before and after, of
/// those that were taken in, in no order.
///
/// Later is what was updated in a later second; within one second the greater event; where an event is not known, what was
/// read later.
pub(crate) async fn put(conn: &mut PgConnection, mark: SiteMark, batch: &[Subscription]) -> sqlx::Result<Vec<String>> {
    let mut touched = put_states(&mut *conn, mark, batch).await?;
    touched.extend(put_payments(conn, mark, batch).await?);
    touched.sort_unstable();
    touched.dedup();
    Ok(touched)
}

async fn put_states(conn: &mut PgConnection, mark: SiteMark, batch: &[Subscription]) -> sqlx::Result<Vec<String>> {
    let new = Columns::of(batch);
    sqlx::query_scalar!(
        r#"
        with taken as (
            insert into subscription (
                workspace_id, connection_id, read_at, subscription_id, customer_id, state, product, product_handle,
                price_in_cents, balance_in_cents, currency, next_billing_at, trial_ends_at, created_at, updated_at,
                event_id)
            select distinct on (new.subscription_id) $1, $2, $3, new.*
            from unnest(
                $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[], $10::bigint[], $11::text[],
                $12::timestamptz[], $13::timestamptz[], $14::timestamptz[], $15::timestamptz[], $16::bigint[]
            ) as new (
                subscription_id, customer_id, state, product, product_handle, price_in_cents, balance_in_cents,
                currency, next_billing_at, trial_ends_at, created_at, updated_at, event_id)
            order by new.subscription_id, new.updated_at desc, new.event_id desc nulls last
            on conflict (workspace_id, connection_id, subscription_id)
            do update set
                read_at = excluded.read_at, customer_id = excluded.customer_id, state = excluded.state,
                product = excluded.product, product_handle = excluded.product_handle,
                price_in_cents = excluded.price_in_cents, balance_in_cents = excluded.balance_in_cents,
                currency = coalesce(excluded.currency, subscription.currency),
                next_billing_at = excluded.next_billing_at, trial_ends_at = excluded.trial_ends_at,
                created_at = excluded.created_at, updated_at = excluded.updated_at,
                event_id = case
                    when subscription.updated_at < excluded.updated_at then excluded.event_id
                    else greatest(subscription.event_id, excluded.event_id)
                end
            where subscription.gone_at is null
              and (subscription.updated_at < excluded.updated_at
                   or (subscription.updated_at = excluded.updated_at
                       and case
                           when subscription.event_id is null or excluded.event_id is null
                               then subscription.read_at <= excluded.read_at
                           else subscription.event_id <= excluded.event_id
                       end))
            returning subscription_id, customer_id
        )
        select taken.customer_id as "customer_id!" from taken
        union
        -- As it was before: whoever had it no longer has it.
        select before.customer_id
        from subscription as before
        join taken on taken.subscription_id = before.subscription_id
        where before.workspace_id = $1 and before.connection_id = $2
        "#,
        mark.workspace_id.0,
        mark.connection_id.0,
        mark.read_at,
        &new.subscription_id,
        &new.customer_id,
        &new.state,
        &new.product,
        &new.product_handle as &[Option<String>],
        &new.price_in_cents as &[Option<i64>],
        &new.balance_in_cents as &[Option<i64>],
        &new.currency as &[Option<String>],
        &new.next_billing_at as &[Option<OffsetDateTime>],
        &new.trial_ends_at as &[Option<OffsetDateTime>],
        &new.created_at,
        &new.updated_at,
        &new.event_id as &[Option<i64>],
    )
    .fetch_all(conn)
    .await
}

/// The payments that the batch tells, each in place of an earlier one.
async fn put_payments(conn: &mut PgConnection, mark: SiteMark, batch: &[Subscription]) -> sqlx::Result<Vec<String>> {
    let mut touched = Vec::new();
    for (row, payment) in batch.iter().filter_map(|row| row.payment.as_ref().map(|payment| (row, payment))) {
        let is_taken = sqlx::query!(
            r#"
            insert into subscription_payment (
                workspace_id, connection_id, subscription_id, failed, amount_in_cents, at, event_id)
            values ($1, $2, $3, $4, $5, $6, $7)
            on conflict (workspace_id, connection_id, subscription_id)
            do update set
                failed = excluded.failed,
                amount_in_cents = excluded.amount_in_cents,
                at = excluded.at,
                event_id = excluded.event_id
            where subscription_payment.at < excluded.at
               or (subscription_payment.at = excluded.at
                   and coalesce(subscription_payment.event_id, 0) <= coalesce(excluded.event_id, 0))
            "#,
            mark.workspace_id.0,
            mark.connection_id.0,
            row.id.0,
            payment.failed,
            payment.amount_in_cents,
            payment.at,
            payment.event_id,
        )
        .execute(&mut *conn)
        .await?;
        if is_taken.rows_affected() == 1 {
            touched.push(row.customer_id.0.clone());
        }
    }
    Ok(touched)
}

/// A subscription with its payment, as one row.
struct Row {
    subscription_id: String,
    customer_id: String,
    state: String,
    product: String,
    product_handle: Option<String>,
    price_in_cents: Option<i64>,
    balance_in_cents: Option<i64>,
    currency: Option<String>,
    next_billing_at: Option<OffsetDateTime>,
    trial_ends_at: Option<OffsetDateTime>,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
    event_id: Option<i64>,
    failed: Option<bool>,
    amount_in_cents: Option<i64>,
    paid_at: Option<OffsetDateTime>,
    payment_event_id: Option<i64>,
}

impl From<Row> for Subscription {
    fn from(row: Row) -> Self {
        let (amount_in_cents, event_id) = (row.amount_in_cents, row.payment_event_id);
        let payment = row.failed.zip(row.paid_at).map(|(failed, at)| Payment { failed, amount_in_cents, at, event_id });
        Self {
            id: RemoteId(row.subscription_id),
            customer_id: RemoteId(row.customer_id),
            state: State::from(row.state),
            product: row.product,
            product_handle: row.product_handle,
            price_in_cents: row.price_in_cents,
            balance_in_cents: row.balance_in_cents,
            currency: row.currency,
            next_billing_at: row.next_billing_at,
            trial_ends_at: row.trial_ends_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
            event_id: row.event_id,
            payment,
        }
    }
}

/// The subscriptions of these customers, by customer, oldest first.
pub(crate) async fn of_customers(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    connection_id: ConnectionId,
    customer_ids: &[String],
) -> sqlx::Result<Vec<Subscription>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        select s.subscription_id, s.customer_id, s.state, s.product, s.product_handle, s.price_in_cents,
               s.balance_in_cents, s.currency, s.next_billing_at, s.trial_ends_at, s.created_at, s.updated_at,
               s.event_id, p.failed as "failed?", p.amount_in_cents as "amount_in_cents?", p.at as "paid_at?",
               p.event_id as "payment_event_id?"
        from subscription as s
        left join subscription_payment as p using (workspace_id, connection_id, subscription_id)
        where s.workspace_id = $1 and s.connection_id = $2 and s.customer_id = any($3) and s.gone_at is null
        order by s.customer_id collate "C", s.created_at, s.subscription_id collate "C"
        "#,
        workspace_id.0,
        connection_id.0,
        customer_ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Subscription::from).collect())
}

/// The subscription is proved deleted. Returns whose it was, if the copy had it.
pub(crate) async fn mark_gone(
    conn: &mut PgConnection,
    mark: SiteMark,
    subscription_id: &str,
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        r#"
        update subscription
        set gone_at = $4
        where workspace_id = $1 and connection_id = $2 and subscription_id = $3 and gone_at is null
        returning customer_id
        "#,
        mark.workspace_id.0,
        mark.connection_id.0,
        subscription_id,
        mark.read_at,
    )
    .fetch_optional(conn)
    .await
}

/// How far the copy can be trusted; all `None` when nothing was ever read or heard.
pub(crate) async fn freshness(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    connection_id: ConnectionId,
) -> sqlx::Result<Freshness> {
    let found = sqlx::query_as!(
        Freshness,
        r#"
        select listed_at, current_at, event_id, heard_at
        from subscription_cache
        where workspace_id = $1 and connection_id = $2
        "#,
        workspace_id.0,
        connection_id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.unwrap_or_default())
}

/// Sets what is told; everything only moves forward.
pub(crate) async fn set_freshness(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    connection_id: ConnectionId,
    told: Freshness,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into subscription_cache as known (workspace_id, connection_id, listed_at, current_at, heard_at, event_id)
        values ($1, $2, $3, $4, $5, $6)
        on conflict (workspace_id, connection_id)
        do update set
            listed_at = greatest(known.listed_at, excluded.listed_at),
            current_at = greatest(known.current_at, excluded.current_at),
            heard_at = greatest(known.heard_at, excluded.heard_at),
            event_id = greatest(known.event_id, excluded.event_id)
        "#,
        workspace_id.0,
        connection_id.0,
        told.listed_at,
        told.current_at,
        told.heard_at,
        told.event_id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps what the subscriptions of customers tell with their copies, where it differs from what stands there; those copies
/// are seen by the run, if one is given. Returns which changed, in no order.
pub(crate) async fn set_facts(
    conn: &mut PgConnection,
    (workspace_id, sync_id, run_id): (WorkspaceId, SyncId, Option<RunId>),
    read_at: OffsetDateTime,
    ids: &[String],
    facts: &[Json],
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"
        update record
        set metafields = coalesce(record.metafields, '{}') || new.facts,
            field_values = record.field_values || new.facts,
            read_at = greatest(record.read_at, $3),
            seen_run = coalesce($6, record.seen_run)
        from unnest($4::text[], $5::jsonb[]) as new (remote_id, facts)
        where record.workspace_id = $1
          and record.sync_id = $2
          and record.side = 'chargify'
          and record.remote_id = new.remote_id
          and not record.field_values @> new.facts
        returning record.remote_id
        "#,
        workspace_id.0,
        sync_id.0,
        read_at,
        ids,
        facts,
        run_id.map(|run| run.0),
    )
    .fetch_all(conn)
    .await
}

/// Live customers of a sync, all or those a run has seen, by id after `after`.
pub(crate) async fn customers_there(
    conn: &mut PgConnection,
    (workspace_id, sync_id): (WorkspaceId, SyncId),
    run_id: Option<RunId>,
    after: &str,
    limit: i64,
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"
        select remote_id
        from record
        where workspace_id = $1 and sync_id = $2 and side = 'chargify' and remote_id > $4 and gone_at is null
          and ($3::uuid is null or seen_run = $3)
        order by remote_id
        limit $5
        "#,
        workspace_id.0,
        sync_id.0,
        run_id.map(|run| run.0),
        after,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// The copies of a workspace's sites that were ever read or heard of, by the connection's name, with how many subscriptions
/// each has.
pub(crate) async fn copies(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
) -> sqlx::Result<Vec<(String, i64, Freshness)>> {
    let rows = sqlx::query!(
        r#"
        select c.name, known.listed_at, known.current_at, known.event_id, known.heard_at,
               (select count(*)
                from subscription as s
                where s.workspace_id = known.workspace_id
                  and s.connection_id = known.connection_id
                  and s.gone_at is null) as "subscriptions!"
        from subscription_cache as known
        join connection as c using (workspace_id, connection_id)
        where known.workspace_id = $1
        order by c.name
        "#,
        workspace_id.0,
    )
    .fetch_all(conn)
    .await?;
    let copies = rows.into_iter().map(|row| {
        let (listed_at, current_at) = (row.listed_at, row.current_at);
        let fresh = Freshness { listed_at, current_at, event_id: row.event_id, heard_at: row.heard_at };
        (row.name, row.subscriptions, fresh)
    });
    Ok(copies.collect())
}
