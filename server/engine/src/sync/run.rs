//! A run from queue to end: read, plan, wait for a person where one is needed, write, finish.
//!
//! Every phase can be begun again: reading and planning start over, writing goes on from the first open item after the
//! intents that a dead node left were looked up.

mod again;
mod engagements;
mod execute;
mod looking;
mod plan;
mod recover;

use super::{
    SyncContext,
    context::Clients,
    readers::Readers,
    reading::{Meanwhile, ReadSummary},
    writing::Cause,
};
use crate::{
    Engine, EngineError, Result, UpstreamClass,
    audit::{self, AuditAction, AuditOutcome, NewAuditLine},
    clients::{CallContext, Priority},
    jobs::Ending,
    store::{Tables, jobs::Claim, runs::RunRow},
};
use domain::{
    RunId, WorkspaceId, fuse,
    view::{At, PhaseView},
};
use futures::future::{Either, select};
use std::{sync::Mutex, time::Duration};
use tokio_util::sync::CancellationToken;

/// A run under way.
pub(crate) struct Running<'a> {
    engine: &'a Engine,
    context: SyncContext,
    clients: Clients,
    row: RunRow,
    run_id: RunId,
    cause: Cause,
    stop: &'a CancellationToken,
    /// How far both sides were looked at since writing began.
    looked: Mutex<Option<Meanwhile>>,
}

/// Why writing ended.
#[derive(Debug)]
enum Written {
    Through,
    Cancelled,
    /// This process is asked to stop; another goes on.
    Stopping,
    /// A service refuses everything; its words.
    Halted(String),
    /// Outcomes could not be written down; which, and what to do.
    Unknown(String),
}

impl Engine {
    /// Carries a run on from where it stands, until it has ended or waits for a person.
    pub(crate) async fn carry_run_on(
        &self,
        workspace_id: WorkspaceId,
        run_id: RunId,
        job: Claim,
        stop: &CancellationToken,
    ) -> Result<Ending> {
        let mut conn = self.store().session().await?;
        let Some(row) = conn.run(workspace_id, run_id).await? else {
            return Err(EngineError::NotFound("run"));
        };
        drop(conn);
        if !matches!(row.status.as_str(), "queued" | "reading" | "planning" | "writing") {
            return Ok(Ending::Done);
        }
        match self.open_run(row, job, stop).await {
            Ok(running) => match Box::pin(running.go_on()).await {
                Err(EngineError::Upstream { side, class: UpstreamClass::Rate { retry_after: Some(rest) }, detail }) => {
                    let words = format!("{}: {detail}", side.label());
                    self.put_run_off(workspace_id, run_id, rest, &words).await
                }
                Err(error @ (EngineError::Upstream { .. } | EngineError::Invalid(_))) => {
                    self.fail_run(workspace_id, run_id, &error.words()).await
                }
                other => other,
            },
            Err(error @ (EngineError::Invalid(_) | EngineError::Sealed(_))) => {
                self.fail_run(workspace_id, run_id, &error.words()).await
            }
            Err(error) => Err(error),
        }
    }

    /// Says on the run why nothing happens for a while, and until when; a wish to cancel it is heard at once.
    async fn put_run_off(
        &self,
        workspace_id: WorkspaceId,
        run_id: RunId,
        rest: Duration,
        words: &str,
    ) -> Result<Ending> {
        self.flush_calls().await?;
        let until = self.clock().now() + rest;
        let detail = format!(
            "It waits. {words}. It goes on by itself on {} at {:02}:{:02} UTC; until then it can be cancelled.",
            until.date(),
            until.hour(),
            until.minute()
        );
        let mut tx = self.store().begin().await?;
        tx.set_run_detail(workspace_id, run_id, Some(&detail)).await?;
        tx.notify_run(run_id).await?;
        tx.commit().await?;
        Ok(Ending::Later(rest))
    }

    async fn open_run<'a>(&'a self, row: RunRow, job: Claim, stop: &'a CancellationToken) -> Result<Running<'a>> {
        let context = self.sync_context(WorkspaceId(row.workspace_id), domain::SyncId(row.sync_id)).await?;
        let clients = self.clients(&context).await?;
        let run_id = RunId(row.run_id);
        let priority = if row.mode == "resync" { Priority::Live } else { Priority::Bulk };
        let call = CallContext::of_run(priority, run_id);
        let cause =
            Cause { actor: (format!("run:{run_id}"), format!("run {}", row.number)), run_id: Some(run_id), call, job };
        Ok(Running { engine: self, context, clients, row, run_id, cause, stop, looked: Mutex::default() })
    }

