//! Notes, tasks and appointments on their way into Chargify, and what goes wrong on it.

use crate::support::{SYNC, Setup, World};
use domain::Side;
use engine::{Engine, Received};
use sandbox::{
    Fault, FaultRule,
    chargify::{
        products::Product,
        subscriptions::{Signup, SubscriptionState},
    },
};
use serde_json::{Value as Json, json};
use sqlx::PgPool;
use std::time::Duration;

const ALL: &str = "[sync.engagements]\nnotes = true\ntasks = true\nappointments = true";
const NOTES: &str = "[sync.engagements]\nnotes = true";
const POST_NOTE: &str = "POST /subscriptions/*/notes.json";
const PUT_NOTE: &str = "PUT /subscriptions/*/notes/*";

/// A world with a contact, its customer and, if wanted, a subscription, all in step, and no webhook on its way.
async fn pair(pool: &PgPool, more: &'static str, is_subscribed: bool) -> (World, String, Option<i64>) {
    let world = World::open(pool, Setup { more, ..Setup::default() }).await;
    let contact = world.add_contact("Ada", "Lovelace", "ada@engaged.example");
    world.run("full").await;
    world.skip_webhooks(2).await;
    let customer = world.customer_of(&contact);
    let subscription = is_subscribed.then(|| world.subscribe(customer, SubscriptionState::Active));
    if is_subscribed {
        world.hear("signup_success").await;
        world.quiet().await;
    }
    world.sandbox.chargify.advance(Duration::from_secs(2));
    world.reset_stats();
    (world, contact, subscription)
}

impl World {
    fn subscribe(&self, customer_id: i64, state: SubscriptionState) -> i64 {
        self.sandbox.chargify.with(|rules, now| {
            let signup = Signup {
                customer_id,
                product: Product::find(None, Some("basic")).unwrap(),
                state,
                reference: None,
                collection_method: "remittance".to_owned(),
            };
            rules.add_subscription(signup, now)
        })
    }

    /// Lets webhooks in up to the first of that event, which is returned.
    async fn hear(&self, event: &str) -> crate::support::Webhook {
        loop {
            let webhook = self.webhook().await;
            self.receive(&webhook).await;
            self.drain().await;
            if webhook.tells(event) {
                return webhook;
            }
        }
    }

    /// Throws away what is still on its way.
    async fn quiet(&self) {
        while tokio::time::timeout(Duration::from_millis(300), self.webhook()).await.is_ok() {}
    }

    /// What a person does in GoHighLevel, through its API; forgets the call that it was.
    async fn person(&self, method: &str, path: &str, body: Json) -> Json {
        let highlevel = &self.sandbox.highlevel;
        let request = reqwest::Client::new()
            .request(method.parse().unwrap(), format!("{}{path}", highlevel.base_url))
            .bearer_auth(highlevel.credential("token"))
            .header("version", "2021-07-28");
        let request = if body.is_null() { request } else { request.json(&body) };
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let body: Json = answer.json().await.unwrap();
        assert!(status.is_success(), "{method} {path}: {status} {body}");
        self.reset_stats();
        body
    }

    async fn add_note(&self, contact: &str, text: &str) -> String {
        let made = self.person("POST", &format!("/contacts/{contact}/notes"), json!({ "body": text })).await;
        made["note"]["id"].as_str().unwrap().to_owned()
    }

    async fn edit_note(&self, contact: &str, id: &str, text: &str) {
        self.person("PUT", &format!("/contacts/{contact}/notes/{id}"), json!({ "body": text })).await;
    }

    async fn delete_note(&self, contact: &str, id: &str) {
        self.person("DELETE", &format!("/contacts/{contact}/notes/{id}"), Json::Null).await;
    }

    /// The texts of the notes of a subscription, oldest first.
    fn notes_of(&self, subscription: i64) -> Vec<String> {
        self.sandbox.chargify.with(|rules, _| rules.notes.of(subscription).map(|note| note.body.clone()).collect())
    }

