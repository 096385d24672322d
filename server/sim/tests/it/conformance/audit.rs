//! The trail's rows and head. What the chain means is the engine's business, and tested there.

use super::{Bench, bench::NOON, scenarios};
use engine::store::audit::{Columns, GENESIS};
use serde_json::json;
use std::time::Duration;

scenarios!(
    a_trail_begins_with_the_genesis,
    lines_are_read_in_order_and_move_the_head,
    lines_that_were_rolled_back_leave_the_head_where_it_was,
    a_refusal_is_found_by_subject_reason_and_time,
);

fn push(columns: &mut Columns, line_no: i64, action: &str) {
    let byte = u8::try_from(line_no).unwrap();
    columns.line_no.push(line_no);
    columns.at.push(NOON);
    columns.actor.push("system".to_owned());
    columns.actor_name.push("Concord itself".to_owned());
    columns.action.push(action.to_owned());
    columns.subject.push("connection:1".to_owned());
    columns.subject_name.push("crm".to_owned());
    columns.outcome.push("refused".to_owned());
    columns.detail.push(json!({ "reason": "unsigned" }));
    columns.run_id.push(None);
    columns.contact_id.push(Some("con".to_owned()));
    columns.customer_id.push(None);
    columns.previous_hash.push(vec![byte - 1; 32]);
    columns.hash.push(vec![byte; 32]);
}

fn lines(numbers: std::ops::RangeInclusive<i64>) -> Columns {
    let mut columns = Columns::default();
    numbers.for_each(|line_no| push(&mut columns, line_no, "delivery.refused"));
    columns
}

async fn a_trail_begins_with_the_genesis(bench: &mut Bench) {
    assert_eq!(bench.session().await.audit_head(bench.workspace_id).await.unwrap(), None);
    let mut unit = bench.store.begin().await.unwrap();
    assert_eq!(unit.lock_audit_head(bench.workspace_id).await.unwrap(), (0, GENESIS.to_vec()));
    unit.commit().await.unwrap();
    assert_eq!(bench.session().await.audit_head(bench.workspace_id).await.unwrap(), Some((0, GENESIS.to_vec())));
}

async fn lines_are_read_in_order_and_move_the_head(bench: &mut Bench) {
    let mut unit = bench.store.begin().await.unwrap();
    unit.lock_audit_head(bench.workspace_id).await.unwrap();
    unit.insert_audit_lines(bench.workspace_id, &lines(1..=3)).await.unwrap();
    unit.insert_audit_lines(bench.workspace_id, &Columns::default()).await.unwrap();
    assert_eq!(unit.lock_audit_head(bench.workspace_id).await.unwrap(), (3, vec![3; 32]));
    unit.commit().await.unwrap();
    let mut unit = bench.store.begin().await.unwrap();
    unit.freeze().await.unwrap();
    let read = unit.audit_lines_after(bench.workspace_id, 1, 9).await.unwrap();
    assert_eq!(read.iter().map(|line| line.line_no).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(unit.audit_lines_after(bench.workspace_id, 0, 1).await.unwrap().len(), 1);
    let line = read.first().unwrap();
    assert_eq!((line.at, line.contact_id.as_deref(), line.customer_id.as_deref()), (NOON, Some("con"), None));
    assert_eq!((&line.previous_hash, &line.hash), (&vec![1; 32], &vec![2; 32]));
    assert_eq!((&line.detail, line.run_number), (&json!({ "reason": "unsigned" }), None));
}

async fn lines_that_were_rolled_back_leave_the_head_where_it_was(bench: &mut Bench) {
    let mut unit = bench.store.begin().await.unwrap();
    unit.lock_audit_head(bench.workspace_id).await.unwrap();
    unit.insert_audit_lines(bench.workspace_id, &lines(1..=1)).await.unwrap();
    unit.commit().await.unwrap();
    let mut unit = bench.store.begin().await.unwrap();
    unit.lock_audit_head(bench.workspace_id).await.unwrap();
    unit.insert_audit_lines(bench.workspace_id, &lines(2..=2)).await.unwrap();
    drop(unit);
    let mut session = bench.session().await;
    assert_eq!(session.audit_head(bench.workspace_id).await.unwrap(), Some((1, vec![1; 32])));
    assert_eq!(session.audit_lines_after(bench.workspace_id, 0, 9).await.unwrap().len(), 1);
}

async fn a_refusal_is_found_by_subject_reason_and_time(bench: &mut Bench) {
    let mut unit = bench.store.begin().await.unwrap();
    unit.lock_audit_head(bench.workspace_id).await.unwrap();
    unit.insert_audit_lines(bench.workspace_id, &lines(1..=1)).await.unwrap();
    unit.commit().await.unwrap();
    let mut session = bench.session().await;
    let mut refused = async |subject: &str, reason: &str, since| {
        session.refused_since(bench.workspace_id, subject, reason, since).await.unwrap()
    };
    let before = NOON - Duration::from_secs(1);
    assert!(refused("connection:1", "unsigned", before).await);
    assert!(!refused("connection:1", "unsigned", NOON).await);
    assert!(!refused("connection:1", "other", before).await);
    assert!(!refused("connection:2", "unsigned", before).await);
}
