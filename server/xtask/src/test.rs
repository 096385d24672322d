//! `cargo xtask test`: everything that proves Concord, on a machine with nothing but git and rustup.

use std::time::Instant;

use crate::test_postgres::TestPostgres;
use crate::{fuzz, layering, run, setup, sim, site};

/// Runs all tests, the later ones also when earlier ones fail; the runners' closing lines come last.
pub(crate) fn run() -> anyhow::Result<()> {
    let began = Instant::now();
    setup::run(setup::Scope::Everything)?;
    let outcomes = [
        ("rust", rust()),
        ("fuzz", fuzz::run(fuzz::SECONDS)),
        ("layering", shape()),
        ("simulation", sim::prove()),
        ("browser", browser()),
    ];
    println!("\n--- tests, {:.0} s ---", began.elapsed().as_secs_f64());
    let mut failed = Vec::new();
    for (name, outcome) in outcomes {
        match outcome {
            Ok(closing) => closing.iter().for_each(|line| println!("{name}: {line}")),
            Err(error) => {
                println!("{name}: {error:#}");
                failed.push(name);
            }
        }
    }
    anyhow::ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    Ok(())
}

fn shape() -> anyhow::Result<Vec<String>> {
    layering::run().map(|()| vec!["no violation".to_owned()])
}

/// The Rust tests of the whole workspace, on a Postgres that exists for them only.
fn rust() -> anyhow::Result<Vec<String>> {
    let postgres = TestPostgres::start()?;
    let mut nextest = run::cargo(["nextest", "run", "--workspace", "--exclude", "client", "--no-fail-fast"]);
    // The tests need the address; the compiler must not go there, where there is no schema.
    nextest.env("DATABASE_URL", postgres.url()).env("SQLX_OFFLINE", "true");
    let closing = run::must_keeping(&mut nextest, |line| line.contains("Summary ["));
    postgres.stop()?;
    closing
}

/// The browser's tests, each flow with and without wasm.
fn browser() -> anyhow::Result<Vec<String>> {
    site::run(site::Profile::Dev)?;
    // The server's own tests have built it; building it alone would choose other features and build everything again.
    let concord = run::target().join("debug/concord");
    anyhow::ensure!(concord.exists(), "{} was not built with the tests", concord.display());
    let mut playwright = run::command(run::root().join("end2end/node_modules/.bin/playwright"));
    playwright
        .arg("test")
        .current_dir(run::root().join("end2end"))
        .env("CONCORD_BIN", concord)
        .env("CONCORD_SITE_ROOT", run::root().join("target/site"));
    if let Some(chromium) = setup::chromium() {
        playwright.env("CHROMIUM", chromium);
    }
    run::must_keeping(&mut playwright, is_closing_line)
}

/// `  12 passed (34.5s)`, `  1 failed`, and their like.
fn is_closing_line(line: &str) -> bool {
    let mut words = line.split_whitespace();
    words.next().is_some_and(|count| count.parse::<u32>().is_ok())
        && words.next().is_some_and(|word| ["passed", "failed", "flaky", "skipped"].contains(&word))
}

#[cfg(test)]
mod tests {
    use super::is_closing_line;

    #[test]
    fn the_browser_runners_closing_lines_are_recognised() {
        assert!(is_closing_line("  12 passed (34.5s)"));
        assert!(is_closing_line("  1 failed"));
        assert!(!is_closing_line("  ✓  1 [wasm] › smoke.spec.ts (2s)"));
        assert!(!is_closing_line("Running 12 tests using 1 worker"));
    }
}
