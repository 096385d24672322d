//! What a person decides: a field changed on both sides, a contact that may be several customers, a partner that was
//! deleted. Nothing is written before, and exactly what was shown is written after.

use crate::support::{ASK, SYNC, Setup, World};
use domain::{
    Side,
    view::{AnswerDraft, FieldAnswerDraft, PairState, QuestionKind, QuestionView, RecordFilter, ResyncView},
};
use engine::{EngineError, Received, RecordAt};
use serde_json::json;
use sqlx::PgPool;
use std::time::Duration;

const CITY: &str = "city→city";

fn contact_at(id: &str) -> RecordAt {
    RecordAt { sync: SYNC.to_owned(), side: Side::Highlevel, id: id.to_owned() }
}

fn partner(partner: &str) -> AnswerDraft {
    AnswerDraft { partner: partner.to_owned(), fields: Vec::new() }
}

fn keep(side: Side) -> AnswerDraft {
    AnswerDraft { partner: String::new(), fields: vec![FieldAnswerDraft { rule: CITY.to_owned(), keep: side }] }
}

impl World {
    async fn asked(&self, at: &RecordAt) -> Option<QuestionView> {
        self.engine.record(&self.viewer().await, &at.sync, at.side, &at.id).await.unwrap().asked
    }

    async fn shown(&self, at: &RecordAt, draft: &AnswerDraft) -> ResyncView {
        self.engine.plan_answer(&self.runner().await, at, draft).await.unwrap()
    }

    /// The answer as it was shown, carried out to its end.
    async fn answered(&self, at: &RecordAt, draft: &AnswerDraft) -> Option<u64> {
        let shown = self.shown(at, draft).await;
        let number = self.engine.answer(&self.runner().await, at, draft, &shown.seal).await.unwrap();
        self.drain().await;
        number
    }

    /// Records on the list of those that wait, and the count on every page.
    async fn waiting(&self) -> (usize, u32) {
        let filter = RecordFilter { state: "waiting".to_owned(), ..RecordFilter::default() };
        let page = self.engine.records(&self.viewer().await, &filter).await.unwrap();
        (page.rows.len(), self.engine.session(&self.viewer().await).await.unwrap().waiting)
    }

    async fn trail_says(&self, action: &str) -> Vec<String> {
        let lines = self.audit_lines().await;
        lines.into_iter().filter(|line| line.action == action).map(|line| line.words).collect()
    }
}

