//! One record and its partner: what a webhook, or anybody else, wants looked at. Reads what may be stale, plans, writes.

mod billing;
mod heirs;
mod parting;
mod partner;

use super::{
    SyncContext, batch_of,
    context::Clients,
    echo::is_echo,
    planning::{Circumstances, Planned},
    settling::{Belongs, Ended},
    writing::{Carried, Cause, Target, Writer},
};
use crate::{
    Engine, EngineError, Result, UpstreamClass,
    clients::{CallContext, CallError, Priority},
    deliveries,
    jobs::Ending,
    store::{
        deliveries::{DeliveryRow, Settled},
        jobs::Claim,
        links::LinkRow,
        records::{ReadMark, RecordRow},
    },
};
use domain::{
    RemoteId, Side, SyncId, WorkspaceId, deletes::GoneBy, merge::Base, outcome::Outcome, plan::Action, record::Record,
};
use partner::{Partner, partner_id};
use std::time::Duration;

/// When another write of the record is on its way: look again soon.
const BUSY: Duration = Duration::from_millis(500);
/// When the service refuses our credential: the work is parked and looks again, it never fails.
const PARKED: Duration = Duration::from_secs(60);
/// Rounds of planning again within one job.
const ROUNDS: u32 = 3;

/// A webhook brought it up, and both records are there as far as anybody knows.
const HEARD: Circumstances = Circumstances { gone: None, heard: true };

/// One look at one record.
struct Look<'a> {
    engine: &'a Engine,
    context: SyncContext,
    side: Side,
    remote_id: &'a str,
    deliveries: Vec<DeliveryRow>,
    cause: Cause,
    heard: billing::Heard,
}

impl Engine {
    /// Brings one record and its partner into agreement, and says on the deliveries that asked for it what came of them.
    pub(crate) async fn reconcile(
        &self,
        workspace_id: WorkspaceId,
        sync_id: SyncId,
        side: Side,
        remote_id: &str,
        job: Claim,
    ) -> Result<Ending> {
        let context = self.sync_context(workspace_id, sync_id).await?;
        let mut conn = self.store().session().await?;
        let ids = [remote_id.to_owned()];
        let deliveries = conn.open_deliveries(workspace_id, context.connection_id(side), &ids).await?;
        drop(conn);
        let (key, name) = deliveries.first().map_or_else(
            || ("system".to_owned(), "Concord itself".to_owned()),
            |first| (format!("webhook:{}", first.delivery_id), format!("webhook {}", first.event)),
        );
        let call = CallContext::new(Priority::Live, key.clone());
        let cause = Cause { actor: (key, name), run_id: None, call, job };
        let heard = billing::Heard::default();
        let look = Look { engine: self, context, side, remote_id, deliveries, cause, heard };
        Box::pin(look.work()).await
    }
}

