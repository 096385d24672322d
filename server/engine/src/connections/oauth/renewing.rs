//! New tokens for old ones, by one process at a time.
//!
//! A refresh token works once and no answer says whether a lost one was used. So the turn to use it is taken in the
//! database first; after a lost answer the same token is tried once more, and where it is gone, the service is asked for
//! a new code by the app's own credentials. Only when that is refused, too, a person has to install the app again.

use super::{
    REFRESH_TOKEN,
    bearer::{ours, unanswered},
    forget_tokens,
    granting::Tokens,
};
use crate::{
    Engine, Result, UpstreamClass,
    audit::{self, AuditAction, AuditOutcome, NewAuditLine},
    clients::{
        CallContext, CallError, Priority,
        highlevel::{AppClient, Grant, Tenant, is_lost, is_no},
    },
    connections::ConnectionState,
    store::{
        connections::ConnectionRow,
        installs::{InstallRow, Lease},
    },
};
use domain::{denial::Denial, limits};
use uuid::Uuid;

/// One process' turn at renewing.
struct Turn {
    engine: Engine,
    row: ConnectionRow,
    install: InstallRow,
    by: Uuid,
    client: AppClient,
}

impl Engine {
    /// Takes the turn and renews. `None`: it is another's.
    ///
    /// # Errors
    /// A [`CallError`] when even the turn cannot be taken.
    pub(super) async fn renew_in_turn(
        &self,
        row: &ConnectionRow,
        install: &InstallRow,
    ) -> Result<Option<Result<(), CallError>>, CallError> {
        let by = self.entropy().uuid();
        if !self.take_token_turn(row, install, by).await.map_err(|error| ours(&error))? {
            return Ok(None);
        }
        let context = CallContext::new(Priority::Live, "token");
        let client = self.app_client(row, install, context).await.map_err(|error| ours(&error))?;
        let turn = Turn { engine: self.clone(), row: row.clone(), install: install.clone(), by, client };
        // In a task of its own: whoever asked may go away, and an answer nobody takes in is a lost pair.
        let renewed = tokio::spawn(turn.renew()).await;
        Ok(Some(renewed.unwrap_or_else(|_panic| Err(unanswered("renewing the token was cut short")))))
    }

    async fn take_token_turn(&self, row: &ConnectionRow, install: &InstallRow, by: Uuid) -> Result<bool> {
        let mut conn = self.store().session().await?;
        conn.lease_install(row.workspace_id(), row.connection_id(), install.generation, self.token_lease(by)).await
    }

    fn token_lease(&self, by: Uuid) -> Lease {
        let now = self.clock().now();
        Lease { by, now, until: now + limits::TOKEN_LEASE }
    }
}

impl Turn {
    async fn renew(self) -> Result<(), CallError> {
        match self.tokens().await {
            Ok(tokens) => {
                let stored = self.engine.store_tokens(&self.row, &tokens, Some(self.by), self.line()).await;
                // Not stored: the turn is another's by now, and so are the tokens that count.
                stored.map(drop).map_err(|error| ours(&error))
            }
            Err(error) if is_no(&error) => {
                self.end().await.map_err(|error| ours(&error))?;
                Err(CallError::without_token(Denial::AccessEnded))
            }
            Err(error) => {
                tracing::warn!(%error, connection.id = %self.row.public_id, "the token of an app was not renewed");
                self.give_back().await.map_err(|error| ours(&error))?;
                Err(match error.class {
                    UpstreamClass::Rate { .. } => error,
                    // Whatever became of the pair, the call it was for was never sent.
                    _ => unanswered(&format!("no new token could be had: {}", error.message)),
                })
            }
        }
    }

    async fn tokens(&self) -> Result<Tokens, CallError> {
        let grant = match self.refreshed().await? {
            Some(grant) => grant,
            None => self.reconnected().await?,
        };
        if let (Some(Tenant::Company(_)), Some(refresh)) = (&grant.tenant, &grant.refresh_token) {
            // The agency's pair is spent by now. What comes next can fail, and is then tried with the new one.
            self.keep_refresh_token(refresh).await?;
        }
        self.engine.location_tokens_of(&self.client, &self.row, grant).await
    }

