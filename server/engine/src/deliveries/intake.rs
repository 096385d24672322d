//! Where arrivals become durable. Those that come while others are being written wait a moment and are then written
//! together, in one statement: a burst costs the database a few commits instead of one each. Alone, an arrival waits for
//! nobody.

use super::{Parsed, Received, Refusal, chargify, engagement, highlevel, workflow};
use crate::{
    Engine, EngineError, Result,
    clients::Priority,
    connections::CredentialField,
    jobs::Job,
    store::deliveries::{DeliveryBatch, RecipientRow, WorkBatch},
    vault::{Belonging, Sealed, SealedKey},
};
use domain::{ConnectionId, Side, SyncId, WorkspaceId, limits};
use http::HeaderMap;
use secrecy::SecretString;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::oneshot;
use uuid::Uuid;

/// What is to be answered.
pub(super) enum Verdict {
    Received(Received),
    Refused(Arc<RecipientRow>, Refusal),
}

/// The arrivals of this process that wait to be written.
#[derive(Default)]
pub(crate) struct Intake {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: Vec<Arrival>,
    /// Whether somebody will come back for `waiting`.
    is_written: bool,
}

struct Arrival {
    side: Side,
    key: String,
    headers: HeaderMap,
    body: Vec<u8>,
    answer: oneshot::Sender<Result<Verdict>>,
}

impl Intake {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held; the queue is whole whatever happened.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an arrival. True: nobody writes, so the caller must see to it.
    fn push(&self, arrival: Arrival) -> Result<bool> {
        let mut state = self.state();
        if state.waiting.len() >= limits::DELIVERIES_WAITING {
            return Err(EngineError::Throttled { retry_after: Duration::from_secs(30) });
        }
        state.waiting.push(arrival);
        Ok(!std::mem::replace(&mut state.is_written, true))
    }

    /// The next ones to be written, oldest first; none: the writer is done and the next arrival needs another.
    fn next(&self) -> Vec<Arrival> {
        let mut state = self.state();
        let count = state.waiting.len().min(limits::DELIVERY_BATCH);
        let batch: Vec<Arrival> = state.waiting.drain(..count).collect();
        state.is_written = !batch.is_empty();
        batch
    }
}

impl Engine {
    pub(super) async fn take_in(&self, side: Side, key: &str, headers: &HeaderMap, body: &[u8]) -> Result<Verdict> {
        let (answer, answered) = oneshot::channel();
        let arrival = Arrival { side, key: key.to_owned(), headers: headers.clone(), body: body.to_vec(), answer };
        if self.shared().intake.push(arrival)? {
            // A task of its own: whoever asked may hang up, and others wait for the same write.
            let engine = self.clone();
            tokio::spawn(async move {
                loop {
                    let batch = engine.shared().intake.next();
                    if batch.is_empty() {
                        break;
                    }
                    engine.write_down_arrivals(batch).await;
                }
            });
        }
        answered.await.unwrap_or(Err(EngineError::Bug("an arrival was dropped unanswered")))
    }

    async fn write_down_arrivals(&self, batch: Vec<Arrival>) {
        let recipients = match self.recipients(&batch).await {
            Ok(recipients) => recipients,
            Err(error) => return answer_all(batch, &error),
        };
        let mut genuine: Vec<Genuine> = Vec::with_capacity(batch.len());
        for arrival in batch {
            let Some(known) = recipients.get(&(arrival.side, arrival.key.clone())) else {
                arrival.tell(Ok(Verdict::Received(Received::UnknownConnection)));
                continue;
            };
            match known.read(&arrival) {
                Ok(parsed) => genuine.push(Genuine::new(arrival, known, self.named(parsed))),
                Err(refusal) => arrival.tell(Ok(Verdict::Refused(Arc::clone(&known.row), refusal))),
            }
        }
        if genuine.is_empty() {
            return;
        }
        match self.record_arrivals(&genuine).await {
            Ok(received) => {
                for (genuine, received) in genuine.into_iter().zip(received) {
                    genuine.arrival.tell(Ok(Verdict::Received(received)));
                }
            }
            // One that cannot be kept must not take the others along.
            Err(EngineError::Database(sqlx::Error::Database(_))) if genuine.len() > 1 => {
                for genuine in genuine {
                    let received = self.record_arrivals(std::slice::from_ref(&genuine)).await;
                    let first = received.map(|received| received.first().copied().unwrap_or(Received::Recorded));
                    genuine.arrival.tell(first.map(Verdict::Received));
                }
            }
            Err(error) => answer_all(genuine.into_iter().map(|genuine| genuine.arrival).collect(), &error),
        }
    }

