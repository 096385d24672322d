//! What Chargify's refusals mean (Maxio developer portal, Error handling; Maxio Advanced Billing API reference; seen
//! 2026-08). There are no error codes: status and words decide, here and nowhere else.

use crate::{
    Incoming, UpstreamClass,
    clients::{CallError, Refusal, json},
};
use domain::{Side, retry};
use serde_json::Value as Json;
use time::OffsetDateTime;

/// Refusals of the whole site rather than of one record, by how they begin.
const ACCOUNT_BLOCKS: &[&str] = &[
    "your chargify account has been canceled",
    "your trial has ended",
    "site data clearing is in progress",
    "this site has been deleted",
];

/// Reads an answer that is no success.
pub(super) fn read(incoming: &Incoming, writes: bool, now: OffsetDateTime) -> CallError {
    let messages = messages(incoming);
    let retry_after = incoming.header("retry-after").and_then(|text| retry::parse_retry_after(text, now));
    let (class, refusal) = match incoming.status {
        401 => (UpstreamClass::Auth, Refusal::CredentialInvalid),
        403 => (UpstreamClass::Permission, Refusal::Plain),
        404 => (UpstreamClass::NotFound, Refusal::Plain),
        // The first of the two was answered, which does not say that it succeeded.
        409 if writes => (UpstreamClass::Ambiguous, Refusal::DuplicateSubmission),
        422 => unprocessable(&messages),
        429 => (UpstreamClass::Rate { retry_after }, Refusal::Plain),
        408 | 500..=599 if writes => (UpstreamClass::Ambiguous, Refusal::Plain),
        408 | 500..=599 => (UpstreamClass::Unavailable, Refusal::Plain),
        400..=499 => (UpstreamClass::Rejected, Refusal::Plain),
        _ => (UpstreamClass::Malformed, Refusal::Plain),
    };
    let words = if messages.is_empty() { format!("status {}", incoming.status) } else { messages.join("; ") };
    CallError::new(Side::Chargify, class, words)
        .with_status(incoming.status)
        .with_refusal(refusal)
        .with_retry_after(retry_after)
}

fn unprocessable(messages: &[String]) -> (UpstreamClass, Refusal) {
    let lower: Vec<String> = messages.iter().map(|message| message.to_lowercase()).collect();
    if lower.iter().any(|line| line.starts_with("site data clearing is in progress")) {
        return (UpstreamClass::AccountBlocked, Refusal::ClearingInProgress);
    }
    if lower.iter().any(|line| ACCOUNT_BLOCKS.iter().any(|block| line.starts_with(block))) {
        return (UpstreamClass::AccountBlocked, Refusal::Plain);
    }
    if lower.iter().any(|line| line.starts_with("reference:") && line.contains("must be unique")) {
        return (UpstreamClass::Rejected, Refusal::ReferenceTaken);
    }
    (UpstreamClass::Rejected, Refusal::Plain)
}

/// Errors come as a list, as a map (of texts, lists or maps), as one text, or as no JSON at all.
fn messages(incoming: &Incoming) -> Vec<String> {
    if let Ok(body) = serde_json::from_slice::<Json>(&incoming.body) {
        return match body {
            Json::String(text) => vec![text],
            body => json::messages(&body),
        };
    }
    let text = String::from_utf8_lossy(&incoming.body);
    let text = text.trim();
    if text.is_empty() || text.starts_with('<') { Vec::new() } else { vec![text.to_owned()] }
}
