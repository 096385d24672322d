//! Tokens of an app of the Marketplace (HighLevel API docs, "OAuth 2.0", seen 2026-08): exchanged for a code, renewed,
//! made for a location from its agency's, and asked for again when they were lost.
//!
//! A refresh token works once, and no answer says whether a lost one was used: what to do then is the caller's to decide.

use super::refusal;
use crate::{
    Incoming, Outgoing, UpstreamClass,
    clients::{Account, CallContext, CallError, CallRecord, Refusal, Wire, address, json},
};
use domain::{Side, limits};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value as Json, json};
use std::time::Duration;

/// The version of the contract that all but the token operation ask for.
const VERSION: (&str, &str) = ("version", "2021-07-28");

/// Whose tokens they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tenant {
    Location(String),
    Company(String),
}

/// Tokens as the service gives them.
#[derive(Clone)]
pub struct Grant {
    pub access_token: SecretString,
    /// `None` for a token made from an agency's.
    pub refresh_token: Option<SecretString>,
    pub expires_in: Duration,
    /// `None`: the service named neither a location nor an agency.
    pub tenant: Option<Tenant>,
}

impl std::fmt::Debug for Grant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Grant").field("tenant", &self.tenant).finish_non_exhaustive()
    }
}

/// An app, as it shows itself to the service.
pub struct AppClient {
    pub account: Account,
    pub client_id: String,
    pub client_secret: SecretString,
    pub wire: Wire,
    pub context: CallContext,
}

