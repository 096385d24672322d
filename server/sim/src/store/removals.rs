//! What is to be done to records whose partners were deleted, in memory.

use super::{
    data::{Data, kept},
    session::Session,
};
use async_trait::async_trait;
use domain::{Side, SyncId, WorkspaceId};
use engine::{
    Result,
    store::{
        Removals,
        removals::{NewRemoval, RemovalRow, SettledRemoval},
    },
};
use serde_json::Value as Json;
use time::OffsetDateTime;
use uuid::Uuid;

fn is_open(row: &RemovalRow) -> bool {
    matches!(row.state.as_str(), "waiting" | "approved")
}

fn row_of(new: &NewRemoval<'_>) -> RemovalRow {
    RemovalRow {
        removal_id: new.removal_id,
        sync_id: new.sync_id.0,
        side: new.side.as_str().to_owned(),
        remote_id: new.remote_id.to_owned(),
        gone_id: new.gone_id.to_owned(),
        effect: new.effect.to_owned(),
        display_name: new.display_name.to_owned(),
        email: new.email.map(str::to_owned),
        reason: new.reason.to_owned(),
        state: new.state.to_owned(),
        state_detail: None,
        seen: new.seen.clone(),
        asked_at: kept(new.at),
        decided_by: None,
        decided_at: None,
        settled_at: None,
    }
}

impl Data {
    /// Changes the row if it is in that state.
    fn change_removal(
        &mut self,
        workspace_id: WorkspaceId,
        removal_id: Uuid,
        fits: impl Fn(&RemovalRow) -> bool,
        change: impl FnOnce(&mut RemovalRow),
    ) -> bool {
        let key = (workspace_id.0, removal_id);
        if !self.removals.get(&key).is_some_and(fits) {
            return false;
        }
        if let Some(row) = self.removals.get_mut(&key) {
            change(row);
        }
        true
    }
}

#[async_trait]
impl Removals for Session {
    async fn insert_removal(&mut self, new: &NewRemoval<'_>) -> Result<bool> {
        self.act("insert_removal", |work| {
            let is_same = |row: &RemovalRow| {
                (row.sync_id, row.side.as_str(), row.remote_id.as_str())
                    == (new.sync_id.0, new.side.as_str(), new.remote_id)
            };
            let key = (new.workspace_id.0, new.removal_id);
            let mut all = work.data.removals.iter();
            let is_taken = all.any(|(at, row)| at.0 == key.0 && is_open(row) && is_same(row));
            if is_taken || work.data.removals.contains(&key) {
                return Ok(false);
            }
            work.data.removals.insert(key, row_of(new));
            Ok(true)
        })
        .await
    }

    async fn removal(&mut self, workspace_id: WorkspaceId, removal_id: Uuid) -> Result<Option<RemovalRow>> {
        self.act("removal", |work| Ok(work.data.removals.get(&(workspace_id.0, removal_id)).cloned())).await
    }

    async fn approve_removal(
        &mut self,
        workspace_id: WorkspaceId,
        removal_id: Uuid,
        by: &str,
        at: OffsetDateTime,
    ) -> Result<bool> {
        self.act("approve_removal", |work| {
            let waits = |row: &RemovalRow| row.state == "waiting";
            Ok(work.data.change_removal(workspace_id, removal_id, waits, |row| {
                "approved".clone_into(&mut row.state);
                row.state_detail = None;
                row.decided_by = Some(by.to_owned());
                row.decided_at = Some(kept(at));
            }))
        })
        .await
    }

    async fn ask_removal_again(
        &mut self,
        workspace_id: WorkspaceId,
        removal_id: Uuid,
        seen: &Json,
        detail: &str,
    ) -> Result<bool> {
        self.act("ask_removal_again", |work| {
            let is_approved = |row: &RemovalRow| row.state == "approved";
            Ok(work.data.change_removal(workspace_id, removal_id, is_approved, |row| {
                "waiting".clone_into(&mut row.state);
                row.state_detail = Some(detail.to_owned());
                row.seen = seen.clone();
                (row.decided_by, row.decided_at) = (None, None);
            }))
        })
        .await
    }

    async fn settle_removal(&mut self, workspace_id: WorkspaceId, settled: &SettledRemoval<'_>) -> Result<bool> {
        self.act("settle_removal", |work| {
            Ok(work.data.change_removal(workspace_id, settled.removal_id, is_open, |row| {
                settled.state.clone_into(&mut row.state);
                row.state_detail = Some(settled.detail.to_owned());
                row.settled_at = Some(kept(settled.at));
            }))
        })
        .await
    }

    async fn withdraw_removals(
        &mut self,
        workspace_id: WorkspaceId,
        sync_id: SyncId,
        gone: (Side, &str),
        detail: &str,
        at: OffsetDateTime,
    ) -> Result<u64> {
        self.act("withdraw_removals", |work| {
            let (side, gone_id) = (gone.0.other().as_str(), gone.1);
            Ok(work.data.removals.update(
                |key, row| {
                    (key.0, row.sync_id, row.side.as_str(), row.gone_id.as_str())
                        == (workspace_id.0, sync_id.0, side, gone_id)
                        && is_open(row)
                },
                |row| {
                    "withdrawn".clone_into(&mut row.state);
                    row.state_detail = Some(detail.to_owned());
                    row.settled_at = Some(kept(at));
                },
            ))
        })
        .await
    }
}
