//! Lanes and slots in memory.

use super::{
    data::{Data, LaneEntry, SlotEntry, Within},
    jobs::ms_until,
    links::count,
    session::{Session, Work},
};
use async_trait::async_trait;
use domain::{ConnectionId, WorkspaceId};
use engine::{
    Result,
    store::{
        Slots,
        connections::NewLaneRow,
        slots::{LaneRow, SlotRow},
    },
};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// A wish is good so long.
const WISH: Duration = Duration::seconds(3);
/// A pause that ended longer ago does not make the next one longer.
const CALM: Duration = Duration::minutes(10);

fn ids((workspace_id, lane_id): (WorkspaceId, ConnectionId)) -> Within {
    (workspace_id.0, lane_id.0)
}

impl Data {
    fn slots_of(&self, lane: Within) -> impl Iterator<Item = (&(Uuid, Uuid, i16), &SlotEntry)> {
        self.slots.range((lane.0, lane.1, i16::MIN)..=(lane.0, lane.1, i16::MAX))
    }

    /// The slot, if nobody leased it since.
    fn slot_of_fence(&mut self, lane: Within, slot: &SlotRow) -> Option<&mut SlotEntry> {
        let key = (lane.0, lane.1, slot.slot_no);
        if self.slots.get(&key)?.fence != slot.fence {
            return None;
        }
        self.slots.get_mut(&key)
    }
}

fn lane_row(lane: &LaneEntry, now: OffsetDateTime) -> LaneRow {
    let is_recent = lane.paused_until.unwrap_or(now) > now - CALM;
    LaneRow {
        call_slots: lane.lane.call_slots,
        open_slots: lane.open_slots,
        paused_ms: lane.paused_until.map_or(0, |until| ms_until(until, now)),
        pause_reason: lane.pause_reason.clone(),
        pause_ms: lane.pause_ms.filter(|_| is_recent),
    }
}

fn lease(work: &mut Work<'_>, lane: Within, node_id: Uuid, lease_s: i32, ended_ms: i64) -> Option<SlotRow> {
    let now = work.now;
    let entry = work.data.lanes.get(&lane)?;
    let (call_slots, open_slots) = (entry.lane.call_slots, entry.open_slots);
    if engine::planted!(OneSlotMore) {
        let key = (lane.0, lane.1, call_slots + 1);
        if !work.data.slots.contains(&key) {
            let lease_until = Some(now + Duration::days(9));
            let slot = SlotEntry { node_id: Some(node_id), fence: 1, lease_until, ..SlotEntry::default() };
            work.data.slots.insert(key, slot);
            return Some(SlotRow { slot_no: key.2, fence: 1 });
        }
    }
    let held = count(work.data.slots_of(lane).filter(|(_, slot)| slot.node_id.is_some()));
    if open_slots.is_some_and(|open| i64::from(open) <= held) {
        return None;
    }
    let ended = now - Duration::milliseconds(ended_ms);
    let is_free = |slot: &SlotEntry| {
        (slot.node_id.is_none() || slot.lease_until.is_some_and(|until| until < ended))
            && slot.usable_from.is_none_or(|from| from <= now)
    };
    let mut slots = work.data.slots_of(lane).filter(|(key, _)| key.2 <= call_slots);
    let key = slots.find(|(_, slot)| is_free(slot)).map(|(key, _)| *key)?;
    drop(slots);
    let slot = work.data.slots.get_mut(&key)?;
    slot.node_id = Some(node_id);
    slot.fence += 1;
    slot.lease_until = Some(now + Duration::seconds(lease_s.into()));
    slot.busy_since = None;
    Some(SlotRow { slot_no: key.2, fence: slot.fence })
}

#[async_trait]
impl Slots for Session {
    async fn insert_lane(&mut self, workspace_id: WorkspaceId, lane_id: ConnectionId, lane: NewLaneRow) -> Result<()> {
        self.act("insert_lane", |work| {
            let entry = LaneEntry { lane, paused_until: None, pause_reason: None, pause_ms: None, open_slots: None };
            work.data.lanes.insert((workspace_id.0, lane_id.0), entry);
            for slot_no in 1..=lane.slots_max {
                work.data.slots.insert((workspace_id.0, lane_id.0, slot_no), SlotEntry::default());
            }
            Ok(())
        })
        .await
    }

    async fn lane(&mut self, workspace_id: WorkspaceId, lane_id: ConnectionId) -> Result<Option<LaneRow>> {
        self.act("lane", |work| {
            Ok(work.data.lanes.get(&(workspace_id.0, lane_id.0)).map(|lane| lane_row(lane, work.now)))
        })
        .await
    }

    async fn pause_lane(
        &mut self,
        workspace_id: WorkspaceId,
        lane_id: ConnectionId,
        pause_ms: i64,
        reason: &str,
    ) -> Result<()> {
        self.act("pause_lane", |work| {
            let until = work.now + Duration::milliseconds(pause_ms);
            if let Some(lane) = work.data.lanes.get_mut(&(workspace_id.0, lane_id.0)) {
                lane.paused_until = Some(lane.paused_until.map_or(until, |before| before.max(until)));
                lane.pause_reason = Some(reason.to_owned());
                lane.pause_ms = Some(pause_ms);
                lane.open_slots = Some(1);
            }
            Ok(())
        })
        .await
    }

