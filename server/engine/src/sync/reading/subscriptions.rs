//! The site's subscriptions: all of them in pages of 200 for a full run, those that events tell of for a `changes` run.
//! Only for a sync that has a use for them.

use super::{
    Reading,
    heard::{GETS_MAX, Told},
};
use crate::{
    EngineError, Result, UpstreamClass,
    clients::chargify::{Event, SubscriptionPage},
    store::subscriptions::{Freshness, SiteMark},
};
use domain::{RemoteId, RunId, limits, subscription::Subscription};
use std::collections::{BTreeMap, BTreeSet};
use time::OffsetDateTime;

/// Events that tell of a subscription (Maxio Advanced Billing API reference, event keys, seen 2026-08).
pub(super) const SUBSCRIPTION_EVENTS: [&str; 13] = [
    "signup_success",
    "signup_failure",
    "subscription_state_change",
    "subscription_product_change",
    "subscription_customer_change",
    DELETED,
    "payment_success",
    "payment_failure",
    "renewal_success",
    "renewal_failure",
    "billing_date_change",
    "expiration_date_change",
    "pending_cancellation_change",
];
const DELETED: &str = "subscription_deletion";

/// Customers whose facts are renewed at once.
const BATCH: i64 = limits::RECORD_BATCH as i64;

/// A subscription whose copy is older than what events tell.
struct Stale {
    id: RemoteId,
    at: OffsetDateTime,
    event_id: i64,
}

