//! The keeper of a gate: leases while somebody waits, renews while in use, gives back when idle, and tells the database
//! what would have to rest should this process die. It runs as long as there is something to keep.

use super::{Good, Lease, Moment, SlotGate, State, millis, paused};
use crate::{
    Engine,
    store::{Tables, slots::LaneRow},
};
use domain::limits;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// What the keeper did when.
#[derive(Default)]
struct Rounds {
    renewed_ms: u64,
    looked_ms: u64,
    /// Slots the database knows to be busy, each since when.
    marked: BTreeMap<Lease, u64>,
}

/// What there is to do now.
struct Chores {
    back: Vec<Lease>,
    wanted: usize,
    marks: Vec<(Lease, Option<i64>)>,
    opened: i16,
    renew: bool,
    look: bool,
}

impl Chores {
    fn is_none(&self) -> bool {
        let asked = self.wanted > 0 || self.opened > 0 || self.renew || self.look;
        !asked && self.back.is_empty() && self.marks.is_empty()
    }
}

impl SlotGate {
    pub(super) fn start_keeper(self: &Arc<Self>, state: &mut State) {
        if !state.keeper_runs {
            state.keeper_runs = true;
            tokio::spawn(Arc::clone(self).keep());
        }
    }

    /// Ends when nothing is left to keep.
    async fn keep(self: Arc<Self>) {
        let mut done = Rounds::default();
        loop {
            let Some(engine) = self.engine.upgrade().map(Engine::from_inner) else { return };
            if let Err(error) = self.tend(&engine, &mut done).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "cannot tend the slots; trying again");
            }
            {
                let mut state = self.state();
                if state.waiting.is_empty() && state.held() == 0 {
                    state.keeper_runs = false;
                    return;
                }
            }
            let pause = if self.state().waiting.is_empty() { limits::SLOT_TEND } else { limits::SLOT_SEEK };
            let sleep = engine.clock().sleep(pause);
            futures::future::select(sleep, Box::pin(self.wake.notified())).await;
        }
    }

    async fn tend(self: &Arc<Self>, engine: &Engine, done: &mut Rounds) -> crate::Result<()> {
        let moment = self.moment();
        let chores = self.chores(moment, done);
        if chores.is_none() {
            return Ok(());
        }
        let lane = (self.workspace_id, self.lane_id);
        let mut conn = engine.store().session().await?;
        for lease in &chores.back {
            conn.release_slot(lane.0, lane.1, engine.node().id, lease).await?;
            self.state().recalled.remove(lease);
        }
        if !chores.marks.is_empty() {
            conn.mark_slots(lane, &chores.marks).await?;
            for (lease, age_ms) in &chores.marks {
                match age_ms {
                    Some(age_ms) => {
                        let age_ms = u64::try_from(*age_ms).unwrap_or(0);
                        done.marked.insert(*lease, moment.now_ms.saturating_sub(age_ms));
                    }
                    None => drop(done.marked.remove(lease)),
                }
            }
        }
        if chores.opened > 0 {
            self.open_more(&mut *conn, chores.opened).await?;
        }
        if chores.renew {
            done.renewed_ms = moment.now_ms;
            self.renew(engine, &mut *conn, moment).await?;
        }
        if chores.look {
            done.looked_ms = moment.now_ms;
            self.look_for_wishes(engine, &mut *conn).await?;
        }
        if chores.wanted > 0 {
            self.seek(engine, &mut *conn).await?;
        }
        Ok(())
    }

    fn chores(&self, moment: Moment, done: &Rounds) -> Chores {
        let now_ms = moment.now_ms;
        let mut state = self.state();
        let (good, mut back): (Vec<_>, Vec<_>) =
            std::mem::take(&mut state.free).into_iter().partition(|lease| state.is_good(lease, moment));
        state.free = good;
        let resting = state.waiting.is_empty() && state.busy.is_empty();
        let idle_since = if resting { Some(*state.idle_since_ms.get_or_insert(now_ms)) } else { None };
        if !resting {
            state.idle_since_ms = None;
        }
        if idle_since.is_some_and(|since| now_ms - since >= millis(limits::SLOT_IDLE)) {
            back.append(&mut state.free);
        }
        while state.owed > 0 {
            let Some(lease) = state.free.pop() else { break };
            state.owed -= 1;
            back.push(lease);
        }
        // Whoever holds one leaves the next to those who have none.
        let wanted = if state.others_wish && state.held() > 0 { 0 } else { state.waiting.len() };
        Chores {
            back,
            wanted,
            marks: marks(&state, now_ms, &done.marked),
            opened: state.went_well.unwrap_or(0),
            renew: now_ms.saturating_sub(done.renewed_ms) >= millis(limits::SLOT_RENEW),
            look: now_ms.saturating_sub(done.looked_ms) >= millis(limits::SLOT_TEND),
        }
    }

    /// Extends what is held, in use or not.
    async fn renew(self: &Arc<Self>, engine: &Engine, conn: &mut dyn Tables, moment: Moment) -> crate::Result<()> {
        let held: Vec<Lease> = {
            let state = self.state();
            state.free.iter().chain(state.busy.keys()).copied().collect()
        };
        let lane = (self.workspace_id, self.lane_id);
        let rows = conn.renew_slots(lane, engine.node().id, &held, lease_s()).await?;
        // Another node may have been told to slow down.
        if let Some(lane) = conn.lane(self.workspace_id, self.lane_id).await? {
            self.note_pause(&lane);
        }
        let Some(session) = moment.session else { return Ok(()) };
        let until_ms = moment.now_ms + millis(limits::SLOT_GOOD);
        let good = rows.iter().map(|row| (row.slot_no, Good { fence: row.fence, until_ms, session }));
        self.state().good_until = good.collect();
        Ok(())
    }

    /// Owes one of several slots to a node that has none: what is urgent there does not wait for a run here.
    async fn look_for_wishes(&self, engine: &Engine, conn: &mut dyn Tables) -> crate::Result<()> {
        let node_id = engine.node().id;
        let wishes = conn.wishes_of_others(self.workspace_id, self.lane_id, node_id).await?;
        let mut state = self.state();
        state.others_wish = wishes > 0;
        state.owed = usize::from(wishes > 0 && state.held() > 1);
        Ok(())
    }

    /// Keeps to a pause the database knows of. True: there is one.
    fn note_pause(self: &Arc<Self>, lane: &LaneRow) -> bool {
        let rest_ms = u64::try_from(lane.paused_ms).unwrap_or(0);
        if rest_ms > 0 {
            let reason = lane.pause_reason.as_deref().unwrap_or("the lane is paused");
            self.pause(Duration::from_millis(rest_ms), reason);
        }
        rest_ms > 0
    }

    /// Calls went well after a pause: as many slots more are open, for everybody.
    async fn open_more(&self, conn: &mut dyn Tables, more: i16) -> crate::Result<()> {
        let open = conn.open_slots(self.workspace_id, self.lane_id, more).await?;
        let mut state = self.state();
        state.went_well = match (open, state.went_well) {
            (Some(_), Some(count)) => Some(count.saturating_sub(more)),
            _ => None,
        };
        Ok(())
    }

    /// Leases slots for waiting callers, unless the lane is paused.
    async fn seek(self: &Arc<Self>, engine: &Engine, conn: &mut dyn Tables) -> crate::Result<()> {
        let Some(lane) = conn.lane(self.workspace_id, self.lane_id).await? else {
            self.refuse_all(&paused("the connection was removed", None));
            return Ok(());
        };
        if self.note_pause(&lane) {
            return Ok(());
        }
        let moment = self.moment();
        let Some(session) = moment.session else {
            engine.start_presence();
            return Ok(());
        };
        if lane.open_slots.is_some() {
            self.state().went_well.get_or_insert(0);
        }
        let wanted = self.state().waiting.len();
        let had_none = self.reading().held == 0;
        let node_id = engine.node().id;
        for turn in 0..wanted.min(usize::from(limits::LANE_SLOTS_MAX)) {
            let since_ms = engine.clock().monotonic_ms();
            let Some(row) = self.lease(engine, conn, lane.open_slots.is_some()).await? else {
                if turn == 0 && had_none {
                    conn.wish_for_slot(self.workspace_id, self.lane_id, node_id).await?;
                }
                break;
            };
            if turn == 0 && had_none {
                conn.end_slot_wish(self.workspace_id, self.lane_id, node_id).await?;
            }
            let mut state = self.state();
            let until_ms = since_ms + millis(limits::SLOT_GOOD);
            state.good_until.insert(row.slot_no, Good { fence: row.fence, until_ms, session });
            self.hand_over(&mut state, row, since_ms);
        }
        Ok(())
    }

    /// While few slots are open, whoever leases one is alone at it: two would count the same free place.
    async fn lease(&self, engine: &Engine, conn: &mut dyn Tables, few_are_open: bool) -> crate::Result<Option<Lease>> {
        let lane = (self.workspace_id, self.lane_id);
        let (node_id, ended_ms) = (engine.node().id, i64::try_from(millis(limits::REMOTE_ENDED)).unwrap_or(i64::MAX));
        if !few_are_open {
            return conn.lease_slot(lane, node_id, lease_s(), ended_ms).await;
        }
        let mut tx = engine.store().begin().await?;
        tx.lock_lane(lane.0, lane.1).await?;
        let row = tx.lease_slot(lane, node_id, lease_s(), ended_ms).await?;
        tx.commit().await?;
        Ok(row)
    }
}

/// What the database should know of slots in use and does not: those in use for long, and those no longer.
fn marks(state: &State, now_ms: u64, marked: &BTreeMap<Lease, u64>) -> Vec<(Lease, Option<i64>)> {
    let is_long = |since_ms: u64| now_ms.saturating_sub(since_ms) >= millis(limits::SLOT_MARK);
    let begun =
        state.busy.iter().filter(|(lease, since_ms)| is_long(**since_ms) && marked.get(lease) != Some(*since_ms));
    let ended = marked.keys().filter(|lease| state.busy.get(lease).is_none_or(|since_ms| !is_long(*since_ms)));
    begun
        .map(|(lease, since_ms)| (*lease, i64::try_from(now_ms.saturating_sub(*since_ms)).ok()))
        .chain(ended.map(|lease| (*lease, None)))
        .collect()
}

fn lease_s() -> i32 {
    i32::try_from(limits::SLOT_LEASE.as_secs()).unwrap_or(i32::MAX)
}
