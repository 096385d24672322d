//! Opening a connection's credential and making a client of it. The plain credential lives no longer than the client.

use super::{CredentialField, input, oauth::AppBearer, side_of};
use crate::{
    Engine, EngineError, Result,
    clients::{self, Account, Chargify, HighLevel, Wire, highlevel::Tokens},
    store::{
        Tables,
        connections::{ConnectionRow, CredentialRow},
        installs::InstallRow,
    },
    vault::Belonging,
};
use domain::{ConnectionId, Side, WorkspaceId};
use secrecy::SecretString;
use std::sync::Arc;

/// A connection with what its calls are made with.
pub(super) struct Opened {
    pub(super) row: ConnectionRow,
    pub(super) side: Side,
    pub(super) base_url: String,
    /// Empty where an app gives the tokens.
    pub(super) secret: SecretString,
    pub(super) install: Option<InstallRow>,
}

impl Engine {
    /// A client of the location.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::Invalid`] when its address is no longer allowed or its token is
    /// missing; [`EngineError::Sealed`]; database errors.
    pub(crate) async fn client_for_highlevel(
        &self,
        workspace_id: WorkspaceId,
        connection_id: ConnectionId,
    ) -> Result<HighLevel> {
        let opened = self.open_connection(workspace_id, connection_id, Side::Highlevel).await?;
        Ok(self.highlevel_client(&opened, self.highlevel_wire()))
    }

    /// A client of the site. Its calls pass the leased slots of the connection's lane.
    ///
    /// # Errors
    /// As [`Engine::client_for_highlevel`].
    pub(crate) async fn client_for_chargify(
        &self,
        workspace_id: WorkspaceId,
        connection_id: ConnectionId,
    ) -> Result<Chargify> {
        let opened = self.open_connection(workspace_id, connection_id, Side::Chargify).await?;
        Ok(opened.chargify(self.chargify_wire(workspace_id, connection_id)))
    }

    /// One credential of a connection; `None` when it was never set.
    ///
    /// # Errors
    /// [`EngineError::Sealed`]; database errors.
    pub(crate) async fn open_credential(
        &self,
        row: &ConnectionRow,
        field: CredentialField,
    ) -> Result<Option<SecretString>> {
        let stored = {
            let mut conn = self.store().session().await?;
            conn.credentials(row.workspace_id(), row.connection_id()).await?
        };
        let stored = stored.iter().find(|stored| stored.field == field.as_str());
        stored.map(|stored| self.opened(row, stored)).transpose()
    }

    pub(super) async fn open_connection(
        &self,
        workspace_id: WorkspaceId,
        connection_id: ConnectionId,
        side: Side,
    ) -> Result<Opened> {
        let row = {
            let mut conn = self.store().session().await?;
            conn.connection(workspace_id, connection_id).await?
        };
        let row = row.ok_or(EngineError::NotFound("connection"))?;
        if side_of(&row)? != side {
            return Err(EngineError::Bug("a connection was taken for one of the other side"));
        }
        self.open(row).await
    }

    pub(super) async fn open(&self, row: ConnectionRow) -> Result<Opened> {
        let side = side_of(&row)?;
        let base_url = input::base_url(side, &row.account, row.base_url.as_deref());
        input::allowed_base_url(side, &row.account, &base_url, self.settings()).map_err(EngineError::invalid)?;
        let install = {
            let mut conn = self.store().session().await?;
            conn.install(row.workspace_id(), row.connection_id()).await?
        };
        if install.is_some() {
            return Ok(Opened { row, side, base_url, secret: SecretString::default(), install });
        }
        let field = CredentialField::of_calls(side);
        let missing = || EngineError::invalid(format!("{}: {} has none; set it first", field.as_str(), row.name));
        let secret = self.open_credential(&row, field).await?.ok_or_else(missing)?;
        Ok(Opened { row, side, base_url, secret, install })
    }

    pub(super) fn opened(&self, row: &ConnectionRow, stored: &CredentialRow) -> Result<SecretString> {
        let belonging =
            Belonging { workspace_id: row.workspace_id(), connection_id: row.connection_id(), field: &stored.field };
        self.vault().open(&row.sealed_key(), belonging, &stored.sealed())
    }

    pub(super) fn highlevel_client(&self, opened: &Opened, wire: Wire) -> HighLevel {
        let state = self.locations().of(&opened.base_url, &opened.row.account);
        let client = HighLevel::new(opened.account(), opened.row.account.clone(), opened.secret.clone(), wire, state);
        match opened.install {
            Some(_) => client.with_bearer(Arc::new(AppBearer::new(self.clone(), opened.row.clone()))),
            None => client,
        }
    }
}

impl Opened {
    pub(super) fn chargify(&self, wire: Wire) -> Chargify {
        Chargify::new(self.account(), self.secret.clone(), wire)
    }

    fn account(&self) -> Account {
        Account {
            workspace_id: self.row.workspace_id(),
            connection_id: self.row.connection_id(),
            base_url: self.base_url.clone(),
        }
    }
}

impl Engine {
    /// What is left of a location's calls, as its last answers to this process said.
    pub(crate) async fn location_tokens(
        &self,
        conn: &mut dyn Tables,
        workspace_id: WorkspaceId,
        connection_id: ConnectionId,
    ) -> Result<Option<Tokens>> {
        let Some(row) = conn.connection(workspace_id, connection_id).await? else { return Ok(None) };
        let base_url = row.base_url.as_deref().unwrap_or(clients::highlevel::OFFICIAL_HOST);
        Ok(Some(self.locations().of(base_url, &row.account).tokens(self.clock())))
    }
}
