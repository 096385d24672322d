//! The audit trail: who did what to what, when and with what outcome. Append-only, hash-chained per workspace, written
//! in the transaction of the change. People's acts and the system's writes stand in one trail.

mod action;
mod chain;
mod line;
mod verify;
mod words;

pub(crate) use action::{AuditAction, AuditOutcome};
pub use chain::GENESIS;
pub use line::Columns;
pub(crate) use line::{NewAuditLine, append, append_many};
pub use verify::{AuditFault, AuditVerdict, Fault};

use crate::{
    Auditor, Engine, EngineError, Result, Viewer,
    store::{self, audit::Wanted},
};
use domain::{
    Right, limits,
    view::{AuditFilter, AuditLineView, AuditPageView},
};
use sqlx::Connection as _;
use time::{Date, OffsetDateTime, Time, macros::format_description};

impl Engine {
    /// A page of the trail, newest first. `total` is exact without filters and else counted up to 10,000.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] for a date in another form; [`EngineError::NotAllowed`]; database errors.
    pub async fn audit_page(&self, viewer: &Viewer, filter: AuditFilter) -> Result<AuditPageView> {
        may_see(viewer)?;
        let workspace_id = viewer.workspace_id();
        let wanted = wanted(&filter)?;
        let before = i64::try_from(filter.before).ok().filter(|before| *before > 0);
        let mut conn = self.pool().acquire().await?;
        let mut tx = conn.begin().await?;
        store::audit::plan_for_arguments(&mut tx).await?;
        let mut rows = store::audit::page(&mut tx, workspace_id, wanted, before, limits::LIST_PAGE + 1).await?;
        let total = if wanted.is_everything() {
            store::audit::head(&mut tx, workspace_id).await?.map_or(0, |(line_no, _)| line_no)
        } else {
            store::audit::count(&mut tx, workspace_id, wanted, limits::AUDIT_COUNTED).await?
        };
        let people = store::people::members(&mut tx, workspace_id).await?;
        tx.commit().await?;

        let page = usize::try_from(limits::LIST_PAGE).unwrap_or(usize::MAX);
        let more = rows.len() > page;
        rows.truncate(page);
        let lines: Vec<_> = rows.into_iter().map(words::view).collect();
        let mut actors = vec![
            ("command-line".to_owned(), "command line".to_owned()),
            ("system".to_owned(), "Concord itself".to_owned()),
            ("schedule".to_owned(), domain::schedule::STARTER.to_owned()),
        ];
        actors.extend(people.into_iter().map(|person| (format!("person:{}", person.person_id), person.name)));
        Ok(AuditPageView {
            next: if more { lines.last().map(|line| line.line_no) } else { None },
            lines,
            actors,
            actions: AuditAction::ALL.iter().map(|action| action.as_str().to_owned()).collect(),
            total: u64::try_from(total).unwrap_or_default(),
        })
    }

    /// One line of the trail.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::NotAllowed`]; database errors.
    pub async fn audit_line(&self, viewer: &Viewer, line_no: u64) -> Result<AuditLineView> {
        may_see(viewer)?;
        let line_no = i64::try_from(line_no).map_err(|_beyond| EngineError::NotFound("audit line"))?;
        let mut conn = self.pool().acquire().await?;
        let row = store::audit::find(&mut conn, viewer.workspace_id(), line_no).await?;
        row.map(words::view).ok_or(EngineError::NotFound("audit line"))
    }

    /// The next few hundred lines after that number, oldest first; empty at the end. The first page of an export leaves
    /// a line of its own: it carries personal data out of the system.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] for a date in another form; database errors.
    pub async fn audit_export(
        &self,
        auditor: &Auditor,
        filter: AuditFilter,
        after_line: u64,
    ) -> Result<Vec<AuditLineView>> {
        let workspace_id = auditor.workspace_id();
        let wanted = wanted(&filter)?;
        let after = i64::try_from(after_line).unwrap_or(i64::MAX);
        let mut conn = self.pool().acquire().await?;
        let mut tx = conn.begin().await?;
        store::audit::plan_for_arguments(&mut tx).await?;
        let rows = store::audit::page_onwards(&mut tx, workspace_id, wanted, after, limits::AUDIT_EXPORT_LINES).await?;
        if after_line == 0 {
            let line = NewAuditLine::by(auditor.actor(), AuditAction::AuditExported, self.clock().now())
                .with("filter", serde_json::json!(filter));
            append(&mut tx, workspace_id, line).await?;
        }
        tx.commit().await?;
        Ok(rows.into_iter().map(words::view).collect())
    }
}

fn may_see(viewer: &Viewer) -> Result<()> {
    if viewer.actor().role().may(Right::SeeAudit) {
        Ok(())
    } else {
        Err(EngineError::NotAllowed(Right::SeeAudit.words()))
    }
}

fn wanted(filter: &AuditFilter) -> Result<Wanted<'_>> {
    Ok(Wanted {
        actor: said(&filter.actor),
        action: said(&filter.action),
        outcome: said(&filter.outcome),
        record: said(&filter.record),
        from: day(&filter.from, "from")?.map(midnight),
        // The last day is included whole.
        until: day(&filter.until, "until")?.and_then(Date::next_day).map(midnight),
    })
}

fn said(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

fn day(text: &str, field: &str) -> Result<Option<Date>> {
    said(text)
        .map(|text| {
            Date::parse(text, format_description!("[year]-[month]-[day]"))
                .map_err(|_shape| EngineError::invalid(format!("{field}: write the day as 2026-08-31")))
        })
        .transpose()
}

fn midnight(day: Date) -> OffsetDateTime {
    day.with_time(Time::MIDNIGHT).assume_utc()
}
