//! Proof of the judge: each bug that can be planted is planted, and histories are played until one of them shows it.

use crate::{history, judge::Violation, outcome::play};
use engine::planted::{Bug, plant};

/// What became of one planted bug.
#[derive(Clone, Debug)]
pub struct Hunt {
    pub bug: Bug,
    pub played: u64,
    /// The seed that showed it, and what it broke.
    pub caught: Option<(u64, Violation)>,
}

/// Plays up to so many histories with the bug in them.
#[must_use]
pub fn hunt(bug: Bug, seeds: std::ops::Range<u64>) -> Hunt {
    plant(Some(bug));
    let mut played = 0;
    let caught = seeds.into_iter().find_map(|seed| {
        played += 1;
        let history = history::draw(seed);
        let violation = play(&history, false).violations.into_iter().next()?;
        // It is the planted bug that breaks it only if nothing is broken without.
        plant(None);
        let is_innocent = play(&history, false).violations.is_empty();
        plant(Some(bug));
        is_innocent.then_some((seed, violation))
    });
    plant(None);
    Hunt { bug, played, caught }
}
