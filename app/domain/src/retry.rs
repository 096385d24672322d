//! How long to wait before trying again. Chance is an argument, so that a seed repeats every delay.

use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use crate::limits;

/// The delay before the next attempt: doubling from 2 s to an hour, of which `jitter` takes up to a quarter away.
///
/// `attempt` counts the attempts already made, from 1. `jitter` is any random number.
#[must_use]
pub fn backoff(attempt: u32, jitter: u64) -> Duration {
    let doublings = attempt.saturating_sub(1).min(32);
    let whole = limits::BACKOFF_FIRST_S.saturating_mul(1 << doublings).min(limits::BACKOFF_LAST_S);
    less_jitter(whole, jitter)
}

/// How long a lane pauses after being told to slow down: 60 s, doubled from the `previous` pause up to 15 min.
///
/// `retry_after` wins over the doubling, within the same bounds upwards. Jitter only ever lengthens what the service
/// asked for, and shortens our own guess.
#[must_use]
pub fn lane_pause(previous: Option<Duration>, retry_after: Option<Duration>, jitter: u64) -> Duration {
    let longest = Duration::from_secs(limits::LANE_PAUSE_LAST_S);
    if let Some(asked) = retry_after {
        return asked.max(Duration::from_secs(1)).min(longest) + Duration::from_millis(jitter % 1_000);
    }
    let whole = previous.map_or(limits::LANE_PAUSE_FIRST_S, |last| last.as_secs().saturating_mul(2));
    less_jitter(whole.clamp(limits::LANE_PAUSE_FIRST_S, limits::LANE_PAUSE_LAST_S), jitter)
        .max(Duration::from_secs(limits::LANE_PAUSE_FIRST_S))
}

/// Reads a `Retry-After` header: whole seconds, or an HTTP date. A date gone by means "now".
#[must_use]
pub fn parse_retry_after(text: &str, now: OffsetDateTime) -> Option<Duration> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let until = OffsetDateTime::parse(text, &Rfc2822).ok()?;
    Some(Duration::try_from(until - now).unwrap_or(Duration::ZERO))
}

fn less_jitter(whole_s: u64, jitter: u64) -> Duration {
    let whole_ms = whole_s.saturating_mul(1_000);
    Duration::from_millis(whole_ms - jitter % (whole_ms / 4 + 1))
}
