//! Billing facts told to GoHighLevel on request: each in a custom field named after it, which is made where there is none,
//! and a rule for it. The state as a tag needs no field.

use super::Known;
use crate::{
    Actor, Editor, Engine, EngineError, Result, Viewer,
    audit::{self, AuditAction, NewAuditLine},
    clients::{CallContext, Priority, highlevel::CustomField},
    sync::{Clients, SyncContext},
    syncs,
};
use domain::{
    Side,
    field::Field,
    mapping::{Conflict, Direction, Mapping, Rule, TAGS},
    record::FieldKey,
    subscription::{FACTS, Fact},
    view::FactView,
};

/// Stands in the history of the mapping.
const REASON: &str = "billing facts told to GoHighLevel";

impl Engine {
    /// Every billing fact: the custom field it is told in, or the one that would be made for it. As last read; nothing is
    /// asked.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; database errors.
    pub async fn billing_facts(&self, viewer: &Viewer, sync: &str) -> Result<Vec<FactView>> {
        let mut conn = self.store().session().await?;
        let row = conn.sync_by_name(viewer.workspace_id(), sync).await?.ok_or(EngineError::NotFound("sync"))?;
        drop(conn);
        let (mapping, known) = (row.mapping()?, Known::of(&row)?);
        let catalogue = known.catalogue(&mapping);
        let view = |fact: &Fact| {
            let rule = mapping.rules.iter().find(|rule| rule.chargify.as_str() == fact.key);
            let there = catalogue.fields(Side::Highlevel).values().any(|field| {
                field.is_custom() && is_named(&field.label, fact) && field.data_type.as_deref() == fact.data_type
            });
            FactView {
                key: fact.key.to_owned(),
                label: fact.label.to_owned(),
                kind: made(fact).map(|field| field.type_words()),
                told_in: rule.map(|rule| catalogue.label(Side::Highlevel, &rule.highlevel).to_owned()),
                is_there: there,
            }
        };
        Ok(FACTS.iter().map(view).collect())
    }

    /// Has the named facts told to GoHighLevel, those that are not yet, and says line by line what was done.
    ///
    /// A custom field of the fact's name and type is used if there is one, and else made. Doing it twice makes nothing
    /// twice, also after an answer that was lost.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::Invalid`] for an unknown fact and for a field of that name and another
    /// type: then nothing is made; [`EngineError::Upstream`]; database errors.
    pub async fn tell_billing_facts(&self, editor: &Editor, sync: &str, facts: &[String]) -> Result<Vec<String>> {
        self.tell_facts_by(editor.actor(), sync, facts).await
    }

    pub(crate) async fn tell_facts_by(&self, actor: &Actor, sync: &str, facts: &[String]) -> Result<Vec<String>> {
        let wanted = named(facts)?;
        let mut conn = self.store().session().await?;
        let row = conn.sync_by_name(actor.workspace_id(), sync).await?.ok_or(EngineError::NotFound("sync"))?;
        drop(conn);
        let context = SyncContext::of(row)?;
        let mapped = context.row.mapping()?;
        let open: Vec<&Fact> = wanted
            .into_iter()
            .filter(|fact| mapped.rules.iter().all(|rule| rule.chargify.as_str() != fact.key))
            .collect();
        if open.is_empty() {
            return Ok(Vec::new());
        }
        let (mut rules, mut done) = (Vec::new(), Vec::new());
        if open.iter().any(|fact| fact.data_type.is_some()) {
            let clients = self.clients(&context).await?;
            let call = CallContext::new(Priority::Live, actor.key());
            let there = clients.highlevel.custom_fields(&call).await?;
            if let Some(faults) = faults(&open, &there) {
                return Err(EngineError::Invalid(faults));
            }
            for fact in &open {
                if let Some((field, words)) = self.field_for(actor, &context, (&clients, &call), (fact, &there)).await?
                {
                    rules.push(rule(FieldKey::custom_field(&field.id), fact));
                    done.extend(words);
                }
            }
            // A rule rests while its field is not known to be there.
            let by = (actor.key(), actor.name().to_owned());
            self.read_fields(&context, &clients, (Side::Highlevel, &call), by).await?;
        }
        rules.extend(open.iter().filter(|fact| fact.data_type.is_none()).map(|fact| rule(FieldKey::from(TAGS), fact)));
        done.extend(self.add_rules(actor, sync, rules).await?);
        Ok(done)
    }

