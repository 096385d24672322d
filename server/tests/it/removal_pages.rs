//! Deleted records and their partners in a browser without a script: what a sync does is chosen, a deletion is shown, kept or
//! approved, and the page of a deleted record says what became of it.

use crate::forms::House;
use sqlx::PgPool;

/// The contacts of pairs that Concord made, and their customers.
async fn pairs(pool: &PgPool) -> Vec<(String, String)> {
    let query = "select contact_id, customer_id from link where matched_by = 'created by Concord' order by 1 limit 2";
    sqlx::query_as(query).fetch_all(pool).await.unwrap()
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_deletion_is_asked_about_kept_or_approved_and_shown(pool: PgPool) {
    let house = House::working(&pool).await;
    let mut browser = house.owner().await;
    house.with_sync(&mut browser).await;
    let page = browser.open("/syncs/contacts/settings").await;
    let form = page.form("change-settings").with("draft[contact_deleted]", "delete").with("draft[reason]", "tidy up");
    let page = browser.send(&page, form, None).await;
    assert_eq!(page.path, "/syncs/contacts?done=settings");
    house.written(&mut browser, "full").await;
    let page = browser.open("/deletions").await;
    assert!(page.says("Nothing waits to be deleted"), "{}", page.text());

    let pairs = pairs(&pool).await;
    for (contact, _) in &pairs {
        house.sandbox.highlevel.with(|rules, now| rules.delete_contact(contact, now).unwrap());
    }
    house.written(&mut browser, "full").await;
    let page = browser.open("/deletions").await;
    assert!(page.says("whether the customer is deleted too waits for a decision"), "{}", page.text());
    assert!(page.says("Delete all 2"), "{}", page.text());
    let records = browser.open("/records").await;
    assert!(records.says("Waiting to be deleted: 2"), "{}", records.text());

    let page = browser.send(&page, page.forms("refuse-removals").remove(0), None).await;
    assert_eq!(page.path, "/deletions?kept=1");
    assert!(page.says("1 record is kept.") && page.says("Kept"), "{}", page.text());
    let page = browser.send(&page, page.forms("approve-removals").remove(0), None).await;
    assert_eq!(page.path, "/deletions?approved=1");
    let begun = std::time::Instant::now();
    loop {
        let page = browser.open("/deletions").await;
        if page.says("Deleted.") {
            break;
        }
        assert!(begun.elapsed().as_secs() < 30, "{}", page.text());
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let there: Vec<bool> = pairs
        .iter()
        .map(|(_, customer)| {
            let id: i64 = customer.parse().unwrap();
            house.sandbox.chargify.with(|rules, _| rules.customers.get(id).is_some())
        })
        .collect();
    assert_eq!(there.iter().filter(|is_there| **is_there).count(), 1);

    let (contact, _) = &pairs[0];
    let page = browser.open(&format!("/records/contacts/highlevel/{contact}")).await;
    for words in
        ["This contact was deleted in GoHighLevel.", "What became of its partner", "Its last values are kept until"]
    {
        assert!(page.says(words), "{words}: {}", page.text());
    }
    let page = browser.open("/records?state=gone").await;
    assert!(page.html.contains(contact.as_str()), "{}", page.text());
}
