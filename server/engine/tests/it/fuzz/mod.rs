//! What real answers and webhooks become when something on the way damages them. Each target goes on for
//! `CONCORD_FUZZ_SECONDS` (`cargo xtask fuzz`); without it, for one round.

mod answers;
mod damage;
mod webhooks;

use proptest::{
    prelude::*,
    test_runner::{Config, TestCaseError, TestRunner},
};
use std::time::{Duration, Instant};

/// Cases between two looks at the time.
const ROUND: u32 = 128;

/// How long each target goes on.
fn seconds() -> u64 {
    std::env::var("CONCORD_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Tries `check` on what `strategy` makes, until the time that was given is over. A case that fails is shrunk and shown.
fn fuzz<S: Strategy>(name: &str, strategy: &S, check: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let seconds = seconds();
    let (began, mut cases) = (Instant::now(), 0);
    loop {
        let config = Config { cases: ROUND, failure_persistence: None, ..Config::default() };
        if let Err(failure) = TestRunner::new(config).run(strategy, &check) {
            panic!("{name}: {failure}");
        }
        cases += ROUND;
        if began.elapsed() >= Duration::from_secs(seconds) {
            break;
        }
    }
    told(name, cases, began);
}

/// The closing line of a target, which `cargo xtask fuzz` shows.
#[expect(clippy::print_stdout, reason = "how far it got is told where tests tell things")]
fn told(name: &str, cases: u32, began: Instant) {
    println!("fuzz {name}: {cases} cases in {:.0} s", began.elapsed().as_secs_f64());
}
