//! The copies of both sides in memory.

use super::{
    data::{Data, RecordEntry, RecordKey, kept},
    links::count,
    session::Session,
    tombstones::{bury, purge, returned, revive},
};
use async_trait::async_trait;
use domain::{RunId, Side, SyncId, WorkspaceId, deletes::GoneBy};
use engine::{
    Result,
    store::{
        Records,
        links::MissedRow,
        records::{PlannedPair, PlannedRecord, ReadMark, RecordBatch, RecordRow},
    },
};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use time::OffsetDateTime;
use uuid::Uuid;

impl Data {
    /// The copies of one side of a sync, by id.
    pub(super) fn copies(
        &self,
        workspace_id: Uuid,
        sync_id: Uuid,
        side: Side,
    ) -> impl Iterator<Item = (&RecordKey, &RecordEntry)> {
        self.records
            .range((workspace_id, sync_id, side, String::new())..)
            .take_while(move |(key, _)| (key.0, key.1, key.2) == (workspace_id, sync_id, side))
    }

    pub(super) fn live(&self, workspace_id: Uuid, sync_id: Uuid, side: Side) -> impl Iterator<Item = &RecordEntry> {
        self.copies(workspace_id, sync_id, side).map(|(_, copy)| copy).filter(|copy| copy.row.gone_at.is_none())
    }
}

/// One row of a batch as it would be inserted. `None`: the columns are not of one length.
fn new_copy(mark: &ReadMark, batch: &RecordBatch, place: usize) -> Option<RecordEntry> {
    Some(RecordEntry {
        row: RecordRow {
            side: mark.side.as_str().to_owned(),
            remote_id: batch.remote_id.get(place)?.clone(),
            field_values: batch.field_values.get(place)?.clone(),
            updated_at: batch.updated_at.get(place)?.map(kept),
            event_id: *batch.event_id.get(place)?,
            email: batch.email.get(place)?.clone(),
            reference: batch.reference.get(place)?.clone(),
            verdict: "unpaired".to_owned(),
            read_at: kept(mark.read_at),
            gone_at: None,
        },
        phone: batch.phone.get(place)?.clone(),
        display_name: batch.display_name.get(place)?.clone(),
        seen_run: mark.run_id.map(|run| run.0),
        metafields_read_at: batch.metafields.get(place)?.as_ref().map(|_| kept(mark.read_at)),
        metafields: batch.metafields.get(place)?.clone(),
        verdict_detail: String::new(),
        gone_by: None,
    })
}

/// An older reading never replaces a newer one.
fn is_no_older(new: &RecordRow, old: &RecordRow) -> bool {
    match (old.updated_at, new.updated_at) {
        (Some(before), Some(after)) if before != after => before < after,
        _ => old.read_at <= new.read_at,
    }
}

/// What a reading does not tell of metafields is as it was.
fn over(old: &Option<Json>, new: Option<Json>) -> Option<Json> {
    match (old, new) {
        (Some(old), Some(new)) => Some(joined(old, new)),
        (old, new) => new.or_else(|| old.clone()),
    }
}

/// Both objects; where they differ, the second counts.
pub(super) fn joined(first: &Json, second: Json) -> Json {
    match (first, second) {
        (Json::Object(first), Json::Object(second)) => Json::Object(first.clone().into_iter().chain(second).collect()),
        (_, second) => second,
    }
}

fn refresh(old: &mut RecordEntry, mut new: RecordEntry) {
    if let Some(metafields) = &old.metafields {
        new.row.field_values = joined(metafields, new.row.field_values);
    }
    old.metafields = over(&old.metafields, new.metafields.take());
    old.metafields_read_at = new.metafields_read_at.or(old.metafields_read_at);
    // The event belongs to the state: of a newer one it is not known unless it is told.
    let is_newer = old.row.updated_at.zip(new.row.updated_at).is_some_and(|(before, after)| before < after);
    old.row = RecordRow {
        event_id: if is_newer { new.row.event_id } else { old.row.event_id.max(new.row.event_id) },
        verdict: std::mem::take(&mut old.row.verdict),
        gone_at: None,
        ..new.row
    };
    old.phone = new.phone;
    old.display_name = new.display_name;
    old.seen_run = new.seen_run.or(old.seen_run);
}

