//! What must hold after every history, each under its name.

mod books;
mod fields;
mod records;
mod rest;

pub use rest::Rest;

use crate::{books::Books, history::Rule, ledger::Ledger};
use fields::Linked;

/// A broken promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The invariant's name.
    pub name: &'static str,
    /// What was seen.
    pub words: String,
}

impl Violation {
    #[must_use]
    pub fn new(name: &'static str, words: impl Into<String>) -> Self {
        Self { name, words: words.into() }
    }
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.name, self.words)
    }
}

/// Everything there is to judge by.
pub struct Evidence<'a> {
    pub ledger: &'a Ledger,
    pub books: &'a Books,
    pub rest: &'a Rest,
    /// The mapping over time: from when on which rules.
    pub mapping: &'a [(u64, Vec<Rule>)],
    /// Webhooks a service was told are taken.
    pub taken: &'a std::collections::BTreeSet<(domain::Side, String)>,
    pub creates_contacts: bool,
    pub high_water: usize,
    pub slots: usize,
    /// A node's clock was wrong: what nodes say of the time proves nothing.
    pub clocks_jumped: bool,
    /// When the world began.
    pub start: time::OffsetDateTime,
}

/// Every broken promise.
#[must_use]
pub fn judge(evidence: &Evidence<'_>) -> Vec<Violation> {
    let mut violations = rest::judge(evidence);
    violations.extend(records::judge(evidence));
    violations.extend(books::judge(evidence));
    for link in evidence.books.links.iter().filter(|link| link.active) {
        let since_start = (link.linked_at - evidence.start).whole_milliseconds();
        let linked_ms = u64::try_from(since_start).unwrap_or(0);
        let pair = Linked { contact: &link.contact_id, customer: &link.customer_id, linked_ms };
        let there = evidence.ledger.live(domain::Side::Highlevel, pair.contact).is_some()
            && evidence.ledger.live(domain::Side::Chargify, pair.customer).is_some();
        let mut apart = Vec::new();
        let mut undecided = false;
        for place in (0..crate::fields::PAIRS.len()).filter(|_| there) {
            let reign: Vec<(u64, Option<Rule>)> = evidence
                .mapping
                .iter()
                .map(|(from_ms, rules)| (*from_ms, rules.iter().find(|rule| rule.place == place).copied()))
                .collect();
            let followed = fields::follow(evidence.ledger, pair, place, &reign);
            violations.extend(followed.violations);
            apart.extend(followed.apart);
            undecided |= followed.undecided;
        }
        // One field a person must decide about holds up the whole record.
        violations.extend(apart.into_iter().filter(|_| !undecided));
    }
    violations
}
