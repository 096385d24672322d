//! GoHighLevel's rules against the vendor's OpenAPI documents: every operation the sandbox has, driven once or more.

use http::Method;
use sandbox::{
    highlevel::oauth::{CLIENT_ID, CLIENT_SECRET},
    options::Options,
    request::Request,
};
use serde_json::{Value, json};

use crate::{
    highlevel::Agency,
    spec_check::{Deviation, Finding, Spec, folder, settle},
};

const DEVIATIONS: &[Deviation] = &[
    Deviation {
        operation: "*",
        place: "response",
        text: "customFields/",
        why: "the document types every custom value as text; numbers, lists and objects are written as such and read back",
    },
    Deviation {
        operation: "*",
        place: "request",
        text: "/dateOfBirth",
        why: "typed as object, yet the description names eight text formats and the example is a text",
    },
    Deviation {
        operation: "*",
        place: "status",
        text: "404 is not",
        why: "no operation lists an answer for a missing record; public clients quote 404 (a switch makes it 400)",
    },
    Deviation {
        operation: "*",
        place: "status",
        text: "403 is not",
        why: "measured for a token of another location; no operation lists it",
    },
    Deviation {
        operation: "*",
        place: "status",
        text: "429 is not",
        why: "the limits are documented on their own page and listed by no operation",
    },
    Deviation {
        operation: "create-association",
        place: "response",
        text: "at /responses/",
        why: "the results of a bulk tag update are typed as texts, while the example holds objects",
    },
    Deviation {
        operation: "task-search",
        place: "response",
        text: "is not of type \"array\"",
        why: "the document nests the list of tasks twice, against its own example",
    },
    Deviation {
        operation: "get-appointment",
        place: "response",
        text: "is not of type \"object\"",
        why: "instants are typed as objects, while the examples are texts",
    },
    Deviation {
        operation: "get-calendar-events",
        place: "response",
        text: "is not of type \"object\"",
        why: "instants are typed as objects, while the examples are texts",
    },
    Deviation {
        operation: "get-location-access-token",
        place: "status",
        text: "201 is not",
        why: "the live service was measured to answer 201",
    },
    Deviation {
        operation: "",
        place: "operation",
        text: "POST /oauth/reconnect",
        why: "described by the help centre's article on broken marketplace apps only",
    },
];

/// The documents, and whether the sandbox has every operation of them. Of the others it has what a sync of contacts uses.
const DOCUMENTS: &[(&str, bool)] = &[
    ("contacts", true),
    ("businesses", true),
    ("locations", false),
    ("calendars", false),
    ("oauth", true),
    ("users", false),
];

#[test]
fn every_operation_is_as_the_vendor_documents_it() {
    let Some(folder) = folder() else { return };
    let mut agency = Agency::with(&Options {
        contacts: 60,
        rate: (1_000_000, std::time::Duration::from_secs(10)),
        ..Options::default()
    });
    let id = drive_contacts(&mut agency);
    drive_around(&mut agency, &id);
    drive_calendar(&mut agency, &id);
    drive_location(&mut agency);
    drive_businesses(&mut agency, &id);
    drive_refusals(&mut agency, &id);
    drive_oauth(&mut agency);
    let mut findings: Vec<Finding> = Vec::new();
    let mut missing: Vec<String> = Vec::new();
    for (file, complete) in DOCUMENTS {
        let mut spec = Spec::load(&folder.join(format!("ghl/openapi/{file}.json")));
        let prefix = format!("/{file}");
        for (request, reply) in agency.calls.iter().filter(|(request, _)| request.path.starts_with(&prefix)) {
            findings.extend(spec.check(request, reply));
        }
        if *complete {
            missing.extend(spec.unused().into_iter().map(|operation| format!("{file}: {operation}")));
        }
    }
    settle(&findings, DEVIATIONS);
    assert_eq!(missing, Vec::<String>::new());
}

