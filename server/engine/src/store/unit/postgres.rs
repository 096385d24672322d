//! The store on Postgres.

use super::{Notice, Notices, Presence, Store, Tables, Unit};
use crate::{EngineError, Result, store::slots};
use async_trait::async_trait;
use sqlx::{
    PgPool, Postgres, Transaction,
    postgres::{PgListener, PgPoolOptions},
};
use uuid::Uuid;

/// One database.
#[derive(Clone, Debug)]
pub struct PostgresStore {
    pool: PgPool,
}

impl PostgresStore {
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self { pool }
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn session(&self) -> Result<Box<dyn Tables>> {
        Ok(Box::new(self.pool.acquire().await?))
    }

    async fn begin(&self) -> Result<Box<dyn Unit>> {
        Ok(Box::new(self.pool.begin().await?))
    }

    async fn join(&self, node_id: Uuid, lock_key: i64) -> Result<Box<dyn Presence>> {
        // A pool of its own, which ends with the listener: a session that went back to the common pool would keep the
        // lock.
        let own = PgPoolOptions::new().max_connections(1).connect_with((*self.pool.connect_options()).clone()).await?;
        let mut listener = PgListener::connect_with(&own).await?;
        listener.eager_reconnect(false);
        if !slots::lock_node(&mut listener, lock_key).await? {
            return Err(EngineError::Bug("another session holds this node's lock"));
        }
        slots::insert_node(&mut *self.pool.acquire().await?, node_id, lock_key).await?;
        Ok(Box::new(LockedSession(listener)))
    }

    async fn notices(&self) -> Result<Box<dyn Notices>> {
        let mut listener = PgListener::connect_with(&self.pool).await?;
        listener.listen_all(["concord_job", "concord_run"]).await?;
        Ok(Box::new(Ears(listener)))
    }
}

#[async_trait]
impl Unit for Transaction<'static, Postgres> {
    async fn commit(self: Box<Self>) -> Result<()> {
        Ok(Transaction::commit(*self).await?)
    }
}

/// Holds a node's lock: when the session ends, however it ends, Postgres frees it.
struct LockedSession(PgListener);

#[async_trait]
impl Presence for LockedSession {
    async fn lost(&mut self) {
        // It listens to nothing, so anything but a notice means that the connection is gone.
        while let Ok(Some(_)) = self.0.try_recv().await {}
    }
}

struct Ears(PgListener);

#[async_trait]
impl Notices for Ears {
    async fn next(&mut self) -> Result<Notice> {
        loop {
            let notice = self.0.recv().await?;
            match notice.channel() {
                "concord_job" => return Ok(Notice::Jobs),
                _ => {
                    if let Ok(run_id) = notice.payload().parse() {
                        return Ok(Notice::Run(run_id));
                    }
                }
            }
        }
    }
}
