mod custom;
mod nine;
mod properties;

use time::OffsetDateTime;

use super::*;
use crate::field::Field;
use crate::mapping::{Conflict, Direction, EmptyRule};
use crate::problem::ProblemCode;
use crate::transform::Transform;

/// Two free-text fields, so that only the rule decides.
fn catalogue() -> Catalogue {
    Catalogue::standard().with([Field::highlevel_custom("h", "H", "TEXT"), Field::chargify_metafield("c")])
}

fn rule(direction: Direction, conflict: Conflict) -> Rule {
    Rule { direction, conflict, ..Rule::new("customField:h", "metafield:c") }
}

/// `-` is absent, `` is empty, anything else a value.
fn record(side: Side, written: &str, updated_at: Option<i64>) -> Record {
    let mut record = Record::new(side);
    if written != "-" {
        record.set(if side == Side::Highlevel { "customField:h" } else { "metafield:c" }, written);
    }
    record.stamp.updated_at = updated_at.map(|second| OffsetDateTime::from_unix_timestamp(second).unwrap());
    record
}

fn pair(both: &str) -> Option<BasePair> {
    both.split_once('|')
        .map(|(highlevel, chargify)| BasePair { highlevel: highlevel.into(), chargify: chargify.into() })
}

/// As [`pair`], where empty halves stand for agreed emptiness.
fn pair_or_empty(both: &str) -> Option<BasePair> {
    let half = |text: &str| if text.is_empty() { Value::Empty } else { text.into() };
    both.split_once('|').map(|(highlevel, chargify)| BasePair { highlevel: half(highlevel), chargify: half(chargify) })
}

fn run(rule: &Rule, base: &str, highlevel: &str, chargify: &str, stamps: (Option<i64>, Option<i64>)) -> Merging {
    let both = (record(Side::Highlevel, highlevel, stamps.0), record(Side::Chargify, chargify, stamps.1));
    merged(&catalogue(), rule, pair(base), both)
}

/// The contact and the customer, merged by the rule.
fn merged(catalogue: &Catalogue, rule: &Rule, base: Option<BasePair>, both: (Record, Record)) -> Merging {
    let [undecided, _, _] = answers(catalogue, rule, base, both);
    undecided
}

/// The same without an answer of a person, with GoHighLevel's side kept, and with Chargify's.
fn answers(
    catalogue: &Catalogue,
    rule: &Rule,
    base: Option<BasePair>,
    (contact, customer): (Record, Record),
) -> [Merging; 3] {
    [None, Some(Side::Highlevel), Some(Side::Chargify)].map(|decided| {
        merge(&Sides { rule, highlevel: &contact, chargify: &customer, base: base.as_ref(), catalogue, decided })
    })
}

/// What one rule makes of values without stamps.
fn check(rule: &Rule, table: &[(&str, &str, &str, &str)]) {
    for (base, highlevel, chargify, expected) in table {
        let merging = run(rule, base, highlevel, chargify, (None, None));
        assert_eq!(shown(&merging.merged), *expected, "{rule:?}, base {base:?}: {highlevel:?} and {chargify:?}");
    }
}

/// `=` agree, `>x` write x to Chargify, `<x` write x to HighLevel, `?` conflict, `!` broken, else why nothing.
fn shown(merged: &Merged) -> String {
    match merged {
        Merged::Agree => "=".to_owned(),
        Merged::Nothing(why) => format!("{why:?}").to_lowercase(),
        Merged::Write { to: Side::Chargify, after, .. } => format!(">{}", after.display()),
        Merged::Write { to: Side::Highlevel, after, .. } => format!("<{}", after.display()),
        Merged::Conflict { .. } => "?".to_owned(),
        Merged::Broken(_) => "!".to_owned(),
    }
}

/// One base, and what a rule of either direction or both makes of each pair of values; `/` where it is not asked.
fn check_directions(base: &str, table: &[(&str, &str, [&str; 3])]) {
    for (highlevel, chargify, expected) in table {
        let directions = [Direction::Both, Direction::ToChargify, Direction::ToHighlevel];
        for (direction, expected) in directions.into_iter().zip(expected).filter(|(_, expected)| **expected != "/") {
            check(&rule(direction, Conflict::Ask), &[(base, *highlevel, *chargify, *expected)]);
        }
    }
}

