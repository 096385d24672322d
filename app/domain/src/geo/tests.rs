use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

#[test]
fn countries_are_known_by_code_name_and_alias() {
    let table = [
        ("US", Some("US")),
        ("us", Some("US")),
        (" USA ", Some("US")),
        ("U.S.A.", Some("US")),
        ("The United States", Some("US")),
        ("United States of America", Some("US")),
        ("UK", Some("GB")),
        ("England", Some("GB")),
        ("Deutschland", Some("DE")),
        ("deu", Some("DE")),
        ("Österreich", Some("AT")),
        ("O\u{308}sterreich", Some("AT")),
        ("Côte d'Ivoire", Some("CI")),
        ("Ivory Coast", Some("CI")),
        ("Türkiye", Some("TR")),
        ("México", Some("MX")),
        ("日本", Some("JP")),
        ("대한민국", Some("KR")),
        ("Россия", Some("RU")),
        ("Україна", Some("UA")),
        ("Trinidad & Tobago", Some("TT")),
        ("Congo", None),
        ("Korea", None),
        ("Virgin Islands", None),
        ("Atlantis", None),
        ("XX", None),
        ("the", None),
        ("", None),
        ("-", None),
    ];
    for (text, code) in table {
        assert_eq!(country(text), code, "{text}");
    }
}

#[test]
fn every_country_stands_once_and_every_name_is_folded() {
    let mut seen = BTreeSet::new();
    for (code, names) in include_str!("countries.txt").lines().map(|line| line.split_once(' ').unwrap()) {
        assert!(seen.insert(code), "{code} stands twice");
        assert!(is_country_code(code));
        for name in names.split('|') {
            assert_eq!(fold(name), name, "{code}: {name} is not folded");
            assert!(seen.insert(name), "{name} stands twice");
            assert_eq!(country(name), Some(code), "{name}");
            assert!(!is_country_code(name));
        }
    }
    assert_eq!(COUNTRIES.values().collect::<BTreeSet<_>>().len(), 249);
}

#[test]
fn every_state_stands_once_within_its_country_and_is_folded() {
    let mut seen = BTreeSet::new();
    let mut country = "";
    for line in include_str!("subdivisions.txt").lines() {
        let Some((state, names)) = line.strip_prefix(' ').map(|row| row.split_once(' ').unwrap()) else {
            country = line.get(..2).unwrap();
            assert!(is_country_code(country), "{country}");
            continue;
        };
        for name in names.split('|') {
            assert_eq!(fold(name), name, "{country}: {name} is not folded");
            assert_eq!(subdivision(Some(country), name).as_deref(), Ok(state), "{country}: {name}");
            assert!(seen.insert((country, name)), "{country}: {name} stands twice");
        }
        assert!(seen.insert((country, state)), "{country}: {state} stands twice");
    }
    assert_eq!(STATES.len(), 15);
}

#[test]
fn states_are_read_in_the_country_of_the_record() {
    use ProblemCode::{CountryUnknown, SubdivisionUnknown};
    let table = [
        (Some("US"), "Texas", Ok("TX")),
        (Some("United States"), "tx", Ok("TX")),
        (Some("US"), "US-TX", Ok("TX")),
        (Some("US"), "Washington, D.C.", Ok("DC")),
        (Some("US"), "Bavaria", Err(SubdivisionUnknown)),
        (Some("US"), "ZZ", Err(SubdivisionUnknown)),
        (Some("CA"), "Québec", Ok("QC")),
        (Some("AU"), "WA", Ok("WA")),
        (Some("AU"), "Western Australia", Ok("WA")),
        (Some("GB"), "Scotland", Ok("SCT")),
        (Some("GB"), "KEN", Ok("KEN")),
        (Some("GB"), "Kent", Err(SubdivisionUnknown)),
        (Some("DE"), "Bayern", Ok("BY")),
        (Some("DE"), "Baden-Württemberg", Ok("BW")),
        (Some("FR"), "IDF", Ok("IDF")),
        (Some("FR"), "FR-IDF", Ok("IDF")),
        (Some("FR"), "Île-de-France", Err(SubdivisionUnknown)),
        (Some("FR"), "Var", Err(SubdivisionUnknown)),
        (Some("Atlantis"), "TX", Err(CountryUnknown)),
        (None, "Texas", Ok("TX")),
        (None, "tx", Ok("TX")),
        (None, "Limburg", Err(SubdivisionUnknown)),
        (None, "Some where", Err(SubdivisionUnknown)),
        (Some("  "), "TX", Ok("TX")),
        (Some("US"), "", Err(SubdivisionUnknown)),
    ];
    for (country, text, expected) in table {
        let expected = expected.map(str::to_owned);
        assert_eq!(subdivision(country, text), expected, "{text} in {country:?}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_tables_panic(text in "\\PC{0,30}", land in "\\PC{0,10}") {
        let _ = country(&text);
        let _ = subdivision(Some(&land), &text);
        let _ = subdivision(None, &text);
    }

    #[test]
    fn folding_twice_is_folding_once(text in "[\\PC&&[^İ]]{0,30}") {
        let once = fold(&text);
        // A second "the" may come to the front; nothing else changes.
        if !once.starts_with("the ") {
            prop_assert_eq!(fold(&once), once);
        }
    }

    #[test]
    fn a_code_read_again_is_itself(text in "[A-Za-z ]{1,14}") {
        if let Some(code) = country(&text) {
            prop_assert_eq!(country(code), Some(code));
        }
        if let Ok(code) = subdivision(Some("US"), &text) {
            prop_assert_eq!(subdivision(Some("US"), &code), Ok(code.clone()));
        }
    }
}
