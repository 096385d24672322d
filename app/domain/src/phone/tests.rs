use proptest::prelude::*;

use super::*;

fn check(text: &str, country: Option<&str>, expected: Result<&str, ProblemCode>) {
    let read = parse(text, country).map_err(|(code, _)| code);
    assert_eq!(read.as_deref().map_err(|code| *code), expected, "{text} in {country:?}");
}

#[test]
fn numbers_with_a_country_code_need_no_country() {
    check("+1 888-888-8888", None, Ok("+18888888888"));
    check("+1 (617) 111 - 0000", None, Ok("+16171110000"));
    check("0049 30 123456", None, Ok("+4930123456"));
    check("+44 (0)20 7946 0958", None, Ok("+442079460958"));
    check("+44 020 7946 0958", None, Ok("+442079460958"));
    check("+39 06 698 12345", None, Ok("+390669812345"));
    check("＋８１ ３ １２３４ ５６７８", None, Ok("+81312345678"));
    check("+\u{202a}33\u{202c} 1.42.68.53.00", None, Ok("+33142685300"));
    check("+1 888-888-8888", Some("DE"), Ok("+18888888888"));
    check("011 44 20 7946 0958", Some("US"), Ok("+442079460958"));
}

#[test]
fn national_numbers_are_read_in_their_country() {
    check("(617) 111 - 0000", Some("US"), Ok("+16171110000"));
    check("1 617 111 0000", Some("CA"), Ok("+16171110000"));
    check("020 7946 0958", Some("GB"), Ok("+442079460958"));
    check("20 7946 0958", Some("GB"), Ok("+442079460958"));
    check("44 20 7946 0958", Some("GB"), Ok("+442079460958"));
    check("0412 345 678", Some("AU"), Ok("+61412345678"));
    check("412345678", Some("AU"), Ok("+61412345678"));
    check("01 42 68 53 00", Some("FR"), Ok("+33142685300"));
    check("91 123 45 67", Some("DK"), Err(ProblemCode::PhoneUnreadable));
    check("912 345 678", Some("ES"), Ok("+34912345678"));
    check("8 495 123-45-67", Some("RU"), Ok("+74951234567"));
    check("06 1 234 5678", Some("HU"), Ok("+3612345678"));
    check("030 123456", Some("de"), Ok("+4930123456"));
}

#[test]
fn what_cannot_be_read_for_certain_is_refused() {
    check("(617) 111 - 0000", None, Err(ProblemCode::PhoneCountryUnknown));
    check("8912345", Some("DE"), Err(ProblemCode::PhoneAmbiguous));
    check("555-0100", Some("US"), Err(ProblemCode::PhoneUnreadable));
    check("+1 555 0100", None, Err(ProblemCode::PhoneUnreadable));
    check("+999 1234567", None, Err(ProblemCode::PhoneUnreadable));
    check("+", None, Err(ProblemCode::PhoneUnreadable));
    check("", None, Err(ProblemCode::PhoneUnreadable));
    check("call me", None, Err(ProblemCode::PhoneUnreadable));
    check("1-800-FLOWERS", Some("US"), Err(ProblemCode::PhoneUnreadable));
    check("+1 617 111 0000 or +1 617 111 0001", None, Err(ProblemCode::PhoneUnreadable));
}

#[test]
fn an_extension_is_named_rather_than_lost() {
    for text in
        ["+1 617 111 0000 x12", "+1 617 111 0000 ext. 12", "+16171110000;ext=12", "+1 617 111 0000 Extension 12"]
    {
        check(text, None, Err(ProblemCode::PhoneExtension));
        assert_eq!(international(text), None, "{text}");
    }
}

#[test]
fn a_national_number_has_no_international_form_by_itself() {
    assert_eq!(international("(617) 111-0000"), None);
    assert_eq!(international("+1 617 111 0000").as_deref(), Some("+16171110000"));
}

#[test]
fn every_plan_can_be_read() {
    assert_eq!(include_str!("plans.txt").lines().count(), PLANS.len());
    for plan in PLANS.iter() {
        assert!(plan.calling_code.bytes().all(|byte| byte.is_ascii_digit()), "{plan:?}");
        assert!(plan.lengths.is_sorted() && plan.lengths.iter().all(|(short, long)| short <= long && *long <= LONGEST));
        for country in plan.countries.split(' ') {
            assert!(std::ptr::eq(plan_of(country).unwrap(), plan), "{country} stands twice");
            assert!(
                country == "AC" || country == "TA" || country == "XK" || crate::geo::is_country_code(country),
                "{country}"
            );
        }
        let begun = |other: &&Plan| {
            other.calling_code != plan.calling_code && other.calling_code.starts_with(plan.calling_code)
        };
        assert_eq!(PLANS.iter().filter(begun).count(), 0, "{plan:?} begins another");
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,30}", country in "[A-Z]{2}") {
        let _ = parse(&text, None);
        let _ = parse(&text, Some(&country));
        let _ = international(&text);
    }

    #[test]
    fn what_was_read_reads_as_itself(text in "[+]?(43|49|44|36|7)?0{0,3}[0-9() -]{3,15}", country in prop::sample::select(vec!["US", "DE", "GB", "IT", "RU", "HU"])) {
        if let Ok(number) = parse(&text, Some(country)) {
            prop_assert!(is_e164(&number), "{}", number);
            prop_assert_eq!(parse(&number, None), Ok(number.clone()));
            prop_assert_eq!(international(&number), Some(number.clone()));
        }
    }
}
