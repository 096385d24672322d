//! Records that are gone: how long they are known, and what comes back with them.

use super::{
    Bench,
    bench::{NOON, texts},
    scenarios,
};
use domain::{Side, deletes::GoneBy};
use engine::store::{decisions::NewDecision, links::RelinkedRow, records::ReadMark};
use serde_json::json;
use time::{Duration, OffsetDateTime};

scenarios!(
    what_went_long_ago_is_taken_away_but_whose_end_it_was_stays_known,
    what_belongs_to_an_active_link_is_kept,
    a_pair_is_in_force_again_when_its_record_came_back,
    a_pair_stays_ended_where_somebody_went_on_meanwhile,
);

fn at(minutes: i64) -> OffsetDateTime {
    NOON + Duration::minutes(minutes)
}

impl Bench {
    fn read_then(&self, side: Side, at: OffsetDateTime) -> ReadMark {
        ReadMark { workspace_id: self.workspace_id, sync_id: self.sync_id, side, run_id: None, read_at: at }
    }

    async fn bury(&self, side: Side, id: &str, at: OffsetDateTime) {
        self.session().await.mark_record_gone(self.read_then(side, at), id, GoneBy::Webhook).await.unwrap();
    }

    /// A pair that ended at that minute.
    async fn ended_pair(&mut self, contact: &str, customer: &str, minute: i64) {
        let link_id = self.link(contact, customer, json!({ "city": "Rome" })).await.unwrap();
        let mut session = self.session().await;
        assert!(session.unlink(self.workspace_id, link_id, "gone", at(minute)).await.unwrap());
    }

    async fn relinked(&self, contact: &str, minute: i64) -> Option<RelinkedRow> {
        let mut session = self.session().await;
        session.relink(self.workspace_id, self.sync_id, (Some(contact), None), at(minute)).await.unwrap()
    }

    async fn partner_gone_at(&self, customer: &str) -> Option<OffsetDateTime> {
        let ids = texts(&[customer]);
        let mut session = self.session().await;
        let ended = session.ended_links_of_customers(self.workspace_id, self.sync_id, &ids).await.unwrap();
        ended.first().unwrap().partner_gone_at
    }
}

async fn what_went_long_ago_is_taken_away_but_whose_end_it_was_stays_known(bench: &mut Bench) {
    for contact in ["con-1", "con-2", "con-3", "there"] {
        bench.copy_of(Side::Highlevel, contact, None).await;
    }
    bench.copy_of(Side::Chargify, "cus-1", None).await;
    bench.ended_pair("con-1", "cus-1", 1).await;
    for (minute, contact) in [(1, "con-1"), (2, "con-2"), (9, "con-3")] {
        bench.bury(Side::Highlevel, contact, at(minute)).await;
    }
    let mut session = bench.session().await;
    let workspace = bench.workspace_id.0;
    assert_eq!(session.purge_tombstones(at(1), 9).await.unwrap(), []);
    assert_eq!(session.purge_tombstones(at(5), 1).await.unwrap(), [(workspace, 1)]);
    let ids = texts(&["con-1", "con-2", "con-3", "there"]);
    let left = session.records_by_ids(bench.workspace_id, bench.sync_id, Side::Highlevel, &ids).await.unwrap();
    let mut left: Vec<_> = left.into_iter().map(|row| row.remote_id).collect();
    left.sort();
    assert_eq!(left, ["con-2", "con-3", "there"]);
    assert_eq!(bench.partner_gone_at("cus-1").await, Some(at(1)));
    assert_eq!(session.purge_tombstones(at(5), 9).await.unwrap(), [(workspace, 1)]);
    assert_eq!(session.purge_tombstones(at(5), 9).await.unwrap(), []);
    // Read again after all: it is a new record to us, and its old partner did not lose it.
    bench.copy_of(Side::Highlevel, "con-1", None).await;
    assert_eq!(bench.partner_gone_at("cus-1").await, None);
}

async fn what_belongs_to_an_active_link_is_kept(bench: &mut Bench) {
    bench.copy_of(Side::Highlevel, "con", None).await;
    bench.copy_of(Side::Chargify, "cus", None).await;
    bench.link("con", "cus", json!({})).await.unwrap();
    bench.bury(Side::Highlevel, "con", NOON).await;
    bench.bury(Side::Chargify, "cus", NOON).await;
    assert_eq!(bench.session().await.purge_tombstones(at(5), 9).await.unwrap(), []);
}

async fn a_pair_is_in_force_again_when_its_record_came_back(bench: &mut Bench) {
    bench.copy_of(Side::Highlevel, "con", None).await;
    bench.copy_of(Side::Chargify, "cus", None).await;
    bench.ended_pair("con", "cus", 1).await;
    bench.bury(Side::Chargify, "cus", at(1)).await;
    assert_eq!(bench.relinked("con", 5).await, None, "the partner is gone");
    let mut session = bench.session().await;
    assert!(session.revive_record(bench.read_then(Side::Chargify, at(5)), "cus").await.unwrap());
    assert_eq!(bench.relinked("stranger", 5).await, None);
    let pair = bench.relinked("con", 5).await.unwrap();
    assert_eq!((pair.contact_id.as_str(), pair.customer_id.as_str()), ("con", "cus"));
    let links = session.links_of_records(bench.workspace_id, bench.sync_id, &texts(&["con"]), &[]).await.unwrap();
    let link = links.first().unwrap();
    assert_eq!((link.link_id, link.settled_at, &link.base), (pair.link_id, at(5), &json!({ "city": "Rome" })));
    assert_eq!(bench.relinked("con", 6).await, None, "it is in force already");
}

async fn a_pair_stays_ended_where_somebody_went_on_meanwhile(bench: &mut Bench) {
    for id in ["1", "2", "3"] {
        bench.copy_of(Side::Highlevel, &format!("con-{id}"), None).await;
        bench.copy_of(Side::Chargify, &format!("cus-{id}"), None).await;
        bench.ended_pair(&format!("con-{id}"), &format!("cus-{id}"), 1).await;
    }
    // The first customer is another contact's by now, the second was, about the third a person decided.
    bench.link("other-1", "cus-1", json!({})).await.unwrap();
    bench.ended_pair("other-2", "cus-2", 3).await;
    let new = NewDecision {
        workspace_id: bench.workspace_id,
        sync_id: bench.sync_id,
        side: Side::Chargify,
        remote_id: "cus-3",
        answers: &json!({ "partner": "nobody" }),
        decided_by: "ada",
        decided_at: at(2),
    };
    bench.session().await.save_decision(&new).await.unwrap();
    for contact in ["con-1", "con-2", "con-3"] {
        assert_eq!(bench.relinked(contact, 5).await, None, "{contact}");
    }
}
