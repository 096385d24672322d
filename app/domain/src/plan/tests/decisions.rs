use time::macros::datetime;

use super::*;
use crate::RemoteId;
use crate::decision::{FieldChoice, Partner};
use crate::matching::{Ambiguity, MatchRule};

const CITY: &str = "city→city";
const FIRST_NAME: &str = "firstName→first_name";

fn asking(direction: Direction) -> SyncPolicy {
    let mut policy = SyncPolicy::default();
    for rule in &mut policy.mapping.rules {
        (rule.conflict, rule.direction) = (Conflict::Ask, direction);
    }
    policy
}

fn key(rule: &str) -> RuleKey {
    RuleKey(rule.to_owned())
}

/// Both sides as they agreed once; every test changes some of it.
fn link(policy: &SyncPolicy) -> LinkState {
    let (contact, customer) = (contact().with("city", "Rome"), customer().with("city", "Rome"));
    let agreed = plan(&PlanInput { contact: Some(&contact), customer: Some(&customer), ..PlanInput::new(policy) });
    LinkState { id: LinkId(uuid::Uuid::from_u128(1)), base: agreed.base_after }
}

/// The answer `keep` to every question that the item puts.
fn answer_all(item: &PlanItem, keep: Side) -> Decision {
    let choice = |conflict: &FieldConflict| {
        let (highlevel, chargify) = (conflict.highlevel.clone(), conflict.chargify.clone());
        (conflict.rule.clone(), FieldChoice { keep, highlevel, chargify })
    };
    Decision { partner: None, fields: item.conflicts.iter().map(choice).collect() }
}

fn with_partner(partner: Partner) -> Decision {
    Decision { partner: Some(partner), ..Decision::default() }
}

fn several() -> Match {
    let candidates = vec!["77".into(), "78".into()];
    Match::Ambiguous { rule: MatchRule::Email, candidates, why: Ambiguity::SeveralCustomers }
}

fn parted(side: Side) -> Option<Parted> {
    Some(Parted { side, at: datetime!(2026-11-22 12:00 UTC) })
}

fn summary(item: &PlanItem) -> String {
    let arrow = |side| if side == Side::Chargify { '>' } else { '<' };
    let changes: Vec<String> = item
        .changes
        .iter()
        .map(|change| format!("{}{}={}", arrow(change.side), change.field, change.after.display()))
        .collect();
    format!("{} {}", item.action.as_str(), changes.join(" ")).trim().to_owned()
}

#[test]
fn the_side_a_person_keeps_is_written_to_the_other_and_then_it_is_agreed() {
    let table = [
        (Direction::Both, Side::Highlevel, "Turin", "Milan", "update_customer >city=Turin"),
        (Direction::Both, Side::Chargify, "Turin", "Milan", "update_contact <city=Milan"),
        (Direction::Both, Side::Highlevel, "", "Milan", "update_customer >city="),
        (Direction::Both, Side::Chargify, "Turin", "", "update_contact <city="),
        (Direction::ToChargify, Side::Highlevel, "Turin", "Milan", "update_customer >city=Turin"),
        // What the rule lets not travel stays apart, and is not asked about again.
        (Direction::ToChargify, Side::Chargify, "Turin", "Milan", "unchanged"),
        (Direction::ToHighlevel, Side::Highlevel, "Turin", "Milan", "unchanged"),
    ];
    for (direction, keep, highlevel, chargify, expected) in table {
        let policy = asking(direction);
        let link = link(&policy);
        let (contact, customer) = (contact().with("city", highlevel), customer().with("city", chargify));
        let input = PlanInput {
            link: Some(&link),
            contact: Some(&contact),
            customer: Some(&customer),
            ..PlanInput::new(&policy)
        };
        let asked = plan(&input);
        assert_eq!(
            (asked.action, asked.conflicts.len()),
            (Action::Conflict, 1),
            "{direction:?} {highlevel}|{chargify}"
        );
        let decision = answer_all(&asked, keep);
        let item = plan(&PlanInput { decision: Some(&decision), ..input });
        assert_eq!(summary(&item), expected, "{direction:?}, keep {keep:?} of {highlevel}|{chargify}");
        let (contact, customer, link) = apply(&item, Some(&contact), Some(&customer));
        let after = PlanInput { link: Some(&link), contact: Some(&contact), customer: Some(&customer), ..input };
        assert_eq!(plan(&after).action, Action::Unchanged, "without the decision, once it is carried out");
    }
}

#[test]
fn a_decision_is_void_once_either_value_is_another() {
    let policy = asking(Direction::Both);
    let link = link(&policy);
    let choice = FieldChoice { keep: Side::Highlevel, highlevel: "Turin".into(), chargify: "Milan".into() };
    let decision = Decision { partner: None, fields: [(key(CITY), choice)].into() };
    let check = |highlevel: &str, chargify: &str, expected: Action| {
        let (contact, customer) = (contact().with("city", highlevel), customer().with("city", chargify));
        let item = plan(&PlanInput {
            link: Some(&link),
            contact: Some(&contact),
            customer: Some(&customer),
            decision: Some(&decision),
            ..PlanInput::new(&policy)
        });
        assert_eq!(item.action, expected, "{highlevel}|{chargify}");
    };
    check("Turin", "Milan", Action::UpdateCustomer);
    check("Turin", "Genoa", Action::Conflict);
    check("Genoa", "Milan", Action::Conflict);
    check("Milan", "Milan", Action::Unchanged);
    check("Rome", "Milan", Action::UpdateContact);
}

