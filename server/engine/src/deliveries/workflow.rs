//! Webhooks of GoHighLevel's workflows ("Custom Webhook" action): without a signature, an id or a second try, with snake-case
//! names. A secret that both sides know, sent along in a header, is the only proof there can be; without one set on the
//! connection, none is taken.

use super::{
    Parsed, Refusal,
    highlevel::{members, text},
};
use crate::store::deliveries::RecipientRow;
use hmac::{Hmac, Mac as _};
use http::HeaderMap;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value as Json};
use sha2::Sha256;

/// What such a delivery is called.
pub(super) const EVENT: &str = "Workflow";
/// Carries the secret.
const HEADER: &str = "x-concord-secret";
/// Present on everything that the service itself signs.
const SIGNATURE: &str = "x-ghl-signature";

/// Whether a workflow sent it.
pub(super) fn is_meant(headers: &HeaderMap) -> bool {
    headers.contains_key(HEADER) && !headers.contains_key(SIGNATURE)
}

pub(super) fn read(
    recipient: &RecipientRow,
    secret: Option<&SecretString>,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Parsed, Refusal> {
    let secret = secret.ok_or(Refusal::WorkflowsOff)?;
    let mut given = headers.get_all(HEADER).iter();
    let (Some(given), None) = (given.next(), given.next()) else { return Err(Refusal::WrongSecret) };
    if !is_same(secret, given.as_bytes()) {
        return Err(Refusal::WrongSecret);
    }
    let members = members(body).unwrap_or_default();
    if location(&members).is_some_and(|location| location != recipient.account) {
        return Err(Refusal::OtherAccount);
    }
    let subject_id = text(&members, "contact_id").or_else(|| text(&members, "contactId"));
    let ignored = subject_id.is_none().then_some("it names no contact: send contact_id along");
    Ok(Parsed { webhook_id: None, event: EVENT.to_owned(), subject_id, ignored })
}

/// The location that a body names, if it names one.
fn location(members: &Map<String, Json>) -> Option<String> {
    let inner = members.get("location").and_then(Json::as_object);
    inner
        .and_then(|inner| text(inner, "id"))
        .or_else(|| ["location_id", "locationId"].into_iter().find_map(|key| text(members, key)))
}

/// In constant time, whatever was given.
fn is_same(secret: &SecretString, given: &[u8]) -> bool {
    let tag = |key: &[u8]| {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
        mac.update(EVENT.as_bytes());
        Some(mac)
    };
    let (Some(known), Some(given)) = (tag(secret.expose_secret().as_bytes()), tag(given)) else { return false };
    known.verify_slice(&given.finalize().into_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_secret_is_the_same() {
        let secret = SecretString::from("a-secret-of-some-length");
        assert!(is_same(&secret, b"a-secret-of-some-length"));
        for other in [b"".as_slice(), b"a-secret-of-some-lengtH", b"a-secret-of-some-length "] {
            assert!(!is_same(&secret, other));
        }
    }

    #[test]
    fn a_signed_webhook_is_none_of_a_workflow() {
        let mut headers = HeaderMap::new();
        assert!(!is_meant(&headers));
        headers.insert(HEADER, "x".parse().unwrap());
        assert!(is_meant(&headers));
        headers.insert(SIGNATURE, "y".parse().unwrap());
        assert!(!is_meant(&headers));
    }
}
