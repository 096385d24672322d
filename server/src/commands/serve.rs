//! `concord serve`.

use crate::{
    cli::ServeArguments,
    config::{Config, Environment},
    installation::{Store, told},
    serving::{App, Plan, build},
    shutdown, telemetry,
    terminal::say,
};
use anyhow::Context as _;
use engine::Engine;
use std::net::SocketAddr;
use tokio::net::TcpListener;

pub(super) async fn serve(arguments: ServeArguments, environment: Environment) -> anyhow::Result<u8> {
    let environment = listening(environment, arguments.listen);
    let config = Config::read(&environment)?;
    telemetry::start(&config.log_filter);
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let stop = shutdown::on_signal()?;
    let listener = listen(config.listen).await?;
    let store = Store::open(&config).await?;
    let app = open(&config, &store, listener).await?;
    say(format!("Concord is at {}", app.public_url));
    if let Some(url) = setup_url(&app.engine, &app.public_url).await? {
        say(format!("Nobody has an account yet. Set up the owner, within 24 hours, at {url}"));
    }
    stop.cancelled().await;
    app.stop().await;
    store.close().await?;
    Ok(0)
}

/// A flag wins over the variable.
pub(super) fn listening(environment: Environment, listen: Option<SocketAddr>) -> Environment {
    match listen {
        Some(address) => environment.with("CONCORD_LISTEN", address.to_string()),
        None => environment,
    }
}

pub(super) async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}; is another program there? Choose another with --listen or CONCORD_LISTEN")
    })
}

/// Makes the engine and starts to serve, with a worker.
pub(super) async fn open(config: &Config, store: &Store, listener: TcpListener) -> anyhow::Result<App> {
    let public_url = config.public_url(listener.local_addr()?);
    let engine = store.ready_engine(config, &public_url).await?;
    Ok(build(Plan { listener, public_url, engine, site_root: config.site_root.clone(), works: true })?)
}

/// A fresh one-time link, as long as nobody has an account.
pub(super) async fn setup_url(engine: &Engine, public_url: &str) -> anyhow::Result<Option<String>> {
    let token = engine.new_setup_link().await.map_err(told)?;
    Ok(token.map(|token| format!("{public_url}/setup/{token}")))
}
