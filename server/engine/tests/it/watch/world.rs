//! Both sandboxes, an engine, and the public address under which the sandboxes reach it: a server that can be out of
//! order in many ways.

use crate::support::drain;
use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    routing::post,
};
use domain::{
    Side,
    view::{AuditFilter, WebhooksView},
};
use engine::{
    Clock, Engine, Entropy, HttpTransport, Keyholder, Outgoing, Parts, Received, Runner, Settings, Transport as _,
    Vault, Viewer, Worker,
};
use sandbox::{Options, Sandbox, chargify::customers::Change};
use sqlx::PgPool;
use std::{
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU16, Ordering},
    },
    time::{Duration, Instant},
};
use time::OffsetDateTime;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Real time, in which nobody waits.
struct Hasty(Instant);

impl Clock for Hasty {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }

    fn monotonic_ms(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_millis()).unwrap()
    }

    fn sleep(&self, _duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(Duration::from_millis(1)))
    }
}

/// Who answers at the public address.
#[derive(Clone, Default)]
pub(crate) struct Door {
    engine: Arc<OnceLock<Engine>>,
    /// What is answered in place of the engine's word; 0: nothing.
    instead: Arc<AtomicU16>,
}

impl Door {
    async fn take(
        State(door): State<Self>,
        Path((side, key)): Path<(Side, String)>,
        headers: HeaderMap,
        body: Bytes,
    ) -> StatusCode {
        let instead = door.instead.load(Ordering::SeqCst);
        if instead > 0 {
            return StatusCode::from_u16(instead).unwrap();
        }
        match door.engine.get().unwrap().receive(side, &key, &headers, &body).await {
            Ok(Received::Recorded | Received::Repeated | Received::Ignored) => StatusCode::OK,
            Ok(Received::UnknownConnection) => StatusCode::NOT_FOUND,
            Ok(Received::Refused(_)) => StatusCode::UNAUTHORIZED,
            Err(_error) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

pub(crate) struct World {
    pub(crate) pool: PgPool,
    pub(crate) sandbox: Sandbox,
    pub(crate) engine: Engine,
    door: Door,
}

impl World {
    /// Two connections; with more lines of the file, such as a sync.
    pub(crate) async fn open(pool: &PgPool, more: &str) -> Self {
        Self::at(pool, None, more).await
    }

    /// The same, with another public address than the one that works.
    pub(crate) async fn at(pool: &PgPool, public_url: Option<&str>, more: &str) -> Self {
        let door = Door::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/webhooks/{side}/{key}", post(Door::take)).with_state(door.clone());
        tokio::spawn(async { axum::serve(listener, router).await });
        let options = Options { contacts: 3, customers: Some(3), clean: true, ..Options::default() };
        let sandbox = sandbox::start(options).await.unwrap();
        // What happens there happened an hour ago, so that nobody is still trying to deliver it.
        set_back(&sandbox.chargify.base_url, 3_600).await;
        let public_url = public_url.map_or(address, str::to_owned);
        let engine = Engine::new(Parts {
            pool: pool.clone(),
            store: Arc::new(engine::PostgresStore::new(pool.clone())),
            clock: Arc::new(Hasty(Instant::now())),
            entropy: Entropy::from_system(),
            transport: Arc::new(HttpTransport::new().unwrap()),
            vault: Vault::new([7; 32]),
            settings: Settings {
                public_url,
                allowed_base_urls: vec![sandbox.highlevel.base_url.clone(), sandbox.chargify.base_url.clone()],
            },
        });
        drop(door.engine.set(engine.clone()));
        let world = Self { pool: pool.clone(), sandbox, engine, door };
        world.apply(&world.file("", more)).await.unwrap();
        world.reset_stats();
        world
    }

    /// The configuration file, with more lines for the Chargify connection and at the end.
    pub(crate) fn file(&self, of_billing: &str, more: &str) -> String {
        let (highlevel, chargify) = (&self.sandbox.highlevel, &self.sandbox.chargify);
        format!(
            r#"
            [[connection]]
            name = "crm"
            kind = "highlevel"
            location_id = "{}"
            token_env = "TOKEN"
            base_url = "{}"
            webhook_public_key = """{}"""

            [[connection]]
            name = "billing"
            kind = "chargify"
            subdomain = "{}"
            api_key_env = "API_KEY"
            shared_key_env = "SHARED_KEY"
            base_url = "{}"
            {of_billing}
            {more}
            "#,
            highlevel.credential("location_id"),
            highlevel.base_url,
            highlevel.credential("webhook_public_key"),
            chargify.credential("subdomain"),
            chargify.base_url,
        )
    }

    pub(crate) async fn apply(&self, file: &str) -> engine::Result<Vec<String>> {
        let (highlevel, chargify) = (&self.sandbox.highlevel, &self.sandbox.chargify);
        let credential = |name: &str| match name {
            "TOKEN" => Ok(highlevel.credential("token").into()),
            "API_KEY" => Ok(chargify.credential("api_key").into()),
            "SHARED_KEY" => Ok(chargify.credential("shared_key").into()),
            _ => Err(format!("{name} is not set")),
        };
        self.engine.apply(&self.viewer().await, file, &credential).await
    }

    /// From now on the public address answers this; 0: what is right.
    pub(crate) fn answer(&self, status: u16) {
        self.door.instead.store(status, Ordering::SeqCst);
    }

    pub(crate) async fn viewer(&self) -> Viewer {
        self.engine.command_line(None).await.unwrap()
    }

    pub(crate) async fn keyholder(&self) -> Keyholder {
        self.viewer().await.keyholder().unwrap()
    }

    pub(crate) async fn runner(&self) -> Runner {
        self.viewer().await.runner().unwrap()
    }

    pub(crate) async fn register(&self) -> engine::Result<Vec<String>> {
        self.engine.register_webhooks(&self.keyholder().await, "billing").await
    }

    pub(crate) async fn view(&self, connection: &str) -> WebhooksView {
        self.engine.webhooks(&self.viewer().await, connection).await.unwrap()
    }

    /// Where Chargify has to send them.
    pub(crate) async fn url(&self) -> String {
        self.view("billing").await.url
    }

    /// Makes the looks that are due and carries them out; how many there were.
    pub(crate) async fn look(&self) -> usize {
        let due = self.engine.look_at_watches().await.unwrap();
        drain(&self.engine, &self.pool).await;
        due
    }

    /// Carries out one job.
    pub(crate) async fn step(&self) -> bool {
        Worker::new(self.engine.clone()).step().await.unwrap()
    }

    /// The installation was away for so long.
    pub(crate) async fn was_away(&self, minutes: i32) {
        let away = "update heartbeat set alive_at = now() - make_interval(mins => $1)";
        sqlx::query(away).bind(minutes).execute(&self.pool).await.unwrap();
    }

    pub(crate) fn reset_stats(&self) {
        self.sandbox.highlevel.reset_stats();
        self.sandbox.chargify.reset_stats();
    }

    /// Calls to Chargify since the last reset, by endpoint.
    pub(crate) fn calls(&self) -> Vec<(String, u64)> {
        self.sandbox.chargify.stats().by_endpoint.into_iter().collect()
    }

    /// So many changes of a customer, each of which makes a webhook.
    pub(crate) fn edit_customer(&self, times: usize) {
        self.sandbox.chargify.with(|rules, now| {
            let id = rules.customers.iter().next().unwrap().id;
            for time in 0..times {
                let street = format!("{time} Main Street, {}", rules.webhooks.log().count());
                rules.edit_customer(id, Change::default().with("address", &street), now).unwrap();
            }
        });
    }

    pub(crate) async fn count(&self, what: &'static str) -> i64 {
        sqlx::query_scalar(what).fetch_one(&self.pool).await.unwrap()
    }

    /// Webhooks received that are no tests.
    pub(crate) async fn received(&self) -> i64 {
        self.count("select count(*) from delivery where event <> 'test'").await
    }

    /// What the trail says about webhooks, the latest first.
    pub(crate) async fn told(&self) -> Vec<String> {
        let viewer = self.viewer().await;
        let page = self.engine.audit_page(&viewer, AuditFilter::default()).await.unwrap();
        let about = page.lines.into_iter().filter(|line| line.action.starts_with("webhooks."));
        about.map(|line| line.words).collect()
    }
}

/// Puts the clock of a simulated service back.
async fn set_back(base_url: &str, seconds: i64) {
    let body = serde_json::json!({ "advance_s": -seconds }).to_string().into_bytes();
    let request = Outgoing {
        method: http::Method::POST,
        url: format!("{base_url}/_sandbox/clock"),
        headers: vec![("content-type", "application/json".to_owned())],
        body: Some(body),
        timeout: PATIENCE,
    };
    assert_eq!(HttpTransport::new().unwrap().send(request).await.unwrap().status, 200);
}

/// Waits until it is so.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < PATIENCE, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