#[test]
fn at_first_contact_an_empty_side_is_filled() {
    let table = [
        ("-", "-", ["absent", "absent", "absent"]),
        ("-", "", ["absent", "absent", "absent"]),
        ("-", "c", ["<c", "direction", "<c"]),
        ("", "-", ["absent", "absent", "absent"]),
        ("", "", ["=", "=", "="]),
        ("", "c", ["<c", "direction", "<c"]),
        ("h", "-", [">h", ">h", "direction"]),
        ("h", "", [">h", ">h", "direction"]),
        ("h", "c", ["?", "?", "?"]),
        ("h", "h", ["=", "=", "="]),
        ("h", " h ", ["=", "=", "="]),
    ];
    check_directions("", &table);
}

#[test]
fn with_a_base_only_what_changed_travels() {
    let table = [
        ("-", "-", ["=", "/", "/"]),
        ("-", "x", ["=", "/", "/"]),
        ("x", "-", ["=", "/", "/"]),
        ("x", "x", ["=", "/", "/"]),
        (" x ", "x", ["=", "/", "/"]),
        ("-", "", ["emptyrule", "/", "/"]),
        ("-", "c", ["<c", "direction", "<c"]),
        ("", "-", ["emptyrule", "/", "/"]),
        ("", "", ["=", "/", "/"]),
        ("", "x", [">", ">", "direction"]),
        ("", "c", ["?", "/", "/"]),
        ("h", "-", [">h", ">h", "direction"]),
        ("h", "", ["?", "/", "/"]),
        ("h", "x", [">h", ">h", "direction"]),
        ("h", "c", ["?", "?", "?"]),
        ("h", "h", ["=", "=", "="]),
        ("x", "", ["<", "direction", "<"]),
        ("x", "c", ["<c", "direction", "<c"]),
    ];
    check_directions("x|x", &table);
}

#[test]
fn the_conflict_rule_decides_between_two_changes() {
    let table = [
        (Conflict::Highlevel, "h", "c", (None, None), ">h"),
        (Conflict::Chargify, "h", "c", (None, None), "<c"),
        (Conflict::Ask, "h", "c", (Some(2), Some(1)), "?"),
        (Conflict::Newest, "h", "c", (Some(2), Some(1)), ">h"),
        (Conflict::Newest, "h", "c", (Some(1), Some(2)), "<c"),
        (Conflict::Newest, "h", "c", (Some(1), Some(1)), "?"),
        (Conflict::Newest, "h", "c", (Some(1), None), "?"),
        (Conflict::Newest, "h", "c", (None, Some(1)), "?"),
        (Conflict::FillEmpty, "h", "c", (Some(2), Some(1)), "fillempty"),
        (Conflict::FillEmpty, "h", "", (None, None), ">h"),
        (Conflict::FillEmpty, "", "c", (None, None), "<c"),
    ];
    for base in ["x|x", ""] {
        for (conflict, highlevel, chargify, stamps, expected) in table {
            let merging = run(&rule(Direction::Both, conflict), base, highlevel, chargify, stamps);
            assert_eq!(
                shown(&merging.merged),
                expected,
                "{conflict:?}, base {base:?}: {highlevel} and {chargify} at {stamps:?}"
            );
        }
    }
    // On a one-way rule the side that cannot be written keeps what it has, whoever wins.
    let merging = run(&rule(Direction::ToChargify, Conflict::Chargify), "x|x", "h", "c", (None, None));
    assert_eq!(shown(&merging.merged), "direction");
}

#[test]
fn the_empty_rule_decides_about_clearing() {
    let table = [
        (EmptyRule::CopyEmpties, "", "x", ">"),
        (EmptyRule::NeverClear, "", "x", "emptyrule"),
        (EmptyRule::ClearOnlyOurs, "", "x", ">"),
        (EmptyRule::CopyEmpties, "", "c", ">"),
        (EmptyRule::NeverClear, "", "c", "emptyrule"),
        (EmptyRule::ClearOnlyOurs, "", "c", "emptyrule"),
        (EmptyRule::ClearOnlyOurs, "", "-", "emptyrule"),
    ];
    for (empty, highlevel, chargify, expected) in table {
        let rule = Rule { empty, ..rule(Direction::Both, Conflict::Highlevel) };
        let merging = run(&rule, "x|x", highlevel, chargify, (None, None));
        assert_eq!(shown(&merging.merged), expected, "{empty:?}: {highlevel:?} and {chargify:?}");
    }
}

