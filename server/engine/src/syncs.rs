//! Syncs: which two connections are kept in agreement, under which policies and mapping.

mod chain;
mod mapping;
mod view;

pub use mapping::RuleDraft;
pub(crate) use mapping::{catalogue_for, mapping_faults, write_mapping};

use crate::{
    Actor, Editor, Engine, EngineError, Result, Viewer,
    audit::{self, AuditAction, NewAuditLine},
    store::{
        self,
        connections::ConnectionRow,
        syncs::{NewSync, PolicyRow, SyncRow},
    },
};
use domain::{
    Side, SyncId, WorkspaceId, limits,
    mapping::Mapping,
    matching::MatchPolicy,
    scope::Scope,
    view::{SyncDraft, SyncView},
};
use serde_json::json;
use sqlx::{Connection as _, PgConnection};
use time::{OffsetDateTime, Time};

/// Everything of a sync but its name, its connections and its mapping, as entered in a form or a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    pub(crate) enabled: bool,
    /// Requests in flight at the Chargify site at most.
    pub(crate) slots: u16,
    pub(crate) scope: Scope,
    pub(crate) matching: MatchPolicy,
    pub(crate) create_contacts: bool,
    pub(crate) write_reference: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            enabled: false,
            slots: limits::LANE_SLOTS_DEFAULT,
            scope: Scope::default(),
            matching: MatchPolicy::default(),
            create_contacts: false,
            write_reference: true,
        }
    }
}

impl Policy {
    /// What breaks a rule, each with what to do.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if !(limits::LANE_SLOTS_MIN..=limits::LANE_SLOTS_MAX).contains(&self.slots) {
            faults.push(format!(
                "slots: {} is not between {} and {}, the most Chargify lets run at once",
                self.slots,
                limits::LANE_SLOTS_MIN,
                limits::LANE_SLOTS_MAX
            ));
        }
        let tags = [("tag", &self.scope.tag), ("not_tag", &self.scope.not_tag)];
        for (field, tag) in tags {
            if tag.as_ref().is_some_and(|tag| tag.trim().is_empty()) {
                faults.push(format!("{field}: is blank; name a tag, or leave it out"));
            }
        }
        if self.scope.tag.is_some() && self.scope.tag == self.scope.not_tag {
            faults.push("not_tag: is the tag every contact must carry, so no contact would take part".to_owned());
        }
        faults
    }

    fn row(&self) -> Result<PolicyRow> {
        let bug = |_infallible| EngineError::Bug("a policy does not serialise");
        Ok(PolicyRow {
            enabled: self.enabled,
            slots: i16::try_from(self.slots).map_err(|_range| EngineError::Bug("slots out of range"))?,
            scope: serde_json::to_value(&self.scope).map_err(bug)?,
            match_policy: serde_json::to_value(&self.matching).map_err(bug)?,
            create_contacts: self.create_contacts,
            write_reference: self.write_reference,
        })
    }
}

impl SyncRow {
    pub(crate) fn sync_id(&self) -> SyncId {
        SyncId(self.sync_id)
    }

