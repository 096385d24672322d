//! Notes, tasks and appointments of linked contacts on their way into Chargify, where each is one note of a subscription.
//!
//! What GoHighLevel says is kept first, then compared with the note as we wrote it last; a difference is journalled and
//! written in place. A write whose answer is missing is looked up by its marker: never a second note.

mod carrying;
mod contact;
mod heard;
mod note;
mod sending;

pub(crate) use contact::Carried;

use super::{SyncContext, context::Clients, writing::Cause};
use crate::{
    Engine, EngineError, Result,
    clients::CallError,
    store::{
        engagements::{EngagementRow, NewTold, Standing},
        links::LinkRow,
    },
};
use domain::{
    Side,
    engagement::{EngagementKind, Switches, Told},
};
use std::time::Duration;

/// When another write of the same note is on its way: look again soon.
const BUSY: Duration = Duration::from_millis(500);
/// When a service refuses our credential: the work waits and looks again, it never fails.
const PARKED: Duration = Duration::from_secs(60);
/// Rounds of planning again for one that keeps changing.
const ROUNDS: u32 = 3;

/// Carries the engagements of one sync over.
pub(crate) struct Carrier<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) context: &'a SyncContext,
    pub(crate) clients: &'a Clients,
    pub(crate) cause: &'a Cause,
}

/// What carrying one over came to.
#[derive(Debug)]
pub(crate) enum Came {
    Created,
    Updated,
    /// In step, or none of ours.
    Unchanged,
    /// It waits, and for what.
    Held(&'static str),
    /// The service said no; the words are kept with it.
    Failed(String),
    /// Somebody else is at it, or nothing can be known of an earlier write yet.
    Later(Duration),
    /// The job is another's. Nothing was sent.
    Lost,
    /// The service refuses everything of ours, or is not there.
    Halt(CallError),
}

impl Carrier<'_> {
    fn switches(&self) -> Result<Switches> {
        Ok(self.context.row.policy()?.engagements)
    }

    /// The active link of a contact or of a customer.
    async fn link(&self, side: Side, remote_id: &str) -> Result<Option<LinkRow>> {
        let ids = [remote_id.to_owned()];
        let (contacts, customers): (&[String], &[String]) = match side {
            Side::Highlevel => (&ids, &[]),
            Side::Chargify => (&[], &ids),
        };
        let mut conn = self.engine.store().session().await?;
        let links = conn.links_of_records(self.context.workspace_id, self.context.sync_id, contacts, customers).await?;
        Ok(links.into_iter().next())
    }

    async fn row(&self, kind: EngagementKind, id: &str) -> Result<Option<EngagementRow>> {
        let mut conn = self.engine.store().session().await?;
        conn.engagement(self.context.workspace_id, self.context.sync_id, kind.as_str(), id).await
    }

    /// Keeps what was said of one; returns what stands then.
    async fn keep(
        &self,
        found: &crate::clients::highlevel::Engagement,
        contact_id: &str,
        told_at: time::OffsetDateTime,
    ) -> Result<EngagementRow> {
        let told = serde_json::to_value(&found.told)
            .map_err(|_infallible| EngineError::Bug("what was told does not serialise"))?;
        let new = NewTold {
            kind: found.kind.as_str(),
            remote_id: &found.id,
            contact_id,
            told: &told,
            told_at,
            changed_at: found.changed_at,
        };
        let mut conn = self.engine.store().session().await?;
        conn.keep_told(self.context.workspace_id, self.context.sync_id, new).await
    }

    /// Keeps that one was deleted. `None`: nobody knows of it.
    async fn keep_deleted(&self, kind: EngagementKind, id: &str) -> Result<Option<EngagementRow>> {
        let mut conn = self.engine.store().session().await?;
        let at = self.engine.clock().now();
        let which = (kind.as_str(), id);
        conn.mark_engagement_deleted(self.context.workspace_id, self.context.sync_id, which, at).await
    }

    /// Says how one stands, unless it is said already.
    async fn stand(&self, row: &EngagementRow, state: &str, detail: &str) -> Result<()> {
        if row.state == state && row.detail == detail {
            return Ok(());
        }
        let standing = Standing { kind: &row.kind, remote_id: &row.remote_id, state, detail };
        let mut conn = self.engine.store().session().await?;
        conn.set_engagement_standing(self.context.workspace_id, self.context.sync_id, standing).await
    }
}

fn kind_of(row: &EngagementRow) -> Result<EngagementKind> {
    row.kind.parse().map_err(|_unknown| EngineError::Bug("an engagement of no known kind"))
}

fn told_of(row: &EngagementRow) -> Result<Told> {
    serde_json::from_value(row.told.clone()).map_err(|_shape| EngineError::Bug("what was told does not read back"))
}
