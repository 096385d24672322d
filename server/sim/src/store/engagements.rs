//! Notes, tasks and appointments in memory.

use super::{
    data::{Data, kept},
    records::first,
    session::{Session, Work},
};
use async_trait::async_trait;
use domain::{Side, SyncId, WorkspaceId, limits};
use engine::{
    EngineError, Result,
    store::{
        Engagements,
        engagements::{EngagementRow, LinkedContact, NewTold, Standing, WrittenNote},
    },
};
use serde_json::json;
use std::cmp::Reverse;
use time::OffsetDateTime;
use uuid::Uuid;

/// Workspace, sync, kind, id at GoHighLevel.
pub(super) type Key = (Uuid, Uuid, String, String);

fn key(workspace_id: WorkspaceId, sync_id: SyncId, (kind, remote_id): (&str, &str)) -> Key {
    (workspace_id.0, sync_id.0, kind.to_owned(), remote_id.to_owned())
}

impl Data {
    fn engagements_of(&self, workspace_id: WorkspaceId, sync_id: SyncId) -> impl Iterator<Item = &EngagementRow> {
        let is_its = move |key: &Key| (key.0, key.1) == (workspace_id.0, sync_id.0);
        self.engagements.iter().filter(move |(key, _)| is_its(key)).map(|(_, row)| row)
    }
}

fn change<T>(work: &mut Work<'_>, key: &Key, change: impl FnOnce(&mut EngagementRow) -> T) -> Option<T> {
    work.data.engagements.get_mut(key).map(change)
}

/// As it is when it is first told.
fn fresh(new: &NewTold<'_>) -> EngagementRow {
    EngagementRow {
        kind: new.kind.to_owned(),
        remote_id: new.remote_id.to_owned(),
        contact_id: new.contact_id.to_owned(),
        told: new.told.clone(),
        told_at: kept(new.told_at),
        changed_at: new.changed_at.map(kept),
        deleted_at: None,
        subscription_id: None,
        note_id: None,
        written: None,
        written_at: None,
        state: "open".to_owned(),
        detail: String::new(),
    }
}

#[async_trait]
impl Engagements for Session {
    async fn engagement(
        &mut self,
        workspace_id: WorkspaceId,
        sync_id: SyncId,
        kind: &str,
        remote_id: &str,
    ) -> Result<Option<EngagementRow>> {
        self.act("engagement", |work| {
            Ok(work.data.engagements.get(&key(workspace_id, sync_id, (kind, remote_id))).cloned())
        })
        .await
    }

    async fn engagements_of_contact(
        &mut self,
        workspace_id: WorkspaceId,
        sync_id: SyncId,
        contact_id: &str,
    ) -> Result<Vec<EngagementRow>> {
        self.act("engagements_of_contact", |work| {
            let rows = work.data.engagements_of(workspace_id, sync_id).filter(|row| row.contact_id == contact_id);
            let mut rows: Vec<EngagementRow> = rows.cloned().collect();
            let at = |row: &EngagementRow| row.told.get("at").and_then(|at| at.as_str()).map(str::to_owned);
            rows.sort_by_key(|row| (row.kind.clone(), Reverse(at(row)), row.remote_id.clone()));
            Ok(first(rows.into_iter(), limits::ENGAGEMENTS_PER_CONTACT))
        })
        .await
    }

    async fn keep_told(
        &mut self,
        workspace_id: WorkspaceId,
        sync_id: SyncId,
        new: NewTold<'_>,
    ) -> Result<EngagementRow> {
        self.act("keep_told", |work| {
            let key = key(workspace_id, sync_id, (new.kind, new.remote_id));
            let told = fresh(&new);
            let row = match work.data.engagements.get(&key) {
                None => told,
                Some(old) if old.deleted_at.is_none() && old.told_at <= told.told_at => EngagementRow {
                    contact_id: told.contact_id,
                    told: told.told,
                    told_at: told.told_at,
                    changed_at: told.changed_at.or(old.changed_at),
                    ..old.clone()
                },
                Some(old) => return Ok(old.clone()),
            };
            work.data.engagements.insert(key, row.clone());
            Ok(row)
        })
        .await
    }

