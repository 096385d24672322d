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

        /// Nobody waits for the answers of these writes any more, from now on.
        fn leave_intents_unknown(
            workspace_id: WorkspaceId,
            intent_ids: &[Uuid],
            at: OffsetDateTime,
        ) -> () = intents::leave_unknown;

        /// The same for all writes of a node that is gone.
        fn leave_intents_of_node_unknown(node_id: Uuid, at: OffsetDateTime) -> () = intents::leave_unknown_of;

        /// Writes of a run whose outcome is not known, and those that work which has ended left behind, oldest first.
        /// What another living node is still at is left to it, and writes of notes to those who write them.
        fn open_intents_of_run(
            workspace_id: WorkspaceId,
            sync_id: SyncId,
            run_id: RunId,
            node_id: Uuid,
        ) -> Vec<IntentRow> = intents::open_of_run;

        /// Writes under these keys whose outcome is not known, oldest first. What another living node is still at is left
        /// to it.
        fn open_intents_of_keys(
            workspace_id: WorkspaceId,
            sync_id: SyncId,
            keys: &[String],
            node_id: Uuid,
        ) -> Vec<IntentRow> = intents::open_of_keys;
    }
}
