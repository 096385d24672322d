//! Whether this installation can work.

use crate::{Engine, MIGRATOR, Result, store};
use sqlx::migrate::Migrate as _;

/// Where the migrator keeps what it applied; its default.
const MIGRATIONS_TABLE: &str = "_sqlx_migrations";

/// What stands in the way of working, if anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    Ready,
    /// The database is older than this program.
    SchemaBehind,
    /// The database was sealed with another secret key.
    OtherKey,
}

impl Engine {
    /// Asks the database.
    ///
    /// # Errors
    /// Database errors: it does not answer.
    pub async fn readiness(&self) -> Result<Readiness> {
        let mut conn = self.pool().acquire().await?;
        let applied = conn.list_applied_migrations(MIGRATIONS_TABLE).await.map_err(|error| match error {
            sqlx::migrate::MigrateError::Execute(error) => error,
            other => sqlx::Error::Migrate(Box::new(other)),
        })?;
        let is_applied = |version: i64| applied.iter().any(|migration| migration.version == version);
        if !MIGRATOR.iter().all(|migration| is_applied(migration.version)) {
            return Ok(Readiness::SchemaBehind);
        }
        let sealed_with = store::workspaces::known_fingerprint(&mut conn, crate::vault::KEY_VERSION).await?;
        Ok(match sealed_with {
            Some(fingerprint) if fingerprint != self.vault().fingerprint() => Readiness::OtherKey,
            _ => Readiness::Ready,
        })
    }
}
