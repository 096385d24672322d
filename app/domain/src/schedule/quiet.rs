//! Hours of the day in which nothing starts.

use super::{Zone, zone::Comes};
use jiff::civil::Time;
use std::fmt;
use time::OffsetDateTime;

/// From a time of day until another, over midnight where the second is the earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quiet {
    from: Time,
    until: Time,
}

impl fmt::Display for Quiet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, until } = self;
        write!(f, "{:02}:{:02}-{:02}:{:02}", from.hour(), from.minute(), until.hour(), until.minute())
    }
}

impl Quiet {
    /// Reads `22:00-06:00`. Empty text: none.
    ///
    /// # Errors
    /// What is wrong, and what to write instead.
    pub fn read(text: &str) -> Result<Option<Self>, String> {
        let text = text.trim();
        if text.is_empty() || text.eq_ignore_ascii_case("off") {
            return Ok(None);
        }
        let shape = || format!("{text:?} is no span of hours; write it as 22:00-06:00, or leave it empty");
        let (from, until) = text.split_once(['-', '–']).ok_or_else(shape)?;
        let (Some(from), Some(until)) = (time_of_day(from), time_of_day(until)) else { return Err(shape()) };
        if from == until {
            return Err(
                "the quiet hours begin and end at the same time; leave them empty, or give them a length".to_owned()
            );
        }
        Ok(Some(Self { from, until }))
    }

    fn holds(self, wall: Time) -> bool {
        if self.from < self.until {
            (self.from..self.until).contains(&wall)
        } else {
            wall >= self.from || wall < self.until
        }
    }

    /// When they end, for an instant within them.
    pub(super) fn end(self, at: OffsetDateTime, zone: &Zone) -> Option<OffsetDateTime> {
        let mut second = at.unix_timestamp();
        let mut is_within = false;
        // Where the clock is set back across the end, it comes twice: they end at the second.
        while self.holds(zone.local(second)?.time()) {
            is_within = true;
            second = self.next_end(second, zone)?;
        }
        if is_within { OffsetDateTime::from_unix_timestamp(second).ok() } else { None }
    }

    fn next_end(self, after: i64, zone: &Zone) -> Option<i64> {
        let mut day = zone.local(after)?.date().yesterday().ok()?;
        loop {
            let ends = match zone.comes(day.to_datetime(self.until))? {
                Comes::Once(end) | Comes::Never { gap_ends: end } => [end, end],
                Comes::Twice(first, second) => [first, second],
            };
            if let Some(end) = ends.into_iter().find(|end| *end > after) {
                return Some(end);
            }
            day = day.tomorrow().ok()?;
        }
    }
}

fn time_of_day(text: &str) -> Option<Time> {
    let (hour, minute) = text.trim().split_once(':')?;
    let two =
        |text: &str| (text.len() <= 2 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?;
    if minute.len() != 2 {
        return None;
    }
    Time::new(two(hour)?, two(minute)?, 0, 0).ok()
}
