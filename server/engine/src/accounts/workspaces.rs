//! The workspaces of a person: which there are, and making another.

use super::is_short_line;
use crate::{
    Engine, EngineError, Manager, Result, Viewer,
    audit::{self, AuditAction, NewAuditLine},
    store,
};
use domain::{Role, WorkspaceId, limits::NAME_CHARS, view::WorkspaceView};
use sqlx::Connection as _;

impl Engine {
    /// The workspaces of whoever looks, by name.
    ///
    /// # Errors
    /// Database errors.
    pub async fn workspaces(&self, viewer: &Viewer) -> Result<Vec<WorkspaceView>> {
        let Some(person_id) = viewer.actor().person_id() else { return Ok(Vec::new()) };
        let mut conn = self.pool().acquire().await?;
        let rows = store::workspaces::of_person(&mut conn, person_id).await?;
        let view = |(id, name, role): (WorkspaceId, String, String)| {
            Ok(WorkspaceView {
                id: id.to_string(),
                name,
                role: store::people::role(&role)?,
                is_open: id == viewer.workspace_id(),
            })
        };
        rows.into_iter().map(view).collect()
    }

    /// Makes another workspace, owned by whoever asks. Its connections, syncs, team and trail are its own.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] when the name is blank, too long or taken; database errors.
    pub async fn create_workspace(&self, manager: &Manager, name: &str) -> Result<WorkspaceId> {
        let name = name.trim();
        if name.is_empty() || !is_short_line(name) {
            return Err(EngineError::invalid(format!("name: use one line of 1 to {NAME_CHARS} characters")));
        }
        let Some(person_id) = manager.actor().person_id() else {
            return Err(EngineError::invalid("name: a workspace is made by a person, who then owns it"));
        };
        let workspace_id = WorkspaceId(self.entropy().uuid());
        let mut conn = self.pool().acquire().await?;
        let mut tx = conn.begin().await?;
        store::people::lock(&mut tx).await?;
        if store::workspaces::named(&mut tx, name).await?.is_some() {
            return Err(EngineError::invalid(format!("name: there is a workspace named {name} already")));
        }
        store::workspaces::insert(&mut tx, workspace_id, name).await?;
        store::people::join(&mut tx, workspace_id, person_id, Role::Owner).await?;
        let by = |action| NewAuditLine::by(manager.actor(), action, self.clock().now());
        let made =
            by(AuditAction::WorkspaceCreated).about(format!("workspace:{workspace_id}"), name).with("name", name);
        let joined = by(AuditAction::PersonAdded)
            .about(manager.actor().key(), manager.actor().name())
            .with("role", Role::Owner.as_str());
        audit::append_many(&mut tx, workspace_id, vec![made, joined]).await?;
        tx.commit().await?;
        Ok(workspace_id)
    }
}
