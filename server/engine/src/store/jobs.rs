//! Jobs: enqueue, claim, extend, finish. A claim commits before any work begins.

use domain::{ConnectionId, JobId, Side, WorkspaceId};
use sqlx::PgConnection;
use uuid::Uuid;

/// A job as claimed. Every later write names `fence`: zero rows means it was lost to another node.
#[derive(Clone, Debug)]
pub struct ClaimedRow {
    pub workspace_id: Uuid,
    pub job_id: Uuid,
    pub kind: String,
    pub payload: serde_json::Value,
    pub attempt: i32,
    pub fence: i64,
}

/// The right to carry a job out, as long as nobody else was given it.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    pub job_id: JobId,
    pub fence: i64,
}

impl ClaimedRow {
    pub(crate) fn is_run(&self) -> bool {
        self.kind == "run"
    }

    pub(crate) fn claim(&self) -> Claim {
        Claim { job_id: JobId(self.job_id), fence: self.fence }
    }
}

pub struct NewJob<'a> {
    pub job_id: JobId,
    pub workspace_id: WorkspaceId,
    pub lane_id: ConnectionId,
    pub kind: &'a str,
    pub payload: serde_json::Value,
    pub priority: i16,
    pub coalesce_key: Option<String>,
    pub delay_ms: i64,
}

/// Adds a job, or joins the ready one of the same key, which then runs no later and no less urgently. Wakes workers on commit.
pub(crate) async fn enqueue(conn: &mut PgConnection, job: NewJob<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into job (workspace_id, job_id, lane_id, kind, payload, priority, coalesce_key, run_at)
        values ($1, $2, $3, $4, $5, $6, $7, now() + make_interval(secs => $8::float8 / 1000))
        on conflict (workspace_id, coalesce_key) where state = 'ready'
        do update set
            run_at = least(job.run_at, excluded.run_at),
            priority = least(job.priority, excluded.priority)
        "#,
        job.workspace_id.0,
        job.job_id.0,
        job.lane_id.0,
        job.kind,
        job.payload,
        job.priority,
        job.coalesce_key,
        job.delay_ms as f64,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(r#"select pg_notify('concord_job', '') as "notified!: ()""#).fetch_one(conn).await?;
    Ok(())
}

/// Locks one open lane that has work due, other than those named, runs counted or not: first half of a claim. The lock is what makes the
/// recount of the second half true; one statement doing both would count with a stale snapshot.
pub(crate) async fn lock_lane_with_work(
    conn: &mut PgConnection,
    except: &[Uuid],
    with_runs: bool,
) -> sqlx::Result<Option<(Uuid, Uuid)>> {
    let row = sqlx::query!(
        r#"
        select lane.workspace_id, lane.connection_id
        from lane
        where (lane.paused_until is null or lane.paused_until <= now())
          and lane.connection_id <> all($1)
          and (
              exists (
                  select 1 from job
                  where job.workspace_id = lane.workspace_id
                    and job.lane_id = lane.connection_id
                    and job.state = 'ready'
                    and job.run_at <= now()
                    and ($2 or job.kind <> 'run'))
              or exists (
                  select 1 from job
                  where job.workspace_id = lane.workspace_id
                    and job.lane_id = lane.connection_id
                    and job.state = 'running'
                    and job.lease_until < now()))
        order by lane.connection_id
        limit 1
        for update of lane skip locked
        "#,
        except,
        with_runs,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.workspace_id, row.connection_id)))
}