fn text(value: &Value, path: &str) -> String {
    value.pointer(path).and_then(Value::as_str).unwrap_or_else(|| panic!("{path} in {value}")).to_owned()
}

/// Returns a contact for the rest.
fn drive_contacts(agency: &mut Agency) -> String {
    let location_id = agency.location_id();
    let fields = agency.get(&format!("/locations/{location_id}/customFields?model=contact")).value();
    let field = |data_type: &str| {
        let all = fields["customFields"].as_array().unwrap();
        all.iter().find(|field| field["dataType"] == data_type).unwrap()["id"].clone()
    };
    let id = agency.contact(json!({
        "firstName": "Rosan", "lastName": "Deo", "name": "Rosan Deo", "email": "rosan@mail.example", "gender": "male",
        "phone": "+1 888-888-8888", "address1": "3535 1st St N", "city": "Dolomite", "state": "AL",
        "postalCode": "35061", "website": "https://www.shop.example", "timezone": "America/Chihuahua", "dnd": true,
        "dndSettings": {
            "Call": { "status": "active", "message": "asked", "code": "103" }, "Email": { "status": "inactive" },
            "SMS": { "status": "permanent" },
        },
        "inboundDndSettings": { "all": { "status": "active", "message": "asked" } },
        "tags": ["Nisi sint", "vip"], "source": "public api", "country": "US", "companyName": "DGS VolMAX",
        "assignedTo": "y0BeYjuRIlDwsDcOHOJo",
        "customFields": [
            { "id": field("TEXT"), "field_value": "text" },
            { "id": field("MULTIPLE_OPTIONS"), "key": "interests", "field_value": ["CRM"] },
        ],
    }));
    let path = format!("/contacts/{id}");
    agency.get(&path);
    agency.put(
        &path,
        &json!({
            "firstName": null, "email": null, "phone": null, "address1": null, "website": null, "assignedTo": null,
            "postalCode": "", "country": "",
        }),
    );
    agency.put(&path, &json!({ "firstName": "Rosan", "email": "rosan@mail.example", "dnd": false, "tags": ["x"] }));
    agency.put(&path, &json!({ "companyName": "Accepted live" }));
    agency.put(&path, &json!({ "dateOfBirth": "1990-09-25" }));
    let upsert = json!({ "locationId": location_id, "email": "rosan@mail.example", "city": "Ghent" });
    agency.post("/contacts/upsert", &upsert);
    agency.post(
        "/contacts/upsert",
        &json!({
            "locationId": location_id, "phone": "+14155550177", "createNewIfDuplicateAllowed": false,
        }),
    );
    agency.wait(5);
    agency.search(json!({ "pageLimit": 100 }));
    agency.get(&format!("/contacts/search/duplicate?locationId={location_id}&email=rosan%40mail.example"));
    agency.get(&format!("/contacts/search/duplicate?locationId={location_id}&number=%2B14155550177"));
    agency.get(&format!("/contacts/?locationId={location_id}&limit=100"));
    let doomed = agency.contact(json!({ "firstName": "Doomed" }));
    agency.delete(&format!("/contacts/{doomed}"), None);
    id
}

