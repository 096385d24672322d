//! This process among the others on one database. A node is alive while its database session holds its lock; when the
//! session ends, however it ends, Postgres frees the lock and the others give back what the node held.

use crate::{Engine, Result, store::Presence};
use domain::limits;
use futures::future::{Either, select};
use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// This process, as the others see it.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) id: Uuid,
    lock_key: i64,
    /// Odd while the others know this node to be alive; one more whenever a session begins or ends.
    session: AtomicU64,
    /// Cancelled when the session of now ends; the next one has another.
    loss: Mutex<CancellationToken>,
}

impl Node {
    pub(crate) fn new(id: Uuid) -> Self {
        let (high, _) = id.as_u64_pair();
        let lock_key = i64::from_le_bytes(high.to_le_bytes());
        Self { id, lock_key, session: AtomicU64::new(0), loss: Mutex::default() }
    }

    /// The session in which the others know this node to be alive. What was leased in an earlier one may be somebody
    /// else's by now.
    pub(crate) fn session(&self) -> Option<u64> {
        let session = self.session.load(Ordering::Acquire);
        (session % 2 == 1).then_some(session)
    }

    /// Whether the others know this node to be alive. Slots are leased only then.
    pub(crate) fn is_present(&self) -> bool {
        self.session().is_some()
    }

    /// Whether the others knew this node and may take it for dead now: what it claims could be given away at once.
    pub(crate) fn is_lost(&self) -> bool {
        !self.is_present() && self.session.load(Ordering::Acquire) > 0
    }

    /// Is cancelled when this node loses its session: from then on its jobs may be others'. Take it before claiming.
    pub(crate) fn loss(&self) -> CancellationToken {
        self.loss.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn join(&self) {
        if !self.is_present() {
            self.session.fetch_add(1, Ordering::AcqRel);
        }
    }

    fn lose(&self) {
        if self.is_present() {
            self.session.fetch_add(1, Ordering::AcqRel);
            let mut loss = self.loss.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *loss).cancel();
        }
    }
}

impl Engine {
    /// Makes this process known to the others, once; ends when the last clone of the engine is dropped.
    pub(crate) fn start_presence(&self) {
        if self.shared().presence_started.swap(true, Ordering::AcqRel) {
            return;
        }
        let inner = std::sync::Arc::downgrade(&self.inner);
        let ended = self.shared().ended.clone();
        tokio::spawn(ended.run_until_cancelled_owned(async move {
            let mut session = None;
            while let Some(engine) = inner.upgrade().map(Self::from_inner) {
                if let Err(error) = engine.look_around(&mut session).await {
                    engine.node().lose();
                    session = None;
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "lost touch with the database; joining again"
                    );
                }
                let pause = if session.is_some() { limits::NODE_LOOK_AROUND } else { limits::NODE_REJOIN };
                let clock = std::sync::Arc::clone(&engine.inner.parts.clock);
                let node = std::sync::Arc::clone(&engine.inner.shared.node);
                drop(engine);
                // A session that ends frees the lock: whoever sees it free may bury this node, so it must know at once.
                let is_lost = match &mut session {
                    Some(presence) => {
                        matches!(select(clock.sleep(pause), presence.lost()).await, Either::Right(_))
                    }
                    None => {
                        clock.sleep(pause).await;
                        false
                    }
                };
                if is_lost {
                    node.lose();
                    session = None;
                }
            }
        }));
    }

    /// Joins the database if need be: takes the node's lock in a session of its own. Then buries dead nodes.
    async fn look_around(&self, session: &mut Option<Box<dyn Presence>>) -> Result<()> {
        self.learn_time().await?;
        if session.is_some() {
            return self.bury_the_dead().await;
        }
        let swept = self.store().session().await?.sweep_jobs().await?;
        tracing::debug!(jobs = swept, "removed jobs that ended long ago");
        let node = self.node();
        *session = Some(self.store().join(node.id, node.lock_key).await?);
        node.join();
        self.bury_the_dead().await
    }

    /// Corrects this process's time by the database's, now and then.
    async fn learn_time(&self) -> Result<()> {
        let time = &self.shared().time;
        if time.is_due() {
            let mut conn = self.store().session().await?;
            let asked_at = self.clock().now();
            time.learn(asked_at, conn.now().await?);
        }
        Ok(())
    }

    /// Leaves in order, with no job of this node under way: the others need not find out that it is gone. Requests that
    /// nobody waits for any more keep their slots until the service must have ended them.
    pub(crate) async fn leave(&self) -> Result<()> {
        self.node().lose();
        let busy = self.busy_slots();
        let mut tx = self.store().begin().await?;
        for (workspace_id, lane_id, slot) in busy {
            tx.rest_slot(workspace_id, lane_id, &slot, ms(limits::REMOTE_ENDED)).await?;
        }
        tx.remove_node(self.node().id).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Gives back what nodes without a lock held. Looks twice: a node whose session broke takes its lock again at once.
    pub(crate) async fn bury_the_dead(&self) -> Result<()> {
        let missing = self.nodes_without_lock().await?;
        if missing.is_empty() {
            return Ok(());
        }
        self.clock().sleep(limits::NODE_SECOND_LOOK).await;
        for (node_id, lock_key) in missing {
            let mut tx = self.store().begin().await?;
            if !tx.node_lock_is_free(lock_key).await? {
                continue;
            }
            let rests = !crate::planted!(NoRestForSlots);
            let rest = |time| if rests { ms(time) } else { 0 };
            let (rest_ms, ended_ms) = (rest(limits::DEAD_SLOT_REST), rest(limits::REMOTE_ENDED));
            let jobs = tx.bury_node(node_id, rest_ms, ended_ms).await?;
            tx.leave_intents_of_node_unknown(node_id, self.clock().now()).await?;
            tx.commit().await?;
            tracing::info!(node.id = %node_id, jobs, "a node is gone; its work goes on here");
        }
        Ok(())
    }

    async fn nodes_without_lock(&self) -> Result<Vec<(Uuid, i64)>> {
        let mut conn = self.store().session().await?;
        let mut missing = Vec::new();
        for (node_id, lock_key) in conn.other_nodes(self.node().id).await? {
            if conn.node_lock_is_free(lock_key).await? {
                missing.push((node_id, lock_key));
            }
        }
        Ok(missing)
    }

    /// Whether any node but this one is alive: then it works the queue.
    ///
    /// # Errors
    /// Database errors.
    pub async fn live_workers(&self) -> Result<bool> {
        let mut conn = self.store().session().await?;
        for (_, lock_key) in conn.other_nodes(self.node().id).await? {
            if !conn.node_lock_is_free(lock_key).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn ms(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
