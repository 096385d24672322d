//! Syncs: which two connections are kept in agreement, under which policies and mapping.

mod chain;
mod mapping;
mod policy;
mod view;

pub use mapping::RuleDraft;
pub(crate) use mapping::{catalogue_for, mapping_faults, write_mapping};
pub(crate) use policy::{Policy, change_policy};

use crate::{
    Actor, Editor, Engine, EngineError, Result, Viewer,
    audit::{self, AuditAction, NewAuditLine},
    store::{
        self, Tables,
        connections::ConnectionRow,
        syncs::{NewSync, SyncRow},
    },
};
use domain::{
    Side, SyncId, WorkspaceId, limits,
    mapping::Mapping,
    scope::Scope,
    view::{SyncDraft, SyncView},
};
use sqlx::PgConnection;
use time::Time;

impl SyncRow {
    pub(crate) fn sync_id(&self) -> SyncId {
        SyncId(self.sync_id)
    }

    pub(crate) fn mapping(&self) -> Result<Mapping> {
        serde_json::from_value(self.rules.clone())
            .map_err(|_shape| EngineError::Bug("a stored mapping does not read back"))
    }
}

impl Engine {
    /// All syncs of the workspace, by name.
    ///
    /// # Errors
    /// Database errors.
    pub async fn syncs(&self, viewer: &Viewer) -> Result<Vec<SyncView>> {
        let workspace_id = viewer.workspace_id();
        let mut conn = self.pool().acquire().await?;
        let rows = store::syncs::list(&mut conn, workspace_id).await?;
        let mut views = Vec::with_capacity(rows.len());
        for row in rows {
            views.push(self.sync_view(&mut conn, row).await?);
        }
        Ok(views)
    }

    /// One sync by its name.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; database errors.
    pub async fn sync(&self, viewer: &Viewer, name: &str) -> Result<SyncView> {
        let mut conn = self.pool().acquire().await?;
        let row = named(&mut conn, viewer.workspace_id(), name).await?;
        self.sync_view(&mut conn, row).await
    }

    async fn sync_view(&self, mut conn: &mut PgConnection, row: SyncRow) -> Result<SyncView> {
        let workspace_id = WorkspaceId(row.workspace_id);
        let today = self.clock().now().replace_time(Time::MIDNIGHT);
        let tally = store::syncs::tally(conn, workspace_id, row.sync_id(), today).await?;
        let samples = store::syncs::samples(conn, workspace_id, row.sync_id()).await?;
        let schedule = self.schedule_brief(&mut conn, (workspace_id, row.sync_id(), row.enabled)).await?;
        Ok(SyncView { schedule, ..view::sync(&row, tally, &samples)? })
    }

