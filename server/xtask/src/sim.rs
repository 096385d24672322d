//! `cargo xtask sim`: passes on to `concord-sim`, which plays histories of the whole engine in virtual time.

use crate::run;

/// Plays what the arguments say, such as `--seeds 10000`.
pub(crate) fn run(rest: &[String]) -> anyhow::Result<()> {
    let planted = rest.iter().any(|argument| argument == "--planted");
    run::must(simulation(planted).args(rest))
}

/// Optimised; with planted bugs it is a build of its own, which nothing else uses.
fn simulation(planted: bool) -> std::process::Command {
    let mut cargo =
        run::cargo(["run", "--quiet", "--profile", "bench-fast", "--package", "sim", "--bin", "concord-sim"]);
    if planted {
        cargo.args(["--features", "planted"]);
    }
    cargo.arg("--");
    cargo
}
