//! A whole small world: both sandboxes, an engine that reaches them over HTTP, a sync set up from a file, and webhooks
//! caught on their way. Every call is watched for transactions that stay open meanwhile.

mod brisk;
pub(crate) mod mapping;
mod wire;

pub(crate) use brisk::HURRY;

use axum::{Router, body::Bytes, extract::Path, http::HeaderMap, routing::post};
use brisk::BriskClock;
use domain::{
    Side,
    view::{AuditFilter, AuditLineView, DeliveryView, ItemFilter, ItemView, RunView},
};
use engine::{
    Approval, Engine, Entropy, HttpTransport, Parts, Received, Runner, Settings, StartRun, Vault, Viewer, Worker,
};
use sandbox::{Latency, Options, Sandbox, chargify::customers::Change};
use sqlx::{PgPool, postgres::PgPoolOptions};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::{Mutex, mpsc};
use wire::{Offences, Watching};

pub(crate) const SYNC: &str = "contacts";
/// The city is asked about; everything else as usual.
pub(crate) const ASK: &str = r#"
    [[sync.field]]
    highlevel = "firstName"
    chargify = "first_name"
    [[sync.field]]
    highlevel = "lastName"
    chargify = "last_name"
    [[sync.field]]
    highlevel = "email"
    chargify = "email"
    [[sync.field]]
    highlevel = "city"
    chargify = "city"
    conflict = "ask"
"#;
/// Longer than anything here takes; beyond it something hangs.
const PATIENCE: Duration = Duration::from_secs(60);
/// How the world is to be.
pub(crate) struct Setup {
    pub(crate) contacts: usize,
    pub(crate) customers: usize,
    pub(crate) slots: u16,
    /// Whether webhooks may write.
    pub(crate) enabled: bool,
    pub(crate) latency_ms: u64,
    /// How much later changes show up in listings and feeds.
    pub(crate) lag_ms: u64,
    pub(crate) allow_duplicate_contacts: bool,
    /// GoHighLevel's calls of a day.
    pub(crate) daily: u32,
    /// More lines of the sync's entry.
    pub(crate) more: &'static str,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            contacts: 0,
            customers: 0,
            slots: 4,
            enabled: true,
            latency_ms: 0,
            lag_ms: 0,
            allow_duplicate_contacts: false,
            daily: 200_000,
            more: "",
        }
    }
}

/// A webhook on its way.
#[derive(Clone, Debug)]
pub(crate) struct Webhook {
    pub(crate) side: Side,
    key: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Webhook {
    /// Whether it is of that event.
    pub(crate) fn tells(&self, event: &str) -> bool {
        String::from_utf8_lossy(&self.body).contains(event)
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }
}

pub(crate) struct World {
    pub(crate) pool: PgPool,
    pub(crate) sandbox: Sandbox,
    pub(crate) engine: Engine,
    /// The engine's own connections: they die with it.
    connections: PgPool,
    offences: Offences,
    webhooks: Mutex<mpsc::UnboundedReceiver<Webhook>>,
}

impl World {
    pub(crate) async fn open(pool: &PgPool, setup: Setup) -> Self {
        let (address, webhooks) = catch_webhooks().await;
        let sandbox = sandbox::start(Options {
            contacts: setup.contacts,
            customers: Some(setup.customers),
            latency: Latency::Fixed { fixed_ms: setup.latency_ms },
            // A short window: nobody waits ten seconds for the next.
            rate: (100, Duration::from_millis(200)),
            index_lag: Duration::from_millis(setup.lag_ms),
            event_lag: Duration::from_millis(setup.lag_ms),
            allow_duplicate_contacts: setup.allow_duplicate_contacts,
            daily: setup.daily,
            highlevel_webhooks: Some(format!("{address}/highlevel/crm")),
            chargify_webhooks: Some(format!("{address}/chargify/billing")),
            ..Options::default()
        })
        .await
        .unwrap();
        let offences = Offences::default();
        let (engine, connections) = new_engine(pool, &sandbox, &offences).await;
        let webhooks = Mutex::new(webhooks);
        let world = Self { pool: pool.clone(), sandbox, engine, connections, offences, webhooks };
        world.apply(&setup).await;
        world
    }

    async fn apply(&self, setup: &Setup) {
        self.applied(setup).await.unwrap();
    }

