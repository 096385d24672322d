//! Runs in a browser without a script: planned, read, approved or turned down, and what became of them.

use crate::{
    browser::{Browser, Page},
    forms::House,
};
use reqwest::StatusCode;
use sqlx::PgPool;

/// A first run of a dozen contacts, stopped with its plan.
async fn planned(house: &House, browser: &mut Browser) -> Page {
    house.with_sync(browser).await;
    let page = house.planned(browser, "full").await;
    assert_eq!((page.path.as_str(), page.status), ("/runs/1", StatusCode::OK));
    page
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_plan_is_read_approved_and_written(pool: PgPool) {
    let house = House::working(&pool).await;
    let mut browser = house.owner().await;
    assert!(browser.open("/runs").await.says("No run yet"));
    let page = planned(&house, &mut browser).await;
    assert!(page.says("Plan 1: full run of contacts") && page.says("Nothing has been written."), "{}", page.text());
    assert!(page.says("Balances: 12 read, 12 accounted for") && page.says("Predicted cost"), "{}", page.text());
    assert!(page.html.contains("href=\"/records/contacts/highlevel/"), "records lead to their page");
    assert!(!page.html.contains("http-equiv=\"refresh\""), "nothing moves while it waits");

    let form = page.form("approve-run");
    assert_eq!(form.value("number"), Some("1"));
    browser.send(&page, form, None).await;
    let page = house.until(&mut browser, "/runs/1", "Plan again").await;
    assert!(page.says("Run 1: full run of contacts") && page.says("Approved by"), "{}", page.text());
    assert!(
        page.says("Balances: 12 read, 12 accounted for") && page.says("Calls, predicted and made"),
        "{}",
        page.text()
    );
    assert!(page.says("Plan again") && !page.html.contains("/api/approve-run"));
    let page = browser.open("/runs").await;
    assert!(page.says("Run 1") && page.says("Full run of contacts"), "{}", page.text());
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_plan_is_turned_down_after_a_question(pool: PgPool) {
    let house = House::working(&pool).await;
    let mut browser = house.owner().await;
    let plan = planned(&house, &mut browser).await;
    let page = browser.open("/runs/1?ask=cancel").await;
    assert!(page.says("Turn down plan 1?"), "{}", page.text());
    let form = page.form("cancel-run");
    let page = browser.send(&page, form, None).await;
    assert!(page.says("The run was cancelled.") && page.says("Nothing was written."), "{}", page.text());
    assert!(page.says("Balances: 12 read, 12 accounted for"), "{}", page.text());

    let form = plan.form("approve-run");
    let page = browser.send(&plan, form, None).await;
    assert!(page.says("This was done already, by you or somebody faster."), "{}", page.text());
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn the_records_of_a_plan_are_narrowed_by_tab_search_and_field(pool: PgPool) {
    let house = House::working(&pool).await;
    let mut browser = house.owner().await;
    let page = planned(&house, &mut browser).await;
    assert!(page.says("All changes") && page.says("Create in Chargify") && page.says("Left out"), "{}", page.text());
    let page = browser.open("/runs/1?tab=create&q=nobody-has-this-name").await;
    assert!(page.says("No record passes") && page.says("0 records") && page.says("Show all"), "{}", page.text());
    let page = browser.open("/runs/1?tab=create&field=email").await;
    assert!(page.html.contains("<option value=\"email\" selected"), "the field stays chosen");
    assert!(page.html.contains("name=\"tab\" value=\"create\""), "the filter stays in its tab");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_viewer_reads_a_plan_and_is_told_who_may_approve_it(pool: PgPool) {
    let house = House::working(&pool).await;
    let mut browser = house.owner().await;
    planned(&house, &mut browser).await;
    let mut vera = house.vera(&mut browser).await;
    let page = vera.open("/runs/1").await;
    assert!(page.says("Your role, viewer, may not approve runs."), "{}", page.text());
    assert!(!page.html.contains("ask=cancel"));
    assert_eq!(vera.open("/runs/99").await.status, StatusCode::NOT_FOUND);
}
