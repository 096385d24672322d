//! Schedules in memory.

use super::{
    data::{Data, ScheduleEntry, kept},
    runs::UNDER_WAY,
    session::Session,
};
use async_trait::async_trait;
use domain::{RunId, SyncId, WorkspaceId, schedule::ScheduleText};
use engine::{
    EngineError, Result,
    store::{
        Schedules,
        schedules::{Due, ScheduleRow},
        syncs::SyncRow,
    },
};
use time::OffsetDateTime;
use uuid::Uuid;

fn first_of(row: &ScheduleRow) -> Option<OffsetDateTime> {
    [row.changes_due_at, row.full_due_at].into_iter().flatten().min()
}

impl Data {
    /// Whether a start of the sync would run beside another run, or a plan of the schedule waits for a person.
    fn is_held_by_run(&self, row: &ScheduleRow) -> bool {
        self.runs.values().any(|run| {
            let status = run.row.status.as_str();
            (run.row.workspace_id, run.row.sync_id) == (row.workspace_id, row.sync_id)
                && (UNDER_WAY.contains(&status) && run.row.mode != "resync"
                    || status == "awaiting_approval" && run.scheduled_for.is_some())
        })
    }

    /// Whether a service of the sync refused everything when it was last asked.
    fn is_refused(&self, sync: &SyncRow) -> bool {
        [sync.highlevel_connection_id, sync.chargify_connection_id].into_iter().any(|id| {
            let connection = self.connections.get(&(sync.workspace_id, id));
            connection.is_some_and(|row| matches!(row.state.as_str(), "refused" | "blocked"))
        })
    }

    /// Due, and nothing holds it up; with whether its sync is switched on.
    fn is_due(&self, entry: &ScheduleEntry, now: OffsetDateTime, asked_since: OffsetDateTime) -> Option<bool> {
        let row = &entry.row;
        let sync = &self.syncs.get(&(row.workspace_id, row.sync_id))?.row;
        first_of(row).filter(|due| *due <= now)?;
        let asked_lately = entry.started_at.is_some_and(|at| at > asked_since);
        let is_held = self.is_held_by_run(row) || (asked_lately && self.is_refused(sync));
        (!sync.enabled || !is_held).then_some(sync.enabled)
    }
}

#[async_trait]
impl Schedules for Session {
    async fn schedule(&mut self, workspace_id: WorkspaceId, sync_id: SyncId) -> Result<Option<ScheduleRow>> {
        self.act("schedule", |work| {
            Ok(work.data.schedules.get(&(workspace_id.0, sync_id.0)).map(|entry| entry.row.clone()))
        })
        .await
    }

    async fn save_schedule(
        &mut self,
        workspace_id: WorkspaceId,
        sync_id: SyncId,
        text: &ScheduleText,
        due: Due,
    ) -> Result<()> {
        self.act("save_schedule", |work| {
            let key = (workspace_id.0, sync_id.0);
            let row = ScheduleRow {
                workspace_id: key.0,
                sync_id: key.1,
                changes_timing: text.changes.clone(),
                full_timing: text.full.clone(),
                zone: text.zone.clone(),
                quiet: text.quiet.clone(),
                changes_due_at: due.changes.map(kept),
                full_due_at: due.full.map(kept),
            };
            let started_at = work.data.schedules.get(&key).and_then(|entry| entry.started_at);
            work.data.schedules.insert(key, ScheduleEntry { row, started_at });
            Ok(())
        })
        .await
    }

    async fn first_due(&mut self) -> Result<Option<OffsetDateTime>> {
        self.act("first_due", |work| Ok(work.data.schedules.values().filter_map(|entry| first_of(&entry.row)).min()))
            .await
    }

    async fn lock_due_schedule(
        &mut self,
        now: OffsetDateTime,
        asked_since: OffsetDateTime,
        except: &[Uuid],
    ) -> Result<Option<(ScheduleRow, bool)>> {
        self.act("lock_due_schedule", |work| {
            let data = &*work.data;
            let entries = data.schedules.values().filter(|entry| !except.contains(&entry.row.sync_id));
            let due = entries.filter_map(|entry| {
                let enabled = data.is_due(entry, kept(now), kept(asked_since))?;
                Some((entry.row.clone(), enabled))
            });
            Ok(due.min_by_key(|(row, _)| first_of(row)))
        })
        .await
    }

    async fn lock_schedules(&mut self, _workspace_id: WorkspaceId) -> Result<()> {
        // Units of work take turns: nobody starts one meanwhile anyway.
        self.act("lock_schedules", |_| Ok(())).await
    }

    async fn set_due(&mut self, row: &ScheduleRow, due: Due, started_at: Option<OffsetDateTime>) -> Result<()> {
        self.act("set_due", |work| {
            if let Some(entry) = work.data.schedules.get_mut(&(row.workspace_id, row.sync_id)) {
                entry.row.changes_due_at = due.changes.map(kept);
                entry.row.full_due_at = due.full.map(kept);
                entry.started_at = started_at.map(kept).or(entry.started_at);
            }
            Ok(())
        })
        .await
    }

    async fn mark_run_scheduled(
        &mut self,
        workspace_id: WorkspaceId,
        run_id: RunId,
        due_at: OffsetDateTime,
    ) -> Result<()> {
        self.act("mark_run_scheduled", |work| {
            let key = (workspace_id.0, run_id.0);
            let Some(run) = work.data.runs.get(&key) else { return Ok(()) };
            let due_at = Some(kept(due_at));
            let was_started = work.data.runs.iter().any(|(other, known)| {
                *other != key
                    && known.scheduled_for == due_at
                    && (known.row.workspace_id, known.row.sync_id, &known.row.mode)
                        == (run.row.workspace_id, run.row.sync_id, &run.row.mode)
            });
            if was_started {
                return Err(EngineError::Bug("a due time was started for twice"));
            }
            if let Some(run) = work.data.runs.get_mut(&key) {
                run.scheduled_for = due_at;
            }
            Ok(())
        })
        .await
    }
}
