//! Fields that accounts made themselves, and metafields read apart from customers.

use super::{
    Bench,
    bench::{NOON, texts},
    scenarios,
};
use domain::Side;
use serde_json::{Value as Json, json};
use time::Duration;

scenarios!(
    what_is_known_of_fields_stands_with_the_sync,
    customers_wait_until_their_metafields_are_read,
    an_older_reading_of_metafields_is_left,
);

impl Bench {
    async fn set(&self, id: &str, values: Json, after: Duration) {
        let of = (self.workspace_id, self.sync_id);
        self.session().await.set_metafields(of, NOON + after, &texts(&[id]), &[values]).await.unwrap();
    }
}

async fn what_is_known_of_fields_stands_with_the_sync(bench: &mut Bench) {
    let mut session = bench.session().await;
    assert_eq!(session.connection_fields(bench.workspace_id, bench.site).await.unwrap(), None);
    session.set_connection_fields(bench.workspace_id, bench.site, &json!({ "names": ["Rank"] })).await.unwrap();
    let known = session.connection_fields(bench.workspace_id, bench.site).await.unwrap();
    assert_eq!(known, Some(json!({ "names": ["Rank"] })));
    let sync = session.sync(bench.workspace_id, bench.sync_id).await.unwrap().unwrap();
    assert_eq!((sync.highlevel_fields, sync.chargify_fields), (None, known));
}

async fn customers_wait_until_their_metafields_are_read(bench: &mut Bench) {
    let run_id = bench.add_run("full").await;
    for id in ["1", "2", "3"] {
        bench.copy_of(Side::Chargify, id, Some(run_id)).await;
    }
    bench.copy_of(Side::Chargify, "4", None).await;
    bench.set("2", json!({ "metafield:Rank": "gold" }), Duration::ZERO).await;
    bench.set("unknown", json!({}), Duration::ZERO).await;
    let of = (bench.workspace_id, bench.sync_id, run_id);
    let mut session = bench.session().await;
    let mut waiting =
        async |since, after: &str| session.customers_without_metafields(of, since, after, 9).await.unwrap();
    assert_eq!(waiting(NOON, "").await, ["1", "3"]);
    assert_eq!(waiting(NOON, "1").await, ["3"]);
    assert_eq!(waiting(NOON + Duration::SECOND, "").await, ["1", "2", "3"]);
}

async fn an_older_reading_of_metafields_is_left(bench: &mut Bench) {
    bench.copy_of(Side::Chargify, "1", None).await;
    bench.set("1", json!({ "metafield:Rank": "gold" }), Duration::SECOND * 2).await;
    bench.set("1", json!({ "metafield:Rank": "older" }), Duration::SECOND).await;
    bench.set("1", json!({ "metafield:Size": "L" }), Duration::SECOND * 2).await;
    let ids = texts(&["1"]);
    let mut session = bench.session().await;
    let rows = session.records_by_ids(bench.workspace_id, bench.sync_id, Side::Chargify, &ids).await.unwrap();
    let row = rows.first().unwrap();
    assert_eq!(row.field_values, json!({ "metafield:Rank": "gold", "metafield:Size": "L" }));
    assert_eq!(row.read_at, NOON + Duration::SECOND * 2);
}
