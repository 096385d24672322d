//! Time zones as Chargify shows them: answers in the site's zone, webhook bodies always in US Eastern, and the date
//! filters of its lists.

use time::{Date, Duration, Month, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset, Weekday};

/// A zone a site can be set to. Only those the sandbox has rules for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    Utc,
    Eastern,
    Central,
    Pacific,
}

impl Zone {
    /// Offset in force at the instant, with the US daylight-saving rule of 2007.
    pub fn offset(self, at: OffsetDateTime) -> UtcOffset {
        let hours = self.standard_hours();
        let standard = UtcOffset::from_hms(hours, 0, 0).unwrap_or(UtcOffset::UTC);
        if self == Self::Utc {
            return standard;
        }
        let year = at.to_offset(standard).year();
        let (Some(start), Some(end)) = (sunday(year, Month::March, 2), sunday(year, Month::November, 1)) else {
            return standard;
        };
        // Both switches happen at 02:00 on the wall clock: standard time in March, daylight time in November.
        let starts = start.midnight().assume_offset(standard) + Duration::hours(2);
        let ends = end.midnight().assume_offset(standard) + Duration::hours(1);
        if at >= starts && at < ends { UtcOffset::from_hms(hours + 1, 0, 0).unwrap_or(standard) } else { standard }
    }

    /// `2024-10-11T15:12:51-04:00`, as API answers write instants.
    pub fn iso(self, at: OffsetDateTime) -> String {
        let local = at.to_offset(self.offset(at));
        let (hours, minutes, _) = local.offset().as_hms();
        let sign = if hours < 0 { '-' } else { '+' };
        format!("{}T{}{sign}{:02}:{:02}", day(local), clock(local), hours.abs(), minutes.abs())
    }

    /// `2024-10-11 15:12:51 -0400`, as webhook bodies write instants.
    pub fn spaced(self, at: OffsetDateTime) -> String {
        let local = at.to_offset(self.offset(at));
        let (hours, minutes, _) = local.offset().as_hms();
        let sign = if hours < 0 { '-' } else { '+' };
        format!("{} {} {sign}{:02}{:02}", day(local), clock(local), hours.abs(), minutes.abs())
    }

    /// `2024-10-11 15:12`, for the console.
    pub fn short(self, at: OffsetDateTime) -> String {
        let local = at.to_offset(self.offset(at));
        format!("{} {:02}:{:02}", day(local), local.hour(), local.minute())
    }

    /// The instant of a wall-clock time in this zone.
    pub fn resolve(self, local: PrimitiveDateTime) -> OffsetDateTime {
        let guess = local.assume_offset(UtcOffset::from_hms(self.standard_hours(), 0, 0).unwrap_or(UtcOffset::UTC));
        local.assume_offset(self.offset(guess))
    }

    /// Reads `YYYY-MM-DD HH:MM:SS` (this zone), the same with a zone behind it, or RFC 3339.
    pub fn parse_instant(self, text: &str) -> Option<OffsetDateTime> {
        let text = text.trim();
        let (date, rest) = text.split_at_checked(10)?;
        let date = parse_date(date)?;
        let rest = rest.trim_start_matches(['T', ' ', '+']);
        let (clock, zone) = rest.split_at_checked(8)?;
        let local = PrimitiveDateTime::new(date, parse_clock(clock)?);
        let zone = zone.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit()).trim();
        match zone {
            "" => Some(self.resolve(local)),
            "Z" | "UTC" | "z" => Some(local.assume_utc()),
            offset => Some(local.assume_offset(parse_offset(offset)?)),
        }
    }

    const fn standard_hours(self) -> i8 {
        match self {
            Self::Utc => 0,
            Self::Eastern => -5,
            Self::Central => -6,
            Self::Pacific => -8,
        }
    }
}

/// Both ends of a date filter, inclusive, on whole seconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Window {
    pub from: Option<OffsetDateTime>,
    pub until: Option<OffsetDateTime>,
}

