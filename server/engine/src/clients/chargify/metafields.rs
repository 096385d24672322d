//! Metafields: what the site defines, and reading and writing their values, which no answer about customers holds (Maxio
//! Advanced Billing API reference, custom fields, seen 2026-08).

use super::{Chargify, change, metadata, read};
use crate::{
    UpstreamClass,
    clients::{CallContext, CallError, Dropped, Written, address, json},
};
use domain::{RemoteId, field::Field, limits, record::FieldKey, value::Value};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// A site has at most 100 definitions; a service that keeps promising more is not followed for ever.
const PAGES_MAX: u32 = 5;

/// Values by field, as they are to be written.
type Values = BTreeMap<FieldKey, Value>;

impl Chargify {
    /// The metafields that customers of the site can have.
    ///
    /// # Errors
    /// A [`CallError`].
    pub async fn metafields(&self, context: &CallContext) -> Result<Vec<Field>, CallError> {
        let mut fields = Vec::new();
        for page in 1..=PAGES_MAX {
            let query = [("page", page.to_string()), ("per_page", limits::CHARGIFY_PAGE.to_string())];
            let target = address::with_query("/customers/metafields.json", &query);
            let answer = self.call(context, read("GET /customers/metafields.json", target)).await?;
            let body = answer.json()?;
            let rows = body.get("metafields").and_then(Json::as_array);
            let rows = rows.ok_or_else(|| answer.unreadable("the answer holds no metafields"))?;
            fields.extend(rows.iter().filter_map(definition));
            if !metadata::more(&body) {
                break;
            }
        }
        Ok(fields)
    }

    /// The customer's metafield values, by name. Reads all pages.
    ///
    /// # Errors
    /// A [`CallError`].
    pub async fn metadata(&self, context: &CallContext, id: &RemoteId) -> Result<BTreeMap<String, Value>, CallError> {
        let mut values = BTreeMap::new();
        for page in 1..=metadata::PAGES_MAX {
            let target = metadata::target(id, page);
            let answer = self.call(context, read("GET /customers/{id}/metadata.json", target)).await?;
            let rows =
                metadata::page(&answer.json()?).ok_or_else(|| answer.unreadable("the answer holds no metadata"))?;
            values.extend(rows.values);
            if !rows.more {
                break;
            }
        }
        Ok(values)
    }

    /// The values of the metafields this client reads, of at most [`limits::CHARGIFY_METADATA_IDS`] customers: one call,
    /// and one more for every further 200 values they have together. A customer that has none of them has them empty.
    ///
    /// # Errors
    /// A [`CallError`].
    pub async fn metafields_of(
        &self,
        context: &CallContext,
        ids: &[RemoteId],
    ) -> Result<BTreeMap<RemoteId, Values>, CallError> {
        let mut told: BTreeMap<RemoteId, BTreeMap<String, Value>> =
            ids.iter().map(|id| (id.clone(), BTreeMap::new())).collect();
        for page in 1.. {
            let target = metadata::target_of_many(ids, page);
            let answer = self.call(context, read("GET /customers/metadata.json", target)).await?;
            let (rows, more) = metadata::page_of_many(&answer.json()?)
                .ok_or_else(|| answer.unreadable("the answer holds no metadata"))?;
            for (id, name, value) in rows {
                if let Some(values) = told.get_mut(&id) {
                    values.insert(name, value);
                }
            }
            if !more {
                break;
            }
            if page >= metadata::PAGES_OF_MANY_MAX {
                return Err(answer.unreadable("the list of metadata never ends"));
            }
        }
        Ok(told.into_iter().map(|(id, values)| (id, self.of_metafields(&values))).collect())
    }

    /// Sets metafield values of a customer; others stay. A name that does not exist yet becomes a field of the whole
    /// site. Returned are the values that did not arrive, each with what stands there now: the service drops what is too
    /// long, or not among the choices, and still answers 200.
    ///
    /// # Errors
    /// A [`CallError`]. After any, all of it can be sent again.
    pub async fn set_metadata(
        &self,
        context: &CallContext,
        id: &RemoteId,
        values: &BTreeMap<String, Value>,
    ) -> Result<BTreeMap<String, Value>, CallError> {
        let body = metadata::body(values)?;
        let target = format!("/customers/{}/metadata.json", address::encode(id.as_str()));
        let call = change(http::Method::POST, "POST /customers/{id}/metadata.json", target, body);
        let answer = self.call(context, call).await?;
        Ok(metadata::not_taken(&answer.json()?, values))
    }

