//! What is sent, signed and sent again.

use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, Verifier, VerifyingKey, pkcs8::DecodePublicKey};
use sandbox::{
    service::Service,
    webhook::{Delivery, Outgoing, Settled},
};
use serde_json::{Value, json};

use super::Agency;

fn listening() -> Agency {
    let mut agency = Agency::empty();
    agency.rules.set_webhook_target(Some("http://receiver.example/hook".to_owned()));
    agency
}

fn sent(agency: &mut Agency) -> Vec<Outgoing> {
    agency.rules.due_webhooks(agency.now)
}

fn body(outgoing: &Outgoing) -> Value {
    serde_json::from_slice(&outgoing.body).unwrap()
}

fn events(agency: &mut Agency) -> Vec<String> {
    sent(agency).into_iter().map(|outgoing| outgoing.event).collect()
}

#[test]
fn the_signature_verifies_with_the_published_key() {
    let mut agency = listening();
    agency.contact(json!({ "firstName": "Zoë", "email": "zoe@mail.example" }));
    let outgoing = sent(&mut agency).remove(0);
    let key = VerifyingKey::from_public_key_pem(&agency.rules.sender.public_key()).unwrap();
    let (_, header) = outgoing.headers.iter().find(|(name, _)| name == "X-GHL-Signature").unwrap();
    let signature = Signature::from_slice(&STANDARD.decode(header).unwrap()).unwrap();
    key.verify(&outgoing.body, &signature).unwrap();
    let mut forged = outgoing.body.clone();
    forged[0] ^= 1;
    assert!(key.verify(&forged, &signature).is_err());
}

#[test]
fn the_payload_is_flat_and_omits_what_is_empty() {
    let mut agency = listening();
    let id = agency.contact(json!({ "firstName": "Ada", "email": "ada@mail.example" }));
    let payload = body(&sent(&mut agency)[0]);
    assert_eq!(payload["type"], "ContactCreate");
    assert_eq!(payload["id"], json!(id));
    assert_eq!(payload["locationId"], json!(agency.location_id()));
    for key in ["timestamp", "webhookId", "appId", "versionId"] {
        assert!(payload[key].is_string(), "{key}");
    }
    for key in ["lastName", "phone", "tags", "customFields", "dateUpdated", "businessId", "contact", "data"] {
        assert!(payload.get(key).is_none(), "{key} in {payload}");
    }
}

#[test]
fn a_retry_repeats_the_body_byte_for_byte_and_ends_after_twelve() {
    let mut agency = listening();
    agency.contact(json!({ "firstName": "Ada" }));
    let first = sent(&mut agency).remove(0);
    let mut delivery = first.delivery;
    for attempt in 2..=13 {
        assert_eq!(agency.rules.webhook_result(delivery, Some(500), agency.now), Settled::Waiting);
        agency.now = agency.rules.next_due().unwrap();
        let again = sent(&mut agency).remove(0);
        assert_eq!((again.attempt, &again.webhook_id, &again.body), (attempt, &first.webhook_id, &first.body));
        delivery = again.delivery;
    }
    assert_eq!(agency.rules.webhook_result(delivery, None, agency.now), Settled::GivenUp);
    assert_eq!(agency.rules.next_due(), None);
}

#[test]
fn under_the_older_rules_only_a_429_is_tried_again() {
    let mut agency = listening();
    agency.control("webhook-retries", &json!({ "only_429": true }));
    for (status, settled) in [(Some(500), Settled::GivenUp), (None, Settled::GivenUp), (Some(429), Settled::Waiting)] {
        agency.contact(json!({ "firstName": "Ada" }));
        let outgoing = sent(&mut agency).remove(0);
        assert_eq!(agency.rules.webhook_result(outgoing.delivery, status, agency.now), settled, "{status:?}");
    }
}

#[test]
fn each_change_fires_its_own_event() {
    let mut agency = listening();
    let id = agency.contact(json!({ "firstName": "Ada" }));
    assert_eq!(events(&mut agency), ["ContactCreate"]);
    agency.put(&format!("/contacts/{id}"), &json!({ "city": "Ghent" }));
    assert_eq!(events(&mut agency), ["ContactUpdate"], "a write through the API comes back as an event");
    agency.put(&format!("/contacts/{id}"), &json!({ "city": "Ghent" }));
    assert_eq!(events(&mut agency), Vec::<String>::new(), "nothing changed");
    agency.put(&format!("/contacts/{id}"), &json!({ "tags": ["vip"], "dnd": true }));
    assert_eq!(events(&mut agency), ["ContactTagUpdate", "ContactDndUpdate"]);
    agency.rules.edit_contact(&id, &json!({ "lastName": "L" }), agency.now).unwrap();
    assert_eq!(events(&mut agency), ["ContactUpdate"], "so does a person's edit");
    agency.delete(&format!("/contacts/{id}"), None);
    assert_eq!(events(&mut agency), ["ContactDelete"]);
}

#[test]
fn a_new_task_is_told_without_its_contact_and_an_edited_one_not_at_all() {
    let mut agency = listening();
    let id = agency.contact(json!({ "firstName": "Ada" }));
    let task = json!({ "title": "Call", "body": "soon", "dueDate": "2026-12-01T10:00:00Z", "completed": false });
    let created = agency.post(&format!("/contacts/{id}/tasks"), &task).value();
    let payload = body(&sent(&mut agency)[1]);
    assert_eq!(payload["type"], "TaskCreate");
    assert!(payload.get("contactId").is_none() && payload.get("body").is_none(), "{payload}");
    let path = format!("/contacts/{id}/tasks/{}", created["task"]["id"].as_str().unwrap());
    agency.put(&path, &json!({ "title": "Call again" }));
    assert_eq!(events(&mut agency), Vec::<String>::new());
    agency.put(&format!("{path}/completed"), &json!({ "completed": true }));
    assert_eq!(events(&mut agency), ["TaskComplete"]);
}

#[test]
fn deliveries_are_dropped_doubled_delayed_and_shuffled_on_demand() {
    let mut agency = listening();
    let mut count = |delivery: Delivery, contacts: usize| {
        agency.rules.set_webhook_delivery(delivery);
        for _ in 0..contacts {
            agency.contact(json!({ "firstName": "Ada" }));
        }
        sent(&mut agency)
    };
    assert_eq!(count(Delivery { drop: 1.0, ..Delivery::default() }, 3).len(), 0);
    let twice = count(Delivery { duplicate: 1.0, ..Delivery::default() }, 1);
    assert_eq!((twice.len(), &twice[0].webhook_id), (2, &twice[1].webhook_id));
    let shuffled = count(Delivery { reorder: true, ..Delivery::default() }, 20);
    assert_eq!(shuffled.len(), 20);
    assert!(!shuffled.is_sorted_by_key(|outgoing| outgoing.delivery));
    assert_eq!(count(Delivery { delay_ms: 5_000, ..Delivery::default() }, 1).len(), 0);
    agency.wait(5);
    assert_eq!(sent(&mut agency).len(), 1);
}
