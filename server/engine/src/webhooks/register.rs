//! Our endpoint at Chargify: found by its address, made where there is none, told of the events we need, and put right
//! where it was paused or disabled. Endpoints of others are never touched.

use super::{address, connection_of, is_chargify, line, selftest::NO_KEY};
use crate::{
    Actor, Engine, EngineError, Keyholder, Result,
    audit::AuditAction,
    clients::{CallContext, Chargify, Priority, chargify::Endpoint},
    connections::CredentialField,
    deliveries::chargify_signature,
    store::connections::ConnectionRow,
};
use domain::view::EndpointState;
use secrecy::SecretString;

/// What we want to be told of: customers, and what is kept of their subscriptions.
const EVENTS: &[&str] = &[
    "billing_date_change",
    "customer_create",
    "customer_update",
    "expiration_date_change",
    "payment_failure",
    "payment_success",
    "pending_cancellation_change",
    "renewal_failure",
    "renewal_success",
    "signup_success",
    "subscription_card_update",
    "subscription_product_change",
    "subscription_state_change",
    "trial_end_notice",
    "upgrade_downgrade_success",
];
/// Stands behind our address for a moment: another address heals an endpoint (Maxio help, Disabling webhook endpoints, seen
/// 2026-08).
const HEALING: &str = "?healing";

impl Engine {
    /// Registers our endpoint at Chargify, or puts the one there is right, and says line by line what was done. First it
    /// is made sure that webhooks would arrive and could be verified; else nothing is changed at Chargify.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::Invalid`] for a location of GoHighLevel, without a shared key, for an
    /// address that Chargify does not send to, when the self-test fails and when the shared key is not the site's;
    /// [`EngineError::Upstream`]; database errors.
    pub async fn register_webhooks(&self, by: &Keyholder, key: &str) -> Result<Vec<String>> {
        let mut conn = self.store().session().await?;
        let row = connection_of(&mut *conn, by.workspace_id(), key).await?;
        drop(conn);
        self.register_webhooks_of(by.actor(), &row).await
    }

    pub(super) async fn register_webhooks_of(&self, by: &Actor, row: &ConnectionRow) -> Result<Vec<String>> {
        if !is_chargify(row) {
            return Err(EngineError::invalid(
                "GoHighLevel has no way to register webhooks from outside: subscribe to the contact events in your \
                 Marketplace app, with the address shown here",
            ));
        }
        let shared_key = self.open_credential(row, CredentialField::SharedKey).await?;
        let shared_key = shared_key.ok_or_else(|| EngineError::invalid(NO_KEY))?;
        let url = address(&self.settings().public_url, row);
        address_fault(&url, row.base_url.is_none()).map_or(Ok(()), |fault| Err(EngineError::invalid(fault)))?;
        let test = self.test_webhooks_of(by, row).await?;
        if !test.passed {
            return Err(EngineError::invalid(format!("{} Nothing was changed at Chargify", test.detail)));
        }
        let client = self.client_for_chargify(row.workspace_id(), row.connection_id()).await?;
        let context = CallContext::new(Priority::Live, by.key());
        check_key(&client, &context, &shared_key).await?;
        let (endpoint, done) = register(&client, &context, &url).await?;
        let at = self.clock().now();
        let told = line(by, AuditAction::WebhooksRegistered, row, at)
            .with("endpoint", endpoint.id.as_str())
            .with("events", endpoint.events.clone())
            .with("done", done.clone());
        let change = |known: &mut crate::store::watches::WatchRow| {
            known.endpoint_id = Some(endpoint.id);
            endpoint.state.as_str().clone_into(&mut known.endpoint_state);
            known.endpoint_at = Some(at);
            known.trouble = None;
        };
        self.note_watch(row, change, Some(told)).await?;
        Ok(done)
    }
}

/// The key is the site's when it makes the signature that stands in the site's own log. An empty log says nothing.
async fn check_key(client: &Chargify, context: &CallContext, shared_key: &SecretString) -> Result<()> {
    let Some(newest) = client.newest_webhook(context).await? else { return Ok(()) };
    let Some(signature) = newest.signature.filter(|_| !newest.body.is_empty()) else { return Ok(()) };
    if signature.eq_ignore_ascii_case(&chargify_signature(shared_key, newest.body.as_bytes())) {
        return Ok(());
    }
    Err(EngineError::invalid(
        "shared key: the site signs its webhooks with another one, so all of them would be turned away. Copy it from \
         Chargify, Config, Settings, Webhooks, and set it below. Nothing was changed at Chargify",
    ))
}