    /// `None`: the refresh token is gone, by an answer that was lost or by being taken back.
    async fn refreshed(&self) -> Result<Option<Grant>, CallError> {
        let Some(sealed) = self.install.refresh_token() else { return Ok(None) };
        let token = self.engine.open_token(&self.row, REFRESH_TOKEN, &sealed).map_err(|error| ours(&error))?;
        let of_agency = self.install.company_id.is_some();
        let first = self.client.refresh(&token, of_agency).await;
        let answer = match first {
            Err(error) if is_lost(&error) => {
                self.turn_goes_on().await?;
                self.client.refresh(&token, of_agency).await
            }
            answer => answer,
        };
        match answer {
            Ok(grant) => Ok(Some(grant)),
            Err(error) if is_no(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn reconnected(&self) -> Result<Grant, CallError> {
        self.turn_goes_on().await?;
        let tenant = match &self.install.company_id {
            Some(id) => Tenant::Company(id.clone()),
            None => Tenant::Location(self.row.account.clone()),
        };
        let code = self.client.reconnect(&tenant).await?;
        self.turn_goes_on().await?;
        self.client.exchange(secrecy::ExposeSecret::expose_secret(&code), None).await
    }

    /// Keeps the turn for the next call.
    async fn turn_goes_on(&self) -> Result<(), CallError> {
        match self.engine.take_token_turn(&self.row, &self.install, self.by).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(unanswered("another process took over")),
            Err(error) => Err(ours(&error)),
        }
    }

    async fn keep_refresh_token(&self, refresh: &secrecy::SecretString) -> Result<(), CallError> {
        let keep = async {
            let (workspace_id, connection_id) = (self.row.workspace_id(), self.row.connection_id());
            let mut tx = self.engine.store().begin().await?;
            // Somebody who installed the app anew meanwhile has tokens of their own.
            let is_ours = tx
                .lease_install(workspace_id, connection_id, self.install.generation, self.engine.token_lease(self.by))
                .await?;
            if is_ours {
                self.engine.put_token(&mut *tx, &self.row, (REFRESH_TOKEN, refresh)).await?;
                tx.commit().await?;
            }
            Ok(is_ours)
        };
        match keep.await {
            Ok(true) => Ok(()),
            Ok(false) => Err(unanswered("another process took over")),
            Err(error) => Err(ours(&error)),
        }
    }

    fn line(&self) -> NewAuditLine {
        let system = ("system".to_owned(), "Concord itself".to_owned());
        NewAuditLine::of(system, AuditAction::TokenRenewed, self.engine.clock().now())
            .about(format!("connection:{}", self.row.connection_id()), &self.row.name)
            .with("side", self.row.side.as_str())
    }

    async fn give_back(&self) -> Result<()> {
        let retry_at = self.engine.clock().now() + limits::TOKEN_RETRY;
        let mut conn = self.engine.store().session().await?;
        conn.release_install(self.row.workspace_id(), self.row.connection_id(), self.by, Some(retry_at)).await?;
        Ok(())
    }

    /// The service takes neither the refresh token nor the app's own credentials for this install.
    async fn end(&self) -> Result<()> {
        let (workspace_id, connection_id) = (self.row.workspace_id(), self.row.connection_id());
        let mut tx = self.engine.store().begin().await?;
        if !tx.end_install(workspace_id, connection_id, "ended", Some(self.by)).await? {
            return Ok(());
        }
        forget_tokens(&mut *tx, workspace_id, connection_id).await?;
        let words = Denial::AccessEnded.sentence();
        let refused = (ConnectionState::Refused.as_str(), Some(words));
        tx.set_connection_state(workspace_id, connection_id, refused, self.engine.clock().now()).await?;
        let line = self.line().ended(AuditOutcome::Failed).with("reason", words);
        audit::append(&mut *tx, workspace_id, line).await?;
        tx.commit().await
    }
}
