//! The watch over webhooks: what is due, what was heard, the sign of life.

use super::{
    Bench,
    bench::{NOON, policy},
    scenarios,
};
use domain::{ConnectionId, WorkspaceId};
use engine::store::{
    deliveries::{DeliveryBatch, WorkBatch},
    syncs::PolicyRow,
    watches::WatchRow,
};
use time::Duration;

scenarios!(
    what_is_known_is_blank_at_first_and_kept_then,
    connections_of_syncs_that_are_on_are_due_until_they_were_looked_at,
    who_registers_is_watched_without_a_sync,
    a_refused_connection_is_not_looked_at,
    an_outage_makes_all_due_and_keeps_its_beginning,
    the_sign_of_life_returns_the_one_before,
    what_was_heard_leaves_tests_out,
    received_webhooks_are_known,
);

impl Bench {
    async fn switch(&self, enabled: bool) {
        let policy = PolicyRow { enabled, ..policy(3) };
        self.session().await.update_sync_policy(self.workspace_id, self.sync_id, &policy).await.unwrap();
    }

    async fn due_at(&self, minutes: i64) -> Vec<ConnectionId> {
        let due = self.session().await.due_watches(NOON + Duration::minutes(minutes), 10).await.unwrap();
        assert!(due.iter().all(|(workspace_id, _)| *workspace_id == self.workspace_id));
        due.into_iter().map(|(_, connection_id)| connection_id).collect()
    }

    async fn change_watch(&self, connection_id: ConnectionId, change: impl FnOnce(&mut WatchRow)) {
        let mut unit = self.store.begin().await.unwrap();
        let mut row = unit.lock_watch(self.workspace_id, connection_id).await.unwrap();
        change(&mut row);
        unit.save_watch(&row).await.unwrap();
        unit.commit().await.unwrap();
    }

    /// A webhook of that event, so many hours after noon.
    async fn hear(&mut self, webhook_id: &str, event: &str, hours: i64) {
        let new = DeliveryBatch {
            workspace_id: vec![self.workspace_id.0],
            delivery_id: vec![self.id()],
            connection_id: vec![self.site.0],
            side: vec!["chargify".to_owned()],
            webhook_id: vec![webhook_id.to_owned()],
            event: vec![event.to_owned()],
            subject_id: vec![None],
            body: vec![Vec::new()],
            arrivals: vec![1],
            ignored: vec![Some("a test".to_owned())],
        };
        let at = NOON + Duration::hours(hours);
        self.session().await.record_deliveries(&new, &WorkBatch::default(), at).await.unwrap();
    }
}

async fn what_is_known_is_blank_at_first_and_kept_then(bench: &mut Bench) {
    let mut session = bench.session().await;
    assert_eq!(session.watch(bench.workspace_id, bench.site).await.unwrap(), None);
    drop(session);
    let full = WatchRow {
        registers: true,
        endpoint_id: Some("7".to_owned()),
        endpoint_state: "paused".to_owned(),
        endpoint_at: Some(NOON),
        test_passed: Some(false),
        test_detail: Some("no way".to_owned()),
        tested_at: Some(NOON),
        missed: 3,
        missed_at: Some(NOON),
        fetched: 2,
        fetched_at: Some(NOON),
        silent_since: Some(NOON),
        outage_from: Some(NOON),
        trouble: Some("none".to_owned()),
        due_at: Some(NOON),
        ..WatchRow::blank(bench.workspace_id, bench.site)
    };
    bench
        .change_watch(bench.site, |row| {
            assert_eq!(*row, WatchRow::blank(bench.workspace_id, bench.site));
            *row = full.clone();
        })
        .await;
    let mut session = bench.session().await;
    assert_eq!(session.watch(bench.workspace_id, bench.site).await.unwrap(), Some(full));
    assert_eq!(session.watch(WorkspaceId(bench.site.0), bench.site).await.unwrap(), None, "another workspace");
}

async fn connections_of_syncs_that_are_on_are_due_until_they_were_looked_at(bench: &mut Bench) {
    bench.switch(false).await;
    assert_eq!(bench.due_at(0).await, []);
    bench.switch(true).await;
    assert_eq!(bench.due_at(0).await, [bench.crm, bench.site]);
    bench.change_watch(bench.crm, |row| row.due_at = Some(NOON + Duration::hours(1))).await;
    assert_eq!(bench.due_at(59).await, [bench.site]);
    assert_eq!(bench.due_at(60).await, [bench.crm, bench.site]);
    assert_eq!(bench.session().await.due_watches(NOON, 0).await.unwrap(), []);
}

