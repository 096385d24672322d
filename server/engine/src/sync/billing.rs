//! What the copy of a site's subscriptions tells of customers: billing facts that stand with the customers' copies, so that
//! planning, merging and writing treat them as any other field.

use super::SyncContext;
use crate::{Engine, EngineError, Result, store::Tables};
use domain::{
    RunId, Side,
    record::FieldKey,
    subscription::{Subscription, facts, is_fact},
    value::Value,
};
use std::collections::BTreeMap;

impl SyncContext {
    /// Whether a rule carries a billing fact.
    pub(crate) fn maps_facts(&self) -> bool {
        self.policy.mapping.rules.iter().any(|rule| is_fact(rule.field(Side::Chargify)))
    }

    /// Whether the site's subscriptions are to be read for this sync: facts of them are mapped, or notes are written to
    /// them. Webhooks keep them in any case; that costs no call.
    pub(crate) fn wants_subscriptions(&self) -> bool {
        self.maps_facts() || self.row.policy().is_ok_and(|policy| policy.engagements.any())
    }
}

impl Engine {
    /// Every billing fact of one customer. `None` while the site's subscriptions were never read whole: one that is not
    /// known might be the one that counts.
    pub(crate) async fn facts_of(
        &self,
        conn: &mut dyn Tables,
        context: &SyncContext,
        customer_id: &str,
    ) -> Result<Option<BTreeMap<FieldKey, Value>>> {
        let (workspace_id, site) = (context.workspace_id, context.chargify_id());
        if conn.subscription_freshness(workspace_id, site).await?.listed_at.is_none() {
            return Ok(None);
        }
        let ids = [customer_id.to_owned()];
        Ok(Some(facts(&conn.subscriptions_of_customers(workspace_id, site, &ids).await?)))
    }

    /// Renews the facts of these customers with their copies; whose changed is seen by the run, if one is given, and
    /// returned.
    pub(crate) async fn tell_facts(
        &self,
        conn: &mut dyn Tables,
        context: &SyncContext,
        run_id: Option<RunId>,
        customer_ids: &[String],
    ) -> Result<Vec<String>> {
        let (workspace_id, site) = (context.workspace_id, context.chargify_id());
        if customer_ids.is_empty() || conn.subscription_freshness(workspace_id, site).await?.listed_at.is_none() {
            return Ok(Vec::new());
        }
        let mut by_customer: BTreeMap<String, Vec<Subscription>> = BTreeMap::new();
        for subscription in conn.subscriptions_of_customers(workspace_id, site, customer_ids).await? {
            by_customer.entry(subscription.customer_id.0.clone()).or_default().push(subscription);
        }
        let told = customer_ids.iter().map(|id| {
            let subscriptions = by_customer.get(id).map(Vec::as_slice).unwrap_or_default();
            serde_json::to_value(facts(subscriptions)).map_err(|_infallible| EngineError::Bug("facts do not serialise"))
        });
        let told = told.collect::<Result<Vec<_>>>()?;
        let of = (workspace_id, context.sync_id, run_id);
        conn.set_billing_facts(of, self.clock().now(), customer_ids, &told).await
    }
}
