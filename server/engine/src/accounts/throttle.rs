//! How often one may guess: per account and per address, over the last minutes.
//!
//! An attempt is noted before its password is looked at and taken back when it succeeds, so that a hundred guesses at
//! the same moment count as a hundred. The account's entry holds a hash: people mistype passwords into that field.

use crate::{EngineError, Result, store};
use domain::limits;
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};

/// Failures count this long.
pub(crate) const WINDOW: Duration = Duration::seconds(limits::SIGN_IN_WINDOW_S);

/// One attempt, noted as failed until it is taken back.
pub(crate) struct Attempt {
    account: (String, i64),
    address: (String, i64),
}

impl Attempt {
    /// Notes an attempt.
    ///
    /// # Errors
    /// [`EngineError::Throttled`] with nothing left noted, so that waiting helps; database errors.
    pub(crate) async fn note(conn: &mut PgConnection, email: &str, address: &str, now: OffsetDateTime) -> Result<Self> {
        let account = format!("account:{}", hex::encode(Sha256::digest(email)));
        let address = format!("address:{address}");
        let attempt = Self {
            account: (account.clone(), store::people::note_failure(conn, &account, now).await?),
            address: (address.clone(), store::people::note_failure(conn, &address, now).await?),
        };
        for (subject, max) in
            [(&account, limits::SIGN_IN_ACCOUNT_FAILURES), (&address, limits::SIGN_IN_ADDRESS_FAILURES)]
        {
            // Our own entry is among them: the one that takes the count over the limit is refused.
            let (count, oldest_counted) = store::people::failures(conn, subject, now - WINDOW, max + 1).await?;
            if count > max {
                attempt.take_back(conn).await?;
                let free_at = oldest_counted.unwrap_or(now) + WINDOW;
                let retry_after = (free_at - now).max(Duration::SECOND).unsigned_abs();
                return Err(EngineError::Throttled { retry_after });
            }
        }
        Ok(attempt)
    }

    /// It succeeded: the account starts afresh, the address keeps the failures it had.
    pub(crate) async fn succeeded(self, conn: &mut PgConnection) -> Result<()> {
        store::people::forget_failures(conn, &self.account.0).await?;
        store::people::take_back_failure(conn, &self.address.0, self.address.1).await?;
        Ok(())
    }

    /// It never came to be looked at.
    pub(crate) async fn take_back(&self, conn: &mut PgConnection) -> Result<()> {
        for (subject, failure_id) in [&self.account, &self.address] {
            store::people::take_back_failure(conn, subject, *failure_id).await?;
        }
        Ok(())
    }
}
