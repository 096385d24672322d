//! `cargo xtask ci`: what has to pass before a change is merged. CI runs this and nothing else.

use crate::test_postgres::TestPostgres;
use crate::{run, setup, test, wasm_budget};

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
    queries_are_described()?;
    // Includes the layering.
    test::run()?;
    wasm_budget::run()
}

/// The committed descriptions of the queries (`server/engine/.sqlx`) must fit the migrations and the code.
fn queries_are_described() -> anyhow::Result<()> {
    setup::for_sql_checks()?;
    let postgres = TestPostgres::start()?;
    let outcome = check_queries(&format!("{}_prepare", postgres.url()));
    postgres.stop()?;
    outcome
}

fn check_queries(url: &str) -> anyhow::Result<()> {
    let steps: [&[&str]; 3] = [
        &["database", "reset", "-y", "--source", "../../migrations"],
        &["migrate", "run", "--source", "../../migrations"],
        &["prepare", "--check"],
    ];
    for step in steps {
        let mut sqlx = run::cargo(std::iter::once(&"sqlx").chain(step));
        sqlx.current_dir(run::root().join("server/engine")).env("DATABASE_URL", url).env("SQLX_OFFLINE", "false");
        run::must(&mut sqlx)?;
    }
    Ok(())
}