    async fn set_call_slots(&mut self, workspace_id: WorkspaceId, lane_id: ConnectionId) -> Result<()> {
        self.act("set_call_slots", |work| {
            let syncs = work
                .data
                .syncs
                .iter()
                .filter(|(key, sync)| key.0 == workspace_id.0 && sync.row.chargify_connection_id == lane_id.0);
            if let Some(slots) = syncs.map(|(_, sync)| sync.row.slots).min()
                && let Some(lane) = work.data.lanes.get_mut(&(workspace_id.0, lane_id.0))
            {
                lane.lane.call_slots = slots;
            }
            Ok(())
        })
        .await
    }

    async fn lease_slot(
        &mut self,
        lane: (WorkspaceId, ConnectionId),
        node_id: Uuid,
        lease_s: i32,
        ended_ms: i64,
    ) -> Result<Option<SlotRow>> {
        self.act("lease_slot", |work| Ok(lease(work, ids(lane), node_id, lease_s, ended_ms))).await
    }

    async fn renew_slots(
        &mut self,
        lane: (WorkspaceId, ConnectionId),
        node_id: Uuid,
        held: &[SlotRow],
        lease_s: i32,
    ) -> Result<Vec<SlotRow>> {
        self.act("renew_slots", |work| {
            let lease_until = work.now + Duration::seconds(lease_s.into());
            let mut renewed = Vec::new();
            for slot in held {
                if let Some(known) = work.data.slot_of_fence(ids(lane), slot).filter(|it| it.node_id == Some(node_id)) {
                    known.lease_until = Some(lease_until);
                    renewed.push(*slot);
                }
            }
            Ok(renewed)
        })
        .await
    }

    async fn mark_slots(&mut self, lane: (WorkspaceId, ConnectionId), marks: &[(SlotRow, Option<i64>)]) -> Result<()> {
        self.act("mark_slots", |work| {
            let now = work.now;
            for (slot, age_ms) in marks {
                if let Some(known) = work.data.slot_of_fence(ids(lane), slot).filter(|it| it.node_id.is_some()) {
                    known.busy_since = age_ms.map(|age_ms| now - Duration::milliseconds(age_ms));
                }
            }
            Ok(())
        })
        .await
    }

    async fn lock_lane(&mut self, _workspace_id: WorkspaceId, _lane_id: ConnectionId) -> Result<()> {
        // Units of work take turns: nobody else leases meanwhile anyway.
        self.act("lock_lane", |_| Ok(())).await
    }

    async fn open_slots(&mut self, workspace_id: WorkspaceId, lane_id: ConnectionId, more: i16) -> Result<Option<i16>> {
        self.act("open_slots", |work| {
            let (key, now) = ((workspace_id.0, lane_id.0), work.now);
            let Some(lane) = work.data.lanes.get(&key) else { return Ok(None) };
            let is_over = lane.paused_until.is_some_and(|until| until <= now);
            let Some(open) = lane.open_slots.filter(|_| is_over) else { return Ok(None) };
            let open = Some(open + more).filter(|open| *open < lane.lane.call_slots);
            if let Some(lane) = work.data.lanes.get_mut(&key) {
                lane.open_slots = open;
            }
            Ok(open)
        })
        .await
    }

    async fn rest_slot(
        &mut self,
        workspace_id: WorkspaceId,
        lane_id: ConnectionId,
        slot: &SlotRow,
        rest_ms: i64,
    ) -> Result<()> {
        self.act("rest_slot", |work| {
            let usable_from = work.now + Duration::milliseconds(rest_ms);
            if let Some(known) = work.data.slot_of_fence((workspace_id.0, lane_id.0), slot) {
                *known = SlotEntry { usable_from: Some(usable_from), fence: known.fence, ..SlotEntry::default() };
            }
            Ok(())
        })
        .await
    }

    async fn release_slot(
        &mut self,
        workspace_id: WorkspaceId,
        lane_id: ConnectionId,
        node_id: Uuid,
        slot: &SlotRow,
    ) -> Result<()> {
        self.act("release_slot", |work| {
            let key = (workspace_id.0, lane_id.0, slot.slot_no);
            let is_ours = |held: &SlotEntry| held.node_id == Some(node_id) && held.fence == slot.fence;
            if work.data.slots.get(&key).is_some_and(is_ours)
                && let Some(held) = work.data.slots.get_mut(&key)
            {
                held.node_id = None;
                held.lease_until = None;
                held.busy_since = None;
            }
            Ok(())
        })
        .await
    }

    async fn wish_for_slot(&mut self, workspace_id: WorkspaceId, lane_id: ConnectionId, node_id: Uuid) -> Result<()> {
        self.act("wish_for_slot", |work| {
            work.data.slot_wishes.insert((workspace_id.0, lane_id.0, node_id), work.now + WISH);
            Ok(())
        })
        .await
    }

    async fn end_slot_wish(&mut self, workspace_id: WorkspaceId, lane_id: ConnectionId, node_id: Uuid) -> Result<()> {
        self.act("end_slot_wish", |work| {
            work.data.slot_wishes.remove(&(workspace_id.0, lane_id.0, node_id));
            Ok(())
        })
        .await
    }

    async fn wishes_of_others(
        &mut self,
        workspace_id: WorkspaceId,
        lane_id: ConnectionId,
        node_id: Uuid,
    ) -> Result<i64> {
        self.act("wishes_of_others", |work| {
            let wishes = work.data.slot_wishes.iter().filter(|(key, until)| {
                (key.0, key.1) == (workspace_id.0, lane_id.0) && key.2 != node_id && **until > work.now
            });
            Ok(count(wishes))
        })
        .await
    }
}
