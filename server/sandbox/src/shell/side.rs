//! One running side: its rules behind a lock with everything the world adds, and the handle tests hold.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicUsize},
    time::Duration,
};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use time::OffsetDateTime;
use tokio::{
    net::TcpListener,
    sync::{Notify, Semaphore},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    clock::Clock,
    faults::{FaultRule, Script},
    sender, server,
    stats::{Recorded, Stats, StatsView},
};
use crate::{
    options::{Latency, Options, RequestHook, Side},
    service::{Service, ShellState, Slots},
    webhook::Delivery,
};

/// How long a shutdown waits for connections to end by themselves.
const PATIENCE: Duration = Duration::from_secs(2);

/// Everything one side consists of.
pub(super) struct Running<S> {
    pub(super) side: Side,
    pub(super) rules: Mutex<S>,
    pub(super) world: Mutex<World>,
    pub(super) clock: Clock,
    pub(super) slots: Option<(Slots, Arc<Semaphore>, AtomicUsize)>,
    pub(super) hook: Option<RequestHook>,
    pub(super) wake: Notify,
    pub(super) stop: CancellationToken,
    pub(super) tasks: TaskTracker,
}

/// What the shell has switched on, and what it has counted.
#[derive(Debug)]
pub(super) struct World {
    pub(super) script: Script,
    pub(super) latency: Latency,
    pub(super) stats: Stats,
    pub(super) rng: ChaCha8Rng,
    pub(super) revoked: bool,
    pub(super) target: Option<String>,
    pub(super) delivery: Delivery,
}

impl<S: Service> Running<S> {
    /// The rules. A panic elsewhere does not take them away: tests want to see what happened before it.
    pub(super) fn rules(&self) -> MutexGuard<'_, S> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_revoked(&self, revoked: bool) {
        self.world().revoked = revoked;
        self.rules().set_key_revoked(revoked);
    }

    pub(super) fn set_target(&self, url: Option<String>) {
        self.world().target.clone_from(&url);
        self.rules().set_webhook_target(url);
        self.wake.notify_one();
    }

    pub(super) fn set_delivery(&self, delivery: Delivery) {
        self.world().delivery = delivery.clone();
        self.rules().set_webhook_delivery(delivery);
        self.wake.notify_one();
    }

    pub(super) fn state(&self) -> ShellState {
        let world = self.world();
        ShellState {
            faults: world.script.rules.iter().map(FaultRule::to_string).collect(),
            latency: world.latency.to_string(),
            key_revoked: world.revoked,
            webhook_target: world.target.clone(),
            delivery: world.delivery.clone(),
            calls: world.stats.view.calls,
            webhooks_acked: world.stats.view.webhooks_acked,
            webhooks_failed: world.stats.view.webhooks_failed,
        }
    }
}

/// Listens and starts to serve.
pub(super) async fn open<S: Service>(
    side: Side,
    addr: SocketAddr,
    rules: S,
    options: &Options,
) -> io::Result<SideHandle<S>> {
    let listener = TcpListener::bind(addr).await?;
    let addr = listener.local_addr()?;
    let target = match side {
        Side::HighLevel => options.highlevel_webhooks.clone(),
        Side::Chargify => options.chargify_webhooks.clone(),
    };
    let credentials = rules.credentials();
    let slots = rules.slots().map(|slots| (slots, Arc::new(Semaphore::new(slots.running)), AtomicUsize::new(0)));
    let running = Arc::new(Running {
        side,
        rules: Mutex::new(rules),
        world: Mutex::new(World {
            script: Script::default(),
            latency: options.latency,
            stats: Stats::default(),
            rng: ChaCha8Rng::seed_from_u64(options.seed),
            revoked: false,
            target,
            delivery: Delivery::default(),
        }),
        clock: Clock::default(),
        slots,
        hook: options.on_request.clone(),
        wake: Notify::new(),
        stop: CancellationToken::new(),
        tasks: TaskTracker::new(),
    });
    running.tasks.spawn(server::serve(Arc::clone(&running), listener));
    running.tasks.spawn(sender::run(Arc::clone(&running)));
    Ok(SideHandle { base_url: format!("http://{addr}"), credentials, running })
}

/// A running side, as tests and the command line hold it. Dropping it stops the side.
pub struct SideHandle<S: Service> {
    /// Scheme, address and port, without a slash at the end.
    pub base_url: String,
    /// What a client needs besides the base URL.
    pub credentials: Value,
    running: Arc<Running<S>>,
}

impl<S: Service> std::fmt::Debug for SideHandle<S> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("SideHandle").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

impl<S: Service> Drop for SideHandle<S> {
    fn drop(&mut self) {
        self.running.stop.cancel();
    }
}

impl<S: Service> SideHandle<S> {
    /// One of the credentials by name, empty when there is none of that name.
    pub fn credential(&self, name: &str) -> &str {
        self.credentials.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// Base URL and credentials in one object.
    pub fn ready(&self) -> Value {
        let mut ready = self.credentials.clone();
        if let Some(map) = ready.as_object_mut() {
            map.insert("base_url".to_owned(), Value::from(self.base_url.as_str()));
        }
        ready
    }

    /// Reads or changes the rules directly, as a person at the service would; webhooks that come of it are sent.
    pub fn with<T>(&self, change: impl FnOnce(&mut S, OffsetDateTime) -> T) -> T {
        let done = change(&mut self.running.rules(), self.running.clock.now());
        self.running.wake.notify_one();
        done
    }

    /// The sandbox's time.
    pub fn now(&self) -> OffsetDateTime {
        self.running.clock.now()
    }

    /// Moves the sandbox's time forward.
    pub fn advance(&self, by: Duration) {
        self.running.clock.advance(time::Duration::try_from(by).unwrap_or(time::Duration::ZERO));
        self.running.wake.notify_one();
    }

    /// What was counted since the start or the last reset.
    pub fn stats(&self) -> StatsView {
        self.running.world().stats.view.clone()
    }

    /// Counts afresh and forgets the recorded requests.
    pub fn reset_stats(&self) {
        self.running.world().stats.reset();
    }

    /// The latest requests, oldest first.
    pub fn requests(&self) -> Vec<Recorded> {
        self.running.world().stats.requests.iter().cloned().collect()
    }

    /// Replaces the fault script.
    pub fn set_faults(&self, rules: Vec<FaultRule>) {
        self.running.world().script.rules = rules;
    }

    /// Changes how long answers take.
    pub fn set_latency(&self, latency: Latency) {
        self.running.world().latency = latency;
    }

    /// Changes where webhooks go.
    pub fn set_webhook_target(&self, url: Option<&str>) {
        self.running.set_target(url.map(str::to_owned));
    }

    /// Changes how webhooks are mistreated.
    pub fn set_webhook_delivery(&self, delivery: Delivery) {
        self.running.set_delivery(delivery);
    }

    /// Makes every credential fail.
    pub fn revoke_key(&self) {
        self.running.set_revoked(true);
    }

    /// Makes credentials work again.
    pub fn restore_key(&self) {
        self.running.set_revoked(false);
    }

    /// Stops serving and waits until nothing of this side runs.
    pub async fn shutdown(self) {
        self.running.stop.cancel();
        self.running.tasks.close();
        // What is still there after that is a connection its client keeps open; it ends with the runtime.
        drop(tokio::time::timeout(PATIENCE, self.running.tasks.wait()).await);
    }
}
