//! Wishes come into being in the transaction that ends a pair or makes one, and are withdrawn in the one in which a record is
//! found to be there again.

use super::seen;
use crate::{
    Engine, Result,
    clients::Priority,
    jobs::{Job, Queueing},
    store::{Tables, records::RecordRow, removals::NewRemoval},
    sync::{SyncContext, copy::record_of},
};
use domain::{
    RemoteId, Side,
    deletes::{DELETED_TAG, Effect},
};
use time::OffsetDateTime;

impl Engine {
    /// A pair ended because its record of that side is gone: what the sync does to the partner.
    pub(crate) async fn wish_for_partner(
        &self,
        conn: &mut dyn Tables,
        context: &SyncContext,
        (gone_side, gone_id, partner_id): (Side, &RemoteId, &str),
        reason: &str,
        at: OffsetDateTime,
    ) -> Result<()> {
        let (effect, state) = match context.policy.deletes.of(gone_side) {
            Effect::Unlink => return Ok(()),
            Effect::Tag => ("tag", "approved"),
            Effect::Delete => ("delete", "waiting"),
        };
        let side = gone_side.other();
        let ids = [partner_id.to_owned()];
        let rows = conn.records_by_ids(context.workspace_id, context.sync_id, side, &ids).await?;
        let Some(row) = rows.first().filter(|row| row.gone_at.is_none()) else { return Ok(()) };
        self.wish(conn, context, row, &Wish { side, gone_id: gone_id.as_str(), effect, state, reason, at }).await
    }

    /// A contact has a partner: the tag that says its customer was deleted is no longer true.
    pub(crate) async fn wish_for_no_tag(
        &self,
        conn: &mut dyn Tables,
        context: &SyncContext,
        (contact_id, customer_id): (&str, &str),
        at: OffsetDateTime,
    ) -> Result<()> {
        let ids = [contact_id.to_owned()];
        let rows = conn.records_by_ids(context.workspace_id, context.sync_id, Side::Highlevel, &ids).await?;
        let Some(row) = rows.first() else { return Ok(()) };
        if !record_of(row)?.tags().iter().any(|tag| tag == DELETED_TAG) {
            return Ok(());
        }
        let wish = Wish {
            side: Side::Highlevel,
            gone_id: customer_id,
            effect: "untag",
            state: "approved",
            reason: "it has a customer again",
            at,
        };
        self.wish(conn, context, row, &wish).await
    }

    async fn wish(&self, conn: &mut dyn Tables, context: &SyncContext, row: &RecordRow, wish: &Wish<'_>) -> Result<()> {
        let record = record_of(row)?;
        let (removal_id, email) = (self.entropy().uuid(), record.email());
        let new = NewRemoval {
            workspace_id: context.workspace_id,
            removal_id,
            sync_id: context.sync_id,
            side: wish.side,
            remote_id: &row.remote_id,
            gone_id: wish.gone_id,
            effect: wish.effect,
            display_name: &record.display_name(),
            email: email.as_deref(),
            reason: wish.reason,
            state: wish.state,
            seen: &seen(&record),
            at: wish.at,
        };
        if conn.insert_removal(&new).await? && wish.state == "approved" {
            let (workspace_id, lane_id) = (context.workspace_id, context.chargify_id());
            let at = Queueing { workspace_id, lane_id, priority: Priority::Live, delay_ms: 0 };
            self.enqueue(conn, &Job::Remove { sync_id: context.sync_id, removal_id }, &at).await?;
        }
        Ok(())
    }

    /// A record that was gone is there again: whatever was wished for its partner is not wished any more.
    pub(crate) async fn withdraw_wishes(
        &self,
        conn: &mut dyn Tables,
        context: &SyncContext,
        (side, id): (Side, &str),
        at: OffsetDateTime,
    ) -> Result<u64> {
        let detail = format!("The {} is there again.", side.noun());
        conn.withdraw_removals(context.workspace_id, context.sync_id, (side, id), &detail, at).await
    }
}

/// What is wished for a record.
struct Wish<'a> {
    side: Side,
    gone_id: &'a str,
    effect: &'static str,
    state: &'static str,
    reason: &'a str,
    at: OffsetDateTime,
}
