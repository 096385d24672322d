//! Notes, tasks and appointments on their way into Chargify: each change once, in its own note.

mod kinds;
mod runs;
mod trouble;

use crate::support::{Setup, World};
use domain::Side;
use engine::Received;
use sandbox::chargify::{
    products::Product,
    subscriptions::{Signup, SubscriptionState},
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
        made.pointer("/note/id").and_then(Json::as_str).unwrap().to_owned()
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
        .with(|rules, now| assert!(rules.set_subscription_state(first, SubscriptionState::Canceled, now)));
    world.hear("subscription_state_change").await;
    world.quiet().await;
    world.edit_note(&contact, &id, "two").await;
    world.hear("NoteUpdate").await;
    assert!(world.notes_of(first)[0].ends_with("\ntwo"), "it cannot move");
    world.add_note(&contact, "new").await;
    world.hear("NoteCreate").await;
    assert_eq!((world.notes_of(first).len(), world.notes_of(second).len()), (1, 1), "a new one goes to the live one");
}