impl Reading<'_> {
    fn site(&self) -> SiteMark {
        SiteMark {
            workspace_id: self.context.workspace_id,
            connection_id: self.context.chargify_id(),
            read_at: self.engine.clock().now(),
        }
    }

    async fn subscription_freshness(&self) -> Result<Freshness> {
        let mut conn = self.engine.store().session().await?;
        conn.subscription_freshness(self.context.workspace_id, self.context.chargify_id()).await
    }

    /// Where this run begins to listen: events that the customers are done with may not be in the subscriptions yet.
    pub(super) async fn heard_from(&self, event_id: i64) -> Result<i64> {
        if !self.context.wants_subscriptions() {
            return Ok(event_id);
        }
        let known = self.subscription_freshness().await?.event_id;
        Ok(known.map_or(event_id, |known| known.min(event_id)))
    }

    /// After the customers were read. A run that reads everything, and the first one that needs subscriptions at all, reads
    /// them whole. Then every customer of the run has its facts. `event_id`: up to which events the reading is sure to know.
    pub(crate) async fn subscriptions(
        &self,
        whole: bool,
        began_at: OffsetDateTime,
        event_id: Option<i64>,
    ) -> Result<()> {
        let is_new = self.subscription_freshness().await?.listed_at.is_none();
        if self.context.wants_subscriptions() && (whole || is_new) {
            self.all_subscriptions(began_at, event_id).await?;
            return self.facts_of_all(None).await;
        }
        self.facts_of_run().await
    }

    /// Renews the facts of the customers the run has seen, from what is known of their subscriptions.
    pub(crate) async fn facts_of_run(&self) -> Result<()> {
        self.facts_of_all(Some(self.run_id)).await
    }

    /// Oldest first: what is signed up for meanwhile is behind the last page, and events tell of it. Only test sites can
    /// have subscriptions taken out of the list.
    async fn all_subscriptions(&self, began_at: OffsetDateTime, event_id: Option<i64>) -> Result<()> {
        let mut page = SubscriptionPage { page: 1, updated_since: None };
        let mut unreadable = 0;
        while page.page <= limits::SUBSCRIPTION_PAGES {
            let mark = self.site();
            let rows = self.try_read(|| self.readers.subscriptions(&self.call, &page)).await?;
            unreadable += rows.unreadable;
            let mut conn = self.engine.store().session().await?;
            conn.put_subscriptions(mark, &rows.subscriptions).await?;
            if !rows.more {
                return self.note_whole(unreadable, (began_at, event_id)).await;
            }
            page.page += 1;
        }
        tracing::warn!(
            pages = limits::SUBSCRIPTION_PAGES,
            "the list of subscriptions has no end; it does not count as whole"
        );
        Ok(())
    }

    /// The list was read to its end.
    async fn note_whole(&self, unreadable: u64, (began_at, event_id): (OffsetDateTime, Option<i64>)) -> Result<()> {
        if unreadable > 0 {
            // Whose they are is not known, so nothing can be told of anybody for certain that was not before.
            tracing::warn!(unreadable, "some subscriptions cannot be read; their list does not count as whole");
            return Ok(());
        }
        let told = Freshness { listed_at: Some(began_at), current_at: Some(began_at), event_id, heard_at: None };
        let mut conn = self.engine.store().session().await?;
        conn.set_subscription_freshness(self.context.workspace_id, self.context.chargify_id(), told).await
    }

    /// Renews the facts of the customers a run has seen, or of all there are; those whose facts changed are seen by it.
    async fn facts_of_all(&self, of_run: Option<RunId>) -> Result<()> {
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        let mut after = String::new();
        let mut conn = self.engine.store().session().await?;
        loop {
            let ids = conn.customers_there((workspace_id, sync_id), of_run, &after, BATCH).await?;
            let Some(last) = ids.last() else { return Ok(()) };
            after.clone_from(last);
            self.engine.tell_facts(&mut *conn, self.context, Some(self.run_id), &ids).await?;
        }
    }

    /// Takes the events about subscriptions out of what was told, reads those whose copies are older, and has the customers
    /// whose facts changed seen by the run.
    pub(super) async fn hear_subscriptions(
        &self,
        told: &mut Told,
        (began_at, newest): (OffsetDateTime, i64),
    ) -> Result<()> {
        let events = taken_out(told);
        if !self.context.wants_subscriptions() || self.subscription_freshness().await?.listed_at.is_none() {
            return Ok(());
        }
        let mut customers: BTreeSet<String> =
            events.iter().filter_map(|event| event.customer_id.as_ref()).map(|id| id.0.clone()).collect();
        customers.extend(self.forget_deleted(&events).await?);
        let stale = self.stale_subscriptions(&events, &customers).await?;
        let Some(touched) = self.read_subscriptions(&stale).await? else {
            self.all_subscriptions(began_at, Some(newest)).await?;
            return self.facts_of_all(None).await;
        };
        customers.extend(touched);
        let customers: Vec<String> = customers.into_iter().collect();
        let mut conn = self.engine.store().session().await?;
        self.engine.tell_facts(&mut *conn, self.context, Some(self.run_id), &customers).await?;
        let told = Freshness { current_at: Some(began_at), event_id: Some(newest), ..Freshness::default() };
        conn.set_subscription_freshness(self.context.workspace_id, self.context.chargify_id(), told).await
    }

    async fn forget_deleted(&self, events: &[Event]) -> Result<Vec<String>> {
        let mut owners = Vec::new();
        for event in events.iter().filter(|event| event.key == DELETED) {
            let Some(id) = &event.subscription_id else { continue };
            let mut conn = self.engine.store().session().await?;
            owners.extend(conn.mark_subscription_gone(self.site(), id.as_str()).await?);
        }
        Ok(owners)
    }

    async fn stale_subscriptions(&self, events: &[Event], customers: &BTreeSet<String>) -> Result<Vec<Stale>> {
        let ids: Vec<String> = customers.iter().cloned().collect();
        let (workspace_id, site) = (self.context.workspace_id, self.context.chargify_id());
        let mut conn = self.engine.store().session().await?;
        let copies = conn.subscriptions_of_customers(workspace_id, site, &ids).await?;
        drop(conn);
        let copies: BTreeMap<&str, &Subscription> = copies.iter().map(|copy| (copy.id.as_str(), copy)).collect();
        let deleted: BTreeSet<&RemoteId> = events
            .iter()
            .filter(|event| event.key == DELETED)
            .filter_map(|event| event.subscription_id.as_ref())
            .collect();
        let now = self.engine.clock().now();
        let mut stale: BTreeMap<RemoteId, Stale> = BTreeMap::new();
        for event in events {
            let Some(id) = event.subscription_id.as_ref().filter(|id| !deleted.contains(id)) else { continue };
            if copies.get(id.as_str()).is_some_and(|copy| holds(copy, event)) {
                continue;
            }
            let at = event.created_at.unwrap_or(now);
            let one = stale.entry(id.clone()).or_insert_with(|| Stale { id: id.clone(), at, event_id: event.id });
            one.at = one.at.min(at);
            one.event_id = one.event_id.max(event.id);
        }
        Ok(stale.into_values().collect())
    }

    /// One list of what changed lately for all of them, and by id those it does not have. Returns the customers concerned;
    /// `None`: there are so many that all are better listed.
    async fn read_subscriptions(&self, stale: &[Stale]) -> Result<Option<BTreeSet<String>>> {
        let mut touched = BTreeSet::new();
        let mut missing: BTreeMap<&RemoteId, i64> = stale.iter().map(|one| (&one.id, one.event_id)).collect();
        let Some(earliest) = stale.iter().map(|one| one.at).min() else { return Ok(Some(touched)) };
        let updated_since = (stale.len() > 1).then(|| earliest - time::Duration::seconds(limits::WATERMARK_OVERLAP_S));
        let mut page = SubscriptionPage { page: 1, updated_since };
        while updated_since.is_some() && page.page <= limits::SUBSCRIPTION_PAGES {
            let mark = self.site();
            let mut rows = self.try_read(|| self.readers.subscriptions(&self.call, &page)).await?;
            for row in &mut rows.subscriptions {
                row.event_id = missing.remove(&row.id);
            }
            let mut conn = self.engine.store().session().await?;
            touched.extend(conn.put_subscriptions(mark, &rows.subscriptions).await?);
            if !rows.more || missing.is_empty() {
                break;
            }
            page.page += 1;
        }
        if missing.len() > GETS_MAX {
            return Ok(None);
        }
        for (id, event_id) in missing {
            touched.extend(self.read_subscription(id, event_id).await?);
        }
        Ok(Some(touched))
    }

    async fn read_subscription(&self, id: &RemoteId, event_id: i64) -> Result<Vec<String>> {
        let mark = self.site();
        let read = self.try_read(|| self.readers.subscription(&self.call, id)).await;
        let mut conn = self.engine.store().session().await?;
        match read {
            Ok(read) => conn.put_subscriptions(mark, &[Subscription { event_id: Some(event_id), ..read }]).await,
            Err(EngineError::Upstream { class: UpstreamClass::NotFound, .. }) => {
                Ok(conn.mark_subscription_gone(mark, id.as_str()).await?.into_iter().collect())
            }
            Err(EngineError::Upstream { class: UpstreamClass::Malformed, detail, .. }) => {
                tracing::warn!(subscription.id = %id, reason = detail, "a subscription cannot be read; its copy stays");
                Ok(Vec::new())
            }
            Err(error) => Err(error),
        }
    }
}

/// Takes them out, so that nobody takes them for news about the customers themselves.
fn taken_out(told: &mut Told) -> Vec<Event> {
    let mut events = Vec::new();
    told.retain(|_, known| {
        let (subscriptions, rest): (Vec<Event>, Vec<Event>) =
            std::mem::take(known).into_iter().partition(|event| SUBSCRIPTION_EVENTS.contains(&event.key.as_str()));
        events.extend(subscriptions);
        *known = rest;
        !known.is_empty()
    });
    events
}

/// Whether the copy holds what an event tells. Instants are whole seconds: what a copy without an event shows of the event's
/// own second is taken for it.
fn holds(copy: &Subscription, event: &Event) -> bool {
    let Some(told_at) = event.created_at else { return false };
    match copy.event_id {
        Some(known) => known >= event.id || copy.updated_at > told_at,
        None => copy.updated_at >= told_at,
    }
}
