//! Webhooks on their way: signing, the delivery log, five attempts, pausing and replay.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use time::{Duration, OffsetDateTime};

use super::{
    endpoints::{Endpoints, Health, KEYS, Status},
    signature::{sign, sign_legacy},
};
use crate::webhook::{Delivery, Outgoing, Settled};

const FIRST_ID: i64 = 2_566_241_561;
/// Seconds before the second to the fifth attempt, each after the failure before it (Webhooks Reference, seen 2026-11).
const WAITS: [i64; 4] = [10, 15, 90, 180];
/// Attempts in all.
const ATTEMPTS: u32 = 5;
/// Log entries kept; the vendor's retention is limited too, its length unpublished.
const KEPT: usize = 20_000;

/// Where a webhook stands, by the names `GET /webhooks.json` filters by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Pending,
    Successful,
    Failed,
    Paused,
}

impl State {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Successful => "successful",
            Self::Failed => "failed",
            Self::Paused => "paused",
        }
    }
}

/// One line of the delivery log.
#[derive(Clone, Debug)]
pub struct Webhook {
    pub id: i64,
    pub event: String,
    pub endpoint: i64,
    pub subscription_id: Option<i64>,
    pub body: String,
    pub created_at: OffsetDateTime,
    pub state: State,
    pub attempts: u32,
    pub last_sent: Option<(OffsetDateTime, String)>,
    pub last_error: Option<(OffsetDateTime, String)>,
    pub accepted_at: Option<OffsetDateTime>,
}

/// What kind of attempt waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Purpose {
    /// A delivery with its retries.
    Regular,
    /// A second copy of a delivery; nobody retries it.
    Copy,
    /// The one attempt a paused endpoint gets; it is not retried.
    Trial,
    /// Sent by hand, whatever the endpoint's health.
    Test,
}

/// An attempt that was handed out.
#[derive(Clone, Copy, Debug)]
struct Attempt {
    webhook: i64,
    endpoint: i64,
    purpose: Purpose,
}

/// Endpoints, queue and log.
#[derive(Debug)]
pub struct Webhooks {
    /// The site's switch; nothing is made while it is off.
    pub enabled: bool,
    pub endpoints: Endpoints,
    pub delivery: Delivery,
    shared_key: String,
    speedup: u32,
    log: BTreeMap<i64, Webhook>,
    queue: BTreeSet<(OffsetDateTime, i64, Purpose)>,
    under_way: HashMap<u64, Attempt>,
    next_id: i64,
    next_delivery: u64,
    rng: ChaCha8Rng,
    /// The endpoint that stands for the target named in the options.
    fixed_endpoint: Option<i64>,
}

impl Webhooks {
    /// `speedup` divides every waiting time.
    pub fn new(seed: u64, shared_key: &str, speedup: u32) -> Self {
        Self {
            enabled: false,
            endpoints: Endpoints::default(),
            delivery: Delivery::default(),
            shared_key: shared_key.to_owned(),
            speedup: speedup.max(1),
            log: BTreeMap::new(),
            queue: BTreeSet::new(),
            under_way: HashMap::new(),
            next_id: FIRST_ID,
            next_delivery: 1,
            rng: ChaCha8Rng::seed_from_u64(seed ^ 0x00c4_a261_f7eb_0001),
            fixed_endpoint: None,
        }
    }

    pub fn set_shared_key(&mut self, key: &str) {
        key.clone_into(&mut self.shared_key);
    }

    /// Points one endpoint with every key at `url`, or takes it away.
    pub fn set_target(&mut self, url: Option<String>) {
        let known = self.fixed_endpoint.take();
        match (known.and_then(|id| self.endpoints.get_mut(id)), url) {
            (Some(endpoint), Some(url)) => {
                if endpoint.url != url {
                    endpoint.health = Health::default();
                }
                endpoint.url = url;
                self.fixed_endpoint = known;
            }
            (None, Some(url)) => {
                self.enabled = true;
                self.fixed_endpoint = Some(self.endpoints.add(url, KEYS.map(str::to_owned).to_vec()));
            }
            (_, None) => {
                if let Some(id) = known {
                    self.endpoints.remove(id);
                }
            }
        }
    }

    pub fn target(&self) -> Option<&str> {
        self.endpoints.get(self.fixed_endpoint?).map(|endpoint| endpoint.url.as_str())
    }

