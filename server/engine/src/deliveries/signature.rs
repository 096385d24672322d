//! Proving that a webhook's bytes come from the service.

use super::Refusal;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, VerifyingKey};
use hmac::{Hmac, Mac as _};
use http::HeaderMap;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;

/// GoHighLevel's key, the same for every app (HighLevel docs, Webhook Integration Guide, seen 2026-08).
const HIGHLEVEL_KEY: &str = "MCowBQYDK2VwAyEAi2HR1srL4o18O8BRa7gVJY7G7bupbN3H9AwJrHCDiOg=";
const HIGHLEVEL_HEADER: &str = "x-ghl-signature";
/// Hex of HMAC-SHA-256 over the raw body (Maxio docs, Webhooks, Verifying Events, seen 2026-08).
const CHARGIFY_HEADER: &str = "x-chargify-webhook-signature-hmac-sha-256";
/// What stands before the 32 bytes of an Ed25519 key in its DER form (RFC 8410).
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Reads a public key in PEM, or as the bare base64 between its first and last line; none: the published one.
///
/// # Errors
/// What is wrong with it, and what to do.
fn highlevel_key(text: Option<&str>) -> Result<VerifyingKey, &'static str> {
    const WRONG: &str = "is no Ed25519 public key; paste the whole block from BEGIN PUBLIC KEY to END PUBLIC KEY, or \
                         leave it out for the key GoHighLevel publishes";
    let text = text.unwrap_or(HIGHLEVEL_KEY).trim();
    let inner = text.strip_prefix("-----BEGIN PUBLIC KEY-----").unwrap_or(text);
    let inner = inner.strip_suffix("-----END PUBLIC KEY-----").unwrap_or(inner);
    let base64: String = inner.split_whitespace().collect();
    let der = STANDARD.decode(base64).map_err(|_text| WRONG)?;
    let bytes = der.strip_prefix(&SPKI_PREFIX).ok_or(WRONG)?;
    let bytes: &[u8; 32] = bytes.try_into().map_err(|_length| WRONG)?;
    VerifyingKey::from_bytes(bytes).map_err(|_point| WRONG)
}

/// Ed25519 over the raw body, base64. The vendor sends the literal `N/A` where it has no signature.
pub(super) fn check_highlevel(key: Option<&str>, headers: &HeaderMap, body: &[u8]) -> Result<(), Refusal> {
    let text = header(headers, HIGHLEVEL_HEADER)?;
    let bytes = STANDARD.decode(text).map_err(|_text| Refusal::Unsigned)?;
    let signature = Signature::from_slice(&bytes).map_err(|_length| Refusal::Unsigned)?;
    let key = highlevel_key(key).map_err(|_stored| Refusal::NoKey)?;
    key.verify_strict(body, &signature).map_err(|_mismatch| Refusal::WronglySigned)
}

/// HMAC-SHA-256 over the raw body, hex; compared in constant time.
pub(super) fn check_chargify(key: Option<&SecretString>, headers: &HeaderMap, body: &[u8]) -> Result<(), Refusal> {
    let text = header(headers, CHARGIFY_HEADER)?;
    let tag = hex::decode(text).map_err(|_text| Refusal::Unsigned)?;
    let key = key.ok_or(Refusal::NoKey)?;
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose_secret().as_bytes()).map_err(|_length| Refusal::NoKey)?;
    mac.update(body);
    mac.verify_slice(&tag).map_err(|_mismatch| Refusal::WronglySigned)
}

/// The signature that Chargify gives a body, in hex.
pub(crate) fn sign_chargify(key: &SecretString, body: &[u8]) -> String {
    // Every length of key will do: an error cannot come of it.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.expose_secret().as_bytes()) else { return String::new() };
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}

/// The one header of that name; several would leave open which of them was checked.
fn header<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, Refusal> {
    let mut values = headers.get_all(name).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err(Refusal::Unsigned) };
    let text = value.to_str().map_err(|_bytes| Refusal::Unsigned)?.trim();
    if text.is_empty() || text == "N/A" { Err(Refusal::Unsigned) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::{Signer as _, SigningKey};

    fn pem(key: &SigningKey) -> String {
        let mut der = SPKI_PREFIX.to_vec();
        der.extend_from_slice(key.verifying_key().as_bytes());
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der))
    }

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        headers
    }

    #[test]
    fn a_genuine_highlevel_signature_passes_and_any_other_byte_fails() {
        let key = SigningKey::from_bytes(&[3; 32]);
        let pem = pem(&key);
        let signed = STANDARD.encode(key.sign(b"body").to_bytes());
        let check = |value: &str, body: &[u8]| check_highlevel(Some(&pem), &headers(HIGHLEVEL_HEADER, value), body);
        assert_eq!(check(&signed, b"body"), Ok(()));
        assert_eq!(check(&signed, b"bodY"), Err(Refusal::WronglySigned));
        for unsigned in ["", "N/A", "not base64!", "QUJD"] {
            assert_eq!(check(unsigned, b"body"), Err(Refusal::Unsigned), "{unsigned:?}");
        }
        assert_eq!(check_highlevel(Some(&pem), &HeaderMap::new(), b"body"), Err(Refusal::Unsigned));
        let published = check_highlevel(None, &headers(HIGHLEVEL_HEADER, &signed), b"body");
        assert_eq!(published, Err(Refusal::WronglySigned));
    }

    #[test]
    fn two_signatures_are_none() {
        let key = SigningKey::from_bytes(&[3; 32]);
        let mut headers = headers(HIGHLEVEL_HEADER, &STANDARD.encode(key.sign(b"body").to_bytes()));
        headers.append(HIGHLEVEL_HEADER, "AAAA".parse().unwrap());
        assert_eq!(check_highlevel(Some(&pem(&key)), &headers, b"body"), Err(Refusal::Unsigned));
    }

    #[test]
    fn the_published_key_is_usable_and_a_wrong_one_says_what_to_do() {
        assert!(highlevel_key(None).is_ok());
        assert!(highlevel_key(Some(HIGHLEVEL_KEY)).is_ok());
        assert!(highlevel_key(Some("hello")).unwrap_err().contains("BEGIN PUBLIC KEY"));
    }

    #[test]
    fn the_vendors_published_chargify_vector_passes() {
        let key = SecretString::from("123");
        let body = b"payload[chargify]=testing&event=test";
        let check = |tag: &str, body: &[u8]| check_chargify(Some(&key), &headers(CHARGIFY_HEADER, tag), body);
        let tag = "19826d51b9f866b26eda1f154de192593360f8d0bcb63df8a28540a5dcf733f1";
        assert_eq!(check(tag, body), Ok(()));
        assert_eq!(check(tag, b"payload[chargify]=testing&event=tesT"), Err(Refusal::WronglySigned));
        assert_eq!(check(tag.get(..62).unwrap(), body), Err(Refusal::WronglySigned));
        assert_eq!(check("zz", body), Err(Refusal::Unsigned));
        let without = check_chargify(None, &headers(CHARGIFY_HEADER, tag), body);
        assert_eq!(without, Err(Refusal::NoKey));
    }
}
