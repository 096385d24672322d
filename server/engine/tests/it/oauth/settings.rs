//! Which app a connection has: in the browser's words, in a file, and in place of a private token.

use super::{app, crm, trail, use_app};
use crate::{
    connections::place::{keyholder, new_highlevel},
    setting,
};
use engine::{CredentialField, Engine, EngineError, NewApp};
use secrecy::SecretString;
use sqlx::PgPool;
use time::Duration;

const FILE: &str = r#"[[connection]]
name = "crm"
kind = "highlevel"
location_id = "ve9EPM428h8vShlRW1KT"
client_id = "665c6bb13d4e5364bdec0e2f-lx2"
client_secret_env = "CRM_CLIENT_SECRET"
version_id = "665c6bb13d4e5364bdec0e30"
workflow_secret_env = "CRM_WORKFLOW_SECRET"
"#;

fn credential(name: &str) -> Result<SecretString, String> {
    match name {
        "CRM_CLIENT_SECRET" => Ok("client-secret-0123456789".into()),
        "CRM_WORKFLOW_SECRET" => Ok("workflow-secret-0123456789".into()),
        "CRM_TOKEN" => Ok("pit-0123456789".into()),
        _ => Err(format!("{name} is not set")),
    }
}

async fn apply(engine: &Engine, text: &str) -> Result<Vec<String>, EngineError> {
    let viewer = engine.command_line(None).await.unwrap();
    engine.apply(&viewer, text, &credential).await
}

async fn faults(engine: &Engine, text: &str) -> Vec<String> {
    match apply(engine, text).await {
        Err(EngineError::Invalid(faults)) => faults,
        other => panic!("not refused as invalid: {other:?}"),
    }
}

