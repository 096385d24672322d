//! Intents: the journal of remote writes.

use super::jobs::Claim;
use domain::{IntentId, LinkId, RunId, Side, SyncId, WorkspaceId};
use serde_json::Value as Json;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

#[derive(Clone, Debug)]
pub struct IntentRow {
    pub intent_id: Uuid,
    pub run_id: Option<Uuid>,
    pub item_no: Option<i64>,
    pub side: String,
    pub operation: String,
    pub remote_key: String,
    pub body: Json,
    pub before: Json,
    /// `sent` or `ambiguous`.
    pub phase: String,
    /// When whoever sent it stopped waiting for the answer.
    pub unknown_since: Option<OffsetDateTime>,
    /// It belongs to a run that has not ended.
    pub run_goes_on: bool,
}

#[derive(Clone, Debug)]
pub struct NewIntent {
    pub intent_id: IntentId,
    pub sync_id: SyncId,
    pub run_id: Option<RunId>,
    pub item_no: Option<i64>,
    pub link_id: Option<LinkId>,
    pub side: Side,
    pub operation: &'static str,
    pub remote_key: String,
    pub body: Json,
    pub before: Json,
    pub sent_at: OffsetDateTime,
    /// Who sends it. While that node lives, nobody else settles it.
    pub node_id: Uuid,
}

/// What journalling a write came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Journalled {
    Sent,
    /// Another write of the same record is not settled yet.
    Busy,
    /// The job was given to somebody else: this one sends nothing more.
    Lost,
}

/// Journals that a write is about to leave, if the job it belongs to is still held. The job's row is locked for the moment,
/// so that whoever takes the job away finds every write that was journalled before.
pub(crate) async fn insert_sent(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    new: &NewIntent,
    job: Claim,
) -> sqlx::Result<Journalled> {
    let done = sqlx::query!(
        r#"
        with holder as (
            select job_id
            from job
            where workspace_id = $1 and job_id = $14 and fence = $15 and state = 'running'
            for share
        ), journalled as (
            insert into intent (
                workspace_id, intent_id, sync_id, run_id, item_no, link_id, side, operation, remote_key, body, before,
                phase, sent_at, node_id)
            select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'sent', $12, $13
            from holder
            on conflict do nothing
            returning intent_id
        )
        select
            exists (select 1 from holder) as "is_held!",
            exists (select 1 from journalled) as "is_journalled!"
        "#,
        workspace_id.0,
        new.intent_id.0,
        new.sync_id.0,
        new.run_id.map(|run| run.0),
        new.item_no,
        new.link_id.map(|link| link.0),
        new.side.as_str(),
        new.operation,
        new.remote_key,
        new.body,
        new.before,
        new.sent_at,
        new.node_id,
        job.job_id.0,
        job.fence,
    )
    .fetch_one(conn)
    .await?;
    Ok(match (done.is_held, done.is_journalled) {
        (_, true) => Journalled::Sent,
        (true, false) => Journalled::Busy,
        (false, false) => Journalled::Lost,
    })
}

/// What came of a write.
#[derive(Clone, Debug)]
pub struct IntentResult {
    pub intent_id: IntentId,
    /// `done`, `not_done`, `refused` or `ambiguous`.
    pub phase: &'static str,
    pub remote_id: Option<String>,
    pub status: Option<i16>,
    pub detail: Option<String>,
}

/// Settles a group of writes; those that are settled already stay as they are.
pub(crate) async fn settle_all(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    results: &[&IntentResult],
    at: OffsetDateTime,
) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = results.iter().map(|result| result.intent_id.0).collect();
    let phases: Vec<String> = results.iter().map(|result| result.phase.to_owned()).collect();
    let remote_ids: Vec<Option<String>> = results.iter().map(|result| result.remote_id.clone()).collect();
    let statuses: Vec<Option<i16>> = results.iter().map(|result| result.status).collect();
    let details: Vec<Option<String>> = results.iter().map(|result| result.detail.clone()).collect();
    sqlx::query!(
        r#"
        update intent
        set phase = new.phase, remote_id = new.remote_id, status = new.status, detail = new.detail,
            settled_at = case when new.phase = 'ambiguous' then null else $2::timestamptz end,
            unknown_since = case when new.phase = 'ambiguous' then $2::timestamptz else intent.unknown_since end
        from unnest($3::uuid[], $4::text[], $5::text[], $6::smallint[], $7::text[])
            as new (intent_id, phase, remote_id, status, detail)
        where intent.workspace_id = $1 and intent.intent_id = new.intent_id and intent.phase in ('sent', 'ambiguous')
        "#,
        workspace_id.0,
        at,
        &ids,
        &phases,
        &remote_ids as &[Option<String>],
        &statuses as &[Option<i16>],
        &details as &[Option<String>],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Nobody waits for the answers of these writes any more, from now on.
pub(crate) async fn leave_unknown(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    intent_ids: &[Uuid],
    at: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update intent
        set phase = 'ambiguous', unknown_since = $3
        where workspace_id = $1 and intent_id = any($2) and phase = 'sent'
        "#,
        workspace_id.0,
        intent_ids,
        at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The same for all writes of a node that is gone.
pub(crate) async fn leave_unknown_of(conn: &mut PgConnection, node_id: Uuid, at: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!(
        "update intent set phase = 'ambiguous', unknown_since = $2 where node_id = $1 and phase = 'sent'",
        node_id,
        at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

macro_rules! select_open {
    ($rest:literal, $($argument:expr),* $(,)?) => {
        sqlx::query_as!(
            IntentRow,
            r#"select intent.intent_id, intent.run_id, intent.item_no, intent.side, intent.operation,
                intent.remote_key, intent.body, intent.before, intent.phase, intent.unknown_since,
                (run.run_id is not null and run.finished_at is null) as "run_goes_on!"
            from intent
            left join run on run.workspace_id = intent.workspace_id and run.run_id = intent.run_id
            where intent.workspace_id = $1 and intent.sync_id = $2 and intent.phase in ('sent', 'ambiguous')
              and (intent.phase = 'ambiguous' or intent.node_id = $3
                or not exists (select 1 from node where node.node_id = intent.node_id)) "# + $rest,
            $($argument),*
        )
    };
}

/// Writes of a run whose outcome is not known, and those that work which has ended left behind: they stand in the way of
/// every later write of their records. What another living node is still at is left to it, and writes of notes to those who
/// write them.
pub(crate) async fn open_of_run(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
    run_id: RunId,
    node_id: Uuid,
) -> sqlx::Result<Vec<IntentRow>> {
    select_open!(
        "and (intent.run_id = $4 or intent.run_id is null or run.finished_at is not null)
        and intent.operation not in ('create_note', 'update_note', 'delete')
        order by intent.sent_at
        limit 1000",
        workspace_id.0,
        sync_id.0,
        node_id,
        run_id.0,
    )
    .fetch_all(conn)
    .await
}

/// Writes about records whose outcome is not known.
pub(crate) async fn open_of_keys(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
    keys: &[String],
    node_id: Uuid,
) -> sqlx::Result<Vec<IntentRow>> {
    select_open!(
        "and intent.remote_key = any($4)
        order by intent.sent_at
        limit 100",
        workspace_id.0,
        sync_id.0,
        node_id,
        keys,
    )
    .fetch_all(conn)
    .await
}
