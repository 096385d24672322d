//! Lanes and slots: lease, renew, release, wishes, pauses.

use super::{Bench, bench::policy, scenarios};
use engine::store::slots::SlotRow;
use std::time::Duration;
use uuid::Uuid;

scenarios!(
    no_more_slots_are_leased_than_the_ceiling_allows,
    a_slot_given_back_is_leased_again_under_a_new_fence,
    an_expired_slot_goes_to_somebody_else_and_is_not_renewed,
    an_expired_slot_rests_until_its_request_must_have_ended,
    a_slot_that_rests_is_nobodys_for_a_while,
    few_slots_are_open_after_a_pause_and_more_when_calls_go_well,
    a_marked_slot_rests_from_when_it_was_taken_when_its_node_dies,
    a_slot_of_a_dead_node_rests_twice_as_long_as_the_longest_call,
    a_renewed_slot_is_kept,
    a_slot_that_was_lost_cannot_be_given_back,
    wishes_are_those_of_others_and_fade,
    a_longer_pause_stays,
    a_pause_is_remembered_for_ten_minutes,
    the_ceiling_is_the_most_careful_syncs,
    an_unknown_lane_has_nothing,
);

const ONE: Uuid = Uuid::from_u128(0xe1);
const TWO: Uuid = Uuid::from_u128(0xe2);

impl Bench {
    async fn lease(&self, node_id: Uuid, lease_s: i32) -> Option<(i16, i64)> {
        self.lease_resting(node_id, lease_s, 0).await
    }

    async fn lease_resting(&self, node_id: Uuid, lease_s: i32, ended_ms: i64) -> Option<(i16, i64)> {
        let lane = (self.workspace_id, self.site);
        let slot = self.session().await.lease_slot(lane, node_id, lease_s, ended_ms).await.unwrap();
        slot.map(|slot| (slot.slot_no, slot.fence))
    }

    async fn release(&self, node_id: Uuid, (slot_no, fence): (i16, i64)) {
        let slot = SlotRow { slot_no, fence };
        self.session().await.release_slot(self.workspace_id, self.site, node_id, &slot).await.unwrap();
    }

    async fn renew(&self, node_id: Uuid, held: &[(i16, i64)]) -> Vec<(i16, i64)> {
        let held: Vec<SlotRow> =
            held.iter().map(|(slot_no, fence)| SlotRow { slot_no: *slot_no, fence: *fence }).collect();
        let lane = (self.workspace_id, self.site);
        let slots = self.session().await.renew_slots(lane, node_id, &held, 10).await.unwrap();
        let mut slots: Vec<_> = slots.into_iter().map(|slot| (slot.slot_no, slot.fence)).collect();
        slots.sort_unstable();
        slots
    }
}

async fn no_more_slots_are_leased_than_the_ceiling_allows(bench: &mut Bench) {
    assert_eq!(bench.lease(ONE, 10).await, Some((1, 1)));
    assert_eq!(bench.lease(TWO, 10).await, Some((2, 1)));
    assert_eq!(bench.lease(ONE, 10).await, Some((3, 1)));
    assert_eq!(bench.lease(ONE, 10).await, None);
}

async fn a_slot_given_back_is_leased_again_under_a_new_fence(bench: &mut Bench) {
    bench.lease(ONE, 10).await.unwrap();
    let second = bench.lease(ONE, 10).await.unwrap();
    bench.release(ONE, second).await;
    assert_eq!(bench.lease(TWO, 10).await, Some((2, 2)));
}

async fn an_expired_slot_goes_to_somebody_else_and_is_not_renewed(bench: &mut Bench) {
    for _ in 0..3 {
        bench.lease(ONE, 10).await.unwrap();
    }
    bench.pass(Duration::from_secs(11)).await;
    assert_eq!(bench.lease(TWO, 10).await, Some((1, 2)));
    assert_eq!(bench.renew(ONE, &[(1, 1), (2, 1), (3, 0)]).await, [(2, 1)]);
}

async fn an_expired_slot_rests_until_its_request_must_have_ended(bench: &mut Bench) {
    for _ in 0..3 {
        bench.lease(ONE, 10).await.unwrap();
    }
    bench.pass(Duration::from_secs(11)).await;
    assert_eq!(bench.lease_resting(TWO, 10, 60_000).await, None);
    bench.pass(Duration::from_secs(60)).await;
    assert_eq!(bench.lease_resting(TWO, 10, 60_000).await, Some((1, 2)));
}

