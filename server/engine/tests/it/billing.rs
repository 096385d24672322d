//! Billing facts: subscriptions read by a full run, kept by webhooks and events, told to GoHighLevel as fields and tags.

mod making;

use crate::support::{SYNC, Setup, World};
use domain::Side;
use engine::{EngineError, Received};
use sandbox::chargify::{
    products::Product,
    subscriptions::{Signup, SubscriptionState},
};
use serde_json::json;
use sqlx::PgPool;
use std::time::Duration;

const LIST: &str = "GET /subscriptions.json";
const READ: &str = "GET /subscriptions/{id}.json";

impl World {
    /// Tells facts to custom fields, by the names of both, or to `tags`.
    async fn tell(&self, facts: &[(&str, &str)]) -> Result<(), EngineError> {
        let field = |name: &str| match name {
            "tags" => "tags".to_owned(),
            own => format!("customField:{}", self.field(own)),
        };
        let rules: Vec<_> = facts.iter().map(|(name, fact)| (field(name), format!("subscription.{fact}"))).collect();
        let rules: Vec<_> = rules.iter().map(|(name, fact)| (name.as_str(), fact.as_str(), "to_highlevel")).collect();
        self.map(&rules).await
    }

    fn tags_of(&self, contact: &str) -> Vec<String> {
        self.sandbox.highlevel.with(|rules, _| rules.contact(contact).unwrap().tags.clone())
    }

    fn sign_up(&self, customer_id: i64, product: &str, state: SubscriptionState) -> i64 {
        let product = Product::find(None, Some(product)).unwrap();
        let collection_method = "remittance".to_owned();
        let signup = Signup { customer_id, product, state, reference: None, collection_method };
        self.sandbox.chargify.with(|rules, now| rules.add_subscription(signup, now))
    }

    fn enter(&self, subscription: i64, state: SubscriptionState) {
        assert!(self.sandbox.chargify.with(|rules, now| rules.set_subscription_state(subscription, state, now)));
    }

    /// Chargify's instants are whole seconds: what follows is not in the second of what was before.
    fn later(&self) {
        self.sandbox.chargify.advance(Duration::from_secs(2));
    }

    async fn last_told(&self) -> (String, String) {
        let newest = self.deliveries().await.into_iter().next().unwrap();
        (newest.outcome.unwrap_or_default(), newest.detail.unwrap_or_default())
    }
}

