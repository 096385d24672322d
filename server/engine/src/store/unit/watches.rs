//! The watch over webhooks, as the worker sees it.

use crate::store::watches::{self, WatchRow};
use domain::{ConnectionId, WorkspaceId};
use time::OffsetDateTime;

tables! {
    /// How the webhooks of each connection are doing.
    trait Watches {
        /// What is known; `None` of a connection that was never looked at.
        fn watch(workspace_id: WorkspaceId, connection_id: ConnectionId) -> Option<WatchRow> = watches::find;

        /// What is known, a blank row where nothing was, kept from others until the unit of work ends.
        fn lock_watch(workspace_id: WorkspaceId, connection_id: ConnectionId) -> WatchRow = watches::lock;

        /// Stores a locked row.
        fn save_watch(row: &WatchRow) -> () = watches::save;

        /// Connections to be looked at: those of syncs that are switched on and those whose endpoint Concord registers,
        /// when they are due or were never looked at, in the order of their ids. Not those whose credential is refused.
        fn due_watches(now: OffsetDateTime, limit: i64) -> Vec<(WorkspaceId, ConnectionId)> = watches::due;

        /// Says that the installation is alive now, and returns when it said so last.
        fn beat(now: OffsetDateTime) -> Option<OffsetDateTime> = watches::beat;

        /// Makes every connection of a sync that is switched on due at once, with nothing received since then, and says
        /// how many. An earlier outage that is not made up for keeps its beginning.
        fn note_outage(from: OffsetDateTime) -> u64 = watches::note_outage;

        /// When the connection's first and last webhook came, tests left out.
        fn heard(
            workspace_id: WorkspaceId,
            connection_id: ConnectionId,
        ) -> Option<(OffsetDateTime, OffsetDateTime)> = watches::heard;

        /// How many of the connection's webhooks came from the first instant of each pair up to, not including, the
        /// second, in the order of the pairs; tests left out.
        fn delivery_counts(
            workspace_id: WorkspaceId,
            connection_id: ConnectionId,
            windows: &[(OffsetDateTime, OffsetDateTime)],
        ) -> Vec<u64> = watches::counts;

        /// Those of the webhooks that were received, by id.
        fn received_webhooks(
            workspace_id: WorkspaceId,
            connection_id: ConnectionId,
            webhook_ids: &[String],
        ) -> Vec<String> = watches::received;
    }
}
