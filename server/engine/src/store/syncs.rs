//! Syncs, their policies and mapping versions.

use domain::{ConnectionId, SyncId, WorkspaceId};
use serde_json::Value as Json;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// A sync with the names of its connections.
#[derive(Clone, Debug)]
pub struct SyncRow {
    pub workspace_id: Uuid,
    pub sync_id: Uuid,
    pub name: String,
    pub highlevel_connection_id: Uuid,
    pub chargify_connection_id: Uuid,
    pub highlevel: String,
    pub chargify: String,
    pub enabled: bool,
    pub slots: i16,
    pub scope: Json,
    pub match_policy: Json,
    pub create_contacts: bool,
    pub write_reference: bool,
    /// Which kinds of engagement are carried over.
    pub engagements: Json,
    /// What becomes of partners of deleted records.
    pub deletes: Json,
    pub mapping_version: i32,
    pub rules: Json,
    pub highlevel_seen_until: Option<OffsetDateTime>,
    pub chargify_event_id: Option<i64>,
    /// The fields each account made itself, as last read; `None`: never read.
    pub highlevel_fields: Option<Json>,
    pub chargify_fields: Option<Json>,
}

pub struct NewSync<'a> {
    pub workspace_id: WorkspaceId,
    pub sync_id: SyncId,
    pub name: &'a str,
    pub highlevel: ConnectionId,
    pub chargify: ConnectionId,
    pub policy: PolicyRow,
}

/// What may be changed of a sync besides its mapping.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyRow {
    pub enabled: bool,
    pub slots: i16,
    pub scope: Json,
    pub match_policy: Json,
    pub create_contacts: bool,
    pub write_reference: bool,
    pub engagements: Json,
    pub deletes: Json,
}

pub(crate) async fn insert(conn: &mut PgConnection, new: &NewSync<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into sync (
            workspace_id, sync_id, name, highlevel_connection_id, chargify_connection_id, enabled, slots, scope,
            match_policy, create_contacts, write_reference, engagements, deletes, mapping_version)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 1)
        "#,
        new.workspace_id.0,
        new.sync_id.0,
        new.name,
        new.highlevel.0,
        new.chargify.0,
        new.policy.enabled,
        new.policy.slots,
        new.policy.scope,
        new.policy.match_policy,
        new.policy.create_contacts,
        new.policy.write_reference,
        new.policy.engagements,
        new.policy.deletes,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn update_policy(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
    policy: &PolicyRow,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update sync
        set enabled = $3, slots = $4, scope = $5, match_policy = $6, create_contacts = $7, write_reference = $8,
            engagements = $9, deletes = $10
        where workspace_id = $1 and sync_id = $2
        "#,
        workspace_id.0,
        sync_id.0,
        policy.enabled,
        policy.slots,
        policy.scope,
        policy.match_policy,
        policy.create_contacts,
        policy.write_reference,
        policy.engagements,
        policy.deletes,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Saves a version and makes it the current one.
pub(crate) async fn insert_mapping(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
    rules: &Json,
    author: &str,
    reason: &str,
) -> sqlx::Result<i32> {
    let version = sqlx::query_scalar!(
        r#"
        insert into mapping (workspace_id, sync_id, version, rules, author, reason)
        select $1, $2, coalesce(max(version), 0) + 1, $3, $4, $5
        from mapping
        where workspace_id = $1 and sync_id = $2
        returning version
        "#,
        workspace_id.0,
        sync_id.0,
        rules,
        author,
        reason,
    )
    .fetch_one(&mut *conn)
    .await?;
    sqlx::query!(
        "update sync set mapping_version = $3 where workspace_id = $1 and sync_id = $2",
        workspace_id.0,
        sync_id.0,
        version,
    )
    .execute(conn)
    .await?;
    Ok(version)
}

pub(crate) async fn mapping_versions(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
) -> sqlx::Result<Vec<(i32, String, String, OffsetDateTime)>> {
    let rows = sqlx::query!(
        r#"
        select version, author, reason, created_at
        from mapping
        where workspace_id = $1 and sync_id = $2
        order by version desc
        limit 100
        "#,
        workspace_id.0,
        sync_id.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.version, row.author, row.reason, row.created_at)).collect())
}

/// All syncs of a workspace, by name; at most 200.
pub(crate) async fn list(conn: &mut PgConnection, workspace_id: WorkspaceId) -> sqlx::Result<Vec<SyncRow>> {
    sqlx::query_as!(
        SyncRow,
        r#"
        select
            sync.workspace_id, sync.sync_id, sync.name, sync.highlevel_connection_id, sync.chargify_connection_id,
            h.name as highlevel, c.name as chargify, sync.enabled, sync.slots, sync.scope, sync.match_policy,
            sync.create_contacts, sync.write_reference, sync.engagements, sync.deletes, sync.mapping_version, mapping.rules,
            sync.highlevel_seen_until, sync.chargify_event_id, h.fields as highlevel_fields, c.fields as chargify_fields
        from sync
        join connection h on h.workspace_id = sync.workspace_id and h.connection_id = sync.highlevel_connection_id
        join connection c on c.workspace_id = sync.workspace_id and c.connection_id = sync.chargify_connection_id
        join mapping on mapping.workspace_id = sync.workspace_id
            and mapping.sync_id = sync.sync_id
            and mapping.version = sync.mapping_version
        where sync.workspace_id = $1
        order by sync.name
        limit 200
        "#,
        workspace_id.0,
    )
    .fetch_all(conn)
    .await
}

pub(crate) async fn find(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    name: &str,
) -> sqlx::Result<Option<SyncRow>> {
    Ok(list(conn, workspace_id).await?.into_iter().find(|sync| sync.name == name))
}

