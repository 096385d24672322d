//! The copy of a site's subscriptions, as the core sees it.

use crate::store::subscriptions::{self, Freshness, SiteMark};
use domain::{ConnectionId, RunId, SyncId, WorkspaceId, subscription::Subscription};
use serde_json::Value as Json;
use time::OffsetDateTime;

tables! {
    /// What customers of a site pay for, as last told.
    trait Subscriptions {
        /// Inserts or refreshes copies; what is older than the copy changes nothing. Returns the customers, before and
        /// after, of those that were taken in, in no order.
        fn put_subscriptions(mark: SiteMark, batch: &[Subscription]) -> Vec<String> = subscriptions::put;

        /// The subscriptions of these customers, by customer, oldest first.
        fn subscriptions_of_customers(
            workspace_id: WorkspaceId,
            connection_id: ConnectionId,
            customer_ids: &[String],
        ) -> Vec<Subscription> = subscriptions::of_customers;

        /// The subscription is proved deleted. Returns whose it was, if the copy had it.
        fn mark_subscription_gone(mark: SiteMark, subscription_id: &str) -> Option<String> = subscriptions::mark_gone;

        /// How far the copy can be trusted; all `None` when nothing was ever read or heard.
        fn subscription_freshness(
            workspace_id: WorkspaceId,
            connection_id: ConnectionId,
        ) -> Freshness = subscriptions::freshness;

        /// Sets what is told; everything only moves forward.
        fn set_subscription_freshness(
            workspace_id: WorkspaceId,
            connection_id: ConnectionId,
            told: Freshness,
        ) -> () = subscriptions::set_freshness;

        /// Keeps what the subscriptions of customers tell with their copies, where it differs from what stands there.
        /// Those copies are seen by the run, if one is given. Returns which changed, in no order.
        fn set_billing_facts(
            of: (WorkspaceId, SyncId, Option<RunId>),
            read_at: OffsetDateTime,
            ids: &[String],
            facts: &[Json],
        ) -> Vec<String> = subscriptions::set_facts;

        /// Live customers of a sync, all or those a run has seen, by id after `after`.
        fn customers_there(
            of: (WorkspaceId, SyncId),
            run_id: Option<RunId>,
            after: &str,
            limit: i64,
        ) -> Vec<String> = subscriptions::customers_there;
    }
}
