//! Every request our clients send, held against the vendors' OpenAPI documents, with the sandboxes answering.

#[path = "../../../sandbox/tests/it/spec_check.rs"]
#[expect(clippy::expect_used, clippy::indexing_slicing, reason = "a document that cannot be read should stop the test")]
mod spec_check;

use crate::clients::script::{account, bulk, fields, live};
use domain::{RemoteId, value::Value};
use engine::{
    HttpTransport, Incoming, Outgoing, SystemClock, Transport, TransportError,
    clients::{
        Chargify, HighLevel, OpenGate, QuietSink, Wire,
        chargify::CustomerPage,
        highlevel::{LocationState, SearchPage},
    },
};
use futures::future::BoxFuture;
use sandbox::{
    Options,
    request::{Reply, Request},
};
use spec_check::{Deviation, Finding, Spec, folder, settle};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};
use time::OffsetDateTime;

/// Keeps every call that went over the wire.
struct Recording {
    inner: HttpTransport,
    calls: Mutex<Vec<(Request, Reply)>>,
}

impl Transport for Recording {
    fn send(&self, request: Outgoing) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        Box::pin(async move {
            let target = request.url.splitn(4, '/').nth(3).unwrap_or_default();
            let mut asked = Request::new(request.method.clone(), &format!("/{target}"));
            asked.headers = request.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
            asked.body = request.body.clone().unwrap_or_default();
            let incoming = self.inner.send(request).await?;
            // What the sandbox answers is held against the documents by its own tests.
            self.calls.lock().unwrap().push((asked, Reply::empty(incoming.status)));
            Ok(incoming)
        })
    }
}

fn recording() -> (Arc<Recording>, Wire) {
    let recording = Arc::new(Recording { inner: HttpTransport::new().unwrap(), calls: Mutex::default() });
    let wire = Wire {
        transport: recording.clone(),
        clock: Arc::new(SystemClock::new()),
        gate: Arc::new(OpenGate),
        sink: Arc::new(QuietSink),
    };
    (recording, wire)
}

/// Findings, and the operations that were used, by subtraction from those that were not.
fn checked(recording: &Recording, spec: &mut Spec) -> Vec<Finding> {
    let calls = recording.calls.lock().unwrap();
    assert!(!calls.is_empty());
    calls.iter().flat_map(|(request, reply)| spec.check(request, reply)).collect()
}

async fn drive_highlevel(client: &HighLevel) {
    let new = fields([
        ("firstName", "Ann"),
        ("lastName", "Lee"),
        ("email", "ann.lee+new@shop.example"),
        ("phone", "+14155550123"),
        ("companyName", "Lee & Sons"),
        ("address1", "1 High St"),
        ("country", "US"),
        ("dateOfBirth", "1990-09-22"),
        ("website", "https://lee.example"),
        ("source", "concord"),
        ("tags", "vip"),
    ]);
    let written = client.create(&live(), &new).await.unwrap();
    assert!(written.differing.is_empty(), "{:?}", written.differing);
    let id = written.record.id.unwrap();
    let defined = client.custom_fields(&live()).await.unwrap();
    let mut changed =
        fields([("city", "Rome"), ("state", ""), ("country", ""), ("postalCode", "00100"), ("lastName", "Li")]);
    let text = defined.iter().find(|field| field.data_type == "TEXT").unwrap();
    changed.insert(text.field().key, Value::from("some text"));
    client.update(&live(), &id, &changed).await.unwrap();
    client.get(&live(), &id).await.unwrap();
    client.location(&live()).await.unwrap();
    client.find_duplicate(&live(), Some("ann.lee+new@shop.example"), None).await.unwrap().unwrap();
    client.add_tags(&live(), &id, &["gold".to_owned()]).await.unwrap();
    client.remove_tags(&live(), &id, &["gold".to_owned()]).await.unwrap();
    let first = SearchPage { page_limit: 100, ..SearchPage::default() };
    let page = client.search(&bulk(), &first).await.unwrap();
    let next = SearchPage { after: page.next, ..first };
    client.search(&bulk(), &next).await.unwrap();
    let since = OffsetDateTime::now_utc() - time::Duration::HOUR;
    client.search(&bulk(), &SearchPage { updated_since: Some(since), ..SearchPage::default() }).await.unwrap();
}

