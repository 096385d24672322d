//! A throw-away Postgres for tests: fast rather than safe, started for one command and stopped after it.

use std::fs::File;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::Context as _;

use crate::run;

const SETTINGS: &str = "listen_addresses = ''
unix_socket_directories = '.'
max_connections = 300
shared_buffers = '128MB'
fsync = off
synchronous_commit = off
full_page_writes = off
";

/// A running cluster. Its guard holds the other end of a pipe to us, and stops it however we end.
pub(crate) struct TestPostgres {
    home: PathBuf,
    guard: Child,
    _lock: File,
}

impl TestPostgres {
    /// Starts the cluster of this checkout, making it at the first time; waits while another command uses it.
    pub(crate) fn start() -> anyhow::Result<Self> {
        let programs = programs().context("no Postgres server found; run cargo xtask setup")?;
        std::fs::create_dir_all(run::target())?;
        let lock = File::create(run::target().join("test-postgres.lock"))?;
        lock.lock().context("waiting for another test run")?;
        let account = Account::choose()?;
        let home = account.home()?;
        let data = home.join("data");
        if account.command(programs.join("pg_ctl")).args(["status", "-D"]).arg(&data).output()?.status.success() {
            quietly(account.command(programs.join("pg_ctl")).args(["stop", "-m", "immediate", "-D"]).arg(&data))?;
        }
        if !data.join("complete").exists() {
            make(&account, &programs, &data)?;
        }
        // Whoever it names is gone: we hold the lock, and what ran has just been stopped.
        drop(std::fs::remove_file(data.join("postmaster.pid")));
        drop(std::fs::remove_file(data.join(".s.PGSQL.5432.lock")));
        let log = home.join("log");
        drop(std::fs::remove_file(&log));
        let mut start = account.command(programs.join("pg_ctl"));
        quietly(start.args(["start", "--wait", "-D"]).arg(&data).arg("--log").arg(&log))
            .with_context(|| format!("starting the test Postgres; see {}", log.display()))?;
        let guard = account
            .command("/bin/sh")
            .args(["-c", r#"read -r _; exec "$1" stop --silent --wait --mode=immediate -D "$2""#, "sh"])
            .args([programs.join("pg_ctl"), data])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("starting the guard of the test Postgres")?;
        Ok(Self { home, guard, _lock: lock })
    }

    /// For sqlx and libpq alike.
    pub(crate) fn url(&self) -> String {
        let socket = self.home.join("data").to_string_lossy().replace('/', "%2F");
        format!("postgres://concord@{socket}/concord")
    }

    /// Stops at once; what was in it is of no use to anybody.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        drop(self.guard.stdin.take());
        let status = self.guard.wait()?;
        anyhow::ensure!(status.success(), "the test Postgres did not stop");
        Ok(())
    }
}

fn make(account: &Account, programs: &Path, data: &Path) -> anyhow::Result<()> {
    if data.exists() {
        std::fs::remove_dir_all(data).context("removing a half-made test Postgres")?;
    }
    let mut initdb = account.command(programs.join("initdb"));
    initdb.args(["--no-sync", "--auth=trust", "--username=concord", "--encoding=UTF8", "--locale=C", "-D"]).arg(data);
    quietly(&mut initdb)?;
    let create = r#"echo 'create database concord' | "$1" --single -D "$2" -c fsync=off postgres
        printf '%s' "$3" >> "$2/postgresql.conf" && touch "$2/complete""#;
    let mut shell = account.command("/bin/sh");
    shell.args(["-ec", create, "sh"]).arg(programs.join("postgres")).arg(data).arg(SETTINGS);
    quietly(&mut shell)
}

/// Postgres refuses root, so root lends these processes another name.
struct Account {
    lent: Option<(u32, u32)>,
}

impl Account {
    fn choose() -> anyhow::Result<Self> {
        let id = |arguments: &[&str]| run::printed(run::command("id").args(arguments))?.parse::<u32>().ok();
        if id(&["-u"]) != Some(0) {
            return Ok(Self { lent: None });
        }
        let found = ["postgres", "nobody"].iter().find_map(|name| Some((id(&["-u", name])?, id(&["-g", name])?)));
        Ok(Self { lent: Some(found.context("neither account postgres nor nobody exists")?) })
    }

    /// In a group of its own: a Ctrl-C is for the tests; the guard notices their end.
    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env("LC_ALL", "C").current_dir("/").stdin(Stdio::null()).process_group(0);
        if let Some((uid, gid)) = self.lent {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// `target/test-postgres`, or a folder in `/tmp` where the account cannot reach that or its socket's address
    /// would be too long.
    fn home(&self) -> anyhow::Result<PathBuf> {
        let usual = run::target().join("test-postgres");
        let inode = std::fs::metadata(run::target())?.ino();
        let other = std::env::temp_dir().join(format!("concord-test-postgres-{inode}"));
        for home in [usual, other] {
            match std::fs::DirBuilder::new().mode(0o700).create(&home) {
                Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error.into()),
                _ => {}
            }
            if let Some((uid, gid)) = self.lent {
                std::os::unix::fs::chown(&home, Some(uid), Some(gid))?;
            }
            let enter = self.command("/bin/sh").args(["-c", "cd -- \"$1\" && test -w .", "sh"]).arg(&home).output()?;
            if enter.status.success() && home.as_os_str().len() < 80 {
                return Ok(home);
            }
        }
        anyhow::bail!("found no folder that the test Postgres may enter")
    }
}

/// The folder of `initdb`, `pg_ctl` and `postgres`: Debian's newest, else next to the one in the path.
pub(crate) fn programs() -> Option<PathBuf> {
    let mut debian: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect::<Vec<_>>())
        .unwrap_or_default()
        .into_iter()
        .filter_map(|dir| Some((dir.file_name()?.to_str()?.parse().ok()?, dir.join("bin"))))
        .collect();
    debian.sort();
    let in_path = run::find("postgres").and_then(|file| Some(std::fs::canonicalize(file).ok()?.parent()?.to_owned()));
    let complete = |dir: &PathBuf| ["initdb", "pg_ctl", "postgres"].iter().all(|name| dir.join(name).is_file());
    debian.into_iter().rev().map(|(_, dir)| dir).chain(in_path).find(complete)
}

fn quietly(command: &mut Command) -> anyhow::Result<()> {
    let output = command.output()?;
    let (said, also) = (String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
    anyhow::ensure!(output.status.success(), "{}: {}{}", command.get_program().display(), said.trim(), also.trim());
    Ok(())
}
