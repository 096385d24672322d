//! Webhooks: recorded once, with their work, settled once.

use super::{
    Bench,
    bench::{NOON, texts},
    scenarios,
};
use engine::store::{
    Notice,
    connections::CredentialRow,
    deliveries::{DeliveryBatch, DeliveryRow, Settled, WorkBatch},
};
use serde_json::json;
use uuid::Uuid;

scenarios!(
    a_second_arrival_only_counts,
    work_is_queued_for_what_is_new,
    deliveries_of_one_record_queue_one_job,
    what_is_ignored_is_settled_at_once,
    open_deliveries_come_oldest_first_and_are_settled_once,
    a_delivery_waits_until_it_is_settled,
    a_recipient_is_meant_by_its_public_id_or_name,
    new_work_wakes_workers,
);

#[derive(Default)]
struct Arrivals {
    new: DeliveryBatch,
    work: WorkBatch,
}

impl Bench {
    /// One more arrival, with work for the subject.
    fn arrive(&mut self, arrivals: &mut Arrivals, webhook_id: &str, subject: &str, ignored: Option<&str>) -> Uuid {
        let delivery_id = self.id();
        let new = &mut arrivals.new;
        new.workspace_id.push(self.workspace_id.0);
        new.delivery_id.push(delivery_id);
        new.connection_id.push(self.crm.0);
        new.side.push("highlevel".to_owned());
        new.webhook_id.push(webhook_id.to_owned());
        new.event.push("ContactUpdate".to_owned());
        new.subject_id.push(Some(subject.to_owned()));
        new.body.push(webhook_id.as_bytes().to_vec());
        new.arrivals.push(1);
        new.ignored.push(ignored.map(str::to_owned));
        if ignored.is_none() {
            let work = &mut arrivals.work;
            work.delivery_id.push(delivery_id);
            work.workspace_id.push(self.workspace_id.0);
            work.job_id.push(self.id());
            work.lane_id.push(self.site.0);
            work.kind.push("reconcile".to_owned());
            work.payload.push(json!({ "subject": subject }));
            work.priority.push(0);
            work.coalesce_key.push(format!("reconcile:{subject}"));
        }
        delivery_id
    }

    async fn record(&self, arrivals: &Arrivals, at_s: i64) -> Vec<Uuid> {
        let at = NOON + time::Duration::seconds(at_s);
        let mut ids = self.session().await.record_deliveries(&arrivals.new, &arrivals.work, at).await.unwrap();
        ids.sort_unstable();
        ids
    }

    async fn arrived(&mut self, webhook_id: &str, subject: &str, at_s: i64) -> (Uuid, bool) {
        let mut one = Arrivals::default();
        let id = self.arrive(&mut one, webhook_id, subject, None);
        let is_new = self.record(&one, at_s).await == [id];
        (id, is_new)
    }

    async fn waiting(&self, subjects: &[&str]) -> Vec<DeliveryRow> {
        let mut session = self.session().await;
        session.open_deliveries(self.workspace_id, self.crm, &texts(subjects)).await.unwrap()
    }
}

async fn a_second_arrival_only_counts(bench: &mut Bench) {
    let (first, is_new) = bench.arrived("w-1", "con", 0).await;
    assert!(is_new);
    assert!(!bench.arrived("w-1", "con", 1).await.1);
    assert!(bench.arrived("w-2", "con", 2).await.1);
    let waiting = bench.waiting(&["con"]).await;
    assert_eq!(waiting.len(), 2);
    let row = waiting.first().unwrap();
    assert_eq!((row.delivery_id, row.event.as_str(), row.side.as_str()), (first, "ContactUpdate", "highlevel"));
    assert_eq!(row.body, b"w-1");
}

async fn work_is_queued_for_what_is_new(bench: &mut Bench) {
    bench.arrived("w-1", "con", 0).await;
    let job = bench.claim(60).await.unwrap();
    assert_eq!((job.kind.as_str(), &job.payload), ("reconcile", &json!({ "subject": "con" })));
    bench.session().await.finish_job(&job, "done", None).await.unwrap();
    bench.arrived("w-1", "con", 1).await;
    assert!(bench.claim(60).await.is_none());
}

