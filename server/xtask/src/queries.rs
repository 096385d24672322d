//! `cargo xtask queries`: the descriptions of our SQL in `server/engine/.sqlx`, by which it is checked while
//! compiling without a database.

use crate::test_postgres::TestPostgres;
use crate::{run, setup};

/// What to do with the descriptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Write them anew, after a change of a query or of the schema.
    Write,
    /// Fail when they do not fit code and migrations.
    Check,
}

/// Migrates an empty database and asks it about every query.
pub(crate) fn run(mode: Mode) -> anyhow::Result<()> {
    setup::for_sql_checks()?;
    let postgres = TestPostgres::start()?;
    let outcome = describe(mode, &format!("{}_queries", postgres.url()));
    postgres.stop()?;
    outcome
}

fn describe(mode: Mode, url: &str) -> anyhow::Result<()> {
    let sqlx = |arguments: &[&str]| {
        let mut sqlx = run::cargo(std::iter::once(&"sqlx").chain(arguments));
        sqlx.current_dir(run::root().join("server/engine")).env("DATABASE_URL", url).env("SQLX_OFFLINE", "false");
        run::must(&mut sqlx)
    };
    sqlx(&["database", "reset", "-y", "--source", "../../migrations"])?;
    match mode {
        Mode::Write => sqlx(&["prepare", "--", "--all-targets"]),
        Mode::Check => sqlx(&["prepare", "--check", "--", "--all-targets"]),
    }
}
