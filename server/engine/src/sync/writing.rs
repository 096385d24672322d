//! Carries one planned record out: journal, call, understand the answer. The only place that writes to a service.
//!
//! An intent is committed as `sent` before the request leaves. After a missing answer the record is looked up before
//! anything is tried again: never a blind second create.

use super::{
    Planned, SyncContext,
    context::Clients,
    settling::{Ended, LinkEffect},
    trouble::stops_everything,
};
use crate::{
    Engine, Result, UnderWay, UpstreamClass,
    audit::{AuditAction, AuditOutcome, NewAuditLine},
    clients::{CallContext, CallError, Refusal, Written},
    store::{
        self,
        intents::{IntentResult, IntentRow, NewIntent},
    },
};
use domain::{
    IntentId, RemoteId, RunId, Side,
    merge::Base,
    outcome::Outcome,
    plan::{Action, PlanItem},
    record::{FieldKey, Record},
    retry,
    value::{Value, normal},
};
use std::{collections::BTreeMap, time::Duration};
use time::OffsetDateTime;

/// Times one write is tried, look-ups between them.
const WRITE_TRIES: u32 = 4;
/// A pause between tries of one write is no longer than this: a slot's worth of work waits behind it.
const WRITE_RETRY_MAX: Duration = Duration::from_secs(20);

/// Whose work it is.
#[derive(Clone, Debug)]
pub(crate) struct Cause {
    /// For the audit trail: key and name.
    pub(crate) actor: (String, String),
    pub(crate) run_id: Option<RunId>,
    pub(crate) call: CallContext,
}

/// What carrying a record out came to.
#[derive(Debug)]
pub(crate) enum Carried {
    /// It is dealt with.
    Ended(Box<Ended>),
    /// It exists there already: what was found is enclosed, to be kept before planning again.
    Again(Box<Ended>),
    /// Another write of the same record is on its way: plan again later.
    Busy,
    /// The service refuses everything of ours: stop, leave the rest as it is.
    Halt(CallError),
}

/// Writes records of one sync.
pub(crate) struct Writer<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) context: &'a SyncContext,
    pub(crate) clients: &'a Clients,
    pub(crate) cause: &'a Cause,
    /// When the plan was made: what was read or agreed on later makes it stale.
    pub(crate) as_of: OffsetDateTime,
}

/// One write as it will leave.
struct Sending<'p> {
    side: Side,
    /// `None`: a create.
    id: Option<RemoteId>,
    fields: BTreeMap<FieldKey, Value>,
    planned: &'p Planned,
    item_no: Option<i64>,
}

/// How one write ended.
enum Sent {
    Done {
        record: Box<Record>,
        intent: IntentResult,
        created: bool,
        dropped: Vec<FieldKey>,
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
    Halt(CallError),
}

impl Writer<'_> {
    /// Carries out what is planned for one record.
    ///
    /// # Errors
    /// Database errors before a request left. Whatever a service answers is an ending, not an error.
    pub(crate) async fn carry_out(&self, planned: &Planned, item_no: Option<i64>) -> Result<Carried> {
        let started = self.engine.clock().monotonic_ms();
        let carried = match planned.item.action {
            Action::CreateCustomer | Action::UpdateCustomer => self.write_one(planned, item_no, Side::Chargify).await?,
            Action::CreateContact | Action::UpdateContact => self.write_one(planned, item_no, Side::Highlevel).await?,
            Action::UpdateBoth => self.write_both(planned, item_no).await?,
            _ => Carried::Ended(Box::new(self.without_call(planned))),
        };
        Ok(match carried {
            Carried::Ended(mut ended) => {
                let took_ms = self.engine.clock().monotonic_ms().saturating_sub(started);
                ended.took_ms = i32::try_from(took_ms).unwrap_or(i32::MAX);
                ended.item_no = item_no;
                Carried::Ended(ended)
            }
            other => other,
        })
    }

