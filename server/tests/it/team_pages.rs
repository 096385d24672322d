//! The team and the workspaces, in a browser without a script.

use crate::{
    browser::{Browser, Page},
    forms::House,
    site::PASSWORD,
};
use sqlx::PgPool;

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_person_is_added_to_the_team_and_can_sign_in(pool: PgPool) {
    let house = House::on(&pool).await;
    let mut browser = house.owner().await;
    let page = browser.open("/team").await;
    let form = page.form("add-person").with("email", "grace@example.com").with("password", PASSWORD);
    let page = browser.send(&page, form.with("role", "viewer"), None).await;
    assert!(page.says("The person is added.") && page.says("grace@example.com"), "{}", page.text());

    let mut grace = house.browser();
    let page = grace.open("/sign-in").await;
    let form = page.form("sign-in").with("email", "grace@example.com").with("password", PASSWORD);
    let page = grace.send(&page, form, None).await;
    assert_eq!(page.path, "/");
    assert!(grace.open("/connections/new?side=chargify").await.says("Your role, viewer, may not manage connections."));
}

/// Adds Grace in that role and signs her in; the page of the team, and her browser.
async fn with_grace(house: &House, browser: &mut Browser, role: &str) -> (Page, Browser) {
    let page = browser.open("/team").await;
    let form = page.form("add-person").with("email", "grace@example.com").with("password", PASSWORD);
    let page = browser.send(&page, form.with("role", role), None).await;
    let mut grace = house.browser();
    let door = grace.open("/sign-in").await;
    let form = door.form("sign-in").with("email", "grace@example.com").with("password", PASSWORD);
    assert_eq!(grace.send(&door, form, None).await.path, "/");
    (page, grace)
}

/// The address of the last link on a page that holds these words: Grace stands after Ada.
fn link(page: &Page, words: &str) -> String {
    let found = page.html.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    let found = found.map(|href| href.replace("&amp;", "&")).filter(|href| href.contains(words));
    found.last().unwrap_or_else(|| panic!("no link with {words} on {}", page.path))
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_role_is_changed_after_a_question_and_holds_at_once(pool: PgPool) {
    let house = House::on(&pool).await;
    let mut browser = house.owner().await;
    let (page, mut grace) = with_grace(&house, &mut browser, "viewer").await;
    assert!(grace.open("/connections/new?side=chargify").await.says("may not manage connections"));

    let ask = browser.open(&link(&page, "ask=role")).await;
    assert!(ask.says("Which role shall grace have?"), "{}", ask.text());
    assert_eq!(ask.form("change-role").value("role"), Some("viewer"));
    let form = ask.form("change-role").with("role", "admin");
    let page = browser.send(&ask, form, None).await;
    assert!(page.says("The role is changed."), "{}", page.text());
    assert!(!grace.open("/connections/new?side=chargify").await.says("may not manage connections"));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_removed_person_is_signed_out_and_the_only_owner_stays(pool: PgPool) {
    let house = House::on(&pool).await;
    let mut browser = house.owner().await;
    let (page, mut grace) = with_grace(&house, &mut browser, "operator").await;
    let ask = browser.open(&link(&page, "ask=remove")).await;
    assert!(ask.says("Remove grace from the team?"), "{}", ask.text());
    let form = ask.form("remove-member");
    let page = browser.send(&ask, form, None).await;
    assert!(page.says("The person is removed.") && !page.says("grace@example.com"), "{}", page.text());
    assert!(grace.open("/").await.path.starts_with("/sign-in"));

    let ask = browser.open(&link(&page, "ask=remove")).await;
    assert!(ask.says("This is you."), "{}", ask.text());
    let form = ask.form("remove-member");
    let page = browser.send(&ask, form, None).await;
    assert!(page.says("is the only owner; make somebody else an owner first"), "{}", page.text());
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn another_workspace_is_made_and_somebody_with_an_account_joins_it(pool: PgPool) {
    let house = House::on(&pool).await;
    let mut browser = house.owner().await;
    let (_page, mut grace) = with_grace(&house, &mut browser, "viewer").await;
    assert!(!grace.open("/").await.html.contains("href=\"/workspaces\""), "she has nothing to change to");
    house.connect_both(&mut browser).await;

    let page = browser.open("/workspaces").await;
    let form = page.form("create-workspace").with("name", "Client two");
    let page = browser.send(&page, form, None).await;
    assert!(page.path == "/" && page.says("Client two"), "{}", page.text());
    assert!(browser.open("/connections").await.says("Nothing is connected yet"), "it begins empty");

    let page = browser.open("/team").await;
    let form = page.form("add-person").with("email", "grace@example.com").with("role", "owner");
    let page = browser.send(&page, form, None).await;
    assert!(page.says("They had an account already"), "{}", page.text());

    let page = grace.open("/workspaces").await;
    let form = page.form("open-workspace");
    let page = grace.send(&page, form, None).await;
    assert!(page.says("Client two") && page.says("Owner"), "{}", page.text());
}
