//! Operations on contacts.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::{
    body,
    call::Call,
    contact::{Contact, millis},
    location::Location,
    refusal::{Answer, Refusal},
    search::Search,
};

const LIST_MAX: usize = 100;

/// The order in which a location's duplicate policy looks for the same person.
const UNIQUE: [&str; 2] = ["email", "phone"];

impl Location {
    /// A contact, or the refusal a missing one gets.
    pub(super) fn contact(&self, id: &str) -> Result<&Arc<Contact>, Refusal> {
        self.book.get(id).ok_or_else(|| {
            if self.missing_is_400 {
                Refusal::bad_request(format!("Contact with id {id} not found"))
            } else {
                Refusal::not_found("Contact not found")
            }
        })
    }

    /// Adds a contact from checked properties.
    pub(super) fn add(&mut self, map: &Map<String, Value>, now: OffsetDateTime) -> Result<Arc<Contact>, Refusal> {
        let mut contact = Contact::new(String::new(), Arc::clone(&self.id), now);
        body::apply(&mut contact, map, &self.country);
        self.write_fields(&mut contact, map);
        if contact.source.is_none() {
            contact.source = Some("public api".to_owned());
        }
        self.refuse_duplicate(&contact, None, false)?;
        contact.id = self.new_id();
        self.know_tags(&contact.tags);
        let contact = self.book.put(contact, now);
        self.tell("ContactCreate", contact.payload());
        Ok(contact)
    }

    /// Changes the named properties of a contact.
    pub(super) fn change(
        &mut self,
        id: &str,
        map: &Map<String, Value>,
        now: OffsetDateTime,
    ) -> Result<Arc<Contact>, Refusal> {
        let mut contact = (**self.contact(id)?).clone();
        body::apply(&mut contact, map, &self.country);
        self.write_fields(&mut contact, map);
        self.refuse_duplicate(&contact, Some(id), true)?;
        Ok(self.store(contact, now))
    }

    /// Stores a changed contact and tells what changed.
    fn store(&mut self, mut contact: Contact, now: OffsetDateTime) -> Arc<Contact> {
        contact.date_updated = now;
        self.know_tags(&contact.tags);
        let before = self.book.get(&contact.id).map(|before| (**before).clone());
        let contact = self.book.put(contact, now);
        if let Some(mut before) = before {
            let (tags, dnd) =
                (before.tags != contact.tags, before.dnd != contact.dnd || before.dnd_settings != contact.dnd_settings);
            // What has an event of its own is set aside before the rest is compared.
            before.tags.clone_from(&contact.tags);
            before.dnd = contact.dnd;
            if before.payload() != contact.payload() {
                self.tell("ContactUpdate", contact.payload());
            }
            if tags {
                self.tell("ContactTagUpdate", contact.payload());
            }
            if dnd {
                let mut payload = contact.payload();
                payload.insert("dndSettings".to_owned(), contact.dnd_settings.clone());
                self.tell("ContactDndUpdate", payload);
            }
        }
        contact
    }

    /// Replaces a contact's tags, leaving `dateUpdated` alone, as the tag operations do.
    pub(super) fn set_tags(
        &mut self,
        id: &str,
        tags: Vec<String>,
        now: OffsetDateTime,
    ) -> Result<Arc<Contact>, Refusal> {
        let before = Arc::clone(self.contact(id)?);
        if before.tags == tags {
            return Ok(before);
        }
        self.know_tags(&tags);
        let contact = self.book.put(Contact { tags, ..(*before).clone() }, now);
        self.tell("ContactTagUpdate", contact.payload());
        Ok(contact)
    }

    /// Links contacts to a business, or unlinks them; no event tells of it.
    pub(super) fn link_business(&mut self, id: &str, business_id: Option<&str>, now: OffsetDateTime) -> bool {
        let Some(contact) = self.book.get(id).map(|contact| (**contact).clone()) else { return false };
        let changed = Contact { business_id: business_id.map(str::to_owned), date_updated: now, ..contact };
        self.book.put(changed, now);
        true
    }

    /// Replaces a contact's followers.
    pub(super) fn set_followers(&mut self, contact: &Contact, followers: Vec<String>, now: OffsetDateTime) {
        self.book.put(Contact { followers, ..contact.clone() }, now);
    }

    /// Deletes a contact; it can be restored, what hung on it can not.
    pub(super) fn remove(&mut self, id: &str, now: OffsetDateTime) -> Result<(), Refusal> {
        self.contact(id)?;
        if let Some(contact) = self.book.delete(id, now) {
            self.forget_around(id);
            self.tell("ContactDelete", contact.payload());
        }
        Ok(())
    }