    /// Whom the arrivals are addressed to, each with its key opened once.
    async fn recipients(&self, batch: &[Arrival]) -> Result<BTreeMap<(Side, String), Known>> {
        let keys: BTreeSet<&str> = batch.iter().map(|arrival| arrival.key.as_str()).collect();
        let keys: Vec<String> = keys.into_iter().map(str::to_owned).collect();
        let mut conn = self.store().session().await?;
        let rows = conn.recipients(&keys).await?;
        drop(conn);
        let mut by_key: BTreeMap<String, Vec<RecipientRow>> = BTreeMap::new();
        for row in rows {
            by_key.entry(row.key.clone()).or_default().push(row);
        }
        let mut known = BTreeMap::new();
        for (key, mut rows) in by_key {
            rows.sort_by_key(|row| row.public_id != key);
            let is_certain = rows.len() == 1 || rows.first().is_some_and(|row| row.public_id == key);
            rows.truncate(1);
            if let Some(row) = rows.pop().filter(|_| is_certain) {
                known.insert((row.side(), key), self.opened_recipient(row)?);
            }
        }
        Ok(known)
    }

    fn opened_recipient(&self, row: RecipientRow) -> Result<Known> {
        let field = match row.side() {
            Side::Highlevel => CredentialField::WorkflowSecret,
            Side::Chargify => CredentialField::SharedKey,
        };
        let shared_key = match (&row.shared_key, &row.shared_key_nonce) {
            (Some(bytes), Some(nonce)) => {
                let data_key = SealedKey {
                    bytes: row.data_key.clone(),
                    nonce: row.data_key_nonce.clone(),
                    version: row.key_version,
                };
                let belonging = Belonging {
                    workspace_id: WorkspaceId(row.workspace_id),
                    connection_id: ConnectionId(row.connection_id),
                    field: field.as_str(),
                };
                let sealed = Sealed { bytes: bytes.clone(), nonce: nonce.clone() };
                Some(self.vault().open(&data_key, belonging, &sealed)?)
            }
            _ => None,
        };
        Ok(Known { row: Arc::new(row), shared_key })
    }

    /// What became of each, in their order. Deliveries and work commit together: a crash in between must not leave an
    /// acknowledged webhook nobody looks at.
    async fn record_arrivals(&self, genuine: &[Genuine]) -> Result<Vec<Received>> {
        if crate::planted!(AnswerFirst) {
            return Ok(vec![Received::Recorded; genuine.len()]);
        }
        let mut new = DeliveryBatch::default();
        let mut work = WorkBatch::default();
        // Row of the batch by what makes a delivery the same, and for each arrival its row and whether it is the first.
        let mut rows: BTreeMap<(Uuid, &str), usize> = BTreeMap::new();
        let mut places = Vec::with_capacity(genuine.len());
        for arrival in genuine {
            let row = &arrival.recipient;
            let place = *rows.entry((row.connection_id, arrival.webhook_id())).or_insert(new.delivery_id.len());
            let is_first = place == new.delivery_id.len();
            places.push((place, is_first));
            if is_first {
                let delivery_id = self.entropy().uuid();
                arrival.add_to(&mut new, delivery_id);
                self.add_work(arrival, delivery_id, &mut work)?;
            } else if let Some(arrivals) = new.arrivals.get_mut(place) {
                *arrivals += 1;
            }
        }
        let mut conn = self.store().session().await?;
        let recorded = conn.record_deliveries(&new, &work, self.clock().now()).await?;
        let recorded: BTreeSet<Uuid> = recorded.into_iter().collect();
        let received = places.into_iter().zip(genuine).map(|((place, is_first), arrival)| {
            let is_new = new.delivery_id.get(place).is_some_and(|id| recorded.contains(id));
            match (is_first && is_new, arrival.ignored()) {
                (false, _) => Received::Repeated,
                (true, None) => Received::Recorded,
                (true, Some(_)) => Received::Ignored,
            }
        });
        Ok(received.collect())
    }

    /// Workflows give their webhooks no id and send none of them twice: each is one of its own.
    fn named(&self, mut parsed: Parsed) -> Parsed {
        if parsed.event == workflow::EVENT {
            parsed.webhook_id = Some(format!("workflow:{}", self.entropy().uuid()));
        }
        parsed
    }

