//! What calls are made with: a private token, which stays as it is, or an app's, which is renewed while a client lives.

use super::super::CallError;
use async_trait::async_trait;
use secrecy::SecretString;

/// A token, and which of its line it is.
#[derive(Clone)]
pub struct Held {
    pub token: SecretString,
    /// Grows when the token is replaced.
    pub generation: i64,
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Held(generation {})", self.generation)
    }
}

/// Gives the token for the next call.
#[async_trait]
pub trait Bearer: Send + Sync {
    /// The token as it is now, renewed when its end is near.
    ///
    /// # Errors
    /// A [`CallError`] when there is none to be had: nothing was sent then.
    async fn token(&self) -> Result<Held, CallError>;

    /// Another token in place of one that the service does not know. `None`: there is no other.
    ///
    /// # Errors
    /// As [`Bearer::token`].
    async fn in_place_of(&self, refused: &Held) -> Result<Option<Held>, CallError>;
}

/// A private integration token.
pub(super) struct Private(pub(super) SecretString);

#[async_trait]
impl Bearer for Private {
    async fn token(&self) -> Result<Held, CallError> {
        Ok(Held { token: self.0.clone(), generation: 0 })
    }

    async fn in_place_of(&self, _refused: &Held) -> Result<Option<Held>, CallError> {
        Ok(None)
    }
}
