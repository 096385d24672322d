//! The private Postgres: a cluster of our own for installations that name no database.
//!
//! It listens on a unix socket only, inside a folder that nobody but its account and root may enter. Several
//! `concord` processes with one data folder share it: each holds a shared file lock while it lives, and a small
//! watcher process waits for the exclusive one. The kernel gives locks back even after `kill -9`, so the last user
//! to go, in whichever way, ends the server; what a crash leaves behind is tidied at the next start.
//!
//! Everything here blocks; call it from a thread that may.

mod account;
mod binaries;
mod cluster;
mod locks;
mod place;

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;

use account::Account;
use cluster::Cluster;
use locks::UserLock;
use place::Place;

/// The database inside the cluster, and the role that owns it.
const NAME: &str = "concord";

/// How long an orderly start or stop may take before it is reported as failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// Steps of waiting for the server; its own tool looks ten times a second, which is too coarse for a restart.
const GLANCE: Duration = Duration::from_millis(10);

/// Looks again and again until there is something to see. `None` after about `patience`: counted in glances, since
/// this code reads no clock.
fn look_until<T>(patience: Duration, mut look: impl FnMut() -> anyhow::Result<Option<T>>) -> anyhow::Result<Option<T>> {
    let glances = patience.as_millis() / GLANCE.as_millis();
    for _ in 0..glances {
        if let Some(seen) = look()? {
            return Ok(Some(seen));
        }
        std::thread::sleep(GLANCE);
    }
    look()
}

/// A running private Postgres. Dropping it gives the lock back, upon which the watcher stops an unused server.
#[derive(Debug)]
pub struct PrivatePostgres {
    cluster: Cluster,
    users: UserLock,
}

impl PrivatePostgres {
    /// Starts the cluster that belongs to `data_dir`, making it first if need be, or joins it when it is running.
    ///
    /// # Errors
    /// When no Postgres is installed, the installed one is of another major version than the cluster, no folder
    /// can be found that the server's account may enter, or the server does not come up; the message says what to do.
    pub fn start(data_dir: &Path) -> anyhow::Result<Self> {
        let place = Place::of(data_dir)?;
        let account = Account::for_cluster(&place.data())?;
        let place = place.settle(&account)?;
        let cluster = Cluster::new(place, account)?;
        let _starting = locks::hold_start(cluster.home())?;
        cluster.make_if_absent()?;
        let users = bring_up(&cluster)?;
        locks::watch(&cluster);
        tracing::info!(postgres.home = %cluster.home().display(), "private Postgres is ready");
        Ok(Self { cluster, users })
    }

    /// The address for sqlx, with the socket folder percent-encoded as host.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://{NAME}@{}/{NAME}", percent_encoded(&self.cluster.socket_dir().to_string_lossy()))
    }

    /// Gives the server up: a fast shutdown, unless another `concord` still uses the same data folder.
    ///
    /// # Errors
    /// When the server is still running after a minute.
    pub fn stop(self) -> anyhow::Result<()> {
        let Self { cluster, users } = self;
        users.release()?;
        let end = look_until(PATIENCE, || {
            if let Some(alone) = UserLock::try_alone(cluster.home())? {
                return Ok(Some(Some(alone)));
            }
            // Nobody can share while the watcher is ending the server: then look again.
            Ok(UserLock::try_shared(cluster.home())?.map(|_others| None))
        })?;
        match end {
            Some(Some(_alone)) if cluster.is_running() => cluster.shut_down(),
            // The watcher was quicker; it leaves when the pid file is gone.
            Some(Some(_alone)) => cluster.wait_until_gone(),
            Some(None) => {
                tracing::info!("private Postgres goes on: another concord process uses it");
                Ok(())
            }
            None => anyhow::bail!("the private Postgres in {} is still shutting down", cluster.home().display()),
        }
    }
}

/// A server that goes away this often right after it was seen or started is broken, not unlucky.
const STARTS: u32 = 5;

/// Returns holding the shared lock, with the server accepting connections.
///
/// Taking the shared lock waits for a shutdown under way: whoever ends the server holds the exclusive one meanwhile.
fn bring_up(cluster: &Cluster) -> anyhow::Result<UserLock> {
    for _ in 0..STARTS {
        let users = UserLock::shared(cluster.home())?;
        if cluster.is_running() {
            // Not when it was on its way down for a reason of its own, say someone's pg_ctl: then start it again.
            if cluster.wait_until_ready()? {
                return Ok(users);
            }
            continue;
        }
        let users = match users.try_into_alone()? {
            Ok(alone) => {
                cluster.clear_remains().context("tidying after a Postgres that did not end by itself")?;
                start_and_share(cluster, alone)?
            }
            // Others wait for a server that is not there: it crashed. Postgres checks the remains itself.
            Err(shared) => start_and_share(cluster, shared)?,
        };
        if cluster.is_running() {
            return Ok(users);
        }
    }
    anyhow::bail!("the private Postgres in {} stops again right after its start", cluster.home().display())
}

fn start_and_share(cluster: &Cluster, users: UserLock) -> anyhow::Result<UserLock> {
    cluster.launch()?;
    users.into_shared()
}

/// Everything outside the unreserved characters of RFC 3986 as `%XX`.
fn percent_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::percent_encoded;

    #[test]
    fn a_socket_folder_becomes_one_host_name() {
        assert_eq!(percent_encoded("/srv/my data/s"), "%2Fsrv%2Fmy%20data%2Fs");
        assert_eq!(percent_encoded("/süd"), "%2Fs%C3%BCd");
    }
}
