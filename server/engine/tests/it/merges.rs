//! Contacts merged in GoHighLevel: one is gone, another has its e-mail address. A person is asked whether the customer is
//! the other's now, and nothing is written before.

use crate::support::{SYNC, Setup, Webhook, World};
use domain::{
    Side,
    view::{AnswerDraft, QuestionKind, QuestionView, RecordView},
};
use engine::{Received, RecordAt};
use serde_json::json;
use sqlx::PgPool;
use std::time::Duration;

const EMAIL: &str = "ada@merge.example";

/// A contact with its customer, and a second contact of the same person without an e-mail address.
struct Merging {
    world: World,
    gone: String,
    kept: String,
    customer: i64,
}

impl Merging {
    async fn open(pool: &PgPool, more: &'static str) -> Self {
        let world = World::open(pool, Setup { more, ..Setup::default() }).await;
        let ada = json!({ "firstName": "Ada", "lastName": "Lovelace", "email": EMAIL, "city": "Rome" });
        let gone = world.add_contact_with(&ada);
        let kept =
            world.add_contact_with(&json!({ "firstName": "Ada", "lastName": "Lovelace", "phone": "+442071234567" }));
        world.run("full").await;
        world.skip_webhooks(3).await;
        world.sandbox.chargify.advance(Duration::from_secs(2));
        world.reset_stats();
        let customer = world.customer_of(&gone);
        Self { world, gone, kept, customer }
    }

    /// What the merge does there, with the webhooks of both contacts.
    async fn merge(&self) -> [Webhook; 2] {
        self.world.sandbox.highlevel.with(|rules, now| rules.delete_contact(&self.gone, now).unwrap());
        self.world.edit_contact(&self.kept, &json!({ "email": EMAIL }));
        [self.world.webhook().await, self.world.webhook().await]
    }

    fn at(&self) -> RecordAt {
        RecordAt { sync: SYNC.to_owned(), side: Side::Highlevel, id: self.kept.clone() }
    }

    async fn page_of(&self, side: Side, id: &str) -> RecordView {
        self.world.engine.record(&self.world.viewer().await, SYNC, side, id).await.unwrap()
    }

    async fn asked(&self) -> QuestionView {
        self.page_of(Side::Highlevel, &self.kept).await.asked.unwrap()
    }

    /// The person is asked, with both cards, and nothing was written.
    async fn is_proposed(&self) {
        let world = &self.world;
        assert_eq!((world.links().await, world.customers(), world.writes()), (0, 1, 0));
        let question = self.asked().await;
        assert_eq!((question.kind, question.may_create, question.may_leave_out), (QuestionKind::Merged, true, true));
        let former = question.former.unwrap();
        assert_eq!((former.contact_id.as_str(), former.name.as_str()), (self.gone.as_str(), "Ada Lovelace"));
        assert!(former.gone_at.is_some());
        let card = question.candidates.first().unwrap();
        assert_eq!((card.customer_id.as_str(), card.belongs_to.as_ref()), (self.customer.to_string().as_str(), None));
        assert!(card.would.iter().any(|change| change.side == "highlevel" && change.field == "city"), "{card:#?}");
        let page = self.page_of(Side::Highlevel, &self.kept).await;
        assert_eq!(page.state, domain::view::PairState::Waiting);
        assert!(page.answer.contains("may have been merged"), "{}", page.answer);
    }

    async fn answered(&self, partner: &str) -> u64 {
        let draft = AnswerDraft { partner: partner.to_owned(), fields: Vec::new() };
        let runner = self.world.runner().await;
        let shown = self.world.engine.plan_answer(&runner, &self.at(), &draft).await.unwrap();
        let number = self.world.engine.answer(&runner, &self.at(), &draft, &shown.seal).await.unwrap().unwrap();
        self.world.drain().await;
        number
    }

    /// Accepted, both histories stand on the page, and nothing more is to be done.
    async fn is_relinked_on_a_word(&self) {
        let world = &self.world;
        let number = self.answered(&format!("customer:{}", self.customer)).await;
        let run = world.ended(number).await;
        assert_eq!((run.status.as_str(), world.links().await, world.customers()), ("complete", 1, 1), "{run:#?}");
        assert_eq!(world.contact_text(&self.kept, "city").as_deref(), Some("Rome"));
        assert_eq!(world.customer_text(self.customer, "reference"), self.gone, "a reference is never written over");
        let page = self.page_of(Side::Highlevel, &self.kept).await;
        assert_eq!(page.customer_id.as_deref(), Some(self.customer.to_string().as_str()));
        let actions: Vec<&str> = page.history.iter().map(|line| line.action.as_str()).collect();
        for action in ["record.created", "record.unlinked", "record.decided", "record.updated"] {
            assert!(actions.contains(&action), "{action} is not in {actions:?}");
        }
        let gone = self.page_of(Side::Highlevel, &self.gone).await.gone.unwrap().partner.unwrap();
        assert_eq!(gone.what, format!("The customer belongs to contact {} now.", self.kept));
        world.reset_stats();
        let again = world.run("full").await;
        assert_eq!((again.counts.unchanged, world.writes()), (1, 0), "{again:#?}");
        assert!(world.audit_verifies().await);
    }

