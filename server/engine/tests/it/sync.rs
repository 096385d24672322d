//! The sync of many records: first run, half-filled target, second run, edits on either side.

use crate::support::{Setup, World};
use rand::{Rng as _, SeedableRng as _};
use sandbox::{Fault, FaultRule, seed::Reference};
use serde_json::json;
use sqlx::PgPool;
use std::time::Duration;

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_first_run_creates_every_eligible_contact_exactly_once(pool: PgPool) {
    let world = World::open(&pool, Setup { contacts: 400, latency_ms: 3, ..Setup::default() }).await;
    let run = world.run("full").await;
    assert_eq!(run.status, "complete", "{run:#?}");
    assert_eq!(run.counts.read, 400);
    assert_eq!(run.counts.created + run.counts.excluded + run.counts.ambiguous, 400, "{run:#?}");
    assert!(run.counts.created > 350, "{run:#?}");

    let created = usize::try_from(run.counts.created).unwrap();
    let mut references = world.references();
    references.sort_unstable();
    references.dedup();
    assert_eq!((world.customers(), references.len()), (created, created));
    let contacts = world.contact_ids();
    assert!(references.iter().all(|reference| contacts.contains(reference)));
    assert_eq!(world.links().await, i64::try_from(created).unwrap());
    assert_eq!(world.count("select count(*) from link where base = '{}'").await, 0, "every link has its base");
    assert_eq!(world.count("select count(*) from intent where phase <> 'done'").await, 0);

    let stats = world.sandbox.chargify.stats();
    assert!(stats.high_water <= 4, "at most four in flight: {}", stats.high_water);
    let (highlevel, chargify) = world.calls();
    assert_eq!((run.calls_highlevel, run.calls_chargify), (highlevel, chargify), "the run counts its calls");
    assert!((highlevel + chargify) as f64 / 400.0 <= 1.01, "{highlevel} + {chargify} calls for 400 contacts");

    let lines = world.audit_lines().await;
    assert_eq!(lines.iter().filter(|line| line.action == "record.created").count(), created);
    assert!(world.audit_verifies().await);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_half_filled_target_is_matched_and_nobody_is_created_twice(pool: PgPool) {
    let world = World::open(&pool, Setup { contacts: 120, customers: 60, ..Setup::default() }).await;
    let people = sandbox::seed::people(1, 120, 60);
    let twice = "double@half.example";
    let ambiguous = world.add_contact("Double", "Trouble", twice);
    for first_name in ["Double", "Dobble"] {
        world.add_customer(&[("first_name", first_name), ("last_name", "Trouble"), ("email", twice)]);
    }
    let before = world.customers();

    let run = world.run("full").await;
    assert_eq!(run.status, "complete", "{run:#?}");
    let created = usize::try_from(run.counts.created).unwrap();
    assert_eq!(world.customers(), before + created);
    assert!(created > 40, "{run:#?}");

    let references = world.references();
    for person in &people {
        let Some(customer) = &person.customer else { continue };
        if let Reference::Merchant(own) = &customer.reference {
            assert!(references.contains(own), "the merchant's own reference {own} is kept");
            assert!(!references.contains(&person.contact_id), "{own} has a double");
        }
        let email = person.email.as_deref().unwrap().to_lowercase();
        let shared = people.iter().filter(|other| other.email.as_deref().map(str::to_lowercase) == Some(email.clone()));
        if shared.count() == 1 {
            assert_eq!(world.customers_with_email(&email), 1, "{email} is there once");
        }
    }
    let by = |rule: &str| {
        let pool = world.pool.clone();
        let rule = rule.to_owned();
        async move {
            let count = sqlx::query_scalar::<_, i64>("select count(*) from link where matched_by = $1");
            count.bind(rule).fetch_one(&pool).await.unwrap()
        }
    };
    assert!(by("reference").await > 0 && by("e-mail").await > 0);
    let waiting = world.items_that(run.number, "ambiguous").await;
    assert_eq!(u64::try_from(waiting.len()).unwrap(), run.counts.ambiguous);
    assert!(waiting.iter().any(|item| item.contact_id.as_deref() == Some(ambiguous.as_str())), "{waiting:#?}");
    assert_eq!(world.customers_with_email(twice), 2);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_second_full_run_writes_nothing_and_a_run_without_changes_makes_two_calls(pool: PgPool) {
    let world = World::open(&pool, Setup { contacts: 60, customers: 30, ..Setup::default() }).await;
    world.run("full").await;

    world.reset_stats();
    let second = world.run("full").await;
    assert_eq!((second.status.as_str(), world.writes()), ("complete", 0), "{second:#?}");
    assert_eq!((second.counts.created, second.counts.updated, second.to_update), (0, 0, 0), "{second:#?}");

    world.reset_stats();
    let changes = world.run("changes").await;
    assert_eq!(changes.status, "complete", "{changes:#?}");
    assert_eq!(
        world.calls(),
        (1, 1),
        "{:#?} {:#?}",
        world.sandbox.highlevel.requests(),
        world.sandbox.chargify.requests()
    );
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_run_without_changes_makes_two_calls_right_after_the_first_run(pool: PgPool) {
    let world = World::open(&pool, Setup { contacts: 300, customers: 30, ..Setup::default() }).await;
    world.run("full").await;
    world.reset_stats();
    let changes = world.run("changes").await;
    assert_eq!((changes.counts.created, changes.counts.updated), (0, 0), "{changes:#?}");
    assert_eq!(world.calls(), (1, 1));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn what_changed_on_either_side_travels_with_the_next_run(pool: PgPool) {
    let world = World::open(&pool, Setup::default()).await;
    let ada = world.add_contact("Ada", "Lovelace", "ada@sync.example");
    let grace = world.add_contact("Grace", "Hopper", "grace@sync.example");
    world.run("full").await;
    let (ada_customer, grace_customer) = (world.customer_of(&ada), world.customer_of(&grace));

    // Chargify's instants are whole seconds: the edit is not in the second of our own write.
    world.sandbox.chargify.advance(Duration::from_secs(2));
    world.edit_contact(&ada, &json!({ "city": "London" }));
    world.edit_customer(grace_customer, &[("city", "Arlington")]);
    world.reset_stats();
    let run = world.run("changes").await;
    assert_eq!((run.status.as_str(), run.counts.updated), ("complete", 2), "{run:#?}");
    assert_eq!(world.writes(), 2);
    assert_eq!(world.customer_text(ada_customer, "city"), "London");
    assert_eq!(world.contact_text(&grace, "city").as_deref(), Some("Arlington"));

    world.reset_stats();
    world.run("changes").await;
    world.run("full").await;
    assert_eq!(world.writes(), 0, "nothing goes in circles");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_contact_made_after_the_first_run_is_created_by_the_next(pool: PgPool) {
    let world = World::open(&pool, Setup { contacts: 5, ..Setup::default() }).await;
    world.run("full").await;
    let late = world.add_contact("Late", "Comer", "late@sync.example");
    let run = world.run("changes").await;
    assert_eq!((run.counts.created, run.counts.failed), (1, 0), "{run:#?}");
    assert!(world.customer_by_reference(&late).is_some());
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn records_a_service_would_refuse_are_named_and_the_rest_goes_on(pool: PgPool) {
    let world = World::open(&pool, Setup::default()).await;
    let good = world.add_contact("Good", "Data", "good@dirty.example");
    let long = world.add_contact(&"x".repeat(300), "Long", "long@dirty.example");
    let nameless = world.add_contact_with(&json!({ "firstName": "Mono", "email": "mono@dirty.example" }));
    let mailless = world.add_contact_with(&json!({ "firstName": "No", "lastName": "Mail", "phone": "+15005550006" }));

    let run = world.run("full").await;
    assert_eq!(run.status, "complete_with_failures", "{run:#?}");
    assert_eq!((run.counts.created, run.counts.failed, run.counts.excluded), (1, 1, 2), "{run:#?}");
    assert!(world.customer_by_reference(&good).is_some());
    for (id, outcome) in [(&long, "failed"), (&nameless, "excluded"), (&mailless, "excluded")] {
        let items = world.items_that(run.number, outcome).await;
        let item = items.iter().find(|item| item.contact_id.as_ref() == Some(id)).unwrap();
        assert!(!item.reason.is_empty(), "{item:#?}");
        assert!(world.customer_by_reference(id).is_none());
    }
    let reasons = world.items_that(run.number, "failed").await;
    assert!(reasons[0].reason.contains("300"), "{reasons:#?}");

    // Nothing failed and nothing waits: what takes no part is no failure.
    world.edit_contact(&long, &json!({ "firstName": "Short" }));
    let run = world.run("full").await;
    assert_eq!((run.status.as_str(), run.counts.created, run.counts.excluded), ("complete", 1, 2), "{run:#?}");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_refusal_the_plan_could_not_foresee_fails_that_record_alone(pool: PgPool) {
    let world = World::open(&pool, Setup { contacts: 20, ..Setup::default() }).await;
    let refusal = Fault::Status {
        status: 422,
        body: Some(json!({ "errors": ["First name: is not to our taste."] })),
        retry_after: None,
    };
    world.sandbox.chargify.set_faults(vec![FaultRule::next(1, "POST /customers.json", refusal)]);
    let run = world.run("full").await;
    assert_eq!((run.status.as_str(), run.counts.failed), ("complete_with_failures", 1), "{run:#?}");
    let failed = world.items_that(run.number, "failed").await;
    assert!(failed[0].outcome_detail.as_ref().unwrap().contains("not to our taste"), "{failed:#?}");
    let again = world.run("full").await;
    assert_eq!((again.status.as_str(), again.counts.created), ("complete", 1), "{again:#?}");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_dry_run_says_what_it_would_do_and_writes_nothing(pool: PgPool) {
    let world = World::open(&pool, Setup { contacts: 50, customers: 20, ..Setup::default() }).await;
    let dry = world.run("dry-run").await;
    assert_eq!((dry.status.as_str(), world.writes(), world.links().await), ("complete", 0, 0), "{dry:#?}");
    assert_eq!(world.count("select count(*) from intent").await, 0);
    assert!(dry.to_create > 0 && dry.to_update > 0, "{dry:#?}");
    assert_eq!(dry.counts.read, dry.counts.settled() + dry.to_create + dry.to_update, "{dry:#?}");

    let real = world.run("full").await;
    assert_eq!((real.counts.created, real.counts.updated), (dry.to_create, dry.to_update), "{real:#?}");
    assert_eq!(
        real.calls_chargify + real.calls_highlevel,
        world.calls().0 + world.calls().1 - dry.calls_chargify - dry.calls_highlevel
    );
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn customers_without_a_contact_get_one_where_the_sync_says_so(pool: PgPool) {
    let world = World::open(&pool, Setup { more: "create_contacts = true", ..Setup::default() }).await;
    let id = world.add_customer(&[("first_name", "Only"), ("last_name", "There"), ("email", "only@there.example")]);
    let run = world.run("full").await;
    assert_eq!((run.status.as_str(), run.counts.created), ("complete", 1), "{run:#?}");
    let contact = world.contact_ids().pop().unwrap();
    assert_eq!(world.contact_text(&contact, "email").as_deref(), Some("only@there.example"));
    assert_eq!(world.links().await, 1);
    world.reset_stats();
    let again = world.run("full").await;
    assert_eq!((again.counts.created, again.counts.updated, world.writes()), (0, 0, 0), "{again:#?}");
    assert!(world.customer_text(id, "reference").is_empty());
}

/// Whatever people do on both sides, one run brings them into step and the next finds nothing to do.
#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn after_any_edits_one_run_settles_everything(pool: PgPool) {
    let world = World::open(&pool, Setup { contacts: 40, customers: 20, ..Setup::default() }).await;
    world.run("full").await;
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(7);
    for round in 0..4 {
        // Not within the second of our own writes, nor both sides within one: then only a person could say who was last.
        world.sandbox.chargify.advance(Duration::from_secs(4));
        let contacts = world.contact_ids();
        let references = world.references();
        for _ in 0..12 {
            let word = format!("Word{}", rng.random_range(0..1_000));
            let contact = &contacts[rng.random_range(0..contacts.len())];
            match rng.random_range(0..5) {
                0 => world.edit_contact(contact, &json!({ "firstName": word })),
                1 => world.edit_contact(contact, &json!({ "city": word, "companyName": "" })),
                2 => drop(world.add_contact("New", &word, &format!("{word}-{round}@any.example"))),
                which => {
                    let reference = &references[rng.random_range(0..references.len())];
                    let id = world.customer_of(reference);
                    let fields = if which == 3 { ("last_name", word.as_str()) } else { ("organization", "") };
                    world.edit_customer(id, &[fields]);
                }
            }
        }
        let mode = if round % 2 == 0 { "changes" } else { "full" };
        let run = world.run(mode).await;
        assert!(matches!(run.status.as_str(), "complete" | "complete_with_failures"), "{run:#?}");
        assert_eq!(run.counts.failed, 0, "{run:#?}");
        for mode in ["changes", "full"] {
            world.reset_stats();
            let calm = world.run(mode).await;
            assert_eq!(
                (calm.counts.created, calm.counts.updated, world.writes()),
                (0, 0, 0),
                "{round} {mode}: {calm:#?}"
            );
        }
    }
    assert!(world.audit_verifies().await);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn what_a_listing_shows_late_is_not_missed(pool: PgPool) {
    let world = World::open(&pool, Setup { lag_ms: 1_500, ..Setup::default() }).await;
    let early = world.add_contact("Early", "Bird", "early@sync.example");
    world.sandbox.highlevel.advance(Duration::from_secs(2));
    // Not yet in the listing when the first run reads it.
    let late = world.add_contact("Late", "Comer", "late@sync.example");
    let run = world.run("full").await;
    assert_eq!((run.counts.read, run.counts.created), (1, 1), "{run:#?}");
    world.sandbox.highlevel.advance(Duration::from_secs(2));
    world.sandbox.chargify.advance(Duration::from_secs(4));
    let run = world.run("changes").await;
    assert_eq!((run.counts.created, run.counts.updated), (1, 0), "{run:#?}");
    assert!(world.customer_by_reference(&early).is_some() && world.customer_by_reference(&late).is_some());

    // An edit whose event shows up late.
    world.edit_customer(world.customer_of(&early), &[("first_name", "Swift")]);
    world.run("changes").await;
    world.sandbox.chargify.advance(Duration::from_secs(4));
    world.run("changes").await;
    assert_eq!(world.contact_text(&early, "firstName").as_deref(), Some("Swift"));
}
