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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn the_delay_doubles_to_an_hour() {
        let delays: Vec<u64> = (0..=13).map(|attempt| backoff(attempt, 0).as_secs()).collect();
        assert_eq!(delays, [2, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600]);
        assert_eq!(backoff(u32::MAX, 0), seconds(3600));
    }

    #[test]
    fn a_lane_pauses_longer_each_time_up_to_a_quarter_of_an_hour() {
        let mut pauses = Vec::new();
        let mut previous = None;
        for _ in 0..6 {
            let pause = lane_pause(previous, None, 0);
            pauses.push(pause.as_secs());
            previous = Some(pause);
        }
        assert_eq!(pauses, [60, 120, 240, 480, 900, 900]);
    }

    #[test]
    fn what_the_service_asks_for_wins_within_reason() {
        assert_eq!(lane_pause(Some(seconds(480)), Some(seconds(5)), 0), seconds(5));
        assert_eq!(lane_pause(None, Some(Duration::ZERO), 0), seconds(1));
        assert_eq!(lane_pause(None, Some(seconds(u64::MAX)), 0), seconds(900));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = datetime!(1994-11-06 08:49:00 UTC);
        let table = [
            ("120", Some(seconds(120))),
            (" 0 ", Some(Duration::ZERO)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(seconds(37))),
            ("Sun, 06 Nov 1994 08:48:00 GMT", Some(Duration::ZERO)),
            ("99999999999999999999999", Some(seconds(u64::MAX))),
            ("soon", None),
            ("-5", None),
            ("1.5", None),
            ("", None),
        ];
        for (text, expected) in table {
            assert_eq!(parse_retry_after(text, now), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn delays_stay_in_bounds_for_any_chance(attempt: u32, jitter: u64, previous in 0_u64..10_000, asked: Option<u64>) {
            prop_assert!(backoff(attempt, jitter) <= seconds(limits::BACKOFF_LAST_S));
            prop_assert!(backoff(attempt, jitter) >= Duration::from_millis(1_500));
            let pause = lane_pause(Some(seconds(previous)), asked.map(seconds), jitter);
            prop_assert!(pause >= seconds(1) && pause <= seconds(limits::LANE_PAUSE_LAST_S + 1));
        }

        #[test]
        fn no_header_makes_the_reader_panic(text in "\\PC{0,40}") {
            let _ = parse_retry_after(&text, OffsetDateTime::UNIX_EPOCH);
        }
    }
}
