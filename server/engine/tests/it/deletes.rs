//! What becomes of the partner of a deleted record: a tag, or a deletion that waits for a person and is carried out only if
//! both records are still as they were when it was asked.

use crate::support::{SYNC, Setup, World};
use domain::{
    Side,
    deletes::DELETED_TAG,
    view::{PairState, RemovalDraft, RemovalView},
};
use engine::EngineError;
use serde_json::json;
use sqlx::PgPool;
use std::time::Duration;

const TAG: &str = "[sync.deletes]\ncustomer = \"tag\"";
const DELETE: &str = "[sync.deletes]\ncontact = \"delete\"\ncustomer = \"delete\"";

/// Pairs in step, and no webhook left on its way.
async fn pairs(pool: &PgPool, more: &'static str, count: usize) -> (World, Vec<(String, i64)>) {
    let world = World::open(pool, Setup { more, ..Setup::default() }).await;
    let contacts: Vec<String> = (0..count)
        .map(|number| {
            let email = format!("ada{number}@deletes.example");
            let ada = json!({ "firstName": "Ada", "lastName": format!("No{number}"), "email": email, "tags": ["vip"] });
            world.add_contact_with(&ada)
        })
        .collect();
    world.run("full").await;
    world.skip_webhooks(2 * count as u64).await;
    world.sandbox.chargify.advance(Duration::from_secs(2));
    world.reset_stats();
    let pairs = contacts.into_iter().map(|contact| {
        let customer = world.customer_of(&contact);
        (contact, customer)
    });
    let pairs = pairs.collect();
    (world, pairs)
}

async fn pair(pool: &PgPool, more: &'static str) -> (World, String, i64) {
    let (world, mut pairs) = pairs(pool, more, 1).await;
    let (contact, customer) = pairs.pop().unwrap();
    (world, contact, customer)
}

impl World {
    fn lose_customer(&self, id: i64) {
        assert!(self.sandbox.chargify.with(|rules, now| rules.remove_customer(id, now).unwrap()));
    }

    fn lose_contact(&self, id: &str) {
        self.sandbox.highlevel.with(|rules, now| rules.delete_contact(id, now).unwrap());
    }

    fn tags_there(&self, id: &str) -> Vec<String> {
        self.sandbox
            .highlevel
            .with(|rules, _| rules.contact(id).unwrap().tags.iter().map(ToString::to_string).collect())
    }

    async fn asked_removals(&self) -> Vec<RemovalView> {
        self.engine.removals(&self.viewer().await).await.unwrap().waiting
    }

    /// What became of the last one.
    async fn last_removal(&self) -> RemovalView {
        self.engine.removals(&self.viewer().await).await.unwrap().settled.into_iter().next().unwrap()
    }

    async fn approve(&self, draft: &RemovalDraft) -> Result<u64, EngineError> {
        self.engine.approve_removals(&self.runner().await, draft).await
    }

    async fn told_of(&self, action: &str) -> Vec<String> {
        self.audit_lines().await.into_iter().filter(|line| line.action == action).map(|line| line.words).collect()
    }

    async fn fault(&self, side: &str, fault: serde_json::Value) {
        let base = if side == "highlevel" { &self.sandbox.highlevel.base_url } else { &self.sandbox.chargify.base_url };
        let answer = reqwest::Client::new().put(format!("{base}/_sandbox/faults")).json(&fault).send().await.unwrap();
        assert!(answer.status().is_success());
    }
}

fn only(removal: &RemovalView) -> RemovalDraft {
    RemovalDraft { id: removal.id.clone(), ..RemovalDraft::default() }
}

