//! Starting what is due. A due time starts one run over all nodes: whoever holds the row's lock moves the due time on in
//! the transaction that queues the run.
//!
//! A start never runs beside another run of its sync: it waits until that has ended, and however often it fell due
//! meanwhile, or while nothing ran at all, it is one start.

use super::STARTER;
use crate::{
    Actor, Approval, Engine, EngineError, Result,
    runs::NewRunOf,
    store::{
        Tables,
        schedules::{Due, ScheduleRow},
    },
    sync::SyncContext,
};
use domain::{
    SyncId, WorkspaceId, limits,
    schedule::{Kind, Schedule},
};
use std::time::Duration;
use time::OffsetDateTime;
use uuid::Uuid;

/// What is to be done about a schedule that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// Its sync is switched off: the due time passes.
    Pass,
    /// It is due again when the quiet hours end.
    Wait(OffsetDateTime),
    /// A run of that kind, due since then.
    Start(Kind, OffsetDateTime),
}

fn turn(row: &ScheduleRow, schedule: &Schedule, enabled: bool, now: OffsetDateTime) -> Turn {
    if !enabled {
        return Turn::Pass;
    }
    if let Some(end) = schedule.quiet_until(now) {
        return Turn::Wait(end);
    }
    // A full run reads what changed, too.
    let due = |kind| row.due_at(kind).filter(|due| *due <= now).map(|due| Turn::Start(kind, due));
    due(Kind::Full).or_else(|| due(Kind::Changes)).unwrap_or(Turn::Pass)
}

impl Engine {
    /// Starts what falls due until dropped.
    pub(crate) async fn keep_schedules(&self) {
        loop {
            let pause = self.look_at_schedules().await.unwrap_or_else(|error| {
                tracing::warn!(error = &error as &dyn std::error::Error, "cannot look at the schedules; trying again");
                limits::NODE_REJOIN
            });
            self.clock().sleep(pause).await;
        }
    }

    /// Starts what is due; how long until the next look.
    async fn look_at_schedules(&self) -> Result<Duration> {
        let mut due = self.first_due().await?;
        if due.is_some_and(|due| due <= self.clock().now()) {
            self.start_due_runs().await?;
            due = self.first_due().await?;
        }
        let Some(due) = due else { return Ok(limits::SCHEDULE_POLL) };
        match Duration::try_from(due - self.clock().now()) {
            Ok(until) if !until.is_zero() => Ok(until.min(limits::SCHEDULE_POLL)),
            _ => Ok(limits::SCHEDULE_HELD_POLL),
        }
    }

    async fn first_due(&self) -> Result<Option<OffsetDateTime>> {
        let mut conn = self.store().session().await?;
        conn.first_due().await
    }

    /// Queues a run for every schedule that is due and that nothing holds up, and returns how many. The worker calls this
    /// by the clock; tests call it when their clock has moved.
    ///
    /// # Errors
    /// Database errors. One schedule that cannot be carried out is logged and does not keep the others.
    pub async fn start_due_runs(&self) -> Result<usize> {
        let mut passed: Vec<Uuid> = Vec::new();
        let mut started = 0;
        loop {
            let now = self.clock().now();
            let mut tx = self.store().begin().await?;
            let asked_since = now - limits::SCHEDULE_REFUSED_RETRY;
            let Some((row, enabled)) = tx.lock_due_schedule(now, asked_since, &passed).await? else {
                return Ok(started);
            };
            passed.push(row.sync_id);
            match self.take_turn(&mut *tx, &row, enabled, now).await {
                Ok(is_start) => {
                    tx.commit().await?;
                    started += usize::from(is_start);
                }
                // A person was faster by a moment: it waits for the end of their run.
                Err(EngineError::AlreadyDone) => drop(tx),
                Err(error) => {
                    drop(tx);
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        sync.id = %row.sync_id,
                        "a scheduled run cannot be started"
                    );
                }
            }
        }
    }

    /// Whether a run was started.
    async fn take_turn(
        &self,
        conn: &mut dyn Tables,
        row: &ScheduleRow,
        enabled: bool,
        now: OffsetDateTime,
    ) -> Result<bool> {
        let schedule = row.schedule()?;
        let next = Due::after(&schedule, now);
        let ahead = |kind: Kind, next| row.due_at(kind).filter(|due| *due > now).or(next);
        let kept = Due { changes: ahead(Kind::Changes, next.changes), full: ahead(Kind::Full, next.full) };
        match turn(row, &schedule, enabled, now) {
            Turn::Pass => conn.set_due(row, kept, None).await?,
            Turn::Wait(end) => {
                let moved = |kind: Kind| row.due_at(kind).map(|due| due.max(end));
                let due = Due { changes: moved(Kind::Changes), full: moved(Kind::Full) };
                conn.set_due(row, due, None).await?;
            }
            Turn::Start(kind, due_at) => {
                let workspace_id = WorkspaceId(row.workspace_id);
                let sync = conn.sync(workspace_id, SyncId(row.sync_id)).await?;
                let context = SyncContext::of(sync.ok_or(EngineError::NotFound("sync"))?)?;
                let mode = kind.as_str();
                let run = NewRunOf { context: &context, mode, chosen: None, approval: Approval::WhenFused };
                let starter = Actor::schedule(workspace_id, STARTER);
                conn.set_due(row, kept, Some(now)).await?;
                let (number, run_id) = self.queue_run_in(conn, &starter, &run).await?;
                conn.mark_run_scheduled(workspace_id, run_id, due_at).await?;
                tracing::info!(run.number = number, run.mode = mode, sync.name = %context.row.name, "a run is due");
                return Ok(true);
            }
        }
        Ok(false)
    }
}
