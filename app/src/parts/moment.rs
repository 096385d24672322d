//! Moments and durations in words. The words are made on the server from a given `now`; the exact instant stands in
//! the title and in `datetime`, because people ask how long ago and auditors ask when exactly.

use leptos::prelude::*;
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Duration, OffsetDateTime};

const EXACT: &[BorrowedFormatItem<'_>] =
    format_description!("[day padding:none] [month repr:long] [year], [hour]:[minute]:[second] UTC");
const MINUTE: &[BorrowedFormatItem<'_>] =
    format_description!("[weekday repr:short] [day padding:none] [month repr:short] [year], [hour]:[minute]");
const CLOCK: &[BorrowedFormatItem<'_>] = format_description!("[hour]:[minute]:[second]");
const HOUR: &[BorrowedFormatItem<'_>] = format_description!("[hour]:[minute]");
const DAY: &[BorrowedFormatItem<'_>] = format_description!("[day padding:none] [month repr:short]");
const YEAR: &[BorrowedFormatItem<'_>] = format_description!("[day padding:none] [month repr:short] [year]");

/// Formats cannot fail for instants that exist; an impossible one is left empty rather than made up.
fn written(at: OffsetDateTime, format: &[BorrowedFormatItem<'_>]) -> String {
    at.to_offset(time::UtcOffset::UTC).format(&format).unwrap_or_default()
}

/// The instant to the second, in UTC: `18 November 2026, 14:06:58 UTC`.
pub fn exact(at: OffsetDateTime) -> String {
    written(at, EXACT)
}

/// The instant to the minute, in UTC: `Wed 18 Nov 2026, 14:06`.
pub fn exact_to_the_minute(at: OffsetDateTime) -> String {
    written(at, MINUTE)
}

/// How long ago, or in how long: `12 s ago`, `3 min ago`, `yesterday 14:02`, `3 days ago`, `18 Nov`, `18 Nov 2025`,
/// `in 4 min`.
pub fn ago(at: OffsetDateTime, now: OffsetDateTime) -> String {
    let (at, now) = (at.to_offset(time::UtcOffset::UTC), now.to_offset(time::UtcOffset::UTC));
    let past = now - at;
    if past < Duration::seconds(-4) {
        return if past > Duration::days(-1) {
            format!("in {}", rough(-past))
        } else {
            written(at, if at.year() == now.year() { DAY } else { YEAR })
        };
    }
    let days = (now.date() - at.date()).whole_days();
    if past < Duration::seconds(5) {
        "just now".to_owned()
    } else if past < Duration::hours(1) || days == 0 {
        format!("{} ago", rough(past))
    } else if days == 1 {
        format!("yesterday {}", written(at, HOUR))
    } else if days < 7 {
        format!("{days} days ago")
    } else {
        written(at, if at.year() == now.year() { DAY } else { YEAR })
    }
}

/// One unit is enough for how long ago.
fn rough(past: Duration) -> String {
    let seconds = past.whole_seconds();
    match seconds {
        ..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3_600),
    }
}

/// How long something took or will take: `910 ms`, `3.4 s`, `4 min 35 s`, `2 h 5 min`.
pub fn lasting(milliseconds: u64) -> String {
    let seconds = milliseconds / 1_000;
    match seconds {
        0 => format!("{milliseconds} ms"),
        1..10 => format!("{seconds}.{} s", milliseconds % 1_000 / 100),
        10..60 => format!("{seconds} s"),
        60..3_600 if seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ if (seconds / 60).is_multiple_of(60) => format!("{} h", seconds / 3_600),
        _ => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
    }
}

#[component]
fn Timed(at: OffsetDateTime, words: String) -> impl IntoView {
    let machine = at.to_offset(time::UtcOffset::UTC).format(&Rfc3339).unwrap_or_default();
    view! {
        <time datetime=machine title=exact(at)>
            {words}
        </time>
    }
}

/// A moment relative to `now`, exact on hover.
#[component]
pub fn Moment(at: OffsetDateTime, now: OffsetDateTime) -> impl IntoView {
    view! { <Timed at=at words=ago(at, now) /> }
}

/// A moment as a line of a log: the clock time today, otherwise the day and the hour.
#[component]
pub fn Clock(at: OffsetDateTime, now: OffsetDateTime) -> impl IntoView {
    let today = at.to_offset(time::UtcOffset::UTC).date() == now.to_offset(time::UtcOffset::UTC).date();
    let words = if today { written(at, CLOCK) } else { format!("{} {}", written(at, DAY), written(at, HOUR)) };
    view! { <Timed at=at words=words /> }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn the_past_is_told_in_the_roughest_unit_that_helps() {
        let now = datetime!(2026-11-18 14:06:58 UTC);
        let cases = [
            (datetime!(2026-11-18 14:06:57 UTC), "just now"),
            (datetime!(2026-11-18 14:06:46 UTC), "12 s ago"),
            (datetime!(2026-11-18 14:01:00 UTC), "5 min ago"),
            (datetime!(2026-11-18 09:06:00 UTC), "5 h ago"),
            (datetime!(2026-11-17 23:59:00 UTC), "yesterday 23:59"),
            (datetime!(2026-11-15 10:00:00 UTC), "3 days ago"),
            (datetime!(2026-11-02 10:31:00 UTC), "2 Nov"),
            (datetime!(2025-03-14 10:31:00 UTC), "14 Mar 2025"),
            (datetime!(2026-11-18 14:10:58 UTC), "in 4 min"),
            (datetime!(2026-12-01 00:00:00 UTC), "1 Dec"),
        ];
        for (at, words) in cases {
            assert_eq!(ago(at, now), words);
        }
    }

    #[test]
    fn midnight_does_not_make_five_minutes_a_yesterday() {
        assert_eq!(ago(datetime!(2026-11-17 23:58:00 UTC), datetime!(2026-11-18 00:03:00 UTC)), "5 min ago");
    }

    #[test]
    fn durations_keep_two_units_at_most() {
        let spelled = [0, 910, 3_450, 48_000, 275_000, 180_000, 7_500_000, 7_200_000].map(lasting);
        assert_eq!(spelled, ["0 ms", "910 ms", "3.4 s", "48 s", "4 min 35 s", "3 min", "2 h 5 min", "2 h"]);
    }
}
