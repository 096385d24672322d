//! Items of a run: in order, open until settled, settled once.

use super::{Bench, bench::NOON, scenarios};
use domain::{LinkId, RunId, Side, deletes::GoneBy};
use engine::store::{
    items::{ItemBatch, OpenQuery, OpenRow, Settlement},
    records::{ReadMark, RecordBatch},
    runs::PlanTotals,
};
use serde_json::json;
use time::OffsetDateTime;
use uuid::Uuid;

scenarios!(
    open_items_come_in_order_and_by_destination,
    an_item_is_settled_once,
    a_settlement_adds_what_it_knows,
    an_item_is_stale_when_its_record_or_link_changed_after_the_plan,
    a_create_is_stale_when_a_customer_with_its_email_came_after_the_plan,
    customers_of_open_items_are_named_once,
    only_an_open_item_is_planned_again,
    the_rest_is_settled_together,
    items_are_counted_by_action,
    a_plan_that_was_not_finished_is_forgotten,
);

pub(super) fn push(
    batch: &mut ItemBatch,
    item_no: i64,
    action: &str,
    contact_id: Option<&str>,
    customer_id: Option<&str>,
) {
    batch.item_no.push(item_no);
    batch.action.push(action.to_owned());
    batch.contact_id.push(contact_id.map(str::to_owned));
    batch.customer_id.push(customer_id.map(str::to_owned));
    batch.link_id.push(None);
    batch.display_name.push("Ada".to_owned());
    batch.email.push(None);
    batch.reason_code.push("new".to_owned());
    batch.reason.push("It is new.".to_owned());
    batch.changes.push(json!([]));
    batch.plan.push(json!({ "item": item_no }));
    batch.outcome.push(None);
    batch.outcome_detail.push(None);
}

fn settled(item_no: i64, outcome: &'static str) -> Settlement {
    Settlement { item_no, outcome, detail: None, contact_id: None, customer_id: None, link_id: None, took_ms: 5 }
}

impl Bench {
    /// A run with one item per action.
    async fn plan(&mut self, actions: &[&str]) -> RunId {
        let run_id = self.add_run("full").await;
        let mut batch = ItemBatch::default();
        for (number, action) in (1..).zip(actions) {
            push(&mut batch, number, action, Some(&format!("con-{number}")), Some(&format!("cus-{number}")));
        }
        self.session().await.insert_items(self.workspace_id, run_id, NOON, &batch).await.unwrap();
        run_id
    }

    async fn open(&self, run_id: RunId, only_highlevel: Option<bool>, after: i64, limit: i64) -> Vec<OpenRow> {
        let query = OpenQuery { only_highlevel, after, limit };
        self.session().await.open_items(self.workspace_id, run_id, &query).await.unwrap()
    }

    async fn open_numbers(&self, run_id: RunId) -> Vec<i64> {
        self.open(run_id, None, 0, 100).await.iter().map(|row| row.item.item_no).collect()
    }

    async fn stale(&self, run_id: RunId) -> Vec<bool> {
        self.open(run_id, None, 0, 100).await.iter().map(|row| row.stale).collect()
    }

    async fn settle(&self, run_id: RunId, settlements: &[Settlement]) -> Vec<i64> {
        let mut numbers =
            self.session().await.settle_items(self.workspace_id, run_id, NOON, settlements).await.unwrap();
        numbers.sort_unstable();
        numbers
    }
}

async fn open_items_come_in_order_and_by_destination(bench: &mut Bench) {
    let run_id = bench.plan(&["create_customer", "create_contact", "update_both", "update_contact", "link"]).await;
    let numbers = |rows: Vec<OpenRow>| rows.iter().map(|row| row.item.item_no).collect::<Vec<_>>();
    assert_eq!(numbers(bench.open(run_id, Some(true), 0, 9).await), [2, 4]);
    assert_eq!(numbers(bench.open(run_id, Some(false), 0, 2).await), [1, 3]);
    assert_eq!(numbers(bench.open(run_id, Some(false), 3, 2).await), [5]);
    assert_eq!(numbers(bench.open(run_id, None, 1, 9).await), [2, 3, 4, 5]);
    let row = bench.open(run_id, None, 0, 1).await.remove(0).item;
    assert_eq!((row.display_name.as_str(), row.reason.as_str()), ("Ada", "It is new."));
    assert_eq!((row.plan, row.changes, row.took_ms), (json!({ "item": 1 }), json!([]), None));
}