impl Window {
    /// Reads `start_date`, `end_date`, `start_datetime`, `end_datetime`; the datetime forms win.
    pub fn from_query<'a>(zone: Zone, get: impl Fn(&str) -> Option<&'a str>) -> Self {
        let midnight = |name: &str| get(name).and_then(parse_date).map(|date| zone.resolve(date.midnight()));
        let instant = |name: &str| get(name).and_then(|text| zone.parse_instant(text));
        Self {
            from: instant("start_datetime").or_else(|| midnight("start_date")),
            until: instant("end_datetime")
                .or_else(|| midnight("end_date").map(|at| at + Duration::days(1) - Duration::seconds(1))),
        }
    }

    pub fn contains(&self, at: OffsetDateTime) -> bool {
        self.from.is_none_or(|from| at >= from) && self.until.is_none_or(|until| at <= until)
    }

    pub fn is_open(&self) -> bool {
        self.from.is_none() && self.until.is_none()
    }
}

/// The instant as the service stores it.
pub fn whole_seconds(at: OffsetDateTime) -> OffsetDateTime {
    at.replace_nanosecond(0).unwrap_or(at)
}

/// Reads `YYYY-MM-DD`.
pub fn parse_date(text: &str) -> Option<Date> {
    let mut parts = text.trim().splitn(3, '-');
    let year = parts.next()?.parse().ok()?;
    let month: u8 = parts.next()?.parse().ok()?;
    let day = parts.next()?.parse().ok()?;
    Date::from_calendar_date(year, Month::try_from(month).ok()?, day).ok()
}

fn parse_clock(text: &str) -> Option<Time> {
    let mut parts = text.splitn(3, ':');
    let hour = parts.next()?.parse().ok()?;
    let minute = parts.next()?.parse().ok()?;
    let second = parts.next()?.parse().ok()?;
    Time::from_hms(hour, minute, second).ok()
}

/// Reads `-0400`, `-04:00`, and the form in which a raw `+` of a query string has become a space.
fn parse_offset(text: &str) -> Option<UtcOffset> {
    let negative = text.starts_with('-');
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let hours: i8 = digits.get(0..2)?.parse().ok()?;
    let minutes: i8 = digits.get(2..4)?.parse().ok()?;
    let sign = if negative { -1 } else { 1 };
    UtcOffset::from_hms(sign * hours, sign * minutes, 0).ok()
}

fn sunday(year: i32, month: Month, nth: u8) -> Option<Date> {
    let first = Date::from_calendar_date(year, month, 1).ok()?;
    let ahead = (7 - first.weekday().number_days_from_sunday()) % 7;
    debug_assert!(first.checked_add(Duration::days(i64::from(ahead))).is_none_or(|d| d.weekday() == Weekday::Sunday));
    first.checked_add(Duration::days(i64::from(ahead + 7 * (nth - 1))))
}

fn day(at: OffsetDateTime) -> String {
    format!("{:04}-{:02}-{:02}", at.year(), u8::from(at.month()), at.day())
}

fn clock(at: OffsetDateTime) -> String {
    format!("{:02}:{:02}:{:02}", at.hour(), at.minute(), at.second())
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn eastern_time_changes_its_offset_with_the_season() {
        assert_eq!(Zone::Eastern.spaced(datetime!(2024-10-11 19:12:51 UTC)), "2024-10-11 15:12:51 -0400");
        assert_eq!(Zone::Eastern.iso(datetime!(2024-11-11 19:20:06 UTC)), "2024-11-11T14:20:06-05:00");
        assert_eq!(Zone::Eastern.iso(datetime!(2024-03-10 06:59:59 UTC)), "2024-03-10T01:59:59-05:00");
        assert_eq!(Zone::Eastern.iso(datetime!(2024-03-10 07:00:00 UTC)), "2024-03-10T03:00:00-04:00");
        assert_eq!(Zone::Eastern.iso(datetime!(2024-11-03 05:59:59 UTC)), "2024-11-03T01:59:59-04:00");
        assert_eq!(Zone::Eastern.iso(datetime!(2024-11-03 06:00:00 UTC)), "2024-11-03T01:00:00-05:00");
    }

    #[test]
    fn filters_read_every_documented_form_of_an_instant() {
        let wanted = datetime!(2024-10-11 19:12:51 UTC);
        for text in [
            "2024-10-11T19:12:51Z",
            "2024-10-11 12:12:51",
            "2024-10-11 15:12:51 -0400",
            "2024-10-11T15:12:51-04:00",
            "2024-10-11T19:12:51.123Z",
        ] {
            assert_eq!(Zone::Pacific.parse_instant(text), Some(wanted), "{text}");
        }
        assert_eq!(Zone::Pacific.parse_instant("yesterday"), None);
    }
}
