//! Subscriptions in webhooks: a payload tells the whole subscription, so it is kept and told without a call.

use super::Look;
use crate::{
    Result,
    clients::Priority,
    deliveries::{self, payload_subscription},
    jobs::{Job, Queueing},
    store::{
        deliveries::DeliveryRow,
        subscriptions::{Freshness, SiteMark},
    },
    sync::copy,
};
use domain::{
    Side,
    record::{FieldKey, Record},
    subscription::Subscription,
    value::{Value, normal},
};
use std::collections::BTreeMap;
use time::OffsetDateTime;

/// What the deliveries of a look tell of subscriptions.
#[derive(Default)]
pub(super) struct Heard {
    /// When the last of it happened, by the service's clock. `None`: they tell of none.
    pub(super) at: Option<OffsetDateTime>,
    /// All facts of the customer, as they are now; none while they cannot be known.
    pub(super) facts: BTreeMap<FieldKey, Value>,
}

impl Look<'_> {
    /// Keeps the subscriptions that the deliveries tell, and renews the facts of whoever they concern.
    pub(super) async fn hear_subscriptions(&mut self) -> Result<()> {
        if self.side != Side::Chargify {
            return Ok(());
        }
        let told: Vec<Subscription> = self.deliveries.iter().filter_map(payload_subscription).collect();
        if told.is_empty() && !self.context.maps_facts() {
            return Ok(());
        }
        let now = self.engine.clock().now();
        let (workspace_id, site) = (self.context.workspace_id, self.context.chargify_id());
        let mut tx = self.engine.store().begin().await?;
        let mut concerned = vec![self.remote_id.to_owned()];
        if !told.is_empty() {
            let mark = SiteMark { workspace_id, connection_id: site, read_at: now };
            concerned.extend(tx.put_subscriptions(mark, &told).await?);
            concerned.sort_unstable();
            concerned.dedup();
            let heard = Freshness { heard_at: Some(now), ..Freshness::default() };
            tx.set_subscription_freshness(workspace_id, site, heard).await?;
        }
        let changed = self.engine.tell_facts(&mut *tx, &self.context, None, &concerned).await?;
        // A subscription that changed hands is news for the one who had it.
        for other in changed.into_iter().filter(|id| id != self.remote_id) {
            let job = Job::Reconcile { sync_id: self.context.sync_id, side: Side::Chargify, remote_id: other };
            let at = Queueing { workspace_id, lane_id: site, priority: Priority::Live, delay_ms: 0 };
            self.engine.enqueue(&mut *tx, &job, &at).await?;
        }
        let facts = self.engine.facts_of(&mut *tx, &self.context, self.remote_id).await?.unwrap_or_default();
        tx.commit().await?;
        let happened =
            |one: &Subscription| one.payment.as_ref().map_or(one.updated_at, |paid| paid.at.max(one.updated_at));
        self.heard = Heard { at: told.iter().map(happened).max(), facts };
        Ok(())
    }

    /// The customer's copy, where the deliveries tell of its subscriptions only: then there is nothing to read. A payload
    /// holds the customer too; it must not be younger than the copy, nor another of the same second.
    pub(super) async fn copy_that_stands(&self) -> Result<Option<Record>> {
        if self.side != Side::Chargify || self.deliveries.is_empty() {
            return Ok(None);
        }
        let ids = [self.remote_id.to_owned()];
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        let mut conn = self.engine.store().session().await?;
        let rows = conn.records_by_ids(workspace_id, sync_id, Side::Chargify, &ids).await?;
        let Some(row) = rows.first().filter(|row| row.gone_at.is_none()) else { return Ok(None) };
        let copy = copy::record_of(row)?;
        Ok(Some(copy).filter(|copy| self.deliveries.iter().all(|delivery| self.says_nothing_of(copy, delivery))))
    }

    /// Whether nothing but a known subscription's change brought up a customer that is known as well.
    pub(super) async fn is_only_of_subscriptions(&self) -> Result<bool> {
        let is_new = self.deliveries.iter().any(|delivery| delivery.event == "signup_success");
        Ok(!is_new && self.heard.at.is_some() && self.copy_that_stands().await?.is_some())
    }

    fn says_nothing_of(&self, copy: &Record, delivery: &DeliveryRow) -> bool {
        let customer = deliveries::payload_record(delivery).filter(|(_, whole)| *whole);
        let (Some(_), Some((told, _))) = (payload_subscription(delivery), customer) else { return false };
        let Some((told_at, copied_at)) = told.stamp.updated_at.zip(copy.stamp.updated_at) else { return false };
        told_at < copied_at
            || (told_at == copied_at
                && self.context.mapped(Side::Chargify).all(|field| {
                    let kind = self.context.policy.catalogue.kind(Side::Chargify, field);
                    let alike =
                        |told| copy.values.get(field).is_some_and(|held| normal(kind, held) == normal(kind, told));
                    told.values.get(field).is_none_or(alike)
                }))
    }

    /// What a delivery says of the record, as far as it is to be compared with what was agreed on.
    pub(super) fn told_by(&self, delivery: &DeliveryRow) -> Option<Record> {
        let (mut record, _) = deliveries::payload_record(delivery)?;
        if self.side == Side::Chargify {
            record.values.extend(self.heard.facts.clone());
        }
        Some(record)
    }
}
