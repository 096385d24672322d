//! A location's own records: definitions of custom fields and the catalogue of tags.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{
    body::{Kind, Property, check, tag},
    call::Call,
    contact::set,
    location::Location,
    refusal::{Answer, Refusal},
};

/// The definition of a custom field.
#[derive(Debug, Clone)]
pub struct CustomField {
    /// Twenty letters and digits; differs per location.
    pub id: Arc<str>,
    /// The name people see.
    pub name: String,
    /// `contact.` and a key; the portable name.
    pub key: String,
    /// Such as `TEXT` or `SINGLE_OPTIONS`.
    pub data_type: String,
    /// A hint in the empty field.
    pub placeholder: Option<String>,
    /// Order on the page.
    pub position: u64,
    /// What can be chosen.
    pub options: Vec<String>,
    /// `contact` or `opportunity`.
    pub model: String,
}

const CREATE: &[Property] = &[
    ("name", Kind::Text, true),
    ("dataType", Kind::Text, true),
    ("placeholder", Kind::Text, false),
    ("acceptedFormat", Kind::List, false),
    ("isMultipleFile", Kind::Flag, false),
    ("maxNumberOfFiles", Kind::Number, false),
    ("textBoxListOptions", Kind::List, false),
    ("position", Kind::Number, false),
    ("model", Kind::Text, false),
    ("options", Kind::Texts, false),
    // Accepted though undocumented.
    ("fieldKey", Kind::Text, false),
    ("parentId", Kind::Text, false),
    ("description", Kind::Text, false),
];

impl CustomField {
    fn view(&self, location_id: &str) -> Value {
        let mut map = Map::new();
        set(&mut map, "id", Some(self.id.to_string()));
        set(&mut map, "name", Some(self.name.clone()));
        set(&mut map, "fieldKey", Some(self.key.clone()));
        set(&mut map, "placeholder", self.placeholder.clone());
        set(&mut map, "dataType", Some(self.data_type.clone()));
        map.insert("position".to_owned(), Value::from(self.position));
        if !self.options.is_empty() {
            map.insert("picklistOptions".to_owned(), json!(self.options));
        }
        set(&mut map, "locationId", Some(location_id.to_owned()));
        set(&mut map, "model", Some(self.model.clone()));
        Value::Object(map)
    }

    fn apply(&mut self, map: &Map<String, Value>) {
        let text = |key: &str| map.get(key).and_then(Value::as_str).map(str::to_owned);
        if let Some(name) = text("name") {
            self.name = name;
        }
        if let Some(placeholder) = text("placeholder") {
            self.placeholder = Some(placeholder);
        }
        if let Some(position) = map.get("position").and_then(Value::as_u64) {
            self.position = position;
        }
        let labels =
            ["options", "textBoxListOptions"].iter().filter_map(|key| map.get(*key)).filter_map(Value::as_array);
        for list in labels {
            self.options = list
                .iter()
                .filter_map(|item| item.as_str().or_else(|| item.get("label").and_then(Value::as_str)))
                .map(str::to_owned)
                .collect();
        }
    }
}

impl Location {
    /// A definition by id, key, or key without its prefix.
    pub(super) fn field(&self, named: &str) -> Option<&CustomField> {
        self.fields.iter().find(|field| {
            *field.id == *named || field.key == named || field.key.split_once('.').is_some_and(|(_, key)| key == named)
        })
    }

    fn field_at(&self, named: &str) -> Result<usize, Refusal> {
        let id = self.field(named).map(|field| field.id.clone());
        self.fields
            .iter()
            .position(|field| Some(&field.id) == id.as_ref())
            .ok_or_else(|| Refusal::not_found("Custom field not found"))
    }

    pub(super) fn list_fields(&self, call: &Call<'_>) -> Answer {
        let model = call.request.param("model").unwrap_or("all");
        if !["contact", "opportunity", "all"].contains(&model) {
            return Err(Refusal::unprocessable(vec!["model must be one of contact, opportunity, all".to_owned()]));
        }
        let fields: Vec<Value> = self
            .fields
            .iter()
            .filter(|field| model == "all" || field.model == model)
            .map(|field| field.view(&self.id))
            .collect();
        Ok((200, json!({ "customFields": fields })))
    }

