//! Answers of both services, as they really come, after damage: read or refused, and no row is lost without a word.

use super::{damage, fuzz};
use crate::{
    clients::script::{self, Script, id, live, text},
    setting::START,
};
use engine::{
    HttpTransport, Incoming, Outgoing, Transport, TransportError,
    clients::{Chargify, HighLevel, OpenGate, QuietSink, Wire, chargify::CustomerPage, highlevel::SearchPage},
};
use futures::future::BoxFuture;
use proptest::{prelude::*, test_runner::TestCaseError};
use sandbox::{Options, Sandbox};
use serde_json::Value as Json;
use std::sync::{Arc, Mutex};

/// As many as a question may cost with all its repetitions.
const ANSWERS: usize = 24;

/// Sends for real, and keeps what comes back.
struct Keeping {
    inner: HttpTransport,
    bodies: Mutex<Vec<Vec<u8>>>,
}

impl Transport for Keeping {
    fn send(&self, request: Outgoing) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        Box::pin(async move {
            let answer = self.inner.send(request).await?;
            self.bodies.lock().unwrap().push(answer.body.clone());
            Ok(answer)
        })
    }
}

/// How many rows were understood and how many complained of.
type Rows = Option<(usize, usize)>;

/// The questions to GoHighLevel, by number.
async fn ask_highlevel(client: &HighLevel, which: usize, contact: &str) -> Rows {
    match which {
        0 => {
            let page = SearchPage { page_limit: 20, updated_since: Some(START), ..SearchPage::default() };
            let page = client.search(&live(), &page).await.ok()?;
            assert!(page.records.iter().all(|record| record.id.as_ref().is_some_and(|id| !id.as_str().is_empty())));
            return Some((page.records.len(), page.problems.len()));
        }
        1 => drop(client.get(&live(), &id(contact)).await),
        2 => drop(client.custom_fields(&live()).await),
        3 => drop(client.location(&live()).await),
        4 => drop(client.update(&live(), &id(contact), &script::fields([("city", "Rome")])).await),
        _ => drop(client.find_duplicate(&live(), Some("ada@fields.example"), None).await),
    }
    None
}

/// The questions to Chargify, by number.
async fn ask_chargify(client: &Chargify, which: usize, customer: &str) -> Rows {
    match which {
        0 => {
            let page = client.customers(&live(), &CustomerPage { page: 1, updated_since: None }).await.ok()?;
            assert!(page.records.iter().all(|record| record.id.as_ref().is_some_and(|id| !id.as_str().is_empty())));
            return Some((page.records.len(), page.problems.len()));
        }
        1 => drop(client.get(&live(), &id(customer)).await),
        2 => drop(client.lookup(&live(), "no-such-reference").await),
        3 => drop(client.events(&live(), 1, &[]).await),
        4 => drop(client.site(&live()).await),
        5 => drop(client.subscriptions_of(&live(), &id(customer)).await),
        6 => drop(client.update(&live(), &id(customer), &script::fields([("city", "Rome")])).await),
        7 => drop(client.metafields(&live()).await),
        8 => drop(client.metadata(&live(), &id(customer)).await),
        _ => drop(client.customers_with_email(&live(), "ada@fields.example").await),
    }
    None
}

fn sandbox() -> (tokio::runtime::Runtime, Sandbox) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let options = Options { contacts: 12, customers: Some(12), ..Options::default() };
    let sandbox = runtime.block_on(sandbox::start(options)).unwrap();
    (runtime, sandbox)
}

fn keeping() -> (Arc<Keeping>, Wire) {
    let keeping = Arc::new(Keeping { inner: HttpTransport::new().unwrap(), bodies: Mutex::default() });
    let clock = Arc::new(engine::SystemClock::new());
    let wire = Wire { transport: keeping.clone(), clock, gate: Arc::new(OpenGate), sink: Arc::new(QuietSink) };
    (keeping, wire)
}

/// Every row of a page is either understood or complained of.
fn none_is_lost(body: &[u8], rows: Rows, list: impl Fn(&Json) -> Option<usize>) -> Result<(), TestCaseError> {
    let sent = serde_json::from_slice::<Json>(body).ok().and_then(|json| list(&json));
    if let (Some((understood, complained)), Some(sent)) = (rows, sent) {
        prop_assert!(understood <= sent, "{understood} rows read of {sent}");
        prop_assert!(understood + complained >= sent, "{understood} read and {complained} told of {sent}");
    }
    Ok(())
}

/// The body after its damage, under a status.
fn damaged(bodies: Vec<Vec<u8>>) -> impl Strategy<Value = ((usize, Vec<u8>), u16)> {
    let status = prop_oneof![
        6 => Just(200_u16),
        1 => prop::sample::select(vec![201_u16, 204, 400, 401, 403, 404, 409, 422, 423, 429, 500, 503]),
    ];
    (damage::damaged(bodies), status)
}

#[test]
fn fuzz_answers_of_highlevel_are_read_or_refused_and_no_row_is_lost() {
    let (runtime, sandbox) = sandbox();
    let side = &sandbox.highlevel;
    let (keeping, wire) = keeping();
    let account = script::account(&side.base_url);
    let location = side.credential("location_id").to_owned();
    let client = HighLevel::new(account, location, side.credential("token").into(), wire, Arc::default());
    let contact = runtime.block_on(async {
        let page = client.search(&live(), &SearchPage { page_limit: 20, ..SearchPage::default() }).await.unwrap();
        page.records.into_iter().find_map(|record| record.id).unwrap().to_string()
    });
    for which in 0..6 {
        runtime.block_on(ask_highlevel(&client, which, &contact));
    }
    // The first was only to learn an id.
    let bodies = keeping.bodies.lock().unwrap().split_off(1);
    assert_eq!(bodies.len(), 6, "one answer to each question");
    let quiet = tokio::runtime::Builder::new_current_thread().build().unwrap();
    fuzz("answers of GoHighLevel", &damaged(bodies), |((which, body), status)| {
        let script = Script::of(vec![text(status, &String::from_utf8_lossy(&body)); ANSWERS]);
        let rows = quiet.block_on(ask_highlevel(&script::highlevel(&script), which, &contact));
        none_is_lost(&body, rows, |json| Some(json.get("contacts")?.as_array()?.len()))
    });
}

#[test]
fn fuzz_answers_of_chargify_are_read_or_refused_and_no_row_is_lost() {
    let (runtime, sandbox) = sandbox();
    let side = &sandbox.chargify;
    let (keeping, wire) = keeping();
    let client = Chargify::new(script::account(&side.base_url), side.credential("api_key").into(), wire);
    let customer = runtime.block_on(async {
        let page = client.customers(&live(), &CustomerPage { page: 1, updated_since: None }).await.unwrap();
        page.records.into_iter().find_map(|record| record.id).unwrap().to_string()
    });
    let mut bodies = Vec::new();
    for which in 0..10 {
        keeping.bodies.lock().unwrap().clear();
        runtime.block_on(ask_chargify(&client, which, &customer));
        bodies.push(keeping.bodies.lock().unwrap().first().cloned().unwrap());
    }
    let quiet = tokio::runtime::Builder::new_current_thread().build().unwrap();
    fuzz("answers of Chargify", &damaged(bodies), |((which, body), status)| {
        let script = Script::of(vec![text(status, &String::from_utf8_lossy(&body)); ANSWERS]);
        let rows = quiet.block_on(ask_chargify(&script::chargify(&script), which, &customer));
        none_is_lost(&body, rows, |json| Some(json.as_array()?.len()))
    });
}
