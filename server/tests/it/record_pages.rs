//! Records in a browser without a script: found, explained, and brought into step after their changes were shown.

use crate::{browser::Browser, forms::House};
use reqwest::{Client, StatusCode};
use sandbox::{Fault, FaultRule};
use sqlx::PgPool;

/// A dozen contacts after their first run was written; the owner's browser.
async fn in_step(pool: &PgPool) -> (House, Browser) {
    let house = House::working(pool).await;
    let mut browser = house.owner().await;
    house.with_sync(&mut browser).await;
    house.written(&mut browser, "full").await;
    (house, browser)
}

/// The id of a contact that is in step.
async fn some_contact(pool: &PgPool) -> String {
    let query =
        "select remote_id from record where side = 'highlevel' and verdict = 'in_step' order by remote_id limit 1";
    sqlx::query_scalar(query).fetch_one(pool).await.unwrap()
}

/// Changes a contact's city behind Concord's back.
async fn moves_to(house: &House, contact: &str, city: &str) {
    let request = Client::new()
        .put(format!("{}/contacts/{contact}", house.sandbox.highlevel.base_url))
        .bearer_auth(house.sandbox.highlevel.credential("token"))
        .header("version", "2021-07-28")
        .json(&serde_json::json!({ "city": city }));
    let answer = request.send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn before_the_first_run_there_is_nothing_and_the_page_says_what_to_do(pool: PgPool) {
    let house = House::working(&pool).await;
    let mut browser = house.owner().await;
    let page = browser.open("/records").await;
    assert!(page.says("No records yet") && page.says("Plan a run"), "{}", page.text());
    assert!(page.says("0 contacts in GoHighLevel"));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_record_is_found_by_its_id_and_its_e_mail_and_by_nothing_else(pool: PgPool) {
    let (_house, mut browser) = in_step(&pool).await;
    let contact = some_contact(&pool).await;
    let page = browser.open("/records").await;
    assert!(page.says("12 contacts in GoHighLevel") && page.says("In step"), "{}", page.text());

    let record = format!("/records/contacts/highlevel/{contact}");
    let page = browser.open(&format!("/records?q={contact}")).await;
    assert_eq!((page.path.as_str(), page.status), (record.as_str(), StatusCode::OK), "one hit leads straight to it");
    assert!(page.says("Is it in step?") && page.says("Both sides") && page.says("History"), "{}", page.text());
    let email = "select email from record where side = 'highlevel' and remote_id = $1";
    let email: String = sqlx::query_scalar(email).bind(&contact).fetch_one(&pool).await.unwrap();
    assert!(page.says(&email));
    assert!(page.html.contains(&format!("title=\"{contact}\"")), "a shortened id is whole on hover");

    let page = browser.open("/records?q=nobody-is-called-this").await;
    assert!(page.says("Nothing found") && page.says("Show all"), "{}", page.text());
    let page = browser.open("/records?state=failed").await;
    assert!(page.says("Nothing found") && page.html.contains("value=\"failed\" selected"), "{}", page.text());
    let page = browser.open("/records?sync=contacts&state=in_step").await;
    assert!(
        page.says("Of the sync contacts") && page.html.contains("name=\"sync\" value=\"contacts\""),
        "{}",
        page.text()
    );
    assert_eq!(browser.open("/records?sync=elsewhere").await.status, StatusCode::NOT_FOUND);
    assert_eq!(browser.open("/records/contacts/highlevel/none").await.status, StatusCode::NOT_FOUND);
    assert_eq!(browser.open("/records/contacts/elsewhere/none").await.status, StatusCode::NOT_FOUND);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_resync_shows_what_it_would_write_and_writes_exactly_that(pool: PgPool) {
    let (house, mut browser) = in_step(&pool).await;
    let contact = some_contact(&pool).await;
    let path = format!("/records/contacts/highlevel/{contact}/resync");
    let page = browser.open(&path).await;
    assert!(page.says("Nothing would change.") && !page.html.contains("/api/resync-record"), "{}", page.text());

    moves_to(&house, &contact, "Utrecht").await;
    let shown = browser.open(&path).await;
    assert!(shown.says("Write 1 change") && shown.says("Utrecht") && shown.says("with 1 write"), "{}", shown.text());
    assert_eq!(
        browser.open(&path).await.form("resync-record").value("seal"),
        shown.form("resync-record").value("seal")
    );

    moves_to(&house, &contact, "Zwolle").await;
    let page = browser.send(&shown, shown.form("resync-record"), None).await;
    assert!(page.says("The record changed while you looked at it.") && page.says("Zwolle"), "{}", page.text());
    assert!(!page.says("Utrecht"), "only what would be written now");

    let page = browser.send(&page, page.form("resync-record"), None).await;
    assert_eq!(page.path, "/runs/2");
    house.until(&mut browser, "/runs/2", "Plan again").await;
    let page = browser.open(&format!("/records/contacts/highlevel/{contact}")).await;
    assert!(page.says("Zwolle") && page.says("Run 2"), "{}", page.text());
    assert!(browser.open(&path).await.says("Nothing would change."));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_resync_while_a_service_takes_no_requests_says_that_it_passes_and_offers_to_try_again(pool: PgPool) {
    let (house, mut browser) = in_step(&pool).await;
    let contact = some_contact(&pool).await;
    let path = format!("/records/contacts/highlevel/{contact}/resync");
    let refusal = Fault::Status { status: 429, body: None, retry_after: Some(1) };
    house.sandbox.highlevel.set_faults(vec![FaultRule::always("/*", refusal)]);
    let page = browser.open(&path).await;
    assert_eq!(page.status, StatusCode::BAD_GATEWAY);
    assert!(
        page.says("GoHighLevel takes no requests at the moment") && page.says("Nothing was changed"),
        "{}",
        page.text()
    );
    assert!(
        page.html.contains(&format!("href=\"{path}\"")) && page.says("Try again"),
        "the way back to this very page"
    );

    let refusal = Fault::Status { status: 401, body: None, retry_after: None };
    house.sandbox.highlevel.set_faults(vec![FaultRule::always("/*", refusal)]);
    let page = browser.open(&path).await;
    assert!(!page.says("ends by itself"), "a refused token does not: {}", page.text());
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_viewer_sees_a_record_and_is_told_why_it_cannot_be_resynced(pool: PgPool) {
    let (house, mut browser) = in_step(&pool).await;
    let contact = some_contact(&pool).await;
    let mut vera = house.vera(&mut browser).await;
    let record = format!("/records/contacts/highlevel/{contact}");
    let page = vera.open(&record).await;
    assert!(page.says("Your role, viewer, may not start runs."), "{}", page.text());
    assert!(!page.html.contains("/resync\""));
    let page = vera.open(&format!("{record}/resync")).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.says("This is not open to you") && page.says("Nothing was changed."), "{}", page.text());
}
