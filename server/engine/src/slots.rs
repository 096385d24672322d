//! The gate before Chargify. A slot is a leased row in Postgres, so that all processes together never have more requests
//! in flight than the site allows; within the process, slots go to the most urgent caller first.
//!
//! A slot is kept while there is demand: no request waits for Postgres as long as this process holds slots enough. After
//! a refusal for too many requests nobody calls for a while, then one does, and one more with every call that goes well.

mod keeper;

use crate::{
    Engine, UpstreamClass,
    clients::{CallError, Gate, Hold, Permit, Priority},
    store::slots::SlotRow,
};
use domain::{ConnectionId, Side, WorkspaceId, limits};
use futures::future::BoxFuture;
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};
use tokio::sync::{Notify, oneshot};

/// The gates of this process, one per Chargify connection.
#[derive(Default)]
pub(crate) struct Gates {
    gates: Mutex<BTreeMap<(WorkspaceId, ConnectionId), Arc<SlotGate>>>,
}

/// What a page shows of a gate.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct GateReading {
    pub(crate) held: u8,
    pub(crate) busy: u8,
}

/// One account's slots as far as this process holds them.
pub(crate) struct SlotGate {
    engine: Weak<crate::Inner>,
    workspace_id: WorkspaceId,
    lane_id: ConnectionId,
    state: Mutex<State>,
    /// Something changed that the keeper should look at.
    wake: Notify,
}

#[derive(Default)]
struct State {
    /// Leased and not in use.
    free: Vec<Lease>,
    /// In use, each since when.
    busy: BTreeMap<Lease, u64>,
    /// To be given back as soon as they are free: a pause began while this process held them.
    recalled: BTreeSet<Lease>,
    waiting: BinaryHeap<Waiting>,
    next_ticket: u64,
    /// Leases to give back as soon as they are free, because another node has none.
    owed: usize,
    /// Another node wishes for a slot: this one takes no further ones.
    others_wish: bool,
    idle_since_ms: Option<u64>,
    /// The lane is paused until then, and why; no slot is used meanwhile.
    paused: Option<(u64, String)>,
    /// After a pause few slots are open: calls that went well since the keeper last opened more. `None`: all are open.
    went_well: Option<i16>,
    keeper_runs: bool,
    good_until: BTreeMap<i16, Good>,
}

/// Until when, on this process's own clock, a slot is surely ours. Shorter than the lease itself: a process that was
/// stopped for a while finds its slots lost before somebody else has them.
struct Good {
    fence: i64,
    until_ms: u64,
    /// The node's session in which it was leased or renewed.
    session: u64,
}

/// The present, as far as slots go by it.
#[derive(Clone, Copy)]
struct Moment {
    now_ms: u64,
    /// `None`: the others may take this node for dead, and give its slots away.
    session: Option<u64>,
}

impl State {
    fn is_good(&self, lease: &Lease, moment: Moment) -> bool {
        !self.recalled.contains(lease)
            && self.good_until.get(&lease.slot_no).is_some_and(|good| {
                good.fence == lease.fence && good.until_ms > moment.now_ms && Some(good.session) == moment.session
            })
    }

    /// What a caller is told while the lane is paused.
    fn pause_at(&self, now_ms: u64) -> Option<CallError> {
        let (until_ms, reason) = self.paused.as_ref()?;
        let rest = until_ms.checked_sub(now_ms).filter(|rest| *rest > 0)?;
        Some(paused(reason, Some(Duration::from_millis(rest))))
    }

    fn held(&self) -> usize {
        self.free.len() + self.busy.len()
    }
}

type Lease = SlotRow;

struct Waiting {
    order: Reverse<(i16, u64)>,
    /// The slot travels as something that gives itself back: whoever asked may be gone when it arrives.
    hand_over: oneshot::Sender<Result<Held, CallError>>,
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}
impl Eq for Waiting {}
impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.order.cmp(&other.order)
    }
}

/// Gives the slot back when the call has ended.
struct Held {
    gate: Arc<SlotGate>,
    lease: Option<Lease>,
    since_ms: u64,
}

