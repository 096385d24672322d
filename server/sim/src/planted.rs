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
        let first = play(&history::draw(seed), false).violations.into_iter().next();
        first.map(|violation| (seed, violation))
    });
    plant(None);
    Hunt { bug, played, caught }
}
