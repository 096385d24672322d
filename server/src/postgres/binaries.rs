//! Where Postgres is installed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;

/// The folder with `initdb`, `pg_ctl` and `postgres`, all of one major version.
#[derive(Debug, Clone)]
pub(super) struct Binaries {
    dir: PathBuf,
    major: u32,
}

impl Binaries {
    /// The newest installation, or the one whose major version an existing cluster asks for.
    pub(super) fn find(wanted: Option<u32>) -> anyhow::Result<Self> {
        let found = installed();
        let chosen = match wanted {
            Some(major) => found.iter().find(|binaries| binaries.major == major),
            None => found.first(),
        };
        if let Some(binaries) = chosen {
            return Ok(binaries.clone());
        }
        match (wanted, found.first()) {
            (Some(major), Some(other)) => anyhow::bail!(
                "this data folder was made by Postgres {major}, but only {} is installed; install postgresql-{major}, \
                 or move the data with pg_upgrade",
                other.major
            ),
            _ => anyhow::bail!(
                "no Postgres server found; install one (Debian: apt-get install postgresql), \
                 or set CONCORD_DATABASE_URL to a running one"
            ),
        }
    }

    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

/// Every complete installation: Debian's folders newest first, then the path, then what `pg_config` names.
fn installed() -> Vec<Binaries> {
    let mut debian: Vec<Binaries> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.flatten().filter_map(|entry| complete(&entry.path().join("bin"))).collect())
        .unwrap_or_default();
    debian.sort_by_key(|binaries| std::cmp::Reverse(binaries.major));
    let elsewhere = [on_the_path(), named_by_pg_config()];
    debian.extend(elsewhere.into_iter().flatten().filter_map(|dir| complete(&dir)));
    debian
}

fn complete(dir: &Path) -> Option<Binaries> {
    let all = ["initdb", "pg_ctl", "postgres"].iter().all(|name| dir.join(name).is_file());
    let version = all.then(|| printed(Command::new(dir.join("postgres")).arg("--version")).ok())??;
    let major = major_of(&version)?;
    Some(Binaries { dir: dir.to_path_buf(), major })
}

/// `postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)` → 15.
fn major_of(version: &str) -> Option<u32> {
    let number = version.split(") ").nth(1)?;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn on_the_path() -> Option<PathBuf> {
    let program = printed(Command::new("/bin/sh").args(["-c", "command -v postgres"])).ok()?;
    // Distributions link single programs into the path; the others lie next to the real file.
    std::fs::canonicalize(program).ok()?.parent().map(Path::to_path_buf)
}

fn named_by_pg_config() -> Option<PathBuf> {
    printed(Command::new("pg_config").arg("--bindir")).ok().map(PathBuf::from)
}

fn printed(command: &mut Command) -> anyhow::Result<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().context("running a Postgres program")?;
    anyhow::ensure!(output.status.success(), "a Postgres program failed");
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::major_of;

    #[test]
    fn the_major_version_is_read_from_what_postgres_prints() {
        assert_eq!(major_of("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)"), Some(15));
        assert_eq!(major_of("postgres (PostgreSQL) 18beta2"), Some(18));
        assert_eq!(major_of("something else"), None);
    }
}
