//! Testing a connection: every rung names one thing that must hold, what was found, and what to do. A rung whose ground
//! is missing is skipped. Nothing is changed at the service, and no transaction is open while it is asked.

mod chargify;
mod highlevel;
mod probe;
mod steps;

use super::{ConnectionState, client::Opened, side_of, view};
use crate::{
    Engine, EngineError, Keyholder, Result,
    audit::{self, AuditAction, AuditOutcome, NewAuditLine},
    clients::{CallContext, Priority},
    store::{self, connections::CheckRow},
};
use domain::{
    Side,
    view::{CheckView, StepState},
};
use probe::Probe;
use sqlx::Connection as _;
use std::sync::Arc;
use steps::Steps;

impl Engine {
    /// Tests a connection rung by rung, stores the result and says what it means for the connection's state.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::Invalid`] when there is no credential to test with;
    /// [`EngineError::Sealed`]; database errors. What the service refuses is a result, not an error.
    pub async fn test_connection(&self, by: &Keyholder, key: &str) -> Result<CheckView> {
        let row = {
            let mut conn = self.pool().acquire().await?;
            store::connections::find_by_key(&mut conn, by.workspace_id(), key).await?
        };
        let row = row.ok_or(EngineError::NotFound("connection"))?;
        let shared_key = self.open_credential(&row, super::CredentialField::SharedKey).await?.is_some();
        let opened = self.open(row).await?;
        let steps = self.climb(&opened, &by.actor().key(), shared_key).await?;
        self.store_check(by, &opened, steps).await
    }

    async fn climb(&self, opened: &Opened, cause: &str, shared_key: bool) -> Result<Steps> {
        let (workspace_id, connection_id) = (opened.row.workspace_id(), opened.row.connection_id());
        let context = CallContext::new(Priority::Live, cause);
        let mut wire = match side_of(&opened.row)? {
            Side::Highlevel => self.highlevel_wire(),
            Side::Chargify => self.chargify_wire(workspace_id, connection_id),
        };
        let probe = Arc::new(Probe::around(Arc::clone(&wire.transport), Arc::clone(&wire.clock)));
        wire.transport = Arc::clone(&probe) as Arc<dyn crate::Transport>;
        let mut steps = Steps::of(opened.side, &opened.base_url);
        match opened.side {
            Side::Highlevel => {
                let way = if opened.install.is_some() { highlevel::Way::App } else { highlevel::Way::PrivateToken };
                if opened.install.as_ref().is_none_or(|install| highlevel::is_installed(install, &mut steps)) {
                    highlevel::climb(&self.highlevel_client(opened, wire), &context, &probe, &mut steps, way).await;
                }
            }
            Side::Chargify => {
                let site = chargify::Expected { subdomain: &opened.row.account, shared_key };
                chargify::climb(&opened.chargify(wire), &context, &probe, &mut steps, site).await;
            }
        }
        steps.measure(&probe);
        Ok(steps)
    }

    async fn store_check(&self, by: &Keyholder, opened: &Opened, steps: Steps) -> Result<CheckView> {
        let (workspace_id, connection_id) = (opened.row.workspace_id(), opened.row.connection_id());
        let at = self.clock().now();
        let (state, detail) = steps.verdict();
        let done = steps.into_views();
        let failed = done.iter().find(|step| step.state == StepState::Failed);
        let passed = failed.is_none();
        let mut line = NewAuditLine::by(by.actor(), AuditAction::ConnectionTested, at)
            .about(format!("connection:{connection_id}"), &opened.row.name)
            .with("side", opened.row.side.as_str());
        if let Some(step) = failed {
            line = line.ended(AuditOutcome::Failed).with("reason", format!("{}: {}", step.title, step.detail));
        }
        let steps =
            serde_json::to_value(&done).map_err(|_infallible| EngineError::Bug("a check does not serialise"))?;
        let row = CheckRow { passed, steps, checked_at: at };

        let mut conn = self.pool().acquire().await?;
        let mut tx = conn.begin().await?;
        store::connections::insert_check(&mut tx, workspace_id, connection_id, self.entropy().uuid(), &row).await?;
        // An account that cannot be reached says nothing about its credential: the state stays what it was.
        if let Some(state) = state {
            let known = (state.as_str(), detail.as_deref());
            store::connections::set_state(&mut tx, workspace_id, connection_id, known, at).await?;
            if opened.row.state != state.as_str() {
                line = line.change(&opened.row.side, "state", &opened.row.state, state.as_str());
            }
        }
        audit::append(&mut tx, workspace_id, line).await?;
        tx.commit().await?;
        Ok(view::check_view(row))
    }
}

/// For [`ConnectionState`]: what a failed rung says about the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing about the credential.
    Unknown,
    Refused,
    Blocked,
}

impl Verdict {
    const fn state(self) -> Option<ConnectionState> {
        match self {
            Self::Unknown => None,
            Self::Refused => Some(ConnectionState::Refused),
            Self::Blocked => Some(ConnectionState::Blocked),
        }
    }
}