    /// Endpoints that are to hear of an event.
    pub fn listeners(&self, key: &str) -> Vec<i64> {
        if self.enabled { self.endpoints.subscribed(key) } else { Vec::new() }
    }

    /// Makes one webhook; `fields` is the payload as a form, without `id` and `event`.
    pub fn push(
        &mut self,
        endpoint: i64,
        event: &str,
        fields: &str,
        subscription_id: Option<i64>,
        now: OffsetDateTime,
    ) -> i64 {
        let id = self.record(endpoint, event, fields, subscription_id, now);
        if self.rng.random::<f64>() < self.delivery.drop {
            return id;
        }
        let due = now + Duration::milliseconds(i64::try_from(self.delivery.delay_ms).unwrap_or_default());
        self.queue.insert((due, id, Purpose::Regular));
        if self.rng.random::<f64>() < self.delivery.duplicate {
            self.queue.insert((due, id, Purpose::Copy));
        }
        id
    }

    /// Sends a webhook by hand, as the test buttons of the service do.
    pub fn push_test(&mut self, endpoint: i64, event: &str, fields: &str, now: OffsetDateTime) -> i64 {
        let id = self.record(endpoint, event, fields, None, now);
        self.queue.insert((now, id, Purpose::Test));
        id
    }

    fn record(
        &mut self,
        endpoint: i64,
        event: &str,
        fields: &str,
        subscription_id: Option<i64>,
        now: OffsetDateTime,
    ) -> i64 {
        let id = self.next_id;
        self.next_id += self.rng.random_range(1..40);
        self.log.insert(
            id,
            Webhook {
                id,
                event: event.to_owned(),
                endpoint,
                subscription_id,
                body: format!("id={id}&event={event}&{fields}"),
                created_at: now,
                state: State::Pending,
                attempts: 0,
                last_sent: None,
                last_error: None,
                accepted_at: None,
            },
        );
        if self.log.len() > KEPT {
            self.log.pop_first();
        }
        id
    }

    /// Hands out what is due.
    pub fn due(&mut self, now: OffsetDateTime) -> Vec<Outgoing> {
        self.release_trials(now);
        let mut out = Vec::new();
        while let Some(next) = self.queue.first().copied().filter(|(due, _, _)| *due <= now) {
            self.queue.remove(&next);
            out.extend(self.attempt(next.1, next.2, now));
        }
        if self.delivery.reorder {
            for last in (1..out.len()).rev() {
                out.swap(last, self.rng.random_range(0..=last));
            }
        }
        out
    }

    fn attempt(&mut self, id: i64, purpose: Purpose, now: OffsetDateTime) -> Option<Outgoing> {
        let webhook = self.log.get_mut(&id)?;
        let Some(endpoint) = self.endpoints.get(webhook.endpoint) else {
            webhook.state = State::Failed;
            return None;
        };
        match endpoint.health.status() {
            _ if purpose == Purpose::Test => {}
            Status::Paused if purpose == Purpose::Trial => {}
            Status::Enabled => {}
            Status::Paused => {
                webhook.state = State::Paused;
                return None;
            }
            Status::Disabled => {
                webhook.state = State::Failed;
                return None;
            }
        }
        if purpose != Purpose::Copy {
            webhook.attempts += 1;
        }
        let signature = sign(&self.shared_key, webhook.body.as_bytes());
        let url = endpoint.url.replace("{signature_hmac_sha_256}", &signature);
        webhook.last_sent = Some((now, url.clone()));
        let delivery = self.next_delivery;
        self.next_delivery += 1;
        self.under_way.insert(delivery, Attempt { webhook: id, endpoint: endpoint.id, purpose });
        Some(Outgoing {
            delivery,
            webhook_id: id.to_string(),
            event: webhook.event.clone(),
            url,
            headers: vec![
                ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
                ("x-chargify-webhook-id".to_owned(), id.to_string()),
                ("x-chargify-webhook-signature-hmac-sha-256".to_owned(), signature),
                ("x-chargify-webhook-signature".to_owned(), sign_legacy(&self.shared_key, webhook.body.as_bytes())),
            ],
            body: webhook.body.clone().into_bytes(),
            attempt: webhook.attempts,
        })
    }

