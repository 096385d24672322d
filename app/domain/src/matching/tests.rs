use proptest::prelude::*;

use super::*;
use crate::side::Side;

fn contact() -> Record {
    Record::new(Side::Highlevel)
        .with_id("Abc1")
        .with("firstName", "Ann")
        .with("lastName", "Lee")
        .with("email", "Ann@example.com ")
        .with("phone", "+1 617 111 0000")
}

fn customer(id: &str) -> Record {
    Record::new(Side::Chargify).with_id(id)
}

fn ann(id: &str) -> Record {
    customer(id)
        .with("first_name", "ann")
        .with("last_name", " LEE")
        .with("phone", "(617) 111-0000")
        .with("country", "US")
}

/// Every customer is offered to every rule; the rules filter for themselves.
struct Case {
    customers: Vec<(Record, Option<&'static str>)>,
    others: Sharing,
    left_by: Option<&'static str>,
    policy: MatchPolicy,
}

impl Case {
    fn new(customers: impl IntoIterator<Item = Record>) -> Self {
        let customers = customers.into_iter().map(|record| (record, None)).collect();
        Self { customers, others: Sharing::default(), left_by: None, policy: MatchPolicy::default() }
    }

    fn taken_by(mut self, owner: &'static str) -> Self {
        self.customers[0].1 = Some(owner);
        self
    }

