//! The nine combinations of absent, empty and a value, for every direction a rule can have.
//!
//! Read a table as: rows are the contact's field, columns the customer's. `-` is absent (the field was not read), `` is
//! empty, `h` and `c` are values. In the answer `>` writes to Chargify and `<` to HighLevel; the words are why nothing is
//! written. Both records exist.

use super::*;

const KINDS_OF: [&str; 3] = ["-", "", "x"];

/// Answers by the contact's field (down) and the customer's (across): absent, empty, a value.
type Nine = [[&'static str; 3]; 3];

fn check_nine(direction: Direction, base: &str, nine: &Nine) {
    for (row, highlevel) in nine.iter().zip(KINDS_OF) {
        for (expected, chargify) in row.iter().zip(KINDS_OF) {
            let value = |side: &str, kind: &str| if kind == "x" { side.to_owned() } else { kind.to_owned() };
            let highlevel = record(Side::Highlevel, &value("h", highlevel), None).with_id("C1");
            let chargify = record(Side::Chargify, &value("c", chargify), None).with_id("7");
            let (base, catalogue) = (pair(base), catalogue());
            let rule = rule(direction, Conflict::Ask);
            let sides = Sides {
                rule: &rule,
                highlevel: &highlevel,
                chargify: &chargify,
                base: base.as_ref(),
                catalogue: &catalogue,
                decided: None,
            };
            let merged = merge(&sides).merged;
            assert_eq!(shown(&merged), *expected, "{direction:?}, base {base:?}: {highlevel:?} and {chargify:?}");
        }
    }
}

#[test]
fn when_two_records_meet_for_the_first_time() {
    check_nine(Direction::Both, "", &[["absent", "absent", "notread"], ["absent", "=", "<c"], ["notread", ">h", "?"]]);
    check_nine(
        Direction::ToChargify,
        "",
        &[["absent", "absent", "direction"], ["absent", "=", "direction"], ["notread", ">h", "?"]],
    );
    check_nine(
        Direction::ToHighlevel,
        "",
        &[["absent", "absent", "notread"], ["absent", "=", "<c"], ["direction", "direction", "?"]],
    );
}

#[test]
fn when_both_agreed_on_another_value_before() {
    check_nine(
        Direction::Both,
        "old|old",
        &[["=", "notread", "notread"], ["notread", "=", "?"], ["notread", "?", "?"]],
    );
    check_nine(
        Direction::ToChargify,
        "old|old",
        &[["=", "direction", "direction"], ["notread", "=", "?"], ["notread", "?", "?"]],
    );
    check_nine(
        Direction::ToHighlevel,
        "old|old",
        &[["=", "notread", "notread"], ["direction", "=", "?"], ["direction", "?", "?"]],
    );
}

#[test]
fn when_both_agreed_that_it_is_empty() {
    check_nine(Direction::Both, "|", &[["=", "=", "notread"], ["=", "=", "<c"], ["notread", ">h", "?"]]);
}

#[test]
fn a_record_about_to_be_created_holds_nothing_that_could_be_written_over() {
    let catalogue = catalogue();
    let rule = rule(Direction::Both, Conflict::Ask);
    let highlevel = record(Side::Highlevel, "h", None).with_id("C1");
    let nobody = Record::new(Side::Chargify);
    let sides = Sides {
        rule: &rule,
        highlevel: &highlevel,
        chargify: &nobody,
        base: None,
        catalogue: &catalogue,
        decided: None,
    };
    assert_eq!(shown(&merge(&sides).merged), ">h");
}
