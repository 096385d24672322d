//! The mapping of a sync: read from a form, checked, and saved as a version that is never changed again.

use super::{chain, named, reason_fault, view};
use crate::{
    Actor, Editor, Engine, EngineError, Result, Viewer,
    audit::{self, AuditAction, NewAuditLine},
    fields::Known,
    store::{self, Tables, syncs::SyncRow},
};
use domain::{
    Side,
    field::{Catalogue, Field},
    limits,
    mapping::{Conflict, Direction, EmptyRule, Mapping, Rule},
    record::FieldKey,
    view::{At, FieldChoiceView, MappingVersionView},
};

/// A mapping row as a form sends it; every word as in the configuration file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleDraft {
    pub highlevel: String,
    pub chargify: String,
    /// `both`, `to_chargify`, `to_highlevel`; blank: `both`.
    pub direction: String,
    /// `newest`, `highlevel`, `chargify`, `fill_empty`, `ask`; blank: `newest`.
    pub conflict: String,
    /// `copy_empties`, `never_clear`, `clear_only_ours`; blank: what the row had, for a new one `clear_only_ours`.
    pub empty: String,
    /// Steps joined by ` | `; blank: none.
    pub transform: String,
}

impl Engine {
    /// Saves a new version of the mapping and makes it the current one; the same rules again save nothing. Returns the
    /// number of the current version.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] naming every row that breaks a rule; [`EngineError::NotFound`]; database errors.
    pub async fn save_mapping(&self, editor: &Editor, sync: &str, drafts: Vec<RuleDraft>, reason: &str) -> Result<u32> {
        let reason = reason.trim();
        let mut tx = self.store().begin().await?;
        let row = named(&mut *tx, editor.workspace_id(), sync).await?;
        let mut faults = Vec::new();
        faults.extend(reason_fault(reason, "the mapping changes"));
        let mapping = read(&drafts, &row.mapping()?, &mut faults);
        faults.extend(mapping_faults_among(&mapping, &Known::of(&row)?));
        if !faults.is_empty() {
            return Err(EngineError::Invalid(faults));
        }
        write_mapping(self, &mut *tx, editor.actor(), &row, (&mapping, reason)).await?;
        let version = named(&mut *tx, editor.workspace_id(), sync).await?.mapping_version;
        tx.commit().await?;
        Ok(u32::try_from(version).unwrap_or_default())
    }

    /// Versions of the mapping, newest first; at most 100.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; database errors.
    pub async fn mapping_versions(&self, viewer: &Viewer, sync: &str) -> Result<Vec<MappingVersionView>> {
        let mut conn = self.pool().acquire().await?;
        let row = named(&mut conn, viewer.workspace_id(), sync).await?;
        let versions = store::syncs::mapping_versions(&mut conn, viewer.workspace_id(), row.sync_id()).await?;
        let view = |(version, author, reason, created_at)| MappingVersionView {
            version: u32::try_from(version).unwrap_or_default(),
            author,
            reason,
            created_at: At::from(created_at),
        };
        Ok(versions.into_iter().map(view).collect())
    }

    /// The fields a rule can name: GoHighLevel's, then Chargify's, those that the accounts made themselves as last read.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; database errors.
    pub async fn field_choices(
        &self,
        viewer: &Viewer,
        sync: &str,
    ) -> Result<(Vec<FieldChoiceView>, Vec<FieldChoiceView>)> {
        let mut conn = self.pool().acquire().await?;
        let row = named(&mut conn, viewer.workspace_id(), sync).await?;
        let samples = store::syncs::samples(&mut conn, viewer.workspace_id(), row.sync_id()).await?;
        let known = Known::of(&row)?;
        let mut catalogue = known.catalogue(&row.mapping()?);
        if known.side(Side::Highlevel).is_none() {
            // As long as nobody asked for them, those seen in contacts are better than none.
            let seen =
                samples.highlevel.iter().filter_map(serde_json::Value::as_object).flat_map(serde_json::Map::keys);
            for id in seen.filter_map(|key| FieldKey::from(key.as_str()).custom_field_id().map(str::to_owned)) {
                if catalogue.get(Side::Highlevel, &FieldKey::custom_field(&id)).is_none() {
                    catalogue.add(Field::highlevel_custom(&id, &id, "TEXT"));
                }
            }
        }
        let choices = |side| view::choices(&catalogue, &known, side);
        Ok((choices(Side::Highlevel), choices(Side::Chargify)))
    }
}

/// The standard fields, and those of its own that this mapping names.
pub(crate) fn catalogue_for(mapping: &Mapping) -> Catalogue {
    Known::default().catalogue(mapping)
}

/// What keeps a mapping from being used whatever the accounts have, each with what to do.
pub(crate) fn mapping_faults(mapping: &Mapping) -> Vec<String> {
    mapping_faults_among(mapping, &Known::default())
}

