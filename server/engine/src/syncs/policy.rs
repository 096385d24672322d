//! The policies of a sync: who takes part, how partners are found, what may be made, how many calls at once, and
//! whether it writes by itself.

use super::{entered, named, reason_fault};
use crate::{
    Actor, Editor, Engine, EngineError, Result,
    audit::{self, AuditAction, NewAuditLine},
    store::{
        Tables,
        syncs::{PolicyRow, SyncRow},
    },
};
use domain::{
    deletes::DeletePolicy, engagement::Switches, limits, matching::MatchPolicy, scope::Scope, view::SettingsDraft,
};
use serde_json::json;

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
    pub(crate) engagements: Switches,
    pub(crate) deletes: DeletePolicy,
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
            engagements: Switches::default(),
            deletes: DeletePolicy::default(),
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
        faults.extend(self.scope.faults());
        faults.extend(self.matching.faults());
        faults.extend(self.deletes.faults());
        faults
    }

    pub(super) fn row(&self) -> Result<PolicyRow> {
        let bug = |_infallible| EngineError::Bug("a policy does not serialise");
        Ok(PolicyRow {
            enabled: self.enabled,
            slots: i16::try_from(self.slots).map_err(|_range| EngineError::Bug("slots out of range"))?,
            scope: serde_json::to_value(&self.scope).map_err(bug)?,
            match_policy: serde_json::to_value(&self.matching).map_err(bug)?,
            create_contacts: self.create_contacts,
            write_reference: self.write_reference,
            engagements: serde_json::to_value(self.engagements).map_err(bug)?,
            deletes: serde_json::to_value(self.deletes).map_err(bug)?,
        })
    }

    /// What differs besides whether it is switched on: name, before and after, in words.
    fn differences(&self, other: &Self) -> Vec<(&'static str, String, String)> {
        let yes = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let of = |policy: &Self| {
            [
                ("e-mail address required", yes(policy.scope.require_email)),
                ("only with the tag", text(&policy.scope.tag)),
                ("never with the tag", text(&policy.scope.not_tag)),
                ("matching by reference", yes(policy.matching.reference)),
                ("matching by e-mail", yes(policy.matching.email)),
                ("matching by phone and name", yes(policy.matching.phone_name)),
                ("prefix of the reference", text(&policy.matching.prefix)),
                ("creating contacts", yes(policy.create_contacts)),
                ("writing the reference", yes(policy.write_reference)),
                ("carrying over notes", yes(policy.engagements.notes)),
                ("carrying over tasks", yes(policy.engagements.tasks)),
                ("carrying over appointments", yes(policy.engagements.appointments)),
                ("when a contact is deleted", policy.deletes.contact.as_str().to_owned()),
                ("when a customer is deleted", policy.deletes.customer.as_str().to_owned()),
                ("calls in flight", policy.slots.to_string()),
            ]
        };
        let pairs = of(self).into_iter().zip(of(other));
        let pairs = pairs.filter(|((_, before), (_, after))| before != after);
        pairs.map(|((what, before), (_, after))| (what, before, after)).collect()
    }
}

impl SyncRow {
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
            engagements: serde_json::from_value(self.engagements.clone()).map_err(bug)?,
            deletes: serde_json::from_value(self.deletes.clone()).map_err(bug)?,
        })
    }
}

impl Engine {
    /// Lets webhooks and the schedule write (`true`), or only runs started by hand (`false`).
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::AlreadyDone`] when it is so already; database errors.
    pub async fn set_enabled(&self, editor: &Editor, name: &str, enabled: bool) -> Result<()> {
        let mut tx = self.store().begin().await?;
        let row = named(&mut *tx, editor.workspace_id(), name).await?;
        if row.enabled == enabled {
            return Err(EngineError::AlreadyDone);
        }
        let policy = Policy { enabled, ..row.policy()? };
        change_policy(self, &mut *tx, editor.actor(), &row, (&policy, None)).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Changes everything about a sync but its connections, its mapping and whether it is switched on. The next run,
    /// and every change carried over from now on, goes by it; pairs that no longer take part stay as they are. False:
    /// it was so already.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::Invalid`] naming every field that breaks a rule; database errors.
    pub async fn change_settings(&self, editor: &Editor, name: &str, draft: &SettingsDraft) -> Result<bool> {
        let reason = draft.reason.trim();
        let mut tx = self.store().begin().await?;
        let row = named(&mut *tx, editor.workspace_id(), name).await?;
        let policy = settled(draft, &row.policy()?);
        let mut faults = policy.faults();
        faults.extend(reason_fault(reason, "the settings change"));
        if !faults.is_empty() {
            return Err(EngineError::Invalid(faults));
        }
        let changed = change_policy(self, &mut *tx, editor.actor(), &row, (&policy, Some(reason))).await?;
        tx.commit().await?;
        Ok(changed)
    }
}

/// What the form asks for; whether the sync is switched on is not in it.
fn settled(draft: &SettingsDraft, current: &Policy) -> Policy {
    Policy {
        enabled: current.enabled,
        slots: draft.slots,
        scope: Scope {
            require_email: draft.require_email,
            tag: entered(&draft.only_tag),
            not_tag: entered(&draft.not_tag),
        },
        matching: MatchPolicy {
            reference: draft.match_reference,
            email: draft.match_email,
            phone_name: draft.match_phone_name,
            prefix: entered(&draft.prefix),
        },
        create_contacts: draft.create_contacts,
        write_reference: draft.write_reference,
        deletes: DeletePolicy { contact: draft.contact_deleted, customer: draft.customer_deleted },
        engagements: Switches {
            notes: draft.carry_notes,
            tasks: draft.carry_tasks,
            appointments: draft.carry_appointments,
        },
    }
}

/// Changes the policies in the caller's transaction. The input has been checked; nothing happens when it is the same.
pub(crate) async fn change_policy(
    engine: &Engine,
    conn: &mut dyn Tables,
    actor: &Actor,
    row: &SyncRow,
    (policy, reason): (&Policy, Option<&str>),
) -> Result<bool> {
    let before = row.policy()?;
    if before == *policy {
        return Ok(false);
    }
    let workspace_id = actor.workspace_id();
    conn.update_sync_policy(workspace_id, row.sync_id(), &policy.row()?).await?;
    let chargify = domain::ConnectionId(row.chargify_connection_id);
    conn.set_call_slots(workspace_id, chargify).await?;
    let now = engine.clock().now();
    let about = |action| NewAuditLine::by(actor, action, now).about(format!("sync:{}", row.sync_id), &row.name);
    if before.enabled != policy.enabled {
        let action = if policy.enabled { AuditAction::SyncEnabled } else { AuditAction::SyncDisabled };
        audit::append(conn, workspace_id, about(action)).await?;
    }
    let changed = before.differences(policy);
    if !changed.is_empty() {
        let line =
            about(AuditAction::SyncChanged).with("before", policy_json(&before)).with("after", policy_json(policy));
        let line = reason.into_iter().fold(line, |line, reason| line.with("reason", reason));
        let line = changed.iter().fold(line, |line, (what, before, after)| line.change("", what, before, after));
        audit::append(conn, workspace_id, line).await?;
    }
    Ok(true)
}

/// As it stands in the audit trail.
pub(super) fn policy_json(policy: &Policy) -> serde_json::Value {
    json!({
        "enabled": policy.enabled,
        "slots": policy.slots,
        "scope": policy.scope,
        "match": policy.matching,
        "create_contacts": policy.create_contacts,
        "write_reference": policy.write_reference,
        "engagements": policy.engagements,
        "deletes": policy.deletes,
    })
}
