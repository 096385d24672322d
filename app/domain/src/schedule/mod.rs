//! When a sync runs by itself: two timings, the zone they are told in, and hours in which nothing starts.
//!
//! A timing is a cron line; the presets are cron lines with a name. Instants come in and go out in UTC; the zone's rules
//! are applied here and nowhere else.

mod cron;
mod quiet;
mod words;
mod zone;

pub use cron::Cron;
pub use quiet::Quiet;
pub use zone::Zone;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// What stands where a person's name stands, for a run that a schedule started.
pub const STARTER: &str = "the schedule";

/// What a start reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// What changed since the last time, by watermark and events: for where no webhooks come.
    Changes,
    /// Both lists whole: what alone can show that a record is gone.
    Full,
}

impl Kind {
    pub const ALL: [Self; 2] = [Self::Changes, Self::Full];

    /// The word in files, forms and addresses, and the mode of the run that is started.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Changes => "changes",
            Self::Full => "full",
        }
    }

    /// Timings that need no cron line: how they are written, and their line.
    #[must_use]
    pub const fn presets(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Changes => &[
                ("every 5 minutes", "*/5 * * * *"),
                ("every 15 minutes", "*/15 * * * *"),
                ("every 60 minutes", "0 * * * *"),
            ],
            Self::Full => &[("nightly", "0 2 * * *"), ("weekly", "0 2 * * 0")],
        }
    }
}

/// A schedule as written in a form, a file or the database. Empty text: not given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScheduleText {
    /// `off`, a preset of [`Kind::presets`], or five cron fields.
    pub changes: String,
    pub full: String,
    /// Name of a time zone, such as `Europe/Berlin`; empty: UTC.
    pub zone: String,
    /// `22:00-06:00`; empty: none.
    pub quiet: String,
}

/// When a sync runs by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    changes: Option<Cron>,
    full: Option<Cron>,
    zone: Zone,
    quiet: Option<Quiet>,
}

impl Default for Schedule {
    /// Off.
    fn default() -> Self {
        Self { changes: None, full: None, zone: Zone::utc(), quiet: None }
    }
}

impl Schedule {
    /// Reads what was written.
    ///
    /// # Errors
    /// Every fault, each as `field: what is wrong and what to do`.
    pub fn read(text: &ScheduleText) -> Result<Self, Vec<String>> {
        let mut faults = Vec::new();
        let mut timing = |kind: Kind, written: &str| {
            timing(kind, written).unwrap_or_else(|fault| {
                faults.push(format!("{}: {fault}", kind.as_str()));
                None
            })
        };
        let (changes, full) = (timing(Kind::Changes, &text.changes), timing(Kind::Full, &text.full));
        let zone = Zone::named(&text.zone).unwrap_or_else(|fault| {
            faults.push(format!("zone: {fault}"));
            Zone::utc()
        });
        let quiet = Quiet::read(&text.quiet).unwrap_or_else(|fault| {
            faults.push(format!("quiet: {fault}"));
            None
        });
        if faults.is_empty() { Ok(Self { changes, full, zone, quiet }) } else { Err(faults) }
    }

    /// As it is written; what is not given has its word.
    #[must_use]
    pub fn text(&self) -> ScheduleText {
        ScheduleText {
            changes: self.timing_text(Kind::Changes),
            full: self.timing_text(Kind::Full),
            zone: self.zone.name().to_owned(),
            quiet: self.quiet.map(|quiet| quiet.to_string()).unwrap_or_default(),
        }
    }

    /// Whether nothing ever starts.
    #[must_use]
    pub const fn is_off(&self) -> bool {
        self.changes.is_none() && self.full.is_none()
    }

    #[must_use]
    pub const fn zone(&self) -> &Zone {
        &self.zone
    }

    /// The first start after that instant, and never within the quiet hours: what falls into them starts once when they
    /// end. `None`: never.
    #[must_use]
    pub fn next(&self, kind: Kind, after: OffsetDateTime) -> Option<OffsetDateTime> {
        let due = self.cron(kind)?.next(after, &self.zone)?;
        Some(self.quiet_until(due).unwrap_or(due))
    }

    /// The next starts, in order.
    #[must_use]
    pub fn upcoming(&self, kind: Kind, after: OffsetDateTime, count: usize) -> Vec<OffsetDateTime> {
        std::iter::successors(self.next(kind, after), |due| self.next(kind, *due)).take(count).collect()
    }

    /// When the quiet hours end in which this instant lies; `None` outside of them.
    #[must_use]
    pub fn quiet_until(&self, at: OffsetDateTime) -> Option<OffsetDateTime> {
        self.quiet.as_ref()?.end(at, &self.zone)
    }

    /// A timing in plain words: `every day at 02:00, Berlin time`. `None`: off.
    #[must_use]
    pub fn words(&self, kind: Kind) -> Option<String> {
        Some(words::of(self.cron(kind)?, &self.zone))
    }

    const fn cron(&self, kind: Kind) -> Option<&Cron> {
        match kind {
            Kind::Changes => self.changes.as_ref(),
            Kind::Full => self.full.as_ref(),
        }
    }

    fn timing_text(&self, kind: Kind) -> String {
        let Some(cron) = self.cron(kind) else { return "off".to_owned() };
        let preset = kind.presets().iter().find(|(_, line)| *line == cron.as_str());
        preset.map_or_else(|| cron.as_str().to_owned(), |(name, _)| (*name).to_owned())
    }
}

/// `Ok(None)`: off.
fn timing(kind: Kind, written: &str) -> Result<Option<Cron>, String> {
    let written = written.trim();
    if written.is_empty() || written.eq_ignore_ascii_case("off") {
        return Ok(None);
    }
    if let Some((_, line)) = kind.presets().iter().find(|(name, _)| name.eq_ignore_ascii_case(written)) {
        return Cron::read(line).map(Some);
    }
    let is_words = !written.contains(|c: char| c.is_ascii_digit() || c == '*') || written.starts_with("every");
    if is_words {
        let names: Vec<_> = kind.presets().iter().map(|(name, _)| format!("\"{name}\"")).collect();
        return Err(format!(
            "{written:?} is no timing; write \"off\", {} or five cron fields such as \"0 2 * * *\"",
            names.join(", ")
        ));
    }
    Cron::read(written).map(Some)
}

#[cfg(test)]
mod tests;
