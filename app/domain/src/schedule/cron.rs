//! Cron lines of five fields: minute, hour, day of the month, month, day of the week.
//!
//! As in every cron, a day counts when either day field names it where both are given. In the night in which clocks
//! change, a line that names its hours starts once: a local time that is skipped starts when the gap ends, one that
//! comes twice starts at its first coming. A line for every hour goes by the clock and runs through both.

use super::{Zone, zone::Comes};
use crate::limits;
use jiff::civil::{Date, DateTime, Time, Weekday};
use time::OffsetDateTime;

/// A cron line, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    text: String,
    pub(super) minutes: Set,
    pub(super) hours: Set,
    pub(super) days: Set,
    pub(super) months: Set,
    /// Sunday is 0.
    pub(super) weekdays: Set,
}

/// The values one field names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Set {
    bits: u64,
    /// Begins with a star: such a day field leaves the choice to the other one.
    pub(super) is_star: bool,
}

impl Set {
    pub(super) const fn has(self, value: u8) -> bool {
        self.bits >> value & 1 == 1
    }

    pub(super) fn values(self) -> impl Iterator<Item = u8> {
        (0..64).filter(move |value| self.has(*value))
    }

    pub(super) const fn len(self) -> u32 {
        self.bits.count_ones()
    }
}

/// What a field may hold.
struct Field {
    name: &'static str,
    first: u8,
    last: u8,
    /// Names for its values, from the first on.
    names: &'static [&'static str],
}

