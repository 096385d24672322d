//! The site's events: the only way to learn of deletions, and what webhooks may have missed (Maxio Advanced Billing API
//! reference, list events, seen 2026-08).

use crate::clients::{address, json};
use domain::{RemoteId, limits, value::Value};
use serde_json::Value as Json;
use time::OffsetDateTime;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub id: i64,
    /// Such as `customer_update`; unknown ones appear.
    pub key: String,
    pub customer_id: Option<RemoteId>,
    pub subscription_id: Option<RemoteId>,
    pub created_at: Option<OffsetDateTime>,
    /// Of a customer's metafield that changed.
    pub metafield: Option<MetafieldChange>,
}

/// A customer's metafield that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetafieldChange {
    pub name: String,
    /// What it holds since.
    pub value: Value,
}

/// One page of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventPage {
    /// By id, ascending.
    pub events: Vec<Event>,
    /// Whether there may be further ones: read on from the last id.
    pub more: bool,
}

/// A page of those from `since_id` on; without one, the single newest.
pub(super) fn target(since_id_and_page: Option<(i64, u64)>, keys: &[&str]) -> String {
    let mut query = match since_id_and_page {
        Some((since_id, page)) => {
            let mut query = vec![
                ("direction", "asc".to_owned()),
                ("since_id", since_id.to_string()),
                ("per_page", limits::CHARGIFY_PAGE.to_string()),
            ];
            if page > 1 {
                query.push(("page", page.to_string()));
            }
            query
        }
        None => vec![("direction", "desc".to_owned()), ("per_page", "1".to_owned())],
    };
    if !keys.is_empty() {
        query.push(("filter", keys.join(",")));
    }
    address::with_query("/events.json", &query)
}

/// Rows that are no events are left out: a page is never lost for one of them.
pub(super) fn page(body: &Json) -> Option<EventPage> {
    let rows = body.as_array()?;
    let mut events: Vec<Event> = rows.iter().filter_map(|row| event(row.get("event")?)).collect();
    events.sort_by_key(|event| event.id);
    Some(EventPage { events, more: rows.len() >= limits::CHARGIFY_PAGE as usize })
}

fn event(json: &Json) -> Option<Event> {
    Some(Event {
        id: json::integer(json, "id")?,
        key: json::text(json, "key")?,
        customer_id: json::text(json, "customer_id").map(RemoteId),
        subscription_id: json::text(json, "subscription_id").map(RemoteId),
        created_at: json::instant(json, "created_at"),
        metafield: json.get("event_specific_data").and_then(metafield),
    })
}

/// `{metafield_name, new_value, resource_type, ...}`; those of subscriptions are none of a customer's.
fn metafield(data: &Json) -> Option<MetafieldChange> {
    json::text(data, "resource_type").filter(|kind| kind.eq_ignore_ascii_case("customer"))?;
    let value = data.get("new_value").and_then(|value| json::value(value).ok()).unwrap_or_default();
    Some(MetafieldChange { name: json::text(data, "metafield_name")?, value })
}
