//! Custom fields: the definitions of the site (metafields) and the values of its records (metadata).

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::zone::Zone;

/// Metafields one kind of record can have on a site.
const MAX_METAFIELDS: usize = 100;
/// Longest value in characters; a longer one is dropped without a word.
const MAX_VALUE_CHARS: usize = 2048;

const FIRST_METAFIELD_ID: i64 = 112_233;
const FIRST_ROW_ID: i64 = 2_377_889_911;

/// What a custom field hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    Customer,
    Subscription,
}

impl Owner {
    /// From the first segment of a path.
    pub fn from_path(segment: &str) -> Option<Self> {
        match segment {
            "customers" => Some(Self::Customer),
            "subscriptions" => Some(Self::Subscription),
            _ => None,
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Customer => "Customer",
            Self::Subscription => "Subscription",
        }
    }
}

/// A definition.
#[derive(Clone, Debug)]
pub struct Metafield {
    pub id: i64,
    pub name: String,
    pub scope: Map<String, Value>,
    pub input_type: String,
    pub choices: Vec<String>,
}

impl Metafield {
    fn allows(&self, value: &str) -> bool {
        let chosen = !matches!(self.input_type.as_str(), "radio" | "dropdown")
            || self.choices.iter().any(|choice| choice == value);
        chosen && value.chars().count() <= MAX_VALUE_CHARS
    }

    fn redefine(&mut self, wish: &Map<String, Value>) {
        if let Some(scope) = wish.get("scope") {
            self.scope = full_scope(scope.as_object());
        }
        if let Some(input_type) = wish.get("input_type").and_then(Value::as_str) {
            self.input_type = input_type.to_owned();
        }
        if let Some(choices) = wish.get("enum").and_then(Value::as_array) {
            self.choices = choices.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        }
    }
}

/// A value of one record. Removed values stay with the time of their removal.
#[derive(Clone, Debug)]
pub struct Row {
    pub id: i64,
    pub value: String,
    pub updated_at: OffsetDateTime,
    pub deleted_at: Option<OffsetDateTime>,
}

/// A value that changed, for the events feed.
#[derive(Clone, Debug)]
pub struct ValueChange {
    pub owner: Owner,
    pub resource_id: i64,
    pub metafield_id: i64,
    pub metafield_name: String,
    pub old: Option<String>,
    pub new: Option<String>,
}

/// Why a definition or value was refused: the text of a 422.
pub type Refusal = &'static str;

pub const NAME_MISSING: Refusal = "'name' must be present to create or update metafields";
const NAME_TAKEN: Refusal = "Metafield name must be unique for the Attachment Type";
/// The vendor publishes the limit, not this text.
const TOO_MANY: Refusal = "Metafield limit of 100 per resource type has been reached";

/// The fields and values of one kind of record.
#[derive(Debug)]
pub struct CustomFields {
    owner: Owner,
    fields: BTreeMap<i64, Metafield>,
    by_name: HashMap<String, i64>,
    rows: BTreeMap<(i64, i64), Row>,
    next_field: i64,
    next_row: i64,
}

impl CustomFields {
    pub fn new(owner: Owner) -> Self {
        let shift = if owner == Owner::Customer { 0 } else { 500_000 };
        Self {
            owner,
            fields: BTreeMap::new(),
            by_name: HashMap::new(),
            rows: BTreeMap::new(),
            next_field: FIRST_METAFIELD_ID + shift,
            next_row: FIRST_ROW_ID + shift * 100,
        }
    }

    pub fn fields(&self) -> impl DoubleEndedIterator<Item = &Metafield> {
        self.fields.values()
    }

    pub fn field(&self, name: &str) -> Option<&Metafield> {
        self.fields.get(self.by_name.get(name)?)
    }

