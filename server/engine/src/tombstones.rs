//! What is kept of records that were deleted, and for how long.

use crate::{
    Engine, Result,
    audit::{self, AuditAction, NewAuditLine},
};
use domain::{WorkspaceId, limits};

impl Engine {
    /// Takes away, a few times a day, what was kept for long enough; until dropped.
    pub(crate) async fn keep_tidy(&self) {
        loop {
            if let Err(error) = self.purge_tombstones().await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "cannot take old tombstones away; trying later"
                );
            }
            self.clock().sleep(limits::TIDY_EVERY).await;
        }
    }

    /// Takes away what is known of records that were found deleted more than sixty days ago, and returns how many there
    /// were. That a pair ended with them stays known. The worker calls this by the clock; tests call it when their clock
    /// has moved.
    ///
    /// # Errors
    /// Database errors.
    pub async fn purge_tombstones(&self) -> Result<u64> {
        let mut purged = 0;
        loop {
            let now = self.clock().now();
            let mut tx = self.store().begin().await?;
            let taken = tx.purge_tombstones(now - limits::TOMBSTONE_KEPT, limits::TOMBSTONES_AT_ONCE).await?;
            if taken.is_empty() {
                return Ok(purged);
            }
            for (workspace_id, count) in taken {
                let actor = ("system".to_owned(), "Concord itself".to_owned());
                let line = NewAuditLine::of(actor, AuditAction::TombstonesPurged, now).with("count", count);
                audit::append(&mut *tx, WorkspaceId(workspace_id), line).await?;
                purged += u64::try_from(count).unwrap_or(0);
            }
            tx.commit().await?;
        }
    }
}
