//! Links: at most one active link per id on each side.

use super::{
    Bench,
    bench::{NOON, texts},
    scenarios,
};
use domain::{LinkId, RunId, Side, deletes::GoneBy};
use engine::store::{
    links::NewLink,
    records::{ReadMark, RecordBatch},
};
use serde_json::{Value as Json, json};
use std::time::Duration;
use uuid::Uuid;

scenarios!(
    a_record_has_at_most_one_active_link,
    an_ended_link_makes_room_and_stays_ended,
    links_are_found_by_either_record,
    a_base_is_settled_while_the_link_is_active,
    pairs_of_a_base_move_and_the_instant_stays,
    rules_are_forgotten_in_active_links_that_have_them,
    a_link_of_one_sync_means_nothing_to_another,
    records_that_a_run_missed_are_found_and_those_of_pairs_first,
    links_whose_contact_is_gone_are_found,
    a_parked_link_is_still_one_and_an_ended_one_is_not_parked,
);

impl Bench {
    pub(super) async fn link(&mut self, contact_id: &str, customer_id: &str, base: Json) -> Option<LinkId> {
        let link_id = LinkId(self.id());
        let new = NewLink {
            workspace_id: self.workspace_id,
            sync_id: self.sync_id,
            link_id,
            contact_id,
            customer_id,
            matched_by: "e-mail",
            base: &base,
            at: NOON,
        };
        self.session().await.insert_link(&new).await.unwrap().then_some(link_id)
    }

    async fn linked(&self, contacts: &[&str], customers: &[&str]) -> Vec<(String, String)> {
        let mut session = self.session().await;
        let (contacts, customers) = (texts(contacts), texts(customers));
        let links = session.links_of_records(self.workspace_id, self.sync_id, &contacts, &customers).await.unwrap();
        let mut pairs: Vec<_> = links.into_iter().map(|link| (link.contact_id, link.customer_id)).collect();
        pairs.sort();
        pairs
    }

    async fn base(&self, contact: &str) -> Json {
        let mut session = self.session().await;
        let links = session.links_of_records(self.workspace_id, self.sync_id, &texts(&[contact]), &[]).await.unwrap();
        links.into_iter().next().unwrap().base
    }
}

async fn a_record_has_at_most_one_active_link(bench: &mut Bench) {
    assert!(bench.link("con-1", "cus-1", json!({})).await.is_some());
    assert!(bench.link("con-1", "cus-2", json!({})).await.is_none());
    assert!(bench.link("con-2", "cus-1", json!({})).await.is_none());
    assert!(bench.link("con-2", "cus-2", json!({})).await.is_some());
    assert_eq!(bench.session().await.count_links(bench.workspace_id, bench.sync_id).await.unwrap(), 2);
}

async fn an_ended_link_makes_room_and_stays_ended(bench: &mut Bench) {
    let link_id = bench.link("con-1", "cus-1", json!({})).await.unwrap();
    let mut session = bench.session().await;
    assert!(session.unlink(bench.workspace_id, link_id, "gone", NOON).await.unwrap());
    assert!(!session.unlink(bench.workspace_id, link_id, "gone", NOON).await.unwrap());
    assert_eq!(bench.linked(&["con-1"], &["cus-1"]).await, []);
    assert!(bench.link("con-1", "cus-2", json!({})).await.is_some());
    session.settle_link(bench.workspace_id, link_id, &json!({ "a": 1 }), NOON).await.unwrap();
    assert_eq!(session.count_links(bench.workspace_id, bench.sync_id).await.unwrap(), 1);
}

async fn links_are_found_by_either_record(bench: &mut Bench) {
    for (contact, customer) in [("con-1", "cus-1"), ("con-2", "cus-2"), ("con-3", "cus-3")] {
        bench.link(contact, customer, json!({})).await.unwrap();
    }
    let pair = |number: u8| (format!("con-{number}"), format!("cus-{number}"));
    assert_eq!(bench.linked(&["con-1", "con-9"], &["cus-1", "cus-3"]).await, [pair(1), pair(3)]);
    assert_eq!(bench.linked(&[], &[]).await, []);
}

async fn a_base_is_settled_while_the_link_is_active(bench: &mut Bench) {
    let link_id = bench.link("con-1", "cus-1", json!({ "a": 1 })).await.unwrap();
    let mut session = bench.session().await;
    let later = NOON + Duration::from_secs(1);
    session.settle_link(bench.workspace_id, link_id, &json!({ "b": [1, "é"] }), later).await.unwrap();
    let links = session.links_of_records(bench.workspace_id, bench.sync_id, &texts(&["con-1"]), &[]).await.unwrap();
    let link = links.first().unwrap();
    assert_eq!((&link.base, link.linked_at, link.settled_at), (&json!({ "b": [1, "é"] }), NOON, later));
    assert_eq!((link.link_id, link.matched_by.as_str()), (link_id.0, "e-mail"));
}

async fn pairs_of_a_base_move_and_the_instant_stays(bench: &mut Bench) {
    let link_id = bench.link("con-1", "cus-1", json!({ "a": ["1", "1"], "b": ["2", "2"] })).await.unwrap();
    let ended = bench.link("con-2", "cus-2", json!({ "a": ["1", "1"] })).await.unwrap();
    let mut session = bench.session().await;
    session.move_base(bench.workspace_id, link_id, &json!({ "a": ["3", "1"], "c": ["4", "4"] })).await.unwrap();
    session.unlink(bench.workspace_id, ended, "gone", NOON).await.unwrap();
    session.move_base(bench.workspace_id, ended, &json!({ "a": ["3", "1"] })).await.unwrap();
    let links = session.links_of_records(bench.workspace_id, bench.sync_id, &texts(&["con-1"]), &[]).await.unwrap();
    let link = links.first().unwrap();
    assert_eq!(link.base, json!({ "a": ["3", "1"], "b": ["2", "2"], "c": ["4", "4"] }));
    assert_eq!(link.settled_at, NOON);
}

