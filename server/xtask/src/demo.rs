//! `cargo xtask demo`: from a fresh clone to a running Concord with both services simulated.

use std::os::unix::process::CommandExt as _;

use anyhow::Context as _;

use crate::{run, setup, site};

/// Becomes `concord demo`, so that a Ctrl-C reaches it and nothing else.
pub(crate) fn run(rest: &[String]) -> anyhow::Result<()> {
    setup::run(setup::Scope::Demo)?;
    site::run(site::Profile::Release)?;
    run::must(&mut run::cargo(["build", "--package", "server", "--bin", "concord"]))?;
    let mut concord = run::command(run::target().join("debug/concord"));
    concord.arg("demo").args(rest);
    for (name, default) in [("CONCORD_DATA_DIR", "target/demo"), ("CONCORD_SITE_ROOT", "target/site")] {
        if std::env::var_os(name).is_none() {
            concord.env(name, run::root().join(default));
        }
    }
    // `exec` only returns when it failed.
    Err(concord.exec()).context("starting concord")
}
