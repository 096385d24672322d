//! Reads both sides into the store: everything for a full run, what changed for a `changes` run, or chosen records.

mod heard;
mod listing;
mod lost;
mod meanwhile;
mod metafields;
mod missing;
mod pages;
mod subscriptions;

pub(crate) use meanwhile::Meanwhile;

use super::{Decided, LONE_CUSTOMER, SyncContext, batch_of, readers::Readers};
use crate::{
    Engine, EngineError, Result, UpstreamClass,
    clients::{CallContext, CallError},
    store::records::ReadMark,
};
use domain::{RemoteId, RunId, Side, deletes::GoneBy, limits, record::Record, retry};
use listing::{CustomerWish, Listed};
use lost::Lost;
use serde::{Deserialize, Serialize};
use std::{future::Future, time::Duration};
use time::OffsetDateTime;

/// How far reading got and what it found; kept with the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ReadSummary {
    pub(crate) contacts: u64,
    pub(crate) customers: u64,
    /// The side is known whole: who was not found there is not there. Nobody is created on a side that is not.
    pub(crate) contacts_known: bool,
    pub(crate) customers_known: bool,
    /// What could not be read.
    pub(crate) lost: Lost,
    /// When reading began.
    #[serde(with = "time::serde::rfc3339::option")]
    pub(crate) began_at: Option<OffsetDateTime>,
    /// Watermarks to set when the run has ended well. `None`: the side must be read whole again.
    #[serde(with = "time::serde::rfc3339::option")]
    pub(crate) highlevel_seen_until: Option<OffsetDateTime>,
    pub(crate) chargify_event_id: Option<i64>,
    /// Rules that rest because a field of theirs is gone, each with why.
    pub(crate) resting: Vec<String>,
    /// The last contact whose notes, tasks and appointments were carried over, and how many were.
    pub(crate) engagements_after: String,
    pub(crate) engagements_done: u64,
    /// Why some of them could not be read, in words.
    pub(crate) engagements_unread: Option<String>,
}

impl Default for ReadSummary {
    fn default() -> Self {
        Self {
            contacts: 0,
            customers: 0,
            contacts_known: true,
            customers_known: true,
            lost: Lost::default(),
            began_at: None,
            highlevel_seen_until: None,
            chargify_event_id: None,
            resting: Vec::new(),
            engagements_after: String::new(),
            engagements_done: 0,
            engagements_unread: None,
        }
    }
}

/// Reads single records into their copies, for somebody who looks at them now.
pub(crate) struct Reader<'a> {
    engine: &'a Engine,
    context: &'a SyncContext,
    readers: Readers,
    call: CallContext,
}

impl<'a> Reader<'a> {
    /// Opens the credentials of both sides.
    pub(crate) async fn open(engine: &'a Engine, context: &'a SyncContext, call: CallContext) -> Result<Self> {
        let readers = Readers::from(&engine.clients(context).await?);
        Ok(Self { engine, context, readers, call })
    }

    /// Reads one record; where it is gone, that is written down.
    pub(crate) async fn refresh(&self, side: Side, id: &str) -> Result<Option<Record>> {
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        let remote_id = RemoteId(id.to_owned());
        let mark = ReadMark { workspace_id, sync_id, side, run_id: None, read_at: self.engine.clock().now() };
        let read = match side {
            Side::Highlevel => self.readers.contact(&self.call, &remote_id).await,
            Side::Chargify => self.readers.customer(&self.call, &remote_id).await,
        };
        match read {
            Ok(record) => {
                self.engine.note_presence(self.context, mark, &record).await?;
                let mut conn = self.engine.store().session().await?;
                conn.upsert_records(mark, &batch_of([&record])).await?;
                Ok(Some(record))
            }
            Err(error) if error.class == UpstreamClass::NotFound => {
                let mut conn = self.engine.store().session().await?;
                conn.mark_record_gone(mark, id, GoneBy::Asked).await?;
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Looks for the customer of a contact that has none, as a run of it would: before somebody is told that one would be
    /// created.
    pub(crate) async fn look_for_customer(&self, contact: &Record) -> Result<()> {
        let Some(id) = &contact.id else { return Ok(()) };
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        let read_at = self.engine.clock().now();
        let mark = ReadMark { workspace_id, sync_id, side: Side::Chargify, run_id: None, read_at };
        let reference = self.context.policy.matching.reference_of(id);
        let found = match (self.readers.customer_by_reference(&self.call, &reference).await?, contact.email()) {
            (Some(found), _) => vec![found.record],
            (None, Some(email)) => self.readers.customers_with_email(&self.call, &email).await?,
            (None, None) => Vec::new(),
        };
        let mut conn = self.engine.store().session().await?;
        conn.upsert_records(mark, &batch_of(&found)).await?;
        Ok(())
    }
}

/// One run's reading.
pub(crate) struct Reading<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) context: &'a SyncContext,
    pub(crate) readers: &'a Readers,
    pub(crate) run_id: RunId,
    pub(crate) call: CallContext,
}

impl Reading<'_> {
    fn mark(&self, side: Side) -> ReadMark {
        ReadMark {
            workspace_id: self.context.workspace_id,
            sync_id: self.context.sync_id,
            side,
            run_id: Some(self.run_id),
            read_at: self.engine.clock().now(),
        }
    }