    /// Merges a contact into another as the vendor's page does: what the other lacks is filled in, the first is gone.
    /// No event tells of a merge.
    pub(super) fn merge(&mut self, from: &str, into: &str, now: OffsetDateTime) -> bool {
        let (Some(gone), Some(kept)) = (self.book.get(from), self.book.get(into)) else { return false };
        let mut kept = (**kept).clone();
        body::fill_gaps(&mut kept, gone);
        kept.date_updated = now;
        self.book.delete(from, now);
        self.book.put(kept, now);
        if let Some(mut notes) = self.notes.remove(from) {
            notes.iter_mut().for_each(|note| into.clone_into(&mut note.contact_id));
            self.notes.entry(into.to_owned()).or_default().extend(notes);
        }
        if let Some(mut tasks) = self.tasks.remove(from) {
            tasks.iter_mut().for_each(|task| into.clone_into(&mut task.contact_id));
            self.tasks.entry(into.to_owned()).or_default().extend(tasks);
        }
        for appointment in self.appointments.values_mut().filter(|appointment| appointment.contact_id == from) {
            into.clone_into(&mut appointment.contact_id);
        }
        true
    }

    fn refuse_duplicate(&self, contact: &Contact, except: Option<&str>, updating: bool) -> Result<(), Refusal> {
        if self.allow_duplicates {
            return Ok(());
        }
        let before = except.and_then(|id| self.book.get(id));
        for field in UNIQUE {
            // A key the contact already shares with another, from before the policy, does not bar other changes.
            let kept = before.is_some_and(|before| key(before, field) == key(contact, field));
            if let (false, Some(other)) = (kept, self.same(contact, field, except)) {
                return Err(Refusal::duplicate(&other.id, field, other.name(), updating));
            }
        }
        Ok(())
    }

    fn same(&self, contact: &Contact, field: &str, except: Option<&str>) -> Option<&Arc<Contact>> {
        let key = key(contact, field)?;
        if field == "email" { self.book.by_email(key, except) } else { self.book.by_phone(key, except) }
    }

    fn write_fields(&self, contact: &mut Contact, map: &Map<String, Value>) {
        for item in map.get("customFields").and_then(Value::as_array).into_iter().flatten() {
            let named = ["id", "key"].iter().find_map(|name| item.get(*name)).and_then(Value::as_str);
            let Some(field) = named.and_then(|named| self.field(named)) else { continue };
            let value = ["field_value", "fieldValue"].iter().find_map(|name| item.get(*name)).unwrap_or(&Value::Null);
            let clears = value.is_null() || value == "" || value.as_array().is_some_and(Vec::is_empty);
            contact.set_custom_field(&field.id, (!clears).then(|| value.clone()));
        }
    }

    pub(super) fn create_contact(&mut self, call: &Call<'_>) -> Answer {
        body::contact(&call.body, body::CREATE)?;
        call.same_location(call.body.get("locationId"))?;
        let contact = self.add(call.object()?, call.now)?;
        Ok((201, json!({ "contact": contact.created() })))
    }

    pub(super) fn update_contact(&mut self, id: &str, call: &Call<'_>) -> Answer {
        self.contact(id)?;
        body::contact(&call.body, body::UPDATE)?;
        let contact = self.change(id, call.object()?, call.now)?;
        Ok((200, json!({ "succeded": true, "contact": contact.full() })))
    }

    /// Matches by the first key of the policy; a second key that belongs to somebody else is silently left out.
    pub(super) fn upsert_contact(&mut self, call: &Call<'_>) -> Answer {
        body::contact(&call.body, body::UPSERT)?;
        call.same_location(call.body.get("locationId"))?;
        let mut map = call.object()?.clone();
        let mut sketch = Contact::new(String::new(), Arc::clone(&self.id), call.now);
        body::apply(&mut sketch, &map, &self.country);
        if sketch.email.is_none() && sketch.phone.is_none() {
            return Err(Refusal::bad_request("Either email or phone is required"));
        }
        let force = self.allow_duplicates && map.get("createNewIfDuplicateAllowed") == Some(&Value::Bool(true));
        let found = UNIQUE.iter().find_map(|field| self.same(&sketch, field, None)).map(|contact| contact.id.clone());
        match found.filter(|_| !force) {
            None => {
                let contact = self.add(&map, call.now)?;
                Ok((200, json!({ "new": true, "contact": contact.full() })))
            }
            Some(id) => {
                for field in UNIQUE {
                    if !self.allow_duplicates && self.same(&sketch, field, Some(&id)).is_some() {
                        map.remove(field);
                    }
                }
                let contact = self.change(&id, &map, call.now)?;
                Ok((200, json!({ "new": false, "contact": contact.full() })))
            }
        }
    }

