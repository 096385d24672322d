//! The contacts of a location: the truth by id, and the search index that trails behind it.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use time::{Duration, OffsetDateTime};

use super::contact::{Contact, millis};

/// Contacts by id, e-mail and phone, the deleted ones, and what the search knows.
#[derive(Debug, Default)]
pub struct Book {
    live: BTreeMap<String, Arc<Contact>>,
    deleted: BTreeMap<String, Arc<Contact>>,
    by_key: Keys,
    /// How long a change takes to show up in the search.
    pub lag: Duration,
    pending: VecDeque<(OffsetDateTime, String, Option<Arc<Contact>>)>,
    pub(super) index: Index,
}

/// Contact ids by lower-case e-mail and by phone: pairs of key and id, in order.
#[derive(Debug, Default)]
pub(super) struct Keys {
    email: BTreeSet<(String, String)>,
    phone: BTreeSet<(String, String)>,
}

/// What the search sees.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub(super) rows: BTreeMap<String, Arc<Contact>>,
    pub(super) by_added: BTreeSet<(i64, String)>,
    pub(super) by_updated: BTreeSet<(i64, String)>,
    pub(super) by_key: Keys,
}

impl Book {
    /// An empty book whose search trails by `lag`.
    pub fn new(lag: Duration) -> Self {
        Self { lag, ..Self::default() }
    }

    /// A contact that is not deleted.
    pub fn get(&self, id: &str) -> Option<&Arc<Contact>> {
        self.live.get(id)
    }

    /// Contacts that are not deleted.
    pub fn len(&self) -> usize {
        self.live.len()
    }

    /// Whether there is no contact.
    pub fn is_empty(&self) -> bool {
        self.live.is_empty()
    }

    /// Contacts that are not deleted, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Contact>> {
        self.live.values()
    }

    /// The first contact, other than `except`, with this e-mail in any case.
    pub fn by_email(&self, email: &str, except: Option<&str>) -> Option<&Arc<Contact>> {
        let id = self.by_key.email(email).find(|id| Some(id.as_str()) != except)?;
        self.live.get(id)
    }

    /// The first contact, other than `except`, with this very phone.
    pub fn by_phone(&self, phone: &str, except: Option<&str>) -> Option<&Arc<Contact>> {
        let id = self.by_key.phone(phone).find(|id| Some(id.as_str()) != except)?;
        self.live.get(id)
    }

    /// Stores a contact, new or changed; the search learns of it later.
    pub fn put(&mut self, contact: Contact, now: OffsetDateTime) -> Arc<Contact> {
        let contact = Arc::new(contact);
        if let Some(before) = self.live.insert(contact.id.clone(), Arc::clone(&contact)) {
            self.by_key.remove(&before);
        }
        self.by_key.insert(&contact);
        self.announce(now + self.lag, &contact.id, Some(Arc::clone(&contact)));
        contact
    }

    /// The search will see this then. What was to be seen of the same contact later than that never is.
    fn announce(&mut self, visible: OffsetDateTime, id: &str, contact: Option<Arc<Contact>>) {
        let mut place = self.pending.len();
        if self.pending.back().is_some_and(|(last, ..)| *last > visible) {
            self.pending.retain(|(at, other, _)| *at <= visible || other != id);
            place = self.pending.partition_point(|(at, ..)| *at <= visible);
        }
        self.pending.insert(place, (visible, id.to_owned(), contact));
    }

    /// Moves a contact to the bin.
    pub fn delete(&mut self, id: &str, now: OffsetDateTime) -> Option<Arc<Contact>> {
        let contact = self.live.remove(id)?;
        self.by_key.remove(&contact);
        self.deleted.insert(id.to_owned(), Arc::clone(&contact));
        self.announce(now + self.lag, id, None);
        Some(contact)
    }

    /// Whether a contact lies in the bin.
    pub fn is_deleted(&self, id: &str) -> bool {
        self.deleted.contains_key(id)
    }

    /// Takes a contact out of the bin, under its old id.
    pub fn restore(&mut self, id: &str, now: OffsetDateTime) -> Option<Arc<Contact>> {
        let contact = self.deleted.remove(id)?;
        Some(self.put((*contact).clone(), now))
    }

    /// Takes a custom field off every contact, in the search too: its definition is gone. Nobody was changed by that.
    pub(super) fn forget_field(&mut self, id: &Arc<str>) {
        let pending = self.pending.iter_mut().filter_map(|(_, _, contact)| contact.as_mut());
        let stored = self.live.values_mut().chain(self.deleted.values_mut()).chain(self.index.rows.values_mut());
        for contact in stored.chain(pending) {
            Arc::make_mut(contact).set_custom_field(id, None);
        }
    }

    /// Lets the search see everything that is old enough.
    pub fn settle(&mut self, now: OffsetDateTime) {
        while self.pending.front().is_some_and(|(visible, ..)| *visible <= now) {
            if let Some((_, id, contact)) = self.pending.pop_front() {
                self.index.set(&id, contact);
            }
        }
    }

    /// Lets the search see everything at once, as after a seed.
    pub fn settle_all(&mut self) {
        for (_, id, contact) in std::mem::take(&mut self.pending) {
            self.index.set(&id, contact);
        }
    }
}

impl Index {
    fn set(&mut self, id: &str, contact: Option<Arc<Contact>>) {
        if let Some(before) = self.rows.remove(id) {
            self.by_added.remove(&(millis(before.date_added), id.to_owned()));
            self.by_updated.remove(&(millis(before.date_updated), id.to_owned()));
            self.by_key.remove(&before);
        }
        if let Some(contact) = contact {
            self.by_added.insert((millis(contact.date_added), id.to_owned()));
            self.by_updated.insert((millis(contact.date_updated), id.to_owned()));
            self.by_key.insert(&contact);
            self.rows.insert(id.to_owned(), contact);
        }
    }
}

impl Keys {
    fn insert(&mut self, contact: &Contact) {
        if let Some(email) = &contact.email {
            self.email.insert((email.to_lowercase(), contact.id.clone()));
        }
        if let Some(phone) = &contact.phone {
            self.phone.insert((phone.clone(), contact.id.clone()));
        }
    }

    fn remove(&mut self, contact: &Contact) {
        if let Some(email) = &contact.email {
            self.email.remove(&(email.to_lowercase(), contact.id.clone()));
        }
        if let Some(phone) = &contact.phone {
            self.phone.remove(&(phone.clone(), contact.id.clone()));
        }
    }

    pub(super) fn email(&self, email: &str) -> impl Iterator<Item = &String> {
        ids(&self.email, email.to_lowercase())
    }

    pub(super) fn phone(&self, phone: &str) -> impl Iterator<Item = &String> {
        ids(&self.phone, phone.to_owned())
    }
}

fn ids(pairs: &BTreeSet<(String, String)>, key: String) -> impl Iterator<Item = &String> {
    let from = (key.clone(), String::new());
    pairs.range(from..).take_while(move |(found, _)| *found == key).map(|(_, id)| id)
}