fn drive_around(agency: &mut Agency, id: &str) {
    let (location_id, path) = (agency.location_id(), format!("/contacts/{id}"));
    let user = agency.rules.main().unwrap().user_id.clone();
    let note = json!({ "userId": user, "body": "lorem", "title": "Follow-up", "color": "#FFAA00", "pinned": false });
    let note = text(&agency.post(&format!("{path}/notes"), &note).value(), "/note/id");
    agency.get(&format!("{path}/notes"));
    agency.get(&format!("{path}/notes/{note}"));
    agency.put(&format!("{path}/notes/{note}"), &json!({ "body": "ipsum", "pinned": true }));
    agency.delete(&format!("{path}/notes/{note}"), None);
    let task = json!({
        "title": "First", "body": "lorem", "dueDate": "2026-12-25T11:00:00Z", "completed": false, "assignedTo": user,
    });
    let task = text(&agency.post(&format!("{path}/tasks"), &task).value(), "/task/id");
    agency.get(&format!("{path}/tasks"));
    agency.get(&format!("{path}/tasks/{task}"));
    agency.put(&format!("{path}/tasks/{task}"), &json!({ "title": "Second" }));
    agency.put(&format!("{path}/tasks/{task}/completed"), &json!({ "completed": true }));
    let search = json!({ "contactId": [id], "completed": true, "limit": 10, "skip": 0, "query": "second" });
    agency.post(&format!("/locations/{location_id}/tasks/search"), &search);
    agency.delete(&format!("{path}/tasks/{task}"), None);
    let tags = json!({ "tags": ["minim", "velit magna"] });
    agency.post(&format!("{path}/tags"), &tags);
    agency.delete(&format!("{path}/tags"), Some(&tags));
    for kind in ["add", "remove"] {
        let bulk = json!({ "contacts": [id, "abcdef"], "tags": ["bulk"], "locationId": location_id });
        agency.post(&format!("/contacts/bulk/tags/update/{kind}"), &bulk);
    }
    let followers = json!({ "followers": [user] });
    agency.post(&format!("{path}/followers"), &followers);
    agency.delete(&format!("{path}/followers"), Some(&followers));
    agency.post(&format!("{path}/campaigns/c1"), &json!({}));
    agency.delete(&format!("{path}/campaigns/removeAll"), None);
    agency.delete(&format!("{path}/campaigns/c1"), None);
    let start = json!({ "eventStartTime": "2026-12-25T11:00:00+01:00" });
    agency.post(&format!("{path}/workflow/w1"), &start);
    agency.delete(&format!("{path}/workflow/w1"), Some(&start));
}

fn drive_calendar(agency: &mut Agency, id: &str) {
    let location_id = agency.location_id();
    let calendars = agency.get(&format!("/calendars/?locationId={location_id}")).value();
    let calendar = text(&calendars, "/calendars/0/id");
    let appointment = json!({
        "title": "Test", "appointmentStatus": "confirmed", "description": "A call", "address": "Zoom",
        "ignoreDateRange": false, "toNotify": false, "ignoreFreeSlotValidation": true, "calendarId": calendar,
        "locationId": location_id, "contactId": id, "startTime": "2026-12-23T03:30:00+05:30",
        "endTime": "2026-12-23T04:30:00+05:30",
    });
    let event = text(&agency.post("/calendars/events/appointments", &appointment).value(), "/id");
    agency.get(&format!("/calendars/events/appointments/{event}"));
    let later = json!({ "startTime": "2026-12-24T03:30:00+05:30", "appointmentStatus": "cancelled" });
    agency.put(&format!("/calendars/events/appointments/{event}"), &later);
    agency.get(&format!(
        "/calendars/events?locationId={location_id}&calendarId={calendar}&startTime=1700000000000&endTime=1900000000000"
    ));
    agency.get(&format!("/contacts/{id}/appointments"));
    agency.delete(&format!("/calendars/events/{event}"), Some(&json!({})));
}

fn drive_location(agency: &mut Agency) {
    let path = format!("/locations/{}", agency.location_id());
    agency.get(&path);
    agency.get("/locations/search?limit=10");
    let fields = format!("{path}/customFields");
    agency.get(&format!("{fields}?model=all"));
    let field = json!({ "name": "Hat", "dataType": "TEXT", "placeholder": "58", "position": 0, "model": "contact" });
    let field = text(&agency.post(&fields, &field).value(), "/customField/id");
    agency.get(&format!("{fields}/{field}"));
    agency.put(&format!("{fields}/{field}"), &json!({ "name": "Hat size" }));
    agency.delete(&format!("{fields}/{field}"), None);
    agency.get(&format!("{path}/tags"));
    let tag = text(&agency.post(&format!("{path}/tags"), &json!({ "name": "Fresh" })).value(), "/tag/id");
    agency.get(&format!("{path}/tags/{tag}"));
    agency.delete(&format!("{path}/tags/{tag}"), None);
    let location_id = agency.location_id();
    agency.get(&format!("/users/?locationId={location_id}"));
    let user = agency.rules.main().unwrap().user_id.clone();
    agency.get(&format!("/users/{user}"));
    let company_id = agency.rules.company_id.clone();
    agency.get(&format!("/users/search?companyId={company_id}"));
}

