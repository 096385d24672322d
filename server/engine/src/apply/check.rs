//! From text to checked wishes: everything that can be found wrong without the database, all together, each with its
//! line.

use super::{
    CredentialLookup,
    file::{ConnectionEntry, FieldEntry, File, Kind, ScheduleEntry, SyncEntry, Webhooks},
};
use crate::{
    EngineError, Result,
    connections::{CredentialField, NewApp, NewConnection},
    fields::unknown_fact,
    syncs::{Policy, catalogue_for, mapping_faults, name_fault},
};
use domain::{
    Side, limits,
    mapping::{Mapping, Rule},
    problem::Problem,
    schedule::{Schedule, ScheduleText},
    subscription::FACTS,
};
use secrecy::SecretString;
use std::collections::BTreeSet;
use toml::Spanned;

/// A connection the file wants.
pub(super) struct CheckedConnection {
    pub(super) new: NewConnection,
    /// Concord registers the endpoint of its webhooks by itself.
    pub(super) registers: bool,
    line: usize,
}

/// A sync the file wants.
pub(super) struct CheckedSync {
    pub(super) name: String,
    pub(super) highlevel: String,
    pub(super) chargify: String,
    pub(super) policy: Policy,
    pub(super) mapping: Mapping,
    pub(super) schedule: Schedule,
    /// Billing facts that are to be told to GoHighLevel.
    pub(super) facts: Vec<String>,
    line: usize,
}

pub(super) struct Checked {
    pub(super) connections: Vec<CheckedConnection>,
    pub(super) syncs: Vec<CheckedSync>,
}

impl CheckedConnection {
    /// A fault of this entry, with its place and in the file's own words.
    pub(super) fn tell(&self, fault: &str) -> String {
        let account = match self.new.side {
            Side::Highlevel => "location_id",
            Side::Chargify => "subdomain",
        };
        let fault = fault.strip_prefix("account:").map_or_else(|| fault.to_owned(), |rest| format!("{account}:{rest}"));
        format!("line {}, connection {}: {fault}", self.line, self.new.name)
    }
}

impl CheckedSync {
    /// The mapping the file wants, with the rules there are for the facts it names: the file does not know their fields.
    pub(super) fn mapping_over(&self, current: &Mapping) -> Mapping {
        let is_asked = |rule: &&Rule| {
            self.facts.contains(&rule.chargify.0)
                && self.mapping.rules.iter().all(|wanted| wanted.chargify != rule.chargify)
        };
        let kept = current.rules.iter().filter(is_asked).cloned();
        Mapping { rules: self.mapping.rules.iter().cloned().chain(kept).collect() }
    }

    /// A fault of this entry, with its place.
    pub(super) fn tell(&self, fault: &str) -> String {
        format!("line {}, sync {}: {fault}", self.line, self.name)
    }
}

/// Reads and checks a file.
///
/// # Errors
/// [`EngineError::Invalid`] with every fault.
pub(super) fn file(text: &str, credentials: &CredentialLookup<'_>) -> Result<Checked> {
    let file: File = toml::from_str(text).map_err(|error| EngineError::invalid(unreadable(text, &error)))?;
    let mut check = Check { text, credentials, faults: Vec::new() };
    check.names("connection", file.connection.iter().map(|entry| &entry.name));
    check.names("sync", file.sync.iter().map(|entry| &entry.name));
    let connections = file.connection.into_iter().filter_map(|entry| check.connection(entry)).collect();
    let syncs = file.sync.into_iter().map(|entry| check.sync(entry)).collect();
    if check.faults.is_empty() { Ok(Checked { connections, syncs }) } else { Err(EngineError::Invalid(check.faults)) }
}

/// The parser's own message quotes the line, which may hold a credential pasted in the wrong place: only its words are
/// used.
fn unreadable(text: &str, error: &toml::de::Error) -> String {
    let place = error.span().map(|span| format!("line {}: ", line_at(text, span.start))).unwrap_or_default();
    let message = error.message().trim().replace('\n', " ");
    let misplaced = ["token", "api_key", "shared_key", "client_secret", "workflow_secret"]
        .into_iter()
        .find(|word| message.starts_with(&format!("unknown field `{word}`")))
        .map(|word| {
            format!(
                ". A credential never stands in the file: put it into an environment variable and name that with \
                 {word}_env; if this one was real, replace it"
            )
        });
    format!("{place}{message}{}", misplaced.unwrap_or_default())
}