    /// State and reason of the only one there is.
    async fn standing(&self) -> (String, String) {
        sqlx::query_as("select state, detail from engagement").fetch_one(&self.pool).await.unwrap()
    }

    async fn last_heard(&self) -> (String, String) {
        let newest = self.deliveries().await.into_iter().next().unwrap();
        (newest.state, newest.outcome.unwrap_or_default())
    }
}

fn done(outcome: &str) -> (String, String) {
    ("done".to_owned(), outcome.to_owned())
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_note_becomes_a_note_of_the_subscription_and_follows_its_original(pool: PgPool) {
    let (world, contact, subscription) = pair(&pool, NOTES, true).await;
    let id = world.add_note(&contact, "Called, will renew").await;
    world.hear("NoteCreate").await;
    let notes = world.notes_of(subscription.unwrap());
    assert_eq!(notes.len(), 1);
    assert!(notes[0].starts_with(&format!("[GHL note {id}] 20")), "{notes:?}");
    assert!(notes[0].ends_with("\nCalled, will renew"), "{notes:?}");
    assert_eq!((world.calls(), world.writes(), world.last_heard().await), ((1, 1), 1, done("created")));

    world.edit_note(&contact, &id, "Called, renews in May").await;
    world.hear("NoteUpdate").await;
    let notes = world.notes_of(subscription.unwrap());
    assert_eq!(notes.len(), 1, "in place: {notes:?}");
    assert!(notes[0].ends_with("\nCalled, renews in May"), "{notes:?}");
    assert_eq!((world.calls(), world.writes(), world.last_heard().await), ((1, 1), 1, done("updated")));

    world.edit_note(&contact, &id, "Called, renews in May").await;
    let said_again = world.hear("NoteUpdate").await;
    assert_eq!((world.calls(), world.last_heard().await), ((0, 0), done("echo")));
    assert_eq!(world.receive(&said_again).await, Received::Repeated);
    world.drain().await;
    assert_eq!(world.calls(), (0, 0));

    let lines = world.audit_lines().await;
    let words: Vec<&str> =
        lines.iter().filter(|line| line.action.starts_with("note.")).map(|line| &*line.words).collect();
    let sub = subscription.unwrap();
    let expected = [
        format!("webhook NoteCreate wrote a note of Ada Lovelace to subscription {sub} in Chargify"),
        format!("webhook NoteUpdate brought a note of Ada Lovelace up to date in subscription {sub} in Chargify"),
    ];
    assert_eq!(words, expected);
    assert!(world.audit_verifies().await);
    world.assert_no_transaction_was_open();
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_kind_that_is_switched_off_costs_no_call(pool: PgPool) {
    let (world, contact, subscription) = pair(&pool, "[sync.engagements]\ntasks = true", true).await;
    world.add_note(&contact, "not for Chargify").await;
    world.hear("NoteCreate").await;
    assert_eq!((world.calls(), world.last_heard().await), ((0, 0), ("ignored".to_owned(), String::new())));
    assert!(world.notes_of(subscription.unwrap()).is_empty());
    assert_eq!(world.count("select count(*) from engagement").await, 0);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn without_a_subscription_it_is_held_until_there_is_one(pool: PgPool) {
    let (world, contact, _) = pair(&pool, NOTES, false).await;
    let id = world.add_note(&contact, "waits").await;
    world.hear("NoteCreate").await;
    assert_eq!((world.calls(), world.last_heard().await), ((1, 0), done("parked")));
    let (state, why) = world.standing().await;
    assert_eq!(state, "held");
    assert!(why.contains("no subscription yet"), "{why}");

    world.edit_note(&contact, &id, "waits, edited").await;
    world.hear("NoteUpdate").await;
    assert_eq!((world.calls(), world.standing().await.0.as_str()), ((1, 0), "held"));

    let subscription = world.subscribe(world.customer_of(&contact), SubscriptionState::Trialing);
    world.reset_stats();
    world.hear("signup_success").await;
    let notes = world.notes_of(subscription);
    assert_eq!(notes.len(), 1);
    assert!(notes[0].ends_with("\nwaits, edited"), "{notes:?}");
    assert_eq!((world.writes(), world.standing().await.0.as_str()), (1, "in_step"));
    assert_eq!(world.calls_to(Side::Highlevel, "GET /contacts/{id}/notes"), 0, "webhooks kept it current");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn one_that_is_deleted_says_so_in_its_note_and_never_comes_back(pool: PgPool) {
    let (world, contact, subscription) = pair(&pool, NOTES, true).await;
    let id = world.add_note(&contact, "a secret").await;
    world.hear("NoteCreate").await;
    world.edit_note(&contact, &id, "another secret").await;
    let late = world.webhook().await;
    world.delete_note(&contact, &id).await;
    world.hear("NoteDelete").await;
    let notes = world.notes_of(subscription.unwrap());
    assert!(notes[0].starts_with(&format!("[GHL note {id}] deleted in GoHighLevel on 20")), "{notes:?}");
    assert!(!notes[0].contains("secret"));
    assert_eq!((world.calls(), world.last_heard().await), ((0, 1), done("updated")));
    assert_eq!(world.count("select count(*) from engagement where told = '{}'").await, 1, "nor is it kept here");

    world.reset_stats();
    world.receive(&late).await;
    world.drain().await;
    assert_eq!((world.calls(), world.notes_of(subscription.unwrap())), ((0, 0), notes));
    assert_eq!(world.standing().await.0, "deleted");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_deletion_that_overtakes_its_creation_leaves_nothing_behind(pool: PgPool) {
    let (world, contact, subscription) = pair(&pool, NOTES, true).await;
    let id = world.add_note(&contact, "short-lived").await;
    let late = world.webhook().await;
    world.delete_note(&contact, &id).await;
    world.hear("NoteDelete").await;
    world.receive(&late).await;
    world.drain().await;
    assert_eq!((world.calls(), world.notes_of(subscription.unwrap())), ((0, 0), Vec::new()));
    assert_eq!(world.standing().await.0, "deleted");
}

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
async fn a_task_says_how_it_stands(pool: PgPool) {
    let (world, contact, subscription) = pair(&pool, ALL, true).await;
    let sub = subscription.unwrap();
    let wish = json!({ "title": "Send the quote", "body": "two seats", "dueDate": "2026-09-01T17:00:00Z", "completed": false });
    let made = world.person("POST", &format!("/contacts/{contact}/tasks"), wish).await;
    let id = made["task"]["id"].as_str().unwrap().to_owned();
    world.hear("TaskCreate").await;
    let text = format!("[GHL task {id}] open, due 2026-09-01: Send the quote\ntwo seats");
    assert_eq!(world.notes_of(sub), [text.clone()]);
    assert_eq!(world.calls(), (2, 1), "its webhook names no contact: it is searched for, then read");

    world.person("PUT", &format!("/contacts/{contact}/tasks/{id}/completed"), json!({ "completed": true })).await;
    world.hear("TaskComplete").await;
    assert_eq!(world.notes_of(sub), [text.replace("open", "done")]);
    assert_eq!(world.calls(), (1, 1));

    world.person("DELETE", &format!("/contacts/{contact}/tasks/{id}"), Json::Null).await;
    world.hear("TaskDelete").await;
    assert!(world.notes_of(sub)[0].starts_with(&format!("[GHL task {id}] deleted in GoHighLevel on ")));
    assert_eq!(world.calls(), (0, 1));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_appointment_is_taken_from_its_webhook_and_an_older_one_ignored(pool: PgPool) {
    let (world, contact, subscription) = pair(&pool, ALL, true).await;
    let sub = subscription.unwrap();
    let calendar = world.sandbox.highlevel.with(|rules, _| rules.main().unwrap().calendars[0].id.clone());
    let wish = json!({
        "calendarId": calendar, "locationId": world.sandbox.highlevel.credential("location_id"), "contactId": contact,
        "startTime": "2026-09-01T10:00:00-06:00", "endTime": "2026-09-01T10:30:00-06:00", "title": "Demo",
    });
    let made = world.person("POST", "/calendars/events/appointments", wish).await;
    let id = made["id"].as_str().unwrap().to_owned();
    let path = format!("/calendars/events/appointments/{id}");
    world.hear("AppointmentCreate").await;
    let text =
        format!("[GHL appointment {id}] 2026-09-01 10:00 -06:00, confirmed: Demo\nUntil: 2026-09-01 10:30 -06:00");
    assert_eq!((world.notes_of(sub), world.calls()), (vec![text.clone()], (0, 1)));

    world.sandbox.highlevel.advance(Duration::from_secs(5));
    world.person("PUT", &path, json!({ "appointmentStatus": "noshow" })).await;
    let late = world.webhook().await;
    world.sandbox.highlevel.advance(Duration::from_secs(5));
    world.person("PUT", &path, json!({ "appointmentStatus": "showed" })).await;
    world.hear("AppointmentUpdate").await;
    assert_eq!((world.notes_of(sub), world.calls()), (vec![text.replace("confirmed", "showed")], (0, 1)));
    world.reset_stats();
    world.receive(&late).await;
    world.drain().await;
    assert_eq!((world.notes_of(sub), world.calls()), (vec![text.replace("confirmed", "showed")], (0, 0)));

    // Read by a full run, it is the same although its list tells no offsets.
    let run = world.run("full").await;
    assert_eq!((run.status.as_str(), world.writes()), ("complete", 0));
    assert_eq!(world.calls_to(Side::Highlevel, "GET /calendars/events/appointments/{id}"), 0);

    world.person("DELETE", &format!("/calendars/events/{id}"), json!({})).await;
    world.hear("AppointmentDelete").await;
    assert!(world.notes_of(sub)[0].starts_with(&format!("[GHL appointment {id}] deleted in GoHighLevel on ")));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn what_came_from_chargify_is_not_sent_back(pool: PgPool) {
    let (world, contact, subscription) = pair(&pool, NOTES, true).await;
    world.add_note(&contact, "[GHL note abcdefghij] 2026-08-30\npasted from the billing system").await;
    world.hear("NoteCreate").await;
    assert!(world.notes_of(subscription.unwrap()).is_empty());
    let (state, why) = world.standing().await;
    assert!(state == "left_out" && why.contains("came from Chargify"), "{state}: {why}");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn the_choice_of_a_subscription_is_frozen(pool: PgPool) {
    let (world, contact, subscription) = pair(&pool, NOTES, true).await;
    let (customer, first) = (world.customer_of(&contact), subscription.unwrap());
    let id = world.add_note(&contact, "one").await;
    world.hear("NoteCreate").await;
    let second = world.subscribe(customer, SubscriptionState::Active);
    world.hear("signup_success").await;
    world.quiet().await;
    world
        .sandbox
        .chargify
        .with(|rules, now| drop(rules.set_subscription_state(first, SubscriptionState::Canceled, now)));
    world.hear("subscription_state_change").await;
    world.quiet().await;
    world.edit_note(&contact, &id, "two").await;
    world.hear("NoteUpdate").await;
    assert!(world.notes_of(first)[0].ends_with("\ntwo"), "it cannot move");
    world.add_note(&contact, "new").await;
    world.hear("NoteCreate").await;
    assert_eq!((world.notes_of(first).len(), world.notes_of(second).len()), (1, 1), "a new one goes to the live one");
}

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
    assert_eq!(u64::from(run.predicted_highlevel), highlevel, "the plan said so before");

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
