//! `POST /contacts/search`: validation, order, cursor and page. Source: HighLevel support portal, "Search Contacts"
//! guide for the contacts v2 API, seen 2026-08.

use std::{cmp::Ordering, collections::BTreeSet, ops::Bound, sync::Arc};

use serde_json::{Value, json};

use super::{
    body::{Kind, Property, check},
    book::Index,
    contact::{Contact, millis},
    filter::{self, Filter},
    refusal::Refusal,
};

/// Largest page.
pub(super) const PAGE_MAX: u64 = 500;
/// Records that can be reached by page number.
const PAGED_MAX: u64 = 10_000;
const QUERY_MAX: usize = 75;

const PROPERTIES: &[Property] = &[
    ("locationId", Kind::Text, true),
    ("pageLimit", Kind::Number, true),
    ("page", Kind::Number, false),
    ("searchAfter", Kind::List, false),
    ("filters", Kind::List, false),
    ("sort", Kind::List, false),
    ("query", Kind::Text, false),
];

const SORTABLE: &[&str] =
    &["email", "dnd", "source", "firstNameLowerCase", "lastNameLowerCase", "dateAdded", "dateUpdated"];

/// A checked search.
#[derive(Debug)]
pub(super) struct Search {
    page_limit: usize,
    skip: usize,
    after: Option<Vec<Value>>,
    filters: Vec<Filter>,
    sort: Vec<Sort>,
    query: Option<String>,
}

#[derive(Debug, Clone)]
struct Sort {
    field: String,
    descending: bool,
}

/// What a search found.
pub(super) struct Found {
    pub(super) contacts: Vec<(Arc<Contact>, Value)>,
    pub(super) total: usize,
}

impl Search {
    /// Reads a request body.
    pub(super) fn read(body: &Value) -> Result<Self, Refusal> {
        let map = check(body, PROPERTIES)?;
        let page_limit = map.get("pageLimit").and_then(Value::as_u64).unwrap_or(0);
        if page_limit == 0 || page_limit > PAGE_MAX {
            return Err(Refusal::unprocessable(vec![format!("pageLimit must be between 1 and {PAGE_MAX}")]));
        }
        let page = map.get("page").map(|page| page.as_u64().unwrap_or(0));
        let after = map.get("searchAfter").and_then(Value::as_array).filter(|list| !list.is_empty()).cloned();
        if page.is_some() && after.is_some() {
            return Err(Refusal::bad_request("page and searchAfter can not be used together"));
        }
        let page = page.unwrap_or(1);
        if page == 0 {
            return Err(Refusal::unprocessable(vec!["page must not be less than 1".to_owned()]));
        }
        if page.saturating_mul(page_limit) > PAGED_MAX {
            return Err(Refusal::bad_request("Only the first 10000 records can be paged, use searchAfter instead"));
        }
        let query = map.get("query").and_then(Value::as_str).map(str::to_lowercase).filter(|text| !text.is_empty());
        if query.as_ref().is_some_and(|text| text.chars().count() > QUERY_MAX) {
            return Err(Refusal::unprocessable(vec![format!(
                "query must be shorter than or equal to {QUERY_MAX} characters"
            )]));
        }
        let filters = map.get("filters").and_then(Value::as_array).map_or(Ok(Vec::new()), |list| filter::read(list))?;
        let sort = map.get("sort").and_then(Value::as_array).map_or(Ok(Vec::new()), |list| sorts(list))?;
        let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        Ok(Self {
            page_limit: count(page_limit),
            skip: count((page - 1) * page_limit),
            after,
            filters,
            sort: if sort.is_empty() { vec![Sort { field: "dateAdded".to_owned(), descending: true }] } else { sort },
            query,
        })
    }

    /// Runs the search over the index.
    pub(super) fn run(&self, index: &Index) -> Found {
        match (self.sort.as_slice(), self.few(index)) {
            ([sort], None) if sort.field == "dateUpdated" => self.walk(index, &index.by_updated, sort),
            ([sort], None) if sort.field == "dateAdded" => self.walk(index, &index.by_added, sort),
            (_, Some(few)) => self.sorted(few),
            (_, None) => self.sorted(index.rows.values().collect()),
        }
    }

