//! The slots of a Chargify site, shared by everybody who works for it.

use crate::support::{Setup, World, drain, until};
use domain::Side;
use engine::{Approval, Engine, Worker};
use sandbox::{Fault, FaultRule};
use serde_json::json;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

/// A process that works the queue until it is told to stop.
fn working(engine: &Engine) -> (CancellationToken, tokio::task::JoinHandle<()>) {
    let (worker, stop) = (Worker::new(engine.clone()), CancellationToken::new());
    let stopped = stop.clone();
    (stop, tokio::spawn(async move { worker.run(stopped).await }))
}

/// Lets webhooks about that many contacts in.
async fn edit_and_tell(world: &World, contacts: &[String], name: &str) {
    for contact in contacts {
        world.edit_contact(contact, &json!({ "city": name }));
    }
    let mut told = 0;
    while told < contacts.len() {
        let webhook = world.webhook().await;
        if webhook.tells("ContactUpdate") {
            world.receive(&webhook).await;
            told += 1;
        }
    }
}

async fn settled(world: &World) -> i64 {
    world.count("select count(*) from delivery where state = 'done' and outcome = 'updated'").await
}

/// One node carries a run, the other one what webhooks ask for; both want every slot there is.
async fn two_nodes_with(pool: &PgPool, slots: u16) {
    let world = World::open(pool, Setup { contacts: 30, slots, latency_ms: 20, ..Setup::default() }).await;
    world.run("full").await;
    let contacts: Vec<String> = world.references().into_iter().take(12).collect();
    for number in 0..120 {
        world.add_contact("Bulk", &format!("Number{number}"), &format!("bulk{number}@slots.example"));
    }
    world.reset_stats();

    let run = world.start("full", Approval::Granted).await;
    let (first_engine, first_pool) = (world.engine.clone(), world.pool.clone());
    let first = tokio::spawn(async move { drain(&first_engine, &first_pool).await });
    until("the run writes", async || world.calls_to(Side::Chargify, "POST /customers.json") >= 4).await;
    let other = world.another_engine().await;
    let (stop, second) = working(&other);
    edit_and_tell(&world, &contacts, "Elsewhere").await;
    until("the second node makes progress", async || settled(&world).await >= 1).await;
    let still_running = world.view(run).await.finished_at.is_none();
    first.await.unwrap();
    until("the second node is through", async || settled(&world).await >= 12).await;
    stop.cancel();
    second.await.unwrap();

    assert!(still_running, "both made progress at the same time");
    let ended = world.ended(run).await;
    assert_eq!((ended.status.as_str(), ended.counts.created), ("complete", 120), "{ended:#?}");
    let stats = world.sandbox.chargify.stats();
    assert!(stats.high_water <= usize::from(slots), "{} in flight with {slots} slots", stats.high_water);
    assert_eq!(stats.too_many, 0);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn two_nodes_under_heavy_demand_never_have_more_than_four_in_flight(pool: PgPool) {
    two_nodes_with(&pool, 4).await;
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn two_nodes_keep_to_the_two_slots_a_merchant_allows(pool: PgPool) {
    two_nodes_with(&pool, 2).await;
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_live_change_goes_before_a_run_that_keeps_all_slots_busy(pool: PgPool) {
    let world = World::open(&pool, Setup { contacts: 10, latency_ms: 25, ..Setup::default() }).await;
    world.run("full").await;
    let contact = world.references().pop().unwrap();
    for number in 0..150 {
        world.add_contact("Bulk", &format!("Number{number}"), &format!("bulk{number}@slots.example"));
    }
    let run = world.start("full", Approval::Granted).await;
    let (stop, worker) = working(&world.engine);
    until("the run writes", async || world.customers() >= 20).await;
    edit_and_tell(&world, std::slice::from_ref(&contact), "Elsewhere").await;
    let before = world.sandbox.chargify.stats().calls;
    let customer = world.customer_of(&contact);
    until("the live change is written", async || world.customer_text(customer, "city") == "Elsewhere").await;
    let meanwhile = world.sandbox.chargify.stats().calls - before;
    assert!(meanwhile <= 60, "{meanwhile} other calls began before the live one was done");
    assert!(world.view(run).await.finished_at.is_none(), "the run is still going on");
    until("the run ends", async || world.view(run).await.finished_at.is_some()).await;
    stop.cancel();
    worker.await.unwrap();
    assert!(world.sandbox.chargify.stats().high_water <= 4);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn slots_are_given_back_when_nobody_needs_them(pool: PgPool) {
    let world = World::open(&pool, Setup { contacts: 10, ..Setup::default() }).await;
    world.run("full").await;
    until("all slots are free", async || world.count("select count(*) from slot where node_id is not null").await == 0)
        .await;
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn slots_of_a_dead_node_rest_while_its_requests_may_still_run(pool: PgPool) {
    let world = World::open(&pool, Setup { contacts: 40, ..Setup::default() }).await;
    // What the node leaves behind runs on for a second, though nobody waits for it any more.
    let create = "POST /customers.json";
    world.sandbox.chargify.set_faults(vec![FaultRule::next(4, create, Fault::Slow { ms: 1_000 })]);
    let number = world.start("full", Approval::Granted).await;
    let worker = Worker::new(world.engine.clone());
    let dying = tokio::spawn(async move { worker.step().await });
    until("it writes", async || world.calls_to(Side::Chargify, create) >= 4).await;
    dying.abort();
    drop(dying.await);
    let world = world.restarted().await;
    world.drain().await;
    assert_eq!(world.ended(number).await.status, "complete");
    assert!(world.sandbox.chargify.stats().high_water <= 4, "{}", world.sandbox.chargify.stats().high_water);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_request_without_an_answer_keeps_its_slot_until_the_service_must_have_ended_it(pool: PgPool) {
    let world = World::open(&pool, Setup { contacts: 8, slots: 1, ..Setup::default() }).await;
    let create = "POST /customers.json";
    world.sandbox.chargify.set_faults(vec![FaultRule::next(1, create, Fault::Reset)]);
    let run = world.run("full").await;
    assert_eq!(run.status, "complete", "{run:#?}");
    let requests = world.sandbox.chargify.requests();
    let cut = requests.iter().position(|request| request.status.is_none()).unwrap();
    // 130 s on a clock that runs fifty times as fast.
    let silence = requests[cut + 1].at - requests[cut].at;
    assert!(silence > time::Duration::milliseconds(2_400), "the only slot was used again after {silence}");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_slow_request_of_a_dead_node_keeps_its_slot_until_the_service_must_have_ended_it(pool: PgPool) {
    let world = World::open(&pool, Setup { contacts: 30, latency_ms: 10, ..Setup::default() }).await;
    let create = "POST /customers.json";
    world.sandbox.chargify.set_faults(vec![FaultRule::next(1, create, Fault::Slow { ms: 6_000 })]);
    let number = world.start("full", Approval::Granted).await;
    let worker = Worker::new(world.engine.clone());
    let dying = tokio::spawn(async move { worker.step().await });
    until("it is known to take long", async || {
        world.count("select count(*) from slot where busy_since is not null").await == 1
    })
    .await;
    dying.abort();
    drop(dying.await);
    let world = world.restarted().await;
    world.drain().await;
    assert_eq!(world.ended(number).await.status, "complete");
    let resting = "select count(*) from slot where node_id is null and usable_from > now() + interval '100 seconds'";
    assert_eq!(world.count(resting).await, 1, "nobody gets it before the service must have ended the request");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn after_a_refusal_for_too_many_requests_one_slot_opens_and_then_the_others(pool: PgPool) {
    let world = World::open(&pool, Setup { contacts: 60, latency_ms: 120, ..Setup::default() }).await;
    let fault = Fault::Status { status: 429, body: None, retry_after: Some(1) };
    world.sandbox.chargify.set_faults(vec![FaultRule::next(1, "POST /customers.json", fault)]);
    let run = world.run("full").await;
    assert_eq!(run.status, "complete", "{run:#?}");
    let requests = world.sandbox.chargify.requests();
    let refused = requests.iter().find(|request| request.status == Some(429)).unwrap();
    let after = |one: &&sandbox::Recorded| one.at > refused.at + time::Duration::milliseconds(700);
    let first = requests.iter().find(after).unwrap();
    assert!(first.at > refused.at + time::Duration::milliseconds(950), "it was left alone");
    let early = |one: &&sandbox::Recorded| after(one) && one.at < first.at + time::Duration::milliseconds(110);
    let early: Vec<_> = requests.iter().filter(early).map(|one| (one.at, one.path.clone(), one.in_flight)).collect();
    assert_eq!(early.len(), 1, "one request asks again: {early:#?}, refused at {}", refused.at);
    let later = first.at + time::Duration::milliseconds(600);
    assert!(requests.iter().any(|one| one.at > later && one.in_flight == 4), "then there are four again");
    assert_eq!(world.count("select count(*) from lane where open_slots is not null").await, 0);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_refusal_of_a_webhooks_read_pauses_the_lane_for_everybody(pool: PgPool) {
    let world = World::open(&pool, Setup::default()).await;
    world.add_contact("New", "Comer", "new@slots.example");
    let fault = Fault::Status { status: 429, body: None, retry_after: Some(1) };
    world.sandbox.chargify.set_faults(vec![FaultRule::next(1, "GET /customers*", fault)]);
    world.next_webhook().await;
    assert_eq!(world.count("select count(*) from lane where pause_ms >= 1000").await, 1);
    assert_eq!(world.customers(), 1, "and nothing was lost");
    let requests = world.sandbox.chargify.requests();
    let refused = requests.iter().position(|request| request.status == Some(429)).unwrap();
    assert!(requests[refused + 1].at > requests[refused].at + time::Duration::milliseconds(950));
}
