//! Contacts and what hangs on them.

use sandbox::service::Service;
use serde_json::{Value, json};

use super::Agency;

#[test]
fn unknown_properties_are_refused_by_name() {
    let mut agency = Agency::empty();
    let id = agency.contact(json!({ "firstName": "Ada" }));
    let body = json!({ "locationId": agency.location_id(), "gender": "f", "firstName": "Ada" });
    let reply = agency.put(&format!("/contacts/{id}"), &body);
    assert_eq!(reply.status, 422);
    let messages = reply.value()["message"].clone();
    assert_eq!(messages, json!(["property gender should not exist", "property locationId should not exist"]));
    let reply = agency.put(&format!("/contacts/{id}"), &json!({ "customFields": [{ "id": "x", "value": "y" }] }));
    assert_eq!(reply.value()["message"][0], "customFields.0.property value should not exist");
}

#[test]
fn a_duplicate_is_a_400_that_names_the_other_contact() {
    let mut agency = Agency::empty();
    let ada = agency.contact(json!({ "firstName": "Ada", "email": "ada@mail.example", "phone": "+14155550100" }));
    let bob = agency.contact(json!({ "firstName": "Bob", "email": "bob@mail.example" }));
    let body = json!({ "locationId": agency.location_id(), "email": "ADA@mail.example" });
    let reply = agency.post("/contacts/", &body);
    assert_eq!(reply.status, 400);
    assert_eq!(reply.value()["message"], "This location does not allow duplicated contacts.");
    let meta = json!({ "contactId": ada, "matchingField": "email", "contactName": "Ada" });
    assert_eq!(reply.value()["meta"], meta);

    let reply = agency.put(&format!("/contacts/{bob}"), &json!({ "phone": "(415) 555-0100" }));
    assert_eq!((reply.status, &reply.value()["succeeded"]), (400, &json!(false)));
    assert_eq!(reply.value()["meta"]["matchingField"], "phone");

    agency.control("location", &json!({ "allow_duplicates": true }));
    assert_eq!(agency.post("/contacts/", &body).status, 201);
}

#[test]
fn an_upsert_silently_leaves_out_a_phone_that_belongs_to_somebody_else() {
    let mut agency = Agency::empty();
    let ada = agency.contact(json!({ "email": "ada@mail.example", "phone": "+14155550100" }));
    agency.contact(json!({ "email": "bob@mail.example", "phone": "+14155550101" }));
    let body = json!({
        "locationId": agency.location_id(), "email": "ada@mail.example", "phone": "+14155550101", "city": "Paris",
    });
    let reply = agency.post("/contacts/upsert", &body).value();
    assert_eq!(reply["new"], false);
    assert_eq!(reply["contact"]["id"], json!(ada));
    assert_eq!(reply["contact"]["phone"], "+14155550100");
    assert_eq!(reply["contact"]["city"], "Paris");
}

#[test]
fn writes_are_normalised_and_partial() {
    let mut agency = Agency::empty();
    let id = agency.contact(json!({
        "name": "Ada King Lovelace", "email": "Ada@Mail.example", "phone": "(415) 555-0100", "tags": ["VIP", " New "],
        "city": "London", "dateOfBirth": "12/10/1815",
    }));
    let created = agency.now;
    agency.wait(60);
    agency.put(&format!("/contacts/{id}"), &json!({ "city": null, "companyName": "Analytical Ltd" }));
    let contact = agency.get(&format!("/contacts/{id}")).value()["contact"].clone();
    assert_eq!(contact["firstName"], "Ada");
    assert_eq!(contact["lastName"], "King Lovelace");
    assert_eq!(contact["email"], "Ada@Mail.example");
    assert_eq!(contact["emailLowerCase"], "ada@mail.example");
    assert_eq!(contact["phone"], "+14155550100");
    assert_eq!(contact["tags"], json!(["vip", "new"]));
    assert_eq!(contact["dateOfBirth"], "1815-12-10");
    assert_eq!(contact["city"], Value::Null);
    assert_eq!(contact["companyName"], "Analytical Ltd");
    assert_eq!(contact["dateAdded"], sandbox::highlevel::iso(created));
    assert_eq!(contact["dateUpdated"], sandbox::highlevel::iso(agency.now));
}

#[test]
fn tags_in_an_update_replace_all_while_the_tag_calls_add_and_remove() {
    let mut agency = Agency::empty();
    let id = agency.contact(json!({ "tags": ["a", "b"] }));
    let path = format!("/contacts/{id}/tags");
    let added = agency.post(&path, &json!({ "tags": ["C", "a"] }));
    assert_eq!((added.status, &added.value()["tags"]), (201, &json!(["a", "b", "c"])));
    let removed = agency.delete(&path, Some(&json!({ "tags": ["B"] })));
    assert_eq!((removed.status, &removed.value()["tags"]), (200, &json!(["a", "c"])));
    let replaced = agency.put(&format!("/contacts/{id}"), &json!({ "tags": ["z"] }));
    assert_eq!(replaced.value()["contact"]["tags"], json!(["z"]));
}

