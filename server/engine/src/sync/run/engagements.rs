//! The last phase of a run that writes: what linked contacts have besides their fields. A full run looks at every pair, any
//! other at those it linked itself.

use super::{Running, Written};
use crate::{
    EngineError, Result, UpstreamClass,
    store::{Tables, engagements::LinkedContact},
    sync::engagements::{Carried, Carrier},
};
use domain::{Side, limits};
use futures::{StreamExt as _, stream};
use time::OffsetDateTime;

pub(super) const TITLE: &str = "Notes, tasks and appointments";
/// Contacts between two looks whether the run is still wanted.
const BATCH: i64 = 50;

/// How a batch of contacts ended.
enum Batch {
    Through,
    /// A service does not tell what they have; why, and what to do.
    Unread(String),
    Ended(Written),
}

/// Said on a run that could not read them all. Records are another matter: theirs is done.
fn unread_words(side: Side, detail: &str) -> String {
    format!(
        "All records were carried over, but not all notes, tasks and appointments could be read from {}: {}. The next full \
            run reads them. Where the token lacks a scope, give it that scope, or switch the kind off in the sync's settings.",
        side.label(),
        detail.trim_end_matches('.')
    )
}

/// Said on a run that ends while some could not be written.
pub(super) fn failed_words(count: u64) -> String {
    let (what, each) = if count == 1 {
        ("One note, task or appointment", "its")
    } else {
        ("Several notes, tasks or appointments", "their")
    };
    format!("{what} could not be written to Chargify ({count}). The page of {each} contact says why, and what to do.")
}

impl Running<'_> {
    /// Carries engagements over, kind by kind as they are switched on.
    pub(super) async fn carry_engagements(&mut self) -> Result<Written> {
        if !self.context.row.policy()?.engagements.any() {
            return Ok(Written::Through);
        }
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        let since = self.linked_since();
        let mut summary = self.read_summary();
        let mut done = summary.engagements_done;
        let total = self.engine.store().session().await?.count_links(workspace_id, sync_id).await?;
        self.close_phase("Write");
        self.open_phase(TITLE, if since.is_none() { total } else { 0 }).await?;
        loop {
            if self.stop.is_cancelled() {
                return Ok(Written::Stopping);
            }
            if self.cancel_requested().await? {
                return Ok(Written::Cancelled);
            }
            let mut conn = self.engine.store().session().await?;
            let page = (summary.engagements_after.as_str(), BATCH);
            let contacts = conn.linked_contacts(workspace_id, sync_id, since, page).await?;
            drop(conn);
            let Some(last) = contacts.last().map(|last| last.contact_id.clone()) else { break };
            done += contacts.len() as u64;
            match self.carry_batch(contacts).await? {
                Batch::Through => {}
                Batch::Unread(words) => {
                    summary.engagements_unread = Some(words);
                    self.keep_place(&summary).await?;
                    break;
                }
                Batch::Ended(ended) => return Ok(ended),
            }
            (summary.engagements_after, summary.engagements_done) = (last, done);
            self.keep_place(&summary).await?;
        }
        self.close_phase(TITLE);
        self.save_phases().await?;
        Ok(Written::Through)
    }

    /// What could not be carried over, in words, when the run has carried all of them over or tried to.
    pub(super) async fn engagements_stuck(&self, conn: &mut dyn Tables) -> Result<Option<String>> {
        if !self.context.row.policy()?.engagements.any() || self.row.mode == "dry-run" {
            return Ok(None);
        }
        if let Some(unread) = self.read_summary().engagements_unread {
            return Ok(Some(unread));
        }
        if self.linked_since().is_some() {
            return Ok(None);
        }
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        let failed = conn.count_engagements(workspace_id, sync_id, "failed").await?;
        let lost = conn.count_engagements(workspace_id, sync_id, "lost").await?;
        Ok(u64::try_from(failed + lost).ok().filter(|count| *count > 0).map(failed_words))
    }

    /// `None`: every pair is looked at. Else those linked from then on.
    fn linked_since(&self) -> Option<OffsetDateTime> {
        let looks_at_all = self.row.chosen.is_none() && matches!(self.row.mode.as_str(), "full" | "reconcile");
        (!looks_at_all).then(|| self.read_summary().began_at.unwrap_or(self.row.queued_at))
    }

    /// Several contacts at once.
    async fn carry_batch(&self, contacts: Vec<LinkedContact>) -> Result<Batch> {
        let carrier =
            Carrier { engine: self.engine, context: &self.context, clients: &self.clients, cause: &self.cause };
        let carrier = &carrier;
        let work = contacts
            .into_iter()
            .map(|contact| async move { carrier.everything(&contact.contact_id, &contact.customer_id).await });
        let mut carried = stream::iter(work).buffered(limits::ENGAGEMENT_CONTACTS_AT_ONCE);
        while let Some(one) = carried.next().await {
            let Carried { halt, is_lost, .. } = match one {
                Ok(one) => one,
                // Nobody waits for tomorrow in place: the run is put off.
                Err(error @ EngineError::Upstream { class: UpstreamClass::Rate { .. }, .. }) => return Err(error),
                Err(EngineError::Upstream { side, detail, .. }) => {
                    return Ok(Batch::Unread(unread_words(side, &detail)));
                }
                Err(error) => return Err(error),
            };
            if is_lost {
                return Ok(Batch::Ended(Written::Stopping));
            }
            if let Some(error) = halt {
                let words = format!("{}: {}", error.side.label(), error.message);
                return Ok(Batch::Ended(Written::Halted(words)));
            }
        }
        Ok(Batch::Through)
    }

    async fn keep_place(&mut self, summary: &crate::sync::reading::ReadSummary) -> Result<()> {
        let progress = serde_json::to_value(summary).unwrap_or_default();
        let mut conn = self.engine.store().session().await?;
        conn.set_run_progress(self.context.workspace_id, self.run_id, &progress).await?;
        conn.notify_run(self.run_id).await?;
        drop(conn);
        self.row.progress = progress;
        self.advance_phase(TITLE, summary.engagements_done);
        self.save_phases().await
    }

    /// Calls that reading them will take, by the links there will be. What has to be written shows when they are read.
    pub(super) async fn engagement_calls(&self, conn: &mut dyn Tables, new_links: i64) -> Result<(i64, i64)> {
        let switches = self.context.row.policy()?.engagements;
        let kinds = i64::try_from(switches.on().count()).unwrap_or(0);
        if kinds == 0 {
            return Ok((0, 0));
        }
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        let known = match self.linked_since() {
            None => conn.count_links(workspace_id, sync_id).await?,
            Some(_) => 0,
        };
        Ok((kinds * (known + new_links), 0))
    }
}
