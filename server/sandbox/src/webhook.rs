//! Outgoing webhooks: the queue both sides use, with retries, and the ways a network mistreats deliveries. The queue
//! knows times and attempts; it never sends.

use std::collections::BTreeMap;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Deserializer, Serialize};
use time::{Duration, OffsetDateTime};

/// One attempt to deliver one webhook.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// Names this attempt's queue entry when its result is reported.
    pub delivery: u64,
    /// The id the receiver sees; equal on every retry and duplicate.
    pub webhook_id: String,
    /// The event's name, for logs.
    pub event: String,
    /// Where to send it.
    pub url: String,
    /// Headers, the content type included.
    pub headers: Vec<(String, String)>,
    /// The body, byte for byte as it was signed.
    pub body: Vec<u8>,
    /// The attempt's number, from 1.
    pub attempt: u32,
}

/// A webhook as a service writes it, before it is queued.
#[derive(Debug, Clone)]
pub struct Parcel {
    /// The id the receiver sees.
    pub webhook_id: String,
    /// The event's name.
    pub event: String,
    /// Headers, the content type included.
    pub headers: Vec<(String, String)>,
    /// The signed body.
    pub body: Vec<u8>,
}

/// How deliveries are mistreated. The default mistreats nothing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Delivery {
    /// Share of webhooks that silently vanish, 0 to 1; in JSON also `true` for all.
    #[serde(deserialize_with = "share")]
    pub drop: f64,
    /// Share of webhooks that are delivered twice, 0 to 1; in JSON also `true` for all.
    #[serde(deserialize_with = "share")]
    pub duplicate: f64,
    /// Whether webhooks waiting at the same time leave in random order.
    pub reorder: bool,
    /// Every webhook leaves this much later.
    pub delay_ms: u64,
}

fn share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Share {
        All(bool),
        Part(f64),
    }
    Ok(match Share::deserialize(deserializer)? {
        Share::All(all) => f64::from(u8::from(all)),
        Share::Part(part) => part,
    })
}

/// When a delivery that was refused is tried again, in a vendor's words.
#[derive(Debug, Clone)]
pub struct RetryPolicy {
    /// Waiting times before the second, third, ... attempt; their number bounds the retries.
    pub waits: Vec<Duration>,
    /// Random share added to each waiting time, 0 to 1.
    pub jitter: f64,
    /// Which answers count as delivered.
    pub accepts: fn(u16) -> bool,
    /// Which failures are tried again; `None` stands for no answer.
    pub retries: fn(Option<u16>) -> bool,
}

/// What a reported result meant for a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// The receiver took it.
    Delivered,
    /// It will be tried again.
    Waiting,
    /// It was refused for the last time.
    GivenUp,
    /// There is no such delivery.
    Unknown,
}

#[derive(Debug, Clone)]
struct Entry {
    parcel: Parcel,
    due: OffsetDateTime,
    attempt: u32,
    under_way: bool,
}

/// The queue of one side.
#[derive(Debug)]
pub struct Outbox {
    /// Where webhooks go; while there is no target, nothing is queued.
    pub target: Option<String>,
    /// How deliveries are mistreated.
    pub delivery: Delivery,
    /// When refused deliveries are tried again.
    pub policy: RetryPolicy,
    entries: BTreeMap<u64, Entry>,
    next: u64,
    rng: ChaCha8Rng,
}

impl Outbox {
    /// An empty queue.
    pub fn new(seed: u64, policy: RetryPolicy) -> Self {
        Self {
            target: None,
            delivery: Delivery::default(),
            policy,
            entries: BTreeMap::new(),
            next: 1,
            rng: ChaCha8Rng::seed_from_u64(seed ^ 0x9e37_79b9_7f4a_7c15),
        }
    }

    /// Queues a webhook, once, twice or not at all as [`Delivery`] has it.
    pub fn push(&mut self, parcel: Parcel, now: OffsetDateTime) {
        if self.target.is_none() || self.rng.random::<f64>() < self.delivery.drop {
            return;
        }
        let due = now + Duration::milliseconds(i64::try_from(self.delivery.delay_ms).unwrap_or(i64::MAX / 2));
        if self.rng.random::<f64>() < self.delivery.duplicate {
            self.insert(Entry { parcel: parcel.clone(), due, attempt: 0, under_way: false });
        }
        self.insert(Entry { parcel, due, attempt: 0, under_way: false });
    }

    fn insert(&mut self, entry: Entry) {
        self.entries.insert(self.next, entry);
        self.next += 1;
    }

    /// Every entry that is due, marked as under way.
    pub fn due(&mut self, now: OffsetDateTime) -> Vec<Outgoing> {
        let Some(url) = self.target.clone() else { return Vec::new() };
        let mut out = Vec::new();
        for (delivery, entry) in self.entries.iter_mut().filter(|(_, entry)| !entry.under_way && entry.due <= now) {
            entry.under_way = true;
            entry.attempt += 1;
            out.push(Outgoing {
                delivery: *delivery,
                webhook_id: entry.parcel.webhook_id.clone(),
                event: entry.parcel.event.clone(),
                url: url.clone(),
                headers: entry.parcel.headers.clone(),
                body: entry.parcel.body.clone(),
                attempt: entry.attempt,
            });
        }
        if self.delivery.reorder {
            for last in (1..out.len()).rev() {
                out.swap(last, self.rng.random_range(0..=last));
            }
        }
        out
    }

    /// Settles or reschedules a delivery that was handed out.
    pub fn result(&mut self, delivery: u64, status: Option<u16>, now: OffsetDateTime) -> Settled {
        let Some(entry) = self.entries.get_mut(&delivery) else { return Settled::Unknown };
        if status.is_some_and(self.policy.accepts) {
            self.entries.remove(&delivery);
            return Settled::Delivered;
        }
        let waited = usize::try_from(entry.attempt).unwrap_or(usize::MAX).saturating_sub(1);
        match self.policy.waits.get(waited) {
            Some(wait) if (self.policy.retries)(status) => {
                entry.under_way = false;
                entry.due = now + *wait * (1.0 + self.policy.jitter * self.rng.random::<f64>());
                Settled::Waiting
            }
            _ => {
                self.entries.remove(&delivery);
                Settled::GivenUp
            }
        }
    }

    /// When the next entry will be due.
    pub fn next_due(&self) -> Option<OffsetDateTime> {
        self.entries.values().filter(|entry| !entry.under_way).map(|entry| entry.due).min()
    }

    /// Webhooks waiting or under way.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}
