//! All of one contact: read from GoHighLevel and carried over, or, when its customer signed up for something, those that
//! waited for it.

use super::{BUSY, Came, Carrier, carrying::Seek, kind_of, told_of};
use crate::{
    Engine, EngineError, Result, UpstreamClass,
    clients::{CallContext, CallError, Priority, highlevel::Engagement},
    jobs::{Ending, Job, Queueing},
    store::{Tables, engagements::EngagementRow, jobs::Claim},
    sync::{SyncContext, writing::Cause},
};
use domain::{
    RemoteId, Side, SyncId, WorkspaceId,
    engagement::{EngagementKind, Step},
    limits,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use time::OffsetDateTime;

/// What carrying all of a contact over came to.
#[derive(Debug, Default)]
pub(crate) struct Carried {
    pub(crate) written: u64,
    pub(crate) held: u64,
    pub(crate) failed: u64,
    /// Some could not be looked at yet.
    pub(crate) later: Option<Duration>,
    /// Nothing more can be sent.
    pub(crate) halt: Option<CallError>,
    /// The job is another's.
    pub(crate) is_lost: bool,
}

impl Carried {
    /// Counts how one ended. False: stop.
    fn add(&mut self, came: Came) -> bool {
        match came {
            Came::Created | Came::Updated => self.written += 1,
            Came::Unchanged => {}
            Came::Held(_) => self.held += 1,
            Came::Failed(_) => self.failed += 1,
            Came::Later(rest) => self.later = self.later.max(Some(rest)),
            Came::Lost => self.is_lost = true,
            Came::Halt(error) => self.halt = Some(error),
        }
        self.halt.is_none() && !self.is_lost
    }
}

impl Engine {
    /// Carries over what a contact has, or, asked by its customer, what waited for a subscription.
    pub(crate) async fn carry_engagements(
        &self,
        (workspace_id, sync_id): (WorkspaceId, SyncId),
        (side, remote_id): (Side, &str),
        job: Claim,
    ) -> Result<Ending> {
        let context = self.sync_context(workspace_id, sync_id).await?;
        if !context.row.enabled || !context.row.policy()?.engagements.any() {
            return Ok(Ending::Done);
        }
        let actor = ("system".to_owned(), "Concord itself".to_owned());
        let cause = Cause { call: CallContext::new(Priority::Live, actor.0.clone()), actor, run_id: None, job };
        let clients = self.clients(&context).await?;
        let carrier = Carrier { engine: self, context: &context, clients: &clients, cause: &cause };
        let Some(link) = carrier.link(side, remote_id).await? else { return Ok(Ending::Done) };
        let carried = match side {
            Side::Highlevel => carrier.everything(&link.contact_id, &link.customer_id).await?,
            Side::Chargify => carrier.held_back(&link.contact_id, &link.customer_id).await?,
        };
        carrier.ending(carried.halt, carried.later, carried.is_lost).await
    }
}

impl Carrier<'_> {
    /// How a job ends that was stopped, or left something for later.
    pub(super) async fn ending(
        &self,
        halt: Option<CallError>,
        later: Option<Duration>,
        is_lost: bool,
    ) -> Result<Ending> {
        match (halt, later) {
            (Some(error), _) if crate::sync::trouble::stops_everything(&error) => {
                self.engine.note_refusal(self.context, &error).await?;
                Ok(Ending::Later(super::PARKED))
            }
            (Some(error), _) => Err(error.into()),
            (None, _) if is_lost => Ok(Ending::Later(BUSY)),
            (None, Some(rest)) => Ok(Ending::Later(rest)),
            (None, None) => Ok(Ending::Done),
        }
    }

    /// Reads everything the contact has of the kinds that are switched on, and carries over what is not in step.
    pub(crate) async fn everything(&self, contact_id: &str, customer_id: &str) -> Result<Carried> {
        let mut carried = Carried::default();
        for kind in self.switches()?.on() {
            let known = self.known(contact_id, kind).await?;
            let rows = match self.read(contact_id, kind, &known).await {
                Ok(rows) => rows,
                // The contact is gone: what becomes of the pair is decided elsewhere, and nothing is inferred here.
                Err(EngineError::Upstream { class: UpstreamClass::NotFound, .. }) => return Ok(carried),
                Err(error) => return Err(error),
            };
            for row in &rows {
                if !carried.add(self.carry(row, Some(customer_id), Seek::Known).await?) {
                    return Ok(carried);
                }
            }
        }
        Ok(carried)
    }

    /// Carries over what was kept back, without reading it again: webhooks keep it current.
    async fn held_back(&self, contact_id: &str, customer_id: &str) -> Result<Carried> {
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        let mut conn = self.engine.store().session().await?;
        let mut rows = conn.engagements_of_contact(workspace_id, sync_id, contact_id).await?;
        drop(conn);
        rows.retain(|row| matches!(row.state.as_str(), "held" | "open"));
        let mut carried = Carried::default();
        for row in &rows {
            if !carried.add(self.carry(row, Some(customer_id), Seek::Ask).await?) {
                break;
            }
        }
        Ok(carried)
    }

    async fn known(&self, contact_id: &str, kind: EngagementKind) -> Result<BTreeMap<String, EngagementRow>> {
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        let mut conn = self.engine.store().session().await?;
        let rows = conn.engagements_of_contact(workspace_id, sync_id, contact_id).await?;
        let rows = rows.into_iter().filter(|row| row.kind == kind.as_str());
        Ok(rows.map(|row| (row.remote_id.clone(), row)).collect())
    }

    /// Reads those of one kind and keeps what they say. Returns those that are not in step.
    async fn read(
        &self,
        contact_id: &str,
        kind: EngagementKind,
        known: &BTreeMap<String, EngagementRow>,
    ) -> Result<Vec<EngagementRow>> {
        let contact = RemoteId::from(contact_id);
        let read_at = self.engine.clock().now();
        let listed = self.patiently(|| self.clients.highlevel.engagements(&self.cause.call, &contact, kind)).await?;
        let mut rows = Vec::new();
        let seen: BTreeSet<&str> = listed.found.iter().map(|found| found.id.as_str()).collect();
        for found in &listed.found {
            let row = match known.get(&found.id) {
                Some(row) if row.deleted_at.is_some() || is_as_told(row, found)? => Some(row.clone()),
                _ => self.keep_listed(&contact, found, read_at).await?,
            };
            rows.extend(row);
        }
        if listed.is_whole {
            for (id, row) in known.iter().filter(|(id, _)| !seen.contains(id.as_str())) {
                rows.extend(self.missing(&contact, (kind, id), row).await?);
            }
        }
        let mut open = Vec::new();
        for row in rows {
            let is_settled = matches!(row.state.as_str(), "in_step" | "deleted" | "left_out");
            if !is_settled || self.planned(&row, Some(""))? != Step::Nothing {
                open.push(row);
            }
        }
        Ok(open)
    }

    /// Keeps what a list told of one. An appointment is read by itself: its list tells no offsets.
    async fn keep_listed(
        &self,
        contact: &RemoteId,
        found: &Engagement,
        read_at: OffsetDateTime,
    ) -> Result<Option<EngagementRow>> {
        if found.kind != EngagementKind::Appointment {
            return self.keep(found, contact.as_str(), read_at).await.map(Some);
        }
        let read_at = self.engine.clock().now();
        let which = (found.kind, found.id.as_str());
        match self.patiently(|| self.clients.highlevel.engagement(&self.cause.call, contact, which)).await {
            Ok(whole) => self.keep(&whole, contact.as_str(), read_at).await.map(Some),
            // Gone between the two calls: the next look finds it missing.
            Err(error) if error.class == UpstreamClass::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// A reading that may be tried again when the service is away for a moment.
    async fn patiently<T, F>(&self, read: impl Fn() -> F) -> std::result::Result<T, CallError>
    where
        F: Future<Output = std::result::Result<T, CallError>>,
    {
        let mut attempt = 1;
        loop {
            match read().await {
                Err(error) if error.class == UpstreamClass::Unavailable && attempt < limits::READ_ATTEMPTS => {
                    self.pause(attempt).await;
                    attempt += 1;
                }
                other => return other,
            }
        }
    }

    /// One that the list does not hold any more is asked for by its id before it counts as deleted.
    async fn missing(
        &self,
        contact: &RemoteId,
        (kind, id): (EngagementKind, &str),
        row: &EngagementRow,
    ) -> Result<Option<EngagementRow>> {
        if row.deleted_at.is_some() {
            return Ok(Some(row.clone()));
        }
        match self.patiently(|| self.clients.highlevel.engagement(&self.cause.call, contact, (kind, id))).await {
            Err(error) if error.class == UpstreamClass::NotFound => self.keep_deleted(kind, id).await,
            Err(error) => Err(error.into()),
            // It is there, only not in this list: nothing is concluded.
            Ok(_) => Ok(None),
        }
    }
}

/// Whether a list says what is known already.
fn is_as_told(row: &EngagementRow, found: &Engagement) -> Result<bool> {
    let told = told_of(row)?;
    Ok(match kind_of(row)? {
        EngagementKind::Appointment => told.agrees_with_wall_clock(&found.told),
        EngagementKind::Note | EngagementKind::Task => told == found.told,
    })
}

impl Engine {
    /// Has what a contact has carried over soon, in the caller's transaction: it was linked just now.
    pub(crate) async fn carry_engagements_soon(
        &self,
        conn: &mut dyn Tables,
        context: &SyncContext,
        contact_id: &str,
    ) -> Result<()> {
        let (sync_id, remote_id) = (context.sync_id, contact_id.to_owned());
        let job = Job::Engagements { sync_id, side: Side::Highlevel, remote_id };
        let (workspace_id, lane_id) = (context.workspace_id, context.chargify_id());
        self.enqueue(conn, &job, &Queueing { workspace_id, lane_id, priority: Priority::Live, delay_ms: 0 }).await
    }
}