fn upsert(data: &mut Data, mark: &ReadMark, batch: &RecordBatch) {
    let mut told = BTreeSet::new();
    for (place, id) in batch.remote_id.iter().enumerate() {
        let Some(new) = new_copy(mark, batch, place).filter(|_| told.insert(id)) else { continue };
        let key = (mark.workspace_id.0, mark.sync_id.0, mark.side, id.clone());
        match data.records.get(&key) {
            None => data.records.insert(key, new),
            Some(old) if old.row.gone_at.is_none() && is_no_older(&new.row, &old.row) => {
                if let Some(old) = data.records.get_mut(&key) {
                    refresh(old, new);
                }
            }
            // It was seen all the same.
            Some(_) => {
                if let (Some(run_id), Some(old)) = (mark.run_id, data.records.get_mut(&key)) {
                    old.seen_run = Some(run_id.0);
                }
            }
        }
    }
}

/// Contacts that customers seen by the run belong to or may belong to.
fn partners(data: &Data, workspace_id: Uuid, sync_id: Uuid, run_id: Uuid) -> BTreeSet<String> {
    let customers: Vec<&RecordRow> = data
        .copies(workspace_id, sync_id, Side::Chargify)
        .filter(|(_, copy)| copy.seen_run == Some(run_id))
        .map(|(_, copy)| &copy.row)
        .collect();
    let mut partners: BTreeSet<String> = customers.iter().filter_map(|row| row.reference.clone()).collect();
    let ids: BTreeSet<&str> = customers.iter().map(|row| row.remote_id.as_str()).collect();
    let links = data.active_links(workspace_id, sync_id).filter(|link| ids.contains(link.row.customer_id.as_str()));
    partners.extend(links.map(|link| link.row.contact_id.clone()));
    let emails: BTreeSet<&str> = customers.iter().filter_map(|row| row.email.as_deref()).collect();
    let same = data
        .copies(workspace_id, sync_id, Side::Highlevel)
        .filter(|(_, copy)| copy.row.email.as_deref().is_some_and(|email| emails.contains(email)));
    partners.extend(same.map(|(_, copy)| copy.row.remote_id.clone()));
    partners
}

/// The customers that the contact of a plan may be.
fn in_question(plan: &Json) -> Vec<&str> {
    let several = plan.pointer("/matched/ambiguous/candidates").and_then(Json::as_array).into_iter().flatten();
    several.chain(plan.pointer("/matched/case_only_reference")).filter_map(Json::as_str).collect()
}

#[async_trait]
impl Records for Session {
    async fn upsert_records(&mut self, mark: ReadMark, batch: &RecordBatch) -> Result<()> {
        self.act("upsert_records", |work| {
            upsert(work.data, &mark, batch);
            Ok(())
        })
        .await
    }

    async fn mark_records_seen(&mut self, mark: ReadMark, run_id: RunId, ids: &[String]) -> Result<()> {
        self.act("mark_records_seen", |work| {
            for id in ids {
                let key = (mark.workspace_id.0, mark.sync_id.0, mark.side, id.clone());
                if let Some(copy) = work.data.records.get_mut(&key) {
                    copy.seen_run = Some(run_id.0);
                }
            }
            Ok(())
        })
        .await
    }

    async fn records_by_ids(
        &mut self,
        workspace_id: WorkspaceId,
        sync_id: SyncId,
        side: Side,
        ids: &[String],
    ) -> Result<Vec<RecordRow>> {
        self.act("records_by_ids", |work| {
            let ids: BTreeSet<&String> = ids.iter().collect();
            let copy = |id: &String| work.data.records.get(&(workspace_id.0, sync_id.0, side, id.clone()));
            Ok(ids.into_iter().filter_map(copy).map(|copy| copy.row.clone()).collect())
        })
        .await
    }

