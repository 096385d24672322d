//! Installing at the simulated Marketplace.

use super::{again, app, chosen, crm, home, installed, trail, use_app};
use crate::connections::place::{Place, new_highlevel, step};
use domain::view::StepState;
use engine::{CredentialField, InstallFault, Installed};
use sandbox::{Fault, FaultRule, highlevel::oauth::CLIENT_SECRET};
use sqlx::PgPool;

async fn with_app(place: &Place) {
    let side = &place.sandbox.highlevel;
    let mut new = new_highlevel("crm", Some(&side.base_url), side.credential("location_id"), "");
    new.app = Some(app());
    new.credentials = vec![(CredentialField::ClientSecret, CLIENT_SECRET.into())];
    place.engine.add_connection(&place.by, new).await.unwrap();
}

fn here(place: &Place) -> String {
    home(place.sandbox.highlevel.credential("location_id"))
}

fn fault(done: Installed) -> InstallFault {
    match done {
        Installed::Not { fault, .. } => fault,
        Installed::Done(id) => panic!("{id} was installed"),
    }
}

async fn sealed(pool: &PgPool) -> Vec<String> {
    let fields = "select field from credential where field <> 'client_secret' order by field";
    sqlx::query_scalar(fields).fetch_all(pool).await.unwrap()
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_app_that_is_installed_makes_the_connection_healthy(pool: PgPool) {
    let place = Place::open(&pool, 3).await;
    with_app(&place).await;
    let check = place.test("crm").await;
    let rung = step(&check, "App installed");
    assert!(rung.state == StepState::Failed && rung.detail.contains("Install it on this page"), "{rung:?}");
    assert_eq!(place.view("crm").await.state, "untested", "nothing is wrong yet");
    assert_eq!(place.sandbox.highlevel.stats().calls, 0);

    let done = installed(&place.engine, &place.by, &here(&place)).await;
    assert_eq!(done, Installed::Done(place.view("crm").await.id));
    let check = place.test("crm").await;
    assert!(check.passed, "{:#?}", check.steps);
    assert_eq!(step(&check, "App installed").state, StepState::Passed);
    let view = place.view("crm").await;
    let app = view.app.as_ref().unwrap();
    assert_eq!((view.state.as_str(), app.standing.as_str(), app.of_agency), ("healthy", "installed", false));
    assert!(app.expires_at.is_some() && app.installed_at.is_some(), "{app:?}");
    let shown: Vec<&str> = view.credentials.iter().map(|one| one.field.as_str()).collect();
    assert_eq!(shown, ["client_secret"], "tokens are nobody's to see");
    assert_eq!(sealed(&pool).await, ["access_token", "refresh_token"]);
    let words = trail(&place.engine).await;
    assert!(
        words.iter().any(|words| words.ends_with("installed the app of the connection crm in GoHighLevel")),
        "{words:?}"
    );
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_agencys_install_makes_the_locations_own_token(pool: PgPool) {
    let place = Place::open(&pool, 3).await;
    with_app(&place).await;
    let done = installed(&place.engine, &place.by, "choose=agency").await;
    assert!(matches!(done, Installed::Done(_)), "{done:?}");
    let check = place.test("crm").await;
    assert!(check.passed, "{:#?}", check.steps);
    assert!(step(&check, "App installed").detail.contains("for the whole agency"));
    assert!(place.view("crm").await.app.unwrap().of_agency);
    assert_eq!(place.sandbox.highlevel.stats().by_endpoint["POST /oauth/locationToken"], 1);

    // What is renewed is the agency's pair; the location's token is made anew.
    place.sandbox.highlevel.with(|rules, _| rules.tokens.expire());
    assert!(place.test("crm").await.passed);
    let stats = place.sandbox.highlevel.stats();
    assert_eq!((stats.by_endpoint["POST /oauth/token"], stats.by_endpoint["POST /oauth/locationToken"]), (2, 2));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_person_who_declines_changes_nothing(pool: PgPool) {
    let place = Place::open(&pool, 0).await;
    with_app(&place).await;
    assert_eq!(fault(installed(&place.engine, &place.by, "choose=decline").await), InstallFault::Declined);
    assert_eq!(crm(&place.engine).await.app.unwrap().standing, "waiting");
    assert!(sealed(&pool).await.is_empty());
    let words = trail(&place.engine).await.pop().unwrap();
    assert!(words.ends_with("it was declined in GoHighLevel"), "{words}");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_code_works_once(pool: PgPool) {
    let place = Place::open(&pool, 0).await;
    with_app(&place).await;
    let (address, asked) = place.engine.ask_for_install(&place.by, "crm").await.unwrap();
    let answer = chosen(&address, &here(&place)).await;
    let (first, second) = (again(&asked, &answer), again(&asked, &answer));
    let done = place.engine.finish_install(&place.by, first.0, first.1).await.unwrap();
    assert!(matches!(done, Installed::Done(_)));
    let done = place.engine.finish_install(&place.by, second.0, second.1).await.unwrap();
    assert_eq!(fault(done), InstallFault::CodeRefused);
    assert_eq!(crm(&place.engine).await.app.unwrap().standing, "installed", "the first install stands");
    assert!(place.test("crm").await.passed);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn another_location_than_the_connections_is_refused(pool: PgPool) {
    let place = Place::open(&pool, 0).await;
    with_app(&place).await;
    let (other, _) = place.sandbox.highlevel.with(|side, _now| side.add_location("Somebody else"));
    assert_eq!(fault(installed(&place.engine, &place.by, &home(&other)).await), InstallFault::OtherLocation);
    assert!(sealed(&pool).await.is_empty());
    let words = trail(&place.engine).await.pop().unwrap();
    assert!(words.contains("another location"), "{words}");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_agency_that_lacks_the_location_is_told_apart(pool: PgPool) {
    let place = Place::open(&pool, 0).await;
    with_app(&place).await;
    let refuse = Fault::Status { status: 400, body: None, retry_after: None };
    place.sandbox.highlevel.set_faults(vec![FaultRule::always("POST /oauth/locationToken", refuse)]);
    assert_eq!(fault(installed(&place.engine, &place.by, "choose=agency").await), InstallFault::NotInLocation);
    place.sandbox.highlevel.set_faults(vec![FaultRule::always("POST /oauth/locationToken", Fault::Reset)]);
    assert_eq!(fault(installed(&place.engine, &place.by, "choose=agency").await), InstallFault::NoAnswer);
    assert!(sealed(&pool).await.is_empty());
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_wrong_client_secret_is_refused(pool: PgPool) {
    let place = Place::open(&pool, 0).await;
    place.add_highlevel(None).await;
    let by = use_app(&place.engine).await;
    let field = CredentialField::ClientSecret;
    place.engine.rotate_credential(&by, "crm", field, "another-secret-0123456789".into()).await.unwrap();
    assert_eq!(fault(installed(&place.engine, &by, &here(&place)).await), InstallFault::CodeRefused);
}
