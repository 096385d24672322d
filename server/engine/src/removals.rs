//! Records that wait to be deleted because their partners were: who they are, and what a person says.

use crate::{
    Engine, EngineError, Result, Runner, Viewer,
    audit::{self, AuditAction, NewAuditLine},
    clients::Priority,
    jobs::{Job, Queueing},
    store::{
        self, Removals as _, Syncs as _,
        removals::{RemovalRow, SettledRemoval},
    },
};
use domain::{
    Right, Side, SyncId, limits,
    view::{At, RemovalDraft, RemovalPageView, RemovalView},
};
use std::{collections::BTreeMap, str::FromStr as _};
use uuid::Uuid;

impl Engine {
    /// Records that wait to be deleted, and what became of the last ones.
    ///
    /// # Errors
    /// [`EngineError::NotAllowed`] without the right to see personal data; database errors.
    pub async fn removals(&self, viewer: &Viewer) -> Result<RemovalPageView> {
        if !viewer.actor().role().may(Right::SeePersonalData) {
            return Err(EngineError::NotAllowed(Right::SeePersonalData.words()));
        }
        let workspace_id = viewer.workspace_id();
        let mut conn = self.pool().acquire().await?;
        let total = store::removals::count_waiting(&mut conn, workspace_id).await?;
        let waiting = store::removals::waiting(&mut conn, workspace_id, limits::LIST_PAGE).await?;
        let settled = store::removals::settled(&mut conn, workspace_id, limits::LIST_PAGE).await?;
        let syncs = store::syncs::list(&mut conn, workspace_id).await?;
        let names: BTreeMap<Uuid, String> = syncs.into_iter().map(|sync| (sync.sync_id, sync.name)).collect();
        let views = |rows: Vec<RemovalRow>| rows.into_iter().map(|row| view(row, &names)).collect::<Result<Vec<_>>>();
        Ok(RemovalPageView {
            waiting: views(waiting)?,
            total: u64::try_from(total).unwrap_or(0),
            typed_beyond: limits::FUSE_REMOVALS,
            settled: views(settled)?,
        })
    }

    /// Approves the deletion of one record, or of all that were shown; returns how many. Each is read anew before it is
    /// deleted. Approval, audit lines and jobs commit together.
    ///
    /// # Errors
    /// [`EngineError::AlreadyDone`] when it does not wait (any more), or other ones wait than were shown;
    /// [`EngineError::Invalid`] when the number of many is not typed; [`EngineError::NotAllowed`]; database errors.
    pub async fn approve_removals(&self, by: &Runner, draft: &RemovalDraft) -> Result<u64> {
        let mut tx = self.pool().begin().await?;
        let rows = self.meant(&mut tx, by, draft).await?;
        let now = self.clock().now();
        for row in &rows {
            let (workspace_id, removal_id) = (by.workspace_id(), row.removal_id);
            if !tx.approve_removal(workspace_id, removal_id, by.actor().name(), now).await? {
                return Err(EngineError::AlreadyDone);
            }
            let sync_id = SyncId(row.sync_id);
            let sync = tx.sync(workspace_id, sync_id).await?.ok_or(EngineError::NotFound("sync"))?;
            let lane_id = domain::ConnectionId(sync.chargify_connection_id);
            let at = Queueing { workspace_id, lane_id, priority: Priority::Live, delay_ms: 0 };
            self.enqueue(&mut tx, &Job::Remove { sync_id, removal_id }, &at).await?;
            let line = line(by, AuditAction::RemovalApproved, row, &sync.name, now);
            audit::append(&mut tx, workspace_id, line).await?;
        }
        tx.commit().await?;
        Ok(rows.len() as u64)
    }

