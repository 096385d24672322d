//! Fields that an account made itself: what of a value they take, and what stays behind.

use super::*;

#[test]
fn choices_become_text_and_text_becomes_choices() {
    let catalogue =
        Catalogue::standard().with([Field::highlevel_custom("h", "H", "CHECKBOX"), Field::chargify_metafield("c")]);
    let rule = rule(Direction::Both, Conflict::Ask);
    let list = Value::List(vec!["Red".to_owned(), "Blue".to_owned()]);
    let merged = |highlevel: Value, chargify: &str| {
        let highlevel = Record::new(Side::Highlevel).with("customField:h", highlevel);
        let chargify = record(Side::Chargify, chargify, None);
        merge(&Sides {
            rule: &rule,
            highlevel: &highlevel,
            chargify: &chargify,
            base: None,
            catalogue: &catalogue,
            decided: None,
        })
        .merged
    };
    assert!(matches!(merged(list.clone(), ""), Merged::Write { after: Value::Text(text), .. } if text == "Red, Blue"));
    assert!(matches!(merged(Value::Empty, "Red,Blue"), Merged::Write { after, .. } if after == list));
    assert_eq!(merged(list, "blue, red"), Merged::Agree);
}

/// What becomes of the contact's `value` in a customer whose metafield is empty, and the other way round.
fn to_chargify(field: Field, metafield: Field, value: Value) -> String {
    carried(field, metafield, (value, Value::Empty))
}

fn to_highlevel(field: Field, metafield: Field, value: &str) -> String {
    carried(field, metafield, (Value::Empty, value.into()))
}

fn carried(field: Field, metafield: Field, (highlevel, chargify): (Value, Value)) -> String {
    let catalogue = Catalogue::standard().with([field, metafield]);
    let highlevel = Record::new(Side::Highlevel).with_id("C1").with("customField:h", highlevel);
    let chargify = Record::new(Side::Chargify).with_id("7").with("metafield:c", chargify);
    let rule = rule(Direction::Both, Conflict::Ask);
    let sides = Sides {
        rule: &rule,
        highlevel: &highlevel,
        chargify: &chargify,
        base: None,
        catalogue: &catalogue,
        decided: None,
    };
    match merge(&sides).merged {
        Merged::Broken(problems) => problems.iter().map(ToString::to_string).collect(),
        other => shown(&other),
    }
}

#[test]
fn a_value_that_is_none_of_the_choices_stays_behind_with_the_list_of_them() {
    let tier = || Field::highlevel_custom("h", "Tier", "SINGLE_OPTIONS").with_choices(["Gold", "Silver"]);
    let text = || Field::chargify_metafield("c");
    assert_eq!(to_highlevel(tier(), text(), "gold"), "<Gold");
    assert_eq!(
        to_highlevel(tier(), text(), "Tin"),
        "metafield:c: the value is none of the choices (\"Tin\"; Tier takes Gold, Silver)"
    );
    let level = || Field::chargify_metafield("c").with_choices((0..20).map(|number| format!("L{number}")));
    assert_eq!(to_chargify(tier(), level(), "L7".into()), ">L7");
    let words = to_chargify(tier(), level(), "Gold".into());
    assert!(words.ends_with("c takes L0, L1, L2, L3, L4, L5, L6, L7, L8, L9, L10, L11 and 8 more)"), "{words}");
}

#[test]
fn each_type_takes_only_what_it_can_hold() {
    let table = [
        ("NUMERICAL", "12.50", "<12.50"),
        ("NUMERICAL", "twelve", "metafield:c: the value is not a number (twelve)"),
        ("MONETORY", "$5", "metafield:c: the value is not a number ($5)"),
        ("DATE", "2026-08-31", "<2026-08-31"),
        ("DATE", "31/08/2026", "metafield:c: the value is not a date (31/08/2026)"),
        ("EMAIL", "ann@example", "metafield:c: the e-mail address is not valid (ann@example)"),
        ("PHONE", "+16171110000", "<+16171110000"),
        ("LARGE_TEXT", "a, b", "<a, b"),
        ("CHECKBOX", "a, b", "<a, b"),
    ];
    for (data_type, value, expected) in table {
        let field = Field::highlevel_custom("h", "H", data_type);
        assert_eq!(to_highlevel(field, Field::chargify_metafield("c"), value), expected, "{data_type}");
    }
}

