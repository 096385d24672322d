//! Items of runs in memory.

use super::{
    data::{Data, ItemEntry, kept},
    links::count,
    records::first,
    session::Session,
};
use async_trait::async_trait;
use domain::{RunId, WorkspaceId};
use engine::{
    Result,
    store::{
        Items,
        items::{ItemBatch, ItemRow, OpenQuery, OpenRow, Settlement},
    },
};
use std::collections::{BTreeMap, BTreeSet};
use time::OffsetDateTime;
use uuid::Uuid;

impl Data {
    /// The items of a run by number.
    pub(super) fn items_of(&self, workspace_id: Uuid, run_id: Uuid) -> impl Iterator<Item = &ItemEntry> {
        self.items.range((workspace_id, run_id, i64::MIN)..=(workspace_id, run_id, i64::MAX)).map(|(_, item)| item)
    }

    /// Whether something of the item's record changed since its run was planned.
    fn is_stale(&self, workspace_id: Uuid, run_id: Uuid, item: &ItemRow) -> bool {
        let Some(run) = self.runs.get(&(workspace_id, run_id)) else { return false };
        let planned_at = run.row.planned_at;
        let pair = (item.contact_id.as_deref(), item.customer_id.as_deref());
        let is_changed =
            |read_at: OffsetDateTime, gone: bool| gone || planned_at.is_some_and(|planned_at| read_at > planned_at);
        // Without an instant of planning nothing is later than it.
        let since = planned_at.unwrap_or(time::PrimitiveDateTime::MAX.assume_utc());
        let sync_id = run.row.sync_id;
        self.pair_changed(workspace_id, sync_id, pair, |row| is_changed(row.read_at, row.gone_at.is_some()), since)
            || (item.action == "create_customer"
                && item.email.as_ref().is_some_and(|email| self.customer_came(workspace_id, sync_id, email, since)))
    }
}

/// One row of a batch. `None`: the columns are not of one length.
fn new_item(batch: &ItemBatch, place: usize, at: OffsetDateTime) -> Option<ItemEntry> {
    let outcome = batch.outcome.get(place)?.clone();
    Some(ItemEntry {
        row: ItemRow {
            item_no: *batch.item_no.get(place)?,
            action: batch.action.get(place)?.clone(),
            contact_id: batch.contact_id.get(place)?.clone(),
            customer_id: batch.customer_id.get(place)?.clone(),
            link_id: *batch.link_id.get(place)?,
            display_name: batch.display_name.get(place)?.clone(),
            email: batch.email.get(place)?.clone(),
            reason: batch.reason.get(place)?.clone(),
            changes: batch.changes.get(place)?.clone(),
            plan: batch.plan.get(place)?.clone(),
            settled_at: outcome.as_ref().map(|_| kept(at)),
            outcome,
            outcome_detail: batch.outcome_detail.get(place)?.clone(),
            took_ms: None,
        },
        reason_code: batch.reason_code.get(place)?.clone(),
    })
}

#[async_trait]
impl Items for Session {
    async fn clear_items(&mut self, workspace_id: WorkspaceId, run_id: RunId) -> Result<()> {
        self.act("clear_items", |work| {
            work.data.items.remove_all(|key, _| (key.0, key.1) == (workspace_id.0, run_id.0));
            Ok(())
        })
        .await
    }

    async fn insert_items(
        &mut self,
        workspace_id: WorkspaceId,
        run_id: RunId,
        at: OffsetDateTime,
        batch: &ItemBatch,
    ) -> Result<()> {
        self.act("insert_items", |work| {
            for item in (0..batch.item_no.len()).filter_map(|place| new_item(batch, place, at)) {
                work.data.items.insert((workspace_id.0, run_id.0, item.row.item_no), item);
            }
            Ok(())
        })
        .await
    }

    async fn analyze_items(&mut self) -> Result<()> {
        self.act("analyze_items", |_| Ok(())).await
    }

    async fn open_items(
        &mut self,
        workspace_id: WorkspaceId,
        run_id: RunId,
        query: &OpenQuery,
    ) -> Result<Vec<OpenRow>> {
        self.act("open_items", |work| {
            let data = &*work.data;
            let is_wanted = |row: &ItemRow| {
                let only_highlevel = matches!(row.action.as_str(), "create_contact" | "update_contact");
                row.outcome.is_none()
                    && row.item_no > query.after
                    && query.only_highlevel.is_none_or(|wanted| wanted == only_highlevel)
            };
            let open = data.items_of(workspace_id.0, run_id.0).map(|item| &item.row).filter(|row| is_wanted(row));
            let open =
                open.map(|row| OpenRow { item: row.clone(), stale: data.is_stale(workspace_id.0, run_id.0, row) });
            Ok(first(open, query.limit))
        })
        .await
    }

