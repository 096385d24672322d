use proptest::prelude::*;

use super::*;
use crate::problem::ProblemCode;
use crate::side::Side;

fn ann() -> Record {
    Record::new(Side::Highlevel)
        .with("firstName", "Ann")
        .with("lastName", "")
        .with("companyName", "Acme")
        .with("country", "United States")
}

fn check(written: &str, value: impl Into<Value>, expected: Result<&str, ProblemCode>) {
    let step: Transform = written.parse().unwrap();
    let (after, problems) = step.apply(&value.into(), &ann());
    let stopped = problems.iter().find(|problem| problem.stops_the_value());
    let got = stopped.map_or(Ok(after), |problem| Err(problem.code));
    assert_eq!(got, expected.map(Value::from), "{written}");
}

#[test]
fn every_transform_does_what_it_says() {
    check("trim", "  a b ", Ok("a b"));
    check("collapse_spaces", "  a \t b ", Ok("a b"));
    check("lower", "ÀB", Ok("àb"));
    check("upper", "straße", Ok("STRASSE"));
    check("title", "ANN-MARIE O'BRIEN d’arcy", Ok("Ann-Marie O'Brien D’Arcy"));
    check("title", "ßa", Ok("Ssa"));
    check("title", "bob's 3RD shop", Ok("Bob's 3rd Shop"));
    check("default(\"—\")", "", Ok("—"));
    check("default(\"—\")", "  ", Ok("—"));
    check("default(\"—\")", "x", Ok("x"));
    check("template(\"{{ firstName }} {{lastName}}\")", "ignored", Ok("Ann"));
    check("template(\"{{lastName}}-\")", "ignored", Ok(""));
    check("template(\"{{firstName}} @ {{companyName}}\")", "", Ok("Ann @ Acme"));
    check("template(\"{{shoeSize}}\")", "x", Err(ProblemCode::TemplateFieldAbsent));
    check("phone", "(617) 111-0000", Ok("+16171110000"));
    check("phone(\"DE\")", "(617) 111-0000", Ok("+16171110000"));
    check("phone", "12", Err(ProblemCode::PhoneUnreadable));
    check("country", "Deutschland", Ok("DE"));
    check("country", "Atlantis", Err(ProblemCode::CountryUnknown));
    check("subdivision", "texas", Ok("TX"));
    check("subdivision", "Bavaria", Err(ProblemCode::SubdivisionUnknown));
    check("lookup(\"a=b, c=d e\")", " c ", Ok("d e"));
    check("lookup(\"a=b\")", "x", Err(ProblemCode::NotInLookup));
    check("truncate(3)", "äbçd", Ok("äbç"));
    check("truncate(3)", "ab cd", Ok("ab"));
    check("truncate(9)", "abc", Ok("abc"));
}

#[test]
fn nothing_stays_nothing() {
    for written in [
        "trim",
        "collapse_spaces",
        "lower",
        "upper",
        "title",
        "phone",
        "country",
        "subdivision",
        "lookup(\"a=b\")",
        "truncate(1)",
    ] {
        check(written, Value::Empty, Ok(""));
        check(written, Value::Text("  ".to_owned()), Ok(""));
    }
}

#[test]
fn the_country_of_the_record_goes_before_that_of_the_rule() {
    let step: Transform = "phone(\"DE\")".parse().unwrap();
    let nowhere = Record::new(Side::Chargify);
    assert_eq!(step.apply(&Value::from("030 123456"), &nowhere).0, Value::from("+4930123456"));
    let british = Record::new(Side::Chargify).with("country", "GB");
    assert_eq!(step.apply(&Value::from("020 7946 0958"), &british).0, Value::from("+442079460958"));
    let (value, problems) = Transform::Phone { default_country: None }.apply(&Value::from("030 123456"), &nowhere);
    assert_eq!(value, Value::from("030 123456"));
    assert_eq!(problems[0].code, ProblemCode::PhoneCountryUnknown);
}

#[test]
fn a_cut_is_remarked_but_does_not_stop() {
    let (value, problems) = Transform::Truncate(2).apply(&Value::from("abcd"), &ann());
    assert_eq!(value, Value::from("ab"));
    assert_eq!(problems[0].to_string(), "the text was cut to fit (from 4 to 2 characters)");
    assert!(!problems[0].stops_the_value());
}

#[test]
fn a_chain_ends_where_its_value_breaks() {
    let chain: Vec<Transform> = ["country", "lower"].iter().map(|step| step.parse().unwrap()).collect();
    assert_eq!(apply_all(&chain, &Value::from("USA"), &ann()).0, Value::from("us"));
    let (value, problems) = apply_all(&chain, &Value::from("Atlantis"), &ann());
    assert_eq!((value, problems.len()), (Value::from("Atlantis"), 1));
}