#[test]
fn a_question_that_is_not_answered_keeps_the_whole_record_waiting() {
    let policy = asking(Direction::Both);
    let link = link(&policy);
    let (contact, customer) = (
        contact().with("city", "Turin").with("firstName", "Anna"),
        customer().with("city", "Milan").with("first_name", "Anne"),
    );
    let input =
        PlanInput { link: Some(&link), contact: Some(&contact), customer: Some(&customer), ..PlanInput::new(&policy) };
    let mut decision = answer_all(&plan(&input), Side::Highlevel);
    decision.fields.remove(&key(FIRST_NAME));
    let item = plan(&PlanInput { decision: Some(&decision), ..input });
    let open: Vec<&str> = item.conflicts.iter().map(|conflict| conflict.rule.0.as_str()).collect();
    assert_eq!((item.action, open), (Action::Conflict, vec![FIRST_NAME]));
}

#[test]
fn a_value_that_cannot_travel_is_no_answer_and_the_reason_is_said() {
    let policy = asking(Direction::Both);
    let link = link(&policy);
    let (contact, customer) = (contact().with("firstName", ""), customer().with("first_name", "Anne"));
    let input =
        PlanInput { link: Some(&link), contact: Some(&contact), customer: Some(&customer), ..PlanInput::new(&policy) };
    let decision = answer_all(&plan(&input), Side::Highlevel);
    let item = plan(&PlanInput { decision: Some(&decision), ..input });
    assert_eq!(item.action, Action::Conflict);
    assert_eq!(item.problems[0].to_string(), "first_name: Chargify requires this field, so it is not emptied");
}

#[test]
fn an_ambiguous_contact_gets_the_partner_a_person_names() {
    let policy = SyncPolicy::default();
    let (contact, matched, theirs) = (contact(), several(), customer());
    let check = |partner: Partner, customer: Option<&Record>, expected: Action, words: &str| {
        let decision = with_partner(partner);
        let item = plan(&PlanInput {
            contact: Some(&contact),
            customer,
            matched: Some(&matched),
            decision: Some(&decision),
            ..PlanInput::new(&policy)
        });
        assert_eq!((item.action, item.reason.words.as_str()), (expected, words), "{decision:?}");
        assert_eq!(item.new_link, matches!(expected, Action::Link | Action::CreateCustomer));
    };
    let asked = "several customers have the same e-mail address: 77, 78";
    check(Partner::Customer("77".into()), Some(&theirs), Action::Link, "paired by a person; both sides agree");
    check(Partner::Customer("77".into()), None, Action::Ambiguous, asked);
    check(Partner::Customer("78".into()), Some(&theirs), Action::Ambiguous, asked);
    let new = |ids: &[&str]| Partner::New { instead_of: ids.iter().map(|id| RemoteId::from(*id)).collect() };
    check(new(&["77", "78"]), None, Action::CreateCustomer, "no customer belongs to this contact yet");
    check(new(&["77"]), None, Action::Ambiguous, asked);
    check(Partner::Nobody, None, Action::Exclude, "a person left it out for good");
}

#[test]
fn nothing_is_created_in_place_of_a_deleted_partner_before_a_person_decides() {
    let policy = SyncPolicy { create_contacts: true, ..SyncPolicy::default() };
    let (contact, customer) = (contact(), customer());
    let (lone_contact, lone_customer) = ((Some(&contact), None), (None, Some(&customer)));
    let new = with_partner(Partner::New { instead_of: Vec::new() });
    let nobody = with_partner(Partner::Nobody);
    let table = [
        (lone_contact, Side::Chargify, None, Action::Hold),
        (lone_contact, Side::Chargify, Some(&new), Action::CreateCustomer),
        (lone_contact, Side::Chargify, Some(&nobody), Action::Exclude),
        (lone_customer, Side::Highlevel, None, Action::Hold),
        (lone_customer, Side::Highlevel, Some(&new), Action::CreateContact),
        (lone_customer, Side::Highlevel, Some(&nobody), Action::Exclude),
    ];
    for create_contacts in [true, false] {
        // A person may have one contact created although the sync by itself creates none.
        let policy = SyncPolicy { create_contacts, ..policy.clone() };
        for ((contact, customer), side, decision, expected) in table {
            let input = PlanInput { contact, customer, decision, parted: parted(side), ..PlanInput::new(&policy) };
            assert_eq!(plan(&input).action, expected, "{side:?} deleted, {decision:?}");
        }
    }
    let item = plan(&PlanInput { contact: Some(&contact), parted: parted(Side::Chargify), ..PlanInput::new(&policy) });
    let words = "its customer was deleted in Chargify on 22 November 2026: waits for a decision";
    assert_eq!((item.reason.code, item.reason.words.as_str()), (ReasonCode::CustomerGone, words));
    assert_eq!(item.action.outcome_if_done(), crate::outcome::Outcome::Parked);
}

#[test]
fn a_deletion_holds_up_creates_only() {
    let policy = SyncPolicy::default();
    let (contact, customer, found) = (contact(), customer(), Match::Email("77".into()));
    let parted = parted(Side::Chargify);
    let paired = plan(&PlanInput {
        contact: Some(&contact),
        customer: Some(&customer),
        matched: Some(&found),
        parted,
        ..PlanInput::new(&policy)
    });
    assert_eq!(paired.action, Action::Link, "the same person is there under another id");
    let silent = contact.clone().with("email", "");
    let out = plan(&PlanInput { contact: Some(&silent), parted, ..PlanInput::new(&policy) });
    assert_eq!((out.action, out.reason.code), (Action::Exclude, ReasonCode::NoEmail));
    let nameless = contact.clone().with("firstName", "").with("lastName", "");
    let out = plan(&PlanInput { contact: Some(&nameless), parted, ..PlanInput::new(&policy) });
    assert_eq!((out.action, out.reason.code), (Action::Exclude, ReasonCode::RequiredMissing));
}