enum Body {
    Form(Vec<(&'static str, String)>),
    Json(Json),
}

impl AppClient {
    /// Tokens for the code that a person's choice, or a reconnect, brought. A code works once.
    ///
    /// # Errors
    /// A [`CallError`]; the service answers a bad code and bad app credentials alike.
    pub async fn exchange(&self, code: &str, redirect_uri: Option<&str>) -> Result<Grant, CallError> {
        let mut form = vec![("grant_type", "authorization_code".to_owned()), ("code", code.to_owned())];
        form.push(("user_type", "Location".to_owned()));
        form.extend(redirect_uri.map(|uri| ("redirect_uri", uri.to_owned())));
        self.token(form).await
    }

    /// New tokens for a refresh token, which is worth nothing from then on.
    ///
    /// # Errors
    /// A [`CallError`]; after [`UpstreamClass::Ambiguous`] the refresh token may have been used.
    pub async fn refresh(&self, refresh_token: &SecretString, of_agency: bool) -> Result<Grant, CallError> {
        let user_type = if of_agency { "Company" } else { "Location" };
        self.token(vec![
            ("grant_type", "refresh_token".to_owned()),
            ("refresh_token", refresh_token.expose_secret().to_owned()),
            ("user_type", user_type.to_owned()),
        ])
        .await
    }

    /// A location's token, made from its agency's.
    ///
    /// # Errors
    /// A [`CallError`]; a rejection when the app is not installed in that location.
    pub async fn of_location(
        &self,
        agency: &SecretString,
        company_id: &str,
        location_id: &str,
    ) -> Result<Grant, CallError> {
        let form = vec![("companyId", company_id.to_owned()), ("locationId", location_id.to_owned())];
        let bearer = ("authorization", format!("Bearer {}", agency.expose_secret()));
        let headers = vec![bearer, (VERSION.0, VERSION.1.to_owned())];
        let endpoint = "POST /oauth/locationToken";
        grant(&self.send(endpoint, "/oauth/locationToken", headers, Body::Form(form)).await?)
    }

    /// A new code for an install whose tokens were lost (HighLevel help, "How to reconnect broken marketplace apps").
    ///
    /// # Errors
    /// A [`CallError`]; a rejection when there is no such install any more.
    pub async fn reconnect(&self, tenant: &Tenant) -> Result<SecretString, CallError> {
        let (key, id) = match tenant {
            Tenant::Location(id) => ("locationId", id),
            Tenant::Company(id) => ("companyId", id),
        };
        let secret = self.client_secret.expose_secret();
        let body = json!({ "clientKey": self.client_id, "clientSecret": secret, key: id });
        let headers = vec![(VERSION.0, VERSION.1.to_owned())];
        let answer = self.send("POST /oauth/reconnect", "/oauth/reconnect", headers, Body::Json(body)).await?;
        let code = read(&answer)?;
        let code = json::text(&code, "authorizationCode").ok_or_else(|| unreadable(&answer, "holds no code"))?;
        Ok(SecretString::from(code))
    }

    async fn token(&self, mut form: Vec<(&'static str, String)>) -> Result<Grant, CallError> {
        form.push(("client_id", self.client_id.clone()));
        form.push(("client_secret", self.client_secret.expose_secret().to_owned()));
        grant(&self.send("POST /oauth/token", "/oauth/token", Vec::new(), Body::Form(form)).await?)
    }

    async fn send(
        &self,
        endpoint: &'static str,
        path: &str,
        mut headers: Vec<(&'static str, String)>,
        body: Body,
    ) -> Result<Incoming, CallError> {
        let (kind, body) = match body {
            Body::Form(pairs) => ("application/x-www-form-urlencoded", encoded(&pairs)),
            Body::Json(json) => ("application/json", json.to_string()),
        };
        headers.push(("content-type", kind.to_owned()));
        headers.push(("accept", "application/json".to_owned()));
        let outgoing = Outgoing {
            method: http::Method::POST,
            url: format!("{}{path}", self.account.base_url),
            headers,
            body: Some(body.into_bytes()),
            timeout: limits::TOKEN_TIMEOUT,
        };
        let clock = self.wire.clock.as_ref();
        let (called_at, started) = (clock.now(), clock.monotonic_ms());
        let outcome = self.wire.transport.send(outgoing).await;
        let took_ms = u32::try_from(clock.monotonic_ms().saturating_sub(started)).unwrap_or(u32::MAX);
        let status = outcome.as_ref().ok().map(|incoming| incoming.status);
        let remote_request_id = outcome.as_ref().ok().and_then(refusal::trace_id);
        let result = match outcome {
            Err(error) => Err(CallError::from_transport(Side::Highlevel, &error, true)),
            Ok(incoming) if (200..300).contains(&incoming.status) => Ok(incoming),
            Ok(incoming) => Err(refusal::read(&incoming, true, clock.now())),
        };
        self.wire.sink.record(CallRecord {
            side: Side::Highlevel,
            workspace_id: self.account.workspace_id,
            connection_id: self.account.connection_id,
            endpoint,
            status,
            error_class: result.as_ref().err().map(|error| error.class),
            took_ms,
            cause: self.context.cause.clone(),
            run_id: self.context.run_id,
            remote_request_id,
            called_at,
        });
        result
    }
}

/// Whether an answer was lost on its way: what was asked for may have been done.
pub(crate) fn is_lost(error: &CallError) -> bool {
    error.class == UpstreamClass::Ambiguous
}

/// Whether the service said no, so that asking the same again changes nothing.
pub(crate) fn is_no(error: &CallError) -> bool {
    matches!(
        error.class,
        UpstreamClass::Auth | UpstreamClass::Permission | UpstreamClass::Rejected | UpstreamClass::NotFound
    ) && error.refusal != Refusal::NeverSent
}

fn grant(answer: &Incoming) -> Result<Grant, CallError> {
    let body = read(answer)?;
    // Version 3 of the contract writes the same keys in camel case.
    let text = |key: &str, newer: &str| json::text(&body, key).or_else(|| json::text(&body, newer));
    let access_token = text("access_token", "accessToken").ok_or_else(|| unreadable(answer, "holds no token"))?;
    let seconds = json::integer(&body, "expires_in").or_else(|| json::integer(&body, "expiresIn"));
    let seconds = seconds.and_then(|seconds| u64::try_from(seconds).ok());
    let (location, company) = (json::text(&body, "locationId"), json::text(&body, "companyId"));
    // An agency's answer can name a location, too, and a location's always names its agency.
    let of_agency = json::text(&body, "userType").is_some_and(|kind| kind.eq_ignore_ascii_case("company"));
    let tenant = match (location, company) {
        (Some(id), _) if !of_agency => Some(Tenant::Location(id)),
        (_, Some(id)) => Some(Tenant::Company(id)),
        (Some(id), None) => Some(Tenant::Location(id)),
        (None, None) => None,
    };
    Ok(Grant {
        access_token: access_token.into(),
        refresh_token: text("refresh_token", "refreshToken").map(SecretString::from),
        expires_in: seconds.map_or(limits::TOKEN_LIFE, Duration::from_secs),
        tenant,
    })
}

fn read(answer: &Incoming) -> Result<Json, CallError> {
    serde_json::from_slice(&answer.body).map_err(|_shape| unreadable(answer, "is not JSON"))
}

/// What was asked for is done, and what came of it is lost.
fn unreadable(answer: &Incoming, what: &str) -> CallError {
    CallError::unreadable(Side::Highlevel, answer.status, true, format!("the answer {what}"))
}

fn encoded(pairs: &[(&'static str, String)]) -> String {
    let pairs: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}={}", address::encode(value))).collect();
    pairs.join("&")
}
