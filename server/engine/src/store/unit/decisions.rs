//! What people settled about single records, as planning sees it.

use crate::store::decisions::{self, DecisionRow, EndedLinkRow, NewDecision};
use domain::{Side, SyncId, WorkspaceId};

tables! {
    /// What people settled, and how records lost their partners.
    trait Decisions {
        /// Stores an answer in place of an earlier one about the same record.
        fn save_decision(new: &NewDecision<'_>) -> () = decisions::save;

        /// The answers about any of the records of one side, in no order.
        fn decisions_of_records(
            workspace_id: WorkspaceId,
            sync_id: SyncId,
            side: Side,
            ids: &[String],
        ) -> Vec<DecisionRow> = decisions::of_records;

        /// How the last pair of each of these contacts ended, for those that had one.
        fn ended_links_of_contacts(
            workspace_id: WorkspaceId,
            sync_id: SyncId,
            ids: &[String],
        ) -> Vec<EndedLinkRow> = decisions::ended_of_contacts;

        /// How the last pair of each of these customers ended, for those that had one.
        fn ended_links_of_customers(
            workspace_id: WorkspaceId,
            sync_id: SyncId,
            ids: &[String],
        ) -> Vec<EndedLinkRow> = decisions::ended_of_customers;
    }
}
