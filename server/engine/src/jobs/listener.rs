//! Ears on Postgres: wakes workers and pages when another process, or this one, says that something changed.

use crate::Engine;
use domain::{RunId, limits};
use sqlx::postgres::PgListener;

/// The background task that listens.
#[derive(Debug)]
pub(super) struct Wakeups;

impl Wakeups {
    /// Listens until dropped; joins again with a pause when the connection breaks. What was said meanwhile is not lost:
    /// workers poll, and pages read the database when they are woken.
    pub(super) async fn listen(engine: &Engine) {
        loop {
            if let Err(error) = Self::listen_once(engine).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "cannot listen to the database; trying again");
            }
            engine.clock().sleep(limits::NODE_REJOIN).await;
        }
    }

    async fn listen_once(engine: &Engine) -> crate::Result<()> {
        let mut listener = PgListener::connect_with(engine.pool()).await?;
        listener.listen_all(["concord_job", "concord_run"]).await?;
        // Whatever was enqueued before the listening began is found by looking once.
        engine.shared().job_wakes.notify_one();
        loop {
            let notice = listener.recv().await?;
            match notice.channel() {
                "concord_job" => engine.shared().job_wakes.notify_one(),
                _ => {
                    if let Ok(run_id) = notice.payload().parse::<RunId>() {
                        // Nobody may be looking at a run: that is no error.
                        drop(engine.shared().run_changes.send(run_id));
                    }
                }
            }
        }
    }
}