pub(crate) async fn get(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
) -> sqlx::Result<Option<SyncRow>> {
    Ok(list(conn, workspace_id).await?.into_iter().find(|sync| sync.sync_id == sync_id.0))
}

/// Moves the watermarks forward, never back.
pub(crate) async fn advance(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
    highlevel_seen_until: Option<OffsetDateTime>,
    chargify_event_id: Option<i64>,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update sync
        set highlevel_seen_until = greatest(highlevel_seen_until, $3),
            chargify_event_id = greatest(chargify_event_id, $4)
        where workspace_id = $1 and sync_id = $2
        "#,
        workspace_id.0,
        sync_id.0,
        highlevel_seen_until,
        chargify_event_id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What there is to count about a sync.
pub(crate) struct TallyRow {
    pub(crate) links: i64,
    pub(crate) contacts: i64,
    pub(crate) customers: i64,
    pub(crate) waiting: i64,
    pub(crate) written_today: i64,
    pub(crate) last_number: Option<i64>,
    pub(crate) last_mode: Option<String>,
    pub(crate) last_status: Option<String>,
    pub(crate) last_at: Option<OffsetDateTime>,
    pub(crate) open_number: Option<i64>,
}

/// Counts, the last run, and the run under way or waiting for approval. `today` is when the day began.
pub(crate) async fn tally(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
    today: OffsetDateTime,
) -> sqlx::Result<TallyRow> {
    sqlx::query_as!(
        TallyRow,
        r#"
        select
            (select count(*) from link
             where workspace_id = $1 and sync_id = $2 and state <> 'unlinked') as "links!",
            (select count(*) from record
             where workspace_id = $1 and sync_id = $2 and side = 'highlevel' and gone_at is null) as "contacts!",
            (select count(*) from record
             where workspace_id = $1 and sync_id = $2 and side = 'chargify' and gone_at is null) as "customers!",
            -- As `decisions::waiting` counts them.
            (select count(*) from record
             where workspace_id = $1 and sync_id = $2 and verdict = 'waiting' and gone_at is null
               and (side = 'highlevel' or not exists (
                   select 1 from link
                   where link.workspace_id = $1 and link.sync_id = $2
                     and link.customer_id = record.remote_id and link.state <> 'unlinked'))) as "waiting!",
            (select count(*) from intent
             where workspace_id = $1 and sync_id = $2 and phase = 'done' and settled_at >= $3) as "written_today!",
            last.number as "last_number?", last.mode as "last_mode?", last.status as "last_status?",
            coalesce(last.finished_at, last.queued_at) as "last_at?",
            (select number from run
             where workspace_id = $1 and sync_id = $2
                and status in ('queued', 'reading', 'planning', 'awaiting_approval', 'writing')
             order by number desc
             limit 1) as "open_number?"
        from (select 1) as one
        left join lateral (
            select number, mode, status, queued_at, finished_at
            from run
            where workspace_id = $1 and sync_id = $2
            order by number desc
            limit 1
        ) as last on true
        "#,
        workspace_id.0,
        sync_id.0,
        today,
    )
    .fetch_one(conn)
    .await
}

/// Field values of a few records of each side, those of pairs first.
pub(crate) struct SamplesRow {
    pub(crate) highlevel: Vec<Json>,
    pub(crate) chargify: Vec<Json>,
}

pub(crate) async fn samples(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
) -> sqlx::Result<SamplesRow> {
    let rows = sqlx::query!(
        r#"
        select h.field_values as highlevel, c.field_values as chargify
        from (
            select contact_id, customer_id from link
            where workspace_id = $1 and sync_id = $2 and state <> 'unlinked'
            limit 5
        ) as pair
        join record h on h.workspace_id = $1 and h.sync_id = $2 and h.side = 'highlevel' and h.remote_id = pair.contact_id
        join record c on c.workspace_id = $1 and c.sync_id = $2 and c.side = 'chargify' and c.remote_id = pair.customer_id
        "#,
        workspace_id.0,
        sync_id.0,
    )
    .fetch_all(&mut *conn)
    .await?;
    let (mut highlevel, mut chargify): (Vec<_>, Vec<_>) =
        rows.into_iter().map(|row| (row.highlevel, row.chargify)).unzip();
    for (side, values) in [("highlevel", &mut highlevel), ("chargify", &mut chargify)] {
        let more = sqlx::query_scalar!(
            r#"
            select field_values from record
            where workspace_id = $1 and sync_id = $2 and side = $3 and gone_at is null
            limit 10
            "#,
            workspace_id.0,
            sync_id.0,
            side,
        )
        .fetch_all(&mut *conn)
        .await?;
        values.extend(more);
    }
    Ok(SamplesRow { highlevel, chargify })
}

/// Gives a site's lane the ceiling its syncs ask for; where they differ, the most careful one counts.
pub(crate) async fn set_call_slots(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    chargify: ConnectionId,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update lane
        set call_slots = wanted.slots
        from (
            select min(slots) as slots from sync where workspace_id = $1 and chargify_connection_id = $2
        ) as wanted
        where lane.workspace_id = $1 and lane.connection_id = $2 and wanted.slots is not null
            and lane.call_slots is distinct from wanted.slots
        "#,
        workspace_id.0,
        chargify.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The current version of the sync's mapping, which nobody changes before the transaction ends.
pub(crate) async fn lock_version(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    sync_id: SyncId,
) -> sqlx::Result<Option<i32>> {
    sqlx::query_scalar!(
        "select mapping_version from sync where workspace_id = $1 and sync_id = $2 for share",
        workspace_id.0,
        sync_id.0,
    )
    .fetch_optional(conn)
    .await
}
