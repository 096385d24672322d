//! An app from the form to the first call, in a browser without a script and against the simulated Marketplace.

use crate::{
    browser::{Browser, Page},
    forms::House,
    site::Site,
};
use domain::Role;
use reqwest::{StatusCode, header};
use sandbox::highlevel::{
    auth::Class,
    oauth::{CLIENT_ID, CLIENT_SECRET},
};
use sqlx::PgPool;

/// Adds the connection `crm` with the simulated app; its page.
async fn added(house: &House, browser: &mut Browser) -> Page {
    let side = &house.sandbox.highlevel;
    let page = browser.open("/connections/new?side=highlevel&with=app").await;
    let fields = [
        ("name", "crm"),
        ("account", side.credential("location_id")),
        ("client_id", CLIENT_ID),
        ("client_secret", CLIENT_SECRET),
        ("base_url", &side.base_url),
        ("webhook_public_key", side.credential("webhook_public_key")),
    ];
    let form = fields
        .iter()
        .fold(page.form("add-connection"), |form, (name, value)| form.with(&format!("new[{name}]"), value));
    browser.send(&page, form, None).await
}

/// Follows the link to the Marketplace, chooses there, and comes back: the page that follows.
async fn installed(house: &House, browser: &mut Browser, choice: &str) -> Page {
    let back = chosen(house, browser, choice).await;
    browser.open(&back).await
}

/// Where the Marketplace sends the person back to.
async fn chosen(house: &House, browser: &mut Browser, choice: &str) -> String {
    let away = browser.leave("/oauth/install/crm").await;
    assert!(away.starts_with(&format!("{}/oauth/chooselocation?", house.sandbox.highlevel.base_url)), "{away}");
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
    let answer = client.get(format!("{away}&{choice}")).send().await.unwrap();
    let back = answer.headers()[header::LOCATION].to_str().unwrap().to_owned();
    back.strip_prefix(&house.site.app.public_url).unwrap_or_else(|| panic!("{back}")).to_owned()
}

