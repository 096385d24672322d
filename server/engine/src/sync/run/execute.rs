//! Carries out the plan of a run: items in order, as many at once as there are slots, outcomes settled behind.

use super::{Running, Written, plan::reason_code};
use crate::{
    Engine, EngineError, Result,
    clients::CallError,
    store::{
        self,
        items::{ItemRow, OpenQuery, OpenRow},
    },
    sync::{
        Planned, SyncContext,
        planning::Circumstances,
        predict::HIGHLEVEL_AT_ONCE,
        settling::{Belongs, Ended, Settler},
        writing::{Carried, Writer},
    },
};
use domain::{RunId, Side, limits, outcome::Outcome};
use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
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

/// A plan older than this is compared with what happened since before it is carried out.
const FRESH: time::Duration = time::Duration::seconds(60);
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
#[derive(Default)]
struct Signals {
    /// Nothing is under way any more.
    over: CancellationToken,
    cancelled: AtomicBool,
    /// The database failed one of them; the others finish what they have begun.
    broken: AtomicBool,
    halted: Mutex<Option<CallError>>,
}

impl Signals {
    fn halt(&self, error: CallError) {
        self.halted.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }

    fn halted(&self) -> Option<CallError> {
        self.halted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn ends(&self) -> bool {
        self.cancelled.load(Ordering::Acquire) || self.broken.load(Ordering::Acquire) || self.halted().is_some()
    }
}

impl Running<'_> {
    /// Writes what is planned and still open.
    pub(super) async fn write(&mut self) -> Result<Written> {
        self.settle_what_a_crash_left().await?;
        self.look_for_changes_since().await?;
        let signals = Signals::default();
        let (sender, settler) = Settler::new();
        let settling = tokio::spawn(settle_behind(settler, self.engine.clone(), self.context.clone(), self.run_id));
        let work = async {
            let at_once = usize::try_from(self.context.row.slots).unwrap_or(1) + limits::WRITES_AHEAD;
            let (chargify, highlevel) = futures::join!(
                self.work_through(false, at_once, &signals, sender.clone()),
                self.work_through(true, HIGHLEVEL_AT_ONCE as usize, &signals, sender.clone()),
            );
            drop(sender);
            signals.over.cancel();
            chargify.and(highlevel)
        };
        let (done, ()) = tokio::join!(work, self.watch(&signals));
        // With the last sender gone the settler ends as soon as everything is committed.
        settling.await.map_err(|_panic| EngineError::Bug("outcomes were not committed"))?;
        done?;
        Ok(match signals.halted() {
            Some(error) => Written::Halted(format!("{} refuses our calls: {}", error.side.label(), error.message)),
            None if signals.cancelled.load(Ordering::Acquire) => Written::Cancelled,
            None if self.stop.is_cancelled() => Written::Stopping,
            None => Written::Through,
        })
    }

