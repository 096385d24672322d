//! Businesses, and the link between contacts and a business. The misspelt keys are the vendor's.

use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::{
    body::{Kind, Property, check},
    call::Call,
    contact::iso,
    location::Location,
    refusal::{Answer, Refusal},
};

/// A business.
#[derive(Debug, Clone)]
pub struct Business {
    /// Twenty-four hexadecimal digits.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Everything else that was written, by property.
    pub details: Map<String, Value>,
    /// When it was added.
    pub created_at: OffsetDateTime,
    /// When it was last changed.
    pub updated_at: OffsetDateTime,
}

const WRITE: &[Property] = &[
    ("phone", Kind::Text, false),
    ("email", Kind::Text, false),
    ("website", Kind::Text, false),
    ("address", Kind::Text, false),
    ("city", Kind::Text, false),
    ("postalCode", Kind::Text, false),
    ("state", Kind::Text, false),
    ("country", Kind::Text, false),
    ("description", Kind::Text, false),
];
const LINK: &[Property] =
    &[("locationId", Kind::Text, true), ("ids", Kind::Texts, true), ("businessId", Kind::Nullable, false)];

impl Business {
    fn view(&self, location_id: &str) -> Value {
        let mut map = self.details.clone();
        map.insert("id".to_owned(), Value::from(self.id.as_str()));
        map.insert("name".to_owned(), Value::from(self.name.as_str()));
        map.insert("locationId".to_owned(), Value::from(location_id));
        map.insert("createdAt".to_owned(), Value::from(iso(self.created_at)));
        map.insert("updatedAt".to_owned(), Value::from(iso(self.updated_at)));
        Value::Object(map)
    }

    fn apply(&mut self, map: &Map<String, Value>) {
        if let Some(name) = map.get("name").and_then(Value::as_str) {
            self.name = name.to_owned();
        }
        for (name, ..) in WRITE {
            if let Some(value) = map.get(*name) {
                self.details.insert((*name).to_owned(), value.clone());
            }
        }
    }
}

impl Location {
    fn business(&self, id: &str) -> Result<&Business, Refusal> {
        self.businesses.get(id).ok_or_else(|| Refusal::not_found("Business not found"))
    }

    pub(super) fn list_businesses(&self, call: &Call<'_>) -> Answer {
        call.location_param()?;
        let (limit, skip) = (call.number("limit", 20)?.clamp(1, 100), call.number("skip", 0)?);
        let page: Vec<Value> =
            self.businesses.values().skip(skip).take(limit).map(|business| business.view(&self.id)).collect();
        Ok((200, json!({ "businesses": page })))
    }

    /// Adds a business; its id is a MongoDB object id, unlike other ids.
    pub(super) fn add_business(&mut self, map: &Map<String, Value>, now: OffsetDateTime) -> Business {
        let random: [u8; 12] = rand::Rng::random(&mut self.rng);
        let mut business = Business {
            id: hex::encode(random),
            name: String::new(),
            details: Map::new(),
            created_at: now,
            updated_at: now,
        };
        business.apply(map);
        self.businesses.insert(business.id.clone(), business.clone());
        business
    }

    pub(super) fn create_business(&mut self, call: &Call<'_>) -> Answer {
        let required: [Property; 2] = [("name", Kind::Text, true), ("locationId", Kind::Text, true)];
        let properties: Vec<Property> = WRITE.iter().chain(&required).copied().collect();
        let map = check(&call.body, &properties)?;
        call.same_location(map.get("locationId"))?;
        let business = self.add_business(map, call.now);
        Ok((201, json!({ "success": true, "buiseness": business.view(&self.id) })))
    }

    pub(super) fn get_business(&self, id: &str) -> Answer {
        Ok((200, json!({ "business": self.business(id)?.view(&self.id) })))
    }

    pub(super) fn update_business(&mut self, id: &str, call: &Call<'_>) -> Answer {
        let name: [Property; 1] = [("name", Kind::Text, false)];
        let properties: Vec<Property> = WRITE.iter().chain(&name).copied().collect();
        let map = check(&call.body, &properties)?;
        let mut business = self.business(id)?.clone();
        business.apply(map);
        business.updated_at = call.now;
        let view = business.view(&self.id);
        self.businesses.insert(id.to_owned(), business);
        Ok((200, json!({ "success": true, "buiseness": view })))
    }

    pub(super) fn delete_business(&mut self, id: &str, call: &Call<'_>) -> Answer {
        self.business(id)?;
        self.businesses.remove(id);
        let linked: Vec<String> = self
            .book
            .iter()
            .filter(|contact| contact.business_id.as_deref() == Some(id))
            .map(|contact| contact.id.clone())
            .collect();
        for contact_id in linked {
            self.link_business(&contact_id, None, call.now);
        }
        Ok((200, json!({ "success": true })))
    }

    pub(super) fn bulk_business(&mut self, call: &Call<'_>) -> Answer {
        let map = check(&call.body, LINK)?;
        call.same_location(map.get("locationId"))?;
        let business_id = map.get("businessId").and_then(Value::as_str);
        if let Some(id) = business_id {
            self.business(id)?;
        }
        let mut linked = Vec::new();
        for id in map.get("ids").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            if self.link_business(id, business_id, call.now) {
                linked.push(id.to_owned());
            }
        }
        Ok((200, json!({ "success": true, "ids": linked })))
    }
}
