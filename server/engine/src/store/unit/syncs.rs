//! Syncs, as the core sees them.

use crate::store::syncs::{self, NewSync, PolicyRow, SyncRow};
use domain::{SyncId, WorkspaceId};
use serde_json::Value as Json;
use time::OffsetDateTime;

tables! {
    /// Syncs, their policies and mapping versions.
    trait Syncs {
        /// All syncs of a workspace, by name; at most 200.
        fn syncs(workspace_id: WorkspaceId) -> Vec<SyncRow> = syncs::list;

        fn sync(workspace_id: WorkspaceId, sync_id: SyncId) -> Option<SyncRow> = syncs::get;

        fn sync_by_name(workspace_id: WorkspaceId, name: &str) -> Option<SyncRow> = syncs::find;

        fn insert_sync(new: &NewSync<'_>) -> () = syncs::insert;

        fn update_sync_policy(
            workspace_id: WorkspaceId,
            sync_id: SyncId,
            policy: &PolicyRow,
        ) -> () = syncs::update_policy;

        /// Saves a version, makes it the current one and returns its number.
        fn insert_mapping(
            workspace_id: WorkspaceId,
            sync_id: SyncId,
            rules: &Json,
            author: &str,
            reason: &str,
        ) -> i32 = syncs::insert_mapping;

        /// The version of the sync's mapping, which nobody changes before the unit of work ends.
        fn lock_mapping_version(workspace_id: WorkspaceId, sync_id: SyncId) -> Option<i32> = syncs::lock_version;

        /// Moves the watermarks forward, never back.
        fn advance_watermarks(
            workspace_id: WorkspaceId,
            sync_id: SyncId,
            highlevel_seen_until: Option<OffsetDateTime>,
            chargify_event_id: Option<i64>,
        ) -> () = syncs::advance;
    }
}
