//! A person installs the app: asked for here, chosen in the Marketplace, finished with the code that comes back.

use super::{CHOOSER, CHOOSER_PATH, SCOPES, app::allowed_chooser};
use crate::{
    Engine, EngineError, Keyholder, Result,
    audit::{self, AuditAction, AuditOutcome, NewAuditLine},
    clients::{
        CallContext, CallError, Priority, encode,
        highlevel::{AppClient, Grant, Tenant, is_no},
    },
    store::{connections::ConnectionRow, installs::InstallRow},
};
use domain::limits;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use time::{Duration, OffsetDateTime};

const STATE_BYTES: usize = 32;

/// What was asked for, to be kept in the person's own session until they come back: an answer that fits no session, or
/// another's, is nobody's.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InstallAsked {
    /// The connection's public id.
    connection: String,
    /// Of the state that was sent along: what is stored gives none away.
    digest: String,
    asked_at: i64,
}

/// What the Marketplace sent back with the person.
#[derive(Clone, Debug, Default)]
pub struct InstallAnswer {
    pub state: String,
    pub code: Option<String>,
}

/// How an install came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Installed {
    /// The tokens are stored; test the connection of that public id.
    Done(String),
    /// Nothing was changed.
    Not { connection: Option<String>, fault: InstallFault },
}

/// Why an app was not installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstallFault {
    /// This session asked for no install, or for another one.
    UnknownState,
    /// The person took too long.
    Late,
    /// The person declined.
    Declined,
    /// The service takes neither a used code nor wrong app credentials.
    CodeRefused,
    /// Another location was chosen.
    OtherLocation,
    /// The agency has it, but the connection's location does not.
    NotInLocation,
    /// No usable answer came.
    NoAnswer,
}

impl InstallFault {
    pub const ALL: [Self; 7] = [
        Self::UnknownState,
        Self::Late,
        Self::Declined,
        Self::CodeRefused,
        Self::OtherLocation,
        Self::NotInLocation,
        Self::NoAnswer,
    ];

    /// As it travels in an address.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownState => "unknown-state",
            Self::Late => "late",
            Self::Declined => "declined",
            Self::CodeRefused => "code-refused",
            Self::OtherLocation => "other-location",
            Self::NotInLocation => "not-in-location",
            Self::NoAnswer => "no-answer",
        }
    }

    /// For the audit trail.
    const fn words(self) -> &'static str {
        match self {
            Self::UnknownState => "no install was asked for in this session",
            Self::Late => "the choice came too late",
            Self::Declined => "it was declined in GoHighLevel",
            Self::CodeRefused => "GoHighLevel does not take the code, or the app's client id and secret",
            Self::OtherLocation => "it was installed in another location than the connection's",
            Self::NotInLocation => "the agency has the app, but the connection's location does not",
            Self::NoAnswer => "GoHighLevel did not answer as it should",
        }
    }
}

impl Engine {
    /// The address at which a person installs the connection's app, and what to keep until they come back.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::Invalid`] when the connection has no app, or its page in the
    /// Marketplace is no longer allowed; database errors.
    pub async fn ask_for_install(&self, by: &Keyholder, key: &str) -> Result<(String, InstallAsked)> {
        let (row, install) = self.app_of(by, key).await?;
        let page = match (&install.chooser_url, &row.base_url) {
            (Some(url), _) => url.clone(),
            (None, Some(base_url)) => format!("{base_url}{CHOOSER_PATH}"),
            (None, None) => CHOOSER.to_owned(),
        };
        allowed_chooser(&page, self.settings()).map_err(EngineError::invalid)?;
        let state = hex::encode(self.entropy().bytes::<STATE_BYTES>());
        let mut query = vec![
            ("response_type", "code".to_owned()),
            ("redirect_uri", self.install_callback()),
            ("client_id", install.client_id),
            ("scope", SCOPES.join(" ")),
            ("state", state.clone()),
        ];
        query.extend(install.version_id.map(|id| ("version_id", id)));
        let query: Vec<String> = query.iter().map(|(key, value)| format!("{key}={}", encode(value))).collect();
        let asked_at = self.clock().now().unix_timestamp();
        let asked = InstallAsked { connection: row.public_id, digest: digest(&state), asked_at };
        Ok((format!("{page}?{}", query.join("&")), asked))
    }

