//! Is it there? Look-ups of records that a write may have made or changed.

use super::Writer;
use crate::{
    Result, UpstreamClass,
    clients::{
        CallError, Refusal,
        highlevel::{TAGS_OFF, TAGS_ON},
    },
    store::{intents::IntentRow, records::ReadMark},
};
use domain::{
    RemoteId, Side,
    record::{FieldKey, Record},
    value::{FieldKind, Value, normal},
};
use std::collections::BTreeMap;

/// What marks the key of a create that has no reference to be looked up by.
const NEW: &str = "new:";

/// What a write is to make or change.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) side: Side,
    /// `None`: a create.
    pub(crate) id: Option<RemoteId>,
    /// What it is journalled under: the id, else the reference, else a key that begins with `new:`.
    pub(crate) key: String,
    pub(crate) fields: BTreeMap<FieldKey, Value>,
}

impl Target {
    /// As journalled. `None`: it names no side that exists.
    pub(crate) fn of(intent: &IntentRow) -> Option<Self> {
        let side: Side = intent.side.parse().ok()?;
        let id = (intent.operation != "create").then(|| RemoteId(intent.remote_key.clone()));
        let fields = serde_json::from_value(intent.body.clone()).unwrap_or_default();
        Some(Self { side, id, key: intent.remote_key.clone(), fields })
    }

    /// The key of a create without a reference, for the record of the other side that it is made for.
    pub(crate) fn new_key(partner: &str) -> String {
        format!("{NEW}{partner}")
    }

    /// The reference that its create puts on the customer.
    pub(crate) fn reference(&self) -> Option<&str> {
        let is_create = self.side == Side::Chargify && self.id.is_none();
        Some(self.key.as_str()).filter(|key| is_create && !key.is_empty() && !key.starts_with(NEW))
    }

    /// Whether a second one can do no harm while the first may still arrive: Chargify takes a reference once, so the
    /// later of the two is refused.
    pub(crate) fn is_safe_twice(&self) -> bool {
        self.reference().is_some()
    }

    fn text(&self, key: &str) -> Option<&str> {
        match self.fields.get(key) {
            Some(Value::Text(text)) => Some(text.as_str()),
            _ => None,
        }
    }
}

/// What a look-up says about a write.
#[derive(Debug)]
pub(super) enum Found {
    /// It was carried out: the record as it is now.
    Done(Box<Record>),
    /// The record is there, and does not hold what was sent.
    Otherwise(Box<Record>),
    Not,
}

