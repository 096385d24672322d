//! Under whose name the server's processes run: Postgres refuses root.

use std::ffi::OsStr;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context as _;

/// Accounts that root steps down to, in order of preference.
const UNPRIVILEGED: [&str; 2] = ["postgres", "nobody"];

/// The account of one cluster, and whether we have to step down to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Account {
    uid: u32,
    gid: u32,
    steps_down: bool,
}

impl Account {
    /// Ourselves; as root the owner of `data` when it exists, else the first unprivileged account there is.
    pub(super) fn for_cluster(data: &Path) -> anyhow::Result<Self> {
        let own = id(&["-u"]).context("asking for our own user id")?;
        if own != 0 {
            return Ok(Self { uid: own, gid: id(&["-g"])?, steps_down: false });
        }
        if let Ok(found) = std::fs::metadata(data)
            && found.uid() != 0
        {
            return Ok(Self { uid: found.uid(), gid: found.gid(), steps_down: true });
        }
        for name in UNPRIVILEGED {
            if let (Ok(uid), Ok(gid)) = (id(&["-u", name]), id(&["-g", name]))
                && uid != 0
            {
                return Ok(Self { uid, gid, steps_down: true });
            }
        }
        anyhow::bail!(
            "Postgres refuses to run as root, and neither account {UNPRIVILEGED:?} exists; \
             start concord as an ordinary user, or set CONCORD_DATABASE_URL"
        )
    }

    pub(super) fn uid(&self) -> u32 {
        self.uid
    }

    pub(super) fn steps_down(&self) -> bool {
        self.steps_down
    }

    /// A command under this account, in its own process group (a Ctrl-C in our terminal is not for it), with a bare
    /// environment: our secrets are none of its business, and stray `PG…` variables none of ours.
    pub(super) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LC_ALL", "C")
            .current_dir("/")
            .stdin(Stdio::null())
            .process_group(0);
        if self.steps_down {
            command.uid(self.uid).gid(self.gid);
        }
        command
    }

    /// Hands a file or folder we made to the account.
    pub(super) fn give(&self, path: &Path) -> anyhow::Result<()> {
        if self.steps_down {
            std::os::unix::fs::chown(path, Some(self.uid), Some(self.gid))
                .with_context(|| format!("handing {} to user {}", path.display(), self.uid))?;
        }
        Ok(())
    }

    /// Whether the account may work inside `dir`: every folder above it has to let it through.
    pub(super) fn can_enter(&self, dir: &Path) -> bool {
        self.command("/bin/sh")
            .args(["-c", "cd -- \"$1\" && test -w .", "sh"])
            .arg(dir)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }
}

fn id(args: &[&str]) -> anyhow::Result<u32> {
    let output = Command::new("id").args(args).stdin(Stdio::null()).output().context("running id")?;
    anyhow::ensure!(output.status.success(), "id {args:?} failed");
    String::from_utf8_lossy(&output.stdout).trim().parse().context("id printed no number")
}
