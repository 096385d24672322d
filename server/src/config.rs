//! What the operator decides at start: the only reader of the environment.
//!
//! Everything is validated before anything starts, and all faults are reported together, each with what to do.

mod checks;
mod key;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use secrecy::{SecretBox, SecretString};

/// Variables of our own. `apply` files may not name them as the source of a credential.
const OWN: [&str; 9] = [
    "CONCORD_DATABASE_URL",
    "CONCORD_DATA_DIR",
    "CONCORD_LISTEN",
    "CONCORD_PUBLIC_URL",
    "CONCORD_SECRET_KEY",
    "CONCORD_SECRET_KEY_FILE",
    "CONCORD_SECRET_KEY_NEXT",
    "CONCORD_SITE_ROOT",
    "CONCORD_ALLOW_BASE_URLS",
];

type Lookup = dyn Fn(&str) -> Option<String> + Send + Sync;

/// Where named values come from: the process' environment, or whatever a test or a command-line flag puts there.
pub struct Environment {
    lookup: Box<Lookup>,
    overrides: BTreeMap<&'static str, String>,
}

impl Environment {
    /// The environment of this process.
    #[must_use]
    pub fn of_process() -> Self {
        Self::new(|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
    }

    /// Any other source.
    pub fn new(lookup: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self { lookup: Box::new(lookup), overrides: BTreeMap::new() }
    }

    /// The same, with one value replaced: how a command-line flag wins over its variable.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.overrides.insert(name, value.into());
        self
    }

    /// The value of a variable; one that is set but blank counts as absent.
    fn get(&self, name: &str) -> Option<String> {
        let value = self.overrides.get(name).cloned().or_else(|| (self.lookup)(name))?;
        (!value.trim().is_empty()).then(|| value.trim().to_owned())
    }

    /// The data folder as configured, before anything looks at it.
    #[must_use]
    pub fn data_dir(&self) -> String {
        self.get("CONCORD_DATA_DIR").unwrap_or_else(|| "data".to_owned())
    }

    /// `CONCORD_SECRET_KEY_NEXT`: the key that `concord keys rotate` changes to.
    ///
    /// # Errors
    /// When it is absent or no key.
    pub fn next_secret_key(&self) -> Result<SecretBox<[u8; 32]>, Faults> {
        key::next(self).map_err(|fault| Faults(vec![fault]))
    }

    /// The credential that an `apply` file names by `token_env` and its like.
    ///
    /// # Errors
    /// [`CredentialError`] when the variable is absent, or is one of ours: a file must not be able to send the
    /// installation's own secrets to an address of its choice.
    pub fn credential(&self, name: &str) -> Result<SecretString, CredentialError> {
        if OWN.contains(&name) {
            return Err(CredentialError::Reserved(name.to_owned()));
        }
        self.get(name).map(SecretString::from).ok_or_else(|| CredentialError::Absent(name.to_owned()))
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment").finish_non_exhaustive()
    }
}

/// Why a credential named in an `apply` file could not be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialError {
    /// No such variable, or a blank one.
    Absent(String),
    /// One of Concord's own variables.
    Reserved(String),
}

impl fmt::Display for CredentialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent(name) => {
                write!(f, "the environment variable {name} is not set; set it in the environment of this command")
            }
            Self::Reserved(name) => {
                write!(f, "{name} is a setting of Concord itself; keep the credential in a variable of its own")
            }
        }
    }
}

impl std::error::Error for CredentialError {}

/// Which Postgres to use.
#[derive(Debug, Clone)]
pub enum Database {
    /// One of our own in the data folder: [`crate::postgres::PrivatePostgres`].
    Private,
    /// A running one. The address may hold a password.
    At(SecretString),
}

