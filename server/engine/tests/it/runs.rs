//! Runs and the people who start, approve and cancel them.

use crate::support::{ASK, SYNC, Setup, World, drain, until};
use domain::{Role, Side, view::ItemView};
use engine::{Approval, EngineError, StartRun, Worker};
use serde_json::json;
use sqlx::PgPool;
use std::time::Duration;

/// What an item says will be written, without what became of it.
fn shown(item: &ItemView) -> (Option<String>, String, Vec<(String, String, String)>) {
    let changes = item.changes.iter().map(|one| (one.side.clone(), one.field.clone(), one.after.clone()));
    (item.contact_id.clone(), item.action.clone(), changes.collect())
}

async fn approve(world: &World, number: u64) {
    world.engine.approve_run(&world.runner().await, number).await.unwrap();
    world.drain().await;
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_plan_waits_for_a_person_and_then_exactly_that_is_done(pool: PgPool) {
    let world = World::open(&pool, Setup { contacts: 30, customers: 12, ..Setup::default() }).await;
    let number = world.start("full", Approval::Always).await;
    world.drain().await;
    let plan = world.view(number).await;
    assert_eq!((plan.status.as_str(), world.writes()), ("awaiting_approval", 0), "{plan:#?}");
    assert!(plan.to_create > 0 && plan.to_update > 0, "{plan:#?}");
    assert!(plan.predicted_chargify > plan.planned_chargify, "reading is predicted too: {plan:#?}");
    let before: Vec<_> = world.items(number).await.iter().map(shown).collect();

    approve(&world, number).await;
    let run = world.ended(number).await;
    assert_eq!((run.status.as_str(), run.approved_by.as_deref()), ("complete", Some("command line")), "{run:#?}");
    assert_eq!((run.counts.created, run.counts.updated), (plan.to_create, plan.to_update));
    let after: Vec<_> = world.items(number).await.iter().map(shown).collect();
    assert_eq!(before, after);
    assert_eq!(run.counts.created, world.calls_to(Side::Chargify, "POST /customers.json"));
    assert!(world.audit_lines().await.iter().any(|line| line.action == "run.approved"));

    let again = world.engine.approve_run(&world.runner().await, number).await;
    assert!(matches!(again, Err(EngineError::AlreadyDone)), "{again:?}");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn what_was_edited_between_plan_and_approval_is_planned_again(pool: PgPool) {
    let world = World::open(&pool, Setup { contacts: 5, ..Setup::default() }).await;
    let contact = world.add_contact("Ada", "Lovelace", "ada@runs.example");
    let number = world.start("full", Approval::Always).await;
    world.drain().await;
    world.edit_contact(&contact, &json!({ "firstName": "Augusta" }));
    approve(&world, number).await;
    let run = world.ended(number).await;
    assert_eq!(run.status, "complete", "{run:#?}");
    assert_eq!(world.customer_text(world.customer_of(&contact), "first_name"), "Augusta");
    let items = world.items(number).await;
    let item = items.iter().find(|item| item.contact_id.as_ref() == Some(&contact)).unwrap();
    assert!(item.changes.iter().any(|change| change.after == "Augusta"), "the run tells what it wrote: {item:#?}");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_plan_that_is_turned_down_writes_nothing_and_accounts_for_everything(pool: PgPool) {
    let world = World::open(&pool, Setup { contacts: 30, ..Setup::default() }).await;
    let number = world.start("full", Approval::Always).await;
    world.drain().await;
    world.engine.cancel_run(&world.runner().await, number).await.unwrap();
    let run = world.ended(number).await;
    assert_eq!((run.status.as_str(), world.writes()), ("cancelled", 0), "{run:#?}");
    assert_eq!(run.counts.parked, run.to_create + run.to_update, "{run:#?}");
    let approved = world.engine.approve_run(&world.runner().await, number).await;
    assert!(matches!(approved, Err(EngineError::AlreadyDone)), "{approved:?}");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_run_cancelled_in_the_middle_gives_an_exact_account(pool: PgPool) {
    let world = World::open(&pool, Setup { contacts: 150, latency_ms: 20, ..Setup::default() }).await;
    let number = world.start("full", Approval::Granted).await;
    let working = tokio::spawn(drain_of(&world));
    until("some are created", async || world.customers() >= 20).await;
    world.engine.cancel_run(&world.runner().await, number).await.unwrap();
    working.await.unwrap();

    let run = world.ended(number).await;
    assert_eq!(run.status, "cancelled", "{run:#?}");
    assert!(run.counts.created >= 20 && run.counts.parked > 0, "{run:#?}");
    assert_eq!(run.counts.created, u64::try_from(world.customers()).unwrap(), "what is there is what was counted");
    assert_eq!(run.counts.created + run.counts.parked, run.to_create, "{run:#?}");
    let parked = world.items_that(number, "parked").await;
    assert!(parked.iter().all(|item| item.outcome_detail.as_deref().is_some_and(|words| words.contains("cancelled"))));
    assert_eq!(world.count("select count(*) from intent where phase <> 'done'").await, 0);

    let rest = world.run("full").await;
    assert_eq!((rest.status.as_str(), rest.counts.created), ("complete", run.counts.parked), "{rest:#?}");
}

async fn working_queue(engine: engine::Engine, pool: PgPool) {
    drain(&engine, &pool).await;
}

fn drain_of(world: &World) -> impl Future<Output = ()> + Send + 'static {
    working_queue(world.engine.clone(), world.pool.clone())
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn the_fuse_stops_a_run_that_changes_a_tenth_of_all_links(pool: PgPool) {
    let world = World::open(&pool, Setup { contacts: 50, ..Setup::default() }).await;
    world.run("full").await;
    world.sandbox.chargify.advance(Duration::from_secs(2));
    let change = |count: usize, name: &str| {
        for reference in world.references().into_iter().take(count) {
            world.edit_customer(world.customer_of(&reference), &[("first_name", name)]);
        }
    };
    change(20, "Within");
    let within = world.start("changes", Approval::WhenFused).await;
    world.drain().await;
    assert_eq!(world.ended(within).await.status, "complete");

    world.sandbox.chargify.advance(Duration::from_secs(2));
    change(21, "Beyond");
    world.reset_stats();
    let beyond = world.start("changes", Approval::WhenFused).await;
    world.drain().await;
    let stopped = world.view(beyond).await;
    assert_eq!((stopped.status.as_str(), world.writes()), ("awaiting_approval", 0), "{stopped:#?}");
    assert!(stopped.detail.unwrap().contains("21 of"));
    approve(&world, beyond).await;
    assert_eq!((world.ended(beyond).await.status.as_str(), world.writes()), ("complete", 21));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn the_fuse_stops_a_run_over_a_thousand_records(pool: PgPool) {
    let world = World::open(&pool, Setup { contacts: 1_100, ..Setup::default() }).await;
    let number = world.start("full", Approval::WhenFused).await;
    world.drain().await;
    let stopped = world.view(number).await;
    assert_eq!((stopped.status.as_str(), world.writes()), ("awaiting_approval", 0), "{stopped:#?}");
    assert!(stopped.to_create > 1_000);
    world.engine.cancel_run(&world.runner().await, number).await.unwrap();
    world.ended(number).await;
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn one_run_of_a_sync_goes_on_at_a_time(pool: PgPool) {
    let world = World::open(&pool, Setup { contacts: 3, ..Setup::default() }).await;
    world.start("full", Approval::Granted).await;
    let second =
        StartRun { sync: SYNC.to_owned(), mode: "changes".to_owned(), chosen: None, approval: Approval::Granted };
    let refused = world.engine.start_run(&world.runner().await, second.clone()).await;
    assert!(matches!(refused, Err(EngineError::AlreadyDone)), "{refused:?}");
    world.drain().await;
    world.engine.start_run(&world.runner().await, second).await.unwrap();
    world.drain().await;
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn only_who_may_approve_can_start_a_run_that_asks_nobody(pool: PgPool) {
    let world = World::open(&pool, Setup::default()).await;
    let operator = crate::setting::person(&world.engine, "op@runs.example", Role::Viewer).await;
    let viewer = world.engine.viewer(operator, None).await.unwrap();
    assert!(matches!(viewer.runner(), Err(EngineError::NotAllowed(_))));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_key_revoked_in_the_middle_parks_the_rest_and_a_new_key_completes_it(pool: PgPool) {
    let world = World::open(&pool, Setup { contacts: 80, latency_ms: 10, ..Setup::default() }).await;
    let number = world.start("full", Approval::Granted).await;
    let working = tokio::spawn(drain_of(&world));
    until("some are created", async || world.customers() >= 10).await;
    world.sandbox.chargify.revoke_key();
    working.await.unwrap();

    let run = world.ended(number).await;
    assert_eq!((run.status.as_str(), run.counts.failed), ("complete_with_failures", 0), "{run:#?}");
    assert!(run.counts.parked > 0 && run.counts.created >= 10, "{run:#?}");
    assert!(run.detail.unwrap().contains("Chargify"));
    let parked = world.items_that(number, "parked").await;
    let words = parked[0].outcome_detail.as_deref().unwrap();
    assert!(words.contains("Chargify") && words.contains("next run"), "{words}");
    let viewer = world.viewer().await;
    assert_eq!(world.engine.connection(&viewer, "billing").await.unwrap().state, "refused");
    let overview = world.engine.overview(&viewer).await.unwrap();
    assert!(overview.needs.iter().any(|need| need.kind == "credential"), "{:#?}", overview.needs);

    world.sandbox.chargify.restore_key();
    let rest = world.run("full").await;
    assert_eq!((rest.status.as_str(), rest.counts.parked), ("complete", 0), "{rest:#?}");
    assert_eq!(world.customers(), world.references().len());
    assert_eq!(world.engine.connection(&viewer, "billing").await.unwrap().state, "healthy");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_webhook_that_meets_a_revoked_key_waits_and_tells_the_connection(pool: PgPool) {
    let world = World::open(&pool, Setup::default()).await;
    let contact = world.add_contact("Ada", "Lovelace", "ada@runs.example");
    world.run("full").await;
    world.skip_webhooks(2).await;
    world.sandbox.chargify.revoke_key();
    world.edit_contact(&contact, &json!({ "city": "Elsewhere" }));
    let webhook = world.webhook().await;
    world.receive(&webhook).await;
    assert!(Worker::new(world.engine.clone()).step().await.unwrap());
    assert_eq!(world.count("select count(*) from job where state = 'ready'").await, 1, "parked, not failed");
    let viewer = world.viewer().await;
    assert_eq!(world.engine.connection(&viewer, "billing").await.unwrap().state, "refused");
    world.sandbox.chargify.restore_key();
    sqlx::query("update job set run_at = now() where state = 'ready'").execute(&world.pool).await.unwrap();
    world.drain().await;
    assert_eq!(world.customer_text(world.customer_of(&contact), "city"), "Elsewhere");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_conflict_that_a_rule_leaves_to_a_person_writes_nothing_of_the_record(pool: PgPool) {
    let world = World::open(&pool, Setup { more: ASK, ..Setup::default() }).await;
    let contact = world.add_contact("Ada", "Lovelace", "ada@runs.example");
    world.run("full").await;
    let customer = world.customer_of(&contact);
    world.sandbox.chargify.advance(Duration::from_secs(2));
    world.edit_contact(&contact, &json!({ "city": "London", "firstName": "Augusta" }));
    world.edit_customer(customer, &[("city", "Turin")]);
    world.reset_stats();
    let run = world.run("full").await;
    assert_eq!((run.status.as_str(), run.counts.parked, world.writes()), ("complete_with_failures", 1, 0), "{run:#?}");
    let overview = world.engine.overview(&world.viewer().await).await.unwrap();
    assert!(overview.needs.iter().any(|need| need.kind == "decision"), "{:#?}", overview.needs);
    assert_eq!(world.customer_text(customer, "first_name"), "Ada");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_running_run_tells_how_it_goes(pool: PgPool) {
    let world = World::open(&pool, Setup { contacts: 160, latency_ms: 15, ..Setup::default() }).await;
    let number = world.start("full", Approval::Granted).await;
    let working = tokio::spawn(drain_of(&world));
    let viewer = world.viewer().await;
    let told = async || world.engine.run_live(&viewer, number).await.unwrap();
    // Outcomes are committed in groups behind the writes.
    until("outcomes are told", async || !told().await.tail.is_empty()).await;
    let live = told().await;
    assert_eq!((live.run.status.as_str(), live.slots_ceiling), ("writing", 4), "{live:#?}");
    assert!(live.to_go > 0 && live.slots_busy <= 4 && !live.pace.is_empty(), "{live:#?}");
    working.await.unwrap();
    let live = told().await;
    assert_eq!((live.run.status.as_str(), live.to_go), ("complete", 0), "{live:#?}");
}
