//! `concord demo`: Concord with both services simulated on this machine.

use super::serve;
use crate::{
    cli::DemoArguments,
    config::{Config, Environment},
    installation::Store,
    serving::App,
    shutdown, telemetry,
    terminal::say,
};
use anyhow::Context as _;
use domain::Side;
use engine::Engine;
use sandbox::{Latency, Options, Sandbox};
use serde_json::{Value, json};
use std::{net::SocketAddr, path::Path, time::Duration};
use tokio_util::sync::CancellationToken;

/// The addresses a person sees in the README; others are taken where these are in use.
const HIGHLEVEL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 4101);
const CHARGIFY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 4102);
/// How often the simulated services look whether somebody connected to them.
const LOOK: Duration = Duration::from_millis(500);

pub(super) async fn demo(arguments: DemoArguments, environment: Environment) -> anyhow::Result<u8> {
    let stop = shutdown::on_signal()?;
    let sandbox = simulate(&arguments).await?;
    let environment = serve::listening(environment, arguments.listen);
    let config = configure(&arguments, environment, &sandbox)?;
    telemetry::start(if config.log_filter == "info" { "warn" } else { &config.log_filter });
    let listener = serve::listen(config.listen).await?;
    let store = Store::open(&config).await?;
    begin_empty(&config, &store).await?;
    let app = serve::open(&config, &store, listener).await?;
    let setup_url =
        serve::setup_url(&app.engine, &app.public_url).await?.context("somebody set the demo up already")?;
    if arguments.json {
        say(ready(&app, &setup_url, &sandbox).to_string());
    } else {
        say(welcome(&app, &setup_url, &sandbox));
    }
    point_webhooks(&app.engine, &sandbox, &stop).await;
    app.stop().await;
    sandbox.shutdown().await;
    store.close().await?;
    Ok(0)
}

async fn simulate(arguments: &DemoArguments) -> anyhow::Result<Sandbox> {
    let milliseconds = u64::try_from(arguments.latency.as_millis()).unwrap_or(u64::MAX);
    let options = Options {
        highlevel_addr: free(HIGHLEVEL).await,
        chargify_addr: free(CHARGIFY).await,
        contacts: arguments.contacts,
        customers: arguments.customers,
        seed: arguments.seed,
        latency: Latency::Fixed { fixed_ms: milliseconds },
        ..Options::default()
    };
    sandbox::start(options).await.context("starting the simulated services")
}

/// The address, or any free port beside it.
async fn free(wish: SocketAddr) -> SocketAddr {
    match tokio::net::TcpListener::bind(wish).await {
        Ok(_released) => wish,
        Err(_taken) => SocketAddr::new(wish.ip(), 0),
    }
}

/// The configuration, with a data folder and a database of the demo's own and the simulated services allowed.
fn configure(arguments: &DemoArguments, environment: Environment, sandbox: &Sandbox) -> anyhow::Result<Config> {
    let configured = environment.data_dir();
    let data_dir = arguments.data_dir.as_deref().unwrap_or(Path::new(&configured)).join("demo");
    let allowed = format!("{},{}", sandbox.highlevel.base_url, sandbox.chargify.base_url);
    let environment = environment
        .with("CONCORD_DATA_DIR", data_dir.to_string_lossy())
        .with("CONCORD_ALLOW_BASE_URLS", allowed)
        // Blank is absent: a demo never touches a database that somebody else made.
        .with("CONCORD_DATABASE_URL", "");
    Ok(Config::read(&environment)?)
}

/// The simulated services begin anew at each start, so what Concord remembers of them has to go as well.
async fn begin_empty(config: &Config, store: &Store) -> anyhow::Result<()> {
    if let Err(error) = store.migrate().await {
        // Most likely left by another version. It is thrown away below, where a database that cannot be used says so.
        tracing::warn!(error = %format!("{error:#}"), "the demo's old data cannot be read and is thrown away");
    }
    let engine = store.engine(config, "http://localhost").await?;
    let is_in_use = engine.live_workers().await.unwrap_or(false);
    drop(engine);
    anyhow::ensure!(
        !is_in_use,
        "another demo runs with the data folder {}; end it, or name another folder with --data-dir",
        config.data_dir.display()
    );
    store.wipe().await
}

/// Tells each simulated service where to send webhooks as soon as somebody has made a connection to it, as a person
/// would in the real service's settings. Returns when it is time to end.
async fn point_webhooks(engine: &Engine, sandbox: &Sandbox, stop: &CancellationToken) {
    let mut known: [Option<String>; 2] = [None, None];
    while tokio::time::timeout(LOOK, stop.cancelled()).await.is_err() {
        let sides = [(Side::Highlevel, &sandbox.highlevel.base_url), (Side::Chargify, &sandbox.chargify.base_url)];
        for ((side, base_url), known) in sides.into_iter().zip(&mut known) {
            let newest = match engine.webhook_addresses(side, base_url).await {
                Ok(addresses) => addresses.into_iter().next(),
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "cannot look for connections");
                    continue;
                }
            };
            if newest.is_some() && newest != *known {
                match side {
                    Side::Highlevel => sandbox.highlevel.set_webhook_target(newest.as_deref()),
                    Side::Chargify => sandbox.chargify.set_webhook_target(newest.as_deref()),
                }
                *known = newest;
            }
        }
    }
}

fn ready(app: &App, setup_url: &str, sandbox: &Sandbox) -> Value {
    json!({
        "url": app.public_url,
        "setup_url": setup_url,
        "highlevel": sandbox.highlevel.ready(),
        "chargify": sandbox.chargify.ready(),
    })
}

fn welcome(app: &App, setup_url: &str, sandbox: &Sandbox) -> String {
    let (highlevel, chargify) = (&sandbox.highlevel, &sandbox.chargify);
    format!(
        "\nConcord is at {url}. Begin here, it works once:\n\n    {setup_url}\n\n\
         Then connect both services, simulated on this machine:\n\n\
         \x20   GoHighLevel  {highlevel_url}\n\
         \x20     location id   {location}\n\
         \x20     token         {token}\n\
         \x20     webhook key   {webhook_key}\n\
         \x20     in place of the token, an app of its Marketplace:\n\
         \x20     client id     {client_id}\n\
         \x20     client secret {client_secret}\n\n\
         \x20   Chargify     {chargify_url}\n\
         \x20     subdomain     {subdomain}\n\
         \x20     API key       {api_key}\n\
         \x20     shared key    {shared_key}\n\n\
         Enter each address as the base URL. Opened in a browser, it is that service's own console, where you can edit\n\
         records as its users would. Ctrl-C ends everything; the next start begins empty.\n",
        url = app.public_url,
        highlevel_url = highlevel.base_url,
        location = highlevel.credential("location_id"),
        token = highlevel.credential("token"),
        webhook_key = highlevel.credential("webhook_public_key").trim().replace('\n', "\n                    "),
        client_id = highlevel.credential("client_id"),
        client_secret = highlevel.credential("client_secret"),
        chargify_url = chargify.base_url,
        subdomain = chargify.credential("subdomain"),
        api_key = chargify.credential("api_key"),
        shared_key = chargify.credential("shared_key"),
    )
}
