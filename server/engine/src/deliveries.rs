//! Received webhooks: proved genuine over their raw bytes, recorded together with the work they call for, and only then
//! acknowledged. Nothing here acts on a webhook; that is the worker's part.

mod chargify;
mod engagement;
mod form;
mod highlevel;
mod intake;
mod payload;
mod refusal;
mod signature;
mod subscription;
mod workflow;

pub(crate) use engagement::{HeardEngagement, engagement_subject, heard_engagement};
pub(crate) use highlevel::told_at;
pub(crate) use intake::Intake;
pub(crate) use payload::payload_record;
pub use refusal::Refusal;
pub(crate) use signature::sign_chargify as chargify_signature;
pub(crate) use subscription::payload_subscription;

use crate::{Engine, EngineError, Result, Viewer, store};
use domain::{
    DeliveryId, Side, limits,
    view::{At, DeliveryPageView, DeliveryView},
};
use http::HeaderMap;
use intake::Verdict;
use sha2::{Digest as _, Sha256};

/// What became of an arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// Recorded, and its work queued.
    Recorded,
    /// The same webhook came before: counted, nothing else.
    Repeated,
    /// Genuine, recorded, and nothing is done about it.
    Ignored,
    /// Not taken; nothing but (at most) an audit line was written.
    Refused(Refusal),
    /// No connection of that side has this public id or name.
    UnknownConnection,
}

/// Longer than any id or event name of either service; what is longer would not fit an index.
const WORD_BYTES_MAX: usize = 200;

/// A genuine webhook, as far as it is understood.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Parsed {
    /// The sender's id; none: the body's digest stands for it.
    webhook_id: Option<String>,
    event: String,
    subject_id: Option<String>,
    /// Why nothing is done about it; `None`: the subject is looked at.
    ignored: Option<&'static str>,
}

impl Parsed {
    /// As the database can keep it: without the NUL that JSON allows, and no longer than an index takes. One arrival
    /// that cannot be kept must not stand in the way of others.
    fn storable(mut self, body: &[u8]) -> Self {
        let is_word = |text: &String| text.len() <= WORD_BYTES_MAX && !text.contains('\0');
        self.webhook_id = Some(self.webhook_id.filter(is_word).unwrap_or_else(|| digest(body)));
        self.event = self.event.chars().filter(|char| *char != '\0').take(WORD_BYTES_MAX / 4).collect();
        if self.subject_id.as_ref().is_some_and(|id| !is_word(id)) {
            self.subject_id = None;
            self.ignored = self.ignored.or(Some("the id it names is none of the service's"));
        }
        self
    }
}

impl Engine {
    /// Takes a webhook in. `key` is the connection's public id, or its name while that is unique in the installation.
    ///
    /// Whatever is not refused is durable when this returns. A second arrival of one webhook only counts.
    ///
    /// # Errors
    /// Database errors: nothing is recorded, the sender should try again.
    pub async fn receive(&self, side: Side, key: &str, headers: &HeaderMap, body: &[u8]) -> Result<Received> {
        match self.take_in(side, key, headers, body).await? {
            Verdict::Received(received) => Ok(received),
            Verdict::Refused(recipient, refusal) => {
                self.note_refused_delivery(&recipient, refusal).await?;
                Ok(Received::Refused(refusal))
            }
        }
    }

    /// Where the service at this address would have to send webhooks: one address per connection made to it, the newest
    /// first. For a simulated service, which nobody sets up by hand.
    ///
    /// # Errors
    /// Database errors.
    pub async fn webhook_addresses(&self, side: Side, base_url: &str) -> Result<Vec<String>> {
        let mut conn = self.pool().acquire().await?;
        let ids = store::deliveries::connected_to(&mut conn, side, base_url).await?;
        let public_url = &self.settings().public_url;
        Ok(ids.into_iter().map(|id| format!("{public_url}/webhooks/{side}/{id}")).collect())
    }

    /// Received webhooks, newest first: those before the delivery named by `before` (the `next` of the page before).
    ///
    /// # Errors
    /// [`EngineError::Invalid`] for a `before` that is none; database errors.
    pub async fn deliveries(&self, viewer: &Viewer, before: Option<&str>) -> Result<DeliveryPageView> {
        let before = before
            .map(|text| text.parse::<DeliveryId>())
            .transpose()
            .map_err(|_shape| EngineError::invalid("before: take the value of the page before"))?;
        let mut conn = self.pool().acquire().await?;
        let mut rows = store::deliveries::page(&mut conn, viewer.workspace_id(), before, limits::LIST_PAGE + 1).await?;
        let page = usize::try_from(limits::LIST_PAGE).unwrap_or(usize::MAX);
        let more = rows.len() > page;
        rows.truncate(page);
        let next = if more { rows.last().map(|row| row.delivery_id.to_string()) } else { None };
        Ok(DeliveryPageView { deliveries: rows.into_iter().map(view).collect(), next })
    }
}

fn view(row: store::deliveries::ListRow) -> DeliveryView {
    DeliveryView {
        id: row.delivery_id.to_string(),
        connection: row.connection,
        side: row.side,
        webhook_id: row.webhook_id,
        event: row.event,
        subject_id: row.subject_id,
        arrivals: u32::try_from(row.arrivals).unwrap_or_default(),
        state: row.state,
        outcome: row.outcome,
        detail: row.detail,
        received_at: At::from(row.received_at),
        settled_at: row.settled_at.map(At::from),
    }
}

/// Stands for a webhook id where the sender gives none: a retry repeats the body byte for byte.
fn digest(body: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(body)))
}