fn here(house: &House) -> String {
    format!("location_id={}", house.sandbox.highlevel.credential("location_id"))
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_person_installs_an_app_and_the_connection_works(pool: PgPool) {
    let house = House::on(&pool).await;
    let mut browser = house.owner().await;
    let page = added(&house, &mut browser).await;
    assert!(page.says("The connection is added.") && page.says("Install its app now"), "{}", page.text());
    assert!(page.says("not installed yet") && page.says("Install in GoHighLevel"), "{}", page.text());
    let callback = format!("{}/oauth/callback", house.site.app.public_url);
    assert!(page.says(&callback) && page.says("contacts.write") && page.says("https:// only"), "{}", page.text());
    assert!(!page.html.contains(CLIENT_SECRET));

    let page = installed(&house, &mut browser, &here(&house)).await;
    assert!(page.says("The app is installed and works."), "{}", page.text());
    assert!(page.says("in this location") && page.says("Install again"), "{}", page.text());
    let listed = browser.open("/connections").await;
    assert!(listed.says("Healthy"), "{}", listed.text());
    let audit = browser.open("/audit").await;
    assert!(audit.says("installed the app of the connection crm in GoHighLevel"), "{}", audit.text());
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn what_goes_wrong_on_the_way_is_told_and_changes_nothing(pool: PgPool) {
    let house = House::on(&pool).await;
    let mut browser = house.owner().await;
    added(&house, &mut browser).await;
    let page = installed(&house, &mut browser, "choose=decline").await;
    assert!(page.says("it was declined in GoHighLevel") && page.says("Nothing was changed."), "{}", page.text());
    let (other, _) = house.sandbox.highlevel.with(|side, _now| side.add_location("Somebody else"));
    let page = installed(&house, &mut browser, &format!("location_id={other}")).await;
    assert!(page.says("You chose another location than this connection’s."), "{}", page.text());

    let foreign = browser.open("/oauth/callback?code=made-up&state=made-up").await;
    assert!(foreign.path.starts_with("/connections?"), "{}", foreign.path);
    assert!(foreign.says("This install was not asked for in this browser."), "{}", foreign.text());

    // The same answer twice, as when the page is loaded again.
    let back = chosen(&house, &mut browser, &here(&house)).await;
    let first = browser.open(&back).await;
    assert!(first.says("The app is installed and works."), "{}", first.text());
    let second = browser.open(&back).await;
    assert!(second.says("This install was not asked for in this browser."), "{}", second.text());
    let page = browser.open("/connections/crm").await;
    assert!(page.says("Healthy"), "{}", page.text());
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_answer_in_another_browser_is_nobodys(pool: PgPool) {
    let house = House::on(&pool).await;
    let mut browser = house.owner().await;
    added(&house, &mut browser).await;
    let back = chosen(&house, &mut browser, &here(&house)).await;
    let mut stranger = house.browser();
    let page = stranger.open(&back).await;
    assert!(page.path.starts_with("/sign-in"), "{}", page.path);
    let cookie = house.site.signed_in(Role::Admin).await;
    let mut colleague = Browser::with_cookie(&house.site.app.public_url, cookie);
    let page = colleague.open(&back).await;
    assert!(page.says("This install was not asked for in this browser."), "{}", page.text());
    let page = browser.open(&back).await;
    assert!(page.says("The app is installed and works."), "the one who asked still can: {}", page.text());
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn only_whoever_may_manage_connections_is_sent_away(pool: PgPool) {
    let house = House::on(&pool).await;
    let mut browser = house.owner().await;
    added(&house, &mut browser).await;
    let site: &Site = &house.site;
    let cookie = site.signed_in(Role::Viewer).await;
    let get = async |cookie: &str, from: &str| {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
        let request = client.get(site.url("/oauth/install/crm")).header(header::COOKIE, cookie);
        request.header("sec-fetch-site", from).send().await.unwrap()
    };
    assert_eq!(get(&cookie, "same-origin").await.status(), StatusCode::FORBIDDEN);
    let stranger = get("", "same-origin").await;
    assert!(stranger.headers()[header::LOCATION].to_str().unwrap().starts_with("/sign-in?next="));
    let owner = site.signed_in(Role::Owner).await;
    assert_eq!(get(&owner, "cross-site").await.status(), StatusCode::FORBIDDEN, "another site's link");
    assert_eq!(get(&owner, "same-origin").await.status(), StatusCode::SEE_OTHER);
    let mut viewer = Browser::with_cookie(&site.app.public_url, cookie);
    let page = viewer.open("/connections/crm").await;
    assert!(page.says("Install in GoHighLevel") && !page.html.contains("/oauth/install/"), "{}", page.text());
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_uninstalled_app_says_so_and_what_to_press(pool: PgPool) {
    let house = House::on(&pool).await;
    let mut browser = house.owner().await;
    added(&house, &mut browser).await;
    installed(&house, &mut browser, &here(&house)).await;
    house.sandbox.highlevel.with(|rules, now| {
        let class = Class::Location(rules.main_location_id().to_owned());
        assert!(rules.uninstall(&class, now));
    });
    let page = browser.open("/connections/crm").await;
    let page = browser.send(&page, page.form("test-connection"), None).await;
    assert!(page.says("The test failed.") && page.says("App installed"), "{}", page.text());
    let page = browser.open("/connections/crm").await;
    assert!(page.says("GoHighLevel gives the app no new tokens."), "{}", page.text());
    assert!(
        page.says("Install again in GoHighLevel") && page.says("Its work waits; nothing is lost."),
        "{}",
        page.text()
    );
    let overview = browser.open("/").await;
    assert!(overview.says("Install the app again"), "{}", overview.text());
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_private_token_gives_way_to_an_app_and_workflows_are_switched_on_and_off(pool: PgPool) {
    let house = House::on(&pool).await;
    let mut browser = house.owner().await;
    house.connect_both(&mut browser).await;
    let page = browser.open("/connections/crm").await;
    assert!(page.says("Use an app instead") && page.says("off: turned away"), "{}", page.text());
    let weak = page.forms("rotate-credential").into_iter().find(|form| form.value("field") == Some("workflow_secret"));
    let refused = browser.send(&page, weak.unwrap().with("secret", "hunter2"), None).await;
    assert!(refused.says("at least 16 characters"), "{}", refused.text());
    let strong =
        page.forms("rotate-credential").into_iter().find(|form| form.value("field") == Some("workflow_secret"));
    let page = browser.send(&page, strong.unwrap().with("secret", "a-workflow-secret-0123"), None).await;
    assert!(page.says("The secret is sealed.") && page.says("taken in with the secret"), "{}", page.text());
    let page = browser.send(&page, page.form("refuse-workflows"), None).await;
    assert!(page.says("The secret is forgotten.") && page.says("off: turned away"), "{}", page.text());

    let wrong = page.form("use-app").with("app[client_id]", "x").with("app[client_secret]", CLIENT_SECRET);
    let refused = browser.send(&page, wrong, None).await;
    assert!(
        refused.says("Copy it from the app's settings") && !refused.html.contains(CLIENT_SECRET),
        "{}",
        refused.text()
    );
    let right = page.form("use-app").with("app[client_id]", CLIENT_ID).with("app[client_secret]", CLIENT_SECRET);
    let page = browser.send(&page, right, None).await;
    assert!(page.says("The app is set.") && page.says("not installed yet"), "{}", page.text());
    let page = installed(&house, &mut browser, "choose=agency").await;
    assert!(page.says("The app is installed and works.") && page.says("for the whole agency"), "{}", page.text());
}
