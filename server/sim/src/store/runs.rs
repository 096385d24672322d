//! Runs in memory.

use super::{
    data::{Data, RunEntry, kept},
    session::{Session, Work},
};
use async_trait::async_trait;
use domain::{RunId, SyncId, WorkspaceId, outcome::Counts};
use engine::{
    EngineError, Result,
    store::{
        Notice, Runs,
        runs::{NewRun, PlanTotals, RunRow},
    },
};
use serde_json::{Value as Json, json};
use time::OffsetDateTime;
use uuid::Uuid;

/// Modes that go over whole lists, of which one sync runs one at a time.
const OVER_LISTS: [&str; 5] = ["full", "changes", "reconcile", "dry-run", "undo"];
pub(super) const UNDER_WAY: [&str; 4] = ["queued", "reading", "planning", "writing"];
const ENDED: [&str; 4] = ["complete", "complete_with_failures", "failed", "cancelled"];
/// Calls a median is taken over.
const MEDIAN_OF: usize = 200;

impl Data {
    /// With the sync's present name.
    fn run_row(&self, run: &RunEntry) -> RunRow {
        let sync = self.syncs.get(&(run.row.workspace_id, run.row.sync_id)).map(|sync| sync.row.name.clone());
        RunRow { sync: sync.unwrap_or_default(), ..run.row.clone() }
    }

    /// Whether another run over the same lists is under way.
    fn is_another_under_way(&self, workspace_id: Uuid, run_id: Uuid, sync_id: Uuid, mode: &str) -> bool {
        OVER_LISTS.contains(&mode)
            && self.runs.iter().any(|((of, other), run)| {
                *of == workspace_id
                    && *other != run_id
                    && run.row.sync_id == sync_id
                    && OVER_LISTS.contains(&run.row.mode.as_str())
                    && UNDER_WAY.contains(&run.row.status.as_str())
            })
    }
}

