//! How a sandbox is to be set up.

use std::{fmt, net::SocketAddr, str::FromStr, sync::Arc, time::Duration};

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

/// `50ms`, or `20ms/50ms/400ms` for a minimum, a median and a 99th percentile.
impl FromStr for Latency {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let spans: Vec<Duration> = text.split('/').map(span).collect::<Option<_>>().ok_or(Unreadable)?;
        let ms = |span: &Duration| span.as_secs_f64() * 1000.0;
        match spans.as_slice() {
            [fixed] => Ok(Self::Fixed { fixed_ms: u64::try_from(fixed.as_millis()).unwrap_or(u64::MAX) }),
            [min, median, p99] if min <= median && median <= p99 => {
                Ok(Self::Spread { min_ms: ms(min), median_ms: ms(median), p99_ms: ms(p99) })
            }
            _ => Err(Unreadable),
        }
    }
}

/// Reads a rate such as `100/10s`: calls per window.
///
/// # Errors
/// When the text is no rate, or its window is empty.
pub fn rate(text: &str) -> Result<(u32, Duration), Unreadable> {
    let (calls, window) = text.split_once('/').ok_or(Unreadable)?;
    let window = span(window).filter(|window| !window.is_zero()).ok_or(Unreadable)?;
    Ok((calls.trim().parse().map_err(|_error: std::num::ParseIntError| Unreadable)?, window))
}

/// A latency or a rate that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not readable; write a latency as 50ms or 20ms/50ms/400ms, and a rate as 100/10s")]
pub struct Unreadable;

fn span(text: &str) -> Option<Duration> {
    let text = text.trim();
    let unit = text.find(|character: char| character.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at_checked(unit)?;
    let seconds = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number.trim().parse::<f64>().ok()? * seconds).ok()
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
    /// Whether everybody has first name, last name and an e-mail address of their own.
    pub clean: bool,
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
            clean: false,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_and_rates_are_read_as_people_write_them() {
        assert_eq!("50ms".parse(), Ok(Latency::Fixed { fixed_ms: 50 }));
        assert_eq!("0s".parse(), Ok(Latency::NONE));
        let spread = Latency::Spread { min_ms: 20.0, median_ms: 50.0, p99_ms: 1000.0 };
        assert_eq!("20ms/50ms/1s".parse(), Ok(spread));
        assert_eq!(rate("100/10s"), Ok((100, Duration::from_secs(10))));
        for text in ["", "50", "fast", "50ms/20ms/10ms", "-1s"] {
            assert_eq!(text.parse::<Latency>(), Err(Unreadable), "{text}");
        }
        for text in ["100", "x/10s", "100/0s"] {
            assert_eq!(rate(text), Err(Unreadable), "{text}");
        }
    }
}
