//! Apps that connections call with, in memory.

use super::{
    data::{Data, Within, kept},
    session::Session,
};
use async_trait::async_trait;
use domain::{ConnectionId, WorkspaceId};
use engine::{
    Result,
    store::{
        Installs,
        installs::{AppRow, Granted, InstallRow, Lease},
    },
};
use time::OffsetDateTime;
use uuid::Uuid;

fn new_install((workspace_id, connection_id): Within, app: &AppRow) -> InstallRow {
    InstallRow {
        workspace_id,
        connection_id,
        client_id: app.client_id.clone(),
        version_id: app.version_id.clone(),
        chooser_url: app.chooser_url.clone(),
        standing: "waiting".to_owned(),
        company_id: None,
        generation: 0,
        expires_at: None,
        installed_at: None,
        lease_by: None,
        lease_until: None,
        retry_at: None,
        access_token: None,
        access_token_nonce: None,
        refresh_token: None,
        refresh_token_nonce: None,
    }
}

fn end_turn(row: &mut InstallRow) {
    (row.lease_by, row.lease_until, row.retry_at) = (None, None, None);
}

impl Data {
    /// With its tokens.
    fn install_row(&self, key: Within) -> Option<InstallRow> {
        let row = self.installs.get(&key)?;
        let credential = |field: &str| self.credentials.get(&(key.0, key.1, field.to_owned()));
        let (access, refresh) = (credential("access_token"), credential("refresh_token"));
        Some(InstallRow {
            access_token: access.map(|one| one.sealed.clone()),
            access_token_nonce: access.map(|one| one.nonce.clone()),
            refresh_token: refresh.map(|one| one.sealed.clone()),
            refresh_token_nonce: refresh.map(|one| one.nonce.clone()),
            ..row.clone()
        })
    }

    /// Changes the install where it is as asked.
    fn change_install(
        &mut self,
        key: Within,
        is_meant: impl FnOnce(&InstallRow) -> bool,
        change: impl FnOnce(&mut InstallRow),
    ) -> bool {
        if !self.installs.get(&key).is_some_and(is_meant) {
            return false;
        }
        if let Some(row) = self.installs.get_mut(&key) {
            change(row);
        }
        true
    }
}

#[async_trait]
impl Installs for Session {
    async fn install(&mut self, workspace_id: WorkspaceId, connection_id: ConnectionId) -> Result<Option<InstallRow>> {
        self.act("install", |work| Ok(work.data.install_row((workspace_id.0, connection_id.0)))).await
    }

    async fn put_app(&mut self, workspace_id: WorkspaceId, connection_id: ConnectionId, app: &AppRow) -> Result<()> {
        self.act("put_app", |work| {
            let key = (workspace_id.0, connection_id.0);
            let Some(row) = work.data.installs.get_mut(&key) else {
                work.data.installs.insert(key, new_install(key, app));
                return Ok(());
            };
            let generation = row.generation + 1;
            if row.client_id == app.client_id {
                row.version_id.clone_from(&app.version_id);
                row.chooser_url.clone_from(&app.chooser_url);
                end_turn(row);
            } else {
                *row = new_install(key, app);
            }
            row.generation = generation;
            Ok(())
        })
        .await
    }

    async fn remove_install(&mut self, workspace_id: WorkspaceId, connection_id: ConnectionId) -> Result<bool> {
        self.act("remove_install", |work| Ok(work.data.installs.remove(&(workspace_id.0, connection_id.0)))).await
    }

    async fn remove_credential(
        &mut self,
        workspace_id: WorkspaceId,
        connection_id: ConnectionId,
        field: &str,
    ) -> Result<bool> {
        self.act("remove_credential", |work| {
            Ok(work.data.credentials.remove(&(workspace_id.0, connection_id.0, field.to_owned())))
        })
        .await
    }

    async fn lease_install(
        &mut self,
        workspace_id: WorkspaceId,
        connection_id: ConnectionId,
        generation: i64,
        lease: Lease,
    ) -> Result<bool> {
        self.act("lease_install", |work| {
            let is_free = |row: &InstallRow| {
                row.lease_by.is_none_or(|by| by == lease.by)
                    || row.lease_until.is_some_and(|until| until < kept(lease.now))
            };
            let is_meant =
                |row: &InstallRow| row.generation == generation && row.standing == "installed" && is_free(row);
            Ok(work.data.change_install((workspace_id.0, connection_id.0), is_meant, |row| {
                (row.lease_by, row.lease_until) = (Some(lease.by), Some(kept(lease.until)));
            }))
        })
        .await
    }

    async fn release_install(
        &mut self,
        workspace_id: WorkspaceId,
        connection_id: ConnectionId,
        by: Uuid,
        retry_at: Option<OffsetDateTime>,
    ) -> Result<bool> {
        self.act("release_install", |work| {
            let key = (workspace_id.0, connection_id.0);
            Ok(work.data.change_install(
                key,
                |row| row.lease_by == Some(by),
                |row| {
                    end_turn(row);
                    row.retry_at = retry_at.map(kept);
                },
            ))
        })
        .await
    }

    async fn grant_install(
        &mut self,
        workspace_id: WorkspaceId,
        connection_id: ConnectionId,
        granted: &Granted,
    ) -> Result<bool> {
        self.act("grant_install", |work| {
            let is_meant = |row: &InstallRow| granted.by.is_none() || row.lease_by == granted.by;
            Ok(work.data.change_install((workspace_id.0, connection_id.0), is_meant, |row| {
                "installed".clone_into(&mut row.standing);
                row.company_id.clone_from(&granted.company_id);
                row.expires_at = Some(kept(granted.expires_at));
                row.generation += 1;
                if granted.by.is_none() {
                    row.installed_at = Some(kept(granted.at));
                }
                end_turn(row);
            }))
        })
        .await
    }

    async fn end_install(
        &mut self,
        workspace_id: WorkspaceId,
        connection_id: ConnectionId,
        standing: &str,
        by: Option<Uuid>,
    ) -> Result<bool> {
        self.act("end_install", |work| {
            let is_meant = |row: &InstallRow| row.standing == "installed" && (by.is_none() || row.lease_by == by);
            Ok(work.data.change_install((workspace_id.0, connection_id.0), is_meant, |row| {
                standing.clone_into(&mut row.standing);
                row.expires_at = None;
                row.generation += 1;
                end_turn(row);
            }))
        })
        .await
    }
}
