//! The rules every request and answer keeps: where a change may come from, what a page may load, how large a form may
//! be, and a number by which a person can name a request.

mod origin;
#[cfg(test)]
mod tests;

use axum::{
    Router,
    extract::{ConnectInfo, MatchedPath, Request},
    http::{
        HeaderMap, HeaderName, HeaderValue,
        header::{
            CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
            X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
        },
    },
    middleware::{self, Next},
    response::Response,
};
use domain::limits;
use leptos::{
    nonce::Nonce,
    prelude::{provide_context, use_context},
};
use std::net::{IpAddr, SocketAddr};
use tower_http::limit::RequestBodyLimitLayer;
use tracing::Instrument as _;

/// Webhooks come from the services, not from pages: their signature takes the place of the origin check.
const WEBHOOKS: &str = "/webhooks/";

/// Names a request in answers, pages and logs. What a client sends under this name is overwritten.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Two years, as browsers' preload lists want it.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=63072000");

/// The same for every answer.
const FIXED: [(HeaderName, HeaderValue); 6] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ),
];

/// Whether people reach the server over https.
#[must_use]
pub fn is_https(public_url: &str) -> bool {
    public_url.starts_with("https://")
}

/// Puts the rules around all routes. Goes outermost: refusals carry the headers too.
pub fn protect(router: Router, public_url: &str) -> Router {
    let https = is_https(public_url);
    let public_url = public_url.to_owned();
    router
        .layer(RequestBodyLimitLayer::new(limits::FORM_BODY_BYTES.max(limits::WEBHOOK_BODY_BYTES)))
        .layer(middleware::from_fn(move |request: Request, next: Next| {
            let refused = origin::refusal(&request, &public_url);
            async move {
                match refused {
                    Some(refusal) => refusal,
                    None => next.run(request).await,
                }
            }
        }))
        .layer(middleware::from_fn(move |request, next| with_headers(request, next, https)))
        .layer(middleware::from_fn(named))
}

/// For Leptos' additional context: the nonce that the answer's content security policy allows.
pub fn provide_page_nonce() {
    let nonce = use_context::<axum::http::request::Parts>().and_then(|parts| parts.extensions.get::<Nonce>().cloned());
    if let Some(nonce) = nonce {
        provide_context(nonce);
    }
}

/// Gives the request its number and a span, and notes where it came from as an extension of type [`IpAddr`].
async fn named(mut request: Request, next: Next) -> Response {
    let id = uuid::Uuid::new_v4().to_string();
    let header = HeaderValue::from_str(&id).unwrap_or(HeaderValue::from_static("unknown"));
    request.headers_mut().insert(REQUEST_ID, header.clone());
    if let Some(address) = client_address(&request) {
        request.extensions_mut().insert(address);
    }
    // Of the path only the pattern: a path may hold a set-up token or a remote id.
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str);
    let span = tracing::info_span!("request", request.id = id, http.method = %request.method(), http.route = route);
    let mut response = async {
        let response = next.run(request).await;
        tracing::debug!(http.status = response.status().as_u16(), "request answered");
        response
    }
    .instrument(span)
    .await;
    response.headers_mut().insert(REQUEST_ID, header);
    response
}

/// The other end of the connection, or, when that is a proxy on this machine, whom the proxy says it serves.
fn client_address(request: &Request) -> Option<IpAddr> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip())?;
    if !peer.is_loopback() {
        return Some(peer);
    }
    // The proxy itself appends the last entry; anything before it is the client's claim.
    let forwarded = request.headers().get_all("x-forwarded-for").into_iter().next_back();
    let last = forwarded.and_then(|value| value.to_str().ok()).and_then(|list| list.rsplit(',').next());
    Some(last.and_then(|address| address.trim().parse().ok()).unwrap_or(peer))
}

async fn with_headers(mut request: Request, next: Next, https: bool) -> Response {
    let nonce = Nonce::new();
    let policy = content_security_policy(&nonce);
    request.extensions_mut().insert(nonce);
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in FIXED {
        headers.insert(name, value);
    }
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    if https {
        headers.insert(STRICT_TRANSPORT_SECURITY, HSTS);
    }
    if !headers.contains_key(CACHE_CONTROL) {
        let caching = if is_asset(headers) { "no-cache" } else { "no-store" };
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    }
    response
}

/// Nothing but what we serve ourselves; scripts only by this answer's nonce and what those load; WebAssembly.
fn content_security_policy(nonce: &Nonce) -> String {
    format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'wasm-unsafe-eval' 'strict-dynamic'; style-src 'self'; \
         connect-src 'self'; img-src 'self' data:; font-src 'self'; manifest-src 'self'; form-action 'self'; \
         base-uri 'none'; frame-ancestors 'none'"
    )
}

/// What holds nobody's data: kept by browsers, but asked for again, since its names stay the same over releases.
fn is_asset(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    matches!(kind, "text/css" | "text/javascript" | "application/javascript" | "application/wasm")
        || kind.starts_with("image/")
        || kind.starts_with("font/")
}