    pub(super) fn delete_contact(&mut self, id: &str, call: &Call<'_>) -> Answer {
        self.remove(id, call.now)?;
        Ok((200, json!({ "succeded": true })))
    }

    pub(super) fn search_contacts(&mut self, call: &Call<'_>) -> Answer {
        let search = Search::read(&call.body)?;
        call.same_location(call.body.get("locationId"))?;
        self.book.settle(call.now);
        let found = search.run(&self.book.index);
        let rows: Vec<Value> = found
            .contacts
            .iter()
            .map(|(contact, cursor)| {
                let business = contact.business_id.as_ref().and_then(|id| self.businesses.get(id));
                contact.row(cursor.clone(), business.map(|business| business.name.as_str()))
            })
            .collect();
        Ok((200, json!({ "contacts": rows, "total": found.total })))
    }

    pub(super) fn find_duplicate(&self, call: &Call<'_>) -> Answer {
        call.location_param()?;
        let email = call.request.param("email").and_then(|email| self.book.by_email(email, None));
        let phone = || {
            let number = call.request.param("number")?;
            self.book.by_phone(&body::phone_e164(number, &self.country), None)
        };
        let found = email.or_else(phone).map_or(Value::Null, |contact| contact.full());
        Ok((200, json!({ "contact": found })))
    }

    /// The old list: newest first, with a cursor of two values.
    pub(super) fn list_contacts(&mut self, call: &Call<'_>) -> Answer {
        call.location_param()?;
        let limit = call.number("limit", 20)?.clamp(1, LIST_MAX);
        self.book.settle(call.now);
        let query = call.request.param("query").map(str::to_lowercase);
        let start = call.request.param("startAfter").and_then(|at| at.parse::<i64>().ok());
        let cursor = start.zip(call.request.param("startAfterId").map(str::to_owned));
        let index = &self.book.index;
        let page: Vec<&Arc<Contact>> = index
            .by_added
            .iter()
            .rev()
            .filter(|place| cursor.as_ref().is_none_or(|cursor| *place < cursor))
            .filter_map(|(_, id)| index.rows.get(id))
            .filter(|contact| query.as_ref().is_none_or(|query| super::filter::mentions(contact, query)))
            .take(limit)
            .collect();
        let rows: Vec<Value> = page.iter().map(|contact| contact.listed()).collect();
        let last = page.last();
        let meta = json!({
            "total": index.rows.len(),
            "startAfterId": last.map(|contact| contact.id.as_str()),
            "startAfter": last.map(|contact| millis(contact.date_added)),
            "currentPage": 1,
            "nextPage": if rows.len() == limit { json!(2) } else { Value::Null },
            "prevPage": Value::Null,
        });
        Ok((200, json!({ "contacts": rows, "count": index.rows.len(), "meta": meta })))
    }

    pub(super) fn contacts_of_business(&mut self, business_id: &str, call: &Call<'_>) -> Answer {
        call.location_param()?;
        let (limit, skip) = (call.number("limit", 20)?.clamp(1, LIST_MAX), call.number("skip", 0)?);
        let all: Vec<&Arc<Contact>> =
            self.book.iter().filter(|contact| contact.business_id.as_deref() == Some(business_id)).collect();
        let rows: Vec<Value> = all.iter().skip(skip).take(limit).map(|contact| contact.listed()).collect();
        Ok((200, json!({ "contacts": rows, "count": all.len() })))
    }

    pub(super) fn change_followers(&mut self, id: &str, adding: bool, call: &Call<'_>) -> Answer {
        let contact = Arc::clone(self.contact(id)?);
        let map = body::check(&call.body, &[("followers", body::Kind::Texts, true)])?;
        let named: Vec<String> = map
            .get("followers")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
        let (kept, changed): (Vec<String>, Vec<String>) = if adding {
            let new: Vec<String> = named.into_iter().filter(|user| !contact.followers.contains(user)).collect();
            (contact.followers.iter().chain(&new).cloned().collect(), new)
        } else {
            contact.followers.iter().cloned().partition(|user| !named.contains(user))
        };
        self.set_followers(&contact, kept.clone(), call.now);
        let key = if adding { "followersAdded" } else { "followersRemoved" };
        Ok((if adding { 201 } else { 200 }, json!({ "followers": kept, key: changed })))
    }
}

fn key<'a>(contact: &'a Contact, field: &str) -> Option<&'a str> {
    if field == "email" { contact.email.as_deref() } else { contact.phone.as_deref() }
}
