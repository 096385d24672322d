//! The webhooks of a connection, in a browser without a script: register, test, look, fetch.

use crate::forms::House;
use sandbox::chargify::customers::Change;
use sqlx::PgPool;

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn webhooks_are_registered_tested_counted_and_fetched_by_buttons(pool: PgPool) {
    let house = House::on(&pool).await;
    let mut browser = house.owner().await;
    let [crm, billing] = house.connect_both(&mut browser).await;
    let at = billing.path.split(['?', '#']).next().unwrap().to_owned();
    let page = browser.open(&at).await;
    assert!(page.says("not looked at yet") && page.says("Webhooks"), "{}", page.text());
    assert!(
        page.says("Registering switches webhooks on for the whole site"),
        "it is said before the button is pressed"
    );

    let page = browser.send(&page, page.form("test-webhooks"), None).await;
    assert!(page.says("arrived here") && page.says("not looked at yet"), "{}", page.text());
    let page = browser.send(&page, page.form("register-webhooks"), None).await;
    assert!(page.says("was made, for 15 events") && page.says("registered, and sends"), "{}", page.text());
    let page = browser.send(&page, page.form("register-webhooks"), None).await;
    assert!(page.says("was there already and is as it should be"), "{}", page.text());

    house.sandbox.chargify.set_webhook_delivery(sandbox::Delivery { drop: 1.0, ..sandbox::Delivery::default() });
    house.sandbox.chargify.with(|rules, now| {
        let long_ago = now - time::Duration::hours(1);
        let id = rules.customers.iter().next().unwrap().id;
        for city in ["Rome", "Oslo"] {
            rules.edit_customer(id, Change::default().with("city", city), long_ago).unwrap();
        }
    });
    house.sandbox.chargify.set_webhook_delivery(sandbox::Delivery::default());
    let page = browser.send(&page, page.form("look-for-missed"), None).await;
    assert!(page.says("Chargify holds 2 webhooks that did not reach Concord."), "{}", page.text());
    assert!(page.says("Fetch 2 webhooks"));
    let page = browser.send(&page, page.form("fetch-missed"), None).await;
    assert!(page.says("Chargify sends 2 webhooks again."), "{}", page.text());
    let page = browser.open("/audit").await;
    assert!(page.says("had 2 missed webhooks of billing sent again by Chargify"), "{}", page.text());
    assert!(page.says("registered the webhooks of billing in Chargify"));

    let page = browser.open(crm.path.split(['?', '#']).next().unwrap()).await;
    assert!(page.says("A private integration token gets none"), "{}", page.text());
    let page = browser.send(&page, page.form("look-for-missed"), None).await;
    assert!(page.says("No contact changed since the last reading."), "{}", page.text());
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn what_stands_in_the_way_is_told_on_the_page_and_nothing_is_changed(pool: PgPool) {
    let house = House::on(&pool).await;
    let mut browser = house.owner().await;
    let [_, billing] = house.connect_both(&mut browser).await;
    sqlx::query("delete from credential where field = 'shared_key'").execute(&pool).await.unwrap();
    let page = browser.open(billing.path.split(['?', '#']).next().unwrap()).await;
    let page = browser.send(&page, page.form("register-webhooks"), None).await;
    assert!(page.says("That was not possible.") && page.says("set it first"), "{}", page.text());
    assert_eq!(house.sandbox.chargify.with(|rules, _| rules.webhooks.endpoints.iter().count()), 0);
    let again = browser.open(&page.path).await;
    assert!(!again.says("That was not possible."), "it is told once");

    let mut vera = house.vera(&mut browser).await;
    let page = vera.open(billing.path.split(['?', '#']).next().unwrap()).await;
    assert!(page.says("Your role, viewer, may not"), "{}", page.text());
}
