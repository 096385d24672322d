//! The site and the subscriptions of a customer, as far as they are shown (Maxio Advanced Billing API reference, read
//! site, list customer subscriptions, seen 2026-08).

use crate::clients::json;
use domain::RemoteId;
use serde_json::Value as Json;
use time::OffsetDateTime;

/// A site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    pub id: Option<i64>,
    pub name: String,
    pub subdomain: Option<String>,
    /// A test site: its data may be purged by the vendor.
    pub test: bool,
}

/// A subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    pub id: RemoteId,
    /// Such as `active`; unknown ones appear.
    pub state: String,
    pub product: Option<String>,
    pub created_at: Option<OffsetDateTime>,
    pub current_period_ends_at: Option<OffsetDateTime>,
    pub balance_in_cents: Option<i64>,
}

/// `{site: {...}}`.
pub(super) fn site(body: &Json) -> Option<Site> {
    let site = body.get("site").filter(|site| site.is_object())?;
    Some(Site {
        id: json::integer(site, "id"),
        name: json::text(site, "name").unwrap_or_default(),
        subdomain: json::text(site, "subdomain"),
        test: json::truth(site, "test").unwrap_or(false),
    })
}

/// `[{subscription: {...}}]`.
pub(super) fn subscriptions(body: &Json) -> Option<Vec<Subscription>> {
    Some(body.as_array()?.iter().filter_map(|row| subscription(row.get("subscription")?)).collect())
}

fn subscription(json: &Json) -> Option<Subscription> {
    Some(Subscription {
        id: RemoteId(json::text(json, "id")?),
        state: json::text(json, "state").unwrap_or_else(|| "unknown".to_owned()),
        product: json.get("product").and_then(|product| json::text(product, "name")),
        created_at: json::instant(json, "created_at"),
        current_period_ends_at: json::instant(json, "current_period_ends_at"),
        balance_in_cents: json::integer(json, "balance_in_cents"),
    })
}
