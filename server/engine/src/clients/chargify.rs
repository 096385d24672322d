//! Chargify's (Maxio Advanced Billing's) customers of one site, as far as the sync needs them.
//!
//! Every call passes the gate: the site lets four requests run at once, over everyone who uses it. Nothing is retried
//! here. Customers are never deleted.

mod events;
mod list;
mod metadata;
mod refusal;
mod site;
mod wire;
mod write;

pub use events::{Event, EventPage};
pub use list::{CustomerPage, CustomerRows};
pub use site::{Site, Subscription};

use super::call::{Answer, Call, Manners, send};
use super::{Account, CallContext, CallError, RowProblem, Wire, Written, address};
use crate::{Incoming, UpstreamClass};
use base64::Engine as _;
use domain::{
    RemoteId, Side, limits,
    record::{FieldKey, Record},
    value::Value,
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value as Json;
use std::{collections::BTreeMap, time::Duration};
use time::OffsetDateTime;

/// Where a site of that subdomain answers (Maxio Advanced Billing API reference, servers).
#[must_use]
pub fn official_host(subdomain: &str) -> String {
    format!("https://{subdomain}.chargify.com")
}

/// The customers of one site.
#[derive(Clone)]
pub struct Chargify {
    account: Account,
    api_key: SecretString,
    wire: Wire,
}

impl std::fmt::Debug for Chargify {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chargify").field("account", &self.account).finish_non_exhaustive()
    }
}

/// What a look-up by reference found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub record: Record,
    /// The service compares references without case. `false`: the reference found differs in case, and is therefore
    /// not known to be the one meant.
    pub exact: bool,
}

impl Chargify {
    /// A client of the site at `account.base_url`.
    #[must_use]
    pub fn new(account: Account, api_key: SecretString, wire: Wire) -> Self {
        Self { account, api_key, wire }
    }

    /// One page of customers, oldest first; with `updated_since`, only those changed since then.
    ///
    /// A deletion between two pages shifts the rows behind it: a listing proves what exists, not what does not.
    ///
    /// # Errors
    /// A [`CallError`].
    pub async fn customers(&self, context: &CallContext, page: &CustomerPage) -> Result<CustomerRows, CallError> {
        let answer = self.call(context, read("GET /customers.json", list::target(page))).await?;
        let body = answer.json()?;
        let rows = body.as_array().ok_or_else(|| answer.unreadable("the answer is no list of customers"))?;
        Ok(list::rows(rows, page))
    }

    /// The newest customer; `None` when the site has none.
    ///
    /// # Errors
    /// A [`CallError`].
    pub(crate) async fn newest_customer(&self, context: &CallContext) -> Result<Option<Record>, CallError> {
        let answer = self.call(context, read("GET /customers.json", list::newest())).await?;
        let body = answer.json()?;
        let rows = body.as_array().ok_or_else(|| answer.unreadable("the answer is no list of customers"))?;
        rows.first()
            .map(|row| wire::customer(row).map(|(record, _)| record))
            .transpose()
            .map_err(|lost| answer.unreadable(lost.detail))
    }

    /// Customers with this e-mail address, given in normal form. The service's search finds the text anywhere in a
    /// customer; only those whose address is exactly this are returned, of the first page of hits.
    ///
    /// # Errors
    /// A [`CallError`].
    pub async fn customers_with_email(&self, context: &CallContext, email: &str) -> Result<Vec<Record>, CallError> {
        let answer = self.call(context, read("GET /customers.json", list::like(email))).await?;
        let body = answer.json()?;
        let rows = body.as_array().ok_or_else(|| answer.unreadable("the answer is no list of customers"))?;
        let mut hits = list::rows(rows, &CustomerPage { page: 1, updated_since: None }).records;
        hits.retain(|customer| customer.email().as_deref() == Some(email));
        Ok(hits)
    }

    /// The customer.
    ///
    /// # Errors
    /// [`UpstreamClass::NotFound`] when there is none; other [`CallError`]s.
    pub async fn get(&self, context: &CallContext, id: &RemoteId) -> Result<Record, CallError> {
        let target = format!("/customers/{}.json", address::encode(id.as_str()));
        let answer = self.call(context, read("GET /customers/{id}.json", target)).await?;
        Ok(customer_of(&answer)?.0)
    }