fn all(shown: u64, typed: &str) -> RemovalDraft {
    RemovalDraft { id: String::new(), shown, typed: typed.to_owned() }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn nothing_is_done_to_a_partner_unless_the_sync_says_so(pool: PgPool) {
    let (world, contact, customer) = pair(&pool, "").await;
    world.lose_customer(customer);
    world.run("changes").await;
    assert_eq!((world.tags_there(&contact), world.writes()), (vec!["vip".to_owned()], 0));
    assert!(world.asked_removals().await.is_empty());
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_contact_whose_customer_was_deleted_is_tagged_and_untagged_when_it_has_one_again(pool: PgPool) {
    let (world, contact, customer) = pair(&pool, TAG).await;
    world.lose_customer(customer);
    let run = world.run("changes").await;
    let items = world.items(run.number).await;
    let words =
        "the customer was deleted in Chargify; the contact gets the tag chargify:deleted and waits for a decision";
    assert_eq!(items[0].reason, words);
    assert_eq!((world.tags_there(&contact), world.writes()), (vec!["vip".to_owned(), DELETED_TAG.to_owned()], 1));
    let page = world.engine.record(&world.viewer().await, SYNC, Side::Highlevel, &contact).await.unwrap();
    assert_eq!(page.state, PairState::Waiting, "a tag settles nothing");
    assert!(
        world.told_of("record.updated").await[0].starts_with("Concord itself changed tags of Ada No0 in GoHighLevel")
    );
    world.reset_stats();
    world.run("full").await;
    assert_eq!(world.writes(), 0, "a second time nothing is written");

    let at = engine::RecordAt { sync: SYNC.to_owned(), side: Side::Highlevel, id: contact.clone() };
    let draft = domain::view::AnswerDraft { partner: "new".to_owned(), fields: Vec::new() };
    let shown = world.engine.plan_answer(&world.runner().await, &at, &draft).await.unwrap();
    world.engine.answer(&world.runner().await, &at, &draft, &shown.seal).await.unwrap();
    world.drain().await;
    assert_eq!((world.links().await, world.tags_there(&contact)), (1, vec!["vip".to_owned()]));
    assert!(world.audit_verifies().await);
    world.assert_no_transaction_was_open();
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_customer_is_deleted_only_after_a_person_approved_it(pool: PgPool) {
    let (world, contact, customer) = pair(&pool, DELETE).await;
    world.lose_contact(&contact);
    world.next_webhook().await;
    world.run("full").await;
    let asked = world.asked_removals().await;
    assert_eq!((asked.len(), world.customers(), world.writes()), (1, 1, 0));
    let words = "the contact was deleted in GoHighLevel; whether the customer is deleted too waits for a decision";
    assert_eq!((asked[0].side, asked[0].reason.as_str()), (Side::Chargify, words));
    assert_eq!(world.approve(&only(&asked[0])).await.unwrap(), 1);
    assert!(matches!(world.approve(&only(&asked[0])).await, Err(EngineError::AlreadyDone)));
    assert_eq!(world.customers(), 1, "approved is not yet done");
    world.drain().await;
    assert_eq!((world.customers(), world.calls_to(Side::Chargify, "DELETE /customers/{id}.json")), (0, 1));
    let ended = world.last_removal().await;
    assert_eq!((ended.state.as_str(), ended.detail.as_deref()), ("done", Some("Deleted.")));
    let gone = world.engine.record(&world.viewer().await, SYNC, Side::Chargify, &customer.to_string()).await.unwrap();
    assert_eq!(gone.gone.unwrap().how, "Concord deleted it after a person had approved that.");
    let deleted = world.told_of("record.deleted").await;
    assert!(
        deleted[0].starts_with("Concord itself, as command line approved, deleted Ada No0 in Chargify"),
        "{deleted:?}"
    );
    assert_eq!(world.told_of("removal.approved").await.len(), 1);
    let before =
        "select count(*) from intent where operation = 'delete' and phase = 'done' and before ->> 'email' is not null";
    assert_eq!(world.count(before).await, 1);
    world.reset_stats();
    world.run("full").await;
    assert_eq!(world.writes(), 0);
    assert!(world.audit_verifies().await);
    world.assert_no_transaction_was_open();
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_contact_is_deleted_and_the_webhook_of_it_changes_nothing(pool: PgPool) {
    let (world, contact, customer) = pair(&pool, DELETE).await;
    world.lose_customer(customer);
    world.run("changes").await;
    let asked = world.asked_removals().await;
    world.approve(&only(&asked[0])).await.unwrap();
    world.drain().await;
    assert!(world.contact_text(&contact, "email").is_none());
    assert_eq!(world.last_removal().await.state, "done");
    world.reset_stats();
    world.next_webhook().await;
    assert_eq!((world.writes(), world.asked_removals().await.len()), (0, 0));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn what_a_person_keeps_is_kept(pool: PgPool) {
    let (world, contact, _) = pair(&pool, DELETE).await;
    world.lose_contact(&contact);
    world.next_webhook().await;
    let asked = world.asked_removals().await;
    assert_eq!(world.engine.refuse_removals(&world.runner().await, &only(&asked[0])).await.unwrap(), 1);
    world.drain().await;
    world.run("full").await;
    assert_eq!((world.customers(), world.writes(), world.asked_removals().await.len()), (1, 0, 0));
    let kept = world.last_removal().await;
    assert_eq!((kept.state.as_str(), kept.detail.as_deref()), ("refused", Some("command line kept it.")));
    assert_eq!(world.told_of("removal.refused").await.len(), 1);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_deletion_is_withdrawn_when_the_partner_is_there_again(pool: PgPool) {
    let (world, contact, _) = pair(&pool, DELETE).await;
    world.lose_contact(&contact);
    world.next_webhook().await;
    assert_eq!(world.asked_removals().await.len(), 1);
    assert!(world.sandbox.highlevel.with(|rules, now| rules.restore_contact(&contact, now)));
    world.run("full").await;
    let ended = world.last_removal().await;
    assert_eq!((ended.state.as_str(), ended.detail.as_deref()), ("withdrawn", Some("The contact is there again.")));
    assert_eq!((world.asked_removals().await.len(), world.links().await, world.customers()), (0, 1, 1));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_partner_that_came_back_after_the_approval_stops_the_deletion(pool: PgPool) {
    let (world, contact, _) = pair(&pool, DELETE).await;
    world.lose_contact(&contact);
    world.next_webhook().await;
    let asked = world.asked_removals().await;
    world.approve(&only(&asked[0])).await.unwrap();
    assert!(world.sandbox.highlevel.with(|rules, now| rules.restore_contact(&contact, now)));
    world.drain().await;
    assert_eq!((world.customers(), world.last_removal().await.state.as_str()), (1, "withdrawn"));
    assert_eq!(world.links().await, 1);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_record_that_changed_after_it_was_asked_about_is_asked_about_again(pool: PgPool) {
    let (world, contact, customer) = pair(&pool, DELETE).await;
    world.lose_contact(&contact);
    world.next_webhook().await;
    let asked = world.asked_removals().await;
    world.approve(&only(&asked[0])).await.unwrap();
    world.sandbox.chargify.advance(Duration::from_secs(2));
    world.edit_customer(customer, &[("city", "Milan")]);
    world.drain().await;
    let again = world.asked_removals().await;
    let words = "The customer was changed after this was asked. Look at it again.";
    assert_eq!((world.customers(), again.len(), again[0].detail.as_deref()), (1, 1, Some(words)));
    world.approve(&only(&again[0])).await.unwrap();
    world.drain().await;
    assert_eq!(world.customers(), 0);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn many_at_once_are_approved_only_by_their_number(pool: PgPool) {
    let (world, pairs) = pairs(&pool, DELETE, 11).await;
    for (contact, _) in &pairs {
        world.lose_contact(contact);
    }
    world.run("full").await;
    let page = world.engine.removals(&world.viewer().await).await.unwrap();
    assert_eq!((page.total, page.waiting.len()), (11, 11));
    for wrong in [all(11, ""), all(11, "10"), all(11, "eleven")] {
        assert!(matches!(world.approve(&wrong).await, Err(EngineError::Invalid(_))), "{wrong:?}");
    }
    assert!(matches!(world.approve(&all(10, "10")).await, Err(EngineError::AlreadyDone)), "other ones than shown");
    world.drain().await;
    assert_eq!(world.customers(), 11);
    assert_eq!(world.approve(&all(11, " 11 ")).await.unwrap(), 11);
    world.drain().await;
    assert_eq!((world.customers(), world.told_of("record.deleted").await.len()), (0, 11));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_service_that_will_not_delete_is_heeded(pool: PgPool) {
    let (world, contact, _) = pair(&pool, DELETE).await;
    world.lose_contact(&contact);
    world.next_webhook().await;
    let refusal = json!([{
        "match": "DELETE /customers/*", "kind": "status", "status": 409,
        "body": { "errors": ["Customer: has subscriptions."] }
    }]);
    world.fault("chargify", refusal).await;
    let asked = world.asked_removals().await;
    world.approve(&only(&asked[0])).await.unwrap();
    world.drain().await;
    let ended = world.last_removal().await;
    let words = "Chargify did not delete it: Customer: has subscriptions.";
    assert_eq!((ended.state.as_str(), ended.detail.as_deref(), world.customers()), ("failed", Some(words), 1));
    assert_eq!(world.told_of("record.write_refused").await.len(), 1);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_crash_between_approval_and_write_leaves_one_deletion(pool: PgPool) {
    let (world, contact, _) = pair(&pool, DELETE).await;
    world.lose_contact(&contact);
    world.next_webhook().await;
    let asked = world.asked_removals().await;
    world.approve(&only(&asked[0])).await.unwrap();
    let world = world.restarted().await;
    world.drain().await;
    assert_eq!((world.customers(), world.last_removal().await.state.as_str()), (0, "done"));
    assert_eq!(world.calls_to(Side::Chargify, "DELETE /customers/{id}.json"), 1);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_deletion_whose_answer_was_lost_is_looked_up_and_not_sent_again(pool: PgPool) {
    let (world, contact, _) = pair(&pool, DELETE).await;
    world.lose_contact(&contact);
    world.next_webhook().await;
    let lost = json!([{ "match": "DELETE /customers/*", "kind": "reset_after", "count": 1 }]);
    world.fault("chargify", lost).await;
    let asked = world.asked_removals().await;
    world.approve(&only(&asked[0])).await.unwrap();
    world.drain().await;
    let ended = world.last_removal().await;
    let words = "Deleted; the answer was lost, and a look-up found it done.";
    assert_eq!((ended.state.as_str(), ended.detail.as_deref(), world.customers()), ("done", Some(words), 0));
    assert_eq!(world.calls_to(Side::Chargify, "DELETE /customers/{id}.json"), 1);
    assert_eq!(world.told_of("record.deleted").await.len(), 1);
    assert_eq!(world.count("select count(*) from intent where phase in ('sent', 'ambiguous')").await, 0);
    assert!(world.audit_verifies().await);
}