impl Look<'_> {
    async fn work(mut self) -> Result<Ending> {
        self.hear_subscriptions().await?;
        if !self.context.row.enabled {
            let words = "The sync is switched off: nothing was written. The next run picks the change up.";
            return self.close("ignored", None, words).await;
        }
        let link = self.link().await?;
        if let Some(link) = &link
            && !crate::planted!(IgnoreEcho)
            && self.is_echo(link)?
        {
            let (outcome, words) = match self.heard.at {
                Some(_) => (Outcome::Unchanged, "Nothing that is mapped changed. No call was made."),
                None => (Outcome::Echo, "Our own write, come back. No call was made."),
            };
            return self.close("done", Some(outcome), words).await;
        }
        if link.is_none() && self.is_only_of_subscriptions().await? {
            let words = "The subscription was noted. Its customer has no contact, so there is nobody to tell.";
            return self.close("done", Some(Outcome::Unchanged), words).await;
        }
        let clients = self.engine.clients(&self.context).await?;
        match self.settle(&clients, link).await {
            Ok(ending) => Ok(ending),
            Err(EngineError::Upstream {
                side,
                class: class @ (UpstreamClass::Auth | UpstreamClass::Permission | UpstreamClass::AccountBlocked),
                detail,
            }) => {
                self.engine.note_refusal(&self.context, &CallError::new(side, class, detail)).await?;
                Ok(Ending::Later(PARKED))
            }
            Err(error) => Err(error),
        }
    }

    async fn link(&self) -> Result<Option<LinkRow>> {
        let ids = [self.remote_id.to_owned()];
        let (contacts, customers): (&[String], &[String]) = match self.side {
            Side::Highlevel => (&ids, &[]),
            Side::Chargify => (&[], &ids),
        };
        let mut conn = self.engine.store().session().await?;
        let links = conn.links_of_records(self.context.workspace_id, self.context.sync_id, contacts, customers).await?;
        Ok(links.into_iter().next())
    }

    /// Every delivery says only what was agreed on last.
    fn is_echo(&self, link: &LinkRow) -> Result<bool> {
        let base: Base = serde_json::from_value(link.base.clone())
            .map_err(|_unreadable| EngineError::Bug("a stored base cannot be read"))?;
        // A deletion tells the record as it last was: that is no echo of it.
        let tells_a_state = |delivery: &DeliveryRow| !delivery.event.ends_with("Delete");
        Ok(!self.deliveries.is_empty()
            && self.deliveries.iter().all(|delivery| {
                tells_a_state(delivery)
                    && self.told_by(delivery).is_some_and(|record| is_echo(&self.context, &base, &record))
            }))
    }

    async fn settle(&self, clients: &Clients, link: Option<LinkRow>) -> Result<Ending> {
        if let Some(rest) = self.settle_open_intents(clients, self.keys(link.as_ref())).await? {
            return Ok(Ending::Later(rest));
        }
        let (mut gone, mut partner) = self.refresh(clients, link.as_ref()).await?;
        let mut in_the_way = None;
        for round in 1..=ROUNDS {
            let as_of = self.engine.clock().now();
            let writer = Writer { engine: self.engine, context: &self.context, clients, cause: &self.cause, as_of };
            let Some(planned) = self.plan(clients, gone).await? else {
                return self.close("done", Some(Outcome::Excluded), "There is no record to compare: it is gone.").await;
            };
            if let Some(ending) = self.held(&planned).await? {
                return Ok(ending);
            }
            match writer.carry_out(&planned, None).await? {
                Carried::Ended(ended) => {
                    let news = matches!(&partner, Partner::Copied(copy)
                        if self.differs(copy, &ended.records, &planned.item.changes));
                    let ending = self.conclude(*ended).await?;
                    self.tell_heirs(&planned).await?;
                    // The partner was changed as well: the same look once more, reading both.
                    return Ok(if news { Ending::Later(Duration::ZERO) } else { ending });
                }
                Carried::Again(found) => {
                    let belongs = Belongs { context: &self.context, run_id: None };
                    self.engine.settle(belongs, std::slice::from_ref(&*found)).await?;
                    let met = found.records.first().and_then(|record| record.id.clone());
                    if met.is_some() && met == in_the_way && round == ROUNDS {
                        return self.give_way(&planned, met).await;
                    }
                    in_the_way = met;
                    if let (Partner::Copied(_), Some(link)) = (&partner, &link) {
                        gone = gone.or(self.read_partner(clients, link).await?);
                        partner = Partner::Read;
                    }
                }
                Carried::Busy => {
                    let keys = [planned.contact_id(), planned.customer_id()].into_iter().flatten().map(str::to_owned);
                    let rest = self.settle_open_intents(clients, keys.collect()).await?;
                    return Ok(Ending::Later(rest.unwrap_or(BUSY)));
                }
                // Whoever has the job now goes on with it.
                Carried::Lost => return Ok(Ending::Later(BUSY)),
                Carried::Halt(error) => return Err(error.into()),
            }
        }
        Ok(Ending::Later(BUSY))
    }

    /// The service says that the record to be made is there already, and it is another's: a person must look. Trying on
    /// would say the same for ever.
    async fn give_way(&self, planned: &Planned, met: Option<RemoteId>) -> Result<Ending> {
        let other = met.map(|id| id.0).unwrap_or_default();
        let words = format!(
            "{} has {} {other} with this e-mail address or phone number, and it belongs to another record. Nothing was written.",
            self.side.other().label(),
            self.side.other().noun(),
        );
        let mut ended = Ended::as_outcome(Outcome::Ambiguous, Some(words));
        ended.contact_id = planned.contact_id().map(str::to_owned);
        ended.customer_id = planned.customer_id().map(str::to_owned);
        self.conclude(ended).await
    }

    /// What writes about this record are journalled under.
    fn keys(&self, link: Option<&LinkRow>) -> Vec<String> {
        let mut keys = vec![self.remote_id.to_owned()];
        if let Some(link) = link {
            keys.extend([link.contact_id.clone(), link.customer_id.clone()]);
        }
        // Creates are journalled under what they are looked up by, or for whom they are made.
        keys.push(Target::new_key(self.remote_id));
        match self.side {
            Side::Highlevel => {
                keys.push(self.context.policy.matching.reference_of(&RemoteId(self.remote_id.to_owned())));
            }
            Side::Chargify => {}
        }
        keys
    }

    /// Looks up writes about this record whose outcome nobody knows, before anything new is written. Returns how long
    /// nothing can be known of some of them.
    async fn settle_open_intents(&self, clients: &Clients, keys: Vec<String>) -> Result<Option<Duration>> {
        let as_of = self.engine.clock().now();
        let writer = Writer { engine: self.engine, context: &self.context, clients, cause: &self.cause, as_of };
        writer.settle_unknown(self.context.sync_id, &keys).await
    }

    /// Reads this record, and its partner where there is one and it must be. Says which side is proved gone.
    async fn refresh(&self, clients: &Clients, link: Option<&LinkRow>) -> Result<(Option<Side>, Partner)> {
        let mine = self.read(clients, self.side, self.remote_id).await?;
        let gone = mine.is_none().then_some(self.side);
        let Some(link) = link else { return Ok((gone, Partner::Read)) };
        if let Some(mine) = &mine
            && let Some(copy) = self.copy_that_suffices(mine, link).await?
        {
            return Ok((gone, Partner::Copied(copy)));
        }
        Ok((gone.or(self.read_partner(clients, link).await?), Partner::Read))
    }

    /// Reads the partner. Its side, if it is proved gone.
    async fn read_partner(&self, clients: &Clients, link: &LinkRow) -> Result<Option<Side>> {
        let other = self.side.other();
        let partner = self.read(clients, other, partner_id(link, other)).await?;
        Ok(partner.is_none().then_some(other))
    }

    /// Reads one record into its copy. `None`: it is gone, which is written down.
    async fn read(&self, clients: &Clients, side: Side, id: &str) -> Result<Option<Record>> {
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        let mark = ReadMark { workspace_id, sync_id, side, run_id: None, read_at: self.engine.clock().now() };
        if side == self.side
            && let Some(copy) = self.copy_that_stands().await?
        {
            return Ok(Some(copy));
        }
        let told = if side == self.side { self.told().await? } else { None };
        let is_read = told.is_none();
        let remote_id = RemoteId(id.to_owned());
        let call = &self.cause.call;
        let read = match (side, told) {
            (_, Some(record)) => Ok(record),
            (Side::Highlevel, None) => clients.highlevel.get(call, &remote_id).await,
            (Side::Chargify, None) => clients.chargify.get(call, &remote_id).await,
        };
        let record = self.known(read)?;
        if let Some(record) = record.as_ref().filter(|_| is_read) {
            self.engine.note_presence(&self.context, mark, record).await?;
        }
        let mut conn = self.engine.store().session().await?;
        match &record {
            Some(record) => {
                conn.upsert_records(mark, &batch_of([record])).await?;
                if side == Side::Chargify {
                    self.engine.tell_facts(&mut *conn, &self.context, None, &[id.to_owned()]).await?;
                }
            }
            None => conn.mark_record_gone(mark, id, self.how_gone(side)).await?,
        }
        Ok(record)
    }

    /// What made us look, should the record turn out to be gone.
    fn how_gone(&self, side: Side) -> GoneBy {
        let tells = |delivery: &DeliveryRow| delivery.event.ends_with("Delete");
        if side == self.side && self.deliveries.iter().any(tells) { GoneBy::Webhook } else { GoneBy::Asked }
    }

    /// The newest payload that tells the whole record, so that no read is needed. GoHighLevel's never do.
    ///
    /// One that is not younger than the copy by a whole second may be older than what was read: instants have no
    /// fractions, and webhooks overtake each other. The record itself then decides.
    async fn told(&self) -> Result<Option<Record>> {
        let newest = self
            .deliveries
            .iter()
            .filter_map(deliveries::payload_record)
            .filter(|(record, whole)| *whole && record.stamp.updated_at.is_some())
            .map(|(record, _)| record)
            .reduce(|newest, next| if next.stamp.newer_than(&newest.stamp) { next } else { newest });
        let Some(told) = newest else { return Ok(None) };
        let ids = [self.remote_id.to_owned()];
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        let mut conn = self.engine.store().session().await?;
        let copies = conn.records_by_ids(workspace_id, sync_id, self.side, &ids).await?;
        // A webhook may be late: one that nobody has met, or that is gone, is asked for.
        let Some(copy) = copies.first().filter(|copy| copy.gone_at.is_none()) else { return Ok(None) };
        Ok(Some(told).filter(|told| copy.updated_at.is_none() || told.stamp.updated_at > copy.updated_at))
    }

    /// Not found is an answer; anything else that is no answer is an error.
    fn known<T>(&self, read: std::result::Result<T, CallError>) -> Result<Option<T>> {
        match read {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.class == UpstreamClass::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Plans the pair, or the lone record.
    async fn plan(&self, clients: &Clients, gone: Option<Side>) -> Result<Option<Planned>> {
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        let how = Circumstances { gone, heard: true };
        if let Some(link) = self.link().await? {
            let mut conn = self.engine.store().session().await?;
            return Ok(Some(self.engine.plan_link(&mut *conn, &self.context, &link, how).await?));
        }
        if gone == Some(self.side) {
            return Ok(None);
        }
        match self.side {
            Side::Highlevel => self.plan_contact(clients, self.remote_id, how).await,
            Side::Chargify => {
                let ids = [self.remote_id.to_owned()];
                let mut conn = self.engine.store().session().await?;
                let rows = conn.records_by_ids(workspace_id, sync_id, Side::Chargify, &ids).await?;
                let Some(row) = rows.first() else { return Ok(None) };
                let seekers = conn.contacts_for_customer(workspace_id, sync_id, row).await?;
                drop(conn);
                match seekers.first() {
                    Some(contact_id) => {
                        self.read(clients, Side::Highlevel, contact_id).await?;
                        self.plan_contact(clients, contact_id, how).await
                    }
                    None => {
                        // A contact nobody has read yet may be named by the reference; a second one must not be made.
                        if let Some(id) = self.contact_named_by(row)
                            && self.read(clients, Side::Highlevel, &id).await?.is_some()
                        {
                            return self.plan_contact(clients, &id, how).await;
                        }
                        let mut conn = self.engine.store().session().await?;
                        let rows = std::slice::from_ref(row);
                        Ok(self.engine.plan_lone_customers(&mut *conn, &self.context, rows, how, None).await?.pop())
                    }
                }
            }
        }
    }

    /// The contact a customer's reference names, if it has the shape of a contact's id (HighLevel API docs, contacts, seen
    /// 2026-08: twenty letters and digits).
    fn contact_named_by(&self, customer: &RecordRow) -> Option<String> {
        let prefix = self.context.policy.matching.prefix.as_deref().unwrap_or_default();
        let id = customer.reference.as_deref()?.strip_prefix(prefix)?;
        let is_id = id.len() == 20 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        (is_id && self.context.policy.matching.reference).then(|| id.to_owned())
    }

    /// Plans a contact that has no link. Before a customer is created, Chargify is asked whether somebody has the e-mail
    /// address: a webhook may be lost, so the copies cannot know.
    async fn plan_contact(&self, clients: &Clients, contact_id: &str, how: Circumstances) -> Result<Option<Planned>> {
        let planned = self.plan_from_copies(contact_id, how).await?;
        let Some(first) = &planned else { return Ok(None) };
        if let Some(anew) = self.look_at_owner(clients, first, how).await? {
            return Ok(Some(anew));
        }
        if first.item.action != Action::CreateCustomer {
            return Ok(planned);
        }
        let Some(email) = first.email() else { return Ok(planned) };
        let found = clients.chargify.customers_with_email(&self.cause.call, &email).await?;
        let mark = ReadMark {
            workspace_id: self.context.workspace_id,
            sync_id: self.context.sync_id,
            side: Side::Chargify,
            run_id: None,
            read_at: self.engine.clock().now(),
        };
        let mut conn = self.engine.store().session().await?;
        conn.upsert_records(mark, &batch_of(&found)).await?;
        let ids: Vec<String> = found.iter().filter_map(|record| record.id.as_ref()).map(|id| id.0.clone()).collect();
        self.engine.tell_facts(&mut *conn, &self.context, None, &ids).await?;
        drop(conn);
        self.plan_from_copies(contact_id, how).await
    }

    async fn plan_from_copies(&self, contact_id: &str, how: Circumstances) -> Result<Option<Planned>> {
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        let mut conn = self.engine.store().session().await?;
        let ids = [contact_id.to_owned()];
        let rows = conn.records_by_ids(workspace_id, sync_id, Side::Highlevel, &ids).await?;
        Ok(self.engine.plan_contacts(&mut *conn, &self.context, &rows, how).await?.pop())
    }

    /// Writes down how it ended, on the pair and on the deliveries.
    async fn conclude(&self, ended: Ended) -> Result<Ending> {
        let now = self.engine.clock().now();
        let mut tx = self.engine.store().begin().await?;
        let belongs = Belongs { context: &self.context, run_id: None };
        let outcome = ended.outcome;
        let words = ended.detail.clone();
        self.engine.settle_in(&mut *tx, belongs, std::slice::from_ref(&ended)).await?;
        let ids: Vec<_> = self.deliveries.iter().map(|delivery| delivery.delivery_id).collect();
        let settled = Settled { state: "done", outcome: Some(outcome.as_str()), detail: words.as_deref(), at: now };
        if !crate::planted!(LeaveDeliveries) {
            tx.settle_deliveries(self.context.workspace_id, &ids, &settled).await?;
        }
        tx.commit().await?;
        Ok(Ending::Done)
    }

    /// Closes the deliveries; nothing else changes.
    async fn close(&self, state: &str, outcome: Option<Outcome>, words: &str) -> Result<Ending> {
        let ids: Vec<_> = self.deliveries.iter().map(|delivery| delivery.delivery_id).collect();
        let mut conn = self.engine.store().session().await?;
        let at = self.engine.clock().now();
        let settled = Settled { state, outcome: outcome.map(Outcome::as_str), detail: Some(words), at };
        conn.settle_deliveries(self.context.workspace_id, &ids, &settled).await?;
        Ok(Ending::Done)
    }
}