    async fn contacts_seen(
        &mut self,
        workspace_id: WorkspaceId,
        sync_id: SyncId,
        run_id: RunId,
        after: &str,
        limit: i64,
    ) -> Result<Vec<RecordRow>> {
        self.act("contacts_seen", |work| {
            let seen = work
                .data
                .live(workspace_id.0, sync_id.0, Side::Highlevel)
                .filter(|copy| copy.seen_run == Some(run_id.0) && copy.row.remote_id.as_str() > after);
            Ok(first(seen.map(|copy| copy.row.clone()), limit))
        })
        .await
    }

    async fn mark_partners_of_customers(
        &mut self,
        workspace_id: WorkspaceId,
        sync_id: SyncId,
        run_id: RunId,
    ) -> Result<u64> {
        self.act("mark_partners_of_customers", |work| {
            let partners = partners(work.data, workspace_id.0, sync_id.0, run_id.0);
            let is_open = |row: &RecordRow| matches!(row.verdict.as_str(), "failed" | "waiting" | "drifted");
            Ok(work.data.records.update(
                |key, copy| {
                    (key.0, key.1, key.2) == (workspace_id.0, sync_id.0, Side::Highlevel)
                        && copy.seen_run != Some(run_id.0)
                        && copy.row.gone_at.is_none()
                        && (is_open(&copy.row) || partners.contains(&copy.row.remote_id))
                },
                |copy| copy.seen_run = Some(run_id.0),
            ))
        })
        .await
    }

    async fn candidate_customers(
        &mut self,
        workspace_id: WorkspaceId,
        sync_id: SyncId,
        references: &[String],
        emails: &[String],
        phones: &[String],
    ) -> Result<Vec<RecordRow>> {
        self.act("candidate_customers", |work| {
            let fits = |copy: &&RecordEntry| {
                copy.row.reference.as_ref().is_some_and(|reference| references.contains(&reference.to_lowercase()))
                    || copy.row.email.as_ref().is_some_and(|email| emails.contains(email))
                    || copy.phone.as_ref().is_some_and(|phone| phones.contains(phone))
            };
            let customers = work.data.live(workspace_id.0, sync_id.0, Side::Chargify);
            Ok(customers.filter(fits).map(|copy| copy.row.clone()).collect())
        })
        .await
    }

    async fn contacts_sharing_email(
        &mut self,
        workspace_id: WorkspaceId,
        sync_id: SyncId,
        emails: &[String],
    ) -> Result<Vec<(String, i64)>> {
        self.act("contacts_sharing_email", |work| {
            let mut counts: BTreeMap<String, i64> = BTreeMap::new();
            let contacts = work.data.live(workspace_id.0, sync_id.0, Side::Highlevel);
            for email in contacts.filter_map(|copy| copy.row.email.as_ref()).filter(|email| emails.contains(email)) {
                *counts.entry(email.clone()).or_default() += 1;
            }
            Ok(counts.into_iter().collect())
        })
        .await
    }

    async fn contact_names_by_phone(
        &mut self,
        workspace_id: WorkspaceId,
        sync_id: SyncId,
        phones: &[String],
    ) -> Result<Vec<(String, String)>> {
        self.act("contact_names_by_phone", |work| {
            let contacts = work.data.live(workspace_id.0, sync_id.0, Side::Highlevel);
            let named = contacts.filter_map(|copy| {
                let phone = copy.phone.as_ref().filter(|phone| phones.contains(phone))?;
                Some((phone.clone(), copy.display_name.clone()))
            });
            Ok(named.collect())
        })
        .await
    }

