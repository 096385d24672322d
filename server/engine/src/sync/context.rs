//! A sync made ready to work: its rules parsed, its clients opened.

use crate::{
    Engine, EngineError, Result,
    clients::{Chargify, HighLevel},
    fields::Known,
    store::syncs::SyncRow,
};
use domain::{
    ConnectionId, Side, SyncId, WorkspaceId,
    field::Field,
    mapping::{Conflict, Direction, Mapping, Rule, RuleKey},
    matching::MatchPolicy,
    plan::SyncPolicy,
    record::FieldKey,
    scope::Scope,
};
use serde_json::Value as Json;
use std::collections::BTreeSet;

/// Everything about a sync that its work needs.
#[derive(Clone, Debug)]
pub(crate) struct SyncContext {
    pub(crate) workspace_id: WorkspaceId,
    pub(crate) sync_id: SyncId,
    pub(crate) row: SyncRow,
    /// As its work goes by: without the rules that rest.
    pub(crate) policy: SyncPolicy,
    /// The fields both accounts made themselves.
    pub(crate) known: Known,
    /// Rules that rest because a field of theirs is gone, each with why.
    pub(crate) resting: Vec<(RuleKey, String)>,
}

impl SyncContext {
    /// Parses what the row holds.
    ///
    /// # Errors
    /// [`EngineError::Bug`] when what we stored ourselves cannot be read.
    pub(crate) fn of(row: SyncRow) -> Result<Self> {
        let stored = |_unreadable: serde_json::Error| EngineError::Bug("a stored sync cannot be read");
        let mut mapping: Mapping = serde_json::from_value(row.rules.clone()).map_err(stored)?;
        plant(&mut mapping);
        let scope: Scope = serde_json::from_value(row.scope.clone()).map_err(stored)?;
        let matching: MatchPolicy = serde_json::from_value(row.match_policy.clone()).map_err(stored)?;
        let known = Known::of(&row)?;
        let catalogue = known.catalogue(&mapping);
        let mut resting = Vec::new();
        mapping.rules.retain(|rule| match known.rests(rule) {
            Some(why) => {
                resting.push((rule.key(), why));
                false
            }
            None => true,
        });
        let policy = SyncPolicy {
            scope,
            catalogue,
            mapping,
            matching,
            create_contacts: row.create_contacts,
            write_reference: row.write_reference,
            deletes: serde_json::from_value(row.deletes.clone()).map_err(stored)?,
        };
        let (workspace_id, sync_id) = (WorkspaceId(row.workspace_id), SyncId(row.sync_id));
        Ok(Self { workspace_id, sync_id, row, policy, known, resting })
    }

    /// The same sync, knowing the fields of one account as they were just read.
    pub(crate) fn with_fields(&self, side: Side, stored: Json) -> Result<Self> {
        let mut row = self.row.clone();
        match side {
            Side::Highlevel => row.highlevel_fields = Some(stored),
            Side::Chargify => row.chargify_fields = Some(stored),
        }
        Self::of(row)
    }

    /// Whether what contacts have besides their fields is carried over without being asked for.
    pub(crate) fn carries_engagements(&self) -> bool {
        self.row.enabled && self.row.policy().is_ok_and(|policy| policy.engagements.any())
    }

    /// Whether a rule names a field that the account of this side made itself, resting rules included.
    pub(crate) fn maps_own_fields(&self, side: Side) -> bool {
        self.row.mapping().is_ok_and(|mapping| mapping.rules.iter().any(|rule| names_own_field(rule, side)))
    }

    pub(crate) fn highlevel_id(&self) -> ConnectionId {
        ConnectionId(self.row.highlevel_connection_id)
    }

    pub(crate) fn chargify_id(&self) -> ConnectionId {
        ConnectionId(self.row.chargify_connection_id)
    }

    pub(crate) fn connection_id(&self, side: Side) -> ConnectionId {
        match side {
            Side::Highlevel => self.highlevel_id(),
            Side::Chargify => self.chargify_id(),
        }
    }

    /// Fields of one side that the mapping names.
    pub(crate) fn mapped(&self, side: Side) -> impl Iterator<Item = &FieldKey> {
        self.policy.mapping.rules.iter().map(move |rule| rule.field(side))
    }

    /// The fields the account of one side made itself and the rules name, templates included.
    pub(crate) fn own_fields(&self, side: Side) -> Vec<Field> {
        let rules = &self.policy.mapping.rules;
        let keys: BTreeSet<FieldKey> = rules.iter().flat_map(|rule| keys_of(rule, side)).collect();
        keys.iter()
            .filter(|key| key.is_custom())
            .filter_map(|key| self.policy.catalogue.get(side, key).cloned())
            .collect()
    }
}

fn keys_of(rule: &Rule, side: Side) -> Vec<FieldKey> {
    let in_templates = rule.transform.iter().flat_map(|step| step.fields()).filter(|_| rule.source() == side);
    in_templates.chain([rule.field(side).clone()]).collect()
}

/// Whether the rule names a field that the account of this side made itself, templates included.
pub(crate) fn names_own_field(rule: &Rule, side: Side) -> bool {
    keys_of(rule, side).iter().any(FieldKey::is_custom)
}

/// Both clients of a sync.
#[derive(Clone, Debug)]
pub(crate) struct Clients {
    pub(crate) highlevel: HighLevel,
    pub(crate) chargify: Chargify,
}

impl Engine {
    /// The sync, ready to work.
    pub(crate) async fn sync_context(&self, workspace_id: WorkspaceId, sync_id: SyncId) -> Result<SyncContext> {
        let mut conn = self.store().session().await?;
        let row = conn.sync(workspace_id, sync_id).await?.ok_or(EngineError::NotFound("sync"))?;
        SyncContext::of(row)
    }

    /// Opens the credentials of both sides.
    pub(crate) async fn clients(&self, context: &SyncContext) -> Result<Clients> {
        let highlevel = self.client_for_highlevel(context.workspace_id, context.highlevel_id()).await?;
        let chargify = self.client_for_chargify(context.workspace_id, context.chargify_id()).await?;
        Ok(Clients {
            highlevel: highlevel.with_custom_fields(context.own_fields(Side::Highlevel)),
            chargify: chargify.with_metafields(context.own_fields(Side::Chargify)),
        })
    }
}

/// Where the simulation plants mistakes in what a mapping says.
fn plant(mapping: &mut Mapping) {
    for rule in &mut mapping.rules {
        if crate::planted!(IgnoreDirection) {
            rule.direction = Direction::Both;
        }
        rule.conflict = match rule.conflict {
            Conflict::Highlevel if crate::planted!(WrongWinner) => Conflict::Chargify,
            Conflict::Chargify if crate::planted!(WrongWinner) => Conflict::Highlevel,
            other => other,
        };
    }
}
