//! Both sandboxes with an engine that reaches them over HTTP and looks at the database at every call.

use domain::{
    Side,
    view::{CheckStepView, CheckView, ConnectionView},
};
use engine::{
    CredentialField, Engine, Entropy, HttpTransport, Incoming, Keyholder, NewConnection, Outgoing, Parts, Settings,
    SystemClock, Transport, TransportError, Vault,
};
use futures::future::BoxFuture;
use sandbox::{Options, Sandbox};
use sqlx::PgPool;
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

pub(crate) struct Place {
    pub(crate) sandbox: Sandbox,
    pub(crate) engine: Engine,
    pub(crate) by: Keyholder,
    open_transactions: Arc<AtomicI64>,
}

/// Counts transactions that are open while a third party is called.
struct Watching {
    inner: Arc<dyn Transport>,
    pool: PgPool,
    open: Arc<AtomicI64>,
}

impl Transport for Watching {
    fn send(&self, request: Outgoing) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        Box::pin(async move {
            let open: i64 = sqlx::query_scalar(
                "select count(*) from pg_stat_activity
                 where datname = current_database() and state like 'idle in transaction%'",
            )
            .fetch_one(&self.pool)
            .await
            .unwrap();
            self.open.fetch_add(open, Ordering::SeqCst);
            self.inner.send(request).await
        })
    }
}

impl Place {
    pub(crate) async fn open(pool: &PgPool, contacts: usize) -> Self {
        let sandbox = sandbox::start(Options { contacts, ..Options::default() }).await.unwrap();
        let inner: Arc<dyn Transport> = Arc::new(HttpTransport::new().unwrap());
        Self::around(pool, sandbox, inner).await
    }

    pub(crate) async fn around(pool: &PgPool, sandbox: Sandbox, inner: Arc<dyn Transport>) -> Self {
        let open_transactions = Arc::new(AtomicI64::new(0));
        let transport = Watching { inner, pool: pool.clone(), open: open_transactions.clone() };
        let engine = Engine::new(Parts {
            pool: pool.clone(),
            store: Arc::new(engine::PostgresStore::new(pool.clone())),
            clock: Arc::new(SystemClock::new()),
            entropy: Entropy::from_seed(42),
            transport: Arc::new(transport),
            vault: Vault::new([7; 32]),
            settings: Settings {
                public_url: "http://127.0.0.1:3000".to_owned(),
                allowed_base_urls: vec!["http://127.0.0.1".to_owned(), "http://127.0.0.1:1".to_owned()]
                    .into_iter()
                    .chain([sandbox.highlevel.base_url.clone(), sandbox.chargify.base_url.clone()])
                    .collect(),
            },
        });
        let by = keyholder(&engine).await;
        Self { sandbox, engine, by, open_transactions }
    }

    /// A connection named `crm` to the sandbox's location.
    pub(crate) async fn add_highlevel(&self, token: Option<&str>) {
        let side = &self.sandbox.highlevel;
        let token = token.unwrap_or_else(|| side.credential("token"));
        let new = new_highlevel("crm", Some(&side.base_url), side.credential("location_id"), token);
        self.engine.add_connection(&self.by, new).await.unwrap();
    }

    /// A connection named `billing` to the sandbox's site.
    pub(crate) async fn add_chargify(&self, key: Option<&str>) {
        let side = &self.sandbox.chargify;
        let mut new = new_chargify("billing", Some(&side.base_url), key.unwrap_or_else(|| side.credential("api_key")));
        new.account = side.credential("subdomain").to_owned();
        new.credentials.push((CredentialField::SharedKey, side.credential("shared_key").into()));
        self.engine.add_connection(&self.by, new).await.unwrap();
    }

    /// Tests the connection, and that no transaction was open meanwhile.
    pub(crate) async fn test(&self, name: &str) -> CheckView {
        let check = self.engine.test_connection(&self.by, name).await.unwrap();
        assert_eq!(self.open_transactions.load(Ordering::SeqCst), 0, "a transaction was open during a call");
        check
    }

    pub(crate) async fn view(&self, name: &str) -> ConnectionView {
        let viewer = self.engine.command_line(None).await.unwrap();
        self.engine.connection(&viewer, name).await.unwrap()
    }
}

pub(crate) async fn keyholder(engine: &Engine) -> Keyholder {
    engine.command_line(None).await.unwrap().keyholder().unwrap()
}

pub(crate) fn new_chargify(name: &str, base_url: Option<&str>, key: &str) -> NewConnection {
    NewConnection {
        name: name.to_owned(),
        side: Side::Chargify,
        account: "acme".to_owned(),
        base_url: base_url.map(str::to_owned),
        webhook_public_key: None,
        app: None,
        credentials: vec![(CredentialField::ApiKey, key.into())],
    }
}

pub(crate) fn new_highlevel(name: &str, base_url: Option<&str>, location: &str, token: &str) -> NewConnection {
    NewConnection {
        name: name.to_owned(),
        side: Side::Highlevel,
        account: location.to_owned(),
        base_url: base_url.map(str::to_owned),
        webhook_public_key: None,
        app: None,
        credentials: vec![(CredentialField::Token, token.into())],
    }
}

/// The rung of that title.
pub(crate) fn step<'a>(check: &'a CheckView, title: &str) -> &'a CheckStepView {
    check
        .steps
        .iter()
        .find(|step| step.title == title)
        .unwrap_or_else(|| panic!("no rung {title} in {:#?}", check.steps))
}
