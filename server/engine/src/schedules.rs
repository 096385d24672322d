//! When syncs run by themselves: what is set, what is shown of it, and the starts themselves.

mod start;

use crate::{
    Actor, Editor, Engine, EngineError, Result, Viewer,
    audit::{self, AuditAction, NewAuditLine},
    store::{
        self, Tables,
        schedules::{Due, ScheduleRow},
    },
    syncs::{named, reason_fault},
};
use domain::{
    SyncId, WorkspaceId, limits,
    schedule::{Kind, Schedule, ScheduleText, Zone},
    view::{At, ScheduleBriefView, ScheduleDraft, ScheduleView, StartView, TimingView},
};
use time::OffsetDateTime;

/// Who starts scheduled runs, in lists and in the audit trail.
const STARTER: &str = domain::schedule::STARTER;

impl ScheduleRow {
    /// As stored; the database holds nothing else than what was checked.
    fn schedule(&self) -> Result<Schedule> {
        Schedule::read(&self.text()).map_err(|_faults| EngineError::Bug("a stored schedule does not read back"))
    }

    fn due_at(&self, kind: Kind) -> Option<OffsetDateTime> {
        match kind {
            Kind::Changes => self.changes_due_at,
            Kind::Full => self.full_due_at,
        }
    }
}

impl Due {
    /// Both next times after that instant.
    fn after(schedule: &Schedule, now: OffsetDateTime) -> Self {
        Self { changes: schedule.next(Kind::Changes, now), full: schedule.next(Kind::Full, now) }
    }
}

impl Engine {
    /// The schedule of a sync with its next starts; one that was never set is off.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; database errors.
    pub async fn schedule(&self, viewer: &Viewer, sync: &str) -> Result<ScheduleView> {
        let workspace_id = viewer.workspace_id();
        let now = self.clock().now();
        let mut conn = self.pool().acquire().await?;
        let row = named(&mut conn, workspace_id, sync).await?;
        let stored = store::schedules::find(&mut conn, workspace_id, row.sync_id()).await?;
        let open_run = store::schedules::holding_run(&mut conn, workspace_id, row.sync_id()).await?;
        let schedule = stored.as_ref().map(ScheduleRow::schedule).transpose()?.unwrap_or_default();
        let timing = |kind| {
            let due = stored.as_ref().and_then(|stored| stored.due_at(kind));
            timing(&schedule, kind, due.filter(|_| row.enabled), now)
        };
        Ok(ScheduleView {
            sync: row.name.clone(),
            enabled: row.enabled,
            zone_label: schedule.zone().label(),
            changes: timing(Kind::Changes),
            full: timing(Kind::Full),
            text: schedule.text(),
            open_run: open_run.and_then(|number| u64::try_from(number).ok()),
            zones: Zone::all(),
        })
    }

    /// What a form would set, with its starts, before anything is saved.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] with every fault; [`EngineError::NotFound`]; database errors.
    pub async fn preview_schedule(&self, viewer: &Viewer, sync: &str, draft: &ScheduleDraft) -> Result<ScheduleView> {
        let now = self.clock().now();
        let stored = self.schedule(viewer, sync).await?;
        let schedule = read(draft).map_err(EngineError::Invalid)?;
        let timing = |kind| timing(&schedule, kind, None, now);
        Ok(ScheduleView {
            zone_label: schedule.zone().label(),
            changes: timing(Kind::Changes),
            full: timing(Kind::Full),
            ..stored
        })
    }

    /// Sets when a sync runs by itself. False: it was so already.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] with every fault; [`EngineError::NotFound`]; database errors.
    pub async fn change_schedule(&self, editor: &Editor, sync: &str, draft: &ScheduleDraft) -> Result<bool> {
        let reason = draft.reason.trim();
        let mut faults: Vec<String> = reason_fault(reason, "the schedule changes").into_iter().collect();
        let schedule = read(draft).unwrap_or_else(|more| {
            faults.extend(more);
            Schedule::default()
        });
        if !faults.is_empty() {
            return Err(EngineError::Invalid(faults));
        }
        let mut tx = self.store().begin().await?;
        let row = named(&mut *tx, editor.workspace_id(), sync).await?;
        let about = (row.sync_id(), row.name.as_str());
        let changed = write_schedule(self, &mut *tx, editor.actor(), about, (&schedule, reason)).await?;
        tx.commit().await?;
        Ok(changed)
    }