    /// Applies the file of a setup, as it was at first or another.
    pub(crate) async fn applied(&self, setup: &Setup) -> Result<Vec<String>, engine::EngineError> {
        let (highlevel, chargify) = (&self.sandbox.highlevel, &self.sandbox.chargify);
        let file = format!(
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

            [[sync]]
            name = "{SYNC}"
            highlevel = "crm"
            chargify = "billing"
            enabled = {}
            slots = {}
            {}
            "#,
            highlevel.credential("location_id"),
            highlevel.base_url,
            highlevel.credential("webhook_public_key"),
            chargify.credential("subdomain"),
            chargify.base_url,
            setup.enabled,
            setup.slots,
            setup.more,
        );
        let credential = |name: &str| match name {
            "TOKEN" => Ok(highlevel.credential("token").into()),
            "API_KEY" => Ok(chargify.credential("api_key").into()),
            "SHARED_KEY" => Ok(chargify.credential("shared_key").into()),
            _ => Err(format!("{name} is not set")),
        };
        self.engine.apply(&self.viewer().await, &file, &credential).await
    }

    /// A further process on the same database.
    pub(crate) async fn another_engine(&self) -> Engine {
        new_engine(&self.pool, &self.sandbox, &self.offences).await.0
    }

    /// The same world with a new process in place of the old one, which is gone without a word: its connections end
    /// in the middle of whatever they were at.
    pub(crate) async fn restarted(self) -> Self {
        drop(self.engine);
        self.connections.close().await;
        let (engine, connections) = new_engine(&self.pool, &self.sandbox, &self.offences).await;
        Self { engine, connections, ..self }
    }

    pub(crate) async fn viewer(&self) -> Viewer {
        self.engine.command_line(None).await.unwrap()
    }

    pub(crate) async fn runner(&self) -> Runner {
        self.viewer().await.runner().unwrap()
    }

    pub(crate) async fn start(&self, mode: &str, approval: Approval) -> u64 {
        let start = StartRun { sync: SYNC.to_owned(), mode: mode.to_owned(), chosen: None, approval };
        self.engine.start_run(&self.runner().await, start).await.unwrap()
    }

    /// Works the queue until nothing is left in it.
    pub(crate) async fn drain(&self) {
        drain(&self.engine, &self.pool).await;
    }

    /// A run approved beforehand, from start to end.
    pub(crate) async fn run(&self, mode: &str) -> RunView {
        let number = self.start(mode, Approval::Granted).await;
        self.drain().await;
        self.ended(number).await
    }

    pub(crate) async fn view(&self, number: u64) -> RunView {
        self.engine.run(&self.viewer().await, number).await.unwrap()
    }

    /// A run that has ended: its counters balance.
    pub(crate) async fn ended(&self, number: u64) -> RunView {
        let run = self.view(number).await;
        assert!(run.finished_at.is_some(), "{run:#?}");
        assert!(run.mode == "dry-run" || run.counts.balances(), "{run:#?}");
        run
    }

    pub(crate) fn offences(&self) -> Vec<String> {
        self.offences.lock().unwrap().clone()
    }

    pub(crate) fn assert_no_transaction_was_open(&self) {
        let offences = self.offences();
        assert!(offences.is_empty(), "transactions stayed open during calls: {offences:#?}");
    }

    pub(crate) async fn items(&self, number: u64) -> Vec<ItemView> {
        let mut items = Vec::new();
        let mut after = 0;
        loop {
            let filter = ItemFilter { tab: "all".to_owned(), after, ..ItemFilter::default() };
            let page = self.engine.run_items(&self.viewer().await, number, &filter).await.unwrap();
            items.extend(page.items);
            let Some(next) = page.next else { return items };
            after = next;
        }
    }

    /// Items of that outcome.
    pub(crate) async fn items_that(&self, number: u64, outcome: &str) -> Vec<ItemView> {
        let items = self.items(number).await;
        items.into_iter().filter(|item| item.outcome.as_deref() == Some(outcome)).collect()
    }

    /// The whole trail, newest first.
    pub(crate) async fn audit_lines(&self) -> Vec<AuditLineView> {
        let auditor = self.viewer().await.auditor().unwrap();
        let mut lines: Vec<AuditLineView> = Vec::new();
        loop {
            let after = lines.last().map_or(0, |line| line.line_no);
            let page = self.engine.audit_export(&auditor, AuditFilter::default(), after).await.unwrap();
            if page.is_empty() {
                return lines;
            }
            lines.extend(page);
        }
    }