impl Held {
    fn is_good(&self) -> bool {
        let moment = self.gate.moment();
        let state = self.gate.state();
        self.lease.as_ref().is_some_and(|lease| state.is_good(lease, moment))
    }
}

impl Hold for Held {
    fn went_well(&self) {
        self.gate.went_well(self.since_ms);
    }

    fn too_many(&self, retry_after: Option<Duration>, words: &str) {
        self.gate.too_many(retry_after, words);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(lease) = self.lease.take() {
            self.gate.give_back(lease);
        }
    }
}

impl Engine {
    /// The gate of a Chargify connection; the same one for everybody in this process.
    pub(crate) fn gate(&self, workspace_id: WorkspaceId, lane_id: ConnectionId) -> Arc<SlotGate> {
        let mut gates = self.shared().gates.gates.lock().unwrap_or_else(PoisonError::into_inner);
        let gate = gates.entry((workspace_id, lane_id)).or_insert_with(|| {
            Arc::new(SlotGate {
                engine: Arc::downgrade(&self.inner),
                workspace_id,
                lane_id,
                state: Mutex::new(State::default()),
                wake: Notify::new(),
            })
        });
        Arc::clone(gate)
    }

    /// Slots of this process with a request in flight, and where they belong.
    pub(crate) fn busy_slots(&self) -> Vec<(WorkspaceId, ConnectionId, SlotRow)> {
        let gates = self.shared().gates.gates.lock().unwrap_or_else(PoisonError::into_inner);
        let busy = gates.iter().flat_map(|((workspace_id, lane_id), gate)| {
            let slots: Vec<SlotRow> = gate.state().busy.keys().copied().collect();
            slots.into_iter().map(|slot| (*workspace_id, *lane_id, slot))
        });
        busy.collect()
    }
}

impl SlotGate {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many slots this process holds and uses.
    pub(crate) fn reading(&self) -> GateReading {
        let state = self.state();
        let small = |count: usize| u8::try_from(count).unwrap_or(u8::MAX);
        GateReading { held: small(state.held()), busy: small(state.busy.len()) }
    }

    fn moment(&self) -> Moment {
        let Some(inner) = self.engine.upgrade() else { return Moment { now_ms: u64::MAX, session: None } };
        Moment { now_ms: inner.parts.clock.monotonic_ms(), session: inner.shared.node.session() }
    }

    fn held(self: &Arc<Self>, lease: Lease, since_ms: u64) -> Held {
        Held { gate: Arc::clone(self), lease: Some(lease), since_ms }
    }

    /// The slot of an ended call: to the most urgent caller, or to rest.
    fn give_back(self: &Arc<Self>, lease: Lease) {
        let moment = self.moment();
        let mut state = self.state();
        state.busy.remove(&lease);
        if state.is_good(&lease, moment) && state.owed == 0 {
            self.hand_over(&mut state, lease, moment.now_ms);
        } else {
            // Lost meanwhile, recalled or owed: the keeper gives it back or leases anew.
            state.free.push(lease);
            self.start_keeper(&mut state);
            self.wake.notify_one();
        }
    }

    /// To the first caller who still waits, else to the free ones.
    fn hand_over(self: &Arc<Self>, state: &mut State, lease: Lease, now_ms: u64) {
        let mut held = self.held(lease, now_ms);
        while let Some(first) = state.waiting.pop() {
            state.busy.insert(lease, now_ms);
            match first.hand_over.send(Ok(held)) {
                Ok(()) => return,
                Err(Ok(back)) => {
                    state.busy.remove(&lease);
                    held = back;
                }
                Err(Err(_)) => return,
            }
        }
        // Taken out first: giving itself back would wait for the state that is locked here.
        state.free.extend(held.lease.take());
        state.idle_since_ms = None;
        self.wake.notify_one();
    }

