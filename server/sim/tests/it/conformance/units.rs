//! Units of work: all or nothing.

use super::{Bench, bench::NOON, scenarios};
use domain::{LinkId, RunId};
use engine::store::{Notice, links::NewLink};
use serde_json::json;
use uuid::Uuid;

scenarios!(
    what_is_committed_is_there,
    what_is_dropped_never_happened,
    a_unit_sees_what_it_did,
    notices_are_told_on_commit_and_once,
    notices_of_a_dropped_unit_are_never_told,
    a_part_is_taken_back_and_the_rest_goes_on,
    nothing_of_a_unit_is_kept_when_an_operation_failed,
    a_unit_goes_on_from_its_savepoint_when_an_operation_failed,
);

fn link<'a>(bench: &Bench, base: &'a serde_json::Value) -> NewLink<'a> {
    NewLink {
        workspace_id: bench.workspace_id,
        sync_id: bench.sync_id,
        link_id: LinkId(Uuid::from_u128(7)),
        contact_id: "con",
        customer_id: "cus",
        matched_by: "reference",
        base,
        at: NOON,
    }
}

async fn what_is_committed_is_there(bench: &mut Bench) {
    let base = json!({});
    let mut unit = bench.store.begin().await.unwrap();
    assert!(unit.insert_link(&link(bench, &base)).await.unwrap());
    unit.commit().await.unwrap();
    assert_eq!(bench.session().await.count_links(bench.workspace_id, bench.sync_id).await.unwrap(), 1);
}

async fn what_is_dropped_never_happened(bench: &mut Bench) {
    let base = json!({});
    let run_id = bench.add_run("full").await;
    let mut unit = bench.store.begin().await.unwrap();
    assert!(unit.insert_link(&link(bench, &base)).await.unwrap());
    assert!(unit.move_run(bench.workspace_id, run_id, &["queued"], "reading", None).await.unwrap());
    unit.insert_mapping(bench.workspace_id, bench.sync_id, &json!({ "rules": [1] }), "ada", "second").await.unwrap();
    drop(unit);
    let mut session = bench.session().await;
    assert_eq!(session.count_links(bench.workspace_id, bench.sync_id).await.unwrap(), 0);
    assert_eq!(session.run(bench.workspace_id, run_id).await.unwrap().unwrap().status, "queued");
    assert_eq!(session.sync(bench.workspace_id, bench.sync_id).await.unwrap().unwrap().mapping_version, 1);
}

async fn a_unit_sees_what_it_did(bench: &mut Bench) {
    let base = json!({});
    let mut unit = bench.store.begin().await.unwrap();
    unit.insert_link(&link(bench, &base)).await.unwrap();
    assert_eq!(unit.count_links(bench.workspace_id, bench.sync_id).await.unwrap(), 1);
    assert!(!unit.insert_link(&link(bench, &base)).await.unwrap());
    drop(unit);
}

async fn notices_are_told_on_commit_and_once(bench: &mut Bench) {
    let run_id = RunId(bench.id());
    let mut notices = bench.store.notices().await.unwrap();
    let mut unit = bench.store.begin().await.unwrap();
    unit.notify_run(run_id).await.unwrap();
    unit.notify_run(run_id).await.unwrap();
    unit.commit().await.unwrap();
    let after = RunId(bench.id());
    bench.session().await.notify_run(after).await.unwrap();
    assert_eq!(notices.next().await.unwrap(), Notice::Run(run_id));
    assert_eq!(notices.next().await.unwrap(), Notice::Run(after));
}

async fn notices_of_a_dropped_unit_are_never_told(bench: &mut Bench) {
    let mut notices = bench.store.notices().await.unwrap();
    let mut unit = bench.store.begin().await.unwrap();
    unit.notify_run(RunId(Uuid::nil())).await.unwrap();
    drop(unit);
    let after = RunId(bench.id());
    bench.session().await.notify_run(after).await.unwrap();
    assert_eq!(notices.next().await.unwrap(), Notice::Run(after));
}

async fn a_part_is_taken_back_and_the_rest_goes_on(bench: &mut Bench) {
    let base = json!({});
    let run_id = bench.add_run("full").await;
    let mut unit = bench.store.begin().await.unwrap();
    unit.move_run(bench.workspace_id, run_id, &["queued"], "reading", None).await.unwrap();
    unit.set_savepoint().await.unwrap();
    unit.move_run(bench.workspace_id, run_id, &["reading"], "writing", None).await.unwrap();
    unit.insert_link(&link(bench, &base)).await.unwrap();
    unit.roll_back_to_savepoint().await.unwrap();
    unit.set_run_detail(bench.workspace_id, run_id, Some("goes on")).await.unwrap();
    unit.commit().await.unwrap();
    let mut session = bench.session().await;
    let row = session.run(bench.workspace_id, run_id).await.unwrap().unwrap();
    assert_eq!((row.status.as_str(), row.detail.as_deref()), ("reading", Some("goes on")));
    assert_eq!(session.count_links(bench.workspace_id, bench.sync_id).await.unwrap(), 0);
    assert!(session.set_savepoint().await.is_err());
}

/// A second run over the same lists is refused by the store itself.
async fn fails(bench: &mut Bench, unit: &mut dyn engine::store::Tables) -> bool {
    let second = RunId(bench.id());
    unit.insert_run(&bench.run(second, "changes")).await.is_err()
}

async fn nothing_of_a_unit_is_kept_when_an_operation_failed(bench: &mut Bench) {
    let base = json!({});
    let run_id = bench.add_run("full").await;
    let mut unit = bench.store.begin().await.unwrap();
    unit.insert_link(&link(bench, &base)).await.unwrap();
    assert!(fails(bench, &mut *unit).await);
    assert!(unit.move_run(bench.workspace_id, run_id, &["queued"], "reading", None).await.is_err());
    // Whatever it answers: the transaction was ended by the failure.
    drop(unit.commit().await);
    assert_eq!(bench.session().await.count_links(bench.workspace_id, bench.sync_id).await.unwrap(), 0);
}

async fn a_unit_goes_on_from_its_savepoint_when_an_operation_failed(bench: &mut Bench) {
    let base = json!({});
    bench.add_run("full").await;
    let mut unit = bench.store.begin().await.unwrap();
    unit.insert_link(&link(bench, &base)).await.unwrap();
    unit.set_savepoint().await.unwrap();
    assert!(fails(bench, &mut *unit).await);
    unit.roll_back_to_savepoint().await.unwrap();
    unit.commit().await.unwrap();
    assert_eq!(bench.session().await.count_links(bench.workspace_id, bench.sync_id).await.unwrap(), 1);
}
