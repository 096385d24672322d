//! What happened on one side: calls, how many at once, webhooks, and the latest requests.

use std::collections::{BTreeMap, VecDeque};

use http::Method;
use serde::Serialize;
use time::OffsetDateTime;

use crate::{request::Request, webhook::Settled};

/// Requests remembered.
const REMEMBERED: usize = 5_000;

/// A request and how it was answered.
#[derive(Debug, Clone, Serialize)]
pub struct Recorded {
    /// Running number of the request on this side, from 1.
    pub number: u64,
    /// The method.
    pub method: String,
    /// The path as sent, without the query.
    pub path: String,
    /// The decoded query.
    pub query: Vec<(String, String)>,
    /// The body as text.
    pub body: String,
    /// The status; `None` while unanswered, or when the connection was cut.
    pub status: Option<u16>,
    /// When it arrived.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// Milliseconds until the answer.
    pub took_ms: f64,
    /// Requests in flight when it arrived, itself included.
    pub in_flight: usize,
}

impl Recorded {
    /// The request once more, without its headers, for checks against a vendor's document.
    pub fn request(&self) -> Request {
        Request {
            method: Method::from_bytes(self.method.as_bytes()).unwrap_or_default(),
            path: self.path.clone(),
            query: self.query.clone(),
            headers: Vec::new(),
            body: self.body.clone().into_bytes(),
        }
    }
}

/// Counters since the start or the last reset.
#[derive(Debug, Clone, Default, Serialize)]
pub struct StatsView {
    /// Calls received.
    pub calls: u64,
    /// Calls by method and path, ids left out.
    pub by_endpoint: BTreeMap<String, u64>,
    /// Answers by status.
    pub by_status: BTreeMap<u16, u64>,
    /// Received and not yet answered.
    pub in_flight: usize,
    /// The most that were in flight at once.
    pub high_water: usize,
    /// Arrivals that found every slot taken; only where a side has slots.
    pub over_limit: u64,
    /// Answers 429.
    pub too_many: u64,
    /// Webhook attempts sent.
    pub webhooks_sent: u64,
    /// Webhooks taken by the receiver.
    pub webhooks_acked: u64,
    /// Webhook attempts that failed.
    pub webhooks_refused: u64,
    /// Webhooks given up.
    pub webhooks_failed: u64,
}

#[derive(Debug, Default)]
pub(super) struct Stats {
    pub(super) view: StatsView,
    pub(super) requests: VecDeque<Recorded>,
    next: u64,
}

impl Stats {
    /// Counts an arrival; returns its number and how many are in flight.
    pub(super) fn arrive(&mut self, request: &Request, slots: Option<usize>, now: OffsetDateTime) -> (u64, usize) {
        let view = &mut self.view;
        view.calls += 1;
        view.in_flight += 1;
        view.high_water = view.high_water.max(view.in_flight);
        if slots.is_some_and(|slots| view.in_flight > slots) {
            view.over_limit += 1;
        }
        *view.by_endpoint.entry(endpoint(request)).or_default() += 1;
        self.next += 1;
        if self.requests.len() == REMEMBERED {
            self.requests.pop_front();
        }
        self.requests.push_back(Recorded {
            number: self.next,
            method: request.method.to_string(),
            path: request.path.clone(),
            query: request.query.clone(),
            body: String::from_utf8_lossy(&request.body).into_owned(),
            status: None,
            at: now,
            took_ms: 0.0,
            in_flight: self.view.in_flight,
        });
        (self.next, self.view.in_flight)
    }

    /// Counts an answer.
    pub(super) fn leave(&mut self, number: u64, status: Option<u16>, now: OffsetDateTime) {
        self.view.in_flight = self.view.in_flight.saturating_sub(1);
        if let Some(status) = status {
            *self.view.by_status.entry(status).or_default() += 1;
            self.view.too_many += u64::from(status == 429);
        }
        if let Some(record) = self.requests.iter_mut().rev().find(|record| record.number == number) {
            record.status = status;
            record.took_ms = (now - record.at).as_seconds_f64() * 1000.0;
        }
    }

    pub(super) fn webhook(&mut self, settled: Settled) {
        match settled {
            Settled::Delivered => self.view.webhooks_acked += 1,
            Settled::Waiting => self.view.webhooks_refused += 1,
            Settled::GivenUp => {
                self.view.webhooks_refused += 1;
                self.view.webhooks_failed += 1;
            }
            Settled::Unknown => {}
        }
    }

    /// Starts counting afresh; what is in flight stays in flight.
    pub(super) fn reset(&mut self) {
        let in_flight = self.view.in_flight;
        self.view = StatsView { in_flight, high_water: in_flight, ..StatsView::default() };
        self.requests.clear();
    }
}

/// Method and path with ids replaced, such as `GET /contacts/{id}/notes`.
fn endpoint(request: &Request) -> String {
    let mut out = format!("{} ", request.method);
    for part in request.path.split('/').skip(1) {
        out.push('/');
        let (stem, suffix) = part.strip_suffix(".json").map_or((part, ""), |stem| (stem, ".json"));
        let id = (stem.len() >= 20 && stem.chars().all(|one| one.is_ascii_alphanumeric()))
            || (!stem.is_empty() && stem.chars().all(|one| one.is_ascii_digit()));
        out.push_str(if id { "{id}" } else { stem });
        out.push_str(suffix);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_counted_without_ids() {
        for (path, expected) in [
            ("/contacts/", "GET /contacts/"),
            ("/contacts/ocQHyuzHvysMo5N5VsXc/notes", "GET /contacts/{id}/notes"),
            ("/customers/123.json", "GET /customers/{id}.json"),
            ("/customers/lookup.json", "GET /customers/lookup.json"),
        ] {
            assert_eq!(endpoint(&Request::new(Method::GET, path)), expected);
        }
    }
}
