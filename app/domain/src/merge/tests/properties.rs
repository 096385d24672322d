use proptest::prelude::*;

use super::*;

fn any_field() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["-", "", " ", "x", "y", " x", "Z"])
}

fn mirrored(rule: &Rule) -> Rule {
    let direction = match rule.direction {
        Direction::Both => Direction::Both,
        Direction::ToChargify => Direction::ToHighlevel,
        Direction::ToHighlevel => Direction::ToChargify,
    };
    let conflict = match rule.conflict {
        Conflict::Highlevel => Conflict::Chargify,
        Conflict::Chargify => Conflict::Highlevel,
        other => other,
    };
    Rule { direction, conflict, ..rule.clone() }
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let directions = vec![Direction::Both, Direction::ToChargify, Direction::ToHighlevel];
    let conflicts = vec![Conflict::Newest, Conflict::Highlevel, Conflict::Chargify, Conflict::FillEmpty, Conflict::Ask];
    let empties = vec![EmptyRule::CopyEmpties, EmptyRule::NeverClear, EmptyRule::ClearOnlyOurs];
    (prop::sample::select(directions), prop::sample::select(conflicts), prop::sample::select(empties))
        .prop_map(|(direction, conflict, empty)| Rule { empty, ..rule(direction, conflict) })
}

fn swapped(shown: &str) -> String {
    shown.replace('<', "\u{0}").replace('>', "<").replace('\u{0}', ">")
}

proptest! {
    #[test]
    fn swapping_the_sides_swaps_the_answer(
        rule in any_rule(),
        base in prop::sample::select(vec!["", "x|x", "x|", "|x", "|"]),
        (highlevel, chargify) in (any_field(), any_field()),
        stamps in (prop::option::of(0_i64..3), prop::option::of(0_i64..3)),
    ) {
        let base_back = base.split_once('|').map(|(one, other)| format!("{other}|{one}")).unwrap_or_default();
        let there = run(&rule, base, highlevel, chargify, stamps);
        let back = run(&mirrored(&rule), &base_back, chargify, highlevel, (stamps.1, stamps.0));
        prop_assert_eq!(shown(&there.merged), swapped(&shown(&back.merged)));
        let back_base = back.base.map(|pair| BasePair { highlevel: pair.chargify, chargify: pair.highlevel });
        prop_assert_eq!(there.base, back_base);
    }

    #[test]
    fn what_was_written_is_agreed_the_next_time(
        rule in any_rule(),
        base in prop::sample::select(vec!["", "x|x", "x|", "|x"]),
        (highlevel, chargify) in (any_field(), any_field()),
        stamps in (prop::option::of(0_i64..3), prop::option::of(0_i64..3)),
    ) {
        let catalogue = catalogue();
        let (mut h, mut c) = (record(Side::Highlevel, highlevel, stamps.0), record(Side::Chargify, chargify, stamps.1));
        let base = pair(base);
        let first = merge(&Sides { rule: &rule, highlevel: &h, chargify: &c, base: base.as_ref(), catalogue: &catalogue, decided: None });
        if let Merged::Write { to, after, .. } = &first.merged {
            let (record, key) = if *to == Side::Highlevel { (&mut h, &rule.highlevel) } else { (&mut c, &rule.chargify) };
            record.set(key.clone(), after.clone());
            for base in [first.base.as_ref(), None] {
                let again = merge(&Sides { rule: &rule, highlevel: &h, chargify: &c, base, catalogue: &catalogue, decided: None });
                prop_assert!(matches!(again.merged, Merged::Agree | Merged::Nothing(Why::Absent)), "{:?}", again);
            }
        }
    }
}
