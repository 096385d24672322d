//! Nodes, and the slots they lease: the right to have one request in flight at an account, over all processes.
//! Every duration is measured by the database's clock.

use domain::{ConnectionId, WorkspaceId};
use sqlx::{PgConnection, postgres::PgListener};
use uuid::Uuid;

/// A slot as leased.
pub struct SlotRow {
    pub slot_no: i16,
    pub fence: i64,
}

/// The lane's limits and pause.
pub struct LaneRow {
    pub call_slots: i16,
    /// Milliseconds until the pause ends; 0 when the lane is open.
    pub paused_ms: i64,
    pub pause_reason: Option<String>,
    /// Length of the last pause, from which the next one grows; forgotten after ten minutes of calm.
    pub pause_ms: Option<i64>,
}

/// Records a node. Its liveness is the advisory lock it holds, not this row.
pub(crate) async fn insert_node(conn: &mut PgConnection, node_id: Uuid, lock_key: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into node (node_id, lock_key) values ($1, $2) on conflict (node_id) do update set seen_at = now()",
        node_id,
        lock_key
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes the node's lock for as long as the listener's session lives. False: somebody else has it.
pub(crate) async fn lock_node(conn: &mut PgListener, lock_key: i64) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select pg_try_advisory_lock($1) as "locked!""#, lock_key).fetch_one(conn).await
}

/// Nodes other than this one.
pub(crate) async fn other_nodes(conn: &mut PgConnection, node_id: Uuid) -> sqlx::Result<Vec<(Uuid, i64)>> {
    let rows = sqlx::query!("select node_id, lock_key from node where node_id <> $1 limit 1000", node_id)
        .fetch_all(conn)
        .await?;
    Ok(rows.into_iter().map(|row| (row.node_id, row.lock_key)).collect())
}

/// Gives back what a node that ends in order held: nothing of it is in flight any more.
pub(crate) async fn leave(conn: &mut PgConnection, node_id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("update slot set node_id = null, lease_until = null where node_id = $1", node_id)
        .execute(&mut *conn)
        .await?;
    sqlx::query!("delete from slot_wish where node_id = $1", node_id).execute(&mut *conn).await?;
    sqlx::query!("delete from node where node_id = $1", node_id).execute(&mut *conn).await?;
    Ok(())
}

/// Whether nobody holds the lock, asked and answered inside the caller's transaction.
pub(crate) async fn lock_is_free(conn: &mut PgConnection, lock_key: i64) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select pg_try_advisory_xact_lock($1) as "free!""#, lock_key).fetch_one(conn).await
}

