//! Nodes, as they see each other.

use crate::store::{schema, slots};
use time::OffsetDateTime;
use uuid::Uuid;

tables! {
    /// The processes that share the store. A node is alive while somebody holds its lock; [`super::Store::join`] takes
    /// it.
    trait Nodes {
        /// What the store's own clock says.
        fn now() -> OffsetDateTime = schema::now;

        /// Nodes other than this one, with the keys of their locks, in no order.
        fn other_nodes(node_id: Uuid) -> Vec<(Uuid, i64)> = slots::other_nodes;

        /// Whether nobody holds the lock. Inside a unit of work it stays so until the unit ends.
        fn node_lock_is_free(lock_key: i64) -> bool = slots::lock_is_free;

        /// Gives back what a node that ends in order held.
        fn remove_node(node_id: Uuid) -> () = slots::leave;

        /// Gives back what a dead node held, and says how many jobs returned to the queue. A slot with a request known to
        /// be in flight rests until `ended_ms` after it began; any other `rest_ms`, or twice as long as the longest of the
        /// account's last calls, but no longer than `ended_ms`.
        fn bury_node(node_id: Uuid, rest_ms: i64, ended_ms: i64) -> u64 = slots::bury_node;
    }
}
