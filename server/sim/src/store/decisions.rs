//! What people settled about single records, in memory.

use super::{
    data::{Data, LinkEntry, kept},
    session::Session,
};
use async_trait::async_trait;
use domain::{Side, SyncId, WorkspaceId};
use engine::{
    Result,
    store::{
        Decisions,
        decisions::{DecisionRow, EndedLinkRow, NewDecision},
    },
};
use std::collections::BTreeMap;

fn id_of(link: &LinkEntry, side: Side) -> &String {
    match side {
        Side::Highlevel => &link.row.contact_id,
        Side::Chargify => &link.row.customer_id,
    }
}

impl Data {
    /// How the last pair of each of these records of one side ended, for those that had one.
    fn ended_links(&self, of: (WorkspaceId, SyncId), side: Side, ids: &[String]) -> Vec<EndedLinkRow> {
        let (workspace_id, sync_id) = (of.0.0, of.1.0);
        let ended = self.links.iter().filter(|(key, link)| {
            key.0 == workspace_id && link.sync_id == sync_id && !link.is_active() && ids.contains(id_of(link, side))
        });
        let mut last: BTreeMap<&String, &LinkEntry> = BTreeMap::new();
        for (_, link) in ended {
            let known = last.entry(id_of(link, side)).or_insert(link);
            if link.row.settled_at > known.row.settled_at {
                *known = link;
            }
        }
        let partner_gone_at = |link: &LinkEntry| {
            let key = (workspace_id, sync_id, side.other(), id_of(link, side.other()).clone());
            match self.records.get(&key) {
                Some(copy) => copy.row.gone_at,
                None => link.gone.filter(|(gone, _)| *gone == side.other()).map(|(_, at)| at),
            }
        };
        let row = |(id, link): (&String, &LinkEntry)| EndedLinkRow {
            remote_id: id.clone(),
            partner_id: id_of(link, side.other()).clone(),
            ended_at: link.row.settled_at,
            partner_gone_at: partner_gone_at(link),
        };
        last.into_iter().map(row).collect()
    }
}

#[async_trait]
impl Decisions for Session {
    async fn save_decision(&mut self, new: &NewDecision<'_>) -> Result<()> {
        self.act("save_decision", |work| {
            let row = DecisionRow {
                remote_id: new.remote_id.to_owned(),
                answers: new.answers.clone(),
                decided_by: new.decided_by.to_owned(),
                decided_at: kept(new.decided_at),
            };
            let key = (new.workspace_id.0, new.sync_id.0, new.side, new.remote_id.to_owned());
            work.data.decisions.insert(key, row);
            Ok(())
        })
        .await
    }

    async fn decisions_of_records(
        &mut self,
        workspace_id: WorkspaceId,
        sync_id: SyncId,
        side: Side,
        ids: &[String],
    ) -> Result<Vec<DecisionRow>> {
        self.act("decisions_of_records", |work| {
            let decision = |id: &String| work.data.decisions.get(&(workspace_id.0, sync_id.0, side, id.clone()));
            Ok(ids.iter().filter_map(decision).cloned().collect())
        })
        .await
    }

    async fn ended_links_of_contacts(
        &mut self,
        workspace_id: WorkspaceId,
        sync_id: SyncId,
        ids: &[String],
    ) -> Result<Vec<EndedLinkRow>> {
        self.act("ended_links_of_contacts", |work| {
            Ok(work.data.ended_links((workspace_id, sync_id), Side::Highlevel, ids))
        })
        .await
    }

    async fn ended_links_of_customers(
        &mut self,
        workspace_id: WorkspaceId,
        sync_id: SyncId,
        ids: &[String],
    ) -> Result<Vec<EndedLinkRow>> {
        self.act("ended_links_of_customers", |work| {
            Ok(work.data.ended_links((workspace_id, sync_id), Side::Chargify, ids))
        })
        .await
    }
}
