use super::{client_address, protect};
use axum::{
    Extension, Router,
    body::Body,
    extract::{ConnectInfo, Request},
    http::{Method, StatusCode},
    response::Response,
    routing::{any, get},
};
use leptos::nonce::Nonce;
use std::net::SocketAddr;
use tower::ServiceExt as _;

const PUBLIC_URL: &str = "https://concord.example.com";

fn router(public_url: &str) -> Router {
    let routes = Router::new()
        .route("/", get(|Extension(nonce): Extension<Nonce>| async move { nonce.to_string() }))
        .route("/api/save", any(|body: String| async move { body.len().to_string() }))
        .route("/webhooks/chargify/x", any(|| async { "taken" }))
        .route("/pkg/concord.css", get(|| async { ([("content-type", "text/css; charset=utf-8")], "p{}") }));
    protect(routes, public_url)
}

async fn send(method: Method, path: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = Request::builder().method(method).uri(path).header("host", "concord.example.com");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    router(PUBLIC_URL).oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_change_must_come_from_our_own_pages() {
    let check = async |headers: &[(&str, &str)], allowed: bool| {
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let status = send(method.clone(), "/api/save", headers).await.status();
            let expected = if allowed { StatusCode::OK } else { StatusCode::FORBIDDEN };
            assert_eq!(status, expected, "{method} {headers:?}");
        }
    };
    check(&[("sec-fetch-site", "same-origin")], true).await;
    check(&[("sec-fetch-site", "none")], true).await;
    check(&[("sec-fetch-site", "same-site")], false).await;
    check(&[("sec-fetch-site", "cross-site")], false).await;
    check(&[("sec-fetch-site", "cross-site"), ("origin", PUBLIC_URL)], false).await;
    check(&[("origin", PUBLIC_URL)], true).await;
    check(&[("origin", "http://concord.example.com")], true).await;
    check(&[("origin", "https://evil.example.com")], false).await;
    check(&[("origin", "https://concord.example.com.evil.example")], false).await;
    check(&[("origin", "null")], false).await;
    check(&[], true).await;
}

#[tokio::test]
async fn looking_and_webhooks_need_no_origin() {
    let elsewhere = [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example.com")];
    assert_eq!(send(Method::GET, "/", &elsewhere).await.status(), StatusCode::OK);
    assert_eq!(send(Method::POST, "/webhooks/chargify/x", &elsewhere).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn every_answer_carries_the_headers() {
    let refused = send(Method::POST, "/api/save", &[("origin", "null")]).await;
    for response in [send(Method::GET, "/", &[]).await, send(Method::GET, "/nowhere", &[]).await, refused] {
        assert_eq!(header(&response, "x-content-type-options"), "nosniff");
        assert_eq!(header(&response, "x-frame-options"), "DENY");
        assert_eq!(header(&response, "referrer-policy"), "same-origin");
        assert_eq!(header(&response, "cross-origin-opener-policy"), "same-origin");
        assert_eq!(header(&response, "cache-control"), "no-store");
        assert!(header(&response, "strict-transport-security").starts_with("max-age="));
        assert!(header(&response, "content-security-policy").starts_with("default-src 'none'; script-src 'nonce-"));
    }
}

#[tokio::test]
async fn the_policy_allows_the_nonce_of_its_own_page_only() {
    let (one, two) = (send(Method::GET, "/", &[]).await, send(Method::GET, "/", &[]).await);
    let policies =
        [header(&one, "content-security-policy").to_owned(), header(&two, "content-security-policy").to_owned()];
    assert_ne!(policies[0], policies[1]);
    for (response, policy) in [one, two].into_iter().zip(policies) {
        let nonce = axum::body::to_bytes(response.into_body(), 100).await.unwrap();
        let nonce = std::str::from_utf8(&nonce).unwrap();
        assert!(policy.contains(&format!("'nonce-{nonce}'")), "{policy}");
    }
}

#[tokio::test]
async fn plain_http_has_no_transport_rule_and_assets_are_asked_for_again() {
    let request = Request::builder().uri("/pkg/concord.css").body(Body::empty()).unwrap();
    let response = router("http://127.0.0.1:3000").oneshot(request).await.unwrap();
    assert_eq!(header(&response, "strict-transport-security"), "");
    assert_eq!(header(&response, "cache-control"), "no-cache");
}

#[tokio::test]
async fn a_request_is_named_by_us_not_by_the_client() {
    let response = send(Method::GET, "/", &[("x-request-id", "mine")]).await;
    assert_ne!(header(&response, "x-request-id"), "mine");
    assert_eq!(header(&response, "x-request-id").len(), 36);
}

#[tokio::test]
async fn a_form_has_a_largest_size() {
    let size = domain::limits::FORM_BODY_BYTES.max(domain::limits::WEBHOOK_BODY_BYTES);
    for (bytes, status) in [(size, StatusCode::OK), (size + 1, StatusCode::PAYLOAD_TOO_LARGE)] {
        let request = Request::post("/api/save").body(Body::from(vec![b'x'; bytes])).unwrap();
        assert_eq!(router(PUBLIC_URL).oneshot(request).await.unwrap().status(), status);
    }
}

#[test]
fn only_a_proxy_on_this_machine_speaks_for_its_clients() {
    let check = |peer: &str, forwarded: &[&str], address: &str| {
        let peer: SocketAddr = peer.parse().unwrap();
        let mut request = Request::builder().extension(ConnectInfo(peer));
        for value in forwarded {
            request = request.header("x-forwarded-for", *value);
        }
        let request = request.body(Body::empty()).unwrap();
        assert_eq!(client_address(&request).unwrap().to_string(), address);
    };
    check("127.0.0.1:1", &[], "127.0.0.1");
    check("127.0.0.1:1", &["198.51.100.1, 203.0.113.9"], "203.0.113.9");
    check("127.0.0.1:1", &["198.51.100.1", "203.0.113.9"], "203.0.113.9");
    check("127.0.0.1:1", &["nonsense"], "127.0.0.1");
    check("192.0.2.8:1", &["203.0.113.9"], "192.0.2.8");
}
