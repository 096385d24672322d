//! The write path when something comes in between: a job that is another's, an edit in mid-run, a database that refuses,
//! a mapping that changes, a day that is used up.

use crate::support::{HURRY, SYNC, Setup, World, until};
use domain::Side;
use engine::{Approval, EngineError, RuleDraft, Worker};
use sandbox::{Fault, FaultRule};
use serde_json::json;
use sqlx::PgPool;
use std::time::Instant;
use tokio_util::sync::CancellationToken;

const CREATE: &str = "POST /customers.json";

/// Contacts that all become customers.
fn people(world: &World, count: usize) -> Vec<String> {
    (0..count).map(|n| world.add_contact("Wri", &format!("Ting{n}"), &format!("w{n}@writing.example"))).collect()
}

/// A run under way in a task of its own, with so many customers made.
async fn writing(world: &World, customers: usize) -> (u64, tokio::task::JoinHandle<bool>) {
    let number = world.start("full", Approval::Granted).await;
    let worker = Worker::new(world.engine.clone());
    let step = tokio::spawn(async move { worker.step().await.unwrap() });
    until("it writes", async || world.customers() >= customers).await;
    (number, step)
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_job_that_was_given_to_another_node_sends_nothing_more(pool: PgPool) {
    let world = World::open(&pool, Setup { latency_ms: 25, ..Setup::default() }).await;
    people(&world, 60);
    let (number, step) = writing(&world, 5).await;
    sqlx::query("update job set fence = fence + 1, node_id = gen_random_uuid()").execute(&world.pool).await.unwrap();
    step.await.unwrap();
    let sent = world.calls_to(Side::Chargify, CREATE);
    assert!(sent < 20, "{sent} of 60 were sent: what was journalled before, and no more");
    assert_eq!(world.view(number).await.status, "writing", "whoever has the job now ends the run");

    sqlx::query("update job set state = 'ready', run_at = now()").execute(&world.pool).await.unwrap();
    world.drain().await;
    let run = world.ended(number).await;
    assert_eq!((run.status.as_str(), run.counts.created, world.customers()), ("complete", 60, 60), "{run:#?}");
    assert_eq!(world.calls_to(Side::Chargify, CREATE), 60);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_node_that_loses_its_session_stops_at_once_and_takes_its_work_up_again(pool: PgPool) {
    let world = World::open(&pool, Setup { latency_ms: 25, ..Setup::default() }).await;
    people(&world, 80);
    let number = world.start("full", Approval::Granted).await;
    let (worker, stop) = (Worker::new(world.engine.clone()), CancellationToken::new());
    let stopped = stop.clone();
    let working = tokio::spawn(async move { worker.run(stopped).await });
    until("it writes", async || world.customers() >= 10).await;
    let ended = "select count(pg_terminate_backend(pid)) from pg_locks join pg_database on oid = database
                 where locktype = 'advisory' and datname = current_database()";
    assert_eq!(world.count(ended).await, 1, "one node, one session");
    until("the job is claimed anew", async || world.count("select max(fence) from job").await == 2).await;
    assert!(world.customers() < 80, "it stopped in the middle");
    until("the run ends", async || world.view(number).await.finished_at.is_some()).await;
    stop.cancel();
    working.await.unwrap();
    let run = world.ended(number).await;
    assert_eq!((run.status.as_str(), run.counts.created, world.customers()), ("complete", 80, 80), "{run:#?}");
    assert!(world.sandbox.chargify.stats().high_water <= 4);
    assert_eq!(world.count("select count(*) from intent where phase in ('sent', 'ambiguous')").await, 0);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_edit_in_mid_run_wins_over_the_plan(pool: PgPool) {
    let world = World::open(&pool, Setup { latency_ms: 25, ..Setup::default() }).await;
    let mut contacts = people(&world, 700);
    contacts.sort_unstable();
    let began = Instant::now();
    let (number, step) = writing(&world, 20).await;
    // Nobody hears of these: their webhooks are lost.
    let [edited, taken] = [&contacts[698], &contacts[699]];
    world.edit_contact(edited, &json!({ "city": "Ockham" }));
    let [email, first_name, last_name] =
        ["email", "firstName", "lastName"].map(|field| world.contact_text(taken, field).unwrap());
    // By the same name: of two names of one second nobody could say which is the newer one.
    let there = world.add_customer(&[("first_name", &first_name), ("last_name", &last_name), ("email", &email)]);
    assert!(step.await.unwrap());
    world.drain().await;

    let run = world.ended(number).await;
    assert_eq!(run.status, "complete", "{run:#?}");
    assert_eq!(world.customer_text(world.customer_of(edited), "city"), "Ockham");
    assert_eq!(world.customers_with_email(&email), 1, "somebody else made a customer of it meanwhile");
    assert_eq!(world.customer_of(taken), there);
    let again = world.items(number).await.into_iter().filter(|item| item.reason.contains("planned again")).count();
    assert!((2..60).contains(&again), "{again} items were planned again");
    let [events, searches] =
        [world.calls_to(Side::Chargify, "GET /events.json"), world.calls_to(Side::Highlevel, "POST /contacts/search")];
    // A minute of the run's clock is 60 s / HURRY; a slow machine has more of them.
    let minutes = u64::try_from(began.elapsed().as_millis() / (60_000 / u128::from(HURRY))).unwrap();
    assert!(events + searches <= 3 * (minutes + 3), "{events} and {searches} in {minutes} minutes");
    let calm = world.run("changes").await;
    assert_eq!((calm.counts.created, calm.counts.updated), (0, 0), "{calm:#?}");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn what_the_database_refuses_to_keep_ends_the_run_and_is_said(pool: PgPool) {
    let world = World::open(&pool, Setup::default()).await;
    let contacts = people(&world, 12);
    let refuse = format!(
        "create function refuse() returns trigger language plpgsql as $$
         begin raise exception 'no room for it'; end $$;
         create trigger refuse before insert on link for each row when (new.contact_id = '{}') execute function refuse();",
        contacts[0]
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(refuse)).execute(&world.pool).await.unwrap();
    let number = world.start("full", Approval::Granted).await;
    world.drain().await;
    let run = world.ended(number).await;
    assert_eq!((run.status.as_str(), run.counts.failed), ("failed", 1), "{run:#?}");
    let detail = run.detail.unwrap();
    assert!(detail.contains(&contacts[0]) && detail.contains("no room for it"), "{detail}");
    assert_eq!(world.count("select count(*) from intent where phase = 'ambiguous'").await, 1);

    sqlx::query("drop trigger refuse on link").execute(&world.pool).await.unwrap();
    let run = world.run("full").await;
    assert_eq!(run.status, "complete", "{run:#?}");
    assert_eq!((world.customers(), world.links().await), (12, 12));
    assert_eq!(world.count("select count(*) from intent where phase in ('sent', 'ambiguous')").await, 0);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_mapping_is_not_saved_while_a_run_writes_by_it(pool: PgPool) {
    let world = World::open(&pool, Setup { latency_ms: 40, ..Setup::default() }).await;
    people(&world, 60);
    let (number, step) = writing(&world, 4).await;
    let editor = world.viewer().await.editor().unwrap();
    let field = |highlevel: &str, chargify: &str| RuleDraft {
        highlevel: highlevel.to_owned(),
        chargify: chargify.to_owned(),
        ..RuleDraft::default()
    };
    let rows = [("firstName", "first_name"), ("lastName", "last_name"), ("email", "email")].map(|(a, b)| field(a, b));
    let refused = world.engine.save_mapping(&editor, SYNC, rows.to_vec(), "less of it").await;
    let Err(EngineError::Invalid(words)) = &refused else { panic!("{refused:?}") };
    assert!(words[0].contains(&format!("Cancel run {number}")), "{words:?}");

    world.engine.cancel_run(&world.runner().await, number).await.unwrap();
    assert!(step.await.unwrap());
    world.drain().await;
    assert_eq!(world.ended(number).await.status, "cancelled");
    assert_eq!(world.engine.save_mapping(&editor, SYNC, rows.to_vec(), "less of it").await.unwrap(), 2);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_day_that_is_used_up_puts_the_run_off_and_leaves_it_to_be_cancelled(pool: PgPool) {
    let world = World::open(&pool, Setup { contacts: 700, daily: 1, ..Setup::default() }).await;
    let number = world.start("full", Approval::Granted).await;
    assert!(Worker::new(world.engine.clone()).step().await.unwrap());
    let run = world.view(number).await;
    let detail = run.detail.unwrap();
    assert!(run.status == "reading" && detail.contains("the day's calls") && detail.contains("UTC"), "{detail}");
    assert_eq!(world.count("select count(*) from job where state = 'ready' and run_at > now()").await, 1);
    assert!(!Worker::new(world.engine.clone()).step().await.unwrap(), "nothing is tried before");

    world.engine.cancel_run(&world.runner().await, number).await.unwrap();
    world.drain().await;
    assert_eq!((world.ended(number).await.status.as_str(), world.writes()), ("cancelled", 0));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn reading_ends_when_nobody_wants_the_run_any_more(pool: PgPool) {
    let world = World::open(&pool, Setup { contacts: 20, ..Setup::default() }).await;
    let slow = Fault::Slow { ms: 30_000 };
    world.sandbox.highlevel.set_faults(vec![FaultRule::always("POST /contacts/search", slow)]);
    let number = world.start("full", Approval::Granted).await;
    let worker = Worker::new(world.engine.clone());
    let step = tokio::spawn(async move { worker.step().await.unwrap() });
    until("it reads", async || world.calls_to(Side::Highlevel, "POST /contacts/search") == 1).await;
    world.engine.cancel_run(&world.runner().await, number).await.unwrap();
    assert!(step.await.unwrap());
    assert_eq!(world.ended(number).await.status, "cancelled");
}
