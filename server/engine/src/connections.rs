//! Connections: credentials for one location or one site, sealed at rest, tested on demand, opened only for a call.

mod client;
mod input;
mod ladder;
mod oauth;
mod state;
mod view;

pub use input::{CredentialField, NewConnection, Whereabouts};
pub(crate) use oauth::app_id;
pub use oauth::{InstallAnswer, InstallAsked, InstallFault, Installed, NewApp};
pub(crate) use state::ConnectionState;

use crate::{
    Actor, Engine, EngineError, Keyholder, Result, Viewer,
    audit::{self, AuditAction, NewAuditLine},
    store::{
        self, Tables,
        connections::{ConnectionRow, CredentialRow, NewConnectionRow, NewLaneRow},
    },
    vault::{Belonging, SealedKey},
};
use domain::{ConnectionId, Side, WorkspaceId, limits, view::ConnectionView};
use secrecy::{ExposeSecret as _, SecretString};

/// Jobs of one lane that may run at once: enough to fill its call slots while some of them wait for the other side.
const LANE_JOBS: i16 = 8;
/// Letters of a public id: not to be guessed, short enough for an address.
const PUBLIC_ID_BYTES: usize = 12;

impl Engine {
    /// The workspace's connections, by name.
    ///
    /// # Errors
    /// Database errors.
    pub async fn connections(&self, viewer: &Viewer) -> Result<Vec<ConnectionView>> {
        let mut conn = self.pool().acquire().await?;
        let rows = store::connections::list(&mut conn, viewer.workspace_id()).await?;
        let mut views = Vec::with_capacity(rows.len());
        for row in rows {
            views.push(self.connection_view(&mut conn, row).await?);
        }
        Ok(views)
    }

    /// One connection, by public id or name.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; database errors.
    pub async fn connection(&self, viewer: &Viewer, key: &str) -> Result<ConnectionView> {
        let mut conn = self.pool().acquire().await?;
        let row = store::connections::find_by_key(&mut conn, viewer.workspace_id(), key).await?;
        let row = row.ok_or(EngineError::NotFound("connection"))?;
        self.connection_view(&mut conn, row).await
    }

    /// Adds a connection, untested, and returns its public id.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] with every fault of the input, and when the name is taken; database errors.
    pub async fn add_connection(&self, by: &Keyholder, new: NewConnection) -> Result<String> {
        let mut tx = self.store().begin().await?;
        let public_id = self.add_connection_in(&mut *tx, by.actor(), new).await?;
        tx.commit().await?;
        Ok(public_id)
    }

    /// As [`Engine::add_connection`], in the caller's transaction.
    pub(crate) async fn add_connection_in(
        &self,
        conn: &mut dyn Tables,
        by: &Actor,
        new: NewConnection,
    ) -> Result<String> {
        let new = new.checked(self.settings())?;
        let (workspace_id, connection_id) = (by.workspace_id(), ConnectionId(self.entropy().uuid()));
        let data_key = self.vault().new_data_key(self.entropy(), workspace_id, connection_id)?;
        let mut credentials = Vec::with_capacity(new.credentials.len());
        let app = new.app.as_ref().map(|app| app.checked(self.settings())).transpose();
        let app = app.map_err(EngineError::Invalid)?;
        for (field, secret) in &new.credentials {
            credentials.push(self.sealed_row(&data_key, (workspace_id, connection_id), *field, secret)?);
        }
        let public_id = hex::encode(self.entropy().bytes::<PUBLIC_ID_BYTES>());
        let at = self.clock().now();

        let row = NewConnectionRow {
            workspace_id,
            connection_id,
            public_id: &public_id,
            name: &new.name,
            side: new.side.as_str(),
            account: &new.account,
            base_url: new.base_url.as_deref(),
            webhook_public_key: new.webhook_public_key.as_deref(),
            data_key: &data_key,
            at,
        };
        conn.insert_connection(row).await?;
        for credential in &credentials {
            conn.put_credential(workspace_id, connection_id, credential).await?;
        }
        if let Some(app) = &app {
            conn.put_app(workspace_id, connection_id, app).await?;
        }
        let lane = NewLaneRow {
            job_slots: LANE_JOBS,
            call_slots: small(limits::LANE_SLOTS_DEFAULT),
            slots_max: small(limits::LANE_SLOTS_MAX),
        };
        conn.insert_lane(workspace_id, connection_id, lane).await?;
        let mut line = NewAuditLine::by(by, AuditAction::ConnectionAdded, at)
            .about(format!("connection:{connection_id}"), &new.name)
            .with("side", new.side.as_str())
            .with("account", new.account.as_str());
        if let Some(app) = &app {
            line = line.with("client_id", app.client_id.as_str());
        }
        audit::append(conn, workspace_id, line).await?;
        Ok(public_id)
    }

