//! A place in a transaction to go back to.

use sqlx::PgConnection;

/// Sets the place; one that was set before is out of reach.
pub(crate) async fn set(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("savepoint concord").execute(conn).await?;
    Ok(())
}

/// Takes back what was done since, also after a statement that failed.
pub(crate) async fn roll_back(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("rollback to savepoint concord").execute(conn).await?;
    Ok(())
}
