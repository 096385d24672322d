//! Syncs: found by name, mapping versions, watermarks that never go back.

use super::{
    Bench,
    bench::{NOON, policy},
    scenarios,
};
use domain::SyncId;
use engine::store::syncs::PolicyRow;
use serde_json::json;
use uuid::Uuid;

scenarios!(
    a_sync_is_found_with_the_names_of_its_connections_and_its_rules,
    syncs_are_listed_by_name,
    a_saved_mapping_is_the_present_one,
    a_policy_is_replaced_whole,
    watermarks_never_go_back,
    the_version_of_a_mapping_is_locked,
);

async fn a_sync_is_found_with_the_names_of_its_connections_and_its_rules(bench: &mut Bench) {
    let mut session = bench.session().await;
    let sync = session.sync(bench.workspace_id, bench.sync_id).await.unwrap().unwrap();
    assert_eq!((sync.name.as_str(), sync.highlevel.as_str(), sync.chargify.as_str()), ("contacts", "crm", "billing"));
    assert_eq!((sync.enabled, sync.slots, sync.mapping_version), (true, 3, 1));
    assert_eq!((sync.rules, sync.highlevel_seen_until, sync.chargify_event_id), (json!({ "rules": [] }), None, None));
    let named = session.sync_by_name(bench.workspace_id, "contacts").await.unwrap().unwrap();
    assert_eq!(named.sync_id, bench.sync_id.0);
    assert!(session.sync_by_name(bench.workspace_id, "none").await.unwrap().is_none());
    assert!(session.sync(bench.workspace_id, SyncId(Uuid::nil())).await.unwrap().is_none());
}

async fn syncs_are_listed_by_name(bench: &mut Bench) {
    bench.add_sync(SyncId(Uuid::from_u128(1)), "zebras", 1).await;
    bench.add_sync(SyncId(Uuid::from_u128(2)), "accounts", 1).await;
    let syncs = bench.session().await.syncs(bench.workspace_id).await.unwrap();
    let names: Vec<&str> = syncs.iter().map(|sync| sync.name.as_str()).collect();
    assert_eq!(names, ["accounts", "contacts", "zebras"]);
}

async fn a_saved_mapping_is_the_present_one(bench: &mut Bench) {
    let mut session = bench.session().await;
    let rules = json!({ "rules": [1] });
    let version = session.insert_mapping(bench.workspace_id, bench.sync_id, &rules, "ada", "second").await.unwrap();
    let sync = session.sync(bench.workspace_id, bench.sync_id).await.unwrap().unwrap();
    assert_eq!((version, sync.mapping_version, sync.rules), (2, 2, rules));
}

async fn a_policy_is_replaced_whole(bench: &mut Bench) {
    let mut session = bench.session().await;
    let new = PolicyRow { enabled: false, create_contacts: true, scope: json!({ "tag": "vip" }), ..policy(2) };
    session.update_sync_policy(bench.workspace_id, bench.sync_id, &new).await.unwrap();
    let sync = session.sync(bench.workspace_id, bench.sync_id).await.unwrap().unwrap();
    assert_eq!((sync.enabled, sync.create_contacts, sync.slots), (false, true, 2));
    assert_eq!((sync.scope, sync.mapping_version), (json!({ "tag": "vip" }), 1));
}

async fn watermarks_never_go_back(bench: &mut Bench) {
    let (workspace_id, sync_id, mut session) = (bench.workspace_id, bench.sync_id, bench.session().await);
    session.advance_watermarks(workspace_id, sync_id, Some(NOON), Some(7)).await.unwrap();
    session.advance_watermarks(workspace_id, sync_id, None, Some(6)).await.unwrap();
    let earlier = NOON - time::Duration::HOUR;
    session.advance_watermarks(workspace_id, sync_id, Some(earlier), None).await.unwrap();
    let sync = session.sync(workspace_id, sync_id).await.unwrap().unwrap();
    assert_eq!((sync.highlevel_seen_until, sync.chargify_event_id), (Some(NOON), Some(7)));
}

async fn the_version_of_a_mapping_is_locked(bench: &mut Bench) {
    let mut unit = bench.store.begin().await.unwrap();
    assert_eq!(unit.lock_mapping_version(bench.workspace_id, bench.sync_id).await.unwrap(), Some(1));
    assert_eq!(unit.lock_mapping_version(bench.workspace_id, SyncId(Uuid::nil())).await.unwrap(), None);
    unit.commit().await.unwrap();
}
