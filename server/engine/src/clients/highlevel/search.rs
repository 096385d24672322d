//! Reading contacts in bulk (HighLevel docs, Search Contacts, seen 2026-08).

use super::{HighLevel, wire};
use crate::{
    UpstreamClass,
    clients::{CallContext, CallError, RowProblem, call::Call},
};
use domain::{limits, record::Record};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::time::Duration;
use time::{OffsetDateTime, UtcOffset, macros::format_description};

/// Where the next page begins: the last row's own words. Opaque, and only good with the same `updated_since`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SearchCursor(Json);

/// Which page to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchPage {
    /// Rows wished for; lowered to what the location gives. 0: as many as it gives.
    pub page_limit: u32,
    pub after: Option<SearchCursor>,
    pub updated_since: Option<OffsetDateTime>,
}

/// One page of contacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactPage {
    pub records: Vec<Record>,
    /// All contacts that match, by the service's count.
    pub total: Option<u64>,
    /// `None`: this was the last page.
    pub next: Option<SearchCursor>,
    /// Whether every row could be read. When not, a contact that is missing here is not known to be gone.
    pub rows_complete: bool,
    pub problems: Vec<RowProblem>,
}

/// Reads one page, with fewer rows where the location refuses the number.
pub(super) async fn page(
    client: &HighLevel,
    context: &CallContext,
    page: &SearchPage,
) -> Result<ContactPage, CallError> {
    let wished = if page.page_limit == 0 { limits::HIGHLEVEL_PAGE } else { page.page_limit };
    let limit = wished.min(client.state.page_limit());
    match read(client, context, page, limit).await {
        Err(error) if limit > limits::HIGHLEVEL_PAGE_FALLBACK && refuses_limit(&error) => {
            client.state.lower_page_limit();
            read(client, context, page, limits::HIGHLEVEL_PAGE_FALLBACK).await
        }
        other => other,
    }
}

fn refuses_limit(error: &CallError) -> bool {
    error.class == UpstreamClass::Rejected && error.message.to_lowercase().contains("pagelimit")
}

async fn read(
    client: &HighLevel,
    context: &CallContext,
    page: &SearchPage,
    limit: u32,
) -> Result<ContactPage, CallError> {
    let call = Call {
        method: http::Method::POST,
        endpoint: "POST /contacts/search",
        target: "/contacts/search".to_owned(),
        body: Some(body(&client.location_id, page, limit)),
        writes: false,
        timeout: Duration::from_secs(limits::READ_TIMEOUT_S),
    };
    let answer = client.call(context, call).await?;
    let body = answer.json()?;
    let rows = body
        .get("contacts")
        .and_then(Json::as_array)
        .ok_or_else(|| answer.unreadable("the answer holds no contacts"))?;
    let total = crate::clients::json::integer(&body, "total").and_then(|total| u64::try_from(total).ok());
    let mut read = ContactPage {
        records: Vec::with_capacity(rows.len()),
        total,
        next: None,
        rows_complete: true,
        problems: Vec::new(),
    };
    for row in rows {
        match wire::contact(row, wire::Shape::SearchRow, &client.custom_fields) {
            Ok((record, problems)) => {
                read.records.push(record);
                read.problems.extend(problems);
            }
            Err(problem) => {
                read.rows_complete = false;
                read.problems.push(problem);
            }
        }
    }
    if is_last(rows.len(), limit, total, page.after.is_some()) {
        return Ok(read);
    }
    if rows.len() < limit as usize {
        client.state.lower_page_limit();
    }
    let cursor = rows.last().and_then(|row| row.get("searchAfter")).filter(|cursor| cursor.is_array());
    read.next = Some(SearchCursor(cursor.cloned().ok_or_else(|| answer.unreadable("a full page names no next one"))?));
    Ok(read)
}

/// A short page is the last one. Unless it has exactly as many rows as the service's smaller limit: then it may have
/// lowered our wish without a word, and a listing that ends too early would look like contacts gone.
fn is_last(rows: usize, limit: u32, total: Option<u64>, continued: bool) -> bool {
    if rows >= limit as usize {
        return !continued && total == Some(rows as u64);
    }
    let lowered = rows == limits::HIGHLEVEL_PAGE_FALLBACK as usize;
    !lowered || (!continued && total.is_some_and(|total| total <= rows as u64))
}

fn body(location_id: &str, page: &SearchPage, limit: u32) -> Json {
    let sort = if page.updated_since.is_some() { "dateUpdated" } else { "dateAdded" };
    let mut body = json!({
        "locationId": location_id,
        "pageLimit": limit,
        "sort": [{ "field": sort, "direction": "asc" }],
    });
    let Some(members) = body.as_object_mut() else { return body };
    if let Some(since) = page.updated_since {
        let filter = json!([{ "field": "dateUpdated", "operator": "range", "value": { "gte": milliseconds(since) } }]);
        members.insert("filters".to_owned(), filter);
    }
    if let Some(SearchCursor(cursor)) = &page.after {
        members.insert("searchAfter".to_owned(), cursor.clone());
    }
    body
}

/// `2026-06-19T10:00:00.000Z`, as the service writes its own instants.
fn milliseconds(instant: OffsetDateTime) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    instant.to_offset(UtcOffset::UTC).format(format).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_page_ends_the_listing_unless_it_looks_lowered() {
        let cases = [
            (0, 500, Some(0), false, true),
            (37, 500, Some(37), false, true),
            (500, 500, Some(1_200), false, false),
            (500, 500, Some(500), false, true),
            (500, 500, Some(1_000), true, false),
            (100, 500, Some(10_000), false, false),
            (100, 500, Some(100), false, true),
            (100, 500, Some(1_100), true, false),
            (99, 100, None, true, true),
            (100, 100, None, true, false),
        ];
        for (rows, limit, total, continued, last) in cases {
            assert_eq!(is_last(rows, limit, total, continued), last, "{rows} of {limit}, total {total:?}");
        }
    }

    #[test]
    fn an_incremental_page_asks_in_order_of_change() {
        let since = time::macros::datetime!(2026-06-19 12:00:00.5 +2);
        let page = SearchPage { page_limit: 0, after: None, updated_since: Some(since) };
        let body = body("loc", &page, 100);
        assert_eq!(body["sort"][0]["field"], "dateUpdated");
        assert_eq!(body["filters"][0]["value"]["gte"], "2026-06-19T10:00:00.500Z");
        assert!(body.get("searchAfter").is_none());
    }
}
