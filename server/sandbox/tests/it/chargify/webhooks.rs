use sandbox::{
    chargify::{endpoints::Status, signature::sign, subscriptions::SubscriptionState},
    service::Service,
    webhook::{Delivery, Outgoing, Settled},
};
use serde_json::json;

use super::{Site, column, texts};

const URL: &str = "http://127.0.0.1:1/hooks";

fn listening() -> Site {
    let mut site = Site::empty();
    site.rules.set_webhook_target(Some(URL.to_owned()));
    site
}

fn fields(outgoing: &Outgoing) -> Vec<(String, String)> {
    sandbox::request::pairs(&String::from_utf8_lossy(&outgoing.body))
}

fn field(outgoing: &Outgoing, name: &str) -> Option<String> {
    fields(outgoing).into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

fn header<'a>(outgoing: &'a Outgoing, name: &str) -> &'a str {
    outgoing.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).expect(name)
}

fn health(site: &Site) -> Status {
    site.rules.webhooks.endpoints.iter().next().expect("an endpoint").health.status()
}

#[test]
fn a_signature_is_over_the_raw_body() {
    assert_eq!(
        sign("123", b"payload[chargify]=testing&event=test"),
        "19826d51b9f866b26eda1f154de192593360f8d0bcb63df8a28540a5dcf733f1"
    );
    let mut site = listening();
    site.customer("Ann", None);
    let sent = site.rules.due_webhooks(site.now).remove(0);
    let key = site.rules.site.shared_key.clone();
    assert_eq!(header(&sent, "x-chargify-webhook-signature-hmac-sha-256"), sign(&key, &sent.body));
    assert_eq!(header(&sent, "x-chargify-webhook-id"), sent.webhook_id);
    assert_eq!(header(&sent, "x-chargify-webhook-signature").len(), 32);
    assert_eq!(header(&sent, "content-type"), "application/x-www-form-urlencoded");
}

#[test]
fn a_body_is_text_in_eastern_time() {
    let mut site = listening();
    let id = site.customer("Zoë & Co", Some("r1"));
    let sent = site.rules.due_webhooks(site.now).remove(0);
    assert_eq!(field(&sent, "event").as_deref(), Some("customer_create"));
    assert_eq!(field(&sent, "payload[customer][id]"), Some(id.to_string()));
    assert_eq!(field(&sent, "payload[customer][first_name]").as_deref(), Some("Zoë & Co"));
    assert_eq!(field(&sent, "payload[customer][created_at]").as_deref(), Some("2026-11-21 22:00:00 -0500"));
    assert_eq!(field(&sent, "payload[customer][organization]").as_deref(), Some(""));
    assert_eq!(field(&sent, "payload[customer][verified]").as_deref(), Some("false"));
    let raw = String::from_utf8_lossy(&sent.body).into_owned();
    assert!(raw.contains("payload[customer][first_name]=Zo%C3%AB%20%26%20Co&"), "{raw}");
    site.wait(60);
    let event = column(&site.get("/events.json"), "event", "id").remove(0);
    assert_eq!(field(&sent, "payload[event_id]"), Some(event.to_string()));
}

#[test]
fn some_keys_of_a_subscription_are_repeated() {
    let mut site = listening();
    let customer = site.customer("Ann", None);
    let id = site.subscription(customer);
    site.rules.set_subscription_state(id, SubscriptionState::OnHold, site.now);
    let sent = site.rules.due_webhooks(site.now);
    let events: Vec<&str> = sent.iter().map(|outgoing| outgoing.event.as_str()).collect();
    assert_eq!(events, ["customer_create", "signup_success", "subscription_state_change"]);
    let change = &sent[2];
    assert_eq!(field(change, "payload[subscription][previous_state]").as_deref(), Some("active"));
    assert_eq!(field(change, "payload[subscription][state]").as_deref(), Some("on_hold"));
    let pages = "payload[subscription][product][public_signup_pages][id]";
    assert_eq!(fields(change).iter().filter(|(key, _)| key == pages).count(), 2);
}

