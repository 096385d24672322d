//! Workspaces and connections in memory.

use super::{
    data::{Data, WorkspaceEntry, kept},
    session::Session,
};
use async_trait::async_trait;
use domain::{ConnectionId, Side, WorkspaceId};
use engine::{
    EngineError, Result,
    store::{
        Connections, Workspaces,
        connections::{ConnectionRow, CredentialRow, NewConnectionRow},
    },
};
use time::OffsetDateTime;
use uuid::Uuid;

#[async_trait]
impl Workspaces for Session {
    async fn first_workspace(&mut self) -> Result<Option<WorkspaceId>> {
        self.act("first_workspace", |work| {
            let first = work.data.workspaces.iter().min_by_key(|(id, workspace)| (workspace.created_at, **id));
            Ok(first.map(|(id, _)| WorkspaceId(*id)))
        })
        .await
    }

    async fn workspace_by_name(&mut self, name: &str) -> Result<Option<WorkspaceId>> {
        self.act("workspace_by_name", |work| {
            let mut workspaces = work.data.workspaces.iter();
            Ok(workspaces.find(|(_, workspace)| workspace.name == name).map(|(id, _)| WorkspaceId(*id)))
        })
        .await
    }

    async fn insert_workspace(&mut self, workspace_id: WorkspaceId, name: &str) -> Result<()> {
        self.act("insert_workspace", |work| {
            let entry = WorkspaceEntry { name: name.to_owned(), next_run_number: 1, created_at: work.now };
            work.data.workspaces.insert(workspace_id.0, entry);
            Ok(())
        })
        .await
    }

    async fn lock_people(&mut self) -> Result<()> {
        // Units of work take turns: nobody else is at it anyway.
        self.act("lock_people", |_| Ok(())).await
    }
}

fn new_connection(row: &NewConnectionRow<'_>) -> ConnectionRow {
    ConnectionRow {
        workspace_id: row.workspace_id.0,
        connection_id: row.connection_id.0,
        public_id: row.public_id.to_owned(),
        name: row.name.to_owned(),
        side: row.side.to_owned(),
        account: row.account.to_owned(),
        base_url: row.base_url.map(str::to_owned),
        webhook_public_key: row.webhook_public_key.map(str::to_owned),
        data_key: row.data_key.bytes.clone(),
        data_key_nonce: row.data_key.nonce.clone(),
        key_version: row.data_key.version,
        state: "untested".to_owned(),
        state_detail: None,
        state_at: kept(row.at),
    }
}

impl Data {
    /// Whether another connection, of whatever workspace, is to the same Chargify site.
    fn is_site_taken(&self, row: &ConnectionRow) -> bool {
        let place = |row: &ConnectionRow| (row.account.clone(), row.base_url.clone().unwrap_or_default());
        row.side == Side::Chargify.as_str()
            && self.connections.values().any(|known| {
                known.side == row.side && known.connection_id != row.connection_id && place(known) == place(row)
            })
    }
}

fn site_taken() -> EngineError {
    EngineError::invalid("account: this Chargify site is connected already")
}

#[async_trait]
impl Connections for Session {
    async fn connections(&mut self, workspace_id: WorkspaceId) -> Result<Vec<ConnectionRow>> {
        self.act("connections", |work| {
            let connections =
                work.data.connections.range((workspace_id.0, Uuid::nil())..=(workspace_id.0, Uuid::max()));
            let mut rows: Vec<ConnectionRow> = connections.map(|(_, row)| row.clone()).collect();
            rows.sort_by(|one, other| one.name.cmp(&other.name));
            Ok(rows)
        })
        .await
    }

    async fn connection(
        &mut self,
        workspace_id: WorkspaceId,
        connection_id: ConnectionId,
    ) -> Result<Option<ConnectionRow>> {
        self.act("connection", |work| Ok(work.data.connections.get(&(workspace_id.0, connection_id.0)).cloned())).await
    }

    async fn connection_by_key(&mut self, workspace_id: WorkspaceId, key: &str) -> Result<Option<ConnectionRow>> {
        self.act("connection_by_key", |work| {
            let connections = work.data.connections.iter().filter(|(id, _)| id.0 == workspace_id.0);
            let meant = connections.map(|(_, row)| row).filter(|row| row.public_id == key || row.name == key);
            Ok(meant.min_by_key(|row| row.public_id != key).cloned())
        })
        .await
    }

    async fn insert_connection(&mut self, row: NewConnectionRow<'_>) -> Result<()> {
        self.act("insert_connection", |work| {
            let mut known = work.data.connections.iter().filter(|(id, _)| id.0 == row.workspace_id.0);
            if known.any(|(_, known)| known.name == row.name) {
                return Err(EngineError::invalid("name: another connection of this workspace has it"));
            }
            let new = new_connection(&row);
            if work.data.is_site_taken(&new) {
                return Err(site_taken());
            }
            work.data.connections.insert((row.workspace_id.0, row.connection_id.0), new);
            Ok(())
        })
        .await
    }

    async fn update_connection(&mut self, row: &ConnectionRow, at: OffsetDateTime) -> Result<u64> {
        self.act("update_connection", |work| {
            if work.data.is_site_taken(row) {
                return Err(site_taken());
            }
            let Some(known) = work.data.connections.get_mut(&(row.workspace_id, row.connection_id)) else {
                return Ok(0);
            };
            known.account.clone_from(&row.account);
            known.base_url.clone_from(&row.base_url);
            known.webhook_public_key.clone_from(&row.webhook_public_key);
            "untested".clone_into(&mut known.state);
            known.state_detail = None;
            known.state_at = kept(at);
            Ok(1)
        })
        .await
    }

    async fn set_connection_state(
        &mut self,
        workspace_id: WorkspaceId,
        connection_id: ConnectionId,
        (state, detail): (&str, Option<&str>),
        at: OffsetDateTime,
    ) -> Result<bool> {
        self.act("set_connection_state", |work| {
            let key = (workspace_id.0, connection_id.0);
            let is_new = |row: &ConnectionRow| row.state != state || row.state_detail.as_deref() != detail;
            if !work.data.connections.get(&key).is_some_and(is_new) {
                return Ok(false);
            }
            if let Some(row) = work.data.connections.get_mut(&key) {
                state.clone_into(&mut row.state);
                row.state_detail = detail.map(str::to_owned);
                row.state_at = kept(at);
            }
            Ok(true)
        })
        .await
    }

    async fn credentials(
        &mut self,
        workspace_id: WorkspaceId,
        connection_id: ConnectionId,
    ) -> Result<Vec<CredentialRow>> {
        self.act("credentials", |work| {
            let credentials = work.data.credentials.iter();
            let held = credentials.filter(|(key, _)| (key.0, key.1) == (workspace_id.0, connection_id.0));
            Ok(held.map(|(_, row)| row.clone()).collect())
        })
        .await
    }

    async fn put_credential(
        &mut self,
        workspace_id: WorkspaceId,
        connection_id: ConnectionId,
        row: &CredentialRow,
    ) -> Result<()> {
        self.act("put_credential", |work| {
            let row = CredentialRow { set_at: kept(row.set_at), ..row.clone() };
            work.data.credentials.insert((workspace_id.0, connection_id.0, row.field.clone()), row);
            Ok(())
        })
        .await
    }
}
