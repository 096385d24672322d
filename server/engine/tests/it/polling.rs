//! Reading what changed where no webhook comes: at the edges of pages, of one instant, and of the marks.

use crate::support::{Setup, World};
use domain::Side;
use sandbox::chargify::customers::Change;
use serde_json::json;
use sqlx::PgPool;

/// More than a page of either service's list of changes.
const MANY: usize = 510;

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn changes_of_one_instant_that_fill_more_than_a_page_are_all_read(pool: PgPool) {
    let world = World::open(&pool, Setup { enabled: false, ..Setup::default() }).await;
    for number in 0..MANY {
        world.add_contact(&format!("Many {number}"), "Person", &format!("many{number}@polling.example"));
    }
    assert_eq!(world.run("full").await.counts.created, MANY as u64);

    // A bulk edit over there: everybody in the same instant.
    world.sandbox.highlevel.with(|rules, now| {
        let ids: Vec<String> = rules.main().unwrap().book.iter().map(|one| one.id.clone()).collect();
        for id in ids {
            rules.edit_contact(&id, &json!({ "city": "Oslo" }), now).unwrap();
        }
    });
    world.reset_stats();
    let run = world.run("changes").await;
    assert_eq!((run.status.as_str(), run.counts.updated), ("complete", MANY as u64), "{run:#?}");
    let searches = world.calls_to(Side::Highlevel, "POST /contacts/search");
    assert!(searches >= 2, "two pages at least, and what changed while it wrote: {searches}");

    // The same on the other side: more events of one second than a page holds.
    let customers: Vec<i64> =
        world.sandbox.chargify.with(|rules, _| rules.customers.iter().map(|one| one.id).take(250).collect());
    world.sandbox.chargify.with(|rules, now| {
        for customer in &customers {
            rules.edit_customer(*customer, Change::default().with("city", "Rome"), now).unwrap();
        }
    });
    let run = world.run("changes").await;
    assert_eq!((run.status.as_str(), run.counts.updated), ("complete", 250), "{run:#?}");
    let in_rome =
        world.contact_ids().iter().filter(|id| world.contact_text(id, "city").as_deref() == Some("Rome")).count();
    assert_eq!(in_rome, 250);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_change_at_the_very_mark_is_read_and_what_was_read_is_not_written_again(pool: PgPool) {
    let world = World::open(&pool, Setup { enabled: false, ..Setup::default() }).await;
    let contact = world.add_contact("Ada", "Lovelace", "ada@polling.example");
    world.run("full").await;
    // The newest event is the mark; the next change of the customer comes in the same second, with the next number.
    let customer = world.customer_of(&contact);
    let mark = world.count("select chargify_event_id from sync").await;
    world.edit_customer(customer, &[("first_name", "Augusta")]);
    assert_eq!(world.run("changes").await.counts.updated, 1);
    assert!(world.count("select chargify_event_id from sync").await > mark, "the mark moved on");
    world.reset_stats();
    let run = world.run("changes").await;
    assert_eq!((run.counts.updated, world.writes(), world.calls()), (0, 0, (1, 1)), "inclusive, and still no news");

    // The mark by GoHighLevel's clock is the change itself: it is asked for again and known.
    let until = "update sync set highlevel_seen_until = (select max(updated_at) from record where side = 'highlevel')";
    sqlx::query(until).execute(&pool).await.unwrap();
    world.reset_stats();
    assert_eq!((world.run("changes").await.counts.updated, world.writes()), (0, 0));
    world.edit_contact(&contact, &json!({ "city": "Oslo" }));
    assert_eq!(world.run("changes").await.counts.updated, 1);
}
