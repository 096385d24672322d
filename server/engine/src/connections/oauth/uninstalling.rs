//! The app was taken out of the location: its tokens are forgotten and its work waits. A webhook tells of it; what is
//! done about it is the worker's part.

use super::{forget_tokens, installing::is_before};
use crate::{
    Engine, EngineError, Result,
    audit::{self, AuditAction, AuditOutcome, NewAuditLine},
    connections::ConnectionState,
    deliveries::told_at,
    jobs::Ending,
    store::{
        Tables,
        connections::ConnectionRow,
        deliveries::{DeliveryRow, Settled},
    },
};
use domain::{ConnectionId, WorkspaceId, denial::Denial};

const DONE: &str = "The app was uninstalled. Its tokens are forgotten; work of this connection waits until it is \
                    installed again.";
const OLD: &str = "It tells of an earlier install: the app was installed again since.";
const NONE: &str = "The app is not installed here.";

impl Engine {
    /// Works off what webhooks told of an app's end.
    pub(crate) async fn heed_uninstall(
        &self,
        workspace_id: WorkspaceId,
        connection_id: ConnectionId,
    ) -> Result<Ending> {
        let mut tx = self.store().begin().await?;
        let row = tx.connection(workspace_id, connection_id).await?.ok_or(EngineError::NotFound("connection"))?;
        let told = tx.open_deliveries(workspace_id, connection_id, std::slice::from_ref(&row.account)).await?;
        let told: Vec<DeliveryRow> = told.into_iter().filter(|one| one.event == "UNINSTALL").collect();
        let mut lines = Vec::new();
        for delivery in &told {
            let install = tx.install(workspace_id, connection_id).await?;
            let installed_at = install.and_then(|install| install.installed_at);
            let (state, detail) = if is_before(told_at(&delivery.body), installed_at) {
                ("ignored", OLD)
            } else if self.end_of_install(&mut *tx, &row).await? {
                lines.push(self.uninstall_line(&row, delivery));
                ("done", DONE)
            } else {
                ("ignored", NONE)
            };
            let at = self.clock().now();
            let settled = Settled { state, outcome: None, detail: Some(detail), at };
            tx.settle_deliveries(workspace_id, &[delivery.delivery_id], &settled).await?;
        }
        audit::append_many(&mut *tx, workspace_id, lines).await?;
        tx.commit().await?;
        Ok(Ending::Done)
    }

    async fn end_of_install(&self, conn: &mut dyn Tables, row: &ConnectionRow) -> Result<bool> {
        let (workspace_id, connection_id) = (row.workspace_id(), row.connection_id());
        if !conn.end_install(workspace_id, connection_id, "uninstalled", None).await? {
            return Ok(false);
        }
        forget_tokens(conn, workspace_id, connection_id).await?;
        let refused = (ConnectionState::Refused.as_str(), Some(Denial::Uninstalled.sentence()));
        conn.set_connection_state(workspace_id, connection_id, refused, self.clock().now()).await?;
        Ok(true)
    }

    fn uninstall_line(&self, row: &ConnectionRow, delivery: &DeliveryRow) -> NewAuditLine {
        let actor = (format!("webhook:{}", delivery.delivery_id), format!("webhook {}", delivery.event));
        NewAuditLine::of(actor, AuditAction::AppUninstalled, self.clock().now())
            .about(format!("connection:{}", row.connection_id()), &row.name)
            .ended(AuditOutcome::Done)
            .with("side", row.side.as_str())
    }
}
