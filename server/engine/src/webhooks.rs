//! The watch over webhooks: the endpoint at Chargify, the self-test of our own address, what was missed and how it is
//! fetched, and the alarm when none come. Receiving them is the part of `deliveries`.

mod job;
mod missed;
mod register;
mod selftest;
mod timetable;

use crate::{
    Actor, Engine, EngineError, Result, Viewer,
    audit::{self, AuditAction, AuditOutcome, NewAuditLine},
    store::{Tables, connections::ConnectionRow, syncs::SyncRow, watches::WatchRow},
};
use domain::{
    ConnectionId, Side, WorkspaceId,
    silence::{self, Hearing},
    view::{At, EndpointState, HearingView, SelfTestView, WebhooksView},
};
use time::OffsetDateTime;

/// Where a service has to send the webhooks of a connection.
pub(crate) fn address(public_url: &str, row: &ConnectionRow) -> String {
    format!("{public_url}/webhooks/{}/{}", row.side, row.public_id)
}

impl Engine {
    /// How the webhooks of a connection, by public id or name, are doing: from our own database.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; database errors.
    pub async fn webhooks(&self, viewer: &Viewer, key: &str) -> Result<WebhooksView> {
        let mut conn = self.store().session().await?;
        let row = connection_of(&mut *conn, viewer.workspace_id(), key).await?;
        self.webhooks_view(&mut *conn, row).await
    }

    /// The same of every connection of the workspace, by name.
    pub(crate) async fn all_webhooks(&self, workspace_id: WorkspaceId) -> Result<Vec<WebhooksView>> {
        let mut conn = self.store().session().await?;
        let mut views = Vec::new();
        for row in conn.connections(workspace_id).await? {
            views.push(self.webhooks_view(&mut *conn, row).await?);
        }
        Ok(views)
    }

    async fn webhooks_view(&self, conn: &mut dyn Tables, row: ConnectionRow) -> Result<WebhooksView> {
        let (workspace_id, connection_id) = (row.workspace_id(), row.connection_id());
        let known = conn.watch(workspace_id, connection_id).await?;
        let known = known.unwrap_or_else(|| WatchRow::blank(workspace_id, connection_id));
        let (hearing, last) = self.hearing(conn, workspace_id, connection_id).await?;
        let mut read_by = Vec::new();
        for sync in syncs_of(conn, workspace_id, connection_id).await? {
            let brief = self.schedule_brief(conn, (workspace_id, sync.sync_id(), sync.enabled)).await?;
            // A full run reads what changed, too.
            read_by.push((sync.name, brief.changes.or(brief.full)));
        }
        Ok(WebhooksView {
            url: address(&self.settings().public_url, &row),
            side: row.side.parse().map_err(|_unknown| EngineError::Bug("a connection of an unknown side"))?,
            id: row.public_id,
            name: row.name,
            registers: known.registers,
            endpoint: EndpointState::named(&known.endpoint_state),
            endpoint_at: known.endpoint_at.map(At::from),
            test: self_test_view(&known),
            missed: known.missed_at.map(|at| (unsigned(known.missed), At::from(at))),
            fetched: known.fetched_at.map(|at| (unsigned(known.fetched), At::from(at))),
            hearing: match hearing {
                Hearing::Never => HearingView::Never,
                Hearing::Learning => HearingView::Learning,
                Hearing::Usual => HearingView::Usual,
                Hearing::Silent { expected, .. } => HearingView::Silent(expected),
            },
            last_at: last.map(At::from),
            trouble: known.trouble,
            read_by,
        })
    }

    /// Whether it is odd that nothing came since the last webhook, and when that was.
    async fn hearing(
        &self,
        conn: &mut dyn Tables,
        workspace_id: WorkspaceId,
        connection_id: ConnectionId,
    ) -> Result<(Hearing, Option<OffsetDateTime>)> {
        let Some((first, last)) = conn.heard(workspace_id, connection_id).await? else {
            return Ok((Hearing::Never, None));
        };
        let windows = silence::windows(first, last, self.clock().now());
        let counts = conn.delivery_counts(workspace_id, connection_id, &windows).await?;
        Ok((silence::judge(Some(last), &counts), Some(last)))
    }