    /// Definitions as answers show them, each with the number of records that have a value.
    pub fn fields_json<'a>(&self, fields: impl Iterator<Item = &'a Metafield>) -> Vec<Value> {
        let mut used: HashMap<i64, usize> = HashMap::new();
        for ((_, field), _) in self.rows.iter().filter(|(_, row)| row.deleted_at.is_none()) {
            *used.entry(*field).or_default() += 1;
        }
        let show = |field: &Metafield| {
            let choices = if field.choices.is_empty() { Value::Null } else { json!(field.choices) };
            json!({
                "id": field.id, "name": field.name, "scope": field.scope, "enum": choices,
                "data_count": used.get(&field.id).copied().unwrap_or_default(), "input_type": field.input_type,
            })
        };
        fields.map(show).collect()
    }

    /// Defines a field.
    ///
    /// # Errors
    /// Without a name, with a name in use, and beyond the limit.
    pub fn define(&mut self, wish: &Map<String, Value>) -> Result<i64, Refusal> {
        let name = name_of(wish)?;
        if self.by_name.contains_key(name) {
            return Err(NAME_TAKEN);
        }
        if self.fields.len() >= MAX_METAFIELDS {
            return Err(TOO_MANY);
        }
        let id = self.next_field;
        self.next_field += 1;
        let mut field = Metafield {
            id,
            name: name.to_owned(),
            scope: full_scope(None),
            input_type: "text".to_owned(),
            choices: Vec::new(),
        };
        field.redefine(wish);
        self.by_name.insert(name.to_owned(), id);
        self.fields.insert(id, field);
        Ok(id)
    }

    /// Changes the field named `current_name` (or `name`), its name included.
    ///
    /// # Errors
    /// Without a name and when the new name is in use.
    pub fn redefine(&mut self, wish: &Map<String, Value>) -> Result<i64, Refusal> {
        let name = name_of(wish)?;
        let current = wish.get("current_name").and_then(Value::as_str).unwrap_or(name);
        let Some(id) = self.by_name.get(current).copied() else { return self.define(wish) };
        if current != name {
            if self.by_name.contains_key(name) {
                return Err(NAME_TAKEN);
            }
            self.by_name.remove(current);
            self.by_name.insert(name.to_owned(), id);
        }
        if let Some(field) = self.fields.get_mut(&id) {
            name.clone_into(&mut field.name);
            field.redefine(wish);
        }
        Ok(id)
    }

    /// Removes a definition with every value it has.
    pub fn undefine(&mut self, name: &str) -> bool {
        let Some(id) = self.by_name.remove(name) else { return false };
        self.fields.remove(&id);
        self.rows.retain(|(_, field), _| *field != id);
        true
    }

    /// Writes one value, defining the field when its name is new. A value the field does not allow is dropped
    /// silently: the row then shows what is stored, or nothing at all. `current_name` renames for the whole site.
    ///
    /// # Errors
    /// Without a name, and where a definition is refused.
    pub fn write(
        &mut self,
        resource_id: i64,
        wish: &Map<String, Value>,
        now: OffsetDateTime,
        zone: Zone,
    ) -> Result<(Value, Option<ValueChange>), Refusal> {
        let name = name_of(wish)?.to_owned();
        if wish.get("current_name").and_then(Value::as_str).is_some_and(|current| current != name) {
            self.redefine(&only_names(wish))?;
        }
        let wanted = match wish.get("value") {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Null) | None => String::new(),
            Some(other) => other.to_string(),
        };
        let known = self.by_name.get(&name).copied();
        let allowed = match known.and_then(|id| self.fields.get(&id)) {
            Some(field) => field.allows(&wanted),
            None => wanted.chars().count() <= MAX_VALUE_CHARS,
        };
        if !allowed {
            let stored = known.and_then(|id| Some((id, self.live(resource_id, id)?)));
            let shown = stored.map_or_else(|| empty_row(&name), |(id, row)| self.row(resource_id, id, row, zone));
            return Ok((shown, None));
        }
        let id = match known {
            Some(id) => id,
            None => self.define(&only_names(wish))?,
        };
        let old = self.live(resource_id, id).map(|row| row.value.clone());
        self.store((resource_id, id), &wanted, now);
        let shown = self.live(resource_id, id).map_or(Value::Null, |row| self.row(resource_id, id, row, zone));
        let change = (old.as_ref() != Some(&wanted)).then_some(ValueChange {
            owner: self.owner,
            resource_id,
            metafield_id: id,
            metafield_name: name,
            old,
            new: Some(wanted),
        });
        Ok((shown, change))
    }

    fn store(&mut self, key: (i64, i64), wanted: &str, now: OffsetDateTime) {
        let next_row = &mut self.next_row;
        let row = self.rows.entry(key).or_insert_with(|| {
            *next_row += 1;
            Row { id: *next_row - 1, value: String::new(), updated_at: now, deleted_at: None }
        });
        if row.value != wanted || row.deleted_at.is_some() {
            row.updated_at = now;
        }
        row.deleted_at = None;
        wanted.clone_into(&mut row.value);
    }

    /// Removes values of a record by name; `None` when it has none of them.
    pub fn erase(&mut self, resource_id: i64, names: &[&str], now: OffsetDateTime) -> Option<Vec<ValueChange>> {
        let mut changes = Vec::new();
        for name in names {
            let Some(id) = self.by_name.get(*name).copied() else { continue };
            let row = self.rows.get_mut(&(resource_id, id)).filter(|row| row.deleted_at.is_none());
            let Some(row) = row else { continue };
            row.deleted_at = Some(now);
            changes.push(ValueChange {
                owner: self.owner,
                resource_id,
                metafield_id: id,
                metafield_name: (*name).to_owned(),
                old: Some(row.value.clone()),
                new: None,
            });
        }
        (!changes.is_empty()).then_some(changes)
    }

    /// Forgets a record.
    pub fn forget(&mut self, resource_id: i64) {
        let keys: Vec<(i64, i64)> =
            self.rows.range((resource_id, i64::MIN)..=(resource_id, i64::MAX)).map(|(key, _)| *key).collect();
        for key in keys {
            self.rows.remove(&key);
        }
    }

    /// Forgets every value and keeps the definitions.
    pub fn forget_values(&mut self) {
        self.rows.clear();
    }

    /// Every row of a record.
    pub fn rows(&self, resource_id: i64) -> impl Iterator<Item = (i64, &Row)> {
        self.rows.range((resource_id, i64::MIN)..=(resource_id, i64::MAX)).map(|((_, field), row)| (*field, row))
    }

    /// Every row of the named records, or of all when none is named.
    pub fn rows_of(&self, ids: &[i64]) -> Vec<(i64, i64, &Row)> {
        if ids.is_empty() {
            return self.rows.iter().map(|((resource, field), row)| (*resource, *field, row)).collect();
        }
        ids.iter().flat_map(|id| self.rows(*id).map(|(field, row)| (*id, field, row))).collect()
    }

    /// A record's value by name.
    pub fn value(&self, resource_id: i64, name: &str) -> Option<&str> {
        let id = self.by_name.get(name)?;
        self.live(resource_id, *id).map(|row| row.value.as_str())
    }

    /// A row as answers show it.
    pub fn row(&self, resource_id: i64, metafield_id: i64, row: &Row, zone: Zone) -> Value {
        let name = self.fields.get(&metafield_id).map_or("", |field| field.name.as_str());
        json!({
            "id": row.id, "value": row.value, "resource_id": resource_id, "name": name,
            "deleted_at": row.deleted_at.map(|at| zone.iso(at)), "metafield_id": metafield_id,
        })
    }

    fn live(&self, resource_id: i64, metafield_id: i64) -> Option<&Row> {
        self.rows.get(&(resource_id, metafield_id)).filter(|row| row.deleted_at.is_none())
    }
}

fn name_of(wish: &Map<String, Value>) -> Result<&str, Refusal> {
    wish.get("name").and_then(Value::as_str).filter(|name| !name.trim().is_empty()).ok_or(NAME_MISSING)
}

fn only_names(wish: &Map<String, Value>) -> Map<String, Value> {
    wish.iter().filter(|(key, _)| key.ends_with("name")).map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// A scope replaces the former one whole: what is not named is off.
fn full_scope(wish: Option<&Map<String, Value>>) -> Map<String, Value> {
    ["csv", "invoices", "statements", "portal", "public_show", "public_edit"]
        .into_iter()
        .map(|key| {
            let on = wish.and_then(|wish| wish.get(key)).is_some_and(|value| *value == json!("1"));
            (key.to_owned(), json!(if on { "1" } else { "0" }))
        })
        .collect()
}

fn empty_row(name: &str) -> Value {
    json!({
        "id": null, "value": null, "resource_id": null, "name": name, "deleted_at": null, "metafield_id": null,
    })
}
