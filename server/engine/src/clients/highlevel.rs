//! GoHighLevel's contacts of one location (HighLevel API v2, seen 2026-08).
//!
//! Contacts are written by id with changed fields only, never by upsert, and tags only through the tag operations:
//! `tags` in an update would replace the whole set.

mod bearer;
mod engagements;
mod grant;
mod location;
mod making;
mod meter;
mod refusal;
mod remove;
mod search;
mod tags;
mod wire;
mod write;

pub use bearer::{Bearer, Held};
pub(crate) use engagements::engagement;
pub use engagements::{Engagement, Engagements};
pub use grant::{AppClient, Grant, Tenant};
pub(crate) use grant::{is_lost, is_no};
pub use location::{CustomField, Location};
pub use meter::{LocationState, Locations, Tokens};
pub use search::{ContactPage, SearchCursor, SearchPage};
pub use tags::{TAGS_OFF, TAGS_ON};

use super::call::{Answer, Call, Manners, send};
use super::{Account, CallContext, CallError, Dropped, Refusal, Wire, Written, address};
use crate::{Incoming, UpstreamClass};
use domain::{
    RemoteId, Side,
    field::Field,
    limits,
    record::{FieldKey, Record},
    value::Value,
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use time::OffsetDateTime;

/// The host of every operation (HighLevel API v2, servers).
pub const OFFICIAL_HOST: &str = "https://services.leadconnectorhq.com";

/// The contract every operation used here is written against. The service demands the header on every call.
const API_VERSION: &str = "2021-07-28";

/// Tries of one call that is refused with 429 (the vendor's own client does as many).
const RATE_TRIES: u32 = 4;
/// Waits longer than this are left to the caller.
const RATE_WAIT_MAX: Duration = Duration::from_secs(30);

/// The contacts of one location.
#[derive(Clone)]
pub struct HighLevel {
    account: Account,
    location_id: String,
    bearer: Arc<dyn Bearer>,
    wire: Wire,
    state: Arc<LocationState>,
    /// Custom fields by their types; reported as empty where a contact does not have them.
    custom_fields: Arc<[Field]>,
}

impl std::fmt::Debug for HighLevel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HighLevel").field("account", &self.account).finish_non_exhaustive()
    }
}

impl HighLevel {
    /// A client of `location_id`. All clients of one location in this process must share `state`.
    #[must_use]
    pub fn new(
        account: Account,
        location_id: String,
        token: SecretString,
        wire: Wire,
        state: Arc<LocationState>,
    ) -> Self {
        Self {
            account,
            location_id,
            bearer: Arc::new(bearer::Private(token)),
            wire,
            state,
            custom_fields: Arc::from([]),
        }
    }

    /// Makes its calls with what this gives, in place of the token it was made with.
    #[must_use]
    pub fn with_bearer(mut self, bearer: Arc<dyn Bearer>) -> Self {
        self.bearer = bearer;
        self
    }

    /// Reads and writes these custom fields in the forms of their types, and reports them as empty where a contact does
    /// not hold them: the service leaves empty ones out.
    #[must_use]
    pub fn with_custom_fields(mut self, fields: impl IntoIterator<Item = Field>) -> Self {
        self.custom_fields = fields.into_iter().filter(|field| field.key.custom_field_id().is_some()).collect();
        self
    }

    /// The location this client reads and writes.
    #[must_use]
    pub fn location_id(&self) -> &str {
        &self.location_id
    }

    /// What is left of the location's calls, as last told.
    #[must_use]
    pub fn tokens(&self) -> Tokens {
        self.state.tokens(self.wire.clock.as_ref())
    }

    /// One page of contacts, oldest first; with `updated_since`, those changed since then, in order of change.
    ///
    /// The index behind it lags a few seconds: a contact just written may be missing or old.
    ///
    /// # Errors
    /// A [`CallError`]; [`UpstreamClass::Malformed`] when a full page names no way to the next.
    pub async fn search(&self, context: &CallContext, page: &SearchPage) -> Result<ContactPage, CallError> {
        search::page(self, context, page).await
    }

    /// The contact, read whole.
    ///
    /// # Errors
    /// [`UpstreamClass::NotFound`] when it is gone; other [`CallError`]s.
    pub async fn get(&self, context: &CallContext, id: &RemoteId) -> Result<Record, CallError> {
        let target = format!("/contacts/{}", address::encode(id.as_str()));
        let answer = self.call(context, read("GET /contacts/{id}", target)).await?;
        Ok(self.contact_of(&answer)?.0)
    }

