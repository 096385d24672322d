//! `concord sandbox`: only the simulated services.

use crate::{cli::SandboxArguments, shutdown, telemetry, terminal::say};
use anyhow::Context as _;
use sandbox::{Latency, Options};

pub(super) async fn sandbox(arguments: SandboxArguments) -> anyhow::Result<u8> {
    telemetry::start("warn");
    let stop = shutdown::on_signal()?;
    let options = Options {
        highlevel_addr: arguments.highlevel,
        chargify_addr: arguments.chargify,
        contacts: arguments.contacts,
        customers: arguments.customers,
        seed: arguments.seed,
        latency: Latency::Fixed { fixed_ms: u64::try_from(arguments.latency.as_millis()).unwrap_or(u64::MAX) },
        rate: arguments.rate,
        ..Options::default()
    };
    let sandbox = sandbox::start(options).await.context("cannot listen; choose other addresses")?;
    say(sandbox::ready_line(&sandbox).to_string());
    stop.cancelled().await;
    sandbox.shutdown().await;
    Ok(0)
}
