//! Runs as people and commands use them: start, approve, cancel, look.

mod view;

use crate::{
    Actor, Engine, EngineError, Result, Runner, Viewer,
    audit::{self, AuditAction, NewAuditLine},
    clients::Priority,
    jobs::{Job, Queueing},
    store::{self, Tables, items::ItemQuery, runs::NewRun, runs::RunRow},
    sync::SyncContext,
};
use domain::{
    Right, RunId, SyncId, WorkspaceId, limits,
    view::{ItemFilter, ItemPageView, ReasonCountView, RunLiveView, RunPageView, RunView},
};
use std::collections::BTreeMap;
use tokio::sync::broadcast;
pub(crate) use view::change as change_view;

/// When a person must look before anything is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approval {
    /// Always: the plan is shown first.
    Always,
    /// Only when the plan would change more than the fuse allows.
    WhenFused,
    /// Given beforehand.
    Granted,
}

impl Approval {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::WhenFused => "fuse",
            Self::Granted => "granted",
        }
    }
}

/// A run to be started.
#[derive(Clone, Debug)]
pub struct StartRun {
    /// Name of the sync.
    pub sync: String,
    /// `full`, `changes`, `reconcile`, `dry-run`.
    pub mode: String,
    /// Ids of contacts: only these, each read anew.
    pub chosen: Option<Vec<String>>,
    pub approval: Approval,
}

/// A run about to be queued.
#[derive(Clone, Copy)]
pub(crate) struct NewRunOf<'a> {
    pub(crate) context: &'a SyncContext,
    pub(crate) mode: &'a str,
    /// Ids of contacts, or of lone customers after [`crate::sync::LONE_CUSTOMER`]; `None`: all.
    pub(crate) chosen: Option<&'a [String]>,
    pub(crate) approval: Approval,
}

/// At most so many records can be chosen by id.
const CHOSEN_MAX: usize = 1_000;

impl Engine {
    /// Queues a run and returns its number.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for an unknown sync, [`EngineError::Invalid`] for an unknown mode,
    /// [`EngineError::AlreadyDone`] while another run of the sync goes on; [`EngineError::NotAllowed`] to approve
    /// beforehand without that right.
    pub async fn start_run(&self, by: &Runner, start: StartRun) -> Result<u64> {
        if !matches!(start.mode.as_str(), "full" | "changes" | "reconcile" | "dry-run") {
            return Err(EngineError::invalid(format!(
                "unknown mode {:?}: full, changes, reconcile or dry-run",
                start.mode
            )));
        }
        if start.chosen.as_ref().is_some_and(|chosen| chosen.is_empty() || chosen.len() > CHOSEN_MAX) {
            return Err(EngineError::invalid(format!("choose 1 to {CHOSEN_MAX} records")));
        }
        if start.approval == Approval::Granted && !by.actor().role().may(Right::Approve) {
            return Err(EngineError::NotAllowed(Right::Approve.words()));
        }
        let mode = if start.chosen.is_some() && start.mode != "dry-run" { "resync" } else { start.mode.as_str() };
        let mut conn = self.store().session().await?;
        let sync = conn.sync_by_name(by.workspace_id(), &start.sync).await?;
        drop(conn);
        let context = SyncContext::of(sync.ok_or(EngineError::NotFound("sync"))?)?;
        let number = self.queue_run(by.actor(), &context, mode, start.chosen.as_deref(), start.approval).await?;
        Ok(number)
    }

    /// Inserts the run, its job and its audit line together.
    pub(crate) async fn queue_run(
        &self,
        by: &Actor,
        context: &SyncContext,
        mode: &str,
        chosen: Option<&[String]>,
        approval: Approval,
    ) -> Result<u64> {
        let mut tx = self.store().begin().await?;
        let run = NewRunOf { context, mode, chosen, approval };
        let (number, _) = self.queue_run_in(&mut *tx, by, &run).await?;
        tx.commit().await?;
        Ok(number)
    }