async fn register(client: &Chargify, context: &CallContext, url: &str) -> Result<(Endpoint, Vec<String>)> {
    let ours = find_ours(client.endpoints(context).await?, url);
    client.enable_webhooks(context).await?;
    let mut done = vec!["Webhooks are switched on for the site.".to_owned()];
    let Some(known) = ours else {
        let endpoint = client.create_endpoint(context, url, &wanted(&[])).await?;
        done.push(format!("Endpoint {} was made, for {} events.", endpoint.id, endpoint.events.len()));
        return Ok((endpoint, done));
    };
    let events = wanted(&known.events);
    let lacks = events.len() > known.events.len();
    let mut endpoint = known.clone();
    if known.state.is_stopped() {
        client.update_endpoint(context, &known.id, &format!("{url}{HEALING}"), &events).await?;
        endpoint = client.update_endpoint(context, &known.id, url, &events).await?;
        done.push(format!("Endpoint {} was {}; it sends again.", known.id, known.state.as_str()));
    } else if lacks || known.url != url {
        endpoint = client.update_endpoint(context, &known.id, url, &events).await?;
    }
    if lacks {
        done.push(format!("Endpoint {} is told of {} more events.", known.id, events.len() - known.events.len()));
    } else if !known.state.is_stopped() {
        done.push(format!("Endpoint {} was there already and is as it should be.", known.id));
    }
    Ok((endpoint, done))
}

/// The endpoint with our address, the one that works before one that does not; healing may have been broken off.
pub(super) fn find_ours(endpoints: Vec<Endpoint>, url: &str) -> Option<Endpoint> {
    let is_ours = |endpoint: &Endpoint| is_our_address(&endpoint.url, url);
    endpoints.into_iter().filter(is_ours).min_by_key(|endpoint| endpoint.state != EndpointState::Enabled)
}

/// Whether an address is ours, whatever stands behind it.
pub(super) fn is_our_address(address: &str, url: &str) -> bool {
    let place = address.split('?').next().unwrap_or_default();
    place.trim_end_matches('/').eq_ignore_ascii_case(url)
}

/// What the endpoint is to be told of: what somebody added there stays.
fn wanted(known: &[String]) -> Vec<String> {
    let more = EVENTS.iter().filter(|event| known.iter().all(|known| known != *event));
    known.iter().cloned().chain(more.map(|event| (*event).to_owned())).collect()
}

/// Why Chargify would not send to this address: it takes only the usual ports (Maxio developer portal, Webhooks, seen
/// 2026-08). A service at an address of its own is not Chargify and may send anywhere.
fn address_fault(url: &str, is_official: bool) -> Option<String> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    let host = rest.split('/').next().unwrap_or_default();
    let port = host.rsplit_once(':').map(|(_, port)| port).filter(|port| !port.ends_with(']'));
    let is_near = ["localhost", "127.", "[::1]", "0.0.0.0"].iter().any(|near| host.starts_with(near));
    if !is_official {
        return None;
    }
    let why = if is_near {
        "only this machine can reach it"
    } else if port.is_some_and(|port| port != "80" && port != "443") {
        "Chargify sends to the ports 80 and 443 only"
    } else {
        return None;
    };
    Some(format!(
        "the public address: {url} cannot be used, {why}. Set CONCORD_PUBLIC_URL to the https address under which the \
         internet reaches Concord, and start it again"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://sync.example.com/webhooks/chargify/abc";

    fn endpoint(id: &str, url: &str, state: EndpointState) -> Endpoint {
        Endpoint { id: id.to_owned(), url: url.to_owned(), state, events: Vec::new() }
    }

    #[test]
    fn ours_is_found_by_its_address_and_the_working_one_first() {
        let endpoints = vec![
            endpoint("1", "https://other.example.com/hook", EndpointState::Enabled),
            endpoint("2", &format!("{URL}{HEALING}"), EndpointState::Disabled),
            endpoint("3", &format!("{URL}/"), EndpointState::Enabled),
            endpoint("4", &format!("{URL}d"), EndpointState::Enabled),
        ];
        assert_eq!(find_ours(endpoints, URL).unwrap().id, "3");
        assert_eq!(find_ours(vec![endpoint("4", &format!("{URL}d"), EndpointState::Enabled)], URL), None);
    }

    #[test]
    fn events_that_somebody_added_stay() {
        let known = ["statement_closed".to_owned(), "customer_update".to_owned()];
        let wanted = wanted(&known);
        assert_eq!(wanted.len(), EVENTS.len() + 1);
        assert!(wanted.contains(&"statement_closed".to_owned()));
    }

    #[test]
    fn addresses_that_chargify_does_not_send_to_are_named() {
        assert_eq!(address_fault(URL, true), None);
        assert_eq!(address_fault("http://sync.example.com:80/x", true), None);
        assert!(address_fault("https://sync.example.com:8443/x", true).unwrap().contains("ports 80 and 443"));
        assert!(address_fault("http://127.0.0.1:3000/x", true).unwrap().contains("only this machine"));
        assert_eq!(address_fault("http://127.0.0.1:3000/x", false), None, "a simulated service");
    }
}
