//! Links in memory.

use super::{
    data::{Data, LinkEntry, kept},
    records::first,
    session::Session,
    tombstones::relink,
};
use async_trait::async_trait;
use domain::{LinkId, RunId, Side, SyncId, WorkspaceId};
use engine::{
    Result,
    store::{
        Links,
        links::{LinkRow, MissedRow, NewLink, RelinkedRow},
    },
};
use serde_json::Value as Json;
use std::collections::BTreeSet;
use time::OffsetDateTime;
use uuid::Uuid;

impl Data {
    /// Active links of a sync.
    pub(super) fn active_links(&self, workspace_id: Uuid, sync_id: Uuid) -> impl Iterator<Item = &LinkEntry> {
        self.links
            .range((workspace_id, Uuid::nil())..=(workspace_id, Uuid::max()))
            .map(|(_, link)| link)
            .filter(move |link| link.sync_id == sync_id && link.is_active())
    }
}

#[async_trait]
impl Links for Session {
    async fn insert_link(&mut self, new: &NewLink<'_>) -> Result<bool> {
        self.act("insert_link", |work| {
            let is_taken = work
                .data
                .active_links(new.workspace_id.0, new.sync_id.0)
                .any(|link| link.row.contact_id == new.contact_id || link.row.customer_id == new.customer_id);
            let key = (new.workspace_id.0, new.link_id.0);
            if (is_taken && !engine::planted!(TwoLinks)) || work.data.links.contains(&key) {
                return Ok(false);
            }
            let row = LinkRow {
                link_id: new.link_id.0,
                contact_id: new.contact_id.to_owned(),
                customer_id: new.customer_id.to_owned(),
                matched_by: new.matched_by.to_owned(),
                base: new.base.clone(),
                linked_at: kept(new.at),
                settled_at: kept(new.at),
            };
            let link = LinkEntry { sync_id: new.sync_id.0, row, state: "active", state_reason: None, gone: None };
            work.data.links.insert(key, link);
            Ok(true)
        })
        .await
    }

    async fn settle_link(
        &mut self,
        workspace_id: WorkspaceId,
        link_id: LinkId,
        base: &Json,
        at: OffsetDateTime,
    ) -> Result<()> {
        self.act("settle_link", |work| {
            let key = (workspace_id.0, link_id.0);
            if work.data.links.get(&key).is_some_and(LinkEntry::is_active)
                && let Some(link) = work.data.links.get_mut(&key)
            {
                link.row.base = base.clone();
                link.row.settled_at = kept(at);
            }
            Ok(())
        })
        .await
    }

    async fn move_base(&mut self, workspace_id: WorkspaceId, link_id: LinkId, moved: &Json) -> Result<()> {
        self.act("move_base", |work| {
            let key = (workspace_id.0, link_id.0);
            if work.data.links.get(&key).is_some_and(LinkEntry::is_active)
                && let Some(link) = work.data.links.get_mut(&key)
                && let (Json::Object(base), Json::Object(moved)) = (&mut link.row.base, moved)
            {
                base.extend(moved.clone());
            }
            Ok(())
        })
        .await
    }

    async fn unlink(
        &mut self,
        workspace_id: WorkspaceId,
        link_id: LinkId,
        reason: &str,
        at: OffsetDateTime,
    ) -> Result<bool> {
        self.act("unlink", |work| {
            let key = (workspace_id.0, link_id.0);
            if !work.data.links.get(&key).is_some_and(LinkEntry::is_active) {
                return Ok(false);
            }
            if let Some(link) = work.data.links.get_mut(&key) {
                link.state = "unlinked";
                link.state_reason = Some(reason.to_owned());
                link.row.settled_at = kept(at);
            }
            Ok(true)
        })
        .await
    }

    async fn relink(
        &mut self,
        workspace_id: WorkspaceId,
        sync_id: SyncId,
        of: (Option<&str>, Option<&str>),
        at: OffsetDateTime,
    ) -> Result<Option<RelinkedRow>> {
        self.act("relink", |work| Ok(relink(work.data, (workspace_id.0, sync_id.0), of, at))).await
    }

    async fn park_link(&mut self, workspace_id: WorkspaceId, link_id: LinkId, reason: &str) -> Result<()> {
        self.act("park_link", |work| {
            let key = (workspace_id.0, link_id.0);
            if work.data.links.get(&key).is_some_and(LinkEntry::is_active)
                && let Some(link) = work.data.links.get_mut(&key)
            {
                link.state = "parked";
                link.state_reason = Some(reason.to_owned());
            }
            Ok(())
        })
        .await
    }

