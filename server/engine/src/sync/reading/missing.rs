//! Records of pairs that a whole list did not hold. That alone proves nothing: each is asked for by its id.

use super::{ReadSummary, Reading};
use crate::Result;
use domain::{Side, limits};
use std::str::FromStr as _;

impl Reading<'_> {
    /// Looks after the linked records that whole lists of this run did not hold. Whoever is gone is written down.
    pub(crate) async fn look_for_missing(&self, summary: &ReadSummary) -> Result<()> {
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        let mut conn = self.engine.store().session().await?;
        let missed = conn.missed_links(workspace_id, sync_id, self.run_id, limits::MISSING_PER_RUN).await?;
        drop(conn);
        for row in missed {
            let Ok(side) = Side::from_str(&row.side) else { continue };
            let known = match side {
                Side::Highlevel => summary.contacts_known,
                Side::Chargify => summary.customers_known,
            };
            if !known {
                continue;
            }
            let mark = self.mark(side);
            if crate::planted!(AbsentAsGone) {
                self.engine.store().session().await?.mark_record_gone(mark, &row.remote_id).await?;
                continue;
            }
            let record = self.one(side, &row.remote_id).await?;
            self.keep(mark, record.as_slice()).await?;
        }
        Ok(())
    }
}