fn line_at(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

/// A field by its name, with what the entry gives.
type Given<'a> = (&'static str, Option<&'a Spanned<String>>);

/// The side of an entry, the fields it must have, and those that have no meaning for it.
fn fields_of(entry: &ConnectionEntry) -> (Side, [Given<'_>; 2], Vec<Given<'_>>) {
    match entry.kind {
        Kind::Highlevel => (
            Side::Highlevel,
            [
                ("location_id", entry.location_id.as_ref()),
                match &entry.client_id {
                    Some(_) => ("client_secret_env", entry.client_secret_env.as_ref()),
                    None => ("token_env", entry.token_env.as_ref()),
                },
            ],
            vec![
                ("subdomain", entry.subdomain.as_ref()),
                ("api_key_env", entry.api_key_env.as_ref()),
                ("shared_key_env", entry.shared_key_env.as_ref()),
            ],
        ),
        Kind::Chargify => (
            Side::Chargify,
            [("subdomain", entry.subdomain.as_ref()), ("api_key_env", entry.api_key_env.as_ref())],
            vec![
                ("location_id", entry.location_id.as_ref()),
                ("token_env", entry.token_env.as_ref()),
                ("client_id", entry.client_id.as_ref()),
                ("client_secret_env", entry.client_secret_env.as_ref()),
                ("version_id", entry.version_id.as_ref()),
                ("chooser_url", entry.chooser_url.as_ref()),
                ("workflow_secret_env", entry.workflow_secret_env.as_ref()),
                ("webhook_public_key", entry.webhook_public_key.as_ref()),
            ],
        ),
    }
}

/// Why the endpoint of a connection cannot be registered.
fn unregistrable(side: Side, registers: bool, has_shared_key: bool) -> Option<&'static str> {
    match side {
        _ if !registers => None,
        Side::Highlevel => Some(
            "GoHighLevel has no way to register them from outside; leave it out and subscribe in your Marketplace app",
        ),
        Side::Chargify if !has_shared_key => {
            Some("they cannot be verified without the site's shared key; name it with shared_key_env")
        }
        Side::Chargify => None,
    }
}

struct Check<'a> {
    text: &'a str,
    credentials: &'a CredentialLookup<'a>,
    faults: Vec<String>,
}