    async fn receive(&self, webhook: &Webhook) -> Received {
        let received = self.world.receive(webhook).await;
        self.world.drain().await;
        received
    }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_merge_told_by_the_deletion_first_is_proposed(pool: PgPool) {
    let merging = Merging::open(&pool, "").await;
    let [deletion, update] = merging.merge().await;
    for webhook in [&deletion, &update, &deletion, &update] {
        merging.receive(webhook).await;
    }
    merging.is_proposed().await;
    merging.is_relinked_on_a_word().await;
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_merge_told_by_the_update_first_is_proposed(pool: PgPool) {
    let merging = Merging::open(&pool, "").await;
    let [deletion, update] = merging.merge().await;
    for webhook in [&update, &deletion, &update, &deletion] {
        merging.receive(webhook).await;
    }
    merging.is_proposed().await;
    merging.is_relinked_on_a_word().await;
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_merge_whose_deletion_no_webhook_tells_is_proposed(pool: PgPool) {
    let merging = Merging::open(&pool, "").await;
    let [_lost, update] = merging.merge().await;
    assert_eq!(merging.receive(&update).await, Received::Recorded);
    merging.is_proposed().await;
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_merge_that_only_a_full_run_finds_is_proposed(pool: PgPool) {
    let merging = Merging::open(&pool, "").await;
    merging.merge().await;
    for _ in 0..2 {
        let run = merging.world.run("full").await;
        assert_eq!((run.counts.created, run.counts.ambiguous), (0, 1), "{run:#?}");
    }
    merging.is_proposed().await;
    merging.is_relinked_on_a_word().await;
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn the_customer_without_a_reference_is_not_paired_by_its_email_alone(pool: PgPool) {
    let merging = Merging::open(&pool, "write_reference = false").await;
    merging.world.edit_customer(merging.customer, &[("reference", "")]);
    merging.world.skip_webhooks(1).await;
    merging.merge().await;
    merging.world.run("full").await;
    let question = merging.asked().await;
    assert_eq!((question.kind, merging.world.writes(), merging.world.links().await), (QuestionKind::Merged, 0, 0));
    let run = merging.world.run("full").await;
    assert_eq!((run.counts.ambiguous, merging.world.links().await), (1, 0), "{run:#?}");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_contact_with_the_phone_number_and_name_of_a_deleted_one_is_asked_about(pool: PgPool) {
    let world = World::open(&pool, Setup { more: "[sync.scope]\nrequire_email = false", ..Setup::default() }).await;
    let like =
        |email: &str| json!({ "firstName": "Ada", "lastName": "Lovelace", "email": email, "phone": "+442071234567" });
    let gone = world.add_contact_with(&like(EMAIL));
    world.run("full").await;
    world.skip_webhooks(2).await;
    let customer = world.customer_of(&gone);
    world.sandbox.highlevel.with(|rules, now| rules.delete_contact(&gone, now).unwrap());
    let kept = world.add_contact_with(&like("another@merge.example"));
    let [deletion, arrival] = [world.webhook().await, world.webhook().await];
    world.reset_stats();
    for webhook in [&arrival, &deletion] {
        assert_eq!(world.receive(webhook).await, Received::Recorded);
        world.drain().await;
    }
    let merging = Merging { world, gone, kept, customer };
    assert_eq!((merging.world.writes(), merging.world.links().await), (0, 0));
    let question = merging.asked().await;
    assert_eq!(question.kind, QuestionKind::Merged);
    assert_eq!(question.former.as_ref().unwrap().phone.as_deref(), Some("+442071234567"));
    assert_eq!(question.candidates[0].customer_id, customer.to_string());
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn the_customer_that_was_left_names_those_who_may_stand_in(pool: PgPool) {
    let merging = Merging::open(&pool, "create_contacts = true").await;
    merging.merge().await;
    merging.world.run("full").await;
    let page = merging.page_of(Side::Chargify, &merging.customer.to_string()).await;
    let question = page.asked.unwrap();
    assert_eq!(question.kind, QuestionKind::Held);
    let heirs: Vec<&str> = question.heirs.iter().map(|heir| heir.contact_id.as_str()).collect();
    assert_eq!(heirs, [merging.kept.as_str()]);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_contact_that_is_somebody_else_gets_a_customer_of_its_own(pool: PgPool) {
    let merging = Merging::open(&pool, "").await;
    let [deletion, update] = merging.merge().await;
    merging.receive(&deletion).await;
    merging.receive(&update).await;
    let run = merging.world.ended(merging.answered("new").await).await;
    assert_eq!((run.counts.created, merging.world.customers(), merging.world.links().await), (1, 2, 1), "{run:#?}");
    assert!(merging.world.customer_by_reference(&merging.kept).is_some());
}
