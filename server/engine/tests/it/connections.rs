//! Connections: entering them, keeping their credentials, testing them rung by rung against the sandboxes.

mod ladder;
pub(crate) mod place;
mod state;

use crate::setting;
use domain::{Role, Side, view::ConnectionView};
use engine::{CredentialField, Engine, EngineError, Keyholder, NewConnection, Whereabouts};
use place::{keyholder, new_chargify, new_highlevel};
use sqlx::PgPool;

async fn one(engine: &Engine, key: &str) -> ConnectionView {
    let viewer = engine.command_line(None).await.unwrap();
    engine.connection(&viewer, key).await.unwrap()
}

async fn actions(engine: &Engine) -> Vec<String> {
    let viewer = engine.command_line(None).await.unwrap();
    let page = engine.audit_page(&viewer, domain::view::AuditFilter::default()).await.unwrap();
    let about = |line: &&domain::view::AuditLineView| line.subject.starts_with("connection:");
    page.lines.iter().filter(about).map(|line| line.action.clone()).collect()
}

fn faults<T: std::fmt::Debug>(result: Result<T, EngineError>) -> Vec<String> {
    match result {
        Err(EngineError::Invalid(faults)) => faults,
        other => panic!("not refused as invalid: {other:?}"),
    }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_new_connection_is_untested_and_shows_no_credential(pool: PgPool) {
    let (engine, _clock) = setting::engine(&pool);
    let by = keyholder(&engine).await;
    let id = engine.add_connection(&by, new_chargify("billing", None, "key-0123456789")).await.unwrap();
    let view = one(&engine, &id).await;
    assert_eq!((view.name.as_str(), view.side, view.account.as_str()), ("billing", Side::Chargify, "acme"));
    assert_eq!((view.state.as_str(), view.base_url, view.last_check), ("untested", None, None));
    assert_eq!(view.webhook_url, format!("http://127.0.0.1:3000/webhooks/chargify/{id}"));
    assert_eq!(view.credentials.len(), 1);
    assert_eq!((view.credentials[0].field.as_str(), view.credentials[0].hint.as_str()), ("api_key", "6789"));
    assert_eq!(one(&engine, "billing").await.id, id, "by name too");
    assert_eq!(actions(&engine).await, ["connection.added"]);

    let stored: Vec<u8> = sqlx::query_scalar("select sealed from credential").fetch_one(&pool).await.unwrap();
    assert!(!stored.windows(10).any(|part| part == b"0123456789"), "sealed");
    let slots: i64 = sqlx::query_scalar("select count(*) from slot").fetch_one(&pool).await.unwrap();
    let lane: (i16,) = sqlx::query_as("select call_slots from lane").fetch_one(&pool).await.unwrap();
    assert_eq!((slots, lane.0), (4, 3));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_name_is_taken_once(pool: PgPool) {
    let (engine, _clock) = setting::engine(&pool);
    let by = keyholder(&engine).await;
    engine.add_connection(&by, new_chargify("crm", None, "key-0123456789")).await.unwrap();
    let again = engine.add_connection(&by, new_highlevel("crm", None, "locationid0", "pit-0123456789")).await;
    assert_eq!(faults(again), ["name: another connection of this workspace has it"]);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_site_has_one_connection_since_its_four_requests_are_the_sites(pool: PgPool) {
    let (engine, _clock) = setting::engine(&pool);
    let by = keyholder(&engine).await;
    engine.add_connection(&by, new_chargify("billing", None, "key-0123456789")).await.unwrap();
    let told =
        |faults: Vec<String>| assert!(faults[0].starts_with("account: this Chargify site is connected"), "{faults:?}");
    let official = Some("https://acme.chargify.com/");
    for base_url in [None, official] {
        told(faults(engine.add_connection(&by, new_chargify("second", base_url, "key-0123456789")).await));
    }
    // The same name on the other host is another site, until it is moved.
    let europe = Some("https://acme.ebilling.maxio.com");
    engine.add_connection(&by, new_chargify("europe", europe, "key-0123456789")).await.unwrap();
    let here = Whereabouts { account: "acme".to_owned(), base_url: None, webhook_public_key: None };
    told(faults(engine.change_connection(&by, "europe", here).await));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn credentials_are_never_sent_to_a_strange_host(pool: PgPool) {
    let (engine, _clock) = setting::engine(&pool);
    let by = keyholder(&engine).await;
    let strange = new_chargify("billing", Some("http://127.0.0.1:4102"), "key-0123456789");
    assert!(faults(engine.add_connection(&by, strange).await)[0].contains("CONCORD_ALLOW_BASE_URLS"));

    // Allowed when it was stored, no longer allowed when it is used.
    let id = engine.add_connection(&by, new_chargify("billing", None, "key-0123456789")).await.unwrap();
    sqlx::query("update connection set base_url = 'http://127.0.0.1:4102'").execute(&pool).await.unwrap();
    assert!(faults(engine.test_connection(&by, &id).await)[0].starts_with("base_url:"));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_rotated_key_makes_the_connection_untested_until_it_is_tested(pool: PgPool) {
    let (engine, _clock) = setting::engine(&pool);
    let by = keyholder(&engine).await;
    let id = engine.add_connection(&by, new_chargify("billing", None, "key-0123456789")).await.unwrap();
    sqlx::query("update connection set state = 'healthy'").execute(&pool).await.unwrap();

    let same = engine.rotate_credential(&by, &id, CredentialField::ApiKey, " key-0123456789\n".into()).await.unwrap();
    assert!(!same && one(&engine, &id).await.state == "healthy", "the very same key changes nothing");
    let shared = engine.rotate_credential(&by, &id, CredentialField::SharedKey, "shared-0123456".into()).await.unwrap();
    assert!(shared && one(&engine, &id).await.state == "healthy", "calls are not made with the shared key");
    let new = engine.rotate_credential(&by, &id, CredentialField::ApiKey, "key-9876543210".into()).await.unwrap();
    let view = one(&engine, &id).await;
    assert!(new && view.state == "untested");
    assert_eq!(view.credentials.iter().map(|one| one.hint.as_str()).collect::<Vec<_>>(), ["3210", "3456"]);
    let rotated = "connection.credential_rotated";
    assert_eq!(actions(&engine).await, [rotated, rotated, "connection.added"]);

    let wrong = engine.rotate_credential(&by, &id, CredentialField::Token, "pit-0123456789".into()).await;
    assert!(faults(wrong)[0].starts_with("token:"));
    let blank = engine.rotate_credential(&by, &id, CredentialField::ApiKey, "  ".into()).await;
    assert!(faults(blank)[0].starts_with("api_key: enter"));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn changing_a_connection_twice_changes_it_once(pool: PgPool) {
    let (engine, _clock) = setting::engine(&pool);
    let by = keyholder(&engine).await;
    engine.add_connection(&by, new_chargify("billing", None, "key-0123456789")).await.unwrap();
    let moved = Whereabouts {
        account: "https://acme.ebilling.maxio.com/".to_owned(),
        base_url: None,
        webhook_public_key: None,
    };
    assert!(engine.change_connection(&by, "billing", moved.clone()).await.unwrap());
    assert!(!engine.change_connection(&by, "billing", moved).await.unwrap());
    let view = one(&engine, "billing").await;
    assert_eq!(view.base_url.as_deref(), Some("https://acme.ebilling.maxio.com"));
    assert_eq!(actions(&engine).await, ["connection.changed", "connection.added"]);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn another_workspaces_connection_does_not_exist(pool: PgPool) {
    let (engine, _clock) = setting::engine(&pool);
    let by = keyholder(&engine).await;
    let id = engine.add_connection(&by, new_chargify("billing", None, "key-0123456789")).await.unwrap();
    sqlx::query("insert into workspace (workspace_id, name) values (gen_random_uuid(), 'other')")
        .execute(&pool)
        .await
        .unwrap();
    let other = engine.command_line(Some("other")).await.unwrap();
    assert!(engine.connections(&other).await.unwrap().is_empty());
    for key in [id.as_str(), "billing"] {
        assert!(matches!(engine.connection(&other, key).await, Err(EngineError::NotFound(_))));
        let holder: Keyholder = other.keyholder().unwrap();
        assert!(matches!(engine.test_connection(&holder, key).await, Err(EngineError::NotFound(_))));
    }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn only_a_keyholder_can_touch_credentials(pool: PgPool) {
    let (engine, _clock) = setting::engine(&pool);
    let person = setting::person(&engine, "op@a.example", Role::Operator).await;
    let viewer = engine.viewer(person, None).await.unwrap();
    assert!(matches!(viewer.keyholder(), Err(EngineError::NotAllowed(_))));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_value_sealed_for_one_connection_does_not_open_in_another(pool: PgPool) {
    let (engine, _clock) = setting::engine(&pool);
    let by = keyholder(&engine).await;
    engine.add_connection(&by, new_chargify("one", None, "key-0123456789")).await.unwrap();
    let other = NewConnection { account: "other".to_owned(), ..new_chargify("two", None, "key-9876543210") };
    engine.add_connection(&by, other).await.unwrap();
    sqlx::query(
        "update credential set (sealed, nonce) = (select sealed, nonce from credential c join connection using
         (workspace_id, connection_id) where name = 'one')
         where connection_id = (select connection_id from connection where name = 'two')",
    )
    .execute(&pool)
    .await
    .unwrap();
    assert!(matches!(engine.test_connection(&by, "two").await, Err(EngineError::Sealed(_))));
}

#[test]
fn a_connection_as_entered_never_prints_its_credential() {
    let new: NewConnection = new_chargify("billing", None, "key-0123456789");
    assert!(!format!("{new:?}").contains("0123456789"));
}
