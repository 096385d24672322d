//! The nodes of a world: each a whole engine with a worker, on one store, with its own clock, wire and life.

use crate::{
    clock::NodeClock,
    life::Life,
    services::{CHARGIFY_URL, HIGHLEVEL_URL, NodeWire, Services},
};
use engine::{Engine, Entropy, Parts, Settings, Vault, Worker};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Where webhooks are sent.
pub const PUBLIC_URL: &str = "http://concord.sim";
/// Seals what is stored; the same for all nodes of a world.
const SECRET: [u8; 32] = [7; 32];

/// One node.
#[derive(Clone)]
pub struct Node {
    pub no: u32,
    pub engine: Engine,
    pub life: Arc<Life>,
    pub clock: Arc<NodeClock>,
    stop: CancellationToken,
}

/// What only pages use has no place here: it would fail loudly.
fn nowhere() -> sqlx::PgPool {
    let options = sqlx::postgres::PgConnectOptions::new_without_pgpass().host("nowhere.sim");
    // Without these two it would set timers of the real clock.
    sqlx::postgres::PgPoolOptions::new().idle_timeout(None).max_lifetime(None).connect_lazy_with(options)
}

impl Node {
    /// A node that takes webhooks and serves people, and works the queue once it is told to.
    #[must_use]
    pub fn new(no: u32, seed: u64, services: &Arc<Services>, stored: &crate::stored::Stored) -> Self {
        let life = Life::new();
        let clock = NodeClock::new(Arc::clone(&services.timeline), Arc::clone(&life));
        let witness = Arc::clone(services);
        life.tell_at_death(move || {
            let at_ms = witness.timeline.elapsed_ms();
            witness.rules().ledger.note_death(no, at_ms);
        });
        let wire = NodeWire::new(Arc::clone(services), no, Arc::clone(&life));
        let engine = Engine::new(Parts {
            store: stored.of_node(&life),
            pool: nowhere(),
            clock: Arc::clone(&clock) as Arc<dyn engine::Clock>,
            entropy: Entropy::from_seed(seed ^ u64::from(no).rotate_left(40)),
            transport: Arc::new(wire),
            vault: Vault::new(SECRET),
            settings: Settings {
                public_url: PUBLIC_URL.to_owned(),
                allowed_base_urls: vec![HIGHLEVEL_URL.to_owned(), CHARGIFY_URL.to_owned()],
            },
        });
        Self { no, engine, life, clock, stop: CancellationToken::new() }
    }

    /// Works the queue from now on.
    pub fn work(&self) {
        let (worker, stop) = (Worker::new(self.engine.clone()), self.stop.clone());
        tokio::spawn(async move { worker.run(stop).await });
    }

    /// Asks it to end in order.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stop.is_cancelled()
    }
}