/// Returns expired jobs of the locked lane to the queue, or ends them where a newer one of the same key waits.
pub(crate) async fn release_expired(conn: &mut PgConnection, workspace_id: Uuid, lane_id: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update job
        set state = case
                when exists (
                    select 1 from job newer
                    where newer.workspace_id = job.workspace_id
                      and newer.coalesce_key = job.coalesce_key
                      and newer.state = 'ready')
                then 'superseded' else 'ready' end,
            lease_until = null,
            node_id = null
        where workspace_id = $1 and lane_id = $2 and state = 'running' and lease_until < now()
        "#,
        workspace_id,
        lane_id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Second half of a claim, under the lane's lock: recounts what runs, then takes the most urgent job that may run.
/// Two jobs of one key never run at the same time.
pub(crate) async fn claim_in_lane(
    conn: &mut PgConnection,
    (workspace_id, lane_id): (Uuid, Uuid),
    node_id: Uuid,
    lease_s: i32,
    with_runs: bool,
) -> sqlx::Result<Option<ClaimedRow>> {
    sqlx::query_as!(
        ClaimedRow,
        r#"
        update job
        set state = 'running',
            attempt = attempt + 1,
            fence = fence + 1,
            node_id = $3,
            lease_until = now() + make_interval(secs => $4::int)
        where workspace_id = $1
          and job_id = (
              select next.job_id
              from job next
              join lane on lane.workspace_id = next.workspace_id and lane.connection_id = next.lane_id
              where next.workspace_id = $1
                and next.lane_id = $2
                and next.state = 'ready'
                and next.run_at <= now()
                and lane.job_slots > (
                    select count(*) from job running
                    where running.workspace_id = $1 and running.lane_id = $2 and running.state = 'running')
                and (next.kind <> 'run' or $5 and greatest(lane.job_slots / 2, 1) > (
                    select count(*) from job running
                    where running.workspace_id = $1 and running.lane_id = $2 and running.state = 'running'
                      and running.kind = 'run'))
                and not exists (
                    select 1 from job same
                    where same.workspace_id = $1
                      and same.coalesce_key = next.coalesce_key
                      and same.state = 'running')
              order by next.priority, next.run_at
              limit 1
              for update of next skip locked)
        returning workspace_id, job_id, kind, payload, attempt, fence
        "#,
        workspace_id,
        lane_id,
        node_id,
        lease_s,
        with_runs,
    )
    .fetch_optional(conn)
    .await
}

/// Extends the lease. False: the job is no longer ours.
pub(crate) async fn extend(conn: &mut PgConnection, job: &ClaimedRow, lease_s: i32) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"
        update job
        set lease_until = now() + make_interval(secs => $4::int)
        where workspace_id = $1 and job_id = $2 and fence = $3 and state = 'running'
        "#,
        job.workspace_id,
        job.job_id,
        job.fence,
        lease_s,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether the job is still held, and stays so until the end of the transaction.
pub(crate) async fn is_held(conn: &mut PgConnection, workspace_id: WorkspaceId, claim: Claim) -> sqlx::Result<bool> {
    let row = sqlx::query!(
        r#"
        select job_id
        from job
        where workspace_id = $1 and job_id = $2 and fence = $3 and state = 'running'
        for share
        "#,
        workspace_id.0,
        claim.job_id.0,
        claim.fence,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.is_some())
}

/// Ends the job. `state` is `done` or `gave_up`.
pub(crate) async fn finish(
    conn: &mut PgConnection,
    job: &ClaimedRow,
    state: &str,
    error: Option<&str>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"
        update job
        set state = $4, last_error = $5, finished_at = now(), lease_until = null, node_id = null
        where workspace_id = $1 and job_id = $2 and fence = $3 and state = 'running'
        "#,
        job.workspace_id,
        job.job_id,
        job.fence,
        state,
        error,
    )
    .execute(&mut *conn)
    .await?;
    // A job of the same key may have waited for this one.
    sqlx::query!(r#"select pg_notify('concord_job', '') as "notified!: ()""#).fetch_one(conn).await?;
    Ok(done.rows_affected() == 1)
}

/// Whether other work on the same record waits or goes on.
pub(crate) async fn others_at_record(
    conn: &mut PgConnection,
    job: &ClaimedRow,
    side: Side,
    remote_id: &str,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"
        select exists (
            select 1
            from job
            where workspace_id = $1 and job_id <> $2 and state in ('ready', 'running') and kind = 'reconcile'
              and payload ->> 'side' = $3 and payload ->> 'remote_id' = $4
        ) as "exists!"
        "#,
        job.workspace_id,
        job.job_id,
        side.as_str(),
        remote_id,
    )
    .fetch_one(conn)
    .await
}

/// Puts the job back for later; where a newer one of its key is ready already, this one ends instead.
pub(crate) async fn retry(
    conn: &mut PgConnection,
    job: &ClaimedRow,
    delay_ms: i64,
    counts: bool,
    error: &str,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"
        update job
        set state = case
                when exists (
                    select 1 from job newer
                    where newer.workspace_id = job.workspace_id
                      and newer.coalesce_key = job.coalesce_key
                      and newer.state = 'ready')
                then 'superseded' else 'ready' end,
            run_at = now() + make_interval(secs => $4::float8 / 1000),
            attempt = attempt - case when $5 then 0 else 1 end,
            last_error = $6,
            lease_until = null,
            node_id = null
        where workspace_id = $1 and job_id = $2 and fence = $3 and state = 'running'
        "#,
        job.workspace_id,
        job.job_id,
        job.fence,
        delay_ms as f64,
        counts,
        error,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Milliseconds until the next ready job is due, counting pauses; `None` when nothing waits.
pub(crate) async fn next_due_ms(conn: &mut PgConnection) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!(
        r#"
        select case when count(*) > 0 then
            greatest(0, ceil(extract(epoch from min(greatest(job.run_at, coalesce(lane.paused_until, job.run_at))) - now()) * 1000))::bigint
        end
        from job
        join lane on lane.workspace_id = job.workspace_id and lane.connection_id = job.lane_id
        where job.state = 'ready'
        "#
    )
    .fetch_one(conn)
    .await
}

/// Removes jobs that ended more than a week ago, at most a batch.
pub(crate) async fn sweep(conn: &mut PgConnection) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        r#"
        delete from job
        where (workspace_id, job_id) in (
            select workspace_id, job_id
            from job
            where state in ('done', 'gave_up', 'superseded') and finished_at < now() - interval '7 days'
            limit 5000)
        "#
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
