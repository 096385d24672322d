//! The clients as a dry run sees them: these types have no writing method, so neither has what is built on them.

use super::context::Clients;
use crate::clients::{
    CallContext, CallError, Chargify, HighLevel,
    chargify::{CustomerPage, CustomerRows, EventPage, Found, SubscriptionPage, SubscriptionRows},
    highlevel::{ContactPage, SearchPage},
};
use domain::{
    RemoteId,
    record::{FieldKey, Record},
    subscription::Subscription,
    value::Value,
};
use std::collections::BTreeMap;

/// Reads contacts and customers; cannot write.
#[derive(Clone, Debug)]
pub(crate) struct Readers {
    highlevel: HighLevel,
    chargify: Chargify,
}

impl From<&Clients> for Readers {
    fn from(clients: &Clients) -> Self {
        Self { highlevel: clients.highlevel.clone(), chargify: clients.chargify.clone() }
    }
}

impl Readers {
    pub(crate) async fn contacts(&self, call: &CallContext, page: &SearchPage) -> Result<ContactPage, CallError> {
        self.highlevel.search(call, page).await
    }

    pub(crate) async fn contact(&self, call: &CallContext, id: &RemoteId) -> Result<Record, CallError> {
        self.highlevel.get(call, id).await
    }

    pub(crate) async fn customers(&self, call: &CallContext, page: &CustomerPage) -> Result<CustomerRows, CallError> {
        self.chargify.customers(call, page).await
    }

    pub(crate) async fn customer(&self, call: &CallContext, id: &RemoteId) -> Result<Record, CallError> {
        self.chargify.get(call, id).await
    }

    pub(crate) async fn customer_by_reference(
        &self,
        call: &CallContext,
        reference: &str,
    ) -> Result<Option<Found>, CallError> {
        self.chargify.lookup(call, reference).await
    }

    pub(crate) async fn customers_with_email(&self, call: &CallContext, email: &str) -> Result<Vec<Record>, CallError> {
        self.chargify.customers_with_email(call, email).await
    }

    pub(crate) async fn metafields_of(
        &self,
        call: &CallContext,
        ids: &[RemoteId],
    ) -> Result<BTreeMap<RemoteId, BTreeMap<FieldKey, Value>>, CallError> {
        self.chargify.metafields_of(call, ids).await
    }

    pub(crate) async fn events(
        &self,
        call: &CallContext,
        since_id: i64,
        page: u64,
        keys: &[&str],
    ) -> Result<EventPage, CallError> {
        self.chargify.events_page(call, since_id, page, keys).await
    }

    pub(crate) async fn subscriptions(
        &self,
        call: &CallContext,
        page: &SubscriptionPage,
    ) -> Result<SubscriptionRows, CallError> {
        self.chargify.subscriptions(call, page).await
    }

    pub(crate) async fn subscription(&self, call: &CallContext, id: &RemoteId) -> Result<Subscription, CallError> {
        self.chargify.subscription(call, id).await
    }

    pub(crate) async fn newest_event_id(&self, call: &CallContext) -> Result<Option<i64>, CallError> {
        self.chargify.newest_event_id(call).await
    }
}
