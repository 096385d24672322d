//! An instant on the wire.

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Milliseconds since 1970 in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct At(pub i64);

impl At {
    /// RFC 3339 in UTC, for `datetime` attributes and exports.
    #[must_use]
    pub fn rfc3339(self) -> String {
        self.instant().format(&Rfc3339).unwrap_or_default()
    }

    /// The instant; an absurd number becomes 1970.
    #[must_use]
    pub fn instant(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    /// Whole seconds from `self` until `later`; negative when `later` is earlier.
    #[must_use]
    pub const fn seconds_until(self, later: Self) -> i64 {
        (later.0 - self.0) / 1000
    }
}

impl From<OffsetDateTime> for At {
    fn from(instant: OffsetDateTime) -> Self {
        Self(i64::try_from(instant.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX))
    }
}
