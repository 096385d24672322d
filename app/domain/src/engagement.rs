//! Notes, tasks and appointments of a contact, which Chargify knows nothing of: each becomes one note of a subscription,
//! recognised by the marker in its first line, kept up to date in place.

mod plan;
mod primary;
#[cfg(test)]
mod tests;
mod text;

pub use plan::{Held, Known, NoteAt, Step, plan};
pub use primary::{Candidate, primary};
pub use text::{Marker, deleted_text, is_id, marker_of, note_text};

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// What a contact can have besides its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EngagementKind {
    Note,
    Task,
    Appointment,
}

impl EngagementKind {
    /// All kinds, in the order they are shown.
    pub const ALL: [Self; 3] = [Self::Note, Self::Task, Self::Appointment];

    /// The name used in JSON, the database and the marker.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Task => "task",
            Self::Appointment => "appointment",
        }
    }

    /// Several of them.
    #[must_use]
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Note => "notes",
            Self::Task => "tasks",
            Self::Appointment => "appointments",
        }
    }
}

impl fmt::Display for EngagementKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that is no kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is neither note nor task nor appointment")]
pub struct UnknownKind(pub String);

impl FromStr for EngagementKind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| UnknownKind(text.to_owned()))
    }
}

/// Which kinds a sync carries over; none unless switched on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {
    pub notes: bool,
    pub tasks: bool,
    pub appointments: bool,
}

impl Switches {
    #[must_use]
    pub const fn is_on(self, kind: EngagementKind) -> bool {
        match kind {
            EngagementKind::Note => self.notes,
            EngagementKind::Task => self.tasks,
            EngagementKind::Appointment => self.appointments,
        }
    }

    /// The kinds that are switched on.
    pub fn on(self) -> impl Iterator<Item = EngagementKind> {
        EngagementKind::ALL.into_iter().filter(move |kind| self.is_on(*kind))
    }

    #[must_use]
    pub const fn any(self) -> bool {
        self.notes || self.tasks || self.appointments
    }
}

/// What GoHighLevel says of one. `None`: it does not say (a webhook tells less than a reading) or there is nothing.
///
/// Instants stay in the service's own words, with their offset: they are shown, never computed with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Told {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Of a task `open` or `done`; of an appointment the service's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// When a note was written, a task is due, an appointment begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// When an appointment ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Where an appointment takes place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

impl Told {
    fn parts(&self) -> [&Option<String>; 6] {
        [&self.title, &self.body, &self.status, &self.at, &self.until, &self.place]
    }

    /// Whether `less`, which may be silent about some things, says nothing but what stands here.
    #[must_use]
    pub fn agrees_with(&self, less: &Self) -> bool {
        self.parts().into_iter().zip(less.parts()).all(|(here, there)| there.is_none() || here == there)
    }

    /// The same for a row of a contact's list of appointments, whose instants are the location's wall clock without an
    /// offset (HighLevel API docs, contact appointments, seen 2026-08).
    #[must_use]
    pub fn agrees_with_wall_clock(&self, row: &Self) -> bool {
        let bare = |told: &Self| Self {
            at: told.at.as_deref().map(wall_clock),
            until: told.until.as_deref().map(wall_clock),
            ..told.clone()
        };
        bare(self).agrees_with(&bare(row)) && (self.place.is_some() || row.place.is_none())
    }

    /// Whether what it says came from Chargify through us: its own first line is a marker. It is not sent back.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.body.as_deref().and_then(marker_of).is_some()
    }
}

/// `2026-09-01 10:00:00` of `2026-09-01T10:00:00-06:00`.
fn wall_clock(instant: &str) -> String {
    instant.chars().take("2026-09-01 10:00:00".len()).map(|char| if char == 'T' { ' ' } else { char }).collect()
}
