//! Items of runs, as the core sees them.

use crate::store::items::{self, ItemBatch, ItemRow, OpenQuery, OpenRow, Settlement};
use domain::{RunId, WorkspaceId};
use time::OffsetDateTime;

tables! {
    /// One record in a run, from plan to outcome.
    trait Items {
        /// Forgets a plan that was not finished.
        fn clear_items(workspace_id: WorkspaceId, run_id: RunId) -> () = items::clear;

        /// Adds items; those with an outcome are settled `at`.
        fn insert_items(
            workspace_id: WorkspaceId,
            run_id: RunId,
            at: OffsetDateTime,
            batch: &ItemBatch,
        ) -> () = items::insert;

        /// Tells the store that there are many more items now. Changes nothing.
        fn analyze_items() -> () = items::analyze;

        /// The next items that are not settled, by number, each with whether its records or its link changed after the
        /// plan was made.
        fn open_items(workspace_id: WorkspaceId, run_id: RunId, query: &OpenQuery) -> Vec<OpenRow> = items::open;

        /// Those of the customers that open items of the run name, each once, in no order.
        fn customers_of_open_items(
            workspace_id: WorkspaceId,
            run_id: RunId,
            customer_ids: &[String],
        ) -> Vec<String> = items::open_of_customers;

        /// Replaces what an open item plans; a settled one stays.
        fn replan_item(
            workspace_id: WorkspaceId,
            run_id: RunId,
            item: &ItemRow,
            reason_code: &str,
        ) -> () = items::replan;

        /// Settles open items and returns their numbers; one that was settled already is not among them.
        fn settle_items(
            workspace_id: WorkspaceId,
            run_id: RunId,
            at: OffsetDateTime,
            settlements: &[Settlement],
        ) -> Vec<i64> = items::settle;

        /// Settles every item that is still open, and says how many.
        fn settle_rest_of_items(
            workspace_id: WorkspaceId,
            run_id: RunId,
            at: OffsetDateTime,
            outcome: &str,
            detail: &str,
        ) -> u64 = items::settle_rest;

        /// How many items there are per action, in no order.
        fn items_by_action(workspace_id: WorkspaceId, run_id: RunId) -> Vec<(String, i64)> = items::by_action;

        /// How many items update records that are linked already.
        fn updates_of_links(workspace_id: WorkspaceId, run_id: RunId) -> i64 = items::updates_of_links;
    }
}
