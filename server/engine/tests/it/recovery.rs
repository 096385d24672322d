//! When answers are lost, services refuse, or a process dies in the middle: exactly one record, and nothing lost.

use crate::support::{Setup, World, until};
use domain::{Side, view::RunView};
use engine::{Approval, Worker};
use sandbox::{Fault, FaultRule};
use sqlx::PgPool;
use std::time::Duration;

const CREATE: &str = "POST /customers.json";
const LOOK_UP: &str = "GET /customers/lookup.json";

/// A first run of ten contacts in which that happens to the first create.
async fn with_fault(pool: &PgPool, fault: Fault) -> (World, RunView) {
    let world = World::open(pool, Setup::default()).await;
    for number in 0..10 {
        world.add_contact("Con", &format!("Tact{number}"), &format!("c{number}@recovery.example"));
    }
    world.sandbox.chargify.set_faults(vec![FaultRule::next(1, CREATE, fault)]);
    let run = world.run("full").await;
    assert_eq!((run.status.as_str(), run.counts.created, run.counts.failed), ("complete", 10, 0), "{run:#?}");
    assert_eq!((world.customers(), world.links().await), (10, 10));
    assert_eq!(world.count("select count(*) from intent where phase <> 'done'").await, 0);
    assert_eq!(world.items_that(run.number, "created").await.len(), 10);
    world.reset_faults_and_check_calm().await;
    (world, run)
}

