//! Records that a whole list did not hold. That alone proves nothing: each is asked for by its id.

use super::{ReadSummary, Reading};
use crate::Result;
use domain::{Side, deletes::GoneBy, limits};
use std::str::FromStr as _;

impl Reading<'_> {
    /// Looks after the records that whole lists of this run did not hold, also those without a partner: one that is gone
    /// would stay somebody's candidate for ever. Whoever is gone is written down.
    pub(crate) async fn look_for_missing(&self, summary: &ReadSummary) -> Result<()> {
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        let mut conn = self.engine.store().session().await?;
        let missed = conn.missed_records(workspace_id, sync_id, self.run_id, limits::MISSING_PER_RUN).await?;
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
                self.engine.store().session().await?.mark_record_gone(mark, &row.remote_id, GoneBy::Listing).await?;
                continue;
            }
            let record = self.one_told(side, &row.remote_id, GoneBy::Listing).await?;
            self.keep(mark, record.as_slice()).await?;
        }
        Ok(())
    }

    /// Looks after the records that are gone although a list of this run held them: restored, or told by a search that
    /// lags behind.
    pub(crate) async fn look_for_returned(&self, summary: &ReadSummary) -> Result<()> {
        let Some(began_at) = summary.began_at else { return Ok(()) };
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        let mut conn = self.engine.store().session().await?;
        let limit = limits::MISSING_PER_RUN;
        let returned = conn.returned_records(workspace_id, sync_id, self.run_id, began_at, limit).await?;
        drop(conn);
        for row in returned {
            let Ok(side) = Side::from_str(&row.side) else { continue };
            let mark = self.mark(side);
            let record = self.one(side, &row.remote_id).await?;
            self.keep(mark, record.as_slice()).await?;
        }
        Ok(())
    }
}
