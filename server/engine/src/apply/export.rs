//! The configuration as a file.

use crate::{
    EngineError, Result,
    connections::CredentialField,
    store::{connections::ConnectionRow, installs::InstallRow, syncs::SyncRow},
};
use domain::{
    Side,
    deletes::DeletePolicy,
    engagement::Switches,
    mapping::{Conflict, Direction, EmptyRule, Mapping, Rule},
    matching::MatchPolicy,
    schedule::{Schedule, ScheduleText},
    scope::Scope,
};
use serde::Serialize;

const HEAD: &str = "# Connections, syncs and mappings of one Concord workspace, for `concord apply`.\n\
                    # Credentials are not in here: set the variables that end in _env before applying.\n\n";

#[derive(Serialize)]
struct File {
    connection: Vec<Connection>,
    sync: Vec<Sync>,
}

#[derive(Serialize)]
struct Connection {
    name: String,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    location_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subdomain: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_env: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_env: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chooser_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    workflow_secret_env: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key_env: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shared_key_env: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_public_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhooks: Option<&'static str>,
}

#[derive(Serialize)]
struct Sync {
    name: String,
    highlevel: String,
    chargify: String,
    enabled: bool,
    slots: u16,
    create_contacts: bool,
    write_reference: bool,
    scope: Scope,
    #[serde(rename = "match")]
    matching: MatchPolicy,
    #[serde(skip_serializing_if = "is_off")]
    schedule: ScheduleText,
    #[serde(skip_serializing_if = "carries_none")]
    engagements: Switches,
    #[serde(skip_serializing_if = "parts_only")]
    deletes: DeletePolicy,
    field: Vec<Field>,
}

fn is_off(schedule: &ScheduleText) -> bool {
    *schedule == Schedule::default().text()
}

fn parts_only(deletes: &DeletePolicy) -> bool {
    *deletes == DeletePolicy::default()
}

fn carries_none(switches: &Switches) -> bool {
    !switches.any()
}

#[derive(Serialize)]
struct Field {
    highlevel: String,
    chargify: String,
    direction: Direction,
    conflict: Conflict,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    transform: Vec<String>,
    #[serde(skip_serializing_if = "is_usual")]
    empty: EmptyRule,
}

fn is_usual(rule: &EmptyRule) -> bool {
    *rule == EmptyRule::default()
}

/// A connection to be written.
pub(super) struct Connected {
    pub(super) row: ConnectionRow,
    /// Names of the credentials it holds.
    pub(super) held: Vec<String>,
    pub(super) app: Option<InstallRow>,
    /// Concord registers the endpoint of its webhooks by itself.
    pub(super) registers: bool,
}

pub(super) fn text(connections: &[Connected], syncs: Vec<(SyncRow, ScheduleText)>) -> Result<String> {
    let file = File {
        connection: connections.iter().map(connection).collect(),
        sync: syncs.into_iter().map(sync).collect::<Result<_>>()?,
    };
    let body = toml::to_string(&file).map_err(|_shape| EngineError::Bug("the configuration does not serialise"))?;
    Ok(format!("{HEAD}{body}"))
}

fn connection(Connected { row, held, app, registers }: &Connected) -> Connection {
    let is_highlevel = row.side == Side::Highlevel.as_str();
    let needed = match app {
        Some(_) => CredentialField::ClientSecret,
        None => CredentialField::of_calls(if is_highlevel { Side::Highlevel } else { Side::Chargify }),
    };
    let env = |field: CredentialField| {
        let is_named = field == needed || held.iter().any(|held| held == field.as_str());
        is_named.then(|| variable(&row.name, field))
    };
    Connection {
        name: row.name.clone(),
        kind: if is_highlevel { "highlevel" } else { "chargify" },
        location_id: is_highlevel.then(|| row.account.clone()),
        subdomain: (!is_highlevel).then(|| row.account.clone()),
        token_env: env(CredentialField::Token),
        client_id: app.as_ref().map(|app| app.client_id.clone()),
        client_secret_env: env(CredentialField::ClientSecret),
        version_id: app.as_ref().and_then(|app| app.version_id.clone()),
        chooser_url: app.as_ref().and_then(|app| app.chooser_url.clone()),
        workflow_secret_env: env(CredentialField::WorkflowSecret),
        api_key_env: env(CredentialField::ApiKey),
        shared_key_env: env(CredentialField::SharedKey),
        base_url: row.base_url.clone(),
        webhook_public_key: row.webhook_public_key.clone(),
        webhooks: registers.then_some("register"),
    }
}

/// `crm` and its token: `CRM_TOKEN`. A variable does not begin with a digit.
fn variable(connection: &str, field: CredentialField) -> String {
    let name = format!("{connection}_{}", field.as_str()).replace('-', "_").to_ascii_uppercase();
    if name.starts_with(|first: char| first.is_ascii_digit()) { format!("C_{name}") } else { name }
}

fn sync((row, schedule): (SyncRow, ScheduleText)) -> Result<Sync> {
    let policy = row.policy()?;
    let Mapping { rules } = row.mapping()?;
    Ok(Sync {
        name: row.name,
        highlevel: row.highlevel,
        chargify: row.chargify,
        enabled: policy.enabled,
        slots: policy.slots,
        create_contacts: policy.create_contacts,
        write_reference: policy.write_reference,
        scope: policy.scope,
        matching: policy.matching,
        schedule,
        engagements: policy.engagements,
        deletes: policy.deletes,
        field: rules.into_iter().map(field).collect(),
    })
}

fn field(rule: Rule) -> Field {
    Field {
        highlevel: rule.highlevel.0,
        chargify: rule.chargify.0,
        direction: rule.direction,
        conflict: rule.conflict,
        transform: rule.transform.iter().map(ToString::to_string).collect(),
        empty: rule.empty,
    }
}