    fn find(&self) -> Match {
        let candidates: Vec<Candidate<'_>> = self
            .customers
            .iter()
            .map(|(record, owner)| Candidate {
                id: record.id.clone().unwrap(),
                record,
                taken_by: owner.map(RemoteId::from),
                left_by: self.left_by.map(RemoteId::from),
            })
            .collect();
        let contact = contact();
        let lookup = Lookup {
            contact: &contact,
            by_reference: &candidates,
            by_email: &candidates,
            by_phone_name: &candidates,
            others: self.others,
        };
        find(&lookup, &self.policy)
    }
}

fn ambiguous(rule: MatchRule, ids: &[&str], why: Ambiguity) -> Match {
    Match::Ambiguous { rule, candidates: ids.iter().map(|&id| RemoteId::from(id)).collect(), why }
}

#[test]
fn the_reference_goes_before_the_email_and_the_email_before_phone_and_name() {
    let by_reference = customer("1").with("reference", "Abc1");
    let by_email = customer("2").with("email", "ANN@EXAMPLE.COM");
    let by_phone = ann("3");
    let all = [by_reference, by_email, by_phone];
    assert_eq!(Case::new(all.clone()).find(), Match::Reference("1".into()));
    assert_eq!(Case::new(all[1..].to_vec()).find(), Match::Email("2".into()));
    assert_eq!(Case::new(all[2..].to_vec()).find(), Match::PhoneName("3".into()));
    assert_eq!(Case::new([]).find(), Match::None);
}

#[test]
fn a_rule_that_is_off_finds_nobody() {
    let mut case =
        Case::new([customer("1").with("reference", "Abc1"), customer("2").with("email", "ann@example.com"), ann("3")]);
    case.policy.reference = false;
    assert_eq!(case.find(), Match::Email("2".into()));
    case.policy.email = false;
    assert_eq!(case.find(), Match::PhoneName("3".into()));
    case.policy.phone_name = false;
    assert_eq!(case.find(), Match::None);
}

#[test]
fn a_reference_is_compared_exactly_and_with_its_prefix() {
    assert_eq!(Case::new([customer("1").with("reference", "aBC1")]).find(), Match::CaseOnlyReference("1".into()));
    assert_eq!(Case::new([customer("1").with("reference", "Abc")]).find(), Match::None);
    let mut case = Case::new([customer("1").with("reference", "ghl:Abc1")]);
    assert_eq!(case.find(), Match::None);
    case.policy.prefix = Some("ghl:".to_owned());
    assert_eq!(case.find(), Match::Reference("1".into()));
}

#[test]
fn two_customers_with_one_email_are_a_question() {
    let two = [customer("2").with("email", "ann@example.com"), customer("1").with("email", "ann@example.com")];
    assert_eq!(Case::new(two).find(), ambiguous(MatchRule::Email, &["1", "2"], Ambiguity::SeveralCustomers));
}

#[test]
fn two_contacts_with_one_email_are_a_question() {
    let mut case = Case::new([customer("1").with("email", "ann@example.com")]);
    case.others.email = 1;
    assert_eq!(case.find(), ambiguous(MatchRule::Email, &["1"], Ambiguity::SeveralContacts));
}

#[test]
fn a_customer_that_is_somebody_elses_is_a_question() {
    let taken = || Ambiguity::Taken("other".into());
    let by_email =
        Case::new([customer("1").with("email", "ann@example.com").with("reference", "other")]).taken_by("other");
    assert_eq!(by_email.find(), ambiguous(MatchRule::Email, &["1"], taken()));
    let by_phone = Case::new([ann("3")]).taken_by("other");
    assert_eq!(by_phone.find(), ambiguous(MatchRule::PhoneName, &["3"], taken()));
    let by_reference = Case::new([customer("1").with("reference", "Abc1")]).taken_by("other");
    assert_eq!(by_reference.find(), ambiguous(MatchRule::Reference, &["1"], taken()));
    let our_own = Case::new([customer("1").with("email", "ann@example.com")]).taken_by("Abc1");
    assert_eq!(our_own.find(), Match::Email("1".into()));
}

#[test]
fn a_merchants_own_reference_does_not_hinder_a_match_by_email() {
    let case = Case::new([customer("1").with("email", "ann@example.com").with("reference", "CUST-1001")]);
    assert_eq!(case.find(), Match::Email("1".into()));
}

#[test]
fn phone_and_name_must_both_be_certain() {
    assert_eq!(Case::new([ann("3").with("last_name", "Leigh")]).find(), Match::None);
    assert_eq!(Case::new([ann("3").with("country", "")]).find(), Match::None);
    assert_eq!(
        Case::new([ann("3"), ann("4")]).find(),
        ambiguous(MatchRule::PhoneName, &["3", "4"], Ambiguity::SeveralCustomers)
    );
    assert_eq!(Case::new([ann("3"), ann("3")]).find(), Match::PhoneName("3".into()));
}

proptest! {
    #[test]
    fn no_customer_makes_matching_panic_and_the_order_of_candidates_decides_nothing(
        emails in prop::collection::vec("(ann@example\\.com|\\PC{0,6})", 0..4),
        references in prop::collection::vec("([aA]bc1|\\PC{0,6})", 4),
    ) {
        let customers: Vec<Record> = emails.iter().zip(&references).enumerate().map(|(index, (email, reference))| {
            customer(&index.to_string()).with("email", email.as_str()).with("reference", reference.as_str())
        }).collect();
        let mut reversed = customers.clone();
        reversed.reverse();
        // Several exact references cannot be: the service keeps them unique without regard to case.
        let close = references.iter().take(emails.len()).filter(|reference| reference.eq_ignore_ascii_case("abc1")).count();
        if close < 2 {
            prop_assert_eq!(Case::new(customers).find(), Case::new(reversed).find());
        }
    }
}

#[test]
fn a_customer_whose_contact_was_deleted_is_nobodys_before_a_person_says_so() {
    let left = |left_by| Case { left_by: Some(left_by), ..Case::new([ann("7").with("email", "ann@example.com")]) };
    let of = |rule| ambiguous(rule, &["7"], Ambiguity::Left("gone".into()));
    assert_eq!(left("gone").find(), of(MatchRule::Email));
    let by_phone = Case { left_by: Some("gone"), ..Case::new([ann("7")]) };
    assert_eq!(by_phone.find(), of(MatchRule::PhoneName));
    // It is the contact itself that came back.
    assert_eq!(left("Abc1").find(), Match::Email("7".into()));
    let taken = left("gone").taken_by("other").find();
    assert_eq!(taken, ambiguous(MatchRule::Email, &["7"], Ambiguity::Taken("other".into())));
}
