//! Nodes: signs of life, and what becomes of what the dead held.

use super::{Bench, scenarios};
use engine::EngineError;
use std::time::Duration;
use uuid::Uuid;

scenarios!(
    a_node_is_alive_as_long_as_its_presence,
    a_node_is_known_until_it_leaves,
    nobody_stands_for_a_node_twice,
    the_slots_of_a_dead_node_rest_before_they_are_free,
    the_jobs_of_a_dead_node_return_to_the_queue,
    a_node_that_leaves_gives_its_slots_back_at_once,
);

const ONE: (Uuid, i64) = (Uuid::from_u128(0xe), 11);
const TWO: (Uuid, i64) = (Uuid::from_u128(0xf), 22);

async fn a_node_is_alive_as_long_as_its_presence(bench: &mut Bench) {
    let presence = bench.store.join(ONE.0, ONE.1).await.unwrap();
    let mut session = bench.session().await;
    assert!(!session.node_lock_is_free(ONE.1).await.unwrap());
    assert!(session.node_lock_is_free(TWO.1).await.unwrap());
    drop(presence);
    // Postgres notices the end of a session a moment later.
    let mut is_free = false;
    for _ in 0..10_000 {
        is_free = session.node_lock_is_free(ONE.1).await.unwrap();
        if is_free {
            break;
        }
    }
    assert!(is_free);
}

async fn a_node_is_known_until_it_leaves(bench: &mut Bench) {
    let _one = bench.store.join(ONE.0, ONE.1).await.unwrap();
    let _two = bench.store.join(TWO.0, TWO.1).await.unwrap();
    let mut session = bench.session().await;
    assert_eq!(session.other_nodes(ONE.0).await.unwrap(), [TWO]);
    assert_eq!(session.other_nodes(Uuid::nil()).await.unwrap().len(), 2);
    session.remove_node(TWO.0).await.unwrap();
    assert_eq!(session.other_nodes(ONE.0).await.unwrap(), []);
}

async fn nobody_stands_for_a_node_twice(bench: &mut Bench) {
    let _one = bench.store.join(ONE.0, ONE.1).await.unwrap();
    assert!(matches!(bench.store.join(ONE.0, ONE.1).await.err(), Some(EngineError::Bug(_))));
}

async fn the_slots_of_a_dead_node_rest_before_they_are_free(bench: &mut Bench) {
    let mut session = bench.session().await;
    let lane = (bench.workspace_id, bench.site);
    for _ in 0..3 {
        session.lease_slot(lane, ONE.0, 600, 0).await.unwrap().unwrap();
    }
    session.bury_node(ONE.0, 5_000, 60_000).await.unwrap();
    assert!(session.lease_slot(lane, TWO.0, 10, 0).await.unwrap().is_none());
    bench.pass(Duration::from_secs(6)).await;
    let slot = session.lease_slot(lane, TWO.0, 10, 0).await.unwrap().unwrap();
    assert_eq!((slot.slot_no, slot.fence), (1, 2));
}

async fn the_jobs_of_a_dead_node_return_to_the_queue(bench: &mut Bench) {
    bench.enqueue("plain", 0, 0).await;
    bench.enqueue("replaced", 1, 0).await;
    let first = bench.claim(600).await.unwrap();
    bench.claim(600).await.unwrap();
    let newer = bench.enqueue("replaced", 1, 0).await;
    let mut session = bench.session().await;
    assert_eq!(session.bury_node(ONE.0, 0, 0).await.unwrap(), 1);
    assert!(!session.extend_job(&first, 60).await.unwrap());
    let again = bench.claim(600).await.unwrap();
    assert_eq!((again.job_id, again.attempt, again.fence), (first.job_id, 2, 2));
    assert_eq!(bench.claim(600).await.unwrap().job_id, newer);
    assert!(bench.claim(600).await.is_none());
}

async fn a_node_that_leaves_gives_its_slots_back_at_once(bench: &mut Bench) {
    let mut session = bench.session().await;
    let lane = (bench.workspace_id, bench.site);
    for _ in 0..3 {
        session.lease_slot(lane, ONE.0, 600, 0).await.unwrap().unwrap();
    }
    session.wish_for_slot(lane.0, lane.1, ONE.0).await.unwrap();
    session.remove_node(ONE.0).await.unwrap();
    assert_eq!(session.wishes_of_others(lane.0, lane.1, TWO.0).await.unwrap(), 0);
    assert!(session.lease_slot(lane, TWO.0, 10, 0).await.unwrap().is_some());
}