    /// The custom field of a fact, and what was done to have it. `None`: it needs none.
    async fn field_for(
        &self,
        actor: &Actor,
        context: &SyncContext,
        (clients, call): (&Clients, &CallContext),
        (fact, there): (&Fact, &[CustomField]),
    ) -> Result<Option<(CustomField, Option<String>)>> {
        let Some(data_type) = fact.data_type else { return Ok(None) };
        if let Some(known) = there.iter().find(|field| is_named(&field.name, fact)) {
            return Ok(Some((known.clone(), None)));
        }
        let made = clients.highlevel.create_custom_field(call, fact.label, data_type).await?;
        let connection_id = context.highlevel_id();
        let line = NewAuditLine::by(actor, AuditAction::FieldMade, self.clock().now())
            .about(format!("connection:{connection_id}"), &context.row.highlevel)
            .with("side", Side::Highlevel.as_str())
            .with("field", made.id.as_str())
            .with("name", made.name.as_str())
            .with("type", data_type);
        let mut tx = self.store().begin().await?;
        audit::append(&mut *tx, context.workspace_id, line).await?;
        tx.commit().await?;
        let words = format!("custom field {} ({}) made in GoHighLevel", made.name, made.field().type_words());
        Ok(Some((made, Some(words))))
    }

    /// Adds rules to the mapping as it is by now.
    async fn add_rules(&self, actor: &Actor, sync: &str, rules: Vec<Rule>) -> Result<Option<String>> {
        let mut tx = self.store().begin().await?;
        let row = tx.sync_by_name(actor.workspace_id(), sync).await?.ok_or(EngineError::NotFound("sync"))?;
        let mut mapping: Mapping = row.mapping()?;
        let new: Vec<Rule> = rules
            .into_iter()
            .filter(|rule| mapping.rules.iter().all(|known| known.chargify != rule.chargify))
            .collect();
        mapping.rules.extend(new);
        let faults = syncs::mapping_faults(&mapping);
        if !faults.is_empty() {
            return Err(EngineError::Invalid(faults));
        }
        let saved = syncs::write_mapping(self, &mut *tx, actor, &row, (&mapping, REASON)).await?;
        tx.commit().await?;
        Ok(saved.then(|| format!("mapping saved as version {}", row.mapping_version + 1)))
    }
}

/// The facts of these names.
fn named(facts: &[String]) -> Result<Vec<&'static Fact>> {
    let find = |name: &String| FACTS.iter().find(|fact| fact.key == name.trim()).ok_or_else(|| unknown(name));
    let (mut found, mut faults) = (Vec::new(), Vec::new());
    for fact in facts.iter().map(find) {
        match fact {
            Ok(fact) => found.push(fact),
            Err(fault) => faults.push(fault),
        }
    }
    if faults.is_empty() { Ok(found) } else { Err(EngineError::Invalid(faults)) }
}

/// What is wrong with the name of a fact, and which there are.
pub(crate) fn unknown(name: &str) -> String {
    let all: Vec<&str> = FACTS.iter().map(|fact| fact.key).collect();
    format!("{name} is no billing fact; choose from {}", all.join(", "))
}

fn is_named(name: &str, fact: &Fact) -> bool {
    name.trim().eq_ignore_ascii_case(fact.label)
}

/// The field as it would be made.
fn made(fact: &Fact) -> Option<Field> {
    fact.data_type.map(|data_type| Field::highlevel_custom("new", fact.label, data_type))
}

/// Fields of a fact's name that cannot hold it.
fn faults(facts: &[&Fact], there: &[CustomField]) -> Option<Vec<String>> {
    let fault = |fact: &&Fact| {
        let data_type = fact.data_type?;
        let field = there.iter().find(|field| is_named(&field.name, fact) && field.data_type != data_type)?;
        Some(format!(
            "GoHighLevel has a custom field {} of another type ({}); rename it there, or map {} to a field of your choice",
            field.name,
            field.field().type_words(),
            fact.key
        ))
    };
    let faults: Vec<String> = facts.iter().filter_map(fault).collect();
    (!faults.is_empty()).then_some(faults)
}

fn rule(highlevel: FieldKey, fact: &Fact) -> Rule {
    Rule { direction: Direction::ToHighlevel, conflict: Conflict::Chargify, ..Rule::new(highlevel, fact.key) }
}
