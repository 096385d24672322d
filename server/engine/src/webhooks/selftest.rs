//! The self-test: a test webhook, signed with the shared key as Chargify signs, sent through our own public address. It
//! has passed only when it stands among our deliveries.

use super::{address, connection_of, failed_line, is_chargify, line, self_test_view};
use crate::{
    Actor, Engine, EngineError, Incoming, Keyholder, Outgoing, Result, TransportError, audit::AuditAction,
    connections::CredentialField, deliveries::chargify_signature, store::connections::ConnectionRow,
};
use domain::view::SelfTestView;
use secrecy::SecretString;
use std::time::Duration;

/// As long as Chargify waits for an answer (Maxio docs, Webhooks Reference, seen 2026-08).
const PATIENCE: Duration = Duration::from_secs(15);

/// Why there is nothing to sign with, and what to do.
pub(super) const NO_KEY: &str = "shared key: the connection has none, so no webhook could be verified. It stands in \
                                 Chargify under Config, Settings, Webhooks; set it first";

impl Engine {
    /// Sends the self-test, keeps the result and returns it.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::Invalid`] for a location of GoHighLevel, whose signature only it can
    /// make, and without a shared key; [`EngineError::Sealed`]; database errors. What is found wrong is a result.
    pub async fn test_webhooks(&self, by: &Keyholder, key: &str) -> Result<SelfTestView> {
        let mut conn = self.store().session().await?;
        let row = connection_of(&mut *conn, by.workspace_id(), key).await?;
        drop(conn);
        self.test_webhooks_of(by.actor(), &row).await
    }

    pub(super) async fn test_webhooks_of(&self, by: &Actor, row: &ConnectionRow) -> Result<SelfTestView> {
        if !is_chargify(row) {
            return Err(EngineError::invalid(
                "GoHighLevel signs its webhooks with a key that only it has, so they cannot be tried from here. Change a \
                 contact there and look at Last webhook",
            ));
        }
        let shared_key = self.open_credential(row, CredentialField::SharedKey).await?;
        let shared_key = shared_key.ok_or_else(|| EngineError::invalid(NO_KEY))?;
        let (passed, detail) = self.send_to_ourselves(row, &shared_key).await?;
        let at = self.clock().now();
        let told = if passed {
            line(by, AuditAction::WebhooksTested, row, at)
        } else {
            failed_line(by, AuditAction::WebhooksTested, row, (at, &detail))
        };
        let change = |known: &mut crate::store::watches::WatchRow| {
            (known.test_passed, known.test_detail, known.tested_at) = (Some(passed), Some(detail), Some(at));
        };
        let known = self.note_watch(row, change, Some(told)).await?;
        self_test_view(&known).ok_or(EngineError::Bug("a self-test left no result"))
    }

    /// Whether it arrived, and what was found.
    async fn send_to_ourselves(&self, row: &ConnectionRow, shared_key: &SecretString) -> Result<(bool, String)> {
        let url = address(&self.settings().public_url, row);
        let webhook_id = format!("self-test-{}", self.entropy().uuid().simple());
        let body = format!("id={webhook_id}&event=test&payload[chargify]=testing").into_bytes();
        let headers = vec![
            ("content-type", "application/x-www-form-urlencoded".to_owned()),
            ("x-chargify-webhook-id", webhook_id.clone()),
            ("x-chargify-webhook-signature-hmac-sha-256", chargify_signature(shared_key, &body)),
        ];
        let request =
            Outgoing { method: http::Method::POST, url: url.clone(), headers, body: Some(body), timeout: PATIENCE };
        let answer = match self.highlevel_wire().transport.send(request).await {
            Ok(answer) if answer.status == 200 => answer,
            Ok(answer) => return Ok((false, refused(&url, &answer))),
            Err(error) => return Ok((false, unreached(&url, &error))),
        };
        let mut conn = self.store().session().await?;
        let sent = [webhook_id];
        let arrived = conn.received_webhooks(row.workspace_id(), row.connection_id(), &sent).await?;
        if arrived.is_empty() {
            let status = answer.status;
            return Ok((
                false,
                format!(
                    "{url} answered {status}, but the webhook is not among our deliveries: the address leads to another \
                     server, which swallows webhooks. Check CONCORD_PUBLIC_URL and the proxy behind it."
                ),
            ));
        }
        Ok((true, format!("A signed webhook sent to {} arrived here.", host(&url))))
    }
}

fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or_default()
}

/// No answer came: the name, the certificate, or the way.
fn unreached(url: &str, error: &TransportError) -> String {
    let host = host(url);
    let words = error.to_string();
    let lower = words.to_lowercase();
    if lower.contains("dns") || lower.contains("lookup") || lower.contains("resolve") {
        return format!("{host} cannot be found. Check CONCORD_PUBLIC_URL, and that its name is in the DNS.");
    }
    match error {
        _ if lower.contains("certificate") || lower.contains("tls") || lower.contains("handshake") => format!(
            "{host} does not show a certificate that can be trusted ({words}). Chargify would not trust it either: \
             renew it, with its whole chain."
        ),
        TransportError::Connect(_) => format!(
            "{host} does not take connections ({words}). Check CONCORD_PUBLIC_URL, and that the proxy runs and the \
             firewall lets it be reached."
        ),
        TransportError::TimedOut(after) => format!(
            "{host} did not answer within {} s. Check that the proxy behind it leads to Concord.",
            after.as_secs()
        ),
        TransportError::Broken(_) | TransportError::CutShort(_) => {
            format!("{host} broke the connection off ({words}). Look for a proxy in between, then test again.")
        }
    }
}

/// Something answered, but not that the webhook is taken.
fn refused(url: &str, answer: &Incoming) -> String {
    match answer.status {
        404 => format!(
            "{url} answers 404: something else than Concord answers there, or the proxy does not pass /webhooks/ on. \
             Check CONCORD_PUBLIC_URL and the proxy."
        ),
        401 => format!(
            "{url} answers 401: whoever answers there has another shared key for this connection, or something in \
             between changes the body. Check that the address leads to this installation."
        ),
        300..=399 => format!(
            "{url} sends on to {} ({}). Chargify follows no redirect: give the final address as CONCORD_PUBLIC_URL.",
            answer.header("location").unwrap_or("another address"),
            answer.status
        ),
        502..=504 => format!(
            "{} answers {}: the proxy does not reach Concord, or Concord cannot record now. Check both, then test again.",
            host(url),
            answer.status
        ),
        status => format!(
            "{url} answers {status}, and Chargify takes nothing but 200 for delivered. Check what stands between the \
             address and Concord."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://sync.example.com/webhooks/chargify/abc";

    #[test]
    fn failures_are_told_apart() {
        let answer = |status, headers: &[(&str, &str)]| {
            let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            refused(URL, &Incoming { status, headers, body: Vec::new() })
        };
        assert!(answer(404, &[]).contains("does not pass /webhooks/ on"));
        assert!(answer(401, &[]).contains("another shared key"));
        assert!(
            answer(308, &[("location", "https://www.example.com/")]).contains("sends on to https://www.example.com/")
        );
        assert!(answer(502, &[]).starts_with("sync.example.com answers 502"));
        assert!(answer(418, &[]).contains("nothing but 200"));
        let connect = |words: &str| unreached(URL, &TransportError::Connect(words.to_owned()));
        assert!(connect("dns error: failed to lookup address information").contains("cannot be found"));
        assert!(connect("invalid peer certificate: UnknownIssuer").contains("certificate that can be trusted"));
        assert!(connect("tcp connect error: Connection refused").contains("does not take connections"));
        let late = unreached(URL, &TransportError::TimedOut(PATIENCE));
        assert!(late.contains("within 15 s"));
    }
}
