//! Records that a whole list did not hold. That alone proves nothing: each is asked for by its id.

use super::{ReadSummary, Reading};
use crate::{
    Result,
    store::{links::MissedRow, records::RecordRow},
};
use domain::{Side, deletes::GoneBy, limits};
use std::{collections::BTreeSet, str::FromStr as _};
use time::OffsetDateTime;

/// Records found by id that a whole list should have held: the list is then known to have holes, and no more are asked for.
const HOLES: usize = 5;

impl Reading<'_> {
    /// Looks after the records that whole lists of this run did not hold, also those without a partner: one that is gone
    /// would stay somebody's candidate for ever. Whoever is gone is written down. Whoever is there although the list did
    /// not hold them proves that it had holes: then it counts as not read, and nobody is created for want of a partner.
    pub(crate) async fn look_for_missing(&self, summary: &mut ReadSummary) -> Result<()> {
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        let mut conn = self.engine.store().session().await?;
        let missed = conn.missed_records(workspace_id, sync_id, self.run_id, limits::MISSING_PER_RUN).await?;
        drop(conn);
        for (side, is_known) in [(Side::Highlevel, summary.contacts_known), (Side::Chargify, summary.customers_known)] {
            let missed = missed.iter().filter(|row| Side::from_str(&row.side) == Ok(side));
            if is_known && self.look_for_missing_on(side, missed, summary.began_at).await? {
                self.disprove(summary, side);
            }
        }
        Ok(())
    }

    /// Whether the list is proved to have holes.
    async fn look_for_missing_on(
        &self,
        side: Side,
        missed: impl Iterator<Item = &MissedRow>,
        began_at: Option<OffsetDateTime>,
    ) -> Result<bool> {
        let ids: Vec<String> = missed.map(|row| row.remote_id.clone()).collect();
        let old = self.known_for_long(side, &ids, began_at).await?;
        let mut holes = 0;
        for id in &ids {
            let mark = self.mark(side);
            if crate::planted!(AbsentAsGone) {
                self.engine.store().session().await?.mark_record_gone(mark, id, GoneBy::Listing).await?;
                continue;
            }
            let record = self.one_told(side, id, GoneBy::Listing).await?;
            self.keep(mark, record.as_slice()).await?;
            holes += usize::from(record.is_some() && old.contains(id));
            if holes >= HOLES {
                break;
            }
        }
        Ok(holes > 0)
    }

    /// Those of which we knew, and which had not changed, well before the list was read: a search lags behind by seconds,
    /// and what was made meanwhile need not be in a list.
    async fn known_for_long(
        &self,
        side: Side,
        ids: &[String],
        began_at: Option<OffsetDateTime>,
    ) -> Result<BTreeSet<String>> {
        let Some(began_at) = began_at.filter(|_| !ids.is_empty()) else { return Ok(BTreeSet::new()) };
        let mut conn = self.engine.store().session().await?;
        let copies = conn.records_by_ids(self.context.workspace_id, self.context.sync_id, side, ids).await?;
        let long_ago = began_at - time::Duration::seconds(limits::WATERMARK_OVERLAP_S);
        let is_old = |copy: &RecordRow| {
            copy.read_at < began_at && (side == Side::Chargify || copy.updated_at.is_none_or(|at| at < long_ago))
        };
        Ok(copies.into_iter().filter(is_old).map(|copy| copy.remote_id).collect())
    }

    /// The side counts as not read, and its watermark stays.
    fn disprove(&self, summary: &mut ReadSummary, side: Side) {
        match side {
            Side::Highlevel => {
                summary.contacts_known = false;
                summary.highlevel_seen_until = self.context.row.highlevel_seen_until;
            }
            Side::Chargify => {
                summary.customers_known = false;
                summary.chargify_event_id = self.context.row.chargify_event_id;
            }
        }
        summary.lost.tell(format!(
            "{}'s list of {}s lacked some that are there: nobody counts as gone because of it.",
            side.label(),
            side.noun()
        ));
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
