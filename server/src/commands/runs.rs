//! `concord run`: starts a run and follows it, working the queue when nobody else does.

use super::{Errand, FAILED};
use crate::{cli::RunArguments, config::Environment, installation::told, shutdown, terminal::say};
use domain::view::RunView;
use engine::{Approval, Engine, StartRun, Viewer, Worker};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How often the run is looked at; it may go on in another process.
const LOOK: Duration = Duration::from_millis(200);
/// Looks between two questions whether anybody works the queue.
const LOOKS_PER_QUESTION: u32 = 10;
/// How long the worker may finish what is in flight once the run has ended.
const DRAIN: Duration = Duration::from_secs(5);
/// The run waits for a person.
const WAITS: u8 = 3;

pub(super) async fn run(arguments: RunArguments, environment: Environment) -> anyhow::Result<u8> {
    let stop = shutdown::on_signal()?;
    let errand = Errand::begin(&environment, arguments.workspace.workspace.as_deref()).await?;
    let followed = start_and_follow(&errand, &arguments, &stop).await;
    errand.end().await?;
    let run = followed?;
    if arguments.json {
        say(object(&run).to_string());
    } else {
        say(sentence(&run));
    }
    Ok(match run.status.as_str() {
        "complete" => 0,
        "awaiting_approval" => WAITS,
        _ => FAILED,
    })
}

async fn start_and_follow(
    errand: &Errand,
    arguments: &RunArguments,
    stop: &CancellationToken,
) -> anyhow::Result<RunView> {
    let runner = errand.viewer.runner().map_err(told)?;
    let start = StartRun {
        sync: arguments.sync.clone(),
        mode: arguments.mode.as_str().to_owned(),
        chosen: (!arguments.records.is_empty()).then(|| arguments.records.clone()),
        approval: if arguments.approve { Approval::Granted } else { Approval::WhenFused },
    };
    let number = errand.engine.start_run(&runner, start).await.map_err(told)?;
    let mut hands = Hands::none(stop.child_token());
    let followed = follow(&errand.engine, &errand.viewer, number, &mut hands).await;
    hands.rest().await;
    followed
}

/// Looks at the run until it has ended, waits for a person, or this process is asked to end.
async fn follow(engine: &Engine, viewer: &Viewer, number: u64, hands: &mut Hands) -> anyhow::Result<RunView> {
    for look in 0_u32.. {
        let run = engine.run(viewer, number).await.map_err(told)?;
        if run.finished_at.is_some() || run.status == "awaiting_approval" {
            return Ok(run);
        }
        anyhow::ensure!(
            !hands.stop.is_cancelled(),
            "stopped following run {number}, which is {}; it goes on when a server or another `concord run` works the queue",
            run.status
        );
        if look % LOOKS_PER_QUESTION == 0 && !engine.live_workers().await.map_err(told)? {
            hands.work(engine);
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = hands.stop.cancelled() => {}
        }
    }
    anyhow::bail!("run {number} never ended")
}

/// A worker of our own, as long as nobody else works.
struct Hands {
    stop: CancellationToken,
    at_work: Option<JoinHandle<()>>,
}

impl Hands {
    fn none(stop: CancellationToken) -> Self {
        Self { stop, at_work: None }
    }

    fn work(&mut self, engine: &Engine) {
        if self.at_work.is_none() {
            let (worker, stop) = (Worker::new(engine.clone()), self.stop.clone());
            self.at_work = Some(tokio::spawn(async move { worker.run(stop).await }));
        }
    }

    async fn rest(self) {
        self.stop.cancel();
        if let Some(at_work) = self.at_work {
            let abort = at_work.abort_handle();
            if tokio::time::timeout(DRAIN, at_work).await.is_err() {
                abort.abort();
            }
        }
    }
}

/// The object of `--json`.
fn object(run: &RunView) -> Value {
    let ended = run.finished_at.unwrap_or(run.queued_at);
    let mut counts = run.counts;
    if run.mode == "dry-run" {
        // Nothing was written; the counts say what a run would do.
        counts.created += run.to_create;
        counts.updated += run.to_update;
    }
    json!({
        "run_id": run.run_id,
        "mode": run.mode,
        "status": run.status,
        "counts": counts,
        "api_calls": { "highlevel": run.calls_highlevel, "chargify": run.calls_chargify },
        "predicted_api_calls": { "highlevel": run.predicted_highlevel, "chargify": run.predicted_chargify },
        "duration_ms": (ended.0 - run.queued_at.0).max(0),
    })
}

fn sentence(run: &RunView) -> String {
    let counts = &run.counts;
    let detail = run.detail.as_deref().map(|detail| format!(": {detail}")).unwrap_or_default();
    format!(
        "run {} ({}) of {}: {}{detail}\n{} read: {} created, {} updated, {} unchanged, {} echo, {} excluded, {} ambiguous, \
         {} parked, {} failed\n{} calls to GoHighLevel, {} to Chargify",
        run.number,
        run.mode,
        run.sync,
        run.status.replace('_', " "),
        counts.read,
        counts.created,
        counts.updated,
        counts.unchanged,
        counts.echo,
        counts.excluded,
        counts.ambiguous,
        counts.parked,
        counts.failed,
        run.calls_highlevel,
        run.calls_chargify,
    )
}
