//! Carries out the plan of a run: items in order, as many at once as there are slots, outcomes settled behind.

use super::{Running, Written};
use crate::{
    Engine, EngineError, Result,
    clients::CallError,
    store::items::{ItemRow, OpenQuery, OpenRow},
    sync::{
        Planned, SyncContext,
        predict::HIGHLEVEL_AT_ONCE,
        settling::{Belongs, Ended, Settler, Unsettled},
        writing::{Carried, Writer},
    },
};
use domain::{RunId, Side, limits, outcome::Outcome};
use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, future::select, stream::FuturesUnordered};
use std::{
    collections::VecDeque,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use time::OffsetDateTime;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How often a running run looks whether somebody wants it to end.
const LOOK_UP: Duration = Duration::from_millis(500);
/// Rounds of planning again for one item that keeps changing.
const ROUNDS: u32 = 3;

/// What one of the futures of a run came to.
enum Step {
    Fetched(Result<Vec<Ready>>),
    Carried(Result<()>),
}

/// An open item as it was fetched.
struct Ready {
    item: ItemRow,
    plan: Fetched,
}

enum Fetched {
    /// What was shown is what is carried out. `None`: its record is gone.
    AsShown(Option<Box<Planned>>),
    /// Something of its record changed since: it is planned again.
    Stale,
}

/// What the workers of one run tell each other.
pub(super) struct Signals {
    /// Nothing new is begun any more; what is on its way is finished.
    end: CancellationToken,
    /// Nothing is under way any more.
    pub(super) over: CancellationToken,
    cancelled: AtomicBool,
    lost: AtomicBool,
    /// Of some writes from before nothing can be known yet: their records are left for later.
    unsure: AtomicBool,
    halted: Mutex<Option<CallError>>,
}

impl Signals {
    fn new(stop: &CancellationToken) -> Self {
        Self {
            end: stop.child_token(),
            over: CancellationToken::new(),
            cancelled: AtomicBool::new(false),
            lost: AtomicBool::new(false),
            unsure: AtomicBool::new(false),
            halted: Mutex::default(),
        }
    }

    fn halt(&self, error: CallError) {
        self.halted.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        self.end.cancel();
    }

    fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
        self.end.cancel();
    }

    fn lose(&self) {
        self.lost.store(true, Ordering::Release);
        self.end.cancel();
    }

    fn halted(&self) -> Option<CallError> {
        self.halted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Running<'_> {
    /// Writes what is planned and still open.
    pub(super) async fn write(&mut self) -> Result<Written> {
        self.look_for_changes_since().await?;
        let signals = Signals::new(self.stop);
        let work = async {
            let worked = self.work(&signals).await;
            signals.over.cancel();
            worked
        };
        let (unsettled, (), ()) = futures::join!(work, self.watch(&signals), self.look_meanwhile(&signals));
        let unsettled = unsettled?;
        Ok(match signals.halted() {
            _ if !unsettled.is_empty() => Written::Unknown(Unsettled::words(&unsettled)),
            _ if signals.lost.load(Ordering::Acquire) => Written::Stopping,
            Some(error) => Written::Halted(format!("{} refuses our calls: {}", error.side.label(), error.told())),
            None if signals.cancelled.load(Ordering::Acquire) => Written::Cancelled,
            None if self.stop.is_cancelled() => Written::Stopping,
            None => Written::Through,
        })
    }

    /// Works through the open items; a second time for those whose write may still have been on its way from before.
    /// Returns what could not be written down.
    async fn work(&self, signals: &Signals) -> Result<Vec<Unsettled>> {
        let mut is_over = false;
        loop {
            let waits = self.settle_what_a_crash_left(is_over).await?;
            signals.unsure.store(waits.is_some(), Ordering::Release);
            let unsettled = self.work_once(signals).await?;
            let Some(rest) = waits.filter(|_| unsettled.is_empty() && !signals.end.is_cancelled()) else {
                return Ok(unsettled);
            };
            select(self.engine.clock().sleep(rest), Box::pin(signals.end.cancelled())).await;
            if signals.end.is_cancelled() {
                return Ok(unsettled);
            }
            is_over = true;
        }
    }

    async fn work_once(&self, signals: &Signals) -> Result<Vec<Unsettled>> {
        let (sender, settler) = Settler::new(signals.end.clone());
        let settling = tokio::spawn(settle_behind(settler, self.engine.clone(), self.context.clone(), self.run_id));
        let at_once = usize::try_from(self.context.row.slots).unwrap_or(1) + limits::WRITES_AHEAD;
        let (chargify, highlevel) = futures::join!(
            self.work_through(false, at_once, signals, sender.clone()),
            self.work_through(true, HIGHLEVEL_AT_ONCE as usize, signals, sender.clone()),
        );
        // With the last sender gone the settler ends as soon as everything is committed.
        drop(sender);
        let unsettled = settling.await.map_err(|_panic| EngineError::Bug("outcomes were not committed"))?;
        chargify.and(highlevel)?;
        Ok(unsettled)
    }

    /// Watches for a wish to cancel, and journals the calls, until the work is over.
    async fn watch(&self, signals: &Signals) {
        while signals.over.run_until_cancelled(self.engine.clock().sleep(LOOK_UP)).await.is_some() {
            match self.cancel_requested().await {
                Ok(true) => signals.cancel(),
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "cannot see whether the run is cancelled");
                }
            }
            if let Err(error) = self.engine.flush_calls().await {
                tracing::warn!(error = &error as &dyn std::error::Error, "calls wait to be journalled");
            }
        }
    }

    /// Comes back with what ends reading early: a wish to cancel, or to stop.
    pub(super) async fn unwanted(&self) -> Written {
        loop {
            let slept = self.stop.run_until_cancelled(self.engine.clock().sleep(LOOK_UP)).await;
            if slept.is_none() {
                return Written::Stopping;
            }
            match self.cancel_requested().await {
                Ok(true) => return Written::Cancelled,
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "cannot see whether the run is cancelled");
                }
            }
        }
    }

    /// Items that write to GoHighLevel only go their own way: they need no slot of Chargify.
    async fn work_through(
        &self,
        only_highlevel: bool,
        at_once: usize,
        signals: &Signals,
        sender: mpsc::Sender<Ended>,
    ) -> Result<()> {
        let mut queue = VecDeque::new();
        let (mut after, mut fetching, mut exhausted) = (0, false, false);
        let mut failed = None;
        let mut steps: FuturesUnordered<BoxFuture<'_, Step>> = FuturesUnordered::new();
        loop {
            let ends = failed.is_some() || signals.end.is_cancelled();
            // The next batch is fetched while the last items of this one are still under way.
            if !ends && !fetching && !exhausted && queue.len() < at_once * 2 {
                fetching = true;
                steps.push(self.fetch(only_highlevel, after).boxed());
            }
            while !ends
                && steps.len() < at_once + usize::from(fetching)
                && let Some(ready) = queue.pop_front()
            {
                steps.push(self.step(ready, signals, &sender).boxed());
            }
            match steps.next().await {
                None => return failed.map_or(Ok(()), Err),
                Some(Step::Carried(Ok(()))) => {}
                // What is under way is finished all the same, and its outcome kept.
                Some(Step::Carried(Err(error)) | Step::Fetched(Err(error))) => {
                    signals.end.cancel();
                    failed = Some(error);
                }
                Some(Step::Fetched(Ok(more))) => {
                    fetching = false;
                    exhausted = more.is_empty();
                    after = more.last().map_or(after, |ready| ready.item.item_no);
                    queue.extend(more);
                }
            }
        }
    }

    /// In a task of its own: reading a hundred plans takes a while, and no slot shall wait for it.
    async fn fetch(&self, only_highlevel: bool, after: i64) -> Step {
        let query = OpenQuery { only_highlevel: Some(only_highlevel), after, limit: limits::ITEM_BATCH };
        let fetched = tokio::spawn(fetch(self.engine.clone(), self.context.clone(), self.run_id, query)).await;
        Step::Fetched(fetched.unwrap_or(Err(EngineError::Bug("the next items could not be read"))))
    }

    async fn step(&self, ready: Ready, signals: &Signals, sender: &mpsc::Sender<Ended>) -> Step {
        let carried = self.carry_item_out(ready, signals).await;
        Step::Carried(match carried {
            Ok(Some(ended)) => {
                // The settler outlives every worker, so the way to it is open.
                drop(sender.send(ended).await);
                Ok(())
            }
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        })
    }

    /// One item: planned again where its record changed, written, and how it ended. `None`: left open.
    async fn carry_item_out(&self, ready: Ready, signals: &Signals) -> Result<Option<Ended>> {
        let Ready { mut item, plan: mut fetched } = ready;
        let as_of = self.row.planned_at.unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let mut writer =
            Writer { engine: self.engine, context: &self.context, clients: &self.clients, cause: &self.cause, as_of };
        for _ in 0..ROUNDS {
            let planned = match std::mem::replace(&mut fetched, Fetched::Stale) {
                Fetched::AsShown(planned) => planned,
                Fetched::Stale => {
                    writer.as_of = self.engine.clock().now();
                    self.plan_again(&item).await?.map(Box::new)
                }
            };
            let Some(planned) = planned else { return Ok(Some(vanished(&item))) };
            match writer.carry_out(&planned, Some(item.item_no)).await? {
                Carried::Ended(ended) => return Ok(Some(*ended)),
                Carried::Halt(error) => {
                    signals.halt(error);
                    return Ok(None);
                }
                Carried::Again(found) => {
                    let met = found.records.iter().find(|record| record.side == Side::Highlevel);
                    if item.contact_id.is_none() {
                        item.contact_id = met.and_then(|record| record.id.as_ref()).map(|id| id.0.clone());
                    }
                    let belongs = Belongs { context: &self.context, run_id: None };
                    self.engine.settle(belongs, std::slice::from_ref(&*found)).await?;
                }
                // It may still be on its way from before: it is looked at again when that must have ended.
                Carried::Busy if signals.unsure.load(Ordering::Acquire) => return Ok(None),
                Carried::Busy => self.engine.clock().sleep(LOOK_UP).await,
                Carried::Lost => {
                    signals.lose();
                    return Ok(None);
                }
            }
        }
        let mut ended = Ended::as_outcome(
            Outcome::Parked,
            Some(
                "Its record keeps changing while it is written. Nothing of it was lost; the next run takes it up."
                    .to_owned(),
            ),
        );
        ended.item_no = Some(item.item_no);
        ended.contact_id = item.contact_id;
        ended.customer_id = item.customer_id;
        Ok(Some(ended))
    }
}

