//! Scheduled runs: one per due time, never beside another run, never within the quiet hours, once after downtime.

use crate::{
    setting::{self, START, TestClock},
    support::{SYNC, Setup, World},
};
use domain::view::{RunView, ScheduleDraft, ScheduleView};
use engine::{Approval, Engine, EngineError, StartRun};
use sqlx::PgPool;
use std::sync::Arc;
use time::{Duration, OffsetDateTime, macros::datetime};

const CONNECTIONS: &str = r#"
[[connection]]
name = "crm"
kind = "highlevel"
location_id = "ve9EPM428h8vShlRW1KT"
token_env = "TOKEN"
[[connection]]
name = "billing"
kind = "chargify"
subdomain = "acme"
api_key_env = "API_KEY"
"#;

/// An engine without a wire, its clock at [`START`], and a sync with that schedule.
struct House {
    pool: PgPool,
    engine: Engine,
    clock: Arc<TestClock>,
}

impl House {
    async fn with(pool: &PgPool, enabled: bool, schedule: &str) -> Self {
        let (engine, clock) = setting::engine(pool);
        let house = Self { pool: pool.clone(), engine, clock };
        house.apply(enabled, schedule).await;
        house
    }

    async fn apply(&self, enabled: bool, schedule: &str) {
        let file = format!(
            "{CONNECTIONS}[[sync]]\nname = \"contacts\"\nhighlevel = \"crm\"\nchargify = \"billing\"\n\
             enabled = {enabled}\n[sync.schedule]\n{schedule}\n"
        );
        let viewer = self.engine.command_line(None).await.unwrap();
        self.engine.apply(&viewer, &file, &|_| Ok("secret-0123456789".into())).await.unwrap();
    }

    /// Lets the clock reach that instant; how many runs are started then.
    async fn at(&self, instant: OffsetDateTime) -> usize {
        let now = engine::Clock::now(&*self.clock);
        self.clock.pass(instant - now);
        self.engine.start_due_runs().await.unwrap()
    }

    /// All runs, oldest first: mode, and the due time it was started for.
    async fn runs(&self) -> Vec<(String, Option<OffsetDateTime>)> {
        sqlx::query_as("select mode, scheduled_for from run order by number").fetch_all(&self.pool).await.unwrap()
    }

    async fn end_runs(&self) {
        self.set_runs("complete").await;
    }

    async fn set_runs(&self, status: &str) {
        sqlx::query("update run set status = $1, finished_at = now() where finished_at is null")
            .bind(status)
            .execute(&self.pool)
            .await
            .unwrap();
    }

    async fn schedule(&self) -> ScheduleView {
        let viewer = self.engine.command_line(None).await.unwrap();
        self.engine.schedule(&viewer, SYNC).await.unwrap()
    }
}

