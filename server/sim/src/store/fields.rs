//! Fields that accounts made themselves, in memory.

use super::{
    data::kept,
    records::{first, joined},
    session::Session,
};
use async_trait::async_trait;
use domain::{ConnectionId, RunId, Side, SyncId, WorkspaceId};
use engine::{Result, store::Fields};
use serde_json::{Value as Json, json};
use time::OffsetDateTime;

#[async_trait]
impl Fields for Session {
    async fn connection_fields(
        &mut self,
        workspace_id: WorkspaceId,
        connection_id: ConnectionId,
    ) -> Result<Option<Json>> {
        self.act("connection_fields", |work| Ok(work.data.fields.get(&(workspace_id.0, connection_id.0)).cloned()))
            .await
    }

    async fn set_connection_fields(
        &mut self,
        workspace_id: WorkspaceId,
        connection_id: ConnectionId,
        known: &Json,
    ) -> Result<()> {
        self.act("set_connection_fields", |work| {
            let key = (workspace_id.0, connection_id.0);
            if work.data.connections.contains(&key) {
                work.data.fields.insert(key, known.clone());
            }
            Ok(())
        })
        .await
    }

    async fn customers_without_metafields(
        &mut self,
        (workspace_id, sync_id, run_id): (WorkspaceId, SyncId, RunId),
        since: OffsetDateTime,
        after: &str,
        limit: i64,
    ) -> Result<Vec<String>> {
        self.act("customers_without_metafields", |work| {
            let customers = work.data.copies(workspace_id.0, sync_id.0, Side::Chargify).map(|(_, copy)| copy);
            let unread = customers.filter(|copy| {
                copy.seen_run == Some(run_id.0)
                    && copy.row.remote_id.as_str() > after
                    && copy.row.gone_at.is_none()
                    && copy.metafields_read_at.is_none_or(|at| at < kept(since))
            });
            Ok(first(unread.map(|copy| copy.row.remote_id.clone()), limit))
        })
        .await
    }

    async fn set_metafields(
        &mut self,
        (workspace_id, sync_id): (WorkspaceId, SyncId),
        read_at: OffsetDateTime,
        ids: &[String],
        values: &[Json],
    ) -> Result<()> {
        self.act("set_metafields", |work| {
            let read_at = kept(read_at);
            for (id, values) in ids.iter().zip(values) {
                let key = (workspace_id.0, sync_id.0, Side::Chargify, id.clone());
                let is_older = work.data.records.get(&key).and_then(|copy| copy.metafields_read_at) > Some(read_at);
                if let Some(copy) = work.data.records.get_mut(&key).filter(|_| !is_older) {
                    let before = copy.metafields.take().unwrap_or_else(|| json!({}));
                    copy.metafields = Some(joined(&before, values.clone()));
                    copy.row.field_values = joined(&copy.row.field_values, values.clone());
                    copy.metafields_read_at = Some(read_at);
                    copy.row.read_at = copy.row.read_at.max(read_at);
                }
            }
            Ok(())
        })
        .await
    }
}