    pub(crate) async fn audit_verifies(&self) -> bool {
        let workspace_id = self.viewer().await.workspace_id();
        self.engine.verify_audit(workspace_id).await.unwrap().first_bad.is_none()
    }

    pub(crate) async fn count(&self, what: &'static str) -> i64 {
        sqlx::query_scalar(what).fetch_one(&self.pool).await.unwrap()
    }

    pub(crate) async fn links(&self) -> i64 {
        self.count("select count(*) from link where state <> 'unlinked'").await
    }

    /// The newest delivery.
    pub(crate) async fn deliveries(&self) -> Vec<DeliveryView> {
        self.engine.deliveries(&self.viewer().await, None).await.unwrap().deliveries
    }

    /// The next webhook either service sends.
    pub(crate) async fn webhook(&self) -> Webhook {
        let mut webhooks = self.webhooks.lock().await;
        tokio::time::timeout(PATIENCE, webhooks.recv()).await.unwrap().unwrap()
    }

    /// Hands a webhook to the engine, as the server does.
    pub(crate) async fn receive(&self, webhook: &Webhook) -> Received {
        self.engine.receive(webhook.side, &webhook.key, &webhook.headers, &webhook.body).await.unwrap()
    }

    /// Lets the next webhook in and works off what it asks for.
    pub(crate) async fn next_webhook(&self) -> Received {
        let webhook = self.webhook().await;
        let received = self.receive(&webhook).await;
        self.drain().await;
        received
    }

    /// Throws away the webhooks that so many writes send.
    pub(crate) async fn skip_webhooks(&self, count: u64) {
        for _ in 0..count {
            self.webhook().await;
        }
    }

    /// Forgets what was counted so far.
    pub(crate) fn reset_stats(&self) {
        self.sandbox.highlevel.reset_stats();
        self.sandbox.chargify.reset_stats();
    }

    /// Calls since the last reset: to GoHighLevel, to Chargify.
    pub(crate) fn calls(&self) -> (u64, u64) {
        (self.sandbox.highlevel.stats().calls, self.sandbox.chargify.stats().calls)
    }

    /// Writing calls since the last reset. A search is a POST that writes nothing.
    pub(crate) fn writes(&self) -> u64 {
        let of = |stats: sandbox::StatsView| -> u64 {
            let writes = stats
                .by_endpoint
                .iter()
                .filter(|(endpoint, _)| !endpoint.starts_with("GET ") && !endpoint.ends_with("/search"));
            writes.map(|(_, count)| *count).sum()
        };
        of(self.sandbox.highlevel.stats()) + of(self.sandbox.chargify.stats())
    }

    pub(crate) fn calls_to(&self, side: Side, endpoint: &str) -> u64 {
        let stats = match side {
            Side::Highlevel => self.sandbox.highlevel.stats(),
            Side::Chargify => self.sandbox.chargify.stats(),
        };
        stats.by_endpoint.get(endpoint).copied().unwrap_or_default()
    }

    /// Adds a contact as a person in GoHighLevel would; returns its id.
    pub(crate) fn add_contact(&self, first_name: &str, last_name: &str, email: &str) -> String {
        let properties = serde_json::json!({ "firstName": first_name, "lastName": last_name, "email": email });
        self.add_contact_with(&properties)
    }

    pub(crate) fn add_contact_with(&self, properties: &serde_json::Value) -> String {
        self.sandbox.highlevel.with(|rules, now| rules.add_contact(properties, now).unwrap().id)
    }

    pub(crate) fn edit_contact(&self, id: &str, properties: &serde_json::Value) {
        self.sandbox.highlevel.with(|rules, now| rules.edit_contact(id, properties, now).map(drop).unwrap());
    }

    /// An attribute of a contact, empty when unset; `None` when there is no such contact.
    pub(crate) fn contact_text(&self, id: &str, field: &str) -> Option<String> {
        self.sandbox.highlevel.with(|rules, _| {
            let contact = rules.contact(id)?;
            let text = match field {
                "firstName" => &contact.first_name,
                "lastName" => &contact.last_name,
                "email" => &contact.email,
                "phone" => &contact.phone,
                "companyName" => &contact.company_name,
                "city" => &contact.city,
                other => panic!("no test looks at {other} yet"),
            };
            Some(text.clone().unwrap_or_default())
        })
    }