    fn add_work(&self, arrival: &Genuine, delivery_id: Uuid, work: &mut WorkBatch) -> Result<()> {
        let (None, Some(subject)) = (arrival.ignored(), &arrival.parsed.subject_id) else { return Ok(()) };
        let row = &arrival.recipient;
        if arrival.is_uninstall() {
            let job = Job::Uninstall { connection_id: ConnectionId(row.connection_id) };
            // No sync need be there: the connection's own lane is.
            work.delivery_id.push(delivery_id);
            work.workspace_id.push(row.workspace_id);
            work.job_id.push(self.entropy().uuid());
            work.lane_id.push(row.connection_id);
            work.kind.push(job.kind().to_owned());
            work.priority.push(Priority::Live.rank());
            work.coalesce_key.push(job.coalesce_key());
            work.payload
                .push(serde_json::to_value(&job).map_err(|_infallible| EngineError::Bug("a job does not serialise"))?);
            return Ok(());
        }
        for (sync_id, lane_id) in row.sync_ids.iter().zip(&row.lane_ids) {
            for job in jobs_of(arrival, SyncId(*sync_id), subject) {
                work.delivery_id.push(delivery_id);
                work.workspace_id.push(row.workspace_id);
                work.job_id.push(self.entropy().uuid());
                work.lane_id.push(*lane_id);
                work.kind.push(job.kind().to_owned());
                work.priority.push(Priority::Live.rank());
                work.coalesce_key.push(job.coalesce_key());
                let payload = serde_json::to_value(&job);
                work.payload.push(payload.map_err(|_infallible| EngineError::Bug("a job does not serialise"))?);
            }
        }
        Ok(())
    }
}

/// What a delivery asks for. Who signed up for something may have notes waiting for it.
fn jobs_of(arrival: &Genuine, sync_id: SyncId, subject: &str) -> Vec<Job> {
    let side = arrival.recipient.side();
    if let Some((engagement, remote_id)) = engagement::of_subject(side, &arrival.parsed.event, subject) {
        return vec![Job::Engagement { sync_id, engagement, remote_id }];
    }
    let mut jobs = vec![Job::Reconcile { sync_id, side, remote_id: subject.to_owned() }];
    if side == Side::Chargify && arrival.parsed.event == "signup_success" {
        jobs.push(Job::Engagements { sync_id, side, remote_id: subject.to_owned() });
    }
    jobs
}

/// A connection with its key open.
struct Known {
    row: Arc<RecipientRow>,
    shared_key: Option<SecretString>,
}

impl Known {
    fn read(&self, arrival: &Arrival) -> Result<Parsed, Refusal> {
        match arrival.side {
            Side::Highlevel => highlevel::read(&self.row, self.shared_key.as_ref(), &arrival.headers, &arrival.body),
            Side::Chargify => chargify::read(&self.row, self.shared_key.as_ref(), &arrival.headers, &arrival.body),
        }
    }
}

/// An arrival that is proved.
struct Genuine {
    arrival: Arrival,
    recipient: Arc<RecipientRow>,
    parsed: Parsed,
}

impl Genuine {
    fn new(arrival: Arrival, known: &Known, parsed: Parsed) -> Self {
        let parsed = parsed.storable(&arrival.body);
        Self { arrival, recipient: Arc::clone(&known.row), parsed }
    }

    fn webhook_id(&self) -> &str {
        self.parsed.webhook_id.as_deref().unwrap_or_default()
    }

    fn is_uninstall(&self) -> bool {
        self.recipient.side() == Side::Highlevel && self.parsed.event == highlevel::UNINSTALL
    }

    /// Why nothing is done about it.
    fn ignored(&self) -> Option<&'static str> {
        let unheard = self.recipient.sync_ids.is_empty() && !self.is_uninstall();
        let nobody = unheard.then_some("no sync uses this connection");
        self.parsed.ignored.or(nobody)
    }

    fn add_to(&self, new: &mut DeliveryBatch, delivery_id: Uuid) {
        new.workspace_id.push(self.recipient.workspace_id);
        new.delivery_id.push(delivery_id);
        new.connection_id.push(self.recipient.connection_id);
        new.side.push(self.recipient.side.clone());
        new.webhook_id.push(self.webhook_id().to_owned());
        new.event.push(self.parsed.event.clone());
        new.subject_id.push(self.parsed.subject_id.clone());
        new.body.push(self.arrival.body.clone());
        new.arrivals.push(1);
        new.ignored.push(self.ignored().map(str::to_owned));
    }
}

impl Arrival {
    /// Whoever asked may have gone; what was recorded stays recorded.
    fn tell(self, verdict: Result<Verdict>) {
        drop(self.answer.send(verdict));
    }
}

/// The same failure for all of them.
fn answer_all(batch: Vec<Arrival>, error: &EngineError) {
    tracing::error!(
        error = error as &dyn std::error::Error,
        deliveries = batch.len(),
        "webhooks could not be recorded; their senders are told to come again"
    );
    for arrival in batch {
        let failure = match error {
            EngineError::Sealed(what) => EngineError::Sealed(what),
            EngineError::Bug(what) => EngineError::Bug(what),
            other => EngineError::Database(sqlx::Error::Io(std::io::Error::other(other.to_string()))),
        };
        arrival.tell(Err(failure));
    }
}
