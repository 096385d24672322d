//! A sync made ready to work: its rules parsed, its clients opened.

use crate::{
    Engine, EngineError, Result,
    clients::{Chargify, HighLevel},
    store::{self, syncs::SyncRow},
    syncs::catalogue_for,
};
use domain::{
    ConnectionId, Side, SyncId, WorkspaceId, mapping::Mapping, matching::MatchPolicy, plan::SyncPolicy,
    record::FieldKey, scope::Scope,
};

/// Everything about a sync that its work needs.
#[derive(Clone, Debug)]
pub(crate) struct SyncContext {
    pub(crate) workspace_id: WorkspaceId,
    pub(crate) sync_id: SyncId,
    pub(crate) row: SyncRow,
    pub(crate) policy: SyncPolicy,
}

impl SyncContext {
    /// Parses what the row holds.
    ///
    /// # Errors
    /// [`EngineError::Bug`] when what we stored ourselves cannot be read.
    pub(crate) fn of(row: SyncRow) -> Result<Self> {
        let stored = |_unreadable: serde_json::Error| EngineError::Bug("a stored sync cannot be read");
        let mapping: Mapping = serde_json::from_value(row.rules.clone()).map_err(stored)?;
        let scope: Scope = serde_json::from_value(row.scope.clone()).map_err(stored)?;
        let matching: MatchPolicy = serde_json::from_value(row.match_policy.clone()).map_err(stored)?;
        let policy = SyncPolicy {
            scope,
            catalogue: catalogue_for(&mapping),
            mapping,
            matching,
            create_contacts: row.create_contacts,
            write_reference: row.write_reference,
        };
        Ok(Self { workspace_id: WorkspaceId(row.workspace_id), sync_id: SyncId(row.sync_id), row, policy })
    }

    pub(crate) fn highlevel_id(&self) -> ConnectionId {
        ConnectionId(self.row.highlevel_connection_id)
    }

    pub(crate) fn chargify_id(&self) -> ConnectionId {
        ConnectionId(self.row.chargify_connection_id)
    }

    pub(crate) fn connection_id(&self, side: Side) -> ConnectionId {
        match side {
            Side::Highlevel => self.highlevel_id(),
            Side::Chargify => self.chargify_id(),
        }
    }

    /// Fields of one side that the mapping names.
    pub(crate) fn mapped(&self, side: Side) -> impl Iterator<Item = &FieldKey> {
        self.policy.mapping.rules.iter().map(move |rule| rule.field(side))
    }
}

/// Both clients of a sync.
#[derive(Clone, Debug)]
pub(crate) struct Clients {
    pub(crate) highlevel: HighLevel,
    pub(crate) chargify: Chargify,
}

impl Engine {
    /// The sync, ready to work.
    pub(crate) async fn sync_context(&self, workspace_id: WorkspaceId, sync_id: SyncId) -> Result<SyncContext> {
        let mut conn = self.pool().acquire().await?;
        let row = store::syncs::get(&mut conn, workspace_id, sync_id).await?.ok_or(EngineError::NotFound("sync"))?;
        SyncContext::of(row)
    }

    /// Opens the credentials of both sides.
    pub(crate) async fn clients(&self, context: &SyncContext) -> Result<Clients> {
        let highlevel = self.client_for_highlevel(context.workspace_id, context.highlevel_id()).await?;
        let chargify = self.client_for_chargify(context.workspace_id, context.chargify_id()).await?;
        Ok(Clients { highlevel: highlevel.with_custom_fields(context.mapped(Side::Highlevel)), chargify })
    }
}
