//! A store with a workspace, two connections and a sync in it, and time that passes when told to.

use async_trait::async_trait;
use domain::{ConnectionId, RunId, SyncId, WorkspaceId};
use engine::{
    Clock, Store,
    store::{
        PostgresStore, Tables,
        connections::{NewConnectionRow, NewLaneRow},
        jobs::Claim,
        runs::NewRun,
        syncs::{NewSync, PolicyRow},
    },
};
use serde_json::json;
use sim::store::MemoryStore;
use sqlx::PgPool;
use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use time::{OffsetDateTime, macros::datetime};
use uuid::Uuid;

/// When scenarios happen, where the caller says when.
pub(crate) const NOON: OffsetDateTime = datetime!(2026-08-20 12:00:00.123456 UTC);

pub(crate) struct Bench {
    pub(crate) store: Arc<dyn Store>,
    time: Box<dyn Passing>,
    drawn: u128,
    /// The claim under which a scenario writes.
    pub(crate) held: Option<Claim>,
    pub(crate) workspace_id: WorkspaceId,
    pub(crate) sync_id: SyncId,
    pub(crate) crm: ConnectionId,
    /// The Chargify connection, and so the lane.
    pub(crate) site: ConnectionId,
}

/// Lets time pass on the store's own clock.
#[async_trait]
trait Passing {
    async fn pass(&self, span: Duration);
}

impl Bench {
    pub(crate) async fn in_memory() -> Self {
        let clock = Arc::new(SetClock(AtomicI64::new(0)));
        let store = MemoryStore::new(Arc::clone(&clock) as Arc<dyn Clock>);
        Self::furnished(Arc::new(store), Box::new(clock)).await
    }

    pub(crate) async fn on_postgres(pool: PgPool) -> Self {
        Self::furnished(Arc::new(PostgresStore::new(pool.clone())), Box::new(pool)).await
    }

    async fn furnished(store: Arc<dyn Store>, time: Box<dyn Passing>) -> Self {
        let bench = Self {
            store,
            time,
            drawn: 0,
            held: None,
            workspace_id: WorkspaceId(Uuid::from_u128(0xa)),
            sync_id: SyncId(Uuid::from_u128(0xb)),
            crm: ConnectionId(Uuid::from_u128(0xc)),
            site: ConnectionId(Uuid::from_u128(0xd)),
        };
        let mut session = bench.session().await;
        session.insert_workspace(bench.workspace_id, "first").await.unwrap();
        bench.connect(&mut *session, bench.crm, "crm").await;
        bench.connect(&mut *session, bench.site, "billing").await;
        bench.add_sync(bench.sync_id, "contacts", 3).await;
        bench
    }

    pub(crate) async fn session(&self) -> Box<dyn Tables> {
        self.store.session().await.unwrap()
    }

    /// Ids that differ, the same ones in every run.
    pub(crate) fn id(&mut self) -> Uuid {
        self.drawn += 1;
        Uuid::from_u128(0x1000 + self.drawn)
    }

    pub(crate) async fn pass(&self, span: Duration) {
        self.time.pass(span).await;
    }

    /// A connection with its lane; its side goes by its name.
    pub(crate) async fn connect(&self, session: &mut dyn Tables, connection_id: ConnectionId, name: &str) {
        let data_key = engine::store::connections::SealedKey { bytes: vec![1], nonce: vec![2], version: 1 };
        let row = NewConnectionRow {
            workspace_id: self.workspace_id,
            connection_id,
            public_id: &format!("public-{name}"),
            name,
            side: if name.starts_with("crm") { "highlevel" } else { "chargify" },
            account: name,
            base_url: None,
            webhook_public_key: None,
            data_key: &data_key,
            at: NOON,
        };
        session.insert_connection(row).await.unwrap();
        let lane = NewLaneRow { job_slots: 2, call_slots: 3, slots_max: 4 };
        session.insert_lane(self.workspace_id, connection_id, lane).await.unwrap();
    }

    /// A sync of the two connections with a first mapping.
    pub(crate) async fn add_sync(&self, sync_id: SyncId, name: &str, slots: i16) {
        let new = NewSync {
            workspace_id: self.workspace_id,
            sync_id,
            name,
            highlevel: self.crm,
            chargify: self.site,
            policy: policy(slots),
        };
        let mut unit = self.store.begin().await.unwrap();
        unit.insert_sync(&new).await.unwrap();
        let rules = json!({ "rules": [] });
        assert_eq!(unit.insert_mapping(self.workspace_id, sync_id, &rules, "ada", "first").await.unwrap(), 1);
        unit.commit().await.unwrap();
    }

    /// A queued run of the sync.
    pub(crate) async fn add_run(&mut self, mode: &str) -> RunId {
        let run_id = RunId(self.id());
        self.session().await.insert_run(&self.run(run_id, mode)).await.unwrap();
        run_id
    }

    pub(crate) fn run<'a>(&self, run_id: RunId, mode: &'a str) -> NewRun<'a> {
        NewRun {
            workspace_id: self.workspace_id,
            run_id,
            sync_id: self.sync_id,
            mode,
            mapping_version: 1,
            started_by: "ada",
            chosen: None,
            approval: "fuse",
            queued_at: NOON,
        }
    }
}

pub(crate) fn policy(slots: i16) -> PolicyRow {
    PolicyRow {
        enabled: true,
        slots,
        scope: json!({}),
        match_policy: json!({}),
        create_contacts: false,
        write_reference: true,
        engagements: json!({}),
        deletes: json!({}),
    }
}

pub(crate) fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> OffsetDateTime {
        NOON + Duration::from_millis(self.monotonic_ms())
    }

    fn monotonic_ms(&self) -> u64 {
        u64::try_from(self.0.load(Ordering::Relaxed)).unwrap()
    }

    fn sleep(&self, _duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::pending())
    }
}

#[async_trait]
impl Passing for Arc<SetClock> {
    async fn pass(&self, span: Duration) {
        self.0.fetch_add(i64::try_from(span.as_millis()).unwrap(), Ordering::Relaxed);
    }
}

/// Instants that Postgres's own clock sets.
const OWN_INSTANTS: [(&str, &str); 9] = [
    ("job", "run_at"),
    ("job", "lease_until"),
    ("job", "finished_at"),
    ("slot", "lease_until"),
    ("slot", "usable_from"),
    ("slot", "busy_since"),
    ("slot_wish", "until"),
    ("lane", "paused_until"),
    ("run", "finished_at"),
];

#[async_trait]
impl Passing for PgPool {
    async fn pass(&self, span: Duration) {
        for (table, column) in OWN_INSTANTS {
            let shift = format!("update {table} set {column} = {column} - $1 * interval '1 millisecond'");
            let span_ms = f64::from(u32::try_from(span.as_millis()).unwrap());
            sqlx::query(sqlx::AssertSqlSafe(shift)).bind(span_ms).execute(self).await.unwrap();
        }
    }
}
