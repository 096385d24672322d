//! Received webhooks: proved genuine over their raw bytes, recorded together with the work they call for, and only then
//! acknowledged. Nothing here acts on a webhook; that is the worker's part.

mod form;
mod highlevel;
mod chargify;
mod payload;
mod refusal;
mod signature;

pub(crate) use payload::payload_record;
pub use refusal::Refusal;


use crate::{
    Engine, EngineError, Result, Viewer,
    clients::Priority,
    jobs::{Job, Queueing},
    store::{self, deliveries::NewDelivery},
};
use domain::{
    ConnectionId, DeliveryId, Side, SyncId, WorkspaceId, limits,
    view::{At, DeliveryPageView, DeliveryView},
};
use http::HeaderMap;
use sha2::{Digest as _, Sha256};
use sqlx::{Connection as _, PgConnection};

/// What became of an arrival.
#[derive(Clone, Debug, PartialEq, Eq)]
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

impl Engine {
    /// Takes a webhook in. `key` is the connection's public id, or its name while that is unique in the installation.
    ///
    /// Whatever is not refused is durable when this returns. A second arrival of one webhook only counts.
    ///
    /// # Errors
    /// Database errors: nothing is recorded, the sender should try again.
    pub async fn receive(&self, side: Side, key: &str, headers: &HeaderMap, body: &[u8]) -> Result<Received> {
        let mut conn = self.pool().acquire().await?;
        let Some(recipient) = store::deliveries::recipient(&mut conn, side, key).await? else {
            return Ok(Received::UnknownConnection);
        };
        let parsed = match side {
            Side::Highlevel => highlevel::read(&recipient, headers, body),
            Side::Chargify => {
                let shared_key = self.shared_key(&recipient)?;
                chargify::read(&recipient, shared_key.as_ref(), headers, body)
            }
        };
        match parsed {
            Ok(parsed) => self.record_delivery(&mut conn, &recipient, parsed, body).await,
            Err(refusal) => {
                self.note_refused_delivery(&mut conn, &recipient, refusal).await?;
                Ok(Received::Refused(refusal))
            }
        }
    }

    fn shared_key(&self, recipient: &store::deliveries::RecipientRow) -> Result<Option<secrecy::SecretString>> {
        let (Some(bytes), Some(nonce)) = (&recipient.shared_key, &recipient.shared_key_nonce) else { return Ok(None) };
        let data_key = crate::vault::SealedKey {
            bytes: recipient.data_key.clone(),
            nonce: recipient.data_key_nonce.clone(),
            version: recipient.key_version,
        };
        let belonging = crate::vault::Belonging {
            workspace_id: WorkspaceId(recipient.workspace_id),
            connection_id: ConnectionId(recipient.connection_id),
            field: "shared_key",
        };
        let sealed = crate::vault::Sealed { bytes: bytes.clone(), nonce: nonce.clone() };
        self.vault().open(&data_key, belonging, &sealed).map(Some)
    }

    /// Delivery and work commit together: a crash in between must not leave an acknowledged webhook nobody looks at.
    async fn record_delivery(
        &self,
        conn: &mut PgConnection,
        recipient: &store::deliveries::RecipientRow,
        parsed: Parsed,
        body: &[u8],
    ) -> Result<Received> {
        let workspace_id = WorkspaceId(recipient.workspace_id);
        let mut tx = conn.begin().await?;
        let syncs = match (&parsed.subject_id, parsed.ignored) {
            (Some(_), None) => store::deliveries::listeners(&mut tx, workspace_id, recipient.connection_id).await?,
            _ => Vec::new(),
        };
        let ignored = parsed.ignored.or_else(|| syncs.is_empty().then_some("no sync uses this connection"));
        let new = NewDelivery {
            workspace_id,
            delivery_id: DeliveryId(self.entropy().uuid()),
            connection_id: ConnectionId(recipient.connection_id),
            side: recipient.side(),
            webhook_id: &parsed.webhook_id.unwrap_or_else(|| digest(body)),
            event: &parsed.event,
            subject_id: parsed.subject_id.as_deref(),
            body,
            ignored,
            received_at: self.clock().now(),
        };
        if !store::deliveries::record(&mut tx, &new).await? {
            tx.commit().await?;
            return Ok(Received::Repeated);
        }
        if ignored.is_some() {
            tx.commit().await?;
            return Ok(Received::Ignored);
        }
        for sync in syncs {
            let job = Job::Reconcile {
                sync_id: SyncId(sync.sync_id),
                side: recipient.side(),
                remote_id: parsed.subject_id.clone().unwrap_or_default(),
            };
            let at = Queueing {
                workspace_id,
                lane_id: ConnectionId(sync.lane_id),
                priority: Priority::Live,
                delay_ms: 0,
            };
            self.enqueue(&mut tx, &job, &at).await?;
        }
        tx.commit().await?;
        Ok(Received::Recorded)
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
        let mut rows =
            store::deliveries::page(&mut conn, viewer.workspace_id(), before, limits::LIST_PAGE + 1).await?;
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
