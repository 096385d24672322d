//! The subscriptions of a record's customer, from the copy: no page asks Chargify.

use crate::{Engine, Result, store::Tables, sync::SyncContext};
use domain::view::{At, BillingView};

impl Engine {
    /// `None` without a customer, and while nothing is known of the site's subscriptions.
    pub(super) async fn billing_of(
        &self,
        conn: &mut dyn Tables,
        context: &SyncContext,
        customer_id: Option<&str>,
    ) -> Result<Option<BillingView>> {
        let Some(customer_id) = customer_id else { return Ok(None) };
        let (workspace_id, site) = (context.workspace_id, context.chargify_id());
        let fresh = conn.subscription_freshness(workspace_id, site).await?;
        let subscriptions = conn.subscriptions_of_customers(workspace_id, site, &[customer_id.to_owned()]).await?;
        if fresh.listed_at.is_none() && subscriptions.is_empty() {
            return Ok(None);
        }
        let current_at = fresh.current_at.filter(|_| fresh.listed_at.is_some()).map(At::from);
        Ok(Some(BillingView::of(&subscriptions, current_at, fresh.heard_at.map(At::from))))
    }
}
