//! GoHighLevel through an app of its Marketplace: which app it is, how a person installs it, how its tokens are renewed
//! by one process at a time, and what happens when it is uninstalled (HighLevel API docs, "OAuth 2.0", seen 2026-08).
//!
//! A connection has either a private token or an app, never both. No transaction is open while the service is asked.

mod app;
mod bearer;
mod granting;
mod installing;
mod renewing;
mod uninstalling;

pub use app::NewApp;
pub(super) use bearer::AppBearer;
pub use installing::{InstallAnswer, InstallAsked, InstallFault, Installed};

use super::{CredentialField, input};
use crate::{
    Engine, EngineError, Result,
    clients::{CallContext, highlevel::AppClient},
    store::{
        Tables,
        connections::{ConnectionRow, CredentialRow},
        installs::InstallRow,
    },
    vault::{Belonging, Sealed},
};
use domain::{ConnectionId, Side, WorkspaceId};
use secrecy::SecretString;

/// What calls are made with; no person enters it.
const ACCESS_TOKEN: &str = "access_token";
/// What the next pair is asked for with.
const REFRESH_TOKEN: &str = "refresh_token";
/// Where a person is sent back to after choosing. It names no product: the Marketplace takes no address that does.
const CALLBACK: &str = "/oauth/callback";

/// Where a person chooses the location (HighLevel API docs, "Authorization", seen 2026-08), by either of its names.
const CHOOSER: &str = "https://marketplace.gohighlevel.com/v2/oauth/chooselocation";
const CHOOSERS: [&str; 2] = ["https://marketplace.gohighlevel.com/", "https://marketplace.leadconnectorhq.com/"];
/// The same page of a service at another address, such as the simulated one.
const CHOOSER_PATH: &str = "/oauth/chooselocation";

/// What the app must be permitted in the Marketplace (HighLevel API docs, "Scopes", seen 2026-08). The last two make a
/// location's token from an agency's.
pub(super) const SCOPES: [&str; 14] = [
    "contacts.readonly",
    "contacts.write",
    "locations.readonly",
    "locations/customFields.readonly",
    "locations/customFields.write",
    "locations/tags.readonly",
    "locations/tags.write",
    "locations/tasks.readonly",
    "calendars.readonly",
    "calendars/events.readonly",
    "businesses.readonly",
    "businesses.write",
    "oauth.readonly",
    "oauth.write",
];

/// The first part of a client id is the app's id, which webhooks name.
pub(crate) fn app_id(client_id: &str) -> &str {
    client_id.split('-').next().unwrap_or(client_id)
}

impl Engine {
    /// Where the Marketplace sends people back to; the app's settings must name it.
    pub(super) fn install_callback(&self) -> String {
        format!("{}{CALLBACK}", self.settings().public_url)
    }

    /// The app as it shows itself to the service.
    async fn app_client(&self, row: &ConnectionRow, install: &InstallRow, context: CallContext) -> Result<AppClient> {
        let base_url = input::base_url(Side::Highlevel, &row.account, row.base_url.as_deref());
        input::allowed_base_url(Side::Highlevel, &row.account, &base_url, self.settings())
            .map_err(EngineError::invalid)?;
        let missing = || EngineError::invalid(format!("client_secret: {} has none; set it first", row.name));
        let secret = self.open_credential(row, CredentialField::ClientSecret).await?.ok_or_else(missing)?;
        let account =
            crate::clients::Account { workspace_id: row.workspace_id(), connection_id: row.connection_id(), base_url };
        let client_id = install.client_id.clone();
        Ok(AppClient { account, client_id, client_secret: secret, wire: self.highlevel_wire(), context })
    }

    fn open_token(&self, row: &ConnectionRow, field: &str, sealed: &Sealed) -> Result<SecretString> {
        let belonging = Belonging { workspace_id: row.workspace_id(), connection_id: row.connection_id(), field };
        self.vault().open(&row.sealed_key(), belonging, sealed)
    }

    /// Seals a token in place of the one there was. Nothing of it is shown.
    async fn put_token(
        &self,
        conn: &mut dyn Tables,
        row: &ConnectionRow,
        (field, secret): (&str, &SecretString),
    ) -> Result<()> {
        let belonging = Belonging { workspace_id: row.workspace_id(), connection_id: row.connection_id(), field };
        let sealed = self.vault().seal(&row.sealed_key(), belonging, secret, self.entropy())?;
        let credential = CredentialRow {
            field: field.to_owned(),
            sealed: sealed.bytes,
            nonce: sealed.nonce,
            hint: String::new(),
            set_at: self.clock().now(),
        };
        conn.put_credential(row.workspace_id(), row.connection_id(), &credential).await
    }
}

/// Forgets both tokens.
async fn forget_tokens(conn: &mut dyn Tables, workspace_id: WorkspaceId, connection_id: ConnectionId) -> Result<()> {
    for field in [ACCESS_TOKEN, REFRESH_TOKEN] {
        conn.remove_credential(workspace_id, connection_id, field).await?;
    }
    Ok(())
}