    /// The schedule of a sync in a few words.
    pub(crate) async fn schedule_brief(
        &self,
        conn: &mut dyn Tables,
        (workspace_id, sync_id, enabled): (WorkspaceId, SyncId, bool),
    ) -> Result<ScheduleBriefView> {
        let Some(stored) = conn.schedule(workspace_id, sync_id).await? else {
            return Ok(ScheduleBriefView::default());
        };
        let schedule = stored.schedule()?;
        // Where both are due at once, the full one is started.
        let next = [Kind::Full, Kind::Changes]
            .into_iter()
            .filter_map(|kind| Some((kind, stored.due_at(kind)?)))
            .min_by_key(|(_, due)| *due);
        Ok(ScheduleBriefView {
            changes: schedule.words(Kind::Changes),
            full: schedule.words(Kind::Full),
            quiet: Some(stored.quiet.clone()).filter(|quiet| !quiet.is_empty()),
            next: next.filter(|_| enabled).map(|(kind, due)| (kind.as_str().to_owned(), At::from(due))),
        })
    }
}

/// The stored schedule as it is written; off where none was ever set.
pub(crate) async fn written(conn: &mut dyn Tables, workspace_id: WorkspaceId, sync_id: SyncId) -> Result<ScheduleText> {
    let stored = conn.schedule(workspace_id, sync_id).await?;
    Ok(stored.map_or_else(|| Schedule::default().text(), |stored| stored.text()))
}

/// Saves a schedule in the caller's transaction. The input has been checked; nothing happens when it is the same.
pub(crate) async fn write_schedule(
    engine: &Engine,
    conn: &mut dyn Tables,
    actor: &Actor,
    (sync_id, name): (SyncId, &str),
    (schedule, reason): (&Schedule, &str),
) -> Result<bool> {
    let workspace_id = actor.workspace_id();
    let (before, after) = (written(conn, workspace_id, sync_id).await?, schedule.text());
    if before == after {
        return Ok(false);
    }
    let now = engine.clock().now();
    conn.save_schedule(workspace_id, sync_id, &after, Due::after(schedule, now)).await?;
    let line = NewAuditLine::by(actor, AuditAction::SyncChanged, now)
        .about(format!("sync:{sync_id}"), name)
        .with("reason", reason);
    let fields = [
        ("schedule of changes", &before.changes, &after.changes),
        ("schedule of full runs", &before.full, &after.full),
        ("zone of the schedule", &before.zone, &after.zone),
        ("quiet hours", &before.quiet, &after.quiet),
    ];
    let changed = fields.into_iter().filter(|(_, before, after)| before != after);
    let line = changed.fold(line, |line, (what, before, after)| line.change("", what, before, after));
    audit::append(conn, workspace_id, line).await?;
    Ok(true)
}

/// Reads the form.
fn read(draft: &ScheduleDraft) -> Result<Schedule, Vec<String>> {
    let mut faults = Vec::new();
    let mut chosen = |kind: Kind, choice: &str, line: &str| {
        if choice != "cron" {
            return choice.to_owned();
        }
        if line.trim().is_empty() {
            faults.push(format!("{}: write the cron line, such as 0 2 * * *, or choose another timing", kind.as_str()));
        }
        line.to_owned()
    };
    let text = ScheduleText {
        changes: chosen(Kind::Changes, &draft.changes, &draft.changes_cron),
        full: chosen(Kind::Full, &draft.full, &draft.full_cron),
        zone: draft.zone.clone(),
        quiet: draft.quiet.clone(),
    };
    match Schedule::read(&text) {
        Ok(schedule) if faults.is_empty() => Ok(schedule),
        Ok(_) => Err(faults),
        Err(more) => Err(faults.into_iter().chain(more).collect()),
    }
}

fn timing(schedule: &Schedule, kind: Kind, due: Option<OffsetDateTime>, now: OffsetDateTime) -> TimingView {
    let start = |at: OffsetDateTime| StartView { at: At::from(at), local: schedule.zone().clock(at) };
    TimingView {
        words: schedule.words(kind),
        overdue_at: due.filter(|due| *due <= now).map(At::from),
        upcoming: schedule.upcoming(kind, now, limits::SCHEDULE_STARTS_SHOWN).into_iter().map(start).collect(),
    }
}