#[tokio::test]
async fn requests_to_highlevel_are_as_documented() {
    let Some(folder) = folder() else { return };
    let sandbox = sandbox::start(Options { contacts: 150, ..Options::default() }).await.unwrap();
    let side = &sandbox.highlevel;
    let (recording, wire) = recording();
    let location = side.credential("location_id").to_owned();
    let state = Arc::<LocationState>::default();
    let client = HighLevel::new(account(&side.base_url), location, side.credential("token").into(), wire, state);
    drive_highlevel(&client).await;

    let specs = folder.join("ghl/openapi");
    let (locations, contacts): (Vec<_>, Vec<_>) = {
        let calls = recording.calls.lock().unwrap();
        calls.iter().cloned().partition(|(request, _)| request.path.starts_with("/locations/"))
    };
    let birthday = Deviation {
        operation: "create-contact",
        place: "request",
        text: "/dateOfBirth",
        why: "typed as object, yet the description names eight text formats and the example is a text",
    };
    for (file, calls, deviations) in
        [("contacts.json", contacts, vec![birthday]), ("locations.json", locations, Vec::new())]
    {
        let mut spec = Spec::load(&specs.join(file));
        let findings: Vec<_> = calls.iter().flat_map(|(request, reply)| spec.check(request, reply)).collect();
        settle(&findings, &deviations);
        let used = if file == "contacts.json" { "search-contacts-advanced" } else { "get-custom-fields" };
        assert!(!spec.unused().contains(used), "{used} in {:?}", spec.unused());
    }
    sandbox.shutdown().await;
}

async fn drive_chargify(client: &Chargify) {
    let new = fields([
        ("first_name", "Ann"),
        ("last_name", "Lee"),
        ("email", "ann.lee+new@shop.example"),
        ("organization", "Lee & Sons"),
        ("reference", "ghl+Case Ref"),
        ("country", "US"),
        ("state", "TX"),
        ("tax_exempt", "true"),
        ("phone", "(617) 111 - 0000"),
    ]);
    let written = client.create(&live(), &new, "6f9b1c52-one-time").await.unwrap();
    assert!(written.differing.is_empty(), "{:?}", written.differing);
    let id = written.record.id.unwrap();
    let changed = fields([("phone", ""), ("city", "Rome"), ("tax_exempt", "")]);
    client.update(&live(), &id, &changed).await.unwrap();
    client.get(&live(), &id).await.unwrap();
    assert!(client.lookup(&live(), "ghl+Case Ref").await.unwrap().unwrap().exact);
    assert!(client.lookup(&live(), "nobody").await.unwrap().is_none());
    client.customers(&bulk(), &CustomerPage { page: 1, updated_since: None }).await.unwrap();
    let since = OffsetDateTime::now_utc() - time::Duration::HOUR;
    let rows = client.customers(&bulk(), &CustomerPage { page: 1, updated_since: Some(since) }).await.unwrap();
    assert!(rows.filtered && rows.records.iter().any(|record| record.id.as_ref() == Some(&id)));
    client.events(&bulk(), 1, &["customer_create", "customer_update", "customer_delete"]).await.unwrap();
    client.newest_event_id(&bulk()).await.unwrap();
    client.site(&live()).await.unwrap();
    client.subscriptions_of(&live(), &id).await.unwrap();
    let values = BTreeMap::from([("ghl_tags".to_owned(), Value::from("gold,vip"))]);
    client.set_metadata(&live(), &id, &values).await.unwrap();
    assert_eq!(client.metadata(&live(), &id).await.unwrap(), values);
    let own = client.clone().with_metafields(client.metafields(&bulk()).await.unwrap());
    own.update(&live(), &id, &fields([("metafield:tier", "Gold")])).await.unwrap();
    let told = own.metafields_of(&bulk(), std::slice::from_ref(&id)).await.unwrap();
    assert_eq!(told.get(&id).unwrap().get("metafield:tier"), Some(&Value::from("Gold")));
    own.update(&live(), &id, &fields([("metafield:tier", "")])).await.unwrap();
    assert_eq!(own.get(&live(), &id).await.unwrap().get("metafield:tier"), Some(&Value::Empty));
    assert!(client.get(&live(), &RemoteId::from("1")).await.is_err());
}

#[tokio::test]
async fn requests_to_chargify_are_as_documented() {
    let Some(folder) = folder() else { return };
    let sandbox = sandbox::start(Options { contacts: 20, ..Options::default() }).await.unwrap();
    let side = &sandbox.chargify;
    let (recording, wire) = recording();
    let client = Chargify::new(account(&side.base_url), side.credential("api_key").into(), wire);
    drive_chargify(&client).await;

    let mut spec = Spec::load(&folder.join("chargify/openapi.json"));
    let findings = checked(&recording, &mut spec);
    let deviations = [
        Deviation {
            operation: "createCustomer",
            place: "status",
            text: "201",
            why: "the vendor's end-to-end tests of the TypeScript SDK assert 201; the document says 200",
        },
        Deviation {
            operation: "*",
            place: "status",
            text: "404",
            why: "unknown ids and references answer 404 (vendor's tests of the Java SDK); most operations do not list it",
        },
    ];
    settle(&findings, &deviations);
    assert!(!spec.unused().contains("listEvents"), "{:?}", spec.unused());
    sandbox.shutdown().await;
}
