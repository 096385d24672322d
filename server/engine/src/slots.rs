//! The gate before Chargify. A slot is a leased row in Postgres, so that all processes together never have more requests
//! in flight than the site allows; within the process, slots go to the most urgent caller first.
//!
//! A slot is kept while there is demand: no request waits for Postgres as long as this process holds slots enough.

use crate::{
    Engine, UpstreamClass,
    clients::{CallError, Gate, Permit, Priority},
    store::{self, slots::SlotRow},
};
use domain::{ConnectionId, Side, WorkspaceId, limits};
use futures::future::BoxFuture;
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
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
    busy: usize,
    waiting: BinaryHeap<Waiting>,
    next_ticket: u64,
    /// Leases to give back as soon as they are free, because another node has none.
    owed: usize,
    /// Another node wishes for a slot: this one takes no further ones.
    others_wish: bool,
    idle_since_ms: Option<u64>,
    /// The lane is paused until then, and why; slots in hand are not used meanwhile.
    paused: Option<(u64, String)>,
    keeper_runs: bool,
    /// Per slot its fence and, on this process's own clock, until when it is surely ours. Shorter than the lease itself:
    /// a process that was stopped for a while finds its slots lost before somebody else has them.
    good_until: BTreeMap<i16, (i64, u64)>,
}

impl State {
    fn is_good(&self, lease: &Lease, now_ms: u64) -> bool {
        self.good_until.get(&lease.slot_no).is_some_and(|(fence, until)| *fence == lease.fence && *until > now_ms)
    }

    /// What a caller is told while the lane is paused.
    fn pause_at(&self, now_ms: u64) -> Option<CallError> {
        let (until_ms, reason) = self.paused.as_ref()?;
        let rest = until_ms.checked_sub(now_ms).filter(|rest| *rest > 0)?;
        Some(paused(reason, Some(std::time::Duration::from_millis(rest))))
    }
}

type Lease = SlotRow;

/// When the keeper last did what it does now and then.
#[derive(Default)]
struct Rounds {
    renewed_ms: u64,
    looked_ms: u64,
}

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
}

impl Held {
    fn is_good(&self) -> bool {
        let now_ms = self.gate.now_ms().unwrap_or(u64::MAX);
        let state = self.gate.state();
        self.lease.as_ref().is_some_and(|lease| state.is_good(lease, now_ms))
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
}

impl SlotGate {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many slots this process holds and uses.
    pub(crate) fn reading(&self) -> GateReading {
        let state = self.state();
        let small = |count: usize| u8::try_from(count).unwrap_or(u8::MAX);
        GateReading { held: small(state.free.len() + state.busy), busy: small(state.busy) }
    }

    fn now_ms(&self) -> Option<u64> {
        Some(self.engine.upgrade()?.parts.clock.monotonic_ms())
    }

    /// The slot of an ended call: to the most urgent caller, or to rest.
    fn give_back(self: &Arc<Self>, lease: Lease) {
        let now_ms = self.now_ms().unwrap_or(u64::MAX);
        let mut state = self.state();
        state.busy -= 1;
        if state.is_good(&lease, now_ms) && state.owed == 0 {
            self.hand_over(&mut state, lease);
        } else {
            // Lost meanwhile, or owed: the keeper gives it back or leases anew.
            state.free.push(lease);
            self.wake.notify_one();
        }
    }

