//! The post: takes signed webhooks from the services to whichever node is there, losing, doubling and delaying some.

use crate::{
    dice::Dice,
    history::Post as Habits,
    node::{Node, PUBLIC_URL},
    services::Services,
};
use domain::Side;
use futures::future::{Either, select};
use http::{HeaderMap, HeaderName, HeaderValue};
use sandbox::webhook::Outgoing as Webhook;
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// As long as a service waits for an answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// A webhook is on its way for so long at least, and at most if nothing holds it up.
const WAY_MS: (u64, u64) = (400, 3_000);

/// The postman of one world.
pub struct Post {
    services: Arc<Services>,
    nodes: Arc<Mutex<Vec<Node>>>,
    state: Mutex<State>,
}

struct State {
    dice: Dice,
    habits: Habits,
    under_way: usize,
    /// Webhooks answered with 200, by side and id.
    taken: BTreeSet<(Side, String)>,
}

impl Post {
    #[must_use]
    pub fn new(services: Arc<Services>, nodes: Arc<Mutex<Vec<Node>>>, seed: u64, habits: Habits) -> Arc<Self> {
        let state = State { dice: Dice::new(seed, "post"), habits, under_way: 0, taken: BTreeSet::new() };
        Arc::new(Self { services, nodes, state: Mutex::new(state) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on everything arrives, once and at once.
    pub fn behave(&self) {
        self.state().habits = Habits::default();
    }

    /// Webhooks handed out and not yet settled.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.state().under_way
    }

    /// What was answered with 200.
    #[must_use]
    pub fn taken(&self) -> BTreeSet<(Side, String)> {
        self.state().taken.clone()
    }

    /// Goes its rounds for as long as the world lasts.
    pub async fn run(self: Arc<Self>) {
        loop {
            for (side, webhook) in self.services.due_webhooks() {
                self.state().under_way += 1;
                tokio::spawn(Arc::clone(&self).carry(side, webhook));
            }
            let now = self.services.timeline.now();
            let next = self.services.next_webhook().map_or(Duration::from_secs(3_600), |due| {
                Duration::try_from(due - now).unwrap_or(Duration::ZERO).max(Duration::from_millis(1))
            });
            let sleep = Box::pin(self.services.timeline.sleep(next));
            select(sleep, Box::pin(self.services.mail.notified())).await;
        }
    }

    async fn carry(self: Arc<Self>, side: Side, webhook: Webhook) {
        let (lost, way_ms, delay_s, copies) = {
            let mut state = self.state();
            let habits = state.habits;
            let dice = &mut state.dice;
            let delay_s = if dice.permille(habits.delayed) { dice.below(habits.delay_s + 1) } else { 0 };
            let copies = 1 + usize::from(dice.permille(habits.doubled));
            (dice.permille(habits.lost), dice.between(WAY_MS.0, WAY_MS.1), delay_s, copies)
        };
        self.services.timeline.sleep(Duration::from_millis(way_ms)).await;
        self.services.tally.count("webhooks sent");
        if delay_s > 0 {
            self.services.tally.count("webhooks delayed");
            self.services.timeline.sleep(Duration::from_secs(delay_s)).await;
        }
        let mut status = None;
        if lost {
            self.services.tally.count("webhooks lost");
            self.services.note(format_args!("webhook {} {} {} is lost", side, webhook.event, webhook.webhook_id));
            status = Some(200);
        } else {
            for copy in 0..copies {
                if copy > 0 {
                    self.services.tally.count("webhooks doubled");
                }
                status = self.deliver(side, &webhook).await;
            }
        }
        self.services.webhook_result(side, webhook.delivery, status);
        self.state().under_way -= 1;
        self.services.mail.notify_one();
    }

    /// Hands it to a node that is there. `None`: nobody answers.
    async fn deliver(&self, side: Side, webhook: &Webhook) -> Option<u16> {
        let node = {
            let nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
            nodes.iter().find(|node| !node.life.is_dead() && !node.is_stopping()).cloned()?
        };
        let key = webhook.url.strip_prefix(PUBLIC_URL)?.rsplit('/').next()?.to_owned();
        let mut headers = HeaderMap::new();
        for (name, value) in &webhook.headers {
            headers.insert(HeaderName::try_from(name.as_str()).ok()?, HeaderValue::try_from(value.as_str()).ok()?);
        }
        let receive = Box::pin(async {
            node.life.step("webhook").await;
            node.engine.receive(side, &key, &headers, &webhook.body).await
        });
        let death = node.life.death();
        let ends = Box::pin(select(Box::pin(death.cancelled()), Box::pin(self.services.timeline.sleep(PATIENCE))));
        let status = match select(receive, ends).await {
            Either::Left((Ok(_received), _)) => 200,
            Either::Left((Err(_error), _)) => 503,
            Either::Right(_) => return None,
        };
        let Webhook { event, webhook_id, attempt, .. } = webhook;
        self.services.note(format_args!("webhook {side} {event} {webhook_id} try {attempt} -> {status}"));
        if status == 200 {
            let body = sandbox::request::decode(&String::from_utf8_lossy(&webhook.body), true);
            self.services.rules().ledger.hear(None, &body, self.services.timeline.elapsed_ms());
            self.state().taken.insert((side, webhook_id.clone()));
        }
        Some(status)
    }
}
