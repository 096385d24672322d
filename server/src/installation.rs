//! What every command that works on the data needs: the database, its schema, the key, the engine.

use crate::{
    config::{Config, Database},
    postgres::PrivatePostgres,
};
use anyhow::Context as _;
use engine::{Engine, EngineError, Entropy, HttpTransport, Parts, PostgresStore, Settings, SystemClock, Vault};
use secrecy::{ExposeSecret as _, SecretString};
use std::sync::Arc;

/// Connections to the database: enough for a worker's jobs and a few people's pages; Postgres' own default is 100.
const CONNECTIONS: u32 = 20;

/// A reachable database, and the private Postgres if it is ours. Ended by [`Self::close`].
pub struct Store {
    url: SecretString,
    postgres: Option<PrivatePostgres>,
}

impl Store {
    /// Starts or joins the private Postgres, unless another database is configured.
    ///
    /// # Errors
    /// When it does not start; the message says what to do.
    pub async fn open(config: &Config) -> anyhow::Result<Self> {
        match &config.database {
            Database::At(url) => Ok(Self { url: url.clone(), postgres: None }),
            Database::Private => {
                let data_dir = config.data_dir.clone();
                let postgres = tokio::task::spawn_blocking(move || PrivatePostgres::start(&data_dir)).await??;
                Ok(Self { url: SecretString::from(postgres.url()), postgres: Some(postgres) })
            }
        }
    }

    /// The engine on this database, without looking at the schema or the key.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn engine(&self, config: &Config, public_url: &str) -> anyhow::Result<Engine> {
        let pool = engine::connect(&self.url, CONNECTIONS).await.map_err(told).context(self.unreachable())?;
        Ok(Engine::new(Parts {
            store: Arc::new(PostgresStore::new(pool.clone())),
            pool,
            clock: Arc::new(SystemClock::new()),
            entropy: Entropy::from_system(),
            transport: Arc::new(HttpTransport::new().context("preparing for calls")?),
            vault: Vault::new(*config.secret_key.expose_secret()),
            settings: Settings { public_url: public_url.to_owned(), allowed_base_urls: config.allow_base_urls.clone() },
        }))
    }

    /// The engine, ready to work: schema brought up to date, secret key compared with the database's.
    ///
    /// # Errors
    /// When the database does not answer, has a newer schema, or was sealed with another key.
    pub async fn ready_engine(&self, config: &Config, public_url: &str) -> anyhow::Result<Engine> {
        self.migrate().await?;
        let engine = self.engine(config, public_url).await?;
        engine.check_key().await.map_err(told)?;
        Ok(engine)
    }

    /// Brings the schema up to date; the number of steps that took.
    ///
    /// # Errors
    /// When the database does not answer or has a newer schema.
    pub async fn migrate(&self) -> anyhow::Result<usize> {
        let pool = engine::connect(&self.url, 1).await.map_err(told).context(self.unreachable())?;
        let steps = engine::migrate(&pool).await.map_err(told);
        pool.close().await;
        steps
    }

    /// Throws everything in the database away. For the demonstration's own database only.
    ///
    /// # Errors
    /// Database errors.
    pub async fn wipe(&self) -> anyhow::Result<()> {
        let pool = engine::connect(&self.url, 1).await.map_err(told).context(self.unreachable())?;
        let done = engine::wipe(&pool).await.map_err(told);
        pool.close().await;
        done
    }

    /// Gives the database up: a private Postgres nobody else uses is stopped.
    ///
    /// # Errors
    /// When it does not stop.
    pub async fn close(self) -> anyhow::Result<()> {
        match self.postgres {
            Some(postgres) => tokio::task::spawn_blocking(move || postgres.stop()).await?,
            None => Ok(()),
        }
    }

    fn unreachable(&self) -> &'static str {
        if self.postgres.is_some() {
            "the private Postgres does not answer"
        } else {
            "the database at CONCORD_DATABASE_URL does not answer; check the address, and that it is running"
        }
    }
}

/// An engine's error as a command tells it: with its causes, and several faults on lines of their own.
pub fn told(error: EngineError) -> anyhow::Error {
    match error {
        EngineError::Invalid(faults) => anyhow::anyhow!(faults.join("\n")),
        other => other.into(),
    }
}