    async fn contacts_for_customer(
        &mut self,
        workspace_id: WorkspaceId,
        sync_id: SyncId,
        customer: &RecordRow,
    ) -> Result<Vec<String>> {
        self.act("contacts_for_customer", |work| {
            let is_named = |copy: &RecordEntry| Some(&copy.row.remote_id) == customer.reference.as_ref();
            let has_email = |copy: &RecordEntry| copy.row.email.is_some() && copy.row.email == customer.email;
            let key = (workspace_id.0, sync_id.0, Side::Chargify, customer.remote_id.clone());
            let own = work.data.records.get(&key).filter(|own| own.phone.is_some() && !own.display_name.is_empty());
            let folded = |copy: &RecordEntry| copy.display_name.to_lowercase();
            let is_like =
                |copy: &RecordEntry| own.is_some_and(|own| own.phone == copy.phone && folded(own) == folded(copy));
            let contacts = work.data.live(workspace_id.0, sync_id.0, Side::Highlevel);
            let mut hits: Vec<&RecordEntry> =
                contacts.filter(|copy| is_named(copy) || has_email(copy) || is_like(copy)).collect();
            hits.sort_by_key(|copy| (!is_named(copy), !has_email(copy)));
            Ok(first(hits.into_iter().map(|copy| copy.row.remote_id.clone()), 10))
        })
        .await
    }

    async fn lone_customers(
        &mut self,
        workspace_id: WorkspaceId,
        sync_id: SyncId,
        run_id: RunId,
        after: &str,
        limit: i64,
    ) -> Result<Vec<RecordRow>> {
        self.act("lone_customers", |work| {
            let data = &*work.data;
            let linked = data.active_links(workspace_id.0, sync_id.0).map(|link| &link.row.customer_id);
            let planned = data.items_of(workspace_id.0, run_id.0).filter_map(|item| item.row.customer_id.as_ref());
            let asked = data.items_of(workspace_id.0, run_id.0).filter(|item| item.row.action == "ambiguous");
            let in_question: BTreeSet<&str> = asked.flat_map(|item| in_question(&item.row.plan)).collect();
            let paired: BTreeSet<&String> = linked.chain(planned).collect();
            let lone = data
                .live(workspace_id.0, sync_id.0, Side::Chargify)
                .map(|copy| (copy.seen_run, &copy.row))
                .filter(|(seen_run, row)| {
                    *seen_run == Some(run_id.0)
                        && row.remote_id.as_str() > after
                        && !paired.contains(&row.remote_id)
                        && !in_question.contains(row.remote_id.as_str())
                });
            Ok(first(lone.map(|(_, row)| row.clone()), limit))
        })
        .await
    }

    async fn count_customers(&mut self, workspace_id: WorkspaceId, sync_id: SyncId) -> Result<i64> {
        self.act("count_customers", |work| Ok(count(work.data.live(workspace_id.0, sync_id.0, Side::Chargify)))).await
    }

