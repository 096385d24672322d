//! Intents: one write of a record at a time, settled once, looked up by whom it belongs to.

use super::{
    Bench,
    bench::{NOON, texts},
    scenarios,
};
use domain::{IntentId, JobId, RunId, Side};
use engine::store::{
    intents::{IntentResult, IntentRow, Journalled, NewIntent},
    jobs::Claim,
};
use serde_json::json;
use uuid::Uuid;

scenarios!(
    one_write_of_a_record_is_open_at_a_time,
    a_settled_write_stays_as_it_is,
    an_ambiguous_write_is_still_open,
    writes_of_living_nodes_are_left_to_them,
    a_run_finds_its_own_writes_and_those_that_ended_work_left,
    nothing_is_journalled_under_a_claim_that_was_lost,
    a_write_nobody_waits_for_is_everybodys_to_look_up,
    writes_of_notes_are_left_to_those_who_write_them,
);

const ONE: Uuid = Uuid::from_u128(0xe1);
const TWO: Uuid = Uuid::from_u128(0xe2);

impl Bench {
    async fn journal(
        &mut self,
        remote_key: &str,
        run_id: Option<RunId>,
        node_id: Uuid,
        job: Claim,
    ) -> (IntentId, Journalled) {
        let intent_id = IntentId(self.id());
        let new = NewIntent {
            intent_id,
            sync_id: self.sync_id,
            run_id,
            item_no: run_id.map(|_| 4),
            link_id: None,
            side: Side::Chargify,
            operation: "create",
            remote_key: remote_key.to_owned(),
            body: json!({ "email": "a@x" }),
            before: json!({}),
            sent_at: NOON + time::Duration::seconds(i64::try_from(self.id().as_u128()).unwrap()),
            node_id,
        };
        (intent_id, self.session().await.insert_intent(self.workspace_id, &new, job).await.unwrap())
    }

    /// Under a claim that holds.
    async fn send(&mut self, remote_key: &str, run_id: Option<RunId>, node_id: Uuid) -> Option<IntentId> {
        let job = self.job().await;
        let (intent_id, journalled) = self.journal(remote_key, run_id, node_id, job).await;
        assert_ne!(journalled, Journalled::Lost);
        (journalled == Journalled::Sent).then_some(intent_id)
    }

    /// The job everything is written for.
    async fn job(&mut self) -> Claim {
        if self.held.is_none() {
            self.enqueue("writes", 0, 0).await;
            let job = self.claim(600).await.unwrap();
            self.held = Some(Claim { job_id: JobId(job.job_id), fence: job.fence });
        }
        self.held.unwrap()
    }

    async fn open_rows(&self, keys: &[&str], node_id: Uuid) -> Vec<IntentRow> {
        let (mut session, keys) = (self.session().await, texts(keys));
        session.open_intents_of_keys(self.workspace_id, self.sync_id, &keys, node_id).await.unwrap()
    }

    async fn settle_as(&self, intent_id: IntentId, phase: &'static str) {
        let result = IntentResult { intent_id, phase, remote_id: None, status: Some(201), detail: None };
        self.session().await.settle_intents(self.workspace_id, &[&result], NOON).await.unwrap();
    }

    async fn open_of_keys(&self, keys: &[&str], node_id: Uuid) -> Vec<Uuid> {
        self.open_rows(keys, node_id).await.into_iter().map(|intent| intent.intent_id).collect()
    }

    async fn open_of_run(&self, run_id: RunId, node_id: Uuid) -> Vec<(Uuid, bool)> {
        let mut session = self.session().await;
        let open = session.open_intents_of_run(self.workspace_id, self.sync_id, run_id, node_id).await.unwrap();
        open.into_iter().map(|intent| (intent.intent_id, intent.run_goes_on)).collect()
    }
}

async fn one_write_of_a_record_is_open_at_a_time(bench: &mut Bench) {
    let first = bench.send("a", None, ONE).await.unwrap();
    assert!(bench.send("a", None, ONE).await.is_none());
    assert!(bench.send("b", None, ONE).await.is_some());
    bench.settle_as(first, "done").await;
    assert!(bench.send("a", None, ONE).await.is_some());
}

async fn a_settled_write_stays_as_it_is(bench: &mut Bench) {
    let intent = bench.send("a", None, ONE).await.unwrap();
    bench.settle_as(intent, "not_done").await;
    bench.settle_as(intent, "ambiguous").await;
    assert!(bench.open_of_keys(&["a"], ONE).await.is_empty());
}

async fn an_ambiguous_write_is_still_open(bench: &mut Bench) {
    let intent = bench.send("a", None, ONE).await.unwrap();
    bench.settle_as(intent, "ambiguous").await;
    assert!(bench.send("a", None, ONE).await.is_none());
    assert_eq!(bench.open_of_keys(&["a", "b"], ONE).await, [intent.0]);
    bench.settle_as(intent, "refused").await;
    assert!(bench.open_of_keys(&["a"], ONE).await.is_empty());
}

