use super::*;
use crate::limits;
use proptest::prelude::*;
use time::macros::{date, datetime};

fn note(body: &str) -> Told {
    Told { body: Some(body.to_owned()), at: Some("2026-08-30T09:00:00.000Z".to_owned()), ..Told::default() }
}

#[test]
fn every_kind_has_its_marker_first_and_says_what_matters() {
    let check = |kind, told: Told, expected: &str| assert_eq!(note_text(kind, "abc123", &told), expected);
    check(EngagementKind::Note, note("Called,\nwill renew"), "[GHL note abc123] 2026-08-30\nCalled,\nwill renew");
    check(
        EngagementKind::Note,
        Told { title: Some("A\nb".to_owned()), ..note("x") },
        "[GHL note abc123] 2026-08-30: A b\nx",
    );
    check(EngagementKind::Note, Told::default(), "[GHL note abc123]");
    let task = Told {
        title: Some("Send quote".to_owned()),
        body: Some("two seats".to_owned()),
        status: Some("open".to_owned()),
        at: Some("2026-09-01T17:00:00.000Z".to_owned()),
        ..Told::default()
    };
    check(EngagementKind::Task, task, "[GHL task abc123] open, due 2026-09-01: Send quote\ntwo seats");
    let appointment = Told {
        title: Some("Demo".to_owned()),
        body: Some("bring slides".to_owned()),
        status: Some("confirmed".to_owned()),
        at: Some("2026-09-01T10:00:00-06:00".to_owned()),
        until: Some("2026-09-01T10:30:00-06:00".to_owned()),
        place: Some("Zoom".to_owned()),
    };
    let expected = "[GHL appointment abc123] 2026-09-01 10:00 -06:00, confirmed: Demo\n\
        Until: 2026-09-01 10:30 -06:00\nPlace: Zoom\nbring slides";
    check(EngagementKind::Appointment, appointment, expected);
    assert_eq!(
        deleted_text(EngagementKind::Task, "abc123", date!(2026 - 09 - 02)),
        "[GHL task abc123] deleted in GoHighLevel on 2026-09-02"
    );
}

#[test]
fn a_long_text_is_cut_and_says_so() {
    let text = note_text(EngagementKind::Note, "abc", &note(&"ä".repeat(20_000)));
    assert_eq!(text.chars().count(), limits::SUBSCRIPTION_NOTE_CHARS);
    assert!(text.ends_with("(Cut here: the whole text has 20026 characters and is in GoHighLevel.)"));
    assert_eq!(marker_of(&text).unwrap().id, "abc");
}

#[test]
fn a_quotation_is_no_marker() {
    let none = [
        "",
        "\n",
        "Jane wrote: [GHL note abc]",
        "see below\n[GHL note abc] 2026-08-30",
        "[GHL note ] x",
        "[GHL deal abc] x",
        "[GHL note a b] x",
        "[GHL note abc",
        "[ghl note abc] x",
    ];
    for text in none {
        assert_eq!(marker_of(text), None, "{text:?}");
    }
    let theirs = marker_of("[GHL note other] 2026-08-30").unwrap();
    assert_eq!((theirs.kind, theirs.id.as_str()), (EngagementKind::Note, "other"));
    assert!(marker_of("\n [GHL task t_1] open").is_some());
}

#[test]
fn a_note_that_carries_a_marker_is_not_sent_back() {
    assert!(note("[GHL note n9] 2026-08-30\ncopied from Chargify").is_ours());
    assert!(!note("they said [GHL note n9]").is_ours());
}

#[test]
fn a_webhook_that_says_less_may_still_say_nothing_new() {
    let known = Told { title: Some("A".to_owned()), ..note("x") };
    assert!(known.agrees_with(&note("x")));
    assert!(known.agrees_with(&Told::default()));
    assert!(!known.agrees_with(&note("y")));
    assert!(!note("x").agrees_with(&known));
}

#[test]
fn a_row_without_offsets_agrees_by_the_wall_clock() {
    let known = Told { at: Some("2026-09-01T10:00:00-06:00".to_owned()), ..Told::default() };
    let row = |at: &str| Told { at: Some(at.to_owned()), ..Told::default() };
    assert!(known.agrees_with_wall_clock(&row("2026-09-01 10:00:00")));
    assert!(!known.agrees_with_wall_clock(&row("2026-09-01 11:00:00")));
    let placed = Told { place: Some("Zoom".to_owned()), ..row("2026-09-01 10:00:00") };
    assert!(!known.agrees_with_wall_clock(&placed));
}