    /// Creates a contact. Empty values are left out.
    ///
    /// # Errors
    /// [`Refusal::DuplicateContact`] names the contact that exists. After [`UpstreamClass::Ambiguous`], and after a 422
    /// too, the contact may exist: look before trying again.
    pub async fn create(
        &self,
        context: &CallContext,
        fields: &BTreeMap<FieldKey, Value>,
    ) -> Result<Written, CallError> {
        let body = write::create_body(&self.location_id, fields, &self.custom_fields)?;
        let call = change(http::Method::POST, "POST /contacts/", "/contacts/".to_owned(), body);
        let answer = self.call(context, call).await?;
        self.written(&answer, fields, Vec::new())
    }

    /// Changes the given fields and leaves all others alone. Tags to put on stand under [`TAGS_ON`], tags to take off
    /// under [`TAGS_OFF`]; each is a call of its own, after the others.
    ///
    /// Where the service refuses `companyName` in an update, the rest is written and it is named in
    /// [`Written::dropped`].
    ///
    /// # Errors
    /// [`Refusal::NeverSent`] for tags, for fields that cannot be written, and when nothing is left to send;
    /// [`Refusal::DuplicateContact`] when another contact has the new e-mail or phone; other [`CallError`]s.
    pub async fn update(
        &self,
        context: &CallContext,
        id: &RemoteId,
        fields: &BTreeMap<FieldKey, Value>,
    ) -> Result<Written, CallError> {
        let (tags, fields) = tags::split(fields);
        let mut done = if fields.is_empty() && !tags.is_empty() {
            Written::of(Record { id: Some(id.clone()), ..Record::new(Side::Highlevel) })
        } else {
            self.update_fields(context, id, &fields).await?
        };
        if let Some(now) = self.set_tags(context, id, &tags).await? {
            done.record.set("tags", now);
        }
        Ok(done)
    }

    async fn update_fields(
        &self,
        context: &CallContext,
        id: &RemoteId,
        fields: &BTreeMap<FieldKey, Value>,
    ) -> Result<Written, CallError> {
        let first = self.put(context, id, fields).await;
        let Err(error) = &first else {
            return self.written(&first?, fields, Vec::new());
        };
        if !fields.contains_key("companyName") || !write::refuses_company_name(error) || fields.len() == 1 {
            return self.written(&first?, fields, Vec::new());
        }
        let refused = FieldKey::from("companyName");
        let mut rest = fields.clone();
        rest.remove(&refused);
        let answer = self.put(context, id, &rest).await?;
        let why = "GoHighLevel does not take it in an update here".to_owned();
        self.written(&answer, &rest, vec![Dropped { field: refused, why }])
    }