async fn writes_of_living_nodes_are_left_to_them(bench: &mut Bench) {
    let presence = bench.store.join(ONE, 11).await.unwrap();
    let theirs = bench.send("a", None, ONE).await.unwrap();
    let ours = bench.send("b", None, TWO).await.unwrap();
    assert_eq!(bench.open_of_keys(&["a", "b"], TWO).await, [ours.0]);
    assert_eq!(bench.open_of_keys(&["a"], ONE).await, [theirs.0]);
    drop(presence);
    bench.session().await.remove_node(ONE).await.unwrap();
    assert_eq!(bench.open_of_keys(&["a", "b"], TWO).await, [theirs.0, ours.0]);
}

async fn nothing_is_journalled_under_a_claim_that_was_lost(bench: &mut Bench) {
    let job = bench.job().await;
    let lost = Claim { fence: job.fence + 1, ..job };
    assert_eq!(bench.journal("a", None, ONE, lost).await.1, Journalled::Lost);
    assert_eq!(bench.journal("a", None, ONE, job).await.1, Journalled::Sent);
    assert_eq!(bench.journal("a", None, ONE, job).await.1, Journalled::Busy);
    assert_eq!(bench.journal("a", None, ONE, lost).await.1, Journalled::Lost);
}

async fn a_write_nobody_waits_for_is_everybodys_to_look_up(bench: &mut Bench) {
    let _presence = bench.store.join(ONE, 11).await.unwrap();
    let first = bench.send("a", None, ONE).await.unwrap();
    let second = bench.send("b", None, ONE).await.unwrap();
    let (workspace_id, mut session) = (bench.workspace_id, bench.session().await);
    assert!(bench.open_of_keys(&["a", "b"], TWO).await.is_empty());
    session.leave_intents_unknown(workspace_id, &[first.0], NOON).await.unwrap();
    let row = bench.open_rows(&["a"], TWO).await.remove(0);
    assert_eq!((row.intent_id, row.phase.as_str(), row.unknown_since), (first.0, "ambiguous", Some(NOON)));
    let later = NOON + time::Duration::MINUTE;
    session.leave_intents_of_node_unknown(ONE, later).await.unwrap();
    assert_eq!(bench.open_of_keys(&["a", "b"], TWO).await, [first.0, second.0]);
    let since: Vec<_> = bench.open_rows(&["a", "b"], TWO).await.into_iter().map(|row| row.unknown_since).collect();
    assert_eq!(since, [Some(NOON), Some(later)]);
}

async fn a_run_finds_its_own_writes_and_those_that_ended_work_left(bench: &mut Bench) {
    let ended = bench.add_run("full").await;
    let left = bench.send("a", Some(ended), ONE).await.unwrap();
    let webhook = bench.send("b", None, ONE).await.unwrap();
    let mut session = bench.session().await;
    session.move_run(bench.workspace_id, ended, &["queued"], "failed", None).await.unwrap();
    let running = bench.add_run("full").await;
    let other = bench.add_run("resync").await;
    let own = bench.send("c", Some(running), ONE).await.unwrap();
    bench.send("d", Some(other), ONE).await.unwrap();
    let open = bench.open_of_run(running, ONE).await;
    assert_eq!(open, [(left.0, false), (webhook.0, false), (own.0, true)]);
    let row = bench.open_rows(&["c"], ONE).await.remove(0);
    assert_eq!((row.run_id, row.item_no, row.run_goes_on), (Some(running.0), Some(4), true));
    assert_eq!((row.side.as_str(), row.operation.as_str(), row.remote_key.as_str()), ("chargify", "create", "c"));
    assert_eq!((row.body, row.before, row.unknown_since), (json!({ "email": "a@x" }), json!({}), None));
}

async fn writes_of_notes_are_left_to_those_who_write_them(bench: &mut Bench) {
    let run_id = bench.add_run("full").await;
    let job = bench.job().await;
    let (of, intent_id) = ((bench.workspace_id, bench.sync_id), IntentId(bench.id()));
    let new = NewIntent {
        intent_id,
        sync_id: of.1,
        run_id: None,
        item_no: None,
        link_id: None,
        side: Side::Chargify,
        operation: "create_note",
        remote_key: "note:n1".to_owned(),
        body: json!({}),
        before: json!({}),
        sent_at: NOON,
        node_id: ONE,
    };
    let mut session = bench.session().await;
    assert_eq!(session.insert_intent(of.0, &new, job).await.unwrap(), Journalled::Sent);
    assert!(session.open_intents_of_run(of.0, of.1, run_id, ONE).await.unwrap().is_empty());
    drop(session);
    let open: Vec<_> = bench.open_rows(&["note:n1"], ONE).await.into_iter().map(|one| one.operation).collect();
    assert_eq!(open, ["create_note"]);
    bench.settle_as(intent_id, "done").await;
    assert!(bench.open_rows(&["note:n1"], ONE).await.is_empty());
}
