//! Chargify's (Maxio Advanced Billing's) customers of one site, as far as the sync needs them.
//!
//! Every call passes the gate: the site lets four requests run at once, over everyone who uses it. Nothing is retried
//! here. Customers are never deleted.

mod events;
mod list;
mod metadata;
mod metafields;
mod notes;
mod refusal;
mod remove;
mod site;
mod subscriptions;
mod webhooks;
mod wire;
mod write;

pub use events::{Event, EventPage, MetafieldChange};
pub use list::{CustomerPage, CustomerRows};
pub use notes::Note;
pub use site::Site;
pub use subscriptions::{SubscriptionPage, SubscriptionRows};
pub use webhooks::{Endpoint, LogPage, LogStatus, Logged};

use super::call::{Answer, Call, Manners, send};
use super::{Account, CallContext, CallError, RowProblem, Wire, Written, address};
use crate::{Incoming, UpstreamClass};
use base64::Engine as _;
use domain::{
    RemoteId, Side,
    field::Field,
    limits,
    record::{FieldKey, Record},
    value::Value,
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value as Json;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
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
    /// Metafields that are read and written along with a customer.
    metafields: Arc<[Field]>,
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
        Self { account, api_key, wire, metafields: Arc::from([]) }
    }

    /// Reads these metafields along with a customer, by a call of their own: no answer about customers holds them.
    #[must_use]
    pub fn with_metafields(mut self, fields: impl IntoIterator<Item = Field>) -> Self {
        self.metafields = fields.into_iter().filter(|field| field.key.metafield_name().is_some()).collect();
        self
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

    /// The customer, with the metafields this client reads; those need a second call.
    ///
    /// # Errors
    /// [`UpstreamClass::NotFound`] when there is none; other [`CallError`]s.
    pub async fn get(&self, context: &CallContext, id: &RemoteId) -> Result<Record, CallError> {
        let target = format!("/customers/{}.json", address::encode(id.as_str()));
        let answer = self.call(context, read("GET /customers/{id}.json", target)).await?;
        let mut customer = customer_of(&answer)?.0;
        if !self.metafields.is_empty() {
            let values = self.metadata(context, id).await?;
            customer.values.extend(self.of_metafields(&values));
        }
        Ok(customer)
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

    /// Creates a customer, and then sets its metafields. Empty values are left out. `uniqueness_token` is good once, for
    /// an hour; a corrected request needs a new one.
    ///
    /// Once the customer is there, metafields that could not be set are named in [`Written::dropped`].
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
        let (mut metafields, own) = metafields::split(fields);
        let body = write::create_body(&own, uniqueness_token)?;
        let call = change(http::Method::POST, "POST /customers.json", "/customers.json".to_owned(), body);
        let answer = self.call(context, call).await?;
        let mut done = written(&answer, &own)?;
        metafields.retain(|_, value| !value.is_blank());
        if let Some(id) = done.record.id.clone() {
            let set = self.set_metafields(context, &id, &metafields).await;
            // The customer is there: a failure must not look as if it were not.
            set.unwrap_or_else(|error| metafields::not_set(&metafields, &error)).told_in(&mut done);
        }
        Ok(done)
    }

    /// Changes the given fields and leaves all others alone; an empty value clears. Metafields are set by calls of their
    /// own, after the customer; those the service does not take are named in [`Written::dropped`], and the others stand.
    ///
    /// # Errors
    /// [`Refusal::NeverSent`](super::Refusal) for fields that cannot be written and when there is nothing to change;
    /// [`Refusal::ReferenceTaken`](super::Refusal); other [`CallError`]s. After any, part of it may be done: all of it
    /// can be sent again.
    pub async fn update(
        &self,
        context: &CallContext,
        id: &RemoteId,
        fields: &BTreeMap<FieldKey, Value>,
    ) -> Result<Written, CallError> {
        let (metafields, own) = metafields::split(fields);
        let mut done = if own.is_empty() && !metafields.is_empty() {
            Written::of(Record { id: Some(id.clone()), ..Record::new(Side::Chargify) })
        } else {
            let body = write::update_body(&own)?;
            let target = format!("/customers/{}.json", address::encode(id.as_str()));
            let call = change(http::Method::PUT, "PUT /customers/{id}.json", target, body);
            written(&self.call(context, call).await?, &own)?
        };
        self.set_metafields(context, id, &metafields).await?.told_in(&mut done);
        Ok(done)
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

    async fn call(&self, context: &CallContext, call: Call) -> Result<Answer, CallError> {
        send(self, &self.account, &self.wire, context, call).await
    }
}

fn written(answer: &Answer, sent: &BTreeMap<FieldKey, Value>) -> Result<Written, CallError> {
    let (record, problems) = customer_of(answer)?;
    let differing = write::differing(sent, &record);
    Ok(Written { differing, problems, ..Written::of(record) })
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