async fn an_item_is_settled_once(bench: &mut Bench) {
    let run_id = bench.plan(&["create_customer", "link"]).await;
    assert_eq!(bench.settle(run_id, &[settled(1, "created"), settled(9, "created")]).await, [1]);
    assert_eq!(bench.settle(run_id, &[settled(1, "failed"), settled(2, "updated")]).await, [2]);
    assert!(bench.open_numbers(run_id).await.is_empty());
}

async fn a_settlement_adds_what_it_knows(bench: &mut Bench) {
    let run_id = bench.plan(&["create_customer", "create_customer"]).await;
    let link_id = LinkId(bench.id());
    let one = Settlement { customer_id: Some("new".to_owned()), link_id: Some(link_id), ..settled(1, "created") };
    bench.settle(run_id, &[one]).await;
    let mut session = bench.session().await;
    // Whatever is settled counts as work of a link no more than it is one.
    assert_eq!(session.updates_of_links(bench.workspace_id, run_id).await.unwrap(), 0);
    assert_eq!(bench.open_numbers(run_id).await, [2]);
}

async fn an_item_is_stale_when_its_record_or_link_changed_after_the_plan(bench: &mut Bench) {
    let later = |seconds: i64| NOON + time::Duration::seconds(seconds);
    let run_id = bench.plan(&["update_both", "update_both", "update_both", "update_both"]).await;
    let link_id = bench.link("con-3", "cus-3", json!({})).await.unwrap();
    bench.see("cus-1", None, later(1)).await;
    bench.see("cus-2", None, later(9)).await;
    assert_eq!(bench.stale(run_id).await, [false; 4]);
    bench.session().await.set_run_plan(bench.workspace_id, run_id, &totals(later(5))).await.unwrap();
    assert_eq!(bench.stale(run_id).await, [false, true, false, false]);
    let mut session = bench.session().await;
    session.settle_link(bench.workspace_id, link_id, &json!({}), later(6)).await.unwrap();
    let mark = bench.mark_of_customers(later(2));
    session.mark_record_gone(mark, "cus-1", GoneBy::Asked).await.unwrap();
    assert_eq!(bench.stale(run_id).await, [true, true, true, false]);
}

async fn a_create_is_stale_when_a_customer_with_its_email_came_after_the_plan(bench: &mut Bench) {
    let later = |seconds: i64| NOON + time::Duration::seconds(seconds);
    let run_id = bench.add_run("full").await;
    let mut batch = ItemBatch::default();
    push(&mut batch, 1, "create_customer", Some("con-1"), None);
    push(&mut batch, 2, "link", Some("con-2"), None);
    batch.email = vec![Some("a@x".to_owned()); 2];
    let mut session = bench.session().await;
    session.insert_items(bench.workspace_id, run_id, NOON, &batch).await.unwrap();
    session.set_run_plan(bench.workspace_id, run_id, &totals(later(5))).await.unwrap();
    bench.see("cus-8", Some("a@x"), later(4)).await;
    let came = async |since_s| {
        let mut session = bench.session().await;
        session.customer_came_since(bench.workspace_id, bench.sync_id, "a@x", later(since_s)).await.unwrap()
    };
    assert_eq!((came(3).await, came(4).await), (true, false));
    assert_eq!(bench.stale(run_id).await, [false, false]);
    bench.see("cus-9", Some("a@x"), later(6)).await;
    assert_eq!(bench.stale(run_id).await, [true, false]);
}

