//! Received webhooks, as the core sees them.

use crate::store::deliveries::{self, DeliveryBatch, DeliveryRow, RecipientRow, Settled, WorkBatch};
use domain::{ConnectionId, WorkspaceId};
use time::OffsetDateTime;
use uuid::Uuid;

tables! {
    /// Received webhooks.
    trait Deliveries {
        /// For each key the connections it may mean, at most two: by public id first, else by name.
        fn recipients(keys: &[String]) -> Vec<RecipientRow> = deliveries::recipients;

        /// Records arrivals and queues the work of those that are new, all or none. Another arrival of a delivery
        /// recorded before only counts it. Returns the ids of the new ones, in no order. Wakes workers on commit.
        fn record_deliveries(
            new: &DeliveryBatch,
            work: &WorkBatch,
            at: OffsetDateTime,
        ) -> Vec<Uuid> = deliveries::record;

        /// Deliveries about these subjects that still wait, oldest first; at most 200.
        fn open_deliveries(
            workspace_id: WorkspaceId,
            connection_id: ConnectionId,
            subject_ids: &[String],
        ) -> Vec<DeliveryRow> = deliveries::open_for_subject;

        /// Whether a delivery about that subject that came after an instant still waits.
        fn delivery_waits(
            workspace_id: WorkspaceId,
            connection_id: ConnectionId,
            subject_id: &str,
            since: OffsetDateTime,
        ) -> bool = deliveries::waits;

        /// Settles those that still wait and says how many; what was settled before stays as it is.
        fn settle_deliveries(
            workspace_id: WorkspaceId,
            delivery_ids: &[Uuid],
            settled: &Settled<'_>,
        ) -> u64 = deliveries::settle;

        /// Whether a refusal of that reason was written down for that subject since then.
        fn refused_since(
            workspace_id: WorkspaceId,
            subject: &str,
            reason: &str,
            since: OffsetDateTime,
        ) -> bool = deliveries::refused_since;
    }
}
