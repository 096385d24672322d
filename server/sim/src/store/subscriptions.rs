//! The copy of a site's subscriptions, in memory.

use super::{
    data::{Data, kept},
    records::{first, joined},
    session::Session,
};
use async_trait::async_trait;
use domain::{
    ConnectionId, RunId, Side, SyncId, WorkspaceId,
    subscription::{Payment, Subscription},
};
use engine::{
    Result,
    store::{
        Subscriptions,
        subscriptions::{Freshness, SiteMark},
    },
};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use time::OffsetDateTime;
use uuid::Uuid;

/// Workspace, connection, id at Chargify.
type Key = (Uuid, Uuid, String);

#[derive(Clone, Debug)]
pub struct SubscriptionEntry {
    /// Without its payment, which stands by itself.
    pub row: Subscription,
    pub read_at: OffsetDateTime,
    pub is_gone: bool,
}

/// As Postgres keeps it, without its payment.
fn stored(row: &Subscription) -> Subscription {
    Subscription {
        next_billing_at: row.next_billing_at.map(kept),
        trial_ends_at: row.trial_ends_at.map(kept),
        created_at: kept(row.created_at),
        updated_at: kept(row.updated_at),
        payment: None,
        ..row.clone()
    }
}

/// Whether `new` is no older than the copy.
fn is_no_older(old: &SubscriptionEntry, new: &Subscription, read_at: OffsetDateTime) -> bool {
    let within_a_second = || match (old.row.event_id, new.event_id) {
        (Some(before), Some(after)) => before <= after,
        _ => old.read_at <= read_at,
    };
    old.row.updated_at < new.updated_at || (old.row.updated_at == new.updated_at && within_a_second())
}

impl Data {
    fn put_subscription(&mut self, mark: &SiteMark, new: Subscription) -> Vec<String> {
        let key: Key = (mark.workspace_id.0, mark.connection_id.0, new.id.0.clone());
        let read_at = kept(mark.read_at);
        let mut touched = vec![new.customer_id.0.clone()];
        match self.subscriptions.get(&key) {
            None => self.subscriptions.insert(key, SubscriptionEntry { row: new, read_at, is_gone: false }),
            Some(old) if !old.is_gone && is_no_older(old, &new, read_at) => {
                touched.push(old.row.customer_id.0.clone());
                let is_newer = old.row.updated_at < new.updated_at;
                let event_id = if is_newer { new.event_id } else { old.row.event_id.max(new.event_id) };
                let currency = new.currency.clone().or_else(|| old.row.currency.clone());
                let row = Subscription { event_id, currency, ..new };
                self.subscriptions.insert(key, SubscriptionEntry { row, read_at, is_gone: false });
            }
            Some(_) => touched.clear(),
        }
        touched
    }

    /// Whether it took the place of an earlier one.
    fn put_payment(&mut self, key: Key, payment: &Payment) -> bool {
        let new = Payment { at: kept(payment.at), ..payment.clone() };
        let rank = |payment: &Payment| (payment.at, payment.event_id.unwrap_or(0));
        let is_taken = self.subscription_payments.get(&key).is_none_or(|old| rank(old) <= rank(&new));
        if is_taken {
            self.subscription_payments.insert(key, new);
        }
        is_taken
    }
}

#[async_trait]
impl Subscriptions for Session {
    async fn put_subscriptions(&mut self, mark: SiteMark, batch: &[Subscription]) -> Result<Vec<String>> {
        self.act("put_subscriptions", |work| {
            let mut newest: BTreeMap<&str, &Subscription> = BTreeMap::new();
            for row in batch {
                let known = newest.entry(row.id.as_str()).or_insert(row);
                if (known.updated_at, known.event_id) < (row.updated_at, row.event_id) {
                    *known = row;
                }
            }
            let mut touched = BTreeSet::new();
            for row in newest.into_values() {
                touched.extend(work.data.put_subscription(&mark, stored(row)));
            }
            for row in batch {
                let key = (mark.workspace_id.0, mark.connection_id.0, row.id.0.clone());
                if row.payment.as_ref().is_some_and(|payment| work.data.put_payment(key, payment)) {
                    touched.insert(row.customer_id.0.clone());
                }
            }
            Ok(touched.into_iter().collect())
        })
        .await
    }

