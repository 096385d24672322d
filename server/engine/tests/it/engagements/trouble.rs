//! What goes wrong on the way: lost answers, dead processes, refusals, services that are away.

use super::{NOTES, POST_NOTE, PUT_NOTE, done, pair};
use crate::support::{SYNC, World};
use domain::Side;
use engine::Engine;
use sandbox::{Fault, FaultRule};
use serde_json::json;
use sqlx::PgPool;

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn after_a_lost_answer_the_note_is_looked_up_and_never_written_twice(pool: PgPool) {
    let (world, contact, subscription) = pair(&pool, NOTES, true).await;
    let sub = subscription.unwrap();
    // A person's note that quotes a marker, and one that begins with another's.
    world.sandbox.chargify.with(|rules, now| {
        rules.notes.add(sub, "see [GHL note x]", true, now);
        rules.notes.add(sub, "[GHL note another] 2026-08-30\ncopied by hand", true, now);
    });
    world.sandbox.chargify.set_faults(vec![FaultRule::next(1, POST_NOTE, Fault::ResetAfter)]);
    world.add_note(&contact, "once").await;
    world.hear("NoteCreate").await;
    let ours = |world: &World| world.notes_of(sub).into_iter().filter(|note| note.ends_with("once")).count();
    assert_eq!((ours(&world), world.standing().await.0.as_str()), (1, "in_step"));
    assert_eq!(world.calls_to(Side::Chargify, "POST /subscriptions/{id}/notes.json"), 1);
    assert!(world.audit_lines().await.iter().any(|line| line.words.contains("a look-up found it done")));

    // Cut off before it was done: not there, so it is sent again.
    world.sandbox.chargify.set_faults(vec![FaultRule::next(1, POST_NOTE, Fault::Reset)]);
    world.add_note(&contact, "twice").await;
    world.hear("NoteCreate").await;
    let twice = world.notes_of(sub).into_iter().filter(|note| note.ends_with("twice")).count();
    assert_eq!((twice, world.calls_to(Side::Chargify, "POST /subscriptions/{id}/notes.json")), (1, 2));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_change_whose_answer_is_lost_is_looked_up_too(pool: PgPool) {
    let (world, contact, subscription) = pair(&pool, NOTES, true).await;
    let id = world.add_note(&contact, "first").await;
    world.hear("NoteCreate").await;
    world.sandbox.chargify.set_faults(vec![FaultRule::next(1, PUT_NOTE, Fault::ResetAfter)]);
    world.edit_note(&contact, &id, "second").await;
    world.hear("NoteUpdate").await;
    assert!(world.notes_of(subscription.unwrap())[0].ends_with("\nsecond"));
    assert_eq!((world.writes(), world.standing().await.0.as_str()), (1, "in_step"));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn what_a_dead_process_left_on_its_way_is_looked_up_before_anything_new(pool: PgPool) {
    let (world, contact, subscription) = pair(&pool, NOTES, true).await;
    let sub = subscription.unwrap();
    let id = world.add_note(&contact, "left behind").await;
    world.hear("NoteCreate").await;
    // As if the process had died before it knew: the note stands there, and nothing here says so.
    sqlx::query("update engagement set note_id = null, written = null, written_at = null, state = 'open'")
        .execute(&world.pool)
        .await
        .unwrap();
    sqlx::query("update intent set phase = 'sent', settled_at = null where operation = 'create_note'")
        .execute(&world.pool)
        .await
        .unwrap();
    let world = world.restarted().await;
    world.edit_note(&contact, &id, "and edited").await;
    world.hear("NoteUpdate").await;
    let notes = world.notes_of(sub);
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].ends_with("\nand edited"), "{notes:?}");
    assert_eq!(world.calls_to(Side::Chargify, "POST /subscriptions/{id}/notes.json"), 0);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_refusal_is_told_with_its_reason_and_another_try_can_be_asked_for(pool: PgPool) {
    let (world, contact, subscription) = pair(&pool, NOTES, true).await;
    let sub = subscription.unwrap();
    let id = world.add_note(&contact, "one").await;
    world.hear("NoteCreate").await;
    // A person deletes the note in Chargify: nothing tells of it, and it is not made anew behind their back.
    world.sandbox.chargify.with(|rules, _| {
        let note = rules.notes.of(sub).next().unwrap().id;
        rules.notes.remove(sub, note);
    });
    world.edit_note(&contact, &id, "two").await;
    world.hear("NoteUpdate").await;
    assert_eq!((world.writes(), world.last_heard().await), (1, done("failed")));
    let (state, why) = world.standing().await;
    assert_eq!(state, "lost");
    assert!(why.contains("no longer has the note") && why.contains("Write it anew"), "{why}");
    assert!(world.notes_of(sub).is_empty());

    let run = world.run("full").await;
    assert_eq!(run.status, "complete_with_failures");
    assert!(run.detail.as_deref().unwrap_or_default().contains("could not be written"), "{run:?}");

    world.engine.retry_engagement(&world.runner().await, SYNC, "note", &id).await.unwrap();
    world.drain().await;
    let notes = world.notes_of(sub);
    assert!(notes.len() == 1 && notes[0].ends_with("\ntwo"), "{notes:?}");
    let again = world.engine.retry_engagement(&world.runner().await, SYNC, "note", &id).await;
    assert!(matches!(again, Err(engine::EngineError::AlreadyDone)), "{again:?}");
    assert!(world.audit_lines().await.iter().any(|line| line.action == "note.retried"));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_note_the_service_refuses_fails_with_its_words(pool: PgPool) {
    let (world, contact, _) = pair(&pool, NOTES, true).await;
    let no = Fault::Status { status: 422, body: Some(json!({ "errors": ["Body: is too rude."] })), retry_after: None };
    world.sandbox.chargify.set_faults(vec![FaultRule::next(1, POST_NOTE, no)]);
    world.add_note(&contact, "rude").await;
    world.hear("NoteCreate").await;
    let (state, why) = world.standing().await;
    assert_eq!(state, "failed");
    assert!(why.contains("Body: is too rude."), "{why}");
    let refused = world.audit_lines().await.into_iter().find(|line| line.action == "record.write_refused").unwrap();
    assert!(refused.words.starts_with("Chargify did not take a change of a note of Ada Lovelace"), "{}", refused.words);
    // The next full run tries again by itself.
    assert_eq!(world.run("full").await.status, "complete");
    assert_eq!(world.standing().await.0, "in_step");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_service_that_is_away_or_busy_only_delays_it(pool: PgPool) {
    let (world, contact, subscription) = pair(&pool, NOTES, true).await;
    let away = |status| Fault::Status { status, body: None, retry_after: Some(1) };
    world
        .sandbox
        .chargify
        .set_faults(vec![FaultRule::next(2, POST_NOTE, away(503)), FaultRule::next(1, POST_NOTE, away(429))]);
    world.add_note(&contact, "patience").await;
    world.hear("NoteCreate").await;
    assert_eq!(world.notes_of(subscription.unwrap()).len(), 1);
    assert_eq!(world.standing().await.0, "in_step");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_token_that_may_not_read_a_kind_is_told_so_and_the_rest_goes_on(pool: PgPool) {
    let (world, contact, subscription) = pair(&pool, NOTES, true).await;
    let no = || Fault::Status {
        status: 401,
        body: Some(json!({ "statusCode": 401, "message": "The token is not authorized for this scope." })),
        retry_after: None,
    };
    world.sandbox.highlevel.set_faults(vec![FaultRule::always("GET /contacts/*/notes*", no())]);
    let id = world.add_note(&contact, "unread").await;
    world.hear("NoteCreate").await;
    let newest = world.deliveries().await.into_iter().next().unwrap();
    assert_eq!(newest.outcome.as_deref(), Some("failed"));
    assert!(newest.detail.unwrap().contains("Give it the scope, or switch notes off"));

    world.edit_contact(&contact, &json!({ "city": "London" }));
    world.skip_webhooks(1).await;
    let run = world.run("full").await;
    assert_eq!((run.status.as_str(), run.counts.failed, run.counts.updated), ("complete_with_failures", 0, 1));
    assert!(run.detail.unwrap().contains("All records were carried over, but not all notes"));

    // Away for a moment: read again in place.
    let away = Fault::Status { status: 503, body: None, retry_after: None };
    world.sandbox.highlevel.set_faults(vec![FaultRule::next(2, "GET /contacts/*/notes", away)]);
    assert_eq!(world.run("full").await.status, "complete");
    assert_eq!(world.notes_of(subscription.unwrap()).len(), 1);
    assert_eq!(world.count("select count(*) from engagement where remote_id is not null").await, 1, "{id}");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_token_that_is_refused_leaves_it_waiting(pool: PgPool) {
    let (world, contact, subscription) = pair(&pool, NOTES, true).await;
    let no = Fault::Status { status: 401, body: Some(json!({ "message": "Invalid JWT" })), retry_after: None };
    world.sandbox.highlevel.set_faults(vec![FaultRule::next(1, "GET /contacts/*/notes/*", no)]);
    world.add_note(&contact, "later").await;
    let webhook = world.webhook().await;
    world.receive(&webhook).await;
    assert!(engine::Worker::new(world.engine.clone()).step().await.unwrap());
    assert_eq!(world.deliveries().await.into_iter().next().unwrap().state, "recorded", "parked, not failed");
    sqlx::query("update job set run_at = now()").execute(&world.pool).await.unwrap();
    world.drain().await;
    assert_eq!(world.notes_of(subscription.unwrap()).len(), 1);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn two_processes_write_one_note(pool: PgPool) {
    let (world, contact, subscription) = pair(&pool, NOTES, true).await;
    world.add_note(&contact, "one for two").await;
    let webhook = world.webhook().await;
    world.receive(&webhook).await;
    let other: Engine = world.another_engine().await;
    let run = world.start("full", engine::Approval::Granted).await;
    let (_, ()) = tokio::join!(world.drain(), crate::support::drain(&other, &world.pool));
    world.ended(run).await;
    assert_eq!(world.notes_of(subscription.unwrap()).len(), 1);
}
