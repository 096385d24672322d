//! `cargo xtask bench`: passes on to `concord-bench`.

use crate::{run, setup};

/// Runs the benchmark named in the arguments, such as `sync`.
pub(crate) fn run(rest: &[String]) -> anyhow::Result<()> {
    anyhow::ensure!(!rest.is_empty(), "name a benchmark: cargo xtask bench sync [--contacts 2000] [--latency 50ms]");
    setup::run(setup::Scope::Demo)?;
    let mut bench =
        run::cargo(["run", "--profile", "bench-fast", "--package", "server", "--bin", "concord-bench", "--"]);
    run::must(bench.args(rest))
}