    /// Keeps one record, or all that were shown, as they are; returns how many.
    ///
    /// # Errors
    /// As [`Self::approve_removals`]; nothing has to be typed.
    pub async fn refuse_removals(&self, by: &Runner, draft: &RemovalDraft) -> Result<u64> {
        let mut tx = self.pool().begin().await?;
        let typed = RemovalDraft { typed: draft.shown.to_string(), ..draft.clone() };
        let rows = self.meant(&mut tx, by, &typed).await?;
        let now = self.clock().now();
        let detail = format!("{} kept it.", by.actor().name());
        for row in &rows {
            let workspace_id = by.workspace_id();
            let settled = SettledRemoval { removal_id: row.removal_id, state: "refused", detail: &detail, at: now };
            if !tx.settle_removal(workspace_id, &settled).await? {
                return Err(EngineError::AlreadyDone);
            }
            let sync = tx.sync(workspace_id, SyncId(row.sync_id)).await?.ok_or(EngineError::NotFound("sync"))?;
            let line = line(by, AuditAction::RemovalRefused, row, &sync.name, now);
            audit::append(&mut tx, workspace_id, line).await?;
        }
        tx.commit().await?;
        Ok(rows.len() as u64)
    }

    /// Those of the waiting ones that are meant, if they are what was shown.
    async fn meant(
        &self,
        tx: &mut sqlx::Transaction<'static, sqlx::Postgres>,
        by: &Runner,
        draft: &RemovalDraft,
    ) -> Result<Vec<RemovalRow>> {
        if !by.actor().role().may(Right::Approve) {
            return Err(EngineError::NotAllowed(Right::Approve.words()));
        }
        let workspace_id = by.workspace_id();
        if !draft.id.is_empty() {
            let id: Uuid = draft.id.parse().map_err(|_shape| EngineError::NotFound("deletion"))?;
            let row = tx.removal(workspace_id, id).await?.ok_or(EngineError::NotFound("deletion"))?;
            return if row.state == "waiting" { Ok(vec![row]) } else { Err(EngineError::AlreadyDone) };
        }
        let total = store::removals::count_waiting(tx, workspace_id).await?;
        let total = u64::try_from(total).unwrap_or(0);
        if total == 0 || total != draft.shown {
            return Err(EngineError::AlreadyDone);
        }
        if total > limits::FUSE_REMOVALS && draft.typed.trim().parse() != Ok(total) {
            return Err(EngineError::invalid(format!(
                "typed: {total} records would be deleted at once; type that number to approve it"
            )));
        }
        Ok(store::removals::waiting(tx, workspace_id, limits::REMOVALS_AT_ONCE).await?)
    }
}

fn line(by: &Runner, action: AuditAction, row: &RemovalRow, sync: &str, at: time::OffsetDateTime) -> NewAuditLine {
    let is_contact = row.side == Side::Highlevel.as_str();
    let (contact_id, customer_id) =
        if is_contact { (&row.remote_id, &row.gone_id) } else { (&row.gone_id, &row.remote_id) };
    let noun = if is_contact { Side::Highlevel.noun() } else { Side::Chargify.noun() };
    NewAuditLine::by(by.actor(), action, at)
        .about(format!("{noun}:{}", row.remote_id), row.display_name.clone())
        .with("side", row.side.clone())
        .with("sync", sync.to_owned())
        .with("reason", row.reason.clone())
        .on_records(Some(contact_id), Some(customer_id))
}

fn view(row: RemovalRow, syncs: &BTreeMap<Uuid, String>) -> Result<RemovalView> {
    let side = Side::from_str(&row.side).map_err(|_unknown| EngineError::Bug("a removal of no known side"))?;
    Ok(RemovalView {
        id: row.removal_id.to_string(),
        sync: syncs.get(&row.sync_id).cloned().unwrap_or_default(),
        side,
        remote_id: row.remote_id,
        gone_id: row.gone_id,
        name: row.display_name,
        email: row.email,
        reason: row.reason,
        state: row.state,
        detail: row.state_detail,
        asked_at: row.asked_at.into(),
        decided: row.decided_by.zip(row.decided_at.map(At::from)),
    })
}