    /// The policies as stored; the database holds nothing else than what was checked.
    pub(crate) fn policy(&self) -> Result<Policy> {
        let bug = |_shape| EngineError::Bug("a stored policy does not read back");
        Ok(Policy {
            enabled: self.enabled,
            slots: u16::try_from(self.slots).map_err(|_range| EngineError::Bug("slots out of range"))?,
            scope: serde_json::from_value(self.scope.clone()).map_err(bug)?,
            matching: serde_json::from_value(self.match_policy.clone()).map_err(bug)?,
            create_contacts: self.create_contacts,
            write_reference: self.write_reference,
        })
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

    async fn sync_view(&self, conn: &mut PgConnection, row: SyncRow) -> Result<SyncView> {
        let workspace_id = WorkspaceId(row.workspace_id);
        let today = self.clock().now().replace_time(Time::MIDNIGHT);
        let tally = store::syncs::tally(conn, workspace_id, row.sync_id(), today).await?;
        let samples = store::syncs::samples(conn, workspace_id, row.sync_id()).await?;
        view::sync(&row, tally, &samples)
    }

    /// Creates a sync with the default mapping, switched off: nothing is written before a run is started by hand.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] naming every field that breaks a rule; database errors.
    pub async fn create_sync(&self, editor: &Editor, draft: SyncDraft) -> Result<()> {
        let workspace_id = editor.workspace_id();
        let tag = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let policy = Policy {
            slots: u16::from(draft.slots),
            scope: Scope {
                require_email: draft.require_email,
                tag: tag(&draft.only_tag),
                not_tag: tag(&draft.not_tag),
            },
            create_contacts: draft.create_contacts,
            ..Policy::default()
        };
        let mut conn = self.pool().acquire().await?;
        let mut tx = conn.begin().await?;
        let connections = store::connections::list(&mut tx, workspace_id).await?;
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
        } else if store::syncs::find(&mut tx, workspace_id, &draft.name).await?.is_some() {
            faults.push(format!("name: there is a sync named {} already", draft.name));
        }
        let (Some(highlevel), Some(chargify), true) = (highlevel, chargify, faults.is_empty()) else {
            return Err(EngineError::Invalid(faults));
        };
        let new =
            NewSyncEntry { name: &draft.name, highlevel, chargify, policy: &policy, mapping: &Mapping::default() };
        insert_sync(self, &mut tx, editor.actor(), &new).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Lets webhooks and the schedule write (`true`), or only runs started by hand (`false`).
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::AlreadyDone`] when it is so already; database errors.
    pub async fn set_enabled(&self, editor: &Editor, name: &str, enabled: bool) -> Result<()> {
        let mut conn = self.pool().acquire().await?;
        let mut tx = conn.begin().await?;
        let row = named(&mut tx, editor.workspace_id(), name).await?;
        if row.enabled == enabled {
            return Err(EngineError::AlreadyDone);
        }
        let policy = Policy { enabled, ..row.policy()? };
        change_policy(self, &mut tx, editor.actor(), &row, &policy).await?;
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
    conn: &mut PgConnection,
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
    store::syncs::insert(conn, &row).await?;
    let rules = mapping::to_json(new.mapping)?;
    store::syncs::insert_mapping(conn, workspace_id, sync_id, &rules, actor.name(), "first version").await?;
    store::syncs::set_call_slots(conn, workspace_id, new.chargify.connection_id()).await?;
    let line = NewAuditLine::by(actor, AuditAction::SyncCreated, engine.clock().now())
        .about(format!("sync:{sync_id}"), new.name)
        .with("highlevel", new.highlevel.name.as_str())
        .with("chargify", new.chargify.name.as_str())
        .with("policy", policy_json(new.policy));
    audit::append(conn, workspace_id, line).await?;
    Ok(sync_id)
}

/// Changes the policies in the caller's transaction. The input has been checked; nothing happens when it is the same.
pub(crate) async fn change_policy(
    engine: &Engine,
    conn: &mut PgConnection,
    actor: &Actor,
    row: &SyncRow,
    policy: &Policy,
) -> Result<bool> {
    let before = row.policy()?;
    if before == *policy {
        return Ok(false);
    }
    let workspace_id = actor.workspace_id();
    store::syncs::update_policy(conn, workspace_id, row.sync_id(), &policy.row()?).await?;
    let chargify = domain::ConnectionId(row.chargify_connection_id);
    store::syncs::set_call_slots(conn, workspace_id, chargify).await?;
    let now = engine.clock().now();
    let about = |action| NewAuditLine::by(actor, action, now).about(format!("sync:{}", row.sync_id), &row.name);
    if before.enabled != policy.enabled {
        let action = if policy.enabled { AuditAction::SyncEnabled } else { AuditAction::SyncDisabled };
        audit::append(conn, workspace_id, about(action)).await?;
    }
    if (Policy { enabled: policy.enabled, ..before.clone() }) != *policy {
        let line =
            about(AuditAction::SyncChanged).with("before", policy_json(&before)).with("after", policy_json(policy));
        audit::append(conn, workspace_id, line).await?;
    }
    Ok(true)
}

fn policy_json(policy: &Policy) -> serde_json::Value {
    json!({
        "enabled": policy.enabled,
        "slots": policy.slots,
        "scope": policy.scope,
        "match": policy.matching,
        "create_contacts": policy.create_contacts,
        "write_reference": policy.write_reference,
    })
}

async fn named(conn: &mut PgConnection, workspace_id: WorkspaceId, name: &str) -> Result<SyncRow> {
    store::syncs::find(conn, workspace_id, name).await?.ok_or(EngineError::NotFound("sync"))
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

/// For lists: when the sync's own reading of the change feed got that far.
fn last_read(row: &SyncRow) -> Option<OffsetDateTime> {
    row.highlevel_seen_until
}