    async fn keep(&self, mark: ReadMark, records: &[Record]) -> Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        let mut conn = self.engine.store().session().await?;
        conn.upsert_records(mark, &batch_of(records)).await?;
        Ok(())
    }

    /// Both lists, whole, at the same time.
    pub(crate) async fn everything(&self) -> Result<ReadSummary> {
        let began_at = self.engine.clock().now();
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        let mut conn = self.engine.store().session().await?;
        let expected = conn.count_customers(workspace_id, sync_id).await?;
        drop(conn);
        let customers = async {
            // The event number is taken before the list: what changes while it is read is read again later.
            let event_id = self.try_read(|| self.readers.newest_event_id(&self.call)).await?;
            let wish = CustomerWish { expected: u64::try_from(expected).unwrap_or(0), ..CustomerWish::default() };
            Ok((event_id, Box::pin(self.all_customers(&wish)).await?))
        };
        let (contacts, (event_id, customers)) = futures::try_join!(Box::pin(self.all_contacts(None)), customers)?;
        Ok(ReadSummary {
            contacts: contacts.read,
            customers: customers.read,
            contacts_known: contacts.is_complete(),
            customers_known: customers.is_complete(),
            began_at: Some(began_at),
            highlevel_seen_until: mark_after(&contacts, self.context.row.highlevel_seen_until, began_at),
            chargify_event_id: if customers.is_complete() {
                event_id.or(Some(0))
            } else {
                self.context.row.chargify_event_id
            },
            lost: contacts.lost.and(customers.lost),
            ..ReadSummary::default()
        })
    }

    /// What changed since the watermarks: two calls when nothing did. Without watermarks, everything.
    pub(crate) async fn changes(&self) -> Result<ReadSummary> {
        let (Some(seen_until), Some(event_id)) =
            (self.context.row.highlevel_seen_until, self.context.row.chargify_event_id)
        else {
            return self.everything().await;
        };
        let began_at = self.engine.clock().now();
        let overlap_s = if crate::planted!(NoOverlap) { 0 } else { limits::WATERMARK_OVERLAP_S };
        let since = seen_until - time::Duration::seconds(overlap_s);
        let (contacts, customers) =
            futures::try_join!(Box::pin(self.all_contacts(Some(since))), Box::pin(self.heard_customers(event_id)))?;
        Ok(ReadSummary {
            contacts: contacts.read,
            customers: customers.read,
            contacts_known: contacts.is_complete(),
            customers_known: customers.lost.is_empty(),
            began_at: Some(began_at),
            highlevel_seen_until: mark_after(&contacts, self.context.row.highlevel_seen_until, began_at),
            chargify_event_id: Some(if customers.lost.is_empty() { customers.newest } else { event_id }),
            lost: contacts.lost.and(customers.lost),
            ..ReadSummary::default()
        })
    }

    /// Chosen contacts and their customers, each read by id.
    pub(crate) async fn chosen(&self, contact_ids: &[String]) -> Result<ReadSummary> {
        let mut summary = ReadSummary::default();
        for id in contact_ids {
            if let Some(customer_id) = id.strip_prefix(LONE_CUSTOMER) {
                let mark = self.mark(Side::Chargify);
                let customer = self.one(Side::Chargify, customer_id).await?;
                summary.customers += u64::from(customer.is_some());
                self.keep(mark, customer.as_slice()).await?;
                continue;
            }
            let mark = self.mark(Side::Highlevel);
            let contact = self.one(Side::Highlevel, id).await?;
            let email = contact.as_ref().and_then(Record::email);
            if let Some(contact) = contact {
                self.keep(mark, &[contact]).await?;
                summary.contacts += 1;
            }
            let mark = self.mark(Side::Chargify);
            let customers = self.partners_of(id, email.as_deref()).await?;
            self.keep(mark, &customers).await?;
            summary.customers += customers.len() as u64;
        }
        Ok(summary)
    }

    /// The linked customer of a contact, else the one a person named, else the one whose reference names it, else those
    /// with its e-mail address: a webhook may be lost, so the copies alone cannot tell that there is none.
    async fn partners_of(&self, contact_id: &str, email: Option<&str>) -> Result<Vec<Record>> {
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        let mut conn = self.engine.store().session().await?;
        let ids = [contact_id.to_owned()];
        let links = conn.links_of_records(workspace_id, sync_id, &ids, &[]).await?;
        let decided = Decided::of(&mut *conn, self.context, (Side::Highlevel, &ids), None).await?;
        drop(conn);
        let named = decided.customer_for(contact_id).and_then(|customer| customer.id.as_ref()).map(RemoteId::as_str);
        if let Some(id) = links.first().map(|link| link.customer_id.as_str()).or(named) {
            return Ok(self.one(Side::Chargify, id).await?.into_iter().collect());
        }
        let reference = self.context.policy.matching.reference_of(&RemoteId(contact_id.to_owned()));
        let found = self.try_read(|| self.readers.customer_by_reference(&self.call, &reference)).await?;
        match (found, email) {
            (Some(found), _) => Ok(vec![found.record]),
            (None, Some(email)) => self.try_read(|| self.readers.customers_with_email(&self.call, email)).await,
            (None, None) => Ok(Vec::new()),
        }
    }

    /// One record, or `None` when it is gone, which is written down.
    pub(crate) async fn one(&self, side: Side, id: &str) -> Result<Option<Record>> {
        self.one_told(side, id, GoneBy::Asked).await
    }

    /// The same for a record of which something told that it is gone.
    pub(super) async fn one_told(&self, side: Side, id: &str, how: GoneBy) -> Result<Option<Record>> {
        let remote_id = RemoteId(id.to_owned());
        let mark = self.mark(side);
        let read = match side {
            Side::Highlevel => self.try_read(|| self.readers.contact(&self.call, &remote_id)).await,
            Side::Chargify => self.try_read(|| self.readers.customer(&self.call, &remote_id)).await,
        };
        match read {
            Ok(record) => {
                self.engine.note_presence(self.context, mark, &record).await?;
                Ok(Some(record))
            }
            Err(EngineError::Upstream { class: UpstreamClass::NotFound, .. }) => {
                let mut conn = self.engine.store().session().await?;
                conn.mark_record_gone(self.mark(side), id, how).await?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// A read is repeated when the service is away or asks for a pause: it changes nothing.
    async fn try_read<T, F, Fut>(&self, read: F) -> Result<T>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, CallError>>,
    {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let error = match read().await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            let side = error.side;
            match error.class {
                UpstreamClass::Rate { retry_after } => {
                    self.engine.pause_lane(self.context, side, retry_after, &error).await?
                }
                UpstreamClass::Unavailable | UpstreamClass::Malformed if attempt < limits::READ_ATTEMPTS => {
                    let delay = retry::backoff(attempt, self.engine.entropy().next()).min(READ_RETRY_MAX);
                    self.engine.clock().sleep(delay).await;
                }
                _ => {
                    self.engine.note_refusal(self.context, &error).await?;
                    return Err(error.into());
                }
            }
        }
    }
}

/// Up to when GoHighLevel's changes are known, by its own clock: nothing younger than the youngest change seen is, and
/// nothing younger than the reading. Where rows could not be read it stays, so that `changes` comes back to them.
fn mark_after(contacts: &Listed, before: Option<OffsetDateTime>, began_at: OffsetDateTime) -> Option<OffsetDateTime> {
    if !contacts.is_complete() {
        return before;
    }
    // Where nothing changes for long the mark moves on all the same: no clock is wrong by that much.
    let at_least = began_at - time::Duration::seconds(limits::CLOCK_SKEW_MAX_S);
    let seen = contacts.newest.max(before).map_or(at_least, |newest| newest.max(at_least));
    Some(seen.min(began_at))
}

/// A page that fails is tried again soon: somebody waits for the whole list.
const READ_RETRY_MAX: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;
    use time::{Duration, macros::datetime};

    #[test]
    fn the_mark_follows_the_youngest_change_seen_and_stays_where_rows_were_lost() {
        let began_at = datetime!(2026-11-22 12:00 UTC);
        let ago = |minutes: i64| began_at - Duration::minutes(minutes);
        let whole = |newest| Listed { newest, ..Listed::default() };
        let lost =
            || Listed { newest: Some(ago(1)), lost: Lost::rows(Side::Highlevel, false, &[]), ..Listed::default() };
        let table = [
            ("a change seen", whole(Some(ago(2))), Some(ago(9)), Some(ago(2))),
            ("nothing new", whole(None), Some(ago(9)), Some(ago(9))),
            ("nothing for a day", whole(None), Some(ago(1_440)), Some(ago(60))),
            ("a service whose clock is ahead", whole(Some(ago(-5))), Some(ago(9)), Some(began_at)),
            ("nothing there at all", whole(None), None, Some(ago(60))),
            ("a row that was lost", lost(), Some(ago(9)), Some(ago(9))),
            ("a row lost at the very first", lost(), None, None),
        ];
        for (what, listed, before, mark) in table {
            assert_eq!(mark_after(&listed, before, began_at), mark, "{what}");
        }
    }
}
