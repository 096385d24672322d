//! Reads both sides into the store: everything for a full run, what changed for a `changes` run, or chosen records.

use super::{SyncContext, batch_of, readers::Readers};
use crate::{
    Engine, EngineError, Result, UpstreamClass,
    clients::{
        CallContext, CallError,
        chargify::{CustomerPage, EventPage},
        highlevel::SearchPage,
    },
    store::{self, records::ReadMark},
};
use domain::{RemoteId, RunId, Side, limits, record::Record, retry};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, future::Future, time::Duration};
use time::OffsetDateTime;

/// How far reading got and what it found; kept with the run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ReadSummary {
    pub(crate) contacts: u64,
    pub(crate) customers: u64,
    /// Both lists were read to the end, and every row could be read.
    pub(crate) complete: bool,
    /// Rows that could not be read.
    pub(crate) unreadable: u64,
    /// Watermarks to set when the run has ended well.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub(crate) highlevel_seen_until: Option<OffsetDateTime>,
    pub(crate) chargify_event_id: Option<i64>,
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
    pub(crate) async fn refresh(&self, side: Side, id: &str) -> Result<()> {
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        let remote_id = RemoteId(id.to_owned());
        let mark = ReadMark { workspace_id, sync_id, side, run_id: None, read_at: self.engine.clock().now() };
        let read = match side {
            Side::Highlevel => self.readers.contact(&self.call, &remote_id).await,
            Side::Chargify => self.readers.customer(&self.call, &remote_id).await,
        };
        match read {
            Ok(record) => {
                let mut conn = self.engine.pool().acquire().await?;
                store::records::upsert(&mut conn, mark, &batch_of([&record])).await?;
            }
            Err(error) if error.class == UpstreamClass::NotFound => {
                let mut conn = self.engine.pool().acquire().await?;
                store::records::mark_gone(&mut conn, mark, id).await?;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}

/// The events that tell of customers.
const CUSTOMER_EVENTS: [&str; 3] = ["customer_create", "customer_update", "customer_delete"];

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
        let mut conn = self.engine.pool().acquire().await?;
        store::records::upsert(&mut conn, mark, &batch_of(records)).await?;
        Ok(())
    }

    /// Both lists, whole, at the same time.
    pub(crate) async fn everything(&self) -> Result<ReadSummary> {
        let started = self.engine.clock().now();
        let customers = async {
            // The event number is taken before the list: what changes while it is read is read again later.
            let event_id = self.try_read(|| self.readers.newest_event_id(&self.call)).await?;
            Ok((event_id, self.all_customers(None).await?))
        };
        let (contacts, (event_id, customers)) = futures::try_join!(self.all_contacts(None), customers)?;
        Ok(ReadSummary {
            contacts: contacts.0,
            customers: customers.0,
            complete: contacts.1 == 0 && customers.1 == 0,
            unreadable: contacts.1 + customers.1,
            highlevel_seen_until: Some(started),
            chargify_event_id: event_id.or(Some(0)),
        })
    }

    /// What changed since the watermarks: two calls when nothing did. Without watermarks, everything.
    pub(crate) async fn changes(&self) -> Result<ReadSummary> {
        let (Some(seen_until), Some(event_id)) =
            (self.context.row.highlevel_seen_until, self.context.row.chargify_event_id)
        else {
            return self.everything().await;
        };
        let started = self.engine.clock().now();
        let since = seen_until - time::Duration::seconds(limits::WATERMARK_OVERLAP_S);
        let (contacts, customers) = futures::try_join!(self.all_contacts(Some(since)), self.heard_customers(event_id))?;
        Ok(ReadSummary {
            contacts: contacts.0,
            customers: customers.0,
            complete: false,
            unreadable: contacts.1 + customers.1,
            highlevel_seen_until: Some(started),
            chargify_event_id: Some(customers.2),
        })
    }

    /// Chosen contacts and their customers, each read by id.
    pub(crate) async fn chosen(&self, contact_ids: &[String]) -> Result<ReadSummary> {
        let mut summary = ReadSummary::default();
        for id in contact_ids {
            let mark = self.mark(Side::Highlevel);
            if let Some(contact) = self.one(Side::Highlevel, id).await? {
                self.keep(mark, &[contact]).await?;
                summary.contacts += 1;
            }
            let customer_ids = self.partner_of(id).await?;
            for customer_id in customer_ids {
                let mark = self.mark(Side::Chargify);
                if let Some(customer) = self.one(Side::Chargify, &customer_id).await? {
                    self.keep(mark, &[customer]).await?;
                    summary.customers += 1;
                }
            }
        }
        Ok(summary)
    }

    /// The linked customer of a contact, else the one whose reference names it.
    async fn partner_of(&self, contact_id: &str) -> Result<Vec<String>> {
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        let mut conn = self.engine.pool().acquire().await?;
        let ids = [contact_id.to_owned()];
        let links = store::links::of_records(&mut conn, workspace_id, sync_id, &ids, &[]).await?;
        drop(conn);
        if let Some(link) = links.first() {
            return Ok(vec![link.customer_id.clone()]);
        }
        let reference = self.context.policy.matching.reference_of(&RemoteId(contact_id.to_owned()));
        let found = self.try_read(|| self.readers.customer_by_reference(&self.call, &reference)).await?;
        Ok(found.and_then(|found| found.record.id).map(|id| id.0).into_iter().collect())
    }

    /// One record, or `None` when it is gone, which is written down.
    pub(crate) async fn one(&self, side: Side, id: &str) -> Result<Option<Record>> {
        let remote_id = RemoteId(id.to_owned());
        let read = match side {
            Side::Highlevel => self.try_read(|| self.readers.contact(&self.call, &remote_id)).await,
            Side::Chargify => self.try_read(|| self.readers.customer(&self.call, &remote_id)).await,
        };
        match read {
            Ok(record) => Ok(Some(record)),
            Err(EngineError::Upstream { class: UpstreamClass::NotFound, .. }) => {
                let mut conn = self.engine.pool().acquire().await?;
                store::records::mark_gone(&mut conn, self.mark(side), id).await?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Contacts page by page; returns how many, and how many rows could not be read.
    async fn all_contacts(&self, updated_since: Option<OffsetDateTime>) -> Result<(u64, u64)> {
        let (mut count, mut unreadable) = (0, 0);
        let mut page = SearchPage { page_limit: limits::HIGHLEVEL_PAGE, after: None, updated_since };
        let mut last = (self.mark(Side::Highlevel), Vec::new());
        loop {
            let mark = self.mark(Side::Highlevel);
            // A page is stored while the next one is on its way.
            let read = self.try_read(|| self.readers.contacts(&self.call, &page));
            let (answer, ()) = futures::try_join!(read, self.keep(last.0, &last.1))?;
            count += answer.records.len() as u64;
            unreadable += if answer.rows_complete { 0 } else { answer.problems.len().max(1) as u64 };
            last = (mark, answer.records);
            if answer.next.is_none() {
                self.keep(last.0, &last.1).await?;
                return Ok((count, unreadable));
            }
            page.after = answer.next;
        }
    }

    /// Customers page by page.
    async fn all_customers(&self, updated_since: Option<OffsetDateTime>) -> Result<(u64, u64)> {
        let (mut count, mut unreadable) = (0, 0);
        for number in 1.. {
            let page = CustomerPage { page: number, updated_since };
            let mark = self.mark(Side::Chargify);
            let answer = self.try_read(|| self.readers.customers(&self.call, &page)).await?;
            self.keep(mark, &answer.records).await?;
            count += answer.records.len() as u64;
            unreadable += if answer.rows_complete { 0 } else { answer.problems.len().max(1) as u64 };
            if !answer.more {
                break;
            }
        }
        Ok((count, unreadable))
    }

    /// Customers that events after `event_id` tell of and whose copies are older than that: how many were read, how many
    /// could not be, and the newest event.
    async fn heard_customers(&self, event_id: i64) -> Result<(u64, u64, i64)> {
        let (stale, newest) = self.stale_customers(event_id, 0).await?;
        let mut count = 0;
        if stale.len() > GETS_MAX
            && let Some(earliest) = stale.iter().map(|(_, told_at)| *told_at).min()
        {
            let since = earliest - time::Duration::seconds(limits::WATERMARK_OVERLAP_S);
            let (read, unreadable) = self.all_customers(Some(since)).await?;
            return Ok((read, unreadable, newest));
        }
        for (id, _) in stale {
            let mark = self.mark(Side::Chargify);
            if let Some(customer) = self.one(Side::Chargify, &id).await? {
                self.keep(mark, &[customer]).await?;
                count += 1;
            }
        }
        Ok((count, 0, newest))
    }

    /// Customers that events after `event_id` tell of, with when; and the newest event. As many pages as `expected`
    /// events fill are read side by side, further ones one after the other.
    ///
    /// An event that is not younger than the copy's own `updated_at` tells nothing new: both are the site's time. Our own
    /// writes are found so, without a call.
    pub(crate) async fn stale_customers(
        &self,
        event_id: i64,
        expected: u64,
    ) -> Result<(Vec<(String, OffsetDateTime)>, i64)> {
        let mut newest = event_id;
        let mut told: BTreeMap<String, OffsetDateTime> = BTreeMap::new();
        // Events show up some seconds late and out of order.
        let mut since = event_id.saturating_sub(limits::EVENT_OVERLAP).max(1);
        if event_id == 0 {
            since = 0;
        }
        let (mut page, mut ahead) = (1, (expected / u64::from(limits::CHARGIFY_PAGE)).max(1));
        loop {
            let at_once = ahead.clamp(1, u64::from(limits::CHARGIFY_IN_FLIGHT));
            let read = (page..page + at_once).map(|page| self.event_page(since, page));
            let pages = futures::future::try_join_all(read).await?;
            for event in pages.iter().flat_map(|page| &page.events) {
                newest = newest.max(event.id);
                if let Some(id) = &event.customer_id {
                    let at = event.created_at.unwrap_or_else(|| self.engine.clock().now());
                    told.entry(id.0.clone()).and_modify(|known| *known = at.max(*known)).or_insert(at);
                }
            }
            let Some(last) = pages.last().filter(|last| last.more).and_then(|last| last.events.last()) else { break };
            (page, ahead) = (page + at_once, ahead - at_once);
            if ahead == 0 {
                // Nothing is expected any more: on from the last one, since pages are counted from `since`.
                (since, page, ahead) = (last.id.saturating_add(1), 1, 1);
            }
        }
        let ids: Vec<String> = told.keys().cloned().collect();
        let mut conn = self.engine.pool().acquire().await?;
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        for row in store::records::by_ids(&mut conn, workspace_id, sync_id, Side::Chargify, &ids).await? {
            let current = row.gone_at.is_some()
                || told.get(&row.remote_id).zip(row.updated_at).is_some_and(|(told_at, copy_at)| copy_at >= *told_at);
            if current {
                told.remove(&row.remote_id);
            }
        }
        Ok((told.into_iter().collect(), newest))
    }

    async fn event_page(&self, since: i64, page: u64) -> Result<EventPage> {
        self.try_read(|| self.readers.events(&self.call, since, page, &CUSTOMER_EVENTS)).await
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

/// More customers than this are read by list rather than one by one.
const GETS_MAX: usize = 20;

/// A page that fails is tried again soon: somebody waits for the whole list.
const READ_RETRY_MAX: Duration = Duration::from_secs(10);
