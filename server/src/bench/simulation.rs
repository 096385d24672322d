//! The simulated services in a process of their own, so that neither their memory nor their time counts as the
//! product's; and what they saw.

use anyhow::Context as _;
use clap::Args;
use sandbox::{Latency, Options};
use serde::Deserialize;
use serde_json::Value;
use std::{collections::BTreeMap, process::Stdio, time::Duration};
use time::OffsetDateTime;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    process::{Child, Command},
};

/// How long the simulation may take to fill itself.
const READY: Duration = Duration::from_secs(60);

/// What is simulated.
#[derive(Clone, Debug, Args)]
pub(crate) struct ServeArguments {
    /// Contacts GoHighLevel begins with; Chargify begins empty
    #[arg(long)]
    pub(crate) contacts: usize,
    /// How long an answer takes, such as 50ms
    #[arg(long)]
    pub(crate) latency: Latency,
    /// The same seed makes the same people
    #[arg(long)]
    pub(crate) seed: u64,
}

/// Serves until standard input ends: with its parent, however that ends.
pub(crate) async fn serve(arguments: ServeArguments) -> anyhow::Result<()> {
    let options = Options {
        contacts: arguments.contacts,
        customers: Some(0),
        seed: arguments.seed,
        latency: arguments.latency,
        clean: true,
        ..Options::default()
    };
    let sandbox = sandbox::start(options).await?;
    crate::say(sandbox::ready_line(&sandbox).to_string());
    let mut rest = Vec::new();
    // Whatever ends the input ends the simulation.
    drop(tokio::io::stdin().read_to_end(&mut rest).await);
    sandbox.shutdown().await;
    Ok(())
}

/// The services of one measurement. Ends with this value.
pub(crate) struct Simulation {
    child: Child,
    ready: Value,
    http: reqwest::Client,
}

/// What one service counted.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Stats {
    pub(crate) calls: u64,
    pub(crate) by_endpoint: BTreeMap<String, u64>,
    pub(crate) by_status: BTreeMap<u16, u64>,
    pub(crate) high_water: u64,
    pub(crate) over_limit: u64,
}

/// One request as the service saw it.
#[derive(Debug, Deserialize)]
struct Seen {
    method: String,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    took_ms: f64,
}

/// When writes went on at Chargify, as far as it remembers: its latest 5,000 calls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Writing {
    pub(crate) writes: usize,
    /// From the first arrival to the last answer.
    pub(crate) took_ms: f64,
    /// Share of the slots' time in which a request was in them.
    pub(crate) busy: f64,
}

impl Simulation {
    /// Starts both services on free ports and waits until they listen.
    pub(crate) async fn start(arguments: &ServeArguments) -> anyhow::Result<Self> {
        let Latency::Fixed { fixed_ms } = arguments.latency else {
            anyhow::bail!("choose one latency, such as 50ms: spread ones differ from run to run");
        };
        // This very program, whatever its path.
        let mut child = Command::new("/proc/self/exe")
            .args(["serve-sandbox", "--contacts", &arguments.contacts.to_string()])
            .args(["--seed", &arguments.seed.to_string(), "--latency", &format!("{fixed_ms}ms")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("starting the simulated services")?;
        let out = child.stdout.take().context("the simulated services have no output")?;
        let line = tokio::time::timeout(READY, BufReader::new(out).lines().next_line()).await??;
        let ready = serde_json::from_str(&line.context("the simulated services ended at once")?)?;
        Ok(Self { child, ready, http: reqwest::Client::builder().no_proxy().build()? })
    }

    /// One of the credentials or addresses, such as `chargify`, `base_url`.
    pub(crate) fn told(&self, side: &str, name: &str) -> &str {
        self.ready.get(side).and_then(|side| side.get(name)).and_then(Value::as_str).unwrap_or_default()
    }

    pub(crate) async fn stats(&self, side: &str) -> anyhow::Result<Stats> {
        let url = format!("{}/_sandbox/stats", self.told(side, "base_url"));
        Ok(self.http.get(url).send().await?.error_for_status()?.json().await?)
    }

    /// The write phase as Chargify saw it.
    pub(crate) async fn writing(&self, slots: u16) -> anyhow::Result<Writing> {
        let url = format!("{}/_sandbox/requests", self.told("chargify", "base_url"));
        let seen: Vec<Seen> = self.http.get(url).send().await?.error_for_status()?.json().await?;
        Ok(writing(&seen, slots))
    }

    /// Ends both services.
    pub(crate) async fn end(mut self) -> anyhow::Result<()> {
        drop(self.child.stdin.take());
        self.child.wait().await?;
        Ok(())
    }
}

fn writing(seen: &[Seen], slots: u16) -> Writing {
    let posts = || seen.iter().filter(|one| one.method == "POST");
    let ends = posts().map(|one| one.at + Duration::from_secs_f64(one.took_ms.max(0.0) / 1000.0));
    let (Some(first), Some(last)) = (posts().map(|one| one.at).min(), ends.max()) else {
        return Writing { writes: 0, took_ms: 0.0, busy: 0.0 };
    };
    let took_ms = (last - first).as_seconds_f64() * 1000.0;
    let in_slots: f64 = posts().map(|one| one.took_ms).sum();
    Writing { writes: posts().count(), took_ms, busy: in_slots / (took_ms * f64::from(slots)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_write_phase_is_from_the_first_arrival_to_the_last_answer() {
        let start = OffsetDateTime::UNIX_EPOCH;
        let seen = |method: &str, after_ms: u64, took_ms: f64| Seen {
            method: method.to_owned(),
            at: start + Duration::from_millis(after_ms),
            took_ms,
        };
        let all = [seen("GET", 0, 50.0), seen("POST", 100, 50.0), seen("POST", 100, 50.0), seen("POST", 150, 50.0)];
        let writing = writing(&all, 2);
        assert_eq!((writing.writes, writing.took_ms, writing.busy), (3, 100.0, 0.75));
    }
}
