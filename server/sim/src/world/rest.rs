//! How a world comes to rest: trouble ends, what is due arrives, last runs are made, and then nothing may happen any more.

use super::World;
use crate::{
    books::Books,
    fields::{PAIRS, value},
    history::{Weather, Wish},
    judge::Rest,
    services::Counts,
};
use domain::{Side, mapping::Direction};
use std::{fmt::Write as _, sync::atomic::Ordering, time::Duration};

/// How long everything may take to come to rest: a day of backing off and of paused lanes.
const REST_MAX: Duration = Duration::from_secs(30 * 3_600);
/// How often is looked whether it has.
const LOOK: Duration = Duration::from_secs(5);
/// How long nothing may happen once everything is quiet.
const IDLE: Duration = Duration::from_secs(20 * 60);
/// Full runs until nothing may be left to do.
const FULL_RUNS: usize = 3;

impl World {
    /// Ends all trouble and waits until nothing is left to do; then looks whether it stays so.
    pub async fn come_to_rest(&mut self) -> Rest {
        let mut rest = Rest::default();
        self.is_resting.store(true, Ordering::Relaxed);
        self.services.set_weather(Weather::Fair);
        self.services.set_search_lag(0);
        for side in Side::BOTH {
            self.services.set_revoked(side, false);
        }
        self.post.behave();
        for node in self.living() {
            node.life.end_after(u64::MAX);
        }
        self.services.timeline.sleep(Duration::from_secs(30)).await;
        if self.living().is_empty() {
            self.start_node();
        }
        self.services.note(format_args!("nothing happens any more"));
        if let Err(why) = self.quiet(true).await {
            rest.restless = Some(why);
            return rest;
        }
        if let Err(why) = self.last_runs(&mut rest).await {
            rest.restless = Some(why);
            return rest;
        }
        let before = self.services.counts();
        self.services.timeline.sleep(IDLE).await;
        rest.idle_time = Some(self.services.counts().since(before));
        rest.edit = self.last_edit().await;
        rest
    }

    /// Runs until nothing may be left to do.
    async fn last_runs(&self, rest: &mut Rest) -> Result<(), String> {
        self.last_run("changes", rest).await?;
        for _ in 0..FULL_RUNS {
            let (before, since_ms) = (self.services.counts(), self.services.timeline.elapsed_ms());
            self.last_run("full", rest).await?;
            let writes = self.services.counts().since(before).all_writes() - self.refused_since(since_ms);
            rest.writes_of_full_runs.push(writes);
            if writes == 0 {
                break;
            }
        }
        // Of what was restored or merged no service tells anybody; only a whole reading finds it.
        rest.changes_found_all =
            rest.writes_of_full_runs.first().map(|writes| *writes == 0).filter(|_| self.all_is_told);
        // The first may still ask after a deleted customer that no list tells of.
        self.last_run("changes", rest).await?;
        let (before, since_ms) = (self.services.counts(), self.services.timeline.elapsed_ms());
        self.last_run("changes", rest).await?;
        rest.idle_run = Some(self.services.counts().since(before)).filter(|_| self.refused_since(since_ms) == 0);
        Ok(())
    }

    /// Writes since then that a service refused for what is in them. A run tries them again: it may be otherwise by then.
    fn refused_since(&self, since_ms: u64) -> u64 {
        let rules = self.services.rules();
        let later = rules.ledger.writes.iter().filter(|write| write.shot.at_ms >= since_ms);
        later.filter(|write| matches!(write.status, 400 | 422)).count() as u64
    }

    /// One more edit of somebody who is linked and agrees in everything, and what it cost. `None`: there is nobody.
    async fn last_edit(&self) -> Option<Counts> {
        let place = 0;
        let rules = &self.mapping.last()?.1;
        if rules.len() < PAIRS.len() || rules.iter().any(|rule| rule.direction != Direction::Both) {
            return None;
        }
        let books = self.stored.books().await;
        let agrees = |link: &&crate::books::Link| {
            let rules = self.services.rules();
            let values = |side, id: &str| {
                rules.ledger.live(side, id).and_then(|entry| entry.values.get(..PAIRS.len())).map(<[String]>::to_vec)
            };
            let contact = values(Side::Highlevel, &link.contact_id);
            link.active && contact.is_some() && contact == values(Side::Chargify, &link.customer_id)
        };
        let link = books.links.iter().find(agrees)?;
        let before = self.services.counts();
        self.services.edit_one(Side::Highlevel, &link.contact_id, place, &value(place, 7_000)).ok()?;
        self.services.note(format_args!("one more edit, of contact {}", link.contact_id));
        self.quiet(false).await.ok()?;
        Some(self.services.counts().since(before))
    }

    async fn last_run(&self, mode: &str, rest: &mut Rest) -> Result<(), String> {
        let started = self.start_run(mode, Wish::Granted, None).await?;
        self.quiet(false).await?;
        let books = self.stored.books().await;
        let run = books.runs.iter().max_by_key(|run| run.number);
        let run = run.ok_or_else(|| format!("{started} is nowhere"))?;
        if !matches!(run.status.as_str(), "complete" | "complete_with_failures") {
            rest.failed_runs.push(format!("{started} ({mode}) ended as {}: {}", run.status, run.counts));
        }
        Ok(())
    }

    /// Waits until nothing is under way. `turn_down`: a plan that waits for a person is cancelled.
    async fn quiet(&self, turn_down: bool) -> Result<(), String> {
        let began = self.services.timeline.elapsed();
        let mut calm = 0;
        loop {
            self.services.timeline.sleep(LOOK).await;
            self.living();
            let books = self.stored.open_books().await;
            let waiting = books.runs.iter().any(|run| run.status == "awaiting_approval");
            if turn_down && waiting {
                self.decide(false).await?;
                continue;
            }
            let busy = self.busy(&books);
            calm = if busy.is_empty() { calm + 1 } else { 0 };
            if calm == 2 {
                return Ok(());
            }
            if self.services.timeline.elapsed() - began > REST_MAX {
                return Err(busy);
            }
            if let Some(node) = self.nodes().iter().find(|node| node.life.was_restless()) {
                return Err(format!("node {} goes in circles without time passing", node.no));
            }
        }
    }

    /// What is under way, in words.
    fn busy(&self, books: &Books) -> String {
        let mut words = String::new();
        for run in books.runs.iter().filter(|run| !run.ended) {
            let _written = write!(words, "run {} is {}; ", run.number, run.status);
        }
        for job in &books.open_jobs {
            let _written = write!(words, "job {job}; ");
        }
        let (calls, mail) = (self.services.under_way(), self.post.under_way());
        if let Some(due) = self.services.next_webhook() {
            let _written = write!(words, "a webhook is sent again at {due}; ");
        }
        if calls + mail > 0 {
            let _written = write!(words, "{calls} calls and {mail} webhooks under way; ");
        }
        words
    }
}
