//! What a world's nodes keep, in memory: a process of the store for each node, which ends with the node's life, and the
//! books for the judge.

use crate::{
    books::{Books, Delivery, Intent, Link, Run, Standing},
    clock::Timeline,
    life::Life,
    store::{Data, Hook, JobEntry, MemoryStore, RunEntry},
};
use async_trait::async_trait;
use domain::{Side, outcome::Counts, view::PhaseView};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use time::OffsetDateTime;

/// Statuses in which a run has ended.
const ENDED: [&str; 4] = ["complete", "complete_with_failures", "failed", "cancelled"];

/// The store of a world.
pub struct Stored {
    store: MemoryStore,
    timeline: Arc<Timeline>,
    twins: Arc<Mutex<Vec<String>>>,
}

/// Every operation of a node's store is a step of its life, before and after.
struct Steps {
    life: Arc<Life>,
    store: MemoryStore,
    twins: Arc<Mutex<Vec<String>>>,
}

impl Steps {
    /// Writes down which jobs about one record run at once.
    fn look_for_twins(&self) {
        let twins = self.store.read(|data| {
            let mut keys = BTreeSet::new();
            let running = data.jobs.iter().filter(|(_, job)| job.state == "running");
            let mut twins = running.filter_map(|(id, job)| job.coalesce_key.as_ref().map(|key| (id.0, key)));
            twins.find(|one| !keys.insert(*one)).map(|(_, key)| key.clone())
        });
        self.twins.lock().unwrap_or_else(PoisonError::into_inner).extend(twins.flatten());
    }
}

#[async_trait]
impl Hook for Steps {
    async fn before(&self, operation: &'static str) -> engine::Result<()> {
        self.life.step(operation).await;
        Ok(())
    }

    async fn after(&self, operation: &'static str) -> engine::Result<()> {
        if operation == "claim_job" {
            self.look_for_twins();
        }
        self.life.step(operation).await;
        Ok(())
    }
}

impl Stored {
    /// An empty store.
    #[must_use]
    pub fn new(timeline: Arc<Timeline>) -> Self {
        let store = MemoryStore::new(Arc::clone(&timeline) as Arc<dyn engine::Clock>);
        Self { store, timeline, twins: Arc::default() }
    }

    /// The store as one node sees it.
    #[must_use]
    pub fn of_node(&self, life: &Arc<Life>) -> Arc<dyn engine::Store> {
        let (life_of_it, twins) = (Arc::clone(life), Arc::clone(&self.twins));
        let steps = Steps { life: life_of_it, store: self.store.clone(), twins };
        let process = self.store.process(Some(Arc::new(steps)));
        let dying = process.clone();
        life.tell_at_death(move || dying.end());
        Arc::new(process)
    }

    /// The public id of the connection of that name.
    #[must_use]
    pub fn public_id(&self, name: &str) -> Option<String> {
        let found =
            |data: &Data| data.connections.values().find(|row| row.name == name).map(|row| row.public_id.clone());
        self.store.read(found).flatten()
    }

    /// How many versions of the mapping were saved.
    #[must_use]
    pub fn mapping_versions(&self) -> Option<usize> {
        self.store.read(|data| data.mappings.len())
    }

    /// What is written down, between two units of work.
    pub async fn books(&self) -> Books {
        let books = self.read(books).await;
        Books { twins: self.twins.lock().unwrap_or_else(PoisonError::into_inner).clone(), ..books }
    }

    /// Only what is not done yet.
    pub async fn open_books(&self) -> Books {
        self.read(open_books).await
    }

    async fn read<T>(&self, look: fn(&Data) -> T) -> T {
        loop {
            if let Some(seen) = self.store.read(look) {
                return seen;
            }
            self.timeline.sleep(Duration::from_millis(1)).await;
        }
    }
}

fn open_books(data: &Data) -> Books {
    let runs = data.runs.values().filter(|run| !ENDED.contains(&run.row.status.as_str()));
    Books { runs: runs.map(run_of).collect(), open_jobs: open_jobs(data), ..Books::default() }
}

