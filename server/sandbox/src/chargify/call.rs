//! One call of the API on its way through the routes: the parsed body, paging, and the shapes of refusals.

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::zone::whole_seconds;
use crate::request::{Reply, Request};

/// Largest page of every list; a larger wish is lowered without a word.
const MAX_PER_PAGE: usize = 200;

/// A request with its body read and the time it is handled at (whole seconds, as the service stores time).
#[derive(Debug)]
pub struct Call<'a> {
    pub request: &'a Request,
    pub body: Value,
    pub now: OffsetDateTime,
}

impl<'a> Call<'a> {
    /// Reads the body.
    ///
    /// # Errors
    /// The refusal: bodies that are not declared as JSON, or are none. The vendor documents neither.
    pub fn read(request: &'a Request, now: OffsetDateTime) -> Result<Self, Reply> {
        let declared = request.header("content-type").is_some_and(|kind| kind.contains("json"));
        if !request.body.is_empty() && !declared {
            return Err(errors(&["Content-Type: must be application/json."]));
        }
        let body = request.json().map_err(|problem| Reply::json(400, &json!({"error": problem.to_string()})))?;
        Ok(Self { request, body, now: whole_seconds(now) })
    }

    pub fn param(&self, name: &str) -> Option<&str> {
        self.request.param(name)
    }

    /// Values of a Rails array parameter: `names[]=a&names[]=b`, or one comma-separated `names=a,b`.
    pub fn list(&self, name: &str) -> Vec<&str> {
        let array = format!("{name}[]");
        self.request
            .query
            .iter()
            .filter(|(key, _)| *key == array || key == name)
            .flat_map(|(_, value)| value.split(','))
            .filter(|value| !value.is_empty())
            .collect()
    }

    pub fn number(&self, name: &str) -> Option<i64> {
        self.param(name)?.trim().parse().ok()
    }

    /// Whether the list is asked for from the newest on.
    pub fn descending(&self, by_default: bool) -> bool {
        match self.param("direction") {
            Some("asc") => false,
            Some("desc") => true,
            _ => by_default,
        }
    }

    /// Reads `page` and `per_page`.
    ///
    /// # Errors
    /// 422 for a page below 1.
    pub fn page(&self, default_per_page: usize) -> Result<Page, Reply> {
        let number = self.number("page").unwrap_or(1);
        let Some(number) = usize::try_from(number).ok().filter(|number| *number > 0) else {
            return Err(errors(&[&format!("invalid page: {number}")]));
        };
        let per_page = self
            .number("per_page")
            .and_then(|size| usize::try_from(size).ok())
            .filter(|size| *size > 0)
            .map_or(default_per_page, |size| size.min(MAX_PER_PAGE));
        Ok(Page { number, per_page })
    }
}

/// Which part of a list is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    pub number: usize,
    pub per_page: usize,
}

impl Page {
    /// The rows of this page; past the end there are none.
    pub fn of<T>(self, rows: impl Iterator<Item = T>) -> impl Iterator<Item = T> {
        rows.skip((self.number - 1).saturating_mul(self.per_page)).take(self.per_page)
    }

    /// The object with counters that the lists of custom fields use.
    pub fn counted(self, total: usize, key: &str, rows: Vec<Value>) -> Reply {
        let mut body = json!({
            "total_count": total,
            "current_page": self.number,
            "total_pages": total.div_ceil(self.per_page),
            "per_page": self.per_page,
        });
        if let Some(object) = body.as_object_mut() {
            object.insert(key.to_owned(), Value::Array(rows));
        }
        Reply::json(200, &body)
    }
}

/// 404; the vendor leaves the body open.
pub fn not_found() -> Reply {
    Reply::empty(404)
}

/// 422 with a list of texts.
pub fn errors<T: AsRef<str>>(texts: &[T]) -> Reply {
    let texts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
    Reply::json(422, &json!({"errors": texts}))
}

/// 422 with a single text, as custom fields and cancellations answer.
pub fn error(text: &str) -> Reply {
    Reply::json(422, &json!({"error": text}))
}
