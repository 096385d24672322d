//! Carries one planned record out: journal, call, understand the answer, conclude. The only place that writes to a
//! service.
//!
//! An intent is committed as `sent` before the request leaves, and only while the job is still held. After a missing
//! answer the record is looked up before anything is tried again: never a blind second create.

mod concluding;
mod finding;
mod sending;

use super::{
    Planned, SyncContext,
    context::Clients,
    settling::{Ended, LinkEffect},
};
use crate::{
    Engine, Result,
    audit::{AuditAction, AuditOutcome},
    clients::{CallContext, CallError},
    store::jobs::Claim,
};
use domain::{RunId, Side, plan::Action};
pub(crate) use finding::Target;
use sending::{Sent, sending};
use time::OffsetDateTime;

/// Whose work it is.
#[derive(Clone, Debug)]
pub(crate) struct Cause {
    /// For the audit trail: key and name.
    pub(crate) actor: (String, String),
    pub(crate) run_id: Option<RunId>,
    pub(crate) call: CallContext,
    /// The job that does it: once that is another's, nothing more is sent.
    pub(crate) job: Claim,
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
    /// The job was given to another node: nothing was sent, and nothing more may be.
    Lost,
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

impl Writer<'_> {
    /// Carries out what is planned for one record.
    ///
    /// # Errors
    /// Database errors before a request left. Whatever a service answers is an ending, not an error.
    pub(crate) async fn carry_out(&self, planned: &Planned, item_no: Option<i64>) -> Result<Carried> {
        let started = self.engine.clock().monotonic_ms();
        if !self.engine.own_fields_stand(self.context, self.clients, &self.cause.call, planned).await? {
            return Ok(Carried::Busy);
        }
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
                let parted = planned.gone.clone().and_then(|(side, id)| {
                    let partner_id = planned.id_of(side.other())?.to_owned();
                    Some((side, id, partner_id))
                });
                ended.link = LinkEffect::Unlink { link_id: link.id, reason: item.reason.words.clone(), parted };
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
        if sending.target.id.is_none() && side == Side::Highlevel && !crate::planted!(SkipDuplicateCheck) {
            // A location may allow duplicates, so the service itself would not say that the contact exists.
            let like = match self.contact_like(&sending.target.fields).await {
                Ok(found) => self.confirmed(found).await?,
                Err(error) => Err(error),
            };
            match like {
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
        if crate::planted!(ForgetSecondWrite) {
            return Ok(self.conclude(planned, Side::Chargify, vec![(Side::Chargify, first)]));
        }
        let second = self.send(&sending(planned, item_no, Side::Highlevel)).await?;
        Ok(self.conclude(planned, Side::Highlevel, vec![(Side::Chargify, first), (Side::Highlevel, second)]))
    }
}
