//! `concord keys rotate`.

use super::Errand;
use crate::{config::Environment, installation::told, terminal::say};
use anyhow::Context as _;
use engine::Vault;
use secrecy::ExposeSecret as _;

pub(super) async fn rotate(environment: Environment) -> anyhow::Result<u8> {
    let next = environment.next_secret_key()?;
    let errand = Errand::begin(&environment, None).await?;
    anyhow::ensure!(
        next.expose_secret() != errand.config.secret_key.expose_secret(),
        "CONCORD_SECRET_KEY_NEXT is the present key; make another with `openssl rand -base64 32`"
    );
    let rotated = match errand.viewer.manager() {
        Ok(manager) => errand.engine.rotate_secret_key(&manager, &Vault::new(*next.expose_secret())).await,
        Err(error) => Err(error),
    };
    errand.end().await?;
    let connections = rotated.map_err(told).context("nothing was changed")?;
    say(format!(
        "The credentials of {connections} connections are sealed with the new key. Now give the value of \
         CONCORD_SECRET_KEY_NEXT as CONCORD_SECRET_KEY, or write it into the file the present key is in, and restart \
         every server."
    ));
    Ok(0)
}
