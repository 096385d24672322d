//! The copies of both sides: readings in any order, seen by runs, found by every key.

use super::{
    Bench,
    bench::{NOON, texts},
    scenarios,
};
use domain::{LinkId, RunId, Side, deletes::GoneBy};
use engine::store::{
    items::ItemBatch,
    records::{PlannedPair, PlannedRecord, ReadMark, RecordBatch, RecordRow},
};
use serde_json::{Value as Json, json};
use time::OffsetDateTime;

scenarios!(
    a_copy_is_what_was_read_last,
    an_older_reading_never_replaces_a_newer_one,
    a_reading_without_an_instant_goes_by_when_it_was_read,
    a_listing_that_lags_marks_a_newer_copy_as_seen,
    what_a_run_had_no_need_to_read_can_be_marked_as_seen,
    an_event_belongs_to_the_state_it_was_told_of,
    metafields_stay_until_they_are_read_again,
    live_customers_are_counted,
    a_record_told_twice_in_one_batch_is_stored_once,
    contacts_seen_come_page_by_page,
    a_gone_record_is_left_out_and_comes_back_only_when_it_was_read_itself,
    candidates_are_found_by_every_key,
    contacts_that_share_an_email_are_counted,
    contacts_are_named_by_phone,
    the_contact_a_customer_names_comes_first,
    lone_customers_are_those_without_link_plan_or_question,
    partners_of_seen_customers_and_what_is_not_in_step_are_marked,
    a_pair_changes_when_either_copy_or_its_link_does,
    a_pair_that_is_otherwise_than_planned_has_changed_whenever_that_was,
);

/// A record to be copied, with as much as a scenario needs.
#[derive(Clone, Copy)]
struct Copied<'a> {
    id: &'a str,
    updated_s: Option<i64>,
    event_id: Option<i64>,
    email: Option<&'a str>,
    phone: Option<&'a str>,
    reference: Option<&'a str>,
}

fn record(id: &str) -> Copied<'_> {
    Copied { id, updated_s: Some(0), event_id: None, email: None, phone: None, reference: None }
}

fn at(seconds: i64) -> OffsetDateTime {
    NOON + time::Duration::seconds(seconds)
}