    /// Takes what came back: exchanges the code, and stores the tokens of the connection's location. The connection is
    /// then to be tested.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::Sealed`]; database errors. What the service refuses is a result, not an
    /// error.
    pub async fn finish_install(
        &self,
        by: &Keyholder,
        asked: Option<InstallAsked>,
        answer: InstallAnswer,
    ) -> Result<Installed> {
        let Some(asked) = asked.filter(|asked| asked.digest == digest(&answer.state)) else {
            tracing::warn!("somebody came back from the Marketplace with an answer that this session did not ask for");
            return Ok(Installed::Not { connection: None, fault: InstallFault::UnknownState });
        };
        let (row, install) = self.app_of(by, &asked.connection).await?;
        let is_late = self.clock().now().unix_timestamp() - asked.asked_at > limits::INSTALL_ASKED_S;
        let fault = match answer.code.filter(|code| !code.trim().is_empty()) {
            _ if is_late => InstallFault::Late,
            None => InstallFault::Declined,
            Some(code) => match self.install(by, (&row, &install), &code).await? {
                Ok(()) => return Ok(Installed::Done(row.public_id)),
                Err(fault) => fault,
            },
        };
        let line = self.install_line(by, &row).ended(AuditOutcome::Refused).with("reason", fault.words());
        let mut tx = self.store().begin().await?;
        audit::append(&mut *tx, row.workspace_id(), line).await?;
        tx.commit().await?;
        Ok(Installed::Not { connection: Some(row.public_id), fault })
    }

    async fn install(
        &self,
        by: &Keyholder,
        (row, install): (&ConnectionRow, &InstallRow),
        code: &str,
    ) -> Result<Result<(), InstallFault>> {
        let context = CallContext::new(Priority::Live, by.actor().key());
        let client = self.app_client(row, install, context).await?;
        let tokens = match self.tokens_for(&client, row, code).await {
            Ok(tokens) => tokens,
            Err(fault) => return Ok(Err(fault)),
        };
        let mut line = self.install_line(by, row);
        if let Some(company_id) = &tokens.company_id {
            line = line.with("agency", company_id.as_str());
        }
        self.store_tokens(row, &tokens, None, line).await?;
        Ok(Ok(()))
    }

    async fn tokens_for(
        &self,
        client: &AppClient,
        row: &ConnectionRow,
        code: &str,
    ) -> Result<super::granting::Tokens, InstallFault> {
        let told = |fault| {
            move |error: CallError| {
                tracing::warn!(%error, connection.id = %row.public_id, "an app was not installed");
                if is_no(&error) { fault } else { InstallFault::NoAnswer }
            }
        };
        let callback = self.install_callback();
        let grant = client.exchange(code, Some(&callback)).await.map_err(told(InstallFault::CodeRefused))?;
        if elsewhere(&grant, row) {
            return Err(InstallFault::OtherLocation);
        }
        self.location_tokens_of(client, row, grant).await.map_err(told(InstallFault::NotInLocation))
    }

    fn install_line(&self, by: &Keyholder, row: &ConnectionRow) -> NewAuditLine {
        NewAuditLine::by(by.actor(), AuditAction::AppInstalled, self.clock().now())
            .about(format!("connection:{}", row.connection_id()), &row.name)
            .with("side", row.side.as_str())
    }

    async fn app_of(&self, by: &Keyholder, key: &str) -> Result<(ConnectionRow, InstallRow)> {
        let mut conn = self.store().session().await?;
        let row = conn.connection_by_key(by.workspace_id(), key).await?.ok_or(EngineError::NotFound("connection"))?;
        let install = conn.install(row.workspace_id(), row.connection_id()).await?;
        let install = install.ok_or_else(|| EngineError::invalid(format!("client_id: {} has no app", row.name)))?;
        Ok((row, install))
    }
}

fn elsewhere(grant: &Grant, row: &ConnectionRow) -> bool {
    matches!(&grant.tenant, Some(Tenant::Location(id)) if *id != row.account)
}

/// Comparing digests tells nobody how much of a state was right.
fn digest(state: &str) -> String {
    hex::encode(Sha256::digest(state))
}

/// How long ago an install was, for judging what tells of its end.
pub(super) fn is_before(told_at: Option<OffsetDateTime>, installed_at: Option<OffsetDateTime>) -> bool {
    // The service's clock may be behind ours.
    let skew = Duration::seconds(30);
    told_at.zip(installed_at).is_some_and(|(told, installed)| told + skew < installed)
}
