//! Fields that accounts made themselves, as the core sees them.

use crate::store::fields;
use domain::{ConnectionId, RunId, SyncId, WorkspaceId};
use serde_json::Value as Json;
use time::OffsetDateTime;

tables! {
    /// What is known of the fields an account made itself, and the values of metafields that are read apart.
    trait Fields {
        /// `None`: they were never read.
        fn connection_fields(workspace_id: WorkspaceId, connection_id: ConnectionId) -> Option<Json> = fields::get;

        fn set_connection_fields(
            workspace_id: WorkspaceId,
            connection_id: ConnectionId,
            known: &Json,
        ) -> () = fields::set;

        /// Live customers a run has seen whose metafields were not read since, by id after `after`.
        fn customers_without_metafields(
            of: (WorkspaceId, SyncId, RunId),
            since: OffsetDateTime,
            after: &str,
            limit: i64,
        ) -> Vec<String> = fields::customers_without_metafields;

        /// Keeps the values of metafields of many customers. An older reading never replaces a newer one.
        fn set_metafields(
            of: (WorkspaceId, SyncId),
            read_at: OffsetDateTime,
            ids: &[String],
            values: &[Json],
        ) -> () = fields::set_metafields;
    }
}