async fn fields(pool: &PgPool) -> Vec<String> {
    sqlx::query_scalar("select field from credential order by field").fetch_all(pool).await.unwrap()
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_app_can_stand_in_a_file_and_comes_out_of_it_again(pool: PgPool) {
    let (engine, _clock) = setting::engine(&pool);
    let changed = apply(&engine, FILE).await.unwrap();
    assert_eq!(changed[0], "connection crm: added");
    let id = crm(&engine).await.id;
    let hint =
        format!("connection crm: its app is to be installed by a person, at http://127.0.0.1:3000/connections/{id}");
    assert_eq!(changed[1..], [hint]);
    assert_eq!(apply(&engine, FILE).await.unwrap(), Vec::<String>::new(), "a second time changes nothing");
    let viewer = engine.command_line(None).await.unwrap();
    let exported = engine.export(&viewer).await.unwrap();
    for line in FILE.lines().skip(1) {
        assert!(exported.contains(line), "{line} in {exported}");
    }
    assert!(!exported.contains("token_env") && !exported.contains("0123456789"), "{exported}");
    assert_eq!(apply(&engine, &exported).await.unwrap(), Vec::<String>::new());
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn what_a_file_leaves_out_is_off(pool: PgPool) {
    let (engine, _clock) = setting::engine(&pool);
    apply(&engine, FILE).await.unwrap();
    let without = FILE.replace("workflow_secret_env = \"CRM_WORKFLOW_SECRET\"\n", "");
    let changed = apply(&engine, &without).await.unwrap();
    assert_eq!(changed, ["connection crm: workflow webhooks are no longer taken in"]);
    assert_eq!(fields(&pool).await, ["client_secret"]);
    let private = "[[connection]]\nname = \"crm\"\nkind = \"highlevel\"\nlocation_id = \"ve9EPM428h8vShlRW1KT\"\n\
                   token_env = \"CRM_TOKEN\"\n";
    assert_eq!(apply(&engine, private).await.unwrap(), ["connection crm: private integration token replaced"]);
    assert_eq!(fields(&pool).await, ["token"]);
    assert!(crm(&engine).await.app.is_none());
    let back = apply(&engine, &without).await.unwrap();
    assert_eq!(back[0], "connection crm: app or its secret changed");
    assert_eq!(fields(&pool).await, ["client_secret"]);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn half_an_app_is_refused_with_what_is_missing(pool: PgPool) {
    let (engine, _clock) = setting::engine(&pool);
    let told = faults(&engine, &FILE.replace("client_secret_env = \"CRM_CLIENT_SECRET\"\n", "")).await;
    assert!(told[0].contains("client_secret_env is missing"), "{told:?}");
    let told =
        faults(&engine, &FILE.replace("client_id = \"665c6bb13d4e5364bdec0e2f-lx2\"\n", "token_env = \"CRM_TOKEN\"\n"))
            .await;
    assert!(told[0].contains("client_id"), "{told:?}");
    let told = faults(&engine, &format!("{FILE}token_env = \"CRM_TOKEN\"\n")).await;
    assert!(told[0].contains("leave one of them out"), "{told:?}");
    let told =
        faults(&engine, &FILE.replace("client_secret_env = \"CRM_CLIENT_SECRET\"", "client_secret = \"oops\"")).await;
    assert!(told[0].contains("A credential never stands in the file"), "{told:?}");
    let told = faults(&engine, &format!("{FILE}chooser_url = \"https://evil.example/\"\n")).await;
    assert!(told[0].contains("chooser_url"), "{told:?}");
    assert!(fields(&pool).await.is_empty());
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_app_takes_the_place_of_a_private_token_and_the_other_way_round(pool: PgPool) {
    let (engine, _clock) = setting::engine(&pool);
    let by = keyholder(&engine).await;
    engine.add_connection(&by, new_highlevel("crm", None, "ve9EPM428h8vShlRW1KT", "pit-0123456789")).await.unwrap();
    let bare = engine.use_app(&by, "crm", app(), None).await;
    assert!(matches!(&bare, Err(EngineError::Invalid(faults)) if faults[0].starts_with("client_secret:")), "{bare:?}");
    let secret = engine.rotate_credential(&by, "crm", CredentialField::ClientSecret, "some-secret-0123".into()).await;
    assert!(matches!(&secret, Err(EngineError::Invalid(faults)) if faults[0].contains("client id")), "{secret:?}");

    use_app(&engine).await;
    assert_eq!(fields(&pool).await, ["client_secret"]);
    assert!(!engine.use_app(&by, "crm", app(), None).await.unwrap(), "the same app, the same secret");
    let other = NewApp { client_id: "another-app-0000".to_owned(), ..app() };
    assert!(engine.use_app(&by, "crm", other, None).await.unwrap());
    let words = trail(&engine).await;
    assert!(words.iter().any(|words| words.ends_with("set the app that the connection crm calls with")), "{words:?}");

    engine.rotate_credential(&by, "crm", CredentialField::Token, "pit-abcdefghij".into()).await.unwrap();
    assert_eq!(fields(&pool).await, ["token"]);
    let ask = engine.ask_for_install(&by, "crm").await;
    assert!(matches!(&ask, Err(EngineError::Invalid(faults)) if faults[0].contains("has no app")), "{ask:?}");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_private_token_of_ninety_days_is_mentioned(pool: PgPool) {
    let (engine, clock) = setting::engine(&pool);
    let by = keyholder(&engine).await;
    engine.add_connection(&by, new_highlevel("crm", None, "ve9EPM428h8vShlRW1KT", "pit-0123456789")).await.unwrap();
    let viewer = engine.command_line(None).await.unwrap();
    let aged = async || {
        let needs = engine.overview(&viewer).await.unwrap().needs;
        needs.into_iter().find(|need| need.kind == "age")
    };
    clock.pass(Duration::days(89));
    assert!(aged().await.is_none());
    clock.pass(Duration::days(1));
    let need = aged().await.unwrap();
    assert_eq!((need.title.as_str(), need.action.as_str()), ("The token of crm is 90 days old", "Replace it"));
    engine.rotate_credential(&by, "crm", CredentialField::Token, "pit-abcdefghij".into()).await.unwrap();
    assert!(aged().await.is_none());
}