    /// The customer with that reference, compared without case.
    ///
    /// # Errors
    /// A [`CallError`]; that there is none is no error.
    pub async fn lookup(&self, context: &CallContext, reference: &str) -> Result<Option<Found>, CallError> {
        let target = address::with_query("/customers/lookup.json", &[("reference", reference.to_owned())]);
        let answer = match self.call(context, read("GET /customers/lookup.json", target)).await {
            Ok(answer) => answer,
            Err(error) if error.class == UpstreamClass::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let record = customer_of(&answer)?.0;
        let exact = record.reference() == Some(reference);
        Ok(Some(Found { record, exact }))
    }

    /// Creates a customer. Empty values are left out. `uniqueness_token` is good once, for an hour; a corrected request
    /// needs a new one.
    ///
    /// # Errors
    /// [`Refusal::ReferenceTaken`](super::Refusal) and [`Refusal::DuplicateSubmission`](super::Refusal) mean: look the
    /// reference up. After [`UpstreamClass::Ambiguous`] too: the customer may exist.
    pub async fn create(
        &self,
        context: &CallContext,
        fields: &BTreeMap<FieldKey, Value>,
        uniqueness_token: &str,
    ) -> Result<Written, CallError> {
        let body = write::create_body(fields, uniqueness_token)?;
        let call = change(http::Method::POST, "POST /customers.json", "/customers.json".to_owned(), body);
        let answer = self.call(context, call).await?;
        written(&answer, fields)
    }

    /// Changes the given fields and leaves all others alone; an empty value clears.
    ///
    /// # Errors
    /// [`Refusal::NeverSent`](super::Refusal) for fields that cannot be written and when there is nothing to change;
    /// [`Refusal::ReferenceTaken`](super::Refusal); other [`CallError`]s.
    pub async fn update(
        &self,
        context: &CallContext,
        id: &RemoteId,
        fields: &BTreeMap<FieldKey, Value>,
    ) -> Result<Written, CallError> {
        let body = write::update_body(fields)?;
        let target = format!("/customers/{}.json", address::encode(id.as_str()));
        let answer = self.call(context, change(http::Method::PUT, "PUT /customers/{id}.json", target, body)).await?;
        written(&answer, fields)
    }

    /// The events from `since_id` on, that one included, oldest first; only those of `keys`, all when there are none.
    /// Events appear some seconds late and not strictly in order: overlap the reads.
    ///
    /// # Errors
    /// A [`CallError`].
    pub async fn events(&self, context: &CallContext, since_id: i64, keys: &[&str]) -> Result<EventPage, CallError> {
        self.events_page(context, since_id, 1, keys).await
    }

    /// The `page`th page, from 1, of the same events.
    ///
    /// # Errors
    /// A [`CallError`].
    pub(crate) async fn events_page(
        &self,
        context: &CallContext,
        since_id: i64,
        page: u64,
        keys: &[&str],
    ) -> Result<EventPage, CallError> {
        let answer = self.call(context, read("GET /events.json", events::target(Some((since_id, page)), keys))).await?;
        events::page(&answer.json()?).ok_or_else(|| answer.unreadable("the answer is no list of events"))
    }

    /// The id of the newest event of any kind; `None` when the site has none.
    ///
    /// # Errors
    /// A [`CallError`].
    pub async fn newest_event_id(&self, context: &CallContext) -> Result<Option<i64>, CallError> {
        let answer = self.call(context, read("GET /events.json", events::target(None, &[]))).await?;
        let page = events::page(&answer.json()?).ok_or_else(|| answer.unreadable("the answer is no list of events"))?;
        Ok(page.events.iter().map(|event| event.id).max())
    }

    /// The site itself.
    ///
    /// # Errors
    /// A [`CallError`].
    pub async fn site(&self, context: &CallContext) -> Result<Site, CallError> {
        let answer = self.call(context, read("GET /site.json", "/site.json".to_owned())).await?;
        site::site(&answer.json()?).ok_or_else(|| answer.unreadable("the answer holds no site"))
    }

    /// The customer's metafield values, by name. Reads all pages.
    ///
    /// # Errors
    /// A [`CallError`].
    pub async fn metadata(&self, context: &CallContext, id: &RemoteId) -> Result<BTreeMap<String, Value>, CallError> {
        let mut values = BTreeMap::new();
        for page in 1..=metadata::PAGES_MAX {
            let target = metadata::target(id, page);
            let answer = self.call(context, read("GET /customers/{id}/metadata.json", target)).await?;
            let rows =
                metadata::page(&answer.json()?).ok_or_else(|| answer.unreadable("the answer holds no metadata"))?;
            values.extend(rows.values);
            if !rows.more {
                break;
            }
        }
        Ok(values)
    }

    /// Sets metafield values of a customer; others stay. A name that does not exist yet becomes a field of the whole
    /// site.
    ///
    /// # Errors
    /// [`UpstreamClass::Rejected`] naming the values that did not arrive: the service drops what is too long, or not
    /// among the choices, and still answers 200. Other [`CallError`]s.
    pub async fn set_metadata(
        &self,
        context: &CallContext,
        id: &RemoteId,
        values: &BTreeMap<String, Value>,
    ) -> Result<(), CallError> {
        let body = metadata::body(values)?;
        let target = format!("/customers/{}/metadata.json", address::encode(id.as_str()));
        let answer =
            self.call(context, change(http::Method::POST, "POST /customers/{id}/metadata.json", target, body)).await?;
        metadata::verify(&answer.json()?, values).map_err(|error| error.with_status(answer.incoming.status))
    }

    /// The customer's subscriptions, as far as they are shown.
    ///
    /// # Errors
    /// A [`CallError`].
    pub async fn subscriptions_of(&self, context: &CallContext, id: &RemoteId) -> Result<Vec<Subscription>, CallError> {
        let target = format!("/customers/{}/subscriptions.json", address::encode(id.as_str()));
        let answer = self.call(context, read("GET /customers/{id}/subscriptions.json", target)).await?;
        site::subscriptions(&answer.json()?).ok_or_else(|| answer.unreadable("the answer is no list of subscriptions"))
    }

    async fn call(&self, context: &CallContext, call: Call) -> Result<Answer, CallError> {
        send(self, &self.account, &self.wire, context, call).await
    }
}

fn written(answer: &Answer, sent: &BTreeMap<FieldKey, Value>) -> Result<Written, CallError> {
    let (record, problems) = customer_of(answer)?;
    let differing = write::differing(sent, &record);
    Ok(Written { record, differing, dropped: Vec::new(), problems })
}

fn customer_of(answer: &Answer) -> Result<(Record, Vec<RowProblem>), CallError> {
    wire::customer(&answer.json()?).map_err(|problem| answer.unreadable(problem.detail))
}

fn read(endpoint: &'static str, target: String) -> Call {
    let timeout = Duration::from_secs(limits::READ_TIMEOUT_S);
    Call { method: http::Method::GET, endpoint, target, body: None, writes: false, timeout }
}

/// The service cuts a request off after 120 s; waiting longer lets it decide first.
fn change(method: http::Method, endpoint: &'static str, target: String, body: Json) -> Call {
    let timeout = Duration::from_secs(limits::WRITE_TIMEOUT_S);
    Call { method, endpoint, target, body: Some(body), writes: true, timeout }
}

impl Manners for Chargify {
    fn side(&self) -> Side {
        Side::Chargify
    }

    fn headers(&self, _call: &Call) -> Vec<(&'static str, String)> {
        let pair = format!("{}:x", self.api_key.expose_secret());
        vec![("authorization", format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair)))]
    }

    fn refusal(&self, incoming: &Incoming, writes: bool, now: OffsetDateTime) -> CallError {
        refusal::read(incoming, writes, now)
    }

    fn remote_request_id(&self, incoming: &Incoming) -> Option<String> {
        incoming.header("x-request-id").filter(|id| id.len() <= 100).map(str::to_owned)
    }

    fn observe(&self, _incoming: &Incoming) {}
}
