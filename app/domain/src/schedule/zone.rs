//! Time zones by name. The tables are built into the program, so that every node and the tests agree.

use super::words;
use jiff::{
    Timestamp,
    civil::DateTime,
    tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase},
};
use time::OffsetDateTime;

/// A zone of the IANA database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    name: String,
    rules: TimeZone,
}

impl Zone {
    /// Without summer time, and the same everywhere.
    #[must_use]
    pub fn utc() -> Self {
        Self { name: "UTC".to_owned(), rules: TimeZone::UTC }
    }

    /// The zone of that name, in any case; empty: UTC.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn named(name: &str) -> Result<Self, String> {
        let name = name.trim();
        if name.is_empty() || name.eq_ignore_ascii_case("utc") {
            return Ok(Self::utc());
        }
        let rules = TimeZoneDatabase::bundled().get(name).map_err(|_unknown| {
            format!("there is no time zone {name:?}; write UTC or a name such as Europe/Berlin or America/New_York")
        })?;
        Ok(Self { name: rules.iana_name().unwrap_or(name).to_owned(), rules })
    }

    /// All names to choose from: places, and UTC.
    #[must_use]
    pub fn all() -> Vec<String> {
        let database = TimeZoneDatabase::bundled();
        let names = database.available().map(|name| name.as_str().to_owned());
        let is_place = |name: &String| name.contains('/') && !name.starts_with("Etc/") && !name.starts_with("SystemV/");
        std::iter::once("UTC".to_owned()).chain(names.filter(is_place)).collect()
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its place, for people: `Berlin time`.
    #[must_use]
    pub fn label(&self) -> String {
        match self.name.rsplit_once('/') {
            Some((_, place)) => format!("{} time", place.replace('_', " ")),
            None => self.name.clone(),
        }
    }

    /// The wall clock there: `Mon 30 Mar 2026, 02:00`.
    #[must_use]
    pub fn clock(&self, at: OffsetDateTime) -> String {
        let Some(local) = self.local(at.unix_timestamp()) else { return String::new() };
        let (day, month, weekday) = (local.date(), words::month(local.month()), words::weekday(local.weekday()));
        format!("{weekday} {} {month} {}, {:02}:{:02}", day.day(), day.year(), local.hour(), local.minute())
    }

    pub(super) fn local(&self, second: i64) -> Option<DateTime> {
        Some(self.rules.to_datetime(Timestamp::from_second(second).ok()?))
    }

    /// When the wall clock shows that. `None`: outside of the time that can be told.
    pub(super) fn comes(&self, wall: DateTime) -> Option<Comes> {
        let at = |offset: jiff::tz::Offset| offset.to_timestamp(wall).ok().map(Timestamp::as_second);
        Some(match self.rules.to_ambiguous_timestamp(wall).offset() {
            AmbiguousOffset::Unambiguous { offset } => Comes::Once(at(offset)?),
            AmbiguousOffset::Fold { before, after } => Comes::Twice(at(before)?, at(after)?),
            AmbiguousOffset::Gap { after, .. } => {
                // By the clock as it will be, the skipped time lies just before the change.
                let change = self.rules.following(after.to_timestamp(wall).ok()?).next()?;
                Comes::Never { gap_ends: change.timestamp().as_second() }
            }
        })
    }
}

/// How often the wall clock shows a time, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comes {
    Once(i64),
    Twice(i64, i64),
    Never { gap_ends: i64 },
}
