//! The app is uninstalled: a webhook tells, the tokens go, the work waits.

use super::{crm, home, installed, trail, world_with_app};
use crate::support::{Setup, Webhook, World};
use engine::{Received, Refusal, Worker};
use sandbox::highlevel::auth::Class;
use sqlx::PgPool;

/// Takes the app out, as a person would; the webhook that tells of it.
async fn uninstall(world: &World, whole_agency: bool) -> Webhook {
    let gone = world.sandbox.highlevel.with(|rules, now| {
        let class = if whole_agency {
            Class::Company(rules.company_id.clone())
        } else {
            Class::Location(rules.main_location_id().to_owned())
        };
        rules.uninstall(&class, now)
    });
    assert!(gone);
    loop {
        let webhook = world.webhook().await;
        if webhook.tells("\"UNINSTALL\"") {
            return webhook;
        }
    }
}

async fn tokens(pool: &PgPool) -> i64 {
    let count = "select count(*) from credential where field in ('access_token', 'refresh_token')";
    sqlx::query_scalar(count).fetch_one(pool).await.unwrap()
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_uninstall_forgets_the_tokens_and_parks_the_work_until_a_new_install(pool: PgPool) {
    let world = World::open(&pool, Setup::default()).await;
    let contact = world.add_contact("Ada", "Lovelace", "ada@oauth.example");
    let by = world_with_app(&world, None).await;
    world.run("full").await;
    let told = uninstall(&world, false).await;
    assert_eq!(world.receive(&told).await, Received::Recorded);
    assert_eq!(tokens(&pool).await, 2, "nothing is acted on before the worker does");
    world.drain().await;
    assert_eq!(tokens(&pool).await, 0);
    let view = crm(&world.engine).await;
    assert_eq!((view.state.as_str(), view.app.as_ref().unwrap().standing.as_str()), ("refused", "uninstalled"));
    assert_eq!(view.denial(), Some(domain::denial::Denial::Uninstalled));
    let words = trail(&world.engine).await;
    let said = "The app of the connection crm was uninstalled in GoHighLevel";
    assert!(words.iter().any(|words| words == said), "{words:?}");
    let delivery = world.deliveries().await.into_iter().find(|one| one.event == "UNINSTALL").unwrap();
    assert_eq!(delivery.state, "done");

    // A contact changes meanwhile: its work waits, and no call is made.
    let customer = world.customer_of(&contact);
    world.edit_customer(customer, &[("city", "Turin")]);
    let mut waits = world.webhook().await;
    while !waits.tells("customer_update") {
        waits = world.webhook().await;
    }
    world.receive(&waits).await;
    world.sandbox.highlevel.reset_stats();
    assert!(Worker::new(world.engine.clone()).step().await.unwrap());
    assert_eq!(world.count("select count(*) from job where state = 'ready'").await, 1, "parked, not failed");
    assert_eq!(world.calls().0, 0, "nothing was sent without a token");

    let location = home(world.sandbox.highlevel.credential("location_id"));
    installed(&world.engine, &by, &location).await;
    sqlx::query("update job set run_at = now() where state = 'ready'").execute(&pool).await.unwrap();
    world.drain().await;
    assert_eq!(world.count("select count(*) from delivery where outcome = 'failed'").await, 0);
    assert_eq!(world.contact_text(&contact, "city").as_deref(), Some("Turin"));
    assert_eq!(crm(&world.engine).await.state, "healthy");
    assert!(world.audit_verifies().await);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_uninstall_that_comes_late_does_not_end_a_newer_install(pool: PgPool) {
    let world = World::open(&pool, Setup::default()).await;
    let by = world_with_app(&world, None).await;
    let told = uninstall(&world, false).await;
    let location = home(world.sandbox.highlevel.credential("location_id"));
    installed(&world.engine, &by, &location).await;
    sqlx::query("update install set installed_at = now() + interval '1 hour'").execute(&pool).await.unwrap();
    world.receive(&told).await;
    world.drain().await;
    let delivery = world.deliveries().await.into_iter().find(|one| one.event == "UNINSTALL").unwrap();
    assert_eq!(delivery.state, "ignored");
    assert!(delivery.detail.unwrap().contains("installed again since"));
    assert_eq!(crm(&world.engine).await.app.unwrap().standing, "installed");
    assert!(world.engine.test_connection(&by, "crm").await.unwrap().passed);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_agencys_uninstall_ends_what_the_agency_installed(pool: PgPool) {
    let world = World::open(&pool, Setup::default()).await;
    world_with_app(&world, Some("choose=agency")).await;
    let told = uninstall(&world, true).await;
    assert_eq!(world.receive(&told).await, Received::Recorded);
    world.drain().await;
    assert_eq!(crm(&world.engine).await.app.unwrap().standing, "uninstalled");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn the_first_call_finds_out_where_no_webhook_tells(pool: PgPool) {
    let world = World::open(&pool, Setup::default()).await;
    let by = world_with_app(&world, None).await;
    uninstall(&world, false).await;
    let check = world.engine.test_connection(&by, "crm").await.unwrap();
    assert!(!check.passed);
    let view = crm(&world.engine).await;
    assert_eq!((view.state.as_str(), view.app.as_ref().unwrap().standing.as_str()), ("refused", "ended"));
    assert_eq!(view.denial(), Some(domain::denial::Denial::AccessEnded));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn what_is_about_another_app_is_turned_away(pool: PgPool) {
    let world = World::open(&pool, Setup::default()).await;
    world_with_app(&world, None).await;
    sqlx::query("update install set client_id = 'another-app0000'").execute(&pool).await.unwrap();
    let told = uninstall(&world, false).await;
    assert_eq!(world.receive(&told).await, Received::Refused(Refusal::OtherApp));
    assert_eq!(tokens(&pool).await, 2);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_private_token_is_not_the_apps_to_end(pool: PgPool) {
    let world = World::open(&pool, Setup::default()).await;
    world_with_app(&world, None).await;
    let token = world.sandbox.highlevel.credential("token").to_owned();
    let by = crate::connections::place::keyholder(&world.engine).await;
    let field = engine::CredentialField::Token;
    assert!(world.engine.rotate_credential(&by, "crm", field, token.into()).await.unwrap());
    let told = uninstall(&world, false).await;
    assert_eq!(world.receive(&told).await, Received::Ignored);
    let view = crm(&world.engine).await;
    assert!(view.app.is_none());
    assert!(world.engine.test_connection(&by, "crm").await.unwrap().passed);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn what_tells_of_an_install_is_taken_and_nothing_is_done_about_it(pool: PgPool) {
    let world = World::open(&pool, Setup::default()).await;
    for choice in [None, Some("choose=agency")] {
        let by = world_with_app(&world, choice).await;
        let mut told = world.webhook().await;
        while !told.tells("\"INSTALL\"") {
            told = world.webhook().await;
        }
        assert_eq!(world.receive(&told).await, Received::Ignored, "{choice:?}");
        // The next one installs it anew, in the whole agency.
        uninstall(&world, false).await;
        let secret = sandbox::highlevel::oauth::CLIENT_SECRET;
        let other = engine::NewApp { client_id: "another-app-0000".to_owned(), ..super::app() };
        world.engine.use_app(&by, "crm", other, Some(secret.into())).await.unwrap();
    }
}