    /// Changes where the account is and how its webhooks are verified. False: it was so already. A changed connection
    /// is untested.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::Invalid`] with every fault of the input; database errors.
    pub async fn change_connection(&self, by: &Keyholder, key: &str, new: Whereabouts) -> Result<bool> {
        let mut tx = self.store().begin().await?;
        let is_changed = self.change_connection_in(&mut *tx, by.actor(), key, new).await?;
        tx.commit().await?;
        Ok(is_changed)
    }

    /// As [`Engine::change_connection`], in the caller's transaction.
    pub(crate) async fn change_connection_in(
        &self,
        conn: &mut dyn Tables,
        by: &Actor,
        key: &str,
        new: Whereabouts,
    ) -> Result<bool> {
        let row = conn.connection_by_key(by.workspace_id(), key).await?;
        let mut row = row.ok_or(EngineError::NotFound("connection"))?;
        let new = new.checked(side_of(&row)?, self.settings())?;
        let old = Whereabouts {
            account: row.account.clone(),
            base_url: row.base_url.clone(),
            webhook_public_key: row.webhook_public_key.clone(),
        };
        if new == old {
            return Ok(false);
        }
        let at = self.clock().now();
        let mut line = NewAuditLine::by(by, AuditAction::ConnectionChanged, at)
            .about(format!("connection:{}", row.connection_id()), &row.name)
            .with("side", row.side.as_str());
        let pairs = [
            ("account", Some(&old.account), Some(&new.account)),
            ("base_url", old.base_url.as_ref(), new.base_url.as_ref()),
            ("webhook_public_key", old.webhook_public_key.as_ref(), new.webhook_public_key.as_ref()),
        ];
        for (field, before, after) in pairs.into_iter().filter(|(_, before, after)| before != after) {
            let (before, after) = (before.map_or("", String::as_str), after.map_or("", String::as_str));
            line = line.change(&row.side, field, before, after);
        }
        (row.account, row.base_url, row.webhook_public_key) = (new.account, new.base_url, new.webhook_public_key);
        conn.update_connection(&row, at).await?;
        audit::append(conn, by.workspace_id(), line).await?;
        Ok(true)
    }

    /// Stores a credential in place of the one there was. The connection is then untested: test it. False: it is the
    /// very credential that was stored, and nothing is changed.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::Invalid`] when it does not look like a key, or the side has no such
    /// credential; [`EngineError::Sealed`] when the connection's data key does not open; database errors.
    pub async fn rotate_credential(
        &self,
        by: &Keyholder,
        key: &str,
        field: CredentialField,
        secret: SecretString,
    ) -> Result<bool> {
        let mut tx = self.store().begin().await?;
        let is_new = self.rotate_credential_in(&mut *tx, by.actor(), key, (field, secret)).await?;
        tx.commit().await?;
        Ok(is_new)
    }