    /// To the first caller who still waits, else to the free ones.
    fn hand_over(self: &Arc<Self>, state: &mut State, lease: Lease) {
        let mut held = Held { gate: Arc::clone(self), lease: Some(lease) };
        while let Some(first) = state.waiting.pop() {
            state.busy += 1;
            match first.hand_over.send(Ok(held)) {
                Ok(()) => return,
                Err(Ok(back)) => {
                    state.busy -= 1;
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

    /// Uses no slot for that long, and tells everybody who waits for one.
    pub(crate) fn pause(&self, rest: std::time::Duration, reason: &str) {
        let Some(now_ms) = self.now_ms() else { return };
        self.state().paused = Some((now_ms + millis(rest), reason.to_owned()));
        self.refuse_all(&paused(reason, Some(rest)));
    }

    fn refuse_all(&self, error: &CallError) {
        let waiting = std::mem::take(&mut self.state().waiting);
        for one in waiting {
            // A caller who stopped waiting needs no answer.
            drop(one.hand_over.send(Err(error.clone())));
        }
    }

    fn start_keeper(self: &Arc<Self>, state: &mut State) {
        if !state.keeper_runs {
            state.keeper_runs = true;
            tokio::spawn(Arc::clone(self).keep());
        }
    }

    /// Leases while somebody waits, renews while in use, gives back when idle; ends when nothing is left to keep.
    async fn keep(self: Arc<Self>) {
        let mut done = Rounds::default();
        loop {
            let Some(engine) = self.engine.upgrade().map(Engine::from_inner) else { return };
            let now_ms = engine.clock().monotonic_ms();
            if let Err(error) = self.tend(&engine, now_ms, &mut done).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "cannot tend the slots; trying again");
            }
            {
                let mut state = self.state();
                if state.waiting.is_empty() && state.free.is_empty() && state.busy == 0 {
                    state.keeper_runs = false;
                    return;
                }
            }
            let pause = if self.state().waiting.is_empty() { limits::SLOT_TEND } else { limits::SLOT_SEEK };
            let sleep = engine.clock().sleep(pause);
            futures::future::select(sleep, Box::pin(self.wake.notified())).await;
        }
    }

    async fn tend(self: &Arc<Self>, engine: &Engine, now_ms: u64, done: &mut Rounds) -> crate::Result<()> {
        let renew_due = now_ms.saturating_sub(done.renewed_ms) >= millis(limits::SLOT_RENEW);
        let look_due = now_ms.saturating_sub(done.looked_ms) >= millis(limits::SLOT_TEND);
        let (expired, idle, needy) = {
            let mut state = self.state();
            let (good, expired): (Vec<_>, Vec<_>) =
                std::mem::take(&mut state.free).into_iter().partition(|lease| state.is_good(lease, now_ms));
            state.free = good;
            let resting = state.waiting.is_empty() && state.busy == 0;
            let idle_since = if resting { Some(*state.idle_since_ms.get_or_insert(now_ms)) } else { None };
            if !resting {
                state.idle_since_ms = None;
            }
            let long_idle = idle_since.is_some_and(|since| now_ms - since >= millis(limits::SLOT_IDLE));
            let mut back = if long_idle { std::mem::take(&mut state.free) } else { Vec::new() };
            while state.owed > 0 {
                let Some(lease) = state.free.pop() else { break };
                state.owed -= 1;
                back.push(lease);
            }
            // Whoever holds one leaves the next to those who have none.
            let held = state.free.len() + state.busy;
            let needy = if state.others_wish && held > 0 { 0 } else { state.waiting.len() };
            (expired, back, needy)
        };
        if expired.is_empty() && idle.is_empty() && needy == 0 && !renew_due && !look_due {
            return Ok(());
        }
        let mut conn = engine.pool().acquire().await?;
        for lease in expired.iter().chain(&idle) {
            store::slots::release(&mut conn, self.workspace_id, self.lane_id, engine.node().id, lease).await?;
        }
        if renew_due {
            done.renewed_ms = now_ms;
            self.renew(engine, &mut conn, now_ms).await?;
        }
        if look_due {
            done.looked_ms = now_ms;
            self.look_for_wishes(engine, &mut conn).await?;
        }
        if needy > 0 {
            self.seek(engine, &mut conn).await?;
        }
        Ok(())
    }

    /// Extends what is held. Slots in use are extended in the database too; their own limit is checked when they return.
    async fn renew(&self, engine: &Engine, conn: &mut sqlx::PgConnection, now_ms: u64) -> crate::Result<()> {
        let lease_s = i32::try_from(limits::SLOT_LEASE.as_secs()).unwrap_or(i32::MAX);
        let rows = store::slots::renew(conn, self.workspace_id, self.lane_id, engine.node().id, lease_s).await?;
        // Another node may have been told to slow down.
        if let Some(lane) = store::slots::lane(conn, self.workspace_id, self.lane_id).await? {
            self.note_pause(&lane);
        }
        let mut state = self.state();
        let good_until_ms = now_ms + millis(limits::SLOT_GOOD);
        state.good_until = rows.iter().map(|row| (row.slot_no, (row.fence, good_until_ms))).collect();
        Ok(())
    }

    /// Owes one of several slots to a node that has none: what is urgent there does not wait for a run here.
    async fn look_for_wishes(&self, engine: &Engine, conn: &mut sqlx::PgConnection) -> crate::Result<()> {
        let node_id = engine.node().id;
        let wishes = store::slots::wishes_of_others(conn, self.workspace_id, self.lane_id, node_id).await?;
        let mut state = self.state();
        state.others_wish = wishes > 0;
        state.owed = usize::from(wishes > 0 && state.free.len() + state.busy > 1);
        Ok(())
    }

    /// Keeps to a pause the database knows of. True: there is one.
    fn note_pause(&self, lane: &store::slots::LaneRow) -> bool {
        let rest_ms = u64::try_from(lane.paused_ms).unwrap_or(0);
        if rest_ms > 0 {
            let reason = lane.pause_reason.as_deref().unwrap_or("the lane is paused");
            self.pause(std::time::Duration::from_millis(rest_ms), reason);
        }
        rest_ms > 0
    }

    /// Leases one more slot for a waiting caller, unless the lane is paused.
    async fn seek(self: &Arc<Self>, engine: &Engine, conn: &mut sqlx::PgConnection) -> crate::Result<()> {
        let Some(lane) = store::slots::lane(conn, self.workspace_id, self.lane_id).await? else {
            self.refuse_all(&paused("the connection was removed", None));
            return Ok(());
        };
        if self.note_pause(&lane) {
            return Ok(());
        }
        if !engine.node().is_present() {
            engine.start_presence();
            return Ok(());
        }
        let lease_s = i32::try_from(limits::SLOT_LEASE.as_secs()).unwrap_or(i32::MAX);
        let wanted = self.state().waiting.len();
        let had_none = self.reading().held == 0;
        for turn in 0..wanted.min(usize::from(limits::LANE_SLOTS_MAX)) {
            let now_ms = engine.clock().monotonic_ms();
            let node_id = engine.node().id;
            let Some(row) = store::slots::lease(conn, self.workspace_id, self.lane_id, node_id, lease_s).await? else {
                if turn == 0 && had_none {
                    store::slots::wish(conn, self.workspace_id, self.lane_id, node_id).await?;
                }
                break;
            };
            if turn == 0 && had_none {
                store::slots::unwish(conn, self.workspace_id, self.lane_id, node_id).await?;
            }
            let mut state = self.state();
            state.good_until.insert(row.slot_no, (row.fence, now_ms + millis(limits::SLOT_GOOD)));
            self.hand_over(&mut state, row);
        }
        Ok(())
    }
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn paused(reason: &str, rest: Option<std::time::Duration>) -> CallError {
    let mut error = CallError::new(Side::Chargify, UpstreamClass::Rate { retry_after: rest }, reason);
    error.retry_after = rest;
    error
}

impl Gate for Arc<SlotGate> {
    fn enter(&self, priority: Priority) -> BoxFuture<'_, Result<Permit, CallError>> {
        Box::pin(async move {
            let waits = {
                let now_ms = self.now_ms().unwrap_or(u64::MAX);
                let mut state = self.state();
                if let Some(error) = state.pause_at(now_ms) {
                    return Err(error);
                }
                let usable = state.free.last().is_some_and(|lease| state.is_good(lease, now_ms));
                if usable
                    && state.waiting.is_empty()
                    && let Some(lease) = state.free.pop()
                {
                    state.busy += 1;
                    self.start_keeper(&mut state);
                    return Ok(Permit::holding(Held { gate: Self::clone(self), lease: Some(lease) }));
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
                return Ok(Permit::holding(held));
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
