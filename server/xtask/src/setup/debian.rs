//! Packages of the distribution.

use std::path::Path;
use std::process::Command;

use crate::run;
use crate::test_postgres;

pub(super) fn has_postgres() -> bool {
    test_postgres::programs().is_some()
}

/// `apt-get install`, by root or through sudo.
pub(super) fn install(packages: &[&str]) -> anyhow::Result<()> {
    let wish = format!("apt-get install {}", packages.join(" "));
    anyhow::ensure!(run::is_there("apt-get"), "no apt-get here; install what `{wish}` would, then run this again");
    run::must(as_root(&wish)?.args(["apt-get", "update", "--quiet"]))?;
    let mut install = as_root(&wish)?;
    install.args(["apt-get", "install", "--yes", "--quiet", "--no-install-recommends"]).args(packages);
    run::must(&mut install)
}

/// `env …` or `sudo env …`.
pub(super) fn as_root(wish: &str) -> anyhow::Result<Command> {
    let is_root = run::printed(run::command("id").arg("-u")).is_some_and(|uid| uid == "0");
    anyhow::ensure!(is_root || run::is_there("sudo"), "this needs root: run `{wish}`, then this again");
    let mut command = run::command(if is_root { "env" } else { "sudo" });
    if !is_root {
        command.arg("env");
    }
    command.arg("DEBIAN_FRONTEND=noninteractive");
    Ok(command)
}

/// Whether this is a distribution with `apt-get`.
pub(super) fn is_debian() -> bool {
    Path::new("/etc/debian_version").exists() && run::is_there("apt-get")
}
