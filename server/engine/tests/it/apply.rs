//! The configuration file: applied whole or not at all, and a second time without effect.

use crate::setting;
use domain::{Role, view::SyncView};
use engine::{Engine, EngineError};
use secrecy::SecretString;
use sqlx::PgPool;

const CONNECTIONS: &str = r#"[[connection]]
name = "crm"
kind = "highlevel"
location_id = "ve9EPM428h8vShlRW1KT"
token_env = "GHL_TOKEN"

[[connection]]
name = "billing"
kind = "chargify"
subdomain = "acme"
api_key_env = "CHARGIFY_API_KEY"
shared_key_env = "CHARGIFY_SHARED_KEY"

"#;

const SYNC: &str = r#"[[sync]]
name = "contacts"
highlevel = "crm"
chargify = "billing"
"#;

fn credential(name: &str) -> Result<SecretString, String> {
    match name {
        "GHL_TOKEN" => Ok("pit-0123456789".into()),
        "GHL_TOKEN_2" => Ok("pit-abcdefghij".into()),
        "CHARGIFY_API_KEY" | "CRM_TOKEN" | "BILLING_API_KEY" => Ok("key-0123456789".into()),
        "CHARGIFY_SHARED_KEY" | "BILLING_SHARED_KEY" => Ok("shared-0123456789".into()),
        _ => Err(format!("the environment variable {name} is not set; set it in the environment of this command")),
    }
}

async fn apply(engine: &Engine, text: &str) -> Result<Vec<String>, EngineError> {
    let viewer = engine.command_line(None).await.unwrap();
    engine.apply(&viewer, text, &credential).await
}

async fn changed(engine: &Engine, text: &str) -> Vec<String> {
    apply(engine, text).await.unwrap()
}

async fn faults(engine: &Engine, text: &str) -> Vec<String> {
    match apply(engine, text).await {
        Err(EngineError::Invalid(faults)) => faults,
        other => panic!("not refused as invalid: {other:?}"),
    }
}

async fn sync(engine: &Engine) -> SyncView {
    let viewer = engine.command_line(None).await.unwrap();
    engine.sync(&viewer, "contacts").await.unwrap()
}

