//! What hangs on a contact, one by one, and is found, listed, read and deleted alike: notes and tasks.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    location::Location,
    refusal::{Answer, Refusal},
};

/// One kind of them.
pub(super) trait Attached: Sized {
    /// The key around one of them, and around a list.
    const ONE: &'static str;
    const MANY: &'static str;
    const MISSING: &'static str;
    /// The event that tells of a deletion.
    const DELETED: &'static str;
    const NEWEST_FIRST: bool;

    fn id(&self) -> &str;
    /// As the API shows it.
    fn view(&self) -> Value;
    /// As webhooks tell it.
    fn payload(&self) -> Map<String, Value>;
    /// All of a location, by contact.
    fn all(location: &Location) -> &BTreeMap<String, Vec<Self>>;
    fn all_mut(location: &mut Location) -> &mut BTreeMap<String, Vec<Self>>;
}

/// One of them as an answer's body.
pub(super) fn shown<T: Attached>(status: u16, view: Value) -> Answer {
    Ok((status, json!({ T::ONE: view })))
}

impl Location {
    pub(super) fn attached<T: Attached>(&mut self, contact_id: &str, id: &str) -> Result<&mut T, Refusal> {
        self.contact(contact_id)?;
        let those = T::all_mut(self).get_mut(contact_id);
        those
            .and_then(|those| those.iter_mut().find(|one| one.id() == id))
            .ok_or_else(|| Refusal::not_found(T::MISSING))
    }

    pub(super) fn list_attached<T: Attached>(&self, contact_id: &str) -> Answer {
        self.contact(contact_id)?;
        let mut views: Vec<Value> = T::all(self).get(contact_id).into_iter().flatten().map(T::view).collect();
        if T::NEWEST_FIRST {
            views.reverse();
        }
        Ok((200, json!({ T::MANY: views })))
    }

    pub(super) fn get_attached<T: Attached>(&mut self, contact_id: &str, id: &str) -> Answer {
        shown::<T>(200, self.attached::<T>(contact_id, id)?.view())
    }

    pub(super) fn delete_attached<T: Attached>(&mut self, contact_id: &str, id: &str) -> Answer {
        let payload = self.attached::<T>(contact_id, id)?.payload();
        if let Some(those) = T::all_mut(self).get_mut(contact_id) {
            those.retain(|one| one.id() != id);
        }
        self.tell(T::DELETED, payload);
        Ok((200, json!({ "succeded": true })))
    }
}
