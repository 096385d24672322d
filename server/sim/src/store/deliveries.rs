//! Received webhooks in memory.

use super::{
    data::{Data, DeliveryEntry, JobEntry, kept},
    records::first,
    session::{Session, Work},
};
use async_trait::async_trait;
use domain::{ConnectionId, WorkspaceId};
use engine::{
    Result,
    store::{
        Deliveries, Notice,
        connections::ConnectionRow,
        deliveries::{DeliveryBatch, DeliveryRow, RecipientRow, Settled, WorkBatch},
    },
};
use std::collections::BTreeSet;
use time::OffsetDateTime;
use uuid::Uuid;

/// Syncs that hear of one webhook at most.
const LISTENERS: usize = 50;
/// Connections one key may mean: a second one tells that a name is not unique.
const MEANINGS: usize = 2;

impl Data {
    fn recipient(&self, key: &str, connection: &ConnectionRow) -> RecipientRow {
        let (workspace_id, connection_id) = (connection.workspace_id, connection.connection_id);
        let field = if connection.side == "chargify" { "shared_key" } else { "workflow_secret" };
        let shared_key = self.credentials.get(&(workspace_id, connection_id, field.to_owned()));
        let install = self.installs.get(&(workspace_id, connection_id));
        let listeners = self.syncs.iter().map(|(id, sync)| (id, &sync.row)).filter(|(id, sync)| {
            id.0 == workspace_id && [sync.highlevel_connection_id, sync.chargify_connection_id].contains(&connection_id)
        });
        let (sync_ids, lane_ids) =
            listeners.take(LISTENERS).map(|(id, sync)| (id.1, sync.chargify_connection_id)).unzip();
        RecipientRow {
            key: key.to_owned(),
            workspace_id,
            connection_id,
            public_id: connection.public_id.clone(),
            name: connection.name.clone(),
            side: connection.side.clone(),
            account: connection.account.clone(),
            webhook_public_key: connection.webhook_public_key.clone(),
            data_key: connection.data_key.clone(),
            data_key_nonce: connection.data_key_nonce.clone(),
            key_version: connection.key_version,
            shared_key: shared_key.map(|key| key.sealed.clone()),
            shared_key_nonce: shared_key.map(|key| key.nonce.clone()),
            client_id: install.map(|install| install.client_id.clone()),
            company_id: install.and_then(|install| install.company_id.clone()),
            sync_ids,
            lane_ids,
        }
    }

    fn recipients(&self, key: &str) -> Vec<RecipientRow> {
        let connections = self.connections.values().filter(|row| row.public_id == key || row.name == key);
        let mut meant: Vec<&ConnectionRow> = connections.collect();
        meant.sort_by_key(|row| row.public_id != key);
        meant.into_iter().take(MEANINGS).map(|row| self.recipient(key, row)).collect()
    }
}

/// One row of a batch with the key it is stored under. `None`: the columns are not of one length.
fn delivery(new: &DeliveryBatch, place: usize, at: OffsetDateTime) -> Option<((Uuid, Uuid), DeliveryEntry)> {
    let ignored = new.ignored.get(place)?.clone();
    let delivery_id = *new.delivery_id.get(place)?;
    let row = DeliveryRow {
        delivery_id,
        side: new.side.get(place)?.clone(),
        event: new.event.get(place)?.clone(),
        body: new.body.get(place)?.clone(),
    };
    let entry = DeliveryEntry {
        row,
        connection_id: *new.connection_id.get(place)?,
        webhook_id: new.webhook_id.get(place)?.clone(),
        subject_id: new.subject_id.get(place)?.clone(),
        arrivals: *new.arrivals.get(place)?,
        state: if ignored.is_some() { "ignored" } else { "recorded" }.to_owned(),
        outcome: None,
        settled_at: ignored.as_ref().map(|_| kept(at)),
        detail: ignored,
        received_at: kept(at),
    };
    Some(((*new.workspace_id.get(place)?, delivery_id), entry))
}

/// The work one delivery calls for. `None`: the columns are not of one length.
fn job(work: &WorkBatch, place: usize, number: u64, now: OffsetDateTime) -> Option<((Uuid, Uuid), JobEntry)> {
    let entry = JobEntry {
        number,
        lane_id: *work.lane_id.get(place)?,
        kind: work.kind.get(place)?.clone(),
        payload: work.payload.get(place)?.clone(),
        priority: *work.priority.get(place)?,
        coalesce_key: Some(work.coalesce_key.get(place)?.clone()),
        attempt: 0,
        fence: 0,
        run_at: now,
        lease_until: None,
        node_id: None,
        last_error: None,
        state: "ready",
        finished_at: None,
    };
    Some(((*work.workspace_id.get(place)?, *work.job_id.get(place)?), entry))
}

