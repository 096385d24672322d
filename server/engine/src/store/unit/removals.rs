//! What is to be done to records whose partners were deleted, as the core sees it.

use crate::store::removals::{self, NewRemoval, RemovalRow, SettledRemoval};
use domain::{Side, SyncId, WorkspaceId};
use serde_json::Value as Json;
use time::OffsetDateTime;
use uuid::Uuid;

tables! {
    /// What is to be done to records whose partners were deleted.
    trait Removals {
        /// False: something is wished for that record already.
        fn insert_removal(new: &NewRemoval<'_>) -> bool = removals::insert;

        fn removal(workspace_id: WorkspaceId, removal_id: Uuid) -> Option<RemovalRow> = removals::find;

        /// What a person decided. False: it does not wait (any more).
        fn approve_removal(
            workspace_id: WorkspaceId,
            removal_id: Uuid,
            by: &str,
            at: OffsetDateTime,
        ) -> bool = removals::approve;

        /// Puts one that was approved back to a person. False: it is not approved (any more).
        fn ask_removal_again(
            workspace_id: WorkspaceId,
            removal_id: Uuid,
            seen: &Json,
            detail: &str,
        ) -> bool = removals::ask_again;

        /// Ends one that is open. False: it had ended.
        fn settle_removal(workspace_id: WorkspaceId, settled: &SettledRemoval<'_>) -> bool = removals::settle;

        /// Withdraws what is open because that record was gone: it is there again. Returns how many.
        fn withdraw_removals(
            workspace_id: WorkspaceId,
            sync_id: SyncId,
            gone: (Side, &str),
            detail: &str,
            at: OffsetDateTime,
        ) -> u64 = removals::withdraw;
    }
}
