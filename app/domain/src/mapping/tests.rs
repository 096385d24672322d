use super::*;

fn codes(mapping: &Mapping) -> Vec<(ProblemCode, Option<String>)> {
    let problems = mapping.check(&Catalogue::standard());
    problems.into_iter().map(|problem| (problem.code, problem.field.map(|field| field.0))).collect()
}

fn with(rules: impl IntoIterator<Item = Rule>) -> Mapping {
    let mut mapping = Mapping::default();
    mapping.rules.extend(rules);
    mapping
}

fn at(code: ProblemCode, field: &str) -> Vec<(ProblemCode, Option<String>)> {
    vec![(code, Some(field.to_owned()))]
}

#[test]
fn the_default_mapping_has_ten_fields_and_no_problem() {
    let mapping = Mapping::default();
    assert_eq!(codes(&mapping), []);
    let keys: Vec<String> = mapping.rules.iter().map(|rule| rule.key().0).collect();
    assert_eq!(
        keys,
        [
            "firstName→first_name",
            "lastName→last_name",
            "email→email",
            "phone→phone",
            "companyName→organization",
            "address1→address",
            "city→city",
            "state→state",
            "postalCode→zip",
            "country→country"
        ]
    );
    assert!(mapping.rules.iter().all(|rule| (rule.direction, rule.conflict) == (Direction::Both, Conflict::Newest)));
}

#[test]
fn each_fault_of_a_mapping_is_named() {
    let one_way = |rule: Rule, direction| Rule { direction, ..rule };
    assert_eq!(codes(&Mapping { rules: Vec::new() }), [(ProblemCode::EmptyMapping, None)]);
    assert_eq!(codes(&with([Rule::new("shoeSize", "locale")])), at(ProblemCode::UnknownField, "shoeSize"));
    assert_eq!(codes(&with([Rule::new("website", "shoe_size")])), at(ProblemCode::UnknownField, "shoe_size"));
    assert_eq!(
        codes(&with([one_way(Rule::new("website", "city"), Direction::ToChargify)])),
        at(ProblemCode::SameTargetTwice, "city")
    );
    assert_eq!(codes(&with([Rule::new("website", "reference")])), at(ProblemCode::ReadOnlyTarget, "reference"));
    assert_eq!(codes(&with([one_way(Rule::new("website", "reference"), Direction::ToHighlevel)])), []);
    assert_eq!(codes(&with([one_way(Rule::new("tags", "locale"), Direction::ToChargify)])), []);
    assert_eq!(codes(&with([Rule::new("tags", "locale")])), at(ProblemCode::ReadOnlyTarget, "tags"));
    assert_eq!(
        codes(&with([Rule::new("website", "locale").through([Transform::Truncate(9)])])),
        at(ProblemCode::Irreversible, "website")
    );
    let template = Rule::new("website", "locale").through([Transform::Template("{{shoeSize}}".to_owned())]);
    assert_eq!(codes(&with([one_way(template, Direction::ToChargify)])), at(ProblemCode::UnknownField, "shoeSize"));
}

#[test]
fn a_required_customer_field_needs_a_rule_that_fills_it() {
    let mut mapping = Mapping::default();
    mapping.rules.retain(|rule| rule.chargify.as_str() != "last_name");
    assert_eq!(codes(&mapping), at(ProblemCode::RequiredUnmapped, "last_name"));
    mapping.rules.push(Rule { direction: Direction::ToHighlevel, ..Rule::new("lastName", "last_name") });
    assert_eq!(codes(&mapping), at(ProblemCode::RequiredUnmapped, "last_name"));
}

#[test]
fn every_problem_speaks_and_offers_a_way_out() {
    let mapping = with([Rule::new("website", "reference").through([Transform::Truncate(9)])]);
    let said: Vec<String> = mapping.check(&Catalogue::standard()).iter().map(Problem::to_string).collect();
    assert_eq!(
        said,
        [
            "reference: this field cannot be written (Chargify field)",
            "website: the transform works in one direction, but the rule goes both ways (truncate(9))"
        ]
    );
    assert!(mapping.check(&Catalogue::standard()).iter().all(|problem| problem.fix().ends_with('.')));
}

#[test]
fn a_rule_is_read_with_its_defaults_and_refuses_unknown_words() {
    let rule: Rule = serde_json::from_str(r#"{"highlevel":"firstName","chargify":"first_name"}"#).unwrap();
    assert_eq!(rule, Rule::new("firstName", "first_name"));
    let full = r#"{"highlevel":"phone","chargify":"phone","direction":"to_chargify","conflict":"fill_empty",
        "transform":["trim","phone(\"US\")"],"empty":"never_clear"}"#;
    let rule: Rule = serde_json::from_str(full).unwrap();
    assert_eq!(rule.direction.as_str(), "to_chargify");
    assert_eq!((rule.conflict.as_str(), rule.empty.as_str()), ("fill_empty", "never_clear"));
    assert_eq!(rule.transform, [Transform::Trim, Transform::Phone { default_country: Some("US".to_owned()) }]);
    assert!(serde_json::from_str::<Rule>(r#"{"highlevel":"a","chargify":"b","way":"both"}"#).is_err());
    assert!(serde_json::from_str::<Rule>(r#"{"highlevel":"a","chargify":"b","direction":"north"}"#).is_err());
}

#[test]
fn a_rule_that_means_something_else_is_found_by_comparison() {
    let old = Mapping::default();
    let mut new = old.clone();
    new.rules[0].transform.push(Transform::Upper);
    new.rules.remove(1);
    let keys: Vec<String> = old.rules_changed_in(&new).into_iter().map(|key| key.0).collect();
    assert_eq!(keys, ["firstName→first_name", "lastName→last_name"]);
}

#[test]
fn the_chain_is_turned_round_for_the_way_back() {
    let lookup = Transform::Lookup([("a".to_owned(), "b".to_owned())].into());
    let rule = Rule::new("x", "y").through([Transform::Trim, lookup.clone()]);
    let inverse = lookup.back().unwrap();
    assert_eq!(rule.chain(Side::Chargify), Some(vec![Transform::Trim, lookup.clone()]));
    assert_eq!(rule.chain(Side::Highlevel), Some(vec![inverse.clone(), Transform::Trim]));
    let other_way = Rule { direction: Direction::ToHighlevel, ..rule };
    assert_eq!(other_way.chain(Side::Highlevel), Some(vec![Transform::Trim, lookup]));
}

#[test]
fn a_billing_fact_goes_to_gohighlevel_only_and_always_wins() {
    let fact = |direction| with([Rule { direction, ..Rule::new("source", "subscription.state") }]);
    assert_eq!(codes(&fact(Direction::ToHighlevel)), []);
    for direction in [Direction::Both, Direction::ToChargify] {
        let problems = fact(direction).check(&Catalogue::standard());
        assert_eq!(problems.first().map(|problem| problem.code), Some(ProblemCode::FactIsOnlyTold), "{direction:?}");
    }
    assert_eq!(Rule::new("source", "subscription.state").winner(), Conflict::Chargify);
    assert_eq!(Rule::new("city", "city").winner(), Conflict::Newest);
}
