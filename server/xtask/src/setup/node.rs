//! What comes from npm, and the browser that its packages drive.

use std::path::PathBuf;

use crate::run;

/// Debian's own binaryen is too old for what rustc makes.
const BINARYEN: &str = "binaryen@132.0.0";

pub(super) fn install_wasm_opt() -> anyhow::Result<()> {
    std::fs::create_dir_all(run::tools())?;
    let mut npm = run::command("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--prefix"]).arg(run::tools()).arg(BINARYEN);
    run::must(&mut npm)
}

/// The browser for the tests: `CHROMIUM`, else one that is installed.
pub(crate) fn chromium() -> Option<PathBuf> {
    let chosen = std::env::var_os("CHROMIUM").map(PathBuf::from);
    chosen.or_else(|| ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(run::find))
}

/// npm writes this file last, so one younger than the lock file means complete and current.
pub(super) fn has_packages() -> bool {
    let end2end = run::root().join("end2end");
    let changed = |name: &str| std::fs::metadata(end2end.join(name)).and_then(|found| found.modified()).ok();
    match (changed("node_modules/.package-lock.json"), changed("package-lock.json")) {
        (Some(installed), Some(locked)) => installed >= locked,
        _ => false,
    }
}

pub(super) fn install_packages() -> anyhow::Result<()> {
    let mut npm = run::command("npm");
    npm.args(["ci", "--no-audit", "--no-fund"])
        .current_dir(run::root().join("end2end"))
        .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
    run::must(&mut npm)
}