fn drive_businesses(agency: &mut Agency, id: &str) {
    let location_id = agency.location_id();
    let business = json!({
        "name": "Acme", "locationId": location_id, "phone": "+18832327657", "email": "a@acme.example",
        "website": "www.acme.example", "address": "street", "city": "new york", "postalCode": "12312", "state": "NY",
        "country": "us", "description": "a business",
    });
    let business = text(&agency.post("/businesses/", &business).value(), "/buiseness/id");
    agency.get(&format!("/businesses/{business}"));
    agency.get(&format!("/businesses/?locationId={location_id}&limit=10&skip=0"));
    agency.put(&format!("/businesses/{business}"), &json!({ "city": "Albany" }));
    let link = json!({ "locationId": location_id, "ids": [id], "businessId": business });
    agency.post("/contacts/bulk/business", &link);
    agency.get(&format!("/contacts/business/{business}?locationId={location_id}&limit=10&skip=0"));
    agency.get(&format!("/contacts/{id}"));
    agency.post("/contacts/bulk/business", &json!({ "locationId": location_id, "ids": [id], "businessId": null }));
    agency.delete(&format!("/businesses/{business}"), None);
}

fn drive_refusals(agency: &mut Agency, id: &str) {
    let path = format!("/contacts/{id}");
    assert_eq!(agency.put(&path, &json!({ "additionalEmails": [] })).status, 422);
    assert_eq!(agency.get("/contacts/aaaaaaaaaaaaaaaaaaaa").status, 404);
    assert_eq!(agency.post("/contacts/", &json!({ "locationId": "elsewhere" })).status, 403);
    let twin = json!({ "locationId": agency.location_id(), "email": "rosan@mail.example" });
    assert_eq!(agency.post("/contacts/", &twin).status, 400);
    let token = std::mem::replace(&mut agency.token, "gone".to_owned());
    assert_eq!(agency.get(&path).status, 401);
    agency.control("limits", &json!({ "max": 0 }));
    agency.token = token;
    assert_eq!(agency.get(&path).status, 429);
    agency.control("limits", &json!({ "max": 1_000_000 }));
}

fn drive_oauth(agency: &mut Agency) {
    let (location_id, company_id) = (agency.location_id(), agency.rules.company_id.clone());
    let code = text(&agency.control("oauth-code", &json!({ "company": true })), "/code");
    let form = |path: &str, body: String| {
        let mut request = Request::new(Method::POST, path);
        request.body = body.into_bytes();
        request.with_header("content-type", "application/x-www-form-urlencoded")
    };
    let client = format!("client_id={CLIENT_ID}&client_secret={CLIENT_SECRET}");
    let exchange = form("/oauth/token", format!("{client}&grant_type=authorization_code&code={code}"));
    let tokens = agency.send_bare(exchange.clone()).value();
    agency.send_bare(exchange);
    let refresh = text(&tokens, "/refresh_token");
    let tokens = form("/oauth/token", format!("{client}&grant_type=refresh_token&refresh_token={refresh}"));
    agency.token = text(&agency.send_bare(tokens).value(), "/access_token");
    agency.send(form("/oauth/locationToken", format!("companyId={company_id}&locationId={location_id}")));
    agency.get(&format!("/oauth/installedLocations?companyId={company_id}&appId=665c6bb13d4e5364bdec0e2f"));
    let lost = json!({ "clientKey": CLIENT_ID, "clientSecret": CLIENT_SECRET, "locationId": location_id });
    assert_eq!(agency.post("/oauth/reconnect", &lost).status, 200);
}