#[test]
fn the_plan_of_one_engagement() {
    let told = note("x");
    let ours = note("[GHL note n9] 2026-08-30");
    let now = note_text(EngagementKind::Note, "n1", &told);
    let gone = deleted_text(EngagementKind::Note, "n1", date!(2026 - 09 - 02));
    let at = NoteAt { subscription_id: "s1", note_id: "7" };
    let fresh = Known {
        kind: EngagementKind::Note,
        id: "n1",
        told: &told,
        deleted_on: None,
        is_on: true,
        is_linked: true,
        chosen: Some("s1"),
        note: None,
        written: None,
    };
    let standing = Known { note: Some(at), written: Some(&now), ..fresh };
    let deleted = Known { deleted_on: Some(date!(2026 - 09 - 02)), ..standing };
    let create = Step::Create { subscription_id: "s1".to_owned(), text: now.clone() };
    let update =
        |text: &str| Step::Update { subscription_id: "s1".to_owned(), note_id: "7".to_owned(), text: text.to_owned() };
    let table = [
        ("new", fresh, create),
        ("new, switched off", Known { is_on: false, ..fresh }, Step::Nothing),
        ("new, came from Chargify", Known { told: &ours, ..fresh }, Step::Nothing),
        ("new, no customer", Known { is_linked: false, ..fresh }, Step::Hold(Held::NoCustomer)),
        ("new, no subscription", Known { chosen: None, ..fresh }, Step::Hold(Held::NoSubscription)),
        ("new, deleted", Known { deleted_on: Some(date!(2026 - 09 - 02)), ..fresh }, Step::Nothing),
        ("in step", standing, Step::Nothing),
        ("in step, no customer any more", Known { is_linked: false, ..standing }, Step::Nothing),
        ("changed", Known { written: Some("older"), ..standing }, update(&now)),
        ("changed, switched off", Known { is_on: false, written: Some("older"), ..standing }, Step::Nothing),
        ("changed, no customer", Known { is_linked: false, written: None, ..standing }, Step::Hold(Held::NoCustomer)),
        (
            "changed, another subscription would be chosen now",
            Known { chosen: Some("s2"), written: None, ..standing },
            update(&now),
        ),
        (
            "written, then made a copy of one of ours",
            Known { told: &ours, ..standing },
            update("[GHL note n1] 2026-08-30\n[GHL note n9] 2026-08-30"),
        ),
        ("deleted", deleted, update(&gone)),
        ("deleted and rewritten", Known { written: Some(&gone), ..deleted }, Step::Nothing),
    ];
    for (case, known, expected) in table {
        assert_eq!(plan(&known), expected, "{case}");
    }
}

#[test]
fn the_subscription_is_chosen_by_state_then_by_age() {
    let of = |id, state, day| Candidate {
        id,
        state,
        created_at: Some(datetime!(2026-08-01 00:00 UTC) + time::Duration::days(day)),
    };
    let check = |candidates: &[Candidate<'_>], expected| {
        assert_eq!(primary(candidates.iter().copied()).map(|one| one.id), expected, "{candidates:?}");
    };
    check(&[], None);
    check(&[of("1", "canceled", 9), of("2", "trialing", 1), of("3", "active", 0)], Some("3"));
    check(&[of("1", "active", 0), of("2", "active", 5)], Some("2"));
    check(&[of("1", "past_due", 0), of("2", "trialing", 0)], Some("2"));
    check(&[of("1", "past_due", 0), of("2", "canceled", 5)], Some("1"));
    check(&[of("1", "expired", 0), of("2", "canceled", 5)], Some("2"));
    check(&[of("9", "active", 0), of("10", "active", 0)], Some("10"));
}

#[test]
fn a_kind_reads_back_what_it_writes() {
    for kind in EngagementKind::ALL {
        assert_eq!(kind.as_str().parse::<EngagementKind>(), Ok(kind));
    }
    assert!("deal".parse::<EngagementKind>().is_err());
    let switches = Switches { tasks: true, ..Switches::default() };
    assert_eq!(switches.on().collect::<Vec<_>>(), [EngagementKind::Task]);
    assert!(switches.any() && !Switches::default().any());
}

fn told() -> impl Strategy<Value = Told> {
    let text = || proptest::option::of(any::<String>());
    (text(), text(), text(), text(), text(), text()).prop_map(|(title, body, status, at, until, place)| Told {
        title,
        body,
        status,
        at,
        until,
        place,
    })
}

fn kind() -> impl Strategy<Value = EngagementKind> {
    proptest::sample::select(EngagementKind::ALL.to_vec())
}

proptest! {
    #[test]
    fn every_text_gives_its_marker_back(kind in kind(), id in "[A-Za-z0-9_-]{1,40}", told in told()) {
        let text = note_text(kind, &id, &told);
        prop_assert_eq!(marker_of(&text), Some(Marker { kind, id }));
        prop_assert!(text.chars().count() <= limits::SUBSCRIPTION_NOTE_CHARS);
        prop_assert!(!text.contains('\0'));
    }

    #[test]
    fn nothing_makes_the_parser_panic(text in any::<String>()) {
        let _any = marker_of(&text);
        let _any = marker_of(&format!("[GHL note {text}"));
    }

    #[test]
    fn what_was_carried_out_plans_nothing(kind in kind(), told in told(), is_deleted in any::<bool>()) {
        let deleted_on = is_deleted.then_some(date!(2026 - 09 - 02));
        let note = Some(NoteAt { subscription_id: "s1", note_id: "7" });
        let known = Known {
            kind, id: "n1", told: &told, deleted_on, is_on: true, is_linked: true, chosen: Some("s1"), note, written: None,
        };
        let step = plan(&known);
        prop_assert_eq!(plan(&Known { written: step.text(), ..known }), Step::Nothing);
    }
}
