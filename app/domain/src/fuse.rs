//! The mass-change fuse: a run that would change suspiciously much stops for a person.

use crate::limits;
use crate::plan::{Reason, ReasonCode};

/// Why the run must stop, if it must.
///
/// `active_links` are those of the sync before the run; `updates`, `creates` and `removals` (deletes and unlinks) are
/// what the run plans.
#[must_use]
pub fn blown(active_links: u64, updates: u64, creates: u64, removals: u64) -> Option<Reason> {
    if removals > limits::FUSE_REMOVALS {
        return Some(Reason::new(
            ReasonCode::FuseRemovals,
            format!(
                "it would delete or unlink {removals} records; up to {} pass without asking",
                limits::FUSE_REMOVALS
            ),
        ));
    }
    let share = (active_links.saturating_mul(limits::FUSE_PERCENT) / 100).max(limits::FUSE_FLOOR);
    if updates > share {
        return Some(Reason::new(
            ReasonCode::FuseShare,
            format!("it would change {updates} of {active_links} linked records; up to {share} pass without asking"),
        ));
    }
    let total = updates.saturating_add(creates);
    if total > limits::FUSE_RECORDS {
        return Some(Reason::new(
            ReasonCode::FuseRecords,
            format!("it would create or change {total} records; up to {} pass without asking", limits::FUSE_RECORDS),
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fuse_blows_beyond_its_bounds_and_not_at_them() {
        let table = [
            ((0, 0, 0, 0), None),
            ((0, 0, 1_000, 0), None),
            ((0, 0, 1_001, 0), Some(ReasonCode::FuseRecords)),
            ((50, 20, 0, 0), None),
            ((50, 21, 0, 0), Some(ReasonCode::FuseShare)),
            ((1_000, 100, 0, 0), None),
            ((1_000, 101, 0, 0), Some(ReasonCode::FuseShare)),
            ((100_000, 1_000, 0, 0), None),
            ((100_000, 900, 101, 0), Some(ReasonCode::FuseRecords)),
            ((100_000, 0, 0, 10), None),
            ((100_000, 0, 0, 11), Some(ReasonCode::FuseRemovals)),
            ((u64::MAX, u64::MAX, u64::MAX, 0), Some(ReasonCode::FuseShare)),
        ];
        for ((links, updates, creates, removals), expected) in table {
            let blown = blown(links, updates, creates, removals).map(|reason| reason.code);
            assert_eq!(blown, expected, "{links} links, {updates} updates, {creates} creates, {removals} removals");
        }
    }
}
