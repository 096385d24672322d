//! Billing facts in a browser without a script: made on request with their name and type shown first, and what a record's
//! customer pays for.

use crate::{browser::Browser, forms::House};
use sandbox::chargify::{
    products::Product,
    subscriptions::{Signup, SubscriptionState},
};
use sqlx::PgPool;

/// The customer of some pair, and its contact.
async fn some_pair(pool: &PgPool) -> (i64, String) {
    let query = "select customer_id, contact_id from link order by contact_id limit 1";
    let (customer, contact): (String, String) = sqlx::query_as(query).fetch_one(pool).await.unwrap();
    (customer.parse().unwrap(), contact)
}

fn sign_up(house: &House, customer_id: i64, product: &str, state: SubscriptionState) {
    let product = Product::find(None, Some(product)).unwrap();
    let collection_method = "remittance".to_owned();
    let signup = Signup { customer_id, product, state, reference: None, collection_method };
    house.sandbox.chargify.with(|rules, now| rules.add_subscription(signup, now));
}

async fn tell_the_state(browser: &mut Browser) {
    let page = browser.open("/syncs/contacts/mapping").await;
    assert!(page.says("Billing facts") && page.says("Subscription price"), "{}", page.text());
    assert!(page.says("in a new custom field “Subscription state” (text)"), "{}", page.text());
    assert!(page.says("in a new custom field “Next billing” (date)"), "{}", page.text());
    let page = browser.send(&page, page.form("tell-fact"), None).await;
    assert!(page.says("The fact has its field and its rule") && page.says("in Subscription state"), "{}", page.text());
    assert!(page.says("One way only: Chargify bills it"), "{}", page.text());
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_fact_is_told_on_request_and_the_record_shows_the_subscriptions(pool: PgPool) {
    let house = House::working(&pool).await;
    let mut browser = house.owner().await;
    house.with_sync(&mut browser).await;
    tell_the_state(&mut browser).await;
    house.written(&mut browser, "full").await;
    let (customer, contact) = some_pair(&pool).await;
    let page = browser.open(&format!("/records/contacts/highlevel/{contact}")).await;
    assert!(page.says("Subscriptions") && page.says("Current as of"), "{}", page.text());
    sign_up(&house, customer, "pro", SubscriptionState::PastDue);
    sign_up(&house, customer, "basic", SubscriptionState::Canceled);
    house.written(&mut browser, "full").await;
    let page = browser.open(&format!("/records/contacts/highlevel/{contact}")).await;
    for words in ["Pro Plan", "Past due", "49.00 USD", "Basic Plan", "Canceled", "the facts are about this one"] {
        assert!(page.says(words), "{words}: {}", page.text());
    }
    let page = browser.open("/").await;
    assert!(page.says("of billing, current as of"), "{}", page.text());
}