#[test]
fn only_the_listed_attributes_raise_customer_update() {
    let mut site = listening();
    let id = site.customer("Ann", None);
    let path = format!("/customers/{id}.json");
    site.rules.due_webhooks(site.now);
    for quiet in [json!({"cc_emails": "b@shop.example"}), json!({"vat_number": "1"}), json!({"first_name": "Ann"})] {
        site.put(&path, &json!({"customer": quiet}));
    }
    assert!(site.rules.due_webhooks(site.now).is_empty());
    site.put(&path, &json!({"customer": {"phone": "1"}}));
    assert_eq!(site.rules.due_webhooks(site.now).remove(0).event, "customer_update");
    site.delete(&path);
    assert!(site.rules.due_webhooks(site.now).is_empty());
}

#[test]
fn only_200_is_accepted_and_five_attempts_are_made() {
    let mut site = listening();
    site.customer("Ann", None);
    for (attempt, wait) in [(1, 10), (2, 15), (3, 90), (4, 180)] {
        let sent = site.rules.due_webhooks(site.now).remove(0);
        assert_eq!(sent.attempt, attempt);
        assert_eq!(site.rules.webhook_result(sent.delivery, Some(204), site.now), Settled::Waiting);
        site.wait(wait - 1);
        assert!(site.rules.due_webhooks(site.now).is_empty());
        site.wait(1);
        assert_eq!(site.rules.next_due(), Some(site.now));
    }
    let last = site.rules.due_webhooks(site.now).remove(0);
    assert_eq!(site.rules.webhook_result(last.delivery, None, site.now), Settled::GivenUp);
    assert_eq!(site.rules.next_due(), None);
    let log = site.get("/webhooks.json?status=failed").value();
    assert_eq!(log[0]["webhook"]["last_error"], json!("Timed out connecting to server (retry 5 of 5)"));
    assert_eq!(log[0]["webhook"]["successful"], json!(false));
}

#[test]
fn an_endpoint_that_keeps_failing_is_paused_and_then_disabled() {
    let mut site = listening();
    for _ in 0..26 {
        site.customer("Ann", None);
    }
    assert_eq!(site.fail_webhooks(), 26);
    assert_eq!(health(&site), Status::Paused);
    site.customer("Ben", None);
    site.wait(600);
    assert_eq!(site.fail_webhooks(), 0);
    let paused = column(&site.get("/webhooks.json?status=paused&per_page=200"), "webhook", "id");
    assert_eq!(paused.len(), 27);
    for _ in 0..22 {
        site.wait(7200);
        assert_eq!(site.fail_webhooks(), 1);
        assert_eq!(health(&site), Status::Paused);
    }
    site.wait(48 * 3600);
    assert_eq!(site.fail_webhooks(), 1);
    assert_eq!(health(&site), Status::Disabled);
    let made = site.rules.webhooks.log().count();
    site.customer("Cem", None);
    assert_eq!(site.rules.webhooks.log().count(), made);
    assert_eq!(column(&site.get("/webhooks.json"), "webhook", "id").len(), 20);
    assert_eq!(site.get("/endpoints.json").value()[0]["status"], json!("disabled"));
}

#[test]
fn fifty_one_failures_disable_an_endpoint_at_once() {
    let mut site = listening();
    for _ in 0..50 {
        site.customer("Ann", None);
    }
    let due = site.rules.due_webhooks(site.now);
    for outgoing in &due {
        site.rules.webhook_result(outgoing.delivery, None, site.now);
    }
    assert_eq!(health(&site), Status::Paused);
    site.wait(7200);
    assert_eq!(site.fail_webhooks(), 1);
    assert_eq!(health(&site), Status::Disabled);
}

#[test]
fn one_accepted_webhook_heals_and_replay_brings_back_the_rest() {
    let mut site = listening();
    for _ in 0..26 {
        site.customer("Ann", None);
    }
    site.fail_webhooks();
    site.wait(7200);
    let trial = site.rules.due_webhooks(site.now).remove(0);
    assert_eq!(site.rules.webhook_result(trial.delivery, Some(200), site.now), Settled::Delivered);
    assert_eq!(health(&site), Status::Enabled);
    let ids = column(&site.get("/webhooks.json?status=paused&per_page=200&order=oldest_first"), "webhook", "id");
    assert_eq!(ids.len(), 25);
    let mut asked = ids.clone();
    asked.push(json!(1));
    assert_eq!(site.post("/webhooks/replay.json", &json!({"ids": asked})).value(), json!({"status": "ok"}));
    let sent = site.rules.due_webhooks(site.now);
    assert_eq!(sent.iter().map(|outgoing| json!(outgoing.webhook_id.parse::<i64>().ok())).collect::<Vec<_>>(), ids);
    for outgoing in &sent {
        site.rules.webhook_result(outgoing.delivery, Some(200), site.now);
    }
    assert_eq!(column(&site.get("/webhooks.json?status=successful&per_page=200"), "webhook", "id").len(), 26);
    let too_many: Vec<i64> = (0..1001).collect();
    assert_eq!(site.post("/webhooks/replay.json", &json!({"ids": too_many})).status, 422);
}

