//! Looks for what changed on either side while a run writes: a few calls now and then, not a read per record. What
//! changed is read into its copy, and the item of such a record is planned again.

use super::Running;
use super::execute::Signals;
use crate::{
    Result,
    sync::{
        readers::Readers,
        reading::{Meanwhile, Reading},
    },
};
use std::{sync::PoisonError, time::Duration};

/// A plan older than this is compared with what happened since before it is carried out; and every so often after that.
const FRESH: Duration = Duration::from_secs(60);

impl Running<'_> {
    /// A plan that waited for a person, or was long in the making, is compared with what changed meanwhile.
    pub(super) async fn look_for_changes_since(&self) -> Result<()> {
        // Counted from when reading began: a long reading is itself something to look behind.
        let began = self.read_summary().began_at;
        let old = began.is_some_and(|at| self.engine.clock().now() - at > FRESH);
        if old || self.row.approved_by.is_some() { self.look().await } else { Ok(()) }
    }

    /// Looks again and again, until the work is over.
    pub(super) async fn look_meanwhile(&self, signals: &Signals) {
        while signals.over.run_until_cancelled(self.engine.clock().sleep(FRESH)).await.is_some() {
            if let Some(Err(error)) = signals.over.run_until_cancelled(Box::pin(self.look())).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "cannot see what changed meanwhile");
            }
        }
    }

    async fn look(&self) -> Result<()> {
        let Some(since) = self.seen().filter(|_| self.row.chosen.is_none()) else { return Ok(()) };
        let readers = Readers::from(&self.clients);
        let seen = self.reading(&readers).meanwhile(since).await?;
        *self.looked.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen);
        Ok(())
    }

    /// How far both sides are known: by the last look, else by the reading the plan was made from.
    fn seen(&self) -> Option<Meanwhile> {
        let looked = *self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let summary = self.read_summary();
        looked.or_else(|| {
            let (contacts_until, event_id) = (summary.highlevel_seen_until?, summary.chargify_event_id?);
            Some(Meanwhile { contacts_until, event_id, only_ours: true })
        })
    }

    pub(super) fn reading<'r>(&'r self, readers: &'r Readers) -> Reading<'r> {
        Reading {
            engine: self.engine,
            context: &self.context,
            readers,
            run_id: self.run_id,
            call: self.cause.call.clone(),
        }
    }

    /// After a whole reading: the next `changes` run begins where this one began reading, or, as far as nothing but our
    /// own writes happened in Chargify since, where it ended.
    pub(super) async fn advance_watermarks(&self) -> Result<()> {
        let summary = self.read_summary();
        let (Some(seen_until), Some(event_id)) = (summary.highlevel_seen_until, summary.chargify_event_id) else {
            return Ok(());
        };
        let mut newest = event_id;
        if let Some(seen) = self.seen().filter(|seen| seen.only_ours) {
            newest = seen.event_id;
            if self.row.count_created + self.row.count_updated > 0 || self.row.planned_chargify > 0 {
                let readers = Readers::from(&self.clients);
                let ours = self.row.planned_chargify.saturating_sub(seen.event_id - event_id);
                let ours = u64::try_from(ours).unwrap_or(0);
                let (stale, until) = self.reading(&readers).stale_customers(seen.event_id, ours).await?;
                if stale.is_empty() {
                    newest = until;
                }
            }
        }
        let mut conn = self.engine.store().session().await?;
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        conn.advance_watermarks(workspace_id, sync_id, Some(seen_until), Some(newest)).await?;
        Ok(())
    }
}
