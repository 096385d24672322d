//! Single records: webhooks from either side, our own writes coming back, and what a person brings into step by hand.

use crate::support::{SYNC, Setup, World};
use domain::Side;
use engine::{EngineError, Received};
use serde_json::json;
use sqlx::PgPool;
use std::time::Duration;

/// A world with one contact and its customer, in step, and no webhook left on its way.
async fn pair(pool: &PgPool) -> (World, String, i64) {
    pair_in(World::open(pool, Setup::default()).await).await
}

async fn pair_in(world: World) -> (World, String, i64) {
    let contact = world.add_contact("Ada", "Lovelace", "ada@live.example");
    world.run("full").await;
    world.skip_webhooks(2).await;
    // Chargify's instants are whole seconds: what follows is not in the second of our own write.
    world.sandbox.chargify.advance(Duration::from_secs(2));
    world.reset_stats();
    let customer = world.customer_of(&contact);
    (world, contact, customer)
}

/// The newest delivery: its state and outcome.
async fn last_delivery(world: &World) -> (String, String) {
    let newest = world.deliveries().await.into_iter().next().unwrap();
    (newest.state, newest.outcome.unwrap_or_default())
}

fn done(outcome: &str) -> (String, String) {
    ("done".to_owned(), outcome.to_owned())
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_edit_in_gohighlevel_reaches_chargify_and_its_echo_costs_no_call(pool: PgPool) {
    let (world, contact, customer) = pair(&pool).await;
    world.edit_contact(&contact, &json!({ "firstName": "Augusta" }));
    assert_eq!(world.next_webhook().await, Received::Recorded);
    assert_eq!(world.customer_text(customer, "first_name"), "Augusta");
    assert_eq!((world.writes(), last_delivery(&world).await), (1, done("updated")));
    assert_eq!(world.calls(), (1, 1), "GoHighLevel's webhooks do not tell a whole contact, nor when: it is read");

    world.reset_stats();
    assert_eq!(world.next_webhook().await, Received::Recorded);
    assert_eq!((world.calls(), last_delivery(&world).await), ((0, 0), done("echo")));
    assert!(world.audit_verifies().await);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_edit_in_chargify_reaches_gohighlevel_and_its_echo_costs_no_call(pool: PgPool) {
    let (world, contact, customer) = pair(&pool).await;
    world.edit_customer(customer, &[("first_name", "Augusta")]);
    assert_eq!(world.next_webhook().await, Received::Recorded);
    assert_eq!(world.contact_text(&contact, "firstName").as_deref(), Some("Augusta"));
    assert_eq!((world.writes(), last_delivery(&world).await), (1, done("updated")));
    assert_eq!(world.calls(), (1, 0), "Chargify's tell all that is needed");

    world.reset_stats();
    assert_eq!(world.next_webhook().await, Received::Recorded);
    assert_eq!((world.calls(), last_delivery(&world).await), ((0, 0), done("echo")));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_change_of_a_field_that_does_not_travel_costs_no_write(pool: PgPool) {
    let (world, contact, customer) = pair(&pool).await;
    world.edit_contact(&contact, &json!({ "source": "a fair" }));
    world.next_webhook().await;
    assert_eq!((world.calls(), last_delivery(&world).await), ((0, 0), done("echo")));
    world.edit_customer(customer, &[("address_2", "second floor")]);
    world.next_webhook().await;
    assert_eq!((world.calls(), last_delivery(&world).await), ((0, 0), done("echo")));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn what_the_answer_to_a_write_reveals_is_looked_at_too(pool: PgPool) {
    let (world, contact, customer) = pair(&pool).await;
    world.edit_customer(customer, &[("organization", "Analytical Engines")]);
    world.skip_webhooks(1).await;
    world.edit_contact(&contact, &json!({ "city": "London" }));
    world.next_webhook().await;
    assert_eq!(world.customer_text(customer, "city"), "London");
    assert_eq!(world.contact_text(&contact, "companyName").as_deref(), Some("Analytical Engines"));
    assert_eq!(world.writes(), 2);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_change_heard_of_late_is_compared_with_its_partner_as_it_is_now(pool: PgPool) {
    let (world, contact, customer) = pair(&pool).await;
    world.edit_contact(&contact, &json!({ "city": "London" }));
    let late = world.webhook().await;
    // The copy of what GoHighLevel said is a minute old when the webhook comes.
    world.sandbox.highlevel.advance(Duration::from_secs(60));
    world.edit_contact(&contact, &json!({ "city": "Paris" }));
    world.skip_webhooks(1).await;
    world.sandbox.chargify.advance(Duration::from_secs(120));
    world.edit_customer(customer, &[("city", "Turin")]);
    world.skip_webhooks(1).await;
    world.receive(&late).await;
    world.drain().await;
    assert_eq!(world.customer_text(customer, "city"), "Turin", "the newer word stands");
    assert_eq!(world.contact_text(&contact, "city").as_deref(), Some("Turin"));
    assert_eq!(world.calls(), (2, 1), "both are read, and the older is written");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn under_a_rule_that_asks_the_partner_is_always_read(pool: PgPool) {
    let more = "[[sync.field]]\nhighlevel = \"firstName\"\nchargify = \"first_name\"\n\
                [[sync.field]]\nhighlevel = \"lastName\"\nchargify = \"last_name\"\n\
                [[sync.field]]\nhighlevel = \"email\"\nchargify = \"email\"\n\
                [[sync.field]]\nhighlevel = \"city\"\nchargify = \"city\"\nconflict = \"ask\"\n";
    let world = World::open(&pool, Setup { more, ..Setup::default() }).await;
    let (world, contact, customer) = pair_in(world).await;
    world.edit_customer(customer, &[("city", "Turin")]);
    world.skip_webhooks(1).await;
    world.edit_contact(&contact, &json!({ "city": "London" }));
    world.next_webhook().await;
    assert_eq!((world.calls(), world.writes()), ((1, 1), 0));
    assert_eq!(world.customer_text(customer, "city"), "Turin", "nobody decided yet");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn no_transaction_is_open_while_a_service_is_called(pool: PgPool) {
    // Long calls: what stands still for the whole of one is open for its sake.
    let world = World::open(&pool, Setup { contacts: 8, latency_ms: 80, ..Setup::default() }).await;
    let (world, contact, customer) = pair_in(world).await;
    world.skip_webhooks(world.references().len() as u64 - 1).await;
    world.edit_contact(&contact, &json!({ "city": "London" }));
    while world.customer_text(customer, "city") != "London" {
        world.next_webhook().await;
    }
    world.edit_customer(customer, &[("city", "Turin")]);
    while world.contact_text(&contact, "city").as_deref() != Some("Turin") {
        world.next_webhook().await;
    }
    world.edit_contact(&contact, &json!({ "city": "Ockham" }));
    let runner = world.runner().await;
    let shown = world.engine.plan_resync(&runner, SYNC, Side::Highlevel, &contact).await.unwrap();
    world.engine.resync(&runner, SYNC, Side::Highlevel, &contact, &shown.seal).await.unwrap();
    world.drain().await;
    world.run("full").await;
    world.assert_no_transaction_was_open();
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_webhook_that_comes_five_times_is_one_write(pool: PgPool) {
    let (world, contact, customer) = pair(&pool).await;
    world.edit_contact(&contact, &json!({ "firstName": "Augusta" }));
    let webhook = world.webhook().await;
    assert_eq!(world.receive(&webhook).await, Received::Recorded);
    for _ in 0..3 {
        assert_eq!(world.receive(&webhook).await, Received::Repeated);
    }
    world.drain().await;
    assert_eq!(world.receive(&webhook).await, Received::Repeated);
    world.drain().await;
    assert_eq!((world.writes(), world.customer_text(customer, "first_name")), (1, "Augusta".to_owned()));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_burst_of_edits_is_one_job_and_one_write(pool: PgPool) {
    let (world, contact, customer) = pair(&pool).await;
    for city in ["Paris", "Turin", "London"] {
        world.edit_contact(&contact, &json!({ "city": city }));
    }
    for _ in 0..3 {
        let webhook = world.webhook().await;
        assert_eq!(world.receive(&webhook).await, Received::Recorded);
    }
    assert_eq!(world.count("select count(*) from job where state = 'ready'").await, 1);
    world.drain().await;
    assert_eq!((world.writes(), world.customer_text(customer, "city")), (1, "London".to_owned()));
    assert!(world.deliveries().await.iter().take(3).all(|delivery| delivery.outcome.as_deref() == Some("updated")));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_older_webhook_that_comes_later_changes_nothing_back(pool: PgPool) {
    let (world, contact, customer) = pair(&pool).await;
    // Both within one second, as Chargify tells time.
    world.edit_customer(customer, &[("first_name", "Older")]);
    world.edit_customer(customer, &[("first_name", "Newer")]);
    let (older, newer) = (world.webhook().await, world.webhook().await);
    for webhook in [newer, older] {
        assert_eq!(world.receive(&webhook).await, Received::Recorded);
        world.drain().await;
        assert_eq!(world.contact_text(&contact, "firstName").as_deref(), Some("Newer"));
    }
    assert_eq!(world.customer_text(customer, "first_name"), "Newer");
    assert_eq!(world.writes(), 1);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn webhooks_of_one_second_in_order_end_with_the_last_word(pool: PgPool) {
    let (world, contact, customer) = pair(&pool).await;
    world.edit_customer(customer, &[("first_name", "Older")]);
    world.edit_customer(customer, &[("first_name", "Newer")]);
    for _ in 0..2 {
        let webhook = world.webhook().await;
        world.receive(&webhook).await;
        world.drain().await;
    }
    assert_eq!(world.contact_text(&contact, "firstName").as_deref(), Some("Newer"));
    assert_eq!(world.customer_text(customer, "first_name"), "Newer");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn edits_on_both_sides_at_once_meet_in_the_middle(pool: PgPool) {
    let (world, contact, customer) = pair(&pool).await;
    world.edit_contact(&contact, &json!({ "city": "London" }));
    world.edit_customer(customer, &[("organization", "Analytical Engines")]);
    for _ in 0..2 {
        let webhook = world.webhook().await;
        world.receive(&webhook).await;
    }
    world.drain().await;
    assert_eq!(world.customer_text(customer, "city"), "London");
    assert_eq!(world.contact_text(&contact, "companyName").as_deref(), Some("Analytical Engines"));
    assert_eq!(world.writes(), 2);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_new_contact_is_created_in_chargify_when_its_webhook_comes(pool: PgPool) {
    let world = World::open(&pool, Setup::default()).await;
    let contact = world.add_contact("New", "Comer", "new@live.example");
    assert_eq!(world.next_webhook().await, Received::Recorded);
    assert_eq!(last_delivery(&world).await, done("created"));
    let customer = world.customer_of(&contact);
    assert_eq!((world.links().await, world.customers()), (1, 1));
    // Its echo tells of a customer that is ours.
    world.reset_stats();
    world.next_webhook().await;
    assert_eq!((world.calls(), last_delivery(&world).await), ((0, 0), done("echo")));
    assert_eq!(world.customer_text(customer, "email"), "new@live.example");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn before_anything_was_read_a_customer_with_the_same_address_is_found_not_doubled(pool: PgPool) {
    let world = World::open(&pool, Setup::default()).await;
    let old = world.add_customer(&[("first_name", "Al"), ("last_name", "Ready"), ("email", "there@live.example")]);
    world.skip_webhooks(1).await;
    let contact = world.add_contact("Al", "Ready", "there@live.example");
    world.next_webhook().await;
    assert_eq!((world.customers(), world.links().await), (1, 1));
    assert_eq!(world.customer_of(&contact), old);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_sync_that_is_switched_off_records_webhooks_and_writes_nothing(pool: PgPool) {
    let world = World::open(&pool, Setup { enabled: false, ..Setup::default() }).await;
    let (world, contact, customer) = pair_in(world).await;
    world.edit_contact(&contact, &json!({ "firstName": "Augusta" }));
    assert_eq!(world.next_webhook().await, Received::Recorded);
    assert_eq!((world.calls(), world.customer_text(customer, "first_name")), ((0, 0), "Ada".to_owned()));
    assert_eq!(last_delivery(&world).await.0, "ignored");
    world.run("changes").await;
    assert_eq!(world.customer_text(customer, "first_name"), "Augusta");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_contact_deleted_in_gohighlevel_is_unlinked_and_its_customer_left_alone(pool: PgPool) {
    let (world, contact, customer) = pair(&pool).await;
    world.sandbox.highlevel.with(|rules, now| rules.delete_contact(&contact, now).unwrap());
    assert_eq!(world.next_webhook().await, Received::Recorded);
    assert_eq!((world.links().await, world.writes(), world.customers()), (0, 0, 1));
    assert_eq!(world.customer_text(customer, "first_name"), "Ada");
    let delivery = world.deliveries().await.into_iter().next().unwrap();
    assert_eq!(delivery.state, "done");
    assert!(!delivery.detail.unwrap().is_empty());
    let lines = world.audit_lines().await;
    assert!(lines.iter().any(|line| line.action == "record.unlinked"));
    // Gone is gone: the next run neither links nor creates anything for it.
    let run = world.run("full").await;
    assert_eq!((run.counts.created, run.counts.updated, world.writes()), (0, 0, 0), "{run:#?}");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn many_deletions_at_once_part_a_few_pairs_and_hold_the_rest(pool: PgPool) {
    let world = World::open(&pool, Setup::default()).await;
    let contacts: Vec<String> =
        (0..24).map(|n| world.add_contact(&format!("Many {n}"), "People", &format!("many{n}@live.example"))).collect();
    world.run("full").await;
    world.skip_webhooks(48).await;
    for contact in &contacts {
        world.sandbox.highlevel.with(|rules, now| rules.delete_contact(contact, now).unwrap());
        world.next_webhook().await;
    }
    assert_eq!((world.links().await, world.writes() - 24), (4, 0), "twenty pass");
    let delivery = world.deliveries().await.into_iter().next().unwrap();
    assert_eq!(delivery.outcome.as_deref(), Some("parked"));
    assert!(delivery.detail.unwrap().contains("20 of 24 pairs were parted within an hour"));
    let overview = world.engine.overview(&world.viewer().await).await.unwrap();
    let held = overview.needs.iter().filter(|need| need.title.starts_with("4 deletions of contacts are held"));
    assert_eq!(held.count(), 1, "{:#?}", overview.needs);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_resync_shows_its_diff_and_writes_exactly_that(pool: PgPool) {
    let (world, contact, customer) = pair(&pool).await;
    world.edit_contact(&contact, &json!({ "firstName": "Augusta" }));
    let runner = world.runner().await;
    let shown = world.engine.plan_resync(&runner, SYNC, Side::Highlevel, &contact).await.unwrap();
    assert_eq!((shown.action.as_str(), shown.changes.len(), shown.calls), ("update_customer", 1, 1), "{shown:#?}");
    assert_eq!((shown.changes[0].before.as_str(), shown.changes[0].after.as_str()), ("Ada", "Augusta"));
    assert_eq!(world.writes(), 0, "showing writes nothing");

    let number = world.engine.resync(&runner, SYNC, Side::Highlevel, &contact, &shown.seal).await.unwrap();
    world.drain().await;
    let run = world.ended(number).await;
    assert_eq!((run.status.as_str(), run.counts.updated, world.writes()), ("complete", 1, 1), "{run:#?}");
    assert_eq!(world.customer_text(customer, "first_name"), "Augusta");

    // From the customer's side it is the same record, and in step now.
    let again = world.engine.plan_resync(&runner, SYNC, Side::Chargify, &customer.to_string()).await.unwrap();
    assert_eq!((again.action.as_str(), again.calls), ("unchanged", 0), "{again:#?}");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_resync_refuses_when_the_record_changed_after_it_was_shown(pool: PgPool) {
    let (world, contact, customer) = pair(&pool).await;
    world.edit_contact(&contact, &json!({ "firstName": "Augusta" }));
    let runner = world.runner().await;
    let shown = world.engine.plan_resync(&runner, SYNC, Side::Highlevel, &contact).await.unwrap();
    world.edit_contact(&contact, &json!({ "firstName": "Somebody else" }));
    let refused = world.engine.resync(&runner, SYNC, Side::Highlevel, &contact, &shown.seal).await;
    assert!(matches!(refused, Err(EngineError::AlreadyDone)), "{refused:?}");
    world.drain().await;
    assert_eq!((world.writes(), world.customer_text(customer, "first_name")), (0, "Ada".to_owned()));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn looking_twice_at_the_same_record_writes_once(pool: PgPool) {
    let (world, contact, _) = pair(&pool).await;
    world.edit_contact(&contact, &json!({ "firstName": "Augusta" }));
    world.next_webhook().await;
    let writes = world.writes();
    // The job as it was, once more: after a crash it may run twice.
    sqlx::query("update job set state = 'ready', run_at = now() where kind = 'reconcile' and state = 'done'")
        .execute(&world.pool)
        .await
        .unwrap();
    world.drain().await;
    assert_eq!((writes, world.writes()), (1, 1));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_transaction_that_stays_open_during_a_call_would_be_noticed(pool: PgPool) {
    let world = World::open(&pool, Setup { latency_ms: 80, ..Setup::default() }).await;
    let mut open = world.pool.begin().await.unwrap();
    sqlx::query("select 1").execute(&mut *open).await.unwrap();
    world.run("full").await;
    assert!(!world.offences().is_empty());
    open.rollback().await.unwrap();
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_customer_deleted_in_chargify_is_unlinked_and_its_contact_left_alone(pool: PgPool) {
    let (world, contact, customer) = pair(&pool).await;
    assert!(world.sandbox.chargify.with(|rules, now| rules.remove_customer(customer, now).unwrap()));
    let run = world.run("changes").await;
    assert_eq!((run.status.as_str(), world.links().await, world.writes()), ("complete", 0, 0), "{run:#?}");
    assert_eq!(world.contact_text(&contact, "firstName").as_deref(), Some("Ada"));
    let lines = world.audit_lines().await;
    assert!(lines.iter().any(|line| line.action == "record.unlinked"));
}
