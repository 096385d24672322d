//! A Concord of the bench's own: a data folder, a Postgres with every commit on disk, and an empty database per round.

use anyhow::Context as _;
use engine::Engine;
use server::{
    config::{Config, Environment},
    installation::Store,
};
use std::path::{Path, PathBuf};

/// Where the product would say it is reached; no webhook is sent.
pub(crate) const PUBLIC_URL: &str = "http://127.0.0.1:9";

/// The data folder and its Postgres. End it with [`Self::end`].
pub(crate) struct Installation {
    data_dir: PathBuf,
    store: Store,
}

impl Installation {
    /// Makes the folder, which must not exist, and starts the Postgres in it.
    pub(crate) async fn make(data_dir: &Path) -> anyhow::Result<Self> {
        let folder = data_dir.display();
        anyhow::ensure!(!data_dir.exists(), "{folder} exists; remove it, or name another folder with --data-dir");
        std::fs::create_dir_all(data_dir).with_context(|| format!("making {folder}"))?;
        let store = Store::open(&configuration(data_dir, "http://127.0.0.1:9")?).await?;
        store.migrate().await?;
        Ok(Self { data_dir: data_dir.to_owned(), store })
    }

    /// An engine on an empty database that may call those addresses.
    pub(crate) async fn fresh(&self, allowed_base_urls: &str) -> anyhow::Result<Engine> {
        self.store.wipe().await?;
        self.store.ready_engine(&configuration(&self.data_dir, allowed_base_urls)?, PUBLIC_URL).await
    }

    /// Stops the Postgres and removes the folder.
    pub(crate) async fn end(self) -> anyhow::Result<()> {
        self.store.close().await?;
        // Where the database's account could not enter the folder, the cluster is elsewhere, and a note says where.
        if let Ok(elsewhere) = std::fs::read_to_string(self.data_dir.join("postgres.location")) {
            std::fs::remove_dir_all(elsewhere.trim()).context("removing the database")?;
        }
        std::fs::remove_dir_all(&self.data_dir).with_context(|| format!("removing {}", self.data_dir.display()))
    }
}

fn configuration(data_dir: &Path, allowed_base_urls: &str) -> anyhow::Result<Config> {
    // Nothing of the caller's environment: a measurement is the same for everybody.
    let environment = Environment::new(|_name| None)
        .with("CONCORD_DATA_DIR", data_dir.to_string_lossy())
        .with("CONCORD_ALLOW_BASE_URLS", allowed_base_urls);
    Ok(Config::read(&environment)?)
}
