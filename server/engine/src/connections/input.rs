//! What a person may enter for a connection, and what is made of it.

use super::NewApp;
use crate::{EngineError, Result, Settings, clients};
use domain::Side;
use ed25519_dalek::{VerifyingKey, pkcs8::DecodePublicKey as _};
use secrecy::{ExposeSecret as _, SecretString};

/// Longer than any key of either service.
const SECRET_CHARS: std::ops::RangeInclusive<usize> = 8..=512;

/// A secret that people make themselves is the only proof of what comes with it.
const WORKFLOW_SECRET_CHARS: usize = 16;

/// A connection as entered.
#[derive(Clone, Debug)]
pub struct NewConnection {
    /// Lower-case letters, digits, `-` and `_`.
    pub name: String,
    pub side: Side,
    /// GoHighLevel: the location id. Chargify: the subdomain. An address of either, pasted whole, will do.
    pub account: String,
    /// `None`: the official host.
    pub base_url: Option<String>,
    /// GoHighLevel only, as PEM. `None`: the service's published key.
    pub webhook_public_key: Option<String>,
    /// GoHighLevel only: the app to call with in place of a private token.
    pub app: Option<NewApp>,
    /// `token`, or `client_secret` where there is an app; `api_key` and, for webhooks, `shared_key`.
    pub credentials: Vec<(CredentialField, SecretString)>,
}

/// Where an account is, and how its webhooks are verified. What is entered anew takes the place of all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whereabouts {
    pub account: String,
    pub base_url: Option<String>,
    pub webhook_public_key: Option<String>,
}

/// A credential a connection can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CredentialField {
    /// GoHighLevel's private integration token.
    Token,
    /// Chargify's API key.
    ApiKey,
    /// Chargify's shared key, which signs its webhooks.
    SharedKey,
    /// The client secret of a GoHighLevel app.
    ClientSecret,
    /// What GoHighLevel's workflows send along to prove themselves: their webhooks carry no signature.
    WorkflowSecret,
}

impl CredentialField {
    pub const ALL: [Self; 5] = [Self::Token, Self::ApiKey, Self::SharedKey, Self::ClientSecret, Self::WorkflowSecret];

    /// As stored and as named in forms.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::ApiKey => "api_key",
            Self::SharedKey => "shared_key",
            Self::ClientSecret => "client_secret",
            Self::WorkflowSecret => "workflow_secret",
        }
    }

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Token => "Private integration token",
            Self::ApiKey => "API key",
            Self::SharedKey => "Shared key for webhooks",
            Self::ClientSecret => "Client secret of the app",
            Self::WorkflowSecret => "Secret of workflow webhooks",
        }
    }

    /// The side whose connections have it.
    #[must_use]
    pub const fn side(self) -> Side {
        match self {
            Self::Token | Self::ClientSecret | Self::WorkflowSecret => Side::Highlevel,
            Self::ApiKey | Self::SharedKey => Side::Chargify,
        }
    }

    /// What calls are made with on that side.
    #[must_use]
    pub const fn of_calls(side: Side) -> Self {
        match side {
            Side::Highlevel => Self::Token,
            Side::Chargify => Self::ApiKey,
        }
    }
}

impl std::str::FromStr for CredentialField {
    type Err = EngineError;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|field| field.as_str() == text)
            .ok_or_else(|| EngineError::invalid(format!("field: there is no credential named {text}")))
    }
}

