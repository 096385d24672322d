//! The token of an app for the next call: the stored one while it is good, else a renewed one.

use crate::{
    Engine, EngineError, UpstreamClass,
    clients::{
        CallError,
        highlevel::{Bearer, Held},
    },
    store::{connections::ConnectionRow, installs::InstallRow},
};
use async_trait::async_trait;
use domain::{Side, denial::Denial, limits};
use std::sync::{Mutex, MutexGuard, PoisonError};
use time::OffsetDateTime;

/// How often is looked whether another process has renewed.
const LOOK: std::time::Duration = std::time::Duration::from_millis(100);

/// Gives a client the app's token. Every client has its own, and all of them, over all processes, share the stored one.
pub(in crate::connections) struct AppBearer {
    engine: Engine,
    row: ConnectionRow,
    known: Mutex<Option<Known>>,
}

#[derive(Clone)]
struct Known {
    held: Held,
    expires_at: OffsetDateTime,
}

impl AppBearer {
    pub(in crate::connections) fn new(engine: Engine, row: ConnectionRow) -> Self {
        Self { engine, row, known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, Option<Known>> {
        // Only whole values are set while it is held.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rest_of(&self, expires_at: OffsetDateTime) -> time::Duration {
        expires_at - self.engine.clock().now()
    }

    /// A token of another generation than the refused one, and with time to go. Of all that want a new one at once, over
    /// all processes, one asks for it; the others wait for its answer.
    async fn good(&self, refused: Option<i64>) -> Result<Held, CallError> {
        let patience = self.engine.clock().now() + limits::TOKEN_PATIENCE;
        loop {
            let install = self.read().await?;
            let known = self.open(&install)?;
            let rest = self.rest_of(known.expires_at);
            let is_refused = refused == Some(known.held.generation);
            if !is_refused && rest > limits::TOKEN_AHEAD {
                return Ok(self.keep(known));
            }
            let is_usable = !is_refused && rest > limits::TOKEN_MARGIN;
            if install.retry_at.is_some_and(|at| at > self.engine.clock().now()) {
                return if is_usable {
                    Ok(self.keep(known))
                } else {
                    Err(unanswered("no new token could be had just now"))
                };
            }
            match self.engine.renew_in_turn(&self.row, &install).await? {
                Some(Ok(())) => {}
                Some(Err(_)) | None if is_usable => return Ok(self.keep(known)),
                Some(Err(error)) => return Err(error),
                None if self.engine.clock().now() > patience => {
                    return Err(unanswered("another process renews the token and has not come to an end"));
                }
                None => self.engine.clock().sleep(LOOK).await,
            }
        }
    }

    fn keep(&self, known: Known) -> Held {
        let held = known.held.clone();
        *self.known() = Some(known);
        held
    }

    async fn read(&self) -> Result<InstallRow, CallError> {
        let read = async {
            let mut conn = self.engine.store().session().await?;
            conn.install(self.row.workspace_id(), self.row.connection_id()).await
        };
        let install = read.await.map_err(|error| ours(&error))?;
        let install = install.ok_or_else(|| CallError::without_token(Denial::NotInstalled))?;
        match install.standing.as_str() {
            "installed" => Ok(install),
            "uninstalled" => Err(CallError::without_token(Denial::Uninstalled)),
            "ended" => Err(CallError::without_token(Denial::AccessEnded)),
            _ => Err(CallError::without_token(Denial::NotInstalled)),
        }
    }

    fn open(&self, install: &InstallRow) -> Result<Known, CallError> {
        let none = || CallError::without_token(Denial::NotInstalled);
        let sealed = install.access_token().ok_or_else(none)?;
        let token = self.engine.open_token(&self.row, super::ACCESS_TOKEN, &sealed).map_err(|error| ours(&error))?;
        let expires_at = install.expires_at.unwrap_or(OffsetDateTime::UNIX_EPOCH);
        Ok(Known { held: Held { token, generation: install.generation }, expires_at })
    }
}

#[async_trait]
impl Bearer for AppBearer {
    async fn token(&self) -> Result<Held, CallError> {
        let known = self.known().clone();
        match known {
            Some(known) if self.rest_of(known.expires_at) > limits::TOKEN_AHEAD => Ok(known.held),
            _ => self.good(None).await,
        }
    }

    async fn in_place_of(&self, refused: &Held) -> Result<Option<Held>, CallError> {
        self.good(Some(refused.generation)).await.map(Some)
    }
}

/// What was to be sent was not: it is safe to try again.
pub(super) fn unanswered(what: &str) -> CallError {
    CallError::new(Side::Highlevel, UpstreamClass::Unavailable, what)
}

/// A failure on our side of the wire.
pub(super) fn ours(error: &EngineError) -> CallError {
    tracing::error!(error = error as &dyn std::error::Error, "the token of an app cannot be read or kept");
    unanswered("our own database did not give the token")
}
