//! Changing the installation's secret key.

use crate::{
    Engine, Manager, Result, Vault,
    audit::{self, AuditAction, NewAuditLine},
    store,
    vault::{Belonging, KEY_VERSION, SealedKey},
};
use domain::{ConnectionId, WorkspaceId};
use sqlx::Connection as _;
use uuid::Uuid;

impl Engine {
    /// Seals every connection's data key with another installation key, all or none, and returns how many there were.
    /// The credentials themselves stay as they are. From then on only processes started with the new key can open them.
    ///
    /// # Errors
    /// [`crate::EngineError::Sealed`] when a data key does not open with the present key; database errors.
    pub async fn rotate_secret_key(&self, by: &Manager, new: &Vault) -> Result<u64> {
        let mut conn = self.pool().acquire().await?;
        let mut tx = conn.begin().await?;
        let (mut count, mut after) = (0, Uuid::nil());
        loop {
            let page = store::keys::lock_page(&mut tx, after).await?;
            let Some(last) = page.last() else { break };
            after = last.connection_id;
            for row in page {
                let belonging = Belonging {
                    workspace_id: WorkspaceId(row.workspace_id),
                    connection_id: ConnectionId(row.connection_id),
                    field: "",
                };
                let sealed = SealedKey { bytes: row.data_key, nonce: row.data_key_nonce, version: row.key_version };
                let sealed = self.vault().rewrapped(new, &sealed, belonging, self.entropy())?;
                store::keys::set_data_key(&mut tx, row.workspace_id, row.connection_id, &sealed).await?;
                count += 1;
            }
        }
        store::keys::set_fingerprint(&mut tx, KEY_VERSION, new.fingerprint()).await?;
        let line = NewAuditLine::by(by.actor(), AuditAction::KeyRotated, self.clock().now())
            .about("installation", "")
            .with("connections", count)
            .with("fingerprint", new.fingerprint());
        for workspace_id in store::keys::workspaces(&mut tx).await? {
            audit::append(&mut tx, WorkspaceId(workspace_id), line.clone()).await?;
        }
        tx.commit().await?;
        Ok(count)
    }
}