/// Every quarter of an hour, and at two in Berlin, which is at one in UTC in winter.
const BOTH: &str = "changes = \"every 15 minutes\"\nfull = \"nightly\"\nzone = \"Europe/Berlin\"";

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn what_is_due_starts_once_and_says_who_started_it(pool: PgPool) {
    let house = House::with(&pool, true, BOTH).await;
    assert_eq!(house.at(START + Duration::minutes(14)).await, 0);
    assert_eq!(house.at(datetime!(2026-03-01 9:15 UTC)).await, 1);
    assert_eq!(house.engine.start_due_runs().await.unwrap(), 0, "its due time has moved on");
    assert_eq!(house.runs().await, [("changes".to_owned(), Some(datetime!(2026-03-01 9:15 UTC)))]);

    let viewer = house.engine.command_line(None).await.unwrap();
    let run = house.engine.run(&viewer, 1).await.unwrap();
    assert_eq!((run.started_by.as_str(), run.status.as_str()), ("the schedule", "queued"));
    let lines = house.engine.audit_page(&viewer, domain::view::AuditFilter::default()).await.unwrap().lines;
    let line = lines.iter().find(|line| line.action == "run.queued").unwrap();
    assert_eq!(
        (line.words.as_str(), line.actor.as_str()),
        ("the schedule started run 1 (changes) of contacts", "schedule")
    );
    let approval: String = sqlx::query_scalar("select approval from run").fetch_one(&pool).await.unwrap();
    assert_eq!(approval, "fuse");
    let jobs: i64 = sqlx::query_scalar("select count(*) from job where kind = 'run'").fetch_one(&pool).await.unwrap();
    assert_eq!(jobs, 1);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_full_run_takes_the_changes_due_at_the_same_time_along(pool: PgPool) {
    let house = House::with(&pool, true, BOTH).await;
    sqlx::query("update schedule set changes_due_at = '2026-03-02 01:00Z'").execute(&pool).await.unwrap();
    assert_eq!(house.at(datetime!(2026-03-02 1:00 UTC)).await, 1);
    house.end_runs().await;
    assert_eq!(house.at(datetime!(2026-03-02 1:14:59 UTC)).await, 0);
    assert_eq!(house.at(datetime!(2026-03-02 1:15 UTC)).await, 1);
    let modes: Vec<String> = house.runs().await.into_iter().map(|(mode, _)| mode).collect();
    assert_eq!(modes, ["full", "changes"]);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn starts_that_fall_due_while_a_run_is_open_are_one_start_when_it_has_ended(pool: PgPool) {
    let house = House::with(&pool, true, BOTH).await;
    let runner = house.engine.command_line(None).await.unwrap().runner().unwrap();
    let by_hand = StartRun { sync: SYNC.to_owned(), mode: "full".to_owned(), chosen: None, approval: Approval::Always };
    house.engine.start_run(&runner, by_hand).await.unwrap();
    for status in ["queued", "reading", "planning", "writing"] {
        house.set_runs(status).await;
        sqlx::query("update run set finished_at = null").execute(&pool).await.unwrap();
        assert_eq!(house.at(engine::Clock::now(&*house.clock) + Duration::minutes(15)).await, 0, "{status}");
    }
    let view = house.schedule().await;
    assert_eq!(view.changes.overdue_at.unwrap().instant(), datetime!(2026-03-01 9:15 UTC));
    assert_eq!(view.open_run, Some(1));

    house.end_runs().await;
    assert_eq!(house.engine.start_due_runs().await.unwrap(), 1);
    house.end_runs().await;
    assert_eq!(house.engine.start_due_runs().await.unwrap(), 0);
    assert_eq!(house.runs().await[1], ("changes".to_owned(), Some(datetime!(2026-03-01 9:15 UTC))));
    assert_eq!(house.schedule().await.changes.overdue_at, None);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn nothing_starts_beside_a_plan_of_the_schedule_that_waits_for_a_person(pool: PgPool) {
    let house = House::with(&pool, true, BOTH).await;
    assert_eq!(house.at(datetime!(2026-03-01 9:15 UTC)).await, 1);
    sqlx::query("update run set status = 'awaiting_approval'").execute(&pool).await.unwrap();
    assert_eq!(house.at(datetime!(2026-03-01 15:00 UTC)).await, 0);
    assert_eq!(house.schedule().await.open_run, Some(1));

    // A plan that a person asked for and left lying does not keep the schedule from running.
    sqlx::query("update run set scheduled_for = null").execute(&pool).await.unwrap();
    assert_eq!(house.engine.start_due_runs().await.unwrap(), 1);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn after_downtime_what_was_missed_starts_once(pool: PgPool) {
    let house = House::with(&pool, true, BOTH).await;
    assert_eq!(house.at(START + Duration::days(9)).await, 1);
    house.end_runs().await;
    assert_eq!(house.engine.start_due_runs().await.unwrap(), 0);
    // The full run missed most; the changes it covers are not read again.
    assert_eq!(house.runs().await, [("full".to_owned(), Some(datetime!(2026-03-02 1:00 UTC)))]);
    let view = house.schedule().await;
    assert_eq!(view.changes.upcoming[0].at.instant(), datetime!(2026-03-10 9:15 UTC));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn nothing_starts_in_the_quiet_hours_and_what_was_due_starts_once_when_they_end(pool: PgPool) {
    let quiet = "changes = \"every 15 minutes\"\nfull = \"nightly\"\nzone = \"Europe/Berlin\"\nquiet = \"22:00-06:00\"";
    let house = House::with(&pool, true, quiet).await;
    // Held up by a run until the quiet hours have begun.
    assert_eq!(house.at(datetime!(2026-03-01 20:45 UTC)).await, 1);
    assert_eq!(house.at(datetime!(2026-03-01 21:00 UTC)).await, 0);
    house.end_runs().await;
    for hour in 0..8 {
        assert_eq!(house.at(datetime!(2026-03-01 21:01 UTC) + Duration::hours(hour)).await, 0, "{hour} h later");
    }
    // Six in Berlin: the full run that was due at two, and with it the changes.
    assert_eq!(house.at(datetime!(2026-03-02 5:00 UTC)).await, 1);
    house.end_runs().await;
    assert_eq!(house.engine.start_due_runs().await.unwrap(), 0);
    let modes: Vec<String> = house.runs().await.into_iter().map(|(mode, _)| mode).collect();
    assert_eq!(modes, ["changes", "full"]);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_start_that_was_due_before_the_quiet_hours_waits_for_their_end(pool: PgPool) {
    let house = House::with(&pool, true, "changes = \"0 20 * * *\"\nquiet = \"21:00-06:00\"").await;
    // Nothing ran from before eight in the evening until midnight.
    assert_eq!(house.at(datetime!(2026-03-02 0:00 UTC)).await, 0);
    assert_eq!(house.at(datetime!(2026-03-02 5:59 UTC)).await, 0);
    assert_eq!(house.at(datetime!(2026-03-02 6:00 UTC)).await, 1);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_sync_that_is_switched_off_starts_nothing_and_makes_nothing_up_for_it(pool: PgPool) {
    let house = House::with(&pool, false, BOTH).await;
    assert_eq!(house.at(START + Duration::days(3)).await, 0);
    let view = house.schedule().await;
    assert!(!view.enabled && view.changes.overdue_at.is_none());
    let viewer = house.engine.command_line(None).await.unwrap();
    assert_eq!(house.engine.sync(&viewer, SYNC).await.unwrap().schedule.next, None);

    house.apply(true, BOTH).await;
    assert_eq!(house.engine.start_due_runs().await.unwrap(), 0, "the due times of those days have passed");
    assert_eq!(house.at(START + Duration::days(3) + Duration::minutes(15)).await, 1);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn the_day_of_changing_clocks_has_one_nightly_run(pool: PgPool) {
    for (name, evening, due) in [
        ("spring", datetime!(2026-03-28 12:00 UTC), datetime!(2026-03-29 1:00 UTC)),
        ("autumn", datetime!(2026-10-24 12:00 UTC), datetime!(2026-10-25 0:00 UTC)),
    ] {
        let house = House::with(&pool, true, "full = \"nightly\"\nzone = \"Europe/Berlin\"").await;
        house.at(evening).await;
        house.end_runs().await;
        let before = house.runs().await.len();
        for quarter in 0..96 {
            house.at(evening + Duration::minutes(15 * quarter)).await;
            house.end_runs().await;
        }
        let runs = house.runs().await;
        assert_eq!(runs[before..], [("full".to_owned(), Some(due))], "{name}");
    }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn many_nodes_start_a_due_time_once(pool: PgPool) {
    let house = House::with(&pool, true, BOTH).await;
    house.clock.pass(Duration::minutes(15));
    let nodes: Vec<Engine> = (0..8)
        .map(|_| {
            let (engine, clock) = setting::engine(&pool);
            clock.pass(Duration::minutes(15));
            engine
        })
        .collect();
    let started = nodes.iter().map(|node| async move { node.start_due_runs().await.unwrap() });
    let started: usize = futures::future::join_all(started).await.into_iter().sum();
    assert_eq!((started, house.runs().await.len()), (1, 1));
    assert_eq!(house.engine.start_due_runs().await.unwrap(), 0);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_service_that_refuses_everything_is_asked_once_an_hour(pool: PgPool) {
    let house = House::with(&pool, true, "changes = \"every 5 minutes\"").await;
    assert_eq!(house.at(START + Duration::minutes(5)).await, 1);
    house.set_runs("failed").await;
    sqlx::query("update connection set state = 'refused' where name = 'crm'").execute(&pool).await.unwrap();
    assert_eq!(house.at(START + Duration::minutes(60)).await, 0);
    assert_eq!(house.at(START + Duration::minutes(65)).await, 1);
    house.set_runs("failed").await;
    assert_eq!(house.at(START + Duration::minutes(70)).await, 0);
    sqlx::query("update connection set state = 'untested'").execute(&pool).await.unwrap();
    assert_eq!(house.engine.start_due_runs().await.unwrap(), 1, "the credential was renewed");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_schedule_that_cannot_be_read_does_not_keep_the_others(pool: PgPool) {
    let house = House::with(&pool, true, BOTH).await;
    let copy = "insert into sync select workspace_id, gen_random_uuid(), 'broken', highlevel_connection_id, \
                chargify_connection_id, true, slots, scope, match_policy, create_contacts, write_reference, \
                mapping_version from sync";
    let schedule = "insert into schedule select workspace_id, sync_id, 'now and then', 'off', 'UTC', '', \
                    '2026-03-01 09:01Z' from sync where name = 'broken'";
    for statement in [copy, schedule] {
        sqlx::query(statement).execute(&pool).await.unwrap();
    }
    assert_eq!(house.at(datetime!(2026-03-01 9:15 UTC)).await, 1);
}

fn draft() -> ScheduleDraft {
    ScheduleDraft {
        changes: "every 15 minutes".to_owned(),
        full: "cron".to_owned(),
        full_cron: "30 3 * * 1-5".to_owned(),
        zone: "Europe/Berlin".to_owned(),
        quiet: "22:00-03:00".to_owned(),
        reason: "no webhooks come".to_owned(),
        ..ScheduleDraft::default()
    }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_schedule_is_set_shown_and_audited(pool: PgPool) {
    let house = House::with(&pool, true, "").await;
    let viewer = house.engine.command_line(None).await.unwrap();
    let editor = viewer.editor().unwrap();
    let view = house.schedule().await;
    assert_eq!((view.text.changes.as_str(), view.text.full.as_str(), view.zone_label.as_str()), ("off", "off", "UTC"));

    let shown = house.engine.preview_schedule(&viewer, SYNC, &draft()).await.unwrap();
    assert_eq!(shown.full.words.as_deref(), Some("Monday to Friday at 03:30, Berlin time"));
    assert_eq!(house.schedule().await, view, "only shown");
    assert!(house.engine.change_schedule(&editor, SYNC, &draft()).await.unwrap());
    assert!(!house.engine.change_schedule(&editor, SYNC, &draft()).await.unwrap(), "it was so already");
    let view = house.schedule().await;
    assert_eq!(view.text.full, "30 3 * * 1-5");
    assert_eq!(view.changes.words.as_deref(), Some("every 15 minutes"));
    assert_eq!(view.full.words.as_deref(), Some("Monday to Friday at 03:30, Berlin time"));
    let starts: Vec<&str> = view.full.upcoming.iter().map(|start| start.local.as_str()).collect();
    assert_eq!(starts[..2], ["Mon 2 Mar 2026, 03:30", "Tue 3 Mar 2026, 03:30"]);
    assert_eq!(starts.len(), 5);
    assert!(view.zones.iter().any(|zone| zone == "America/New_York"));

    let brief = house.engine.sync(&viewer, SYNC).await.unwrap().schedule;
    let (mode, at) = brief.next.unwrap();
    assert_eq!((mode.as_str(), at.instant()), ("changes", datetime!(2026-03-01 9:15 UTC)));
    let lines = house.engine.audit_page(&viewer, domain::view::AuditFilter::default()).await.unwrap().lines;
    let words = "command line changed schedule of changes, schedule of full runs, zone of the schedule and 1 more of the \
                 sync contacts: no webhooks come";
    assert_eq!(lines[0].words, words);
    assert_eq!((lines[0].changes[1].before.as_str(), lines[0].changes[1].after.as_str()), ("off", "30 3 * * 1-5"));
    assert!(house.engine.verify_audit(viewer.workspace_id()).await.unwrap().first_bad.is_none());
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn every_fault_of_a_schedule_is_told_and_nothing_is_saved(pool: PgPool) {
    let house = House::with(&pool, true, "").await;
    let editor = house.engine.command_line(None).await.unwrap().editor().unwrap();
    let bad = ScheduleDraft {
        changes: "cron".to_owned(),
        changes_cron: " ".to_owned(),
        full: "cron".to_owned(),
        full_cron: "0 25 * * *".to_owned(),
        zone: "Berlin".to_owned(),
        quiet: "late".to_owned(),
        ..ScheduleDraft::default()
    };
    let Err(EngineError::Invalid(faults)) = house.engine.change_schedule(&editor, SYNC, &bad).await else {
        panic!("taken")
    };
    let fields: Vec<&str> = faults.iter().map(|fault| fault.split_once(": ").unwrap().0).collect();
    assert_eq!(fields, ["reason", "changes", "full", "zone", "quiet"], "{faults:?}");
    assert!(faults[1].contains("write the cron line"), "{faults:?}");
    assert!(matches!(
        house.engine.change_schedule(&editor, "nowhere", &draft()).await,
        Err(EngineError::NotFound("sync"))
    ));
    assert_eq!(house.schedule().await.text.changes, "off");
}

/// The run a schedule just started, worked to its end.
async fn worked(world: &World) -> RunView {
    assert_eq!(world.engine.start_due_runs().await.unwrap(), 1);
    world.drain().await;
    let number = world.count("select max(number) from run").await;
    world.view(u64::try_from(number).unwrap()).await
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_scheduled_run_carries_over_what_no_webhook_told(pool: PgPool) {
    let more = "[sync.schedule]\nchanges = \"every 5 minutes\"\nfull = \"nightly\"";
    let world = World::open(&pool, Setup { contacts: 3, more, ..Setup::default() }).await;
    world.run("full").await;
    let contact = world.add_contact("Ada", "Byron", "ada@schedule.example");
    sqlx::query("update schedule set changes_due_at = now() - interval '1 second'").execute(&pool).await.unwrap();
    let run = worked(&world).await;
    assert_eq!((run.mode.as_str(), run.status.as_str(), run.counts.created), ("changes", "complete", 1));
    let customer = world.customer_of(&contact);
    assert_eq!(world.customer_text(customer, "email"), "ada@schedule.example");

    sqlx::query("update schedule set full_due_at = now() - interval '1 second'").execute(&pool).await.unwrap();
    let run = worked(&world).await;
    assert_eq!((run.mode.as_str(), run.status.as_str()), ("full", "complete"));
    assert_eq!((run.counts.created, run.counts.updated), (0, 0));
    world.assert_no_transaction_was_open();
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_scheduled_plan_over_the_fuse_waits_for_a_person_and_is_shown_so(pool: PgPool) {
    let more = "[sync.schedule]\nfull = \"nightly\"";
    let world = World::open(&pool, Setup { contacts: 30, more, ..Setup::default() }).await;
    world.run("full").await;
    for contact in world.contact_ids() {
        world.edit_contact(&contact, &serde_json::json!({ "city": "Atlantis" }));
    }
    world.reset_stats();
    sqlx::query("update schedule set full_due_at = now() - interval '1 second'").execute(&pool).await.unwrap();
    let run = worked(&world).await;
    assert_eq!(run.status, "awaiting_approval");
    assert!(run.detail.unwrap().contains("It stopped for a person"));
    assert_eq!(world.writes(), 0);
    let viewer = world.viewer().await;
    let needs = world.engine.overview(&viewer).await.unwrap().needs;
    assert!(needs.iter().any(|need| need.kind == "approval"), "{needs:?}");

    sqlx::query("update schedule set full_due_at = now() - interval '1 second'").execute(&pool).await.unwrap();
    assert_eq!(world.engine.start_due_runs().await.unwrap(), 0, "it does not plan beside the plan that waits");
    world.engine.approve_run(&world.runner().await, run.number).await.unwrap();
    world.drain().await;
    assert!(run.to_update > 20, "{}", run.to_update);
    assert_eq!(world.ended(run.number).await.counts.updated, run.to_update);
    assert_eq!(worked(&world).await.counts.updated, 0);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn the_worker_starts_what_is_due_by_itself(pool: PgPool) {
    let more = "[sync.schedule]\nchanges = \"every 5 minutes\"";
    let world = World::open(&pool, Setup { contacts: 2, more, ..Setup::default() }).await;
    sqlx::query("update schedule set changes_due_at = now() - interval '1 second'").execute(&pool).await.unwrap();
    let stop = tokio_util::sync::CancellationToken::new();
    let worker = engine::Worker::new(world.engine.clone());
    let works = tokio::spawn({
        let stop = stop.clone();
        async move { worker.run(stop).await }
    });
    let ended = "select count(*) from run where scheduled_for is not null and status = 'complete'";
    crate::support::until("a run was started and ended", async || world.count(ended).await == 1).await;
    stop.cancel();
    works.await.unwrap();
    assert!(world.customers() > 0);
}
