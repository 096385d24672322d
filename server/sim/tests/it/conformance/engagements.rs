//! Notes, tasks and appointments, and the subscription notes they became.

use super::{Bench, bench::NOON, scenarios};
use domain::Side;
use domain::deletes::GoneBy;
use engine::store::{
    engagements::{EngagementRow, NewTold, Standing, WrittenNote},
    records::ReadMark,
};
use serde_json::{Value as Json, json};
use time::{Duration, OffsetDateTime};

scenarios!(
    what_was_said_later_stands,
    one_that_is_deleted_stays_deleted,
    the_first_choice_of_a_subscription_counts,
    what_was_written_is_kept_with_where,
    one_whose_note_is_gone_can_be_released_and_no_other,
    those_of_a_contact_are_listed_the_latest_first,
    linked_contacts_are_listed_while_they_are_there,
);

const N1: (&str, &str) = ("note", "n1");

fn told(body: &str) -> Json {
    json!({ "body": body })
}

impl Bench {
    async fn tell(&self, (kind, remote_id): (&str, &str), told: Json, told_at: OffsetDateTime) -> EngagementRow {
        let new = NewTold { kind, remote_id, contact_id: "con", told: &told, told_at, changed_at: None };
        self.session().await.keep_told(self.workspace_id, self.sync_id, new).await.unwrap()
    }

    async fn n1(&self) -> EngagementRow {
        let mut session = self.session().await;
        session.engagement(self.workspace_id, self.sync_id, N1.0, N1.1).await.unwrap().unwrap()
    }

    async fn stand(&self, state: &str) {
        let standing = Standing { kind: N1.0, remote_id: N1.1, state, detail: "why" };
        self.session().await.set_engagement_standing(self.workspace_id, self.sync_id, standing).await.unwrap();
    }

    async fn write(&self, text: &str) {
        let note = WrittenNote {
            kind: N1.0,
            remote_id: N1.1,
            subscription_id: "sub",
            note_id: "7",
            text,
            at: NOON,
            state: "in_step",
        };
        self.session().await.keep_written_note(self.workspace_id, self.sync_id, note).await.unwrap();
    }
}

async fn what_was_said_later_stands(bench: &mut Bench) {
    let later = NOON + Duration::MINUTE;
    let first = bench.tell(N1, told("one"), NOON).await;
    assert_eq!((first.state.as_str(), first.told_at, &first.told), ("open", NOON, &told("one")));
    let mut session = bench.session().await;
    let of = (bench.workspace_id, bench.sync_id);
    let two = told("two");
    let new = NewTold {
        kind: "note",
        remote_id: "n1",
        contact_id: "con2",
        told: &two,
        told_at: later,
        changed_at: Some(NOON),
    };
    session.keep_told(of.0, of.1, new).await.unwrap();
    drop(session);
    let stands = bench.tell(N1, told("one"), NOON).await;
    assert_eq!((&stands.told, stands.contact_id.as_str(), stands.changed_at), (&two, "con2", Some(NOON)));
    // A telling without a stamp does not forget the stamp.
    let stands = bench.tell(N1, told("three"), later).await;
    assert_eq!((&stands.told, stands.changed_at), (&told("three"), Some(NOON)));
    assert_eq!(bench.n1().await, stands);
}

async fn one_that_is_deleted_stays_deleted(bench: &mut Bench) {
    bench.tell(N1, told("one"), NOON).await;
    bench.tell(("task", "n1"), told("another"), NOON).await;
    let of = (bench.workspace_id, bench.sync_id);
    let later = NOON + Duration::MINUTE;
    for at in [NOON, later] {
        let row = bench.session().await.mark_engagement_deleted(of.0, of.1, N1, at).await.unwrap().unwrap();
        assert_eq!((row.deleted_at, row.state.as_str(), &row.told), (Some(NOON), "deleted", &json!({})));
    }
    let row = bench.tell(N1, told("late"), later).await;
    assert_eq!((row.deleted_at, &row.told), (Some(NOON), &json!({})));
    let unknown = bench.session().await.mark_engagement_deleted(of.0, of.1, ("note", "n2"), NOON).await.unwrap();
    assert!(unknown.is_none());
    let task = bench.session().await.engagement(of.0, of.1, "task", "n1").await.unwrap().unwrap();
    assert_eq!(task.deleted_at, None);
}

async fn the_first_choice_of_a_subscription_counts(bench: &mut Bench) {
    bench.tell(N1, told("one"), NOON).await;
    let of = (bench.workspace_id, bench.sync_id);
    let mut session = bench.session().await;
    for wish in ["sub-1", "sub-2"] {
        let chosen = session.choose_subscription(of.0, of.1, N1, wish).await.unwrap();
        assert_eq!(chosen.as_deref(), Some("sub-1"));
    }
    assert_eq!(session.choose_subscription(of.0, of.1, ("note", "n2"), "sub-1").await.unwrap(), None);
}