#[test]
fn a_required_customer_field_is_never_cleared() {
    let rule = Rule { empty: EmptyRule::CopyEmpties, ..Rule::new("lastName", "last_name") };
    let both =
        (Record::new(Side::Highlevel).with("lastName", ""), Record::new(Side::Chargify).with("last_name", "Lee"));
    let [undecided, insisted, _] = answers(&Catalogue::standard(), &rule, pair("Lee|Lee"), both);
    for merging in [undecided, insisted] {
        let Merged::Broken(problems) = &merging.merged else { panic!("{merging:?}") };
        assert_eq!((problems[0].code, merging.base), (ProblemCode::RequiredNeverCleared, pair("Lee|Lee")));
    }
}

#[test]
fn a_persons_choice_ends_a_conflict_and_may_empty_a_field() {
    let table = [
        (Direction::Both, "h", "c", ["?", ">h", "<c"], ["x|x", "h|h", "c|c"]),
        (Direction::Both, "", "c", ["?", ">", "<c"], ["x|x", "|", "c|c"]),
        // What may not travel stays apart: once a person has seen it, that is what was agreed.
        (Direction::ToChargify, "h", "c", ["?", ">h", "direction"], ["x|x", "h|h", "h|c"]),
        (Direction::ToHighlevel, "h", "c", ["?", "direction", "<c"], ["x|x", "h|c", "c|c"]),
    ];
    for (direction, highlevel, chargify, merged, bases) in table {
        let both = (record(Side::Highlevel, highlevel, None), record(Side::Chargify, chargify, None));
        let made = answers(&catalogue(), &rule(direction, Conflict::Ask), pair("x|x"), both);
        assert_eq!(made.clone().map(|merging| shown(&merging.merged)), merged, "{direction:?}");
        assert_eq!(made.map(|merging| merging.base), bases.map(pair_or_empty), "{direction:?}");
    }
}

#[test]
fn what_was_agreed_is_kept_in_normal_form() {
    let cases = [
        ("x|x", " y ", "x", "y|y"),
        ("x|x", "x", "z", "z|z"),
        ("", "h ", " h", "h|h"),
        ("x|x", "h", "c", "x|x"),
        ("x|x", "-", "x", "x|x"),
        ("x|x", "y", "-", "y|y"),
    ];
    for (base, highlevel, chargify, expected) in cases {
        let merging = run(&rule(Direction::Both, Conflict::Ask), base, highlevel, chargify, (None, None));
        assert_eq!(merging.base, pair(expected), "{base:?}: {highlevel:?} and {chargify:?}");
    }
    let merging = run(&rule(Direction::ToChargify, Conflict::Ask), "x|x", "x", "c", (None, None));
    assert_eq!(merging.base, pair("x|x"), "a change that may not travel stays a change");
}

fn through(written: &[&str], direction: Direction, conflict: Conflict) -> Rule {
    let chain: Vec<Transform> = written.iter().map(|step| step.parse().unwrap()).collect();
    rule(direction, conflict).through(chain)
}

#[test]
fn values_travel_through_the_chain_and_back() {
    let lookup = through(&["lookup(\"gold=1, silver=2\")"], Direction::Both, Conflict::Newest);
    let table = [
        ("", "gold", "", ">1"),
        ("", "", "2", "<silver"),
        ("", "gold", "1", "="),
        ("gold|1", "silver", "1", ">2"),
        ("gold|1", "gold", "2", "<silver"),
        ("gold|1", "bronze", "1", "!"),
    ];
    check(&lookup, &table);
    let lossy = through(&["truncate(2)"], Direction::Both, Conflict::Newest);
    check(&lossy, &[("", "abc", "", ">ab"), ("", "abc", "ab", "=")]);
    let back = run(&lossy, "ab|ab", "ab", "x", (None, None)).merged;
    assert!(matches!(&back, Merged::Broken(problems) if problems[0].code == ProblemCode::Irreversible), "{back:?}");
    let cut = run(&lossy, "", "abc", "", (None, None));
    assert_eq!(cut.remarks[0].to_string(), "customField:h: the text was cut to fit (from 3 to 2 characters)");
}

