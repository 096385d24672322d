//! What changed on either side while a run writes: found by watermark and events, read only as far as the run goes on to
//! need it.

use super::{Reading, heard::Stale, listing::CustomerWish};
use crate::{Result, clients::highlevel::SearchPage, store::records::RecordRow};
use domain::{Side, limits, record::Record};
use std::{collections::BTreeSet, time::Duration};
use time::OffsetDateTime;
use uuid::Uuid;

/// New customers that are read one by one; more of them are listed.
const GETS_MAX: usize = 20;
/// How often it is looked whether our own writes are settled, and how many times.
const SETTLING: Duration = Duration::from_secs(1);
const SETTLING_ROUNDS: u32 = 60;

/// How far both sides are known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Meanwhile {
    pub(crate) contacts_until: OffsetDateTime,
    pub(crate) event_id: i64,
    /// Nobody but us changed a customer so far.
    pub(crate) only_ours: bool,
}

impl Reading<'_> {
    /// Looks for changes since then. Contacts and customers that did change get their copies renewed, which makes plans
    /// about them stale; of customers, only those that open items of the run name, and new ones.
    pub(crate) async fn meanwhile(&self, since: Meanwhile) -> Result<Meanwhile> {
        let began_at = self.engine.clock().now();
        let (newest, (event_id, only_ours)) =
            futures::try_join!(self.changed_contacts(since.contacts_until), self.changed_customers(since.event_id))?;
        Ok(Meanwhile {
            contacts_until: newest
                .map_or(since.contacts_until, |newest| newest.max(since.contacts_until))
                .min(began_at),
            event_id,
            only_ours: since.only_ours && only_ours,
        })
    }

    /// Contacts told to have changed since then whose copies are of another time; returns the newest change told.
    async fn changed_contacts(&self, since: OffsetDateTime) -> Result<Option<OffsetDateTime>> {
        let updated_since = Some(since - time::Duration::seconds(limits::WATERMARK_OVERLAP_S));
        let mut page = SearchPage { page_limit: limits::HIGHLEVEL_PAGE, after: None, updated_since };
        let mut newest = None;
        loop {
            let mark = self.mark(Side::Highlevel);
            let answer = self.try_read(|| self.readers.contacts(&self.call, &page)).await?;
            newest = answer.records.iter().filter_map(|record| record.stamp.updated_at).max().max(newest);
            let changed = self.unlike_copies(answer.records).await?;
            self.keep(mark, &changed).await?;
            page.after = answer.next;
            if page.after.is_none() {
                return Ok(newest);
            }
        }
    }

    async fn unlike_copies(&self, mut records: Vec<Record>) -> Result<Vec<Record>> {
        let ids = records.iter().filter_map(|record| record.id.as_ref()).map(|id| id.0.clone()).collect::<Vec<_>>();
        let copies = self.copies(Side::Highlevel, &ids).await?;
        let known: BTreeSet<_> = copies.iter().map(|copy| (copy.remote_id.as_str(), copy.updated_at)).collect();
        records.retain(|record| {
            let id = record.id.as_ref().map_or("", |id| id.as_str());
            !known.contains(&(id, record.stamp.updated_at))
        });
        Ok(records)
    }

    async fn copies(&self, side: Side, ids: &[String]) -> Result<Vec<RecordRow>> {
        let mut conn = self.engine.store().session().await?;
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        conn.records_by_ids(workspace_id, sync_id, side, ids).await
    }

    /// Returns the newest event, and whether all were our own doing.
    async fn changed_customers(&self, event_id: i64) -> Result<(i64, bool)> {
        let (told, newest) = self.told(event_id, 0).await?;
        // Our own writes told of here have their copies once they are settled; what is stale then is somebody else's.
        let mut on_their_way = self.open_writes().await?;
        let mut rounds = 0;
        let stale = loop {
            let stale = self.stale_of(&told).await?;
            if stale.is_empty() {
                return Ok((newest, true));
            }
            rounds += 1;
            if on_their_way.is_empty() || rounds > SETTLING_ROUNDS {
                break stale;
            }
            self.engine.clock().sleep(SETTLING).await;
            let open = self.open_writes().await?;
            on_their_way.retain(|intent_id| open.contains(intent_id));
        };
        let ids: Vec<String> = stale.iter().map(|one| one.id.clone()).collect();
        let known: BTreeSet<String> =
            self.copies(Side::Chargify, &ids).await?.into_iter().map(|copy| copy.remote_id).collect();
        let mut conn = self.engine.store().session().await?;
        let open: BTreeSet<String> =
            conn.customers_of_open_items(self.context.workspace_id, self.run_id, &ids).await?.into_iter().collect();
        drop(conn);
        let (known, new): (Vec<Stale>, Vec<Stale>) = stale.into_iter().partition(|one| known.contains(&one.id));
        if new.len() > GETS_MAX
            && let Some(earliest) = new.iter().map(|one| one.at).min()
        {
            let wish = CustomerWish {
                updated_since: Some(earliest - time::Duration::seconds(limits::WATERMARK_OVERLAP_S)),
                expected: new.len() as u64,
                heard: new.iter().map(|one| (one.id.clone(), one.event_id)).collect(),
            };
            self.all_customers(&wish).await?;
        } else {
            self.read_customers(&new).await?;
        }
        let wanted: Vec<Stale> = known.into_iter().filter(|one| open.contains(&one.id)).collect();
        self.read_customers(&wanted).await?;
        Ok((newest, false))
    }

    /// Writes of this run that are not settled.
    async fn open_writes(&self) -> Result<BTreeSet<Uuid>> {
        let mut conn = self.engine.store().session().await?;
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        let open =
            conn.open_intents_of_run(workspace_id, sync_id, self.run_id, self.engine.node().id).await?.into_iter();
        Ok(open.map(|intent| intent.intent_id).collect())
    }

    async fn read_customers(&self, stale: &[Stale]) -> Result<()> {
        for one in stale {
            let mark = self.mark(Side::Chargify);
            if let Some(mut customer) = self.one_told(Side::Chargify, &one.id, one.how).await? {
                customer.stamp.event_id = Some(one.event_id);
                self.keep(mark, &[customer]).await?;
            }
        }
        Ok(())
    }
}
