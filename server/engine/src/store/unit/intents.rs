//! Intents, as the core sees them.

use crate::store::{
    intents::{self, IntentResult, IntentRow, Journalled, NewIntent},
    jobs::Claim,
};
use domain::{RunId, SyncId, WorkspaceId};
use time::OffsetDateTime;
use uuid::Uuid;

tables! {
    /// The journal of remote writes.
    trait Intents {
        /// Journals that a write is about to leave, if the job it belongs to is still held, and another write of the
        /// same record is not under way.
        fn insert_intent(workspace_id: WorkspaceId, new: &NewIntent, job: Claim) -> Journalled = intents::insert_sent;

        /// Settles writes; those that are settled already stay as they are.
        fn settle_intents(
            workspace_id: WorkspaceId,
            results: &[&IntentResult],
            at: OffsetDateTime,
        ) -> () = intents::settle_all;

        /// Writes of a run, and of runs of the sync that have ended, whose outcome is not known; only those of this
        /// node and of nodes that are no more. Oldest first.
        fn open_intents_of_run(
            workspace_id: WorkspaceId,
            sync_id: SyncId,
            run_id: RunId,
            node_id: Uuid,
        ) -> Vec<IntentRow> = intents::open_of_run;

        /// Writes under these keys whose outcome is not known; only those of this node and of nodes that are no more.
        /// Oldest first.
        fn open_intents_of_keys(
            workspace_id: WorkspaceId,
            sync_id: SyncId,
            keys: &[String],
            node_id: Uuid,
        ) -> Vec<IntentRow> = intents::open_of_keys;
    }
}
