//! Received webhooks.

use domain::{ConnectionId, DeliveryId, Side, WorkspaceId};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// The connection a webhook is addressed to, with what proves the sender.
pub(crate) struct RecipientRow {
    pub(crate) workspace_id: Uuid,
    pub(crate) connection_id: Uuid,
    pub(crate) public_id: String,
    pub(crate) name: String,
    pub(crate) side: String,
    pub(crate) account: String,
    pub(crate) webhook_public_key: Option<String>,
    pub(crate) data_key: Vec<u8>,
    pub(crate) data_key_nonce: Vec<u8>,
    pub(crate) key_version: i32,
    pub(crate) shared_key: Option<Vec<u8>>,
    pub(crate) shared_key_nonce: Option<Vec<u8>>,
}

impl RecipientRow {
    /// As the database constrains it.
    pub(crate) fn side(&self) -> Side {
        if self.side == Side::Chargify.as_str() { Side::Chargify } else { Side::Highlevel }
    }
}

/// A delivery as the worker needs it.
#[derive(Clone, Debug)]
pub(crate) struct DeliveryRow {
    pub(crate) delivery_id: Uuid,
    pub(crate) side: String,
    pub(crate) event: String,
    pub(crate) body: Vec<u8>,
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

pub(crate) struct NewDelivery<'a> {
    pub(crate) workspace_id: WorkspaceId,
    pub(crate) delivery_id: DeliveryId,
    pub(crate) connection_id: ConnectionId,
    pub(crate) side: Side,
    pub(crate) webhook_id: &'a str,
    pub(crate) event: &'a str,
    pub(crate) subject_id: Option<&'a str>,
    pub(crate) body: &'a [u8],
    /// Why nothing is done about it; such a delivery is settled at once.
    pub(crate) ignored: Option<&'a str>,
    pub(crate) received_at: OffsetDateTime,
}

/// A sync that is to hear of a delivery, and the lane its work waits in.
pub(crate) struct ListenerRow {
    pub(crate) sync_id: Uuid,
    pub(crate) lane_id: Uuid,
}

/// By public id, else by name as long as one connection of the installation bears it.
pub(crate) async fn recipient(conn: &mut PgConnection, side: Side, key: &str) -> sqlx::Result<Option<RecipientRow>> {
    let mut rows = sqlx::query_as!(
        RecipientRow,
        r#"
        select
            c.workspace_id, c.connection_id, c.public_id, c.name, c.side, c.account, c.webhook_public_key, c.data_key,
            c.data_key_nonce, c.key_version, k.sealed as "shared_key?", k.nonce as "shared_key_nonce?"
        from connection c
        left join credential k
            on k.workspace_id = c.workspace_id and k.connection_id = c.connection_id and k.field = 'shared_key'
        where c.public_id = $1 or c.name = $1
        order by c.public_id = $1 desc
        limit 2
        "#,
        key,
    )
    .fetch_all(conn)
    .await?;
    let is_certain = rows.len() == 1 || rows.first().is_some_and(|row| row.public_id == key);
    rows.truncate(1);
    Ok(rows.pop().filter(|row| is_certain && row.side == side.as_str()))
}

/// The syncs a connection takes part in; at most 50.
pub(crate) async fn listeners(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    connection_id: Uuid,
) -> sqlx::Result<Vec<ListenerRow>> {
    sqlx::query_as!(
        ListenerRow,
        r#"
        select sync_id, chargify_connection_id as lane_id
        from sync
        where workspace_id = $1 and (highlevel_connection_id = $2 or chargify_connection_id = $2)
        order by sync_id
        limit 50
        "#,
        workspace_id.0,
        connection_id,
    )
    .fetch_all(conn)
    .await
}

/// Records an arrival. False: it is another arrival of a delivery recorded before, which only counts it.
pub(crate) async fn record(conn: &mut PgConnection, new: &NewDelivery<'_>) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"
        insert into delivery (
            workspace_id, delivery_id, connection_id, side, webhook_id, event, subject_id, body, state, detail,
            received_at, settled_at)
        values (
            $1, $2, $3, $4, $5, $6, $7, $8, case when $9::text is null then 'recorded' else 'ignored' end, $9,
            $10::timestamptz, case when $9::text is null then null else $10::timestamptz end)
        on conflict on constraint delivery_once do update set arrivals = delivery.arrivals + 1
        returning (xmax = 0) as "is_new!"
        "#,
        new.workspace_id.0,
        new.delivery_id.0,
        new.connection_id.0,
        new.side.as_str(),
        new.webhook_id,
        new.event,
        new.subject_id,
        new.body,
        new.ignored,
        new.received_at,
    )
    .fetch_one(conn)
    .await
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

/// How a delivery ended.
pub(crate) struct Settled<'a> {
    /// `done` or `ignored`.
    pub(crate) state: &'a str,
    pub(crate) outcome: Option<&'a str>,
    pub(crate) detail: Option<&'a str>,
    pub(crate) at: OffsetDateTime,
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
