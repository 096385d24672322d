//! Questions about a record in a browser without a script: put on its page, answered, shown with what would be written,
//! and carried out.

use crate::{browser::Browser, forms::House};
use sandbox::chargify::customers::Change;
use sqlx::PgPool;

/// The place of the city among the rules of the default mapping.
const CITY: usize = 6;

/// A dozen contacts in step under a mapping that asks about the city; the owner's browser.
async fn asking(pool: &PgPool) -> (House, Browser) {
    let house = House::working(pool).await;
    let mut browser = house.owner().await;
    let page = house.with_sync(&mut browser).await;
    let form = page.form("edit-mapping").with(&format!("form[rows][{CITY}][conflict]"), "ask");
    let page = browser.send(&page, form.with("form[reason]", "a person knows"), Some(("form[press]", "save"))).await;
    assert!(page.says("Ask a person"), "{}", page.text());
    house.written(&mut browser, "full").await;
    (house, browser)
}

/// A contact whose customer Concord created, and that customer.
async fn created_pair(pool: &PgPool) -> (String, i64) {
    let query = "select contact_id, customer_id from link where matched_by = 'created by Concord' order by 1 limit 1";
    let (contact, customer): (String, String) = sqlx::query_as(query).fetch_one(pool).await.unwrap();
    (contact, customer.parse().unwrap())
}

fn moves(house: &House, contact: &str, customer: i64, (left, right): (&str, &str)) {
    let city = serde_json::json!({ "city": left });
    house.sandbox.highlevel.with(|rules, now| rules.edit_contact(contact, &city, now).map(drop).unwrap());
    let change = Change::default().with("city", right);
    house.sandbox.chargify.with(|rules, now| rules.edit_customer(customer, change, now).map(drop).unwrap());
}

