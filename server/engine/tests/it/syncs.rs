//! Syncs and the versions of their mapping.

use crate::setting;
use domain::view::{AuditFilter, SettingsDraft, SyncDraft, SyncView};
use engine::{Editor, Engine, EngineError, RuleDraft};
use sqlx::PgPool;

async fn editor(engine: &Engine) -> Editor {
    engine.command_line(None).await.unwrap().editor().unwrap()
}

/// An installation with two connections and no sync.
async fn installation(pool: &PgPool) -> Engine {
    let (engine, _clock) = setting::engine(pool);
    let file = "[[connection]]\nname = \"crm\"\nkind = \"highlevel\"\nlocation_id = \"ve9EPM428h8vShlRW1KT\"\n\
                token_env = \"A\"\n[[connection]]\nname = \"billing\"\nkind = \"chargify\"\nsubdomain = \"acme\"\n\
                api_key_env = \"A\"\n";
    let viewer = engine.command_line(None).await.unwrap();
    engine.apply(&viewer, file, &|_| Ok("credential-0123456789".into())).await.unwrap();
    engine
}

fn draft() -> SyncDraft {
    SyncDraft {
        name: "contacts".to_owned(),
        highlevel: "crm".to_owned(),
        chargify: "billing".to_owned(),
        require_email: true,
        slots: 3,
        ..SyncDraft::default()
    }
}

fn faults<T: std::fmt::Debug>(result: Result<T, EngineError>) -> String {
    match result {
        Err(EngineError::Invalid(faults)) => faults.join("\n"),
        other => panic!("not refused as invalid: {other:?}"),
    }
}

