//! How a sandbox is to be set up.

use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use crate::request::Request;

/// Which of the two services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// GoHighLevel.
    HighLevel,
    /// Chargify.
    Chargify,
}

/// How long an answer takes, from the moment a slot is free.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Latency {
    /// Always the same.
    Fixed {
        /// Milliseconds.
        fixed_ms: u64,
    },
    /// Never below `min_ms`, half of the answers within `median_ms`, one in a hundred beyond `p99_ms`.
    Spread {
        /// The fastest answer, in milliseconds.
        min_ms: f64,
        /// The median, in milliseconds.
        median_ms: f64,
        /// The 99th percentile, in milliseconds.
        p99_ms: f64,
    },
}

impl Latency {
    /// An answer without delay.
    pub const NONE: Self = Self::Fixed { fixed_ms: 0 };
}

impl fmt::Display for Latency {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed { fixed_ms } => write!(out, "{fixed_ms} ms"),
            Self::Spread { min_ms, median_ms, p99_ms } => {
                write!(out, "at least {min_ms} ms, median {median_ms} ms, p99 {p99_ms} ms")
            }
        }
    }
}

/// A request that is being worked on, as [`Options::on_request`] sees it.
#[derive(Debug, Clone)]
pub struct RequestInfo {
    /// Whom it was sent to.
    pub side: Side,
    /// Requests in flight on that side, this one included.
    pub in_flight: usize,
    /// The request itself.
    pub request: Arc<Request>,
}

/// Called for every API request while it is in flight.
pub type RequestHook = Arc<dyn Fn(&RequestInfo) + Send + Sync>;

/// Everything that can be chosen before the start.
#[derive(Clone)]
pub struct Options {
    /// Where the GoHighLevel side listens; port 0 picks a free one.
    pub highlevel_addr: SocketAddr,
    /// Where the Chargify side listens; port 0 picks a free one.
    pub chargify_addr: SocketAddr,
    /// Contacts that exist at the start.
    pub contacts: usize,
    /// Customers that exist at the start; by default half as many as contacts.
    pub customers: Option<usize>,
    /// Everything random follows from this.
    pub seed: u64,
    /// How long answers take.
    pub latency: Latency,
    /// GoHighLevel's burst limit: calls per window.
    pub rate: (u32, Duration),
    /// GoHighLevel's daily limit.
    pub daily: u32,
    /// How much later a change shows up in GoHighLevel's search.
    pub index_lag: Duration,
    /// Whether the GoHighLevel location allows two contacts with the same e-mail or phone.
    pub allow_duplicate_contacts: bool,
    /// Where GoHighLevel sends webhooks.
    pub highlevel_webhooks: Option<String>,
    /// Where Chargify sends webhooks.
    pub chargify_webhooks: Option<String>,
    /// How much later an event shows up in Chargify's events feed.
    pub event_lag: Duration,
    /// Divides the waiting times between webhook retries; 1 is the vendors' pace.
    pub retry_speedup: u32,
    /// Called for every API request while it is in flight.
    pub on_request: Option<RequestHook>,
}

impl Default for Options {
    fn default() -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            highlevel_addr: any,
            chargify_addr: any,
            contacts: 200,
            customers: None,
            seed: 1,
            latency: Latency::NONE,
            rate: (100, Duration::from_secs(10)),
            daily: 200_000,
            index_lag: Duration::from_secs(2),
            allow_duplicate_contacts: false,
            highlevel_webhooks: None,
            chargify_webhooks: None,
            event_lag: Duration::from_secs(3),
            retry_speedup: 1,
            on_request: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Options")
            .field("highlevel_addr", &self.highlevel_addr)
            .field("chargify_addr", &self.chargify_addr)
            .field("contacts", &self.contacts)
            .field("customers", &self.customers)
            .field("seed", &self.seed)
            .field("latency", &self.latency)
            .field("rate", &self.rate)
            .finish_non_exhaustive()
    }
}
