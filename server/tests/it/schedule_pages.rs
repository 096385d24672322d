//! The schedule of a sync in a browser without a script: set, corrected where it was wrong, and shown wherever the sync is.

use crate::{
    browser::{Browser, Page},
    forms::House,
};
use domain::Role;
use sqlx::PgPool;

const PAGE: &str = "/syncs/contacts/schedule";

/// The owner before the schedule of a new sync.
async fn opened(pool: &PgPool) -> (House, Browser, Page) {
    let house = House::on(pool).await;
    let mut browser = house.owner().await;
    house.with_sync(&mut browser).await;
    let page = browser.open(PAGE).await;
    (house, browser, page)
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_schedule_is_off_until_it_is_set_and_then_shows_the_next_five_starts(pool: PgPool) {
    let (_house, mut browser, page) = opened(&pool).await;
    assert!(page.says("Off: it never starts by itself."), "{}", page.text());
    assert!(browser.open("/syncs/contacts").await.says("nothing is scheduled"));

    let form = page.form("change-schedule").with("draft[changes]", "every 15 minutes").with("draft[full]", "cron");
    let form = form.with("draft[full_cron]", "30 3 * * 1-5").with("draft[zone]", "Europe/Berlin");
    let form = form.with("draft[quiet]", "22:00-03:00").with("draft[reason]", "no webhooks come");
    let shown = browser.send(&page, form.with("draft[reason]", ""), Some(("draft[press]", "show"))).await;
    assert!(shown.says("This is when it would start. Nothing is saved yet."), "{}", shown.text());
    assert!(shown.says("Monday to Friday at 03:30, Berlin time"), "{}", shown.text());
    assert!(browser.open(PAGE).await.says("Off: it never starts by itself."), "only shown");
    let form = shown.form("change-schedule").with("draft[reason]", "no webhooks come");
    let page = browser.send(&shown, form, None).await;
    assert_eq!(page.path, "/syncs/contacts/schedule?done=saved");
    assert!(page.says("The schedule is saved.") && page.says("Every 15 minutes"), "{}", page.text());
    assert!(page.says("Monday to Friday at 03:30, Berlin time"), "{}", page.text());
    let five = page.html.split("<caption class=\"hidden\">Next full run").nth(1).unwrap();
    let five = five.split("</table>").next().unwrap();
    assert_eq!(five.matches(", 03:30").count(), 5, "five starts by the clock of Berlin: {five}");
    assert!(five.matches(", 02:30").count() + five.matches(", 01:30").count() == 5, "and in UTC: {five}");
    assert!(page.says("contacts is switched off, so nothing starts by itself."), "{}", page.text());

    let form = page.form("change-schedule");
    assert_eq!(form.value("draft[full]"), Some("cron"));
    assert_eq!(form.value("draft[full_cron]"), Some("30 3 * * 1-5"));
    let page = browser.send(&page, form.with("draft[reason]", "again"), None).await;
    assert!(page.says("The schedule was like this already."), "{}", page.text());

    let sync = browser.open("/syncs/contacts").await;
    assert!(sync.says("not while it is switched off") && sync.says("22:00-03:00"), "{}", sync.text());
    let trail = browser.open("/audit").await;
    assert!(trail.says("of the sync contacts: no webhooks come"), "{}", trail.text());
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn each_fault_stands_at_its_field_and_what_was_typed_stays(pool: PgPool) {
    let (_house, mut browser, page) = opened(&pool).await;
    let form = page.form("change-schedule").with("draft[changes]", "cron").with("draft[changes_cron]", "* * * * *");
    let form = form.with("draft[full]", "cron").with("draft[zone]", "Berlin").with("draft[quiet]", "at night");
    let page = browser.send(&page, form, None).await;
    for (field, says) in [
        ("changes_cron", "starts 1 min apart; the closest allowed is 5 min"),
        ("full_cron", "Write the cron line"),
        ("zone", "There is no time zone"),
        ("quiet", "write it as 22:00-06:00"),
        ("reason", "Say in a few words why the schedule changes."),
    ] {
        let error = page.html.split(&format!("id=\"{field}-error\"")).nth(1);
        let error = error.unwrap_or_else(|| panic!("no error at {field}: {}", page.text()));
        let error = error.split("</p>").next().unwrap();
        assert!(error.contains(says), "{field}: {error}");
    }
    let form = page.form("change-schedule");
    assert_eq!(form.value("draft[changes_cron]"), Some("* * * * *"));
    assert_eq!(form.value("draft[zone]"), Some("Berlin"));
    assert!(browser.open(PAGE).await.says("Off: it never starts by itself."), "nothing was saved");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn lists_say_when_the_next_run_is_due_and_that_a_run_was_scheduled(pool: PgPool) {
    let (house, mut browser, page) = opened(&pool).await;
    let form = page.form("change-schedule").with("draft[changes]", "every 5 minutes");
    browser.send(&page, form.with("draft[reason]", "no webhooks come"), None).await;
    let page = browser.open("/syncs/contacts?ask=on").await;
    browser.send(&page, page.form("switch-sync"), None).await;
    for path in ["/", "/syncs"] {
        let page = browser.open(path).await;
        assert!(page.says("Next: changes in"), "{}", page.text());
    }

    sqlx::query("update schedule set changes_due_at = now() - interval '1 second'").execute(&pool).await.unwrap();
    assert_eq!(house.site.engine().start_due_runs().await.unwrap(), 1);
    let runs = browser.open("/runs").await;
    assert!(runs.says("scheduled") && !runs.says("by the schedule"), "{}", runs.text());
    assert!(browser.open("/runs/1").await.says("by the schedule"));

    sqlx::query("update schedule set changes_due_at = now() - interval '1 second'").execute(&pool).await.unwrap();
    let page = browser.open(PAGE).await;
    assert!(page.says("and waits for run 1."), "{}", page.text());
    assert!(browser.open("/syncs").await.says("changes, as soon as nothing else runs"));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn whoever_may_only_look_sees_the_schedule_and_why_they_cannot_change_it(pool: PgPool) {
    let (house, _owner, _page) = opened(&pool).await;
    let cookie = house.site.signed_in(Role::Viewer).await;
    let mut browser = Browser::with_cookie(&house.site.app.public_url, cookie);
    let page = browser.open(PAGE).await;
    assert!(page.says("Your role, viewer, may not edit syncs and mappings."), "{}", page.text());
    let form = page.html.split("action=\"/api/change-schedule\"").nth(1).unwrap();
    assert!(form.split('>').take(8).any(|tag| tag.contains("<fieldset") && tag.contains("disabled")), "{form}");
}