async fn drafts(engine: &Engine) -> Vec<RuleDraft> {
    let viewer = engine.command_line(None).await.unwrap();
    let rules = engine.sync(&viewer, "contacts").await.unwrap().rules;
    rules.into_iter().map(crate::support::mapping::draft).collect()
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_new_sync_is_off_and_has_the_default_mapping(pool: PgPool) {
    let engine = installation(&pool).await;
    engine.create_sync(&editor(&engine).await, draft()).await.unwrap();
    let viewer = engine.command_line(None).await.unwrap();
    let view = engine.sync(&viewer, "contacts").await.unwrap();
    assert!(!view.enabled);
    assert_eq!((view.rules.len(), view.mapping_version, view.links, view.last_run.clone()), (10, 1, 0, None));
    let locked: Vec<_> = view.rules.iter().filter(|rule| rule.locked).map(|rule| rule.chargify.as_str()).collect();
    assert_eq!(locked, ["first_name", "last_name", "email"]);
    assert_eq!(engine.syncs(&viewer).await.unwrap(), [view]);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn every_fault_of_a_form_is_told_at_once(pool: PgPool) {
    let engine = installation(&pool).await;
    let by = editor(&engine).await;
    engine.create_sync(&by, draft()).await.unwrap();
    let wrong = SyncDraft { highlevel: "billing".to_owned(), chargify: String::new(), slots: 9, ..draft() };
    let told = faults(engine.create_sync(&by, wrong).await);
    for word in
        ["highlevel: the connection billing", "chargify: name a connection", "slots: 9", "named contacts already"]
    {
        assert!(told.contains(word), "{word:?} is not in:\n{told}");
    }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_sync_is_switched_on_once(pool: PgPool) {
    let engine = installation(&pool).await;
    let by = editor(&engine).await;
    engine.create_sync(&by, draft()).await.unwrap();
    engine.set_enabled(&by, "contacts", true).await.unwrap();
    assert!(matches!(engine.set_enabled(&by, "contacts", true).await, Err(EngineError::AlreadyDone)));
    assert!(matches!(engine.set_enabled(&by, "nothing", true).await, Err(EngineError::NotFound("sync"))));
}

/// The settings of a sync as its form shows them.
fn settings(view: &SyncView) -> SettingsDraft {
    SettingsDraft {
        require_email: view.require_email,
        only_tag: view.only_tag.clone().unwrap_or_default(),
        not_tag: view.not_tag.clone().unwrap_or_default(),
        match_reference: view.match_reference,
        match_email: view.match_email,
        match_phone_name: view.match_phone_name,
        prefix: view.prefix.clone().unwrap_or_default(),
        create_contacts: view.create_contacts,
        write_reference: view.write_reference,
        carry_notes: view.carry_notes,
        carry_tasks: view.carry_tasks,
        carry_appointments: view.carry_appointments,
        contact_deleted: view.contact_deleted,
        customer_deleted: view.customer_deleted,
        slots: u16::from(view.slots),
        reason: "because".to_owned(),
    }
}

async fn view(engine: &Engine) -> SyncView {
    let viewer = engine.command_line(None).await.unwrap();
    engine.sync(&viewer, "contacts").await.unwrap()
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn changed_settings_read_back_and_are_told_in_the_trail(pool: PgPool) {
    let engine = installation(&pool).await;
    let by = editor(&engine).await;
    engine.create_sync(&by, draft()).await.unwrap();
    engine.set_enabled(&by, "contacts", true).await.unwrap();
    let same = settings(&view(&engine).await);
    assert!(!engine.change_settings(&by, "contacts", &same).await.unwrap(), "it was so already");

    let wanted = SettingsDraft {
        require_email: false,
        only_tag: " customer ".to_owned(),
        match_phone_name: false,
        prefix: "eu-".to_owned(),
        create_contacts: true,
        write_reference: false,
        slots: 2,
        reason: "EU first".to_owned(),
        ..same
    };
    assert!(engine.change_settings(&by, "contacts", &wanted).await.unwrap());

    let after = view(&engine).await;
    assert!(after.enabled, "whether it writes by itself is not touched");
    let kept = SettingsDraft { only_tag: "customer".to_owned(), reason: "because".to_owned(), ..wanted };
    assert_eq!(settings(&after), kept);
    let lane: i16 = sqlx::query_scalar("select min(call_slots) from lane").fetch_one(&pool).await.unwrap();
    assert_eq!(lane, 2, "the site's lane follows");
    let viewer = engine.command_line(None).await.unwrap();
    let filter = AuditFilter { action: "sync.changed".to_owned(), ..AuditFilter::default() };
    let lines = engine.audit_page(&viewer, filter).await.unwrap().lines;
    assert_eq!(lines.len(), 1);
    assert!(lines[0].words.ends_with("and 4 more of the sync contacts: EU first"), "{}", lines[0].words);
    let tag = lines[0].changes.iter().find(|change| change.field == "only with the tag").unwrap();
    assert_eq!((tag.before.as_str(), tag.after.as_str()), ("", "customer"));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn settings_that_cannot_work_are_not_saved(pool: PgPool) {
    let engine = installation(&pool).await;
    let by = editor(&engine).await;
    engine.create_sync(&by, draft()).await.unwrap();
    let before = view(&engine).await;
    let wrong = SettingsDraft {
        only_tag: "VIP".to_owned(),
        not_tag: "vip".to_owned(),
        prefix: "two words".to_owned(),
        slots: 5,
        reason: " ".to_owned(),
        ..settings(&before)
    };
    let told = faults(engine.change_settings(&by, "contacts", &wrong).await);
    for word in ["slots: 5", "not_tag: is the tag", "prefix: use letters", "reason: say in a few words"] {
        assert!(told.contains(word), "{word:?} is not in:\n{told}");
    }
    assert_eq!(view(&engine).await, before);
    let missing = engine.change_settings(&by, "nothing", &settings(&before)).await;
    assert!(matches!(missing, Err(EngineError::NotFound("sync"))));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn how_an_emptied_field_travels_is_part_of_a_row(pool: PgPool) {
    let engine = installation(&pool).await;
    let by = editor(&engine).await;
    engine.create_sync(&by, draft()).await.unwrap();
    let mut rows = drafts(&engine).await;
    rows[3].empty = "never_clear".to_owned();
    assert_eq!(engine.save_mapping(&by, "contacts", rows.clone(), "phones are precious").await.unwrap(), 2);
    assert_eq!(view(&engine).await.rules[3].empty, "never_clear");
    rows[3].empty = String::new();
    assert_eq!(engine.save_mapping(&by, "contacts", rows.clone(), "nothing chosen").await.unwrap(), 2, "it stays");
    rows[3].empty = "sometimes".to_owned();
    let told = faults(engine.save_mapping(&by, "contacts", rows, "why").await);
    assert!(told.contains("empty: choose copy_empties"), "{told}");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_saved_mapping_is_a_new_version_and_the_same_rules_are_none(pool: PgPool) {
    let engine = installation(&pool).await;
    let by = editor(&engine).await;
    engine.create_sync(&by, draft()).await.unwrap();
    let mut rows = drafts(&engine).await;
    assert_eq!(engine.save_mapping(&by, "contacts", rows.clone(), "a look").await.unwrap(), 1);
    rows.retain(|row| row.highlevel != "city");
    rows[0].transform = "trim | collapse_spaces".to_owned();
    assert_eq!(engine.save_mapping(&by, "contacts", rows.clone(), "city is wrong anyway").await.unwrap(), 2);
    assert_eq!(drafts(&engine).await, rows, "what was saved reads back");
    let viewer = engine.command_line(None).await.unwrap();
    let versions = engine.mapping_versions(&viewer, "contacts").await.unwrap();
    assert_eq!(versions[0].reason, "city is wrong anyway");
    let first: i64 = sqlx::query_scalar("select jsonb_array_length(rules)::bigint from mapping where version = 1")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(first, 10, "the first version is untouched");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_mapping_that_cannot_work_is_not_saved(pool: PgPool) {
    let engine = installation(&pool).await;
    let by = editor(&engine).await;
    engine.create_sync(&by, draft()).await.unwrap();
    let good = drafts(&engine).await;
    let check = async |change: &dyn Fn(&mut Vec<RuleDraft>), reason: &str, word: &str| {
        let mut rows = good.clone();
        change(&mut rows);
        let told = faults(engine.save_mapping(&by, "contacts", rows, reason).await);
        assert!(told.contains(word), "{word:?} is not in:\n{told}");
    };
    check(
        &|rows| rows[0].transform = "trim | shout".to_owned(),
        "why",
        "row 1 (firstName – first_name): transform, character 8",
    )
    .await;
    check(&|rows| rows[1].direction = "up".to_owned(), "why", "row 2 (lastName – last_name): direction").await;
    check(&|rows| rows[2].conflict = "mine".to_owned(), "why", "conflict: choose newest").await;
    check(&|rows| rows[3].highlevel = "fax".to_owned(), "why", "fax: there is no such field").await;
    check(&|rows| drop(rows.remove(2)), "why", "email: Chargify requires this field and no rule fills it").await;
    check(&|rows| rows.clear(), "why", "the mapping has no rule").await;
    check(&|rows| drop(rows.remove(9)), " ", "reason: say in a few words").await;
    assert_eq!(drafts(&engine).await, good);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn what_was_agreed_under_a_changed_rule_is_forgotten(pool: PgPool) {
    let engine = installation(&pool).await;
    let by = editor(&engine).await;
    engine.create_sync(&by, draft()).await.unwrap();
    sqlx::query(
        "insert into link (workspace_id, sync_id, link_id, contact_id, customer_id, matched_by, base, linked_at, settled_at)
         select workspace_id, sync_id, gen_random_uuid(), 'c', '1', 'email',
             '{\"city→city\": [\"Rome\", \"Rome\"], \"email→email\": [\"a\", \"a\"]}', now(), now()
         from sync",
    )
    .execute(&pool)
    .await
    .unwrap();
    let mut rows = drafts(&engine).await;
    rows.iter_mut().find(|row| row.highlevel == "city").unwrap().transform = "upper".to_owned();
    rows.iter_mut().find(|row| row.highlevel == "city").unwrap().direction = "to_chargify".to_owned();
    engine.save_mapping(&by, "contacts", rows, "loud cities").await.unwrap();
    let base: serde_json::Value = sqlx::query_scalar("select base from link").fetch_one(&pool).await.unwrap();
    assert_eq!(base, serde_json::json!({ "email→email": ["a", "a"] }));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn fields_to_choose_from_include_custom_ones_that_were_seen(pool: PgPool) {
    let engine = installation(&pool).await;
    engine.create_sync(&editor(&engine).await, draft()).await.unwrap();
    sqlx::query(
        "insert into record (workspace_id, sync_id, side, remote_id, field_values, read_at)
         select workspace_id, sync_id, 'highlevel', 'c', '{\"customField:f1\": \"x\", \"firstName\": \"Zoë\"}', now() from sync",
    )
    .execute(&pool)
    .await
    .unwrap();
    let viewer = engine.command_line(None).await.unwrap();
    let (highlevel, chargify) = engine.field_choices(&viewer, "contacts").await.unwrap();
    assert!(highlevel.iter().any(|choice| choice.key == "customField:f1"));
    assert!(highlevel.iter().any(|choice| choice.key == "tags" && choice.read_only.is_some()));
    assert!(chargify.iter().any(|choice| choice.key == "reference" && choice.read_only.is_some()));
    let view = engine.sync(&viewer, "contacts").await.unwrap();
    assert_eq!(view.rules[0].highlevel_sample.as_deref(), Some("Zoë"));
}
