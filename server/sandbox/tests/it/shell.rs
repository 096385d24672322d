//! Both sides over real sockets: faults, slots, counters, webhooks and the control API.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, routing::post};
use futures::future::join_all;
use sandbox::{Fault, FaultRule, Latency, Options, Sandbox, Side};
use serde_json::{Value, json};
use tokio::sync::mpsc;

async fn started(options: Options) -> (Sandbox, reqwest::Client) {
    let sandbox = sandbox::start(options).await.unwrap();
    (sandbox, reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap())
}

fn contacts(contacts: usize) -> Options {
    Options { contacts, ..Options::default() }
}

/// A search on the GoHighLevel side.
fn search(sandbox: &Sandbox, client: &reqwest::Client) -> reqwest::RequestBuilder {
    let side = &sandbox.highlevel;
    client
        .post(format!("{}/contacts/search", side.base_url))
        .bearer_auth(side.credential("token"))
        .header("version", "2021-07-28")
        .json(&json!({ "locationId": side.credential("location_id"), "pageLimit": 10 }))
}

/// A list of customers on the Chargify side.
fn customers(sandbox: &Sandbox, client: &reqwest::Client) -> reqwest::RequestBuilder {
    let side = &sandbox.chargify;
    client.get(format!("{}/customers.json", side.base_url)).basic_auth(side.credential("api_key"), Some("x"))
}

#[tokio::test]
async fn both_sides_serve_and_say_how_to_reach_them() {
    let (sandbox, client) = started(contacts(20)).await;
    let ready = sandbox::ready_line(&sandbox);
    for key in ["base_url", "location_id", "token", "webhook_public_key"] {
        assert!(ready["highlevel"][key].is_string(), "{key} in {ready}");
    }
    for key in ["base_url", "subdomain", "api_key", "shared_key"] {
        assert!(ready["chargify"][key].is_string(), "{key} in {ready}");
    }
    let found: Value = search(&sandbox, &client).send().await.unwrap().json().await.unwrap();
    assert_eq!(found["total"], 20);
    let listed: Value = customers(&sandbox, &client).send().await.unwrap().json().await.unwrap();
    assert_eq!(listed.as_array().map(Vec::len), Some(10));
    sandbox.shutdown().await;
}

#[tokio::test]
async fn more_than_four_chargify_calls_are_seen_and_held_back() {
    let seen = Arc::new(AtomicUsize::new(0));
    let hook = {
        let seen = Arc::clone(&seen);
        Arc::new(move |info: &sandbox::RequestInfo| {
            assert_eq!(info.side, Side::Chargify);
            seen.fetch_max(info.in_flight, Ordering::SeqCst);
        })
    };
    let options = Options { latency: Latency::Fixed { fixed_ms: 60 }, on_request: Some(hook), ..contacts(10) };
    let (sandbox, client) = started(options).await;
    let begun = Instant::now();
    let answers = join_all((0..8).map(|_| customers(&sandbox, &client).send())).await;
    assert!(answers.into_iter().all(|answer| answer.unwrap().status() == 200));
    assert!(begun.elapsed() >= Duration::from_millis(120), "eight calls through four slots take two turns");
    let stats = sandbox.chargify.stats();
    assert_eq!((stats.calls, stats.in_flight), (8, 0));
    assert_eq!((stats.high_water, stats.over_limit), (8, 4));
    assert_eq!(seen.load(Ordering::SeqCst), 8);
    assert_eq!(stats.by_endpoint["GET /customers.json"], 8);
    sandbox.chargify.reset_stats();
    assert_eq!(sandbox.chargify.stats().calls, 0);
}

#[tokio::test]
async fn faults_break_calls_before_or_after_the_work() {
    let (sandbox, client) = started(contacts(0)).await;
    let create = |name: &str| {
        let side = &sandbox.highlevel;
        client
            .post(format!("{}/contacts/", side.base_url))
            .bearer_auth(side.credential("token"))
            .header("version", "2021-07-28")
            .json(&json!({ "locationId": side.credential("location_id"), "firstName": name }))
            .send()
    };
    let names = || {
        sandbox.highlevel.with(|rules, _| {
            let book = &rules.main().unwrap().book;
            book.iter().filter_map(|contact| contact.first_name.clone()).collect::<Vec<_>>()
        })
    };
    let next = |fault: Fault| sandbox.highlevel.set_faults(vec![FaultRule::next(1, "POST /contacts/", fault)]);

    next(Fault::Reset);
    create("reset").await.unwrap_err();
    next(Fault::TimeoutBefore { ms: 20 });
    create("hung").await.unwrap_err();
    next(Fault::Status { status: 503, body: None, retry_after: Some(7) });
    let refused = create("refused").await.unwrap();
    assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (503, &"7".parse().unwrap()));
    assert_eq!(names(), Vec::<String>::new());

    next(Fault::ResetAfter);
    create("a").await.unwrap_err();
    next(Fault::TimeoutAfter { ms: 20 });
    create("b").await.unwrap_err();
    next(Fault::StatusAfter { status: 422, body: None });
    assert_eq!(create("c").await.unwrap().status(), 422);
    next(Fault::Truncate);
    let broken = create("d").await.unwrap();
    assert_eq!(broken.status(), 201);
    broken.bytes().await.unwrap_err();
    assert_eq!(create("e").await.unwrap().status(), 201, "a counted fault wears out");
    let mut names = names();
    names.sort();
    assert_eq!(names, ["a", "b", "c", "d", "e"]);
}

