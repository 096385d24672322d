//! What was missed is counted, fetched once, and fetched by itself after an outage.

use super::{
    SYNC,
    world::{World, until},
};
use domain::view::EndpointState;
use engine::{Approval, EngineError, StartRun};
use sqlx::PgPool;
use std::time::Duration;

async fn missed(world: &World, connection: &str) -> u64 {
    let view = world.engine.look_for_missed(&world.runner().await, connection).await.unwrap();
    view.missed.unwrap().0
}

/// Webhooks that the site knows in that state.
fn in_state(world: &World, state: &str) -> usize {
    world.sandbox.chargify.with(|rules, _| rules.webhooks.log().filter(|row| row.state.name() == state).count())
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_endpoint_paused_after_failures_is_woken_and_2500_webhooks_are_sent_again_in_three_calls(pool: PgPool) {
    let world = World::open(&pool, "").await;
    world.register().await.unwrap();
    world.answer(500);
    world.edit_customer(30);
    let status = || {
        world.sandbox.chargify.with(|rules, _| rules.webhooks.endpoints.iter().next().unwrap().health.status().name())
    };
    until("the endpoint is paused", async || status() == "paused").await;
    world.edit_customer(2_470);
    // The retries of the first ones are due, and find the endpoint paused.
    world.sandbox.chargify.advance(Duration::from_secs(60));
    until("all are held back", async || in_state(&world, "paused") == 2_500).await;
    world.answer(0);

    world.reset_stats();
    assert_eq!(missed(&world, "billing").await, 2_500);
    let look = [("GET /endpoints.json".to_owned(), 1), ("GET /webhooks.json".to_owned(), 13 + 1 + 1)];
    assert_eq!(world.calls(), look, "a page of 200 each, and one for each other state");
    assert_eq!(world.view("billing").await.endpoint, EndpointState::Paused);
    let refused = world.engine.fetch_missed(&world.runner().await, "billing").await.unwrap_err();
    assert!(matches!(refused, EngineError::Invalid(faults) if faults[0].contains("the endpoint is paused")));

    let done = world.register().await.unwrap();
    assert!(done[1].contains("was paused; it sends again"), "{done:?}");
    world.reset_stats();
    let done = world.engine.fetch_missed(&world.runner().await, "billing").await.unwrap();
    assert_eq!(done, ["Chargify sends 2500 webhooks again."]);
    let replays = world.calls().into_iter().find(|(endpoint, _)| endpoint == "POST /webhooks/replay.json").unwrap();
    assert_eq!(replays.1, 3, "a thousand a call");
    until("all have come", async || world.received().await == 2_500).await;
    assert_eq!(world.told().await[0], "command line had 2500 missed webhooks of billing sent again by Chargify");
    until("the site knows", async || in_state(&world, "successful") == 2_500).await;
    assert_eq!(missed(&world, "billing").await, 0);
    let view = world.view("billing").await;
    assert_eq!((view.endpoint, view.fetched.unwrap().0), (EndpointState::Enabled, 2_500));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn what_arrived_after_all_is_not_fetched_and_what_arrives_twice_counts_once(pool: PgPool) {
    let world = World::open(&pool, "").await;
    world.register().await.unwrap();
    world.edit_customer(3);
    until("they came", async || world.received().await == 3).await;
    // The site believes that two of them failed: our answer was lost.
    let failed: Vec<i64> = world.sandbox.chargify.with(|rules, now| {
        let ids: Vec<i64> = rules.webhooks.log().map(|row| row.id).take(2).collect();
        rules.webhooks.enabled = true;
        rules.webhooks.replay(&ids, now + time::Duration::days(1));
        ids
    });
    assert_eq!(failed.len(), 2);
    assert_eq!(missed(&world, "billing").await, 0, "they stand among our deliveries");
    world.reset_stats();
    let done = world.engine.fetch_missed(&world.runner().await, "billing").await.unwrap();
    assert_eq!(done, ["Nothing was missed."]);
    assert!(world.calls().iter().all(|(endpoint, _)| endpoint.starts_with("GET ")));
    world.sandbox.chargify.with(|rules, now| rules.webhooks.replay(&failed, now));
    let arrived_twice = "select count(*) from delivery where arrivals = 2";
    until("they came again", async || world.count(arrived_twice).await == 2).await;
    assert_eq!(world.received().await, 3);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn lost_webhooks_are_found_and_fetched_by_themselves_after_an_outage(pool: PgPool) {
    let world = World::open(&pool, SYNC).await;
    let run = |mode: &str| StartRun {
        sync: "contacts".to_owned(),
        mode: mode.to_owned(),
        chosen: None,
        approval: Approval::Granted,
    };
    world.engine.start_run(&world.runner().await, run("full")).await.unwrap();
    world.look().await;
    world.register().await.unwrap();
    assert_eq!(world.look().await, 0, "nobody was away");
    until("the run's own webhooks are worked off", async || !world.step().await).await;

    // Away: what the services send meanwhile reaches nobody.
    world.answer(503);
    world.sandbox.chargify.set_webhook_delivery(sandbox::Delivery { drop: 1.0, ..sandbox::Delivery::default() });
    world.edit_customer(5);
    world.answer(0);
    world.sandbox.chargify.set_webhook_delivery(sandbox::Delivery::default());
    let before = (world.received().await, world.count("select count(*) from run").await);

    world.was_away(30).await;
    assert_eq!(world.engine.look_at_watches().await.unwrap(), 2);
    until("the work is done", async || !world.step().await).await;
    until("the lost ones came", async || world.received().await == before.0 + 5).await;
    let told = world.told().await;
    assert!(
        told.contains(&"Concord itself had 5 missed webhooks of billing sent again by Chargify".to_owned()),
        "{told:?}"
    );
    assert!(told.contains(&"Concord itself had read what changed in crm unheard".to_owned()), "{told:?}");
    assert_eq!(world.count("select count(*) from run").await, before.1 + 1, "one run of the changes");
    let by: String =
        sqlx::query_scalar("select started_by from run where mode = 'changes'").fetch_one(&pool).await.unwrap();
    assert_eq!(by, "Concord itself");
    assert_eq!(world.count("select count(*) from watch where outage_from is not null").await, 0, "it is made up for");
    assert_eq!(world.look().await, 0, "an outage is made up for once");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_short_absence_is_no_outage(pool: PgPool) {
    let world = World::open(&pool, SYNC).await;
    world.look().await;
    world.was_away(5).await;
    assert_eq!(world.look().await, 0);
    world.was_away(7).await;
    assert_eq!(world.look().await, 2);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn webhooks_of_other_endpoints_are_never_sent_again(pool: PgPool) {
    let world = World::open(&pool, "").await;
    world.register().await.unwrap();
    world.sandbox.chargify.with(|rules, now| {
        let theirs = rules.webhooks.endpoints.add("http://127.0.0.1:9/".to_owned(), vec!["customer_update".to_owned()]);
        rules.webhooks.push(theirs, "customer_update", "payload[customer][id]=1", None, now);
    });
    until("theirs was tried", async || {
        world.sandbox.chargify.with(|rules, _| rules.webhooks.log().any(|row| row.last_error.is_some()))
    })
    .await;
    assert_eq!(missed(&world, "billing").await, 0);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn changed_contacts_are_counted_before_a_run_reads_them(pool: PgPool) {
    let world = World::open(&pool, SYNC).await;
    let fetch = async || world.engine.fetch_missed(&world.runner().await, "crm").await.unwrap();
    assert_eq!(fetch().await, ["contacts never read everything: start a full run of it."]);
    let start =
        StartRun { sync: "contacts".to_owned(), mode: "full".to_owned(), chosen: None, approval: Approval::Granted };
    world.engine.start_run(&world.runner().await, start).await.unwrap();
    assert_eq!(fetch().await[0], "contacts never read everything: start a full run of it.");
    until("it is done", async || !world.step().await).await;
    sqlx::query("update sync set highlevel_seen_until = now()").execute(&pool).await.unwrap();
    let contact = serde_json::json!({ "firstName": "New", "lastName": "One", "email": "new.one@example.com" });
    world.sandbox.highlevel.with(|rules, now| rules.add_contact(&contact, now + time::Duration::SECOND).unwrap());
    until("the search knows", async || missed(&world, "crm").await == 1).await;
    world.reset_stats();
    assert_eq!(missed(&world, "crm").await, 1);
    assert_eq!(world.sandbox.highlevel.stats().calls, 1, "one search");
    assert_eq!(fetch().await, ["Run 2 of contacts reads what changed."]);
    assert_eq!(fetch().await, ["A run of contacts goes on already; fetch again when it has ended."]);
}