async fn who_registers_is_watched_without_a_sync(bench: &mut Bench) {
    bench.switch(false).await;
    bench.change_watch(bench.site, |row| row.registers = true).await;
    assert_eq!(bench.due_at(0).await, [bench.site]);
}

async fn a_refused_connection_is_not_looked_at(bench: &mut Bench) {
    let mut session = bench.session().await;
    session.set_connection_state(bench.workspace_id, bench.site, ("refused", None), NOON).await.unwrap();
    drop(session);
    assert_eq!(bench.due_at(0).await, [bench.crm]);
}

async fn an_outage_makes_all_due_and_keeps_its_beginning(bench: &mut Bench) {
    bench.switch(false).await;
    assert_eq!(bench.session().await.note_outage(NOON).await.unwrap(), 0, "nothing is switched on");
    bench.switch(true).await;
    bench.change_watch(bench.crm, |row| row.due_at = Some(NOON + Duration::hours(9))).await;
    assert_eq!(bench.session().await.note_outage(NOON).await.unwrap(), 2);
    assert_eq!(bench.due_at(0).await, [bench.crm, bench.site]);
    bench.session().await.note_outage(NOON + Duration::hours(1)).await.unwrap();
    let known = bench.session().await.watch(bench.workspace_id, bench.crm).await.unwrap().unwrap();
    assert_eq!(known.outage_from, Some(NOON));
    bench.change_watch(bench.crm, |row| row.outage_from = None).await;
    bench.session().await.note_outage(NOON + Duration::hours(2)).await.unwrap();
    let known = bench.session().await.watch(bench.workspace_id, bench.crm).await.unwrap().unwrap();
    assert_eq!(known.outage_from, Some(NOON + Duration::hours(2)));
}

async fn the_sign_of_life_returns_the_one_before(bench: &mut Bench) {
    let beat = async |minutes| bench.session().await.beat(NOON + Duration::minutes(minutes)).await.unwrap();
    assert_eq!(beat(0).await, None);
    assert_eq!(beat(2).await, Some(NOON));
    assert_eq!(beat(1).await, Some(NOON + Duration::minutes(2)));
    assert_eq!(beat(3).await, Some(NOON + Duration::minutes(2)), "a clock behind takes nothing back");
}

async fn what_was_heard_leaves_tests_out(bench: &mut Bench) {
    let (workspace_id, site) = (bench.workspace_id, bench.site);
    assert_eq!(bench.session().await.heard(workspace_id, site).await.unwrap(), None);
    bench.hear("t-1", "test", -5).await;
    assert_eq!(bench.session().await.heard(workspace_id, site).await.unwrap(), None);
    for (id, hours) in [("w-1", 0), ("w-2", 1), ("w-3", 3)] {
        bench.hear(id, "customer_update", hours).await;
    }
    bench.hear("t-2", "test", 4).await;
    let hour = |hours: i64| NOON + Duration::hours(hours);
    let mut session = bench.session().await;
    assert_eq!(session.heard(workspace_id, site).await.unwrap(), Some((hour(0), hour(3))));
    let windows = [(hour(2), hour(9)), (hour(0), hour(1)), (hour(-9), hour(9)), (hour(5), hour(9))];
    assert_eq!(session.delivery_counts(workspace_id, site, &windows).await.unwrap(), [1, 1, 3, 0]);
    assert_eq!(session.delivery_counts(workspace_id, bench.crm, &windows).await.unwrap(), [0; 4]);
    assert_eq!(session.delivery_counts(workspace_id, site, &[]).await.unwrap(), [] as [u64; 0]);
}

async fn received_webhooks_are_known(bench: &mut Bench) {
    bench.hear("w-2", "customer_update", 0).await;
    bench.hear("w-1", "test", 0).await;
    let ids = ["w-1", "w-2", "w-3"].map(str::to_owned);
    let mut session = bench.session().await;
    assert_eq!(session.received_webhooks(bench.workspace_id, bench.site, &ids).await.unwrap(), ["w-1", "w-2"]);
    assert!(session.received_webhooks(bench.workspace_id, bench.crm, &ids).await.unwrap().is_empty());
}