    async fn set_verdicts(
        &mut self,
        workspace_id: WorkspaceId,
        sync_id: SyncId,
        side: Side,
        rows: &[(String, &'static str, String)],
    ) -> Result<()> {
        self.act("set_verdicts", |work| {
            for (id, verdict, detail) in rows {
                let key = (workspace_id.0, sync_id.0, side, id.clone());
                if let Some(copy) = work.data.records.get_mut(&key) {
                    (*verdict).clone_into(&mut copy.row.verdict);
                    copy.verdict_detail.clone_from(detail);
                }
            }
            Ok(())
        })
        .await
    }

    async fn mark_record_gone(&mut self, mark: ReadMark, remote_id: &str, how: GoneBy) -> Result<()> {
        self.act("mark_record_gone", |work| {
            bury(work.data, &mark, remote_id, how);
            Ok(())
        })
        .await
    }

    async fn revive_record(&mut self, mark: ReadMark, remote_id: &str) -> Result<bool> {
        self.act("revive_record", |work| Ok(revive(work.data, &mark, remote_id))).await
    }

    async fn returned_records(
        &mut self,
        workspace_id: WorkspaceId,
        sync_id: SyncId,
        run_id: RunId,
        before: OffsetDateTime,
        limit: i64,
    ) -> Result<Vec<MissedRow>> {
        self.act("returned_records", |work| {
            Ok(returned(work.data, (workspace_id.0, sync_id.0), run_id.0, kept(before), limit))
        })
        .await
    }

    async fn purge_tombstones(&mut self, before: OffsetDateTime, limit: i64) -> Result<Vec<(Uuid, i64)>> {
        self.act("purge_tombstones", |work| Ok(purge(work.data, kept(before), limit))).await
    }

    async fn pair_changed_since(
        &mut self,
        workspace_id: WorkspaceId,
        sync_id: SyncId,
        pair: &PlannedPair,
        since: OffsetDateTime,
    ) -> Result<bool> {
        self.act("pair_changed_since", |work| {
            let (workspace_id, sync_id, since) = (workspace_id.0, sync_id.0, kept(since));
            let ids = (
                pair.contact.as_ref().map(|record| record.id.as_str()),
                pair.customer.as_ref().map(|record| record.id.as_str()),
            );
            let is_later = |row: &RecordRow| row.read_at > since || row.gone_at.is_some_and(|at| at > since);
            let is_changed = work.data.pair_changed(workspace_id, sync_id, ids, is_later, since);
            Ok(is_changed || work.data.pair_differs(workspace_id, sync_id, pair))
        })
        .await
    }

    async fn customer_came_since(
        &mut self,
        workspace_id: WorkspaceId,
        sync_id: SyncId,
        email: &str,
        since: OffsetDateTime,
    ) -> Result<bool> {
        self.act("customer_came_since", |work| {
            Ok(work.data.customer_came(workspace_id.0, sync_id.0, email, kept(since)))
        })
        .await
    }

    async fn analyze_records(&mut self) -> Result<()> {
        self.act("analyze_records", |_| Ok(())).await
    }
}

impl Data {
    /// Whether a copy of the pair, its link, or what was agreed on is otherwise than planned.
    fn pair_differs(&self, workspace_id: Uuid, sync_id: Uuid, pair: &PlannedPair) -> bool {
        let copy_differs = |side: Side, planned: &Option<PlannedRecord>| {
            planned.as_ref().is_some_and(|planned| {
                let copy = self.records.get(&(workspace_id, sync_id, side, planned.id.clone()));
                copy.is_some_and(|copy| copy.row.field_values != planned.values)
            })
        };
        let is_of = |planned: &Option<PlannedRecord>, id: &str| planned.as_ref().is_some_and(|one| one.id == id);
        let link_differs = self.active_links(workspace_id, sync_id).any(|link| {
            (is_of(&pair.contact, &link.row.contact_id) || is_of(&pair.customer, &link.row.customer_id))
                && pair.link.as_ref().is_none_or(|(id, base)| (id.0, base) != (link.row.link_id, &link.row.base))
        });
        copy_differs(Side::Highlevel, &pair.contact) || copy_differs(Side::Chargify, &pair.customer) || link_differs
    }

    /// Whether a copy of the pair changed, as `is_changed` says, or an active link of either was settled after `since`.
    pub(super) fn pair_changed(
        &self,
        workspace_id: Uuid,
        sync_id: Uuid,
        (contact_id, customer_id): (Option<&str>, Option<&str>),
        is_changed: impl Fn(&RecordRow) -> bool,
        since: OffsetDateTime,
    ) -> bool {
        let copy_changed = |side: Side, id: Option<&str>| {
            let copy = id.and_then(|id| self.records.get(&(workspace_id, sync_id, side, id.to_owned())));
            copy.is_some_and(|copy| is_changed(&copy.row))
        };
        copy_changed(Side::Highlevel, contact_id)
            || copy_changed(Side::Chargify, customer_id)
            || self.active_links(workspace_id, sync_id).any(|link| {
                link.row.settled_at > since
                    && (Some(link.row.contact_id.as_str()) == contact_id
                        || Some(link.row.customer_id.as_str()) == customer_id)
            })
    }

    /// Whether a customer with that e-mail address was read after that instant.
    pub(super) fn customer_came(&self, workspace_id: Uuid, sync_id: Uuid, email: &str, since: OffsetDateTime) -> bool {
        let mut customers = self.copies(workspace_id, sync_id, Side::Chargify).map(|(_, copy)| &copy.row);
        customers.any(|row| row.email.as_deref() == Some(email) && row.read_at > since)
    }
}

/// At most `limit` of them.
pub(super) fn first<T>(rows: impl Iterator<Item = T>, limit: i64) -> Vec<T> {
    rows.take(usize::try_from(limit).unwrap_or(0)).collect()
}
