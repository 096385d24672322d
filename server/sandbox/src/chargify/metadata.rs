//! The custom field operations of the API: definitions of the site and values of one or many records.

use serde_json::{Map, Value, json};

use super::{
    Chargify,
    call::{Call, error, errors, not_found},
    events::NewEvent,
    metafields::{CustomFields, Owner, Refusal, ValueChange},
    zone::Window,
};
use crate::request::Reply;

/// Records one request for values may name.
const MAX_RESOURCES: usize = 50;

impl Chargify {
    pub fn custom_fields(&self, owner: Owner) -> &CustomFields {
        match owner {
            Owner::Customer => &self.customer_fields,
            Owner::Subscription => &self.subscription_fields,
        }
    }

    /// The definitions and values, to be changed as a person would.
    pub fn custom_fields_mut(&mut self, owner: Owner) -> &mut CustomFields {
        match owner {
            Owner::Customer => &mut self.customer_fields,
            Owner::Subscription => &mut self.subscription_fields,
        }
    }

    /// `GET /{owner}/metafields.json`.
    pub(super) fn list_metafields(&self, owner: Owner, call: &Call<'_>) -> Reply {
        let page = match call.page(20) {
            Ok(page) => page,
            Err(refusal) => return refusal,
        };
        let fields = self.custom_fields(owner);
        let wanted = call.param("name").filter(|name| !name.is_empty());
        let mut chosen: Vec<_> = fields.fields().filter(|field| wanted.is_none_or(|name| field.name == name)).collect();
        if call.descending(false) {
            chosen.reverse();
        }
        let total = chosen.len();
        let rows = fields.fields_json(page.of(chosen.into_iter()));
        page.counted(total, "metafields", rows)
    }

    /// `POST` and `PUT /{owner}/metafields.json`.
    pub(super) fn write_metafields(&mut self, owner: Owner, call: &Call<'_>, create: bool) -> Reply {
        let wishes = match read(&call.body, "metafields") {
            Ok(wishes) => wishes,
            Err(refusal) => return refusal,
        };
        let fields = self.custom_fields_mut(owner);
        let mut ids = Vec::new();
        for wish in &wishes {
            match if create { fields.define(wish) } else { fields.redefine(wish) } {
                Ok(id) => ids.push(id),
                Err(refusal) => return error(refusal),
            }
        }
        let rows = fields.fields_json(fields.fields().filter(|field| ids.contains(&field.id)));
        Reply::json(200, &Value::Array(rows))
    }

    /// `DELETE /{owner}/metafields.json?name=`.
    pub(super) fn delete_metafield(&mut self, owner: Owner, call: &Call<'_>) -> Reply {
        let name = call.param("name").unwrap_or_default();
        if self.custom_fields_mut(owner).undefine(name) { Reply::empty(200) } else { not_found() }
    }

    /// `GET /{owner}/{id}/metadata.json`.
    pub(super) fn list_metadata(&self, owner: Owner, id: i64, call: &Call<'_>) -> Reply {
        if !self.has_record(owner, id) {
            return not_found();
        }
        let page = match call.page(20) {
            Ok(page) => page,
            Err(refusal) => return refusal,
        };
        let fields = self.custom_fields(owner);
        let mut rows: Vec<_> = fields.rows(id).filter(|(_, row)| row.deleted_at.is_none()).collect();
        rows.sort_by_key(|(_, row)| row.id);
        let total = rows.len();
        let zone = self.site.zone;
        let rows = page.of(rows.into_iter()).map(|(field, row)| fields.row(id, field, row, zone)).collect();
        page.counted(total, "metadata", rows)
    }

    /// `GET /{owner}/metadata.json`: values of many records.
    pub(super) fn list_all_metadata(&self, owner: Owner, call: &Call<'_>) -> Reply {
        let page = match call.page(20) {
            Ok(page) => page,
            Err(refusal) => return refusal,
        };
        let ids: Vec<i64> = call.list("resource_ids").iter().filter_map(|id| id.parse().ok()).collect();
        if ids.len() > MAX_RESOURCES {
            return errors(&[format!("resource_ids: at most {MAX_RESOURCES} can be asked for at once.")]);
        }
        let window = match call.param("date_field") {
            Some("updated_at") => Window::from_query(self.site.zone, |name| call.param(name)),
            _ => Window::default(),
        };
        let with_deleted = call.param("with_deleted") == Some("true");
        let fields = self.custom_fields(owner);
        let mut rows: Vec<_> = fields
            .rows_of(&ids)
            .into_iter()
            .filter(|(_, _, row)| with_deleted || row.deleted_at.is_none())
            .filter(|(_, _, row)| window.contains(row.deleted_at.unwrap_or(row.updated_at)))
            .collect();
        rows.sort_by_key(|(_, _, row)| row.id);
        if call.descending(false) {
            rows.reverse();
        }
        let (total, zone) = (rows.len(), self.site.zone);
        let rows = page.of(rows.into_iter()).map(|(id, field, row)| fields.row(id, field, row, zone)).collect();
        page.counted(total, "metadata", rows)
    }

