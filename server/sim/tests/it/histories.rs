//! Whole histories, played as `cargo xtask sim` plays them, only fewer; and those that once broke something.

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

#[test]
fn a_customer_that_is_gone_is_not_written_again_with_every_run() {
    breaks_nothing(53);
}

#[test]
fn a_contact_that_stands_in_another_ones_way_does_not_keep_its_webhook_going_for_ever() {
    breaks_nothing(240);
}

#[test]
fn a_customer_whose_reference_names_a_contact_gets_no_second_one() {
    breaks_nothing(38);
}

#[test]
fn a_run_that_fails_between_plan_and_writing_gives_each_record_an_outcome() {
    breaks_nothing(280);
}

#[test]
fn a_customer_deleted_before_it_was_ever_read_is_not_asked_for_again_and_again() {
    breaks_nothing(1704);
}
