//! From what the service gave to what is stored: tokens for the connection's own location.

use super::{ACCESS_TOKEN, REFRESH_TOKEN};
use crate::{
    Engine, Result,
    audit::{self, NewAuditLine},
    clients::{
        CallError,
        highlevel::{AppClient, Grant, Tenant},
    },
    connections::ConnectionState,
    store::{connections::ConnectionRow, installs::Granted},
};
use secrecy::SecretString;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// Tokens for the connection's location.
pub(super) struct Tokens {
    pub(super) access: SecretString,
    /// `None`: what is stored stays.
    pub(super) refresh: Option<SecretString>,
    /// Set when they are an agency's.
    pub(super) company_id: Option<String>,
    pub(super) expires_at: OffsetDateTime,
}

impl Engine {
    /// The location's token of what was given: the token itself, or one made from the agency's. The agency's own calls
    /// nothing but that.
    ///
    /// # Errors
    /// A [`CallError`] of the service, which says no where the app is not installed in the location.
    pub(super) async fn location_tokens_of(
        &self,
        client: &AppClient,
        row: &ConnectionRow,
        grant: Grant,
    ) -> Result<Tokens, CallError> {
        let (access, expires_in, company_id) = match grant.tenant {
            Some(Tenant::Company(company_id)) => {
                let made = client.of_location(&grant.access_token, &company_id, &row.account).await?;
                (made.access_token, made.expires_in, Some(company_id))
            }
            Some(Tenant::Location(_)) | None => (grant.access_token, grant.expires_in, None),
        };
        let life = Duration::try_from(expires_in).unwrap_or(Duration::DAY);
        Ok(Tokens { access, refresh: grant.refresh_token, company_id, expires_at: self.clock().now() + life })
    }

    /// Stores new tokens with the line that tells of it. False: the turn was lost, and nothing is stored.
    pub(super) async fn store_tokens(
        &self,
        row: &ConnectionRow,
        tokens: &Tokens,
        by: Option<Uuid>,
        line: NewAuditLine,
    ) -> Result<bool> {
        let (workspace_id, connection_id) = (row.workspace_id(), row.connection_id());
        let granted = Granted {
            by,
            company_id: tokens.company_id.clone(),
            expires_at: tokens.expires_at,
            at: self.clock().now(),
        };
        let mut tx = self.store().begin().await?;
        if !tx.grant_install(workspace_id, connection_id, &granted).await? {
            return Ok(false);
        }
        self.put_token(&mut *tx, row, (ACCESS_TOKEN, &tokens.access)).await?;
        if let Some(refresh) = &tokens.refresh {
            self.put_token(&mut *tx, row, (REFRESH_TOKEN, refresh)).await?;
        }
        if by.is_none() {
            let untested = (ConnectionState::Untested.as_str(), Some("the app was just installed"));
            tx.set_connection_state(workspace_id, connection_id, untested, granted.at).await?;
        }
        audit::append(&mut *tx, workspace_id, line).await?;
        tx.commit().await?;
        Ok(true)
    }
}