async fn customers_of_open_items_are_named_once(bench: &mut Bench) {
    let run_id = bench.plan(&["link", "link", "link"]).await;
    bench.settle(run_id, &[settled(2, "updated")]).await;
    let ids = super::bench::texts(&["cus-1", "cus-2", "cus-3", "cus-4"]);
    let mut session = bench.session().await;
    let mut named = session.customers_of_open_items(bench.workspace_id, run_id, &ids).await.unwrap();
    named.sort();
    assert_eq!(named, ["cus-1", "cus-3"]);
}

impl Bench {
    fn mark_of_customers(&self, read_at: OffsetDateTime) -> ReadMark {
        let (workspace_id, sync_id) = (self.workspace_id, self.sync_id);
        ReadMark { workspace_id, sync_id, side: Side::Chargify, run_id: None, read_at }
    }

    async fn see(&self, customer_id: &str, email: Option<&str>, read_at: OffsetDateTime) {
        let batch = RecordBatch {
            remote_id: vec![customer_id.to_owned()],
            field_values: vec![json!({})],
            updated_at: vec![None],
            event_id: vec![None],
            metafields: vec![None],
            email: vec![email.map(str::to_owned)],
            phone: vec![None],
            reference: vec![None],
            display_name: vec![String::new()],
        };
        self.session().await.upsert_records(self.mark_of_customers(read_at), &batch).await.unwrap();
    }
}

pub(super) fn totals(planned_at: OffsetDateTime) -> PlanTotals {
    PlanTotals {
        counts: domain::outcome::Counts { read: 4, unchanged: 1, ..Default::default() },
        to_create: 1,
        to_update: 2,
        planned_highlevel: 3,
        planned_chargify: 4,
        left_alone: 5,
        predicted_highlevel: 6,
        predicted_chargify: 7,
        predicted_ms: 8,
        planned_at,
    }
}

async fn only_an_open_item_is_planned_again(bench: &mut Bench) {
    let run_id = bench.plan(&["create_customer", "create_customer"]).await;
    bench.settle(run_id, &[settled(2, "created")]).await;
    let link_id = Uuid::from_u128(5);
    let mut item = bench.open(run_id, None, 0, 1).await.remove(0).item;
    item.action = "update_customer".to_owned();
    item.link_id = Some(link_id);
    item.customer_id = Some("other".to_owned());
    item.changes = json!([1]);
    let mut session = bench.session().await;
    session.replan_item(bench.workspace_id, run_id, &item, "changed").await.unwrap();
    item.item_no = 2;
    session.replan_item(bench.workspace_id, run_id, &item, "changed").await.unwrap();
    let item = bench.open(run_id, None, 0, 1).await.remove(0).item;
    assert_eq!((item.action.as_str(), item.link_id, item.changes), ("update_customer", Some(link_id), json!([1])));
    assert_eq!((item.contact_id.as_deref(), item.customer_id.as_deref()), (Some("con-1"), Some("other")));
    assert_eq!(session.updates_of_links(bench.workspace_id, run_id).await.unwrap(), 1);
}

async fn the_rest_is_settled_together(bench: &mut Bench) {
    let run_id = bench.plan(&["link", "link", "link"]).await;
    bench.settle(run_id, &[settled(2, "updated")]).await;
    let mut session = bench.session().await;
    let rest = session.settle_rest_of_items(bench.workspace_id, run_id, NOON, "parked", "why").await.unwrap();
    assert_eq!((rest, bench.open_numbers(run_id).await), (2, vec![]));
}

async fn items_are_counted_by_action(bench: &mut Bench) {
    let run_id = bench.plan(&["link", "unlink", "link"]).await;
    let mut counts = bench.session().await.items_by_action(bench.workspace_id, run_id).await.unwrap();
    counts.sort();
    assert_eq!(counts, [("link".to_owned(), 2), ("unlink".to_owned(), 1)]);
}

async fn a_plan_that_was_not_finished_is_forgotten(bench: &mut Bench) {
    let run_id = bench.plan(&["link"]).await;
    let mut session = bench.session().await;
    session.clear_items(bench.workspace_id, run_id).await.unwrap();
    assert!(bench.open_numbers(run_id).await.is_empty());
    session.analyze_items().await.unwrap();
    session.analyze_records().await.unwrap();
}
