//! Lanes and their slots, as the gate sees them.

use crate::store::{
    connections::{self, NewLaneRow},
    slots::{self, LaneRow, SlotRow},
    syncs,
};
use domain::{ConnectionId, WorkspaceId};
use uuid::Uuid;

tables! {
    /// The right to have one request in flight at an account, over all processes. Leases run by the store's clock.
    trait Slots {
        /// The queue of a connection's account, with its slots.
        fn insert_lane(
            workspace_id: WorkspaceId,
            lane_id: ConnectionId,
            lane: NewLaneRow,
        ) -> () = connections::insert_lane;

        /// The lane's limits and pause.
        fn lane(workspace_id: WorkspaceId, lane_id: ConnectionId) -> Option<LaneRow> = slots::lane;

        /// Closes the lane for a while; a longer pause that is already set stays. It opens again with one slot.
        fn pause_lane(
            workspace_id: WorkspaceId,
            lane_id: ConnectionId,
            pause_ms: i64,
            reason: &str,
        ) -> () = slots::pause;

        /// Gives the lane the ceiling its syncs ask for; where they differ, the most careful one counts.
        fn set_call_slots(workspace_id: WorkspaceId, lane_id: ConnectionId) -> () = syncs::set_call_slots;

        /// Leases one free slot of the account, or none. A slot whose lease ran out rests `ended_ms` first; while few
        /// slots are open, no more than those are held.
        fn lease_slot(
            lane: (WorkspaceId, ConnectionId),
            node_id: Uuid,
            lease_s: i32,
            ended_ms: i64,
        ) -> Option<SlotRow> = slots::lease;

        /// Extends those of the leases that nobody else has taken and returns them, in no order.
        fn renew_slots(
            lane: (WorkspaceId, ConnectionId),
            node_id: Uuid,
            held: &[SlotRow],
            lease_s: i32,
        ) -> Vec<SlotRow> = slots::renew;

        /// Writes down which slots have a request in flight, each with for how many milliseconds; `None`: not any more.
        fn mark_slots(lane: (WorkspaceId, ConnectionId), marks: &[(SlotRow, Option<i64>)]) -> () = slots::mark;

        /// Locks the lane until the unit of work ends.
        fn lock_lane(workspace_id: WorkspaceId, lane_id: ConnectionId) -> () = slots::lock_lane;

        /// Opens more slots after a pause; returns how many are open now, `None` when all are.
        fn open_slots(workspace_id: WorkspaceId, lane_id: ConnectionId, more: i16) -> Option<i16> = slots::open;

        /// Gives a slot back whose request the service may still be at: nobody gets it before that has ended.
        fn rest_slot(
            workspace_id: WorkspaceId,
            lane_id: ConnectionId,
            slot: &SlotRow,
            rest_ms: i64,
        ) -> () = slots::rest;

        /// Gives a slot back; nothing happens when it was lost meanwhile.
        fn release_slot(
            workspace_id: WorkspaceId,
            lane_id: ConnectionId,
            node_id: Uuid,
            slot: &SlotRow,
        ) -> () = slots::release;

        /// Says that the node would like a slot, for the next few seconds.
        fn wish_for_slot(workspace_id: WorkspaceId, lane_id: ConnectionId, node_id: Uuid) -> () = slots::wish;

        /// The node has a slot now.
        fn end_slot_wish(workspace_id: WorkspaceId, lane_id: ConnectionId, node_id: Uuid) -> () = slots::unwish;

        /// How many other nodes want a slot of this account now.
        fn wishes_of_others(
            workspace_id: WorkspaceId,
            lane_id: ConnectionId,
            node_id: Uuid,
        ) -> i64 = slots::wishes_of_others;
    }
}
