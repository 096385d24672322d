//! Webhooks: the envelope around an event, its signature, and the retry rules. Source: HighLevel API docs, "Webhook
//! Integration Guide", seen 2026-08.

use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{
    Signer, SigningKey,
    pkcs8::{EncodePublicKey, spki::der::pem::LineEnding},
};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use time::{Duration, OffsetDateTime};

use super::{contact::iso, location::Event};
use crate::{
    seed,
    webhook::{Outbox, Parcel, RetryPolicy},
};

/// Retries after the first attempt.
const RETRIES: u32 = 12;
/// Retries under the older rules, where only a 429 is tried again.
const RETRIES_429: usize = 6;

/// The app that receives webhooks.
pub(super) const APP_ID: &str = "665c6bb13d4e5364bdec0e2f";
pub(super) const VERSION_ID: &str = "665c6bb13d4e5364bdec0e30";

/// The sender of one sandbox, with a key of its own.
#[derive(Debug)]
pub struct Sender {
    key: SigningKey,
    rng: ChaCha8Rng,
    speedup: u32,
    /// What waits and is under way.
    pub outbox: Outbox,
}

impl Sender {
    /// A sender whose key follows from the seed. `speedup` divides the waiting times.
    pub fn new(seed: u64, speedup: u32) -> Self {
        let mut rng = seed::rng(seed, 0, 4);
        let key = SigningKey::from_bytes(&rng.random());
        let speedup = speedup.max(1);
        Self { key, rng, speedup, outbox: Outbox::new(seed, any_failure(speedup)) }
    }

    /// The public half of the key, as PEM.
    pub fn public_key(&self) -> String {
        self.key.verifying_key().to_public_key_pem(LineEnding::LF).unwrap_or_default()
    }

    /// Chooses between the current rules and the older ones, which only retry a 429.
    pub fn retry_only_429(&mut self, only: bool) {
        self.outbox.policy = if only { only_429(self.speedup) } else { any_failure(self.speedup) };
    }

    /// Wraps, signs and queues an event.
    pub(super) fn queue(&mut self, location_id: &str, event: Event, now: OffsetDateTime) {
        self.queue_of_app(Some(location_id), event, now);
    }

    /// As [`Self::queue`], for what may concern a whole agency and then names no location.
    pub(super) fn queue_of_app(&mut self, location_id: Option<&str>, event: Event, now: OffsetDateTime) {
        let webhook_id = uuid::Builder::from_random_bytes(self.rng.random()).into_uuid().to_string();
        let mut map = event.payload;
        map.insert("type".to_owned(), Value::from(event.name));
        if let Some(id) = location_id {
            map.insert("locationId".to_owned(), Value::from(id));
        }
        map.insert("timestamp".to_owned(), Value::from(iso(now)));
        map.insert("webhookId".to_owned(), Value::from(webhook_id.as_str()));
        map.insert("versionId".to_owned(), Value::from(VERSION_ID));
        map.insert("appId".to_owned(), Value::from(APP_ID));
        let body = Value::Object(map).to_string().into_bytes();
        let signature = STANDARD.encode(self.key.sign(&body).to_bytes());
        let headers =
            vec![("content-type".to_owned(), "application/json".to_owned()), ("X-GHL-Signature".to_owned(), signature)];
        self.outbox.push(Parcel { webhook_id, event: event.name.to_owned(), headers, body }, now);
    }
}

fn success(status: u16) -> bool {
    (200..300).contains(&status)
}

/// Twelve retries of anything but success. The intervals are not published; these double from ten seconds.
fn any_failure(speedup: u32) -> RetryPolicy {
    let waits = (0..RETRIES).map(|retry| Duration::seconds(10 << retry.min(9)) / speedup).collect();
    RetryPolicy { waits, jitter: 0.2, accepts: success, retries: |_| true }
}

fn only_429(speedup: u32) -> RetryPolicy {
    let waits = vec![Duration::minutes(10) / speedup; RETRIES_429];
    RetryPolicy { waits, jitter: 0.2, accepts: success, retries: |status| status == Some(429) }
}
