//! The configuration as a file.

use crate::{
    EngineError, Result,
    connections::CredentialField,
    store::{connections::ConnectionRow, syncs::SyncRow},
};
use domain::{
    Side,
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
    api_key_env: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shared_key_env: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_public_key: Option<String>,
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
    field: Vec<Field>,
}

fn is_off(schedule: &ScheduleText) -> bool {
    *schedule == Schedule::default().text()
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

/// Each connection with the names of the credentials it holds.
pub(super) fn text(
    connections: &[(ConnectionRow, Vec<String>)],
    syncs: Vec<(SyncRow, ScheduleText)>,
) -> Result<String> {
    let file = File {
        connection: connections.iter().map(|(row, held)| connection(row, held)).collect(),
        sync: syncs.into_iter().map(sync).collect::<Result<_>>()?,
    };
    let body = toml::to_string(&file).map_err(|_shape| EngineError::Bug("the configuration does not serialise"))?;
    Ok(format!("{HEAD}{body}"))
}

fn connection(row: &ConnectionRow, held: &[String]) -> Connection {
    let is_highlevel = row.side == Side::Highlevel.as_str();
    let needed = CredentialField::of_calls(if is_highlevel { Side::Highlevel } else { Side::Chargify });
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
        api_key_env: env(CredentialField::ApiKey),
        shared_key_env: env(CredentialField::SharedKey),
        base_url: row.base_url.clone(),
        webhook_public_key: row.webhook_public_key.clone(),
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
