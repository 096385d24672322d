//! Browser logins, by the hash of the cookie's id.

use domain::PersonId;
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;

/// A login with what the session layer keeps in it.
#[derive(Clone, Debug)]
pub(crate) struct LoginRow {
    pub(crate) data: Value,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) last_seen_at: OffsetDateTime,
    pub(crate) expires_at: OffsetDateTime,
}

/// A login about to be stored.
pub(crate) struct NewLoginRow<'a> {
    pub(crate) id_hash: &'a [u8],
    pub(crate) person_id: Option<PersonId>,
    pub(crate) data: &'a Value,
    pub(crate) now: OffsetDateTime,
    pub(crate) expires_at: OffsetDateTime,
}

/// `None` when there is none or its time is up.
pub(crate) async fn find(
    conn: &mut PgConnection,
    id_hash: &[u8],
    now: OffsetDateTime,
) -> sqlx::Result<Option<LoginRow>> {
    sqlx::query_as!(
        LoginRow,
        "select data, created_at, last_seen_at, expires_at from login where id_hash = $1 and expires_at > $2",
        id_hash,
        now,
    )
    .fetch_optional(conn)
    .await
}

/// `false` when the id is taken.
pub(crate) async fn insert(conn: &mut PgConnection, login: &NewLoginRow<'_>) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"
        insert into login (id_hash, person_id, data, created_at, last_seen_at, expires_at)
        values ($1, $2, $3, $4, $4, $5)
        on conflict do nothing
        "#,
        login.id_hash,
        login.person_id.map(|id| id.0),
        login.data,
        login.now,
        login.expires_at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Replaces what is kept in a login that goes on; one ended meanwhile stays ended.
pub(crate) async fn update(
    conn: &mut PgConnection,
    id_hash: &[u8],
    person_id: Option<PersonId>,
    data: &Value,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update login set data = $2, person_id = $3 where id_hash = $1",
        id_hash,
        data,
        person_id.map(|id| id.0),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes that somebody is there.
pub(crate) async fn touch(
    conn: &mut PgConnection,
    id_hash: &[u8],
    now: OffsetDateTime,
    expires_at: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!("update login set last_seen_at = $2, expires_at = $3 where id_hash = $1", id_hash, now, expires_at)
        .execute(conn)
        .await?;
    Ok(())
}

/// Ends a login.
pub(crate) async fn delete(conn: &mut PgConnection, id_hash: &[u8]) -> sqlx::Result<()> {
    sqlx::query!("delete from login where id_hash = $1", id_hash).execute(conn).await?;
    Ok(())
}

/// Ends every login of a person.
pub(crate) async fn delete_of(conn: &mut PgConnection, person_id: PersonId) -> sqlx::Result<()> {
    sqlx::query!("delete from login where person_id = $1", person_id.0).execute(conn).await?;
    Ok(())
}

/// Clears away logins whose time is up.
pub(crate) async fn sweep(conn: &mut PgConnection, now: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!("delete from login where expires_at <= $1", now).execute(conn).await?;
    Ok(())
}