#[test]
fn a_test_reaches_even_a_disabled_endpoint_and_heals_it() {
    let mut site = listening();
    for _ in 0..60 {
        site.customer("Ann", None);
    }
    site.fail_webhooks();
    assert_eq!(health(&site), Status::Disabled);
    site.rules.send_test_webhook(site.now);
    let test = site.rules.due_webhooks(site.now).remove(0);
    assert_eq!(field(&test, "payload[chargify]").as_deref(), Some("testing"));
    site.rules.webhook_result(test.delivery, Some(200), site.now);
    assert_eq!(health(&site), Status::Enabled);
    site.rules.send_sample_webhook(site.now);
    let sample = site.rules.due_webhooks(site.now).remove(0);
    assert_eq!(field(&sample, "payload[customer][id]").as_deref(), Some("0"));
}

#[test]
fn endpoints_are_made_through_the_api_and_told_only_what_they_subscribed_to() {
    let mut site = Site::empty();
    let wish = |url: &str, keys: &[&str]| json!({"endpoint": {"url": url, "webhook_subscriptions": keys}});
    let bad = site.post("/endpoints.json", &wish("ftp://shop.example", &[]));
    assert_eq!(texts(&bad), ["URL: invalid, only http and https supported"]);
    let bad = site.post("/endpoints.json", &wish(URL, &["foobar", "customer_delete"]));
    assert_eq!(texts(&bad), ["Event key is not valid - foobar", "Event key is not valid - customer_delete"]);
    let made =
        site.post("/endpoints.json", &wish(&format!("{URL}?s={{signature_hmac_sha_256}}"), &["customer_update"]));
    assert_eq!((made.status, &made.value()["endpoint"]["status"]), (200, &json!("enabled")));
    let id = site.customer("Ann", None);
    let change = |site: &mut Site, phone: &str| {
        site.put(&format!("/customers/{id}.json"), &json!({"customer": {"phone": phone}}));
        site.rules.due_webhooks(site.now)
    };
    assert!(change(&mut site, "1").is_empty(), "webhooks are off until they are switched on");
    site.put("/webhooks/settings.json", &json!({"webhooks_enabled": true}));
    let sent = change(&mut site, "2").remove(0);
    let key = site.rules.site.shared_key.clone();
    assert_eq!(sent.url, format!("{URL}?s={}", sign(&key, &sent.body)));
    let path = format!("/endpoints/{}.json", made.value()["endpoint"]["id"]);
    assert_eq!(site.put(&path, &wish(URL, &[])).status, 200);
    assert!(change(&mut site, "3").is_empty());
    assert_eq!(site.get("/endpoints.json").value()[0]["webhook_subscriptions"], json!([]));
    assert_eq!(site.delete(&path).status, 404);
}

#[test]
fn deliveries_can_be_lost_doubled_and_late() {
    let mut site = listening();
    site.rules.set_webhook_delivery(Delivery { duplicate: 1.0, ..Delivery::default() });
    site.customer("Ann", None);
    let sent = site.rules.due_webhooks(site.now);
    assert_eq!((sent.len(), &sent[0].webhook_id), (2, &sent[1].webhook_id));
    site.rules.set_webhook_delivery(Delivery { drop: 1.0, ..Delivery::default() });
    site.customer("Ben", None);
    assert!(site.rules.due_webhooks(site.now).is_empty());
    site.rules.set_webhook_delivery(Delivery { delay_ms: 5000, ..Delivery::default() });
    site.customer("Cem", None);
    assert!(site.rules.due_webhooks(site.now).is_empty());
    site.wait(5);
    assert_eq!(site.rules.due_webhooks(site.now).len(), 1);
}

#[test]
fn a_new_shared_key_signs_from_then_on() {
    let mut site = listening();
    site.rules.set_shared_key("rotated");
    site.customer("Ann", None);
    let sent = site.rules.due_webhooks(site.now).remove(0);
    assert_eq!(header(&sent, "x-chargify-webhook-signature-hmac-sha-256"), sign("rotated", &sent.body));
}