#[test]
fn a_metafield_takes_two_thousand_bytes_and_not_one_more() {
    let field = || Field::highlevel_custom("h", "H", "LARGE_TEXT");
    let long = "é".repeat(1_000);
    assert_eq!(to_chargify(field(), Field::chargify_metafield("c"), long.as_str().into()), format!(">{long}"));
    let words = to_chargify(field(), Field::chargify_metafield("c"), format!("{long}x").into());
    assert_eq!(words, "customField:h: the text is too long for the other side (2001 bytes; 2000 fit)");
}

#[test]
fn numbers_and_dates_agree_however_they_are_written() {
    let agree = |data_type, highlevel: &str, chargify: &str| {
        let field = Field::highlevel_custom("h", "H", data_type);
        carried(field, Field::chargify_metafield("c"), (highlevel.into(), chargify.into()))
    };
    assert_eq!(agree("NUMERICAL", "12.5", "012.50"), "=");
    assert_eq!(agree("DATE", "2026-08-31T00:00:00.000Z", "2026-08-31"), "=");
    assert_eq!(agree("TEXT", "12.5", "012.50"), "?");
}

/// The tags a contact with `held` has after the rule saw `told`, having put on `ours` when it last saw `before`.
fn tagged(held: &[&str], told: &str, last: Option<(&[&str], &str)>) -> String {
    let tags = |tags: &[&str]| Value::from(tags.iter().map(|&tag| tag.to_owned()).collect::<Vec<_>>());
    let catalogue = Catalogue::standard().with([Field::chargify_metafield("c")]);
    let rule = Rule { direction: Direction::ToHighlevel, ..Rule::new("tags", "metafield:c") };
    let highlevel = Record::new(Side::Highlevel).with_id("C1").with("tags", tags(held));
    let chargify = Record::new(Side::Chargify).with_id("7").with("metafield:c", told);
    let base = last.map(|(ours, before)| BasePair {
        highlevel: crate::value::normal(FieldKind::Tags, &tags(ours)),
        chargify: crate::value::normal(FieldKind::Tags, &before.into()),
    });
    let sides = Sides {
        rule: &rule,
        highlevel: &highlevel,
        chargify: &chargify,
        base: base.as_ref(),
        catalogue: &catalogue,
        decided: None,
    };
    shown(&merge(&sides).merged)
}

#[test]
fn tags_are_put_on_and_only_our_own_are_taken_off() {
    assert_eq!(tagged(&["vip"], "Gold, trial", None), "<gold, trial, vip");
    assert_eq!(tagged(&["VIP", "gold"], "gold", None), "=", "neither order nor case means anything");
    assert_eq!(tagged(&["vip", "gold"], "silver", Some((&["gold"], "gold"))), "<silver, vip");
    assert_eq!(tagged(&["vip", "gold"], "", Some((&["gold"], "gold"))), "<vip");
    assert_eq!(tagged(&["vip"], "", Some((&[], ""))), "=", "a tag of somebody else's stays");
    assert_eq!(
        tagged(&["vip"], "gold", Some((&["gold"], "gold"))),
        "direction",
        "a tag taken off by a person stays off"
    );
}

#[test]
fn tags_can_only_be_put_on() {
    let mut mapping = crate::mapping::Mapping::default();
    let catalogue = Catalogue::standard().with([Field::chargify_metafield("c")]);
    mapping.rules.push(Rule { direction: Direction::ToHighlevel, ..Rule::new("tags", "metafield:c") });
    assert_eq!(mapping.check(&catalogue), []);
    mapping.rules.last_mut().unwrap().direction = Direction::Both;
    assert_eq!(mapping.check(&catalogue)[0].code, ProblemCode::ReadOnlyTarget);
}
