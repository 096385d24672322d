//! The pages as they are sent: complete, without inline styles or foreign scripts, and honest about what is not there.

use crate::{browser::Browser, site::Site};
use domain::Role;
use reqwest::StatusCode;
use sqlx::PgPool;

const KEY: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAi2HR1srL4o18O8BRa7gVJY7G7bupbN3H9AwJrHCDiOg=\n-----END PUBLIC KEY-----\n";

/// A server with two connections and a sync, and a member of that role.
async fn visit(pool: &PgPool, role: Role) -> (Site, Browser) {
    let site = Site::connected(pool, KEY).await;
    let cookie = site.signed_in(role).await;
    let browser = Browser::with_cookie(&site.app.public_url, cookie);
    (site, browser)
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn every_page_is_complete_without_a_script(pool: PgPool) {
    let (_site, mut browser) = visit(&pool, Role::Owner).await;
    for (path, title) in [
        ("/", "Overview"),
        ("/connections", "Connections"),
        ("/connections/crm", "crm"),
        ("/connections/new", "Add a connection"),
        ("/connections/new?side=highlevel", "Connect GoHighLevel"),
        ("/connections/new?side=chargify", "Connect Chargify"),
        ("/syncs", "Syncs"),
        ("/syncs/contacts", "contacts"),
        ("/syncs/contacts?ask=on", "Let contacts write by itself?"),
        ("/syncs/contacts/mapping", "Mapping"),
        ("/syncs/new", "New sync"),
        ("/runs", "Runs"),
        ("/team", "Team"),
    ] {
        let page = browser.open(path).await;
        assert_eq!((page.status, page.path.as_str()), (StatusCode::OK, path));
        assert!(page.says(title), "{path}: {}", page.text());
        assert_eq!(page.html.matches("<h1").count(), 1, "{path} has one title");
        assert!(page.html.contains("· Concord</title>"), "{path}");
        assert!(!page.html.contains(" style=\"") && !page.html.contains(" onclick="), "{path}");
        let bare = page.html.split("<script").skip(1).filter(|script| !script.contains("nonce=\"")).count();
        assert_eq!(bare, 0, "{path} has a script without a nonce");
    }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn what_is_not_there_is_answered_inside_the_frame(pool: PgPool) {
    let (_site, mut browser) = visit(&pool, Role::Viewer).await;
    for path in ["/nowhere", "/syncs/none", "/syncs/none/mapping", "/connections/none"] {
        let page = browser.open(path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert!(page.says("There is nothing here") && page.says("Overview"), "{path}: {}", page.text());
    }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_viewer_is_told_why_a_button_is_out_of_reach(pool: PgPool) {
    let (_site, mut browser) = visit(&pool, Role::Viewer).await;
    for (path, reason) in [
        ("/connections/crm", "Your role, viewer, may not manage connections."),
        ("/syncs/contacts", "Your role, viewer, may not start runs."),
        ("/syncs/contacts/mapping", "Your role, viewer, may not edit syncs and mappings."),
        ("/team", "Your role, viewer, may not manage the team."),
    ] {
        let page = browser.open(path).await;
        assert!(page.says(reason), "{path}: {}", page.text());
    }
    let page = browser.open("/syncs/contacts/mapping").await;
    assert!(!page.html.contains("value=\"save\"") && !page.html.contains("value=\"add\""));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn nothing_of_one_workspace_is_seen_from_another(pool: PgPool) {
    let (site, _browser) = visit(&pool, Role::Owner).await;
    let other = "insert into workspace (workspace_id, name) values ('6f1d2c3b-0000-4000-8000-0000000000ff', 'other')";
    sqlx::query(other).execute(&pool).await.unwrap();
    let cookie = site.signed_in(Role::Admin).await;
    let moved = "update member set workspace_id = '6f1d2c3b-0000-4000-8000-0000000000ff' \
                 where person_id = (select person_id from person where email = 'admin@acme.example')";
    sqlx::query(moved).execute(&pool).await.unwrap();
    let mut browser = Browser::with_cookie(&site.app.public_url, cookie);
    assert!(browser.open("/syncs").await.says("No sync yet"));
    assert!(browser.open("/connections").await.says("Nothing is connected yet"));
    for path in ["/syncs/contacts", "/syncs/contacts/mapping", "/connections/crm"] {
        assert_eq!(browser.open(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}
