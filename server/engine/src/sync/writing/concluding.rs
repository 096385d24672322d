//! From how the writes of a record ended to how the record ended: outcome, link and what was agreed on, audit lines.

use super::{Carried, Sent, Writer};
use crate::{
    UpstreamClass,
    audit::{AuditAction, AuditOutcome, NewAuditLine},
    clients::{CallError, Dropped},
    store::intents::{IntentResult, IntentRow},
    sync::{
        Planned,
        settling::{Ended, LinkEffect},
    },
};
use domain::{
    RemoteId, Side,
    mapping::TAGS,
    merge::Base,
    outcome::Outcome,
    plan::{Action, PlanItem},
    record::{FieldKey, Record},
    value::{Value, normal},
};
use std::collections::BTreeMap;

impl Writer<'_> {
    /// Turns how the writes ended into how the record ended.
    pub(super) fn conclude(&self, planned: &Planned, last: Side, sent: Vec<(Side, Sent)>) -> Carried {
        let mut ended = Ended::as_outcome(planned.item.action.outcome_if_done(), None);
        ended.contact_id = planned.contact_id().map(str::to_owned);
        ended.customer_id = planned.customer_id().map(str::to_owned);
        let mut whole = true;
        let mut not_written = Vec::new();
        for (side, sent) in sent {
            match sent {
                Sent::Busy if ended.intents.is_empty() => return Carried::Busy,
                Sent::Lost if ended.intents.is_empty() => return Carried::Lost,
                Sent::Stale if ended.intents.is_empty() => return Carried::Again(Box::new(ended)),
                Sent::Busy | Sent::Lost | Sent::Stale => {
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
                Sent::Done { record, intent, created, mut dropped } => {
                    dropped.extend(unconfirmed(planned, &record, &dropped));
                    ended.detail = self.not_taken(side, &dropped).or(ended.detail.take());
                    self.note_done(&mut ended, planned, *record, intent, Taken { created, dropped: &dropped });
                    not_written.extend(dropped.into_iter().map(|dropped| dropped.field));
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
    pub(crate) fn answered(&self, planned: &Planned, intent: IntentResult, record: Record) -> Ended {
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
        let written = |field: &FieldKey| taken.dropped.iter().all(|dropped| dropped.field != *field);
        for change in planned.item.changes.iter().filter(|change| change.side == side && written(&change.field)) {
            line = line.change(side.as_str(), &change.field.0, &change.before.display(), &change.after.display());
        }
        if side == Side::Chargify
            && let Some(reference) = &planned.item.reference
        {
            line = line.change(side.as_str(), "reference", "", reference);
        }
        ended.audit.push(line);
        for dropped in taken.dropped {
            let line = self.line(AuditAction::WriteRefused, planned, AuditOutcome::Refused);
            let line = line.with("side", side.as_str()).with("field", dropped.field.as_str());
            ended.audit.push(line.with("reason", format!("{}: {}", dropped.field, dropped.why)));
        }
        ended.intents.push(intent);
        ended.records.push(record);
    }

    /// Says which fields a service did not take, if any.
    fn not_taken(&self, side: Side, dropped: &[Dropped]) -> Option<String> {
        let catalogue = &self.context.policy.catalogue;
        let said = |dropped: &Dropped| format!("{}: {}", catalogue.label(side, &dropped.field), dropped.why);
        let said: Vec<String> = dropped.iter().map(said).collect();
        (!said.is_empty()).then(|| format!("All but this was written. {}.", said.join(". ")))
    }

    /// The link as it is after everything was written. What a service made of a value is what was agreed on.
    pub(super) fn link_effect(&self, planned: &Planned, written: &[Record], not_written: &[FieldKey]) -> LinkEffect {
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
        // Of tags the contact has others' too: agreed on are only those that were put on.
        for change in item.changes.iter().filter(|change| change.field.as_str() != TAGS) {
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

    pub(super) fn line(&self, action: AuditAction, planned: &Planned, outcome: AuditOutcome) -> NewAuditLine {
        let subject = match (planned.contact_id(), planned.customer_id()) {
            (Some(contact_id), _) => format!("contact:{contact_id}"),
            (None, Some(customer_id)) => format!("customer:{customer_id}"),
            (None, None) => String::new(),
        };
        let line = NewAuditLine::of(self.cause.actor.clone(), action, self.engine.clock().now())
            .about(subject, planned.display_name())
            .ended(outcome)
            .with("sync", self.context.row.name.clone())
            .on_records(planned.id_of(Side::Highlevel), planned.id_of(Side::Chargify));
        match self.cause.run_id {
            Some(run_id) => line.in_run(run_id),
            None => line,
        }
    }
}

/// How a service took a write.
struct Taken<'a> {
    created: bool,
    dropped: &'a [Dropped],
}

/// Metafields that were to be set and of which the record that was found afterwards tells nothing.
fn unconfirmed(planned: &Planned, record: &Record, known: &[Dropped]) -> Vec<Dropped> {
    let why = "whether it was set is not known; the next run looks";
    let is_open = |field: &FieldKey| {
        field.metafield_name().is_some()
            && !record.values.contains_key(field)
            && known.iter().all(|dropped| dropped.field != *field)
    };
    let changes = planned.item.changes.iter().filter(|change| change.side == record.side && !change.after.is_blank());
    changes
        .filter(|change| is_open(&change.field))
        .map(|change| Dropped { field: change.field.clone(), why: why.to_owned() })
        .collect()
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