    /// Uses no slot for that long, and tells everybody who waits for one. Afterwards slots are leased anew, as the lane
    /// opens them.
    pub(crate) fn pause(self: &Arc<Self>, rest: Duration, reason: &str) {
        let now_ms = self.moment().now_ms;
        {
            let mut state = self.state();
            state.paused = Some((now_ms.saturating_add(millis(rest)), reason.to_owned()));
            state.went_well = Some(0);
            let held: Vec<Lease> = state.free.iter().chain(state.busy.keys()).copied().collect();
            state.recalled.extend(held);
        }
        self.wake.notify_one();
        self.refuse_all(&paused(reason, Some(rest)));
    }

    /// The service asked for fewer requests: at once for everybody here, and for the other processes as soon as written.
    fn too_many(self: &Arc<Self>, retry_after: Option<Duration>, words: &str) {
        let Some(engine) = self.engine.upgrade().map(Engine::from_inner) else { return };
        self.pause(retry_after.unwrap_or(Duration::from_secs(limits::LANE_PAUSE_FIRST_S)), words);
        let (workspace_id, lane_id, words) = (self.workspace_id, self.lane_id, words.to_owned());
        tokio::spawn(async move {
            if let Err(error) = engine.close_lane(workspace_id, lane_id, retry_after, &words).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "only this process knows of the pause");
            }
        });
    }

    /// A call that began at `since_ms` was answered without complaint about the pace.
    fn went_well(&self, since_ms: u64) {
        let mut state = self.state();
        // One that began before the pause says nothing about the pace after it.
        let is_after = state.paused.as_ref().is_none_or(|(until_ms, _)| *until_ms <= since_ms);
        if is_after && let Some(count) = &mut state.went_well {
            *count = count.saturating_add(1);
            self.wake.notify_one();
        }
    }

    fn refuse_all(&self, error: &CallError) {
        let waiting = std::mem::take(&mut self.state().waiting);
        for one in waiting {
            // A caller who stopped waiting needs no answer.
            drop(one.hand_over.send(Err(error.clone())));
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn paused(reason: &str, rest: Option<Duration>) -> CallError {
    CallError::new(Side::Chargify, UpstreamClass::Rate { retry_after: rest }, reason).with_retry_after(rest)
}

impl Gate for Arc<SlotGate> {
    fn enter(&self, priority: Priority) -> BoxFuture<'_, Result<Permit, CallError>> {
        Box::pin(async move {
            let waits = {
                let moment = self.moment();
                let mut state = self.state();
                if let Some(error) = state.pause_at(moment.now_ms) {
                    return Err(error);
                }
                let usable = state.free.last().is_some_and(|lease| state.is_good(lease, moment));
                if usable
                    && state.waiting.is_empty()
                    && let Some(lease) = state.free.pop()
                {
                    state.busy.insert(lease, moment.now_ms);
                    self.start_keeper(&mut state);
                    return Ok(Permit::of(self.held(lease, moment.now_ms)));
                }
                let (hand_over, waits) = oneshot::channel();
                state.next_ticket += 1;
                let order = Reverse((priority.rank(), state.next_ticket));
                state.waiting.push(Waiting { order, hand_over });
                self.start_keeper(&mut state);
                self.wake.notify_one();
                waits
            };
            let held = waits.await.map_err(|_closed| paused("the server is stopping", None))??;
            // A process that was stopped between the hand-over and now may hold a slot that is somebody else's.
            if held.is_good() {
                return Ok(Permit::of(held));
            }
            drop(held);
            self.enter(priority).await
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_urgent_caller_is_first_and_equals_keep_their_order() {
        let mut waiting = BinaryHeap::new();
        let asked = [Priority::Bulk, Priority::Live, Priority::Background, Priority::Bulk, Priority::Live];
        for (ticket, priority) in (0..).zip(asked) {
            let (hand_over, _nobody) = oneshot::channel();
            waiting.push(Waiting { order: Reverse((priority.rank(), ticket)), hand_over });
        }
        let served: Vec<u64> = std::iter::from_fn(|| waiting.pop()).map(|one| one.order.0.1).collect();
        assert_eq!(served, [1, 4, 0, 3, 2]);
    }
}