    pub(super) fn create_field(&mut self, call: &Call<'_>) -> Answer {
        let map = check(&call.body, CREATE)?;
        let text = |key: &str| map.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let model = if text("model").is_empty() { "contact".to_owned() } else { text("model") };
        let asked = text("fieldKey");
        let plain = asked.split_once('.').map_or(asked.as_str(), |(_, key)| key);
        let plain = if plain.is_empty() { slug(&text("name")) } else { plain.to_owned() };
        let key = format!("{model}.{plain}");
        if self.fields.iter().any(|field| field.key == key) {
            return Err(Refusal::bad_request(format!("{key} already exists")));
        }
        let mut field = CustomField {
            id: Arc::from(self.new_id()),
            name: String::new(),
            key,
            data_type: text("dataType"),
            placeholder: None,
            position: u64::try_from(self.fields.len()).unwrap_or(0) * 50,
            options: Vec::new(),
            model,
        };
        field.apply(map);
        let view = field.view(&self.id);
        self.fields.push(field);
        Ok((201, json!({ "customField": view })))
    }

    pub(super) fn get_field(&self, named: &str) -> Answer {
        let field = self.field(named).ok_or_else(|| Refusal::not_found("Custom field not found"))?;
        Ok((200, json!({ "customField": field.view(&self.id) })))
    }

    pub(super) fn update_field(&mut self, named: &str, call: &Call<'_>) -> Answer {
        let properties: Vec<Property> = CREATE.iter().filter(|(name, ..)| *name != "dataType").copied().collect();
        let map = check(&call.body, &properties)?;
        let at = self.field_at(named)?;
        let location_id = self.id.clone();
        let field = self.fields.get_mut(at).ok_or_else(|| Refusal::not_found("Custom field not found"))?;
        field.apply(map);
        Ok((200, json!({ "customField": field.view(&location_id) })))
    }

    pub(super) fn delete_field(&mut self, named: &str) -> Answer {
        let at = self.field_at(named)?;
        let gone = self.fields.remove(at);
        self.book.forget_field(&gone.id);
        Ok((200, json!({ "succeded": true })))
    }

    fn tag_view(&self, name: &str, id: &str) -> Value {
        json!({ "id": id, "name": name, "locationId": &*self.id })
    }

    pub(super) fn list_tags(&self) -> Answer {
        let tags: Vec<Value> = self.tags.iter().map(|(name, id)| self.tag_view(name, id)).collect();
        Ok((200, json!({ "tags": tags })))
    }

    pub(super) fn create_tag(&mut self, call: &Call<'_>) -> Answer {
        let map = check(&call.body, &[("name", Kind::Text, true)])?;
        let name = tag(map.get("name").and_then(Value::as_str).unwrap_or_default());
        if self.tags.contains_key(&name) {
            return Err(Refusal::bad_request("The tag name is already exist."));
        }
        self.know_tags([&name]);
        let id = self.tags.get(&name).cloned().unwrap_or_default();
        Ok((200, json!({ "tag": self.tag_view(&name, &id) })))
    }

    pub(super) fn get_tag(&self, id: &str) -> Answer {
        let (name, id) =
            self.tags.iter().find(|(_, known)| *known == id).ok_or_else(|| Refusal::not_found("Tag not found"))?;
        Ok((200, json!({ "tag": self.tag_view(name, id) })))
    }

    pub(super) fn delete_tag(&mut self, id: &str) -> Answer {
        self.get_tag(id)?;
        self.tags.retain(|_, known| known != id);
        Ok((200, json!({ "succeded": true })))
    }
}

/// A name as a key: lower case, everything but letters and digits an underscore.
fn slug(name: &str) -> String {
    name.trim()
        .to_lowercase()
        .chars()
        .map(|character| if character.is_alphanumeric() { character } else { '_' })
        .collect()
}