    async fn mark_engagement_deleted(
        &mut self,
        workspace_id: WorkspaceId,
        sync_id: SyncId,
        which: (&str, &str),
        at: OffsetDateTime,
    ) -> Result<Option<EngagementRow>> {
        self.act("mark_engagement_deleted", |work| {
            let key = key(workspace_id, sync_id, which);
            if work.data.engagements.get(&key).is_some_and(|row| row.deleted_at.is_none()) {
                change(work, &key, |row| {
                    row.deleted_at = Some(kept(at));
                    row.told = json!({});
                    row.state = if row.note_id.is_none() { "deleted" } else { "open" }.to_owned();
                    row.detail.clear();
                });
            }
            Ok(work.data.engagements.get(&key).cloned())
        })
        .await
    }

    async fn choose_subscription(
        &mut self,
        workspace_id: WorkspaceId,
        sync_id: SyncId,
        which: (&str, &str),
        subscription_id: &str,
    ) -> Result<Option<String>> {
        self.act("choose_subscription", |work| {
            let choose =
                |row: &mut EngagementRow| row.subscription_id.get_or_insert_with(|| subscription_id.to_owned()).clone();
            Ok(change(work, &key(workspace_id, sync_id, which), choose))
        })
        .await
    }

    async fn release_engagement(
        &mut self,
        workspace_id: WorkspaceId,
        sync_id: SyncId,
        which: (&str, &str),
    ) -> Result<bool> {
        self.act("release_engagement", |work| {
            let key = key(workspace_id, sync_id, which);
            let is_stuck = |row: &EngagementRow| row.state == "lost" && row.deleted_at.is_none();
            if !work.data.engagements.get(&key).is_some_and(is_stuck) {
                return Ok(false);
            }
            change(work, &key, |row| {
                (row.subscription_id, row.note_id) = (None, None);
                (row.written, row.written_at) = (None, None);
                row.state = "open".to_owned();
                row.detail.clear();
            });
            Ok(true)
        })
        .await
    }

    async fn set_engagement_standing(
        &mut self,
        workspace_id: WorkspaceId,
        sync_id: SyncId,
        standing: Standing<'_>,
    ) -> Result<()> {
        self.act("set_engagement_standing", |work| {
            change(work, &key(workspace_id, sync_id, (standing.kind, standing.remote_id)), |row| {
                row.state = standing.state.to_owned();
                row.detail = standing.detail.to_owned();
            });
            Ok(())
        })
        .await
    }

    async fn keep_written_note(
        &mut self,
        workspace_id: WorkspaceId,
        sync_id: SyncId,
        note: WrittenNote<'_>,
    ) -> Result<()> {
        self.act("keep_written_note", |work| {
            change(work, &key(workspace_id, sync_id, (note.kind, note.remote_id)), |row| {
                row.subscription_id = Some(note.subscription_id.to_owned());
                row.note_id = Some(note.note_id.to_owned());
                row.written = Some(note.text.to_owned());
                row.written_at = Some(kept(note.at));
                row.state = note.state.to_owned();
                row.detail.clear();
            });
            Ok(())
        })
        .await
    }

    async fn linked_contacts(
        &mut self,
        workspace_id: WorkspaceId,
        sync_id: SyncId,
        since: Option<OffsetDateTime>,
        (after, limit): (&str, i64),
    ) -> Result<Vec<LinkedContact>> {
        self.act("linked_contacts", |work| {
            let is_there = |id: &str| {
                let key = (workspace_id.0, sync_id.0, Side::Highlevel, id.to_owned());
                work.data.records.get(&key).is_some_and(|copy| copy.row.gone_at.is_none())
            };
            let links = work
                .data
                .links
                .iter()
                .filter(|(key, link)| key.0 == workspace_id.0 && link.sync_id == sync_id.0 && link.is_active());
            let links = links.filter(|(_, link)| {
                link.row.contact_id.as_str() > after
                    && since.is_none_or(|since| link.row.linked_at >= since)
                    && is_there(&link.row.contact_id)
            });
            let of = |(_, link): (_, &super::data::LinkEntry)| LinkedContact {
                contact_id: link.row.contact_id.clone(),
                customer_id: link.row.customer_id.clone(),
            };
            let mut linked: Vec<LinkedContact> = links.map(of).collect();
            linked.sort_by(|one, other| one.contact_id.cmp(&other.contact_id));
            Ok(first(linked.into_iter(), limit))
        })
        .await
    }

    async fn count_engagements(&mut self, workspace_id: WorkspaceId, sync_id: SyncId, state: &str) -> Result<i64> {
        self.act("count_engagements", |work| {
            let count = work.data.engagements_of(workspace_id, sync_id).filter(|row| row.state == state).count();
            i64::try_from(count).map_err(|_beyond| EngineError::Bug("too many to count"))
        })
        .await
    }
}