/// A linked pair whose customer has an active subscription to the Pro plan, told as told by `facts`; no webhook is left on
/// its way.
async fn subscriber(pool: &PgPool, facts: &[(&str, &str)]) -> (World, String, i64, i64) {
    let world = World::open(pool, Setup::default()).await;
    world.tell(facts).await.unwrap();
    let customer = world.add_customer(&[("first_name", "Ada"), ("last_name", "Bill"), ("email", "ada@bill.example")]);
    let subscription = world.sign_up(customer, "pro", SubscriptionState::Active);
    let contact = world.add_contact("Ada", "Bill", "ada@bill.example");
    world.skip_webhooks(3).await;
    world.later();
    let run = world.run("full").await;
    assert_eq!(run.status, "complete", "{run:#?}");
    // The reference, and what was told.
    world.skip_webhooks(1 + world.calls_to(Side::Highlevel, "PUT /contacts/{id}")).await;
    let tagged = world.calls_to(Side::Highlevel, "POST /contacts/{id}/tags");
    world.skip_webhooks(tagged).await;
    world.later();
    world.sandbox.highlevel.advance(Duration::from_secs(2));
    world.reset_stats();
    (world, contact, customer, subscription)
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_full_run_tells_facts_as_fields_of_their_type_and_as_a_tag(pool: PgPool) {
    let facts = [
        ("VAT Number", "state"),
        ("Account Notes", "product"),
        ("Contract Value", "price"),
        ("Renewal Date", "next_billing"),
        ("tags", "tags"),
    ];
    let (world, contact, _, _) = subscriber(&pool, &facts).await;
    assert_eq!(world.held(&contact, "VAT Number"), Some(json!("active")));
    assert_eq!(world.held(&contact, "Account Notes"), Some(json!("Pro Plan")));
    assert_eq!(world.held(&contact, "Contract Value"), Some(json!(49)));
    assert!(world.held(&contact, "Renewal Date").unwrap().as_str().unwrap().starts_with("20"));
    assert_eq!(world.tags_of(&contact), ["chargify:active"]);

    world.reset_stats();
    let again = world.run("full").await;
    assert_eq!((world.writes(), world.calls_to(Side::Chargify, LIST)), (0, 1), "one page more: {again:#?}");
    let (highlevel, chargify) = world.calls();
    assert_eq!((again.predicted_highlevel, again.predicted_chargify), (highlevel, chargify), "it is told beforehand");
    world.reset_stats();
    world.run("changes").await;
    assert_eq!(world.calls(), (1, 1), "nothing changed: {:#?}", world.sandbox.chargify.requests());
    world.assert_no_transaction_was_open();
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn where_no_fact_is_mapped_no_subscription_is_asked_for(pool: PgPool) {
    let (world, ..) = subscriber(&pool, &[]).await;
    world.run("full").await;
    world.run("changes").await;
    assert_eq!(world.calls_to(Side::Chargify, LIST), 0);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_change_of_a_mapped_fact_costs_one_call_and_its_duplicate_and_its_echo_none(pool: PgPool) {
    let (world, contact, _, subscription) = subscriber(&pool, &[("VAT Number", "state")]).await;
    world.enter(subscription, SubscriptionState::PastDue);
    let told = world.webhook().await;
    assert_eq!(world.receive(&told).await, Received::Recorded);
    world.drain().await;
    assert_eq!(world.held(&contact, "VAT Number"), Some(json!("past_due")));
    assert_eq!(world.calls(), (1, 0), "one write, and nothing is asked: {:?}", world.last_told().await);
    assert_eq!(world.last_told().await.0, "updated");

    world.reset_stats();
    assert_eq!(world.receive(&told).await, Received::Repeated);
    world.drain().await;
    world.next_webhook().await;
    assert_eq!((world.calls(), world.last_told().await.0.as_str()), ((0, 0), "echo"));
    let lines = world.audit_lines().await;
    assert!(lines.iter().any(|line| line.actor_name.contains("subscription_state_change")), "{lines:#?}");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_change_that_is_not_mapped_costs_no_call(pool: PgPool) {
    let (world, _, _, subscription) = subscriber(&pool, &[("VAT Number", "state")]).await;
    let team = Product::find(None, Some("team")).unwrap();
    assert!(world.sandbox.chargify.with(|rules, now| rules.change_product(subscription, team, now)));
    world.next_webhook().await;
    let unchanged = ("unchanged".to_owned(), "Nothing that is mapped changed. No call was made.".to_owned());
    assert_eq!((world.calls(), world.last_told().await), ((0, 0), unchanged));
    let product: String = sqlx::query_scalar("select product from subscription").fetch_one(&world.pool).await.unwrap();
    assert_eq!(product, "Équipe & Friends", "it is kept all the same");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn webhooks_in_the_wrong_order_leave_the_newest_state(pool: PgPool) {
    let (world, contact, _, subscription) = subscriber(&pool, &[("VAT Number", "state")]).await;
    world.enter(subscription, SubscriptionState::PastDue);
    let older = world.webhook().await;
    world.later();
    world.enter(subscription, SubscriptionState::Canceled);
    let newer = world.webhook().await;
    world.enter(subscription, SubscriptionState::Active);
    let newest = world.webhook().await;
    world.receive(&newest).await;
    world.drain().await;
    assert_eq!(world.held(&contact, "VAT Number"), Some(json!("active")));
    for late in [newer, older] {
        world.receive(&late).await;
        world.drain().await;
    }
    assert_eq!(world.held(&contact, "VAT Number"), Some(json!("active")));
    assert_eq!(world.calls(), (0, 0), "what both agree on is not written, and what is stale changes nothing");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn the_tag_of_the_state_is_exchanged_and_others_are_left_alone(pool: PgPool) {
    let (world, contact, _, subscription) = subscriber(&pool, &[("tags", "tags")]).await;
    world.edit_contact(&contact, &json!({ "tags": ["chargify:active", "vip"] }));
    world.next_webhook().await;
    world.sandbox.highlevel.advance(Duration::from_secs(2));
    world.sandbox.chargify.advance(Duration::from_secs(4));
    world.reset_stats();
    world.enter(subscription, SubscriptionState::PastDue);
    world.next_webhook().await;
    let mut tags = world.tags_of(&contact);
    tags.sort();
    assert_eq!((tags, world.writes()), (vec!["chargify:past_due".to_owned(), "vip".to_owned()], 2));
    assert_eq!(world.calls().1, 0);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_payment_that_failed_is_told_until_one_is_made(pool: PgPool) {
    let facts = [("Renewal Date", "payment_failed"), ("Contract Value", "balance"), ("VAT Number", "state")];
    let (world, contact, _, subscription) = subscriber(&pool, &facts).await;
    assert!(world.sandbox.chargify.with(|rules, now| rules.fail_payment(subscription, now)));
    for _ in 0..2 {
        world.next_webhook().await;
    }
    assert_eq!(world.held(&contact, "VAT Number"), Some(json!("past_due")));
    assert_eq!(world.held(&contact, "Contract Value"), Some(json!(49)));
    assert!(world.held(&contact, "Renewal Date").is_some_and(|day| day.as_str().is_some_and(|day| day.len() == 10)));
    assert_eq!(world.calls_to(Side::Highlevel, "PUT /contacts/{id}"), 1, "payment and state are told in one write");
    assert_eq!(world.calls().1, 0);

    world.later();
    assert!(world.sandbox.chargify.with(|rules, now| rules.take_payment(subscription, now)));
    for _ in 0..3 {
        world.next_webhook().await;
    }
    assert_eq!(world.held(&contact, "VAT Number"), Some(json!("active")));
    assert!(world.held(&contact, "Renewal Date").is_none_or(|day| day == json!("") || day.is_null()));
    assert_eq!(world.calls().1, 0);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn customers_with_none_with_several_and_with_ended_subscriptions_are_told_the_one_that_counts(pool: PgPool) {
    let world = World::open(&pool, Setup::default()).await;
    world.tell(&[("VAT Number", "state"), ("Account Notes", "product")]).await.unwrap();
    let pair = |name: &str| {
        let email = format!("{name}@bill.example");
        let customer = world.add_customer(&[("first_name", name), ("last_name", "Bill"), ("email", &email)]);
        (world.add_contact(name, "Bill", &email), customer)
    };
    let (none, several, ended) = (pair("none"), pair("several"), pair("ended"));
    world.sign_up(several.1, "pro", SubscriptionState::Active);
    world.later();
    world.sign_up(several.1, "team", SubscriptionState::Canceled);
    world.sign_up(ended.1, "basic", SubscriptionState::Expired);
    world.later();
    let last = world.sign_up(ended.1, "free", SubscriptionState::Canceled);
    let run = world.run("full").await;
    assert_eq!(run.status, "complete", "{run:#?}");
    assert_eq!((world.held(&none.0, "VAT Number"), world.held(&none.0, "Account Notes")), (None, None));
    assert_eq!(world.held(&several.0, "Account Notes"), Some(json!("Pro Plan")));
    assert_eq!(world.held(&ended.0, "VAT Number"), Some(json!("canceled")));
    assert_eq!(world.held(&ended.0, "Account Notes"), Some(json!("Free Plan")));

    // The other one comes back to life.
    world.later();
    world.enter(last, SubscriptionState::Expired);
    world.reset_stats();
    world.run("full").await;
    assert_eq!(world.held(&ended.0, "VAT Number"), Some(json!("expired")));
    assert_eq!(world.writes(), 1);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn nothing_is_told_of_anybody_before_all_subscriptions_were_read(pool: PgPool) {
    let (world, contact, customer, _) = subscriber(&pool, &[]).await;
    world.tell(&[("VAT Number", "state")]).await.unwrap();
    let second = world.sign_up(customer, "team", SubscriptionState::Canceled);
    world.next_webhook().await;
    world.enter(second, SubscriptionState::Expired);
    world.next_webhook().await;
    assert_eq!((world.held(&contact, "VAT Number"), world.writes()), (None, 0));
    // A run that needs them for the first time reads them whole, whatever its mode.
    let run = world.run("changes").await;
    assert_eq!(
        (run.status.as_str(), world.held(&contact, "VAT Number")),
        ("complete", Some(json!("active"))),
        "{run:#?}"
    );
    assert_eq!(world.calls_to(Side::Chargify, LIST), 1);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn what_no_webhook_told_is_heard_of_by_events(pool: PgPool) {
    let (world, contact, _, subscription) = subscriber(&pool, &[("VAT Number", "state")]).await;
    world.enter(subscription, SubscriptionState::Unpaid);
    world.skip_webhooks(1).await;
    let run = world.run("changes").await;
    assert_eq!(
        (run.status.as_str(), world.held(&contact, "VAT Number")),
        ("complete", Some(json!("unpaid"))),
        "{run:#?}"
    );
    assert_eq!(
        (world.calls_to(Side::Chargify, READ), world.calls_to(Side::Chargify, "GET /customers/{id}.json")),
        (1, 0)
    );
    assert_eq!(world.writes(), 1);
    world.reset_stats();
    world.run("changes").await;
    assert_eq!(world.calls(), (1, 1), "{:#?}", world.sandbox.chargify.requests());
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn many_missed_changes_are_read_by_one_list(pool: PgPool) {
    let (world, contact, customer, subscription) = subscriber(&pool, &[("VAT Number", "state")]).await;
    world.enter(subscription, SubscriptionState::Canceled);
    let next = world.sign_up(customer, "team", SubscriptionState::Trialing);
    world.later();
    world.enter(next, SubscriptionState::PastDue);
    world.skip_webhooks(3).await;
    world.run("changes").await;
    assert_eq!(world.held(&contact, "VAT Number"), Some(json!("past_due")));
    assert_eq!((world.calls_to(Side::Chargify, LIST), world.calls_to(Side::Chargify, READ)), (1, 0));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_subscription_that_was_deleted_no_longer_counts(pool: PgPool) {
    let (world, contact, _, subscription) = subscriber(&pool, &[("VAT Number", "state")]).await;
    assert!(world.sandbox.chargify.with(|rules, now| rules.purge(subscription, now)));
    world.run("changes").await;
    assert_eq!(world.held(&contact, "VAT Number").filter(|value| *value != json!("")), None);
    assert_eq!((world.writes(), world.calls_to(Side::Chargify, LIST), world.calls_to(Side::Chargify, READ)), (1, 0, 0));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_fact_is_never_written_to_chargify(pool: PgPool) {
    let world = World::open(&pool, Setup::default()).await;
    let before = world.engine.sync(&world.viewer().await, SYNC).await.unwrap();
    for direction in ["both", "to_chargify"] {
        let refused = world.map(&[("source", "subscription.state", direction)]).await;
        let Err(EngineError::Invalid(words)) = refused else { panic!("{refused:?}") };
        let words = format!("{words:?}");
        assert!(words.contains("a billing fact is what Chargify bills"), "{words}");
    }
    let after = world.engine.sync(&world.viewer().await, SYNC).await.unwrap();
    assert_eq!(after.rules.len(), before.rules.len());
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn while_the_sync_is_off_the_copy_is_kept_and_the_next_run_tells_it(pool: PgPool) {
    let world = World::open(&pool, Setup { enabled: false, ..Setup::default() }).await;
    world.tell(&[("VAT Number", "state")]).await.unwrap();
    let customer = world.add_customer(&[("first_name", "Ada"), ("last_name", "Bill"), ("email", "ada@bill.example")]);
    let subscription = world.sign_up(customer, "pro", SubscriptionState::Active);
    let contact = world.add_contact("Ada", "Bill", "ada@bill.example");
    world.skip_webhooks(3).await;
    world.run("full").await;
    world.skip_webhooks(2).await;
    world.later();
    world.reset_stats();
    world.enter(subscription, SubscriptionState::OnHold);
    world.next_webhook().await;
    let state: String = sqlx::query_scalar("select state from subscription").fetch_one(&world.pool).await.unwrap();
    assert_eq!((state.as_str(), world.calls()), ("on_hold", (0, 0)));
    world.run("full").await;
    assert_eq!(world.held(&contact, "VAT Number"), Some(json!("on_hold")));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_record_shows_what_its_customer_pays_for_and_the_first_screen_how_fresh_that_is(pool: PgPool) {
    let (world, contact, customer, subscription) = subscriber(&pool, &[("VAT Number", "state")]).await;
    world.sign_up(customer, "basic", SubscriptionState::Canceled);
    world.next_webhook().await;
    assert!(world.sandbox.chargify.with(|rules, now| rules.fail_payment(subscription, now)));
    world.next_webhook().await;
    world.reset_stats();
    let viewer = world.viewer().await;
    let record = world.engine.record(&viewer, SYNC, Side::Highlevel, &contact).await.unwrap();
    let billing = record.billing.unwrap();
    let shown: Vec<_> = billing.subscriptions.iter().map(|one| (one.product.as_str(), one.state.as_str())).collect();
    assert_eq!(shown, [("Pro Plan", "Past due"), ("Basic Plan", "Canceled")]);
    let first = billing.subscriptions.first().unwrap();
    assert_eq!((first.balance.as_deref(), first.owes, first.governs), (Some("49.00 USD"), true, true));
    assert!(first.payment_failed.as_deref().unwrap().starts_with("A payment of 49.00 USD failed on 20"));
    assert!(billing.current_at.is_some() && billing.heard_at.is_some());
    let copies = world.engine.overview(&viewer).await.unwrap().subscriptions;
    let shown: Vec<_> = copies.iter().map(|copy| (copy.connection.as_str(), copy.subscriptions)).collect();
    assert_eq!((shown, copies[0].current_at.is_some(), world.calls()), (vec![("billing", 2)], true, (0, 0)));
}
