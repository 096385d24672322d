//! The watch over webhooks in memory.

use super::{
    data::{Data, DeliveryEntry, kept},
    session::Session,
};
use async_trait::async_trait;
use domain::{ConnectionId, WorkspaceId};
use engine::{
    Result,
    store::{Watches, watches::WatchRow},
};
use time::OffsetDateTime;
use uuid::Uuid;

fn stored(row: &WatchRow) -> WatchRow {
    WatchRow {
        endpoint_at: row.endpoint_at.map(kept),
        tested_at: row.tested_at.map(kept),
        missed_at: row.missed_at.map(kept),
        fetched_at: row.fetched_at.map(kept),
        silent_since: row.silent_since.map(kept),
        outage_from: row.outage_from.map(kept),
        due_at: row.due_at.map(kept),
        ..row.clone()
    }
}

impl Data {
    /// Whether a sync that is switched on uses the connection.
    fn is_in_use(&self, (workspace_id, connection_id): (Uuid, Uuid)) -> bool {
        self.syncs.iter().any(|(id, sync)| {
            id.0 == workspace_id
                && sync.row.enabled
                && [sync.row.highlevel_connection_id, sync.row.chargify_connection_id].contains(&connection_id)
        })
    }

    /// Of the connection, tests left out.
    fn deliveries_of(
        &self,
        workspace_id: WorkspaceId,
        connection_id: ConnectionId,
    ) -> impl Iterator<Item = &DeliveryEntry> {
        self.deliveries
            .iter()
            .filter(move |(id, entry)| id.0 == workspace_id.0 && entry.connection_id == connection_id.0)
            .map(|(_, entry)| entry)
            .filter(|entry| entry.row.event != "test")
    }
}

#[async_trait]
impl Watches for Session {
    async fn watch(&mut self, workspace_id: WorkspaceId, connection_id: ConnectionId) -> Result<Option<WatchRow>> {
        self.act("watch", |work| Ok(work.data.watches.get(&(workspace_id.0, connection_id.0)).cloned())).await
    }

    async fn lock_watch(&mut self, workspace_id: WorkspaceId, connection_id: ConnectionId) -> Result<WatchRow> {
        self.act("lock_watch", |work| {
            let key = (workspace_id.0, connection_id.0);
            if let Some(row) = work.data.watches.get(&key) {
                return Ok(row.clone());
            }
            let blank = WatchRow::blank(workspace_id, connection_id);
            work.data.watches.insert(key, blank.clone());
            Ok(blank)
        })
        .await
    }

    async fn save_watch(&mut self, row: &WatchRow) -> Result<()> {
        self.act("save_watch", |work| {
            if let Some(known) = work.data.watches.get_mut(&(row.workspace_id, row.connection_id)) {
                *known = stored(row);
            }
            Ok(())
        })
        .await
    }

    async fn due_watches(&mut self, now: OffsetDateTime, limit: i64) -> Result<Vec<(WorkspaceId, ConnectionId)>> {
        self.act("due_watches", |work| {
            let data = &work.data;
            let due = data.connections.iter().filter(|(id, connection)| {
                let row = data.watches.get(*id);
                row.and_then(|row| row.due_at).is_none_or(|due| due <= now)
                    && !matches!(connection.state.as_str(), "refused" | "blocked")
                    && (row.is_some_and(|row| row.registers) || data.is_in_use(**id))
            });
            let limit = usize::try_from(limit).unwrap_or(0);
            Ok(due.take(limit).map(|(id, _)| (WorkspaceId(id.0), ConnectionId(id.1))).collect())
        })
        .await
    }

    async fn beat(&mut self, now: OffsetDateTime) -> Result<Option<OffsetDateTime>> {
        self.act("beat", |work| {
            let last = work.data.heartbeats.get(&()).copied();
            work.data.heartbeats.insert((), kept(now).max(last.unwrap_or(OffsetDateTime::UNIX_EPOCH)));
            Ok(last)
        })
        .await
    }

    async fn note_outage(&mut self, from: OffsetDateTime) -> Result<u64> {
        self.act("note_outage", |work| {
            let used: Vec<(Uuid, Uuid)> =
                work.data.connections.iter().map(|(id, _)| *id).filter(|id| work.data.is_in_use(*id)).collect();
            for key in &used {
                let known = work.data.watches.get(key).cloned();
                let mut row = known.unwrap_or_else(|| WatchRow::blank(WorkspaceId(key.0), ConnectionId(key.1)));
                row.outage_from = Some(row.outage_from.map_or(kept(from), |known| known.min(kept(from))));
                row.due_at = None;
                work.data.watches.insert(*key, row);
            }
            Ok(used.len() as u64)
        })
        .await
    }

    async fn heard(
        &mut self,
        workspace_id: WorkspaceId,
        connection_id: ConnectionId,
    ) -> Result<Option<(OffsetDateTime, OffsetDateTime)>> {
        self.act("heard", |work| {
            let instants = || work.data.deliveries_of(workspace_id, connection_id).map(|entry| entry.received_at);
            Ok(instants().min().zip(instants().max()))
        })
        .await
    }

    async fn delivery_counts(
        &mut self,
        workspace_id: WorkspaceId,
        connection_id: ConnectionId,
        windows: &[(OffsetDateTime, OffsetDateTime)],
    ) -> Result<Vec<u64>> {
        self.act("delivery_counts", |work| {
            let count = |(since, until): &(OffsetDateTime, OffsetDateTime)| {
                let came = work.data.deliveries_of(workspace_id, connection_id);
                came.filter(|entry| (kept(*since)..kept(*until)).contains(&entry.received_at)).count() as u64
            };
            Ok(windows.iter().map(count).collect())
        })
        .await
    }

    async fn received_webhooks(
        &mut self,
        workspace_id: WorkspaceId,
        connection_id: ConnectionId,
        webhook_ids: &[String],
    ) -> Result<Vec<String>> {
        self.act("received_webhooks", |work| {
            let entries = work.data.deliveries.iter();
            let ours = entries.filter(|(id, entry)| id.0 == workspace_id.0 && entry.connection_id == connection_id.0);
            let mut found: Vec<String> =
                ours.map(|(_, entry)| entry.webhook_id.clone()).filter(|id| webhook_ids.contains(id)).collect();
            found.sort_unstable();
            Ok(found)
        })
        .await
    }
}
