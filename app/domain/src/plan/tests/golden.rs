use super::*;
use crate::limits;
use crate::matching::{Ambiguity, MatchRule};

fn policy() -> SyncPolicy {
    SyncPolicy { write_reference: true, ..SyncPolicy::default() }
}

fn shown(item: &PlanItem) -> Vec<String> {
    let arrow = |side| if side == Side::Chargify { '>' } else { '<' };
    item.changes
        .iter()
        .map(|change| format!("{}{}={}", arrow(change.side), change.field, change.after.display()))
        .collect()
}

fn linked(policy: &SyncPolicy, contact: &Record, customer: &Record, heard: bool) -> PlanItem {
    // What both agree on now is the base; the caller changes one side afterwards.
    let (was_contact, was_customer) = (self::contact(), self::customer());
    let agreed =
        plan(&PlanInput { contact: Some(&was_contact), customer: Some(&was_customer), ..PlanInput::new(policy) });
    let link = LinkState { id: LinkId(uuid::Uuid::from_u128(1)), base: agreed.base_after };
    plan(&PlanInput {
        link: Some(&link),
        contact: Some(contact),
        customer: Some(customer),
        heard,
        ..PlanInput::new(policy)
    })
}

#[test]
fn a_contact_without_a_customer_gets_one_with_its_id_as_reference() {
    let policy = SyncPolicy::default();
    let contact = contact();
    let item = plan(&PlanInput { contact: Some(&contact), matched: Some(&Match::None), ..PlanInput::new(&policy) });
    assert_eq!((item.action, item.reason.code), (Action::CreateCustomer, ReasonCode::NewContact));
    assert_eq!(item.reference.as_deref(), Some("Abc1"));
    assert!(item.new_link);
    let fields = [
        ">first_name=Ann",
        ">last_name=Lee",
        ">email=ann@example.com",
        ">phone=+16171110000",
        ">state=TX",
        ">country=US",
    ];
    assert_eq!(shown(&item), fields);
}

#[test]
fn a_contact_that_chargify_would_refuse_is_excluded_with_the_reason() {
    let policy = SyncPolicy::default();
    let check = |contact: Record, code: ReasonCode, words: &str| {
        let item = plan(&PlanInput { contact: Some(&contact), ..PlanInput::new(&policy) });
        assert_eq!((item.action, item.reason.code), (Action::Exclude, code), "{item:?}");
        assert_eq!(item.reason.words, words);
        assert!(item.changes.is_empty() && item.reference.is_none() && !item.new_link);
    };
    let mut nameless = contact();
    nameless.values.remove("lastName");
    check(
        nameless.with("firstName", " "),
        ReasonCode::RequiredMissing,
        "Chargify requires first_name, last_name, which the contact does not give",
    );
    check(contact().with("email", ""), ReasonCode::NoEmail, "the contact has no e-mail address");
    check(
        contact().with("email", "ann at home"),
        ReasonCode::EmailMalformed,
        "\"ann at home\" is not an e-mail address",
    );
}

#[test]
fn a_default_makes_a_nameless_contact_acceptable() {
    let mut policy = SyncPolicy::default();
    policy.mapping.rules[1] = Rule { direction: Direction::ToChargify, ..Rule::new("lastName", "last_name") }
        .through([crate::transform::Transform::Default("—".to_owned())]);
    let mut contact = contact();
    contact.values.remove("lastName");
    let item = plan(&PlanInput { contact: Some(&contact), ..PlanInput::new(&policy) });
    assert_eq!(item.action, Action::CreateCustomer);
    assert!(shown(&item).contains(&">last_name=—".to_owned()));
}

