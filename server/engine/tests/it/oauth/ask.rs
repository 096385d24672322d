//! Asking for an install, without a service: states that are foreign, used up or late.

use super::{app, crm, trail};
use crate::{
    connections::place::{keyholder, new_highlevel},
    setting,
};
use engine::{CredentialField, Engine, EngineError, InstallAnswer, InstallFault, Installed, Keyholder, NewConnection};
use sqlx::PgPool;
use time::Duration;

const CHOOSER: &str = "https://marketplace.gohighlevel.com/v2/oauth/chooselocation?response_type=code&";

fn with_app() -> NewConnection {
    let mut new = new_highlevel("crm", None, "ve9EPM428h8vShlRW1KT", "");
    new.app = Some(app());
    new.credentials = vec![(CredentialField::ClientSecret, "client-secret-0123456789".into())];
    new
}

async fn asking(engine: &Engine) -> Keyholder {
    let by = keyholder(engine).await;
    engine.add_connection(&by, with_app()).await.unwrap();
    by
}

fn state_of(address: &str) -> String {
    address.split("state=").nth(1).unwrap().split('&').next().unwrap().to_owned()
}

fn answer(state: &str) -> InstallAnswer {
    InstallAnswer { state: state.to_owned(), code: Some("some-code".to_owned()) }
}

async fn fault(engine: &Engine, by: &Keyholder, asked: Option<engine::InstallAsked>, state: &str) -> InstallFault {
    match engine.finish_install(by, asked, answer(state)).await.unwrap() {
        Installed::Not { fault, .. } => fault,
        Installed::Done(id) => panic!("{id} was installed"),
    }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_person_is_sent_to_the_marketplace_with_a_state_of_their_own(pool: PgPool) {
    let (engine, _clock) = setting::engine(&pool);
    let by = asking(&engine).await;
    let view = crm(&engine).await;
    assert_eq!((view.state.as_str(), view.app.as_ref().unwrap().standing.as_str()), ("untested", "waiting"));
    assert_eq!(view.denial(), Some(domain::denial::Denial::NotInstalled));
    let overview = engine.overview(&engine.command_line(None).await.unwrap()).await.unwrap();
    assert!(overview.needs.iter().any(|need| need.title == "Install the app of crm"), "{:#?}", overview.needs);
    let (address, asked) = engine.ask_for_install(&by, "crm").await.unwrap();
    assert!(address.starts_with(CHOOSER), "{address}");
    assert!(address.contains("redirect_uri=http%3A%2F%2F127.0.0.1%3A3000%2Foauth%2Fcallback"), "{address}");
    assert!(address.contains("contacts.readonly%20contacts.write"), "{address}");
    let state = state_of(&address);
    assert!(state.len() >= 32 && !serde_json::to_string(&asked).unwrap().contains(&state), "kept as a digest only");
    let (second, _) = engine.ask_for_install(&by, "crm").await.unwrap();
    assert_ne!(state_of(&second), state);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_answer_that_the_session_did_not_ask_for_is_nobodys(pool: PgPool) {
    let (engine, _clock) = setting::engine(&pool);
    let by = asking(&engine).await;
    let before = trail(&engine).await;
    let (address, asked) = engine.ask_for_install(&by, "crm").await.unwrap();
    let state = state_of(&address);
    assert_eq!(fault(&engine, &by, None, &state).await, InstallFault::UnknownState, "another session");
    let (foreign, _) = engine.ask_for_install(&by, "crm").await.unwrap();
    for wrong in ["", "made-up", &state_of(&foreign)] {
        assert_eq!(fault(&engine, &by, Some(asked.clone()), wrong).await, InstallFault::UnknownState, "{wrong}");
    }
    assert_eq!(trail(&engine).await, before, "a stranger leaves no line");
    assert_eq!(crm(&engine).await.app.unwrap().standing, "waiting");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn whoever_takes_too_long_asks_again(pool: PgPool) {
    let (engine, clock) = setting::engine(&pool);
    let by = asking(&engine).await;
    let (address, asked) = engine.ask_for_install(&by, "crm").await.unwrap();
    clock.pass(Duration::minutes(16));
    assert_eq!(fault(&engine, &by, Some(asked), &state_of(&address)).await, InstallFault::Late);
    let words = trail(&engine).await.pop().unwrap();
    assert!(words.contains("did not install") && words.ends_with("the choice came too late"), "{words}");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn no_answer_of_the_service_changes_nothing(pool: PgPool) {
    let (engine, _clock) = setting::engine(&pool);
    let by = asking(&engine).await;
    let (address, asked) = engine.ask_for_install(&by, "crm").await.unwrap();
    assert_eq!(fault(&engine, &by, Some(asked), &state_of(&address)).await, InstallFault::NoAnswer);
    assert_eq!(crm(&engine).await.app.unwrap().standing, "waiting");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn another_workspaces_install_is_not_finished_here(pool: PgPool) {
    let (engine, _clock) = setting::engine(&pool);
    let by = asking(&engine).await;
    let (address, asked) = engine.ask_for_install(&by, "crm").await.unwrap();
    let insert = "insert into workspace (workspace_id, name) values (gen_random_uuid(), 'other')";
    sqlx::query(insert).execute(&pool).await.unwrap();
    let other = engine.command_line(Some("other")).await.unwrap().keyholder().unwrap();
    let answered = engine.finish_install(&other, Some(asked), answer(&state_of(&address))).await;
    assert!(matches!(answered, Err(EngineError::NotFound(_))), "{answered:?}");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn nobody_is_sent_to_a_page_that_is_no_longer_allowed(pool: PgPool) {
    let (engine, _clock) = setting::engine(&pool);
    let by = asking(&engine).await;
    sqlx::query("update install set chooser_url = 'https://evil.example/choose'").execute(&pool).await.unwrap();
    let Err(EngineError::Invalid(faults)) = engine.ask_for_install(&by, "crm").await else { panic!("sent away") };
    assert!(faults[0].starts_with("chooser_url:"), "{faults:?}");
}