/// What keeps a mapping from being used with accounts of which so much is known, each with what to do.
pub(crate) fn mapping_faults_among(mapping: &Mapping, known: &Known) -> Vec<String> {
    let mut faults = Vec::new();
    if mapping.rules.len() > limits::MAPPING_RULES {
        faults.push(format!("the mapping has more than {} rules", limits::MAPPING_RULES));
    }
    for rule in mapping.rules.iter().filter(|rule| rule.transform.len() > limits::TRANSFORM_CHAIN) {
        faults.push(format!("{}: more than {} transforms", rule.key(), limits::TRANSFORM_CHAIN));
    }
    faults.extend(known.metafield_faults(mapping));
    let problems = mapping.check(&known.catalogue(mapping));
    faults.extend(problems.iter().map(|problem| format!("{problem}. {}", problem.fix())));
    faults
}

/// Saves a version in the caller's transaction, unless the rules are the current ones. The input has been checked.
pub(crate) async fn write_mapping(
    engine: &Engine,
    conn: &mut dyn Tables,
    actor: &Actor,
    row: &SyncRow,
    (mapping, reason): (&Mapping, &str),
) -> Result<bool> {
    let before = row.mapping()?;
    if before == *mapping {
        return Ok(false);
    }
    let (workspace_id, sync_id) = (actor.workspace_id(), row.sync_id());
    let rules = to_json(mapping)?;
    let version = conn.insert_mapping(workspace_id, sync_id, &rules, actor.name(), reason).await?;
    // Looked at once the sync's row is ours: a run that begins to write looks at the version first.
    if let Some(number) = conn.run_writing_now(workspace_id, sync_id).await? {
        return Err(EngineError::invalid(format!(
            "run {number} is writing by the mapping as it is. Cancel run {number}, or wait until it has ended, then save again"
        )));
    }
    // What was agreed under a rule that now means something else holds no longer.
    let changed: Vec<String> = before.rules_changed_in(mapping).into_iter().map(|key| key.0).collect();
    conn.forget_rules(workspace_id, sync_id, &changed).await?;
    let line = NewAuditLine::by(actor, AuditAction::MappingSaved, engine.clock().now())
        .about(format!("sync:{sync_id}"), &row.name)
        .with("version", version)
        .with("reason", reason)
        .with("before", to_json(&before)?)
        .with("after", rules);
    audit::append(conn, workspace_id, line).await?;
    Ok(true)
}

pub(super) fn to_json(mapping: &Mapping) -> Result<serde_json::Value> {
    serde_json::to_value(mapping).map_err(|_infallible| EngineError::Bug("a mapping does not serialise"))
}

/// Rows that cannot be read are left out and told.
fn read(drafts: &[RuleDraft], current: &Mapping, faults: &mut Vec<String>) -> Mapping {
    let mut rules = Vec::with_capacity(drafts.len());
    for (number, draft) in drafts.iter().enumerate() {
        let label = format!("row {} ({} – {})", number + 1, draft.highlevel.trim(), draft.chargify.trim());
        match rule(draft, current) {
            Ok(rule) => rules.push(rule),
            Err(what) => faults.extend(what.into_iter().map(|what| format!("{label}: {what}"))),
        }
    }
    Mapping { rules }
}

fn rule(draft: &RuleDraft, current: &Mapping) -> Result<Rule, Vec<String>> {
    let mut faults = Vec::new();
    let mut rule = Rule::new(draft.highlevel.trim(), draft.chargify.trim());
    match direction(draft.direction.trim()) {
        Some(direction) => rule.direction = direction,
        None => faults.push("direction: choose both, to_chargify or to_highlevel".to_owned()),
    }
    match conflict(draft.conflict.trim()) {
        Some(conflict) => rule.conflict = conflict,
        None => faults.push("conflict: choose newest, highlevel, chargify, fill_empty or ask".to_owned()),
    }
    match chain::parse(&draft.transform) {
        Ok(chain) => rule.transform = chain,
        Err(fault) => faults.push(fault),
    }
    match empty(draft.empty.trim()) {
        Some(Some(empty)) => rule.empty = empty,
        Some(None) => rule.empty = current.rule(&rule.key()).map_or_else(EmptyRule::default, |known| known.empty),
        None => faults.push("empty: choose copy_empties, never_clear or clear_only_ours".to_owned()),
    }
    if faults.is_empty() { Ok(rule) } else { Err(faults) }
}

fn direction(word: &str) -> Option<Direction> {
    let all = [Direction::Both, Direction::ToChargify, Direction::ToHighlevel];
    if word.is_empty() { Some(Direction::Both) } else { all.into_iter().find(|known| known.as_str() == word) }
}

fn conflict(word: &str) -> Option<Conflict> {
    let all = [Conflict::Newest, Conflict::Highlevel, Conflict::Chargify, Conflict::FillEmpty, Conflict::Ask];
    if word.is_empty() { Some(Conflict::Newest) } else { all.into_iter().find(|known| known.as_str() == word) }
}

/// `None` for a word that means nothing, `Some(None)` when nothing was chosen.
fn empty(word: &str) -> Option<Option<EmptyRule>> {
    let all = [EmptyRule::CopyEmpties, EmptyRule::NeverClear, EmptyRule::ClearOnlyOurs];
    if word.is_empty() { Some(None) } else { all.into_iter().find(|known| known.as_str() == word).map(Some) }
}
