//! One of them, brought up by webhooks.
//!
//! Payloads of notes and tasks tell neither everything nor when it was so, and webhooks overtake each other: what may be
//! news is read. A payload of an appointment tells all of it with its stamp, so it is used as it is. One that says nothing
//! but what is known costs no call.

use super::{BUSY, Came, Carrier, PARKED, carrying::Seek, told_of};
use crate::{
    Engine, EngineError, Result, UpstreamClass,
    clients::{CallContext, CallError, Priority, highlevel::Engagement},
    deliveries::{self, HeardEngagement},
    jobs::Ending,
    store::{
        deliveries::{DeliveryRow, Settled},
        engagements::EngagementRow,
        jobs::Claim,
    },
    sync::writing::Cause,
};
use domain::{RemoteId, Side, SyncId, WorkspaceId, engagement::EngagementKind, outcome::Outcome};

/// One look at one of them.
struct Look<'a> {
    carrier: Carrier<'a>,
    kind: EngagementKind,
    id: &'a str,
    deliveries: Vec<DeliveryRow>,
    heard: Vec<HeardEngagement>,
}

impl Engine {
    /// Carries one engagement over that webhooks told of, and says on them what came of it.
    pub(crate) async fn carry_engagement(
        &self,
        (workspace_id, sync_id): (WorkspaceId, SyncId),
        (kind, id): (EngagementKind, &str),
        job: Claim,
    ) -> Result<Ending> {
        let context = self.sync_context(workspace_id, sync_id).await?;
        let subject = [deliveries::engagement_subject(kind, id)];
        let mut conn = self.store().session().await?;
        let deliveries = conn.open_deliveries(workspace_id, context.highlevel_id(), &subject).await?;
        drop(conn);
        let (key, name) = deliveries.first().map_or_else(
            || ("system".to_owned(), "Concord itself".to_owned()),
            |first| (format!("webhook:{}", first.delivery_id), format!("webhook {}", first.event)),
        );
        let cause =
            Cause { call: CallContext::new(Priority::Live, key.clone()), actor: (key, name), run_id: None, job };
        let clients = self.clients(&context).await?;
        let heard = deliveries.iter().filter_map(deliveries::heard_engagement).collect();
        let carrier = Carrier { engine: self, context: &context, clients: &clients, cause: &cause };
        Box::pin(Look { carrier, kind, id, deliveries, heard }.look()).await
    }
}