    /// Ends a run that cannot go on. What was written stays written and is in the audit trail.
    async fn fail_run(&self, workspace_id: WorkspaceId, run_id: RunId, words: &str) -> Result<Ending> {
        self.flush_calls().await?;
        let mut tx = self.store().begin().await?;
        self.fail_run_in(&mut *tx, workspace_id, run_id, words).await?;
        tx.commit().await?;
        Ok(Ending::Done)
    }

    /// The same on the caller's connection. Nothing happens to a run that has ended.
    pub(crate) async fn fail_run_in(
        &self,
        conn: &mut dyn Tables,
        workspace_id: WorkspaceId,
        run_id: RunId,
        words: &str,
    ) -> Result<()> {
        let open = ["queued", "reading", "planning", "writing"];
        // Whoever has a plan has counted what it read: each of those needs an ending.
        let before = conn.run(workspace_id, run_id).await?;
        let has_plan = before.is_some_and(|row| match row.status.as_str() {
            "writing" => true,
            "planning" => row.planned_at.is_some(),
            _ => false,
        });
        if !conn.move_run(workspace_id, run_id, &open, "failed", Some(words)).await? {
            return Ok(());
        }
        if has_plan {
            let rest = format!("Not sent: {words} It goes out with the next run.");
            conn.set_savepoint().await?;
            match self.park_rest(conn, workspace_id, run_id, &rest).await {
                Ok(()) => {}
                Err(error) => {
                    conn.roll_back_to_savepoint().await?;
                    tracing::error!(error = &error as &dyn std::error::Error, run.id = %run_id, "open items stay open");
                }
            }
        }
        let line = NewAuditLine::of(
            ("system".to_owned(), "Concord itself".to_owned()),
            AuditAction::RunFinished,
            self.clock().now(),
        )
        .about(format!("run:{run_id}"), String::new())
        .ended(AuditOutcome::Failed)
        .with("status", "failed")
        .with("reason", words)
        .in_run(run_id);
        audit::append(conn, workspace_id, line).await?;
        conn.notify_run(run_id).await?;
        Ok(())
    }

    /// Settles what is still open as parked, with the reason.
    async fn park_rest(
        &self,
        conn: &mut dyn Tables,
        workspace_id: WorkspaceId,
        run_id: RunId,
        words: &str,
    ) -> Result<()> {
        let now = self.clock().now();
        let left = conn.settle_rest_of_items(workspace_id, run_id, now, "parked", words).await?;
        let counts = domain::outcome::Counts { parked: left, ..Default::default() };
        conn.add_run_counts(workspace_id, run_id, &counts).await?;
        Ok(())
    }
}