/// Inserts what is new and counts what is not; the ids of the new ones.
fn record(data: &mut Data, new: &DeliveryBatch, at: OffsetDateTime) -> Vec<Uuid> {
    let mut recorded = Vec::new();
    for (key, entry) in (0..new.delivery_id.len()).filter_map(|place| delivery(new, place, at)) {
        let is_same = |known: &DeliveryEntry| {
            (known.connection_id, &known.webhook_id) == (entry.connection_id, &entry.webhook_id)
        };
        let known = data.deliveries.iter().find(|(id, known)| id.0 == key.0 && is_same(known)).map(|(id, _)| *id);
        match known.filter(|_| !engine::planted!(NoDedupe)).and_then(|known| data.deliveries.get_mut(&known)) {
            Some(known) => known.arrivals += entry.arrivals,
            None => {
                recorded.push(key.1);
                data.deliveries.insert(key, entry);
            }
        }
    }
    recorded
}

fn queue(of: &mut Work<'_>, work: &WorkBatch, recorded: &[Uuid]) {
    let now = of.now;
    let mut told = BTreeSet::new();
    for (place, delivery_id) in work.delivery_id.iter().enumerate() {
        let number = of.data.draw();
        let Some((id, job)) = job(work, place, number, now).filter(|_| recorded.contains(delivery_id)) else {
            continue;
        };
        if told.insert((id.0, job.coalesce_key.clone())) {
            of.data.enqueue(id, job);
        }
    }
    if !told.is_empty() {
        of.say(Notice::Jobs);
    }
}

#[async_trait]
impl Deliveries for Session {
    async fn recipients(&mut self, keys: &[String]) -> Result<Vec<RecipientRow>> {
        self.act("recipients", |work| Ok(keys.iter().flat_map(|key| work.data.recipients(key)).collect())).await
    }

    async fn record_deliveries(
        &mut self,
        new: &DeliveryBatch,
        work: &WorkBatch,
        at: OffsetDateTime,
    ) -> Result<Vec<Uuid>> {
        self.act("record_deliveries", |of| {
            let recorded = record(of.data, new, at);
            queue(of, work, &recorded);
            Ok(recorded)
        })
        .await
    }

    async fn open_deliveries(
        &mut self,
        workspace_id: WorkspaceId,
        connection_id: ConnectionId,
        subject_ids: &[String],
    ) -> Result<Vec<DeliveryRow>> {
        self.act("open_deliveries", |work| {
            let is_open = |entry: &DeliveryEntry| {
                entry.state == "recorded"
                    && entry.connection_id == connection_id.0
                    && entry.subject_id.as_ref().is_some_and(|subject| subject_ids.contains(subject))
            };
            let deliveries =
                work.data.deliveries.iter().filter(|(key, entry)| key.0 == workspace_id.0 && is_open(entry));
            let mut open: Vec<&DeliveryEntry> = deliveries.map(|(_, entry)| entry).collect();
            open.sort_by_key(|entry| (entry.received_at, entry.row.delivery_id));
            Ok(first(open.into_iter().map(|entry| entry.row.clone()), 200))
        })
        .await
    }

    async fn delivery_waits(
        &mut self,
        workspace_id: WorkspaceId,
        connection_id: ConnectionId,
        subject_id: &str,
        since: OffsetDateTime,
    ) -> Result<bool> {
        self.act("delivery_waits", |work| {
            let mut deliveries = work.data.deliveries.iter().filter(|(key, _)| key.0 == workspace_id.0);
            Ok(deliveries.any(|(_, entry)| {
                entry.state == "recorded"
                    && entry.connection_id == connection_id.0
                    && entry.subject_id.as_deref() == Some(subject_id)
                    && entry.received_at > kept(since)
            }))
        })
        .await
    }

    async fn settle_deliveries(
        &mut self,
        workspace_id: WorkspaceId,
        delivery_ids: &[Uuid],
        settled: &Settled<'_>,
    ) -> Result<u64> {
        self.act("settle_deliveries", |work| {
            let mut count = 0;
            for id in delivery_ids.iter().collect::<BTreeSet<_>>() {
                let key = (workspace_id.0, *id);
                if work.data.deliveries.get(&key).is_some_and(|entry| entry.state == "recorded")
                    && let Some(entry) = work.data.deliveries.get_mut(&key)
                {
                    settled.state.clone_into(&mut entry.state);
                    entry.outcome = settled.outcome.map(str::to_owned);
                    entry.detail = settled.detail.map(str::to_owned);
                    entry.settled_at = Some(kept(settled.at));
                    count += 1;
                }
            }
            Ok(count)
        })
        .await
    }

    async fn refused_since(
        &mut self,
        workspace_id: WorkspaceId,
        subject: &str,
        reason: &str,
        since: OffsetDateTime,
    ) -> Result<bool> {
        self.act("refused_since", |work| {
            let mut lines = work.data.lines_of(workspace_id.0);
            Ok(lines.any(|line| {
                line.action == "delivery.refused"
                    && line.at > kept(since)
                    && line.subject == subject
                    && line.detail.get("reason").and_then(serde_json::Value::as_str) == Some(reason)
            }))
        })
        .await
    }
}
