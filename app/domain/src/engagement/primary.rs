//! Which subscription of a customer carries the notes.

use time::OffsetDateTime;

/// A subscription, as far as the choice goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate<'a> {
    pub id: &'a str,
    pub state: &'a str,
    pub created_at: Option<OffsetDateTime>,
}

/// The newest active one, else the newest in trial, else the newest past due, else the newest of any state.
#[must_use]
pub fn primary<'a>(candidates: impl IntoIterator<Item = Candidate<'a>>) -> Option<Candidate<'a>> {
    let rank = |candidate: &Candidate<'_>| match candidate.state {
        "active" => 3,
        "trialing" => 2,
        "past_due" => 1,
        _ => 0,
    };
    // Ids are numbers that grow; a shorter one is older.
    candidates.into_iter().max_by_key(|one| (rank(one), one.created_at, one.id.len(), one.id))
}
