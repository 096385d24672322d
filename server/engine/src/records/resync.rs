//! Bringing one record into step by hand: both services are read, what would be written is shown, and only that is.

use super::{answer::RecordAt, by_name};
use crate::{
    Engine, EngineError, Result, Runner,
    clients::{CallContext, Priority},
    runs::{Approval, change_view},
    store::Tables,
    sync::{Planned, Reader, SyncContext},
};
use domain::{Side, decision::Decision, view::ResyncView};
use sha2::{Digest as _, Sha256};

impl Engine {
    /// Reads both sides now and says what a resync would write. Nothing is written.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::Upstream`] when a service cannot be read.
    pub async fn plan_resync(&self, by: &Runner, sync: &str, side: Side, id: &str) -> Result<ResyncView> {
        let at = RecordAt { sync: sync.to_owned(), side, id: id.to_owned() };
        let context = self.context_of(by, &at).await?;
        let mut conn = self.read_anew(by, &context, &at, None).await?;
        let (planned, _) = self.plan_one(&mut *conn, &context, (side, id), None).await?;
        self.resync_view(&mut *conn, &context, &planned, None).await
    }

    /// Queues the resync of one record that a person has seen the plan of; returns the run's number.
    ///
    /// # Errors
    /// [`EngineError::AlreadyDone`] when what it would write, read anew, is no longer what was shown;
    /// [`EngineError::NotFound`]; [`EngineError::Upstream`] when a service cannot be read.
    pub async fn resync(&self, by: &Runner, sync: &str, side: Side, id: &str, shown: &str) -> Result<u64> {
        let at = RecordAt { sync: sync.to_owned(), side, id: id.to_owned() };
        let context = self.context_of(by, &at).await?;
        let mut conn = self.read_anew(by, &context, &at, None).await?;
        let (planned, _) = self.plan_one(&mut *conn, &context, (side, id), None).await?;
        drop(conn);
        if seal(&planned, None) != shown {
            return Err(EngineError::AlreadyDone);
        }
        let contact_id = planned.contact_id().ok_or_else(|| {
            EngineError::invalid("this customer has no contact, so there is nothing to bring into step")
        })?;
        let chosen = [contact_id.to_owned()];
        self.queue_run(by.actor(), &context, "resync", Some(&chosen), Approval::Granted).await
    }

    pub(super) async fn context_of(&self, by: &Runner, at: &RecordAt) -> Result<SyncContext> {
        let mut conn = self.store().session().await?;
        by_name(&mut *conn, by.workspace_id(), &at.sync).await
    }

    /// Reads both sides of a record into their copies, and the customer in question where there is one.
    pub(super) async fn read_anew(
        &self,
        by: &Runner,
        context: &SyncContext,
        at: &RecordAt,
        customer: Option<&str>,
    ) -> Result<Box<dyn Tables>> {
        let mut conn = self.store().session().await?;
        let (planned, _) = self.plan_one(&mut *conn, context, (at.side, &at.id), None).await?;
        drop(conn);
        let call = CallContext::new(Priority::Live, by.actor().key());
        let reader = Reader::open(self, context, call).await?;
        let customer = customer.or(planned.customer_id());
        let contact = match planned.contact_id() {
            Some(id) => reader.refresh(Side::Highlevel, id).await?,
            None => None,
        };
        match (customer, &contact) {
            (Some(id), _) => drop(reader.refresh(Side::Chargify, id).await?),
            (None, Some(contact)) => reader.look_for_customer(contact).await?,
            (None, None) => {}
        }
        self.flush_calls().await?;
        self.store().session().await
    }

    /// The plan as a person is shown it, sealed.
    pub(super) async fn resync_view(
        &self,
        conn: &mut dyn Tables,
        context: &SyncContext,
        planned: &Planned,
        decision: Option<&Decision>,
    ) -> Result<ResyncView> {
        let item = &planned.item;
        let calls = Side::BOTH.into_iter().filter(|side| item.action.writes(*side)).count();
        Ok(ResyncView {
            action: item.action.as_str().to_owned(),
            reason: item.reason.words.clone(),
            changes: item.changes.iter().map(change_view).collect(),
            problems: item.problems.iter().map(ToString::to_string).collect(),
            asked: self.question(conn, context, planned).await?,
            answers: decision.is_some(),
            calls: u32::try_from(calls).unwrap_or(0),
            seal: seal(planned, decision),
        })
    }
}

/// Stands for exactly this plan, and the decision behind it.
pub(super) fn seal(planned: &Planned, decision: Option<&Decision>) -> String {
    let item = &planned.item;
    let stored = serde_json::to_vec(&(&item.action, &item.changes, &item.reference, &item.conflicts, decision))
        .unwrap_or_default();
    hex::encode(Sha256::digest(stored))
}
