//! Browser logins for the session layer, kept by the engine in Postgres.
//!
//! The cookie says nothing and lasts as long as the browser; how long a login lasts is decided by the engine.

use async_trait::async_trait;
use engine::{Engine, EngineError, LoginHash};
use serde_json::Value;
use tower_sessions::{
    Expiry, SessionManagerLayer, SessionStore,
    cookie::SameSite,
    session::{Id, Record},
    session_store::{Error, Result},
};

/// Browsers take a cookie of this prefix over https only, from this host only, for every path.
const COOKIE_HTTPS: &str = "__Host-concord";
/// Over plain http, which is for this machine only, they would refuse the prefix.
const COOKIE_HTTP: &str = "concord";

/// The engine's logins as the session layer wants them.
#[derive(Clone)]
pub struct LoginStore {
    engine: Engine,
}

impl std::fmt::Debug for LoginStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LoginStore")
    }
}

/// The session layer. Signing in must call `Session::cycle_id` and then put the person's id under
/// [`engine::LOGIN_PERSON`].
#[must_use]
pub fn layer(engine: Engine, public_url: &str) -> SessionManagerLayer<LoginStore> {
    let secure = super::security::is_https(public_url);
    SessionManagerLayer::new(LoginStore { engine })
        .with_name(if secure { COOKIE_HTTPS } else { COOKIE_HTTP })
        .with_secure(secure)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_path("/")
        .with_expiry(Expiry::OnSessionEnd)
}

#[async_trait]
impl SessionStore for LoginStore {
    async fn create(&self, record: &mut Record) -> Result<()> {
        let data = data(record)?;
        while !self.engine.create_login(hash(&record.id), &data).await.map_err(backend)? {
            record.id = Id::default();
        }
        Ok(())
    }

    async fn save(&self, record: &Record) -> Result<()> {
        self.engine.save_login(hash(&record.id), &data(record)?).await.map_err(backend)
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let Some(login) = self.engine.load_login(hash(id)).await.map_err(backend)? else {
            return Ok(None);
        };
        let data = serde_json::from_value(login.data).map_err(|error| Error::Decode(error.to_string()))?;
        Ok(Some(Record { id: *id, data, expiry_date: login.expires_at }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        self.engine.delete_login(hash(id)).await.map_err(backend)
    }
}

fn hash(id: &Id) -> LoginHash {
    LoginHash::of(&id.0.to_le_bytes())
}

fn data(record: &Record) -> Result<Value> {
    serde_json::to_value(&record.data).map_err(|error| Error::Encode(error.to_string()))
}

fn backend(error: EngineError) -> Error {
    tracing::error!(error = &error as &dyn std::error::Error, "logins cannot be read or kept");
    Error::Backend(error.to_string())
}
