//! What a Chargify webhook says: a form with bracketed names (Maxio docs, Webhooks, seen 2026-08).

use super::{Parsed, Refusal, form::Form, signature, subscription::tells_a_subscription};
use crate::store::deliveries::RecipientRow;
use http::HeaderMap;
use secrecy::SecretString;

pub(super) fn read(
    recipient: &RecipientRow,
    shared_key: Option<&SecretString>,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Parsed, Refusal> {
    signature::check_chargify(shared_key, headers, body)?;
    let form = Form::parse(body);
    if let Some(subdomain) = form.said("payload[site][subdomain]")
        && !subdomain.eq_ignore_ascii_case(&recipient.account)
    {
        return Err(Refusal::OtherAccount);
    }
    let event = form.said("event").unwrap_or_default().to_owned();
    let (subject_id, ignored) = subject(&form, &event);
    Ok(Parsed { webhook_id: form.said("id").map(str::to_owned), event, subject_id, ignored })
}

fn subject(form: &Form, event: &str) -> (Option<String>, Option<&'static str>) {
    let is_used = matches!(event, "customer_create" | "customer_update") || tells_a_subscription(event);
    if event == "test" {
        return (None, Some("a test event: the address and the key work"));
    }
    let customer = customer_prefix(form).and_then(|prefix| form.said(&format!("{prefix}[id]")));
    match customer {
        _ if !is_used => (customer.map(str::to_owned), Some("events of this type are not used")),
        // The service's own test page sends real-looking events about nobody.
        Some("0") => (None, Some("a sample event: customer 0 does not exist")),
        Some(id) => (Some(id.to_owned()), None),
        None => (None, Some("it names no customer")),
    }
}

/// Where the payload's customer stands; card updates have it beside the subscription.
pub(super) fn customer_prefix(form: &Form) -> Option<&'static str> {
    ["payload[customer]", "payload[subscription][customer]"]
        .into_iter()
        .find(|prefix| form.said(&format!("{prefix}[id]")).is_some())
}
