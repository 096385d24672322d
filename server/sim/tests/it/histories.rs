//! Whole histories, played as `cargo xtask sim` plays them, only fewer; and those that once broke something.

use sim::{crash, history, outcome};

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

#[test]
fn a_customer_added_while_a_plan_waits_for_approval_is_planned_by_the_next_run_of_changes() {
    breaks_nothing(1152);
}

#[test]
fn a_contact_that_another_was_merged_into_finds_its_customer() {
    breaks_nothing(1391);
}

#[test]
fn a_customer_without_partner_that_was_deleted_is_nobodys_candidate_any_more() {
    breaks_nothing(2279);
}

#[test]
fn what_the_newest_wins_goes_by_is_the_record_s_last_change_and_a_merge_is_one() {
    breaks_nothing(11084);
}

#[test]
fn a_write_that_waited_long_for_its_turn_is_compared_with_what_webhooks_told_meanwhile() {
    breaks_nothing(11561);
}

#[test]
fn two_looks_at_one_record_write_it_once() {
    breaks_nothing(11584);
}

#[test]
fn a_plan_made_while_another_outcome_was_being_settled_is_made_again() {
    breaks_nothing(12225);
}

#[test]
fn who_lies_in_the_bin_when_a_record_is_made_stands_in_nobodys_way() {
    breaks_nothing(12103);
}

#[test]
fn a_service_that_goes_on_with_a_dead_node_s_request_for_minutes_takes_no_slot() {
    breaks_nothing(13193);
}

#[test]
fn a_webhook_that_is_sent_again_later_is_waited_for() {
    breaks_nothing(14460);
}

#[test]
fn a_write_that_is_refused_for_one_field_holds_up_its_record_and_says_so() {
    breaks_nothing(16476);
}

#[test]
fn a_value_that_returns_to_what_was_agreed_on_gives_way() {
    breaks_nothing(17366);
}

#[test]
fn a_node_may_die_at_any_step_of_a_first_run() {
    // Every step is taken by `cargo xtask sim --crash`; here some of each phase.
    let deaths = (0..2_000).step_by(61).map_while(|step| crash::die_at(0, step).map(|outcome| (step, outcome)));
    let mut count = 0;
    for (step, outcome) in deaths {
        count += 1;
        assert!(outcome.violations.is_empty(), "step {step}: {:#?}", outcome.violations);
    }
    assert!(count > 3, "{count} deaths only");
}