async fn rules_are_forgotten_in_active_links_that_have_them(bench: &mut Bench) {
    bench.link("con-1", "cus-1", json!({ "a": 1, "b": 2 })).await.unwrap();
    bench.link("con-2", "cus-2", json!({ "b": 2 })).await.unwrap();
    let ended = bench.link("con-3", "cus-3", json!({ "a": 1 })).await.unwrap();
    let mut session = bench.session().await;
    session.unlink(bench.workspace_id, ended, "gone", NOON).await.unwrap();
    let forgotten = session.forget_rules(bench.workspace_id, bench.sync_id, &texts(&["a", "z"])).await.unwrap();
    assert_eq!(forgotten, 1);
    assert_eq!(bench.base("con-1").await, json!({ "b": 2 }));
    assert_eq!(bench.base("con-2").await, json!({ "b": 2 }));
}

async fn a_link_of_one_sync_means_nothing_to_another(bench: &mut Bench) {
    bench.link("con-1", "cus-1", json!({})).await.unwrap();
    let other = domain::SyncId(Uuid::from_u128(0xb2));
    bench.add_sync(other, "others", 1).await;
    bench.sync_id = other;
    assert_eq!(bench.linked(&["con-1"], &["cus-1"]).await, []);
    assert!(bench.link("con-1", "cus-1", json!({})).await.is_some());
}

async fn records_that_a_run_missed_are_found_and_those_of_pairs_first(bench: &mut Bench) {
    let run_id = bench.add_run("full").await;
    for (contact, customer) in [("con-1", "cus-1"), ("con-2", "cus-2"), ("con-3", "cus-3")] {
        bench.link(contact, customer, json!({})).await.unwrap();
    }
    bench.copy_of(Side::Highlevel, "con-1", Some(run_id)).await;
    bench.copy_of(Side::Highlevel, "con-2", None).await;
    bench.copy_of(Side::Chargify, "cus-1", None).await;
    bench.copy_of(Side::Chargify, "cus-2", None).await;
    bench.copy_of(Side::Chargify, "alone", None).await;
    let mut session = bench.session().await;
    session.mark_record_gone(bench.mark_of(Side::Chargify, None), "cus-2", GoneBy::Asked).await.unwrap();
    let missed = session.missed_records(bench.workspace_id, bench.sync_id, run_id, 9).await.unwrap();
    let missed: Vec<_> = missed.into_iter().map(|row| (row.side, row.remote_id)).collect();
    let row = |side: &str, id: &str| (side.to_owned(), id.to_owned());
    assert_eq!(missed, [row("chargify", "cus-1"), row("highlevel", "con-2"), row("chargify", "alone")]);
    assert_eq!(session.missed_records(bench.workspace_id, bench.sync_id, run_id, 1).await.unwrap().len(), 1);
}

async fn links_whose_contact_is_gone_are_found(bench: &mut Bench) {
    let mut session = bench.session().await;
    for (contact, customer) in [("con-1", "cus-1"), ("con-2", "cus-2"), ("con-3", "cus-3")] {
        bench.link(contact, customer, json!({})).await.unwrap();
        bench.copy_of(Side::Highlevel, contact, None).await;
        if contact != "con-2" {
            session.mark_record_gone(bench.mark_of(Side::Highlevel, None), contact, GoneBy::Asked).await.unwrap();
        }
    }
    let mut found = async |after: &str| {
        let rows = session.links_without_contact(bench.workspace_id, bench.sync_id, after, 9).await.unwrap();
        rows.into_iter().map(|row| row.contact_id).collect::<Vec<_>>()
    };
    assert_eq!(found("").await, ["con-1", "con-3"]);
    assert_eq!(found("con-1").await, ["con-3"]);
}

impl Bench {
    fn mark_of(&self, side: Side, run_id: Option<RunId>) -> ReadMark {
        ReadMark { workspace_id: self.workspace_id, sync_id: self.sync_id, side, run_id, read_at: NOON }
    }

    /// A copy with nothing in it.
    pub(super) async fn copy_of(&self, side: Side, id: &str, run_id: Option<RunId>) {
        let batch = RecordBatch {
            remote_id: vec![id.to_owned()],
            field_values: vec![json!({})],
            metafields: vec![None],
            updated_at: vec![None],
            event_id: vec![None],
            email: vec![None],
            phone: vec![None],
            reference: vec![None],
            display_name: vec![String::new()],
        };
        self.session().await.upsert_records(self.mark_of(side, run_id), &batch).await.unwrap();
    }
}

async fn a_parked_link_is_still_one_and_an_ended_one_is_not_parked(bench: &mut Bench) {
    let parked = bench.link("con-1", "cus-1", json!({})).await.unwrap();
    let ended = bench.link("con-2", "cus-2", json!({})).await.unwrap();
    let (workspace_id, sync_id, mut session) = (bench.workspace_id, bench.sync_id, bench.session().await);
    session.unlink(workspace_id, ended, "gone", NOON).await.unwrap();
    for link_id in [parked, ended] {
        session.park_link(workspace_id, link_id, "too many").await.unwrap();
    }
    assert_eq!(bench.linked(&["con-1", "con-2"], &[]).await, [("con-1".to_owned(), "cus-1".to_owned())]);
    let before = NOON - Duration::from_secs(1);
    assert_eq!(session.links_parted_since(workspace_id, sync_id, before).await.unwrap(), 1);
    assert_eq!(session.links_parted_since(workspace_id, sync_id, NOON).await.unwrap(), 0);
}
