//! One write on its way: journalled, sent, understood; looked up when its answer is missing.

use super::{Target, Writer, finding::Found};
use crate::{
    Result, UnderWay, UpstreamClass,
    clients::{
        CallContext, CallError, Dropped, Refusal, Written,
        highlevel::{TAGS_OFF, TAGS_ON},
    },
    store::{
        intents::{IntentResult, Journalled, NewIntent},
        records::{PlannedPair, PlannedRecord, ReadMark},
    },
    sync::{Planned, batch_of, trouble::stops_everything},
};
use domain::{
    IntentId, RemoteId, Side,
    deletes::GoneBy,
    limits,
    mapping::TAGS,
    plan::Action,
    record::{FieldKey, Record},
    retry,
    value::Value,
};
use std::{collections::BTreeMap, time::Duration};

/// Times one write is tried, look-ups between them.
const WRITE_TRIES: u32 = 4;
/// A pause between tries of one write is no longer than this: a slot's worth of work waits behind it.
const WRITE_RETRY_MAX: Duration = Duration::from_secs(20);

/// One write as it will leave.
pub(super) struct Sending<'p> {
    pub(super) target: Target,
    planned: &'p Planned,
    item_no: Option<i64>,
}

/// How one write ended.
pub(super) enum Sent {
    Done {
        record: Box<Record>,
        intent: IntentResult,
        created: bool,
        dropped: Vec<Dropped>,
    },
    /// The service said no, in its own words.
    Refused {
        error: CallError,
        intent: IntentResult,
    },
    /// The record to be created exists already.
    Exists {
        record: Box<Record>,
        intent: Option<IntentResult>,
    },
    /// Something of the pair changed after the plan was made. Nothing was sent.
    Stale,
    Busy,
    /// The job is another's. Nothing was sent.
    Lost,
    Halt(CallError),
}

/// May this write leave?
enum Leave {
    Yes(UnderWay),
    No(Sent),
}

