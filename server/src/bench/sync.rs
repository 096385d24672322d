//! `concord-bench sync`: rounds of product and calibrator, one after the other on the same machine.

use crate::{
    calibrator::{self, Calls},
    installation::Installation,
    process,
    product::{Product, Ran},
    simulation::{ServeArguments, Simulation, Stats, Writing},
};
use clap::Args;
use sandbox::Latency;
use std::{path::PathBuf, time::Duration};

/// Chargify's events show up a little late: only then is nothing new.
const EVENTS_SHOW: Duration = Duration::from_secs(4);

#[derive(Debug, Args)]
pub(crate) struct SyncArguments {
    /// Contacts, each of which becomes a customer
    #[arg(long, value_name = "N", default_value_t = 2_000)]
    pub(crate) contacts: usize,
    /// How long either service takes to answer
    #[arg(long, default_value = "50ms")]
    pub(crate) latency: Latency,
    /// Rounds of one product run and one calibrator run each; the median counts
    #[arg(long, value_name = "R", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,
    /// Requests Chargify may be sent at once
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=4))]
    pub(crate) slots: u16,
    /// The same seed makes the same people
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// A folder that does not exist yet, for the bench's own installation
    #[arg(long, value_name = "DIR", default_value_os_t = PathBuf::from(format!("target/bench-{}", std::process::id())))]
    pub(crate) data_dir: PathBuf,
}

/// Everything measured.
#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) contacts: u64,
    pub(crate) latency: Latency,
    pub(crate) slots: u16,
    pub(crate) rounds: Vec<Round>,
    /// The most memory of this process, the product's, before any calibrator ran in it.
    pub(crate) peak_memory_kib: u64,
}

/// One round.
#[derive(Debug)]
pub(crate) struct Round {
    pub(crate) product: ProductRound,
    pub(crate) calibrator_ms: u64,
    pub(crate) calibrator_writing: Writing,
}

impl Round {
    /// The calibrator's time of the product's: 1 cannot be beaten.
    pub(crate) fn ratio(&self) -> f64 {
        self.calibrator_ms as f64 / self.product.first.took_ms as f64
    }

    /// The same of the write phase alone, as Chargify saw it.
    pub(crate) fn write_ratio(&self) -> f64 {
        self.calibrator_writing.took_ms / self.product.writing.took_ms
    }
}

/// The product's half of a round.
#[derive(Debug)]
pub(crate) struct ProductRound {
    pub(crate) first: Ran,
    pub(crate) writing: Writing,
    /// As Chargify counted, after the first run.
    pub(crate) stats: Stats,
    /// Writes at Chargify of a second full run.
    pub(crate) second_writes: u64,
    /// Calls of a `changes` run when nothing changed, both services together.
    pub(crate) changes_calls: u64,
    pub(crate) audit_is_whole: bool,
}

/// Measures; makes and removes the bench's own installation.
pub(crate) async fn measure(arguments: &SyncArguments) -> anyhow::Result<Figures> {
    let installation = Installation::make(&arguments.data_dir).await?;
    let measured = tokio::select! {
        measured = rounds(arguments, &installation) => measured,
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("interrupted")),
    };
    installation.end().await?;
    measured
}

async fn rounds(arguments: &SyncArguments, installation: &Installation) -> anyhow::Result<Figures> {
    let mut rounds: Vec<Round> = Vec::new();
    let mut peak_memory_kib = 0;
    for number in 1..=arguments.rounds {
        crate::say(format!("round {number} of {}", arguments.rounds));
        // Whoever goes second finds the machine warmer: they take turns. The first calibrator needs to know the calls.
        let last = rounds.last().map(|round| round.product.stats.clone());
        let round = match last {
            Some(calls) if number % 2 == 0 => {
                let (calibrator_ms, calibrator_writing) = calibrate(arguments, &calls).await?;
                Round { product: produce(arguments, installation).await?.0, calibrator_ms, calibrator_writing }
            }
            _ => {
                let (product, memory_kib) = produce(arguments, installation).await?;
                if number == 1 {
                    peak_memory_kib = memory_kib;
                }
                let (calibrator_ms, calibrator_writing) = calibrate(arguments, &product.stats).await?;
                Round { product, calibrator_ms, calibrator_writing }
            }
        };
        rounds.push(round);
    }
    let contacts = u64::try_from(arguments.contacts)?;
    Ok(Figures { contacts, latency: arguments.latency, slots: arguments.slots, rounds, peak_memory_kib })
}

async fn simulate(arguments: &SyncArguments) -> anyhow::Result<Simulation> {
    let (contacts, latency, seed) = (arguments.contacts, arguments.latency, arguments.seed);
    Simulation::start(&ServeArguments { contacts, latency, seed }).await
}

/// The bare loop, with as many reads as the product made.
async fn calibrate(arguments: &SyncArguments, product: &Stats) -> anyhow::Result<(u64, Writing)> {
    let simulation = simulate(arguments).await?;
    let reads = |endpoint: &str| product.by_endpoint.get(endpoint).copied().unwrap_or(0);
    let calls = Calls::of(arguments.contacts, arguments.seed, reads("GET /customers.json"), reads("GET /events.json"));
    let took_ms = calibrator::run(&simulation, calls, arguments.slots).await?;
    let writing = simulation.writing(arguments.slots).await?;
    simulation.end().await?;
    Ok((took_ms, writing))
}

/// The product's runs, and the most memory it took.
async fn produce(arguments: &SyncArguments, installation: &Installation) -> anyhow::Result<(ProductRound, u64)> {
    let simulation = simulate(arguments).await?;
    let product = Product::start(installation, &simulation, arguments.slots).await?;
    let first = product.run("full").await?;
    let memory_kib = process::peak_memory_kib()?;
    let stats = simulation.stats("chargify").await?;
    let writing = simulation.writing(arguments.slots).await?;
    product.run("full").await?;
    let second_writes = writes(&simulation.stats("chargify").await?) - writes(&stats);
    tokio::time::sleep(EVENTS_SHOW).await;
    let before = all_calls(&simulation).await?;
    product.run("changes").await?;
    let changes_calls = all_calls(&simulation).await? - before;
    let audit_is_whole = product.audit_is_whole().await?;
    product.end().await?;
    simulation.end().await?;
    Ok((ProductRound { first, writing, stats, second_writes, changes_calls, audit_is_whole }, memory_kib))
}

fn writes(stats: &Stats) -> u64 {
    stats.by_endpoint.iter().filter(|(endpoint, _)| !endpoint.starts_with("GET ")).map(|(_, calls)| calls).sum()
}

async fn all_calls(simulation: &Simulation) -> anyhow::Result<u64> {
    Ok(simulation.stats("highlevel").await?.calls + simulation.stats("chargify").await?.calls)
}