impl Look<'_> {
    /// What no try will change ends here: a credential that is refused is waited for, one that may not read this kind is told.
    async fn look(self) -> Result<Ending> {
        match self.work().await {
            Err(EngineError::Upstream {
                side,
                class: class @ (UpstreamClass::Auth | UpstreamClass::AccountBlocked),
                detail,
            }) => {
                self.carrier.engine.note_refusal(self.carrier.context, &CallError::new(side, class, detail)).await?;
                Ok(Ending::Later(PARKED))
            }
            Err(EngineError::Upstream { side, class: UpstreamClass::Permission, detail }) => {
                let words = format!(
                    "{} does not let this credential read {}: {}. Give it the scope, or switch {} off in the sync's settings.",
                    side.label(),
                    self.kind.plural(),
                    detail.trim_end_matches('.'),
                    self.kind.plural(),
                );
                self.close("done", Some(Outcome::Failed), &words).await
            }
            other => other,
        }
    }

    async fn work(&self) -> Result<Ending> {
        if !self.carrier.context.row.enabled {
            let words = "The sync is switched off: nothing was written. The next full run picks it up.";
            return self.close("ignored", None, words).await;
        }
        if !self.carrier.switches()?.is_on(self.kind) {
            let words = format!("This sync does not carry over {}.", self.kind.plural());
            return self.close("ignored", None, &words).await;
        }
        let row = self.carrier.row(self.kind, self.id).await?;
        let is_known_deleted = row.as_ref().is_some_and(|row| row.deleted_at.is_some());
        let deleted = is_known_deleted || self.heard.iter().any(|heard| heard.is_deletion);
        if row.as_ref().is_some_and(|row| row.deleted_at.is_some() && row.state == "deleted") {
            return self.close("done", Some(Outcome::Unchanged), "It was deleted before; nothing is left to do.").await;
        }
        if !deleted && self.is_known_already(row.as_ref())? {
            return self.close("done", Some(Outcome::Echo), "It says what is known already. No call was made.").await;
        }
        let Some(contact_id) = self.contact_id(row.as_ref()).await? else {
            let words = format!("Whose {} it is could not be found out. The next full run reads it.", self.kind);
            return self.close("done", Some(Outcome::Parked), &words).await;
        };
        let Some(link) = self.carrier.link(Side::Highlevel, &contact_id).await? else {
            let words = "Its contact has no customer in this sync. Once both are linked, it is read and carried over.";
            return self.close("done", Some(Outcome::Excluded), words).await;
        };
        let row = if deleted { self.tombstone(&contact_id).await? } else { self.told(&contact_id, row).await? };
        let Some(row) = row else {
            let words = format!("The {} is gone. Nothing was written; the next full run looks again.", self.kind);
            return self.close("done", Some(Outcome::Excluded), &words).await;
        };
        let came = self.carrier.carry(&row, Some(&link.customer_id), Seek::Known).await?;
        self.end(came).await
    }

    async fn end(&self, came: Came) -> Result<Ending> {
        let (outcome, words) = match came {
            Came::Created => (Outcome::Created, "Written to the subscription as a new note.".to_owned()),
            Came::Updated => (Outcome::Updated, "The note of the subscription was brought up to date.".to_owned()),
            Came::Unchanged => (Outcome::Unchanged, "Nothing had to be written.".to_owned()),
            Came::Held(words) => (Outcome::Parked, words.to_owned()),
            Came::Failed(words) => (Outcome::Failed, words),
            Came::Later(rest) => return Ok(Ending::Later(rest)),
            Came::Lost => return Ok(Ending::Later(BUSY)),
            Came::Halt(error) => return self.carrier.ending(Some(error), None, false).await,
        };
        self.close("done", Some(outcome), &words).await
    }

    /// Every payload agrees with what is kept, and that is in step.
    fn is_known_already(&self, row: Option<&EngagementRow>) -> Result<bool> {
        let Some(row) = row.filter(|row| row.state == "in_step") else { return Ok(false) };
        let known = told_of(row)?;
        let is_old = |found: &Engagement| {
            let is_older = row.changed_at.zip(found.changed_at).is_some_and(|(known, told)| told < known);
            is_older || known.agrees_with(&found.told)
        };
        Ok(!self.heard.is_empty() && self.heard.iter().all(|heard| is_old(&heard.found)))
    }

    /// Whose it is: as told, as known, or as the service says of a task.
    async fn contact_id(&self, row: Option<&EngagementRow>) -> Result<Option<String>> {
        let told = self.heard.iter().rev().find_map(|heard| heard.found.contact_id.clone());
        if let Some(known) = told.or_else(|| row.map(|row| row.contact_id.clone())) {
            return Ok(Some(known));
        }
        let title = self.heard.iter().rev().find_map(|heard| heard.found.told.title.clone());
        match (self.kind, title) {
            (EngagementKind::Task, Some(title)) => {
                let carrier = &self.carrier;
                let found = carrier.clients.highlevel.contact_of_task(&carrier.cause.call, self.id, &title).await;
                Self::answered(found).map(Option::flatten)
            }
            _ => Ok(None),
        }
    }

    /// Keeps that it was deleted; also of one nobody knew, so that a webhook which comes late does not bring it back.
    async fn tombstone(&self, contact_id: &str) -> Result<Option<EngagementRow>> {
        if let Some(row) = self.carrier.keep_deleted(self.kind, self.id).await? {
            return Ok(Some(row));
        }
        let Some(heard) = self.heard.last() else { return Ok(None) };
        self.carrier.keep(&heard.found, contact_id, self.carrier.engine.clock().now()).await?;
        self.carrier.keep_deleted(self.kind, self.id).await
    }

    /// What is said of it now, kept. `None`: it is not there.
    async fn told(&self, contact_id: &str, row: Option<EngagementRow>) -> Result<Option<EngagementRow>> {
        let carrier = &self.carrier;
        let told_at = carrier.engine.clock().now();
        let whole = self.heard.iter().filter(|heard| heard.is_whole).max_by_key(|heard| heard.found.changed_at);
        let is_news = |found: &Engagement| {
            row.as_ref().and_then(|row| row.changed_at).is_none_or(|known| found.changed_at > Some(known))
        };
        if let Some(heard) = whole.filter(|heard| is_news(&heard.found)) {
            return carrier.keep(&heard.found, contact_id, told_at).await.map(Some);
        }
        let which = (self.kind, self.id);
        let read = carrier.clients.highlevel.engagement(&carrier.cause.call, &RemoteId::from(contact_id), which).await;
        match Self::answered(read)? {
            Some(found) => carrier.keep(&found, contact_id, told_at).await.map(Some),
            None => Ok(None),
        }
    }

    /// Not found is an answer.
    fn answered<T>(read: std::result::Result<T, CallError>) -> Result<Option<T>> {
        match read {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.class == UpstreamClass::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn close(&self, state: &str, outcome: Option<Outcome>, words: &str) -> Result<Ending> {
        let ids: Vec<_> = self.deliveries.iter().map(|delivery| delivery.delivery_id).collect();
        let mut conn = self.carrier.engine.store().session().await?;
        let at = self.carrier.engine.clock().now();
        let settled = Settled { state, outcome: outcome.map(Outcome::as_str), detail: Some(words), at };
        conn.settle_deliveries(self.carrier.context.workspace_id, &ids, &settled).await?;
        Ok(Ending::Done)
    }
}
