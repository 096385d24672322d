//! Whole histories, played as `cargo xtask sim` plays them, only fewer.

use sim::{history, outcome};

fn breaks_nothing(seed: u64) {
    let history = history::draw(seed);
    let outcome = outcome::play(&history, false);
    assert!(outcome.violations.is_empty(), "{history}\n{:#?}", outcome.violations);
}

#[test]
fn a_seed_replays_to_the_byte() {
    let history = history::draw(3);
    let (once, again) = (outcome::play(&history, true), outcome::play(&history, true));
    assert_eq!(once.lines, again.lines);
    assert_eq!(once.hash, again.hash);
    assert!(once.lines.len() > 20, "{:#?}", once.lines);
}

#[test]
fn some_histories_break_nothing() {
    for seed in 1..=40 {
        breaks_nothing(seed);
    }
}