    /// The same in the caller's transaction; the run's number and id. The audit trail stays locked until it ends.
    pub(crate) async fn queue_run_in(
        &self,
        conn: &mut dyn Tables,
        by: &Actor,
        run: &NewRunOf<'_>,
    ) -> Result<(u64, RunId)> {
        let NewRunOf { context, mode, chosen, approval } = *run;
        let now = self.clock().now();
        let run_id = RunId(self.entropy().uuid());
        let new = NewRun {
            workspace_id: context.workspace_id,
            run_id,
            sync_id: context.sync_id,
            mode,
            mapping_version: context.row.mapping_version,
            started_by: by.name(),
            chosen,
            approval: approval.as_str(),
            queued_at: now,
        };
        let number = conn.insert_run(&new).await?;
        let priority = if mode == "resync" { Priority::Live } else { Priority::Bulk };
        let at = Queueing { workspace_id: context.workspace_id, lane_id: context.chargify_id(), priority, delay_ms: 0 };
        self.enqueue(conn, &Job::Run { run_id }, &at).await?;
        let line = NewAuditLine::by(by, AuditAction::RunQueued, now)
            .about(format!("run:{run_id}"), format!("run {number} of {}", context.row.name))
            .with("mode", mode)
            .in_run(run_id);
        audit::append(conn, context.workspace_id, line).await?;
        Ok((u64::try_from(number).unwrap_or(0), run_id))
    }

