//! Who uses the cluster: file locks, which the kernel gives back however a process ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::process::Stdio;

use anyhow::Context as _;

use super::cluster::Cluster;

/// Held shared by every user of the cluster, alone by whoever starts or ends the server.
const USERS: &str = "users.lock";

/// Held while a start is under way, so that two processes do not start one cluster.
const START: &str = "start.lock";

/// Held by the watcher: there is at most one.
const WATCHER: &str = "watcher.lock";

/// A lock on the list of users, in either form.
#[derive(Debug)]
pub(super) struct UserLock(File);

impl UserLock {
    /// Waits while somebody ends the server.
    pub(super) fn shared(home: &Path) -> anyhow::Result<Self> {
        let file = open(home, USERS)?;
        file.lock_shared().context("waiting for the lock of the private Postgres")?;
        Ok(Self(file))
    }

    pub(super) fn try_shared(home: &Path) -> anyhow::Result<Option<Self>> {
        let file = open(home, USERS)?;
        Ok(taken(file.try_lock_shared())?.then_some(Self(file)))
    }

    pub(super) fn try_alone(home: &Path) -> anyhow::Result<Option<Self>> {
        let file = open(home, USERS)?;
        Ok(taken(file.try_lock())?.then_some(Self(file)))
    }

    /// `Ok` alone, or `Err` with the shared lock again when there are other users.
    ///
    /// flock does not convert in one step; in between only the watcher can slip in, and it would find no server.
    pub(super) fn try_into_alone(self) -> anyhow::Result<Result<Self, Self>> {
        if taken(self.0.try_lock())? { Ok(Ok(self)) } else { self.into_shared().map(Err) }
    }

    pub(super) fn into_shared(self) -> anyhow::Result<Self> {
        self.0.lock_shared().context("sharing the lock of the private Postgres")?;
        Ok(self)
    }

    pub(super) fn release(self) -> anyhow::Result<()> {
        self.0.unlock().context("giving back the lock of the private Postgres")
    }
}

/// Waits for other starts of the same cluster; the lock lives as long as the file.
pub(super) fn hold_start(home: &Path) -> anyhow::Result<File> {
    let file = open(home, START)?;
    file.lock().context("waiting for another start of the private Postgres")?;
    Ok(file)
}

/// Leaves a process behind that stops the server once no user is left, `kill -9` included.
///
/// The shell ends at once, so that the watcher is nobody's unreaped child. A second watcher gives up after a second,
/// which is long enough to take over from one that is just ending. Without `flock` (util-linux) an orderly `stop`
/// still works, and a server orphaned by a crash is joined at the next start.
pub(super) fn watch(cluster: &Cluster) {
    // A stale pid file may name a stranger, whom pg_ctl would send a signal.
    let script = r#"command -v flock >/dev/null || exit 3
        {
            flock -w 1 -x 8 && flock -x 9 && read -r pid < "$4/postmaster.pid" || exit 0
            [ ! -e /proc/self/cwd ] || [ "$(readlink "/proc/$pid/cwd")" = "$4" ] || exit 0
            "$3" stop --silent --mode=fast --timeout=60 --pgdata="$4"
        } 8<"$1" 9<"$2" >/dev/null 2>&1 &"#;
    let home = cluster.home();
    let status = open(home, WATCHER).map(drop).and_then(|()| {
        let mut shell = cluster.account().command("/bin/sh");
        shell
            .args(["-c", script, "sh"])
            .args([home.join(WATCHER), home.join(USERS), cluster.pg_ctl(), cluster.data()])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        shell.status().context("running the watcher")
    });
    if !status.is_ok_and(|status| status.success()) {
        tracing::warn!("no flock program: after a crash of concord its private Postgres runs on until the next start");
    }
}

fn open(home: &Path, name: &str) -> anyhow::Result<File> {
    let path = home.join(name);
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .with_context(|| format!("opening {}", path.display()))
}

fn taken(attempt: Result<(), TryLockError>) -> anyhow::Result<bool> {
    match attempt {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error).context("locking the private Postgres"),
    }
}