/// A pair whose city was changed on both sides, put to a person by a run.
async fn conflict(pool: &PgPool) -> (World, RecordAt, i64) {
    let world = World::open(pool, Setup { more: ASK, ..Setup::default() }).await;
    let contact = world.add_contact_with(
        &json!({ "firstName": "Ada", "lastName": "Lovelace", "email": "ada@decide.example", "city": "Rome" }),
    );
    world.run("full").await;
    let customer = world.customer_of(&contact);
    world.sandbox.chargify.advance(Duration::from_secs(2));
    world.edit_contact(&contact, &json!({ "city": "Turin" }));
    world.edit_customer(customer, &[("city", "Milan")]);
    let run = world.run("full").await;
    assert_eq!((run.counts.parked, run.status.as_str()), (1, "complete_with_failures"), "{run:#?}");
    assert_eq!(
        world.items(run.number).await.first().unwrap().reason,
        "changed on both sides to different values: City"
    );
    world.reset_stats();
    (world, contact_at(&contact), customer)
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn the_side_a_person_keeps_is_shown_then_written_and_stands_in_the_trail(pool: PgPool) {
    let (world, at, customer) = conflict(&pool).await;
    let question = world.asked(&at).await.unwrap();
    let field = &question.fields[0];
    assert_eq!((question.kind, question.fields.len()), (QuestionKind::Conflict, 1));
    assert_eq!((field.rule.as_str(), field.base.as_deref()), (CITY, Some("Rome")));
    assert_eq!((field.highlevel.as_str(), field.chargify.as_str()), ("Turin", "Milan"));
    assert_eq!(world.waiting().await, (1, 1));

    let shown = world.shown(&at, &keep(Side::Highlevel)).await;
    assert_eq!((shown.action.as_str(), shown.calls, shown.asked), ("update_customer", 1, None));
    assert_eq!((shown.changes[0].before.as_str(), shown.changes[0].after.as_str()), ("Milan", "Turin"));
    assert_eq!(world.writes(), 0, "showing writes nothing");

    let number = world.answered(&at, &keep(Side::Highlevel)).await.unwrap();
    let run = world.ended(number).await;
    assert_eq!((run.status.as_str(), run.counts.updated, world.writes()), ("complete", 1, 1), "{run:#?}");
    assert_eq!(world.customer_text(customer, "city"), "Turin");
    let record = world.engine.record(&world.viewer().await, SYNC, at.side, &at.id).await.unwrap();
    assert_eq!((record.state, record.asked), (PairState::InStep, None));
    assert_eq!(world.waiting().await, (0, 0));
    let said = world.trail_says("record.decided").await;
    assert_eq!(said, ["command line decided about Ada Lovelace: City: GoHighLevel is kept"]);
    assert_eq!(world.run("full").await.counts.unchanged, 1);
    assert!(world.audit_verifies().await);
    world.assert_no_transaction_was_open();
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn the_other_side_can_be_kept_and_a_later_conflict_is_a_new_question(pool: PgPool) {
    let (world, at, customer) = conflict(&pool).await;
    world.answered(&at, &keep(Side::Chargify)).await.unwrap();
    assert_eq!(world.contact_text(&at.id, "city").as_deref(), Some("Milan"));
    // The very values of the first question again: that answer was given once and is used up.
    world.sandbox.chargify.advance(Duration::from_secs(2));
    world.edit_contact(&at.id, &json!({ "city": "Rome" }));
    world.edit_customer(customer, &[("city", "Rome")]);
    world.run("full").await;
    world.sandbox.chargify.advance(Duration::from_secs(2));
    world.edit_contact(&at.id, &json!({ "city": "Turin" }));
    world.edit_customer(customer, &[("city", "Milan")]);
    world.reset_stats();
    let run = world.run("full").await;
    assert_eq!((run.counts.parked, world.writes()), (1, 0), "{run:#?}");
    assert_eq!(world.asked(&at).await.unwrap().kind, QuestionKind::Conflict);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_answer_is_void_once_a_value_is_no_longer_what_was_shown(pool: PgPool) {
    let (world, at, customer) = conflict(&pool).await;
    let shown = world.shown(&at, &keep(Side::Highlevel)).await;
    world.sandbox.chargify.advance(Duration::from_secs(2));
    world.edit_customer(customer, &[("city", "Genoa")]);
    let runner = world.runner().await;
    let answer = world.engine.answer(&runner, &at, &keep(Side::Highlevel), &shown.seal).await;
    assert!(matches!(answer, Err(EngineError::AlreadyDone)), "{answer:?}");
    let unanswered = world.engine.answer(&runner, &at, &AnswerDraft::default(), "").await;
    assert!(matches!(unanswered, Err(EngineError::AlreadyDone)), "{unanswered:?}");
    world.drain().await;
    assert_eq!((world.writes(), world.customer_text(customer, "city")), (0, "Genoa".to_owned()));
    assert!(world.trail_says("record.decided").await.is_empty());
}

/// A contact that may be either of two customers, put to a person by a run.
async fn ambiguous(pool: &PgPool) -> (World, RecordAt, [i64; 2]) {
    ambiguous_in(World::open(pool, Setup::default()).await).await
}

async fn ambiguous_in(world: World) -> (World, RecordAt, [i64; 2]) {
    let contact = world.add_contact_with(&json!({
        "firstName": "Ada", "lastName": "Lovelace", "email": "ada@decide.example", "companyName": "Engines Ltd"
    }));
    let twin = |phone: &str| {
        let fields =
            [("first_name", "Ada"), ("last_name", "Lovelace"), ("email", "ada@decide.example"), ("phone", phone)];
        world.add_customer(&fields)
    };
    let twins = [twin("+442071234567"), twin("")];
    let run = world.run("full").await;
    assert_eq!((run.counts.ambiguous, world.links().await), (1, 0), "{run:#?}");
    world.reset_stats();
    (world, contact_at(&contact), twins)
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_ambiguous_contact_shows_its_candidates_and_is_paired_with_the_one_chosen(pool: PgPool) {
    let (world, at, twins) = ambiguous(&pool).await;
    let question = world.asked(&at).await.unwrap();
    assert_eq!((question.kind, question.may_create, question.may_leave_out), (QuestionKind::Ambiguous, true, true));
    let ids: Vec<String> = question.candidates.iter().map(|one| one.customer_id.clone()).collect();
    assert_eq!(ids, twins.map(|id| id.to_string()));
    let first = &question.candidates[0];
    assert_eq!((first.name.as_str(), first.phone.as_deref()), ("Ada Lovelace", Some("+442071234567")));
    assert!(first.would.iter().any(|change| change.side == "highlevel" && change.field == "phone"), "{first:#?}");

    let draft = partner(&format!("customer:{}", twins[0]));
    let number = world.answered(&at, &draft).await.unwrap();
    assert_eq!(world.ended(number).await.status, "complete");
    assert_eq!((world.links().await, world.customers()), (1, 2));
    assert_eq!(world.customer_text(twins[0], "organization"), "Engines Ltd");
    assert_eq!(world.customer_text(twins[1], "organization"), "");
    assert_eq!(world.contact_text(&at.id, "phone").as_deref(), Some("+442071234567"));
    let record = world.engine.record(&world.viewer().await, SYNC, at.side, &at.id).await.unwrap();
    assert_eq!(record.matched_by.as_deref(), Some("a person"));
    let said = world.trail_says("record.decided").await;
    assert_eq!(said, [format!("command line decided about Ada Lovelace: it is customer {}", twins[0])]);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn the_customers_in_question_get_no_contacts_of_their_own(pool: PgPool) {
    let world = World::open(&pool, Setup { more: "create_contacts = true", ..Setup::default() }).await;
    let (world, _, _) = ambiguous_in(world).await;
    for mode in ["full", "dry-run", "changes"] {
        let run = world.run(mode).await;
        assert_eq!((run.counts.created, world.contact_ids().len(), world.writes()), (0, 1, 0), "{mode}: {run:#?}");
        assert!(world.items(run.number).await.iter().all(|item| item.action != "create_contact"), "{mode}");
    }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn none_of_the_candidates_means_one_new_customer(pool: PgPool) {
    let (world, at, _) = ambiguous(&pool).await;
    let shown = world.shown(&at, &partner("new")).await;
    assert_eq!((shown.action.as_str(), shown.calls), ("create_customer", 1), "{shown:#?}");
    let number = world.answered(&at, &partner("new")).await.unwrap();
    let run = world.ended(number).await;
    assert_eq!((run.counts.created, world.customers(), world.links().await), (1, 3, 1), "{run:#?}");
    assert!(world.customer_by_reference(&at.id).is_some());
    let again = world.run("full").await;
    assert_eq!((again.counts.created, again.counts.ambiguous, world.customers()), (0, 0, 3), "{again:#?}");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_record_left_out_for_good_stays_out_until_it_is_let_in_again(pool: PgPool) {
    let (world, at, _) = ambiguous(&pool).await;
    assert_eq!(world.answered(&at, &partner("nobody")).await, None);
    assert_eq!(world.waiting().await, (0, 0));
    let question = world.asked(&at).await.unwrap();
    assert_eq!((question.kind, question.answered.unwrap().0.as_str()), (QuestionKind::LeftOut, "command line"));
    let run = world.run("full").await;
    assert_eq!((run.counts.excluded, run.counts.ambiguous, world.writes()), (1, 0, 0), "{run:#?}");

    let runner = world.runner().await;
    world.engine.take_part_again(&runner, &at).await.unwrap();
    assert_eq!(world.asked(&at).await.unwrap().kind, QuestionKind::Ambiguous);
    assert_eq!(world.waiting().await, (1, 1));
    let twice = world.engine.take_part_again(&runner, &at).await;
    assert!(matches!(twice, Err(EngineError::AlreadyDone)), "{twice:?}");
    assert_eq!(world.trail_says("record.decision_taken_back").await.len(), 1);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_answer_that_does_not_fit_the_question_is_refused(pool: PgPool) {
    let (world, at, twins) = ambiguous(&pool).await;
    let runner = world.runner().await;
    let stranger =
        world.add_customer(&[("first_name", "Eve"), ("last_name", "Other"), ("email", "eve@decide.example")]);
    for draft in [partner(&format!("customer:{stranger}")), partner("whatever"), keep(Side::Highlevel)] {
        let seal = world.shown(&at, &draft).await.seal;
        let answer = world.engine.answer(&runner, &at, &draft, &seal).await;
        assert!(matches!(answer, Err(EngineError::AlreadyDone | EngineError::Invalid(_))), "{draft:?}: {answer:?}");
    }
    // Somebody else's customer cannot be chosen, and the card says whose it is.
    let other = world.add_contact("Ada", "Byron", "other@decide.example");
    let claim = "insert into link (workspace_id, sync_id, link_id, contact_id, customer_id, matched_by, base, linked_at, settled_at) \
                 select workspace_id, sync_id, gen_random_uuid(), $1, $2, 'a person', '{}', now(), now() from sync";
    sqlx::query(claim).bind(&other).bind(twins[0].to_string()).execute(&pool).await.unwrap();
    let question = world.asked(&at).await.unwrap();
    assert_eq!(question.candidates[0].belongs_to.as_deref(), Some(other.as_str()));
    let draft = partner(&format!("customer:{}", twins[0]));
    let shown = world.shown(&at, &draft).await;
    assert_eq!(shown.asked.unwrap().kind, QuestionKind::Ambiguous);
    let answer = world.engine.answer(&runner, &at, &draft, &shown.seal).await;
    assert!(matches!(answer, Err(EngineError::Invalid(_))), "{answer:?}");
    assert_eq!(world.writes(), 0);
}

/// A pair in step, and no webhook left on its way.
async fn pair(pool: &PgPool, more: &'static str) -> (World, RecordAt, i64) {
    let world = World::open(pool, Setup { more, ..Setup::default() }).await;
    let contact = world.add_contact("Ada", "Lovelace", "ada@decide.example");
    world.run("full").await;
    world.skip_webhooks(2).await;
    world.sandbox.chargify.advance(Duration::from_secs(2));
    world.reset_stats();
    let customer = world.customer_of(&contact);
    (world, contact_at(&contact), customer)
}

fn delete_customer(world: &World, customer: i64) {
    assert!(world.sandbox.chargify.with(|rules, now| rules.remove_customer(customer, now).unwrap()));
}

/// The contact is held, and no run creates its customer anew before a person says so.
async fn is_held_until_decided(world: &World, at: &RecordAt) {
    let run = world.run("full").await;
    assert_eq!((run.counts.created, run.counts.parked, world.customers()), (0, 1, 0), "{run:#?}");
    let items = world.items(run.number).await;
    let held = items.first().unwrap();
    assert_eq!(held.action, "hold");
    assert!(held.reason.starts_with("its customer was deleted in Chargify on "), "{}", held.reason);
    let tab = domain::view::ItemFilter { tab: "decisions".to_owned(), ..domain::view::ItemFilter::default() };
    let page = world.engine.run_items(&world.viewer().await, run.number, &tab).await.unwrap();
    assert_eq!(page.total, 1);
    let question = world.asked(at).await.unwrap();
    assert_eq!((question.kind, question.may_create, question.may_leave_out), (QuestionKind::Held, true, true));
    assert_eq!(world.waiting().await, (1, 1));

    let number = world.answered(at, &partner("new")).await.unwrap();
    let run = world.ended(number).await;
    assert_eq!((run.counts.created, world.customers(), world.links().await), (1, 1, 1), "{run:#?}");
    assert_eq!(world.customers_with_email("ada@decide.example"), 1);
    assert_eq!(world.waiting().await, (0, 0));
    let again = world.run("full").await;
    assert_eq!((again.counts.unchanged, again.status.as_str()), (1, "complete"), "{again:#?}");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_contact_whose_customer_an_event_tells_deleted_waits_for_a_person(pool: PgPool) {
    let (world, at, customer) = pair(&pool, "").await;
    delete_customer(&world, customer);
    world.run("changes").await;
    assert_eq!((world.links().await, world.waiting().await), (0, (1, 1)));
    is_held_until_decided(&world, &at).await;
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_contact_whose_customer_a_full_run_misses_waits_for_a_person(pool: PgPool) {
    let (world, at, customer) = pair(&pool, "").await;
    delete_customer(&world, customer);
    let run = world.run("full").await;
    assert_eq!((run.counts.created, world.links().await, world.writes()), (0, 0, 0), "{run:#?}");
    assert_eq!(world.items(run.number).await[0].action, "unlink");
    is_held_until_decided(&world, &at).await;
}

/// The customer is held, and no run creates its contact anew before a person says so.
async fn the_customer_is_held_until_decided(world: &World, customer: i64) {
    assert_eq!((world.links().await, world.waiting().await), (0, (1, 1)));
    let run = world.run("full").await;
    assert_eq!((run.counts.created, run.counts.parked, world.writes()), (0, 1, 0), "{run:#?}");
    let at = RecordAt { sync: SYNC.to_owned(), side: Side::Chargify, id: customer.to_string() };
    assert_eq!(world.asked(&at).await.unwrap().kind, QuestionKind::Held);
    let number = world.answered(&at, &partner("new")).await.unwrap();
    let run = world.ended(number).await;
    assert_eq!((run.counts.created, world.contact_ids().len(), world.links().await), (1, 1, 1), "{run:#?}");
    assert_eq!(world.waiting().await, (0, 0));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_customer_whose_contact_a_webhook_tells_deleted_waits_for_a_person(pool: PgPool) {
    let (world, at, customer) = pair(&pool, "create_contacts = true").await;
    world.sandbox.highlevel.with(|rules, now| rules.delete_contact(&at.id, now).unwrap());
    assert_eq!(world.next_webhook().await, Received::Recorded);
    the_customer_is_held_until_decided(&world, customer).await;
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_customer_whose_contact_a_full_run_misses_waits_for_a_person(pool: PgPool) {
    let (world, at, customer) = pair(&pool, "create_contacts = true").await;
    world.sandbox.highlevel.with(|rules, now| rules.delete_contact(&at.id, now).unwrap());
    let run = world.run("full").await;
    assert_eq!((run.counts.created, world.items(run.number).await[0].action.as_str()), (0, "unlink"), "{run:#?}");
    the_customer_is_held_until_decided(&world, customer).await;
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_held_contact_can_be_left_out_for_good(pool: PgPool) {
    let (world, at, customer) = pair(&pool, "").await;
    delete_customer(&world, customer);
    world.run("changes").await;
    assert_eq!(world.answered(&at, &partner("nobody")).await, None);
    let run = world.run("full").await;
    assert_eq!((run.counts.excluded, run.counts.parked, world.customers()), (1, 0, 0), "{run:#?}");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_record_whose_write_was_refused_says_so_where_one_asks_why(pool: PgPool) {
    let world = World::open(&pool, Setup::default()).await;
    let contact = world.add_contact("Ada", "Lovelace", "ada@decide.example");
    let fault = json!([{
        "match": "POST /customers.json", "kind": "status", "status": 422, "body": { "errors": ["Email: is disposable."] }
    }]);
    let address = format!("{}/_sandbox/faults", world.sandbox.chargify.base_url);
    let answer = reqwest::Client::new().put(address).json(&fault).send().await.unwrap();
    assert!(answer.status().is_success());
    assert_eq!(world.run("full").await.counts.failed, 1);
    let record = world.engine.record(&world.viewer().await, SYNC, Side::Highlevel, &contact).await.unwrap();
    assert_eq!((record.state, record.question.as_str()), (PairState::Failed, "Why is it not in step?"));
    assert!(record.answer.contains("Email: is disposable. A resync tries again"), "{}", record.answer);
    let stopped: Vec<&str> =
        record.trace.iter().filter(|step| step.state == "stopped").map(|step| step.title.as_str()).collect();
    assert_eq!(stopped, ["Write"]);
}