    pub(crate) fn contact_ids(&self) -> Vec<String> {
        self.sandbox.highlevel.with(|rules, _| rules.main().unwrap().book.iter().map(|one| one.id.clone()).collect())
    }

    /// Adds a customer as a person in Chargify would; returns its id.
    pub(crate) fn add_customer(&self, fields: &[(&str, &str)]) -> i64 {
        self.sandbox.chargify.with(|rules, now| rules.add_customer(change(fields), now).unwrap())
    }

    pub(crate) fn edit_customer(&self, id: i64, fields: &[(&str, &str)]) {
        self.sandbox.chargify.with(|rules, now| rules.edit_customer(id, change(fields), now).map(drop).unwrap());
    }

    /// An attribute of a customer, empty when unset.
    pub(crate) fn customer_text(&self, id: i64, field: &str) -> String {
        self.sandbox.chargify.with(|rules, _| rules.customers.get(id).unwrap().text_or_blank(field).to_owned())
    }

    pub(crate) fn customer_by_reference(&self, reference: &str) -> Option<i64> {
        self.sandbox.chargify.with(|rules, _| rules.customers.by_reference(reference).map(|customer| customer.id))
    }

    /// The customer of that contact.
    pub(crate) fn customer_of(&self, contact_id: &str) -> i64 {
        self.customer_by_reference(contact_id).unwrap()
    }

    pub(crate) fn references(&self) -> Vec<String> {
        self.sandbox
            .chargify
            .with(|rules, _| rules.customers.iter().filter_map(|one| one.reference()).map(str::to_owned).collect())
    }

    pub(crate) fn customers_with_email(&self, email: &str) -> usize {
        self.sandbox.chargify.with(|rules, _| {
            rules.customers.iter().filter(|one| one.text_or_blank("email").eq_ignore_ascii_case(email)).count()
        })
    }

    pub(crate) fn customers(&self) -> usize {
        self.sandbox.chargify.with(|rules, _| rules.customers.count())
    }
}

/// Works the queue until nothing is left in it.
pub(crate) async fn drain(engine: &Engine, pool: &PgPool) {
    let worker = Worker::new(engine.clone());
    let begun = Instant::now();
    loop {
        while worker.step().await.unwrap() {
            assert!(begun.elapsed() < PATIENCE, "the queue never ends");
        }
        let open: i64 = sqlx::query_scalar("select count(*) from job where state in ('ready', 'running')")
            .fetch_one(pool)
            .await
            .unwrap();
        if open == 0 {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{open} jobs never become due");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until it is so.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < PATIENCE, "never: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn change(fields: &[(&str, &str)]) -> Change {
    fields.iter().fold(Change::default(), |change, (field, value)| change.with(field, value))
}

/// An engine with connections of its own, as many as a small server has.
async fn new_engine(pool: &PgPool, sandbox: &Sandbox, offences: &Offences) -> (Engine, PgPool) {
    let options = PgPoolOptions::new().max_connections(10);
    let pool = options.connect_with(pool.connect_options().as_ref().clone()).await.unwrap();
    let engine = Engine::new(Parts {
        pool: pool.clone(),
        store: Arc::new(engine::PostgresStore::new(pool.clone())),
        clock: Arc::new(BriskClock::default()),
        entropy: Entropy::from_system(),
        transport: Arc::new(Watching::new(HttpTransport::new().unwrap(), &pool, offences)),
        vault: Vault::new([7; 32]),
        settings: Settings {
            public_url: "http://127.0.0.1:3000".to_owned(),
            allowed_base_urls: vec![sandbox.highlevel.base_url.clone(), sandbox.chargify.base_url.clone()],
        },
    });
    (engine, pool)
}

/// A server that takes every webhook and passes it on.
async fn catch_webhooks() -> (String, mpsc::UnboundedReceiver<Webhook>) {
    let (sender, caught) = mpsc::unbounded_channel();
    let take = move |Path((side, key)): Path<(String, String)>, headers: HeaderMap, body: Bytes| {
        // A test that has ended wants no more of them.
        drop(sender.send(Webhook { side: side.parse().unwrap(), key, headers, body }));
        std::future::ready(())
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, Router::new().route("/{side}/{key}", post(take))).await });
    (address, caught)
}