    /// Creates a sync with the default mapping, switched off: nothing is written before a run is started by hand.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] naming every field that breaks a rule; database errors.
    pub async fn create_sync(&self, editor: &Editor, draft: SyncDraft) -> Result<()> {
        let workspace_id = editor.workspace_id();
        let policy = Policy {
            slots: u16::from(draft.slots),
            scope: Scope {
                require_email: draft.require_email,
                tag: entered(&draft.only_tag),
                not_tag: entered(&draft.not_tag),
            },
            create_contacts: draft.create_contacts,
            ..Policy::default()
        };
        let mut tx = self.store().begin().await?;
        let connections = tx.connections(workspace_id).await?;
        let mut faults = policy.faults();
        let mut side = |field: &str, name: &str, side: Side| match connection_of(&connections, name, side) {
            Ok(row) => Some(row),
            Err(fault) => {
                faults.push(format!("{field}: {fault}"));
                None
            }
        };
        let highlevel = side("highlevel", &draft.highlevel, Side::Highlevel);
        let chargify = side("chargify", &draft.chargify, Side::Chargify);
        if let Some(fault) = name_fault(&draft.name) {
            faults.push(fault);
        } else if tx.sync_by_name(workspace_id, &draft.name).await?.is_some() {
            faults.push(format!("name: there is a sync named {} already", draft.name));
        }
        let (Some(highlevel), Some(chargify), true) = (highlevel, chargify, faults.is_empty()) else {
            return Err(EngineError::Invalid(faults));
        };
        let new =
            NewSyncEntry { name: &draft.name, highlevel, chargify, policy: &policy, mapping: &Mapping::default() };
        insert_sync(self, &mut *tx, editor.actor(), &new).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// A sync about to be made.
pub(crate) struct NewSyncEntry<'a> {
    pub(crate) name: &'a str,
    pub(crate) highlevel: &'a ConnectionRow,
    pub(crate) chargify: &'a ConnectionRow,
    pub(crate) policy: &'a Policy,
    pub(crate) mapping: &'a Mapping,
}

/// Makes a sync and the first version of its mapping in the caller's transaction. The input has been checked.
pub(crate) async fn insert_sync(
    engine: &Engine,
    conn: &mut dyn Tables,
    actor: &Actor,
    new: &NewSyncEntry<'_>,
) -> Result<SyncId> {
    let workspace_id = actor.workspace_id();
    let sync_id = SyncId(engine.entropy().uuid());
    let row = NewSync {
        workspace_id,
        sync_id,
        name: new.name,
        highlevel: new.highlevel.connection_id(),
        chargify: new.chargify.connection_id(),
        policy: new.policy.row()?,
    };
    conn.insert_sync(&row).await?;
    let rules = mapping::to_json(new.mapping)?;
    conn.insert_mapping(workspace_id, sync_id, &rules, actor.name(), "first version").await?;
    conn.set_call_slots(workspace_id, new.chargify.connection_id()).await?;
    let line = NewAuditLine::by(actor, AuditAction::SyncCreated, engine.clock().now())
        .about(format!("sync:{sync_id}"), new.name)
        .with("highlevel", new.highlevel.name.as_str())
        .with("chargify", new.chargify.name.as_str())
        .with("policy", policy::policy_json(new.policy));
    audit::append(conn, workspace_id, line).await?;
    Ok(sync_id)
}

pub(crate) async fn named(conn: &mut dyn Tables, workspace_id: WorkspaceId, name: &str) -> Result<SyncRow> {
    conn.sync_by_name(workspace_id, name).await?.ok_or(EngineError::NotFound("sync"))
}

/// The connection of that name and side, or why it will not do.
pub(crate) fn connection_of<'a>(
    connections: &'a [ConnectionRow],
    name: &str,
    side: Side,
) -> Result<&'a ConnectionRow, String> {
    match connections.iter().find(|row| row.name == name) {
        Some(row) if row.side == side.as_str() => Ok(row),
        Some(_) => Err(format!("the connection {name} is not one to {}; name one that is", side.label())),
        None if name.trim().is_empty() => Err(format!("name a connection to {}", side.label())),
        None => Err(format!("there is no connection named {name}; add it first, or correct the name")),
    }
}

/// Why a name cannot be a sync's; it stands in addresses and on the command line.
pub(crate) fn name_fault(name: &str) -> Option<String> {
    let first = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let fits = name.len() <= 63 && name.starts_with(first) && name.chars().all(|c| first(c) || matches!(c, '-' | '_'));
    (!fits).then(|| {
        "name: begin with a lower-case letter or a digit and go on with those, - and _, 63 characters at most"
            .to_owned()
    })
}

/// What was written into a field that may stay empty.
fn entered(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// What is wrong with the reason a change is given; it stands in the audit trail.
pub(crate) fn reason_fault(reason: &str, what: &str) -> Option<String> {
    if reason.is_empty() {
        return Some(format!("reason: say in a few words why {what}"));
    }
    let fits = reason.chars().count() <= limits::FORM_TEXT_CHARS;
    (!fits).then(|| format!("reason: at most {} characters", limits::FORM_TEXT_CHARS))
}
