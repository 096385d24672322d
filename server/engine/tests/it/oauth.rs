//! GoHighLevel through an app: installed as a person installs it, renewed, taken away and given back, against the
//! simulated Marketplace over HTTP.

mod ask;
mod denials;
mod install;
mod renewal;
mod settings;
mod uninstall;
mod workflow;

use crate::{connections::place::keyholder, support::World};
use domain::view::ConnectionView;
use engine::{Engine, InstallAnswer, InstallAsked, Installed, Keyholder, NewApp};
use reqwest::Client;
use sandbox::highlevel::oauth::{CLIENT_ID, CLIENT_SECRET};

/// The simulated app.
pub(crate) fn app() -> NewApp {
    NewApp { client_id: CLIENT_ID.to_owned(), version_id: None, chooser_url: None }
}

/// Makes the connection `crm` call with the simulated app.
pub(crate) async fn use_app(engine: &Engine) -> Keyholder {
    let by = keyholder(engine).await;
    assert!(engine.use_app(&by, "crm", app(), Some(CLIENT_SECRET.into())).await.unwrap());
    by
}

/// A person's choice in the Marketplace, such as `location_id=…` or `choose=agency`: what comes back.
pub(crate) async fn chosen(address: &str, choice: &str) -> InstallAnswer {
    let client = Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
    let response = client.get(format!("{address}&{choice}")).send().await.unwrap();
    assert_eq!(response.status().as_u16(), 303, "{}", response.text().await.unwrap());
    let back = response.headers()["location"].to_str().unwrap().to_owned();
    assert!(back.starts_with("http://127.0.0.1:3000/oauth/callback?"), "{back}");
    let query = back.split_once('?').unwrap().1;
    let part = |name: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(key, _)| *key == name).map(|(_, value)| value.to_owned()).next()
    };
    InstallAnswer { state: part("state").unwrap(), code: part("code") }
}

/// Asks, chooses, comes back.
pub(crate) async fn installed(engine: &Engine, by: &Keyholder, choice: &str) -> Installed {
    let (address, asked) = engine.ask_for_install(by, "crm").await.unwrap();
    let answer = chosen(&address, choice).await;
    engine.finish_install(by, Some(asked), answer).await.unwrap()
}

/// The choice of the sandbox's own location.
pub(crate) fn home(location_id: &str) -> String {
    format!("location_id={location_id}")
}

/// The answer once more, as when a page is loaded again.
pub(crate) fn again(asked: &InstallAsked, answer: &InstallAnswer) -> (Option<InstallAsked>, InstallAnswer) {
    (Some(asked.clone()), answer.clone())
}

/// A world whose GoHighLevel is reached with an app that is installed in its location.
pub(crate) async fn world_with_app(world: &World, choice: Option<&str>) -> Keyholder {
    let by = use_app(&world.engine).await;
    let location = home(world.sandbox.highlevel.credential("location_id"));
    let done = installed(&world.engine, &by, choice.unwrap_or(&location)).await;
    assert!(matches!(done, Installed::Done(_)), "{done:?}");
    assert!(world.engine.test_connection(&by, "crm").await.unwrap().passed);
    by
}

pub(crate) async fn crm(engine: &Engine) -> ConnectionView {
    let viewer = engine.command_line(None).await.unwrap();
    engine.connection(&viewer, "crm").await.unwrap()
}

/// What the trail says of connections, oldest first.
pub(crate) async fn trail(engine: &Engine) -> Vec<String> {
    let viewer = engine.command_line(None).await.unwrap();
    let page = engine.audit_page(&viewer, domain::view::AuditFilter::default()).await.unwrap();
    let about = page.lines.into_iter().filter(|line| line.subject.starts_with("connection:"));
    let mut words: Vec<String> = about.map(|line| line.words).collect();
    words.reverse();
    words
}