fn open_jobs(data: &Data) -> Vec<String> {
    let words = |job: &JobEntry| {
        let key = job.coalesce_key.as_deref().unwrap_or_default();
        format!("{} {key}, {}, try {}: {}", job.kind, job.state, job.attempt, job.last_error.as_deref().unwrap_or("-"))
    };
    data.jobs.values().map(words).collect()
}

fn books(data: &Data) -> Books {
    let links = data.links.values().map(|link| Link {
        contact_id: link.row.contact_id.clone(),
        customer_id: link.row.customer_id.clone(),
        active: link.is_active(),
        reason: link.state_reason.clone().unwrap_or_default(),
        linked_at: link.row.linked_at,
    });
    let deliveries = data.deliveries.values().map(|delivery| Delivery {
        side: if delivery.row.side == "chargify" { Side::Chargify } else { Side::Highlevel },
        webhook_id: delivery.webhook_id.clone(),
        state: delivery.state.clone(),
    });
    let open_intents = data.intents.values().filter(|intent| intent.is_open()).map(|intent| {
        let sent = &intent.sent;
        format!("{} {} {} ({})", sent.side, sent.operation, sent.remote_key, intent.phase)
    });
    let intents = data.intents.values().map(|intent| Intent {
        side: intent.sent.side,
        key: intent.sent.remote_key.clone(),
        fields: intent.sent.body.as_object().into_iter().flatten().map(|(field, _)| field.clone()).collect(),
        run: intent
            .sent
            .run_id
            .and_then(|id| data.runs.values().find(|run| run.row.run_id == id.0))
            .map(|run| u64::try_from(run.row.number).unwrap_or(0)),
    });
    let standings = data.records.iter().map(|((_, _, side, id), copy)| Standing {
        side: *side,
        id: id.clone(),
        verdict: copy.row.verdict.clone(),
        words: copy.verdict_detail.clone(),
        is_gone: copy.row.gone_at.is_some(),
    });
    let mut runs: Vec<Run> = data.runs.values().map(run_of).collect();
    runs.sort_by_key(|run| run.number);
    Books {
        links: links.collect(),
        runs,
        deliveries: deliveries.collect(),
        open_intents: open_intents.collect(),
        open_jobs: open_jobs(data),
        intents: intents.collect(),
        twins: Vec::new(),
        audit_fault: None,
        standings: standings.collect(),
    }
}

fn run_of(run: &RunEntry) -> Run {
    let row = &run.row;
    let count = |number: i64| u64::try_from(number).unwrap_or(0);
    let counts = Counts {
        read: count(row.count_read),
        created: count(row.count_created),
        updated: count(row.count_updated),
        unchanged: count(row.count_unchanged),
        echo: count(row.count_echo),
        excluded: count(row.count_excluded),
        ambiguous: count(row.count_ambiguous),
        parked: count(row.count_parked),
        failed: count(row.count_failed),
    };
    // A run that failed before it had a plan has counted nothing, and a dry run settles nothing.
    let has_settled = row.mode != "dry-run" && ENDED.contains(&row.status.as_str());
    Run {
        number: count(row.number),
        mode: row.mode.clone(),
        status: row.status.clone(),
        ended: ENDED.contains(&row.status.as_str()),
        balances: !has_settled || counts.balances(),
        counts: format!("{counts:?} {}", row.detail.as_deref().unwrap_or_default()),
        writes_from: phase_begins(&row.phases, "Write"),
    }
}

/// When a phase of a run began, by the clock of the node that worked on it.
fn phase_begins(phases: &serde_json::Value, title: &str) -> Option<OffsetDateTime> {
    let phases: Vec<PhaseView> = serde_json::from_value(phases.clone()).unwrap_or_default();
    Some(phases.into_iter().find(|phase| phase.title == title)?.started_at?.instant())
}