impl Writer<'_> {
    /// Journals and sends one write, with the look-ups that an unknown outcome needs.
    pub(super) async fn send(&self, sending: &Sending<'_>) -> Result<Sent> {
        let intent_id = IntentId(self.engine.entropy().uuid());
        let under_way = match self.journal(intent_id, sending).await? {
            Leave::Yes(under_way) => under_way,
            Leave::No(sent) => return Ok(sent),
        };
        // From here on every other writer of this record finds it busy, so what is seen now stays true.
        let sent = if self.is_stale(sending).await? {
            self.leave_out(sending, intent_id).await?
        } else {
            self.send_until_known(sending, intent_id).await?
        };
        under_way.end();
        Ok(sent)
    }

    /// The plan is out of date: nothing is sent, and the record is planned again.
    async fn leave_out(&self, sending: &Sending<'_>, intent_id: IntentId) -> Result<Sent> {
        let intent = result(intent_id, "not_done", sending.id(), None, Some("the plan was out of date".to_owned()));
        let mut conn = self.engine.store().session().await?;
        conn.settle_intents(self.context.workspace_id, &[&intent], self.engine.clock().now()).await?;
        Ok(Sent::Stale)
    }

    async fn send_until_known(&self, sending: &Sending<'_>, intent_id: IntentId) -> Result<Sent> {
        let token = intent_id.to_string();
        let mut attempt = 0;
        let mut call = self.cause.call.fresh_for(limits::WRITE_FRESH);
        let mut has_waited = false;
        loop {
            attempt += 1;
            // The pause before a further try may have been long.
            if attempt > 1 || has_waited {
                if self.is_stale(sending).await? {
                    return self.leave_out(sending, intent_id).await;
                }
                if self.is_news_waiting(sending).await? {
                    self.leave_out(sending, intent_id).await?;
                    return Ok(Sent::Busy);
                }
            }
            let error = match self.call(sending, &token, &call).await {
                Ok(written) => {
                    let intent = result(intent_id, "done", written.record.id.as_ref(), None, None);
                    let created = sending.id().is_none();
                    let record = Box::new(sending.completed(written.record));
                    return Ok(Sent::Done { record, intent, created, dropped: written.dropped });
                }
                Err(error) if error.refusal == Refusal::WaitedLong => {
                    // Looked at once more it goes out, however long that takes: else it might never have its turn.
                    (attempt, call, has_waited) = (attempt - 1, self.cause.call.clone(), true);
                    continue;
                }
                Err(error) => error,
            };
            if let Some(sent) = self.understand(sending, intent_id, &error, attempt).await? {
                return Ok(sent);
            }
        }
    }

    /// What a failed call means. `None`: try it again.
    async fn understand(
        &self,
        sending: &Sending<'_>,
        intent_id: IntentId,
        error: &CallError,
        attempt: u32,
    ) -> Result<Option<Sent>> {
        let refused = |phase| result(intent_id, phase, sending.id(), error.status, Some(error.message.clone()));
        if matches!(
            error.refusal,
            Refusal::ReferenceTaken | Refusal::DuplicateSubmission | Refusal::DuplicateContact { .. }
        ) && sending.id().is_none()
        {
            let there = match self.find_existing(&sending.target, error).await {
                Ok(found) => self.confirmed(found).await?,
                Err(failed) => Err(failed),
            };
            return match there {
                Ok(Some(record)) => {
                    Ok(Some(Sent::Exists { record: Box::new(record), intent: Some(refused("not_done")) }))
                }
                Ok(None) => Ok(Some(Sent::Refused { error: error.clone(), intent: refused("refused") })),
                Err(failed) => self.give_up(sending, intent_id, &failed, "not_done").await,
            };
        }
        if error.class == UpstreamClass::NotFound
            && let Some(id) = sending.id()
        {
            // Asked for by its id it is not there: that is proof, and whoever is gone is planned otherwise.
            let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
            let read_at = self.engine.clock().now();
            let mark = ReadMark { workspace_id, sync_id, side: sending.side(), run_id: None, read_at };
            let mut conn = self.engine.store().session().await?;
            conn.mark_record_gone(mark, id.as_str(), GoneBy::Write).await?;
            drop(conn);
            return self.leave_out(sending, intent_id).await.map(Some);
        }
        match error.class {
            UpstreamClass::Rate { retry_after } if error.refusal != Refusal::DayUsedUp => {
                self.engine.pause_lane(self.context, sending.side(), retry_after, error).await?;
                Ok(None)
            }
            UpstreamClass::Unavailable if attempt < WRITE_TRIES => {
                self.pause(attempt).await;
                Ok(None)
            }
            UpstreamClass::Ambiguous => self.look_after_ambiguity(sending, intent_id, error, attempt).await,
            _ if stops_everything(error) => self.give_up(sending, intent_id, error, "not_done").await,
            // What a webhook asked for is tried again later by its job; it must not end as failed.
            UpstreamClass::Unavailable if self.cause.run_id.is_none() => {
                self.give_up(sending, intent_id, error, "not_done").await
            }
            _ => Ok(Some(Sent::Refused { error: error.clone(), intent: refused("refused") })),
        }
    }

    /// The answer is missing: what is there now decides. Not there says nothing as long as the service may be at it;
    /// after that it was not done, and is tried again.
    async fn look_after_ambiguity(
        &self,
        sending: &Sending<'_>,
        intent_id: IntentId,
        error: &CallError,
        attempt: u32,
    ) -> Result<Option<Sent>> {
        if crate::planted!(SkipLookup) && attempt < WRITE_TRIES {
            return Ok(None);
        }
        let clock = self.engine.clock();
        let (told_ms, goes_on) = (clock.monotonic_ms(), Duration::from_millis(error.goes_on_ms.into()));
        let mut found = self.look(sending).await;
        if matches!(found, Ok(Found::Not | Found::Otherwise(_)))
            && !sending.target.is_safe_twice()
            && !goes_on.is_zero()
        {
            let waited = Duration::from_millis(clock.monotonic_ms().saturating_sub(told_ms));
            clock.sleep(goes_on.saturating_sub(waited)).await;
            found = self.look(sending).await;
        }
        match found {
            Ok(Found::Done(record)) => {
                let detail = format!("the answer was lost ({}); a look-up found it done", error.message);
                let intent = result(intent_id, "done", record.id.as_ref(), error.status, Some(detail));
                let created = sending.id().is_none();
                Ok(Some(Sent::Done { record, intent, created, dropped: Vec::new() }))
            }
            // Somebody changed it since, before or after our write: what is there now is planned anew.
            Ok(Found::Otherwise(record)) if sending.was_otherwise(&record) => {
                self.keep(&record).await?;
                self.leave_out(sending, intent_id).await.map(Some)
            }
            Ok(_) if attempt < WRITE_TRIES => Ok(None),
            Ok(_) => {
                let intent = result(intent_id, "not_done", sending.id(), error.status, Some(error.message.clone()));
                Ok(Some(Sent::Refused { error: error.clone(), intent }))
            }
            Err(failed) => self.give_up(sending, intent_id, &failed, "ambiguous").await,
        }
    }

    /// Looks the write up, more than once when the look-up itself fails.
    async fn look(&self, sending: &Sending<'_>) -> std::result::Result<Found, CallError> {
        let mut lookups = 0;
        loop {
            lookups += 1;
            self.pause(lookups.min(2)).await;
            let failed = match self.seek(&sending.target).await {
                Ok(found) => return Ok(found),
                Err(failed) => failed,
            };
            if stops_everything(&failed) || lookups >= WRITE_TRIES {
                return Err(failed);
            }
            if let UpstreamClass::Rate { retry_after } = failed.class
                && let Err(error) = self.engine.pause_lane(self.context, sending.side(), retry_after, &failed).await
            {
                tracing::warn!(error = &error as &dyn std::error::Error, "cannot pause the lane");
            }
        }
    }

    /// Leaves the write for whoever comes next: known not to be done, or `ambiguous`, to be looked up first.
    async fn give_up(
        &self,
        sending: &Sending<'_>,
        intent_id: IntentId,
        error: &CallError,
        phase: &'static str,
    ) -> Result<Option<Sent>> {
        let intent = result(intent_id, phase, sending.id(), error.status, Some(error.message.clone()));
        let mut conn = self.engine.store().session().await?;
        conn.settle_intents(self.context.workspace_id, &[&intent], self.engine.clock().now()).await?;
        drop(conn);
        self.engine.note_refusal(self.context, error).await?;
        Ok(Some(Sent::Halt(error.clone())))
    }

    async fn pause(&self, attempt: u32) {
        let delay = retry::backoff(attempt, self.engine.entropy().next()).min(WRITE_RETRY_MAX);
        self.engine.clock().sleep(delay).await;
    }

    /// Keeps what a look-up showed.
    async fn keep(&self, record: &Record) -> Result<()> {
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        let mark =
            ReadMark { workspace_id, sync_id, side: record.side, run_id: None, read_at: self.engine.clock().now() };
        self.engine.store().session().await?.upsert_records(mark, &batch_of([record])).await
    }

    /// Whether a webhook about either of the two came after the plan was made and waits for its job: what it tells is not
    /// in the copies yet.
    async fn is_news_waiting(&self, sending: &Sending<'_>) -> Result<bool> {
        let planned = sending.planned;
        let sides = [(Side::Highlevel, planned.contact_id()), (Side::Chargify, planned.customer_id())];
        let mut conn = self.engine.store().session().await?;
        for (side, id) in sides {
            let Some(id) = id else { continue };
            let connection_id = self.context.connection_id(side);
            if conn.delivery_waits(self.context.workspace_id, connection_id, id, self.as_of).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether anything of the pair was read or agreed on after the plan was made, or is otherwise than it was planned
    /// from: a reading that began before that may have been kept after it.
    async fn is_stale(&self, sending: &Sending<'_>) -> Result<bool> {
        if crate::planted!(SkipRecheck) {
            return Ok(false);
        }
        let mut conn = self.engine.store().session().await?;
        let planned = sending.planned;
        let pair = PlannedPair {
            contact: planned.contact.as_ref().and_then(planned_record),
            customer: planned.customer.as_ref().and_then(planned_record),
            link: planned.link.as_ref().map(|link| (link.id, serde_json::to_value(&link.base).unwrap_or_default())),
        };
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        if let (Action::CreateCustomer, Some(email)) = (sending.planned.item.action, sending.planned.email())
            && conn.customer_came_since(workspace_id, sync_id, &email, self.as_of).await?
        {
            return Ok(true);
        }
        conn.pair_changed_since(workspace_id, sync_id, &pair, self.as_of).await
    }

    /// Commits that the write is about to leave.
    async fn journal(&self, intent_id: IntentId, sending: &Sending<'_>) -> Result<Leave> {
        let target = &sending.target;
        let before = match target.side {
            Side::Highlevel => sending.planned.contact.as_ref(),
            Side::Chargify => sending.planned.customer.as_ref(),
        };
        let new = NewIntent {
            intent_id,
            sync_id: self.context.sync_id,
            run_id: self.cause.run_id,
            item_no: sending.item_no,
            link_id: sending.planned.link.as_ref().map(|link| link.id),
            side: target.side,
            operation: if target.id.is_some() { "update" } else { "create" },
            remote_key: target.key.clone(),
            body: serde_json::to_value(&target.fields).unwrap_or_default(),
            before: before.map(|record| serde_json::to_value(&record.values).unwrap_or_default()).unwrap_or_default(),
            sent_at: self.engine.clock().now(),
            node_id: self.engine.node().id,
        };
        let workspace_id = self.context.workspace_id;
        let under_way = self.engine.under_way(workspace_id, intent_id);
        if crate::planted!(SkipJournal) {
            return Ok(Leave::Yes(under_way));
        }
        let mut conn = self.engine.store().session().await?;
        let refused = match conn.insert_intent(workspace_id, &new, self.cause.job).await? {
            Journalled::Sent => return Ok(Leave::Yes(under_way)),
            Journalled::Busy => Sent::Busy,
            Journalled::Lost => Sent::Lost,
        };
        under_way.end();
        Ok(Leave::No(refused))
    }

    async fn call(
        &self,
        sending: &Sending<'_>,
        token: &str,
        call: &CallContext,
    ) -> std::result::Result<Written, CallError> {
        let target = &sending.target;
        match (target.side, &target.id) {
            (Side::Chargify, None) => self.clients.chargify.create(call, &target.fields, token).await,
            (Side::Chargify, Some(id)) => self.clients.chargify.update(call, id, &target.fields).await,
            (Side::Highlevel, None) => self.clients.highlevel.create(call, &target.fields).await,
            (Side::Highlevel, Some(id)) => self.clients.highlevel.update(call, id, &target.fields).await,
        }
    }
}

impl Sending<'_> {
    fn side(&self) -> Side {
        self.target.side
    }

    fn id(&self) -> Option<&RemoteId> {
        self.target.id.as_ref()
    }

    /// Whether a record that was looked up shows in any field something else than what the write was planned on.
    fn was_otherwise(&self, found: &Record) -> bool {
        let before = match self.side() {
            Side::Highlevel => self.planned.contact.as_ref(),
            Side::Chargify => self.planned.customer.as_ref(),
        };
        let blank = |value: Option<&Value>| value.is_none_or(Value::is_blank);
        before.is_some_and(|before| {
            found.values.iter().any(|(field, there)| {
                let known = before.values.get(field);
                known != Some(there) && !(blank(known) && there.is_blank())
            })
        })
    }

    /// The record after an update: what the answer does not tell of it is as it was.
    fn completed(&self, answered: Record) -> Record {
        let before = match self.side() {
            Side::Highlevel => self.planned.contact.as_ref(),
            Side::Chargify => self.planned.customer.as_ref(),
        };
        let Some(before) = before.filter(|_| self.id().is_some()) else { return answered };
        let mut whole = before.clone();
        whole.values.extend(answered.values);
        if answered.stamp.updated_at.is_some() {
            whole.stamp = answered.stamp;
        }
        whole
    }
}

