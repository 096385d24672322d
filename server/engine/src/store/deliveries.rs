//! Received webhooks.

use domain::{ConnectionId, DeliveryId, Side, WorkspaceId};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// The connection a webhook is addressed to, with what proves the sender and who is to hear of it.
pub struct RecipientRow {
    /// What it was looked for by.
    pub key: String,
    pub workspace_id: Uuid,
    pub connection_id: Uuid,
    pub public_id: String,
    pub name: String,
    pub side: String,
    pub account: String,
    pub webhook_public_key: Option<String>,
    pub data_key: Vec<u8>,
    pub data_key_nonce: Vec<u8>,
    pub key_version: i32,
    /// The secret shared with the sender: Chargify's shared key, or what GoHighLevel's workflows send along.
    pub shared_key: Option<Vec<u8>>,
    pub shared_key_nonce: Option<Vec<u8>>,
    /// The app the connection calls with, and the agency that installed it, if one did.
    pub client_id: Option<String>,
    pub company_id: Option<String>,
    /// Syncs the connection takes part in, and beside each the lane its work waits in.
    pub sync_ids: Vec<Uuid>,
    pub lane_ids: Vec<Uuid>,
}

impl RecipientRow {
    /// As the database constrains it.
    pub(crate) fn side(&self) -> Side {
        if self.side == Side::Chargify.as_str() { Side::Chargify } else { Side::Highlevel }
    }
}

/// A delivery as the worker needs it.
#[derive(Clone, Debug)]
pub struct DeliveryRow {
    pub delivery_id: Uuid,
    pub side: String,
    pub event: String,
    pub body: Vec<u8>,
}

/// A delivery as lists show it: without its body.
pub(crate) struct ListRow {
    pub(crate) delivery_id: Uuid,
    pub(crate) connection: String,
    pub(crate) side: String,
    pub(crate) webhook_id: String,
    pub(crate) event: String,
    pub(crate) subject_id: Option<String>,
    pub(crate) arrivals: i32,
    pub(crate) state: String,
    pub(crate) outcome: Option<String>,
    pub(crate) detail: Option<String>,
    pub(crate) received_at: OffsetDateTime,
    pub(crate) settled_at: Option<OffsetDateTime>,
}

/// Arrivals to be recorded, column by column. No two of them are the same delivery.
#[derive(Default)]
pub struct DeliveryBatch {
    pub workspace_id: Vec<Uuid>,
    pub delivery_id: Vec<Uuid>,
    pub connection_id: Vec<Uuid>,
    pub side: Vec<String>,
    pub webhook_id: Vec<String>,
    pub event: Vec<String>,
    pub subject_id: Vec<Option<String>>,
    pub body: Vec<Vec<u8>>,
    /// How often it is in this batch.
    pub arrivals: Vec<i32>,
    /// Why nothing is done about it; such a delivery is settled at once.
    pub ignored: Vec<Option<String>>,
}

/// The work deliveries call for, if they are new.
#[derive(Default)]
pub struct WorkBatch {
    pub delivery_id: Vec<Uuid>,
    pub workspace_id: Vec<Uuid>,
    pub job_id: Vec<Uuid>,
    pub lane_id: Vec<Uuid>,
    pub kind: Vec<String>,
    pub payload: Vec<serde_json::Value>,
    pub priority: Vec<i16>,
    pub coalesce_key: Vec<String>,
}

