//! The events feed: what happened on the site, by id, visible a few seconds late.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use super::{
    Chargify,
    call::{Call, not_found},
    zone::{Window, Zone, whole_seconds},
};
use crate::request::Reply;

const FIRST_ID: i64 = 4_833_962_613;
/// Events of other sites come in between.
const MAX_GAP: i64 = 90;

/// One row of the feed.
#[derive(Clone, Debug)]
pub struct Event {
    pub id: i64,
    pub key: &'static str,
    pub message: String,
    pub subscription_id: Option<i64>,
    pub customer_id: Option<i64>,
    pub created_at: OffsetDateTime,
    pub data: Value,
}

impl Event {
    fn json(&self, zone: Zone) -> Value {
        json!({"event": {
            "id": self.id, "key": self.key, "message": self.message, "subscription_id": self.subscription_id,
            "customer_id": self.customer_id, "created_at": zone.iso(self.created_at), "event_specific_data": self.data,
        }})
    }
}

/// An event before it has an id.
#[derive(Clone, Debug)]
pub struct NewEvent {
    pub key: &'static str,
    pub message: String,
    pub subscription_id: Option<i64>,
    pub customer_id: Option<i64>,
    pub data: Value,
}

impl NewEvent {
    pub fn about_customer(key: &'static str, message: String, customer_id: i64) -> Self {
        Self { key, message, subscription_id: None, customer_id: Some(customer_id), data: Value::Null }
    }
}

/// The feed.
#[derive(Debug)]
pub struct Events {
    rows: BTreeMap<i64, Event>,
    next_id: i64,
    lag: Duration,
}

impl Events {
    pub fn new(lag: Duration) -> Self {
        Self { rows: BTreeMap::new(), next_id: FIRST_ID, lag }
    }

    pub fn set_lag(&mut self, lag: Duration) {
        self.lag = lag;
    }

    /// Appends; `draw` decides how many ids were used up elsewhere.
    pub fn append(&mut self, event: NewEvent, draw: u64, now: OffsetDateTime) -> i64 {
        let id = self.next_id;
        self.next_id += 1 + i64::try_from(draw % 1024).unwrap_or_default() % MAX_GAP;
        let created_at = whole_seconds(now);
        let NewEvent { key, message, subscription_id, customer_id, data } = event;
        self.rows.insert(id, Event { id, key, message, subscription_id, customer_id, created_at, data });
        id
    }

    /// Every event, the youngest included.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Event> {
        self.rows.values()
    }

    /// What a list or count request selects, oldest first. `since_id` and `max_id` belong to the range.
    fn select<'a>(
        &'a self,
        call: &'a Call<'_>,
        zone: Zone,
        subscription: Option<i64>,
    ) -> impl DoubleEndedIterator<Item = &'a Event> {
        let since = call.number("since_id").unwrap_or(i64::MIN);
        let until = call.number("max_id").unwrap_or(i64::MAX).max(since);
        let keys = call.list("filter");
        let window = match call.param("date_field") {
            Some("created_at") => Window::from_query(zone, |name| call.param(name)),
            _ => Window::default(),
        };
        let visible = call.now - self.lag;
        let empty = call.number("max_id").is_some_and(|max| max < since);
        self.rows.range(since..=until).map(|(_, event)| event).filter(move |event| {
            !empty
                && event.created_at <= visible
                && (keys.is_empty() || keys.contains(&event.key))
                && window.contains(event.created_at)
                && subscription.is_none_or(|id| event.subscription_id == Some(id))
        })
    }
}

impl Chargify {
    /// `GET /events.json` and, for one subscription, `GET /subscriptions/{id}/events.json`.
    pub(super) fn list_events(&self, call: &Call<'_>, subscription: Option<i64>) -> Reply {
        if subscription.is_some_and(|id| self.subscriptions.get(id).is_none()) {
            return not_found();
        }
        let page = match call.page(20) {
            Ok(page) => page,
            Err(refusal) => return refusal,
        };
        let zone = self.site.zone;
        let chosen = self.events.select(call, zone, subscription);
        let rows: Vec<Value> = if call.descending(true) {
            page.of(chosen.rev()).map(|event| event.json(zone)).collect()
        } else {
            page.of(chosen).map(|event| event.json(zone)).collect()
        };
        Reply::json(200, &Value::Array(rows))
    }

    /// `GET /events/count.json`.
    pub(super) fn count_events(&self, call: &Call<'_>) -> Reply {
        Reply::json(200, &json!({"count": self.events.select(call, self.site.zone, None).count()}))
    }
}
