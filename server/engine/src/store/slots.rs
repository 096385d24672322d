//! Nodes, and the slots they lease: the right to have one request in flight at an account, over all processes.
//! Every duration is measured by the database's clock.

use domain::{ConnectionId, WorkspaceId};
use sqlx::{PgConnection, postgres::PgListener};
use uuid::Uuid;

/// A slot as leased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SlotRow {
    pub slot_no: i16,
    pub fence: i64,
}

/// The lane's limits and pause.
pub struct LaneRow {
    pub call_slots: i16,
    /// Slots given out for now, after a pause; `None`: all.
    pub open_slots: Option<i16>,
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
    sqlx::query!("update slot set node_id = null, lease_until = null, busy_since = null where node_id = $1", node_id)
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

/// Gives a slot back whose request the service may still be at: nobody gets it before that has surely ended.
pub(crate) async fn rest(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    lane_id: ConnectionId,
    slot: &SlotRow,
    rest_ms: i64,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update slot
        set node_id = null, lease_until = null, busy_since = null,
            usable_from = now() + make_interval(secs => $5::float8 / 1000)
        where workspace_id = $1 and lane_id = $2 and slot_no = $3 and fence = $4
        "#,
        workspace_id.0,
        lane_id.0,
        slot.slot_no,
        slot.fence,
        rest_ms as f64,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives back what a dead node held. Its slots rest first, since a request of it may still be running at the service: one
/// known to be in flight until the service must have ended it (`ended_ms` after it began), any other `rest_ms`, or twice
/// as long as the longest of the account's last calls.
pub(crate) async fn bury_node(
    conn: &mut PgConnection,
    node_id: Uuid,
    rest_ms: i64,
    ended_ms: i64,
) -> sqlx::Result<u64> {
    sqlx::query!(
        r#"
        update slot
        set node_id = null, lease_until = null, busy_since = null,
            usable_from = case
                when busy_since is not null then busy_since + make_interval(secs => $3::float8 / 1000)
                else now() + make_interval(secs => least($3::float8, greatest($2::float8, 2 * (
                    select coalesce(max(took_ms), 0)
                    from (
                        select took_ms
                        from api_call
                        where api_call.workspace_id = slot.workspace_id and api_call.connection_id = slot.lane_id
                          and api_call.called_at > now() - interval '10 minutes'
                        order by api_call.called_at desc
                        limit 200
                    ) as latest))) / 1000)
            end
        where node_id = $1
        "#,
        node_id,
        rest_ms as f64,
        ended_ms as f64,
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

/// Leases one free slot of the account, or none. A slot whose holder let its lease run out (it lives, and may have a
/// request in flight) rests `ended_ms` first; a dead node's are given back by those who notice.
pub(crate) async fn lease(
    conn: &mut PgConnection,
    (workspace_id, lane_id): (WorkspaceId, ConnectionId),
    node_id: Uuid,
    lease_s: i32,
    ended_ms: i64,
) -> sqlx::Result<Option<SlotRow>> {
    sqlx::query_as!(
        SlotRow,
        r#"
        update slot
        set node_id = $3, fence = fence + 1, lease_until = now() + make_interval(secs => $4::int), busy_since = null
        where workspace_id = $1
          and lane_id = $2
          and slot_no = (
              select free.slot_no
              from slot free
              join lane on lane.workspace_id = free.workspace_id and lane.connection_id = free.lane_id
              where free.workspace_id = $1
                and free.lane_id = $2
                and free.slot_no <= lane.call_slots
                and (free.node_id is null or free.lease_until < now() - make_interval(secs => $5::float8 / 1000))
                and (free.usable_from is null or free.usable_from <= now())
                and (lane.open_slots is null or lane.open_slots > (
                    select count(*)
                    from slot held
                    where held.workspace_id = $1 and held.lane_id = $2 and held.node_id is not null))
              order by free.slot_no
              limit 1
              for update of free skip locked)
        returning slot_no, fence
        "#,
        workspace_id.0,
        lane_id.0,
        node_id,
        lease_s,
        ended_ms as f64,
    )
    .fetch_optional(conn)
    .await
}

/// Extends those of the leases that nobody else has taken, and returns them.
pub(crate) async fn renew(
    conn: &mut PgConnection,
    (workspace_id, lane_id): (WorkspaceId, ConnectionId),
    node_id: Uuid,
    held: &[SlotRow],
    lease_s: i32,
) -> sqlx::Result<Vec<SlotRow>> {
    let slot_nos: Vec<i16> = held.iter().map(|slot| slot.slot_no).collect();
    let fences: Vec<i64> = held.iter().map(|slot| slot.fence).collect();
    sqlx::query_as!(
        SlotRow,
        r#"
        update slot
        set lease_until = now() + make_interval(secs => $4::int)
        from unnest($5::smallint[], $6::bigint[]) as held (slot_no, fence)
        where slot.workspace_id = $1
          and slot.lane_id = $2
          and slot.node_id = $3
          and slot.slot_no = held.slot_no
          and slot.fence = held.fence
        returning slot.slot_no, slot.fence
        "#,
        workspace_id.0,
        lane_id.0,
        node_id,
        lease_s,
        &slot_nos,
        &fences,
    )
    .fetch_all(conn)
    .await
}

/// Writes down which slots have a request in flight, each with for how many milliseconds; `None`: not any more.
pub(crate) async fn mark(
    conn: &mut PgConnection,
    (workspace_id, lane_id): (WorkspaceId, ConnectionId),
    marks: &[(SlotRow, Option<i64>)],
) -> sqlx::Result<()> {
    let slot_nos: Vec<i16> = marks.iter().map(|(slot, _)| slot.slot_no).collect();
    let fences: Vec<i64> = marks.iter().map(|(slot, _)| slot.fence).collect();
    let ages: Vec<Option<i64>> = marks.iter().map(|(_, age_ms)| *age_ms).collect();
    sqlx::query!(
        r#"
        update slot
        set busy_since = now() - make_interval(secs => mark.age_ms::float8 / 1000)
        from unnest($3::smallint[], $4::bigint[], $5::bigint[]) as mark (slot_no, fence, age_ms)
        where slot.workspace_id = $1 and slot.lane_id = $2 and slot.slot_no = mark.slot_no and slot.fence = mark.fence
          and slot.node_id is not null
        "#,
        workspace_id.0,
        lane_id.0,
        &slot_nos,
        &fences,
        &ages as &[Option<i64>],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Locks the lane until the end of the transaction: of those who lease while few slots are open, one after the other.
pub(crate) async fn lock_lane(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    lane_id: ConnectionId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "select connection_id from lane where workspace_id = $1 and connection_id = $2 for no key update",
        workspace_id.0,
        lane_id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(())
}

/// Opens more slots after a pause; returns how many are open now, `None` when all are.
pub(crate) async fn open(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    lane_id: ConnectionId,
    more: i16,
) -> sqlx::Result<Option<i16>> {
    let open = sqlx::query_scalar!(
        r#"
        update lane
        set open_slots = case when open_slots + $3 < call_slots then open_slots + $3 end
        where workspace_id = $1 and connection_id = $2 and open_slots is not null and paused_until <= now()
        returning open_slots
        "#,
        workspace_id.0,
        lane_id.0,
        more,
    )
    .fetch_optional(conn)
    .await?;
    Ok(open.flatten())
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
        set node_id = null, lease_until = null, busy_since = null
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
            open_slots,
            greatest(0, ceil(extract(epoch from (paused_until - now())) * 1000))::bigint as "paused_ms!",
            pause_reason,
            pause_ms
        from (
            select
                call_slots,
                open_slots,
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

/// Closes the lane for a while; a longer pause that is already set stays. It opens again with one slot.
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
            pause_ms = $5,
            open_slots = 1
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
