//! The schema as a whole.

use sqlx::{Executor as _, PgConnection};
use time::OffsetDateTime;

/// Whether any migration was ever applied.
pub(crate) async fn exists(conn: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select to_regclass('_sqlx_migrations') is not null as "exists!""#).fetch_one(conn).await
}

/// What the database's clock says.
pub(crate) async fn now(conn: &mut PgConnection) -> sqlx::Result<OffsetDateTime> {
    sqlx::query_scalar!(r#"select clock_timestamp() as "now!""#).fetch_one(conn).await
}

/// Throws all tables and what is in them away.
pub(crate) async fn wipe(conn: &mut PgConnection) -> sqlx::Result<()> {
    conn.execute("drop schema public cascade; create schema public").await?;
    Ok(())
}