    /// What needs no remote call: links, unlinks, and everything that is only said.
    fn without_call(&self, planned: &Planned) -> Ended {
        let item = &planned.item;
        let mut ended = Ended::as_outcome(item.action.outcome_if_done(), Some(item.reason.words.clone()));
        ended.contact_id = planned.contact_id().map(str::to_owned);
        ended.customer_id = planned.customer_id().map(str::to_owned);
        match (item.action, &planned.link) {
            (Action::Link, _) => {
                ended.link = self.link_effect(planned, &[], &[]);
                ended.audit.push(self.line(AuditAction::RecordLinked, planned, AuditOutcome::Done));
            }
            (Action::Unlink, Some(link)) => {
                ended.link = LinkEffect::Unlink { link_id: link.id, reason: item.reason.words.clone() };
                let line = self.line(AuditAction::RecordUnlinked, planned, AuditOutcome::Done);
                ended.audit.push(line.with("reason", item.reason.words.clone()));
            }
            (Action::Unchanged | Action::Echo, Some(link)) if link.base != item.base_after => {
                ended.link = LinkEffect::Settle { link_id: link.id, base: item.base_after.clone() };
            }
            _ => {}
        }
        ended
    }

    async fn write_one(&self, planned: &Planned, item_no: Option<i64>, side: Side) -> Result<Carried> {
        let sending = sending(planned, item_no, side);
        if sending.id.is_none() && side == Side::Highlevel {
            // A location may allow duplicates, so the service itself would not say that the contact exists.
            match self.contact_like(&sending.fields).await {
                Ok(Some(record)) => {
                    let found = Sent::Exists { record: Box::new(record), intent: None };
                    return Ok(self.conclude(planned, side, vec![(side, found)]));
                }
                Ok(None) => {}
                Err(error) => {
                    self.engine.note_refusal(self.context, &error).await?;
                    return Ok(Carried::Halt(error));
                }
            }
        }
        let sent = self.send(&sending).await?;
        Ok(self.conclude(planned, side, vec![(side, sent)]))
    }

    /// Chargify first: it is the stricter side. The other is written only when that succeeded.
    async fn write_both(&self, planned: &Planned, item_no: Option<i64>) -> Result<Carried> {
        let first = self.send(&sending(planned, item_no, Side::Chargify)).await?;
        if !matches!(first, Sent::Done { .. }) {
            return Ok(self.conclude(planned, Side::Chargify, vec![(Side::Chargify, first)]));
        }
        let second = self.send(&sending(planned, item_no, Side::Highlevel)).await?;
        Ok(self.conclude(planned, Side::Highlevel, vec![(Side::Chargify, first), (Side::Highlevel, second)]))
    }

