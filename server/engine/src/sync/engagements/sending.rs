//! One note on its way: journalled, sent, understood; looked up by its marker when its answer is missing.

use super::{
    BUSY, Came, Carrier, kind_of,
    note::{Writing, audited, key, ours, refusal_words},
};
use crate::{
    Result, UpstreamClass,
    audit::{self, AuditAction, AuditOutcome, NewAuditLine},
    clients::{CallError, Refusal, chargify::Note},
    store::{
        engagements::{EngagementRow, Standing, WrittenNote},
        intents::{IntentResult, IntentRow, Journalled, NewIntent},
    },
    sync::trouble::stops_everything,
};
use domain::{
    IntentId, Side,
    engagement::{EngagementKind, Step},
    retry,
};
use std::time::Duration;

/// Times one write is tried, look-ups between them.
const TRIES: u32 = 4;
/// A pause between tries is no longer than this.
const RETRY_MAX: Duration = Duration::from_secs(20);
impl Carrier<'_> {
    /// Writes what is planned. `None`: something changed since the plan was made, and nothing was sent.
    pub(super) async fn write(
        &self,
        row: &EngagementRow,
        step: &Step,
        customer_id: Option<&str>,
    ) -> Result<Option<Came>> {
        let Some(writing) = Writing::of(step) else { return Ok(None) };
        let workspace_id = self.context.workspace_id;
        let intent_id = IntentId(self.engine.entropy().uuid());
        let new = NewIntent {
            intent_id,
            sync_id: self.context.sync_id,
            run_id: None,
            item_no: None,
            link_id: None,
            side: Side::Chargify,
            operation: if writing.note_id.is_some() { "update_note" } else { "create_note" },
            remote_key: key(row),
            body: serde_json::to_value(&writing).unwrap_or_default(),
            before: serde_json::json!({ "text": row.written }),
            sent_at: self.engine.clock().now(),
            node_id: self.engine.node().id,
        };
        let under_way = self.engine.under_way(workspace_id, intent_id);
        let mut conn = self.engine.store().session().await?;
        let journalled = conn.insert_intent(workspace_id, &new, self.cause.job).await?;
        drop(conn);
        match journalled {
            Journalled::Sent => {}
            Journalled::Busy => {
                under_way.end();
                return Ok(Some(Came::Later(BUSY)));
            }
            Journalled::Lost => {
                under_way.end();
                return Ok(Some(Came::Lost));
            }
        }
        // From here on every other writer finds it busy, so what is seen now stays true.
        let now = self.row(kind_of(row)?, &row.remote_id).await?;
        let came = match now {
            Some(now) if self.planned(&now, customer_id)? == *step => {
                Some(self.send_until_known(&now, &writing, intent_id).await?)
            }
            _ => {
                self.settle_as(intent_id, "not_done", None, "something changed since").await?;
                None
            }
        };
        under_way.end();
        Ok(came)
    }

    async fn send_until_known(&self, row: &EngagementRow, writing: &Writing, intent_id: IntentId) -> Result<Came> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let error = match self.call(writing).await {
                Ok(note) => return self.written(row, writing, intent_id, (&note, None)).await,
                Err(error) => error,
            };
            if let Some(came) = self.understand(row, writing, intent_id, (&error, attempt)).await? {
                return Ok(came);
            }
        }
    }

    async fn call(&self, writing: &Writing) -> std::result::Result<Note, CallError> {
        let (call, chargify) = (&self.cause.call, &self.clients.chargify);
        match &writing.note_id {
            None => chargify.create_note(call, &writing.subscription_id, &writing.text).await,
            Some(note_id) => chargify.update_note(call, (&writing.subscription_id, note_id), &writing.text).await,
        }
    }

    /// What a failed call means. `None`: try it again.
    async fn understand(
        &self,
        row: &EngagementRow,
        writing: &Writing,
        intent_id: IntentId,
        (error, attempt): (&CallError, u32),
    ) -> Result<Option<Came>> {
        match error.class {
            UpstreamClass::Rate { retry_after } if error.refusal != Refusal::DayUsedUp => {
                self.engine.pause_lane(self.context, Side::Chargify, retry_after, error).await?;
                Ok(None)
            }
            UpstreamClass::Unavailable if attempt < TRIES => {
                self.pause(attempt).await;
                Ok(None)
            }
            UpstreamClass::Ambiguous => self.look_after_ambiguity(row, writing, intent_id, (error, attempt)).await,
            _ if stops_everything(error) || error.class == UpstreamClass::Unavailable => {
                self.settle_as(intent_id, "not_done", error.status, &error.message).await?;
                self.engine.note_refusal(self.context, error).await?;
                Ok(Some(Came::Halt(error.clone())))
            }
            _ => self.refused(row, writing, intent_id, error).await.map(Some),
        }
    }

    /// The answer is missing: what stands there decides. Not there says nothing as long as the service may be at it.
    async fn look_after_ambiguity(
        &self,
        row: &EngagementRow,
        writing: &Writing,
        intent_id: IntentId,
        (error, attempt): (&CallError, u32),
    ) -> Result<Option<Came>> {
        let clock = self.engine.clock();
        let (told_ms, goes_on) = (clock.monotonic_ms(), Duration::from_millis(error.goes_on_ms.into()));
        let mut found = self.look(row, writing).await;
        if matches!(found, Ok(None)) && !goes_on.is_zero() {
            let waited = Duration::from_millis(clock.monotonic_ms().saturating_sub(told_ms));
            clock.sleep(goes_on.saturating_sub(waited)).await;
            found = self.look(row, writing).await;
        }
        match found {
            Ok(Some(note)) => {
                let detail = format!("the answer was lost ({}); a look-up found it done", error.message);
                self.written(row, writing, intent_id, (&note, Some(&detail))).await.map(Some)
            }
            Ok(None) if attempt < TRIES => Ok(None),
            Ok(None) => self.refused(row, writing, intent_id, error).await.map(Some),
            Err(failed) => {
                self.settle_as(intent_id, "ambiguous", failed.status, &failed.message).await?;
                self.engine.note_refusal(self.context, &failed).await?;
                Ok(Some(Came::Halt(failed)))
            }
        }
    }

    /// Looks for the note, more than once when the look-up itself fails.
    async fn look(&self, row: &EngagementRow, writing: &Writing) -> std::result::Result<Option<Note>, CallError> {
        let mut looks = 0;
        loop {
            looks += 1;
            self.pause(looks.min(2)).await;
            let failed = match self.clients.chargify.notes(&self.cause.call, &writing.subscription_id).await {
                Ok(notes) => return Ok(ours(notes, row, writing)),
                Err(error) if error.class == UpstreamClass::NotFound => return Ok(None),
                Err(failed) => failed,
            };
            if stops_everything(&failed) || looks >= TRIES {
                return Err(failed);
            }
            if let UpstreamClass::Rate { retry_after } = failed.class
                && let Err(error) = self.engine.pause_lane(self.context, Side::Chargify, retry_after, &failed).await
            {
                tracing::warn!(error = &error as &dyn std::error::Error, "cannot pause the lane");
            }
        }
    }

    /// Looks up writes about it whose outcome nobody knows. Returns how long the service may still be at one that was not
    /// found: until then nothing new is written.
    pub(super) async fn settle_unknown(&self, row: &EngagementRow) -> Result<Option<Duration>> {
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        let mut conn = self.engine.store().session().await?;
        let node_id = self.engine.node().id;
        let open: Vec<IntentRow> = conn.open_intents_of_keys(workspace_id, sync_id, &[key(row)], node_id).await?;
        drop(conn);
        let mut waits = None;
        for intent in self.engine.abandoned(workspace_id, open).await? {
            let intent_id = IntentId(intent.intent_id);
            let Ok(writing) = serde_json::from_value::<Writing>(intent.body.clone()) else {
                self.settle_as(intent_id, "not_done", None, "what was journalled cannot be read").await?;
                continue;
            };
            let rest = self.engine.goes_on(&intent);
            match self.look(row, &writing).await? {
                Some(note) => {
                    let detail = "the answer was lost; a look-up found it done";
                    self.written(row, &writing, intent_id, (&note, Some(detail))).await?;
                }
                None if !rest.is_zero() => waits = waits.max(Some(rest)),
                None => self.settle_as(intent_id, "not_done", None, "settled by a look-up").await?,
            }
        }
        Ok(waits)
    }

    /// Commits that the note is written: journal, what is kept of it, audit line.
    async fn written(
        &self,
        row: &EngagementRow,
        writing: &Writing,
        intent_id: IntentId,
        (note, detail): (&Note, Option<&str>),
    ) -> Result<Came> {
        let workspace_id = self.context.workspace_id;
        let now = self.engine.clock().now();
        // Found by its marker with another text: it is ours, and the text is not.
        let is_other = detail.is_some() && note.body.trim() != writing.text.trim();
        let text = if is_other { &note.body } else { &writing.text };
        let done = result(intent_id, "done", None, detail.map(str::to_owned));
        let done = IntentResult { remote_id: Some(note.id.0.clone()), ..done };
        let kept = WrittenNote {
            kind: &row.kind,
            remote_id: &row.remote_id,
            subscription_id: &writing.subscription_id,
            note_id: note.id.as_str(),
            text,
            at: now,
            state: if row.deleted_at.is_some() { "deleted" } else { "in_step" },
        };
        let (action, came) = match (&writing.note_id, row.deleted_at) {
            (None, _) => (AuditAction::NoteWritten, Came::Created),
            (Some(_), None) => (AuditAction::NoteRewritten, Came::Updated),
            (Some(_), Some(_)) => (AuditAction::NoteMarkedDeleted, Came::Updated),
        };
        let before = audited(row.written.as_deref().filter(|_| writing.note_id.is_some()).unwrap_or_default());
        let line = self.line(row, action).with("subscription", writing.subscription_id.clone());
        let line = line.change("chargify", "note", &before, &audited(&writing.text));
        let line = detail.into_iter().fold(line, |line, detail| line.with("reason", detail));
        let mut tx = self.engine.store().begin().await?;
        let line = self.on_pair(&mut *tx, row, line).await?;
        tx.settle_intents(workspace_id, &[&done], now).await?;
        tx.keep_written_note(workspace_id, self.context.sync_id, kept).await?;
        audit::append(&mut *tx, workspace_id, line).await?;
        tx.commit().await?;
        Ok(came)
    }

    /// Commits that the service said no.
    async fn refused(
        &self,
        row: &EngagementRow,
        writing: &Writing,
        intent_id: IntentId,
        error: &CallError,
    ) -> Result<Came> {
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        let now = self.engine.clock().now();
        let is_gone = error.class == UpstreamClass::NotFound;
        if is_gone && row.deleted_at.is_some() {
            self.settle_as(intent_id, "not_done", error.status, "the note is gone as well").await?;
            self.stand(row, "deleted", "").await?;
            return Ok(Came::Unchanged);
        }
        let words = refusal_words(writing, error);
        let state = if is_gone { "lost" } else { "failed" };
        let refused = result(intent_id, "refused", error.status, Some(error.message.clone()));
        let standing = Standing { kind: &row.kind, remote_id: &row.remote_id, state, detail: &words };
        let line = self.line(row, AuditAction::WriteRefused).ended(AuditOutcome::Refused);
        let line = line.with("side", Side::Chargify.as_str()).with("reason", error.message.clone());
        let mut tx = self.engine.store().begin().await?;
        let line = self.on_pair(&mut *tx, row, line).await?;
        tx.settle_intents(workspace_id, &[&refused], now).await?;
        tx.set_engagement_standing(workspace_id, sync_id, standing).await?;
        audit::append(&mut *tx, workspace_id, line).await?;
        tx.commit().await?;
        Ok(Came::Failed(words))
    }

    async fn settle_as(
        &self,
        intent_id: IntentId,
        phase: &'static str,
        status: Option<u16>,
        detail: &str,
    ) -> Result<()> {
        let intent = result(intent_id, phase, status, Some(detail.to_owned()));
        let mut conn = self.engine.store().session().await?;
        conn.settle_intents(self.context.workspace_id, &[&intent], self.engine.clock().now()).await
    }

    pub(super) async fn pause(&self, attempt: u32) {
        let delay = retry::backoff(attempt, self.engine.entropy().next()).min(RETRY_MAX);
        self.engine.clock().sleep(delay).await;
    }

    fn line(&self, row: &EngagementRow, action: AuditAction) -> NewAuditLine {
        let line = NewAuditLine::of(self.cause.actor.clone(), action, self.engine.clock().now())
            .about(key(row), format!("the {} {}", row.kind, row.remote_id))
            .with("sync", self.context.row.name.clone());
        match self.cause.run_id {
            Some(run_id) => line.in_run(run_id),
            None => line,
        }
    }

    /// The line on both records, and under the contact's name.
    async fn on_pair(
        &self,
        conn: &mut dyn crate::store::Tables,
        row: &EngagementRow,
        line: NewAuditLine,
    ) -> Result<NewAuditLine> {
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        let ids = [row.contact_id.clone()];
        let links = conn.links_of_records(workspace_id, sync_id, &ids, &[]).await?;
        let copies = conn.records_by_ids(workspace_id, sync_id, Side::Highlevel, &ids).await?;
        let name = copies.first().map(crate::sync::record_of).transpose()?.map(|record| record.display_name());
        let customer_id = links.first().map(|link| link.customer_id.as_str());
        let whose = name.unwrap_or_else(|| row.contact_id.clone());
        let article = if row.kind == EngagementKind::Appointment.as_str() { "an" } else { "a" };
        let line = line.about(key(row), format!("{article} {} of {whose}", row.kind));
        Ok(line.on_records(Some(&row.contact_id), customer_id))
    }
}

fn result(intent_id: IntentId, phase: &'static str, status: Option<u16>, detail: Option<String>) -> IntentResult {
    let status = status.and_then(|status| i16::try_from(status).ok());
    IntentResult { intent_id, phase, remote_id: None, status, detail }
}