    /// Watches for a wish to cancel, and journals the calls, until the work is over.
    async fn watch(&self, signals: &Signals) {
        while signals.over.run_until_cancelled(self.engine.clock().sleep(LOOK_UP)).await.is_some() {
            match self.cancel_requested().await {
                Ok(true) => signals.cancelled.store(true, Ordering::Release),
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
            let ends = failed.is_some() || signals.ends() || self.stop.is_cancelled();
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
                    signals.broken.store(true, Ordering::Release);
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
                Carried::Busy => self.engine.clock().sleep(LOOK_UP).await,
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

    /// The plan made again from the copies.
    async fn plan_again(&self, item: &ItemRow) -> Result<Option<Planned>> {
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        let mut conn = self.engine.pool().acquire().await?;
        let mut ids: Vec<String> = item.contact_id.iter().cloned().collect();
        if let (None, Some(customer_id)) = (&item.contact_id, &item.customer_id) {
            // A webhook may have given the customer its contact meanwhile.
            let customers = [customer_id.clone()];
            let links = store::links::of_records(&mut conn, workspace_id, sync_id, &[], &customers).await?;
            ids.extend(links.into_iter().map(|link| link.contact_id));
        }
        let rows = store::records::by_ids(&mut conn, workspace_id, sync_id, Side::Highlevel, &ids).await?;
        let planned = match rows.first() {
            Some(_) => {
                self.engine.plan_contacts(&mut conn, &self.context, &rows, Circumstances::default()).await?.pop()
            }
            None if item.contact_id.is_some() => None,
            None => {
                let ids: Vec<String> = item.customer_id.iter().cloned().collect();
                let rows = store::records::by_ids(&mut conn, workspace_id, sync_id, Side::Chargify, &ids).await?;
                match rows.first() {
                    Some(row) => Some(Engine::plan_lone_customer(&self.context, row, Circumstances::default())?),
                    None => None,
                }
            }
        };
        let Some(planned) = planned else { return Ok(None) };
        self.show_new_plan(&mut conn, item, &planned).await?;
        Ok(Some(planned))
    }

    async fn show_new_plan(&self, conn: &mut sqlx::PgConnection, item: &ItemRow, planned: &Planned) -> Result<()> {
        let mut shown = item.clone();
        shown.action = planned.item.action.as_str().to_owned();
        shown.customer_id = planned.customer_id().map(str::to_owned);
        shown.link_id = planned.link.as_ref().map(|link| link.id.0);
        shown.reason = format!("{} (planned again: it changed after the plan)", planned.item.reason.words);
        shown.changes = serde_json::to_value(&planned.item.changes).unwrap_or_default();
        shown.plan = planned.stored();
        store::items::replan(conn, self.context.workspace_id, self.run_id, &shown, &reason_code(planned)).await?;
        Ok(())
    }

    /// A plan that waited for a person is compared with what changed meanwhile: a few calls, not a read per record.
    async fn look_for_changes_since(&mut self) -> Result<()> {
        // Counted from when reading began: a long reading is itself something to look behind.
        let began = self.read_summary().began_at;
        let old = began.is_some_and(|at| self.engine.clock().now() - at > FRESH);
        let waited = old || self.row.approved_by.is_some();
        let summary = self.read_summary();
        if !waited || self.row.chosen.is_some() {
            return Ok(());
        }
        let (Some(seen_until), Some(event_id)) = (summary.highlevel_seen_until, summary.chargify_event_id) else {
            return Ok(());
        };
        let mut context = self.context.clone();
        context.row.highlevel_seen_until = Some(seen_until);
        context.row.chargify_event_id = Some(event_id);
        let readers = crate::sync::readers::Readers::from(&self.clients);
        let reading = crate::sync::reading::Reading {
            engine: self.engine,
            context: &context,
            readers: &readers,
            run_id: self.run_id,
            call: self.cause.call.clone(),
        };
        reading.changes().await?;
        Ok(())
    }

    /// After a whole reading: the next `changes` run begins where this one began reading, or, when nothing but our own
    /// writes happened in Chargify since, where it ended.
    pub(super) async fn advance_watermarks(&self) -> Result<()> {
        let summary = self.read_summary();
        let (Some(seen_until), Some(event_id)) = (summary.highlevel_seen_until, summary.chargify_event_id) else {
            return Ok(());
        };
        let mut newest = event_id;
        if self.row.count_created + self.row.count_updated > 0 || self.row.planned_chargify > 0 {
            let readers = crate::sync::readers::Readers::from(&self.clients);
            let reading = crate::sync::reading::Reading {
                engine: self.engine,
                context: &self.context,
                readers: &readers,
                run_id: self.run_id,
                call: self.cause.call.clone(),
            };
            let ours = u64::try_from(self.row.planned_chargify).unwrap_or(0);
            let (stale, until) = reading.stale_customers(event_id, ours).await?;
            if stale.is_empty() {
                newest = until;
            }
        }
        let mut conn = self.engine.pool().acquire().await?;
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        store::syncs::advance(&mut conn, workspace_id, sync_id, Some(seen_until), Some(newest)).await?;
        Ok(())
    }
}

/// The next open items with their plans.
async fn fetch(engine: Engine, context: SyncContext, run_id: RunId, query: OpenQuery) -> Result<Vec<Ready>> {
    let mut conn = engine.pool().acquire().await?;
    let rows = store::items::open(&mut conn, context.workspace_id, run_id, &query).await?;
    let as_shown: Vec<&ItemRow> = rows.iter().filter(|row| !row.stale).map(|row| &row.item).collect();
    let mut plans = engine.stored_plans(&mut conn, &context, &as_shown).await?.into_iter();
    let ready = |OpenRow { item, stale }| {
        let plan = if stale { Fetched::Stale } else { Fetched::AsShown(plans.next().flatten().map(Box::new)) };
        Ready { item, plan }
    };
    Ok(rows.into_iter().map(ready).collect())
}

/// In a task of its own, so that committing never keeps a call from leaving.
async fn settle_behind(settler: Settler, engine: Engine, context: SyncContext, run_id: RunId) {
    settler.run(&engine, Belongs { context: &context, run_id: Some(run_id) }).await;
}

fn vanished(item: &ItemRow) -> Ended {
    let words = "Its record is gone since the plan was made; nothing was written.".to_owned();
    let mut ended = Ended::as_outcome(Outcome::Excluded, Some(words));
    ended.item_no = Some(item.item_no);
    ended.contact_id = item.contact_id.clone();
    ended.customer_id = item.customer_id.clone();
    ended
}
