//! `concord migrate`.

use crate::{
    config::{Config, Environment},
    installation::Store,
    telemetry,
    terminal::say,
};

pub(super) async fn migrate(environment: Environment) -> anyhow::Result<u8> {
    let config = Config::read(&environment)?;
    telemetry::start("warn");
    let store = Store::open(&config).await?;
    let steps = store.migrate().await;
    store.close().await?;
    say(match steps? {
        0 => "the database is up to date".to_owned(),
        1 => "the database is up to date after 1 step".to_owned(),
        steps => format!("the database is up to date after {steps} steps"),
    });
    Ok(0)
}
