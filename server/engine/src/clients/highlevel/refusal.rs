//! What GoHighLevel's refusals mean. The service has no error codes: status and words decide, here and nowhere else.

use crate::{
    Incoming, UpstreamClass,
    clients::{CallError, Refusal, json},
};
use domain::{RemoteId, Side, retry};
use serde_json::Value as Json;
use std::time::Duration;
use time::OffsetDateTime;

/// Reads an answer that is no success.
pub(super) fn read(incoming: &Incoming, writes: bool, now: OffsetDateTime) -> CallError {
    let body: Json = serde_json::from_slice(&incoming.body).unwrap_or(Json::Null);
    let message = words(incoming, &body);
    let lower = message.to_lowercase();
    let (class, refusal) = match incoming.status {
        401 => unauthorised(&lower),
        403 if lower.contains("location") => (UpstreamClass::Permission, Refusal::OtherLocation),
        403 => (UpstreamClass::Permission, Refusal::Plain),
        // The framework's own words for a path that does not exist, as distinct from a record that does not.
        404 if lower.starts_with("cannot ") => (UpstreamClass::Rejected, Refusal::Plain),
        404 => (UpstreamClass::NotFound, Refusal::Plain),
        400 if lower.contains("not found") => (UpstreamClass::NotFound, Refusal::Plain),
        400 => (UpstreamClass::Rejected, duplicate(&lower, &body)),
        422 => (UpstreamClass::Rejected, properties(&body)),
        429 => return rate(incoming, now, message),
        408 | 500..=599 if writes => (UpstreamClass::Ambiguous, Refusal::Plain),
        408 | 500..=599 => (UpstreamClass::Unavailable, Refusal::Plain),
        402..=499 => (UpstreamClass::Rejected, Refusal::Plain),
        _ => (UpstreamClass::Malformed, Refusal::Plain),
    };
    let retry_after = incoming.header("retry-after").and_then(|text| retry::parse_retry_after(text, now));
    CallError::new(Side::Highlevel, class, message)
        .with_status(incoming.status)
        .with_refusal(refusal)
        .with_retry_after(retry_after)
}

/// The service's name for the call, by which its support finds it. Stands in the body, as the last member.
pub(super) fn trace_id(incoming: &Incoming) -> Option<String> {
    const KEY: &[u8] = b"\"traceId\"";
    let tail = incoming.body.get(incoming.body.len().saturating_sub(200)..)?;
    let at = tail.windows(KEY.len()).rposition(|window| window == KEY)?;
    let rest = std::str::from_utf8(tail.get(at + KEY.len()..)?).ok()?;
    let value = rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
    let id = value.split('"').next()?;
    (!id.is_empty() && id.len() <= 64).then(|| id.to_owned())
}

/// The vendor answers 401 for five different things (HighLevel docs, Authorization; live answers seen 2026-08).
fn unauthorised(lower: &str) -> (UpstreamClass, Refusal) {
    if lower.contains("authclass") || lower.contains("user type mismatch") {
        (UpstreamClass::Permission, Refusal::WrongTokenClass)
    } else if lower.contains("scope") {
        (UpstreamClass::Permission, Refusal::ScopeMissing)
    } else if lower.contains("version") && lower.contains("header") {
        (UpstreamClass::Rejected, Refusal::Plain)
    } else if lower.contains("does not exist") {
        (UpstreamClass::NotFound, Refusal::Plain)
    } else {
        (UpstreamClass::Auth, Refusal::CredentialInvalid)
    }
}

fn duplicate(lower: &str, body: &Json) -> Refusal {
    let meta = body.get("meta").unwrap_or(&Json::Null);
    let contact_id = json::text(meta, "contactId").map(RemoteId);
    if contact_id.is_none() && !lower.contains("duplicated contact") {
        return Refusal::Plain;
    }
    Refusal::DuplicateContact { contact_id, matching_field: json::text(meta, "matchingField") }
}

/// `property X should not exist`, one message for each.
fn properties(body: &Json) -> Refusal {
    let refused: Vec<String> = json::messages(body)
        .iter()
        .filter_map(|line| line.strip_prefix("property ")?.strip_suffix(" should not exist").map(str::to_owned))
        .collect();
    if refused.is_empty() { Refusal::Plain } else { Refusal::PropertiesRefused(refused) }
}

fn rate(incoming: &Incoming, now: OffsetDateTime, message: String) -> CallError {
    let header = |name: &str| incoming.header(name).and_then(|text| text.trim().parse::<i64>().ok());
    let millis = |name: &str| header(name).and_then(|ms| u64::try_from(ms).ok()).map(Duration::from_millis);
    let asked = incoming.header("retry-after").and_then(|text| retry::parse_retry_after(text, now));
    let day_used_up = header("x-ratelimit-daily-remaining").is_some_and(|left| left <= 0);
    let retry_after = asked
        .or_else(|| millis(if day_used_up { "x-ratelimit-daily-reset" } else { "x-ratelimit-interval-milliseconds" }));
    CallError::new(Side::Highlevel, UpstreamClass::Rate { retry_after }, message)
        .with_status(incoming.status)
        .with_refusal(if day_used_up { Refusal::DayUsedUp } else { Refusal::Plain })
        .with_retry_after(retry_after)
}

fn words(incoming: &Incoming, body: &Json) -> String {
    let found = json::messages(body);
    if !found.is_empty() {
        return found.join("; ");
    }
    let text = String::from_utf8_lossy(&incoming.body);
    let text = text.trim();
    if text.is_empty() || text.starts_with('<') || text.starts_with('{') {
        format!("status {}", incoming.status)
    } else {
        text.to_owned()
    }
}
