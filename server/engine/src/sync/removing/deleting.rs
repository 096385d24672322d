//! Deletes a record, journalled like every write: before the request leaves, with the record as it was. After a missing
//! answer the record itself tells whether it was done.

use super::{BUSY, Removing, seen};
use crate::{
    Result, UpstreamClass,
    audit::{self, AuditAction, AuditOutcome},
    clients::CallError,
    jobs::Ending,
    store::{
        Tables,
        intents::{IntentResult, IntentRow, Journalled, NewIntent},
        records::ReadMark,
    },
};
use domain::{IntentId, deletes::GoneBy, record::Record};

/// The operation under which deletions are journalled.
pub(crate) const DELETE: &str = "delete";

impl Removing<'_> {
    /// Deletes the record, if it is as the person saw it.
    pub(super) async fn delete(&self, record: &Record) -> Result<Ending> {
        let now_seen = seen(record);
        if !is_same(&self.row.seen, &now_seen) {
            let detail = format!("The {} was changed after this was asked. Look at it again.", self.side.noun());
            let mut conn = self.engine.store().session().await?;
            let (workspace_id, removal_id) = (self.context.workspace_id, self.row.removal_id);
            conn.ask_removal_again(workspace_id, removal_id, &now_seen, &detail).await?;
            return Ok(Ending::Done);
        }
        let intent_id = IntentId(self.engine.entropy().uuid());
        let new = NewIntent {
            intent_id,
            sync_id: self.context.sync_id,
            run_id: None,
            item_no: None,
            link_id: None,
            side: self.side,
            operation: DELETE,
            remote_key: self.row.remote_id.clone(),
            body: serde_json::json!({}),
            before: serde_json::to_value(&record.values).unwrap_or_default(),
            sent_at: self.engine.clock().now(),
            node_id: self.engine.node().id,
        };
        let under_way = self.engine.under_way(self.context.workspace_id, intent_id);
        let mut conn = self.engine.store().session().await?;
        let journalled = conn.insert_intent(self.context.workspace_id, &new, self.cause.job).await?;
        drop(conn);
        if journalled != Journalled::Sent {
            under_way.end();
            return Ok(Ending::Later(BUSY));
        }
        let sent = match self.side {
            domain::Side::Highlevel => self.clients.highlevel.remove(&self.cause.call, &self.id()).await,
            domain::Side::Chargify => self.clients.chargify.remove(&self.cause.call, &self.id()).await,
        };
        let ended = self.understand(intent_id, sent).await;
        under_way.end();
        ended
    }

    async fn understand(&self, intent_id: IntentId, sent: std::result::Result<(), CallError>) -> Result<Ending> {
        let error = match sent {
            Ok(()) => return self.conclude(intent_id, "Deleted.").await,
            Err(error) if error.class == UpstreamClass::NotFound => {
                return self.conclude(intent_id, "It was gone when it was to be deleted.").await;
            }
            Err(error) => error,
        };
        let phase = match error.class {
            UpstreamClass::Rejected => "refused",
            UpstreamClass::Ambiguous => "ambiguous",
            _ => "not_done",
        };
        let result = result(intent_id, &self.row.remote_id, phase, Some(&error));
        let mut tx = self.engine.store().begin().await?;
        tx.settle_intents(self.context.workspace_id, &[&result], self.engine.clock().now()).await?;
        if phase != "refused" {
            tx.commit().await?;
            return Err(error.into());
        }
        let detail = format!("{} did not delete it: {}", self.side.label(), error.message);
        tx.settle_removal(self.context.workspace_id, &self.settled("failed", &detail)).await?;
        let line = self.line(AuditAction::WriteRefused).ended(AuditOutcome::Refused);
        audit::append(&mut *tx, self.context.workspace_id, line.with("reason", error.message)).await?;
        tx.commit().await?;
        Ok(Ending::Done)
    }

    /// It is deleted: intent, tombstone, wish and audit line in one transaction.
    async fn conclude(&self, intent_id: IntentId, detail: &str) -> Result<Ending> {
        let mut tx = self.engine.store().begin().await?;
        self.note_deleted(&mut *tx, &result(intent_id, &self.row.remote_id, "done", None), detail).await?;
        tx.commit().await?;
        Ok(Ending::Done)
    }

    async fn note_deleted(&self, conn: &mut dyn Tables, intent: &IntentResult, detail: &str) -> Result<()> {
        let (workspace_id, sync_id, now) = (self.context.workspace_id, self.context.sync_id, self.engine.clock().now());
        conn.settle_intents(workspace_id, &[intent], now).await?;
        let mark = ReadMark { workspace_id, sync_id, side: self.side, run_id: None, read_at: now };
        conn.mark_record_gone(mark, &self.row.remote_id, GoneBy::Removal).await?;
        conn.settle_removal(workspace_id, &self.settled("done", detail)).await?;
        let line = self.line(AuditAction::RecordDeleted).with("reason", self.row.reason.clone());
        audit::append(conn, workspace_id, line).await
    }

    /// Looks up a deletion of ours whose answer was lost. `None`: there is none, or it was not done.
    pub(super) async fn settle_own_deletion(&self) -> Result<Option<Ending>> {
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        let keys = [self.row.remote_id.clone()];
        let mut conn = self.engine.store().session().await?;
        let mut open = conn.open_intents_of_keys(workspace_id, sync_id, &keys, self.engine.node().id).await?;
        drop(conn);
        open.retain(|intent| intent.operation == DELETE && intent.side == self.side.as_str());
        let Some(intent) = self.engine.abandoned(workspace_id, open).await?.into_iter().next() else { return Ok(None) };
        if self.read(self.side, &self.row.remote_id, GoneBy::Removal).await?.is_some() {
            // It is deleted once, however often that is asked for, so nothing has to be waited for.
            let mut conn = self.engine.store().session().await?;
            let result = looked_up(&intent, "not_done");
            conn.settle_intents(workspace_id, &[&result], self.engine.clock().now()).await?;
            return Ok(None);
        }
        let mut tx = self.engine.store().begin().await?;
        self.note_deleted(
            &mut *tx,
            &looked_up(&intent, "done"),
            "Deleted; the answer was lost, and a look-up found it done.",
        )
        .await?;
        tx.commit().await?;
        Ok(Some(Ending::Done))
    }
}

