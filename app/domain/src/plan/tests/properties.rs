use proptest::prelude::*;
use time::OffsetDateTime;

use super::*;
use crate::decision::FieldChoice;
use crate::mapping::EmptyRule;

fn any_text() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        1 => Just(None),
        2 => Just(Some(String::new())),
        4 => prop::sample::select(vec![
            "Ann", "ann@example.com", "+16171110000", "(617) 111-0000", "Texas", "TX", "US", "USA", "Ann Lee", " Lee ",
        ]).prop_map(|text| Some(text.to_owned())),
        1 => "\\PC{0,12}".prop_map(Some),
        1 => (250_usize..260).prop_map(|length| Some("x".repeat(length))),
    ]
}

fn any_record(side: Side) -> impl Strategy<Value = Record> {
    let keys: Vec<String> = Mapping::default().rules.iter().map(|rule| rule.field(side).0.clone()).collect();
    let count = keys.len();
    let stamp = prop::option::of(0_i64..4);
    (prop::collection::vec(any_text(), count), stamp, any_text()).prop_map(move |(texts, second, reference)| {
        let mut record = Record::new(side).with_id(if side == Side::Highlevel { "Abc1" } else { "77" });
        for (key, text) in keys.iter().zip(texts) {
            if let Some(text) = text {
                record.set(key.as_str(), text);
            }
        }
        if side == Side::Chargify {
            record.set("reference", reference);
        }
        record.stamp.updated_at = second.and_then(|second| OffsetDateTime::from_unix_timestamp(second).ok());
        record
    })
}

fn any_policy() -> impl Strategy<Value = SyncPolicy> {
    let directions = vec![Direction::Both, Direction::ToChargify, Direction::ToHighlevel];
    let conflicts = vec![Conflict::Newest, Conflict::Highlevel, Conflict::Chargify, Conflict::FillEmpty, Conflict::Ask];
    let empties = vec![EmptyRule::CopyEmpties, EmptyRule::NeverClear, EmptyRule::ClearOnlyOurs];
    let rule = (prop::sample::select(directions), prop::sample::select(conflicts), prop::sample::select(empties));
    let count = Mapping::default().rules.len();
    (prop::collection::vec(rule, count), any::<[bool; 3]>()).prop_map(|(settings, [email, contacts, reference])| {
        let mut policy = SyncPolicy { create_contacts: contacts, write_reference: reference, ..SyncPolicy::default() };
        policy.scope.require_email = email;
        for (rule, (direction, conflict, empty)) in policy.mapping.rules.iter_mut().zip(settings) {
            (rule.direction, rule.conflict, rule.empty) = (direction, conflict, empty);
        }
        policy
    })
}

/// What a plan that was carried out leaves to do: nothing.
fn is_at_rest(item: &PlanItem) -> bool {
    !item.action.is_write() && item.changes.is_empty() && item.reference.is_none()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_plan_carried_out_leaves_nothing_to_do(
        policy in any_policy(),
        contact in prop::option::weighted(0.9, any_record(Side::Highlevel)),
        customer in prop::option::weighted(0.8, any_record(Side::Chargify)),
        earlier in prop::option::of((any_record(Side::Highlevel), any_record(Side::Chargify))),
    ) {
        // An earlier plan of other records gives a base that has nothing to do with what stands there now.
        let link = earlier.filter(|_| contact.is_some() && customer.is_some()).map(|(contact, customer)| {
            let item = plan(&PlanInput { contact: Some(&contact), customer: Some(&customer), ..PlanInput::new(&policy) });
            LinkState { id: LinkId(uuid::Uuid::from_u128(1)), base: item.base_after }
        });
        let input = PlanInput {
            link: link.as_ref(),
            contact: contact.as_ref(),
            customer: customer.as_ref(),
            ..PlanInput::new(&policy)
        };
        let item = plan(&input);
        prop_assert_eq!(item.action.is_write(), !item.changes.is_empty() || item.reference.is_some());
        for side in Side::BOTH {
            let announced = item.changes_to(side).count() > 0 || (side == Side::Chargify && item.reference.is_some());
            prop_assert_eq!(item.action.writes(side), announced, "{:?}", item);
        }
        if item.action.is_write() || item.new_link {
            let (contact, customer, link) = apply(&item, contact.as_ref(), customer.as_ref());
            let after = PlanInput { link: Some(&link), contact: Some(&contact), customer: Some(&customer), ..input };
            let again = plan(&after);
            prop_assert!(is_at_rest(&again), "first {:?}\nagain {:?}", item, again);
            prop_assert_eq!(&again.base_after, &plan(&PlanInput { heard: true, ..after }).base_after);
        }
    }

    #[test]
    fn an_answer_to_every_question_leaves_none_open_and_nothing_to_do(
        policy in any_policy(),
        contact in any_record(Side::Highlevel),
        customer in any_record(Side::Chargify),
        keep in any::<bool>(),
    ) {
        let keep = if keep { Side::Highlevel } else { Side::Chargify };
        let input = PlanInput { contact: Some(&contact), customer: Some(&customer), ..PlanInput::new(&policy) };
        let asked = plan(&input);
        prop_assume!(asked.action == Action::Conflict);
        let choice = |conflict: &FieldConflict| {
            let (highlevel, chargify) = (conflict.highlevel.clone(), conflict.chargify.clone());
            (conflict.rule.clone(), FieldChoice { keep, highlevel, chargify })
        };
        let decision = Decision { partner: None, fields: asked.conflicts.iter().map(choice).collect() };
        let item = plan(&PlanInput { decision: Some(&decision), ..input });
        // What stays open is what cannot travel, and that is said.
        prop_assert!(item.conflicts.is_empty() || !item.problems.is_empty(), "{:?}", item);
        if item.new_link {
            let (contact, customer, link) = apply(&item, Some(&contact), Some(&customer));
            let again = plan(&PlanInput { link: Some(&link), contact: Some(&contact), customer: Some(&customer), ..input });
            prop_assert!(is_at_rest(&again) && again.conflicts.is_empty(), "first {:?}\nagain {:?}", item, again);
        }
    }

    #[test]
    fn nothing_is_written_to_a_side_its_rule_does_not_point_to(
        policy in any_policy(),
        contact in any_record(Side::Highlevel),
        customer in any_record(Side::Chargify),
    ) {
        let item = plan(&PlanInput { contact: Some(&contact), customer: Some(&customer), ..PlanInput::new(&policy) });
        for change in &item.changes {
            let rule = policy.mapping.rule(&change.rule).unwrap();
            prop_assert!(rule.direction.allows(change.side));
            prop_assert_ne!(&change.before, &change.after);
        }
    }

    #[test]
    fn no_mapping_however_odd_makes_a_plan_panic(
        keys in prop::collection::vec(("\\PC{0,8}", "\\PC{0,8}"), 0..5),
        values in prop::collection::vec("\\PC{0,20}", 5),
    ) {
        let mut policy = SyncPolicy::default();
        policy.mapping.rules.extend(keys.iter().map(|(one, other)| Rule::new(one.as_str(), other.as_str())));
        let _ = policy.mapping.check(&policy.catalogue);
        let (mut contact, mut customer) = (contact(), customer());
        for ((one, other), value) in keys.iter().zip(&values) {
            contact.set(one.as_str(), value.as_str());
            customer.set(other.as_str(), value.as_str());
        }
        let _ = plan(&PlanInput { contact: Some(&contact), customer: Some(&customer), ..PlanInput::new(&policy) });
        let _ = plan(&PlanInput { contact: Some(&contact), ..PlanInput::new(&policy) });
    }
}
