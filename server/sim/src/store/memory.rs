//! The store itself: what all its handles share.

use std::sync::Arc;

use engine::Clock;

/// Everything Concord would keep in Postgres, in this process's memory. Durations and `now` are measured by the given
/// clock, as the database's own clock measures them on Postgres. A clone is another handle on the same data.
#[derive(Clone)]
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock }
    }

    /// What time the store's own clock shows.
    #[must_use]
    pub fn now(&self) -> time::OffsetDateTime {
        self.clock.now()
    }
}