type Received = mpsc::UnboundedSender<(HeaderMap, Bytes)>;

/// A receiver of webhooks that refuses the first few.
async fn receiver(refusals: usize) -> (String, mpsc::UnboundedReceiver<(HeaderMap, Bytes)>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let left = Arc::new(AtomicUsize::new(refusals));
    let hook = post(
        |State((sender, left)): State<(Received, Arc<AtomicUsize>)>, headers: HeaderMap, body: Bytes| async move {
            sender.send((headers, body)).unwrap();
            let refuse = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
            if refuse { http::StatusCode::INTERNAL_SERVER_ERROR } else { http::StatusCode::OK }
        },
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let router = Router::new().route("/hook", hook).with_state((sender, left));
    tokio::spawn(axum::serve(listener, router).into_future());
    (url, receiver)
}

#[tokio::test]
async fn an_edit_by_hand_is_told_and_told_again_until_it_is_taken() {
    let (url, mut received) = receiver(1).await;
    let options = Options { highlevel_webhooks: Some(url), retry_speedup: 1_000, ..contacts(1) };
    let (sandbox, _) = started(options).await;
    sandbox.highlevel.with(|rules, now| {
        let id = rules.main().unwrap().book.iter().next().unwrap().id.clone();
        rules.edit_contact(&id, &json!({ "city": "Ghent" }), now).unwrap();
    });
    let (first_headers, first) = received.recv().await.unwrap();
    let (second_headers, second) = received.recv().await.unwrap();
    assert_eq!(first, second);
    assert_eq!(first_headers["x-ghl-signature"], second_headers["x-ghl-signature"]);
    assert_eq!(serde_json::from_slice::<Value>(&first).unwrap()["type"], "ContactUpdate");
    sandbox.shutdown().await;
}

#[tokio::test]
async fn the_control_api_switches_what_the_handle_switches() {
    let (sandbox, client) = started(contacts(3)).await;
    let base = sandbox.highlevel.base_url.clone();
    let put = |name: &str, body: Value| client.put(format!("{base}/_sandbox/{name}")).json(&body).send();
    let script = json!([{ "match": "POST /contacts/search", "kind": "status", "status": 500, "count": 1 }]);
    assert_eq!(put("faults", script).await.unwrap().status(), 200);
    assert_eq!(search(&sandbox, &client).send().await.unwrap().status(), 500);
    assert_eq!(put("revoke-key", json!({})).await.unwrap().status(), 200);
    assert_eq!(search(&sandbox, &client).send().await.unwrap().status(), 401);
    assert_eq!(put("restore-key", json!({})).await.unwrap().status(), 200);
    assert_eq!(search(&sandbox, &client).send().await.unwrap().status(), 200);
    assert_eq!(put("latency", json!({ "fixed_ms": 30 })).await.unwrap().status(), 200);
    let begun = Instant::now();
    search(&sandbox, &client).send().await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(30));
    let requests: Value = client.get(format!("{base}/_sandbox/requests")).send().await.unwrap().json().await.unwrap();
    let statuses: Vec<&Value> = requests.as_array().unwrap().iter().map(|request| &request["status"]).collect();
    assert_eq!(statuses, [500, 401, 200, 200]);
    assert_eq!(put("no-such-switch", json!({})).await.unwrap().status(), 404);
    assert_eq!(put("latency", json!({ "fast": true })).await.unwrap().status(), 400);
}

#[tokio::test]
async fn the_console_lists_edits_and_says_what_is_switched_on() {
    let (sandbox, client) = started(contacts(30)).await;
    for (base, word) in [(&sandbox.highlevel.base_url, "contacts"), (&sandbox.chargify.base_url, "customers")] {
        let page = client.get(base).send().await.unwrap().text().await.unwrap();
        assert!(page.contains(word), "{page}");
        client.post(format!("{base}/_sandbox/switch/storm")).send().await.unwrap();
        let page = client.get(base).send().await.unwrap().text().await.unwrap();
        assert!(page.contains("429"), "{page}");
        client.post(format!("{base}/_sandbox/switch/normal")).send().await.unwrap();
    }
    let base = &sandbox.highlevel.base_url;
    let form = "firstName=Zo%C3%AB&email=zoe%40mail.example&tags=VIP%2C+new";
    let request = client.post(format!("{base}/console/new")).body(form);
    let page = request.send().await.unwrap().text().await.unwrap();
    assert!(page.contains("Zoë") && page.contains("vip, new"), "{page}");
}