#[test]
fn a_default_fills_a_field_that_is_empty_on_both_sides() {
    let rule = through(&["default(\"—\")"], Direction::ToChargify, Conflict::Newest);
    let table = [
        ("", "", "", ">—"),
        ("", "", "Lee", "direction"),
        ("", "", "—", "="),
        ("|—", "Lee", "—", ">Lee"),
        ("", "-", "", "absent"),
    ];
    check(&rule, &table);
}

#[test]
fn a_change_of_any_field_of_a_template_is_a_change() {
    let rule = Rule { direction: Direction::ToChargify, ..Rule::new("firstName", "metafield:c") }
        .through(["template(\"{{firstName}} {{lastName}}\")".parse().unwrap()]);
    let merged = |highlevel: Record| {
        let both = (highlevel, record(Side::Chargify, "Ann Lee", None));
        shown(&merged(&catalogue(), &rule, pair("Ann Lee|Ann Lee"), both).merged)
    };
    let ann = Record::new(Side::Highlevel).with("firstName", "Ann");
    assert_eq!(merged(ann.clone().with("lastName", "Lee")), "=");
    assert_eq!(merged(ann.clone().with("lastName", "Leigh")), ">Ann Leigh");
    assert_eq!(merged(ann), "=", "a field that was not read is not a change");
}

fn standard(rule: &Rule, base: Option<BasePair>, highlevel: Record, chargify: Record) -> Merging {
    merged(&Catalogue::standard(), rule, base, (highlevel, chargify))
}

#[test]
fn numbers_and_codes_that_mean_the_same_agree() {
    let mapping = Mapping::default();
    let rule = |key: &str| mapping.rule(&RuleKey(key.to_owned())).unwrap();
    let us = |record: Record| record.with("country", "US");
    let (h, c) = (us(Record::new(Side::Highlevel)), us(Record::new(Side::Chargify)));
    let check = |key: &str, highlevel: (&str, &str), chargify: (&str, &str), expected: &str| {
        let merging =
            standard(rule(key), None, h.clone().with(highlevel.0, highlevel.1), c.clone().with(chargify.0, chargify.1));
        assert_eq!(shown(&merging.merged), expected, "{highlevel:?} and {chargify:?}");
    };
    check("phone→phone", ("phone", "+16171110000"), ("phone", "(617) 111-0000"), "=");
    check("phone→phone", ("phone", ""), ("phone", "(617) 111-0000"), "<+16171110000");
    check("phone→phone", ("phone", ""), ("phone", "555-0100"), "!");
    check("phone→phone", ("phone", "555-0100"), ("phone", "555-0100"), "=");
    check("state→state", ("state", "Texas"), ("state", "TX"), "=");
    check("state→state", ("state", "Texas"), ("state", ""), ">TX");
    check("state→state", ("state", "Bavaria"), ("state", ""), "!");
    check("country→country", ("country", "USA"), ("country", ""), ">US");
    check("country→country", ("country", "Atlantis"), ("country", ""), "!");
    check("email→email", ("email", "Ann@Example.com"), ("email", "ann@example.com"), "=");
}

#[test]
fn without_a_transform_only_what_the_service_understands_is_sent() {
    let phone = Rule::new("phone", "phone");
    let contact = Record::new(Side::Highlevel).with("phone", "");
    let customer = |number: &str| Record::new(Side::Chargify).with("phone", number);
    assert_eq!(shown(&standard(&phone, None, contact.clone(), customer("+1 617 111 0000")).merged), "<+16171110000");
    assert_eq!(shown(&standard(&phone, None, contact, customer("(617) 111 0000")).merged), "!");
    let country = Rule::new("country", "country");
    let merging = standard(
        &country,
        None,
        Record::new(Side::Highlevel).with("country", "USA"),
        Record::new(Side::Chargify).with("country", ""),
    );
    assert_eq!(shown(&merging.merged), "!");
}