impl NewConnection {
    /// Checks everything at once and puts it into the form it is stored in.
    pub(super) fn checked(mut self, settings: &Settings) -> Result<Self> {
        let mut faults = Vec::new();
        if !is_name(&self.name) {
            faults.push(
                "name: begin with a lower-case letter or a digit and go on with those, - and _, 63 characters at most"
                    .to_owned(),
            );
        }
        let entered = Whereabouts {
            account: self.account.clone(),
            base_url: self.base_url.clone(),
            webhook_public_key: self.webhook_public_key.clone(),
        };
        match entered.checked(self.side, settings) {
            Ok(good) => {
                (self.account, self.base_url, self.webhook_public_key) =
                    (good.account, good.base_url, good.webhook_public_key)
            }
            Err(EngineError::Invalid(more)) => faults.extend(more),
            Err(other) => return Err(other),
        }
        let needed = match &self.app {
            Some(_) => CredentialField::ClientSecret,
            None => CredentialField::of_calls(self.side),
        };
        if let Some(app) = &self.app {
            faults.extend(app.checked(settings).err().unwrap_or_default());
            if self.side == Side::Chargify {
                faults.push("client_id: only a connection to GoHighLevel has an app".to_owned());
            }
        }
        let has = |field| self.credentials.iter().any(|(held, _)| *held == field);
        if !has(needed) {
            faults.push(format!("{}: enter the {}", needed.as_str(), needed.label().to_lowercase()));
        }
        if needed == CredentialField::ClientSecret && has(CredentialField::Token) {
            faults.push("token: with an app there is no private token; leave one of them out".to_owned());
        }
        if needed == CredentialField::Token && has(CredentialField::ClientSecret) {
            faults.push("client_id: enter it beside the client secret".to_owned());
        }
        for (field, secret) in &mut self.credentials {
            match checked_secret(self.side, *field, secret) {
                Ok(good) => *secret = good,
                Err(fault) => faults.push(fault),
            }
        }
        if faults.is_empty() { Ok(self) } else { Err(EngineError::Invalid(faults)) }
    }
}

impl Whereabouts {
    /// Checks everything at once and puts it into the form it is stored in.
    pub(super) fn checked(self, side: Side, settings: &Settings) -> Result<Self> {
        let mut faults = Vec::new();
        let mut keep = |result: Result<Option<String>, String>| {
            result.unwrap_or_else(|fault| {
                faults.push(fault);
                None
            })
        };
        let (account, implied) = match side {
            Side::Highlevel => (keep(location_id(&self.account).map(Some)), None),
            Side::Chargify => match subdomain(&self.account) {
                Ok((subdomain, host)) => (Some(subdomain), host),
                Err(fault) => (keep(Err(fault)), None),
            },
        };
        let account = account.unwrap_or_default();
        let entered =
            self.base_url.map(|url| url.trim().trim_end_matches('/').to_owned()).filter(|url| !url.is_empty());
        let base_url = match entered.or(implied) {
            Some(url) if is_default(side, &account, &url) => None,
            Some(url) => keep(allowed_base_url(side, &account, &url, settings).map(|()| Some(url.clone()))),
            None => None,
        };
        let key = self.webhook_public_key.map(|key| key.trim().to_owned()).filter(|key| !key.is_empty());
        let webhook_public_key = match key {
            Some(key) => keep(public_key(side, key).map(Some)),
            None => None,
        };
        if faults.is_empty() {
            Ok(Self { account, base_url, webhook_public_key })
        } else {
            Err(EngineError::Invalid(faults))
        }
    }
}

/// The address calls go to.
pub(super) fn base_url(side: Side, account: &str, base_url: Option<&str>) -> String {
    match (base_url, side) {
        (Some(url), _) => url.to_owned(),
        (None, Side::Highlevel) => clients::highlevel::OFFICIAL_HOST.to_owned(),
        (None, Side::Chargify) => clients::chargify::official_host(account),
    }
}

/// Whether credentials may be sent to that address. Asked again before every use: what the operator allows may have
/// become less since the address was stored.
pub(super) fn allowed_base_url(side: Side, account: &str, url: &str, settings: &Settings) -> Result<(), String> {
    let official = match side {
        Side::Highlevel => url == clients::highlevel::OFFICIAL_HOST,
        Side::Chargify => {
            url == clients::chargify::official_host(account) || url == format!("https://{account}.ebilling.maxio.com")
        }
    };
    if is_plain(url) && (official || is_allowed(url, settings)) {
        return Ok(());
    }
    Err(format!(
        "base_url: {} is not one of {side}'s own addresses. Leave it empty, or let whoever runs this server allow it: \
         CONCORD_ALLOW_BASE_URLS",
        short(url)
    ))
}

/// Nothing in it that could mean another host than it seems to.
pub(super) fn is_plain(url: &str) -> bool {
    url.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '@' | '?' | '#' | '\\' | '%'))
}

