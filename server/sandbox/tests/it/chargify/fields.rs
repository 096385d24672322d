use sandbox::chargify::metafields::Owner;
use serde_json::{Value, json};

use super::{Site, column};

#[test]
fn writing_a_value_defines_its_field_and_repeating_it_changes_nothing() {
    let mut site = Site::empty();
    let id = site.customer("Ann", None);
    let path = format!("/customers/{id}/metadata.json");
    let wish = json!({"metadata": [{"name": "ghl_tags", "value": "vip"}, {"name": "Color", "value": "blue"}]});
    let first = site.post(&path, &wish).value();
    assert_eq!((&first[0]["value"], &first[0]["resource_id"]), (&json!("vip"), &json!(id)));
    assert_eq!(site.post(&path, &wish).value(), first);
    let list = site.get(&path).value();
    assert_eq!((&list["total_count"], &list["per_page"]), (&json!(2), &json!(20)));
    let fields = site.get("/customers/metafields.json").value();
    assert_eq!(fields["metafields"][2]["name"], json!("ghl_tags"));
    assert_eq!(fields["metafields"][2]["data_count"], json!(1));
}

#[test]
fn a_value_that_does_not_fit_is_dropped_without_a_word() {
    let mut site = Site::empty();
    let id = site.customer("Ann", None);
    let path = format!("/customers/{id}/metadata.json");
    let write = |site: &mut Site, name: &str, value: &str| {
        let reply = site.post(&path, &json!({"metadata": [{"name": name, "value": value}]}));
        assert_eq!(reply.status, 200);
        reply.value()[0].clone()
    };
    let dropped = write(&mut site, "new", &"x".repeat(2049));
    assert_eq!((&dropped["value"], &dropped["id"], &dropped["name"]), (&Value::Null, &Value::Null, &json!("new")));
    assert!(site.rules.custom_fields(Owner::Customer).field("new").is_none());
    assert_eq!(write(&mut site, "new", &"é".repeat(2048))["value"], json!("é".repeat(2048)));
    assert_eq!(write(&mut site, "new", &"x".repeat(2049))["value"], json!("é".repeat(2048)));
    assert_eq!(write(&mut site, "tier", "Platinum")["value"], Value::Null);
    assert_eq!(write(&mut site, "tier", "Gold")["value"], json!("Gold"));
    assert_eq!(write(&mut site, "tier", "Platinum")["value"], json!("Gold"));
}

#[test]
fn a_current_name_renames_the_field_for_the_whole_site() {
    let mut site = Site::empty();
    let (ann, ben) = (site.customer("Ann", None), site.customer("Ben", None));
    for id in [ann, ben] {
        let wish = json!({"metadata": [{"name": "old", "value": "1"}]});
        site.post(&format!("/customers/{id}/metadata.json"), &wish);
    }
    let wish = json!({"metadata": {"current_name": "old", "name": "new", "value": "2"}});
    assert_eq!(site.put(&format!("/customers/{ann}/metadata.json"), &wish).value()[0]["value"], json!("2"));
    let other = site.get(&format!("/customers/{ben}/metadata.json")).value();
    assert_eq!((&other["metadata"][0]["name"], &other["metadata"][0]["value"]), (&json!("new"), &json!("1")));
}

#[test]
fn a_hundred_definitions_are_the_limit() {
    let mut site = Site::empty();
    let names: Vec<Value> = (0..98).map(|number| json!({"name": format!("field {number}")})).collect();
    assert_eq!(site.post("/customers/metafields.json", &json!({"metafields": names})).status, 200);
    assert_eq!(site.post("/customers/metafields.json", &json!({"metafields": {"name": "101"}})).status, 422);
    let id = site.customer("Ann", None);
    let path = format!("/customers/{id}/metadata.json");
    assert_eq!(site.post(&path, &json!({"metadata": [{"name": "101", "value": "x"}]})).status, 422);
    let page = site.get("/customers/metafields.json?per_page=7&page=15").value();
    assert_eq!((&page["total_count"], &page["total_pages"]), (&json!(100), &json!(15)));
    assert_eq!(page["metafields"].as_array().map(Vec::len), Some(2));
}

#[test]
fn refusals_have_a_single_text() {
    let mut site = Site::empty();
    let id = site.customer("Ann", None);
    let path = format!("/customers/{id}/metadata.json");
    let nameless = json!({"error": "'name' must be present to create or update metafields"});
    assert_eq!(site.post(&path, &json!({"metadata": [{"value": "x"}]})).value(), nameless);
    assert_eq!(site.post(&path, &json!({})).value(), json!({"error": "The root key 'metadata' is required"}));
    assert_eq!(site.post("/customers/metafields.json", &json!({"metafields": [{}]})).value(), nameless);
    let clash = json!({"metafields": {"current_name": "tier", "name": "account_manager"}});
    let refusal = json!({"error": "Metafield name must be unique for the Attachment Type"});
    assert_eq!(site.put("/customers/metafields.json", &clash).value(), refusal);
    assert_eq!(site.get("/customers/5/metadata.json").status, 404);
}

#[test]
fn a_removed_value_is_listed_on_request_only() {
    let mut site = Site::empty();
    let id = site.customer("Ann", None);
    let path = format!("/customers/{id}/metadata.json");
    site.post(&path, &json!({"metadata": [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}]}));
    assert_eq!(site.delete(&format!("{path}?name=zzz")).status, 404);
    assert_eq!(site.delete(&format!("{path}?names[]=a&names[]=b")).status, 200);
    let all = format!("/customers/metadata.json?resource_ids[]={id}");
    assert_eq!(site.get(&all).value()["total_count"], json!(0));
    let rows = site.get(&format!("{all}&with_deleted=true")).value();
    assert_eq!(rows["total_count"], json!(2));
    assert_eq!(rows["metadata"][0]["deleted_at"], json!("2026-11-21T19:00:00-08:00"));
}

#[test]
fn a_changed_value_is_in_the_events_feed_and_in_no_webhook() {
    let mut site = Site::empty();
    site.rules.webhooks.set_target(Some("http://127.0.0.1:1/".to_owned()));
    let id = site.customer("Ann", None);
    let made = site.rules.webhooks.log().count();
    let path = format!("/customers/{id}/metadata.json");
    for value in ["vip", "vip", "vip, trial"] {
        site.post(&path, &json!({"metadata": [{"name": "ghl_tags", "value": value}]}));
    }
    site.wait(60);
    let events = site.get("/events.json?filter=custom_field_value_change&direction=asc");
    let changes = column(&events, "event", "event_specific_data");
    assert_eq!(changes.len(), 2);
    assert_eq!((&changes[1]["old_value"], &changes[1]["new_value"]), (&json!("vip"), &json!("vip, trial")));
    assert_eq!(column(&events, "event", "customer_id"), [json!(id), json!(id)]);
    assert_eq!(site.rules.webhooks.log().count(), made);
}