    /// `POST` and `PUT /{owner}/{id}/metadata.json`: writes values by name, one or many.
    pub(super) fn write_metadata(&mut self, owner: Owner, id: i64, call: &Call<'_>) -> Reply {
        if !self.has_record(owner, id) {
            return not_found();
        }
        let wishes = match read(&call.body, "metadata") {
            Ok(wishes) => wishes,
            Err(refusal) => return refusal,
        };
        match self.set_metadata(owner, id, &wishes, call.now) {
            Ok(rows) => Reply::json(200, &Value::Array(rows)),
            Err(refusal) => error(refusal),
        }
    }

    /// `DELETE /{owner}/{id}/metadata.json?name=` or `names[]=`.
    pub(super) fn delete_metadata(&mut self, owner: Owner, id: i64, call: &Call<'_>) -> Reply {
        let mut names = call.list("names");
        names.extend(call.param("name"));
        match self.custom_fields_mut(owner).erase(id, &names, call.now) {
            Some(changes) => {
                for change in changes {
                    self.tell_value_change(change, call.now);
                }
                Reply::empty(200)
            }
            None => not_found(),
        }
    }

    /// Writes values and records each change in the events feed. Webhooks do not exist for this.
    ///
    /// # Errors
    /// Without a name, and where a new definition is refused; what came before the refusal stays.
    pub fn set_metadata(
        &mut self,
        owner: Owner,
        id: i64,
        wishes: &[Map<String, Value>],
        now: time::OffsetDateTime,
    ) -> Result<Vec<Value>, Refusal> {
        let zone = self.site.zone;
        let mut rows = Vec::new();
        for wish in wishes {
            let (row, change) = self.custom_fields_mut(owner).write(id, wish, now, zone)?;
            rows.push(row);
            if let Some(change) = change {
                self.tell_value_change(change, now);
            }
        }
        Ok(rows)
    }

    fn tell_value_change(&mut self, change: ValueChange, now: time::OffsetDateTime) {
        let (subscription_id, customer_id) = match change.owner {
            Owner::Customer => (None, Some(change.resource_id)),
            Owner::Subscription => {
                let customer = self.subscriptions.get(change.resource_id).map(|subscription| subscription.customer_id);
                (Some(change.resource_id), customer)
            }
        };
        let message = format!(
            "Custom field ({}) changed for {} {} from '{}' to '{}'.",
            change.metafield_name,
            change.owner.name(),
            change.resource_id,
            change.old.as_deref().unwrap_or_default(),
            change.new.as_deref().unwrap_or_default(),
        );
        let kind = match (&change.old, &change.new) {
            (None, _) => "created",
            (_, None) => "deleted",
            _ => "updated",
        };
        let data = json!({
            "event_type": kind, "metafield_name": change.metafield_name, "metafield_id": change.metafield_id,
            "old_value": change.old, "new_value": change.new, "resource_type": change.owner.name(),
            "resource_id": change.resource_id,
        });
        let event = NewEvent { key: "custom_field_value_change", message, subscription_id, customer_id, data };
        self.note_event(event, now);
    }

    fn has_record(&self, owner: Owner, id: i64) -> bool {
        match owner {
            Owner::Customer => self.customers.get(id).is_some(),
            Owner::Subscription => self.subscriptions.get(id).is_some(),
        }
    }
}

/// Reads one object or a list of them below the root key.
fn read(body: &Value, root: &str) -> Result<Vec<Map<String, Value>>, Reply> {
    let wishes: Vec<Map<String, Value>> = match body.get(root) {
        Some(Value::Object(wish)) => vec![wish.clone()],
        Some(Value::Array(wishes)) => wishes.iter().filter_map(Value::as_object).cloned().collect(),
        _ => return Err(error(&format!("The root key '{root}' is required"))),
    };
    Ok(wishes)
}