    async fn customers_of_open_items(
        &mut self,
        workspace_id: WorkspaceId,
        run_id: RunId,
        customer_ids: &[String],
    ) -> Result<Vec<String>> {
        self.act("customers_of_open_items", |work| {
            let open = work.data.items_of(workspace_id.0, run_id.0).filter(|item| item.row.outcome.is_none());
            let named = open.filter_map(|item| item.row.customer_id.as_ref()).filter(|id| customer_ids.contains(id));
            Ok(named.collect::<BTreeSet<_>>().into_iter().cloned().collect())
        })
        .await
    }

    async fn replan_item(
        &mut self,
        workspace_id: WorkspaceId,
        run_id: RunId,
        item: &ItemRow,
        reason_code: &str,
    ) -> Result<()> {
        self.act("replan_item", |work| {
            let key = (workspace_id.0, run_id.0, item.item_no);
            if work.data.items.get(&key).is_some_and(|known| known.row.outcome.is_none())
                && let Some(known) = work.data.items.get_mut(&key)
            {
                known.row.action.clone_from(&item.action);
                known.row.customer_id.clone_from(&item.customer_id);
                known.row.link_id = item.link_id;
                reason_code.clone_into(&mut known.reason_code);
                known.row.reason.clone_from(&item.reason);
                known.row.changes.clone_from(&item.changes);
                known.row.plan.clone_from(&item.plan);
            }
            Ok(())
        })
        .await
    }

    async fn settle_items(
        &mut self,
        workspace_id: WorkspaceId,
        run_id: RunId,
        at: OffsetDateTime,
        settlements: &[Settlement],
    ) -> Result<Vec<i64>> {
        self.act("settle_items", |work| {
            let mut settled = Vec::new();
            for one in settlements {
                let key = (workspace_id.0, run_id.0, one.item_no);
                if work.data.items.get(&key).is_none_or(|item| item.row.outcome.is_some()) {
                    continue;
                }
                let Some(item) = work.data.items.get_mut(&key) else { continue };
                item.row.outcome = Some(one.outcome.to_owned());
                item.row.outcome_detail.clone_from(&one.detail);
                item.row.contact_id = one.contact_id.clone().or(item.row.contact_id.take());
                item.row.customer_id = one.customer_id.clone().or(item.row.customer_id.take());
                item.row.link_id = one.link_id.map(|link| link.0).or(item.row.link_id);
                item.row.took_ms = Some(one.took_ms);
                item.row.settled_at = Some(kept(at));
                settled.push(one.item_no);
            }
            Ok(settled)
        })
        .await
    }

    async fn settle_rest_of_items(
        &mut self,
        workspace_id: WorkspaceId,
        run_id: RunId,
        at: OffsetDateTime,
        outcome: &str,
        detail: &str,
    ) -> Result<u64> {
        self.act("settle_rest_of_items", |work| {
            Ok(work.data.items.update(
                |key, item| (key.0, key.1) == (workspace_id.0, run_id.0) && item.row.outcome.is_none(),
                |item| {
                    item.row.outcome = Some(outcome.to_owned());
                    item.row.outcome_detail = Some(detail.to_owned());
                    item.row.settled_at = Some(kept(at));
                },
            ))
        })
        .await
    }

    async fn items_by_action(&mut self, workspace_id: WorkspaceId, run_id: RunId) -> Result<Vec<(String, i64)>> {
        self.act("items_by_action", |work| {
            let mut counts: BTreeMap<String, i64> = BTreeMap::new();
            for item in work.data.items_of(workspace_id.0, run_id.0) {
                *counts.entry(item.row.action.clone()).or_default() += 1;
            }
            Ok(counts.into_iter().collect())
        })
        .await
    }

    async fn updates_of_links(&mut self, workspace_id: WorkspaceId, run_id: RunId) -> Result<i64> {
        self.act("updates_of_links", |work| {
            let is_update = |row: &ItemRow| row.link_id.is_some() && row.action.starts_with("update_");
            Ok(count(work.data.items_of(workspace_id.0, run_id.0).filter(|item| is_update(&item.row))))
        })
        .await
    }
}