/// Gives back what a dead node held. Its slots rest first: a request of it may still be running at the remote.
pub(crate) async fn bury_node(conn: &mut PgConnection, node_id: Uuid, rest_ms: i64) -> sqlx::Result<u64> {
    sqlx::query!(
        r#"
        update slot
        set node_id = null, lease_until = null, usable_from = now() + make_interval(secs => $2::float8 / 1000)
        where node_id = $1
        "#,
        node_id,
        rest_ms as f64,
    )
    .execute(&mut *conn)
    .await?;
    let jobs = sqlx::query!(
        r#"
        update job
        set state = 'ready', lease_until = null, node_id = null, run_at = now()
        where node_id = $1
          and state = 'running'
          and not exists (
              select 1 from job newer
              where newer.workspace_id = job.workspace_id
                and newer.coalesce_key = job.coalesce_key
                and newer.state = 'ready')
        "#,
        node_id,
    )
    .execute(&mut *conn)
    .await?
    .rows_affected();
    sqlx::query!(
        "update job set state = 'superseded', finished_at = now() where node_id = $1 and state = 'running'",
        node_id
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("delete from slot_wish where node_id = $1", node_id).execute(&mut *conn).await?;
    sqlx::query!("delete from node where node_id = $1", node_id).execute(&mut *conn).await?;
    Ok(jobs)
}

/// Leases one free slot of the account, or none.
pub(crate) async fn lease(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    lane_id: ConnectionId,
    node_id: Uuid,
    lease_s: i32,
) -> sqlx::Result<Option<SlotRow>> {
    sqlx::query_as!(
        SlotRow,
        r#"
        update slot
        set node_id = $3, fence = fence + 1, lease_until = now() + make_interval(secs => $4::int)
        where workspace_id = $1
          and lane_id = $2
          and slot_no = (
              select free.slot_no
              from slot free
              join lane on lane.workspace_id = free.workspace_id and lane.connection_id = free.lane_id
              where free.workspace_id = $1
                and free.lane_id = $2
                and free.slot_no <= lane.call_slots
                and (free.node_id is null or free.lease_until < now())
                and (free.usable_from is null or free.usable_from <= now())
              order by free.slot_no
              limit 1
              for update of free skip locked)
        returning slot_no, fence
        "#,
        workspace_id.0,
        lane_id.0,
        node_id,
        lease_s,
    )
    .fetch_optional(conn)
    .await
}

/// Extends the leases this node still holds; returns those (a slot missing from the answer is lost).
pub(crate) async fn renew(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    lane_id: ConnectionId,
    node_id: Uuid,
    lease_s: i32,
) -> sqlx::Result<Vec<SlotRow>> {
    sqlx::query_as!(
        SlotRow,
        r#"
        update slot
        set lease_until = now() + make_interval(secs => $4::int)
        where workspace_id = $1
          and lane_id = $2
          and node_id = $3
          and lease_until > now()
        returning slot_no, fence
        "#,
        workspace_id.0,
        lane_id.0,
        node_id,
        lease_s,
    )
    .fetch_all(conn)
    .await
}

/// Gives a slot back; nothing happens when it was lost meanwhile.
pub(crate) async fn release(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    lane_id: ConnectionId,
    node_id: Uuid,
    slot: &SlotRow,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update slot
        set node_id = null, lease_until = null
        where workspace_id = $1 and lane_id = $2 and slot_no = $3 and node_id = $4 and fence = $5
        "#,
        workspace_id.0,
        lane_id.0,
        slot.slot_no,
        node_id,
        slot.fence,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Says that this node would like a slot; holders of several see it.
pub(crate) async fn wish(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    lane_id: ConnectionId,
    node_id: Uuid,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into slot_wish (workspace_id, lane_id, node_id, until)
        values ($1, $2, $3, now() + interval '3 seconds')
        on conflict (workspace_id, lane_id, node_id) do update set until = excluded.until
        "#,
        workspace_id.0,
        lane_id.0,
        node_id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// This node has a slot now.
pub(crate) async fn unwish(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    lane_id: ConnectionId,
    node_id: Uuid,
) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from slot_wish where workspace_id = $1 and lane_id = $2 and node_id = $3",
        workspace_id.0,
        lane_id.0,
        node_id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How many other nodes want a slot of this account now.
pub(crate) async fn wishes_of_others(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    lane_id: ConnectionId,
    node_id: Uuid,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"
        select count(*) as "count!"
        from slot_wish
        where workspace_id = $1 and lane_id = $2 and node_id <> $3 and until > now()
        "#,
        workspace_id.0,
        lane_id.0,
        node_id,
    )
    .fetch_one(conn)
    .await
}

/// The lane's limits and pause.
pub(crate) async fn lane(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    lane_id: ConnectionId,
) -> sqlx::Result<Option<LaneRow>> {
    sqlx::query_as!(
        LaneRow,
        r#"
        select
            call_slots,
            greatest(0, ceil(extract(epoch from (paused_until - now())) * 1000))::bigint as "paused_ms!",
            pause_reason,
            pause_ms
        from (
            select
                call_slots,
                coalesce(paused_until, now()) as paused_until,
                pause_reason,
                -- A pause that ended long ago no longer makes the next one longer.
                case when paused_until > now() - interval '10 minutes' then pause_ms end as pause_ms
            from lane
            where workspace_id = $1 and connection_id = $2
        ) as open_lane
        "#,
        workspace_id.0,
        lane_id.0,
    )
    .fetch_optional(conn)
    .await
}

/// Closes the lane for a while; a longer pause that is already set stays.
pub(crate) async fn pause(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    lane_id: ConnectionId,
    pause_ms: i64,
    reason: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update lane
        set paused_until = greatest(coalesce(paused_until, now()), now() + make_interval(secs => $3::float8 / 1000)),
            pause_reason = $4,
            pause_ms = $5
        where workspace_id = $1 and connection_id = $2
        "#,
        workspace_id.0,
        lane_id.0,
        pause_ms as f64,
        reason,
        pause_ms,
    )
    .execute(conn)
    .await?;
    Ok(())
}
