//! What the site's events tell of customers, compared with their copies.

use super::{Lost, Reading, listing::CustomerWish, subscriptions::SUBSCRIPTION_EVENTS};
use crate::{
    EngineError, Result, UpstreamClass,
    clients::chargify::{Event, EventPage},
    store::records::RecordRow,
};
use domain::{Side, deletes::GoneBy, limits, record::FieldKey, value::Value};
use std::collections::BTreeMap;
use time::OffsetDateTime;

/// The events that tell of customers.
const CUSTOMER_EVENTS: [&str; 3] = ["customer_create", "customer_update", DELETED];
const DELETED: &str = "customer_delete";
/// Tells of metafields, where some are mapped.
const METAFIELD: &str = "custom_field_value_change";

/// More customers than this are read by list rather than one by one.
pub(super) const GETS_MAX: usize = 20;

/// Events by the customer they tell of.
pub(super) type Told = BTreeMap<String, Vec<Event>>;

/// A customer whose copy is older than what events tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stale {
    pub(crate) id: String,
    /// When it was changed last, by the site's clock, and the event that tells of it.
    pub(crate) at: OffsetDateTime,
    pub(crate) event_id: i64,
    /// What is to be said of it, should it turn out to be gone.
    pub(crate) how: GoneBy,
}

/// How hearing went.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard {
    pub(super) read: u64,
    /// Customers that could not be read.
    pub(super) lost: Lost,
    /// The newest event.
    pub(super) newest: i64,
}