#[test]
fn a_text_that_is_too_long_fails_and_says_what_helps() {
    let policy = SyncPolicy::default();
    let contact = contact().with("city", "x".repeat(limits::CHARGIFY_TEXT_CHARS + 1));
    let item = plan(&PlanInput { contact: Some(&contact), ..PlanInput::new(&policy) });
    assert_eq!((item.action, item.reason.code), (Action::Fail, ReasonCode::TooLong));
    assert_eq!(item.reason.words, "city: the text is too long for the other side (256 characters; 255 fit)");
    assert!(item.problems[0].fix().contains("truncate(255)"));
    let mut policy = policy;
    policy.matching.prefix = Some("p".repeat(limits::CHARGIFY_TEXT_CHARS));
    let item = plan(&PlanInput { contact: Some(&self::contact()), ..PlanInput::new(&policy) });
    assert_eq!((item.action, item.reason.code), (Action::Fail, ReasonCode::TooLong));
}

#[test]
fn a_matched_pair_that_agrees_is_only_linked() {
    let policy = SyncPolicy::default();
    let (contact, customer) = (contact(), customer());
    let found = Match::Email("77".into());
    let input = PlanInput {
        contact: Some(&contact),
        customer: Some(&customer),
        matched: Some(&found),
        ..PlanInput::new(&policy)
    };
    let item = plan(&input);
    assert_eq!((item.action, item.new_link, item.action.is_write()), (Action::Link, true, false));
    assert_eq!(item.reason.words, "found by e-mail address; both sides agree");
    let with_reference = self::policy();
    let item = plan(&PlanInput { policy: &with_reference, ..input });
    assert_eq!((item.action, item.reference.as_deref()), (Action::UpdateCustomer, Some("Abc1")));
    let theirs = customer.clone().with("reference", "CUST-1");
    let item = plan(&PlanInput { policy: &with_reference, customer: Some(&theirs), ..input });
    assert_eq!((item.action, item.reference), (Action::Link, None), "a merchant's reference is never overwritten");
}

#[test]
fn first_contact_fills_each_side_from_the_other() {
    let policy = SyncPolicy::default();
    let contact = contact().with("companyName", "Acme").with("city", "").with("address1", "");
    let customer = customer().with("city", "Austin").with("address", "1 Main St").with("organization", "Ann Lee");
    let item = plan(&PlanInput { contact: Some(&contact), customer: Some(&customer), ..PlanInput::new(&policy) });
    assert_eq!(item.action, Action::UpdateBoth);
    assert_eq!(shown(&item), [">organization=Acme", "<address1=1 Main St", "<city=Austin"]);
    assert_eq!(
        item.reason.words,
        "paired by a person; the customer gets Organization; the contact gets Street address, City"
    );
}

#[test]
fn a_change_on_one_side_travels_to_the_other() {
    let policy = policy();
    let item = linked(&policy, &contact().with("firstName", "Anna"), &customer(), true);
    assert_eq!((item.action, item.reason.code), (Action::UpdateCustomer, ReasonCode::FieldsDiffer));
    assert_eq!(shown(&item), [">first_name=Anna"]);
    assert_eq!(
        item.reference.as_deref(),
        Some("Abc1"),
        "a free reference is filled when there is something to write anyway"
    );
    let item = linked(&policy, &contact(), &customer().with("phone", "(617) 222-0000"), true);
    assert_eq!((item.action, shown(&item)), (Action::UpdateContact, vec!["<phone=+16172220000".to_owned()]));
    assert_eq!(item.reference.as_deref(), None);
}

#[test]
fn our_own_write_that_comes_back_is_an_echo() {
    let policy = policy();
    assert_eq!(linked(&policy, &contact(), &customer(), true).action, Action::Echo);
    assert_eq!(linked(&policy, &contact().with("email", "ANN@example.com"), &customer(), true).action, Action::Echo);
    assert_eq!(linked(&policy, &contact().with("website", "new"), &customer(), true).action, Action::Echo);
    assert_eq!(linked(&policy, &contact(), &customer(), false).action, Action::Unchanged);
    let both = linked(&policy, &contact().with("city", "Rome"), &customer().with("city", "Rome"), true);
    assert_eq!(both.action, Action::Unchanged, "both changed alike: nothing to write, but something new was agreed");
}