impl World {
    /// Afterwards both sides are in step: nothing was half done.
    async fn reset_faults_and_check_calm(&self) {
        self.sandbox.chargify.set_faults(Vec::new());
        self.sandbox.highlevel.set_faults(Vec::new());
        let before = self.calls_to(Side::Chargify, CREATE);
        let calm = self.run("full").await;
        assert_eq!((calm.counts.created, calm.counts.updated), (0, 0), "{calm:#?}");
        assert_eq!(self.calls_to(Side::Chargify, CREATE), before);
    }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_create_whose_answer_is_lost_is_looked_up_and_not_sent_again(pool: PgPool) {
    let (world, _) = with_fault(&pool, Fault::ResetAfter).await;
    assert_eq!((world.calls_to(Side::Chargify, CREATE), world.calls_to(Side::Chargify, LOOK_UP)), (10, 1));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_create_that_times_out_after_it_was_done_is_looked_up_and_not_sent_again(pool: PgPool) {
    let (world, _) = with_fault(&pool, Fault::TimeoutAfter { ms: 100 }).await;
    assert_eq!((world.calls_to(Side::Chargify, CREATE), world.calls_to(Side::Chargify, LOOK_UP)), (10, 1));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_create_that_never_arrived_is_looked_up_and_sent_once_more(pool: PgPool) {
    let (world, _) = with_fault(&pool, Fault::TimeoutBefore { ms: 100 }).await;
    assert_eq!((world.calls_to(Side::Chargify, CREATE), world.calls_to(Side::Chargify, LOOK_UP)), (11, 1));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_server_error_on_a_create_is_looked_up_before_it_is_sent_again(pool: PgPool) {
    let fault = Fault::Status { status: 503, body: None, retry_after: None };
    let (world, _) = with_fault(&pool, fault).await;
    assert_eq!((world.calls_to(Side::Chargify, CREATE), world.calls_to(Side::Chargify, LOOK_UP)), (11, 1));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_error_that_hides_a_success_is_found_out(pool: PgPool) {
    let (world, _) = with_fault(&pool, Fault::StatusAfter { status: 500, body: None }).await;
    assert_eq!((world.calls_to(Side::Chargify, CREATE), world.calls_to(Side::Chargify, LOOK_UP)), (10, 1));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_answer_that_breaks_off_is_looked_up(pool: PgPool) {
    let (world, _) = with_fault(&pool, Fault::Truncate).await;
    assert_eq!((world.calls_to(Side::Chargify, CREATE), world.calls_to(Side::Chargify, LOOK_UP)), (10, 1));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_refusal_for_too_many_requests_pauses_the_lane_and_loses_nothing(pool: PgPool) {
    let fault = Fault::Status { status: 429, body: None, retry_after: Some(1) };
    let (world, _) = with_fault(&pool, fault).await;
    assert_eq!((world.calls_to(Side::Chargify, CREATE), world.calls_to(Side::Chargify, LOOK_UP)), (11, 0));
    assert_eq!(world.count("select count(*) from lane where pause_ms >= 1000").await, 1, "the lane was paused");
    let requests = world.sandbox.chargify.requests();
    let refused = requests.iter().find(|request| request.status == Some(429)).unwrap();
    let late = requests.iter().filter(|one| one.at > refused.at + time::Duration::milliseconds(300));
    assert!(late.clone().all(|one| one.at > refused.at + time::Duration::milliseconds(900)), "nobody called meanwhile");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn reading_is_repeated_when_a_service_stumbles(pool: PgPool) {
    let world = World::open(&pool, Setup { contacts: 30, customers: 10, ..Setup::default() }).await;
    let error = |status| Fault::Status { status, body: None, retry_after: Some(1) };
    world.sandbox.highlevel.set_faults(vec![
        FaultRule::next(1, "POST /contacts/search", error(502)),
        FaultRule::next(1, "POST /contacts/search", error(429)),
        FaultRule::next(1, "POST /contacts/search", Fault::Truncate),
    ]);
    world.sandbox.chargify.set_faults(vec![
        FaultRule::next(1, "GET /customers.json", error(503)),
        FaultRule::next(1, "GET /customers.json", Fault::Truncate),
        FaultRule::next(1, "GET /events.json", Fault::Reset),
    ]);
    let run = world.run("full").await;
    assert_eq!((run.status.as_str(), run.counts.read), ("complete", 30), "{run:#?}");
    assert!(run.counts.created > 0);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn updates_of_contacts_survive_the_same_faults(pool: PgPool) {
    let world = World::open(&pool, Setup::default()).await;
    let contacts: Vec<String> = (0..6)
        .map(|number| world.add_contact("Up", &format!("Date{number}"), &format!("u{number}@recovery.example")))
        .collect();
    world.run("full").await;
    world.sandbox.chargify.advance(std::time::Duration::from_secs(2));
    for contact in &contacts {
        world.edit_customer(world.customer_of(contact), &[("first_name", "Changed")]);
    }
    let put = "PUT /contacts/*";
    world.sandbox.highlevel.set_faults(vec![
        FaultRule::next(1, put, Fault::ResetAfter),
        FaultRule::next(1, put, Fault::Reset),
        FaultRule::next(1, put, Fault::Status { status: 503, body: None, retry_after: None }),
        FaultRule::next(1, put, Fault::Status { status: 429, body: None, retry_after: Some(1) }),
        FaultRule::next(1, put, Fault::Truncate),
    ]);
    let run = world.run("changes").await;
    assert_eq!((run.status.as_str(), run.counts.updated), ("complete", 6), "{run:#?}");
    assert!(contacts.iter().all(|contact| world.contact_text(contact, "firstName").as_deref() == Some("Changed")));
    world.reset_faults_and_check_calm().await;
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_service_that_stays_away_fails_the_run_and_the_next_one_completes(pool: PgPool) {
    let world = World::open(&pool, Setup { contacts: 20, ..Setup::default() }).await;
    let away = Fault::Status { status: 503, body: None, retry_after: None };
    world.sandbox.highlevel.set_faults(vec![FaultRule::always("POST /contacts/search", away)]);
    let run = world.run("full").await;
    assert_eq!((run.status.as_str(), world.writes()), ("failed", 0), "{run:#?}");
    assert!(run.detail.unwrap().contains("GoHighLevel"));
    world.sandbox.highlevel.set_faults(Vec::new());
    let run = world.run("full").await;
    assert_eq!(run.status, "complete", "{run:#?}");
}

/// Starts a run, lets it get as far as that, kills its process, and lets another one carry it to its end.
async fn killed_when(pool: &PgPool, far_enough: impl Fn(&World) -> bool) -> (World, RunView, u64) {
    let world = World::open(pool, Setup { contacts: 60, customers: 10, latency_ms: 20, ..Setup::default() }).await;
    let people = sandbox::seed::people(1, 60, 10);
    let number = world.start("full", Approval::Granted).await;
    let worker = Worker::new(world.engine.clone());
    let dying = tokio::spawn(async move { while worker.step().await.unwrap() {} });
    until("it gets that far", async || far_enough(&world)).await;
    dying.abort();
    assert!(dying.await.unwrap_err().is_cancelled(), "it was killed in the middle");
    let world = world.restarted().await;
    world.drain().await;

    let run = world.ended(number).await;
    assert_eq!(run.status, "complete", "{run:#?}");
    let mut references = world.references();
    let count = references.len();
    references.sort_unstable();
    references.dedup();
    assert_eq!(references.len(), count, "no reference twice");
    for person in people.iter().filter(|person| person.in_highlevel && person.can_be_customer()) {
        let email = person.email.as_deref().unwrap();
        let shared =
            people.iter().filter(|other| other.email.as_deref().is_some_and(|other| other.eq_ignore_ascii_case(email)));
        if shared.count() == 1 {
            assert_eq!(world.customers_with_email(email), 1, "{email} is there once");
        }
    }
    assert_eq!(world.count("select count(*) from intent where phase in ('sent', 'ambiguous')").await, 0);
    let calls_expected = run.counts.created;
    let lists = world.calls_to(Side::Chargify, "GET /customers.json") - 1;
    let extra = world.calls_to(Side::Chargify, LOOK_UP) + lists;
    assert!(world.calls_to(Side::Chargify, CREATE) <= calls_expected + 6, "creates cut off in the middle only");
    assert!(world.audit_verifies().await);
    (world, run, extra)
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_process_killed_while_writing_leaves_nothing_double_and_nothing_undone(pool: PgPool) {
    let (world, _, look_ups) = killed_when(&pool, |world| world.customers() >= 25).await;
    assert_eq!(look_ups, 1, "one list answers for all that was on its way");
    assert!(world.sandbox.chargify.stats().high_water <= 4);
    world.reset_faults_and_check_calm().await;
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_process_killed_at_its_first_write_is_taken_over(pool: PgPool) {
    let (world, _, look_ups) = killed_when(&pool, |world| world.calls_to(Side::Chargify, CREATE) >= 1).await;
    assert!(look_ups <= 1, "{look_ups} look-ups");
    world.reset_faults_and_check_calm().await;
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_process_killed_while_reading_is_taken_over(pool: PgPool) {
    let (_, run, look_ups) = killed_when(&pool, |world| world.calls().1 >= 1).await;
    assert!(look_ups <= 1, "a page is read again");
    assert!(run.counts.created > 0);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn two_kills_in_one_run_are_no_worse_than_one(pool: PgPool) {
    let world = World::open(&pool, Setup { contacts: 60, latency_ms: 20, ..Setup::default() }).await;
    let number = world.start("full", Approval::Granted).await;
    let mut world = world;
    for customers in [10, 30] {
        let worker = Worker::new(world.engine.clone());
        let dying = tokio::spawn(async move {
            loop {
                if !worker.step().await.unwrap() {
                    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                }
            }
        });
        until("it gets that far", async || world.customers() >= customers).await;
        dying.abort();
        drop(dying.await);
        world = world.restarted().await;
    }
    world.drain().await;
    let run = world.ended(number).await;
    assert_eq!(run.status, "complete", "{run:#?}");
    assert_eq!(u64::try_from(world.customers()).unwrap(), run.counts.created);
    world.reset_faults_and_check_calm().await;
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn writes_a_dead_process_left_are_settled_even_when_their_run_failed(pool: PgPool) {
    let world = World::open(&pool, Setup { contacts: 40, latency_ms: 20, ..Setup::default() }).await;
    let number = world.start("full", Approval::Granted).await;
    let worker = Worker::new(world.engine.clone());
    let dying = tokio::spawn(async move { while worker.step().await.unwrap() {} });
    until("it gets that far", async || world.customers() >= 10).await;
    dying.abort();
    drop(dying.await);
    let world = world.restarted().await;
    world.sandbox.chargify.revoke_key();
    world.drain().await;
    let failed = world.view(number).await;
    assert!(matches!(failed.status.as_str(), "failed" | "complete_with_failures"), "{failed:#?}");
    assert!(failed.counts.balances(), "{failed:#?}");

    world.sandbox.chargify.restore_key();
    let run = world.run("full").await;
    assert_eq!((run.status.as_str(), run.counts.parked), ("complete", 0), "{run:#?}");
    assert_eq!(world.count("select count(*) from intent where phase in ('sent', 'ambiguous')").await, 0);
    let created = world.references().len();
    assert_eq!(world.customers(), created);
    world.reset_faults_and_check_calm().await;
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_webhook_whose_worker_dies_is_worked_off_by_the_next(pool: PgPool) {
    let world = World::open(&pool, Setup { latency_ms: 40, ..Setup::default() }).await;
    let contact = world.add_contact("Half", "Done", "half@recovery.example");
    let webhook = world.webhook().await;
    world.receive(&webhook).await;
    let worker = Worker::new(world.engine.clone());
    let dying = tokio::spawn(async move { worker.step().await });
    until("the create is under way", async || world.calls_to(Side::Chargify, CREATE) == 1).await;
    dying.abort();
    drop(dying.await);
    let world = world.restarted().await;
    world.drain().await;
    assert_eq!((world.customers(), world.links().await), (1, 1));
    assert!(world.customer_by_reference(&contact).is_some());
    assert_eq!(world.count("select count(*) from intent where phase in ('sent', 'ambiguous')").await, 0);
    let delivery = world.deliveries().await.into_iter().next().unwrap();
    assert_eq!(delivery.state, "done", "{delivery:#?}");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn our_own_write_found_done_late_is_no_news_that_beats_a_persons_edit(pool: PgPool) {
    let world = World::open(&pool, Setup { latency_ms: 40, ..Setup::default() }).await;
    let contact = world.add_contact("Ada", "Late", "late@recovery.example");
    world.run("full").await;
    world.skip_webhooks(2).await;
    let customer = world.customer_of(&contact);
    // GoHighLevel's clock is ahead, so our write looks younger than what a person does after it.
    world.sandbox.highlevel.advance(Duration::from_secs(60));
    world.edit_customer(customer, &[("city", "Uppsala")]);
    let webhook = world.webhook().await;
    world.receive(&webhook).await;
    let worker = Worker::new(world.engine.clone());
    let dying = tokio::spawn(async move { worker.step().await });
    until("the write is under way", async || world.calls_to(Side::Highlevel, "PUT /contacts/{id}") == 1).await;
    dying.abort();
    drop(dying.await);
    until("it is done all the same", async || world.contact_text(&contact, "city").as_deref() == Some("Uppsala")).await;
    // Its webhook is lost.
    world.edit_customer(customer, &[("city", "Ockham")]);
    let world = world.restarted().await;
    world.drain().await;
    world.run("changes").await;
    assert_eq!(world.customer_text(customer, "city"), "Ockham", "the person's word stands");
    assert_eq!(world.contact_text(&contact, "city").as_deref(), Some("Ockham"));
    assert_eq!(world.count("select count(*) from intent where phase in ('sent', 'ambiguous')").await, 0);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn updates_of_customers_survive_the_same_faults(pool: PgPool) {
    let world = World::open(&pool, Setup::default()).await;
    let contacts: Vec<String> = (0..6)
        .map(|number| world.add_contact("Up", &format!("Date{number}"), &format!("u{number}@recovery.example")))
        .collect();
    world.run("full").await;
    for contact in &contacts {
        world.edit_contact(contact, &serde_json::json!({ "firstName": "Changed" }));
    }
    let put = "PUT /customers/*";
    world.sandbox.chargify.set_faults(vec![
        FaultRule::next(1, put, Fault::ResetAfter),
        FaultRule::next(1, put, Fault::Reset),
        FaultRule::next(1, put, Fault::StatusAfter { status: 504, body: None }),
        FaultRule::next(1, put, Fault::Status { status: 503, body: None, retry_after: None }),
        FaultRule::next(1, put, Fault::Truncate),
    ]);
    let run = world.run("changes").await;
    assert_eq!((run.status.as_str(), run.counts.updated), ("complete", 6), "{run:#?}");
    assert!(contacts.iter().all(|contact| world.customer_text(world.customer_of(contact), "first_name") == "Changed"));
    world.reset_faults_and_check_calm().await;
}

/// A run that creates three contacts, to the first of which that happens.
async fn creating_contacts_with(pool: &PgPool, fault: Fault) {
    let setup = Setup { more: "create_contacts = true", allow_duplicate_contacts: true, ..Setup::default() };
    let world = World::open(pool, setup).await;
    for number in 0..3 {
        let email = format!("o{number}@recovery.example");
        world.add_customer(&[("first_name", "Only"), ("last_name", "There"), ("email", &email)]);
    }
    world.sandbox.highlevel.set_faults(vec![FaultRule::next(1, "POST /contacts/", fault)]);
    let run = world.run("full").await;
    assert_eq!((run.status.as_str(), run.counts.created), ("complete", 3), "{run:#?}");
    assert_eq!((world.contact_ids().len(), world.links().await), (3, 3));
    world.reset_faults_and_check_calm().await;
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_contact_whose_creation_was_not_answered_is_there_once(pool: PgPool) {
    creating_contacts_with(&pool, Fault::ResetAfter).await;
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_contact_whose_creation_never_arrived_is_there_once(pool: PgPool) {
    creating_contacts_with(&pool, Fault::Reset).await;
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_contact_whose_creation_was_answered_by_half_is_there_once(pool: PgPool) {
    creating_contacts_with(&pool, Fault::Truncate).await;
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_site_that_refuses_everything_stops_the_run_and_is_shown(pool: PgPool) {
    let world = World::open(&pool, Setup { contacts: 20, ..Setup::default() }).await;
    let blocked = Fault::Status {
        status: 422,
        body: Some(serde_json::json!({ "errors": ["Your trial has ended."] })),
        retry_after: None,
    };
    world.sandbox.chargify.set_faults(vec![FaultRule::always(CREATE, blocked)]);
    let run = world.run("full").await;
    assert_eq!(
        (run.status.as_str(), run.counts.failed, run.counts.created),
        ("complete_with_failures", 0, 0),
        "{run:#?}"
    );
    assert!(run.counts.parked > 0 && world.calls_to(Side::Chargify, CREATE) <= 6, "{run:#?}");
    let viewer = world.viewer().await;
    assert_eq!(world.engine.connection(&viewer, "billing").await.unwrap().state, "blocked");
    world.sandbox.chargify.set_faults(Vec::new());
    assert_eq!(world.run("full").await.status, "complete");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_key_gohighlevel_refuses_fails_the_run_with_its_name(pool: PgPool) {
    let world = World::open(&pool, Setup { contacts: 5, ..Setup::default() }).await;
    world.sandbox.highlevel.revoke_key();
    let run = world.run("full").await;
    assert_eq!((run.status.as_str(), world.writes()), ("failed", 0), "{run:#?}");
    assert!(run.detail.unwrap().contains("GoHighLevel"));
    let viewer = world.viewer().await;
    assert_eq!(world.engine.connection(&viewer, "crm").await.unwrap().state, "refused");
    world.sandbox.highlevel.restore_key();
    assert_eq!(world.run("full").await.status, "complete");
    assert_eq!(world.engine.connection(&viewer, "crm").await.unwrap().state, "healthy");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_process_killed_while_it_writes_to_gohighlevel_is_taken_over(pool: PgPool) {
    let world = World::open(&pool, Setup { latency_ms: 40, ..Setup::default() }).await;
    let contact = world.add_contact("Ada", "Lovelace", "ada@recovery.example");
    world.run("full").await;
    world.skip_webhooks(2).await;
    world.sandbox.chargify.advance(std::time::Duration::from_secs(2));
    world.edit_customer(world.customer_of(&contact), &[("first_name", "Augusta")]);
    let webhook = world.webhook().await;
    world.receive(&webhook).await;
    let worker = Worker::new(world.engine.clone());
    let dying = tokio::spawn(async move { worker.step().await });
    until("the write is under way", async || world.calls_to(Side::Highlevel, "PUT /contacts/{id}") == 1).await;
    dying.abort();
    drop(dying.await);
    let world = world.restarted().await;
    world.drain().await;
    assert_eq!(world.contact_text(&contact, "firstName").as_deref(), Some("Augusta"));
    assert_eq!(world.count("select count(*) from intent where phase in ('sent', 'ambiguous')").await, 0);
    assert_eq!(world.calls_to(Side::Highlevel, "PUT /contacts/{id}"), 1, "found done, not written again");
    world.reset_faults_and_check_calm().await;
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_write_that_is_not_there_yet_is_not_taken_for_undone_while_it_may_arrive(pool: PgPool) {
    let world = World::open(&pool, Setup { latency_ms: 10, ..Setup::default() }).await;
    let contact = world.add_contact("Ada", "Lovelace", "ada@recovery.example");
    world.run("full").await;
    world.edit_contact(&contact, &serde_json::json!({ "city": "Ockham" }));
    // The service gets to it after two seconds, when the process that sent it is long gone.
    let put = "PUT /customers/{id}.json";
    world.sandbox.chargify.set_faults(vec![FaultRule::next(1, "PUT /customers/*", Fault::Slow { ms: 4_400 })]);
    let number = world.start("changes", Approval::Granted).await;
    let worker = Worker::new(world.engine.clone());
    let dying = tokio::spawn(async move { worker.step().await });
    until("the write is under way", async || world.calls_to(Side::Chargify, put) == 1).await;
    dying.abort();
    drop(dying.await);
    let world = world.restarted().await;
    world.drain().await;
    let run = world.ended(number).await;
    assert_eq!((run.status.as_str(), run.counts.updated), ("complete", 1), "{run:#?}");
    assert_eq!(world.customer_text(world.customer_of(&contact), "city"), "Ockham");
    assert_eq!(world.calls_to(Side::Chargify, put), 1, "it was found done, not sent a second time");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn what_a_job_leaves_when_it_is_given_up_is_told_and_settled_by_the_next_run(pool: PgPool) {
    let world = World::open(&pool, Setup { latency_ms: 60, ..Setup::default() }).await;
    let contact = world.add_contact("Ada", "Lovelace", "ada@recovery.example");
    world.run("full").await;
    world.skip_webhooks(2).await;
    world.edit_contact(&contact, &serde_json::json!({ "city": "Ockham" }));
    let webhook = world.webhook().await;
    world.receive(&webhook).await;
    // It was tried for a day; now the answer of its write is lost, and no look-up gets through.
    sqlx::query("update job set attempt = 33 where kind = 'reconcile'").execute(&world.pool).await.unwrap();
    world.sandbox.chargify.set_faults(vec![FaultRule::next(1, "PUT /customers/*", Fault::ResetAfter)]);
    let worker = Worker::new(world.engine.clone());
    let step = tokio::spawn(async move { worker.step().await.unwrap() });
    let put = "PUT /customers/{id}.json";
    until("the write is under way", async || world.calls_to(Side::Chargify, put) == 1).await;
    let away = Fault::Status { status: 503, body: None, retry_after: None };
    world.sandbox.chargify.set_faults(vec![FaultRule::always("GET /customers/*", away)]);
    assert!(step.await.unwrap());
    assert_eq!(world.count("select count(*) from job where state = 'gave_up'").await, 1);
    let delivery = world.deliveries().await.into_iter().find(|one| one.settled_at.is_some()).unwrap();
    assert_eq!((delivery.state.as_str(), delivery.outcome.as_deref()), ("done", Some("failed")), "{delivery:#?}");
    assert!(delivery.detail.unwrap().contains("Given up"));
    assert_eq!(world.count("select count(*) from intent where phase = 'ambiguous' and run_id is null").await, 1);

    world.sandbox.chargify.set_faults(Vec::new());
    let run = world.run("full").await;
    assert_eq!((run.status.as_str(), run.counts.parked), ("complete", 0), "{run:#?}");
    assert_eq!(world.count("select count(*) from intent where phase in ('sent', 'ambiguous')").await, 0);
    assert_eq!(world.calls_to(Side::Chargify, put), 1, "it was found done, not sent a second time");
    world.reset_faults_and_check_calm().await;
}
