//! What is done to a record whose partner was deleted: a tag is put on or taken off, or it is deleted as a person approved.
//!
//! Each wish is a row of its own, kept in the transaction that ended the pair. Before anything is written both records are
//! read: the partner must still be gone, and a record to be deleted must be as it was when the person was asked.

mod asking;
mod deleting;
mod tagging;

pub(super) use deleting::{DELETE, looked_up};

use super::{
    SyncContext, batch_of,
    context::Clients,
    writing::{Cause, Writer},
};
use crate::{
    Engine, EngineError, Result, UpstreamClass,
    audit::{AuditAction, NewAuditLine},
    clients::{CallContext, CallError, Priority},
    jobs::Ending,
    store::{
        jobs::Claim,
        links::LinkRow,
        records::ReadMark,
        removals::{RemovalRow, SettledRemoval},
    },
};
use domain::{RemoteId, Side, SyncId, WorkspaceId, deletes::GoneBy, record::Record};
use serde_json::{Value as Json, json};
use std::{str::FromStr as _, time::Duration};
use uuid::Uuid;

/// When another write of the record is on its way: look again soon.
const BUSY: Duration = Duration::from_millis(500);
/// When the service refuses our credential: the wish is kept and tried again, it never fails for that.
const PARKED: Duration = Duration::from_secs(60);

/// One wish at work.
struct Removing<'a> {
    engine: &'a Engine,
    context: SyncContext,
    clients: Clients,
    row: RemovalRow,
    side: Side,
    cause: Cause,
}

/// What is compared before a record is deleted.
pub(crate) fn seen(record: &Record) -> Json {
    let updated_at = record.stamp.updated_at.map(|at| at.unix_timestamp_nanos().to_string());
    json!({ "updated_at": updated_at, "values": record.values })
}

impl Engine {
    /// Carries a wish out that nobody has to be asked about (any more).
    pub(crate) async fn carry_removal(
        &self,
        workspace_id: WorkspaceId,
        sync_id: SyncId,
        removal_id: Uuid,
        job: Claim,
    ) -> Result<Ending> {
        let mut conn = self.store().session().await?;
        let row = conn.removal(workspace_id, removal_id).await?;
        drop(conn);
        let Some(row) = row.filter(|row| row.state == "approved") else { return Ok(Ending::Done) };
        let context = self.sync_context(workspace_id, sync_id).await?;
        let clients = self.clients(&context).await?;
        let side = Side::from_str(&row.side).map_err(|_unknown| EngineError::Bug("a removal of no known side"))?;
        let actor = match &row.decided_by {
            Some(person) => ("system".to_owned(), format!("Concord itself, as {person} approved,")),
            None => ("system".to_owned(), "Concord itself".to_owned()),
        };
        let call = CallContext::new(Priority::Live, format!("removal:{removal_id}"));
        let cause = Cause { actor, run_id: None, call, job };
        let removing = Removing { engine: self, context, clients, row, side, cause };
        match Box::pin(removing.work()).await {
            Err(EngineError::Upstream {
                side,
                class: class @ (UpstreamClass::Auth | UpstreamClass::Permission | UpstreamClass::AccountBlocked),
                detail,
            }) => {
                self.note_refusal(&removing.context, &CallError::new(side, class, detail)).await?;
                Ok(Ending::Later(PARKED))
            }
            ended => ended,
        }
    }
}

impl Removing<'_> {
    async fn work(&self) -> Result<Ending> {
        if let Some(ending) = self.settle_own_deletion().await? {
            return Ok(ending);
        }
        let keys = [self.row.remote_id.clone()];
        if let Some(rest) = self.writer().settle_unknown(self.context.sync_id, &keys).await? {
            return Ok(Ending::Later(rest));
        }
        let is_for_lone = self.row.effect != "untag";
        if is_for_lone && self.read(self.side.other(), &self.row.gone_id, GoneBy::Asked).await?.is_some() {
            return self.end("withdrawn", "Its partner is there again.").await;
        }
        let link = self.link().await?;
        if is_for_lone == link.is_some() {
            return self
                .end("withdrawn", if is_for_lone { "It has a partner again." } else { "It has no partner." })
                .await;
        }
        let Some(record) = self.read(self.side, &self.row.remote_id, GoneBy::Asked).await? else {
            return self.end("done", "When it was to be looked at, it was gone.").await;
        };
        match self.row.effect.as_str() {
            "delete" => self.delete(&record).await,
            _ => self.set_tag(record, link.as_ref()).await,
        }
    }

    fn writer(&self) -> Writer<'_> {
        let as_of = self.engine.clock().now();
        Writer { engine: self.engine, context: &self.context, clients: &self.clients, cause: &self.cause, as_of }
    }

    fn id(&self) -> RemoteId {
        RemoteId(self.row.remote_id.clone())
    }

    /// The pair the record is in.
    async fn link(&self) -> Result<Option<LinkRow>> {
        let ids = [self.row.remote_id.clone()];
        let (contacts, customers): (&[String], &[String]) =
            if self.side == Side::Highlevel { (&ids, &[]) } else { (&[], &ids) };
        let mut conn = self.engine.store().session().await?;
        let links = conn.links_of_records(self.context.workspace_id, self.context.sync_id, contacts, customers).await?;
        Ok(links.into_iter().next())
    }

    /// Reads one record now. `None`: it is gone, which is written down.
    async fn read(&self, side: Side, id: &str, how: GoneBy) -> Result<Option<Record>> {
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        let mark = ReadMark { workspace_id, sync_id, side, run_id: None, read_at: self.engine.clock().now() };
        let remote_id = RemoteId(id.to_owned());
        let read = match side {
            Side::Highlevel => self.clients.highlevel.get(&self.cause.call, &remote_id).await,
            Side::Chargify => self.clients.chargify.get(&self.cause.call, &remote_id).await,
        };
        match read {
            Ok(record) => {
                self.engine.note_presence(&self.context, mark, &record).await?;
                let mut conn = self.engine.store().session().await?;
                conn.upsert_records(mark, &batch_of([&record])).await?;
                Ok(Some(record))
            }
            Err(error) if error.class == UpstreamClass::NotFound => {
                let mut conn = self.engine.store().session().await?;
                conn.mark_record_gone(mark, id, how).await?;
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Ends the wish without a write.
    async fn end(&self, state: &'static str, detail: &str) -> Result<Ending> {
        let mut conn = self.engine.store().session().await?;
        conn.settle_removal(self.context.workspace_id, &self.settled(state, detail)).await?;
        Ok(Ending::Done)
    }

    fn settled<'d>(&self, state: &'static str, detail: &'d str) -> SettledRemoval<'d> {
        SettledRemoval { removal_id: self.row.removal_id, state, detail, at: self.engine.clock().now() }
    }

    fn line(&self, action: AuditAction) -> NewAuditLine {
        let (contact_id, customer_id) = match self.side {
            Side::Highlevel => (Some(self.row.remote_id.as_str()), Some(self.row.gone_id.as_str())),
            Side::Chargify => (Some(self.row.gone_id.as_str()), Some(self.row.remote_id.as_str())),
        };
        NewAuditLine::of(self.cause.actor.clone(), action, self.engine.clock().now())
            .about(format!("{}:{}", self.side.noun(), self.row.remote_id), self.row.display_name.clone())
            .with("side", self.side.as_str())
            .with("sync", self.context.row.name.clone())
            .on_records(contact_id, customer_id)
    }
}
