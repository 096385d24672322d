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

/// Why a pair must not be parted because a webhook says that one of the two is gone, if it must not.
///
/// `active_links` are those of the sync now, `parted` those that ended within the last hour: a few deletions are everyday
/// work, many at once are more likely a mistake over there, or a token that was let loose.
#[must_use]
pub fn blown_by_webhooks(active_links: u64, parted: u64) -> Option<Reason> {
    let links = active_links.saturating_add(parted);
    let share = (links.saturating_mul(limits::FUSE_PERCENT) / 100).max(limits::FUSE_FLOOR);
    (parted >= share).then(|| {
        Reason::new(
            ReasonCode::FuseRemovals,
            format!("{parted} of {links} pairs were parted within an hour; up to {share} pass without asking"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn webhooks_part_a_few_pairs_an_hour_and_no_more() {
        let table = [((0, 0), false), ((50, 19), false), ((50, 20), true), ((901, 99), false), ((900, 100), true)];
        for ((links, parted), blown) in table {
            assert_eq!(blown_by_webhooks(links, parted).is_some(), blown, "{links} links, {parted} parted");
        }
    }

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
