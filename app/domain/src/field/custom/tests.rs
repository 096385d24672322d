use proptest::prelude::*;

use super::*;
use crate::field::Catalogue;
use crate::value::normal;
use crate::value::tests::any_value;

fn list(items: &[&str]) -> Value {
    Value::from(items.iter().map(|&item| item.to_owned()).collect::<Vec<_>>())
}

const TYPES: [&str; 13] = [
    "TEXT",
    "LARGE_TEXT",
    "NUMERICAL",
    "MONETORY",
    "PHONE",
    "EMAIL",
    "DATE",
    "CHECKBOX",
    "MULTIPLE_OPTIONS",
    "SINGLE_OPTIONS",
    "RADIO",
    "FILE_UPLOAD",
    "SOMETHING_NEW",
];

#[test]
fn emptiness_is_written_as_each_service_wants_it() {
    let known = Catalogue::standard();
    let wire = |side, key: &str, value: Value| known.get(side, &FieldKey::from(key)).unwrap().wire(&value).to_string();
    assert_eq!(wire(Side::Chargify, "phone", Value::Empty), "\"\"");
    assert_eq!(wire(Side::Highlevel, "phone", Value::Empty), "null");
    assert_eq!(wire(Side::Highlevel, "country", Value::Empty), "\"\"");
    assert_eq!(wire(Side::Chargify, "city", Value::from("Rome")), "\"Rome\"");
    assert_eq!(Field::chargify_metafield("x").wire(&list(&["a", "b"])).to_string(), "\"a, b\"");
}

#[test]
fn each_type_is_written_in_its_own_form() {
    let table = [
        ("TEXT", Value::from("12"), "\"12\""),
        ("LARGE_TEXT", Value::from("a\nb"), "\"a\\nb\""),
        ("NUMERICAL", Value::from("+012.50"), "12.5"),
        ("NUMERICAL", Value::from("100"), "100"),
        ("NUMERICAL", Value::from("0.1000000000000000055511151231257827"), "\"0.1000000000000000055511151231257827\""),
        ("MONETORY", Value::from("100.5"), "100.5"),
        ("DATE", Value::from("1990-05-01T00:00:00.000Z"), "\"1990-05-01\""),
        ("DATE", Value::from("641520000000"), "\"1990-05-01\""),
        ("CHECKBOX", list(&["a", "b"]), "[\"a\",\"b\"]"),
        ("CHECKBOX", Value::Empty, "[]"),
        ("SINGLE_OPTIONS", Value::from("Gold"), "\"Gold\""),
        ("SINGLE_OPTIONS", Value::Empty, "\"\""),
        ("SOMETHING_NEW", Value::from("x"), "\"x\""),
    ];
    for (data_type, value, expected) in table {
        let wire = Field::highlevel_custom("f", "F", data_type).wire(&value).to_string();
        assert_eq!(wire, expected, "{data_type} of {value:?}");
    }
    assert!(!Field::highlevel_custom("f", "F", "FILE_UPLOAD").writable);
}

#[test]
fn a_choice_is_taken_as_the_service_spells_it() {
    let tiers = ["Gold", "Silver, matt", "Bronze"];
    let one = Field::highlevel_custom("f", "F", "RADIO").with_choices(tiers);
    let some = Field::highlevel_custom("f", "F", "CHECKBOX").with_choices(tiers);
    assert_eq!(one.spelled(Value::from(" gold ")), Value::from("Gold"));
    assert_eq!(one.misfit(&Value::from("Gold")), None);
    assert_eq!(one.misfit(&Value::from("Tin")), Some(Misfit::NotAChoice("Tin".to_owned())));
    assert_eq!(one.misfit(&Value::Empty), None);
    assert_eq!(some.spelled(Value::from("bronze, silver, matt")), list(&["Bronze", "Silver, matt"]));
    assert_eq!(some.spelled(list(&["GOLD"])), list(&["Gold"]));
    assert_eq!(some.misfit(&list(&["Gold", "Tin"])), Some(Misfit::NotAChoice("Tin".to_owned())));
    let level = Field::chargify_metafield("level").with_choices(["Basic", "Plus"]);
    assert_eq!(level.spelled(Value::from("plus")), Value::from("Plus"));
    assert_eq!(level.misfit(&Value::from("Ultra")), Some(Misfit::NotAChoice("Ultra".to_owned())));
}

#[test]
fn numbers_and_dates_that_are_none_are_kept_out() {
    let number = Field::highlevel_custom("f", "F", "MONETORY");
    assert_eq!(number.misfit(&Value::from("12.50")), None);
    assert_eq!(number.misfit(&Value::from("$12")), Some(Misfit::NotANumber));
    let date = Field::highlevel_custom("f", "F", "DATE");
    assert_eq!(date.misfit(&Value::from("2026-02-28")), None);
    assert_eq!(date.misfit(&Value::from("2026-02-30")), Some(Misfit::NotADate));
}

#[test]
fn a_type_is_told_in_words() {
    assert_eq!(Field::highlevel_custom("f", "F", "MONETORY").type_words(), "amount of money");
    assert_eq!(Field::highlevel_custom("f", "F", "RADIO").with_choices(["a", "b"]).type_words(), "one choice of 2");
    assert_eq!(Field::chargify_metafield("x").type_words(), "text");
}

/// What the service shows after taking `json`, as a record holds it.
fn read_back(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Array(items) => {
            Value::from(items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect::<Vec<_>>())
        }
        serde_json::Value::Number(number) => Value::text(number.to_string()),
        serde_json::Value::String(text) => Value::text(text.as_str()),
        _ => Value::Empty,
    }
}

proptest! {
    #[test]
    fn whatever_fits_comes_back_as_it_was_written(
        value in any_value(),
        index in 0..TYPES.len(),
        choices in prop::collection::vec("[A-Ca-c ,]{1,6}", 0..4),
    ) {
        let field = Field::highlevel_custom("f", "F", TYPES[index]).with_choices(choices);
        let spelled = field.spelled(value);
        prop_assume!(field.misfit(&spelled).is_none());
        let back = read_back(&field.wire(&spelled));
        prop_assert_eq!(normal(field.kind, &back), normal(field.kind, &spelled));
    }

    #[test]
    fn spelling_twice_is_spelling_once(value in any_value(), index in 0..TYPES.len()) {
        let field = Field::highlevel_custom("f", "F", TYPES[index]).with_choices(["a", "b, c"]);
        let once = field.spelled(value);
        prop_assert_eq!(field.spelled(once.clone()), once);
    }
}
