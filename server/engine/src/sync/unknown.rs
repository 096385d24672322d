//! Writes whose outcome nobody wrote down, because a process died, an answer was lost or a job was given up. Each is looked
//! up before anything else is written about its record; none is sent again blindly.

use super::{
    removing::{self, DELETE},
    settling::{Belongs, Ended, LinkEffect},
    writing::{Target, Writer},
};
use crate::{
    Engine, EngineError, Result, UpstreamClass,
    store::{intents::IntentResult, intents::IntentRow, records::ReadMark},
};
use domain::{
    IntentId, LinkId, RemoteId, Side, SyncId, WorkspaceId, deletes::GoneBy, limits, merge::Base, outcome::Outcome,
    record::Record,
};
use std::time::Duration;

impl Engine {
    /// Of these writes those that nobody is at any more. The service may be: it is given its time from the moment at which
    /// they are first found so.
    pub(super) async fn abandoned(&self, workspace_id: WorkspaceId, open: Vec<IntentRow>) -> Result<Vec<IntentRow>> {
        let is_left = |intent: &IntentRow| !self.is_under_way(IntentId(intent.intent_id));
        let mut left: Vec<IntentRow> = open.into_iter().filter(is_left).collect();
        let now = self.clock().now();
        let mut fresh = Vec::new();
        for intent in left.iter_mut().filter(|intent| intent.unknown_since.is_none()) {
            intent.unknown_since = Some(now);
            fresh.push(intent.intent_id);
        }
        if !fresh.is_empty() {
            let mut conn = self.store().session().await?;
            conn.leave_intents_unknown(workspace_id, &fresh, now).await?;
        }
        Ok(left)
    }

    /// How long the service may still be at the write.
    pub(super) fn goes_on(&self, intent: &IntentRow) -> Duration {
        let now = self.clock().now();
        let passed = intent.unknown_since.map_or(Duration::ZERO, |since| (now - since).try_into().unwrap_or_default());
        limits::REMOTE_ENDED.saturating_sub(passed)
    }
}

impl Writer<'_> {
    /// Looks up what is not known about records journalled under these keys. What somebody is still at is left to them.
    /// Returns how long the service may be at the last of those that were not found: until then nothing is known of them.
    pub(crate) async fn settle_unknown(&self, sync_id: SyncId, keys: &[String]) -> Result<Option<Duration>> {
        let workspace_id = self.context.workspace_id;
        let mut conn = self.engine.store().session().await?;
        let mut open = conn.open_intents_of_keys(workspace_id, sync_id, keys, self.engine.node().id).await?;
        drop(conn);
        // Those of a run that goes on are the run's own to settle.
        open.retain(|intent| !intent.run_goes_on);
        let mut waits = None;
        for intent in self.engine.abandoned(workspace_id, open).await? {
            if intent.operation == DELETE {
                self.settle_deletion(&intent).await?;
                continue;
            }
            let target = target(&intent)?;
            let found = self.find(&target).await?;
            let rest = self.engine.goes_on(&intent);
            if found.is_none() && !target.is_safe_twice() && !rest.is_zero() {
                waits = waits.max(Some(rest));
                continue;
            }
            let ended = self.looked_up(&intent, found).await?;
            self.engine.settle(Belongs { context: self.context, run_id: None }, &[ended]).await?;
        }
        Ok(waits)
    }

    /// Settles a deletion that was looked up. Whoever wished for it goes on from there.
    async fn settle_deletion(&self, intent: &IntentRow) -> Result<()> {
        let target = target(intent)?;
        let id = RemoteId(intent.remote_key.clone());
        let (workspace_id, sync_id, now) = (self.context.workspace_id, self.context.sync_id, self.engine.clock().now());
        let call = &self.cause.call;
        let read = match target.side {
            Side::Highlevel => self.clients.highlevel.get(call, &id).await,
            Side::Chargify => self.clients.chargify.get(call, &id).await,
        };
        let is_gone = match read {
            Ok(_) => false,
            Err(error) if error.class == UpstreamClass::NotFound => true,
            Err(error) => return Err(error.into()),
        };
        let mut tx = self.engine.store().begin().await?;
        let phase = if is_gone { "done" } else { "not_done" };
        tx.settle_intents(workspace_id, &[&removing::looked_up(intent, phase)], now).await?;
        if is_gone {
            let mark = ReadMark { workspace_id, sync_id, side: target.side, run_id: None, read_at: now };
            tx.mark_record_gone(mark, id.as_str(), GoneBy::Removal).await?;
        }
        tx.commit().await
    }

    /// The ending of a write that was looked up and belongs to no open item: journalled, audited, its copy refreshed, and
    /// what it wrote no longer taken for news.
    pub(crate) async fn looked_up(&self, intent: &IntentRow, found: Option<Record>) -> Result<Ended> {
        let mut ended = Ended::as_outcome(Outcome::Unchanged, None);
        ended.intents.push(verdict(intent, found.as_ref()));
        if let Some(record) = &found {
            ended.audit.push(self.recovered_line(intent, record));
            ended.link = self.agreed_by(&target(intent)?, record).await?;
        }
        ended.records.extend(found);
        Ok(ended)
    }

    /// How the base of a pair moves when a write about it was found done: what was written was agreed on then, and what
    /// the partner holds by now is compared with that.
    async fn agreed_by(&self, target: &Target, record: &Record) -> Result<LinkEffect> {
        let Some(id) = &record.id else { return Ok(LinkEffect::None) };
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        let (contacts, customers) = match record.side {
            Side::Highlevel => (vec![id.0.clone()], Vec::new()),
            Side::Chargify => (Vec::new(), vec![id.0.clone()]),
        };
        let mut conn = self.engine.store().session().await?;
        let links = conn.links_of_records(workspace_id, sync_id, &contacts, &customers).await?;
        let Some(link) = links.first() else { return Ok(LinkEffect::None) };
        let base: Base = serde_json::from_value(link.base.clone())
            .map_err(|_unreadable| EngineError::Bug("a stored base cannot be read"))?;
        let policy = &self.context.policy;
        let moved = base.moved_by(record, &target.fields, &policy.mapping, &policy.catalogue);
        if moved.0.is_empty() {
            return Ok(LinkEffect::None);
        }
        Ok(LinkEffect::Move { link_id: LinkId(link.link_id), moved })
    }
}

/// What the intent is about.
pub(crate) fn target(intent: &IntentRow) -> Result<Target> {
    Target::of(intent).ok_or(EngineError::Bug("an intent of no known side"))
}

/// What a look-up says about the write.
pub(crate) fn verdict(intent: &IntentRow, found: Option<&Record>) -> IntentResult {
    IntentResult {
        intent_id: IntentId(intent.intent_id),
        phase: if found.is_some() { "done" } else { "not_done" },
        remote_id: found.and_then(|record| record.id.as_ref()).map(|id| id.0.clone()),
        status: None,
        detail: Some("settled by a look-up".to_owned()),
    }
}
