//! Browser logins: one row each, found by the hash of the cookie's id, ended by idling, by age or by signing out.
//!
//! The session layer keeps its values in a login; what a login lasts is decided here, by the engine's clock.

use crate::{
    Engine, Result,
    store::{self, logins::NewLoginRow},
};
use domain::{PersonId, limits};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use time::{Duration, OffsetDateTime};

/// Where the session layer keeps the id of the person who signed in.
pub const LOGIN_PERSON: &str = "person";
/// Where it keeps the id of the workspace they look at, once they have changed to one.
pub const LOGIN_WORKSPACE: &str = "workspace";

const LOGIN_IDLE: Duration = Duration::seconds(limits::LOGIN_IDLE_S);
const LOGIN_LIFE: Duration = Duration::seconds(limits::LOGIN_LIFE_S);
const LOGIN_TOUCH: Duration = Duration::seconds(limits::LOGIN_TOUCH_S);

/// The only form in which a cookie's id is stored or looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct LoginHash([u8; 32]);

impl LoginHash {
    /// Of the cookie's id.
    #[must_use]
    pub fn of(id: &[u8]) -> Self {
        Self(Sha256::digest(id).into())
    }
}

impl std::fmt::Debug for LoginHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LoginHash")
    }
}

/// A login that goes on.
#[derive(Clone, Debug)]
pub struct Login {
    /// What the session layer keeps in it: an object.
    pub data: Value,
    pub expires_at: OffsetDateTime,
}

impl Engine {
    /// The login of that id, if it goes on; being asked for is a sign of life.
    ///
    /// # Errors
    /// Database errors.
    pub async fn load_login(&self, id: LoginHash) -> Result<Option<Login>> {
        let now = self.clock().now();
        let mut conn = self.pool().acquire().await?;
        let Some(login) = store::logins::find(&mut conn, &id.0, now).await? else {
            return Ok(None);
        };
        if now - login.last_seen_at < LOGIN_TOUCH {
            return Ok(Some(Login { data: login.data, expires_at: login.expires_at }));
        }
        let expires_at = (now + LOGIN_IDLE).min(login.created_at + LOGIN_LIFE);
        store::logins::touch(&mut conn, &id.0, now, expires_at).await?;
        Ok(Some(Login { data: login.data, expires_at }))
    }

    /// Starts a login; `false` when the id is taken and another must be tried.
    ///
    /// # Errors
    /// Database errors.
    pub async fn create_login(&self, id: LoginHash, data: &Value) -> Result<bool> {
        let now = self.clock().now();
        let mut conn = self.pool().acquire().await?;
        store::logins::sweep(&mut conn, now).await?;
        let login = NewLoginRow { id_hash: &id.0, person_id: person(data), data, now, expires_at: now + LOGIN_IDLE };
        Ok(store::logins::insert(&mut conn, &login).await?)
    }

    /// Replaces what is kept in a login. One that ended meanwhile stays ended.
    ///
    /// # Errors
    /// Database errors.
    pub async fn save_login(&self, id: LoginHash, data: &Value) -> Result<()> {
        let mut conn = self.pool().acquire().await?;
        store::logins::update(&mut conn, &id.0, person(data), data).await?;
        Ok(())
    }

    /// Ends a login. Ending one that is not there is no error.
    ///
    /// # Errors
    /// Database errors.
    pub async fn delete_login(&self, id: LoginHash) -> Result<()> {
        let mut conn = self.pool().acquire().await?;
        store::logins::delete(&mut conn, &id.0).await?;
        Ok(())
    }
}

fn person(data: &Value) -> Option<PersonId> {
    data.get(LOGIN_PERSON).and_then(Value::as_str).and_then(|id| id.parse().ok())
}