    async fn subscriptions_of_customers(
        &mut self,
        workspace_id: WorkspaceId,
        connection_id: ConnectionId,
        customer_ids: &[String],
    ) -> Result<Vec<Subscription>> {
        self.act("subscriptions_of_customers", |work| {
            let of_site = work.data.subscriptions.iter().filter(|(key, entry)| {
                (key.0, key.1) == (workspace_id.0, connection_id.0)
                    && !entry.is_gone
                    && customer_ids.contains(&entry.row.customer_id.0)
            });
            let mut rows: Vec<Subscription> = of_site
                .map(|(key, entry)| Subscription {
                    payment: work.data.subscription_payments.get(key).cloned(),
                    ..entry.row.clone()
                })
                .collect();
            rows.sort_by(|one, other| {
                (&one.customer_id, one.created_at, &one.id).cmp(&(&other.customer_id, other.created_at, &other.id))
            });
            Ok(rows)
        })
        .await
    }

    async fn mark_subscription_gone(&mut self, mark: SiteMark, subscription_id: &str) -> Result<Option<String>> {
        self.act("mark_subscription_gone", |work| {
            let key = (mark.workspace_id.0, mark.connection_id.0, subscription_id.to_owned());
            let is_there = work.data.subscriptions.get(&key).is_some_and(|entry| !entry.is_gone);
            Ok(work.data.subscriptions.get_mut(&key).filter(|_| is_there).map(|entry| {
                entry.is_gone = true;
                entry.row.customer_id.0.clone()
            }))
        })
        .await
    }

    async fn subscription_freshness(
        &mut self,
        workspace_id: WorkspaceId,
        connection_id: ConnectionId,
    ) -> Result<Freshness> {
        self.act("subscription_freshness", |work| {
            Ok(work.data.subscription_caches.get(&(workspace_id.0, connection_id.0)).copied().unwrap_or_default())
        })
        .await
    }

    async fn set_subscription_freshness(
        &mut self,
        workspace_id: WorkspaceId,
        connection_id: ConnectionId,
        told: Freshness,
    ) -> Result<()> {
        self.act("set_subscription_freshness", |work| {
            let key = (workspace_id.0, connection_id.0);
            let known = work.data.subscription_caches.get(&key).copied().unwrap_or_default();
            let later = |known: Option<OffsetDateTime>, told: Option<OffsetDateTime>| known.max(told.map(kept));
            let told = Freshness {
                listed_at: later(known.listed_at, told.listed_at),
                current_at: later(known.current_at, told.current_at),
                heard_at: later(known.heard_at, told.heard_at),
                event_id: known.event_id.max(told.event_id),
            };
            work.data.subscription_caches.insert(key, told);
            Ok(())
        })
        .await
    }

    async fn set_billing_facts(
        &mut self,
        (workspace_id, sync_id, run_id): (WorkspaceId, SyncId, Option<RunId>),
        read_at: OffsetDateTime,
        ids: &[String],
        facts: &[Json],
    ) -> Result<Vec<String>> {
        self.act("set_billing_facts", |work| {
            let mut changed = Vec::new();
            for (id, facts) in ids.iter().zip(facts) {
                let key = (workspace_id.0, sync_id.0, Side::Chargify, id.clone());
                let is_other = work
                    .data
                    .records
                    .get(&key)
                    .is_some_and(|copy| joined(&copy.row.field_values, facts.clone()) != copy.row.field_values);
                if let Some(copy) = work.data.records.get_mut(&key).filter(|_| is_other) {
                    let before = copy.metafields.take().unwrap_or_else(|| json!({}));
                    copy.metafields = Some(joined(&before, facts.clone()));
                    copy.row.field_values = joined(&copy.row.field_values, facts.clone());
                    copy.row.read_at = copy.row.read_at.max(kept(read_at));
                    copy.seen_run = run_id.map(|run| run.0).or(copy.seen_run);
                    changed.push(id.clone());
                }
            }
            Ok(changed)
        })
        .await
    }

    async fn customers_there(
        &mut self,
        (workspace_id, sync_id): (WorkspaceId, SyncId),
        run_id: Option<RunId>,
        after: &str,
        limit: i64,
    ) -> Result<Vec<String>> {
        self.act("customers_there", |work| {
            let customers = work.data.copies(workspace_id.0, sync_id.0, Side::Chargify).map(|(_, copy)| copy);
            let seen = customers.filter(|copy| {
                run_id.is_none_or(|run| copy.seen_run == Some(run.0))
                    && copy.row.gone_at.is_none()
                    && copy.row.remote_id.as_str() > after
            });
            Ok(first(seen.map(|copy| copy.row.remote_id.clone()), limit))
        })
        .await
    }
}