impl Running<'_> {
    async fn go_on(mut self) -> Result<Ending> {
        if self.row.status == "writing" && self.row.mapping_version != self.context.row.mapping_version {
            return Err(EngineError::invalid("the mapping was changed after the plan was made; plan again"));
        }
        if self.row.status != "writing" {
            if self.cancel_requested().await? {
                return self.finish(Written::Cancelled).await;
            }
            if let Some(unwanted) = self.read_and_plan().await? {
                return self.end(unwanted).await;
            }
            if self.cancel_requested().await? {
                return self.finish(Written::Cancelled).await;
            }
            if self.row.mode == "dry-run" {
                return self.finish(Written::Through).await;
            }
            if let Some(why) = self.needs_a_person().await? {
                self.wait_for_a_person(&why).await?;
                return Ok(Ending::Done);
            }
            self.enter("writing", "Write", self.row.to_create + self.row.to_update).await?;
        } else {
            self.open_phase("Write", self.row.to_create + self.row.to_update).await?;
        }
        let written = match Box::pin(self.write()).await? {
            Written::Through => Box::pin(self.carry_engagements()).await?,
            other => other,
        };
        self.end(written).await
    }

    async fn end(self, written: Written) -> Result<Ending> {
        match written {
            Written::Stopping => Ok(Ending::Later(Duration::ZERO)),
            Written::Unknown(words) => self.engine.fail_run(self.context.workspace_id, self.run_id, &words).await,
            ended => self.finish(ended).await,
        }
    }

    /// Returns why it was left off, if it was: nobody wants it any more.
    async fn read_and_plan(&mut self) -> Result<Option<Written>> {
        self.enter("reading", "Read", 0).await?;
        let all = self.row.mode != "changes" && self.row.chosen.is_none();
        self.context = self.engine.learn_fields(&self.context, &self.clients, &self.cause.call, all).await?;
        self.clients = self.engine.clients(&self.context).await?;
        let summary = match select(Box::pin(self.read()), Box::pin(self.unwanted())).await {
            Either::Left((read, _)) => read?,
            Either::Right((unwanted, _)) => return Ok(Some(unwanted)),
        };
        self.engine.flush_calls().await?;
        let total = i64::try_from(summary.contacts + summary.customers).unwrap_or(i64::MAX);
        self.enter("planning", "Plan", total).await?;
        self.make_plan(&summary).await?;
        self.reload().await?;
        Ok(None)
    }

    async fn read(&self) -> Result<ReadSummary> {
        let readers = Readers::from(&self.clients);
        let reading = self.reading(&readers);
        let began_at = self.engine.clock().now();
        let mut summary = match (self.row.mode.as_str(), &self.row.chosen) {
            (_, Some(chosen)) => reading.chosen(chosen).await?,
            ("changes", None) => {
                let summary = reading.changes().await?;
                reading.look_for_returned(&summary).await?;
                summary
            }
            _ => {
                let mut summary = reading.everything().await?;
                reading.look_for_returned(&summary).await?;
                reading.look_for_missing(&mut summary).await?;
                summary
            }
        };
        reading.metafields_since(began_at).await?;
        match (self.row.mode.as_str(), &self.row.chosen) {
            (_, Some(_)) => reading.facts_of_run().await?,
            (mode, None) => reading.subscriptions(mode != "changes", began_at, summary.chargify_event_id).await?,
        }
        summary.resting = self.context.resting.iter().map(|(rule, why)| format!("{rule}: {why}")).collect();
        Ok(summary)
    }

    /// Why the plan must be shown before it is carried out, if it must.
    async fn needs_a_person(&self) -> Result<Option<String>> {
        if self.row.approval == "granted" {
            return Ok(None);
        }
        if self.row.to_create + self.row.to_update == 0 {
            return Ok(None);
        }
        let mut conn = self.engine.store().session().await?;
        let links = conn.count_links(self.context.workspace_id, self.context.sync_id).await?;
        let by_action = conn.items_by_action(self.context.workspace_id, self.run_id).await?;
        let number = |count: i64| u64::try_from(count).unwrap_or(0);
        let removals: i64 = by_action.iter().filter(|(action, _)| action == "unlink").map(|(_, count)| *count).sum();
        // Records that only now find their partner are new to the sync, like those created: no link of theirs changes.
        let updates = conn.updates_of_links(self.context.workspace_id, self.run_id).await?;
        let new = (self.row.to_create + self.row.to_update - removals - updates).max(0);
        let blown = fuse::blown(number(links), number(updates), number(new), number(removals));
        Ok(match (blown, self.row.approval.as_str()) {
            (Some(reason), _) => Some(format!("It stopped for a person: {reason}.")),
            (None, "always") => Some(String::new()),
            (None, _) => None,
        })
    }

    async fn wait_for_a_person(&mut self, why: &str) -> Result<()> {
        self.close_phase("Plan");
        self.save_phases().await?;
        let mut tx = self.engine.store().begin().await?;
        let detail = (!why.is_empty()).then_some(why);
        let workspace_id = self.context.workspace_id;
        tx.move_run(workspace_id, self.run_id, &["planning"], "awaiting_approval", detail).await?;
        tx.notify_run(self.run_id).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Ends the run and says how.
    async fn finish(mut self, how: Written) -> Result<Ending> {
        let workspace_id = self.context.workspace_id;
        if matches!(how, Written::Through) && self.row.mode != "dry-run" {
            self.advance_watermarks().await?;
            self.engine.note_acceptance(&self.context).await?;
        }
        self.engine.flush_calls().await?;
        let now = self.engine.clock().now();
        for title in ["Read", "Plan", "Write", engagements::TITLE] {
            self.close_phase(title);
        }
        let phases = self.phases_json();
        let mut tx = self.engine.store().begin().await?;
        if !tx.job_is_held(workspace_id, self.cause.job).await? {
            // Whoever has the job now ends the run.
            return Ok(Ending::Later(Duration::ZERO));
        }
        let rest = match &how {
            Written::Halted(words) => Some(format!("Not sent: {words} It goes out with the next run.")),
            Written::Cancelled if self.row.mode != "dry-run" => {
                Some("Not sent: the run was cancelled. Nothing of it was written.".to_owned())
            }
            _ => None,
        };
        if let Some(detail) = &rest {
            self.engine.park_rest(&mut *tx, workspace_id, self.run_id, detail).await?;
        }
        let row = tx.run(workspace_id, self.run_id).await?.ok_or(EngineError::NotFound("run"))?;
        let counts = row.counts();
        let stuck = self.engagements_stuck(&mut *tx).await?;
        let (status, detail) = match &how {
            Written::Cancelled => ("cancelled", None),
            Written::Halted(words) => ("complete_with_failures", Some(words.clone())),
            _ if stuck.is_some() => ("complete_with_failures", stuck),
            _ if counts.failed + counts.parked > 0 => ("complete_with_failures", None),
            _ => ("complete", None),
        };
        tx.set_run_phases(workspace_id, self.run_id, &phases).await?;
        let open = ["queued", "reading", "planning", "awaiting_approval", "writing"];
        if tx.move_run(workspace_id, self.run_id, &open, status, detail.as_deref()).await? {
            let outcome = if status == "complete" { AuditOutcome::Done } else { AuditOutcome::Failed };
            let line = NewAuditLine::of(self.cause.actor.clone(), AuditAction::RunFinished, now)
                .about(format!("run:{}", self.run_id), format!("run {} of {}", row.number, row.sync))
                .ended(outcome)
                .with("status", status)
                .with("mode", row.mode.clone())
                .with("counts", serde_json::to_value(counts).unwrap_or_default())
                .in_run(self.run_id);
            audit::append(&mut *tx, workspace_id, line).await?;
        }
        tx.notify_run(self.run_id).await?;
        tx.commit().await?;
        Ok(Ending::Done)
    }

    async fn cancel_requested(&self) -> Result<bool> {
        let mut conn = self.engine.store().session().await?;
        let row = conn.run(self.context.workspace_id, self.run_id).await?;
        Ok(row.is_some_and(|row| row.cancel_requested_at.is_some() || row.status == "cancelled"))
    }

    async fn reload(&mut self) -> Result<()> {
        let mut conn = self.engine.store().session().await?;
        self.row = conn.run(self.context.workspace_id, self.run_id).await?.ok_or(EngineError::NotFound("run"))?;
        Ok(())
    }

    /// Moves to a status, closing the phase before and opening the next.
    async fn enter(&mut self, status: &str, title: &str, total: i64) -> Result<()> {
        for earlier in ["Read", "Plan"] {
            if earlier != title {
                self.close_phase(earlier);
            }
        }
        self.note_phase(title, total);
        let phases = self.phases_json();
        let mut tx = self.engine.store().begin().await?;
        let workspace_id = self.context.workspace_id;
        if status == "writing"
            && !crate::planted!(OldMapping)
            && tx.lock_mapping_version(workspace_id, self.context.sync_id).await?
                != Some(self.context.row.mapping_version)
        {
            return Err(EngineError::invalid("the mapping was changed while this run was planned; plan again"));
        }
        let from = ["queued", "reading", "planning"];
        tx.move_run(workspace_id, self.run_id, &from, status, None).await?;
        tx.set_run_phases(workspace_id, self.run_id, &phases).await?;
        tx.notify_run(self.run_id).await?;
        tx.commit().await?;
        self.row.status = status.to_owned();
        Ok(())
    }

    async fn open_phase(&mut self, title: &str, total: i64) -> Result<()> {
        self.note_phase(title, total);
        self.save_phases().await
    }

    async fn save_phases(&mut self) -> Result<()> {
        let phases = self.phases_json();
        let mut conn = self.engine.store().session().await?;
        conn.set_run_phases(self.context.workspace_id, self.run_id, &phases).await?;
        Ok(())
    }

    fn phases(&self) -> Vec<PhaseView> {
        serde_json::from_value(self.row.phases.clone()).unwrap_or_default()
    }

    fn phases_json(&self) -> serde_json::Value {
        self.row.phases.clone()
    }

    fn note_phase(&mut self, title: &str, total: i64) {
        let now = At::from(self.engine.clock().now());
        let total = u64::try_from(total).unwrap_or(0);
        let mut phases = self.phases();
        match phases.iter_mut().find(|phase| phase.title == title) {
            Some(phase) => {
                phase.started_at.get_or_insert(now);
                phase.finished_at = None;
                phase.total = total;
            }
            None => phases.push(PhaseView {
                title: title.to_owned(),
                started_at: Some(now),
                finished_at: None,
                done: 0,
                total,
            }),
        }
        self.row.phases = serde_json::to_value(phases).unwrap_or_default();
    }

    fn advance_phase(&mut self, title: &str, done: u64) {
        let mut phases = self.phases();
        for phase in phases.iter_mut().filter(|phase| phase.title == title) {
            phase.done = done;
            phase.total = phase.total.max(done);
        }
        self.row.phases = serde_json::to_value(phases).unwrap_or_default();
    }

    fn close_phase(&mut self, title: &str) {
        let now = At::from(self.engine.clock().now());
        let mut phases = self.phases();
        for phase in phases.iter_mut().filter(|phase| phase.title == title) {
            phase.finished_at.get_or_insert(now);
            phase.done = phase.total;
        }
        self.row.phases = serde_json::to_value(phases).unwrap_or_default();
    }

    /// What reading found, kept with the run.
    fn read_summary(&self) -> ReadSummary {
        serde_json::from_value(self.row.progress.clone()).unwrap_or_default()
    }
}