async fn a_slot_that_rests_is_nobodys_for_a_while(bench: &mut Bench) {
    for _ in 0..3 {
        bench.lease(ONE, 600).await.unwrap();
    }
    let (stale, slot) = (SlotRow { slot_no: 1, fence: 9 }, SlotRow { slot_no: 2, fence: 1 });
    let mut session = bench.session().await;
    session.rest_slot(bench.workspace_id, bench.site, &stale, 0).await.unwrap();
    session.rest_slot(bench.workspace_id, bench.site, &slot, 5_000).await.unwrap();
    assert_eq!(bench.lease(TWO, 10).await, None);
    bench.pass(Duration::from_secs(6)).await;
    assert_eq!(bench.lease(TWO, 10).await, Some((2, 2)));
}

async fn few_slots_are_open_after_a_pause_and_more_when_calls_go_well(bench: &mut Bench) {
    let (workspace_id, lane_id, mut session) = (bench.workspace_id, bench.site, bench.session().await);
    session.lock_lane(workspace_id, lane_id).await.unwrap();
    assert_eq!(session.open_slots(workspace_id, lane_id, 1).await.unwrap(), None);
    session.pause_lane(workspace_id, lane_id, 5_000, "slow down").await.unwrap();
    assert_eq!(session.open_slots(workspace_id, lane_id, 1).await.unwrap(), None);
    assert_eq!(session.lane(workspace_id, lane_id).await.unwrap().unwrap().open_slots, Some(1));
    bench.pass(Duration::from_secs(6)).await;
    assert!(bench.lease(ONE, 600).await.is_some());
    assert_eq!(bench.lease(TWO, 600).await, None);
    assert_eq!(session.open_slots(workspace_id, lane_id, 1).await.unwrap(), Some(2));
    assert!(bench.lease(TWO, 600).await.is_some());
    assert_eq!(bench.lease(TWO, 600).await, None);
    assert_eq!(session.open_slots(workspace_id, lane_id, 5).await.unwrap(), None);
    assert_eq!(session.lane(workspace_id, lane_id).await.unwrap().unwrap().open_slots, None);
    assert!(bench.lease(TWO, 600).await.is_some());
}

async fn a_marked_slot_rests_from_when_it_was_taken_when_its_node_dies(bench: &mut Bench) {
    let (lane, mut session) = ((bench.workspace_id, bench.site), bench.session().await);
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(bench.lease(ONE, 600).await.map(|(slot_no, fence)| SlotRow { slot_no, fence }).unwrap());
    }
    let marks: Vec<_> =
        held.iter().zip([Some(50_000), Some(10_000), Some(1)]).map(|(slot, age)| (*slot, age)).collect();
    session.mark_slots(lane, &marks).await.unwrap();
    session
        .mark_slots(lane, &[(SlotRow { slot_no: 3, fence: 1 }, None), (SlotRow { slot_no: 1, fence: 9 }, None)])
        .await
        .unwrap();
    session.bury_node(ONE, 30_000, 60_000).await.unwrap();
    bench.pass(Duration::from_secs(11)).await;
    assert_eq!(bench.lease(TWO, 600).await, Some((1, 2)));
    assert_eq!(bench.lease(TWO, 600).await, None);
    bench.pass(Duration::from_secs(21)).await;
    assert_eq!(bench.lease(TWO, 600).await, Some((3, 2)));
    assert_eq!(bench.lease(TWO, 600).await, None);
    bench.pass(Duration::from_secs(21)).await;
    assert_eq!(bench.lease(TWO, 600).await, Some((2, 2)));
}

async fn a_slot_of_a_dead_node_rests_twice_as_long_as_the_longest_call(bench: &mut Bench) {
    let mut session = bench.session().await;
    for _ in 0..3 {
        bench.lease(ONE, 600).await.unwrap();
    }
    let now = session.now().await.unwrap();
    session.insert_calls(&super::runs::calls(bench, &[(now, 1_000, None), (now, 20_000, Some("rate"))])).await.unwrap();
    session.bury_node(ONE, 5_000, 60_000).await.unwrap();
    bench.pass(Duration::from_secs(35)).await;
    assert_eq!(bench.lease(TWO, 600).await, None);
    bench.pass(Duration::from_secs(6)).await;
    assert_eq!(bench.lease(TWO, 600).await, Some((1, 2)));
}