async fn what_was_written_is_kept_with_where(bench: &mut Bench) {
    bench.tell(N1, told("one"), NOON).await;
    bench.stand("held").await;
    assert_eq!((bench.n1().await.state.as_str(), bench.n1().await.detail.as_str()), ("held", "why"));
    bench.write("[GHL note n1] one").await;
    let row = bench.n1().await;
    assert_eq!((row.subscription_id.as_deref(), row.note_id.as_deref()), (Some("sub"), Some("7")));
    assert_eq!((row.written.as_deref(), row.written_at), (Some("[GHL note n1] one"), Some(NOON)));
    assert_eq!((row.state.as_str(), row.detail.as_str()), ("in_step", ""));
    // Told of a deletion, there is a note to be rewritten.
    let of = (bench.workspace_id, bench.sync_id);
    let row = bench.session().await.mark_engagement_deleted(of.0, of.1, N1, NOON).await.unwrap().unwrap();
    assert_eq!(row.state, "open");
}

async fn one_whose_note_is_gone_can_be_released_and_no_other(bench: &mut Bench) {
    bench.tell(N1, told("one"), NOON).await;
    bench.write("text").await;
    let of = (bench.workspace_id, bench.sync_id);
    assert!(!bench.session().await.release_engagement(of.0, of.1, N1).await.unwrap());
    bench.stand("failed").await;
    assert!(!bench.session().await.release_engagement(of.0, of.1, N1).await.unwrap());
    bench.stand("lost").await;
    assert_eq!(bench.session().await.count_engagements(of.0, of.1, "lost").await.unwrap(), 1);
    assert!(bench.session().await.release_engagement(of.0, of.1, N1).await.unwrap());
    let row = bench.n1().await;
    assert_eq!((row.subscription_id, row.note_id, row.written, row.written_at), (None, None, None, None));
    assert_eq!((row.state.as_str(), row.detail.as_str()), ("open", ""));
    assert_eq!(bench.session().await.count_engagements(of.0, of.1, "lost").await.unwrap(), 0);
}

async fn those_of_a_contact_are_listed_the_latest_first(bench: &mut Bench) {
    let at = |day: &str| json!({ "at": day });
    bench.tell(("task", "t1"), at("2026-08-01"), NOON).await;
    bench.tell(("note", "n1"), at("2026-08-01"), NOON).await;
    bench.tell(("note", "n2"), at("2026-08-09"), NOON).await;
    bench.tell(("note", "n3"), json!({}), NOON).await;
    bench.tell(("appointment", "a1"), at("2026-08-01"), NOON).await;
    let rows = bench.session().await.engagements_of_contact(bench.workspace_id, bench.sync_id, "con").await.unwrap();
    let ids: Vec<_> = rows.iter().map(|row| row.remote_id.as_str()).collect();
    assert_eq!(ids, ["a1", "n2", "n1", "n3", "t1"]);
    let none = bench.session().await.engagements_of_contact(bench.workspace_id, bench.sync_id, "other").await.unwrap();
    assert!(none.is_empty());
}

async fn linked_contacts_are_listed_while_they_are_there(bench: &mut Bench) {
    let of = (bench.workspace_id, bench.sync_id);
    for contact in ["a", "b", "c", "d"] {
        if contact != "d" {
            bench.copy_of(Side::Highlevel, contact, None).await;
        }
        bench.link(contact, &format!("cus-{contact}"), json!({})).await.unwrap();
    }
    let mark = ReadMark { workspace_id: of.0, sync_id: of.1, side: Side::Highlevel, run_id: None, read_at: NOON };
    let mut session = bench.session().await;
    session.mark_record_gone(mark, "b", GoneBy::Asked).await.unwrap();
    let listed = session.linked_contacts(of.0, of.1, None, ("", 10)).await.unwrap();
    let pairs: Vec<_> = listed.iter().map(|one| (one.contact_id.as_str(), one.customer_id.as_str())).collect();
    assert_eq!(pairs, [("a", "cus-a"), ("c", "cus-c")]);
    assert_eq!(session.linked_contacts(of.0, of.1, None, ("a", 10)).await.unwrap().len(), 1);
    assert_eq!(session.linked_contacts(of.0, of.1, None, ("", 1)).await.unwrap().len(), 1);
    let later = NOON + Duration::days(900);
    assert!(session.linked_contacts(of.0, of.1, Some(later), ("", 10)).await.unwrap().is_empty());
}
