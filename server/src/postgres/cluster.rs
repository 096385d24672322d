//! One cluster on disk and its server process: make, launch, look, shut down.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;

use super::account::Account;
use super::binaries::Binaries;
use super::place::{Place, SOCKET};
use super::{NAME, PATIENCE, look_until};

/// Processes of a postmaster that was killed notice within moments; more than this is another fault.
const ORPHANS_LEAVE: Duration = Duration::from_secs(5);

/// The server's log starts anew above this size.
const LOG_BYTES: u64 = 8 * 1024 * 1024;

#[derive(Debug)]
pub(super) struct Cluster {
    place: Place,
    account: Account,
    binaries: Binaries,
    socket_dir: PathBuf,
}

impl Cluster {
    pub(super) fn new(place: Place, account: Account) -> anyhow::Result<Self> {
        let made_by = std::fs::read_to_string(place.data().join("PG_VERSION")).ok();
        let binaries = Binaries::find(made_by.and_then(|major| major.trim().parse().ok()))?;
        let socket_dir = place.make_socket_dir(&account)?;
        Ok(Self { place, account, binaries, socket_dir })
    }

    pub(super) fn home(&self) -> &Path {
        self.place.home()
    }

    pub(super) fn data(&self) -> PathBuf {
        self.place.data()
    }

    pub(super) fn socket_dir(&self) -> &Path {
        &self.socket_dir
    }

    pub(super) fn account(&self) -> &Account {
        &self.account
    }

    pub(super) fn pg_ctl(&self) -> PathBuf {
        self.binaries.program("pg_ctl")
    }

