//! The queue under many hands: nothing claimed twice, no lane overfilled, nothing finished by who lost it.

use crate::support::{Setup, World, until};
use domain::Side;
use engine::{Received, Worker};
use sandbox::{Fault, FaultRule};
use serde_json::json;
use sqlx::PgPool;

const READ: &str = "GET /contacts/{id}";

/// A job for each of so many contacts; each reads its contact once and writes nothing.
async fn with_jobs(pool: &PgPool, count: usize, latency_ms: u64) -> World {
    let world = World::open(pool, Setup { latency_ms, ..Setup::default() }).await;
    for number in 0..count {
        world.add_contact_with(
            &json!({ "firstName": format!("Mono{number}"), "email": format!("m{number}@jobs.example") }),
        );
    }
    for _ in 0..count {
        let webhook = world.webhook().await;
        assert_eq!(world.receive(&webhook).await, Received::Recorded);
    }
    world
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn sixteen_claimers_on_two_nodes_share_a_lane_without_treading_on_each_other(pool: PgPool) {
    let world = with_jobs(&pool, 48, 15).await;
    sqlx::query("update lane set job_slots = 3").execute(&world.pool).await.unwrap();
    let engines = [world.engine.clone(), world.another_engine().await];
    let hands = (0..16).map(|hand| {
        let (worker, pool) = (Worker::new(engines[hand % 2].clone()), world.pool.clone());
        tokio::spawn(async move {
            let mut carried = 0;
            loop {
                if worker.step().await.unwrap() {
                    carried += 1;
                    continue;
                }
                let open: i64 = sqlx::query_scalar("select count(*) from job where state <> 'done'")
                    .fetch_one(&pool)
                    .await
                    .unwrap();
                if open == 0 {
                    return carried;
                }
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        })
    });
    let carried: Vec<u64> = futures::future::join_all(hands).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(carried.iter().sum::<u64>(), 48, "{carried:?}");
    assert!(carried.iter().filter(|count| **count > 0).count() > 3, "the work was shared: {carried:?}");
    assert_eq!(world.calls_to(Side::Highlevel, READ), 48, "each job once");
    assert_eq!(world.count("select count(*) from job where attempt <> 1 or fence <> 1").await, 0);
    assert!(world.sandbox.highlevel.stats().high_water <= 3, "{}", world.sandbox.highlevel.stats().high_water);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn whoever_lost_a_job_cannot_finish_it(pool: PgPool) {
    let world = with_jobs(&pool, 1, 0).await;
    let slow = Fault::Slow { ms: 400 };
    world.sandbox.highlevel.set_faults(vec![FaultRule::next(1, "GET /contacts/*", slow)]);
    let stale = Worker::new(world.engine.clone());
    let stale = tokio::spawn(async move { stale.step().await.unwrap() });
    until("it reads", async || world.calls_to(Side::Highlevel, READ) == 1).await;

    // Its lease runs out, and another node takes the job up and ends it.
    sqlx::query("update job set lease_until = now() - interval '1 second'").execute(&world.pool).await.unwrap();
    assert!(Worker::new(world.another_engine().await).step().await.unwrap());
    let finished = "select finished_at::text || ' ' || fence || ' ' || attempt from job where state = 'done'";
    let before: String = sqlx::query_scalar(finished).fetch_one(&world.pool).await.unwrap();
    assert!(before.ends_with(" 2 2"), "{before}");

    assert!(stale.await.unwrap());
    let after: String = sqlx::query_scalar(finished).fetch_one(&world.pool).await.unwrap();
    assert_eq!(before, after);
    assert_eq!(world.calls_to(Side::Highlevel, READ), 2);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_job_whose_lease_holds_is_nobody_elses(pool: PgPool) {
    let world = with_jobs(&pool, 1, 0).await;
    world.sandbox.highlevel.set_faults(vec![FaultRule::next(1, "GET /contacts/*", Fault::Slow { ms: 300 })]);
    let first = Worker::new(world.engine.clone());
    let first = tokio::spawn(async move { first.step().await.unwrap() });
    until("it reads", async || world.calls_to(Side::Highlevel, READ) == 1).await;
    assert!(!Worker::new(world.another_engine().await).step().await.unwrap());
    assert!(first.await.unwrap());
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_change_during_the_work_is_worked_off_after_it_never_beside_it(pool: PgPool) {
    let world = with_jobs(&pool, 1, 0).await;
    world.sandbox.highlevel.set_faults(vec![FaultRule::next(1, "GET /contacts/*", Fault::Slow { ms: 300 })]);
    let first = Worker::new(world.engine.clone());
    let first = tokio::spawn(async move { first.step().await.unwrap() });
    until("it reads", async || world.calls_to(Side::Highlevel, READ) == 1).await;

    let contact = world.contact_ids().pop().unwrap();
    world.edit_contact(&contact, &json!({ "lastName": "Named" }));
    let webhook = world.webhook().await;
    assert_eq!(world.receive(&webhook).await, Received::Recorded);
    assert_eq!(world.count("select count(*) from job where state = 'ready'").await, 1);
    assert!(!Worker::new(world.another_engine().await).step().await.unwrap(), "one at a time");
    assert!(first.await.unwrap());
    world.drain().await;
    assert_eq!(world.customers(), 1, "the change was not lost");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn every_job_can_run_twice(pool: PgPool) {
    let world = World::open(&pool, Setup { contacts: 20, customers: 8, ..Setup::default() }).await;
    world.run("full").await;
    let contact = world.add_contact("Once", "Only", "once@jobs.example");
    world.run("changes").await;
    let (customers, links) = (world.customers(), world.links().await);
    assert!(world.customer_by_reference(&contact).is_some());
    world.reset_stats();
    sqlx::query(
        "update job set state = 'ready', run_at = now(), finished_at = null where state = 'done' and kind = 'run'",
    )
    .execute(&world.pool)
    .await
    .unwrap();
    world.drain().await;
    assert_eq!((world.writes(), world.customers(), world.links().await), (0, customers, links));
    for number in [1, 2] {
        assert_eq!(world.ended(number).await.status, "complete");
    }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn runs_never_take_the_places_that_webhooks_need(pool: PgPool) {
    let world = with_jobs(&pool, 1, 0).await;
    let number = world.start("full", engine::Approval::Granted).await;
    // Half of the lane's places are at runs that take long.
    sqlx::query(
        "insert into job (workspace_id, job_id, lane_id, kind, payload, priority, state, lease_until)
         select workspace_id, gen_random_uuid(), connection_id, 'run', '{}', 2, 'running', now() + interval '1 hour'
         from lane, generate_series(1, 4)",
    )
    .execute(&world.pool)
    .await
    .unwrap();
    let worker = Worker::new(world.engine.clone());
    assert!(worker.step().await.unwrap(), "the webhook is worked off");
    assert!(!worker.step().await.unwrap(), "the run waits for its place");
    assert_eq!(world.view(number).await.status, "queued");
    let ends = "delete from job where ctid = (
         select fake.ctid from job fake join job run using (lane_id) where fake.payload = '{}' and run.state = 'ready' limit 1)";
    sqlx::query(ends).execute(&world.pool).await.unwrap();
    assert!(worker.step().await.unwrap());
    assert_eq!(world.ended(number).await.status, "complete");
}