fn new_run(new: &NewRun<'_>, number: i64) -> RunEntry {
    let row = RunRow {
        workspace_id: new.workspace_id.0,
        run_id: new.run_id.0,
        number,
        sync_id: new.sync_id.0,
        sync: String::new(),
        mode: new.mode.to_owned(),
        status: "queued".to_owned(),
        mapping_version: new.mapping_version,
        started_by: new.started_by.to_owned(),
        chosen: new.chosen.map(<[String]>::to_vec),
        approval: new.approval.to_owned(),
        approved_by: None,
        detail: None,
        cancel_requested_at: None,
        planned_at: None,
        to_create: 0,
        to_update: 0,
        planned_highlevel: 0,
        planned_chargify: 0,
        left_alone: 0,
        predicted_highlevel: 0,
        predicted_chargify: 0,
        predicted_ms: 0,
        calls_highlevel: 0,
        calls_chargify: 0,
        count_read: 0,
        count_created: 0,
        count_updated: 0,
        count_unchanged: 0,
        count_echo: 0,
        count_excluded: 0,
        count_ambiguous: 0,
        count_parked: 0,
        count_failed: 0,
        phases: json!([]),
        progress: json!({}),
        queued_at: kept(new.queued_at),
        finished_at: None,
    };
    RunEntry { row, approved_at: None, scheduled_for: None, fields_planned: Vec::new() }
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn add(row: &mut RunRow, counts: &Counts) {
    row.count_read += number(counts.read);
    row.count_created += number(counts.created);
    row.count_updated += number(counts.updated);
    row.count_unchanged += number(counts.unchanged);
    row.count_echo += number(counts.echo);
    row.count_excluded += number(counts.excluded);
    row.count_ambiguous += number(counts.ambiguous);
    row.count_parked += number(counts.parked);
    row.count_failed += number(counts.failed);
}

fn forget_counts(row: &mut RunRow) {
    let counts = [
        &mut row.count_read,
        &mut row.count_created,
        &mut row.count_updated,
        &mut row.count_unchanged,
        &mut row.count_echo,
        &mut row.count_excluded,
        &mut row.count_ambiguous,
        &mut row.count_parked,
        &mut row.count_failed,
    ];
    counts.into_iter().for_each(|count| *count = 0);
}

impl Session {
    /// Changes a run's row, if there is one.
    async fn change_run(
        &mut self,
        operation: &'static str,
        key: (Uuid, Uuid),
        change: impl FnOnce(&mut RunRow) + Send,
    ) -> Result<()> {
        self.act(operation, |work| {
            if let Some(run) = work.data.runs.get_mut(&key) {
                change(&mut run.row);
            }
            Ok(())
        })
        .await
    }
}

fn insert(work: &mut Work<'_>, new: &NewRun<'_>) -> Result<i64> {
    let (workspace_id, run_id) = (new.workspace_id.0, new.run_id.0);
    if work.data.is_another_under_way(workspace_id, run_id, new.sync_id.0, new.mode) {
        return Err(EngineError::AlreadyDone);
    }
    let workspace = work.data.workspaces.get_mut(&workspace_id).ok_or(EngineError::NotFound("workspace"))?;
    let number = workspace.next_run_number;
    workspace.next_run_number += 1;
    work.data.runs.insert((workspace_id, run_id), new_run(new, number));
    Ok(number)
}

#[async_trait]
impl Runs for Session {
    async fn insert_run(&mut self, new: &NewRun<'_>) -> Result<i64> {
        self.act("insert_run", |work| insert(work, new)).await
    }

    async fn run(&mut self, workspace_id: WorkspaceId, run_id: RunId) -> Result<Option<RunRow>> {
        self.act("run", |work| Ok(work.data.runs.get(&(workspace_id.0, run_id.0)).map(|run| work.data.run_row(run))))
            .await
    }

    async fn run_by_number(&mut self, workspace_id: WorkspaceId, number: i64) -> Result<Option<RunRow>> {
        self.act("run_by_number", |work| {
            let mut runs = work.data.runs.iter().filter(|(key, _)| key.0 == workspace_id.0);
            Ok(runs.find(|(_, run)| run.row.number == number).map(|(_, run)| work.data.run_row(run)))
        })
        .await
    }

    async fn move_run(
        &mut self,
        workspace_id: WorkspaceId,
        run_id: RunId,
        from: &[&str],
        to: &str,
        detail: Option<&str>,
    ) -> Result<bool> {
        self.act("move_run", |work| {
            let key = (workspace_id.0, run_id.0);
            if !work.data.runs.get(&key).is_some_and(|run| from.contains(&run.row.status.as_str())) {
                return Ok(false);
            }
            let now = work.now;
            if let Some(run) = work.data.runs.get_mut(&key) {
                to.clone_into(&mut run.row.status);
                run.row.detail = detail.map(str::to_owned);
                run.row.finished_at = ENDED.contains(&to).then_some(now);
            }
            Ok(true)
        })
        .await
    }

    async fn approve_run(
        &mut self,
        workspace_id: WorkspaceId,
        run_id: RunId,
        by: &str,
        at: OffsetDateTime,
    ) -> Result<bool> {
        self.act("approve_run", |work| {
            let key = (workspace_id.0, run_id.0);
            let Some(run) = work.data.runs.get(&key).filter(|run| run.row.status == "awaiting_approval") else {
                return Ok(false);
            };
            if work.data.is_another_under_way(workspace_id.0, run_id.0, run.row.sync_id, &run.row.mode) {
                return Err(EngineError::AlreadyDone);
            }
            if let Some(run) = work.data.runs.get_mut(&key) {
                run.row.approved_by = Some(by.to_owned());
                run.approved_at = Some(kept(at));
                "granted".clone_into(&mut run.row.approval);
                "writing".clone_into(&mut run.row.status);
                run.row.detail = None;
            }
            Ok(true)
        })
        .await
    }

    async fn request_cancel(&mut self, workspace_id: WorkspaceId, run_id: RunId, at: OffsetDateTime) -> Result<bool> {
        self.act("request_cancel", |work| {
            let key = (workspace_id.0, run_id.0);
            let may_end = |row: &RunRow| {
                let status = row.status.as_str();
                row.cancel_requested_at.is_none() && (UNDER_WAY.contains(&status) || status == "awaiting_approval")
            };
            if !work.data.runs.get(&key).is_some_and(|run| may_end(&run.row)) {
                return Ok(false);
            }
            if let Some(run) = work.data.runs.get_mut(&key) {
                run.row.cancel_requested_at = Some(kept(at));
            }
            Ok(true)
        })
        .await
    }

    async fn set_run_detail(&mut self, workspace_id: WorkspaceId, run_id: RunId, detail: Option<&str>) -> Result<()> {
        self.change_run("set_run_detail", (workspace_id.0, run_id.0), |row| row.detail = detail.map(str::to_owned))
            .await
    }

    async fn run_writing_now(&mut self, workspace_id: WorkspaceId, sync_id: SyncId) -> Result<Option<i64>> {
        self.act("run_writing_now", |work| {
            let runs = work.data.runs.iter().filter(|(key, _)| key.0 == workspace_id.0).map(|(_, run)| &run.row);
            let writing = runs.filter(|row| row.sync_id == sync_id.0 && row.status == "writing");
            Ok(writing.map(|row| row.number).min())
        })
        .await
    }

    async fn set_run_plan(&mut self, workspace_id: WorkspaceId, run_id: RunId, totals: &PlanTotals) -> Result<()> {
        self.change_run("set_run_plan", (workspace_id.0, run_id.0), |row| {
            row.planned_at = Some(kept(totals.planned_at));
            row.to_create = totals.to_create;
            row.to_update = totals.to_update;
            row.planned_highlevel = totals.planned_highlevel;
            row.planned_chargify = totals.planned_chargify;
            row.left_alone = totals.left_alone;
            row.predicted_highlevel = totals.predicted_highlevel;
            row.predicted_chargify = totals.predicted_chargify;
            row.predicted_ms = totals.predicted_ms;
            forget_counts(row);
            add(row, &totals.counts);
        })
        .await
    }

    async fn add_run_counts(&mut self, workspace_id: WorkspaceId, run_id: RunId, counts: &Counts) -> Result<()> {
        self.change_run("add_run_counts", (workspace_id.0, run_id.0), |row| add(row, counts)).await
    }

    async fn add_run_calls(&mut self, workspace_id: Uuid, run_id: Uuid, highlevel: i64, chargify: i64) -> Result<()> {
        self.change_run("add_run_calls", (workspace_id, run_id), |row| {
            row.calls_highlevel += highlevel;
            row.calls_chargify += chargify;
        })
        .await
    }

    async fn set_run_phases(&mut self, workspace_id: WorkspaceId, run_id: RunId, phases: &Json) -> Result<()> {
        self.change_run("set_run_phases", (workspace_id.0, run_id.0), |row| row.phases.clone_from(phases)).await
    }

    async fn set_run_progress(&mut self, workspace_id: WorkspaceId, run_id: RunId, progress: &Json) -> Result<()> {
        self.change_run("set_run_progress", (workspace_id.0, run_id.0), |row| row.progress.clone_from(progress)).await
    }

    async fn notify_run(&mut self, run_id: RunId) -> Result<()> {
        self.act("notify_run", |work| {
            work.say(Notice::Run(run_id));
            Ok(())
        })
        .await
    }

    async fn note_planned_fields(&mut self, workspace_id: WorkspaceId, run_id: RunId, fields: &[String]) -> Result<()> {
        self.act("note_planned_fields", |work| {
            if let Some(run) = work.data.runs.get_mut(&(workspace_id.0, run_id.0)) {
                run.fields_planned = fields.to_vec();
            }
            Ok(())
        })
        .await
    }

    async fn median_call_ms(&mut self, workspace_id: WorkspaceId, connection_id: Uuid) -> Result<Option<f64>> {
        self.act("median_call_ms", |work| {
            let calls = work.data.calls.values().filter(|call| {
                (call.workspace_id, call.connection_id) == (workspace_id.0, connection_id) && call.error_class.is_none()
            });
            let mut latest: Vec<(OffsetDateTime, i32)> = calls.map(|call| (call.called_at, call.took_ms)).collect();
            latest.sort_by_key(|(called_at, _)| std::cmp::Reverse(*called_at));
            latest.truncate(MEDIAN_OF);
            let mut took: Vec<i32> = latest.into_iter().map(|(_, took_ms)| took_ms).collect();
            took.sort_unstable();
            Ok(median(&took))
        })
        .await
    }
}

/// The middle of sorted numbers; between the two in the middle when there are two.
fn median(sorted: &[i32]) -> Option<f64> {
    let upper = sorted.get(sorted.len() / 2)?;
    let lower = sorted.get((sorted.len() - 1) / 2)?;
    Some(f64::midpoint(f64::from(*lower), f64::from(*upper)))
}
