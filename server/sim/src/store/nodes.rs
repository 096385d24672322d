//! Nodes in memory.

use super::{
    data::{SlotEntry, Within},
    session::Session,
};
use async_trait::async_trait;
use engine::{Result, store::Nodes};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

impl super::data::Data {
    /// Gives the node's slots back, to be used from then on.
    fn give_slots_back(&mut self, node_id: Uuid, usable_from: Option<OffsetDateTime>) {
        self.slots.update(
            |_, slot| slot.node_id == Some(node_id),
            |slot| {
                let usable_from = usable_from.or(slot.usable_from);
                *slot = SlotEntry { node_id: None, lease_until: None, usable_from, fence: slot.fence };
            },
        );
    }

    fn forget_node(&mut self, node_id: Uuid) {
        self.slot_wishes.remove_all(|key, _| key.2 == node_id);
        self.nodes.remove(&node_id);
    }
}

#[async_trait]
impl Nodes for Session {
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
            work.data.give_slots_back(node_id, None);
            work.data.forget_node(node_id);
            Ok(())
        })
        .await
    }

    async fn bury_node(&mut self, node_id: Uuid, rest_ms: i64) -> Result<u64> {
        self.act("bury_node", |work| {
            let now = work.now;
            work.data.give_slots_back(node_id, Some(now + Duration::milliseconds(rest_ms)));
            let held =
                |(_, job): &(&Within, &super::data::JobEntry)| job.node_id == Some(node_id) && job.state == "running";
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