const MINUTE: Field = Field { name: "minute", first: 0, last: 59, names: &[] };
const HOUR: Field = Field { name: "hour", first: 0, last: 23, names: &[] };
const DAY: Field = Field { name: "day of the month", first: 1, last: 31, names: &[] };
const MONTH: Field = Field {
    name: "month",
    first: 1,
    last: 12,
    names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
/// 7 is Sunday too.
const WEEKDAY: Field =
    Field { name: "day of the week", first: 0, last: 7, names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"] };

/// The longest each month gets.
const MONTH_DAYS: [u8; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

impl Cron {
    /// Reads five fields.
    ///
    /// # Errors
    /// What is wrong, and what to write instead.
    pub fn read(text: &str) -> Result<Self, String> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = *fields.as_slice() else {
            return Err(format!(
                "write five fields, as in \"0 2 * * *\": minute, hour, day of the month, month, day of the week; this has {}{}",
                fields.len(),
                if fields.len() == 6 { " (seconds and years have no place)" } else { "" }
            ));
        };
        let mut weekdays = WEEKDAY.read(weekday)?;
        if weekdays.has(7) {
            weekdays.bits = (weekdays.bits | 1) & 0x7f;
        }
        let cron = Self {
            text: fields.join(" "),
            minutes: MINUTE.read(minute)?,
            hours: HOUR.read(hour)?,
            days: DAY.read(day)?,
            months: MONTH.read(month)?,
            weekdays,
        };
        cron.check()?;
        Ok(cron)
    }

    /// As written, one space between fields.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first start after that instant; `None` when there is none in the years ahead.
    #[must_use]
    pub fn next(&self, after: OffsetDateTime, zone: &Zone) -> Option<OffsetDateTime> {
        let after = after.unix_timestamp();
        // A gap can move a start of the evening before to this day.
        let mut day = zone.local(after)?.date().yesterday().ok()?;
        for _ in 0..limits::SCHEDULE_DAYS_AHEAD {
            if self.is_on(day) {
                let starts = self.times(day).flat_map(|at| self.starts(at, zone)).flatten();
                if let Some(start) = starts.filter(|start| *start > after).min() {
                    return OffsetDateTime::from_unix_timestamp(start).ok();
                }
            }
            day = day.tomorrow().ok()?;
        }
        None
    }

    /// The starts that a time on the wall stands for. Where every hour counts, it goes by the clock and not by the name of
    /// the hour.
    fn starts(&self, wall: DateTime, zone: &Zone) -> [Option<i64>; 2] {
        let by_the_clock = self.hours.len() == 24;
        match zone.comes(wall) {
            Some(Comes::Once(start)) => [Some(start), None],
            Some(Comes::Twice(first, second)) => [Some(first), by_the_clock.then_some(second)],
            Some(Comes::Never { gap_ends }) => [(!by_the_clock).then_some(gap_ends), None],
            None => [None, None],
        }
    }

    pub(super) fn is_on(&self, day: Date) -> bool {
        let (number, month) = (day.day().unsigned_abs(), day.month().unsigned_abs());
        if !self.months.has(month) {
            return false;
        }
        let by_day = self.days.has(number);
        let by_weekday = self.weekdays.has(number_of(day.weekday()));
        if self.days.is_star || self.weekdays.is_star { by_day && by_weekday } else { by_day || by_weekday }
    }

    fn times(&self, day: Date) -> impl Iterator<Item = DateTime> {
        self.minutes_of_day().filter_map(move |minute| {
            let (hour, minute) = (i8::try_from(minute / 60).ok()?, i8::try_from(minute % 60).ok()?);
            Some(day.to_datetime(Time::new(hour, minute, 0, 0).ok()?))
        })
    }

    /// Minutes since midnight, in order.
    pub(super) fn minutes_of_day(&self) -> impl Iterator<Item = u16> {
        let minutes = self.minutes;
        self.hours
            .values()
            .flat_map(move |hour| minutes.values().map(move |minute| u16::from(hour) * 60 + u16::from(minute)))
    }

    fn check(&self) -> Result<(), String> {
        let by_weekday = !self.weekdays.is_star;
        let fits = |(month, days): (u8, &u8)| self.months.has(month) && self.days.values().any(|day| day <= *days);
        if !by_weekday && !(1..).zip(&MONTH_DAYS).any(fits) {
            return Err(format!(
                "{:?} never comes: no such month has that day; correct the day or the month",
                self.text
            ));
        }
        let times: Vec<u16> = self.minutes_of_day().collect();
        let next_day = times.first().map(|first| first + 24 * 60);
        let gaps = times.iter().zip(times.iter().copied().skip(1).chain(next_day)).map(|(one, next)| next - one);
        match gaps.min() {
            Some(gap) if gap < limits::SCHEDULE_GAP_MIN => Err(format!(
                "{:?} starts {gap} min apart; the closest allowed is {} min, as in \"*/{} * * * *\"",
                self.text,
                limits::SCHEDULE_GAP_MIN,
                limits::SCHEDULE_GAP_MIN
            )),
            _ => Ok(()),
        }
    }
}

/// Sunday is 0.
fn number_of(weekday: Weekday) -> u8 {
    weekday.to_sunday_zero_offset().unsigned_abs()
}

impl Field {
    fn read(&self, text: &str) -> Result<Set, String> {
        let mut set = Set { bits: 0, is_star: text.starts_with('*') };
        for part in text.split(',') {
            let (range, step) = match part.split_once('/') {
                Some((range, step)) => (range, Some(self.step(step)?)),
                None => (part, None),
            };
            let (from, until) = match (range, range.split_once('-')) {
                ("*", _) => (self.first, self.last_distinct()),
                (_, Some((from, until))) => (self.value(from)?, self.value(until)?),
                (one, None) if step.is_none() => (self.value(one)?, self.value(one)?),
                (one, None) => {
                    return Err(self.fault(&format!(
                        "a step needs a range or a star: write {one}-{}/{}",
                        self.last_distinct(),
                        step.unwrap_or(1)
                    )));
                }
            };
            if from > until {
                return Err(self.fault(&format!("{range} runs backwards; write it as two, with a comma between")));
            }
            for value in (from..=until).step_by(usize::from(step.unwrap_or(1))) {
                set.bits |= 1 << value;
            }
        }
        Ok(set)
    }

    /// The last value that is not another name of the first.
    fn last_distinct(&self) -> u8 {
        if self.first == 0 && self.last == 7 { 6 } else { self.last }
    }

    fn step(&self, text: &str) -> Result<u8, String> {
        match text.parse::<u8>() {
            Ok(step) if (1..=self.last).contains(&step) => Ok(step),
            _ => Err(self.fault(&format!("{text:?} is no step; write a number from 1 to {}", self.last))),
        }
    }

    fn value(&self, text: &str) -> Result<u8, String> {
        if let Some(place) = self.names.iter().position(|name| name.eq_ignore_ascii_case(text)) {
            return Ok(self.first + u8::try_from(place).unwrap_or(0));
        }
        match text.parse::<u8>() {
            Ok(value) if (self.first..=self.last).contains(&value) => Ok(value),
            _ if self.names.is_empty() => {
                Err(self.fault(&format!("{text:?} is not a number from {} to {}", self.first, self.last)))
            }
            _ => Err(self.fault(&format!(
                "{text:?} is neither a number from {} to {} nor a name such as {}",
                self.first,
                self.last,
                self.names.first().copied().unwrap_or_default()
            ))),
        }
    }

    fn fault(&self, what: &str) -> String {
        format!("{}: {what}", self.name)
    }
}
