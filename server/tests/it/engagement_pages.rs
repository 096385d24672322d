//! Notes, tasks and appointments in a browser without a script: switched on, seen with how each stands, tried again.

use crate::{
    browser::{Browser, Page},
    forms::House,
};
use reqwest::Client;
use sandbox::{
    Fault, FaultRule,
    chargify::{
        products::Product,
        subscriptions::{Signup, SubscriptionState},
    },
};
use serde_json::json;
use sqlx::PgPool;
use std::time::{Duration, Instant};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// A contact with a customer, and a note that was written to it in GoHighLevel; notes are switched on.
async fn with_a_note(pool: &PgPool) -> (House, Browser, String) {
    let house = House::working(pool).await;
    let mut browser = house.owner().await;
    house.with_sync(&mut browser).await;
    house.written(&mut browser, "full").await;
    let contact = "select contact_id from link order by contact_id limit 1";
    let contact: String = sqlx::query_scalar(contact).fetch_one(pool).await.unwrap();
    let highlevel = &house.sandbox.highlevel;
    let note = Client::new()
        .post(format!("{}/contacts/{contact}/notes", highlevel.base_url))
        .bearer_auth(highlevel.credential("token"))
        .header("version", "2021-07-28")
        .json(&json!({ "body": "Called, will renew" }));
    assert!(note.send().await.unwrap().status().is_success());

    let page = browser.open("/syncs/contacts/settings").await;
    let form = page.form("change-settings");
    assert_eq!(form.value("draft[carry_notes]"), None, "off unless switched on");
    let mut form = form.with("draft[reason]", "billing wants to read along");
    form.fields.push(("draft[carry_notes]".to_owned(), "true".to_owned()));
    browser.send(&page, form, None).await;
    let page = browser.open("/syncs/contacts/settings").await;
    let form = page.form("change-settings");
    assert_eq!((form.value("draft[carry_notes]"), form.value("draft[carry_tasks]")), (Some("true"), None));
    (house, browser, contact)
}

fn subscribe(house: &House, customer_id: i64) {
    house.sandbox.chargify.with(|rules, now| {
        let signup = Signup {
            customer_id,
            product: Product::find(None, Some("basic")).unwrap(),
            state: SubscriptionState::Active,
            reference: None,
            collection_method: "remittance".to_owned(),
        };
        rules.add_subscription(signup, now)
    });
}

async fn run_and_open(house: &House, browser: &mut Browser, number: u32, contact: &str) -> Page {
    let page = browser.open("/syncs/contacts").await;
    let form = page.form("plan-run").with("mode", "full");
    browser.send(&page, form, None).await;
    house.until(browser, &format!("/runs/{number}"), "Plan again").await;
    browser.open(&format!("/records/contacts/highlevel/{contact}")).await
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn the_records_page_shows_what_waits_what_failed_and_what_to_do(pool: PgPool) {
    let (house, mut browser, contact) = with_a_note(&pool).await;
    let customer = "select customer_id from link where contact_id = $1";
    let customer: String = sqlx::query_scalar(customer).bind(&contact).fetch_one(&pool).await.unwrap();
    let page = run_and_open(&house, &mut browser, 2, &contact).await;
    assert!(page.says("Notes, tasks and appointments") && page.says("Called, will renew"), "{}", page.text());
    assert!(page.says("held") && page.says("no subscription yet"), "{}", page.text());
    assert!(!page.html.contains("/api/retry-engagement"), "nothing can be done but wait");

    subscribe(&house, customer.parse().unwrap());
    let no = Fault::Status { status: 422, body: Some(json!({ "errors": ["Body: is too rude."] })), retry_after: None };
    house.sandbox.chargify.set_faults(vec![FaultRule::next(1, "POST /subscriptions/*/notes.json", no)]);
    let page = run_and_open(&house, &mut browser, 3, &contact).await;
    assert!(page.says("failed") && page.says("Body: is too rude."), "{}", page.text());
    let run = browser.open("/runs/3").await;
    assert!(run.says("could not be written to Chargify"), "{}", run.text());

    assert!(!page.html.contains("/api/retry-engagement"), "the sync is switched off");
    sqlx::query("update sync set enabled = true").execute(&pool).await.unwrap();
    let page = browser.open(&format!("/records/contacts/highlevel/{contact}")).await;
    let mut page = browser.send(&page, page.form("retry-engagement"), None).await;
    let begun = Instant::now();
    while !page.says("Note of subscription") {
        assert!(begun.elapsed() < PATIENCE, "never written: {}", page.text());
        page = browser.open(&format!("/records/contacts/highlevel/{contact}")).await;
    }
    assert!(page.says("in step"), "{}", page.text());
    assert!(page.says("asked for the note") && page.says("wrote a note of"), "{}", page.text());
}
