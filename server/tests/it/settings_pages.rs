//! The settings of a sync, in a browser without a script.

use crate::{forms::House, site::Site};
use domain::Role;
use sqlx::PgPool;

const KEY: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAi2HR1srL4o18O8BRa7gVJY7G7bupbN3H9AwJrHCDiOg=\n-----END PUBLIC KEY-----\n";

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn settings_are_changed_with_a_reason_and_kept_while_something_is_wrong(pool: PgPool) {
    let house = House::on(&pool).await;
    let mut browser = house.owner().await;
    house.with_sync(&mut browser).await;
    let page = browser.open("/syncs/contacts/settings").await;
    let form = page.form("change-settings");
    assert_eq!((form.value("draft[require_email]"), form.value("draft[slots]")), (Some("true"), Some("3")));
    assert_eq!(form.value("draft[create_contacts]"), None, "a box that is not ticked is not sent");

    let form = form.with("draft[only_tag]", "vip").with("draft[not_tag]", "VIP").with("draft[prefix]", "eu-");
    let page = browser.send(&page, form, None).await;
    assert!(page.says("Is the tag every contact must carry"), "{}", page.text());
    assert!(page.says("Say in a few words why the settings change."));
    let form = page.form("change-settings");
    assert_eq!((form.value("draft[only_tag]"), form.value("draft[prefix]")), (Some("vip"), Some("eu-")));

    let form = form.with("draft[not_tag]", "test").with("draft[slots]", "2").with("draft[reason]", "VIPs first");
    let page = browser.send(&page, form, None).await;
    assert_eq!(page.path, "/syncs/contacts?done=settings");
    assert!(page.says("the tag vip, never with the tag test") && page.says("2 of 4"), "{}", page.text());
    let trail = browser.open("/audit").await;
    assert!(trail.says("and 1 more of the sync contacts: VIPs first"), "{}", trail.text());

    let page = browser.open("/syncs/contacts/settings").await;
    let form = page.form("change-settings").with("draft[reason]", "once more");
    let page = browser.send(&page, form, None).await;
    assert!(page.says("The settings were like this already."), "{}", page.text());
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_viewer_sees_the_settings_fixed_with_the_reason(pool: PgPool) {
    let site = Site::connected(&pool, KEY).await;
    let cookie = site.signed_in(Role::Viewer).await;
    let html = site.get("/syncs/contacts/settings", Some(&cookie)).await.text().await.unwrap();
    assert!(html.contains("<fieldset disabled class=\"stack\">"), "{html}");
    assert!(html.contains("Your role, viewer, may not edit syncs and mappings."));
}
