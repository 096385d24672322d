//! Records that were deleted: nothing late brings them back, a restore does, and what was known of them is shown.

use crate::support::{SYNC, Setup, Webhook, World};
use domain::{
    Side,
    view::{PairState, RecordFilter, RecordView},
};
use engine::Received;
use serde_json::json;
use sqlx::PgPool;
use std::time::Duration;

/// How long the search is behind, where a test wants that.
const LAG_MS: u64 = 600_000;

/// A pair in step, and no webhook left on its way.
async fn pair(pool: &PgPool, setup: Setup) -> (World, String, i64) {
    let lag = Duration::from_millis(setup.lag_ms + 2_000);
    let world = World::open(pool, setup).await;
    let contact = world.add_contact_with(
        &json!({ "firstName": "Ada", "lastName": "Lovelace", "email": "ada@gone.example", "city": "Rome" }),
    );
    world.sandbox.highlevel.advance(lag);
    world.run("full").await;
    world.skip_webhooks(2).await;
    world.sandbox.highlevel.advance(lag);
    world.sandbox.chargify.advance(lag);
    world.reset_stats();
    let customer = world.customer_of(&contact);
    (world, contact, customer)
}

impl World {
    fn delete_contact(&self, id: &str) {
        self.sandbox.highlevel.with(|rules, now| rules.delete_contact(id, now).unwrap());
    }

    fn restore_contact(&self, id: &str) {
        assert!(self.sandbox.highlevel.with(|rules, now| rules.restore_contact(id, now)));
    }

    fn delete_customer(&self, id: i64) {
        assert!(self.sandbox.chargify.with(|rules, now| rules.remove_customer(id, now).unwrap()));
    }

    /// The next webhook of that event; those before it get lost.
    async fn webhook_that(&self, event: &str) -> Webhook {
        loop {
            let webhook = self.webhook().await;
            if webhook.tells(event) {
                return webhook;
            }
        }
    }

    async fn page_of(&self, side: Side, id: &str) -> RecordView {
        self.engine.record(&self.viewer().await, SYNC, side, id).await.unwrap()
    }

    async fn is_gone(&self, side: Side, id: &str) -> bool {
        self.page_of(side, id).await.gone.is_some()
    }

    async fn said(&self, action: &str) -> Vec<String> {
        self.audit_lines().await.into_iter().filter(|line| line.action == action).map(|line| line.words).collect()
    }

