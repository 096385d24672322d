//! `cargo xtask site`: the browser half, into `target/site`.

use anyhow::Context as _;

use crate::run;

/// What the page loads first, below `target/site/pkg`.
pub(crate) const LOADED: [&str; 3] = ["concord.js", "concord.wasm", "concord.css"];

/// How the wasm is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Quick to build, large: for tests.
    Dev,
    /// As shipped: small and slow to build.
    Release,
}

impl Profile {
    pub(crate) fn of(release: bool) -> Self {
        if release { Self::Release } else { Self::Dev }
    }
}

/// Builds, and checks that the files are there under the names the pages ask for.
pub(crate) fn run(profile: Profile) -> anyhow::Result<()> {
    let mut cargo = run::cargo(["leptos", "build", "--frontend-only"]);
    if profile == Profile::Release {
        cargo.arg("--release");
    }
    run::must(&mut cargo)?;
    let package = run::root().join("target/site/pkg");
    for name in LOADED {
        let size = std::fs::metadata(package.join(name)).with_context(|| {
            format!("{} is missing: do LEPTOS_OUTPUT_NAME and output-name still agree?", package.join(name).display())
        })?;
        anyhow::ensure!(size.len() > 0, "{} is empty", package.join(name).display());
    }
    println!("site: {} in {}", LOADED.join(", "), package.display());
    Ok(())
}
