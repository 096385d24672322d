//! Nodes in memory.

use super::{
    data::{Data, JobEntry, SlotEntry, Within},
    session::Session,
};
use async_trait::async_trait;
use engine::{Result, store::Nodes};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// The longest of so many last calls tells how long one may take.
const LAST_CALLS: usize = 200;
/// Calls longer ago tell nothing.
const RECENT: Duration = Duration::minutes(10);

impl Data {
    /// The longest of the account's last calls, in milliseconds.
    fn longest_call_ms(&self, lane: Within, now: OffsetDateTime) -> i64 {
        let calls = self
            .calls
            .values()
            .filter(|call| (call.workspace_id, call.connection_id) == lane && call.called_at > now - RECENT);
        let mut latest: Vec<_> = calls.map(|call| (call.called_at, call.took_ms)).collect();
        latest.sort_by_key(|(called_at, _)| std::cmp::Reverse(*called_at));
        latest.into_iter().take(LAST_CALLS).map(|(_, took_ms)| i64::from(took_ms)).max().unwrap_or(0)
    }

    /// Gives a dead node's slots back; a request of it may still be running.
    fn rest_slots_of(&mut self, node_id: Uuid, now: OffsetDateTime, (rest_ms, ended_ms): (i64, i64)) {
        let held = self.slots.iter().filter(|(_, slot)| slot.node_id == Some(node_id));
        let held: Vec<_> = held.map(|(key, slot)| (*key, slot.busy_since)).collect();
        for (key, busy_since) in held {
            let usable_from = match busy_since {
                Some(since) => since + Duration::milliseconds(ended_ms),
                None => {
                    let longest_ms = self.longest_call_ms((key.0, key.1), now);
                    now + Duration::milliseconds(rest_ms.max(2 * longest_ms).min(ended_ms))
                }
            };
            if let Some(slot) = self.slots.get_mut(&key) {
                *slot = SlotEntry { usable_from: Some(usable_from), fence: slot.fence, ..SlotEntry::default() };
            }
        }
    }

    fn forget_node(&mut self, node_id: Uuid) {
        self.slot_wishes.remove_all(|key, _| key.2 == node_id);
        self.nodes.remove(&node_id);
    }
}

#[async_trait]
impl Nodes for Session {
    async fn now(&mut self) -> Result<OffsetDateTime> {
        self.act("now", |work| Ok(work.now)).await
    }

    async fn other_nodes(&mut self, node_id: Uuid) -> Result<Vec<(Uuid, i64)>> {
        self.act("other_nodes", |work| {
            let others = work.data.nodes.iter().filter(|(other, _)| **other != node_id);
            Ok(others.map(|(other, lock_key)| (*other, *lock_key)).collect())
        })
        .await
    }

    async fn node_lock_is_free(&mut self, lock_key: i64) -> Result<bool> {
        self.act("node_lock_is_free", |work| Ok(!work.is_locked(lock_key))).await
    }

    async fn remove_node(&mut self, node_id: Uuid) -> Result<()> {
        self.act("remove_node", |work| {
            work.data.slots.update(
                |_, slot| slot.node_id == Some(node_id),
                |slot| {
                    *slot = SlotEntry { usable_from: slot.usable_from, fence: slot.fence, ..SlotEntry::default() };
                },
            );
            work.data.forget_node(node_id);
            Ok(())
        })
        .await
    }

    async fn bury_node(&mut self, node_id: Uuid, rest_ms: i64, ended_ms: i64) -> Result<u64> {
        self.act("bury_node", |work| {
            let now = work.now;
            work.data.rest_slots_of(node_id, now, (rest_ms, ended_ms));
            let held = |(_, job): &(&Within, &JobEntry)| job.node_id == Some(node_id) && job.state == "running";
            let held: Vec<Within> = work.data.jobs.iter().filter(held).map(|(id, _)| *id).collect();
            let mut returned = 0;
            for id in &held {
                if work.data.put_back(id, Some(now)) {
                    returned += 1;
                    if let Some(job) = work.data.jobs.get_mut(id) {
                        job.run_at = now;
                    }
                }
            }
            work.data.forget_node(node_id);
            Ok(returned)
        })
        .await
    }
}