async fn a_renewed_slot_is_kept(bench: &mut Bench) {
    bench.lease(ONE, 10).await.unwrap();
    bench.lease(TWO, 10).await.unwrap();
    bench.pass(Duration::from_secs(8)).await;
    assert_eq!(bench.renew(ONE, &[(1, 1), (2, 1)]).await, [(1, 1)]);
    bench.pass(Duration::from_secs(8)).await;
    assert_eq!(bench.lease(TWO, 10).await, Some((2, 2)));
    assert_eq!(bench.renew(ONE, &[(1, 1), (2, 1)]).await, [(1, 1)]);
}

async fn a_slot_that_was_lost_cannot_be_given_back(bench: &mut Bench) {
    let lost = bench.lease(ONE, 10).await.unwrap();
    bench.pass(Duration::from_secs(11)).await;
    let held = bench.lease(ONE, 10).await.unwrap();
    bench.release(ONE, lost).await;
    bench.release(TWO, held).await;
    assert_eq!(bench.renew(ONE, &[lost, held]).await, [held]);
}

async fn wishes_are_those_of_others_and_fade(bench: &mut Bench) {
    let mut session = bench.session().await;
    let (workspace_id, lane_id) = (bench.workspace_id, bench.site);
    session.wish_for_slot(workspace_id, lane_id, ONE).await.unwrap();
    session.wish_for_slot(workspace_id, lane_id, ONE).await.unwrap();
    session.wish_for_slot(workspace_id, lane_id, TWO).await.unwrap();
    assert_eq!(session.wishes_of_others(workspace_id, lane_id, ONE).await.unwrap(), 1);
    assert_eq!(session.wishes_of_others(workspace_id, lane_id, Uuid::nil()).await.unwrap(), 2);
    session.end_slot_wish(workspace_id, lane_id, TWO).await.unwrap();
    assert_eq!(session.wishes_of_others(workspace_id, lane_id, ONE).await.unwrap(), 0);
    bench.pass(Duration::from_secs(4)).await;
    assert_eq!(session.wishes_of_others(workspace_id, lane_id, Uuid::nil()).await.unwrap(), 0);
}

async fn a_longer_pause_stays(bench: &mut Bench) {
    let mut session = bench.session().await;
    assert_eq!(session.lane(bench.workspace_id, bench.site).await.unwrap().unwrap().paused_ms, 0);
    session.pause_lane(bench.workspace_id, bench.site, 60_000, "long").await.unwrap();
    session.pause_lane(bench.workspace_id, bench.site, 1_000, "short").await.unwrap();
    let lane = session.lane(bench.workspace_id, bench.site).await.unwrap().unwrap();
    assert!((55_000..=60_000).contains(&lane.paused_ms), "{}", lane.paused_ms);
    assert_eq!((lane.pause_reason.as_deref(), lane.pause_ms), (Some("short"), Some(1_000)));
}

async fn a_pause_is_remembered_for_ten_minutes(bench: &mut Bench) {
    let mut session = bench.session().await;
    session.pause_lane(bench.workspace_id, bench.site, 60_000, "slow down").await.unwrap();
    bench.pass(Duration::from_secs(60 + 9 * 60)).await;
    let lane = session.lane(bench.workspace_id, bench.site).await.unwrap().unwrap();
    assert_eq!((lane.paused_ms, lane.pause_ms), (0, Some(60_000)));
    bench.pass(Duration::from_secs(2 * 60)).await;
    assert_eq!(session.lane(bench.workspace_id, bench.site).await.unwrap().unwrap().pause_ms, None);
}

async fn the_ceiling_is_the_most_careful_syncs(bench: &mut Bench) {
    let mut session = bench.session().await;
    session.update_sync_policy(bench.workspace_id, bench.sync_id, &policy(4)).await.unwrap();
    session.set_call_slots(bench.workspace_id, bench.site).await.unwrap();
    assert_eq!(session.lane(bench.workspace_id, bench.site).await.unwrap().unwrap().call_slots, 4);
    bench.add_sync(domain::SyncId(Uuid::from_u128(0xb2)), "others", 1).await;
    session.set_call_slots(bench.workspace_id, bench.site).await.unwrap();
    assert_eq!(session.lane(bench.workspace_id, bench.site).await.unwrap().unwrap().call_slots, 1);
    bench.lease(ONE, 10).await.unwrap();
    assert_eq!(bench.lease(TWO, 10).await, None);
}

async fn an_unknown_lane_has_nothing(bench: &mut Bench) {
    bench.site = domain::ConnectionId(Uuid::from_u128(0xff));
    assert!(bench.session().await.lane(bench.workspace_id, bench.site).await.unwrap().is_none());
    assert_eq!(bench.lease(ONE, 10).await, None);
}