#[test]
fn a_step_is_turned_round_when_nothing_was_lost() {
    let back = |written: &str| written.parse::<Transform>().unwrap().back().map(|step| step.to_string());
    assert_eq!(back("trim").as_deref(), Some("trim"));
    assert_eq!(back("phone(\"US\")").as_deref(), Some("phone(\"US\")"));
    assert_eq!(back("lookup(\"a=b, c=d\")").as_deref(), Some("lookup(\"b=a, d=c\")"));
    assert_eq!(back("lookup(\"a=b, c=b\")"), None);
    assert_eq!(back("lookup(\"New York = NY\")").as_deref(), Some("lookup(\"NY=New York\")"));
    for lost in ["default(\"x\")", "template(\"{{a}}\")", "truncate(9)"] {
        assert_eq!(back(lost), None, "{lost}");
    }
}

#[test]
fn mistakes_are_named_with_their_place() {
    let table = [
        ("", 1, "a transform was expected"),
        ("frobnicate", 1, "\"frobnicate\" is not a transform"),
        ("  trim  x", 9, "( or the end was expected"),
        ("trim(\"x\")", 6, "trim takes no argument"),
        ("default", 8, "default needs a text"),
        ("default(\"x", 9, "the quotation is not closed"),
        ("default(\"x\"", 12, ") was expected"),
        ("default(\"x\") y", 14, "the end was expected"),
        ("default(\"\\x\")", 11, "after a backslash"),
        ("default(5)", 9, "default needs a text in double quotes"),
        ("truncate(\"5\")", 10, "truncate needs a number"),
        ("truncate(0)", 10, "at least 1"),
        ("truncate(99999999999999999999999)", 10, "no usable number"),
        ("truncate(-5)", 10, "a text in double quotes or a number"),
        ("phone(\"Atlantis\")", 7, "\"Atlantis\" is not a country"),
        ("template(\"plain\")", 10, "names no field"),
        ("template(\"{{a}\")", 10, "without closing"),
        ("template(\"{{ }}\")", 10, "without a field's name"),
        ("lookup(\"\")", 8, "the lookup table is empty"),
        ("lookup(\"a\")", 8, "\"a\" has no ="),
        ("lookup(\"a=b=c\")", 8, "two ="),
        ("lookup(\"a=b,a=c\")", 8, "stands twice"),
    ];
    for (written, position, message) in table {
        let error = written.parse::<Transform>().unwrap_err();
        assert_eq!(error.position, position, "{written}: {error}");
        assert!(error.message.contains(message), "{written}: {error}");
    }
    assert_eq!(
        "x".parse::<Transform>().unwrap_err().to_string().split(';').next(),
        Some("transform, character 1: \"x\" is not a transform")
    );
}

#[test]
fn spaces_and_capitals_of_a_country_do_not_matter() {
    let phone = Transform::Phone { default_country: Some("US".to_owned()) };
    for written in ["phone(\"US\")", " phone ( \"us\" ) ", "phone(\"United States\")"] {
        assert_eq!(written.parse(), Ok(phone.clone()), "{written}");
    }
    assert_eq!("trim()".parse(), Ok(Transform::Trim));
}

fn any_transform() -> impl Strategy<Value = Transform> {
    let text = "\\PC{0,12}";
    prop_oneof![
        Just(Transform::Trim),
        Just(Transform::CollapseSpaces),
        Just(Transform::Lower),
        Just(Transform::Upper),
        Just(Transform::Title),
        Just(Transform::Country),
        Just(Transform::Subdivision),
        text.prop_map(Transform::Default),
        "[a-z{}\"\\\\ ]{0,6}\\{\\{[a-z]{1,4}\\}\\}[a-z\"\\\\ ]{0,6}"
            .prop_filter("a usable template", |text| format!("{}", Transform::Template(text.clone()))
                .parse::<Transform>()
                .is_ok())
            .prop_map(Transform::Template),
        prop::option::of(prop::sample::select(vec!["US", "DE", "JP"]))
            .prop_map(|country| Transform::Phone { default_country: country.map(str::to_owned) }),
        prop::collection::btree_map("[a-z=, \\\\\"]{0,6}", "[\\PC]{0,6}", 1..4).prop_map(Transform::Lookup),
        (1_usize..10_000).prop_map(Transform::Truncate),
    ]
}

proptest! {
    #[test]
    fn what_is_written_reads_back(step in any_transform()) {
        let written = step.to_string();
        prop_assert_eq!(written.parse::<Transform>(), Ok(step), "{}", written);
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,40}", inner in "[\\PC]{0,20}") {
        let _ = text.parse::<Transform>();
        for word in ["template", "lookup", "phone", "default", "truncate"] {
            let _ = format!("{word}({inner})").parse::<Transform>();
            let _ = format!("{word}(\"{inner}\")").parse::<Transform>();
        }
    }

    #[test]
    fn no_value_makes_a_transform_panic(step in any_transform(), value in crate::value::tests::any_value(), land in "\\PC{0,5}") {
        let context = Record::new(Side::Highlevel).with("country", land.as_str()).with("a", "b");
        let _ = step.apply(&value, &context);
    }

    #[test]
    fn doing_a_normaliser_twice_is_doing_it_once(text in "[ -~äöü]{0,20}", index in 0_usize..5) {
        let step = [Transform::Trim, Transform::CollapseSpaces, Transform::Lower, Transform::Upper, Transform::Title][index].clone();
        let once = step.apply(&Value::from(text), &ann()).0;
        prop_assert_eq!(step.apply(&once, &ann()).0, once);
    }
}
