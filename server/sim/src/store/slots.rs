//! Lanes and slots in memory.

use super::{
    data::{LaneEntry, SlotEntry, Within},
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

fn lane_row(lane: &LaneEntry, now: OffsetDateTime) -> LaneRow {
    let is_recent = lane.paused_until.unwrap_or(now) > now - CALM;
    LaneRow {
        call_slots: lane.lane.call_slots,
        paused_ms: lane.paused_until.map_or(0, |until| ms_until(until, now)),
        pause_reason: lane.pause_reason.clone(),
        pause_ms: lane.pause_ms.filter(|_| is_recent),
    }
}

fn lease(work: &mut Work<'_>, lane: Within, node_id: Uuid, lease_s: i32) -> Option<SlotRow> {
    let now = work.now;
    let call_slots = work.data.lanes.get(&lane)?.lane.call_slots;
    let is_free = |slot: &SlotEntry| {
        (slot.node_id.is_none() || slot.lease_until.is_some_and(|until| until < now))
            && slot.usable_from.is_none_or(|from| from <= now)
    };
    let mut slots = work.data.slots.range((lane.0, lane.1, i16::MIN)..=(lane.0, lane.1, call_slots));
    let key = slots.find(|(_, slot)| is_free(slot)).map(|(key, _)| *key)?;
    let slot = work.data.slots.get_mut(&key)?;
    slot.node_id = Some(node_id);
    slot.fence += 1;
    slot.lease_until = Some(now + Duration::seconds(lease_s.into()));
    Some(SlotRow { slot_no: key.2, fence: slot.fence })
}

#[async_trait]
impl Slots for Session {
    async fn insert_lane(&mut self, workspace_id: WorkspaceId, lane_id: ConnectionId, lane: NewLaneRow) -> Result<()> {
        self.act("insert_lane", |work| {
            let entry = LaneEntry { lane, paused_until: None, pause_reason: None, pause_ms: None };
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
        workspace_id: WorkspaceId,
        lane_id: ConnectionId,
        node_id: Uuid,
        lease_s: i32,
    ) -> Result<Option<SlotRow>> {
        self.act("lease_slot", |work| Ok(lease(work, (workspace_id.0, lane_id.0), node_id, lease_s))).await
    }

    async fn renew_slots(
        &mut self,
        workspace_id: WorkspaceId,
        lane_id: ConnectionId,
        node_id: Uuid,
        lease_s: i32,
    ) -> Result<Vec<SlotRow>> {
        self.act("renew_slots", |work| {
            let now = work.now;
            let mut renewed = Vec::new();
            let lane = (workspace_id.0, lane_id.0);
            let is_held =
                |slot: &SlotEntry| slot.node_id == Some(node_id) && slot.lease_until.is_some_and(|until| until > now);
            let slots = work.data.slots.range((lane.0, lane.1, i16::MIN)..=(lane.0, lane.1, i16::MAX));
            let held: Vec<_> = slots.filter(|(_, slot)| is_held(slot)).map(|(key, _)| *key).collect();
            for key in held {
                if let Some(slot) = work.data.slots.get_mut(&key) {
                    slot.lease_until = Some(now + Duration::seconds(lease_s.into()));
                    renewed.push(SlotRow { slot_no: key.2, fence: slot.fence });
                }
            }
            Ok(renewed)
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