    /// The only contacts that can match, where an exact filter says so.
    fn few<'a>(&self, index: &'a Index) -> Option<Vec<&'a Arc<Contact>>> {
        let (field, value) = self.filters.iter().find_map(Filter::exact)?;
        let ids: Vec<&String> = match field {
            "email" => index.by_key.email(value).collect(),
            "phone" => index.by_key.phone(value).collect(),
            "id" => return Some(index.rows.get(value).into_iter().collect()),
            _ => return None,
        };
        Some(ids.into_iter().filter_map(|id| index.rows.get(id)).collect())
    }

    fn matches(&self, contact: &Contact) -> bool {
        self.filters.iter().all(|filter| filter.matches(contact))
            && self.query.as_ref().is_none_or(|query| filter::mentions(contact, query))
    }

    /// Walks an index that is in the wanted order already, within the range a filter on the same date leaves.
    fn walk(&self, index: &Index, order: &BTreeSet<(i64, String)>, sort: &Sort) -> Found {
        let plain = self.filters.is_empty() && self.query.is_none();
        let (low, high) = self
            .filters
            .iter()
            .filter_map(|filter| filter.span(&sort.field))
            .fold((i64::MIN, i64::MAX), |(low, high), span| (low.max(span.0), high.min(span.1)));
        let mut from = Bound::Included((low, String::new()));
        let mut to = Bound::Excluded((high.saturating_add(1), String::new()));
        let within = |from: Bound<(i64, String)>, to: Bound<(i64, String)>| {
            let found = (low <= high && ordered(&from, &to)).then(|| order.range((from, to)));
            found.into_iter().flatten().filter_map(|(_, id)| index.rows.get(id))
        };
        let passes = |contact: &&Arc<Contact>| plain || self.matches(contact);
        let total = if plain { order.len() } else { within(from.clone(), to.clone()).filter(passes).count() };
        let cursor = self.after.as_deref().and_then(|after| match after {
            [at, id] => Some((at.as_i64()?, id.as_str()?.to_owned())),
            _ => None,
        });
        match cursor {
            Some(cursor) if sort.descending && cursor.0 <= high => to = Bound::Excluded(cursor),
            Some(cursor) if !sort.descending && cursor.0 >= low => from = Bound::Excluded(cursor),
            _ => {}
        }
        let rows: Box<dyn Iterator<Item = &Arc<Contact>>> =
            if sort.descending { Box::new(within(from, to).rev()) } else { Box::new(within(from, to)) };
        let contacts = rows
            .filter(passes)
            .skip(self.skip)
            .take(self.page_limit)
            .map(|contact| (Arc::clone(contact), self.cursor(contact)))
            .collect();
        Found { contacts, total }
    }

    fn sorted(&self, candidates: Vec<&Arc<Contact>>) -> Found {
        let mut rows: Vec<(Vec<Value>, &Arc<Contact>)> = candidates
            .into_iter()
            .filter(|contact| self.matches(contact))
            .map(|contact| (self.key(contact), contact))
            .collect();
        rows.sort_by(|(left, _), (right, _)| self.order(left, right));
        let total = rows.len();
        let contacts = rows
            .into_iter()
            .filter(|(key, _)| self.after.as_ref().is_none_or(|after| self.order(key, after) == Ordering::Greater))
            .skip(self.skip)
            .take(self.page_limit)
            .map(|(key, contact)| (Arc::clone(contact), Value::Array(key)))
            .collect();
        Found { contacts, total }
    }

    fn cursor(&self, contact: &Contact) -> Value {
        Value::Array(self.key(contact))
    }

    fn key(&self, contact: &Contact) -> Vec<Value> {
        let mut key: Vec<Value> = self.sort.iter().map(|sort| sort.value(contact)).collect();
        key.push(Value::from(contact.id.as_str()));
        key
    }

    /// Compares two keys; the id, last, follows the direction of the last field.
    fn order(&self, left: &[Value], right: &[Value]) -> Ordering {
        let tie = self.sort.last().is_some_and(|sort| sort.descending);
        let directions = self.sort.iter().map(|sort| sort.descending).chain([tie]);
        left.iter()
            .zip(right)
            .zip(directions)
            .map(|((left, right), descending)| {
                let order = compare(left, right);
                if descending { order.reverse() } else { order }
            })
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}

/// Whether a range has a beginning before its end, which the set insists on.
fn ordered(from: &Bound<(i64, String)>, to: &Bound<(i64, String)>) -> bool {
    match (from, to) {
        (Bound::Included(from), Bound::Excluded(to)) => from <= to,
        (Bound::Excluded(from), Bound::Excluded(to)) => from < to,
        _ => true,
    }
}

fn compare(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::String(left), Value::String(right)) => left.cmp(right),
        (Value::Number(left), Value::Number(right)) => left.as_i64().cmp(&right.as_i64()),
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        _ => left.is_null().cmp(&right.is_null()).reverse(),
    }
}

impl Sort {
    fn value(&self, contact: &Contact) -> Value {
        let text = |text: &Option<String>| text.as_ref().map_or(Value::Null, |text| Value::from(text.to_lowercase()));
        match self.field.as_str() {
            "dateAdded" => json!(millis(contact.date_added)),
            "dateUpdated" => json!(millis(contact.date_updated)),
            "dnd" => json!(contact.dnd),
            "email" => text(&contact.email),
            "source" => text(&contact.source),
            "firstNameLowerCase" => text(&contact.first_name),
            _ => text(&contact.last_name),
        }
    }
}

fn sorts(list: &[Value]) -> Result<Vec<Sort>, Refusal> {
    list.iter()
        .map(|item| {
            let field = item.get("field").and_then(Value::as_str).unwrap_or_default();
            if !SORTABLE.contains(&field) {
                return Err(Refusal::bad_request(format!("Invalid sort field {field}")));
            }
            match item.get("direction").and_then(Value::as_str) {
                Some("asc") => Ok(Sort { field: field.to_owned(), descending: false }),
                Some("desc") => Ok(Sort { field: field.to_owned(), descending: true }),
                _ => Err(Refusal::unprocessable(vec!["direction must be one of asc, desc".to_owned()])),
            }
        })
        .collect()
}