    /// The contact that the location would call a duplicate of one with this e-mail or phone.
    ///
    /// # Errors
    /// A [`CallError`].
    pub async fn find_duplicate(
        &self,
        context: &CallContext,
        email: Option<&str>,
        phone: Option<&str>,
    ) -> Result<Option<Record>, CallError> {
        let mut query = vec![("locationId", self.location_id.clone())];
        query.extend(email.map(|email| ("email", email.to_owned())));
        query.extend(phone.map(|phone| ("number", phone.to_owned())));
        if query.len() == 1 {
            return Ok(None);
        }
        let target = address::with_query("/contacts/search/duplicate", &query);
        let call = read("GET /contacts/search/duplicate", target);
        let answer = match self.call(context, call).await {
            Ok(answer) => answer,
            Err(error) if error.class == UpstreamClass::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if answer.incoming.body.iter().all(u8::is_ascii_whitespace) {
            return Ok(None);
        }
        match answer.json()?.get("contact") {
            Some(contact) if contact.is_object() => Ok(Some(self.read_contact(contact, &answer)?.0)),
            _ => Ok(None),
        }
    }

    /// The location itself.
    ///
    /// # Errors
    /// A [`CallError`].
    pub async fn location(&self, context: &CallContext) -> Result<Location, CallError> {
        let target = format!("/locations/{}", address::encode(&self.location_id));
        let answer = self.call(context, read("GET /locations/{id}", target)).await?;
        location::location(&answer.json()?).ok_or_else(|| answer.unreadable("the answer holds no location"))
    }

    /// The custom fields that contacts of the location can have.
    ///
    /// # Errors
    /// A [`CallError`].
    pub async fn custom_fields(&self, context: &CallContext) -> Result<Vec<CustomField>, CallError> {
        let path = format!("/locations/{}/customFields", address::encode(&self.location_id));
        let target = address::with_query(&path, &[("model", "contact".to_owned())]);
        let answer = self.call(context, read("GET /locations/{id}/customFields", target)).await?;
        location::custom_fields(&answer.json()?).ok_or_else(|| answer.unreadable("the answer holds no custom fields"))
    }

    /// Asks for an update that cannot happen, of a contact that cannot exist: the answer tells whether the credential
    /// may write, and nothing is changed.
    ///
    /// # Errors
    /// [`UpstreamClass::NotFound`] or [`UpstreamClass::Rejected`] means that it may write.
    pub(crate) async fn try_to_write_nothing(&self, context: &CallContext) -> Result<(), CallError> {
        let target = "/contacts/concord0permission00".to_owned();
        let call = change(http::Method::PUT, "PUT /contacts/{id}", target, json!({}));
        self.call(context, call).await.map(|_| ())
    }

    async fn put(
        &self,
        context: &CallContext,
        id: &RemoteId,
        fields: &BTreeMap<FieldKey, Value>,
    ) -> Result<Answer, CallError> {
        let body = write::update_body(fields, &self.custom_fields)?;
        let target = format!("/contacts/{}", address::encode(id.as_str()));
        self.call(context, change(http::Method::PUT, "PUT /contacts/{id}", target, body)).await
    }

    fn written(
        &self,
        answer: &Answer,
        sent: &BTreeMap<FieldKey, Value>,
        mut dropped: Vec<Dropped>,
    ) -> Result<Written, CallError> {
        let (record, problems) = self.contact_of(answer)?;
        let differing = write::differing(sent, &record, &self.custom_fields);
        dropped.extend(write::not_kept(sent, &record));
        Ok(Written { record, differing, dropped, problems })
    }

    fn contact_of(&self, answer: &Answer) -> Result<(Record, Vec<super::RowProblem>), CallError> {
        let body = answer.json()?;
        let contact = body.get("contact").ok_or_else(|| answer.unreadable("the answer holds no contact"))?;
        self.read_contact(contact, answer)
    }

    fn read_contact(
        &self,
        contact: &serde_json::Value,
        answer: &Answer,
    ) -> Result<(Record, Vec<super::RowProblem>), CallError> {
        wire::contact(contact, wire::Shape::Whole, &self.custom_fields)
            .map_err(|problem| answer.unreadable(problem.detail))
    }

    /// Sends within the location's budget. A call refused for its rate, and once one whose token is not known, is sent
    /// again: it was never carried out.
    async fn call(&self, context: &CallContext, call: Call) -> Result<Answer, CallError> {
        let clock = self.wire.clock.as_ref();
        let mut held = self.bearer.token().await?;
        let (mut tries, mut is_renewed) = (1, false);
        loop {
            let place = self.state.take(context.priority, clock).await?;
            let signed = Signed { client: self, held: &held };
            let result = send(&signed, &self.account, &self.wire, context, call.clone()).await;
            drop(place);
            match result {
                Err(error) if tries < RATE_TRIES && waits(&error) => tries += 1,
                Err(error) if error.refusal == Refusal::CredentialInvalid && !is_renewed => {
                    let Some(other) = self.bearer.in_place_of(&held).await? else { return Err(error) };
                    (held, is_renewed) = (other, true);
                }
                other => return other,
            }
        }
    }
}

/// Whether the meter waits this refusal out.
fn waits(error: &CallError) -> bool {
    matches!(error.class, UpstreamClass::Rate { .. })
        && error.refusal != Refusal::DayUsedUp
        && error.retry_after.is_some_and(|wait| wait <= RATE_WAIT_MAX)
}

fn read(endpoint: &'static str, target: String) -> Call {
    let timeout = Duration::from_secs(limits::READ_TIMEOUT_S);
    Call { method: http::Method::GET, endpoint, target, body: None, writes: false, timeout }
}

fn change(method: http::Method, endpoint: &'static str, target: String, body: serde_json::Value) -> Call {
    let timeout = Duration::from_secs(limits::WRITE_TIMEOUT_S);
    Call { method, endpoint, target, body: Some(body), writes: true, timeout }
}

/// A client with the token of one call.
struct Signed<'a> {
    client: &'a HighLevel,
    held: &'a Held,
}

impl Manners for Signed<'_> {
    fn side(&self) -> Side {
        Side::Highlevel
    }

    fn headers(&self, _call: &Call) -> Vec<(&'static str, String)> {
        vec![
            ("authorization", format!("Bearer {}", self.held.token.expose_secret())),
            ("version", API_VERSION.to_owned()),
        ]
    }

    fn refusal(&self, incoming: &Incoming, writes: bool, now: OffsetDateTime) -> CallError {
        refusal::read(incoming, writes, now)
    }

    fn remote_request_id(&self, incoming: &Incoming) -> Option<String> {
        refusal::trace_id(incoming)
    }

    fn observe(&self, incoming: &Incoming) {
        self.client.state.observe(incoming, self.client.wire.clock.as_ref());
    }
}