    async fn links_parted_since(
        &mut self,
        workspace_id: WorkspaceId,
        sync_id: SyncId,
        since: OffsetDateTime,
    ) -> Result<i64> {
        self.act("links_parted_since", |work| {
            Ok(count(work.data.links.iter().filter(|(key, link)| {
                key.0 == workspace_id.0
                    && link.sync_id == sync_id.0
                    && !link.is_active()
                    && link.row.settled_at > kept(since)
            })))
        })
        .await
    }

    async fn links_of_records(
        &mut self,
        workspace_id: WorkspaceId,
        sync_id: SyncId,
        contact_ids: &[String],
        customer_ids: &[String],
    ) -> Result<Vec<LinkRow>> {
        self.act("links_of_records", |work| {
            let involves =
                |link: &LinkRow| contact_ids.contains(&link.contact_id) || customer_ids.contains(&link.customer_id);
            let links = work.data.active_links(workspace_id.0, sync_id.0).map(|link| &link.row);
            Ok(links.filter(|link| involves(link)).cloned().collect())
        })
        .await
    }

    async fn missed_records(
        &mut self,
        workspace_id: WorkspaceId,
        sync_id: SyncId,
        run_id: RunId,
        limit: i64,
    ) -> Result<Vec<MissedRow>> {
        self.act("missed_records", |work| {
            let data = &*work.data;
            let (workspace_id, sync_id) = (workspace_id.0, sync_id.0);
            let linked: BTreeSet<(Side, &String)> = data
                .active_links(workspace_id, sync_id)
                .flat_map(|link| [(Side::Highlevel, &link.row.contact_id), (Side::Chargify, &link.row.customer_id)])
                .collect();
            let missed_on = |side: Side| data.live(workspace_id, sync_id, side).map(move |copy| (side, copy));
            let mut missed: Vec<(bool, &str, &String)> = Side::BOTH
                .into_iter()
                .flat_map(missed_on)
                .filter(|(_, copy)| copy.seen_run != Some(run_id.0))
                .map(|(side, copy)| {
                    let id = &copy.row.remote_id;
                    (!linked.contains(&(side, id)), side.as_str(), id)
                })
                .collect();
            missed.sort_unstable();
            let row = |(_, side, id): (bool, &str, &String)| MissedRow { side: side.to_owned(), remote_id: id.clone() };
            Ok(first(missed.into_iter().map(row), limit))
        })
        .await
    }

    async fn links_without_contact(
        &mut self,
        workspace_id: WorkspaceId,
        sync_id: SyncId,
        after: &str,
        limit: i64,
    ) -> Result<Vec<LinkRow>> {
        self.act("links_without_contact", |work| {
            let data = &*work.data;
            let is_gone = |row: &LinkRow| {
                let key = (workspace_id.0, sync_id.0, Side::Highlevel, row.contact_id.clone());
                data.records.get(&key).is_some_and(|copy| copy.row.gone_at.is_some())
            };
            let links = data.active_links(workspace_id.0, sync_id.0).map(|link| &link.row);
            let mut links: Vec<&LinkRow> =
                links.filter(|row| row.contact_id.as_str() > after && is_gone(row)).collect();
            links.sort_by(|one, other| one.contact_id.cmp(&other.contact_id));
            Ok(first(links.into_iter().cloned(), limit))
        })
        .await
    }

    async fn count_links(&mut self, workspace_id: WorkspaceId, sync_id: SyncId) -> Result<i64> {
        self.act("count_links", |work| Ok(count(work.data.active_links(workspace_id.0, sync_id.0)))).await
    }

    async fn forget_rules(&mut self, workspace_id: WorkspaceId, sync_id: SyncId, rules: &[String]) -> Result<u64> {
        self.act("forget_rules", |work| {
            let has_any = |link: &LinkEntry| rules.iter().any(|rule| link.row.base.get(rule).is_some());
            Ok(work.data.links.update(
                |key, link| key.0 == workspace_id.0 && link.sync_id == sync_id.0 && link.is_active() && has_any(link),
                |link| {
                    if let Json::Object(base) = &mut link.row.base {
                        base.retain(|rule, _| !rules.contains(rule));
                    }
                },
            ))
        })
        .await
    }
}

/// How many there are, as the database counts.
pub(super) fn count<T>(rows: impl Iterator<Item = T>) -> i64 {
    i64::try_from(rows.count()).unwrap_or(i64::MAX)
}