#[test]
fn custom_fields_that_are_not_named_stay() {
    let mut agency = Agency::empty();
    let fields = format!("/locations/{}/customFields", agency.location_id());
    let id_of = |reply: Value| reply["customField"]["id"].as_str().unwrap().to_owned();
    let size = id_of(agency.post(&fields, &json!({ "name": "Hat size", "dataType": "NUMERICAL" })).value());
    let plan = id_of(agency.post(&fields, &json!({ "name": "Hat colour", "dataType": "TEXT" })).value());
    let id = agency.contact(json!({ "customFields": [
        { "id": size, "field_value": 58 }, { "key": "hat_colour", "field_value": "red" },
    ] }));
    let body = json!({ "customFields": [{ "key": "contact.hat_colour", "fieldValue": "blue" }] });
    let contact = agency.put(&format!("/contacts/{id}"), &body).value()["contact"].clone();
    let mut expected = vec![json!({ "id": size, "value": 58 }), json!({ "id": plan, "value": "blue" })];
    expected.sort_by_key(|field| field["id"].as_str().unwrap().to_owned());
    assert_eq!(contact["customFields"], json!(expected));
}

#[test]
fn a_deleted_contact_is_gone_until_it_is_restored_without_its_notes() {
    let mut agency = Agency::empty();
    let id = agency.contact(json!({ "firstName": "Ada" }));
    agency.post(&format!("/contacts/{id}/notes"), &json!({ "body": "hello" }));
    assert_eq!(agency.delete(&format!("/contacts/{id}"), None).value()["succeded"], true);
    assert_eq!(agency.get(&format!("/contacts/{id}")).status, 404);
    agency.control("location", &json!({ "missing_is_400": true }));
    assert_eq!(agency.get(&format!("/contacts/{id}")).status, 400);
    assert!(agency.rules.restore_contact(&id, agency.now));
    assert_eq!(agency.get(&format!("/contacts/{id}")).value()["contact"]["firstName"], "Ada");
    assert_eq!(agency.get(&format!("/contacts/{id}/notes")).value()["notes"], json!([]));
}

#[test]
fn a_business_is_linked_in_bulk_and_nowhere_else() {
    let mut agency = Agency::empty();
    let location_id = agency.location_id();
    let business = agency.post("/businesses/", &json!({ "locationId": location_id, "name": "Acme" }));
    assert_eq!(business.status, 201);
    let business_id = business.value()["buiseness"]["id"].clone();
    let id = agency.contact(json!({ "firstName": "Ada" }));
    assert_eq!(agency.put(&format!("/contacts/{id}"), &json!({ "businessId": business_id })).status, 422);
    let link = json!({ "locationId": location_id, "ids": [id, "nobody"], "businessId": business_id });
    assert_eq!(agency.post("/contacts/bulk/business", &link).value()["ids"], json!([id]));
    assert_eq!(agency.get(&format!("/contacts/{id}")).value()["contact"]["businessId"], business_id);
}

#[test]
fn the_duplicate_lookup_finds_by_email_then_by_phone() {
    let mut agency = Agency::empty();
    let ada = agency.contact(json!({ "email": "ada@mail.example", "phone": "+14155550100" }));
    let base = format!("/contacts/search/duplicate?locationId={}", agency.location_id());
    for query in ["&email=ADA%40mail.example", "&number=%2B14155550100", "&email=x%40y.example&number=%2B14155550100"] {
        assert_eq!(agency.get(&format!("{base}{query}")).value()["contact"]["id"], json!(ada), "{query}");
    }
    assert_eq!(agency.get(&format!("{base}&email=nobody%40mail.example")).value()["contact"], Value::Null);
}

#[test]
fn a_merge_leaves_one_contact_with_what_both_knew() {
    let mut agency = Agency::empty();
    let kept = agency.contact(json!({ "firstName": "Ada", "email": "ada@mail.example", "tags": ["a"] }));
    let gone = agency.contact(json!({ "firstName": "A.", "city": "Ghent", "tags": ["b"] }));
    agency.post(&format!("/contacts/{gone}/notes"), &json!({ "body": "hello" }));
    assert!(agency.rules.merge_contact(&gone, &kept, agency.now));
    assert_eq!(agency.get(&format!("/contacts/{gone}")).status, 404);
    let contact = agency.get(&format!("/contacts/{kept}")).value()["contact"].clone();
    assert_eq!(contact["firstName"], "Ada");
    assert_eq!(contact["city"], "Ghent");
    assert_eq!(contact["tags"], json!(["a", "b"]));
    assert_eq!(agency.get(&format!("/contacts/{kept}/notes")).value()["notes"][0]["contactId"], json!(kept));
}

#[test]
fn the_same_seed_and_the_same_calls_give_the_same_answers_and_webhooks() {
    let run = || {
        let mut agency = Agency::with(&sandbox::Options { contacts: 30, seed: 9, ..sandbox::Options::default() });
        agency.rules.set_webhook_target(Some("http://receiver.example/".to_owned()));
        agency.contact(json!({ "firstName": "Ada", "tags": ["vip"] }));
        agency.wait(3);
        agency.search(json!({}));
        let sent: Vec<Vec<u8>> = agency.rules.due_webhooks(agency.now).into_iter().map(|sent| sent.body).collect();
        (agency.calls.into_iter().map(|(_, reply)| reply.body).collect::<Vec<_>>(), sent)
    };
    assert!(run() == run());
}
