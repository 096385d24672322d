//! How a record ended in a run, and the counters that must balance.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How a record ended. Every record read ends in exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A record was created on the other side.
    Created,
    /// At least one field was written, or a link was made or ended.
    Updated,
    /// Nothing had to be done.
    Unchanged,
    /// The change was our own write coming back.
    Echo,
    /// The record takes no part, for the stated reason.
    Excluded,
    /// More than one partner is possible; a person decides.
    Ambiguous,
    /// Both sides changed and a person decides.
    Parked,
    /// It could not be done.
    Failed,
}

impl Outcome {
    /// All outcomes, in the order they are counted and shown.
    pub const ALL: [Self; 8] = [
        Self::Created,
        Self::Updated,
        Self::Unchanged,
        Self::Echo,
        Self::Excluded,
        Self::Ambiguous,
        Self::Parked,
        Self::Failed,
    ];

    /// The name used in JSON and the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
            Self::Echo => "echo",
            Self::Excluded => "excluded",
            Self::Ambiguous => "ambiguous",
            Self::Parked => "parked",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that is no outcome.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not an outcome")]
pub struct UnknownOutcome(pub String);

impl FromStr for Outcome {
    type Err = UnknownOutcome;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text).ok_or_else(|| UnknownOutcome(text.to_owned()))
    }
}

/// The counters of a run. They balance when every record read has ended in one outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Records taken up by the run.
    pub read: u64,
    /// Ended as [`Outcome::Created`].
    pub created: u64,
    /// Ended as [`Outcome::Updated`].
    pub updated: u64,
    /// Ended as [`Outcome::Unchanged`].
    pub unchanged: u64,
    /// Ended as [`Outcome::Echo`].
    pub echo: u64,
    /// Ended as [`Outcome::Excluded`].
    pub excluded: u64,
    /// Ended as [`Outcome::Ambiguous`].
    pub ambiguous: u64,
    /// Ended as [`Outcome::Parked`].
    pub parked: u64,
    /// Ended as [`Outcome::Failed`].
    pub failed: u64,
}

impl Counts {
    /// Counts one record's end. `read` is counted apart, when the record is taken up.
    pub fn add(&mut self, outcome: Outcome) {
        let slot = self.slot(outcome);
        *slot = slot.saturating_add(1);
    }

    /// Adds the counters of another part of the same run.
    pub fn merge(&mut self, other: &Self) {
        self.read = self.read.saturating_add(other.read);
        for outcome in Outcome::ALL {
            let more = other.of(outcome);
            let slot = self.slot(outcome);
            *slot = slot.saturating_add(more);
        }
    }

    /// The number of records that ended so.
    #[must_use]
    pub fn of(&self, outcome: Outcome) -> u64 {
        match outcome {
            Outcome::Created => self.created,
            Outcome::Updated => self.updated,
            Outcome::Unchanged => self.unchanged,
            Outcome::Echo => self.echo,
            Outcome::Excluded => self.excluded,
            Outcome::Ambiguous => self.ambiguous,
            Outcome::Parked => self.parked,
            Outcome::Failed => self.failed,
        }
    }

    /// The number of records that have ended, however.
    #[must_use]
    pub fn settled(&self) -> u64 {
        Outcome::ALL.into_iter().fold(0, |sum, outcome| sum.saturating_add(self.of(outcome)))
    }

    /// True when every record read has ended in one outcome.
    #[must_use]
    pub fn balances(&self) -> bool {
        self.read == self.settled()
    }

    fn slot(&mut self, outcome: Outcome) -> &mut u64 {
        match outcome {
            Outcome::Created => &mut self.created,
            Outcome::Updated => &mut self.updated,
            Outcome::Unchanged => &mut self.unchanged,
            Outcome::Echo => &mut self.echo,
            Outcome::Excluded => &mut self.excluded,
            Outcome::Ambiguous => &mut self.ambiguous,
            Outcome::Parked => &mut self.parked,
            Outcome::Failed => &mut self.failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_has_its_own_counter_and_they_balance() {
        let mut counts = Counts::default();
        for outcome in Outcome::ALL {
            counts.read += 1;
            counts.add(outcome);
            assert_eq!(counts.of(outcome), 1);
        }
        assert_eq!(counts.settled(), 8);
        assert!(counts.balances());
        counts.read += 1;
        assert!(!counts.balances());
    }

    #[test]
    fn parts_of_a_run_add_up() {
        let mut one = Counts { read: 3, created: 2, failed: 1, ..Counts::default() };
        one.merge(&Counts { read: 2, created: 1, echo: 1, ..Counts::default() });
        assert_eq!(one, Counts { read: 5, created: 3, failed: 1, echo: 1, ..Counts::default() });
        assert!(one.balances());
    }

    #[test]
    fn an_outcome_reads_back_what_it_writes() {
        for outcome in Outcome::ALL {
            assert_eq!(outcome.as_str().parse::<Outcome>(), Ok(outcome));
            assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.as_str());
        }
        assert!("Created".parse::<Outcome>().is_err());
    }
}
