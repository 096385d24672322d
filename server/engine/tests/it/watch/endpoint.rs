//! Registering our endpoint, and the self-test before it.

use super::{SYNC, world::World};
use domain::view::EndpointState;
use engine::EngineError;
use sqlx::PgPool;

fn wrong(error: EngineError) -> String {
    match error {
        EngineError::Invalid(faults) => faults.join("; "),
        other => panic!("another error: {other:?}"),
    }
}

fn calls(of: &[(&str, u64)]) -> Vec<(String, u64)> {
    of.iter().map(|(endpoint, count)| ((*endpoint).to_owned(), *count)).collect()
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_endpoint_is_made_once_and_those_of_others_are_left_alone(pool: PgPool) {
    let world = World::open(&pool, "").await;
    let theirs = "https://warehouse.example.com/hook".to_owned();
    world.sandbox.chargify.with(|rules, _| {
        rules.webhooks.endpoints.add(theirs.clone(), vec!["payment_success".to_owned()]);
    });
    let done = world.register().await.unwrap();
    assert_eq!(done.len(), 2, "{done:?}");
    assert!(done[0].contains("switched on for the site") && done[1].contains("was made, for 15 events"), "{done:?}");
    let expected = [
        ("GET /endpoints.json", 1),
        ("GET /webhooks.json", 1),
        ("POST /endpoints.json", 1),
        ("PUT /webhooks/settings.json", 1),
    ];
    assert_eq!(world.calls(), calls(&expected));
    let url = world.url().await;
    world.sandbox.chargify.with(|rules, _| {
        assert!(rules.webhooks.enabled);
        let known: Vec<_> = rules.webhooks.endpoints.iter().collect();
        assert_eq!((known[0].url.as_str(), known[0].keys.len()), (theirs.as_str(), 1));
        assert_eq!((known[1].url.as_str(), known.len()), (url.as_str(), 2));
        assert!(known[1].keys.contains(&"customer_update".to_owned()));
    });
    let view = world.view("billing").await;
    assert_eq!(view.endpoint, EndpointState::Enabled);
    assert!(view.test.unwrap().passed);
    assert_eq!(world.count("select count(*) from delivery where event = 'test' and state = 'ignored'").await, 1);
    let told = world.told().await;
    assert_eq!(told[0], "command line registered the webhooks of billing in Chargify");
    assert_eq!(told[1], "command line tested the webhook address of billing");

    world.reset_stats();
    let done = world.register().await.unwrap();
    assert!(done[1].contains("was there already and is as it should be"), "{done:?}");
    let expected = [("GET /endpoints.json", 1), ("GET /webhooks.json", 1), ("PUT /webhooks/settings.json", 1)];
    assert_eq!(world.calls(), calls(&expected), "nothing is made twice");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_endpoint_of_ours_that_lacks_events_is_told_of_them_and_keeps_what_was_added(pool: PgPool) {
    let world = World::open(&pool, "").await;
    let url = world.url().await;
    world.sandbox.chargify.with(|rules, _| {
        let some = ["customer_update", "statement_closed"].map(str::to_owned).to_vec();
        rules.webhooks.endpoints.add(format!("{url}/"), some);
    });
    let done = world.register().await.unwrap();
    assert!(done[1].contains("is told of 14 more events"), "{done:?}");
    world.sandbox.chargify.with(|rules, _| {
        let known: Vec<_> = rules.webhooks.endpoints.iter().collect();
        assert_eq!((known.len(), known[0].url.as_str(), known[0].keys.len()), (1, url.as_str(), 16));
        assert!(known[0].keys.contains(&"statement_closed".to_owned()));
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn where_a_test_does_not_arrive_nothing_is_registered_and_the_reason_is_told(pool: PgPool) {
    let world = World::open(&pool, "").await;
    let table = [
        (404, "answers 404: something else than Concord answers there"),
        (401, "has another shared key for this connection"),
        (308, "Chargify follows no redirect"),
        (502, "the proxy does not reach Concord"),
        (200, "the address leads to another server, which swallows webhooks"),
    ];
    for (status, words) in table {
        world.answer(status);
        let told = wrong(world.register().await.unwrap_err());
        assert!(told.contains(words) && told.contains("Nothing was changed at Chargify"), "{status}: {told}");
        let test = world.view("billing").await.test.unwrap();
        assert!(!test.passed && test.detail.contains(words), "{test:?}");
    }
    assert_eq!(world.calls(), [], "Chargify was not even asked");
    assert_eq!(world.sandbox.chargify.with(|rules, _| rules.webhooks.endpoints.iter().count()), 0);
    let told = world.told().await;
    assert!(told[0].starts_with("command line tested the webhook address of billing: "), "{told:?}");
    world.answer(0);
    world.register().await.unwrap();
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_address_that_nobody_answers_is_told_apart_from_one_that_is_unknown(pool: PgPool) {
    let world = World::at(&pool, Some("http://127.0.0.1:9"), "").await;
    assert!(wrong(world.register().await.unwrap_err()).contains("does not take connections"));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_name_that_is_in_no_directory_is_told(pool: PgPool) {
    let world = World::at(&pool, Some("http://concord.invalid"), "").await;
    assert!(wrong(world.register().await.unwrap_err()).contains("concord.invalid cannot be found"));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_shared_key_that_is_not_the_sites_shows_by_the_sites_own_log(pool: PgPool) {
    let world = World::open(&pool, "").await;
    world.sandbox.chargify.with(|rules, now| {
        rules.set_shared_key("quite-another-key");
        rules.webhooks.enabled = true;
        let theirs = rules.webhooks.endpoints.add("http://127.0.0.1:9/".to_owned(), Vec::new());
        rules.webhooks.push(theirs, "customer_update", "payload[customer][id]=1", None, now);
    });
    let told = wrong(world.register().await.unwrap_err());
    assert!(told.contains("shared key: the site signs its webhooks with another one"), "{told}");
    assert_eq!(world.calls(), calls(&[("GET /webhooks.json", 1)]), "nothing was changed");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_location_of_gohighlevel_says_where_its_webhooks_are_set_up(pool: PgPool) {
    let world = World::open(&pool, "").await;
    let told = wrong(world.engine.register_webhooks(&world.keyholder().await, "crm").await.unwrap_err());
    assert!(told.contains("Marketplace app"), "{told}");
    assert!(world.engine.test_webhooks(&world.keyholder().await, "crm").await.is_err());
    assert_eq!(world.view("crm").await.test, None);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_file_has_concord_register_by_itself_and_wake_what_was_paused(pool: PgPool) {
    let world = World::open(&pool, "").await;
    let changed = world.apply(&world.file("webhooks = \"register\"", SYNC)).await.unwrap();
    assert_eq!(changed[0], "connection billing: its webhooks are registered by Concord from now on");
    assert_eq!(world.apply(&world.file("webhooks = \"register\"", SYNC)).await.unwrap(), [] as [&str; 0]);
    let exported = world.engine.export(&world.viewer().await).await.unwrap();
    assert!(exported.contains("webhooks = \"register\""), "{exported}");
    assert_eq!(world.look().await, 2, "both connections of the sync");
    assert_eq!(world.view("billing").await.endpoint, EndpointState::Enabled);
    assert_eq!(world.told().await[0], "Concord itself registered the webhooks of billing in Chargify");
    assert_eq!(world.look().await, 0, "it is not due again before an hour is over");

    let id = world.sandbox.chargify.with(|rules, now| {
        let id = rules.webhooks.endpoints.iter().next().unwrap().id;
        let health = &mut rules.webhooks.endpoints.get_mut(id).unwrap().health;
        (0..30).for_each(|_| health.failed(now, 1));
        id
    });
    sqlx::query("update watch set due_at = null").execute(&world.pool).await.unwrap();
    world.look().await;
    let state =
        world.sandbox.chargify.with(|rules, _| rules.webhooks.endpoints.get(id).unwrap().health.status().name());
    assert_eq!((state, world.view("billing").await.endpoint), ("enabled", EndpointState::Enabled));
    let told = world.told().await;
    assert!(told.iter().any(|line| line.starts_with("Chargify stopped sending webhooks of billing: ")), "{told:?}");
    let url = world.url().await;
    assert_eq!(world.sandbox.chargify.with(|rules, _| rules.webhooks.endpoints.get(id).unwrap().url.clone()), url);

    let changed = world.apply(&world.file("", SYNC)).await.unwrap();
    assert_eq!(changed[0], "connection billing: its webhooks are left to you from now on");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_file_that_cannot_be_meant_is_refused_whole(pool: PgPool) {
    let world = World::open(&pool, "").await;
    let file = world.file("webhooks = \"register\"", "").replace("shared_key_env = \"SHARED_KEY\"", "");
    let told = wrong(world.apply(&file).await.unwrap_err());
    assert!(told.contains("connection billing: webhooks: they cannot be verified without"), "{told}");
    let file = world.file("webhooks = \"always\"", "");
    assert!(wrong(world.apply(&file).await.unwrap_err()).contains("unknown variant `always`"));
    let file = world.file("", "").replace("token_env = \"TOKEN\"", "token_env = \"TOKEN\"\nwebhooks = \"register\"");
    assert!(wrong(world.apply(&file).await.unwrap_err()).contains("GoHighLevel has no way to register them"));
    assert!(!world.view("billing").await.registers);
}
