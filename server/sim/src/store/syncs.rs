//! Syncs in memory.

use super::{
    data::{Data, MappingEntry, SyncEntry, kept},
    session::Session,
};
use async_trait::async_trait;
use domain::{SyncId, WorkspaceId};
use engine::{
    Result,
    store::{
        Syncs,
        syncs::{NewSync, PolicyRow, SyncRow},
    },
};
use serde_json::Value as Json;
use time::OffsetDateTime;
use uuid::Uuid;

impl Data {
    /// With the names of its connections and the rules of its present version. `None`: it has no mapping.
    fn sync_row(&self, sync: &SyncEntry) -> Option<SyncRow> {
        let row = &sync.row;
        let name = |id: Uuid| self.connections.get(&(row.workspace_id, id)).map(|connection| connection.name.clone());
        Some(SyncRow {
            highlevel: name(row.highlevel_connection_id)?,
            chargify: name(row.chargify_connection_id)?,
            highlevel_fields: self.fields.get(&(row.workspace_id, row.highlevel_connection_id)).cloned(),
            chargify_fields: self.fields.get(&(row.workspace_id, row.chargify_connection_id)).cloned(),
            rules: self.mappings.get(&(row.workspace_id, row.sync_id, row.mapping_version))?.rules.clone(),
            ..row.clone()
        })
    }

    fn sync_rows(&self, workspace_id: Uuid) -> Vec<SyncRow> {
        let syncs = self.syncs.range((workspace_id, Uuid::nil())..=(workspace_id, Uuid::max()));
        let mut rows: Vec<SyncRow> = syncs.filter_map(|(_, sync)| self.sync_row(sync)).collect();
        rows.sort_by(|one, other| one.name.cmp(&other.name));
        rows
    }
}

fn set_policy(row: &mut SyncRow, policy: &PolicyRow) {
    row.enabled = policy.enabled;
    row.slots = policy.slots;
    row.scope.clone_from(&policy.scope);
    row.match_policy.clone_from(&policy.match_policy);
    row.create_contacts = policy.create_contacts;
    row.write_reference = policy.write_reference;
    row.engagements.clone_from(&policy.engagements);
    row.deletes.clone_from(&policy.deletes);
}

#[async_trait]
impl Syncs for Session {
    async fn syncs(&mut self, workspace_id: WorkspaceId) -> Result<Vec<SyncRow>> {
        self.act("syncs", |work| Ok(work.data.sync_rows(workspace_id.0))).await
    }

    async fn sync(&mut self, workspace_id: WorkspaceId, sync_id: SyncId) -> Result<Option<SyncRow>> {
        self.act("sync", |work| {
            let sync = work.data.syncs.get(&(workspace_id.0, sync_id.0));
            Ok(sync.and_then(|sync| work.data.sync_row(sync)))
        })
        .await
    }

    async fn sync_by_name(&mut self, workspace_id: WorkspaceId, name: &str) -> Result<Option<SyncRow>> {
        self.act("sync_by_name", |work| {
            let mut syncs = work.data.syncs.iter().filter(|(key, _)| key.0 == workspace_id.0);
            let named = syncs.find(|(_, sync)| sync.row.name == name);
            Ok(named.and_then(|(_, sync)| work.data.sync_row(sync)))
        })
        .await
    }

    async fn insert_sync(&mut self, new: &NewSync<'_>) -> Result<()> {
        self.act("insert_sync", |work| {
            let mut row = SyncRow {
                workspace_id: new.workspace_id.0,
                sync_id: new.sync_id.0,
                name: new.name.to_owned(),
                highlevel_connection_id: new.highlevel.0,
                chargify_connection_id: new.chargify.0,
                highlevel: String::new(),
                chargify: String::new(),
                enabled: false,
                slots: 0,
                scope: Json::Null,
                match_policy: Json::Null,
                create_contacts: false,
                write_reference: false,
                engagements: Json::Null,
                deletes: Json::Null,
                mapping_version: 1,
                rules: Json::Null,
                highlevel_seen_until: None,
                chargify_event_id: None,
                highlevel_fields: None,
                chargify_fields: None,
            };
            set_policy(&mut row, &new.policy);
            work.data.syncs.insert((new.workspace_id.0, new.sync_id.0), SyncEntry { row });
            Ok(())
        })
        .await
    }

    async fn update_sync_policy(
        &mut self,
        workspace_id: WorkspaceId,
        sync_id: SyncId,
        policy: &PolicyRow,
    ) -> Result<()> {
        self.act("update_sync_policy", |work| {
            if let Some(sync) = work.data.syncs.get_mut(&(workspace_id.0, sync_id.0)) {
                set_policy(&mut sync.row, policy);
            }
            Ok(())
        })
        .await
    }

    async fn insert_mapping(
        &mut self,
        workspace_id: WorkspaceId,
        sync_id: SyncId,
        rules: &Json,
        author: &str,
        reason: &str,
    ) -> Result<i32> {
        self.act("insert_mapping", |work| {
            let (workspace_id, sync_id) = (workspace_id.0, sync_id.0);
            let mut versions =
                work.data.mappings.range((workspace_id, sync_id, i32::MIN)..=(workspace_id, sync_id, i32::MAX));
            let version = versions.next_back().map_or(0, |(key, _)| key.2) + 1;
            let mapping = MappingEntry { rules: rules.clone(), author: author.to_owned(), reason: reason.to_owned() };
            work.data.mappings.insert((workspace_id, sync_id, version), mapping);
            if let Some(sync) = work.data.syncs.get_mut(&(workspace_id, sync_id)) {
                sync.row.mapping_version = version;
            }
            Ok(version)
        })
        .await
    }

    async fn lock_mapping_version(&mut self, workspace_id: WorkspaceId, sync_id: SyncId) -> Result<Option<i32>> {
        self.act("lock_mapping_version", |work| {
            Ok(work.data.syncs.get(&(workspace_id.0, sync_id.0)).map(|sync| sync.row.mapping_version))
        })
        .await
    }

    async fn advance_watermarks(
        &mut self,
        workspace_id: WorkspaceId,
        sync_id: SyncId,
        highlevel_seen_until: Option<OffsetDateTime>,
        chargify_event_id: Option<i64>,
    ) -> Result<()> {
        self.act("advance_watermarks", |work| {
            if let Some(sync) = work.data.syncs.get_mut(&(workspace_id.0, sync_id.0)) {
                let seen_until = highlevel_seen_until.map(kept);
                sync.row.highlevel_seen_until = sync.row.highlevel_seen_until.max(seen_until);
                sync.row.chargify_event_id = sync.row.chargify_event_id.max(chargify_event_id);
            }
            Ok(())
        })
        .await
    }
}
