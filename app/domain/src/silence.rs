//! Whether it is odd that no webhook comes: judged by the same hours of the weeks before.
//!
//! The time since the last webhook is laid over the weeks before it. Had something come in each of those windows, and
//! not just a few, then that nothing comes now is no chance.

use time::{Duration, OffsetDateTime};

/// Weeks looked back: enough to know the usual, few enough to follow a business that changes.
const WEEKS: i32 = 4;
/// Fewer weeks say too little.
const WEEKS_MIN: usize = 2;
/// As many webhooks must have come in every one of those weeks. Where seven are expected, none is one chance in a thousand.
const EXPECTED_MIN: u64 = 7;
/// Longer silences are judged by their first week.
const LENGTH_MAX: Duration = Duration::WEEK;

/// What is to be thought of it that nothing came since the last webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hearing {
    /// None ever came.
    Never,
    /// Too little is known yet to expect anything.
    Learning,
    /// Not unusual.
    Usual,
    /// Since then none came, where in the same hours of each week before at least `expected` came.
    Silent { since: OffsetDateTime, expected: u64 },
}

/// The same hours of the weeks before, the latest first, as far back as anything was received. Count what came in each.
#[must_use]
pub fn windows(
    first: OffsetDateTime,
    last: OffsetDateTime,
    now: OffsetDateTime,
) -> Vec<(OffsetDateTime, OffsetDateTime)> {
    let until = now.min(last + LENGTH_MAX);
    let back = |weeks: i32| (last - Duration::weeks(i64::from(weeks)), until - Duration::weeks(i64::from(weeks)));
    (1..=WEEKS).map(back).take_while(|(from, _)| *from >= first).collect()
}

/// The judgement, with what came in each of [`windows`].
#[must_use]
pub fn judge(last: Option<OffsetDateTime>, counts: &[u64]) -> Hearing {
    let Some(since) = last else { return Hearing::Never };
    match counts.iter().min() {
        Some(least) if counts.len() >= WEEKS_MIN && *least >= EXPECTED_MIN => {
            Hearing::Silent { since, expected: *least }
        }
        Some(_) if counts.len() >= WEEKS_MIN => Hearing::Usual,
        _ => Hearing::Learning,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const LAST: OffsetDateTime = datetime!(2026-11-20 09:00 UTC);

    #[test]
    fn the_windows_are_the_same_hours_of_the_weeks_before_and_never_reach_into_the_silence() {
        let first = datetime!(2026-11-01 00:00 UTC);
        let now = LAST + Duration::hours(3);
        let expected = [
            (datetime!(2026-11-13 09:00 UTC), datetime!(2026-11-13 12:00 UTC)),
            (datetime!(2026-11-06 09:00 UTC), datetime!(2026-11-06 12:00 UTC)),
        ];
        assert_eq!(windows(first, LAST, now), expected);
        let long = windows(first, LAST, LAST + Duration::days(30));
        assert!(long.iter().all(|(_, until)| *until <= LAST), "{long:?}");
    }

    #[test]
    fn only_what_was_usual_in_every_week_is_missed() {
        let silent = Hearing::Silent { since: LAST, expected: 9 };
        let table = [
            (None, vec![], Hearing::Never),
            (Some(LAST), vec![], Hearing::Learning),
            (Some(LAST), vec![500], Hearing::Learning),
            (Some(LAST), vec![500, 6], Hearing::Usual),
            (Some(LAST), vec![20, 0, 40, 30], Hearing::Usual),
            (Some(LAST), vec![20, 9, 40, 30], silent),
            (Some(LAST), vec![9, 9], silent),
        ];
        for (last, counts, expected) in table {
            assert_eq!(judge(last, &counts), expected, "{counts:?}");
        }
    }
}