#[test]
fn a_conflict_parks_the_whole_record() {
    let mut policy = policy();
    policy.mapping.rules[0].conflict = Conflict::Ask;
    let (contact, customer) =
        (contact().with("firstName", "Anna").with("city", "Rome"), customer().with("first_name", "Anne"));
    let item = linked(&policy, &contact, &customer, false);
    assert_eq!((item.action, item.reason.code), (Action::Conflict, ReasonCode::BothChanged));
    assert!(item.changes.is_empty() && item.reference.is_none());
    assert_eq!(item.conflicts.len(), 1);
    let conflict = &item.conflicts[0];
    assert_eq!((conflict.highlevel.display(), conflict.chargify.display()), ("Anna".to_owned(), "Anne".to_owned()));
    assert_eq!(conflict.base.as_ref().unwrap().highlevel, Value::from("Ann"));
}

#[test]
fn a_field_that_cannot_travel_is_reported_and_the_rest_goes_on() {
    let policy = SyncPolicy::default();
    let customer_in_no_city = customer().with("city", "");
    let item = linked(&policy, &contact().with("phone", "ask Bob").with("city", "Rome"), &customer_in_no_city, false);
    assert_eq!((item.action, shown(&item)), (Action::UpdateCustomer, vec![">city=Rome".to_owned()]));
    assert_eq!(
        item.reason.words,
        "the customer gets City; left as it is: phone: the phone number cannot be read (ask Bob: \"a\" is no part of a \
         number)"
    );
    assert_eq!(
        item.problems[0].to_string(),
        "phone: the phone number cannot be read (ask Bob: \"a\" is no part of a number)"
    );
    let item = linked(&policy, &contact().with("lastName", ""), &customer(), false);
    assert_eq!(item.action, Action::Unchanged);
    assert!(item.reason.words.starts_with("both sides agree; left as it is: last_name: "), "{}", item.reason.words);
    assert_eq!(item.problems[0].to_string(), "last_name: Chargify requires this field, so it is not emptied");
}

#[test]
fn an_address_that_is_no_email_is_not_passed_on() {
    let item =
        linked(&SyncPolicy::default(), &contact().with("email", "ann@").with("city", "Rome"), &customer(), false);
    assert_eq!((item.action, item.reason.code), (Action::Exclude, ReasonCode::EmailMalformed));
    assert!(item.changes.is_empty());
    for good in ["a@b.co", "a.b+c@x-y.example", "ünï@exämple.de"] {
        assert!(crate::value::is_email(good), "{good}");
    }
    for bad in ["", "@", "a@b", "a b@c.de", "a@b..de", "a@@b.de", "a@b.de, c@d.de", "<a@b.de>", ".a@b.de", "a@-b.de"] {
        assert!(!crate::value::is_email(bad), "{bad}");
    }
}

#[test]
fn ambiguity_goes_to_a_person_in_words() {
    let policy = SyncPolicy::default();
    let contact = contact();
    let check = |matched: Match, code: ReasonCode, words: &str| {
        let item = plan(&PlanInput { contact: Some(&contact), matched: Some(&matched), ..PlanInput::new(&policy) });
        assert_eq!((item.action, item.reason.code, item.reason.words.as_str()), (Action::Ambiguous, code, words));
    };
    let several = |why| Match::Ambiguous { rule: MatchRule::Email, candidates: vec!["1".into(), "2".into()], why };
    check(
        several(Ambiguity::SeveralCustomers),
        ReasonCode::SeveralFit,
        "several customers have the same e-mail address: 1, 2",
    );
    let taken =
        Match::Ambiguous { rule: MatchRule::Email, candidates: vec!["1".into()], why: Ambiguity::Taken("X".into()) };
    check(taken, ReasonCode::SeveralFit, "customer 1 has the same e-mail address, but belongs to contact X already");
    check(
        Match::CaseOnlyReference("1".into()),
        ReasonCode::ReferenceCase,
        "customer 1 has this contact's id as its reference, but in other capitals",
    );
}

