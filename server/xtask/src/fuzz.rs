//! `cargo xtask fuzz`: the decoders and the way in for webhooks against damaged messages, for a given time.

use crate::test_postgres::TestPostgres;
use crate::{run, setup};

/// How long CI goes on, all targets together.
pub(crate) const SECONDS: u32 = 60;

/// How many targets there are, and how many of them run at once.
const TARGETS: u32 = 3;

/// Runs every target; the closing lines of the runner and of each target.
pub(crate) fn run(seconds: u32) -> anyhow::Result<Vec<String>> {
    setup::run(setup::Scope::Everything)?;
    let postgres = TestPostgres::start()?;
    let each = seconds.div_ceil(TARGETS);
    let mut nextest = run::cargo(["nextest", "run", "--workspace", "--exclude", "client", "--no-fail-fast"]);
    nextest.args(["--success-output", "immediate", "-E", "test(/^fuzz::/)"]);
    nextest.env("DATABASE_URL", postgres.url()).env("SQLX_OFFLINE", "true");
    nextest.env("CONCORD_FUZZ_SECONDS", each.to_string());
    let closing = run::must_keeping(&mut nextest, |line| line.contains("Summary [") || line.contains("cases in"));
    postgres.stop()?;
    closing
}
