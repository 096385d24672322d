//! Subscriptions as the service lists them (Maxio Advanced Billing API reference, list subscriptions, read subscription,
//! list customer subscriptions, seen 2026-08). They are only read.

use super::{Chargify, list::seconds, read};
use crate::clients::{CallContext, CallError, address, json};
use domain::{
    RemoteId, limits,
    subscription::{State, Subscription},
};
use serde_json::Value as Json;
use time::OffsetDateTime;

/// Which page to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubscriptionPage {
    /// From 1.
    pub page: u32,
    /// Only those changed since then, the last one first; else all, oldest first.
    pub updated_since: Option<OffsetDateTime>,
}

/// One page of subscriptions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubscriptionRows {
    pub subscriptions: Vec<Subscription>,
    /// Whether there may be a further page.
    pub more: bool,
    /// Rows that could not be read.
    pub unreadable: u64,
}

impl Chargify {
    /// One page of the site's subscriptions.
    ///
    /// # Errors
    /// A [`CallError`].
    pub async fn subscriptions(
        &self,
        context: &CallContext,
        page: &SubscriptionPage,
    ) -> Result<SubscriptionRows, CallError> {
        let answer = self.call(context, read("GET /subscriptions.json", target(page))).await?;
        rows(&answer.json()?).ok_or_else(|| answer.unreadable("the answer is no list of subscriptions"))
    }

    /// The subscription.
    ///
    /// # Errors
    /// [`UpstreamClass::NotFound`](crate::UpstreamClass) when there is none; other [`CallError`]s.
    pub async fn subscription(&self, context: &CallContext, id: &RemoteId) -> Result<Subscription, CallError> {
        let target = format!("/subscriptions/{}.json", address::encode(id.as_str()));
        let answer = self.call(context, read("GET /subscriptions/{id}.json", target)).await?;
        subscription(&answer.json()?).ok_or_else(|| answer.unreadable("the answer holds no whole subscription"))
    }

    /// The customer's subscriptions, those that can be read.
    ///
    /// # Errors
    /// A [`CallError`].
    pub async fn subscriptions_of(&self, context: &CallContext, id: &RemoteId) -> Result<Vec<Subscription>, CallError> {
        let target = format!("/customers/{}/subscriptions.json", address::encode(id.as_str()));
        let answer = self.call(context, read("GET /customers/{id}/subscriptions.json", target)).await?;
        let rows = rows(&answer.json()?).ok_or_else(|| answer.unreadable("the answer is no list of subscriptions"))?;
        Ok(rows.subscriptions)
    }
}

fn target(page: &SubscriptionPage) -> String {
    let mut query = vec![("page", page.page.max(1).to_string()), ("per_page", limits::CHARGIFY_PAGE.to_string())];
    match page.updated_since {
        // Backwards: what changes while it is listed comes to the front and shifts the rest to later pages, never past one.
        Some(since) => query.extend([
            ("sort", "updated_at".to_owned()),
            ("direction", "desc".to_owned()),
            ("date_field", "updated_at".to_owned()),
            ("start_datetime", seconds(since)),
        ]),
        None => query.extend([("sort", "created_at".to_owned()), ("direction", "asc".to_owned())]),
    }
    address::with_query("/subscriptions.json", &query)
}

/// `[{subscription: {...}}]`.
fn rows(body: &Json) -> Option<SubscriptionRows> {
    let rows = body.as_array()?;
    let subscriptions: Vec<Subscription> = rows.iter().filter_map(subscription).collect();
    Some(SubscriptionRows {
        more: rows.len() >= limits::CHARGIFY_PAGE as usize,
        unreadable: (rows.len() - subscriptions.len()) as u64,
        subscriptions,
    })
}

fn subscription(envelope: &Json) -> Option<Subscription> {
    let it = envelope.get("subscription").filter(|it| it.is_object())?;
    let product = it.get("product").filter(|product| product.is_object());
    Some(Subscription {
        id: RemoteId(json::text(it, "id")?),
        customer_id: RemoteId(json::text(it.get("customer")?, "id")?),
        state: State::from(json::text(it, "state")?),
        product: product.and_then(|product| json::text(product, "name")).unwrap_or_default(),
        product_handle: product.and_then(|product| json::text(product, "handle")),
        price_in_cents: json::integer(it, "product_price_in_cents")
            .or_else(|| product.and_then(|product| json::integer(product, "price_in_cents"))),
        balance_in_cents: json::integer(it, "balance_in_cents"),
        currency: json::text(it, "currency"),
        next_billing_at: json::instant(it, "next_assessment_at"),
        trial_ends_at: json::instant(it, "trial_ended_at"),
        created_at: json::instant(it, "created_at")?,
        updated_at: json::instant(it, "updated_at")?,
        event_id: None,
        payment: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use time::macros::datetime;

    #[test]
    fn rows_that_are_no_subscription_are_counted_and_the_others_kept() {
        let whole = json!({ "subscription": {
            "id": 2_179_431_131_i64, "state": "trialing", "customer": { "id": 77 }, "product": { "name": "Pro", "handle": "" },
            "product_price_in_cents": 4900, "balance_in_cents": "0", "currency": "EUR",
            "next_assessment_at": "2026-10-01T12:00:00-04:00", "trial_ended_at": null,
            "created_at": "2026-09-01T12:00:00-04:00", "updated_at": "2026-09-01T12:00:01-04:00", "news": [1],
        }});
        let found = rows(&json!([whole, { "subscription": null }, 7])).unwrap();
        assert_eq!((found.more, found.unreadable, found.subscriptions.len()), (false, 2, 1));
        let it = found.subscriptions.first().unwrap();
        assert_eq!((it.id.as_str(), it.customer_id.as_str(), it.state.as_str()), ("2179431131", "77", "trialing"));
        assert_eq!(
            (it.price_in_cents, it.balance_in_cents, it.product_handle.as_deref()),
            (Some(4_900), Some(0), None)
        );
        assert_eq!(it.next_billing_at, Some(datetime!(2026-10-01 16:00 UTC)));
        assert_eq!(rows(&json!({})), None);
    }

    #[test]
    fn what_changed_since_is_asked_for_backwards_with_a_zone() {
        let page = SubscriptionPage { page: 2, updated_since: Some(datetime!(2026-09-01 12:00:00.5 +2)) };
        let expected = "/subscriptions.json?page=2&per_page=200&sort=updated_at&direction=desc&date_field=updated_at\
                        &start_datetime=2026-09-01T10%3A00%3A00Z";
        assert_eq!(target(&page), expected);
        let all = SubscriptionPage { page: 1, updated_since: None };
        assert_eq!(target(&all), "/subscriptions.json?page=1&per_page=200&sort=created_at&direction=asc");
    }
}
