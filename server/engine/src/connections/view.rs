//! A connection as pages see it.

use super::{CredentialField, oauth, side_of};
use crate::{
    Engine, Result,
    store::{
        self,
        connections::{CheckRow, ConnectionRow, CredentialRow},
        installs::InstallRow,
    },
};
use domain::view::{AppView, At, CheckView, ConnectionView, CredentialView};
use sqlx::PgConnection;
use time::Time;

impl Engine {
    pub(super) async fn connection_view(&self, conn: &mut PgConnection, row: ConnectionRow) -> Result<ConnectionView> {
        let (workspace_id, connection_id) = (row.workspace_id(), row.connection_id());
        let now = self.clock().now();
        let day = now.replace_time(Time::MIDNIGHT);
        let credentials = store::connections::credentials(conn, workspace_id, connection_id).await?;
        let install = store::installs::find(conn, workspace_id, connection_id).await?;
        let check = store::connections::latest_check(conn, workspace_id, connection_id).await?;
        let figures = store::connections::figures(conn, workspace_id, connection_id, (day, now)).await?;
        let side = side_of(&row)?;
        Ok(ConnectionView {
            webhook_url: format!("{}/webhooks/{side}/{}", self.settings().public_url, row.public_id),
            id: row.public_id,
            name: row.name,
            side,
            account: row.account,
            base_url: row.base_url,
            state: row.state,
            state_detail: row.state_detail,
            state_at: At::from(row.state_at),
            credentials: credentials.into_iter().filter_map(credential_view).collect(),
            last_check: check.map(check_view),
            paused_until: figures.paused_until.map(At::from),
            pause_reason: figures.pause_reason,
            calls_today: u64::try_from(figures.calls_today).unwrap_or_default(),
            median_ms: figures.median_ms.and_then(|ms| u32::try_from(ms).ok()),
            last_webhook_at: figures.last_webhook_at.map(At::from),
            app: install.map(|install| self.app_view(install)),
        })
    }

    fn app_view(&self, install: InstallRow) -> AppView {
        AppView {
            client_id: install.client_id,
            version_id: install.version_id,
            chooser_url: install.chooser_url,
            standing: install.standing,
            of_agency: install.company_id.is_some(),
            installed_at: install.installed_at.map(At::from),
            expires_at: install.expires_at.map(At::from),
            callback_url: self.install_callback(),
            scopes: oauth::SCOPES.map(str::to_owned).to_vec(),
        }
    }
}

/// The stored steps; a form this version does not know shows none of them.
pub(super) fn check_view(row: CheckRow) -> CheckView {
    CheckView {
        passed: row.passed,
        checked_at: At::from(row.checked_at),
        steps: serde_json::from_value(row.steps).unwrap_or_default(),
    }
}

/// `None` for what no person enters.
fn credential_view(row: CredentialRow) -> Option<CredentialView> {
    let field: CredentialField = row.field.parse().ok()?;
    let label = field.label().to_owned();
    Some(CredentialView { field: row.field, label, hint: row.hint, set_at: At::from(row.set_at) })
}
