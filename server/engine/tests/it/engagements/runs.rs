//! What runs do about them: read, repair, and believe no list that cannot be right.

use super::{NOTES, done, pair};
use crate::support::World;
use domain::Side;
use sandbox::{Fault, FaultRule, chargify::subscriptions::SubscriptionState};
use serde_json::json;
use sqlx::PgPool;

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_full_run_reads_linked_contacts_only_and_repairs_what_was_missed(pool: PgPool) {
    let (world, contact, subscription) = pair(&pool, NOTES, true).await;
    let sub = subscription.unwrap();
    world.add_contact_with(&json!({ "firstName": "No", "phone": "+12025550123" }));
    world.skip_webhooks(1).await;
    let missed = world.add_note(&contact, "its webhook was lost").await;
    world.skip_webhooks(1).await;
    let run = world.run("full").await;
    assert_eq!(run.status, "complete");
    let reads = |world: &World| world.calls_to(Side::Highlevel, "GET /contacts/{id}/notes");
    assert_eq!((reads(&world), world.notes_of(sub).len()), (1, 1), "only the contact that has a customer");
    let (highlevel, _) = world.calls();
    assert_eq!(run.predicted_highlevel, highlevel, "the plan said so before");

    world.reset_stats();
    world.run("full").await;
    assert_eq!((reads(&world), world.writes()), (1, 0));
    world.reset_stats();
    world.run("changes").await;
    assert_eq!(reads(&world), 0, "a run of changes looks at those only that it links");

    world.edit_note(&contact, &missed, "edited unheard").await;
    world.skip_webhooks(1).await;
    world.run("full").await;
    assert!(world.notes_of(sub)[0].ends_with("\nedited unheard"));
    world.delete_note(&contact, &missed).await;
    world.skip_webhooks(1).await;
    world.run("full").await;
    assert!(world.notes_of(sub)[0].contains("deleted in GoHighLevel"));
    assert_eq!(world.calls_to(Side::Highlevel, "GET /contacts/{id}/notes/{id}"), 1, "asked for by its id first");
    world.reset_stats();
    let run = world.run("dry-run").await;
    assert_eq!((run.status.as_str(), reads(&world)), ("complete", 0), "a dry run writes nothing, so it reads none");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_list_that_cannot_be_read_whole_deletes_nothing(pool: PgPool) {
    let (world, contact, subscription) = pair(&pool, NOTES, true).await;
    world.add_note(&contact, "stays").await;
    world.hear("NoteCreate").await;
    let before = world.notes_of(subscription.unwrap());
    let emptied = Fault::StatusAfter { status: 200, body: Some(json!({ "notes": [{ "body": "no id" }] })) };
    world.sandbox.highlevel.set_faults(vec![FaultRule::next(1, "GET /contacts/*/notes", emptied)]);
    world.run("full").await;
    assert_eq!(world.notes_of(subscription.unwrap()), before);
    // An emptied list is not believed either: the note is there when asked for by its id.
    let emptied = Fault::StatusAfter { status: 200, body: Some(json!({ "notes": [] })) };
    world.sandbox.highlevel.set_faults(vec![FaultRule::next(1, "GET /contacts/*/notes", emptied)]);
    world.run("full").await;
    assert_eq!(world.notes_of(subscription.unwrap()), before);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_contact_that_is_linked_later_brings_its_notes_along(pool: PgPool) {
    let (world, _, _) = pair(&pool, NOTES, true).await;
    let contact = world.add_contact_with(&json!({ "firstName": "Grace", "lastName": "Hopper" }));
    world.skip_webhooks(1).await;
    world.add_note(&contact, "from before").await;
    world.hear("NoteCreate").await;
    assert_eq!((world.calls(), world.last_heard().await), ((0, 0), done("excluded")));
    assert_eq!(world.count("select count(*) from engagement").await, 0, "nothing is kept of those who take no part");
    world.edit_contact(&contact, &json!({ "email": "grace@engaged.example" }));
    world.hear("ContactUpdate").await;
    assert_eq!(
        world.standing().await.0,
        "held",
        "linked by that webhook, read at once, and waiting for a subscription"
    );
    let subscription = world.subscribe(world.customer_of(&contact), SubscriptionState::Active);
    world.hear("signup_success").await;
    assert_eq!(world.notes_of(subscription).len(), 1);
}