    /// Makes the cluster with its database under another name and renames it last: an interrupted start leaves
    /// nothing that looks finished.
    pub(super) fn make_if_absent(&self) -> anyhow::Result<()> {
        if self.data().join("PG_VERSION").exists() {
            return Ok(());
        }
        let unfinished = self.home().join("data.new");
        if unfinished.exists() {
            std::fs::remove_dir_all(&unfinished).context("removing a half-made database")?;
        }
        // Byte order for indexes and keysets, Unicode for upper and lower case.
        if let Err(error) = self.initdb(&unfinished, "C.UTF-8") {
            tracing::debug!(%error, "no C.UTF-8 on this system, falling back to C");
            self.initdb(&unfinished, "C")?;
        }
        let mut single = self.account.command("/bin/sh");
        single
            .args(["-c", r#"echo "create database $3 owner $3" | "$1" --single -D "$2" -c fsync=off postgres"#, "sh"])
            .args([self.binaries.program("postgres"), unfinished.clone(), PathBuf::from(NAME)]);
        finish(&mut single).context("making the database of the private Postgres")?;
        std::fs::rename(&unfinished, self.data()).context("putting the new database in place")
    }

    fn initdb(&self, into: &Path, ctype: &str) -> anyhow::Result<()> {
        let mut initdb = self.account.command(self.binaries.program("initdb"));
        initdb
            .args(["--username", NAME, "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-instructions"])
            .arg(format!("--lc-ctype={ctype}"))
            .arg("--pgdata")
            .arg(into);
        finish(&mut initdb).context("making the private Postgres with initdb")
    }

    /// Starts the server and returns when it accepts connections.
    pub(super) fn launch(&self) -> anyhow::Result<()> {
        self.write_settings()?;
        let log = self.place.log();
        if std::fs::metadata(&log).is_ok_and(|found| found.len() > LOG_BYTES) {
            std::fs::rename(&log, log.with_extension("old")).context("putting the old Postgres log aside")?;
        }
        let before = std::fs::metadata(&log).map_or(0, |found| found.len());
        let mut start = self.account.command(self.pg_ctl());
        start.args(["start", "--silent", "--no-wait"]).arg("--pgdata").arg(self.data()).arg("--log").arg(&log);
        finish(&mut start).context("starting the private Postgres")?;
        let end = look_until(PATIENCE, || {
            let status = self.status();
            let is_over = matches!(status, Some(Status::Ready)) || self.has_refused(&log, before);
            Ok(is_over.then_some(status))
        })?;
        if matches!(end, Some(Some(Status::Ready))) {
            return Ok(());
        }
        anyhow::bail!("the private Postgres did not start; {} says:\n{}", log.display(), text_after(&log, before))
    }

    /// Postgres writes `FATAL` before it gives a start up.
    fn has_refused(&self, log: &Path, before: u64) -> bool {
        text_after(log, before).contains("FATAL") && !self.is_running()
    }

    /// Waits for a server found running. False when it went away instead.
    pub(super) fn wait_until_ready(&self) -> anyhow::Result<bool> {
        let ready = look_until(PATIENCE, || {
            Ok(match self.status() {
                Some(Status::Ready) => Some(true),
                Some(Status::Other) => None,
                None => Some(false),
            })
        })?;
        ready.with_context(|| format!("the private Postgres in {} is running but not ready", self.home().display()))
    }

    pub(super) fn is_running(&self) -> bool {
        self.status().is_some()
    }

    /// What the pid file says, if the process it names is a server of this very cluster.
    fn status(&self) -> Option<Status> {
        let text = std::fs::read_to_string(self.pid_file()).ok()?;
        let mut lines = text.lines();
        let pid = lines.next()?.trim();
        if !self.is_ours(pid) {
            return None;
        }
        // The eighth line is the state, as pg_ctl itself reads it.
        Some(if lines.nth(6).is_some_and(|state| state.trim() == "ready") { Status::Ready } else { Status::Other })
    }

    /// A pid alone proves nothing: after a reboot or in a new container it may be anybody's. Every process of a
    /// server works in its data folder.
    fn is_ours(&self, pid: &str) -> bool {
        if Path::new("/proc/self/cwd").exists() {
            return std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == self.data());
        }
        let mut status = self.account.command(self.pg_ctl());
        status.arg("status").arg("--pgdata").arg(self.data());
        status.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }

    /// Removes what a server that is no more says of itself, so that whoever has its pid now cannot block the start
    /// (even its own remains can, where nobody reaps dead processes).
    ///
    /// Only for the sole user of the cluster. Backends that outlived a killed server are waited for: a second server
    /// beside them would damage the data.
    pub(super) fn clear_remains(&self) -> anyhow::Result<()> {
        let remains = [self.pid_file(), self.socket_dir.join(format!("{SOCKET}.lock"))];
        if !remains.iter().any(|file| file.exists()) || !Path::new("/proc/self/cwd").exists() {
            return Ok(());
        }
        look_until(ORPHANS_LEAVE, || Ok((!self.has_processes()).then_some(())))?.with_context(|| {
            format!(
                "processes of an earlier Postgres still work in {}; end them and start again",
                self.data().display()
            )
        })?;
        for file in remains.iter().filter(|file| file.exists()) {
            std::fs::remove_file(file).with_context(|| format!("removing the stale {}", file.display()))?;
        }
        Ok(())
    }

    fn has_processes(&self) -> bool {
        let Ok(processes) = std::fs::read_dir("/proc") else { return false };
        processes
            .flatten()
            .any(|process| std::fs::read_link(process.path().join("cwd")).is_ok_and(|cwd| cwd == self.data()))
    }

    /// Fast shutdown: sessions are ended, nothing is lost.
    pub(super) fn shut_down(&self) -> anyhow::Result<()> {
        let mut stop = self.account.command(self.pg_ctl());
        stop.args(["stop", "--silent", "--mode=fast", "--no-wait"]).arg("--pgdata").arg(self.data());
        finish(&mut stop).context("stopping the private Postgres")?;
        self.wait_until_gone()
    }

    /// The pid file goes before the process does: only the process list tells that the server has ended.
    pub(super) fn wait_until_gone(&self) -> anyhow::Result<()> {
        look_until(PATIENCE, || Ok((!self.is_running() && !self.has_processes()).then_some(())))?
            .with_context(|| format!("the private Postgres is still running after {PATIENCE:?}"))
    }

    fn pid_file(&self) -> PathBuf {
        self.data().join("postmaster.pid")
    }

    /// Written anew before each start: these files are ours alone.
    fn write_settings(&self) -> anyhow::Result<()> {
        let socket_dir = self.socket_dir.to_string_lossy().replace('\'', "''");
        let settings = format!(
            "# Written by concord at every start; changes are lost.\n\
             listen_addresses = ''\n\
             unix_socket_directories = '{socket_dir}'\n\
             unix_socket_permissions = 0700\n\
             port = 5432\n\
             max_connections = 50\n\
             shared_buffers = '64MB'\n\
             maintenance_work_mem = '32MB'\n\
             fsync = on\n\
             wal_level = minimal\n\
             max_wal_senders = 0\n\
             max_wal_size = '512MB'\n\
             jit = off\n\
             timezone = 'UTC'\n\
             log_timezone = 'UTC'\n\
             log_line_prefix = '%m [%p] '\n"
        );
        // The folder of the socket is closed to everyone else, so whoever gets this far may come in.
        for (name, text) in [("postgresql.conf", settings.as_str()), ("pg_hba.conf", "local all all trust\n")] {
            let path = self.data().join(name);
            std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
            self.account.give(&path)?;
        }
        Ok(())
    }
}

#[derive(Debug, Clone, Copy)]
enum Status {
    Ready,
    /// Starting, recovering or stopping.
    Other,
}

/// Runs to the end; on failure the error carries what the program said.
fn finish(command: &mut Command) -> anyhow::Result<()> {
    let output = command.output().with_context(|| format!("running {}", command.get_program().display()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "{}: {}", output.status, said.trim());
    Ok(())
}

/// What the log has gained since it was `before` bytes long.
fn text_after(log: &Path, before: u64) -> String {
    let mut text = Vec::new();
    let read = std::fs::File::open(log)
        .and_then(|mut file| file.seek(SeekFrom::Start(before)).map(|_| file))
        .and_then(|mut file| file.read_to_end(&mut text));
    match read {
        Ok(_) => String::from_utf8_lossy(&text).trim().to_owned(),
        Err(error) => format!("(unreadable: {error})"),
    }
}
