//! Data keys and which installation key they are sealed with, over all workspaces.

use crate::vault::SealedKey;
use sqlx::PgConnection;
use uuid::Uuid;

/// A connection's sealed data key.
pub(crate) struct DataKeyRow {
    pub(crate) workspace_id: Uuid,
    pub(crate) connection_id: Uuid,
    pub(crate) data_key: Vec<u8>,
    pub(crate) data_key_nonce: Vec<u8>,
    pub(crate) key_version: i32,
}

/// The next 500 data keys after that connection, locked: none may be replaced meanwhile.
pub(crate) async fn lock_page(conn: &mut PgConnection, after: Uuid) -> sqlx::Result<Vec<DataKeyRow>> {
    sqlx::query_as!(
        DataKeyRow,
        r#"
        select workspace_id, connection_id, data_key, data_key_nonce, key_version
        from connection
        where connection_id > $1
        order by connection_id
        limit 500
        for update
        "#,
        after,
    )
    .fetch_all(conn)
    .await
}

pub(crate) async fn set_data_key(
    conn: &mut PgConnection,
    workspace_id: Uuid,
    connection_id: Uuid,
    key: &SealedKey,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update connection
        set data_key = $3, data_key_nonce = $4, key_version = $5
        where workspace_id = $1 and connection_id = $2
        "#,
        workspace_id,
        connection_id,
        key.bytes,
        key.nonce,
        key.version,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The key this database is sealed with from now on.
pub(crate) async fn set_fingerprint(conn: &mut PgConnection, version: i32, fingerprint: &str) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into key_check (key_version, fingerprint)
        values ($1, $2)
        on conflict (key_version) do update set fingerprint = excluded.fingerprint
        "#,
        version,
        fingerprint,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// All workspaces, in the order in which several trails are locked; at most 10,000.
pub(crate) async fn workspaces(conn: &mut PgConnection) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!("select workspace_id from workspace order by workspace_id limit 10000").fetch_all(conn).await
}
