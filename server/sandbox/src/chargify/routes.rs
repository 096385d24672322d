//! From method and path to the operation. Paths end in `.json` and are case-sensitive.

use super::{
    Chargify,
    call::{Call, not_found},
    metafields::Owner,
};
use crate::request::Reply;

impl Chargify {
    pub(super) fn route(&mut self, call: &Call<'_>) -> Reply {
        let Some(path) = call.request.path.strip_suffix(".json") else { return not_found() };
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        let method = call.request.method.as_str();
        self.route_fields(method, &segments, call)
            .or_else(|| self.route_customers(method, &segments, call))
            .or_else(|| self.route_subscriptions(method, &segments, call))
            .or_else(|| self.route_site(method, &segments, call))
            .unwrap_or_else(not_found)
    }

    /// Custom fields, whose paths are static siblings of records.
    fn route_fields(&mut self, method: &str, segments: &[&str], call: &Call<'_>) -> Option<Reply> {
        let owner = Owner::from_path(segments.first()?)?;
        Some(match (method, segments) {
            ("GET", [_, "metafields"]) => self.list_metafields(owner, call),
            ("POST", [_, "metafields"]) => self.write_metafields(owner, call, true),
            ("PUT", [_, "metafields"]) => self.write_metafields(owner, call, false),
            ("DELETE", [_, "metafields"]) => self.delete_metafield(owner, call),
            ("GET", [_, "metadata"]) => self.list_all_metadata(owner, call),
            ("GET", [_, id, "metadata"]) => self.list_metadata(owner, number(id)?, call),
            ("POST" | "PUT", [_, id, "metadata"]) => self.write_metadata(owner, number(id)?, call),
            ("DELETE", [_, id, "metadata"]) => self.delete_metadata(owner, number(id)?, call),
            _ => return None,
        })
    }

    fn route_customers(&mut self, method: &str, segments: &[&str], call: &Call<'_>) -> Option<Reply> {
        Some(match (method, segments) {
            ("GET", ["customers"]) => self.list_customers(call),
            ("POST", ["customers"]) => self.create_customer(call),
            ("GET", ["customers", "lookup"]) => self.look_up_customer(call),
            ("GET", ["customers", id]) => self.read_customer(number(id)?),
            ("PUT", ["customers", id]) => self.update_customer(number(id)?, call),
            ("DELETE", ["customers", id]) => self.delete_customer(number(id)?, call),
            ("GET", ["customers", id, "subscriptions"]) => self.list_customer_subscriptions(number(id)?),
            _ => return None,
        })
    }

    fn route_subscriptions(&mut self, method: &str, segments: &[&str], call: &Call<'_>) -> Option<Reply> {
        Some(match (method, segments) {
            ("GET", ["subscriptions"]) => self.list_subscriptions(call),
            ("POST", ["subscriptions"]) => self.create_subscription(call),
            ("GET", ["subscriptions", "lookup"]) => self.look_up_subscription(call),
            ("GET", ["subscriptions", id]) => self.read_subscription(number(id)?),
            ("DELETE", ["subscriptions", id]) => self.cancel_subscription(number(id)?, call),
            ("POST", ["subscriptions", id, "purge"]) => self.purge_subscription(number(id)?, call),
            ("GET", ["subscriptions", id, "events"]) => self.list_events(call, Some(number(id)?)),
            ("GET", ["subscriptions", id, "notes"]) => self.list_notes(number(id)?, call),
            ("POST", ["subscriptions", id, "notes"]) => self.create_note(number(id)?, call),
            ("GET", ["subscriptions", id, "notes", note]) => self.read_note(number(id)?, number(note)?),
            ("PUT", ["subscriptions", id, "notes", note]) => self.update_note(number(id)?, number(note)?, call),
            ("DELETE", ["subscriptions", id, "notes", note]) => self.delete_note(number(id)?, number(note)?),
            _ => return None,
        })
    }

    fn route_site(&mut self, method: &str, segments: &[&str], call: &Call<'_>) -> Option<Reply> {
        Some(match (method, segments) {
            ("GET", ["site"]) => self.read_site(),
            ("POST", ["sites", "clear_data"]) => self.clear_data(call),
            ("GET", ["events"]) => self.list_events(call, None),
            ("GET", ["events", "count"]) => self.count_events(call),
            ("GET", ["endpoints"]) => self.list_endpoints(),
            ("POST", ["endpoints"]) => self.create_endpoint(call),
            ("PUT", ["endpoints", id]) => self.update_endpoint(number(id)?, call),
            ("GET", ["webhooks"]) => self.list_webhooks(call),
            ("PUT", ["webhooks", "settings"]) => self.set_webhooks_enabled(call),
            ("POST", ["webhooks", "replay"]) => self.replay_webhooks(call),
            _ => return None,
        })
    }
}

fn number(segment: &str) -> Option<i64> {
    segment.parse().ok()
}