    /// Sets values, and takes those off that are to be empty and have choices: a choice takes no empty text.
    pub(super) async fn set_metafields(
        &self,
        context: &CallContext,
        id: &RemoteId,
        values: &Values,
    ) -> Result<SetMetafields, CallError> {
        let has_choices = |key: &FieldKey| self.definition(key).is_some_and(|field| !field.choices.is_empty());
        let (off, on): (Values, Values) =
            values.clone().into_iter().partition(|(key, value)| value.is_blank() && has_choices(key));
        let mut set = if on.is_empty() { SetMetafields::default() } else { self.put_on(context, id, on).await? };
        if !off.is_empty() {
            self.take_off(context, id, &off).await?;
            set.values.extend(off.into_keys().map(|key| (key, Value::Empty)));
        }
        Ok(set)
    }

    async fn put_on(&self, context: &CallContext, id: &RemoteId, on: Values) -> Result<SetMetafields, CallError> {
        let sent = on.iter().map(|(key, value)| (name(key), value.clone())).collect();
        let lost = match self.set_metadata(context, id, &sent).await {
            Ok(lost) => lost,
            // The limit of definitions, say: nothing of this call was done, and everything else stands.
            Err(error) if error.class == UpstreamClass::Rejected => return Ok(not_set(&on, &error)),
            Err(error) => return Err(error),
        };
        let mut set = SetMetafields::default();
        for (key, value) in on {
            let there = lost.get(&name(&key));
            if there.is_some() {
                let why = refusal_words(self.definition(&key), &value);
                set.dropped.push(Dropped { field: key.clone(), why });
            }
            set.values.insert(key, there.cloned().unwrap_or(value));
        }
        Ok(set)
    }

    async fn take_off(&self, context: &CallContext, id: &RemoteId, off: &Values) -> Result<(), CallError> {
        let query: Vec<(&str, String)> = off.keys().map(|key| ("names[]", name(key))).collect();
        let path = format!("/customers/{}/metadata.json", address::encode(id.as_str()));
        let target = address::with_query(&path, &query);
        let mut call = change(http::Method::DELETE, "DELETE /customers/{id}/metadata.json", target, Json::Null);
        call.body = None;
        match self.call(context, call).await {
            // It had none of them.
            Err(error) if error.class == UpstreamClass::NotFound => Ok(()),
            other => other.map(|_| ()),
        }
    }

    /// The values as a customer's fields: those of the metafields this client reads, empty where it has none.
    pub(super) fn of_metafields(&self, values: &BTreeMap<String, Value>) -> Values {
        let value = |field: &Field| values.get(field.key.metafield_name()?).cloned();
        self.metafields.iter().map(|field| (field.key.clone(), value(field).unwrap_or_default())).collect()
    }

    fn definition(&self, key: &FieldKey) -> Option<&Field> {
        self.metafields.iter().find(|field| field.key == *key)
    }
}

/// How setting metafields went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SetMetafields {
    /// What they hold now.
    values: Values,
    dropped: Vec<Dropped>,
}

impl SetMetafields {
    pub(super) fn told_in(self, written: &mut Written) {
        written.record.values.extend(self.values);
        written.dropped.extend(self.dropped);
    }
}

/// Metafields first, then what the customer itself has.
pub(super) fn split(fields: &Values) -> (Values, Values) {
    fields.clone().into_iter().partition(|(key, _)| key.metafield_name().is_some())
}

/// None of them was set, for that reason.
pub(super) fn not_set(values: &Values, error: &CallError) -> SetMetafields {
    let why = format!("it was not set: {}", error.message);
    let dropped = values.keys().map(|key| Dropped { field: key.clone(), why: why.clone() }).collect();
    SetMetafields { values: Values::new(), dropped }
}

fn name(key: &FieldKey) -> String {
    key.metafield_name().unwrap_or_default().to_owned()
}

fn refusal_words(field: Option<&Field>, value: &Value) -> String {
    let choices = field.map(|field| field.choices.join(", ")).filter(|choices| !choices.is_empty());
    let takes = choices.map_or_else(
        || "it is too long for it, or none of its choices".to_owned(),
        |choices| format!("when last read it took {choices}"),
    );
    format!("Chargify answered with success and did not keep \u{201c}{}\u{201d}; {takes}", value.display())
}

/// `{name, input_type, enum}`; a text, a list or nothing stands for the choices.
fn definition(row: &Json) -> Option<Field> {
    let name = json::text(row, "name")?;
    let input_type = json::text(row, "input_type").unwrap_or_else(|| "text".to_owned());
    let field = Field::chargify_metafield(&name).of_type(&input_type);
    let choices: Vec<String> = match row.get("enum") {
        Some(Json::Array(items)) => items.iter().filter_map(json::plain).collect(),
        Some(Json::String(one)) => vec![one.clone()],
        _ => Vec::new(),
    };
    Some(if matches!(input_type.as_str(), "radio" | "dropdown") { field.with_choices(choices) } else { field })
}