#[test]
fn a_side_that_is_proven_gone_ends_the_link_and_one_that_was_not_read_ends_nothing() {
    let policy = SyncPolicy::default();
    let link = LinkState { id: LinkId(uuid::Uuid::from_u128(1)), base: Base::default() };
    let customer = customer();
    let input = PlanInput { link: Some(&link), customer: Some(&customer), ..PlanInput::new(&policy) };
    let item = plan(&PlanInput { gone: Some(Side::Highlevel), ..input });
    assert_eq!((item.action, item.reason.code), (Action::Unlink, ReasonCode::ContactGone));
    assert_eq!(
        item.reason.words,
        "the contact was deleted in GoHighLevel; the customer is left as it is and waits for a decision"
    );
    let item = plan(&input);
    assert_eq!((item.action, item.reason.code), (Action::Fail, ReasonCode::NotRead));
    let found = Match::Email("78".into());
    let contact = contact();
    let other = plan(&PlanInput { link: None, contact: Some(&contact), matched: Some(&found), ..input });
    assert_eq!(
        (other.action, other.reason.code),
        (Action::Fail, ReasonCode::NotRead),
        "another customer was read than found"
    );
}

#[test]
fn a_customer_without_a_contact_gets_one_only_when_asked_for() {
    let mut policy = SyncPolicy::default();
    let customer = customer();
    let item = plan(&PlanInput { customer: Some(&customer), ..PlanInput::new(&policy) });
    assert_eq!((item.action, item.reason.code), (Action::Exclude, ReasonCode::CreateContactsOff));
    policy.create_contacts = true;
    let item = plan(&PlanInput { customer: Some(&customer), ..PlanInput::new(&policy) });
    assert_eq!((item.action, item.new_link), (Action::CreateContact, true));
    assert_eq!(item.changes_to(Side::Highlevel).count(), 6);
    assert!(item.changes.iter().all(|change| change.field.as_str() != "tags"));
    let silent = customer.with("email", "");
    let item = plan(&PlanInput { customer: Some(&silent), ..PlanInput::new(&policy) });
    assert_eq!((item.action, item.reason.code), (Action::Exclude, ReasonCode::NoEmail));
    policy.scope.require_email = false;
    let nameless = Record::new(Side::Chargify).with_id("78").with("city", "Rome");
    let item = plan(&PlanInput { customer: Some(&nameless), ..PlanInput::new(&policy) });
    assert_eq!((item.action, item.reason.code), (Action::Exclude, ReasonCode::RequiredMissing));
}

#[test]
fn a_contact_that_leaves_the_scope_keeps_its_link_and_nothing_is_written() {
    let mut policy = SyncPolicy::default();
    policy.scope.tag = Some("billing".to_owned());
    let item = linked(&policy, &contact().with("firstName", "Anna"), &customer(), false);
    assert_eq!((item.action, item.reason.code), (Action::Exclude, ReasonCode::TagMissing));
    assert!(item.reason.words.ends_with("the link is kept and nothing is written"));
}

#[test]
fn a_template_sees_what_another_rule_writes_in_the_same_plan() {
    let mut policy = SyncPolicy::default();
    policy.catalogue.add(Field::chargify_metafield("full"));
    let full = Rule { direction: Direction::ToChargify, ..Rule::new("firstName", "metafield:full") };
    policy.mapping.rules.push(full.through(["template(\"{{firstName}} {{lastName}}\")".parse().unwrap()]));
    let contact = contact().with("lastName", "");
    let customer = customer().with("metafield:full", "");
    let item = plan(&PlanInput { contact: Some(&contact), customer: Some(&customer), ..PlanInput::new(&policy) });
    assert_eq!(shown(&item), ["<lastName=Lee", ">metafield:full=Ann Lee"]);
}