/// The page of a run that ends with nothing to write, so that no plan waits.
async fn through(house: &House, browser: &mut Browser) -> String {
    let page = browser.open("/syncs/contacts").await;
    let page = browser.send(&page, page.form("plan-run").with("mode", "full"), None).await;
    house.until(browser, &page.path, "Plan again").await;
    page.path
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_conflict_is_put_answered_shown_and_written(pool: PgPool) {
    let (house, mut browser) = asking(&pool).await;
    let (contact, customer) = created_pair(&pool).await;
    moves(&house, &contact, customer, ("Turin", "Milan"));
    let run = through(&house, &mut browser).await;
    let record = format!("/records/contacts/highlevel/{contact}");
    let page = browser.open(&format!("{run}?tab=decisions")).await;
    assert!(page.says("Conflict") && page.html.contains(&format!("href=\"{record}\"")), "{}", page.text());

    let page = browser.open(&record).await;
    for words in ["Which value is kept?", "Turin", "Milan", "Waits for a decision"] {
        assert!(page.says(words), "{words}: {}", page.text());
    }
    assert!(page.html.contains("aria-label=\"Keep Chargify’s City\""));
    let question = page.form_to(&format!("{record}/resync"));
    let unanswered = browser.ask(question.clone()).await;
    assert!(unanswered.says("Which value is kept?") && !unanswered.html.contains("/api/answer-record"));

    let shown = browser.ask(question.choosing("keep0", "chargify")).await;
    assert!(shown.says("Write 1 change") && shown.says("Turin Milan"), "{}", shown.text());
    moves(&house, &contact, customer, ("Genoa", "Milan"));
    let page = browser.send(&shown, shown.form("answer-record"), None).await;
    assert!(page.says("The record changed while you looked at it.") && page.says("Genoa Milan"), "{}", page.text());

    let page = browser.send(&page, page.form("answer-record"), None).await;
    let ended = house.until(&mut browser, &page.path, "Plan again").await;
    assert!(ended.says("Complete"), "{}", ended.text());
    let page = browser.open(&record).await;
    assert!(
        page.says("In step") && page.says("City: Chargify is kept") && !page.says("Which value"),
        "{}",
        page.text()
    );
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_viewer_sees_the_question_and_is_told_who_may_answer(pool: PgPool) {
    let (house, mut browser) = asking(&pool).await;
    let (contact, customer) = created_pair(&pool).await;
    moves(&house, &contact, customer, ("Turin", "Milan"));
    through(&house, &mut browser).await;
    let mut vera = house.vera(&mut browser).await;
    let page = vera.open(&format!("/records/contacts/highlevel/{contact}")).await;
    assert!(
        page.says("Which value is kept?") && page.says("Your role, viewer, may not start runs."),
        "{}",
        page.text()
    );
    let question = page.form_to(&format!("/records/contacts/highlevel/{contact}/resync"));
    assert_eq!(question.value("keep0"), None);
    assert_eq!(page.html.matches("type=\"radio\"").count(), 2);
    assert!(page.html.matches("disabled").count() >= 3, "both values and the button");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_contact_whose_customer_was_deleted_is_left_out_and_let_in_again(pool: PgPool) {
    let (house, mut browser) = asking(&pool).await;
    let (contact, customer) = created_pair(&pool).await;
    assert!(house.sandbox.chargify.with(|rules, now| rules.remove_customer(customer, now).unwrap()));
    house.written(&mut browser, "full").await;
    let run = through(&house, &mut browser).await;
    assert!(browser.open(&format!("{run}?tab=decisions")).await.says("Held"));

    let record = format!("/records/contacts/highlevel/{contact}");
    let page = browser.open(&record).await;
    for words in ["What shall become of it?", "Create its partner anew", "was deleted in Chargify on"] {
        assert!(page.says(words), "{words}: {}", page.text());
    }
    let question = page.form_to(&format!("{record}/resync"));
    let shown = browser.ask(question.clone().choosing("partner", "new")).await;
    assert!(shown.says("Create the customer"), "{}", shown.text());
    let shown = browser.ask(question.choosing("partner", "nobody")).await;
    let page = browser.send(&shown, shown.form("answer-record"), None).await;
    assert_eq!(page.path, record);
    assert!(page.says("Left out for good") && page.says("it is left out for good"), "{}", page.text());
    let page = browser.send(&page, page.form("take-part-again"), None).await;
    assert!(page.says("What shall become of it?"), "{}", page.text());
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_ambiguous_contact_shows_the_customers_it_may_be(pool: PgPool) {
    let (house, mut browser) = asking(&pool).await;
    let ada = serde_json::json!({ "firstName": "Ada", "lastName": "Twin", "email": "ada@twins.example" });
    let contact = house.sandbox.highlevel.with(|rules, now| rules.add_contact(&ada, now).unwrap().id);
    let twin = |phone: &str| {
        let change = Change::default().with("first_name", "Ada").with("last_name", "Twin");
        let change = change.with("email", "ada@twins.example").with("phone", phone);
        house.sandbox.chargify.with(|rules, now| rules.add_customer(change, now).unwrap())
    };
    let (first, second) = (twin("+442071234567"), twin(""));
    through(&house, &mut browser).await;
    let record = format!("/records/contacts/highlevel/{contact}");
    let page = browser.open(&record).await;
    for words in ["Which customer is this contact?", "+442071234567", "None of these: create a new customer"] {
        assert!(page.says(words), "{words}: {}", page.text());
    }
    let question = page.form_to(&format!("{record}/resync"));
    let shown = browser.ask(question.clone().choosing("partner", &format!("customer:{second}"))).await;
    assert!(shown.says("Paired by a person"), "{}", shown.text());
    let shown = browser.ask(question.choosing("partner", &format!("customer:{first}"))).await;
    let page = browser.send(&shown, shown.form("answer-record"), None).await;
    house.until(&mut browser, &page.path, "Plan again").await;
    let page = browser.open(&record).await;
    assert!(page.says("In step") && page.says("by a person"), "{}", page.text());
}
