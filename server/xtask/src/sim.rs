//! `cargo xtask sim`: passes on to `concord-sim`, which plays histories of the whole engine in virtual time.

use crate::run;

/// What CI plays: histories, then a death at every step of the short ones. More of both, and planted bugs, are for whoever
/// has time.
const CI: [&[&str]; 2] = [&["--seeds", "1800"], &["--crash"]];

/// What the lines of its summaries have in common.
const CLOSINGS: [&str; 3] = [" histories in ", " crash points in ", " breaks: "];

/// Plays what the arguments say, such as `--seeds 10000`.
pub(crate) fn run(rest: &[String]) -> anyhow::Result<()> {
    run::must(simulation().args(rest))
}

/// Plays what must hold before a change is merged; the closing lines of each part.
pub(crate) fn prove() -> anyhow::Result<Vec<String>> {
    let mut closing = Vec::new();
    for arguments in CI {
        closing.extend(run::must_keeping(simulation().args(arguments), |line| {
            CLOSINGS.iter().any(|closing| line.contains(closing))
        })?);
    }
    Ok(closing)
}

/// Optimised, and able to have bugs planted, which it has only when told to: one build for everything.
fn simulation() -> std::process::Command {
    let mut cargo =
        run::cargo(["run", "--quiet", "--profile", "bench-fast", "--package", "sim", "--bin", "concord-sim"]);
    cargo.args(["--features", "planted", "--"]);
    // Histories are short and made of small pieces: glibc gives memory back and asks for it again all the time.
    cargo.env("GLIBC_TUNABLES", "glibc.malloc.trim_threshold=1073741824:glibc.malloc.top_pad=67108864");
    // The compiler must not go to a database: there may be none.
    cargo.env("SQLX_OFFLINE", "true");
    cargo
}
