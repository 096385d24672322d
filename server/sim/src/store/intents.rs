//! Intents in memory.

use super::{
    data::{Data, IntentEntry, kept},
    records::first,
    session::Session,
};
use async_trait::async_trait;
use domain::{RunId, SyncId, WorkspaceId};
use engine::{
    Result,
    store::{
        Intents,
        intents::{IntentResult, IntentRow, Journalled, NewIntent},
        jobs::Claim,
    },
};
use time::OffsetDateTime;
use uuid::Uuid;

/// Whose intents are asked for, and of what.
struct Asked {
    workspace_id: WorkspaceId,
    sync_id: SyncId,
    node_id: Uuid,
}

impl Data {
    /// Open intents that no other living node is at, with whether their run goes on; oldest first.
    fn left_open(&self, asked: &Asked) -> Vec<(&IntentEntry, bool)> {
        let workspace_id = asked.workspace_id.0;
        let is_left = |one: &IntentEntry| {
            let node_id = one.sent.node_id;
            one.phase == "ambiguous" || node_id == asked.node_id || self.nodes.get(&node_id).is_none()
        };
        let open = self.intents.range((workspace_id, Uuid::nil())..=(workspace_id, Uuid::max())).map(|(_, one)| one);
        let open = open.filter(|one| one.is_open() && one.sent.sync_id == asked.sync_id && is_left(one));
        let mut open: Vec<_> = open.map(|one| (one, self.run_goes_on(workspace_id, one.sent.run_id))).collect();
        open.sort_by_key(|(one, _)| (one.sent.sent_at, one.sent.intent_id));
        open
    }

    fn run_goes_on(&self, workspace_id: Uuid, run_id: Option<RunId>) -> bool {
        let run = run_id.and_then(|run_id| self.runs.get(&(workspace_id, run_id.0)));
        run.is_some_and(|run| run.row.finished_at.is_none())
    }
}

impl IntentEntry {
    fn leave_unknown(&mut self, at: OffsetDateTime) {
        self.phase = "ambiguous";
        self.unknown_since = Some(kept(at));
    }
}

fn row((intent, run_goes_on): (&IntentEntry, bool)) -> IntentRow {
    let sent = &intent.sent;
    IntentRow {
        intent_id: sent.intent_id.0,
        run_id: sent.run_id.map(|run| run.0),
        item_no: sent.item_no,
        side: sent.side.as_str().to_owned(),
        operation: sent.operation.to_owned(),
        remote_key: sent.remote_key.clone(),
        body: sent.body.clone(),
        before: sent.before.clone(),
        phase: intent.phase.to_owned(),
        unknown_since: intent.unknown_since,
        run_goes_on,
    }
}

#[async_trait]
impl Intents for Session {
    async fn insert_intent(&mut self, workspace_id: WorkspaceId, new: &NewIntent, job: Claim) -> Result<Journalled> {
        self.act("insert_intent", |work| {
            if !work.data.is_held(workspace_id, job) {
                return Ok(Journalled::Lost);
            }
            let key = (workspace_id.0, new.intent_id.0);
            let is_busy = |one: &IntentEntry| {
                one.is_open()
                    && (one.sent.sync_id, one.sent.side, &one.sent.remote_key)
                        == (new.sync_id, new.side, &new.remote_key)
            };
            let mut known = work.data.intents.iter().filter(|(key, _)| key.0 == workspace_id.0);
            if known.any(|(_, one)| is_busy(one)) || work.data.intents.contains(&key) {
                return Ok(Journalled::Busy);
            }
            let sent = NewIntent { sent_at: kept(new.sent_at), ..new.clone() };
            let intent = IntentEntry {
                sent,
                phase: "sent",
                remote_id: None,
                status: None,
                detail: None,
                unknown_since: None,
                settled_at: None,
            };
            work.data.intents.insert(key, intent);
            Ok(Journalled::Sent)
        })
        .await
    }

    async fn settle_intents(
        &mut self,
        workspace_id: WorkspaceId,
        results: &[&IntentResult],
        at: OffsetDateTime,
    ) -> Result<()> {
        self.act("settle_intents", |work| {
            for result in results {
                let key = (workspace_id.0, result.intent_id.0);
                if work.data.intents.get(&key).is_some_and(IntentEntry::is_open)
                    && let Some(intent) = work.data.intents.get_mut(&key)
                {
                    intent.phase = result.phase;
                    intent.remote_id.clone_from(&result.remote_id);
                    intent.status = result.status;
                    intent.detail.clone_from(&result.detail);
                    let is_unknown = result.phase == "ambiguous";
                    intent.settled_at = (!is_unknown).then_some(kept(at));
                    intent.unknown_since = if is_unknown { Some(kept(at)) } else { intent.unknown_since };
                }
            }
            Ok(())
        })
        .await
    }

    async fn leave_intents_unknown(
        &mut self,
        workspace_id: WorkspaceId,
        intent_ids: &[Uuid],
        at: OffsetDateTime,
    ) -> Result<()> {
        self.act("leave_intents_unknown", |work| {
            work.data.intents.update(
                |key, one| key.0 == workspace_id.0 && intent_ids.contains(&key.1) && one.phase == "sent",
                |one| one.leave_unknown(at),
            );
            Ok(())
        })
        .await
    }

    async fn leave_intents_of_node_unknown(&mut self, node_id: Uuid, at: OffsetDateTime) -> Result<()> {
        self.act("leave_intents_of_node_unknown", |work| {
            work.data
                .intents
                .update(|_, one| one.sent.node_id == node_id && one.phase == "sent", |one| one.leave_unknown(at));
            Ok(())
        })
        .await
    }

    async fn open_intents_of_run(
        &mut self,
        workspace_id: WorkspaceId,
        sync_id: SyncId,
        run_id: RunId,
        node_id: Uuid,
    ) -> Result<Vec<IntentRow>> {
        self.act("open_intents_of_run", |work| {
            let open = work.data.left_open(&Asked { workspace_id, sync_id, node_id });
            let is_its = |(one, goes_on): &(&IntentEntry, bool)| {
                !one.sent.operation.ends_with("_note")
                    && one.sent.operation != "delete"
                    && one.sent.run_id.is_none_or(|of| of == run_id || !goes_on)
            };
            Ok(first(open.into_iter().filter(is_its).map(row), 1000))
        })
        .await
    }

    async fn open_intents_of_keys(
        &mut self,
        workspace_id: WorkspaceId,
        sync_id: SyncId,
        keys: &[String],
        node_id: Uuid,
    ) -> Result<Vec<IntentRow>> {
        self.act("open_intents_of_keys", |work| {
            let open = work.data.left_open(&Asked { workspace_id, sync_id, node_id });
            Ok(first(open.into_iter().filter(|(one, _)| keys.contains(&one.sent.remote_key)).map(row), 100))
        })
        .await
    }
}
