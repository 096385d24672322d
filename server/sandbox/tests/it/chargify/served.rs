use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, routing::post};
use futures::future::join_all;
use http::StatusCode;
use sandbox::{
    Latency, Options, Sandbox,
    chargify::{customers::Change, signature::sign},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::mpsc};

async fn site(options: Options) -> Sandbox {
    sandbox::start(Options { contacts: 0, ..options }).await.expect("the sandbox starts")
}

async fn get(sandbox: &Sandbox, client: &reqwest::Client, path: &str) -> (u16, String) {
    let side = &sandbox.chargify;
    let call = client.get(format!("{}{path}", side.base_url)).basic_auth(side.credential("api_key"), Some("x"));
    let answer = call.send().await.expect("an answer");
    (answer.status().as_u16(), answer.text().await.expect("a body"))
}

#[tokio::test]
async fn four_requests_run_at_once_and_the_others_wait_their_turn() {
    let latency = Duration::from_millis(60);
    let sandbox = site(Options { latency: Latency::Fixed { fixed_ms: 60 }, ..Options::default() }).await;
    let client = reqwest::Client::new();
    let begun = Instant::now();
    let answers = join_all((0..10).map(|_| get(&sandbox, &client, "/customers.json"))).await;
    assert!(begun.elapsed() >= latency * 3, "ten requests take three rounds of four");
    assert!(answers.iter().all(|(status, _)| *status == 200));
    let stats = sandbox.chargify.stats();
    assert_eq!((stats.calls, stats.high_water, stats.over_limit, stats.too_many), (10, 10, 6, 0));
    sandbox.chargify.reset_stats();
    join_all((0..4).map(|_| get(&sandbox, &client, "/customers.json"))).await;
    let stats = sandbox.chargify.stats();
    assert_eq!((stats.high_water, stats.over_limit), (4, 0));
    sandbox.shutdown().await;
}

#[tokio::test]
async fn a_full_queue_is_answered_with_429_and_a_reference_code() {
    let sandbox = site(Options { latency: Latency::Fixed { fixed_ms: 300 }, ..Options::default() }).await;
    let client = reqwest::Client::new();
    let answers = join_all((0..50).map(|_| get(&sandbox, &client, "/site.json"))).await;
    let refused: Vec<&String> = answers.iter().filter(|(status, _)| *status == 429).map(|(_, text)| text).collect();
    assert_eq!(refused.len(), 6, "four run, forty wait");
    let start =
        "Your request was denied due to a usage violation. You can track this request with support by referencing ";
    assert!(refused.iter().all(|text| text.starts_with(start) && text.len() > start.len()), "{refused:?}");
    sandbox.shutdown().await;
}

struct Receiver {
    answers: AtomicU64,
    seen: mpsc::UnboundedSender<(HeaderMap, Bytes)>,
}

/// Refuses the first delivery with 202, which is not 200, and takes the others.
async fn receive(State(receiver): State<Arc<Receiver>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    receiver.seen.send((headers, body)).expect("the test listens");
    if receiver.answers.fetch_add(1, Ordering::SeqCst) == 0 { StatusCode::ACCEPTED } else { StatusCode::OK }
}

async fn receiver() -> (String, mpsc::UnboundedReceiver<(HeaderMap, Bytes)>) {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("a port");
    let url = format!("http://{}/hooks", listener.local_addr().expect("an address"));
    let (seen, deliveries) = mpsc::unbounded_channel();
    let state = Arc::new(Receiver { answers: AtomicU64::new(0), seen });
    let router = Router::new().route("/hooks", post(receive)).with_state(state);
    tokio::spawn(axum::serve(listener, router).into_future());
    (url, deliveries)
}

