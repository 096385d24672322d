//! Listing customers (Maxio Advanced Billing API reference, list customers, seen 2026-08).

use super::{Chargify, read, wire};
use crate::clients::{CallContext, CallError, RowProblem, address};
use domain::{limits, record::Record};
use serde_json::Value as Json;
use time::{OffsetDateTime, UtcOffset, macros::format_description};

/// Which page to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CustomerPage {
    /// From 1.
    pub page: u32,
    pub updated_since: Option<OffsetDateTime>,
}

/// One page of customers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerRows {
    pub records: Vec<Record>,
    /// Whether there may be a further page.
    pub more: bool,
    /// Whether every row could be read.
    pub rows_complete: bool,
    /// `false`: rows from before `updated_since` came too. The service ignores a filter it does not understand.
    pub filtered: bool,
    pub problems: Vec<RowProblem>,
}

pub(super) fn target(page: &CustomerPage) -> String {
    let mut query = vec![
        ("page", page.page.max(1).to_string()),
        ("per_page", limits::CHARGIFY_PAGE.to_string()),
        ("direction", "asc".to_owned()),
    ];
    if let Some(since) = page.updated_since {
        query.push(("date_field", "updated_at".to_owned()));
        query.push(("start_datetime", seconds(since)));
    }
    address::with_query("/customers.json", &query)
}

/// Customers that contain the text in e-mail, name, organization or reference; a hit is a substring, never an identity.
pub(super) fn like(text: &str) -> String {
    let query = [("page", "1".to_owned()), ("per_page", limits::CHARGIFY_PAGE.to_string()), ("q", text.to_owned())];
    address::with_query("/customers.json", &query)
}

pub(super) fn newest() -> String {
    let query = [("page", "1".to_owned()), ("per_page", "1".to_owned()), ("direction", "desc".to_owned())];
    address::with_query("/customers.json", &query)
}

impl Chargify {
    /// The newest customers, a page of them: who was created in the last seconds is among them.
    ///
    /// # Errors
    /// A [`CallError`].
    pub(crate) async fn newest_customers(&self, context: &CallContext) -> Result<Vec<Record>, CallError> {
        let query = [
            ("page", "1".to_owned()),
            ("per_page", limits::CHARGIFY_PAGE.to_string()),
            ("direction", "desc".to_owned()),
        ];
        let target = address::with_query("/customers.json", &query);
        let answer = self.call(context, read("GET /customers.json", target)).await?;
        let body = answer.json()?;
        let found = body.as_array().ok_or_else(|| answer.unreadable("the answer is no list of customers"))?;
        Ok(rows(found, &CustomerPage { page: 1, updated_since: None }).records)
    }
}

pub(super) fn rows(rows: &[Json], page: &CustomerPage) -> CustomerRows {
    let mut read = CustomerRows {
        records: Vec::with_capacity(rows.len()),
        more: rows.len() >= limits::CHARGIFY_PAGE as usize,
        rows_complete: true,
        filtered: true,
        problems: Vec::new(),
    };
    for row in rows {
        match wire::customer(row) {
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
    if let Some(since) = page.updated_since {
        // Stamps have whole seconds, so a row of the very second may look earlier.
        let from = since - time::Duration::SECOND;
        read.filtered = read.records.iter().all(|record| record.stamp.updated_at.is_none_or(|updated| updated >= from));
    }
    read
}

/// `2024-10-11T19:12:51Z`: with a zone, since the site's own one would be assumed.
pub(super) fn seconds(instant: OffsetDateTime) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    instant.to_offset(UtcOffset::UTC).format(format).unwrap_or_default()
}
