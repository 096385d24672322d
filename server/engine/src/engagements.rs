//! Notes, tasks and appointments as a page shows them, and another try of one that a person asks for.

use crate::{
    Engine, EngineError, Result, Runner, Viewer,
    audit::{self, AuditAction, NewAuditLine},
    clients::Priority,
    jobs::{Job, Queueing},
    store::engagements::EngagementRow,
};
use domain::{
    ConnectionId,
    engagement::{EngagementKind, Switches, Told},
    view::{At, EngagementView},
};

/// So much of a text stands for its title.
const TITLE_CHARS: usize = 80;

impl Engine {
    /// What a contact has, by kind, the latest of each first, and how each stands. Nothing is asked of a service.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; database errors.
    pub async fn engagements(&self, viewer: &Viewer, sync: &str, contact_id: &str) -> Result<Vec<EngagementView>> {
        let workspace_id = viewer.workspace_id();
        let mut conn = self.store().session().await?;
        let row = conn.sync_by_name(workspace_id, sync).await?.ok_or(EngineError::NotFound("sync"))?;
        let (switches, goes_on) = (row.policy()?.engagements, row.enabled);
        let rows = conn.engagements_of_contact(workspace_id, row.sync_id(), contact_id).await?;
        Ok(rows.into_iter().map(|row| view(row, switches, goes_on)).collect())
    }

    /// Has one that failed tried again at once, and one whose note is gone from Chargify written as a new note.
    ///
    /// # Errors
    /// [`EngineError::AlreadyDone`] when it neither failed nor lost its note; [`EngineError::Invalid`] while the sync or the
    /// kind is switched off; [`EngineError::NotFound`]; database errors.
    pub async fn retry_engagement(&self, by: &Runner, sync: &str, kind: &str, id: &str) -> Result<()> {
        let kind: EngagementKind = kind.parse().map_err(|_unknown| EngineError::NotFound("engagement"))?;
        let workspace_id = by.workspace_id();
        let mut tx = self.store().begin().await?;
        let sync = tx.sync_by_name(workspace_id, sync).await?.ok_or(EngineError::NotFound("sync"))?;
        let row = tx.engagement(workspace_id, sync.sync_id(), kind.as_str(), id).await?;
        let row = row.ok_or(EngineError::NotFound("engagement"))?;
        if !sync.enabled || !sync.policy()?.engagements.is_on(kind) {
            let what =
                if sync.enabled { format!("{} are", kind.plural()) } else { format!("the sync {} is", sync.name) };
            return Err(EngineError::invalid(format!(
                "{what} switched off; switch on first what is to be carried over"
            )));
        }
        match row.state.as_str() {
            "lost" => {
                tx.release_engagement(workspace_id, sync.sync_id(), (kind.as_str(), id)).await?;
            }
            "failed" => {}
            _ => return Err(EngineError::AlreadyDone),
        }
        let job = Job::Engagement { sync_id: sync.sync_id(), engagement: kind, remote_id: id.to_owned() };
        let lane_id = ConnectionId(sync.chargify_connection_id);
        self.enqueue(&mut *tx, &job, &Queueing { workspace_id, lane_id, priority: Priority::Live, delay_ms: 0 })
            .await?;
        let line = NewAuditLine::by(by.actor(), AuditAction::NoteRetried, self.clock().now())
            .about(format!("{kind}:{id}"), format!("the {kind} “{}”", title(&row)))
            .with("sync", sync.name.clone())
            .on_records(Some(&row.contact_id), None);
        audit::append(&mut *tx, workspace_id, line).await?;
        tx.commit().await
    }
}

/// Nothing is tried again at once while the sync is switched off.
fn view(row: EngagementRow, switches: Switches, goes_on: bool) -> EngagementView {
    let is_off = row.kind.parse().is_ok_and(|kind| !switches.is_on(kind));
    let told: Told = serde_json::from_value(row.told.clone()).unwrap_or_default();
    let can = match row.state.as_str() {
        _ if is_off || !goes_on => "",
        "failed" => "again",
        "lost" => "anew",
        _ => "",
    };
    let words = match row.state.as_str() {
        _ if is_off => "Its kind is switched off in this sync: it stays as it is.",
        "open" => "It changed and is about to be written.",
        "in_step" => "The note in Chargify says the same.",
        "deleted" if row.note_id.is_some() => "It was deleted in GoHighLevel, and the note in Chargify says so.",
        "deleted" => "It was deleted in GoHighLevel before it was written to Chargify.",
        _ => row.detail.as_str(),
    };
    EngagementView {
        title: title(&row),
        when: told.at,
        state: if is_off { "off".to_owned() } else { row.state.clone() },
        words: words.to_owned(),
        written_at: row.written_at.map(At::from),
        can: can.to_owned(),
        kind: row.kind,
        id: row.remote_id,
        subscription_id: row.subscription_id,
    }
}

/// Its title, or how its text begins.
fn title(row: &EngagementRow) -> String {
    let told: Told = serde_json::from_value(row.told.clone()).unwrap_or_default();
    let text = told.title.or(told.body).unwrap_or_default();
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() {
        let is_gone = row.deleted_at.is_some();
        return if is_gone { "(deleted)".to_owned() } else { row.remote_id.clone() };
    }
    if line.chars().count() <= TITLE_CHARS {
        return line;
    }
    let mut short: String = line.chars().take(TITLE_CHARS - 1).collect();
    short.push('…');
    short
}