impl Writer<'_> {
    /// The record as it is now, if the write has been carried out.
    pub(crate) async fn find(&self, target: &Target) -> std::result::Result<Option<Record>, CallError> {
        Ok(match self.seek(target).await? {
            Found::Done(record) => Some(*record),
            Found::Otherwise(_) | Found::Not => None,
        })
    }

    /// Looks a write up.
    pub(super) async fn seek(&self, target: &Target) -> std::result::Result<Found, CallError> {
        let done = |found: Option<Record>| found.map_or(Found::Not, |record| Found::Done(Box::new(record)));
        let call = &self.cause.call;
        let found = match (target.side, &target.id, target.reference()) {
            (_, None, Some(reference)) => {
                let found = self.clients.chargify.lookup(call, reference).await?;
                return Ok(done(found.filter(|found| found.exact).map(|found| found.record)));
            }
            (Side::Chargify, None, None) => {
                let Some(email) = target.text("email") else { return Ok(Found::Not) };
                let email = email.trim().to_lowercase();
                let like = self.clients.chargify.customers_with_email(call, &email).await?;
                return Ok(done(like.into_iter().find(|record| self.holds(record, &target.fields))));
            }
            (Side::Highlevel, None, _) => self.contact_like(&target.fields).await,
            (Side::Chargify, Some(id), _) => self.clients.chargify.get(call, id).await.map(Some),
            (Side::Highlevel, Some(id), _) => self.clients.highlevel.get(call, id).await.map(Some),
        };
        match found {
            // A contact found by its phone alone may be a relative: only one that holds what was sent is ours.
            Ok(Some(record)) if self.holds(&record, &target.fields) => Ok(Found::Done(Box::new(record))),
            Ok(Some(record)) if target.id.is_some() => Ok(Found::Otherwise(Box::new(record))),
            Ok(_) => Ok(Found::Not),
            Err(error) if error.class == UpstreamClass::NotFound => Ok(Found::Not),
            Err(error) => Err(error),
        }
    }

    /// The contact that has the e-mail address or the phone number of a create.
    pub(crate) async fn contact_like(
        &self,
        fields: &BTreeMap<FieldKey, Value>,
    ) -> std::result::Result<Option<Record>, CallError> {
        let text = |key: &str| match fields.get(key) {
            Some(Value::Text(text)) => Some(text.as_str()),
            _ => None,
        };
        self.clients.highlevel.find_duplicate(&self.cause.call, text("email"), text("phone")).await
    }

    /// Whether the record has, in normal form, every value that was sent.
    pub(crate) fn holds(&self, record: &Record, fields: &BTreeMap<FieldKey, Value>) -> bool {
        fields.iter().all(|(key, sent)| {
            let tags = |value: &Value| match normal(FieldKind::Tags, value) {
                Value::List(tags) => tags,
                _ => Vec::new(),
            };
            match key.as_str() {
                TAGS_ON => return tags(sent).iter().all(|tag| record.tags().contains(tag)),
                TAGS_OFF => return tags(sent).iter().all(|tag| !record.tags().contains(tag)),
                _ => {}
            }
            let kind = self.context.policy.catalogue.kind(record.side, key);
            match record.values.get(key) {
                Some(there) => normal(kind, sent) == normal(kind, there),
                // Lists and look-ups do not tell of metafields.
                None => key.metafield_name().is_some() || normal(kind, sent) == Value::Empty,
            }
        })
    }

    /// What was found, unless it is known to be gone and indeed is: an index may still tell of it.
    ///
    /// # Errors
    /// Database errors. What the service answers is enclosed.
    pub(super) async fn confirmed(
        &self,
        found: Option<Record>,
    ) -> Result<std::result::Result<Option<Record>, CallError>> {
        let Some((record, id)) = found.and_then(|record| record.id.clone().map(|id| (record, id))) else {
            return Ok(Ok(None));
        };
        let (side, (workspace_id, sync_id)) = (record.side, (self.context.workspace_id, self.context.sync_id));
        let ids = [id.0.clone()];
        let mut conn = self.engine.store().session().await?;
        let copies = conn.records_by_ids(workspace_id, sync_id, side, &ids).await?;
        drop(conn);
        if copies.iter().all(|copy| copy.gone_at.is_none()) {
            return Ok(Ok(Some(record)));
        }
        let mark = ReadMark { workspace_id, sync_id, side, run_id: None, read_at: self.engine.clock().now() };
        let read = match side {
            Side::Highlevel => self.clients.highlevel.get(&self.cause.call, &id).await,
            Side::Chargify => self.clients.chargify.get(&self.cause.call, &id).await,
        };
        match read {
            Ok(record) => {
                self.engine.note_presence(self.context, mark, &record).await?;
                Ok(Ok(Some(record)))
            }
            Err(error) if error.class == UpstreamClass::NotFound => Ok(Ok(None)),
            Err(error) => Ok(Err(error)),
        }
    }

    /// The record that stands in the way of a create.
    pub(super) async fn find_existing(
        &self,
        target: &Target,
        error: &CallError,
    ) -> std::result::Result<Option<Record>, CallError> {
        match &error.refusal {
            Refusal::DuplicateContact { contact_id: Some(id), .. } if target.side == Side::Highlevel => {
                self.clients.highlevel.get(&self.cause.call, id).await.map(Some)
            }
            _ if target.side == Side::Highlevel => self.contact_like(&target.fields).await,
            _ => self.find(target).await,
        }
    }
}
