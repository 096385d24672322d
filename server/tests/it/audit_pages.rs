//! The audit trail in a browser without a script: narrowed, opened line by line, and taken along as a file.

use crate::{browser::Browser, site::Site};
use domain::Role;
use reqwest::StatusCode;
use sqlx::PgPool;

const KEY: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAi2HR1srL4o18O8BRa7gVJY7G7bupbN3H9AwJrHCDiOg=\n-----END PUBLIC KEY-----\n";

/// A server with two connections and a sync, all told by its trail, and a member of that role.
async fn visit(pool: &PgPool, role: Role) -> (Site, Browser) {
    let site = Site::connected(pool, KEY).await;
    let cookie = site.signed_in(role).await;
    let browser = Browser::with_cookie(&site.app.public_url, cookie);
    (site, browser)
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn the_trail_says_in_words_who_did_what(pool: PgPool) {
    let (_site, mut browser) = visit(&pool, Role::Owner).await;
    let page = browser.open("/audit").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.says("added the connection crm") && page.says("created the sync contacts"), "{}", page.text());
    assert!(page.says("Connection: credential rotated"), "{}", page.text());
    assert!(page.says("Owner signed in"), "{}", page.text());
    assert_eq!(page.html.matches("<h1").count(), 1);
    assert!(!page.html.contains(" style=\""));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn the_trail_is_narrowed_by_each_filter_and_the_filter_stays(pool: PgPool) {
    let (_site, mut browser) = visit(&pool, Role::Owner).await;
    let page = browser.open("/audit?action=sync.created").await;
    assert!(page.says("created the sync contacts") && !page.says("added the connection crm"), "{}", page.text());
    assert!(page.html.contains("value=\"sync.created\" selected") && page.says("Show all"));
    assert!(page.html.contains("/audit/export.csv?action=sync.created"), "a file has the filter of the page");
    assert!(page.html.contains("/audit/export.jsonl?action=sync.created"));

    assert!(browser.open("/audit?outcome=refused").await.says("No line matches"));
    assert!(browser.open("/audit?from=2000-01-01&until=2000-01-31").await.says("No line matches"));
    assert!(browser.open("/audit?record=nobody").await.says("No line matches"));
    assert!(!browser.open("/audit?actor=command-line").await.says("Owner signed in"));
    let page = browser.open("/audit?from=yesterday").await;
    assert!(page.says("From: write the day as 2026-08-31."), "{}", page.text());
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_line_opens_beside_the_list_and_closes_to_the_same_list(pool: PgPool) {
    let (_site, mut browser) = visit(&pool, Role::Owner).await;
    let page = browser.open("/audit?action=sync.created").await;
    let line = page.html.split("href=\"/audit?action=sync.created&amp;line=").nth(1).unwrap();
    let line = line.split(['"', '#']).next().unwrap();
    let page = browser.open(&format!("/audit?action=sync.created&line={line}")).await;
    assert!(page.says("Sync: created") && page.says("As JSON") && page.says("Follows"), "{}", page.text());
    let query = "select encode(hash, 'hex') from audit_line where action = 'sync.created'";
    let hash: String = sqlx::query_scalar(query).fetch_one(&pool).await.unwrap();
    assert!(page.html.contains(&format!("title=\"{hash}\"")), "the hash is whole on hover");
    assert!(page.html.contains("href=\"/audit?action=sync.created\""), "closing leads back");
    assert_eq!(browser.open("/audit?line=999999").await.status, StatusCode::NOT_FOUND);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_long_trail_is_read_page_by_page(pool: PgPool) {
    let (site, mut browser) = visit(&pool, Role::Owner).await;
    let by = site.engine().command_line(None).await.unwrap().editor().unwrap();
    for turn in 0..60 {
        site.engine().set_enabled(&by, "contacts", turn % 2 == 0).await.unwrap();
    }
    let page = browser.open("/audit").await;
    assert!(page.says("Older lines") && !page.says("Newest lines"), "{}", page.text());
    let older = page.html.split("href=\"/audit?before=").nth(1).unwrap().split(['"', '&']).next().unwrap().to_owned();
    let page = browser.open(&format!("/audit?before={older}")).await;
    assert!(page.says("Newest lines") && page.says("added the connection crm"), "{}", page.text());
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_viewer_reads_the_trail_and_is_told_why_it_stays_here(pool: PgPool) {
    let (_site, mut browser) = visit(&pool, Role::Viewer).await;
    let page = browser.open("/audit").await;
    assert!(page.says("Your role, viewer, may not export the audit trail."), "{}", page.text());
    assert!(!page.html.contains("/audit/export."));
}
