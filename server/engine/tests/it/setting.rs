//! What every test stands on: an engine with a clock one can turn, fixed randomness and no wire.

use engine::{
    Clock, Engine, Entropy, Incoming, NewPerson, Outgoing, Parts, Settings, Transport, TransportError, Vault,
};
use futures::future::BoxFuture;
use sqlx::PgPool;
use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};
use time::{Duration, OffsetDateTime, macros::datetime};

/// The instant at which tests begin.
pub(crate) const START: OffsetDateTime = datetime!(2026-03-01 09:00 UTC);
pub(crate) const PASSWORD: &str = "correct horse battery";

/// A clock that moves when told to.
#[derive(Debug, Default)]
pub(crate) struct TestClock {
    passed_ms: AtomicI64,
}

impl TestClock {
    pub(crate) fn pass(&self, time: Duration) {
        self.passed_ms.fetch_add(i64::try_from(time.whole_milliseconds()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> OffsetDateTime {
        START + Duration::milliseconds(self.passed_ms.load(Ordering::SeqCst))
    }

    fn monotonic_ms(&self) -> u64 {
        u64::try_from(self.passed_ms.load(Ordering::SeqCst)).unwrap()
    }

    fn sleep(&self, duration: std::time::Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.pass(Duration::try_from(duration).unwrap());
        Box::pin(std::future::ready(()))
    }
}

/// A wire that leads nowhere.
struct NoWire;

impl Transport for NoWire {
    fn send(&self, _request: Outgoing) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        Box::pin(std::future::ready(Err(TransportError::Connect("no wire in this test".to_owned()))))
    }
}

/// An engine on that database, and the clock it goes by.
pub(crate) fn engine(pool: &PgPool) -> (Engine, Arc<TestClock>) {
    engine_with_key(pool, [7; 32])
}

/// The same with another secret key.
pub(crate) fn engine_with_key(pool: &PgPool, key: [u8; 32]) -> (Engine, Arc<TestClock>) {
    let clock = Arc::new(TestClock::default());
    let engine = Engine::new(Parts {
        pool: pool.clone(),
        store: Arc::new(engine::PostgresStore::new(pool.clone())),
        clock: clock.clone(),
        entropy: Entropy::from_seed(42),
        transport: Arc::new(NoWire),
        vault: Vault::new(key),
        settings: Settings { public_url: "http://127.0.0.1:3000".to_owned(), allowed_base_urls: Vec::new() },
    });
    (engine, clock)
}

/// A person of that role with the usual password, added by the command line.
pub(crate) async fn person(engine: &Engine, email: &str, role: domain::Role) -> domain::PersonId {
    let manager = engine.command_line(None).await.unwrap().manager().unwrap();
    let new = NewPerson { email: email.to_owned(), name: String::new(), role, password: PASSWORD.into() };
    engine.add_person(&manager, new).await.unwrap().person_id
}