    /// Journals and sends one write, with the look-ups that an unknown outcome needs.
    async fn send(&self, sending: &Sending<'_>) -> Result<Sent> {
        let intent_id = IntentId(self.engine.entropy().uuid());
        let Some(_under_way) = self.journal(intent_id, sending).await? else { return Ok(Sent::Busy) };
        // From here on every other writer of this record finds it busy, so what is seen now stays true.
        if self.is_stale(sending).await? {
            let intent =
                result(intent_id, "not_done", sending.id.as_ref(), None, Some("the plan was out of date".to_owned()));
            let mut conn = self.engine.pool().acquire().await?;
            store::intents::settle(&mut conn, self.context.workspace_id, &intent, self.engine.clock().now()).await?;
            return Ok(Sent::Stale);
        }
        let token = intent_id.to_string();
        let mut attempt = 0;
        loop {
            attempt += 1;
            let error = match self.call(sending, &token).await {
                Ok(written) => {
                    let intent = result(intent_id, "done", written.record.id.as_ref(), None, None);
                    let created = sending.id.is_none();
                    let dropped = written.dropped;
                    return Ok(Sent::Done { record: Box::new(written.record), intent, created, dropped });
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
        let refused = |phase| result(intent_id, phase, sending.id.as_ref(), error.status, Some(error.message.clone()));
        if matches!(
            error.refusal,
            Refusal::ReferenceTaken | Refusal::DuplicateSubmission | Refusal::DuplicateContact { .. }
        ) && sending.id.is_none()
        {
            return match self.find_existing(sending, error).await {
                Ok(Some(record)) => {
                    Ok(Some(Sent::Exists { record: Box::new(record), intent: Some(refused("not_done")) }))
                }
                Ok(None) => Ok(Some(Sent::Refused { error: error.clone(), intent: refused("refused") })),
                Err(failed) => self.give_up(sending, intent_id, &failed, "not_done").await,
            };
        }
        match error.class {
            UpstreamClass::Rate { retry_after } if error.refusal != Refusal::DayUsedUp => {
                self.engine.pause_lane(self.context, sending.side, retry_after, error).await?;
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

    /// The answer is missing: what is there now decides. Still nothing there: it was not done, and is tried again.
    async fn look_after_ambiguity(
        &self,
        sending: &Sending<'_>,
        intent_id: IntentId,
        error: &CallError,
        attempt: u32,
    ) -> Result<Option<Sent>> {
        let mut lookups = 0;
        let found = loop {
            lookups += 1;
            self.pause(lookups.min(2)).await;
            match self.look(sending).await {
                Ok(found) => break found,
                Err(failed) if stops_everything(&failed) || lookups >= WRITE_TRIES => {
                    return self.give_up(sending, intent_id, &failed, "ambiguous").await;
                }
                Err(failed) => {
                    if let UpstreamClass::Rate { retry_after } = failed.class {
                        self.engine.pause_lane(self.context, sending.side, retry_after, &failed).await?;
                    }
                }
            }
        };
        match found {
            Some(record) => {
                let detail = format!("the answer was lost ({}); a look-up found it done", error.message);
                let intent = result(intent_id, "done", record.id.as_ref(), error.status, Some(detail));
                let created = sending.id.is_none();
                Ok(Some(Sent::Done { record: Box::new(record), intent, created, dropped: Vec::new() }))
            }
            None if attempt < WRITE_TRIES => Ok(None),
            None => {
                let intent =
                    result(intent_id, "not_done", sending.id.as_ref(), error.status, Some(error.message.clone()));
                Ok(Some(Sent::Refused { error: error.clone(), intent }))
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
        let intent = result(intent_id, phase, sending.id.as_ref(), error.status, Some(error.message.clone()));
        let mut conn = self.engine.pool().acquire().await?;
        store::intents::settle(&mut conn, self.context.workspace_id, &intent, self.engine.clock().now()).await?;
        drop(conn);
        self.engine.note_refusal(self.context, error).await?;
        Ok(Some(Sent::Halt(error.clone())))
    }

    async fn pause(&self, attempt: u32) {
        let delay = retry::backoff(attempt, self.engine.entropy().next()).min(WRITE_RETRY_MAX);
        self.engine.clock().sleep(delay).await;
    }

    /// Whether anything of the pair was read or agreed on after the plan was made.
    async fn is_stale(&self, sending: &Sending<'_>) -> Result<bool> {
        let mut conn = self.engine.pool().acquire().await?;
        let pair = (sending.planned.contact_id(), sending.planned.customer_id());
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        Ok(store::records::pair_changed_since(&mut conn, workspace_id, sync_id, pair, self.as_of).await?)
    }

    /// Commits that the write is about to leave. `None`: another write of the record is not settled yet.
    async fn journal(&self, intent_id: IntentId, sending: &Sending<'_>) -> Result<Option<UnderWay>> {
        let (operation, remote_key) = match &sending.id {
            Some(id) => ("update", id.0.clone()),
            None => ("create", self.natural_key(sending)),
        };
        let before = match sending.side {
            Side::Highlevel => sending.planned.contact.as_ref(),
            Side::Chargify => sending.planned.customer.as_ref(),
        };
        let new = NewIntent {
            intent_id,
            sync_id: self.context.sync_id,
            run_id: self.cause.run_id,
            item_no: sending.item_no,
            link_id: sending.planned.link.as_ref().map(|link| link.id),
            side: sending.side,
            operation,
            remote_key,
            body: serde_json::to_value(&sending.fields).unwrap_or_default(),
            before: before.map(|record| serde_json::to_value(&record.values).unwrap_or_default()).unwrap_or_default(),
            sent_at: self.engine.clock().now(),
            node_id: self.engine.node().id,
        };
        let under_way = self.engine.under_way(intent_id);
        let mut conn = self.engine.pool().acquire().await?;
        let is_first = store::intents::insert_sent(&mut conn, self.context.workspace_id, &new).await?;
        Ok(is_first.then_some(under_way))
    }

    /// What a look-up after a lost create goes by: the reference in Chargify, the e-mail or phone in GoHighLevel.
    fn natural_key(&self, sending: &Sending<'_>) -> String {
        let text = |key: &str| sending.fields.get(key).map(Value::display).unwrap_or_default();
        match sending.side {
            Side::Chargify => text("reference"),
            Side::Highlevel => format!("new:{}", sending.planned.customer_id().unwrap_or_default()),
        }
    }

    async fn call(&self, sending: &Sending<'_>, token: &str) -> std::result::Result<Written, CallError> {
        let call = &self.cause.call;
        match (sending.side, &sending.id) {
            (Side::Chargify, None) => self.clients.chargify.create(call, &sending.fields, token).await,
            (Side::Chargify, Some(id)) => self.clients.chargify.update(call, id, &sending.fields).await,
            (Side::Highlevel, None) => self.clients.highlevel.create(call, &sending.fields).await,
            (Side::Highlevel, Some(id)) => self.clients.highlevel.update(call, id, &sending.fields).await,
        }
    }

    /// The record as it is now, if the write has been carried out.
    async fn look(&self, sending: &Sending<'_>) -> std::result::Result<Option<Record>, CallError> {
        let call = &self.cause.call;
        let found = match (sending.side, &sending.id) {
            (Side::Chargify, None) => {
                let reference = self.natural_key(sending);
                self.clients
                    .chargify
                    .lookup(call, &reference)
                    .await?
                    .filter(|found| found.exact)
                    .map(|found| found.record)
            }
            (Side::Chargify, Some(id)) => Some(self.clients.chargify.get(call, id).await?),
            (Side::Highlevel, None) => self.look_for_contact(sending).await?,
            (Side::Highlevel, Some(id)) => Some(self.clients.highlevel.get(call, id).await?),
        };
        // A contact found by its phone alone may be a relative: only one that holds what was sent is ours.
        let by_reference = sending.id.is_none() && sending.side == Side::Chargify;
        Ok(found.filter(|record| by_reference || self.holds(record, &sending.fields)))
    }

    async fn look_for_contact(&self, sending: &Sending<'_>) -> std::result::Result<Option<Record>, CallError> {
        self.contact_like(&sending.fields).await
    }

    /// The contact that has the e-mail address or the phone number of a create.
    pub(crate) async fn contact_like(
        &self,
        fields: &BTreeMap<FieldKey, Value>,
    ) -> std::result::Result<Option<Record>, CallError> {
        let text = |key: &str| match fields.get(key) {
            Some(Value::Text(text)) => Some(text.as_str()),
            _ => None,
        };
        self.clients.highlevel.find_duplicate(&self.cause.call, text("email"), text("phone")).await
    }

    /// Whether the record has, in normal form, every value that was sent.
    pub(crate) fn holds(&self, record: &Record, fields: &BTreeMap<FieldKey, Value>) -> bool {
        fields.iter().all(|(key, sent)| {
            let kind = self.context.policy.catalogue.kind(record.side, key);
            let there = record.values.get(key).unwrap_or(&Value::Empty);
            normal(kind, sent) == normal(kind, there)
        })
    }

    /// The record that stands in the way of a create.
    async fn find_existing(
        &self,
        sending: &Sending<'_>,
        error: &CallError,
    ) -> std::result::Result<Option<Record>, CallError> {
        let call = &self.cause.call;
        match (&error.refusal, sending.side) {
            (Refusal::DuplicateContact { contact_id: Some(id), .. }, Side::Highlevel) => {
                self.clients.highlevel.get(call, id).await.map(Some)
            }
            (_, Side::Highlevel) => self.look_for_contact(sending).await,
            (_, Side::Chargify) => {
                let reference = self.natural_key(sending);
                let found = self.clients.chargify.lookup(call, &reference).await?;
                Ok(found.filter(|found| found.exact).map(|found| found.record))
            }
        }
    }

    /// Turns how the writes ended into how the record ended.
    fn conclude(&self, planned: &Planned, last: Side, sent: Vec<(Side, Sent)>) -> Carried {
        let mut ended = Ended::as_outcome(planned.item.action.outcome_if_done(), None);
        ended.contact_id = planned.contact_id().map(str::to_owned);
        ended.customer_id = planned.customer_id().map(str::to_owned);
        let mut whole = true;
        let mut not_written = Vec::new();
        for (side, sent) in sent {
            match sent {
                Sent::Busy if ended.intents.is_empty() => return Carried::Busy,
                Sent::Stale if ended.intents.is_empty() => return Carried::Again(Box::new(ended)),
                Sent::Busy | Sent::Stale => {
                    whole = false;
                    ended.outcome = Outcome::Parked;
                    let (written, open) = (side.other().label(), side.label());
                    ended.detail = Some(format!(
                        "{written} was written; {open} changed meanwhile and is looked at again with the next run."
                    ));
                }
                Sent::Halt(error) if ended.intents.is_empty() => return Carried::Halt(error),
                Sent::Halt(error) => {
                    whole = false;
                    ended.outcome = Outcome::Parked;
                    ended.detail = Some(format!(
                        "{} was written, then {} stopped answering: {}",
                        side.other().label(),
                        side.label(),
                        error.message
                    ));
                }
                Sent::Done { record, intent, created, dropped } => {
                    ended.detail = not_taken(side, &dropped).or(ended.detail.take());
                    self.note_done(&mut ended, planned, *record, intent, Taken { created, dropped: &dropped });
                    not_written.extend(dropped);
                }
                Sent::Exists { record, intent } => {
                    ended.intents.extend(intent);
                    ended.records.push(*record);
                    return Carried::Again(Box::new(ended));
                }
                Sent::Refused { error, intent } => {
                    whole = false;
                    ended.intents.push(intent);
                    ended.outcome = Outcome::Failed;
                    ended.detail = Some(refusal_words(side, &error));
                    let line = self.line(AuditAction::WriteRefused, planned, AuditOutcome::Refused);
                    ended.audit.push(line.with("side", side.as_str()).with("reason", error.message.clone()));
                }
            }
        }
        if whole {
            ended.link = self.link_effect(planned, &ended.records, &not_written);
        } else if last == Side::Highlevel && planned.item.action == Action::UpdateBoth && !ended.records.is_empty() {
            // Half of it was written: that half is agreed on from now on.
            ended.link = self.half_base(planned, &ended.records);
        }
        Carried::Ended(Box::new(ended))
    }

    /// The audit line of a write whose answer was lost and that a look-up found done.
    pub(crate) fn recovered_line(&self, intent: &IntentRow, record: &Record) -> NewAuditLine {
        let fields: BTreeMap<FieldKey, Value> = serde_json::from_value(intent.body.clone()).unwrap_or_default();
        let before: BTreeMap<FieldKey, Value> = serde_json::from_value(intent.before.clone()).unwrap_or_default();
        let action = if intent.operation == "create" { AuditAction::RecordCreated } else { AuditAction::RecordUpdated };
        let id = record.id.as_ref().map(RemoteId::as_str);
        let (contact_id, customer_id) = match record.side {
            Side::Highlevel => (id, None),
            Side::Chargify => (None, id),
        };
        let mut line = NewAuditLine::of(self.cause.actor.clone(), action, self.engine.clock().now())
            .about(format!("{}:{}", record.side.noun(), id.unwrap_or_default()), record.display_name())
            .with("side", record.side.as_str())
            .with("sync", self.context.row.name.clone())
            .with("reason", "the answer was lost; a look-up found it done")
            .on_records(contact_id, customer_id);
        for (field, after) in &fields {
            let was = before.get(field).map(Value::display).unwrap_or_default();
            line = line.change(record.side.as_str(), &field.0, &was, &after.display());
        }
        match self.cause.run_id {
            Some(run_id) => line.in_run(run_id),
            None => line,
        }
    }

    /// The ending of a single write whose answer was lost and that a look-up found done.
    pub(crate) fn answered(&self, planned: &Planned, record: Record, intent: IntentResult) -> Ended {
        let (side, created) =
            (record.side, matches!(planned.item.action, Action::CreateCustomer | Action::CreateContact));
        let sent = Sent::Done { record: Box::new(record), intent, created, dropped: Vec::new() };
        match self.conclude(planned, side, vec![(side, sent)]) {
            Carried::Ended(ended) => *ended,
            // A write that is done can only end.
            _ => Ended::as_outcome(Outcome::Parked, None),
        }
    }

    fn note_done(&self, ended: &mut Ended, planned: &Planned, record: Record, intent: IntentResult, taken: Taken<'_>) {
        let side = record.side;
        let id = record.id.as_ref().map(|id| id.0.clone());
        match side {
            Side::Highlevel => ended.contact_id = id.or(ended.contact_id.take()),
            Side::Chargify => ended.customer_id = id.or(ended.customer_id.take()),
        }
        let action = if taken.created { AuditAction::RecordCreated } else { AuditAction::RecordUpdated };
        let mut line = self
            .line(action, planned, AuditOutcome::Done)
            .with("side", side.as_str())
            .on_records(ended.contact_id.as_deref(), ended.customer_id.as_deref());
        let written = |field: &FieldKey| !taken.dropped.contains(field);
        for change in planned.item.changes.iter().filter(|change| change.side == side && written(&change.field)) {
            line = line.change(side.as_str(), &change.field.0, &change.before.display(), &change.after.display());
        }
        if side == Side::Chargify
            && let Some(reference) = &planned.item.reference
        {
            line = line.change(side.as_str(), "reference", "", reference);
        }
        ended.audit.push(line);
        ended.intents.push(intent);
        ended.records.push(record);
    }

    /// The link as it is after everything was written. What a service made of a value is what was agreed on.
    fn link_effect(&self, planned: &Planned, written: &[Record], not_written: &[FieldKey]) -> LinkEffect {
        let mut base = self.settled_base(planned.item.base_after.clone(), &planned.item, written);
        for change in planned.item.changes.iter().filter(|change| not_written.contains(&change.field)) {
            // Nothing new was agreed on for a field that the service did not take.
            match planned.link.as_ref().and_then(|link| link.base.0.get(&change.rule)) {
                Some(pair) => base.0.insert(change.rule.clone(), pair.clone()),
                None => base.0.remove(&change.rule),
            };
        }
        if let Some(link) = &planned.link {
            return LinkEffect::Settle { link_id: link.id, base };
        }
        let id = |side: Side, known: Option<&str>| {
            let fresh = written.iter().find(|record| record.side == side).and_then(|record| record.id.as_ref());
            fresh.map(|id| id.0.clone()).or_else(|| known.map(str::to_owned))
        };
        let contact_id = id(Side::Highlevel, planned.contact_id());
        let customer_id = id(Side::Chargify, planned.customer_id());
        match (contact_id, customer_id) {
            (Some(contact_id), Some(customer_id)) => {
                LinkEffect::New { contact_id, customer_id, matched_by: planned.matched_by(), base }
            }
            _ => LinkEffect::None,
        }
    }

    fn half_base(&self, planned: &Planned, written: &[Record]) -> LinkEffect {
        let Some(link) = &planned.link else { return LinkEffect::None };
        let mut base = link.base.clone();
        for change in
            planned.item.changes.iter().filter(|change| written.iter().any(|record| record.side == change.side))
        {
            if let Some(pair) = planned.item.base_after.0.get(&change.rule) {
                base.0.insert(change.rule.clone(), pair.clone());
            }
        }
        LinkEffect::Settle { link_id: link.id, base: self.settled_base(base, &planned.item, written) }
    }

    fn settled_base(&self, mut base: Base, item: &PlanItem, written: &[Record]) -> Base {
        let catalogue = &self.context.policy.catalogue;
        for change in &item.changes {
            let Some(record) = written.iter().find(|record| record.side == change.side) else { continue };
            let (Some(pair), Some(value)) = (base.0.get_mut(&change.rule), record.values.get(&change.field)) else {
                continue;
            };
            let there = normal(catalogue.kind(change.side, &change.field), value);
            match change.side {
                Side::Highlevel => pair.highlevel = there,
                Side::Chargify => pair.chargify = there,
            }
        }
        base
    }

    fn line(&self, action: AuditAction, planned: &Planned, outcome: AuditOutcome) -> NewAuditLine {
        let subject = match (planned.contact_id(), planned.customer_id()) {
            (Some(contact_id), _) => format!("contact:{contact_id}"),
            (None, Some(customer_id)) => format!("customer:{customer_id}"),
            (None, None) => String::new(),
        };
        let line = NewAuditLine::of(self.cause.actor.clone(), action, self.engine.clock().now())
            .about(subject, planned.display_name())
            .ended(outcome)
            .with("sync", self.context.row.name.clone())
            .on_records(planned.contact_id(), planned.customer_id());
        match self.cause.run_id {
            Some(run_id) => line.in_run(run_id),
            None => line,
        }
    }
}

/// How a service took a write.
struct Taken<'a> {
    created: bool,
    dropped: &'a [FieldKey],
}

/// Says which fields a service does not take, if any.
fn not_taken(side: Side, dropped: &[FieldKey]) -> Option<String> {
    let names: Vec<&str> = dropped.iter().map(FieldKey::as_str).collect();
    (!names.is_empty())
        .then(|| format!("{} does not take {} here; it stays as it was there", side.label(), names.join(", ")))
}

fn sending(planned: &Planned, item_no: Option<i64>, side: Side) -> Sending<'_> {
    let item = &planned.item;
    let mut fields: BTreeMap<FieldKey, Value> = item
        .changes
        .iter()
        .filter(|change| change.side == side)
        .map(|change| (change.field.clone(), change.after.clone()))
        .collect();
    if side == Side::Chargify
        && let Some(reference) = &item.reference
    {
        fields.insert(FieldKey::from("reference"), Value::text(reference.clone()));
    }
    let id = match (side, item.action) {
        (_, Action::CreateCustomer | Action::CreateContact) => None,
        (Side::Highlevel, _) => planned.contact.as_ref().and_then(|record| record.id.clone()),
        (Side::Chargify, _) => planned.customer.as_ref().and_then(|record| record.id.clone()),
    };
    Sending { side, id, fields, planned, item_no }
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

/// What happened, is my data safe, what to do.
fn refusal_words(side: Side, error: &CallError) -> String {
    match error.class {
        UpstreamClass::NotFound => {
            format!(
                "{} no longer has this {}. Nothing was written; run again to see what it would do now.",
                side.label(),
                side.noun()
            )
        }
        UpstreamClass::Ambiguous => {
            format!("{} did not answer and a look-up found nothing written. It is safe to run again.", side.label())
        }
        UpstreamClass::Unavailable => {
            format!("{} was not reachable. Nothing was written; run again later.", side.label())
        }
        _ => format!("{} refused it: {}", side.label(), error.message),
    }
}