fn batch(records: &[Copied<'_>], name: &str) -> RecordBatch {
    let mut batch = RecordBatch::default();
    for one in records {
        batch.remote_id.push(one.id.to_owned());
        batch.field_values.push(json!({ "name": name }));
        batch.updated_at.push(one.updated_s.map(at));
        batch.event_id.push(one.event_id);
        batch.metafields.push(None);
        batch.email.push(one.email.map(str::to_owned));
        batch.phone.push(one.phone.map(str::to_owned));
        batch.reference.push(one.reference.map(str::to_owned));
        batch.display_name.push(format!("{name} {}", one.id));
    }
    batch
}

impl Bench {
    fn mark(&self, side: Side, run_id: Option<RunId>, read_at: OffsetDateTime) -> ReadMark {
        ReadMark { workspace_id: self.workspace_id, sync_id: self.sync_id, side, run_id, read_at }
    }

    async fn read(&self, side: Side, run_id: Option<RunId>, records: &[Copied<'_>]) {
        let mark = self.mark(side, run_id, at(10));
        self.session().await.upsert_records(mark, &batch(records, "Ada")).await.unwrap();
    }

    async fn read_at(&self, name: &str, read_s: i64, one: Copied<'_>) {
        let mark = self.mark(Side::Highlevel, None, at(read_s));
        self.session().await.upsert_records(mark, &batch(&[one], name)).await.unwrap();
    }

    async fn copy(&self, side: Side, id: &str) -> Option<RecordRow> {
        let mut session = self.session().await;
        session.records_by_ids(self.workspace_id, self.sync_id, side, &texts(&[id])).await.unwrap().pop()
    }

    async fn name_of(&self, id: &str) -> String {
        let values = self.copy(Side::Highlevel, id).await.unwrap().field_values;
        values.get("name").and_then(Json::as_str).unwrap().to_owned()
    }

    async fn seen(&self, run_id: RunId, after: &str, limit: i64) -> Vec<String> {
        let mut session = self.session().await;
        let seen = session.contacts_seen(self.workspace_id, self.sync_id, run_id, after, limit).await.unwrap();
        seen.into_iter().map(|row| row.remote_id).collect()
    }

    async fn returned(&self, run_id: RunId, before: OffsetDateTime) -> Vec<String> {
        let mut session = self.session().await;
        let returned = session.returned_records(self.workspace_id, self.sync_id, run_id, before, 9).await.unwrap();
        returned.into_iter().map(|row| row.remote_id).collect()
    }
}

async fn a_copy_is_what_was_read_last(bench: &mut Bench) {
    let one = Copied { email: Some("a@x"), reference: Some("con"), event_id: Some(5), ..record("1") };
    bench.read_at("Ada", 1, one).await;
    let copy = bench.copy(Side::Highlevel, "1").await.unwrap();
    assert_eq!((copy.side.as_str(), copy.verdict.as_str()), ("highlevel", "unpaired"));
    assert_eq!((copy.updated_at, copy.read_at, copy.gone_at), (Some(at(0)), at(1), None));
    assert_eq!((copy.email.as_deref(), copy.reference.as_deref(), copy.event_id), (Some("a@x"), Some("con"), Some(5)));
    bench.read_at("Bea", 2, Copied { updated_s: Some(1), ..record("1") }).await;
    let copy = bench.copy(Side::Highlevel, "1").await.unwrap();
    assert_eq!((copy.field_values, copy.email, copy.reference), (json!({ "name": "Bea" }), None, None));
    assert!(bench.copy(Side::Chargify, "1").await.is_none());
}

async fn an_older_reading_never_replaces_a_newer_one(bench: &mut Bench) {
    bench.read_at("new", 1, Copied { updated_s: Some(9), ..record("1") }).await;
    bench.read_at("old", 2, Copied { updated_s: Some(8), ..record("1") }).await;
    assert_eq!(bench.name_of("1").await, "new");
    bench.read_at("read before", 0, Copied { updated_s: Some(9), ..record("1") }).await;
    assert_eq!(bench.name_of("1").await, "new");
    bench.read_at("read again", 1, Copied { updated_s: Some(9), ..record("1") }).await;
    assert_eq!(bench.name_of("1").await, "read again");
}

async fn a_reading_without_an_instant_goes_by_when_it_was_read(bench: &mut Bench) {
    bench.read_at("told", 5, Copied { updated_s: None, ..record("1") }).await;
    bench.read_at("earlier", 4, Copied { updated_s: Some(100), ..record("1") }).await;
    assert_eq!(bench.name_of("1").await, "told");
    bench.read_at("later", 6, Copied { updated_s: Some(0), ..record("1") }).await;
    assert_eq!(bench.name_of("1").await, "later");
    bench.read_at("later still", 7, Copied { updated_s: None, ..record("1") }).await;
    assert_eq!(bench.name_of("1").await, "later still");
}

async fn a_listing_that_lags_marks_a_newer_copy_as_seen(bench: &mut Bench) {
    let run_id = bench.add_run("full").await;
    bench.read_at("new", 11, Copied { updated_s: Some(9), ..record("1") }).await;
    bench.read(Side::Highlevel, Some(run_id), &[record("1")]).await;
    assert_eq!((bench.name_of("1").await.as_str(), bench.seen(run_id, "", 9).await), ("new", texts(&["1"])));
    // A look at the record alone leaves what runs have seen.
    bench.read_at("newer", 12, Copied { updated_s: Some(10), ..record("1") }).await;
    assert_eq!(bench.seen(run_id, "", 9).await, ["1"]);
}

async fn what_a_run_had_no_need_to_read_can_be_marked_as_seen(bench: &mut Bench) {
    let run_id = bench.add_run("changes").await;
    bench.read(Side::Highlevel, None, &[record("1"), record("2"), record("3")]).await;
    let mark = bench.mark(Side::Highlevel, None, at(20));
    bench.session().await.mark_records_seen(mark, run_id, &texts(&["1", "3", "nobody"])).await.unwrap();
    assert_eq!(bench.seen(run_id, "", 9).await, ["1", "3"]);
    assert_eq!(bench.copy(Side::Highlevel, "1").await.unwrap().read_at, at(10));
    assert!(bench.copy(Side::Highlevel, "nobody").await.is_none());
}

async fn an_event_belongs_to_the_state_it_was_told_of(bench: &mut Bench) {
    let event = async |bench: &Bench| bench.copy(Side::Highlevel, "1").await.unwrap().event_id;
    bench.read_at("a", 1, Copied { event_id: Some(7), ..record("1") }).await;
    bench.read_at("same, other event", 2, Copied { event_id: Some(6), ..record("1") }).await;
    assert_eq!(event(bench).await, Some(7));
    bench.read_at("same, no event", 3, record("1")).await;
    assert_eq!(event(bench).await, Some(7));
    bench.read_at("newer", 4, Copied { updated_s: Some(2), event_id: None, ..record("1") }).await;
    assert_eq!(event(bench).await, None);
}

async fn metafields_stay_until_they_are_read_again(bench: &mut Bench) {
    let mut told = batch(&[record("1")], "Ada");
    told.field_values = vec![json!({ "name": "Ada", "metafield:Rank": "gold", "metafield:Size": "L" })];
    told.metafields = vec![Some(json!({ "metafield:Rank": "gold", "metafield:Size": "L" }))];
    let mut session = bench.session().await;
    session.upsert_records(bench.mark(Side::Highlevel, None, at(1)), &told).await.unwrap();
    bench.read_at("Bea", 2, record("1")).await;
    let values = bench.copy(Side::Highlevel, "1").await.unwrap().field_values;
    assert_eq!(values, json!({ "name": "Bea", "metafield:Rank": "gold", "metafield:Size": "L" }));
    told.field_values = vec![json!({ "name": "Cleo", "metafield:Rank": "silver" })];
    told.metafields = vec![Some(json!({ "metafield:Rank": "silver" }))];
    session.upsert_records(bench.mark(Side::Highlevel, None, at(3)), &told).await.unwrap();
    let values = bench.copy(Side::Highlevel, "1").await.unwrap().field_values;
    assert_eq!(values, json!({ "name": "Cleo", "metafield:Rank": "silver", "metafield:Size": "L" }));
}

async fn live_customers_are_counted(bench: &mut Bench) {
    bench.read(Side::Chargify, None, &["1", "2", "3"].map(record)).await;
    bench.read(Side::Highlevel, None, &[record("4")]).await;
    let mut session = bench.session().await;
    session.mark_record_gone(bench.mark(Side::Chargify, None, at(20)), "2", GoneBy::Asked).await.unwrap();
    assert_eq!(session.count_customers(bench.workspace_id, bench.sync_id).await.unwrap(), 2);
}

async fn a_record_told_twice_in_one_batch_is_stored_once(bench: &mut Bench) {
    bench.read(Side::Highlevel, None, &[record("1"), record("1"), record("2")]).await;
    let mut session = bench.session().await;
    let ids = texts(&["1", "2", "2", "3"]);
    let copies = session.records_by_ids(bench.workspace_id, bench.sync_id, Side::Highlevel, &ids).await.unwrap();
    assert_eq!(copies.len(), 2);
}

async fn contacts_seen_come_page_by_page(bench: &mut Bench) {
    let run_id = bench.add_run("full").await;
    bench.read(Side::Highlevel, Some(run_id), &["3", "1", "4", "2"].map(record)).await;
    bench.read(Side::Highlevel, None, &[record("0")]).await;
    bench.read(Side::Chargify, Some(run_id), &[record("5")]).await;
    assert_eq!(bench.seen(run_id, "", 3).await, ["1", "2", "3"]);
    assert_eq!(bench.seen(run_id, "3", 3).await, ["4"]);
}

async fn a_gone_record_is_left_out_and_comes_back_only_when_it_was_read_itself(bench: &mut Bench) {
    let run_id = bench.add_run("full").await;
    bench.read(Side::Highlevel, Some(run_id), &[record("1")]).await;
    let mut session = bench.session().await;
    session.mark_record_gone(bench.mark(Side::Highlevel, None, at(20)), "1", GoneBy::Asked).await.unwrap();
    session.mark_record_gone(bench.mark(Side::Highlevel, None, at(30)), "1", GoneBy::Asked).await.unwrap();
    session.mark_record_gone(bench.mark(Side::Highlevel, None, at(30)), "unknown", GoneBy::Asked).await.unwrap();
    let copy = bench.copy(Side::Highlevel, "1").await.unwrap();
    assert_eq!((copy.gone_at, copy.verdict.as_str()), (Some(at(20)), "left_out"));
    assert_eq!(bench.seen(run_id, "", 9).await, texts(&[]));
    // A list tells of it although it is gone.
    bench.read_at("late", 31, record("1")).await;
    let copy = bench.copy(Side::Highlevel, "1").await.unwrap();
    assert_eq!((copy.gone_at, bench.name_of("1").await), (Some(at(20)), "Ada".to_owned()));
    assert_eq!(bench.returned(run_id, at(20)).await, texts(&[]));
    assert_eq!(bench.returned(run_id, at(21)).await, ["1"]);
    let other = RunId(bench.id());
    assert_eq!(bench.returned(other, at(21)).await, texts(&[]));
    let read = |at| bench.mark(Side::Highlevel, None, at);
    assert!(!session.revive_record(read(at(20)), "1").await.unwrap(), "read before it was found gone");
    assert!(session.revive_record(read(at(32)), "1").await.unwrap());
    assert!(!session.revive_record(read(at(33)), "1").await.unwrap(), "it is there already");
    assert!(!session.revive_record(read(at(33)), "unknown").await.unwrap());
    bench.read_at("back", 32, record("1")).await;
    let copy = bench.copy(Side::Highlevel, "1").await.unwrap();
    assert_eq!((copy.gone_at, copy.verdict.as_str()), (None, "unpaired"));
    assert_eq!(bench.seen(run_id, "", 9).await, ["1"]);
}

async fn candidates_are_found_by_every_key(bench: &mut Bench) {
    let customers = [
        Copied { reference: Some("CON-1"), ..record("1") },
        Copied { email: Some("a@x"), ..record("2") },
        Copied { phone: Some("+41"), reference: Some("other"), ..record("3") },
        Copied { email: Some("a@x"), ..record("4") },
        record("5"),
    ];
    bench.read(Side::Chargify, None, &customers).await;
    bench.read(Side::Highlevel, None, &[Copied { email: Some("a@x"), ..record("6") }]).await;
    let mut session = bench.session().await;
    session.mark_record_gone(bench.mark(Side::Chargify, None, at(20)), "4", GoneBy::Asked).await.unwrap();
    let (references, emails, phones) = (texts(&["con-1"]), texts(&["a@x", "b@x"]), texts(&["+41"]));
    let found =
        session.candidate_customers(bench.workspace_id, bench.sync_id, &references, &emails, &phones).await.unwrap();
    assert_eq!(found.into_iter().map(|row| row.remote_id).collect::<Vec<_>>(), ["1", "2", "3"]);
    let none = session.candidate_customers(bench.workspace_id, bench.sync_id, &[], &[], &[]).await.unwrap();
    assert!(none.is_empty());
}

async fn contacts_that_share_an_email_are_counted(bench: &mut Bench) {
    let with = |id, email| Copied { email: Some(email), ..record(id) };
    bench.read(Side::Highlevel, None, &[with("1", "a@x"), with("2", "a@x"), with("3", "b@x"), with("4", "a@x")]).await;
    let mut session = bench.session().await;
    session.mark_record_gone(bench.mark(Side::Highlevel, None, at(20)), "4", GoneBy::Asked).await.unwrap();
    let emails = texts(&["a@x", "c@x"]);
    let shared = session.contacts_sharing_email(bench.workspace_id, bench.sync_id, &emails).await.unwrap();
    assert_eq!(shared, [("a@x".to_owned(), 2)]);
}

async fn contacts_are_named_by_phone(bench: &mut Bench) {
    let with = |id, phone| Copied { phone: Some(phone), ..record(id) };
    bench.read(Side::Highlevel, None, &[with("1", "+41"), with("2", "+41"), with("3", "+42")]).await;
    let mut session = bench.session().await;
    let phones = texts(&["+41"]);
    let mut named = session.contact_names_by_phone(bench.workspace_id, bench.sync_id, &phones).await.unwrap();
    named.sort();
    assert_eq!(named, [("+41".to_owned(), "Ada 1".to_owned()), ("+41".to_owned(), "Ada 2".to_owned())]);
}

async fn the_contact_a_customer_names_comes_first(bench: &mut Bench) {
    let with = |id, email| Copied { email: Some(email), ..record(id) };
    bench.read(Side::Highlevel, None, &[with("1", "a@x"), with("2", "b@x"), with("3", "a@x"), record("4")]).await;
    let one = Copied { email: Some("a@x"), reference: Some("2"), ..record("9") };
    bench.read(Side::Chargify, None, &[one, record("8")]).await;
    let mut session = bench.session().await;
    let named = bench.copy(Side::Chargify, "9").await.unwrap();
    let found = session.contacts_for_customer(bench.workspace_id, bench.sync_id, &named).await.unwrap();
    assert_eq!(found, ["2", "1", "3"]);
    let nameless = bench.copy(Side::Chargify, "8").await.unwrap();
    assert_eq!(session.contacts_for_customer(bench.workspace_id, bench.sync_id, &nameless).await.unwrap(), texts(&[]));
}

async fn lone_customers_are_those_without_link_plan_or_question(bench: &mut Bench) {
    let run_id = bench.add_run("full").await;
    bench.read(Side::Chargify, Some(run_id), &["1", "2", "3", "4", "6", "7", "8"].map(record)).await;
    bench.read(Side::Chargify, None, &[record("5")]).await;
    bench.link("con", "1", json!({})).await.unwrap();
    let mut items = ItemBatch::default();
    super::items::push(&mut items, 1, "update_customer", Some("con-2"), Some("2"));
    for (number, matched) in [
        (2, json!({ "ambiguous": { "rule": "email", "candidates": ["6", "7"], "why": "several_customers" } })),
        (3, json!({ "case_only_reference": "8" })),
        (4, json!(null)),
    ] {
        super::items::push(&mut items, number, "ambiguous", Some("con-3"), None);
        *items.plan.last_mut().unwrap() = json!({ "matched": matched });
    }
    let mut session = bench.session().await;
    session.insert_items(bench.workspace_id, run_id, NOON, &items).await.unwrap();
    let lone = session.lone_customers(bench.workspace_id, bench.sync_id, run_id, "", 9).await.unwrap();
    assert_eq!(lone.into_iter().map(|row| row.remote_id).collect::<Vec<_>>(), ["3", "4"]);
    let lone = session.lone_customers(bench.workspace_id, bench.sync_id, run_id, "3", 9).await.unwrap();
    assert_eq!(lone.into_iter().map(|row| row.remote_id).collect::<Vec<_>>(), ["4"]);
}

async fn partners_of_seen_customers_and_what_is_not_in_step_are_marked(bench: &mut Bench) {
    let run_id = bench.add_run("changes").await;
    let contacts = ["by-link", "by-reference", "failed", "in-step", "gone"].map(record);
    bench.read(Side::Highlevel, None, &contacts).await;
    bench.read(Side::Highlevel, None, &[Copied { email: Some("a@x"), ..record("by-email") }]).await;
    bench.link("by-link", "1", json!({})).await.unwrap();
    let customers = [
        record("1"),
        Copied { reference: Some("by-reference"), ..record("2") },
        Copied { email: Some("a@x"), reference: Some("gone"), ..record("3") },
    ];
    bench.read(Side::Chargify, Some(run_id), &customers).await;
    let mut session = bench.session().await;
    session.mark_record_gone(bench.mark(Side::Highlevel, None, at(20)), "gone", GoneBy::Asked).await.unwrap();
    let verdicts = [("failed".to_owned(), "failed", String::new()), ("in-step".to_owned(), "in_step", String::new())];
    session.set_verdicts(bench.workspace_id, bench.sync_id, Side::Highlevel, &verdicts).await.unwrap();
    let marked = session.mark_partners_of_customers(bench.workspace_id, bench.sync_id, run_id).await.unwrap();
    assert_eq!(marked, 4);
    let mut seen = bench.seen(run_id, "", 9).await;
    seen.sort();
    assert_eq!(seen, ["by-email", "by-link", "by-reference", "failed"]);
}

async fn a_pair_changes_when_either_copy_or_its_link_does(bench: &mut Bench) {
    bench.read(Side::Highlevel, None, &[record("con")]).await;
    bench.read(Side::Chargify, None, &[record("cus")]).await;
    let link_id = bench.link("con", "cus", json!({})).await.unwrap();
    let mut session = bench.session().await;
    let link = Some((link_id, json!({})));
    let mut changed = async |pair: PlannedPair, since_s: i64| {
        session.pair_changed_since(bench.workspace_id, bench.sync_id, &pair, at(since_s)).await.unwrap()
    };
    let contact = Some(planned("con", "Ada"));
    let customer = Some(planned("cus", "Ada"));
    let whole = PlannedPair { contact: contact.clone(), customer: customer.clone(), link: link.clone() };
    assert!(changed(PlannedPair { customer: None, ..whole.clone() }, 9).await);
    assert!(!changed(whole.clone(), 10).await);
    assert!(!changed(PlannedPair::default(), 0).await);
    let mut other = bench.session().await;
    other.settle_link(bench.workspace_id, link_id, &json!({}), at(15)).await.unwrap();
    assert!(changed(PlannedPair { contact: None, ..whole.clone() }, 14).await);
    assert!(!changed(PlannedPair { contact: None, ..whole.clone() }, 15).await);
    other.mark_record_gone(bench.mark(Side::Chargify, None, at(30)), "cus", GoneBy::Asked).await.unwrap();
    assert!(changed(whole, 29).await);
}

/// What changed by a reading that began before the plan and was kept after it.
async fn a_pair_that_is_otherwise_than_planned_has_changed_whenever_that_was(bench: &mut Bench) {
    bench.read(Side::Highlevel, None, &[record("con")]).await;
    bench.read(Side::Chargify, None, &[record("cus")]).await;
    let link_id = bench.link("con", "cus", json!({ "a": 1 })).await.unwrap();
    let (link, other_link) = (Some((link_id, json!({ "a": 1 }))), LinkId(bench.id()));
    let mut session = bench.session().await;
    let mut changed = async |contact: &str, customer: &str, link: Option<(LinkId, Json)>| {
        let (contact, customer) = (Some(planned("con", contact)), Some(planned("cus", customer)));
        let pair = PlannedPair { contact, customer, link };
        session.pair_changed_since(bench.workspace_id, bench.sync_id, &pair, at(1_000)).await.unwrap()
    };
    assert!(!changed("Ada", "Ada", link.clone()).await);
    assert!(changed("Bea", "Ada", link.clone()).await);
    assert!(changed("Ada", "Bea", link).await);
    assert!(changed("Ada", "Ada", Some((link_id, json!({ "a": 2 })))).await);
    assert!(changed("Ada", "Ada", Some((other_link, json!({ "a": 1 })))).await);
    assert!(changed("Ada", "Ada", None).await);
}

fn planned(id: &str, name: &str) -> PlannedRecord {
    PlannedRecord { id: id.to_owned(), values: json!({ "name": name }) }
}