/// For each key the connections it may mean, at most two: by public id first, else by name. Two of one name mean that
/// the name is not unique in the installation.
pub(crate) async fn recipients(conn: &mut PgConnection, keys: &[String]) -> sqlx::Result<Vec<RecipientRow>> {
    sqlx::query_as!(
        RecipientRow,
        r#"
        select
            wanted.key as "key!", c.workspace_id, c.connection_id, c.public_id, c.name, c.side, c.account,
            c.webhook_public_key, c.data_key, c.data_key_nonce, c.key_version, k.sealed as "shared_key?",
            k.nonce as "shared_key_nonce?", i.client_id as "client_id?", i.company_id as "company_id?",
            l.sync_ids as "sync_ids!", l.lane_ids as "lane_ids!"
        from unnest($1::text[]) as wanted (key)
        cross join lateral (
            select *
            from connection
            where public_id = wanted.key or name = wanted.key
            order by public_id = wanted.key desc
            limit 2
        ) as c
        left join credential k
            on k.workspace_id = c.workspace_id and k.connection_id = c.connection_id
                and k.field = case c.side when 'chargify' then 'shared_key' else 'workflow_secret' end
        left join install i on i.workspace_id = c.workspace_id and i.connection_id = c.connection_id
        cross join lateral (
            select
                coalesce(array_agg(sync_id order by sync_id), '{}') as sync_ids,
                coalesce(array_agg(chargify_connection_id order by sync_id), '{}') as lane_ids
            from (
                select sync_id, chargify_connection_id
                from sync
                where workspace_id = c.workspace_id
                    and (highlevel_connection_id = c.connection_id or chargify_connection_id = c.connection_id)
                order by sync_id
                limit 50
            ) as listener
        ) as l
        "#,
        keys,
    )
    .fetch_all(conn)
    .await
}

/// Records arrivals and queues the work of those that are new, in one statement and so in one transaction. Another
/// arrival of a delivery recorded before only counts it. Returns the ids of the new ones. Wakes workers on commit.
pub(crate) async fn record(
    conn: &mut PgConnection,
    new: &DeliveryBatch,
    work: &WorkBatch,
    at: OffsetDateTime,
) -> sqlx::Result<Vec<Uuid>> {
    let rows = sqlx::query!(
        r#"
        with recorded as (
            insert into delivery (
                workspace_id, delivery_id, connection_id, side, webhook_id, event, subject_id, body, arrivals, state,
                detail, received_at, settled_at)
            select
                n.workspace_id, n.delivery_id, n.connection_id, n.side, n.webhook_id, n.event, n.subject_id, n.body,
                n.arrivals, case when n.ignored is null then 'recorded' else 'ignored' end, n.ignored,
                $11::timestamptz, case when n.ignored is null then null else $11::timestamptz end
            from unnest(
                $1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bytea[],
                $9::int[], $10::text[]
            ) as n (
                workspace_id, delivery_id, connection_id, side, webhook_id, event, subject_id, body, arrivals, ignored)
            order by n.workspace_id, n.connection_id, n.webhook_id
            on conflict on constraint delivery_once do update set arrivals = delivery.arrivals + excluded.arrivals
            returning delivery_id, (xmax = 0) as is_new
        ), queued as (
            insert into job (workspace_id, job_id, lane_id, kind, payload, priority, coalesce_key)
            select distinct on (w.workspace_id, w.coalesce_key)
                w.workspace_id, w.job_id, w.lane_id, w.kind, w.payload, w.priority, w.coalesce_key
            from unnest(
                $12::uuid[], $13::uuid[], $14::uuid[], $15::uuid[], $16::text[], $17::jsonb[], $18::smallint[],
                $19::text[]
            ) as w (delivery_id, workspace_id, job_id, lane_id, kind, payload, priority, coalesce_key)
            join recorded on recorded.delivery_id = w.delivery_id and recorded.is_new
            order by w.workspace_id, w.coalesce_key
            on conflict (workspace_id, coalesce_key) where state = 'ready'
            do update set
                run_at = least(job.run_at, excluded.run_at),
                priority = least(job.priority, excluded.priority)
            returning 1
        )
        select delivery_id, (select pg_notify('concord_job', '')::text from queued limit 1) as notified
        from recorded
        where is_new
        "#,
        &new.workspace_id,
        &new.delivery_id,
        &new.connection_id,
        &new.side,
        &new.webhook_id,
        &new.event,
        &new.subject_id as &[Option<String>],
        &new.body,
        &new.arrivals,
        &new.ignored as &[Option<String>],
        at,
        &work.delivery_id,
        &work.workspace_id,
        &work.job_id,
        &work.lane_id,
        &work.kind,
        &work.payload,
        &work.priority,
        &work.coalesce_key,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| row.delivery_id).collect())
}

