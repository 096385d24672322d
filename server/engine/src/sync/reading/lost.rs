//! What could not be read: counted, and told in words, so that no run looks complete that was not.

use crate::clients::RowProblem;
use domain::Side;
use serde::{Deserialize, Serialize};

/// So many are told one by one: enough to see what they have in common.
const TOLD: usize = 100;

/// Rows, records and ends of lists that could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Lost {
    sentences: Vec<String>,
    more: u64,
}

impl Lost {
    /// The rows of a page that were lost. A row of which only a field was lost is not among them.
    pub(super) fn rows(side: Side, rows_complete: bool, problems: &[RowProblem]) -> Self {
        let mut lost = Self::default();
        if rows_complete {
            return lost;
        }
        for problem in problems.iter().filter(|problem| problem.field.is_none()) {
            lost.tell(format!("A row of {}'s list cannot be read: {}.", side.label(), problem.detail));
        }
        if lost.is_empty() {
            lost.tell(format!("A row of {}'s list cannot be read.", side.label()));
        }
        lost
    }

    pub(super) fn tell(&mut self, sentence: String) {
        if self.sentences.len() < TOLD { self.sentences.push(sentence) } else { self.more += 1 }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.more += other.more;
        other.sentences.into_iter().for_each(|sentence| self.tell(sentence));
    }

    pub(super) fn and(mut self, other: Self) -> Self {
        self.add(other);
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sentences.is_empty()
    }

    /// How much was lost.
    pub(super) fn count(&self) -> u64 {
        self.sentences.len() as u64 + self.more
    }

    /// Each in a sentence; what exceeds them in one more.
    pub(crate) fn sentences(&self) -> impl Iterator<Item = String> + '_ {
        let more = (self.more > 0).then(|| format!("{} more rows cannot be read.", self.more));
        self.sentences.iter().cloned().chain(more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_row_is_told_and_a_lost_field_is_not_a_lost_row() {
        let of = |field: Option<&str>| RowProblem {
            id: None,
            field: field.map(Into::into),
            detail: "a contact without an id".to_owned(),
        };
        let lost = Lost::rows(Side::Highlevel, false, &[of(Some("email")), of(None)]);
        let told: Vec<String> = lost.sentences().collect();
        assert_eq!(told, ["A row of GoHighLevel's list cannot be read: a contact without an id."]);
        assert!(Lost::rows(Side::Highlevel, true, &[of(Some("email"))]).is_empty());
        assert_eq!(Lost::rows(Side::Chargify, false, &[]).count(), 1, "something was lost, whatever it was");
    }

    #[test]
    fn many_are_counted_and_not_told_one_by_one() {
        let mut lost = Lost::default();
        (0..TOLD + 7).for_each(|number| lost.tell(format!("{number}.")));
        let all = Lost::default().and(lost);
        assert_eq!((all.count(), all.sentences().last().as_deref()), (107, Some("7 more rows cannot be read.")));
    }
}
