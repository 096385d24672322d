//! Whether a change comes from our own pages. Browsers say so in `Sec-Fetch-Site`, or else in `Origin`; what sends
//! neither is no browser, and holds nobody's cookie.

use super::WEBHOOKS;
use axum::{
    extract::Request,
    http::{
        HeaderMap, StatusCode,
        header::{HOST, ORIGIN},
    },
    response::{IntoResponse as _, Response},
};

/// The answer to a request that another site made a browser send; `None` when it may go on.
pub(super) fn refusal(request: &Request, public_url: &str) -> Option<Response> {
    if request.method().is_safe() || request.uri().path().starts_with(WEBHOOKS) {
        return None;
    }
    if is_ours(request.headers(), request.uri().host(), public_url) {
        return None;
    }
    tracing::warn!(http.method = %request.method(), "refused a change that another site asked for");
    Some((StatusCode::FORBIDDEN, "This request came from another site, so nothing was done.\n").into_response())
}

fn is_ours(headers: &HeaderMap, uri_host: Option<&str>, public_url: &str) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
    if let Some(site) = text("sec-fetch-site") {
        // `none`: a person's own doing, such as sending a form again.
        return matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text(ORIGIN.as_str()) else {
        return true;
    };
    if origin.eq_ignore_ascii_case(public_url) {
        return true;
    }
    let Some((_scheme, origin_host)) = origin.split_once("://") else {
        return false;
    };
    // In HTTP/2 the host stands in the address.
    text(HOST.as_str()).or(uri_host).is_some_and(|host| host.eq_ignore_ascii_case(origin_host))
}