#[test]
fn an_organization_that_chargify_made_up_counts_as_empty() {
    let rule = Rule { conflict: Conflict::Ask, ..Rule::new("companyName", "organization") };
    let contact = |company: &str| Record::new(Side::Highlevel).with("companyName", company);
    let customer =
        Record::new(Side::Chargify).with("first_name", "Ann").with("last_name", "Lee").with("organization", "Ann Lee");
    let check = |company: &str, base: &str, expected: &str| {
        let merging = standard(&rule, pair(base), contact(company), customer.clone());
        assert_eq!(shown(&merging.merged), expected, "{company:?}, base {base:?}");
    };
    check("", "", "=");
    check("", "|", "=");
    check("Acme", "", ">Acme");
    check("Acme", "|", ">Acme");
    check("Ann Lee", "", "=");
    check("", "Ann Lee|Ann Lee", ">");
    let merging = standard(&rule, None, contact("Acme"), customer);
    assert!(matches!(merging.merged, Merged::Write { ref before, .. } if *before == Value::from("Ann Lee")));
}

#[test]
fn what_turns_out_to_be_our_own_write_was_agreed_on_and_anything_else_stays() {
    let (mapping, catalogue) = (Mapping::default(), Catalogue::standard());
    let base: Base =
        serde_json::from_str(r#"{"email→email":["a@b.co","a@b.co"],"phone→phone":["+1617",null]}"#).unwrap();
    let found = Record::new(Side::Highlevel).with("email", "A@b.co").with("city", "Rome").with("state", "RM");
    let written = |keys: &[&str]| keys.iter().map(|key| (FieldKey::from(*key), Value::Empty)).collect();
    let moved = base.moved_by(&found, &written(&["email", "city", "phone"]), &mapping, &catalogue);
    let json = serde_json::to_string(&moved).unwrap();
    assert_eq!(
        json, r#"{"city→city":["Rome","Rome"]}"#,
        "the e-mail was known, the phone not told, the state not written"
    );
    assert!(base.moved_by(&found, &written(&[]), &mapping, &catalogue).0.is_empty());
}

#[test]
fn a_base_is_written_compactly_and_knows_its_echo() {
    let mapping = Mapping::default();
    let catalogue = Catalogue::standard();
    let json = r#"{"email→email":["ann@example.com","ann@example.com"],"phone→phone":["+16171110000",null]}"#;
    let base: Base = serde_json::from_str(json).unwrap();
    assert_eq!(serde_json::to_string(&base).unwrap(), json);
    let heard = Record::new(Side::Highlevel).with("email", "Ann@example.com").with("website", "x");
    assert!(base.is_echo(&heard, &mapping, &catalogue));
    assert!(base.is_echo(&heard.clone().with("phone", "+1 617 111 0000"), &mapping, &catalogue));
    assert!(!base.is_echo(&heard.clone().with("phone", ""), &mapping, &catalogue));
    assert!(!base.is_echo(&heard.with("city", "Rome"), &mapping, &catalogue), "nothing was agreed about the city");
    assert!(!base.is_echo(&Record::new(Side::Highlevel).with("website", "x"), &mapping, &catalogue));
    let stand_in = base.stand_in(Side::Chargify, &mapping);
    assert_eq!(stand_in, Record::new(Side::Chargify).with("email", "ann@example.com").with("phone", ""));
    let made: Rule = Rule { direction: Direction::ToChargify, ..Rule::new("email", "locale") }
        .through(["template(\"{{email}}!\")".parse().unwrap()]);
    let mapping = Mapping { rules: vec![made.clone()] };
    let made_base = Base([(made.key(), pair("ann@example.com!|ann@example.com!").unwrap())].into());
    let heard = Record::new(Side::Highlevel).with("email", "ann@example.com");
    assert!(made_base.is_echo(&heard, &mapping, &catalogue));
    assert!(made_base.stand_in(Side::Highlevel, &mapping).values.is_empty(), "a template's result is no field's value");
    let mut rest = base;
    rest.forget(&["email→email"].into_iter().map(|key| RuleKey(key.to_owned())).collect());
    assert_eq!(rest.0.len(), 1);
}
