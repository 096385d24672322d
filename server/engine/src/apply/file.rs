//! The shape of the configuration file. Words it does not know are refused: a misspelt setting must not be silently
//! without effect.

use domain::{
    deletes::DeletePolicy,
    engagement::Switches,
    mapping::{Conflict, Direction, EmptyRule},
    matching::MatchPolicy,
    scope::Scope,
};
use serde::Deserialize;
use toml::Spanned;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(default)]
    pub(super) connection: Vec<ConnectionEntry>,
    #[serde(default)]
    pub(super) sync: Vec<SyncEntry>,
}

/// Which service a connection is to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Highlevel,
    Chargify,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConnectionEntry {
    pub(super) name: Spanned<String>,
    pub(super) kind: Kind,
    pub(super) location_id: Option<Spanned<String>>,
    pub(super) subdomain: Option<Spanned<String>>,
    pub(super) token_env: Option<Spanned<String>>,
    pub(super) client_id: Option<Spanned<String>>,
    pub(super) client_secret_env: Option<Spanned<String>>,
    pub(super) version_id: Option<Spanned<String>>,
    pub(super) chooser_url: Option<Spanned<String>>,
    pub(super) workflow_secret_env: Option<Spanned<String>>,
    pub(super) api_key_env: Option<Spanned<String>>,
    pub(super) shared_key_env: Option<Spanned<String>>,
    pub(super) base_url: Option<String>,
    pub(super) webhook_public_key: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) webhooks: Webhooks,
}

/// Who sees to the endpoint of a site.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Webhooks {
    /// Concord registers it and puts it right.
    Register,
    /// A person.
    #[default]
    Manual,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SyncEntry {
    pub(super) name: Spanned<String>,
    pub(super) highlevel: String,
    pub(super) chargify: String,
    #[serde(default)]
    pub(super) enabled: bool,
    pub(super) slots: Option<u16>,
    #[serde(default)]
    pub(super) scope: Scope,
    #[serde(default, rename = "match")]
    pub(super) matching: MatchPolicy,
    #[serde(default)]
    pub(super) create_contacts: bool,
    #[serde(default = "yes")]
    pub(super) write_reference: bool,
    #[serde(default)]
    pub(super) field: Vec<FieldEntry>,
    /// Facts told to GoHighLevel in custom fields named after them, which are made where there are none.
    #[serde(default)]
    pub(super) billing_facts: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) schedule: ScheduleEntry,
    /// Off where nothing is said.
    #[serde(default)]
    pub(super) engagements: Switches,
    /// The partner stays as it is where nothing is said.
    #[serde(default)]
    pub(super) deletes: DeletePolicy,
}

/// Off where nothing is said.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScheduleEntry {
    pub(super) changes: Option<Spanned<String>>,
    pub(super) full: Option<Spanned<String>>,
    pub(super) zone: Option<Spanned<String>>,
    pub(super) quiet: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FieldEntry {
    pub(super) highlevel: Spanned<String>,
    pub(super) chargify: Spanned<String>,
    #[serde(default)]
    pub(super) direction: Direction,
    #[serde(default)]
    pub(super) conflict: Conflict,
    #[serde(default)]
    pub(super) transform: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) empty: EmptyRule,
}

fn yes() -> bool {
    true
}
