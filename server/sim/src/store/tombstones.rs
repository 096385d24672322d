//! Records that are gone, in memory.

use super::{
    data::{Data, LinkEntry, RecordEntry, RecordKey, kept},
    records::first,
};
use domain::{Side, deletes::GoneBy};
use engine::store::{
    links::{MissedRow, RelinkedRow},
    records::ReadMark,
};
use std::collections::BTreeMap;
use time::OffsetDateTime;
use uuid::Uuid;

fn key_of(mark: &ReadMark, remote_id: &str) -> RecordKey {
    (mark.workspace_id.0, mark.sync_id.0, mark.side, remote_id.to_owned())
}

pub(super) fn bury(data: &mut Data, mark: &ReadMark, remote_id: &str, how: GoneBy) {
    let Some(copy) = data.records.get_mut(&key_of(mark, remote_id)) else { return };
    copy.row.gone_at = copy.row.gone_at.or(Some(kept(mark.read_at)));
    copy.gone_by = copy.gone_by.or(Some(how));
    copy.seen_run = mark.run_id.map(|run| run.0).or(copy.seen_run);
    "left_out".clone_into(&mut copy.row.verdict);
    "Deleted at the service.".clone_into(&mut copy.verdict_detail);
}

pub(super) fn revive(data: &mut Data, mark: &ReadMark, remote_id: &str) -> bool {
    let key = key_of(mark, remote_id);
    let is_gone = |copy: &RecordEntry| copy.row.gone_at.is_some_and(|at| at < kept(mark.read_at));
    if !data.records.get(&key).is_some_and(is_gone) {
        return false;
    }
    if let Some(copy) = data.records.get_mut(&key) {
        copy.row.gone_at = None;
        copy.gone_by = None;
        "unpaired".clone_into(&mut copy.row.verdict);
        copy.verdict_detail.clear();
    }
    true
}

pub(super) fn returned(
    data: &Data,
    (workspace_id, sync_id): (Uuid, Uuid),
    run_id: Uuid,
    before: OffsetDateTime,
    limit: i64,
) -> Vec<MissedRow> {
    let mut rows: Vec<(&str, &String)> = Side::BOTH
        .into_iter()
        .flat_map(|side| data.copies(workspace_id, sync_id, side))
        .filter(|(_, copy)| copy.seen_run == Some(run_id) && copy.row.gone_at.is_some_and(|at| at < before))
        .map(|(key, copy)| (key.2.as_str(), &copy.row.remote_id))
        .collect();
    rows.sort_unstable();
    let row = |(side, id): (&str, &String)| MissedRow { side: side.to_owned(), remote_id: id.clone() };
    first(rows.into_iter().map(row), limit)
}

fn involves(link: &LinkEntry, side: Side, remote_id: &str) -> bool {
    match side {
        Side::Highlevel => link.row.contact_id == remote_id,
        Side::Chargify => link.row.customer_id == remote_id,
    }
}

pub(super) fn purge(data: &mut Data, before: OffsetDateTime, limit: i64) -> Vec<(Uuid, i64)> {
    let is_linked = |key: &RecordKey| data.active_links(key.0, key.1).any(|link| involves(link, key.2, &key.3));
    let mut doomed: Vec<(OffsetDateTime, RecordKey)> = data
        .records
        .iter()
        .filter_map(|(key, copy)| Some((copy.row.gone_at.filter(|at| *at < before)?, key.clone())))
        .filter(|(_, key)| !is_linked(key))
        .collect();
    doomed.sort();
    let doomed = first(doomed.into_iter(), limit);
    let mut counts: BTreeMap<Uuid, i64> = BTreeMap::new();
    for (gone_at, key) in doomed {
        data.records.remove(&key);
        *counts.entry(key.0).or_default() += 1;
        data.links.update(
            |at, link| at.0 == key.0 && link.sync_id == key.1 && !link.is_active() && involves(link, key.2, &key.3),
            |link| {
                link.row.base = serde_json::json!({});
                link.gone = Some((key.2, gone_at));
            },
        );
    }
    counts.into_iter().collect()
}

/// Puts the last link of the record back in force, where nothing speaks against it.
pub(super) fn relink(
    data: &mut Data,
    (workspace_id, sync_id): (Uuid, Uuid),
    (contact_id, customer_id): (Option<&str>, Option<&str>),
    at: OffsetDateTime,
) -> Option<RelinkedRow> {
    let is_its = |link: &LinkEntry| {
        Some(link.row.contact_id.as_str()) == contact_id || Some(link.row.customer_id.as_str()) == customer_id
    };
    let of_sync = |at: &(Uuid, Uuid), link: &LinkEntry| at.0 == workspace_id && link.sync_id == sync_id;
    let ended = data.links.iter().filter(|(at, link)| of_sync(at, link) && !link.is_active() && is_its(link));
    let (place, last) = ended.max_by_key(|(_, link)| link.row.settled_at)?;
    let (place, last) = (*place, last.row.clone());
    let sides = [(Side::Highlevel, last.contact_id.clone()), (Side::Chargify, last.customer_id.clone())];
    let shares = |link: &LinkEntry| link.row.contact_id == last.contact_id || link.row.customer_id == last.customer_id;
    let is_in_the_way = |link: &LinkEntry| shares(link) && (link.is_active() || link.row.settled_at > last.settled_at);
    let in_the_way = data.links.iter().any(|(at, link)| *at != place && of_sync(at, link) && is_in_the_way(link));
    let key = |(side, id): &(Side, String)| (workspace_id, sync_id, *side, id.clone());
    let both_there =
        sides.iter().all(|side| data.records.get(&key(side)).is_some_and(|copy| copy.row.gone_at.is_none()));
    let decided =
        sides.iter().any(|side| data.decisions.get(&key(side)).is_some_and(|row| row.decided_at > last.settled_at));
    if in_the_way || !both_there || decided {
        return None;
    }
    let link = data.links.get_mut(&place)?;
    link.state = "active";
    link.state_reason = None;
    link.row.settled_at = kept(at);
    Some(RelinkedRow { link_id: last.link_id, contact_id: last.contact_id, customer_id: last.customer_id })
}