/// A record as it was planned.
fn planned_record(record: &Record) -> Option<PlannedRecord> {
    let values = serde_json::to_value(&record.values).unwrap_or_default();
    record.id.as_ref().map(|id| PlannedRecord { id: id.0.clone(), values })
}

pub(super) fn sending(planned: &Planned, item_no: Option<i64>, side: Side) -> Sending<'_> {
    let item = &planned.item;
    let creates = matches!(item.action, Action::CreateCustomer | Action::CreateContact);
    let mut fields = BTreeMap::new();
    for change in item.changes.iter().filter(|change| change.side == side) {
        if change.field.as_str() == TAGS && !creates {
            let (on, off) = change.tags();
            fields.insert(FieldKey::from(TAGS_ON), Value::from(on));
            fields.insert(FieldKey::from(TAGS_OFF), Value::from(off));
        } else {
            fields.insert(change.field.clone(), change.after.clone());
        }
    }
    if side == Side::Chargify
        && let Some(reference) = &item.reference
    {
        fields.insert(FieldKey::from("reference"), Value::text(reference.clone()));
    }
    if side == Side::Chargify && crate::planted!(OverwriteReference) {
        let own = planned.contact_id().map(|id| Value::text(id.to_owned()));
        fields.extend(own.map(|own| (FieldKey::from("reference"), own)));
    }
    if creates && crate::planted!(CreateWithoutReference) {
        fields.remove(&FieldKey::from("reference"));
    }
    let id = match (side, item.action) {
        (_, Action::CreateCustomer | Action::CreateContact) => None,
        (Side::Highlevel, _) => planned.contact.as_ref().and_then(|record| record.id.clone()),
        (Side::Chargify, _) => planned.customer.as_ref().and_then(|record| record.id.clone()),
    };
    let key = match (&id, side, &item.reference) {
        (Some(id), ..) => id.0.clone(),
        (None, Side::Chargify, Some(reference)) => reference.clone(),
        // Looked up by e-mail address or phone number; the key only keeps two writes of one record apart.
        (None, ..) => Target::new_key(planned.contact_id().or(planned.customer_id()).unwrap_or_default()),
    };
    Sending { target: Target { side, id, key, fields }, planned, item_no }
}

fn result(
    intent_id: IntentId,
    phase: &'static str,
    remote_id: Option<&RemoteId>,
    status: Option<u16>,
    detail: Option<String>,
) -> IntentResult {
    IntentResult {
        intent_id,
        phase,
        remote_id: remote_id.map(|id| id.0.clone()),
        status: status.and_then(|status| i16::try_from(status).ok()),
        detail,
    }
}