async fn deliveries_of_one_record_queue_one_job(bench: &mut Bench) {
    let mut both = Arrivals::default();
    bench.arrive(&mut both, "w-1", "con", None);
    bench.arrive(&mut both, "w-2", "con", None);
    assert_eq!(bench.record(&both, 0).await.len(), 2);
    bench.arrived("w-3", "con", 1).await;
    assert!(bench.claim(60).await.is_some());
    assert!(bench.claim(60).await.is_none());
    assert_eq!(bench.session().await.next_due_ms().await.unwrap(), None);
}

async fn what_is_ignored_is_settled_at_once(bench: &mut Bench) {
    let mut ignored = Arrivals::default();
    let id = bench.arrive(&mut ignored, "w-1", "con", Some("nobody listens"));
    assert_eq!(bench.record(&ignored, 0).await, [id]);
    assert_eq!(bench.waiting(&["con"]).await.len(), 0);
    assert!(bench.claim(60).await.is_none());
}

async fn open_deliveries_come_oldest_first_and_are_settled_once(bench: &mut Bench) {
    let (late, _) = bench.arrived("w-1", "con", 5).await;
    let (early, _) = bench.arrived("w-2", "con", 1).await;
    bench.arrived("w-3", "other", 0).await;
    let ids: Vec<Uuid> = bench.waiting(&["con", "none"]).await.iter().map(|row| row.delivery_id).collect();
    assert_eq!(ids, [early, late]);
    let settled = Settled { state: "done", outcome: Some("updated"), detail: None, at: NOON };
    let mut session = bench.session().await;
    assert_eq!(session.settle_deliveries(bench.workspace_id, &[early, early], &settled).await.unwrap(), 1);
    assert_eq!(session.settle_deliveries(bench.workspace_id, &[early, late], &settled).await.unwrap(), 1);
    assert_eq!(bench.waiting(&["con"]).await.len(), 0);
}

async fn a_delivery_waits_until_it_is_settled(bench: &mut Bench) {
    let mut arrivals = Arrivals::default();
    let delivery_id = bench.arrive(&mut arrivals, "w1", "con-1", None);
    let mut session = bench.session().await;
    session.record_deliveries(&arrivals.new, &arrivals.work, NOON).await.unwrap();
    let before = NOON - time::Duration::seconds(1);
    let mut waits = async |subject: &str, since| {
        session.delivery_waits(bench.workspace_id, bench.crm, subject, since).await.unwrap()
    };
    assert!(waits("con-1", before).await);
    assert!(!waits("con-1", NOON).await, "it came before that");
    assert!(!waits("con-2", before).await);
    let settled = Settled { state: "done", outcome: Some("echo"), detail: None, at: NOON };
    bench.session().await.settle_deliveries(bench.workspace_id, &[delivery_id], &settled).await.unwrap();
    assert!(!waits("con-1", before).await);
}

async fn a_recipient_is_meant_by_its_public_id_or_name(bench: &mut Bench) {
    let mut session = bench.session().await;
    let shared_key = CredentialRow {
        field: "shared_key".to_owned(),
        sealed: vec![9],
        nonce: vec![8],
        hint: "last".to_owned(),
        set_at: NOON,
    };
    session.put_credential(bench.workspace_id, bench.site, &shared_key).await.unwrap();
    bench.connect(&mut *session, domain::ConnectionId(Uuid::from_u128(0xcc)), "crm-2").await;
    let mut recipients = session.recipients(&texts(&["billing", "public-billing", "crm-2", "nobody"])).await.unwrap();
    recipients.sort_by(|one, other| one.key.cmp(&other.key));
    let keys: Vec<&str> = recipients.iter().map(|row| row.key.as_str()).collect();
    assert_eq!(keys, ["billing", "crm-2", "public-billing"]);
    let billing = recipients.first().unwrap();
    assert_eq!((billing.connection_id, billing.side.as_str()), (bench.site.0, "chargify"));
    assert_eq!((&billing.shared_key, &billing.shared_key_nonce), (&Some(vec![9]), &Some(vec![8])));
    assert_eq!((&billing.sync_ids, &billing.lane_ids), (&vec![bench.sync_id.0], &vec![bench.site.0]));
    let unused = recipients.get(1).unwrap();
    assert_eq!((unused.shared_key.is_some(), unused.sync_ids.len(), unused.lane_ids.len()), (false, 0, 0));
}

async fn new_work_wakes_workers(bench: &mut Bench) {
    let mut notices = bench.store.notices().await.unwrap();
    bench.arrived("w-1", "con", 0).await;
    assert_eq!(notices.next().await.unwrap(), Notice::Jobs);
}
