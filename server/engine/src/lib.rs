//! Concord's use cases and its only I/O: the clients of both services, sync, jobs, the store, the vault, the audit trail.
//!
//! Time, randomness and the wire reach the engine as values ([`Clock`], [`Entropy`], [`Transport`]): nothing here reads
//! a global clock or opens a hidden connection. An entry point authorises and calls one use case; a use case owns its
//! transaction; `store` owns the SQL. This crate knows nothing of HTTP pages.

mod access;
mod accounts;
mod apply;
mod audit;
mod calls;
pub mod clients;
mod clock;
mod connections;
mod database;
mod deliveries;
mod engagements;
mod entropy;
mod error;
mod fields;
mod health;
mod jobs;
mod keys;
mod logins;
mod node;
mod overview;
pub mod planted;
mod records;
mod removals;
mod runs;
mod schedules;
mod slots;
pub mod store;
mod sync;
mod syncs;
mod tombstones;
mod transport;
mod under_way;
mod vault;
mod webhooks;

pub use access::{Actor, Auditor, Editor, Keyholder, Manager, Runner, Viewer};
pub use accounts::{Added, NewOwner, NewPerson};
pub use apply::CredentialLookup;
pub use audit::{AuditFault, AuditVerdict, Fault};
pub use clock::{Clock, SystemClock};
pub use connections::{
    CredentialField, InstallAnswer, InstallAsked, InstallFault, Installed, NewApp, NewConnection, Whereabouts,
};
pub use database::{connect, migrate, wipe};
pub use deliveries::{Received, Refusal};
pub use entropy::Entropy;
pub use error::{EngineError, Result, UpstreamClass};
pub use health::Readiness;
pub use jobs::Worker;
pub use logins::{LOGIN_PERSON, LOGIN_WORKSPACE, Login, LoginHash};
pub use records::RecordAt;
pub use runs::{Approval, StartRun};
pub use store::{PostgresStore, Store};
pub use syncs::RuleDraft;
pub use transport::{HttpTransport, Incoming, Outgoing, Transport, TransportError};
pub(crate) use under_way::UnderWay;
pub use vault::Vault;

use domain::{ConnectionId, WorkspaceId};
use sqlx::PgPool;
use std::sync::{Arc, atomic::AtomicBool};
use tokio_util::sync::{CancellationToken, DropGuard};

/// The schema. Run at start and by tests.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations");

/// Changes of runs a slow listener may fall behind; it then reads the run anew anyway.
const RUN_CHANGES_BUFFER: usize = 64;

/// Everything the engine is given from outside.
pub struct Parts {
    /// What only pages and accounts need stands on Postgres alone.
    pub pool: PgPool,
    /// Everything that keeps two records in step goes through it.
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Entropy,
    pub transport: Arc<dyn Transport>,
    pub vault: Vault,
    pub settings: Settings,
}

/// What the operator decided at start.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How the outside reaches this server, without a trailing slash; webhook addresses begin with it.
    pub public_url: String,
    /// Prefixes a connection's `base_url` may have besides the official hosts.
    pub allowed_base_urls: Vec<String>,
}

/// The use cases. Cheap to clone; every clone is the same engine.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    parts: Parts,
    shared: Shared,
}

/// What all clones share besides the given parts.
struct Shared {
    node: Arc<node::Node>,
    presence_started: AtomicBool,
    /// Cancelled when the last clone is gone.
    ended: CancellationToken,
    _end: DropGuard,
    gates: slots::Gates,
    locations: clients::highlevel::Locations,
    calls: Arc<calls::CallJournal>,
    run_changes: tokio::sync::broadcast::Sender<domain::RunId>,
    job_wakes: tokio::sync::Notify,
    intake: deliveries::Intake,
    time: Arc<clock::CommonClock>,
    under_way: std::sync::Mutex<std::collections::BTreeSet<domain::IntentId>>,
}

impl Engine {
    /// Takes its parts; does no I/O.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let ended = CancellationToken::new();
        let shared = Shared {
            node: Arc::new(node::Node::new(parts.entropy.uuid())),
            presence_started: AtomicBool::new(false),
            _end: ended.clone().drop_guard(),
            ended,
            gates: slots::Gates::default(),
            locations: clients::highlevel::Locations::default(),
            calls: Arc::default(),
            run_changes: tokio::sync::broadcast::channel(RUN_CHANGES_BUFFER).0,
            job_wakes: tokio::sync::Notify::new(),
            under_way: std::sync::Mutex::default(),
            intake: deliveries::Intake::default(),
            time: Arc::new(clock::CommonClock::new(Arc::clone(&parts.clock))),
        };
        let parts = Parts { clock: Arc::clone(&shared.time) as Arc<dyn Clock>, ..parts };
        Self { inner: Arc::new(Inner { parts, shared }) }
    }

    fn from_inner(inner: Arc<Inner>) -> Self {
        Self { inner }
    }

    pub(crate) fn pool(&self) -> &PgPool {
        &self.inner.parts.pool
    }

    pub(crate) fn store(&self) -> &dyn Store {
        self.inner.parts.store.as_ref()
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        self.inner.parts.clock.as_ref()
    }

    pub(crate) fn entropy(&self) -> &Entropy {
        &self.inner.parts.entropy
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.inner.parts.vault
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.inner.parts.settings
    }

    pub(crate) fn node(&self) -> &node::Node {
        &self.inner.shared.node
    }

    pub(crate) fn locations(&self) -> &clients::highlevel::Locations {
        &self.inner.shared.locations
    }

    pub(crate) fn call_journal(&self) -> &calls::CallJournal {
        &self.inner.shared.calls
    }

    fn shared(&self) -> &Shared {
        &self.inner.shared
    }

    /// What a client of a Chargify connection is given: its calls pass the leased slots.
    pub(crate) fn chargify_wire(&self, workspace_id: WorkspaceId, connection_id: ConnectionId) -> clients::Wire {
        self.wire(Arc::new(self.gate(workspace_id, connection_id)))
    }

    /// What a client of a GoHighLevel location is given: its calls are counted by tokens, not by slots.
    pub(crate) fn highlevel_wire(&self) -> clients::Wire {
        self.wire(Arc::new(clients::OpenGate))
    }

    fn wire(&self, gate: Arc<dyn clients::Gate>) -> clients::Wire {
        clients::Wire {
            transport: Arc::clone(&self.inner.parts.transport),
            clock: Arc::clone(&self.inner.parts.clock),
            gate,
            sink: Arc::clone(&self.inner.shared.calls) as Arc<dyn clients::CallSink>,
        }
    }
}
