//! The rules for single values. Messages say what to write instead.

use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use http::Uri;
use secrecy::SecretString;

pub(super) fn listen(value: &str) -> Result<SocketAddr, String> {
    value.parse().map_err(|_error| {
        format!("`{value}` is not an address and a port; write, for example, 127.0.0.1:3000 or 0.0.0.0:3000")
    })
}

/// `scheme://host[:port]`, nothing after it.
pub(super) fn origin(value: &str) -> Result<String, String> {
    let wish = "write the address people type, for example https://concord.example.com";
    let uri = web_address(value).ok_or_else(|| format!("`{value}` is no http or https address; {wish}"))?;
    if uri.path() != "/" || uri.query().is_some() {
        return Err(format!("`{value}` has a path; Concord needs a host of its own; {wish}"));
    }
    Ok(value.trim_end_matches('/').to_owned())
}

/// Comma-separated prefixes. Here they only have to be addresses; that a prefix ends where a host ends is the matter of
/// whoever compares.
pub(super) fn prefixes(value: &str) -> Result<Vec<String>, String> {
    let prefixes: Vec<&str> = value.split(',').map(str::trim).filter(|prefix| !prefix.is_empty()).collect();
    for prefix in &prefixes {
        let uri = web_address(prefix).ok_or_else(|| {
            format!("`{prefix}` is no http or https address; write prefixes such as http://127.0.0.1:4101")
        })?;
        if uri.query().is_some() {
            return Err(format!("`{prefix}` has a query; leave out everything from the question mark on"));
        }
    }
    Ok(prefixes.into_iter().map(|prefix| prefix.trim_end_matches('/').to_owned()).collect())
}

/// Kept as it is: sqlx reads it. The message leaves the value out, since it may hold a password.
pub(super) fn database_url(value: &str, warnings: &mut Vec<String>) -> Result<SecretString, String> {
    let Some(rest) = value.strip_prefix("postgres://").or_else(|| value.strip_prefix("postgresql://")) else {
        return Err("must begin with postgres://; write postgres://user:password@host/database, \
                    or leave it out for a private Postgres"
            .to_owned());
    };
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    let is_local = host.is_empty() || host.starts_with("%2F") || host.starts_with("%2f") || is_loopback(host);
    if !is_local && !rest.contains("sslmode=require") && !rest.contains("sslmode=verify") {
        warnings.push(
            "CONCORD_DATABASE_URL goes over the network and does not demand encryption; add ?sslmode=verify-full"
                .into(),
        );
    }
    Ok(SecretString::from(value))
}

/// An existing folder, made absolute.
pub(super) fn folder(value: &str) -> Result<PathBuf, String> {
    match std::fs::canonicalize(value) {
        Ok(path) if path.is_dir() => Ok(path),
        _ => {
            Err(format!("there is no folder `{value}`; build the pages with `cargo xtask site`, or name their folder"))
        }
    }
}

/// The data folder, made when absent. Others may pass through (the private Postgres runs under its own account) but
/// not list it; what is in it is closed file by file.
pub(super) fn data_dir(dir: &Path) -> Result<PathBuf, String> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o711)
        .create(dir)
        .and_then(|()| std::fs::canonicalize(dir))
        .map_err(|error| format!("cannot make the folder {}: {error}; name one this user may write", dir.display()))
}

/// Warns when passwords and sessions would cross a network in the clear.
pub(super) fn exposure(listen: SocketAddr, public_url: Option<&str>, warnings: &mut Vec<String>) {
    match public_url {
        None if !listen.ip().is_loopback() => warnings.push(format!(
            "listening on {listen} for other machines without CONCORD_PUBLIC_URL; put a proxy with TLS in front and \
             set CONCORD_PUBLIC_URL to its https address"
        )),
        Some(url) if url.starts_with("http://") && !is_loopback(&host_and_port(url)) => warnings.push(format!(
            "CONCORD_PUBLIC_URL is {url}: passwords cross the network unencrypted; use an https address"
        )),
        _ => {}
    }
}

pub(super) fn plain_prefixes(prefixes: &[String], warnings: &mut Vec<String>) {
    for prefix in prefixes {
        if prefix.starts_with("http://") && !is_loopback(&host_and_port(prefix)) {
            warnings.push(format!(
                "CONCORD_ALLOW_BASE_URLS allows {prefix}: credentials would be sent there unencrypted; use https"
            ));
        }
    }
}

fn web_address(value: &str) -> Option<Uri> {
    let uri: Uri = value.parse().ok()?;
    let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
    let authority = uri.authority()?;
    (is_web && !authority.as_str().contains('@') && !authority.host().is_empty()).then_some(uri)
}

fn host_and_port(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or_default().to_owned()
}

/// Whether `host` or `host:port` means this machine.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name == "localhost" || name.ends_with(".localhost") || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