#[test]
fn rules_that_chase_each_other_fail_instead_of_writing_for_ever() {
    let mut policy = SyncPolicy::default();
    policy.catalogue.add(Field::chargify_metafield("x"));
    let grows = Rule { direction: Direction::ToChargify, ..Rule::new("firstName", "metafield:x") };
    let back = Rule {
        direction: Direction::ToHighlevel,
        conflict: Conflict::Chargify,
        ..Rule::new("lastName", "metafield:x")
    };
    policy.mapping.rules = vec![grows.through(["template(\"{{lastName}}!\")".parse().unwrap()]), back];
    let (contact, customer) = (contact(), customer().with("metafield:x", ""));
    let item = plan(&PlanInput { contact: Some(&contact), customer: Some(&customer), ..PlanInput::new(&policy) });
    assert_eq!((item.action, item.reason.code), (Action::Fail, ReasonCode::RulesContradict));
}

#[test]
fn metafields_are_written_by_calls_of_their_own() {
    let mut policy = SyncPolicy::default();
    policy.catalogue.add(Field::chargify_metafield("note"));
    policy.catalogue.add(Field::chargify_metafield("tier").with_choices(["Gold"]));
    for (contact, metafield) in [("website", "metafield:note"), ("source", "metafield:tier")] {
        policy.mapping.rules.push(Rule { empty: EmptyRule::CopyEmpties, ..Rule::new(contact, metafield) });
    }
    let customer = customer().with("metafield:note", "x").with("metafield:tier", "Gold").with("city", "");
    let agreed = contact().with("website", "x").with("source", "Gold");
    let calls = |contact: &Record| {
        let item = linked_after(&policy, (&agreed, contact), &customer);
        (item.calls(Side::Highlevel, &policy.catalogue), item.calls(Side::Chargify, &policy.catalogue))
    };
    assert_eq!(calls(&agreed), (0, 0));
    assert_eq!(calls(&agreed.clone().with("city", "Rome")), (0, 1));
    assert_eq!(calls(&agreed.clone().with("website", "y")), (0, 1));
    assert_eq!(calls(&agreed.clone().with("website", "y").with("city", "Rome")), (0, 2));
    assert_eq!(
        calls(&agreed.clone().with("website", "").with("source", "")),
        (0, 2),
        "a choice is taken off by itself"
    );
    let created = plan(&PlanInput { contact: Some(&agreed), ..PlanInput::new(&policy) });
    assert_eq!((created.action, created.calls(Side::Chargify, &policy.catalogue)), (Action::CreateCustomer, 2));
}

/// The plan of a pair that agreed on `before` and whose contact is now `after`.
fn linked_after(policy: &SyncPolicy, (before, after): (&Record, &Record), customer: &Record) -> PlanItem {
    let first = plan(&PlanInput { contact: Some(before), customer: Some(customer), ..PlanInput::new(policy) });
    let link = LinkState { id: LinkId(uuid::Uuid::from_u128(1)), base: first.base_after };
    plan(&PlanInput { contact: Some(after), customer: Some(customer), link: Some(&link), ..PlanInput::new(policy) })
}

#[test]
fn every_action_has_its_outcome_and_says_whether_it_writes() {
    let writes = [
        Action::CreateCustomer,
        Action::CreateContact,
        Action::UpdateCustomer,
        Action::UpdateContact,
        Action::UpdateBoth,
    ];
    assert!(writes.into_iter().all(Action::is_write));
    let silent = [
        Action::Link,
        Action::Unlink,
        Action::Unchanged,
        Action::Echo,
        Action::Exclude,
        Action::Ambiguous,
        Action::Conflict,
        Action::Hold,
        Action::Fail,
    ];
    assert!(!silent.into_iter().any(Action::is_write));
    for action in writes.into_iter().chain(silent) {
        assert_eq!(serde_json::to_value(action).unwrap(), action.as_str());
    }
    assert_eq!(Action::Conflict.outcome_if_done(), crate::outcome::Outcome::Parked);
}

#[test]
fn a_plan_item_reads_back_what_it_writes() {
    let item = linked(&policy(), &contact().with("firstName", "Anna"), &customer(), false);
    let json = serde_json::to_string(&item).unwrap();
    assert_eq!(serde_json::from_str::<PlanItem>(&json).unwrap(), item);
}