    /// As [`Engine::rotate_credential`], in the caller's transaction.
    pub(crate) async fn rotate_credential_in(
        &self,
        conn: &mut dyn Tables,
        by: &Actor,
        key: &str,
        (field, secret): (CredentialField, SecretString),
    ) -> Result<bool> {
        let workspace_id = by.workspace_id();
        let row = conn.connection_by_key(workspace_id, key).await?;
        let row = row.ok_or(EngineError::NotFound("connection"))?;
        let secret = input::checked_secret(side_of(&row)?, field, &secret).map_err(EngineError::invalid)?;
        let stored = conn.credentials(workspace_id, row.connection_id()).await?;
        if let Some(stored) = stored.iter().find(|stored| stored.field == field.as_str())
            && self.opened(&row, stored)?.expose_secret() == secret.expose_secret()
        {
            return Ok(false);
        }
        match field {
            // A private token takes the place of the app.
            CredentialField::Token => self.forget_app(conn, &row).await?,
            CredentialField::ClientSecret if conn.install(workspace_id, row.connection_id()).await?.is_none() => {
                return Err(EngineError::invalid(
                    "client_secret: this connection has no app; enter its client id, too",
                ));
            }
            _ => {}
        }
        let credential = self.sealed_row(&row.sealed_key(), (workspace_id, row.connection_id()), field, &secret)?;
        conn.put_credential(workspace_id, row.connection_id(), &credential).await?;
        let at = self.clock().now();
        if field == CredentialField::of_calls(side_of(&row)?) {
            let untested = (ConnectionState::Untested.as_str(), Some("the credential is new"));
            conn.set_connection_state(workspace_id, row.connection_id(), untested, at).await?;
        }
        let line = NewAuditLine::by(by, AuditAction::CredentialRotated, at)
            .about(format!("connection:{}", row.connection_id()), &row.name)
            .with("side", row.side.as_str())
            .with("field", field.as_str())
            .with("hint", credential.hint);
        audit::append(conn, workspace_id, line).await?;
        Ok(true)
    }

    /// Takes workflow webhooks in no longer. False: they were not.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; database errors.
    pub async fn refuse_workflow_webhooks(&self, by: &Keyholder, key: &str) -> Result<bool> {
        let mut tx = self.store().begin().await?;
        let is_changed = self.refuse_workflow_webhooks_in(&mut *tx, by.actor(), key).await?;
        tx.commit().await?;
        Ok(is_changed)
    }

    /// As [`Engine::refuse_workflow_webhooks`], in the caller's transaction.
    pub(crate) async fn refuse_workflow_webhooks_in(
        &self,
        conn: &mut dyn Tables,
        by: &Actor,
        key: &str,
    ) -> Result<bool> {
        let row = conn.connection_by_key(by.workspace_id(), key).await?.ok_or(EngineError::NotFound("connection"))?;
        let field = CredentialField::WorkflowSecret;
        if !conn.remove_credential(row.workspace_id(), row.connection_id(), field.as_str()).await? {
            return Ok(false);
        }
        let line = NewAuditLine::by(by, AuditAction::CredentialRemoved, self.clock().now())
            .about(format!("connection:{}", row.connection_id()), &row.name)
            .with("side", row.side.as_str())
            .with("field", field.as_str());
        audit::append(conn, row.workspace_id(), line).await?;
        Ok(true)
    }

    fn sealed_row(
        &self,
        data_key: &SealedKey,
        (workspace_id, connection_id): (WorkspaceId, ConnectionId),
        field: CredentialField,
        secret: &SecretString,
    ) -> Result<CredentialRow> {
        let belonging = Belonging { workspace_id, connection_id, field: field.as_str() };
        let sealed = self.vault().seal(data_key, belonging, secret, self.entropy())?;
        Ok(CredentialRow {
            field: field.as_str().to_owned(),
            sealed: sealed.bytes,
            nonce: sealed.nonce,
            hint: input::hint(secret),
            set_at: self.clock().now(),
        })
    }
}

/// The side of a stored connection.
fn side_of(row: &ConnectionRow) -> Result<Side> {
    row.side.parse().map_err(|_unknown| EngineError::Bug("a connection of an unknown side"))
}

fn small(slots: u16) -> i16 {
    i16::try_from(slots).unwrap_or(i16::MAX)
}

/// What stands in the way of a connection, in words.
pub(crate) fn taken(error: sqlx::Error) -> EngineError {
    match error.as_database_error().and_then(|error| error.constraint()) {
        Some("connection_name_unique") => EngineError::invalid("name: another connection of this workspace has it"),
        Some("connection_site_once") => EngineError::invalid(
            "account: this Chargify site is connected already, here or in another workspace. A site lets four requests \
             run at once, over everybody, and a second connection would double that: use the one there is",
        ),
        _ => error.into(),
    }
}
