//! Renewing tokens: ahead of their end and when they are refused, by one caller of many, and after lost answers.

use super::{crm, installed, trail, world_with_app};
use crate::support::{Setup, World};
use domain::{Side, view::CheckView};
use engine::{Approval, Engine, Keyholder};
use futures::future::join_all;
use sandbox::{Fault, FaultRule};
use serde_json::json;
use sqlx::PgPool;
use std::time::Duration;

const TOKEN: &str = "POST /oauth/token";
const RECONNECT: &str = "POST /oauth/reconnect";

async fn test(engine: &Engine, by: &Keyholder) -> CheckView {
    engine.test_connection(by, "crm").await.unwrap()
}

/// What the services knows of tokens ends, as after a day.
fn expire(world: &World) {
    world.sandbox.highlevel.with(|rules, _| rules.tokens.expire());
}

async fn ends_in(pool: &PgPool, seconds: i64) {
    let set = "update install set expires_at = now() + make_interval(secs => $1::float8)";
    sqlx::query(set).bind(seconds as f64).execute(pool).await.unwrap();
}

fn faults(world: &World, rules: Vec<FaultRule>) {
    world.sandbox.highlevel.set_faults(rules);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn of_sixteen_callers_on_two_nodes_one_renews(pool: PgPool) {
    let world = World::open(&pool, Setup { contacts: 2, latency_ms: 20, ..Setup::default() }).await;
    let by = world_with_app(&world, None).await;
    let other = world.another_engine().await;
    expire(&world);
    world.reset_stats();
    let callers = (0..16).map(|n| {
        let engine = if n % 2 == 0 { world.engine.clone() } else { other.clone() };
        let by = by.clone();
        tokio::spawn(async move { test(&engine, &by).await })
    });
    let checks = join_all(callers).await;
    for check in checks {
        let check = check.unwrap();
        assert!(check.passed, "{:#?}", check.steps);
    }
    assert_eq!(world.calls_to(Side::Highlevel, TOKEN), 1);
    assert_eq!(world.calls_to(Side::Highlevel, RECONNECT), 0);
    world.assert_no_transaction_was_open();
    let renewed = trail(&world.engine).await;
    let renewed = renewed.iter().filter(|words| words.contains("gave the app of the connection crm a new token"));
    assert_eq!(renewed.count(), 1);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_token_near_its_end_is_renewed_before_it_is_refused(pool: PgPool) {
    let world = World::open(&pool, Setup::default()).await;
    let by = world_with_app(&world, None).await;
    ends_in(&pool, 20 * 60).await;
    world.reset_stats();
    assert!(test(&world.engine, &by).await.passed);
    assert_eq!(world.calls_to(Side::Highlevel, TOKEN), 1);
    let refused = world.sandbox.highlevel.requests().iter().filter(|call| call.status == Some(401)).count();
    assert_eq!(refused, 0);
    assert!(test(&world.engine, &by).await.passed);
    assert_eq!(world.calls_to(Side::Highlevel, TOKEN), 1, "and is good for a day");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn while_the_old_token_lasts_a_renewal_that_fails_keeps_nobody(pool: PgPool) {
    let world = World::open(&pool, Setup::default()).await;
    let by = world_with_app(&world, None).await;
    ends_in(&pool, 20 * 60).await;
    let outage = Fault::Status { status: 503, body: None, retry_after: None };
    faults(&world, vec![FaultRule::always("POST /oauth/*", outage)]);
    world.reset_stats();
    assert!(test(&world.engine, &by).await.passed);
    let asked = world.calls_to(Side::Highlevel, TOKEN);
    assert!(asked > 0);
    assert!(test(&world.engine, &by).await.passed);
    assert_eq!(world.calls_to(Side::Highlevel, TOKEN), asked, "it is not tried again at once");
    assert_eq!(crm(&world.engine).await.app.unwrap().standing, "installed");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn without_a_token_and_without_an_answer_the_state_stays_what_it_was(pool: PgPool) {
    let world = World::open(&pool, Setup::default()).await;
    let by = world_with_app(&world, None).await;
    expire(&world);
    faults(&world, vec![FaultRule::always("POST /oauth/*", Fault::Reset)]);
    let check = test(&world.engine, &by).await;
    assert!(!check.passed);
    let view = crm(&world.engine).await;
    assert_eq!((view.state.as_str(), view.app.unwrap().standing.as_str()), ("healthy", "installed"));
    faults(&world, Vec::new());
    sqlx::query("update install set retry_at = null").execute(&pool).await.unwrap();
    assert!(test(&world.engine, &by).await.passed);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_answer_lost_before_the_service_acted_is_asked_for_again(pool: PgPool) {
    let world = World::open(&pool, Setup::default()).await;
    let by = world_with_app(&world, None).await;
    expire(&world);
    faults(&world, vec![FaultRule::next(1, TOKEN, Fault::Reset)]);
    world.reset_stats();
    assert!(test(&world.engine, &by).await.passed);
    assert_eq!((world.calls_to(Side::Highlevel, TOKEN), world.calls_to(Side::Highlevel, RECONNECT)), (2, 0));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_answer_lost_after_the_service_acted_is_got_over_by_a_reconnect(pool: PgPool) {
    let world = World::open(&pool, Setup::default()).await;
    for choice in [None, Some("choose=agency")] {
        let by = if choice.is_none() {
            world_with_app(&world, None).await
        } else {
            let by = crate::connections::place::keyholder(&world.engine).await;
            installed(&world.engine, &by, "choose=agency").await;
            by
        };
        expire(&world);
        faults(&world, vec![FaultRule::next(1, TOKEN, Fault::ResetAfter)]);
        world.reset_stats();
        let check = test(&world.engine, &by).await;
        assert!(check.passed, "{choice:?}: {:#?}", check.steps);
        // The first answer was lost, the second said that the token is gone, the third is for the new code.
        let calls = (world.calls_to(Side::Highlevel, TOKEN), world.calls_to(Side::Highlevel, RECONNECT));
        assert_eq!(calls, (3, 1), "{choice:?}");
    }
    assert_eq!(crm(&world.engine).await.state, "healthy");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_process_that_dies_with_the_turn_is_followed_by_another(pool: PgPool) {
    let world = World::open(&pool, Setup::default()).await;
    let by = world_with_app(&world, None).await;
    expire(&world);
    let dead = "update install set lease_by = gen_random_uuid(), lease_until = now() + interval '1 second'";
    sqlx::query(dead).execute(&pool).await.unwrap();
    world.reset_stats();
    assert!(test(&world.engine, &by).await.passed);
    assert_eq!(world.calls_to(Side::Highlevel, TOKEN), 1);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn access_revoked_in_the_middle_of_a_run_parks_the_rest_until_the_app_is_installed_again(pool: PgPool) {
    let world = World::open(
        &pool,
        Setup { contacts: 0, customers: 60, latency_ms: 10, more: "create_contacts = true", ..Setup::default() },
    )
    .await;
    world_with_app(&world, None).await;
    let number = world.start("full", Approval::Granted).await;
    let working = {
        let (engine, pool) = (world.engine.clone(), pool.clone());
        tokio::spawn(async move { crate::support::drain(&engine, &pool).await })
    };
    let start = std::time::Instant::now();
    while world.contact_ids().len() < 10 {
        assert!(start.elapsed() < Duration::from_secs(60), "no contact is created");
        tokio::task::yield_now().await;
    }
    world.sandbox.highlevel.revoke_key();
    working.await.unwrap();

    let run = world.ended(number).await;
    assert_eq!((run.status.as_str(), run.counts.failed), ("complete_with_failures", 0), "{run:#?}");
    assert!(run.counts.parked > 0 && run.counts.created >= 10, "{run:#?}");
    let view = crm(&world.engine).await;
    assert_eq!((view.state.as_str(), view.app.as_ref().unwrap().standing.as_str()), ("refused", "ended"));
    assert_eq!(view.denial(), Some(domain::denial::Denial::AccessEnded));
    let overview = world.engine.overview(&world.viewer().await).await.unwrap();
    assert!(overview.needs.iter().any(|need| need.action == "Install the app again"), "{:#?}", overview.needs);

    world.sandbox.highlevel.restore_key();
    let by = crate::connections::place::keyholder(&world.engine).await;
    let location = super::home(world.sandbox.highlevel.credential("location_id"));
    installed(&world.engine, &by, &location).await;
    assert!(test(&world.engine, &by).await.passed);
    let rest = world.run("full").await;
    assert_eq!((rest.status.as_str(), rest.counts.parked, rest.counts.failed), ("complete", 0, 0), "{rest:#?}");
    assert_eq!(world.contact_ids().len(), 60);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn live_work_renews_a_refused_token_and_goes_on_in_the_same_job(pool: PgPool) {
    let world = World::open(&pool, Setup::default()).await;
    let contact = world.add_contact("Ada", "Lovelace", "ada@oauth.example");
    world_with_app(&world, None).await;
    world.run("full").await;
    let customer = world.customer_of(&contact);
    expire(&world);
    world.edit_contact(&contact, &json!({ "city": "Elsewhere" }));
    while world.customer_text(customer, "city") != "Elsewhere" {
        world.next_webhook().await;
    }
    assert_eq!(crm(&world.engine).await.state, "healthy");
}