#[tokio::test]
async fn an_edit_reaches_the_receiver_signed_and_again_until_it_is_taken() {
    let (url, mut deliveries) = receiver().await;
    let options = Options { chargify_webhooks: Some(url), retry_speedup: 1_000, ..Options::default() };
    let sandbox = site(options).await;
    let change = Change::default().with("first_name", "Ann").with("last_name", "Lee").with("email", "ann@shop.example");
    let id = sandbox.chargify.with(|site, now| site.add_customer(change, now)).expect("a customer");
    let (first_headers, first) = deliveries.recv().await.expect("a delivery");
    let (headers, second) = deliveries.recv().await.expect("another attempt");
    assert_eq!(first, second);
    assert_eq!(first_headers["x-chargify-webhook-id"], headers["x-chargify-webhook-id"]);
    assert_eq!(
        headers["x-chargify-webhook-signature-hmac-sha-256"],
        sign(sandbox.chargify.credential("shared_key"), &second)
    );
    assert!(String::from_utf8_lossy(&second).contains(&format!("payload[customer][id]={id}&")));
    sandbox.shutdown().await;
}

#[tokio::test]
async fn the_console_edits_as_a_user_would() {
    let (url, mut deliveries) = receiver().await;
    let sandbox = site(Options { chargify_webhooks: Some(url), ..Options::default() }).await;
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let base = &sandbox.chargify.base_url;
    let form = |body: &'static str, path: String| {
        let call = client.post(format!("{base}{path}")).header("content-type", "application/x-www-form-urlencoded");
        call.body(body).send()
    };
    let refused = form("first_name=Zo%C3%AB&last_name=&email=x", "/console/new".to_owned()).await.expect("an answer");
    assert_eq!(refused.status(), 422);
    assert!(refused.text().await.expect("a page").contains("Last name: cannot be blank."));
    let made = form("first_name=Zo%C3%AB&last_name=Lee&email=zoe%40shop.example", "/console/new".to_owned()).await;
    let here = made.expect("an answer").headers()["location"].to_str().expect("a path").to_owned();
    let page = client.get(format!("{base}{here}")).send().await.expect("a page").text().await.expect("a page");
    assert!(page.contains("Zoë"));
    let subscribed = form("product=pro", format!("{here}/subscribe")).await.expect("an answer");
    assert_eq!(subscribed.status(), 303);
    let list = client.get(base).send().await.expect("a page").text().await.expect("a page");
    assert!(list.contains("1 customers") && list.contains("active"));
    let deleted = form("", format!("{here}/delete")).await.expect("an answer");
    assert_eq!(deleted.status(), 422, "a customer with subscriptions stays");
    let (_, body) = deliveries.recv().await.expect("a delivery");
    assert!(String::from_utf8_lossy(&body).contains("event=customer_create"));
    sandbox.shutdown().await;
}

#[tokio::test]
async fn the_ready_line_names_what_a_client_needs() {
    let sandbox = site(Options::default()).await;
    let line = sandbox::ready_line(&sandbox);
    let side = line["chargify"].as_object().expect("a side");
    for key in ["base_url", "subdomain", "api_key", "shared_key"] {
        assert!(side.get(key).and_then(Value::as_str).is_some_and(|text| !text.is_empty()), "{key}");
    }
    let (status, body) = get(&sandbox, &reqwest::Client::new(), "/site.json").await;
    let body: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!((status, &body["site"]["subdomain"]), (200, &json!("acme")));
    sandbox.shutdown().await;
}

#[tokio::test]
async fn the_control_api_edits_without_a_key_and_without_a_slot() {
    let (url, mut deliveries) = receiver().await;
    let sandbox = site(Options { chargify_webhooks: Some(url), ..Options::default() }).await;
    let client = reqwest::Client::new();
    let base = format!("{}/_sandbox", sandbox.chargify.base_url);
    let wish = json!({"customer": {"first_name": "Ann", "last_name": "Lee", "email": "ann@shop.example"}});
    let made = client.post(format!("{base}/customers")).json(&wish).send().await.expect("an answer");
    assert_eq!(made.status(), 201);
    let id = made.json::<Value>().await.expect("JSON")["customer"]["id"].clone();
    deliveries.recv().await.expect("a delivery");
    let wish = json!({"customer": {"phone": "555"}});
    let changed = client.put(format!("{base}/customers/{id}")).json(&wish).send().await.expect("an answer");
    assert_eq!(changed.status(), 200);
    assert_eq!(sandbox.chargify.stats().calls, 0);
    let (status, _) = get(&sandbox, &client, &format!("/customers/{id}.json")).await;
    assert_eq!((status, sandbox.chargify.stats().calls), (200, 1));
    sandbox.shutdown().await;
}
