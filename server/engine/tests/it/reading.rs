//! Reading both sides: lists that change while they are read, rows that cannot be read, and who is looked for before
//! anybody is created.

use crate::support::{SYNC, Setup, World};
use domain::Side;
use engine::{Approval, StartRun};
use sandbox::{Fault, FaultRule};
use serde_json::json;
use sqlx::PgPool;
use std::time::Duration;

const LIST: &str = "GET /customers.json";

/// Starts a run of chosen contacts, approved beforehand.
async fn run_chosen(world: &World, contact: &str) -> u64 {
    let start = StartRun {
        sync: SYNC.to_owned(),
        mode: "full".to_owned(),
        chosen: Some(vec![contact.to_owned()]),
        approval: Approval::Granted,
    };
    let number = world.engine.start_run(&world.runner().await, start).await.unwrap();
    world.drain().await;
    number
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn customers_deleted_between_two_pages_hide_nobody(pool: PgPool) {
    let world = World::open(&pool, Setup { latency_ms: 40, ..Setup::default() }).await;
    let mut customers = Vec::new();
    for number in 0..450 {
        let email = format!("shift{number}@reading.example");
        let name = format!("Shift {number}");
        world.add_contact(&name, "Person", &email);
        let fields = [("first_name", name.as_str()), ("last_name", "Person"), ("email", email.as_str())];
        customers.push(world.add_customer(&fields));
    }
    let run = world.start("dry-run", Approval::Granted).await;
    let deleting = async {
        // The oldest goes whenever a page has been read, so that everybody moves up by one.
        let (mut deleted, mut seen) = (0, 0);
        while world.view(run).await.finished_at.is_none() {
            let pages = world.calls_to(Side::Chargify, LIST);
            if pages > seen && deleted < 40 {
                seen = pages;
                let customer = customers[deleted];
                world.sandbox.chargify.with(|rules, now| rules.remove_customer(customer, now).unwrap());
                deleted += 1;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        deleted
    };
    let ((), deleted) = tokio::join!(world.drain(), deleting);
    assert!(deleted >= 3, "{deleted} were deleted while the list was read");
    let run = world.ended(run).await;
    // Only who was deleted before their page was read has no customer any more.
    assert!(run.to_create <= deleted as u64, "{run:#?}");
    let created = world.items(run.number).await.into_iter().filter(|item| item.action == "create_customer");
    let emails: Vec<String> = created.filter_map(|item| item.email).collect();
    for email in emails {
        assert_eq!(world.customers_with_email(&email), 0, "{email} has a customer that was not read");
    }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_run_of_a_chosen_contact_finds_the_customer_by_its_address(pool: PgPool) {
    let world = World::open(&pool, Setup { enabled: false, ..Setup::default() }).await;
    world.run("full").await;
    // Both are new, and no webhook ever told of them.
    let new = world.add_contact("Ne", "Wer", "newer@reading.example");
    let (first_name, last_name) = (("first_name", "Ne"), ("last_name", "Wer"));
    let customer = world.add_customer(&[first_name, last_name, ("email", "Newer@Reading.example")]);
    world.add_customer(&[first_name, last_name, ("email", "not.newer@reading.example")]);
    let before = world.customers();
    world.reset_stats();
    let run = run_chosen(&world, &new).await;
    assert_eq!(world.ended(run).await.counts.created, 0);
    assert_eq!((world.customers(), world.customer_of(&new)), (before, customer));
    assert_eq!(world.calls_to(Side::Chargify, LIST), 1, "one search, for this case alone");

    world.reset_stats();
    run_chosen(&world, &new).await;
    assert_eq!(world.calls_to(Side::Chargify, LIST), 0, "whoever is linked needs no search");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_resync_shows_the_customer_that_a_run_would_find(pool: PgPool) {
    let world = World::open(&pool, Setup { enabled: false, ..Setup::default() }).await;
    world.run("full").await;
    let contact = world.add_contact("Ne", "Wer", "newer@reading.example");
    world.run("dry-run").await;
    world.add_customer(&[("first_name", "Ne"), ("last_name", "Wer"), ("email", "newer@reading.example")]);
    let runner = world.runner().await;
    let shown = world.engine.plan_resync(&runner, SYNC, Side::Highlevel, &contact).await.unwrap();
    assert_ne!(shown.action, "create_customer", "{shown:#?}");
    world.engine.resync(&runner, SYNC, Side::Highlevel, &contact, &shown.seal).await.unwrap();
    world.drain().await;
    assert_eq!((world.customers(), world.links().await), (1, 1));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_edit_in_the_very_second_of_our_own_write_is_not_taken_for_it(pool: PgPool) {
    let world = World::open(&pool, Setup { enabled: false, ..Setup::default() }).await;
    let contact = world.add_contact("Ada", "Lovelace", "ada@reading.example");
    // The site's clock stands at the beginning of a second, so that both happen within it.
    let into = world.sandbox.chargify.now().nanosecond();
    world.sandbox.chargify.advance(Duration::from_nanos(1_000_000_000 - u64::from(into)));
    world.run("full").await;
    let customer = world.customer_of(&contact);
    world.edit_customer(customer, &[("first_name", "Augusta")]);
    let changes = world.run("changes").await;
    assert_eq!(changes.counts.updated, 1, "{changes:#?}");
    assert_eq!(world.contact_text(&contact, "firstName").as_deref(), Some("Augusta"));
    world.reset_stats();
    world.run("changes").await;
    assert_eq!(world.calls(), (1, 1), "and then nothing is news any more");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_contact_that_could_not_be_read_is_come_back_to(pool: PgPool) {
    let world = World::open(&pool, Setup { enabled: false, ..Setup::default() }).await;
    world.add_contact("Ada", "Lovelace", "ada@reading.example");
    world.run("full").await;
    let contact = world.add_contact("Un", "Readable", "unreadable@reading.example");
    let body = json!({ "contacts": [{ "firstName": "Un" }], "total": 1 });
    let garbled = Fault::Status { status: 200, body: Some(body), retry_after: None };
    world.sandbox.highlevel.set_faults(vec![FaultRule::next(1, "POST /contacts/search", garbled)]);
    let mark = "select (extract(epoch from highlevel_seen_until) * 1000000)::bigint from sync";
    let before = world.count(mark).await;
    world.run("changes").await;
    assert_eq!(world.customer_by_reference(&contact), None);
    assert_eq!(world.count(mark).await, before, "the next run begins where this one did");
    world.run("changes").await;
    assert!(world.customer_by_reference(&contact).is_some());
}

/// The first page of all contacts, as GoHighLevel gives it.
async fn first_page(world: &World) -> serde_json::Value {
    let side = &world.sandbox.highlevel;
    let request = reqwest::Client::new()
        .post(format!("{}/contacts/search", side.base_url))
        .bearer_auth(side.credential("token"))
        .header("version", "2021-07-28")
        .json(&json!({ "locationId": side.credential("location_id"), "pageLimit": 500, "sort": [{ "field": "dateAdded", "direction": "asc" }] }));
    request.send().await.unwrap().json().await.unwrap()
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn one_bad_record_among_ten_thousand_is_named_and_all_others_are_planned(pool: PgPool) {
    const ALL: usize = 10_000;
    let world = World::open(&pool, Setup { contacts: ALL, enabled: false, ..Setup::default() }).await;
    let mut page = first_page(&world).await;
    assert_eq!(page["contacts"].as_array().map(Vec::len), Some(500));
    let bad = page["contacts"][123]["id"].as_str().unwrap().to_owned();
    page["contacts"][123]["email"] = json!({ "address": ["?"] });
    page["contacts"][123]["id"] = json!(null);
    let garbled = Fault::Status { status: 200, body: Some(page), retry_after: None };
    world.sandbox.highlevel.set_faults(vec![FaultRule::next(1, "POST /contacts/search", garbled)]);
    let run = world.run("dry-run").await;
    assert_eq!(
        (run.status.as_str(), run.counts.read, run.counts.failed),
        ("complete_with_failures", 10_000, 1),
        "{run:#?}"
    );
    let failed = world.items_that(run.number, "failed").await;
    let reasons: Vec<&str> = failed.iter().map(|item| item.reason.as_str()).collect();
    assert_eq!(reasons, ["A row of GoHighLevel's list cannot be read: a contact without an id."]);
    let named = world.items(run.number).await;
    assert!(named.iter().all(|item| item.contact_id.as_deref() != Some(bad.as_str())), "nothing is planned for it");
    assert_eq!(world.writes(), 0);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_list_that_breaks_off_is_told_and_nobody_is_taken_for_deleted(pool: PgPool) {
    let world = World::open(&pool, Setup { contacts: 12, enabled: false, ..Setup::default() }).await;
    world.run("full").await;
    let links = world.links().await;
    let mut page = first_page(&world).await;
    page["contacts"].as_array_mut().unwrap().truncate(2);
    let broken_off = Fault::Status { status: 200, body: Some(page), retry_after: None };
    world.sandbox.highlevel.set_faults(vec![FaultRule::next(1, "POST /contacts/search", broken_off)]);
    let run = world.run("full").await;
    assert_eq!((run.status.as_str(), run.counts.failed), ("complete_with_failures", 1), "{run:#?}");
    let failed = world.items_that(run.number, "failed").await;
    assert_eq!(failed[0].reason, "GoHighLevel counts 12 contacts and listed 2: its list broke off.");
    assert_eq!(world.links().await, links, "all pairs stand");
    assert_eq!(world.run("full").await.status, "complete");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn nobody_is_created_while_a_customer_could_not_be_read(pool: PgPool) {
    let world = World::open(&pool, Setup { enabled: false, ..Setup::default() }).await;
    let contact = world.add_contact("Al", "Ready", "there@reading.example");
    let fields = [("first_name", "Al"), ("last_name", "Ready"), ("email", "there@reading.example")];
    let customer = world.add_customer(&fields);
    let garbled =
        Fault::Status { status: 200, body: Some(json!([{ "customer": { "email": "?" } }])), retry_after: None };
    world.sandbox.chargify.set_faults(vec![FaultRule::next(1, LIST, garbled)]);
    let run = world.run("full").await;
    // The row itself, and the contact whose customer it may be.
    assert_eq!((run.status.as_str(), run.counts.failed), ("complete_with_failures", 2), "{run:#?}");
    assert_eq!(world.customers(), 1);
    // Nothing of Chargify counts as read: the next run reads it whole.
    world.run("changes").await;
    assert_eq!((world.customers(), world.customer_of(&contact)), (1, customer));
}

/// An answer that is empty where it should not be.
fn emptied(body: serde_json::Value) -> Fault {
    Fault::Status { status: 200, body: Some(body), retry_after: None }
}

/// What a run says it could not do.
async fn unread(world: &World, number: u64) -> Vec<String> {
    world.items_that(number, "failed").await.into_iter().map(|item| item.reason).collect()
}

/// Thirty pairs, in step.
async fn thirty_pairs(pool: &PgPool) -> World {
    let world = World::open(pool, Setup { enabled: false, ..Setup::default() }).await;
    for number in 0..30 {
        world.add_contact(&format!("Pair {number}"), "Person", &format!("pair{number}@reading.example"));
    }
    world.run("full").await;
    assert_eq!((world.links().await, world.customers()), (30, 30));
    world
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_emptied_list_of_customers_parts_nobody_and_makes_nobody_twice(pool: PgPool) {
    let world = thirty_pairs(&pool).await;
    // They would find each other by the address; the emptied list hides the customer.
    let contact = world.add_contact("Al", "Ready", "there@reading.example");
    world.add_customer(&[("first_name", "Al"), ("last_name", "Ready"), ("email", "there@reading.example")]);
    let mark = "select chargify_event_id from sync";
    let before = world.count(mark).await;
    world.sandbox.chargify.set_faults(vec![FaultRule::always(LIST, emptied(json!([])))]);
    world.reset_stats();
    let run = world.run("full").await;
    assert_eq!(run.status, "complete_with_failures", "{run:#?}");
    let told = unread(&world, run.number).await;
    assert!(
        told.contains(
            &"Chargify's list of customers lacked some that are there: nobody counts as gone because of it.".to_owned()
        ),
        "{told:?}"
    );
    assert_eq!((world.links().await, world.customers()), (30, 31), "nobody was parted, nobody was made");
    assert_eq!(world.calls_to(Side::Chargify, "GET /customers/{id}.json"), 5, "five are proof enough");
    assert_eq!(world.count(mark).await, before, "the events are read again");

    world.sandbox.chargify.set_faults(Vec::new());
    let run = world.run("full").await;
    assert_eq!((run.status.as_str(), world.customers(), world.links().await), ("complete", 31, 31));
    assert!(world.customer_by_reference(&contact).is_some());
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_emptied_list_of_contacts_parts_nobody(pool: PgPool) {
    let world = thirty_pairs(&pool).await;
    sqlx::query("update record set updated_at = now() - interval '1 day'").execute(&pool).await.unwrap();
    let body = json!({ "contacts": [], "total": 0 });
    world.sandbox.highlevel.set_faults(vec![FaultRule::always("POST /contacts/search", emptied(body))]);
    let run = world.run("full").await;
    let told = unread(&world, run.number).await;
    assert!(told.iter().any(|line| line.starts_with("GoHighLevel's list of contacts lacked some")), "{told:?}");
    assert_eq!((world.links().await, world.customers()), (30, 30));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_page_emptied_in_the_middle_is_read_again_and_else_makes_nobody_twice(pool: PgPool) {
    let world = World::open(&pool, Setup { enabled: false, ..Setup::default() }).await;
    for number in 0..450 {
        let email = format!("middle{number}@reading.example");
        let name = format!("Middle {number}");
        world.add_contact(&name, "Person", &email);
        world.add_customer(&[("first_name", &name), ("last_name", "Person"), ("email", &email)]);
    }
    // Nothing is known beforehand, so the last page is looked for: 1, 2, 4, 3. The fifth answer is about page 2 again.
    let hiccup = |times: u32| {
        vec![FaultRule::next(4, LIST, Fault::Slow { ms: 0 }), FaultRule::next(times, LIST, emptied(json!([])))]
    };
    world.sandbox.chargify.set_faults(hiccup(1));
    let run = world.run("dry-run").await;
    assert_eq!((run.status.as_str(), run.to_create), ("complete", 0), "once is got over: {run:#?}");

    sqlx::query("delete from record").execute(&pool).await.unwrap();
    world.sandbox.chargify.set_faults(hiccup(2));
    let run = world.run("full").await;
    assert_eq!((world.customers(), run.counts.created), (450, 0), "{run:#?}");
    let told = unread(&world, run.number).await;
    assert!(told.contains(&"Page 2 of Chargify's list of customers has gaps.".to_owned()), "{told:?}");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_mass_deletion_that_is_one_stops_for_a_person(pool: PgPool) {
    let world = thirty_pairs(&pool).await;
    let customers: Vec<i64> = world.contact_ids().iter().take(20).map(|id| world.customer_of(id)).collect();
    world.sandbox.chargify.with(|rules, now| {
        for customer in &customers {
            rules.remove_customer(*customer, now).unwrap();
        }
    });
    let number = world.start("full", Approval::WhenFused).await;
    world.drain().await;
    let run = world.view(number).await;
    assert_eq!(run.status, "awaiting_approval", "{run:#?}");
    assert!(run.detail.unwrap().contains("it would delete or unlink 20 records"));
    assert_eq!(world.links().await, 30, "nothing is parted before somebody looked");
}
