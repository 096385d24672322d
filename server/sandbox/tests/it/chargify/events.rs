use serde_json::{Value, json};

use super::{Site, column};

#[test]
fn both_ends_of_an_id_range_belong_to_it() {
    let mut site = Site::empty();
    for name in ["Ann", "Ben", "Cem"] {
        site.customer(name, None);
    }
    site.wait(60);
    let ids = column(&site.get("/events.json?direction=asc"), "event", "id");
    assert_eq!(ids.len(), 3);
    let since = site.get(&format!("/events.json?direction=asc&since_id={}", ids[1]));
    assert_eq!(column(&since, "event", "id"), ids[1..]);
    let between = site.get(&format!("/events.json?direction=asc&since_id={}&max_id={}", ids[0], ids[1]));
    assert_eq!(column(&between, "event", "id"), ids[..2]);
    let newest = site.get("/events.json?per_page=1");
    assert_eq!(column(&newest, "event", "id"), ids[2..]);
    let nothing = site.get(&format!("/events.json?since_id={}&max_id={}", ids[2], ids[0]));
    assert_eq!(column(&nothing, "event", "id"), [Value::Null; 0]);
    assert_eq!(site.get(&format!("/events/count.json?since_id={}", ids[1])).value(), json!({"count": 2}));
}

#[test]
fn an_event_shows_up_a_few_seconds_late() {
    let mut site = Site::empty();
    site.customer("Ann", None);
    site.wait(2);
    assert_eq!(column(&site.get("/events.json"), "event", "id").len(), 0);
    site.wait(1);
    assert_eq!(column(&site.get("/events.json"), "event", "key"), [json!("customer_create")]);
}

#[test]
fn the_life_of_a_customer_is_told_in_order() {
    let mut site = Site::empty();
    let id = site.customer("Ann", None);
    let path = format!("/customers/{id}.json");
    site.put(&path, &json!({"customer": {"first_name": "Anna"}}));
    site.put(&path, &json!({"customer": {"cc_emails": "quiet@shop.example"}}));
    site.delete(&path);
    site.wait(60);
    let events = site.get("/events.json?direction=asc");
    assert_eq!(
        column(&events, "event", "message"),
        [
            json!("Customer Ann Example created"),
            json!("Customer information changed for Anna Example"),
            json!("Customer Anna Example deleted"),
        ]
    );
    assert_eq!(column(&events, "event", "event_specific_data"), [Value::Null, Value::Null, Value::Null]);
    let deletions = site.get("/events.json?filter=customer_delete,subscription_deletion");
    assert_eq!(column(&deletions, "event", "customer_id"), [json!(id)]);
}

#[test]
fn a_subscription_has_a_feed_of_its_own() {
    let mut site = Site::empty();
    let customer = site.customer("Ann", None);
    let (one, two) = (site.subscription(customer), site.subscription(customer));
    site.delete(&format!("/subscriptions/{one}.json"));
    site.wait(60);
    let feed = site.get(&format!("/subscriptions/{one}/events.json?direction=asc"));
    assert_eq!(column(&feed, "event", "key"), [json!("signup_success"), json!("subscription_state_change")]);
    assert_eq!(column(&site.get(&format!("/subscriptions/{two}/events.json")), "event", "key").len(), 1);
    assert_eq!(site.get("/subscriptions/1/events.json").status, 404);
}