    /// Whether Concord registers the endpoint of a connection by itself, in the caller's transaction. False: it was so.
    ///
    /// # Errors
    /// Database errors.
    pub(crate) async fn set_registers_in(
        &self,
        conn: &mut dyn Tables,
        by: &Actor,
        row: &ConnectionRow,
        registers: bool,
    ) -> Result<bool> {
        let (workspace_id, connection_id) = (row.workspace_id(), row.connection_id());
        let known = conn.watch(workspace_id, connection_id).await?;
        if known.as_ref().is_some_and(|known| known.registers) == registers {
            return Ok(false);
        }
        let mut known = conn.lock_watch(workspace_id, connection_id).await?;
        known.registers = registers;
        if registers {
            known.due_at = None;
        }
        conn.save_watch(&known).await?;
        let word = |registers: bool| if registers { "register" } else { "manual" };
        let line = NewAuditLine::by(by, AuditAction::ConnectionChanged, self.clock().now())
            .about(format!("connection:{connection_id}"), &row.name)
            .with("side", row.side.as_str())
            .change(&row.side, "webhooks", word(!registers), word(registers));
        audit::append(conn, workspace_id, line).await?;
        Ok(true)
    }

    /// Changes what is known, together with the audit line that says so.
    async fn note_watch(
        &self,
        row: &ConnectionRow,
        change: impl FnOnce(&mut WatchRow) + Send,
        line: Option<NewAuditLine>,
    ) -> Result<WatchRow> {
        let mut tx = self.store().begin().await?;
        let mut known = tx.lock_watch(row.workspace_id(), row.connection_id()).await?;
        change(&mut known);
        tx.save_watch(&known).await?;
        if let Some(line) = line {
            audit::append(&mut *tx, row.workspace_id(), line).await?;
        }
        tx.commit().await?;
        Ok(known)
    }
}

/// A line about the webhooks of a connection.
fn line(by: &Actor, action: AuditAction, row: &ConnectionRow, at: OffsetDateTime) -> NewAuditLine {
    NewAuditLine::by(by, action, at)
        .about(format!("connection:{}", row.connection_id()), &row.name)
        .with("side", row.side.as_str())
}

/// As [`line`], for what did not work.
fn failed_line(
    by: &Actor,
    action: AuditAction,
    row: &ConnectionRow,
    (at, why): (OffsetDateTime, &str),
) -> NewAuditLine {
    line(by, action, row, at).ended(AuditOutcome::Failed).with("reason", why)
}

async fn connection_of(conn: &mut dyn Tables, workspace_id: WorkspaceId, key: &str) -> Result<ConnectionRow> {
    conn.connection_by_key(workspace_id, key).await?.ok_or(EngineError::NotFound("connection"))
}

/// Syncs that are switched on and use the connection.
async fn syncs_of(
    conn: &mut dyn Tables,
    workspace_id: WorkspaceId,
    connection_id: ConnectionId,
) -> Result<Vec<SyncRow>> {
    let mut syncs = conn.syncs(workspace_id).await?;
    syncs.retain(|sync| {
        sync.enabled && [sync.highlevel_connection_id, sync.chargify_connection_id].contains(&connection_id.0)
    });
    Ok(syncs)
}

fn is_chargify(row: &ConnectionRow) -> bool {
    row.side == Side::Chargify.as_str()
}

fn self_test_view(known: &WatchRow) -> Option<SelfTestView> {
    let at = At::from(known.tested_at?);
    Some(SelfTestView { passed: known.test_passed?, detail: known.test_detail.clone().unwrap_or_default(), at })
}

fn unsigned(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}
