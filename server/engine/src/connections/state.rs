//! What is known of a connection's health.

use crate::{
    Engine, Result,
    audit::{self, AuditAction, AuditOutcome, NewAuditLine},
};
use domain::{ConnectionId, WorkspaceId};
use time::OffsetDateTime;

/// The last thing known of a connection's credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConnectionState {
    Untested,
    Healthy,
    /// The service refuses the credential, or it lacks a permission.
    Refused,
    /// The service refuses everything of the account.
    Blocked,
}

impl ConnectionState {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Untested => "untested",
            Self::Healthy => "healthy",
            Self::Refused => "refused",
            Self::Blocked => "blocked",
        }
    }
}

impl Engine {
    /// Notes that calls of a connection were answered as they should be. An untested one is then healthy; one that
    /// was refused only when it could write since, as a credential that lacks a permission goes on reading.
    ///
    /// # Errors
    /// Database errors.
    pub(crate) async fn note_answers(
        &self,
        workspace_id: WorkspaceId,
        connection_id: ConnectionId,
        wrote_at: Option<OffsetDateTime>,
    ) -> Result<()> {
        let known = {
            let mut conn = self.store().session().await?;
            conn.connection(workspace_id, connection_id).await?
        };
        let Some(known) = known else { return Ok(()) };
        let is_news = known.state == ConnectionState::Untested.as_str()
            || (known.state != ConnectionState::Healthy.as_str() && wrote_at.is_some_and(|at| at > known.state_at));
        if is_news {
            self.note_connection_state(workspace_id, connection_id, ConnectionState::Healthy, None).await?;
        }
        Ok(())
    }

    /// Notes what work found out about a connection, and says so in the audit trail. False: it was known.
    ///
    /// # Errors
    /// Database errors.
    pub(crate) async fn note_connection_state(
        &self,
        workspace_id: WorkspaceId,
        connection_id: ConnectionId,
        state: ConnectionState,
        detail: Option<&str>,
    ) -> Result<bool> {
        let at = self.clock().now();
        let mut tx = self.store().begin().await?;
        let Some(row) = tx.connection(workspace_id, connection_id).await? else { return Ok(false) };
        let known = (state.as_str(), detail);
        if !tx.set_connection_state(workspace_id, connection_id, known, at).await? {
            return Ok(false);
        }
        if row.state != state.as_str() {
            let outcome = if state == ConnectionState::Healthy { AuditOutcome::Done } else { AuditOutcome::Failed };
            let system = ("system".to_owned(), "Concord itself".to_owned());
            let line = NewAuditLine::of(system, AuditAction::ConnectionChanged, at)
                .about(format!("connection:{connection_id}"), &row.name)
                .ended(outcome)
                .with("side", row.side.as_str())
                .with("reason", detail.unwrap_or_default())
                .change(&row.side, "state", &row.state, state.as_str());
            audit::append(&mut *tx, workspace_id, line).await?;
        }
        tx.commit().await?;
        Ok(true)
    }
}
