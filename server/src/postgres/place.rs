//! Where the cluster lives.
//!
//! Usually `<data folder>/postgres`. When root starts us and the account we step down to cannot reach that (the data
//! folder lies below `/root`, say), the cluster gets a folder of its own elsewhere, and a file in the data folder
//! remembers which.

use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

use super::account::Account;

/// Names the folder when it is not the usual one.
const REMEMBERED: &str = "postgres.location";

/// Where a cluster may go when the data folder is out of its account's reach.
const ELSEWHERE: [&str; 2] = ["/var/lib/concord", "/tmp"];

/// The kernel ends socket addresses at 107 bytes (Linux) or 103 (BSD); we stay clear of both.
const LONGEST_SOCKET: usize = 99;

/// The file Postgres makes in the socket folder for its default port.
pub(super) const SOCKET: &str = ".s.PGSQL.5432";

/// The home of one cluster. Holds `data/`, `s/` (the socket), `log` and the lock files.
#[derive(Debug)]
pub(super) struct Place {
    data_dir: PathBuf,
    home: PathBuf,
    is_remembered: bool,
}

impl Place {
    /// The place `data_dir` stands for, without having made anything of it yet.
    pub(super) fn of(data_dir: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(data_dir).with_context(|| {
            format!("making the data folder {}; set CONCORD_DATA_DIR to another", data_dir.display())
        })?;
        let data_dir = std::fs::canonicalize(data_dir).with_context(|| format!("opening {}", data_dir.display()))?;
        let note = data_dir.join(REMEMBERED);
        let Ok(remembered) = std::fs::read_to_string(&note) else {
            return Ok(Self { home: data_dir.join("postgres"), data_dir, is_remembered: false });
        };
        let home = PathBuf::from(remembered.trim());
        anyhow::ensure!(
            home.is_dir(),
            "the database of this data folder was in {}, which is gone; restore it, or delete {} to begin with an \
             empty database",
            home.display(),
            note.display()
        );
        Ok(Self { data_dir, home, is_remembered: true })
    }

    pub(super) fn home(&self) -> &Path {
        &self.home
    }

    pub(super) fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.home.join("log")
    }

    /// Makes the home, or finds one that the account can enter.
    pub(super) fn settle(mut self, account: &Account) -> anyhow::Result<Self> {
        make_private(&self.home, account)?;
        if account.can_enter(&self.home) {
            // Compared later with what the kernel says of processes, which knows no symbolic links.
            self.home =
                std::fs::canonicalize(&self.home).with_context(|| format!("opening {}", self.home.display()))?;
            return Ok(self);
        }
        anyhow::ensure!(
            !self.is_remembered && account.steps_down() && !self.data().exists(),
            "user {} may not enter {}; give that folder to the user, or start concord as its owner",
            account.uid(),
            self.home.display()
        );
        std::fs::remove_dir(&self.home).with_context(|| format!("removing the unused {}", self.home.display()))?;
        for parent in ELSEWHERE {
            if let Some(home) = make_elsewhere(Path::new(parent), account)? {
                std::fs::write(self.data_dir.join(REMEMBERED), format!("{}\n", home.display()))
                    .with_context(|| format!("remembering {} in {}", home.display(), self.data_dir.display()))?;
                tracing::warn!(
                    postgres.home = %home.display(),
                    "the database is not in the data folder, which its account cannot reach; back up both"
                );
                self.home = home;
                self.is_remembered = true;
                return Ok(self);
            }
        }
        anyhow::bail!(
            "user {} can reach neither {} nor {ELSEWHERE:?}; set CONCORD_DATA_DIR to a folder it can reach",
            account.uid(),
            self.data_dir.display()
        )
    }

    /// The folder of the socket: in the home, or in `/tmp` under a name of its own where that address were too long.
    pub(super) fn make_socket_dir(&self, account: &Account) -> anyhow::Result<PathBuf> {
        let inside = self.home.join("s");
        if inside.join(SOCKET).as_os_str().len() <= LONGEST_SOCKET {
            make_private(&inside, account)?;
            return Ok(inside);
        }
        let digest = Sha256::digest(self.home.as_os_str().as_encoded_bytes());
        let name: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let outside = Path::new("/tmp").join(format!("concord-{name}"));
        make_private(&outside, account)?;
        Ok(outside)
    }
}

/// A folder for the account alone. One that somebody else put there first is refused, not repaired.
fn make_private(dir: &Path, account: &Account) -> anyhow::Result<()> {
    match std::fs::DirBuilder::new().mode(0o700).create(dir) {
        Ok(()) => account.give(dir)?,
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error).with_context(|| format!("making {}", dir.display())),
    }
    let found = std::fs::symlink_metadata(dir).with_context(|| format!("looking at {}", dir.display()))?;
    anyhow::ensure!(found.is_dir(), "{} is in the way: it is not a folder", dir.display());
    anyhow::ensure!(
        found.uid() == account.uid(),
        "{} belongs to user {}, not to user {}; start concord as its owner or as root",
        dir.display(),
        found.uid(),
        account.uid()
    );
    if found.permissions().mode() & 0o077 != 0 {
        std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o700))
            .with_context(|| format!("closing {} to others", dir.display()))?;
    }
    Ok(())
}

/// A new folder below `parent`; `None` where the account cannot get to it.
fn make_elsewhere(parent: &Path, account: &Account) -> anyhow::Result<Option<PathBuf>> {
    if std::fs::DirBuilder::new().recursive(true).mode(0o755).create(parent).is_err() {
        return Ok(None);
    }
    // A random name: a fresh data folder at an old path must not come upon an old database.
    let home = parent.join(format!("postgres-{:016x}", rand::random::<u64>()));
    make_private(&home, account)?;
    if account.can_enter(&home) {
        return std::fs::canonicalize(&home).map(Some).with_context(|| format!("opening {}", home.display()));
    }
    std::fs::remove_dir(&home).with_context(|| format!("removing the unused {}", home.display()))?;
    Ok(None)
}
