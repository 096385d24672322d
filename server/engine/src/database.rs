//! The way to the database, and its schema.

use crate::{EngineError, MIGRATOR, Result, store};
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::{
    PgPool,
    migrate::{Migrate as _, MigrateError},
    postgres::PgPoolOptions,
};
use std::time::Duration;

/// How long a use case waits for a connection: a page or a webhook had rather be told to come again.
const ACQUIRE: Duration = Duration::from_secs(5);
const MIGRATIONS_TABLE: &str = "_sqlx_migrations";

/// A pool of connections; opens one, so that a wrong address is noticed here.
///
/// # Errors
/// Database errors.
pub async fn connect(url: &SecretString, connections: u32) -> Result<PgPool> {
    let pool =
        PgPoolOptions::new().max_connections(connections).acquire_timeout(ACQUIRE).connect(url.expose_secret()).await?;
    Ok(pool)
}

/// Brings the schema up to this program's version and returns how many steps that took. Several processes may do so at
/// once; one does it, the others wait.
///
/// # Errors
/// [`EngineError::Invalid`] when the schema is a newer program's or was changed by hand; database errors.
pub async fn migrate(pool: &PgPool) -> Result<usize> {
    let before = applied(pool).await?;
    MIGRATOR.run(pool).await.map_err(|error| match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => EngineError::Database(error),
        other => EngineError::invalid(format!(
            "the database's schema does not fit this program: {other}; use the newest Concord that worked with it, or a \
             fresh database"
        )),
    })?;
    Ok(applied(pool).await?.saturating_sub(before))
}

async fn applied(pool: &PgPool) -> Result<usize> {
    let mut conn = pool.acquire().await?;
    if !store::schema::exists(&mut conn).await? {
        return Ok(0);
    }
    match conn.list_applied_migrations(MIGRATIONS_TABLE).await {
        Ok(applied) => Ok(applied.len()),
        Err(MigrateError::Execute(error)) => Err(error.into()),
        Err(_other) => Err(EngineError::Bug("the list of migrations cannot be read")),
    }
}

/// Throws everything away. Only for a database that exists for a demonstration.
///
/// # Errors
/// Database errors.
pub async fn wipe(pool: &PgPool) -> Result<()> {
    let mut conn = pool.acquire().await?;
    store::schema::wipe(&mut conn).await?;
    Ok(())
}
