//! `cargo xtask ci`: what has to pass before a change is merged. CI runs this and nothing else.

use crate::{queries, run, setup, test, wasm_budget};

/// From cheap to dear, stopping at the first failure.
pub(crate) fn run() -> anyhow::Result<()> {
    setup::run(setup::Scope::Everything)?;
    run::must(&mut run::cargo(["fmt", "--all", "--check"]))?;
    run::must(&mut run::cargo([
        "clippy",
        "--workspace",
        "--exclude",
        "client",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))?;
    let mut client = run::cargo(["clippy", "--package", "client", "--target", "wasm32-unknown-unknown"]);
    run::must(client.args(["--", "-D", "warnings"]))?;
    queries::run(queries::Mode::Check)?;
    // Includes the layering.
    test::run()?;
    wasm_budget::run()
}