    /// The worker's look after tombstones, sixty-one days later.
    async fn long_after(&self) -> u64 {
        let shift = "update record set gone_at = gone_at - interval '61 days' where gone_at is not null";
        sqlx::query(shift).execute(&self.pool).await.unwrap();
        self.engine.purge_tombstones().await.unwrap()
    }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_late_webhook_does_not_bring_a_deleted_customer_back(pool: PgPool) {
    let (world, contact, customer) = pair(&pool, Setup::default()).await;
    world.edit_customer(customer, &[("city", "Milan")]);
    let late = world.webhook().await;
    world.delete_customer(customer);
    world.run("changes").await;
    assert!(world.is_gone(Side::Chargify, &customer.to_string()).await);
    world.reset_stats();
    for received in [Received::Recorded, Received::Repeated] {
        assert_eq!(world.receive(&late).await, received);
        world.drain().await;
    }
    assert!(world.is_gone(Side::Chargify, &customer.to_string()).await);
    assert_eq!((world.writes(), world.links().await, world.customers()), (0, 0, 0));
    assert_eq!(world.page_of(Side::Highlevel, &contact).await.state, PairState::Waiting);
    assert_eq!(world.run("full").await.counts.created, 0);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_customer_that_was_deleted_before_its_webhook_came_gets_no_contact(pool: PgPool) {
    let world = World::open(&pool, Setup { more: "create_contacts = true", ..Setup::default() }).await;
    let customer = world.add_customer(&[("first_name", "Eve"), ("last_name", "Early"), ("email", "eve@gone.example")]);
    let late = world.webhook().await;
    world.delete_customer(customer);
    assert_eq!(world.receive(&late).await, Received::Recorded);
    world.drain().await;
    assert_eq!((world.writes(), world.contact_ids().len()), (0, 0));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_search_that_lags_does_not_bring_a_deleted_contact_back(pool: PgPool) {
    let setup = Setup { lag_ms: LAG_MS, more: "create_contacts = true", ..Setup::default() };
    let (world, contact, customer) = pair(&pool, setup).await;
    world.delete_contact(&contact);
    assert_eq!(world.next_webhook().await, Received::Recorded);
    assert!(world.is_gone(Side::Highlevel, &contact).await);
    // The search still holds it.
    for mode in ["full", "changes", "full"] {
        let run = world.run(mode).await;
        assert_eq!((run.counts.created, world.links().await, world.writes()), (0, 0, 0), "{run:#?}");
        assert!(world.is_gone(Side::Highlevel, &contact).await, "after {mode}");
    }
    assert_eq!(world.page_of(Side::Chargify, &customer.to_string()).await.state, PairState::Waiting);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_restored_contact_has_its_pair_back_and_both_sides_are_compared_anew(pool: PgPool) {
    let (world, contact, customer) = pair(&pool, Setup::default()).await;
    world.delete_contact(&contact);
    assert_eq!(world.next_webhook().await, Received::Recorded);
    assert_eq!(world.links().await, 0);
    world.edit_customer(customer, &[("city", "Milan")]);
    assert_eq!(world.next_webhook().await, Received::Recorded);
    world.restore_contact(&contact);
    let run = world.run("full").await;
    assert_eq!((run.counts.updated, run.status.as_str(), world.links().await), (1, "complete", 1), "{run:#?}");
    // Only the customer changed since both agreed, so its value goes to the contact.
    assert_eq!(world.contact_text(&contact, "city").as_deref(), Some("Milan"));
    assert_eq!(world.page_of(Side::Highlevel, &contact).await.state, PairState::InStep);
    let said = world.said("record.restored").await;
    let words = "GoHighLevel has Ada Lovelace again: it is paired as before, and both sides are compared anew";
    assert_eq!(said, [words]);
    world.reset_stats();
    let again = world.run("full").await;
    assert_eq!((again.counts.unchanged, world.writes()), (1, 0), "{again:#?}");
    assert!(world.audit_verifies().await);
    world.assert_no_transaction_was_open();
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_edit_of_a_restored_contact_reaches_its_customer_by_webhook(pool: PgPool) {
    let (world, contact, customer) = pair(&pool, Setup::default()).await;
    world.delete_contact(&contact);
    let deletion = world.webhook().await;
    world.restore_contact(&contact);
    world.edit_contact(&contact, &json!({ "city": "Turin" }));
    let edit = world.webhook().await;
    // Told after the fact: the contact is there, so nothing ends.
    assert_eq!(world.receive(&deletion).await, Received::Recorded);
    world.drain().await;
    assert_eq!((world.links().await, world.customer_text(customer, "city").as_str()), (1, "Turin"));
    world.delete_contact(&contact);
    let deletion = world.webhook_that("ContactDelete").await;
    world.receive(&deletion).await;
    world.drain().await;
    assert_eq!(world.links().await, 0);
    world.restore_contact(&contact);
    world.edit_contact(&contact, &json!({ "city": "Genoa" }));
    assert_eq!(world.receive(&edit).await, Received::Recorded);
    world.drain().await;
    assert_eq!((world.links().await, world.customer_text(customer, "city").as_str()), (1, "Genoa"));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_pair_that_a_person_went_on_from_does_not_come_back(pool: PgPool) {
    let (world, contact, customer) = pair(&pool, Setup { more: "create_contacts = true", ..Setup::default() }).await;
    world.delete_contact(&contact);
    assert_eq!(world.next_webhook().await, Received::Recorded);
    let at = engine::RecordAt { sync: SYNC.to_owned(), side: Side::Chargify, id: customer.to_string() };
    let new = domain::view::AnswerDraft { partner: "new".to_owned(), fields: Vec::new() };
    let shown = world.engine.plan_answer(&world.runner().await, &at, &new).await.unwrap();
    world.engine.answer(&world.runner().await, &at, &new, &shown.seal).await.unwrap();
    world.drain().await;
    assert_eq!((world.links().await, world.contact_ids().len()), (1, 1));
    world.restore_contact(&contact);
    world.reset_stats();
    let run = world.run("full").await;
    assert_eq!((run.counts.ambiguous, world.links().await, world.writes()), (1, 1, 0), "{run:#?}");
    assert_eq!(world.said("record.restored").await, ["GoHighLevel has Ada Lovelace again"]);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn the_page_of_a_deleted_record_says_what_became_of_it(pool: PgPool) {
    let (world, contact, customer) = pair(&pool, Setup::default()).await;
    world.delete_contact(&contact);
    assert_eq!(world.next_webhook().await, Received::Recorded);
    let page = world.page_of(Side::Highlevel, &contact).await;
    let gone = page.gone.unwrap();
    assert_eq!((page.state, page.name.as_str(), gone.side), (PairState::Gone, "Ada Lovelace", Side::Highlevel));
    assert_eq!(gone.how, "A webhook told of it, and asked for by its id it was not there.");
    let kept = gone.kept_until.instant() - gone.at.instant();
    assert_eq!(kept, time::Duration::days(60));
    let partner = gone.partner.unwrap();
    assert_eq!((partner.id, partner.is_known), (customer.to_string(), true));
    assert!(partner.what.starts_with("The customer waits for a decision."), "{}", partner.what);
    let city = page.fields.iter().find(|field| field.label == "City").unwrap();
    assert_eq!(city.highlevel.as_deref(), Some("Rome"));
    assert!(page.history.iter().any(|line| line.action == "record.unlinked"), "{:#?}", page.history);
    let listed = |state: &str, search: &str| RecordFilter {
        state: state.to_owned(),
        search: search.to_owned(),
        ..RecordFilter::default()
    };
    let viewer = world.viewer().await;
    for filter in [listed("gone", ""), listed("gone", "ada@gone.example"), listed("gone", contact.as_str())] {
        let rows = world.engine.records(&viewer, &filter).await.unwrap().rows;
        assert_eq!(rows.len(), 1, "{filter:?}");
        assert_eq!((rows[0].contact_id.as_deref(), rows[0].state), (Some(contact.as_str()), PairState::Gone));
    }
    // Whoever looks for the e-mail address finds both.
    assert_eq!(world.engine.records(&viewer, &listed("", "ada@gone.example")).await.unwrap().rows.len(), 2);
    world.delete_customer(customer);
    world.run("changes").await;
    let page = world.page_of(Side::Highlevel, &contact).await;
    assert_eq!(page.gone.unwrap().partner.unwrap().what, "The customer was deleted as well.");
    let gone = world.page_of(Side::Chargify, &customer.to_string()).await.gone.unwrap();
    assert_eq!(gone.how, "The site's events told of it, and asked for by its id it was not there.");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn what_was_deleted_long_ago_is_forgotten_but_its_partner_still_waits(pool: PgPool) {
    let (world, contact, customer) = pair(&pool, Setup::default()).await;
    world.delete_customer(customer);
    world.run("changes").await;
    assert_eq!(world.engine.purge_tombstones().await.unwrap(), 0);
    assert_eq!(world.long_after().await, 1);
    assert_eq!(world.engine.purge_tombstones().await.unwrap(), 0);
    let forgotten = world.engine.record(&world.viewer().await, SYNC, Side::Chargify, &customer.to_string()).await;
    assert!(forgotten.is_err(), "{forgotten:?}");
    assert_eq!(world.count("select count(*) from link where base <> '{}'").await, 0);
    let said = world.said("record.tombstones_purged").await;
    assert_eq!(said, ["Concord itself took away what was kept of records deleted long ago: 1"]);
    world.reset_stats();
    let run = world.run("full").await;
    assert_eq!((run.counts.created, run.counts.parked, world.writes()), (0, 1, 0), "{run:#?}");
    assert_eq!(world.page_of(Side::Highlevel, &contact).await.state, PairState::Waiting);
}
