//! What people settled about single records, and how pairs ended.

use super::{
    Bench,
    bench::{NOON, texts},
    scenarios,
};
use domain::{Side, deletes::GoneBy};
use engine::store::{decisions::NewDecision, records::ReadMark};
use serde_json::json;

scenarios!(an_answer_takes_the_place_of_the_one_before, the_last_end_of_a_pair_counts);

async fn an_answer_takes_the_place_of_the_one_before(bench: &mut Bench) {
    let mut session = bench.session().await;
    for (id, answer) in [("1", "a"), ("2", "b"), ("1", "c")] {
        let new = NewDecision {
            workspace_id: bench.workspace_id,
            sync_id: bench.sync_id,
            side: Side::Highlevel,
            remote_id: id,
            answers: &json!([answer]),
            decided_by: "ada",
            decided_at: NOON,
        };
        session.save_decision(&new).await.unwrap();
    }
    let ids = texts(&["1", "3"]);
    let of = (bench.workspace_id, bench.sync_id);
    let found = session.decisions_of_records(of.0, of.1, Side::Highlevel, &ids).await.unwrap();
    let found: Vec<_> = found.into_iter().map(|row| (row.remote_id, row.answers, row.decided_at)).collect();
    assert_eq!(found, [("1".to_owned(), json!(["c"]), NOON)]);
    assert!(session.decisions_of_records(of.0, of.1, Side::Chargify, &ids).await.unwrap().is_empty());
}

async fn the_last_end_of_a_pair_counts(bench: &mut Bench) {
    let later = NOON + time::Duration::MINUTE;
    let (workspace_id, sync_id) = (bench.workspace_id, bench.sync_id);
    let mut session = bench.session().await;
    for (customer, at) in [("cus-2", later), ("cus-1", NOON)] {
        let link_id = bench.link("con", customer, json!({})).await.unwrap();
        session.unlink(workspace_id, link_id, "gone", at).await.unwrap();
    }
    bench.link("linked", "cus-3", json!({})).await.unwrap();
    bench.copy_of(Side::Chargify, "cus-2", None).await;
    let mark = ReadMark { workspace_id, sync_id, side: Side::Chargify, run_id: None, read_at: NOON };
    session.mark_record_gone(mark, "cus-2", GoneBy::Asked).await.unwrap();
    let ids = texts(&["con", "linked", "never"]);
    let ended = session.ended_links_of_contacts(workspace_id, sync_id, &ids).await.unwrap();
    let ended: Vec<_> = ended.into_iter().map(|row| (row.remote_id, row.ended_at, row.partner_gone_at)).collect();
    assert_eq!(ended, [("con".to_owned(), later, Some(NOON))]);
    let ids = texts(&["cus-1", "cus-3"]);
    let ended = session.ended_links_of_customers(workspace_id, sync_id, &ids).await.unwrap();
    let ended: Vec<_> = ended.into_iter().map(|row| (row.remote_id, row.ended_at, row.partner_gone_at)).collect();
    assert_eq!(ended, [("cus-1".to_owned(), NOON, None)]);
}