    /// Releases a run that waits for a person.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::AlreadyDone`] when it does not wait (any more);
    /// [`EngineError::NotAllowed`].
    pub async fn approve_run(&self, by: &Runner, number: u64) -> Result<()> {
        if !by.actor().role().may(Right::Approve) {
            return Err(EngineError::NotAllowed(Right::Approve.words()));
        }
        let now = self.clock().now();
        let mut tx = self.store().begin().await?;
        let run = find(&mut *tx, by.workspace_id(), number).await?;
        let run_id = RunId(run.run_id);
        if !tx.approve_run(by.workspace_id(), run_id, by.actor().name(), now).await? {
            return Err(EngineError::AlreadyDone);
        }
        let context = self.context_in(&mut *tx, &run).await?;
        if run.mapping_version != context.row.mapping_version {
            return Err(EngineError::invalid("the mapping was changed after this plan was made: plan again"));
        }
        let at = Queueing {
            workspace_id: by.workspace_id(),
            lane_id: context.chargify_id(),
            priority: Priority::Bulk,
            delay_ms: 0,
        };
        self.enqueue(&mut *tx, &Job::Run { run_id }, &at).await?;
        let line = NewAuditLine::by(by.actor(), AuditAction::RunApproved, now)
            .about(format!("run:{run_id}"), format!("run {number} of {}", run.sync))
            .with("changes", run.to_create + run.to_update)
            .in_run(run_id);
        audit::append(&mut *tx, by.workspace_id(), line).await?;
        tx.notify_run(run_id).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Asks a run to end. What is on its way is finished and kept; the rest is left as it was.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::AlreadyDone`] when it has ended or was cancelled before.
    pub async fn cancel_run(&self, by: &Runner, number: u64) -> Result<()> {
        let now = self.clock().now();
        let mut tx = self.store().begin().await?;
        let run = find(&mut *tx, by.workspace_id(), number).await?;
        let run_id = RunId(run.run_id);
        if !tx.request_cancel(by.workspace_id(), run_id, now).await? {
            return Err(EngineError::AlreadyDone);
        }
        // Nothing works on a plan that waits: it ends here and now, and what it left open is left out.
        if tx.move_run(by.workspace_id(), run_id, &["awaiting_approval"], "cancelled", None).await? {
            let words = "Not sent: the plan was turned down. Nothing was written.";
            let left = tx.settle_rest_of_items(by.workspace_id(), run_id, now, "parked", words).await?;
            let counts = domain::outcome::Counts { parked: left, ..Default::default() };
            tx.add_run_counts(by.workspace_id(), run_id, &counts).await?;
        }
        // One that was put off until tomorrow ends now.
        let context = self.context_in(&mut *tx, &run).await?;
        let lane_id = context.chargify_id();
        let at = Queueing { workspace_id: by.workspace_id(), lane_id, priority: Priority::Live, delay_ms: 0 };
        self.enqueue(&mut *tx, &Job::Run { run_id }, &at).await?;
        let line = NewAuditLine::by(by.actor(), AuditAction::RunCancelled, now)
            .about(format!("run:{run_id}"), format!("run {number} of {}", run.sync))
            .in_run(run_id);
        audit::append(&mut *tx, by.workspace_id(), line).await?;
        tx.notify_run(run_id).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Runs, newest first; `before` is the `next` of the page before.
    ///
    /// # Errors
    /// Database errors.
    pub async fn runs(&self, viewer: &Viewer, sync: Option<&str>, before: Option<u64>) -> Result<RunPageView> {
        let before = before.and_then(|number| i64::try_from(number).ok()).unwrap_or(i64::MAX);
        let mut conn = self.pool().acquire().await?;
        let rows = store::runs::list(&mut conn, viewer.workspace_id(), sync, before, limits::LIST_PAGE + 1).await?;
        let page = usize::try_from(limits::LIST_PAGE).unwrap_or(0);
        let next =
            (rows.len() > page).then(|| rows.get(page - 1)).flatten().and_then(|row| u64::try_from(row.number).ok());
        Ok(RunPageView { runs: rows.iter().take(page).map(view::run).collect(), next })
    }

    /// One run as its row says.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn run(&self, viewer: &Viewer, number: u64) -> Result<RunView> {
        let mut conn = self.store().session().await?;
        Ok(view::run(&find(&mut *conn, viewer.workspace_id(), number).await?))
    }

    /// One run with its gauges and the last records settled.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn run_live(&self, viewer: &Viewer, number: u64) -> Result<RunLiveView> {
        let mut conn = self.pool().acquire().await?;
        let run = find(&mut conn, viewer.workspace_id(), number).await?;
        let context = self.context_in(&mut conn, &run).await?;
        self.live_view(&mut conn, &run, &context).await
    }

    /// Records of a run that pass the filter, with the counts of all tabs.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn run_items(&self, viewer: &Viewer, number: u64, filter: &ItemFilter) -> Result<ItemPageView> {
        let workspace_id = viewer.workspace_id();
        let mut conn = self.pool().acquire().await?;
        let run = find(&mut conn, workspace_id, number).await?;
        let run_id = RunId(run.run_id);
        let actions = view::actions_of_tab(&filter.tab);
        let outcomes: Vec<String> = if filter.outcome.is_empty() { Vec::new() } else { vec![filter.outcome.clone()] };
        let query = ItemQuery {
            actions: &actions,
            outcomes: &outcomes,
            search: filter.search.trim(),
            field: &filter.field,
            after: i64::try_from(filter.after).unwrap_or(i64::MAX),
            limit: limits::LIST_PAGE,
        };
        let rows = store::items::page(&mut conn, workspace_id, run_id, &query).await?;
        let total = store::items::count(&mut conn, workspace_id, run_id, &query).await?;
        let by_action: BTreeMap<String, i64> =
            store::items::by_action(&mut conn, workspace_id, run_id).await?.into_iter().collect();
        let excluded = store::items::excluded_by_reason(&mut conn, workspace_id, run_id).await?;
        let fields = store::runs::fields_changed(&mut conn, workspace_id, run_id).await?;
        let full = rows.len() as i64 == limits::LIST_PAGE;
        let number = |count: i64| u64::try_from(count).unwrap_or(0);
        Ok(ItemPageView {
            next: rows.last().filter(|_| full).map(|row| number(row.item_no)),
            items: rows.iter().map(view::item).collect(),
            total: number(total),
            tabs: view::tabs(&by_action),
            excluded: excluded
                .into_iter()
                .map(|(code, reason, count)| ReasonCountView { code, reason, count: number(count) })
                .collect(),
            fields,
        })
    }

    /// Ticks with the id of a run whenever something of it changed, on this node or another. A listener that fell behind
    /// reads the run anew. Needs a worker or [`crate::Engine::listen`] running in this process.
    #[must_use]
    pub fn run_changes(&self) -> broadcast::Receiver<RunId> {
        self.shared().run_changes.subscribe()
    }

    pub(crate) async fn context_in(&self, conn: &mut dyn Tables, run: &RunRow) -> Result<SyncContext> {
        let row = conn.sync(WorkspaceId(run.workspace_id), SyncId(run.sync_id)).await?;
        SyncContext::of(row.ok_or(EngineError::NotFound("sync"))?)
    }
}

async fn find(conn: &mut dyn Tables, workspace_id: WorkspaceId, number: u64) -> Result<RunRow> {
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    conn.run_by_number(workspace_id, number).await?.ok_or(EngineError::NotFound("run"))
}