    /// Takes note of an attempt's outcome: exactly 200 is success, everything else a failure.
    pub fn result(&mut self, delivery: u64, status: Option<u16>, now: OffsetDateTime) -> Settled {
        let Some(attempt) = self.under_way.remove(&delivery) else { return Settled::Unknown };
        let accepted = status == Some(200);
        let mut health = Status::Disabled;
        if let Some(endpoint) = self.endpoints.get_mut(attempt.endpoint) {
            if accepted {
                endpoint.health = Health::default();
            } else {
                endpoint.health.failed(now, self.speedup);
            }
            health = endpoint.health.status();
        }
        let Some(webhook) = self.log.get_mut(&attempt.webhook) else {
            return if accepted { Settled::Delivered } else { Settled::GivenUp };
        };
        if accepted {
            webhook.state = State::Successful;
            webhook.accepted_at = Some(now);
            return Settled::Delivered;
        }
        webhook.last_error = Some((now, error_text(status, webhook.attempts)));
        if attempt.purpose == Purpose::Copy || webhook.state == State::Successful {
            return Settled::GivenUp;
        }
        let wait = usize::try_from(webhook.attempts).ok().and_then(|done| WAITS.get(done.checked_sub(1)?));
        match (health, wait) {
            (Status::Enabled, Some(seconds)) if attempt.purpose == Purpose::Regular => {
                let due = now + Duration::seconds(*seconds) / self.speedup;
                self.queue.insert((due, webhook.id, Purpose::Regular));
                Settled::Waiting
            }
            (Status::Paused, _) => {
                webhook.state = State::Paused;
                Settled::GivenUp
            }
            _ => {
                webhook.state = State::Failed;
                Settled::GivenUp
            }
        }
    }

    /// Puts each paused endpoint's oldest waiting webhook in the queue when its trial is due.
    fn release_trials(&mut self, now: OffsetDateTime) {
        let paused: Vec<i64> = self
            .endpoints
            .iter()
            .filter(|endpoint| endpoint.health.trial_at().is_some_and(|at| at <= now))
            .map(|endpoint| endpoint.id)
            .collect();
        for endpoint in paused {
            let under_way = self.under_way.values().any(|attempt| attempt.endpoint == endpoint);
            let oldest = self.log.values().find(|row| row.endpoint == endpoint && row.state == State::Paused);
            if let (false, Some(webhook)) = (under_way, oldest) {
                self.queue.insert((now, webhook.id, Purpose::Trial));
            }
        }
    }

    /// When something is due next.
    pub fn next_due(&self) -> Option<OffsetDateTime> {
        let queued = self.queue.first().map(|(due, _, _)| *due);
        let waiting = |id: i64| self.log.values().any(|row| row.endpoint == id && row.state == State::Paused);
        let trial = self
            .endpoints
            .iter()
            .filter_map(|endpoint| Some((endpoint.health.trial_at()?, endpoint.id)))
            .filter(|(_, id)| waiting(*id) && !self.under_way.values().any(|attempt| attempt.endpoint == *id))
            .map(|(at, _)| at)
            .min();
        queued.into_iter().chain(trial).min()
    }

    /// Queues webhooks again, from the first attempt on; unknown ids are ignored.
    pub fn replay(&mut self, ids: &[i64], now: OffsetDateTime) {
        for id in ids {
            let Some(webhook) = self.log.get_mut(id) else { continue };
            webhook.state = State::Pending;
            webhook.attempts = 0;
            self.queue.insert((now, *id, Purpose::Regular));
        }
    }

    /// The log, oldest first.
    pub fn log(&self) -> impl DoubleEndedIterator<Item = &Webhook> {
        self.log.values()
    }

    /// Both signatures of a body: HMAC-SHA-256 and the deprecated MD5.
    pub fn signatures(&self, body: &str) -> (String, String) {
        (sign(&self.shared_key, body.as_bytes()), sign_legacy(&self.shared_key, body.as_bytes()))
    }
}

fn error_text(status: Option<u16>, attempt: u32) -> String {
    let reason = match status {
        Some(404) => "404 Resource Not Found".to_owned(),
        Some(status) => {
            let name = http::StatusCode::from_u16(status).ok().and_then(|code| code.canonical_reason());
            format!("{status} {}", name.unwrap_or("Unknown"))
        }
        None => "Timed out connecting to server".to_owned(),
    };
    format!("{reason} (retry {attempt} of {ATTEMPTS})")
}
