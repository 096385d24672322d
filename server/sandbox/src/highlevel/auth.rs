//! Tokens: private integration tokens and OAuth tokens, their class, location, scopes and age, and the gate every
//! call passes. Source: HighLevel API docs, "Private Integrations" and "OAuth 2.0", seen 2026-08.

use std::collections::{BTreeMap, BTreeSet};

use time::{Duration, OffsetDateTime};

use super::refusal::Refusal;
use crate::request::Request;

/// Published values of the `Version` header.
const VERSIONS: &[&str] = &["v3", "2023-02-21", "2021-07-28", "2021-04-15", "legacy"];

/// Every scope the sandbox knows.
pub(super) const SCOPES: &[&str] = &[
    "contacts.readonly",
    "contacts.write",
    "locations.readonly",
    "locations/customFields.readonly",
    "locations/customFields.write",
    "locations/tags.readonly",
    "locations/tags.write",
    "locations/tasks.readonly",
    "calendars.readonly",
    "calendars/events.readonly",
    "calendars/events.write",
    "businesses.readonly",
    "businesses.write",
    "users.readonly",
    "oauth.readonly",
    "oauth.write",
];

/// What a token opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Class {
    /// One sub-account.
    Location(String),
    /// An agency; sub-account calls need a token minted from it.
    Company(String),
}

/// A token.
#[derive(Debug, Clone)]
pub struct Token {
    /// What it opens.
    pub class: Class,
    /// What it may do there.
    pub scopes: Vec<String>,
    /// When it dies; a private integration token never does.
    pub expires_at: Option<OffsetDateTime>,
}

/// Every token, code and refresh token given out.
#[derive(Debug, Default)]
pub struct Tokens {
    tokens: BTreeMap<String, Token>,
    pub(super) codes: BTreeMap<String, (Class, OffsetDateTime)>,
    pub(super) refresh: BTreeMap<String, Class>,
    /// Locations in which the app is installed.
    pub(super) installed: BTreeSet<String>,
    /// While set, every token is refused as if it had been revoked.
    pub revoked: bool,
}

impl Tokens {
    /// Gives a token out.
    pub fn give(&mut self, secret: String, token: Token) {
        self.tokens.insert(secret, token);
    }

    /// Takes a token back.
    pub fn take(&mut self, secret: &str) -> bool {
        self.tokens.remove(secret).is_some()
    }

    /// Takes back what the app was given for these classes. Private integration tokens are not the app's.
    pub(super) fn forget(&mut self, is_gone: impl Fn(&Class) -> bool) {
        self.tokens.retain(|secret, token| secret.starts_with("pit-") || !is_gone(&token.class));
        self.refresh.retain(|_, class| !is_gone(class));
        self.codes.retain(|_, (class, _)| !is_gone(class));
    }

    /// Takes back every access token of the app, as when a day has passed; refresh tokens stay good.
    pub fn expire(&mut self) {
        self.tokens.retain(|_, token| token.expires_at.is_none());
    }

    /// The token of a call, whatever it may do.
    ///
    /// # Errors
    /// A missing or unknown `Version`, and a missing, unknown, expired or revoked token.
    pub(super) fn of(&self, request: &Request, now: OffsetDateTime) -> Result<&Token, Refusal> {
        match request.header("version") {
            None => return Err(Refusal::unauthorized("version header was not found.")),
            Some(version) if !VERSIONS.contains(&version) => {
                return Err(Refusal::unauthorized("version header is invalid"));
            }
            Some(_) => {}
        }
        let secret = request.header("authorization").and_then(|value| value.strip_prefix("Bearer ")).unwrap_or("");
        let alive = |token: &&Token| !self.revoked && token.expires_at.is_none_or(|end| now < end);
        self.tokens.get(secret).filter(alive).ok_or_else(|| {
            Refusal::unauthorized(if secret.starts_with("pit-") {
                "Invalid Private Integration token"
            } else {
                "Invalid token: access token is invalid"
            })
        })
    }
}

impl Token {
    /// A private integration token of a location, with every scope.
    pub fn private(location_id: &str) -> Self {
        Self { class: Class::Location(location_id.to_owned()), scopes: all_scopes(), expires_at: None }
    }

    /// An OAuth token, which lives a day.
    pub fn oauth(class: Class, now: OffsetDateTime) -> Self {
        Self { class, scopes: all_scopes(), expires_at: Some(now + Duration::seconds(super::oauth::EXPIRES_IN)) }
    }

    /// The location, or the refusal an agency's token gets on a sub-account call.
    pub(super) fn location(&self) -> Result<&str, Refusal> {
        match &self.class {
            Class::Location(id) => Ok(id),
            Class::Company(_) => Err(Refusal::unauthorized(
                "This authClass type is not allowed to access this scope. Please verify your IAM configuration if this \
                 is not the case.",
            )),
        }
    }
}

/// Every scope, owned.
pub fn all_scopes() -> Vec<String> {
    SCOPES.iter().map(|scope| (*scope).to_owned()).collect()
}
