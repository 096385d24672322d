//! Merges: one contact is gone, another has its e-mail address. No event tells of one (HighLevel API docs, webhook index, seen
//! 2026-08), and the webhooks of both contacts come in any order.

use super::Look;
use crate::{
    Result,
    clients::Priority,
    jobs::{Job, Queueing},
    sync::{Planned, context::Clients, planning::Circumstances},
};
use domain::{
    RemoteId, Side,
    matching::{Ambiguity, Match},
    plan::{Action, ReasonCode},
};

impl Look<'_> {
    /// Where the customer that fits belongs to another contact: whether that one is still there. If it is not, its pair is
    /// queued to end, and this contact planned anew.
    pub(super) async fn look_at_owner(
        &self,
        clients: &Clients,
        planned: &Planned,
        how: Circumstances,
    ) -> Result<Option<Planned>> {
        let (Some(owner), Some(contact_id)) = (owner(planned), planned.contact_id()) else { return Ok(None) };
        if self.read(clients, Side::Highlevel, owner.as_str()).await?.is_some() {
            return Ok(None);
        }
        let (workspace_id, lane_id) = (self.context.workspace_id, self.context.chargify_id());
        let sync_id = self.context.sync_id;
        let job = Job::Reconcile { sync_id, side: Side::Highlevel, remote_id: owner.0.clone() };
        let mut tx = self.engine.store().begin().await?;
        let at = Queueing { workspace_id, lane_id, priority: Priority::Live, delay_ms: 0 };
        self.engine.enqueue(&mut *tx, &job, &at).await?;
        tx.commit().await?;
        self.plan_from_copies(contact_id, how).await
    }

    /// After a pair ended with its contact: contacts that may stand in for it are told what is asked about them now.
    pub(super) async fn tell_heirs(&self, planned: &Planned) -> Result<()> {
        let (Action::Unlink, ReasonCode::ContactGone) = (planned.item.action, planned.item.reason.code) else {
            return Ok(());
        };
        let Some(customer_id) = planned.customer_id() else { return Ok(()) };
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        let mut conn = self.engine.store().session().await?;
        let rows = conn.records_by_ids(workspace_id, sync_id, Side::Chargify, &[customer_id.to_owned()]).await?;
        let Some(customer) = rows.first() else { return Ok(()) };
        let contacts = conn.contacts_for_customer(workspace_id, sync_id, customer).await?;
        let rows = conn.records_by_ids(workspace_id, sync_id, Side::Highlevel, &contacts).await?;
        let heirs = self.engine.plan_contacts(&mut *conn, &self.context, &rows, Circumstances::default()).await?;
        let asked = heirs.iter().filter(|heir| heir.item.action == Action::Ambiguous);
        let verdicts: Vec<_> = asked
            .filter_map(|heir| Some((heir.contact_id()?.to_owned(), "waiting", heir.item.reason.words.clone())))
            .collect();
        conn.set_verdicts(workspace_id, sync_id, Side::Highlevel, &verdicts).await
    }
}

/// Whom the only customer that fits belongs to.
fn owner(planned: &Planned) -> Option<&RemoteId> {
    match &planned.matched {
        Some(Match::Ambiguous { why: Ambiguity::Taken(owner), .. }) => Some(owner),
        _ => None,
    }
}