/// The checked configuration of one process.
#[derive(Debug)]
pub struct Config {
    /// `CONCORD_DATABASE_URL`; absent: private.
    pub database: Database,
    /// `CONCORD_DATA_DIR`; absent: `data`. Exists and is absolute.
    pub data_dir: PathBuf,
    /// `CONCORD_LISTEN`; absent: `127.0.0.1:3000`. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// `CONCORD_PUBLIC_URL` without a slash at its end; see [`Config::public_url`].
    pub public_url: Option<String>,
    /// `CONCORD_SECRET_KEY` or `CONCORD_SECRET_KEY_FILE`; absent: `<data folder>/secret.key`, made once.
    pub secret_key: SecretBox<[u8; 32]>,
    /// `CONCORD_SITE_ROOT`; absent: `site` beside the program when it is there, else `target/site`.
    pub site_root: PathBuf,
    /// `CONCORD_ALLOW_BASE_URLS`: prefixes of addresses, besides the official hosts, that a connection may have.
    pub allow_base_urls: Vec<String>,
    /// `RUST_LOG`; absent: `info`.
    pub log_filter: String,
    /// Settings that work but are risky, in words; to be logged at start.
    pub warnings: Vec<String>,
}

impl Config {
    /// Reads and checks everything, and makes the data folder and the secret key when they are absent.
    ///
    /// # Errors
    /// All faults together.
    pub fn read(environment: &Environment) -> Result<Self, Faults> {
        let mut faults = Vec::new();
        let mut warnings = Vec::new();
        let mut get = |name: &'static str, check: &mut dyn FnMut(&str) -> Result<(), String>| {
            if let Some(value) = environment.get(name)
                && let Err(text) = check(&value)
            {
                faults.push(Fault { name, text });
            }
        };

        let mut database = Database::Private;
        get("CONCORD_DATABASE_URL", &mut |value| {
            database = Database::At(checks::database_url(value, &mut warnings)?);
            Ok(())
        });
        let mut listen = SocketAddr::from(([127, 0, 0, 1], 3000));
        get("CONCORD_LISTEN", &mut |value| checks::listen(value).map(|address| listen = address));
        let mut public_url = None;
        get("CONCORD_PUBLIC_URL", &mut |value| checks::origin(value).map(|origin| public_url = Some(origin)));
        let mut allow_base_urls = Vec::new();
        get("CONCORD_ALLOW_BASE_URLS", &mut |value| checks::prefixes(value).map(|prefixes| allow_base_urls = prefixes));
        let mut site_root = default_site_root();
        get("CONCORD_SITE_ROOT", &mut |value| checks::folder(value).map(|folder| site_root = folder));

        let data_dir = checks::data_dir(Path::new(&environment.data_dir()))
            .map_err(|text| faults.push(Fault { name: "CONCORD_DATA_DIR", text }))
            .ok();
        let secret_key =
            data_dir.as_deref().map(|dir| key::read(environment, dir, &mut warnings)).and_then(|key| match key {
                Ok(key) => Some(key),
                Err(fault) => {
                    faults.push(fault);
                    None
                }
            });
        let (Some(data_dir), Some(secret_key), true) = (data_dir, secret_key, faults.is_empty()) else {
            return Err(Faults(faults));
        };
        checks::exposure(listen, public_url.as_deref(), &mut warnings);
        checks::plain_prefixes(&allow_base_urls, &mut warnings);
        if matches!(database, Database::At(_)) && key::is_made_by_us(environment) {
            warnings.push(format!(
                "the secret key is only in {}; every node needs the same one, and without it the stored credentials \
                 cannot be opened: copy it to CONCORD_SECRET_KEY and keep a backup",
                data_dir.display()
            ));
        }
        let log_filter = environment.get("RUST_LOG").unwrap_or_else(|| "info".to_owned());
        Ok(Self {
            database,
            data_dir,
            listen,
            public_url,
            secret_key,
            site_root,
            allow_base_urls,
            log_filter,
            warnings,
        })
    }

    /// The address people and webhooks use: as configured, else the one we listen on, without a slash at its end.
    #[must_use]
    pub fn public_url(&self, bound: SocketAddr) -> String {
        self.public_url.clone().unwrap_or_else(|| format!("http://{bound}"))
    }
}

fn default_site_root() -> PathBuf {
    let beside = std::env::current_exe().ok().and_then(|program| Some(program.parent()?.join("site")));
    beside.filter(|site| site.is_dir()).unwrap_or_else(|| PathBuf::from("target/site"))
}

/// One variable that cannot be used as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The variable.
    pub name: &'static str,
    /// What is wrong, and what to do.
    pub text: String,
}

/// Everything that is wrong with the configuration; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration cannot be used:")?;
        self.0.iter().try_for_each(|fault| write!(f, "\n  {}: {}", fault.name, fault.text))
    }
}

impl std::error::Error for Faults {}
