//! The product as it is: engine and worker in this process, configured as by `concord apply`, run as by `concord run`.

use crate::{installation::Installation, process, simulation::Simulation};
use anyhow::Context as _;
use domain::view::RunView;
use engine::{Approval, Engine, EngineError, StartRun, Viewer, Worker};
use secrecy::SecretString;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The sync measured.
const SYNC: &str = "contacts";
/// How often the run is looked at: rarely enough not to be noticed.
const LOOK: Duration = Duration::from_millis(100);
/// A server has been up for a while when somebody starts a run.
const SETTLED: Duration = Duration::from_millis(500);

/// One Concord at work.
pub(crate) struct Product {
    engine: Engine,
    viewer: Viewer,
    stop: CancellationToken,
    at_work: tokio::task::JoinHandle<()>,
}

/// How a run went.
#[derive(Clone, Debug)]
pub(crate) struct Ran {
    pub(crate) view: RunView,
    /// From being queued to its last word, as recorded with the run.
    pub(crate) took_ms: u64,
    /// Processor time of this process meanwhile.
    pub(crate) processor_ms: u64,
}

impl Ran {
    /// How long one of its phases took.
    pub(crate) fn phase_ms(&self, title: &str) -> u64 {
        let phase = self.view.phases.iter().find(|phase| phase.title == title);
        let span = phase.and_then(|phase| Some(phase.finished_at?.0 - phase.started_at?.0));
        span.and_then(|ms| u64::try_from(ms).ok()).unwrap_or(0)
    }
}

impl Product {
    /// Connects a fresh installation to the simulated services and starts its worker.
    pub(crate) async fn start(
        installation: &Installation,
        simulation: &Simulation,
        slots: u16,
    ) -> anyhow::Result<Self> {
        let urls = [simulation.told("highlevel", "base_url"), simulation.told("chargify", "base_url")];
        let engine = installation.fresh(&urls.join(",")).await?;
        let viewer = engine.command_line(None).await?;
        let credential = |name: &str| {
            let secret = match name {
                "BENCH_TOKEN" => simulation.told("highlevel", "token"),
                "BENCH_API_KEY" => simulation.told("chargify", "api_key"),
                "BENCH_SHARED_KEY" => simulation.told("chargify", "shared_key"),
                _ => return Err(format!("nothing is called {name}")),
            };
            Ok(SecretString::from(secret.to_owned()))
        };
        engine
            .apply(&viewer, &configuration(simulation, slots), &credential)
            .await
            .map_err(server::installation::told)?;
        let stop = CancellationToken::new();
        let (worker, until) = (Worker::new(engine.clone()), stop.clone());
        let at_work = tokio::spawn(async move { worker.run(until).await });
        tokio::time::sleep(SETTLED).await;
        Ok(Self { engine, viewer, stop, at_work })
    }

    /// Runs the sync to its end.
    pub(crate) async fn run(&self, mode: &str) -> anyhow::Result<Ran> {
        let before = process::processor_ms()?;
        let runner = self.viewer.runner()?;
        let start =
            StartRun { sync: SYNC.to_owned(), mode: mode.to_owned(), chosen: None, approval: Approval::Granted };
        let number = self.engine.start_run(&runner, start).await?;
        loop {
            let view = self.engine.run(&self.viewer, number).await?;
            if let Some(ended) = view.finished_at {
                let detail = view.detail.as_deref().unwrap_or("no detail");
                anyhow::ensure!(view.status == "complete", "the {mode} run ended as {}: {detail}", view.status);
                let took_ms = u64::try_from(ended.0 - view.queued_at.0).context("a run that ended before it began")?;
                return Ok(Ran { took_ms, processor_ms: process::processor_ms()?.saturating_sub(before), view });
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Whether the audit trail holds together.
    pub(crate) async fn audit_is_whole(&self) -> Result<bool, EngineError> {
        Ok(self.engine.verify_audit(self.viewer.workspace_id()).await?.first_bad.is_none())
    }

    /// Stops the worker.
    pub(crate) async fn end(self) -> anyhow::Result<()> {
        self.stop.cancel();
        self.at_work.await?;
        Ok(())
    }
}

fn configuration(simulation: &Simulation, slots: u16) -> String {
    format!(
        r#"
        [[connection]]
        name = "crm"
        kind = "highlevel"
        location_id = "{}"
        token_env = "BENCH_TOKEN"
        base_url = "{}"

        [[connection]]
        name = "billing"
        kind = "chargify"
        subdomain = "{}"
        api_key_env = "BENCH_API_KEY"
        shared_key_env = "BENCH_SHARED_KEY"
        base_url = "{}"

        [[sync]]
        name = "{SYNC}"
        highlevel = "crm"
        chargify = "billing"
        slots = {slots}
        "#,
        simulation.told("highlevel", "location_id"),
        simulation.told("highlevel", "base_url"),
        simulation.told("chargify", "subdomain"),
        simulation.told("chargify", "base_url"),
    )
}
