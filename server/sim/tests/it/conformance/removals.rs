//! What is to be done to records whose partners were deleted.

use super::{Bench, bench::NOON, scenarios};
use domain::Side;
use engine::store::removals::{NewRemoval, RemovalRow, SettledRemoval};
use serde_json::json;
use time::Duration;
use uuid::Uuid;

scenarios!(
    a_record_is_asked_about_once_at_a_time,
    an_approved_one_may_be_asked_about_again,
    what_has_ended_stays_ended,
    what_is_open_is_withdrawn_when_its_partner_came_back,
);

const FIRST: Uuid = Uuid::from_u128(0xf1);
const SECOND: Uuid = Uuid::from_u128(0xf2);

impl Bench {
    async fn wish(&self, removal_id: Uuid, (side, remote_id): (Side, &str), state: &'static str) -> bool {
        let new = NewRemoval {
            workspace_id: self.workspace_id,
            removal_id,
            sync_id: self.sync_id,
            side,
            remote_id,
            gone_id: "gone",
            effect: "delete",
            display_name: "Ada",
            email: Some("a@x"),
            reason: "its partner was deleted",
            state,
            seen: &json!({ "city": "Rome" }),
            at: NOON,
        };
        self.session().await.insert_removal(&new).await.unwrap()
    }

    async fn wished(&self, removal_id: Uuid) -> RemovalRow {
        self.session().await.removal(self.workspace_id, removal_id).await.unwrap().unwrap()
    }

    async fn approved(&self, removal_id: Uuid) -> bool {
        let at = NOON + Duration::MINUTE;
        self.session().await.approve_removal(self.workspace_id, removal_id, "ada", at).await.unwrap()
    }

    async fn ended(&self, removal_id: Uuid, state: &'static str) -> bool {
        let settled = SettledRemoval { removal_id, state, detail: "so it ended", at: NOON + Duration::HOUR };
        self.session().await.settle_removal(self.workspace_id, &settled).await.unwrap()
    }
}

async fn a_record_is_asked_about_once_at_a_time(bench: &mut Bench) {
    let customer = (Side::Chargify, "7");
    assert!(bench.wish(FIRST, customer, "waiting").await);
    assert!(!bench.wish(SECOND, customer, "approved").await, "something is wished already");
    assert!(bench.wish(SECOND, (Side::Highlevel, "7"), "waiting").await, "that is another record");
    let row = bench.wished(FIRST).await;
    assert_eq!((row.side.as_str(), row.remote_id.as_str(), row.gone_id.as_str()), ("chargify", "7", "gone"));
    assert_eq!((row.state.as_str(), row.asked_at, row.seen), ("waiting", NOON, json!({ "city": "Rome" })));
    assert!(bench.ended(FIRST, "refused").await);
    assert!(bench.wish(Uuid::from_u128(0xf3), customer, "waiting").await, "the first has ended");
    assert!(bench.session().await.removal(bench.workspace_id, Uuid::from_u128(0xf9)).await.unwrap().is_none());
}

async fn an_approved_one_may_be_asked_about_again(bench: &mut Bench) {
    bench.wish(FIRST, (Side::Chargify, "7"), "waiting").await;
    let anew = json!({ "city": "Milan" });
    let mut session = bench.session().await;
    let of = bench.workspace_id;
    assert!(!session.ask_removal_again(of, FIRST, &anew, "it changed").await.unwrap(), "nobody approved it");
    assert!(bench.approved(FIRST).await);
    assert!(!bench.approved(FIRST).await, "it does not wait any more");
    let row = bench.wished(FIRST).await;
    assert_eq!((row.state.as_str(), row.decided_by.as_deref()), ("approved", Some("ada")));
    assert_eq!(row.decided_at, Some(NOON + Duration::MINUTE));
    assert!(session.ask_removal_again(of, FIRST, &anew, "it changed").await.unwrap());
    let row = bench.wished(FIRST).await;
    assert_eq!((row.state.as_str(), row.decided_by, row.decided_at), ("waiting", None, None));
    assert_eq!((row.state_detail.as_deref(), row.seen), (Some("it changed"), anew));
    assert!(bench.approved(FIRST).await);
    assert_eq!(bench.wished(FIRST).await.state_detail, None);
}

async fn what_has_ended_stays_ended(bench: &mut Bench) {
    bench.wish(FIRST, (Side::Chargify, "7"), "approved").await;
    assert!(bench.ended(FIRST, "done").await);
    assert!(!bench.ended(FIRST, "failed").await);
    assert!(!bench.approved(FIRST).await);
    let row = bench.wished(FIRST).await;
    assert_eq!((row.state.as_str(), row.state_detail.as_deref()), ("done", Some("so it ended")));
    assert_eq!(row.settled_at, Some(NOON + Duration::HOUR));
}

async fn what_is_open_is_withdrawn_when_its_partner_came_back(bench: &mut Bench) {
    bench.wish(FIRST, (Side::Chargify, "7"), "waiting").await;
    bench.wish(SECOND, (Side::Highlevel, "7"), "approved").await;
    let mut session = bench.session().await;
    let (of, sync_id) = (bench.workspace_id, bench.sync_id);
    let back = (Side::Highlevel, "gone");
    assert_eq!(session.withdraw_removals(of, sync_id, (Side::Highlevel, "other"), "back", NOON).await.unwrap(), 0);
    assert_eq!(session.withdraw_removals(of, sync_id, back, "back", NOON).await.unwrap(), 1);
    assert_eq!(session.withdraw_removals(of, sync_id, back, "back", NOON).await.unwrap(), 0);
    assert_eq!(
        (bench.wished(FIRST).await.state, bench.wished(SECOND).await.state),
        ("withdrawn".into(), "approved".into())
    );
}