/// Whether whoever runs this server allows the address.
pub(super) fn is_allowed(url: &str, settings: &Settings) -> bool {
    settings.allowed_base_urls.iter().any(|prefix| begins_with(url, prefix))
}

/// The prefix ends where a part of the address ends: `http://h:4101` does not allow `http://h:41011`.
fn begins_with(url: &str, prefix: &str) -> bool {
    let prefix = prefix.trim().trim_end_matches('/');
    !prefix.is_empty() && url.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn is_default(side: Side, account: &str, url: &str) -> bool {
    url == base_url(side, account, None)
}

fn is_name(name: &str) -> bool {
    name.len() <= 63
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_'))
}

/// From the id itself, or from the address of a page inside the location.
fn location_id(entered: &str) -> Result<String, String> {
    let entered = entered.trim();
    let id = match entered.split_once("/location/") {
        Some((_, rest)) => rest.split(['/', '?', '#']).next().unwrap_or_default(),
        None => entered,
    };
    if (8..=64).contains(&id.len()) && id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')) {
        return Ok(id.to_owned());
    }
    Err("account: enter the location id. It stands in GoHighLevel under Settings > Business Profile, and in the \
         address bar after /location/"
        .to_owned())
}

/// From the subdomain itself, or from an address of the site; with it the host, when that is not the usual one.
fn subdomain(entered: &str) -> Result<(String, Option<String>), String> {
    let entered = entered.trim().to_ascii_lowercase();
    let bare = entered.strip_prefix("https://").or_else(|| entered.strip_prefix("http://")).unwrap_or(&entered);
    let host = bare.split(['/', '?', '#', ':']).next().unwrap_or_default();
    let (subdomain, implied) = if let Some(subdomain) = host.strip_suffix(".chargify.com") {
        (subdomain, None)
    } else if let Some(subdomain) = host.strip_suffix(".ebilling.maxio.com") {
        (subdomain, Some(format!("https://{host}")))
    } else {
        (host, None)
    };
    let shaped = subdomain.len() <= 63
        && subdomain.starts_with(|c: char| c.is_ascii_alphanumeric())
        && subdomain.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    // What the service itself answers under is no site.
    if shaped && !matches!(subdomain, "app" | "www" | "events") {
        return Ok((subdomain.to_owned(), implied));
    }
    Err("account: enter the site's subdomain, the part before .chargify.com in its address".to_owned())
}

fn public_key(side: Side, key: String) -> Result<String, String> {
    if side == Side::Chargify {
        return Err("webhook_public_key: Chargify signs with the shared key; leave this empty".to_owned());
    }
    VerifyingKey::from_public_key_pem(&key)
        .map(|_| key)
        .map_err(|_shape| "webhook_public_key: paste the Ed25519 public key as PEM, from BEGIN to END".to_owned())
}

/// The credential without the white space that pasting adds.
pub(super) fn checked_secret(
    side: Side,
    field: CredentialField,
    secret: &SecretString,
) -> Result<SecretString, String> {
    let name = field.as_str();
    if field.side() != side {
        return Err(format!("{name}: a connection to {} has no such credential", side.label()));
    }
    let text = secret.expose_secret().trim();
    if text.is_empty() {
        return Err(format!("{name}: enter the {}", field.label().to_lowercase()));
    }
    if field == CredentialField::WorkflowSecret && text.len() < WORKFLOW_SECRET_CHARS {
        return Err(format!("{name}: use at least {WORKFLOW_SECRET_CHARS} characters that nobody guesses"));
    }
    if !SECRET_CHARS.contains(&text.len()) || !text.chars().all(|c| c.is_ascii_graphic()) {
        return Err(format!("{name}: this does not look like a key: paste it whole, without spaces or quotes"));
    }
    Ok(SecretString::from(text))
}

/// The last four characters. A key so short that they would give much of it away shows none.
pub(super) fn hint(secret: &SecretString) -> String {
    let text = secret.expose_secret();
    if text.len() < 12 { String::new() } else { text.get(text.len() - 4..).unwrap_or_default().to_owned() }
}

fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(80).collect()
}

#[cfg(test)]
mod tests;