impl Check<'_> {
    fn line<T>(&self, spanned: &Spanned<T>) -> usize {
        line_at(self.text, spanned.span().start)
    }

    fn names<'b>(&mut self, what: &str, names: impl Iterator<Item = &'b Spanned<String>>) {
        let mut seen = BTreeSet::new();
        for name in names {
            let (text, line) = (name.get_ref(), self.line(name));
            if let Some(fault) = name_fault(text) {
                self.faults.push(format!("line {line}, {what}: {fault}"));
            }
            if !seen.insert(text) {
                self.faults.push(format!(
                    "line {line}: there is another {what} named {text} above; give each a name of its own"
                ));
            }
        }
    }

    /// `None`: something is missing or cannot be had, and has been told.
    fn connection(&mut self, entry: ConnectionEntry) -> Option<CheckedConnection> {
        let line = self.line(&entry.name);
        let name = entry.name.get_ref().clone();
        let (side, needed, foreign) = fields_of(&entry);
        let before = self.faults.len();
        for (field, given) in foreign {
            if let Some(given) = given {
                let line = self.line(given);
                self.faults.push(format!(
                    "line {line}, connection {name}: {field} has no meaning for a connection to {}; leave it out",
                    side.label()
                ));
            }
        }
        for (field, _) in needed.iter().filter(|(_, given)| given.is_none()) {
            self.faults.push(format!("line {line}, connection {name}: {field} is missing; add it"));
        }
        let registers = entry.webhooks == Webhooks::Register;
        if let Some(fault) = unregistrable(side, registers, entry.shared_key_env.is_some()) {
            self.faults.push(format!("line {line}, connection {name}: webhooks: {fault}"));
        }
        let credentials = self.secrets(&name, side, &entry);
        if self.faults.len() > before {
            return None;
        }
        let text = |given: Option<Spanned<String>>| given.map(Spanned::into_inner);
        let app = entry.client_id.map(|client_id| NewApp {
            client_id: client_id.into_inner(),
            version_id: text(entry.version_id),
            chooser_url: text(entry.chooser_url),
        });
        let account = entry.location_id.or(entry.subdomain).map(Spanned::into_inner).unwrap_or_default();
        let new = NewConnection {
            name,
            side,
            account,
            base_url: entry.base_url,
            webhook_public_key: entry.webhook_public_key.map(Spanned::into_inner),
            app,
            credentials,
        };
        Some(CheckedConnection { new, registers, line })
    }

    /// The credentials of that side which the entry names, as far as they can be had.
    fn secrets(&mut self, name: &str, side: Side, entry: &ConnectionEntry) -> Vec<(CredentialField, SecretString)> {
        let wanted = [
            (CredentialField::Token, &entry.token_env),
            (CredentialField::ApiKey, &entry.api_key_env),
            (CredentialField::SharedKey, &entry.shared_key_env),
            (CredentialField::ClientSecret, &entry.client_secret_env),
            (CredentialField::WorkflowSecret, &entry.workflow_secret_env),
        ];
        let mut credentials = Vec::new();
        for (field, variable) in wanted.into_iter().filter(|(field, _)| field.side() == side) {
            let Some(variable) = variable else { continue };
            match (self.credentials)(variable.get_ref()) {
                Ok(secret) => credentials.push((field, secret)),
                Err(fault) => {
                    let line = self.line(variable);
                    self.faults.push(format!("line {line}, connection {name}: {}_env: {fault}", field.as_str()));
                }
            }
        }
        credentials
    }

    fn sync(&mut self, entry: SyncEntry) -> CheckedSync {
        let line = self.line(&entry.name);
        let name = entry.name.get_ref().clone();
        let policy = Policy {
            enabled: entry.enabled,
            slots: entry.slots.unwrap_or(limits::LANE_SLOTS_DEFAULT),
            scope: entry.scope,
            matching: entry.matching,
            create_contacts: entry.create_contacts,
            write_reference: entry.write_reference,
            engagements: entry.engagements,
            deletes: entry.deletes,
        };
        self.faults.extend(policy.faults().into_iter().map(|fault| format!("line {line}, sync {name}: {fault}")));
        let mapping = self.mapping(&name, line, &entry.field);
        let schedule = self.schedule(&name, line, &entry.schedule);
        let facts = self.facts(&name, &entry.billing_facts);
        let (highlevel, chargify) = (entry.highlevel, entry.chargify);
        CheckedSync { name, highlevel, chargify, policy, mapping, schedule, facts, line }
    }

    fn facts(&mut self, sync: &str, entries: &[Spanned<String>]) -> Vec<String> {
        for entry in entries {
            let (fact, line) = (entry.get_ref(), self.line(entry));
            if !FACTS.iter().any(|known| known.key == fact) {
                self.faults.push(format!("line {line}, sync {sync}, billing_facts: {}", unknown_fact(fact)));
            }
        }
        entries.iter().map(|entry| entry.get_ref().clone()).collect()
    }

    fn schedule(&mut self, sync: &str, sync_line: usize, entry: &ScheduleEntry) -> Schedule {
        let given =
            |field: &Option<Spanned<String>>| field.as_ref().map(|field| field.get_ref().clone()).unwrap_or_default();
        let text = ScheduleText {
            changes: given(&entry.changes),
            full: given(&entry.full),
            zone: given(&entry.zone),
            quiet: given(&entry.quiet),
        };
        let fields =
            [("changes", &entry.changes), ("full", &entry.full), ("zone", &entry.zone), ("quiet", &entry.quiet)];
        Schedule::read(&text).unwrap_or_else(|faults| {
            for fault in faults {
                let field = fields.iter().find(|(name, _)| fault.starts_with(&format!("{name}:")));
                let line = field.and_then(|(_, field)| field.as_ref()).map_or(sync_line, |field| self.line(field));
                self.faults.push(format!("line {line}, sync {sync}, schedule: {fault}"));
            }
            Schedule::default()
        })
    }

    fn mapping(&mut self, sync: &str, sync_line: usize, entries: &[FieldEntry]) -> Mapping {
        if entries.is_empty() {
            return Mapping::default();
        }
        let before = self.faults.len();
        let rules = entries.iter().map(|entry| self.rule(sync, entry)).collect();
        let mapping = Mapping { rules };
        if self.faults.len() > before {
            return mapping;
        }
        let problems = mapping.check(&catalogue_for(&mapping));
        if problems.is_empty() {
            let bounds = mapping_faults(&mapping).into_iter();
            self.faults.extend(bounds.map(|fault| format!("line {sync_line}, sync {sync}: {fault}")));
        }
        for problem in &problems {
            let line = self.line_of(problem, entries).unwrap_or(sync_line);
            self.faults.push(format!("line {line}, sync {sync}: {problem}. {}", problem.fix()));
        }
        mapping
    }

    fn rule(&mut self, sync: &str, entry: &FieldEntry) -> Rule {
        let mut rule = Rule::new(entry.highlevel.get_ref().trim(), entry.chargify.get_ref().trim());
        (rule.direction, rule.conflict, rule.empty) = (entry.direction, entry.conflict, entry.empty);
        for step in &entry.transform {
            match step.get_ref().parse() {
                Ok(transform) => rule.transform.push(transform),
                Err(error) => {
                    let line = self.line(step);
                    self.faults.push(format!("line {line}, sync {sync}, {}: {error}", rule.key()));
                }
            }
        }
        rule
    }

    /// The row that names the field a problem is about.
    fn line_of(&self, problem: &Problem, entries: &[FieldEntry]) -> Option<usize> {
        let field = problem.field.as_ref()?.as_str();
        let named =
            |entry: &&FieldEntry| entry.highlevel.get_ref().trim() == field || entry.chargify.get_ref().trim() == field;
        let entry = entries.iter().find(named)?;
        let is_left = entry.highlevel.get_ref().trim() == field;
        Some(self.line(if is_left { &entry.highlevel } else { &entry.chargify }))
    }
}
