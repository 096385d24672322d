//! Passwords: the rules for new ones, hashing and checking.
//!
//! Argon2id with 64 MiB, three passes and one lane, on threads that may block. Two at once and a bounded queue: memory
//! and processors stay with the work, however many people (or attackers) sign in at the same time.

use crate::{EngineError, Entropy, Result};
use argon2::{
    Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version, password_hash::phc::PasswordHash,
};
use domain::limits::{self, PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN};
use secrecy::{ExposeSecret as _, SecretString};
use std::time::Duration;
use tokio::sync::Semaphore;

const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 1;

static HASHING: Semaphore = Semaphore::const_new(limits::HASHES_AT_ONCE);
static QUEUE: Semaphore = Semaphore::const_new(limits::HASHES_QUEUED);
/// When to come back.
const QUEUE_FULL_RETRY: Duration = Duration::from_secs(5);

/// Checked for people who do not exist, so that the answer takes as long as for those who do. Of no known password.
const NOBODY: &str =
    "$argon2id$v=19$m=65536,t=3,p=1$Y29uY29yZCBub2JvZHkgMQ$BJh2Vu9Zbc0Y4Tq3xXjQk1sH8dLwPzR7mNfGoAeUiCs";

/// What is wrong with a new password.
pub(crate) fn problems(password: &SecretString, email: &str) -> Vec<String> {
    let text = password.expose_secret();
    let chars = text.chars().count();
    let mut problems = Vec::new();
    if chars < PASSWORD_CHARS_MIN {
        problems.push(format!("password: use at least {PASSWORD_CHARS_MIN} characters"));
    }
    if chars > PASSWORD_CHARS_MAX {
        problems.push(format!("password: use at most {PASSWORD_CHARS_MAX} characters"));
    }
    if text.trim().to_lowercase() == email {
        problems.push("password: use something other than the e-mail address".to_owned());
    }
    problems
}

/// Hashes a password for storing.
///
/// # Errors
/// [`EngineError::Throttled`] when too many wait already.
pub(crate) async fn hash(password: &SecretString, entropy: &Entropy) -> Result<String> {
    let salt = entropy.bytes::<16>();
    let password = password.clone();
    on_blocking_thread(move || {
        argon2()?
            .hash_password_with_salt(password.expose_secret().as_bytes(), &salt)
            .map(|hash| hash.to_string())
            .map_err(|_error| EngineError::Bug("argon2 failed"))
    })
    .await
}

/// Whether the password is the stored one; without one stored, `false` after the same time.
///
/// # Errors
/// [`EngineError::Throttled`] when too many wait already; [`EngineError::Bug`] for a stored hash that is none.
pub(crate) async fn matches(password: &SecretString, stored: Option<&str>) -> Result<bool> {
    // Longer than any password can be: not worth the time, and nothing is learnt from being quick here.
    if password.expose_secret().chars().count() > PASSWORD_CHARS_MAX {
        return Ok(false);
    }
    let password = password.clone();
    let known = stored.is_some();
    let stored = stored.unwrap_or(NOBODY).to_owned();
    let same = on_blocking_thread(move || {
        let hash =
            PasswordHash::new(&stored).map_err(|_error| EngineError::Bug("a stored password hash is malformed"))?;
        Ok(argon2()?.verify_password(password.expose_secret().as_bytes(), &hash).is_ok())
    })
    .await?;
    Ok(same && known)
}

fn argon2() -> Result<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None)
        .map_err(|_error| EngineError::Bug("argon2 does not take its parameters"))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

async fn on_blocking_thread<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let closed = |_closed| EngineError::Bug("the password semaphore was closed");
    let _place = QUEUE.try_acquire().map_err(|_full| EngineError::Throttled { retry_after: QUEUE_FULL_RETRY })?;
    let _turn = HASHING.acquire().await.map_err(closed)?;
    tokio::task::spawn_blocking(work).await.map_err(|_panic| EngineError::Bug("hashing a password panicked"))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_matches_its_own_hash_only() {
        let password = SecretString::from("correct horse battery");
        let hash = hash(&password, &Entropy::from_seed(1)).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=65536,t=3,p=1$"), "{hash}");
        assert!(matches(&password, Some(&hash)).await.unwrap());
        assert!(!matches(&SecretString::from("correct horse batterz"), Some(&hash)).await.unwrap());
    }

    #[tokio::test]
    async fn nobody_has_no_password_but_costs_the_same_work() {
        let nobody = PasswordHash::new(NOBODY).unwrap();
        assert_eq!(Params::try_from(&nobody).unwrap().m_cost(), MEMORY_KIB);
        assert!(!matches(&SecretString::from("anything at all"), None).await.unwrap());
    }

    #[test]
    fn weak_passwords_are_named_as_such() {
        let check = |password: &str, count: usize| {
            assert_eq!(problems(&SecretString::from(password), "ada.lovelace@example.com").len(), count, "{password}");
        };
        check("elevenchars", 1);
        check("twelve chars", 0);
        check("zwölf Zeichen", 0);
        check("Ada.Lovelace@example.com", 1);
        check(&"x".repeat(256), 0);
        check(&"x".repeat(257), 1);
    }
}