/// The next open items with their plans.
async fn fetch(engine: Engine, context: SyncContext, run_id: RunId, query: OpenQuery) -> Result<Vec<Ready>> {
    let mut conn = engine.store().session().await?;
    let rows = conn.open_items(context.workspace_id, run_id, &query).await?;
    let as_shown: Vec<&ItemRow> = rows.iter().filter(|row| !row.stale).map(|row| &row.item).collect();
    let mut plans = engine.stored_plans(&mut *conn, &context, &as_shown).await?.into_iter();
    let ready = |OpenRow { item, stale }| {
        let plan = if stale { None } else { Some(plans.next().flatten()) };
        let plan = match plan {
            Some(shown) if shown.as_ref().is_none_or(Planned::still_stands) => Fetched::AsShown(shown.map(Box::new)),
            _ => Fetched::Stale,
        };
        Ready { item, plan }
    };
    Ok(rows.into_iter().map(ready).collect())
}

/// In a task of its own, so that committing never keeps a call from leaving.
async fn settle_behind(settler: Settler, engine: Engine, context: SyncContext, run_id: RunId) -> Vec<Unsettled> {
    settler.run(&engine, Belongs { context: &context, run_id: Some(run_id) }).await
}

fn vanished(item: &ItemRow) -> Ended {
    let words = "Its record is gone since the plan was made; nothing was written.".to_owned();
    let mut ended = Ended::as_outcome(Outcome::Excluded, Some(words));
    ended.item_no = Some(item.item_no);
    ended.contact_id = item.contact_id.clone();
    ended.customer_id = item.customer_id.clone();
    ended
}
