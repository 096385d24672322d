//! Custom fields made for billing facts, on request and from a file.

use crate::support::{SYNC, Setup, World};
use domain::Side;
use engine::EngineError;
use sandbox::{Fault, FaultRule, chargify::subscriptions::SubscriptionState};
use serde_json::json;
use sqlx::PgPool;

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_custom_field_is_made_for_a_fact_on_request_and_never_twice(pool: PgPool) {
    let world = World::open(&pool, Setup::default()).await;
    let editor = world.viewer().await.editor().unwrap();
    let viewer = world.viewer().await;
    let shown = world.engine.billing_facts(&viewer, SYNC).await.unwrap();
    let price = shown.iter().find(|fact| fact.key == "subscription.price").unwrap();
    assert_eq!((price.label.as_str(), price.kind.as_deref()), ("Subscription price", Some("amount of money")));
    assert_eq!((price.told_in.as_deref(), price.is_there, world.calls()), (None, false, (0, 0)), "looking asks nobody");

    let wanted = ["subscription.price".to_owned(), "subscription.tags".to_owned()];
    let done = world.engine.tell_billing_facts(&editor, SYNC, &wanted).await.unwrap();
    let expected = [
        "custom field Subscription price (amount of money) made in GoHighLevel".to_owned(),
        "mapping saved as version 2".to_owned(),
    ];
    assert_eq!(done, expected);
    assert_eq!(world.calls_to(Side::Highlevel, "POST /locations/{id}/customFields"), 1);
    let again = world.engine.tell_billing_facts(&editor, SYNC, &wanted).await.unwrap();
    assert_eq!((again, world.writes()), (Vec::<String>::new(), 1));
    let shown = world.engine.billing_facts(&viewer, SYNC).await.unwrap();
    let told: Vec<_> = shown.iter().filter_map(|fact| fact.told_in.as_deref()).collect();
    assert_eq!(told, ["Subscription price", "Tags"]);
    let lines = world.audit_lines().await;
    let said = |words: &str| lines.iter().any(|line| line.words.contains(words));
    assert!(said("made the custom field Subscription price in GoHighLevel of the connection crm"), "{lines:#?}");

    // It works at once.
    let customer = world.add_customer(&[("first_name", "Ada"), ("last_name", "Bill"), ("email", "ada@bill.example")]);
    world.sign_up(customer, "pro", SubscriptionState::Active);
    let contact = world.add_contact("Ada", "Bill", "ada@bill.example");
    let run = world.run("full").await;
    assert_eq!((run.status.as_str(), run.resting.len()), ("complete", 0), "{run:#?}");
    assert_eq!(world.held(&contact, "Subscription price"), Some(json!(49)));
    assert_eq!(world.tags_of(&contact), ["chargify:active"]);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn after_a_lost_answer_the_field_that_was_made_is_found_by_its_name(pool: PgPool) {
    let world = World::open(&pool, Setup::default()).await;
    let editor = world.viewer().await.editor().unwrap();
    let lost = Fault::ResetAfter;
    world.sandbox.highlevel.set_faults(vec![FaultRule::always("POST /locations/*/customFields", lost)]);
    let wanted = ["subscription.state".to_owned()];
    world.engine.tell_billing_facts(&editor, SYNC, &wanted).await.unwrap_err();
    let rules = world.engine.sync(&world.viewer().await, SYNC).await.unwrap().rules;
    assert!(rules.iter().all(|rule| rule.chargify != "subscription.state"), "nothing is mapped on a guess");
    world.sandbox.highlevel.set_faults(Vec::new());
    let done = world.engine.tell_billing_facts(&editor, SYNC, &wanted).await.unwrap();
    assert_eq!(done, ["mapping saved as version 2"]);
    let named = |name: &str| {
        world
            .sandbox
            .highlevel
            .with(|rules, _| rules.main().unwrap().fields.iter().filter(|one| one.name == name).count())
    };
    assert_eq!(named("Subscription state"), 1);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_fact_that_is_not_known_and_a_field_of_another_type_are_refused_before_anything_is_made(pool: PgPool) {
    let world = World::open(&pool, Setup::default()).await;
    let editor = world.viewer().await.editor().unwrap();
    let tell = async |facts: &[&str]| {
        let facts: Vec<String> = facts.iter().map(|fact| (*fact).to_owned()).collect();
        let refused = world.engine.tell_billing_facts(&editor, SYNC, &facts).await;
        let Err(EngineError::Invalid(words)) = refused else { panic!("{refused:?}") };
        words
    };
    let words = tell(&["subscription.state", "subscription.colour"]).await;
    assert!(
        words[0].starts_with("subscription.colour is no billing fact; choose from subscription.state,"),
        "{words:?}"
    );
    world.sandbox.highlevel.with(|rules, _| {
        assert!(rules.rename_custom_field("Account Notes", "subscription STATE"));
    });
    let words = tell(&["subscription.price", "subscription.state"]).await;
    assert!(words[0].contains("has a custom field subscription STATE of another type (long text)"), "{words:?}");
    assert_eq!(world.writes(), 0);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_file_asks_for_facts_by_name_and_applying_it_twice_changes_nothing(pool: PgPool) {
    let more = "billing_facts = [\"subscription.state\", \"subscription.tags\"]";
    let world = World::open(&pool, Setup { more, ..Setup::default() }).await;
    assert_eq!(world.calls_to(Side::Highlevel, "POST /locations/{id}/customFields"), 1);
    let rules = world.engine.sync(&world.viewer().await, SYNC).await.unwrap().rules;
    let facts: Vec<_> = rules.iter().filter(|rule| rule.chargify.starts_with("subscription.")).collect();
    assert_eq!(
        facts.iter().map(|rule| rule.highlevel_label.as_str()).collect::<Vec<_>>(),
        ["Subscription state", "Tags"]
    );
    assert_eq!(rules.len(), 12, "the default mapping, and two facts");
    let exported = world.engine.export(&world.viewer().await).await.unwrap();
    assert!(exported.contains("chargify = \"subscription.state\"\ndirection = \"to_highlevel\""), "{exported}");

    world.reset_stats();
    let setup = Setup { more, ..Setup::default() };
    assert_eq!(world.applied(&setup).await.unwrap(), Vec::<String>::new());
    assert_eq!(world.calls(), (0, 0));
    let wrong = Setup { more: "billing_facts = [\"subscription.colour\"]", ..Setup::default() };
    let Err(EngineError::Invalid(words)) = world.applied(&wrong).await else { panic!("it was taken") };
    assert!(words[0].contains("billing_facts: subscription.colour is no billing fact"), "{words:?}");
}
