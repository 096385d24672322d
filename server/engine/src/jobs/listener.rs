//! Ears on the store: wakes workers and pages when another process, or this one, says that something changed.

use crate::{Engine, store::Notice};
use domain::limits;

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
        let mut notices = engine.store().notices().await?;
        // Whatever was enqueued before the listening began is found by looking once.
        engine.shared().job_wakes.notify_one();
        loop {
            match notices.next().await? {
                Notice::Jobs => engine.shared().job_wakes.notify_one(),
                // Nobody may be looking at a run: that is no error.
                Notice::Run(run_id) => drop(engine.shared().run_changes.send(run_id)),
            }
        }
    }
}