/// Deliveries about these subjects that still wait, oldest first; at most 200.
pub(crate) async fn open_for_subject(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    connection_id: ConnectionId,
    subject_ids: &[String],
) -> sqlx::Result<Vec<DeliveryRow>> {
    sqlx::query_as!(
        DeliveryRow,
        r#"
        select delivery_id, side, event, body
        from delivery
        where workspace_id = $1 and subject_id = any($3) and state = 'recorded' and connection_id = $2
        order by received_at, delivery_id
        limit 200
        "#,
        workspace_id.0,
        connection_id.0,
        subject_ids,
    )
    .fetch_all(conn)
    .await
}

/// Whether a delivery about that subject that came after an instant still waits.
pub(crate) async fn waits(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    connection_id: ConnectionId,
    subject_id: &str,
    since: OffsetDateTime,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"
        select exists (
            select 1
            from delivery
            where workspace_id = $1 and subject_id = $3 and state = 'recorded' and connection_id = $2 and received_at > $4
        ) as "exists!"
        "#,
        workspace_id.0,
        connection_id.0,
        subject_id,
        since,
    )
    .fetch_one(conn)
    .await
}

/// How a delivery ended.
pub struct Settled<'a> {
    /// `done` or `ignored`.
    pub state: &'a str,
    pub outcome: Option<&'a str>,
    pub detail: Option<&'a str>,
    pub at: OffsetDateTime,
}

/// Settles those that still wait; what was settled before stays as it is.
pub(crate) async fn settle(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    delivery_ids: &[Uuid],
    settled: &Settled<'_>,
) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        r#"
        update delivery
        set state = $3, outcome = $4, detail = $5, settled_at = $6
        where workspace_id = $1 and delivery_id = any($2) and state = 'recorded'
        "#,
        workspace_id.0,
        delivery_ids,
        settled.state,
        settled.outcome,
        settled.detail,
        settled.at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Deliveries older than the one named (or the newest), newest first.
pub(crate) async fn page(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    before: Option<DeliveryId>,
    limit: i64,
) -> sqlx::Result<Vec<ListRow>> {
    sqlx::query_as!(
        ListRow,
        r#"
        select
            d.delivery_id, c.name as connection, d.side, d.webhook_id, d.event, d.subject_id, d.arrivals, d.state,
            d.outcome, d.detail, d.received_at, d.settled_at
        from delivery d
        join connection c on c.workspace_id = d.workspace_id and c.connection_id = d.connection_id
        where d.workspace_id = $1
            and ($2::uuid is null or (d.received_at, d.delivery_id) < (
                select b.received_at, b.delivery_id from delivery b where b.workspace_id = $1 and b.delivery_id = $2))
        order by d.received_at desc, d.delivery_id desc
        limit $3
        "#,
        workspace_id.0,
        before.map(|id| id.0),
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Whether a refusal of that reason was written down for that subject since then.
pub(crate) async fn refused_since(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    subject: &str,
    reason: &str,
    since: OffsetDateTime,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"
        select exists (
            select 1
            from audit_line
            where workspace_id = $1 and action = 'delivery.refused' and at > $4 and subject = $2
                and detail ->> 'reason' = $3
        ) as "exists!"
        "#,
        workspace_id.0,
        subject,
        reason,
        since,
    )
    .fetch_one(conn)
    .await
}

/// Public ids of the connections of a side that call this address, over all workspaces; at most 10.
pub(crate) async fn connected_to(conn: &mut PgConnection, side: Side, base_url: &str) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        "select public_id from connection where side = $1 and base_url = $2 order by created_at desc limit 10",
        side.as_str(),
        base_url,
    )
    .fetch_all(conn)
    .await
}
