//! Whatever comes back, nothing panics: every answer is either read or refused.

use super::script::{self, Script, id, json, live};
use engine::clients::{chargify::CustomerPage, highlevel::SearchPage};
use proptest::prelude::*;
use serde_json::{Value as Json, json as j};

/// JSON of any shape that uses the services' own keys.
fn anything() -> impl Strategy<Value = Json> {
    let key = prop::sample::select(vec![
        "id",
        "contact",
        "contacts",
        "customer",
        "customFields",
        "value",
        "searchAfter",
        "total",
        "email",
        "tags",
        "dateOfBirth",
        "dateUpdated",
        "updated_at",
        "event",
        "key",
        "metadata",
        "message",
        "meta",
        "errors",
        "error",
    ]);
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        "[ -~é漢]{0,12}".prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
            prop::collection::btree_map(key.clone(), inner, 0..5)
                .prop_map(|members| members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ]
    })
}

async fn ask_everything(status: u16, body: &Json) {
    let script = Script::of(vec![json(status, body.clone()); 11]);
    let highlevel = script::highlevel(&script);
    drop(highlevel.search(&live(), &SearchPage { page_limit: 100, ..SearchPage::default() }).await);
    drop(highlevel.get(&live(), &id("c")).await);
    drop(highlevel.custom_fields(&live()).await);
    drop(highlevel.location(&live()).await);
    let chargify = script::chargify(&script);
    drop(chargify.customers(&live(), &CustomerPage { page: 1, updated_since: None }).await);
    drop(chargify.get(&live(), &id("1")).await);
    drop(chargify.lookup(&live(), "r").await);
    drop(chargify.events(&live(), 1, &[]).await);
    drop(chargify.site(&live()).await);
    drop(chargify.subscriptions_of(&live(), &id("1")).await);
    drop(chargify.update(&live(), &id("1"), &script::fields([("city", "Rome")])).await);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn nothing_that_comes_back_panics(body in anything(), status in prop::sample::select(vec![200_u16, 400, 401, 422])) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            ask_everything(status, &body).await;
            ask_everything(status, &j!({ "contact": body, "contacts": [body, body], "errors": body })).await;
            ask_everything(status, &j!([{ "customer": body }, { "event": body }, { "subscription": body }])).await;
        });
    }
}
