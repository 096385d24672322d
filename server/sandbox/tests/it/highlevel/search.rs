//! The search and the index that trails behind.

use std::collections::BTreeSet;

use sandbox::options::Options;
use serde_json::{Value, json};

use super::{Agency, ids};

fn filled(contacts: usize) -> Agency {
    Agency::with(&Options { contacts, rate: (1_000_000, std::time::Duration::from_secs(10)), ..Options::default() })
}

#[test]
fn a_change_shows_up_after_the_lag_and_not_before() {
    let mut agency = Agency::empty();
    let id = agency.contact(json!({ "firstName": "Ada" }));
    agency.wait(1);
    assert_eq!(agency.search(json!({}))["total"], 0);
    agency.wait(1);
    assert_eq!(ids(&agency.search(json!({}))), std::slice::from_ref(&id));
    agency.delete(&format!("/contacts/{id}"), None);
    assert_eq!(agency.search(json!({}))["total"], 1);
    agency.wait(2);
    assert_eq!(agency.search(json!({}))["total"], 0);
}

#[test]
fn a_row_has_its_own_shape() {
    let mut agency = Agency::empty();
    agency
        .contact(json!({ "firstName": "Ada", "lastName": "L", "address1": "1 High St", "dateOfBirth": "1990-09-25" }));
    agency.wait(2);
    let row = agency.search(json!({}))["contacts"][0].clone();
    assert_eq!(row["contactName"], "Ada L");
    assert_eq!(row["address"], "1 High St");
    assert_eq!(row["address1"], Value::Null);
    assert_eq!(row["dateOfBirth"], 654_220_800_000_i64);
    assert_eq!(row["searchAfter"].as_array().map(Vec::len), Some(2));
}

#[test]
fn walking_by_cursor_meets_everybody_once_in_every_order() {
    let mut agency = filled(230);
    for field in ["dateAdded", "dateUpdated", "firstNameLowerCase", "email"] {
        for direction in ["asc", "desc"] {
            let sort = json!([{ "field": field, "direction": direction }]);
            let mut met: Vec<String> = Vec::new();
            let mut after = Value::Null;
            loop {
                let mut body = json!({ "pageLimit": 50, "sort": sort });
                if !after.is_null() {
                    body["searchAfter"] = after.clone();
                }
                let found = agency.search(body);
                assert_eq!(found["total"], 230);
                met.extend(ids(&found));
                match found["contacts"].as_array().unwrap().last() {
                    Some(last) if found["contacts"].as_array().unwrap().len() == 50 => {
                        after = last["searchAfter"].clone()
                    }
                    _ => break,
                }
            }
            assert_eq!(met.len(), 230, "{field} {direction}");
            assert_eq!(met.iter().collect::<BTreeSet<_>>().len(), 230, "{field} {direction}");
        }
    }
}

#[test]
fn an_incremental_poll_sees_what_changed_since() {
    let mut agency = filled(50);
    let id = agency.search(json!({ "pageLimit": 1 }))["contacts"][0]["id"].as_str().unwrap().to_owned();
    let since = sandbox::highlevel::iso(agency.now);
    agency.wait(5);
    agency.put(&format!("/contacts/{id}"), &json!({ "city": "Ghent" }));
    agency.wait(2);
    let filters = json!([{ "field": "dateUpdated", "operator": "range", "value": { "gte": since } }]);
    let found = agency.search(json!({ "filters": filters, "sort": [{ "field": "dateUpdated", "direction": "asc" }] }));
    assert_eq!((ids(&found), &found["total"]), (vec![id], &json!(1)));
}

#[test]
fn filters_combine_and_compare_without_case() {
    let mut agency = Agency::empty();
    let ada = agency.contact(json!({ "firstName": "Ada", "email": "Ada@mail.example", "tags": ["vip"], "dnd": true }));
    let bob = agency.contact(json!({ "firstName": "Bob", "email": "bob@mail.example" }));
    agency.wait(2);
    let mut found = |filters: Value| {
        ids(&agency.search(json!({ "filters": filters, "sort": [
        { "field": "firstNameLowerCase", "direction": "asc" },
    ] })))
    };
    let is = |field: &str, value: Value| json!({ "field": field, "operator": "eq", "value": value });
    assert_eq!(found(json!([is("email", json!("ada@MAIL.example"))])), std::slice::from_ref(&ada));
    assert_eq!(found(json!([is("dnd", json!(true)), is("firstNameLowerCase", json!("bob"))])), Vec::<String>::new());
    let either =
        json!([{ "group": "OR", "filters": [is("tags", json!("vip")), is("firstNameLowerCase", json!("bob"))] }]);
    assert_eq!(found(either), [ada, bob.clone()]);
    assert_eq!(found(json!([{ "field": "tags", "operator": "not_exists" }])), [bob]);
}

#[test]
fn what_the_search_does_not_know_it_refuses() {
    let mut agency = Agency::empty();
    let location_id = agency.location_id();
    for (body, status) in [
        (json!({ "pageLimit": 10 }), 422),
        (json!({ "locationId": location_id }), 422),
        (json!({ "locationId": location_id, "pageLimit": 501 }), 422),
        (json!({ "locationId": "elsewhere", "pageLimit": 10 }), 403),
        (json!({ "locationId": location_id, "pageLimit": 500, "page": 21 }), 400),
        (json!({ "locationId": location_id, "pageLimit": 10, "page": 1, "searchAfter": [1, "a"] }), 400),
        (json!({ "locationId": location_id, "pageLimit": 10, "limit": 5 }), 422),
    ] {
        assert_eq!(agency.post("/contacts/search", &body).status, status, "{body}");
    }
    let filter = json!([{ "field": "additional_phones", "operator": "eq", "value": "1" }]);
    let body = json!({ "locationId": location_id, "pageLimit": 10, "filters": filter });
    let reply = agency.post("/contacts/search", &body);
    assert_eq!((reply.status, &reply.value()["message"]), (400, &json!("Invalid field additional_phones")));
}

#[test]
fn the_old_list_walks_from_the_newest() {
    let mut agency = filled(45);
    let base = format!("/contacts/?locationId={}", agency.location_id());
    let mut met = BTreeSet::new();
    let mut target = base.clone();
    for expected in [20, 20, 5] {
        let page = agency.get(&target).value();
        assert_eq!(ids(&page).len(), expected);
        met.extend(ids(&page));
        let meta = &page["meta"];
        target =
            format!("{base}&startAfter={}&startAfterId={}", meta["startAfter"], meta["startAfterId"].as_str().unwrap());
    }
    assert_eq!(met.len(), 45);
}