impl Reading<'_> {
    /// Reads the customers that events after `event_id` tell of and whose copies are older than that. Those whose copies
    /// somebody renewed without planning them are taken up as well, as they are. What events tell of subscriptions is heard
    /// along with it, without a call of its own.
    pub(super) async fn heard_customers(&self, event_id: i64) -> Result<Heard> {
        let (began_at, since) = (self.engine.clock().now(), self.heard_from(event_id).await?);
        let mut keys = self.customer_keys();
        if self.context.wants_subscriptions() {
            keys.extend(SUBSCRIPTION_EVENTS);
        }
        let (mut told, newest) = self.told_by(since, 0, &keys).await?;
        let newest = newest.max(event_id);
        let unplanned = self.unplanned_of(&told).await?;
        self.hear_subscriptions(&mut told, (began_at, newest)).await?;
        let stale = self.stale_of(&told).await?;
        if !unplanned.is_empty() {
            let mut conn = self.engine.store().session().await?;
            conn.mark_records_seen(self.mark(Side::Chargify), self.run_id, &unplanned).await?;
        }
        let mut heard = Heard { newest, ..Heard::default() };
        if stale.len() > GETS_MAX
            && let Some(earliest) = stale.iter().map(|one| one.at).min()
        {
            let wish = CustomerWish {
                updated_since: Some(earliest - time::Duration::seconds(limits::WATERMARK_OVERLAP_S)),
                expected: stale.len() as u64,
                heard: stale.iter().map(|one| (one.id.clone(), one.event_id)).collect(),
            };
            let listed = self.all_customers(&wish).await?;
            (heard.read, heard.lost) = (listed.read, listed.lost);
            return Ok(heard);
        }
        for one in stale {
            let mark = self.mark(Side::Chargify);
            match self.one_told(Side::Chargify, &one.id, one.how).await {
                Ok(Some(mut customer)) => {
                    customer.stamp.event_id = Some(one.event_id);
                    self.keep(mark, &[customer]).await?;
                    heard.read += 1;
                }
                Ok(None) => {}
                Err(EngineError::Upstream { class: UpstreamClass::Malformed, .. }) => {
                    heard.lost.tell(format!("Customer {} cannot be read: the answer is not understood.", one.id));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(heard)
    }

    /// Those of them whose copies nobody has planned: younger than what was settled about their pair, or never given a
    /// verdict. A run that was already writing saw the change and had no place for it, or a person looked at the record.
    async fn unplanned_of(&self, told: &Told) -> Result<Vec<String>> {
        let ids: Vec<String> = told.keys().cloned().collect();
        let mut conn = self.engine.store().session().await?;
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        let copies = conn.records_by_ids(workspace_id, sync_id, Side::Chargify, &ids).await?;
        let links = conn.links_of_records(workspace_id, sync_id, &[], &ids).await?;
        let settled: BTreeMap<&str, OffsetDateTime> =
            links.iter().map(|link| (link.customer_id.as_str(), link.settled_at)).collect();
        let is_unplanned = |copy: &&RecordRow| match (settled.get(copy.remote_id.as_str()), copy.gone_at) {
            (Some(settled_at), gone_at) => gone_at.unwrap_or(copy.read_at) > *settled_at,
            (None, gone_at) => gone_at.is_none() && copy.verdict == "unpaired",
        };
        Ok(copies.iter().filter(is_unplanned).map(|copy| copy.remote_id.clone()).collect())
    }

    /// Customers that events after `event_id` tell of and whose copies are older; and the newest event.
    pub(crate) async fn stale_customers(&self, event_id: i64, expected: u64) -> Result<(Vec<Stale>, i64)> {
        let (told, newest) = self.told(event_id, expected).await?;
        Ok((self.stale_of(&told).await?, newest))
    }

    /// What events after `event_id` tell of customers; and the newest event. As many pages as `expected` events fill are
    /// read side by side, further ones one after the other.
    pub(super) async fn told(&self, event_id: i64, expected: u64) -> Result<(Told, i64)> {
        self.told_by(event_id, expected, &self.customer_keys()).await
    }

    async fn told_by(&self, event_id: i64, expected: u64, keys: &[&str]) -> Result<(Told, i64)> {
        let mut newest = event_id;
        let mut told = Told::new();
        // Events show up some seconds late and out of order.
        let mut since = event_id.saturating_sub(limits::EVENT_OVERLAP).max(1);
        if event_id == 0 {
            since = 0;
        }
        let (mut page, mut ahead) = (1, (expected / u64::from(limits::CHARGIFY_PAGE)).max(1));
        loop {
            let at_once = ahead.clamp(1, u64::from(limits::CHARGIFY_IN_FLIGHT));
            let read = (page..page + at_once).map(|page| self.event_page(since, page, keys));
            let pages = futures::future::try_join_all(read).await?;
            let Some(last) = pages.last() else { break };
            let on = last.events.last().filter(|_| last.more).map(|event| event.id);
            for event in pages.into_iter().flat_map(|page| page.events) {
                newest = newest.max(event.id);
                if let Some(id) = &event.customer_id {
                    let known = told.entry(id.0.clone()).or_default();
                    if known.iter().all(|other| other.id != event.id) {
                        known.push(event);
                    }
                }
            }
            let Some(last_id) = on else { break };
            (page, ahead) = (page + at_once, ahead - at_once);
            if ahead == 0 {
                // Nothing is expected any more: on from the last one, since pages are counted from `since`.
                (since, page, ahead) = (last_id.saturating_add(1), 1, 1);
            }
        }
        Ok((told, newest))
    }

    /// Those of them whose copies are older than what is told.
    pub(super) async fn stale_of(&self, told: &Told) -> Result<Vec<Stale>> {
        let ids: Vec<String> = told.keys().cloned().collect();
        let mut conn = self.engine.store().session().await?;
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        let copies = conn.records_by_ids(workspace_id, sync_id, Side::Chargify, &ids).await?;
        let copies: BTreeMap<&str, &RecordRow> = copies.iter().map(|row| (row.remote_id.as_str(), row)).collect();
        let now = self.engine.clock().now();
        let stale = told.iter().filter_map(|(id, events)| {
            let copy = copies.get(id.as_str());
            // Deleted before anybody read it: there is nothing to ask for, now or with the next run.
            let never_met = copy.is_none() && events.iter().any(|event| event.key == DELETED);
            let stale = !never_met && !copy.is_some_and(|copy| tells_nothing_new(copy, events));
            let event_id = events.iter().map(|event| event.id).max()?;
            let at = events.iter().filter_map(|event| event.created_at).max().unwrap_or(now);
            let is_told = events.iter().any(|event| event.key == DELETED);
            let how = if is_told { GoneBy::Event } else { GoneBy::Asked };
            stale.then(|| Stale { id: id.clone(), at, event_id, how })
        });
        Ok(stale.collect())
    }

    fn customer_keys(&self) -> Vec<&'static str> {
        let mut keys = CUSTOMER_EVENTS.to_vec();
        if self.context.maps_own_fields(Side::Chargify) {
            keys.push(METAFIELD);
        }
        keys
    }

    async fn event_page(&self, since: i64, page: u64, keys: &[&str]) -> Result<EventPage> {
        self.try_read(|| self.readers.events(&self.call, since, page, keys)).await
    }
}

/// Whether a copy holds all that these events tell. Event and copy carry the site's own time, so our own writes are
/// recognised without a call.
///
/// Instants are whole seconds. What made the copy's state told of itself once, if no event is known of it; a further event
/// of that second is somebody else's change.
fn tells_nothing_new(copy: &RecordRow, events: &[Event]) -> bool {
    if copy.gone_at.is_some() {
        return true;
    }
    let known = copy.event_id.unwrap_or(0);
    let unseen: Vec<&Event> =
        events.iter().filter(|event| event.id > known && !is_known_metafield(copy, event, events)).collect();
    if unseen.iter().any(|event| event.key == DELETED) {
        return false;
    }
    let mut its_own = usize::from(copy.event_id.is_none());
    unseen.iter().all(|event| match (event.created_at, copy.updated_at) {
        (Some(told_at), Some(copy_at)) if told_at == copy_at => {
            let is_its_own = its_own > 0;
            its_own = 0;
            is_its_own
        }
        (Some(told_at), Some(copy_at)) => told_at < copy_at,
        _ => false,
    })
}

/// Whether an event tells of a metafield that the copy does not keep, or whose newest value told it holds.
fn is_known_metafield(copy: &RecordRow, event: &Event, events: &[Event]) -> bool {
    if event.key != METAFIELD {
        return false;
    }
    // Of a subscription: none of the customer's.
    let Some(change) = &event.metafield else { return true };
    let same = |other: &&Event| other.metafield.as_ref().is_some_and(|other| other.name == change.name);
    let Some(newest) = events.iter().filter(same).max_by_key(|other| other.id).and_then(|last| last.metafield.as_ref())
    else {
        return true;
    };
    let held = copy.field_values.get(FieldKey::metafield(&change.name).as_str());
    let held = held.map(|held| serde_json::from_value::<Value>(held.clone()).unwrap_or_default());
    held.is_none_or(|held| held.display() == newest.value.display())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::chargify::MetafieldChange;
    use domain::RemoteId;
    use time::{Duration, macros::datetime};

    const SECOND: OffsetDateTime = datetime!(2026-11-22 06:00:00 UTC);

    fn copy(event_id: Option<i64>) -> RecordRow {
        RecordRow {
            side: "chargify".to_owned(),
            remote_id: "7".to_owned(),
            field_values: serde_json::Value::Null,
            updated_at: Some(SECOND),
            event_id,
            email: None,
            reference: None,
            verdict: "in_step".to_owned(),
            read_at: SECOND,
            gone_at: None,
        }
    }

    fn event(id: i64, seconds: i64, key: &str) -> Event {
        Event {
            id,
            key: key.to_owned(),
            customer_id: Some(RemoteId("7".to_owned())),
            subscription_id: None,
            created_at: Some(SECOND + Duration::seconds(seconds)),
            metafield: None,
        }
    }

    fn tier(id: i64, value: &str) -> Event {
        let metafield = Some(MetafieldChange { name: "tier".to_owned(), value: value.into() });
        Event { metafield, ..event(id, 60, METAFIELD) }
    }

    #[test]
    fn a_metafield_is_news_unless_the_copy_holds_its_newest_value() {
        let copy = RecordRow { field_values: serde_json::json!({ "metafield:tier": "Gold" }), ..copy(None) };
        assert!(tells_nothing_new(&copy, &[tier(5, "Silver"), tier(6, "Gold")]));
        assert!(!tells_nothing_new(&copy, &[tier(6, "Silver"), tier(5, "Gold")]));
        let of_a_subscription = Event { metafield: None, ..tier(7, "x") };
        assert!(tells_nothing_new(&copy, &[of_a_subscription]));
        let unmapped = RecordRow { field_values: serde_json::json!({}), ..copy.clone() };
        assert!(tells_nothing_new(&unmapped, &[tier(5, "Silver")]));
    }

    #[test]
    fn an_event_is_news_unless_the_copy_holds_it() {
        let update = "customer_update";
        let table = [
            ("our own write tells of itself once", None, vec![event(5, 0, update)], true),
            (
                "a second event of that second is somebody else's",
                None,
                vec![event(5, 0, update), event(6, 0, update)],
                false,
            ),
            ("an older one is in the copy", None, vec![event(4, -1, update), event(5, 0, update)], true),
            ("a younger one is not", None, vec![event(5, 1, update)], false),
            ("what was heard before is known", Some(6), vec![event(5, 0, update), event(6, 0, update)], true),
            (
                "after a known one the same second brings news",
                Some(5),
                vec![event(5, 0, update), event(6, 0, update)],
                false,
            ),
            ("a deletion is news in the very second of a write", None, vec![event(5, 0, DELETED)], false),
        ];
        for (what, known, events, nothing_new) in table {
            assert_eq!(tells_nothing_new(&copy(known), &events), nothing_new, "{what}");
        }
        let gone = RecordRow { gone_at: Some(SECOND), ..copy(None) };
        assert!(tells_nothing_new(&gone, &[event(5, 9, update)]), "whoever is gone stays gone");
    }
}