/// Everything that applying a file can change.
async fn state(pool: &PgPool) -> String {
    sqlx::query_scalar(
        "select concat_ws(E'\\n',
            (select json_agg(c order by connection_id) from connection c), (select json_agg(k) from credential k),
            (select json_agg(s) from sync s), (select json_agg(m) from mapping m), (select json_agg(l) from lane l),
            (select count(*) from audit_line))",
    )
    .fetch_one(pool)
    .await
    .unwrap()
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_empty_installation_becomes_what_the_file_says_and_stays_so(pool: PgPool) {
    let (engine, _clock) = setting::engine(&pool);
    let file = format!("{CONNECTIONS}{SYNC}");
    assert_eq!(
        changed(&engine, &file).await,
        ["connection crm: added", "connection billing: added", "sync contacts: created, switched off"]
    );
    let view = sync(&engine).await;
    assert_eq!((view.enabled, view.slots, view.require_email, view.mapping_version), (false, 3, true, 1));
    assert_eq!(view.rules.len(), 10, "the default mapping");
    let before = state(&pool).await;
    assert_eq!(changed(&engine, &file).await, Vec::<String>::new());
    assert_eq!(state(&pool).await, before);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn every_setting_of_the_contract_is_taken(pool: PgPool) {
    let (engine, _clock) = setting::engine(&pool);
    let file = format!(
        r#"{CONNECTIONS}{SYNC}enabled = true
slots = 4
scope = {{ require_email = false, tag = "customer", not_tag = "test" }}
match = {{ reference = true, email = true, phone_name = false, prefix = "a-" }}
create_contacts = true
write_reference = false

[[sync.field]]
highlevel = "firstName"
chargify = "first_name"
direction = "both"
conflict = "newest"
transform = ["trim"]

[[sync.field]]
highlevel = "lastName"
chargify = "last_name"
direction = "to_chargify"
conflict = "highlevel"
transform = ["trim", "default(\"—\")"]

[[sync.field]]
highlevel = "email"
chargify = "email"
conflict = "ask"

[[sync.field]]
highlevel = "customField:abc123"
chargify = "vat_number"
direction = "to_chargify"
conflict = "fill_empty"
"#
    );
    changed(&engine, &file).await;
    let view = sync(&engine).await;
    assert!(view.enabled && view.create_contacts && !view.require_email);
    assert_eq!((view.slots, view.only_tag.as_deref(), view.not_tag.as_deref()), (4, Some("customer"), Some("test")));
    let words: Vec<_> = view.rules.iter().map(|rule| (rule.direction.as_str(), rule.conflict.as_str())).collect();
    assert_eq!(
        words,
        [("both", "newest"), ("to_chargify", "highlevel"), ("both", "ask"), ("to_chargify", "fill_empty")]
    );
    assert_eq!(view.rules[1].transform, "trim | default(\"—\")");
    let lane: i16 = sqlx::query_scalar("select max(call_slots) from lane").fetch_one(&pool).await.unwrap();
    assert_eq!(lane, 4, "the site's ceiling follows");
    assert_eq!(changed(&engine, &file).await, Vec::<String>::new());
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn only_what_differs_is_changed(pool: PgPool) {
    let (engine, _clock) = setting::engine(&pool);
    changed(&engine, &format!("{CONNECTIONS}{SYNC}")).await;
    let rotated = CONNECTIONS.replace("\"GHL_TOKEN\"", "\"GHL_TOKEN_2\"");
    assert_eq!(
        changed(&engine, &format!("{rotated}{SYNC}")).await,
        ["connection crm: private integration token replaced"]
    );
    let switched = format!("{rotated}{SYNC}enabled = true\n");
    assert_eq!(changed(&engine, &switched).await, ["sync contacts: switched on, settings as in the file"]);
    let fields = ["firstName|first_name", "lastName|last_name", "email|email"].map(|pair| {
        let (highlevel, chargify) = pair.split_once('|').unwrap();
        format!("[[sync.field]]\nhighlevel = \"{highlevel}\"\nchargify = \"{chargify}\"\n")
    });
    assert_eq!(
        changed(&engine, &format!("{switched}{}", fields.concat())).await,
        ["sync contacts: mapping saved as version 2"]
    );
    let viewer = engine.command_line(None).await.unwrap();
    let versions = engine.mapping_versions(&viewer, "contacts").await.unwrap();
    assert_eq!(versions.iter().map(|version| version.version).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(versions[0].reason, "applied from a file");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn whatever_is_wrong_is_told_with_its_line_and_nothing_is_changed(pool: PgPool) {
    let (engine, _clock) = setting::engine(&pool);
    changed(&engine, &format!("{CONNECTIONS}{SYNC}")).await;
    let before = state(&pool).await;
    let field = |row: &str| format!("{CONNECTIONS}{SYNC}\n[[sync.field]]\n{row}\n");
    let email = "highlevel = \"email\"\nchargify = \"email\"\n";
    let check = async |file: &str, words: &[&str]| {
        let told = faults(&engine, file).await.join("\n");
        for word in words {
            assert!(told.contains(word), "{word:?} is not in:\n{told}");
        }
        assert_eq!(state(&pool).await, before, "{told}");
    };
    check("[[connection]]\nname = \"crm", &["line 2"]).await;
    check("[[conection]]\n", &["line 1: unknown field `conection`"]).await;
    let pasted = CONNECTIONS.replace("token_env = \"GHL_TOKEN\"", "token = \"pit-secret\"");
    check(&pasted, &["line 5: unknown field `token`", "token_env"]).await;
    assert!(!faults(&engine, &pasted).await.concat().contains("pit-secret"), "a pasted credential is not repeated");
    check(&CONNECTIONS.replace("GHL_TOKEN", "NOWHERE"), &["line 5, connection crm: token_env", "NOWHERE is not set"])
        .await;
    check(&CONNECTIONS.replace("subdomain = \"acme\"\n", ""), &["connection billing: subdomain is missing"]).await;
    let foreign = CONNECTIONS.replace("subdomain", "location_id = \"x\"\nsubdomain");
    check(&foreign, &["line 10, connection billing: location_id has no meaning"]).await;
    let elsewhere = CONNECTIONS.replace("subdomain", "base_url = \"http://evil.example\"\nsubdomain");
    check(&elsewhere, &["line 8, connection billing: base_url", "CONCORD_ALLOW_BASE_URLS"]).await;
    check(&format!("{CONNECTIONS}{CONNECTIONS}"), &["another connection named crm above"]).await;
    check(&CONNECTIONS.replace("\"crm\"", "\"My CRM\""), &["line 2, connection: name"]).await;
    check(&SYNC.replace("\"crm\"", "\"cmr\""), &["line 2, sync contacts: highlevel: there is no connection named cmr"])
        .await;
    check(&SYNC.replace("\"billing\"", "\"crm\""), &["chargify: the connection crm is not one to Chargify"]).await;
    check(&format!("{SYNC}slots = 5\n"), &["slots: 5 is not between 1 and 4"]).await;
    check(&format!("{SYNC}scope = {{ tags = \"x\" }}\n"), &["line 5: unknown field `tags`"]).await;
    check(&field(&format!("{email}direction = \"sideways\"")), &["line 22: unknown variant `sideways`"]).await;
    check(
        &field(&format!("{email}transform = [\n  \"trim\",\n  \"shout\",\n]")),
        &["line 24, sync contacts, email→email: transform, character 1: \"shout\" is not a transform"],
    )
    .await;
    check(
        &field("highlevel = \"emial\"\nchargify = \"email\""),
        &["line 20, sync contacts: emial: there is no such field", "first_name: Chargify requires this field"],
    )
    .await;
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn one_fault_keeps_the_whole_file_from_being_applied(pool: PgPool) {
    let (engine, _clock) = setting::engine(&pool);
    engine.command_line(None).await.unwrap();
    let before = state(&pool).await;
    let file = format!("{CONNECTIONS}{}", SYNC.replace("\"billing\"", "\"nobody\""));
    assert!(faults(&engine, &file).await.concat().contains("no connection named nobody"));
    assert_eq!(state(&pool).await, before, "the connections were not added either");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_sync_keeps_its_pair_and_a_connection_its_kind(pool: PgPool) {
    let (engine, _clock) = setting::engine(&pool);
    let second =
        CONNECTIONS.replace("\"billing\"", "\"billing2\"").replace("\"crm\"", "\"crm2\"").replace("acme", "acme2");
    changed(&engine, &format!("{CONNECTIONS}{second}{SYNC}")).await;
    let moved = SYNC.replace("\"billing\"", "\"billing2\"");
    assert!(faults(&engine, &moved).await.concat().contains("pairs crm and billing already"));
    let turned = CONNECTIONS.replace("\"crm\"", "\"other\"").replace("\"billing\"", "\"crm\"");
    assert!(faults(&engine, &turned).await.concat().contains("crm is a connection to GoHighLevel"));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn what_is_exported_can_be_applied_and_changes_nothing(pool: PgPool) {
    let (engine, _clock) = setting::engine(&pool);
    let same = "\"CHARGIFY_API_KEY\"";
    changed(&engine, &format!("{}{SYNC}slots = 2\n", CONNECTIONS.replace("\"GHL_TOKEN\"", same))).await;
    let viewer = engine.command_line(None).await.unwrap();
    let exported = engine.export(&viewer).await.unwrap();
    assert!(!exported.contains("0123456789"), "no credential leaves");
    assert_eq!(changed(&engine, &exported).await, Vec::<String>::new(), "{exported}");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn whoever_may_not_manage_connections_may_not_apply(pool: PgPool) {
    let (engine, _clock) = setting::engine(&pool);
    let person = setting::person(&engine, "op@acme.example", Role::Operator).await;
    let viewer = engine.viewer(person, None).await.unwrap();
    let refused = engine.apply(&viewer, CONNECTIONS, &credential).await;
    assert!(matches!(refused, Err(EngineError::NotAllowed(_))), "{refused:?}");
}

const SCHEDULE: &str = r#"[sync.schedule]
changes = "every 15 minutes"
full = "30 2 * * 1-5"
zone = "Europe/Berlin"
quiet = "22:00-06:00"
"#;

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_schedule_is_applied_exported_and_taken_back(pool: PgPool) {
    let (engine, _clock) = setting::engine(&pool);
    let file = format!("{CONNECTIONS}{SYNC}{SCHEDULE}");
    let saved = "sync contacts: schedule saved: changes every 15 minutes; \
                 full Monday to Friday at 02:30, Berlin time";
    assert!(changed(&engine, &file).await.contains(&saved.to_owned()));
    assert!(changed(&engine, &file).await.is_empty());
    let schedule = sync(&engine).await.schedule;
    assert_eq!(schedule.quiet.as_deref(), Some("22:00-06:00"));

    let viewer = engine.command_line(None).await.unwrap();
    let text = engine.export(&viewer).await.unwrap();
    assert!(text.contains("full = \"30 2 * * 1-5\"") && text.contains("zone = \"Europe/Berlin\""), "{text}");
    assert!(
        changed(&engine, &text.replace("CRM_TOKEN", "GHL_TOKEN")).await.iter().all(|line| !line.contains("schedule"))
    );

    let off = changed(&engine, &format!("{CONNECTIONS}{SYNC}")).await;
    assert!(off.contains(&"sync contacts: schedule saved: changes off; full off".to_owned()), "{off:?}");
    let text = engine.export(&viewer).await.unwrap();
    assert!(!text.contains("schedule"), "{text}");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn every_fault_of_a_schedule_is_told_with_its_line(pool: PgPool) {
    let (engine, _clock) = setting::engine(&pool);
    let bad =
        "[sync.schedule]\nchanges = \"every 2 minutes\"\nfull = \"0 2 * *\"\nzone = \"Berlin\"\nquiet = \"22-6\"\n";
    let file = format!("{CONNECTIONS}{SYNC}{bad}");
    let first = file.lines().position(|line| line.starts_with("changes")).unwrap() + 1;
    let faults = faults(&engine, &file).await;
    let wanted = [
        ("changes", "\"every 2 minutes\" is no timing; write \"off\""),
        ("full", "write five fields"),
        ("zone", "there is no time zone \"Berlin\""),
        ("quiet", "write it as 22:00-06:00"),
    ];
    assert_eq!(faults.len(), wanted.len(), "{faults:?}");
    for (place, (field, says)) in wanted.into_iter().enumerate() {
        let begins = format!("line {}, sync contacts, schedule: {field}: ", first + place);
        assert!(faults[place].starts_with(&begins) && faults[place].contains(says), "{}", faults[place]);
    }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_misspelt_word_of_a_schedule_is_refused(pool: PgPool) {
    let (engine, _clock) = setting::engine(&pool);
    let faults = faults(&engine, &format!("{CONNECTIONS}{SYNC}[sync.schedule]\nweekly = \"on\"\n")).await;
    assert!(faults[0].contains("unknown field `weekly`"), "{faults:?}");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn kinds_of_engagements_are_applied_exported_and_taken_back(pool: PgPool) {
    let (engine, _clock) = setting::engine(&pool);
    let file = format!("{CONNECTIONS}{SYNC}\n[sync.engagements]\nnotes = true\nappointments = true\n");
    changed(&engine, &file).await;
    let view = sync(&engine).await;
    assert_eq!((view.carry_notes, view.carry_tasks, view.carry_appointments), (true, false, true));
    let exported = engine.export(&engine.command_line(None).await.unwrap()).await.unwrap();
    assert!(exported.contains("[sync.engagements]\nnotes = true\ntasks = false\nappointments = true\n"), "{exported}");
    assert_eq!(changed(&engine, &file).await, Vec::<String>::new());

    let words = faults(&engine, &file.replace("appointments", "apointments")).await;
    assert!(words[0].contains("apointments") && words[0].contains("line "), "{words:?}");
    assert_eq!(sync(&engine).await, view);

    assert_eq!(changed(&engine, &format!("{CONNECTIONS}{SYNC}")).await, ["sync contacts: settings changed"]);
    assert!(!sync(&engine).await.carry_notes);
    let exported = engine.export(&engine.command_line(None).await.unwrap()).await.unwrap();
    assert!(!exported.contains("engagements"), "{exported}");
}