/// What a look-up says about a deletion.
pub(crate) fn looked_up(intent: &IntentRow, phase: &'static str) -> IntentResult {
    IntentResult {
        intent_id: IntentId(intent.intent_id),
        phase,
        remote_id: Some(intent.remote_key.clone()),
        status: None,
        detail: Some("settled by a look-up".to_owned()),
    }
}

fn result(intent_id: IntentId, remote_id: &str, phase: &'static str, error: Option<&CallError>) -> IntentResult {
    IntentResult {
        intent_id,
        phase,
        remote_id: Some(remote_id.to_owned()),
        status: error.and_then(|error| error.status).and_then(|status| i16::try_from(status).ok()),
        detail: error.map(|error| error.message.clone()),
    }
}

/// Whether the record is as it was: not written since by the service's own word, and of what both readings tell nothing
/// differs.
fn is_same(then: &serde_json::Value, now: &serde_json::Value) -> bool {
    let values = |seen: &serde_json::Value| seen.get("values").and_then(serde_json::Value::as_object).cloned();
    let (Some(before), Some(after)) = (values(then), values(now)) else { return false };
    let differs = |(key, value): (&String, &serde_json::Value)| after.get(key).is_some_and(|other| other != value);
    then.get("updated_at") == now.get("updated_at") && !before.iter().any(differs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_record_is_the_same_if_nothing_that_both_readings_tell_differs() {
        let then = json!({ "updated_at": "5", "values": { "city": "Rome", "phone": null } });
        let table = [
            (json!({ "updated_at": "5", "values": { "city": "Rome" } }), true),
            (json!({ "updated_at": "5", "values": { "city": "Rome", "email": "a@x" } }), true),
            (json!({ "updated_at": "6", "values": { "city": "Rome" } }), false),
            (json!({ "updated_at": "5", "values": { "city": "Milan" } }), false),
            (json!({ "updated_at": "5" }), false),
        ];
        for (now, same) in table {
            assert_eq!(is_same(&then, &now), same, "{now}");
        }
    }
}
