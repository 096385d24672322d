//! Makes the plan of a run from the copies, in batches, so that memory does not grow with the lists.

use super::Running;
use crate::{
    Result,
    store::{Tables, items::ItemBatch, runs::PlanTotals},
    sync::{Planned, planning::Circumstances, reading::ReadSummary},
};
use domain::{
    Side, limits,
    merge::Base,
    outcome::{Counts, Outcome},
    plan::{Action, PlanItem, Reason, ReasonCode},
    problem::Problem,
};
use std::collections::BTreeSet;

/// From so many records on Postgres is told of them: fewer are gone through as quickly as found by key.
const MANY: u64 = 500;

/// What planning adds up.
#[derive(Default)]
struct Tally {
    /// Whether the contacts and the customers are known whole.
    known: [bool; 2],
    counts: Counts,
    to_create: i64,
    to_update: i64,
    highlevel: i64,
    chargify: i64,
    left_alone: i64,
    new_links: i64,
    item_no: i64,
    /// Fields that change anywhere.
    fields: BTreeSet<String>,
}

impl Tally {
    /// Nobody is created on a side that is not known whole: who seems to be missing there may be among the unread.
    fn withhold(&self, planned: &mut Planned) {
        let [contacts_known, customers_known] = self.known;
        let (side, known) = match planned.item.action {
            Action::CreateCustomer => (Side::Chargify, customers_known),
            Action::CreateContact => (Side::Highlevel, contacts_known),
            _ => return,
        };
        if !known {
            let words = format!(
                "not every {} could be read, so it is not certain that there is none yet; nobody is created on a guess",
                side.noun()
            );
            planned.item = not_read(words);
        }
    }
}

/// What could not be read: an item of its own, so that the run accounts for it.
fn unread(sentence: String) -> Planned {
    Planned { contact: None, customer: None, link: None, matched: None, item: not_read(sentence), gone: None }
}

fn not_read(words: String) -> PlanItem {
    PlanItem {
        action: Action::Fail,
        reason: Reason::new(ReasonCode::NotRead, words),
        changes: Vec::new(),
        reference: None,
        base_after: Base::default(),
        problems: Vec::new(),
        conflicts: Vec::new(),
        new_link: false,
    }
}

impl Running<'_> {
    /// Plans everything this run has read. Starts over when it was begun before.
    pub(super) async fn make_plan(&mut self, summary: &ReadSummary) -> Result<()> {
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        let planned_at = self.engine.clock().now();
        let mut conn = self.engine.store().session().await?;
        conn.clear_items(workspace_id, self.run_id).await?;
        let progress = serde_json::to_value(summary).unwrap_or_default();
        conn.set_run_progress(workspace_id, self.run_id, &progress).await?;
        if self.row.mode == "changes" {
            conn.mark_partners_of_customers(workspace_id, sync_id, self.run_id).await?;
        }
        if summary.contacts + summary.customers >= MANY {
            conn.analyze_records().await?;
        }
        let known = [summary.contacts_known, summary.customers_known];
        let mut tally = Tally { known, ..Tally::default() };
        self.plan_contacts(&mut *conn, &mut tally).await?;
        if self.row.chosen.is_none() {
            self.plan_links_without_contact(&mut *conn, &mut tally).await?;
        }
        self.plan_lone_customers(&mut *conn, &mut tally).await?;
        let unread: Vec<Planned> = summary.lost.sentences().map(unread).collect();
        self.keep(&mut tally, &unread).await?;
        if tally.item_no >= MANY as i64 {
            conn.analyze_items().await?;
        }
        let made = (self.row.calls_highlevel, self.row.calls_chargify);
        let calls =
            conn.run(workspace_id, self.run_id).await?.map_or(made, |row| (row.calls_highlevel, row.calls_chargify));
        let (reads_highlevel, reads_chargify) = self.engagement_calls(&mut *conn, tally.new_links).await?;
        let calls = (calls.0 + reads_highlevel, calls.1 + reads_chargify);
        let writes = (tally.highlevel, tally.chargify);
        let prediction = self.engine.predict(&mut *conn, &self.context, writes, calls).await?;
        let fields: Vec<String> = tally.fields.into_iter().collect();
        conn.note_planned_fields(workspace_id, self.run_id, &fields).await?;
        let totals = PlanTotals {
            counts: tally.counts,
            to_create: tally.to_create,
            to_update: tally.to_update,
            planned_highlevel: tally.highlevel,
            planned_chargify: tally.chargify,
            left_alone: tally.left_alone,
            predicted_highlevel: prediction.highlevel,
            predicted_chargify: prediction.chargify,
            predicted_ms: prediction.write_ms,
            planned_at,
        };
        conn.set_run_plan(workspace_id, self.run_id, &totals).await?;
        conn.notify_run(self.run_id).await?;
        Ok(())
    }

    /// The next batch is planned while the one before is stored.
    async fn plan_contacts(&self, conn: &mut dyn Tables, tally: &mut Tally) -> Result<()> {
        let (mut after, mut planned) = (String::new(), Vec::new());
        loop {
            let next = self.next_contacts(conn, &after);
            let (next, ()) = futures::try_join!(next, self.keep(tally, &planned))?;
            let Some(next) = next else { return Ok(()) };
            (after, planned) = next;
            planned.iter_mut().for_each(|one| tally.withhold(one));
        }
    }

    /// The contacts after an id, planned, and the last of them.
    async fn next_contacts(&self, conn: &mut dyn Tables, after: &str) -> Result<Option<(String, Vec<Planned>)>> {
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        let batch = limits::RECORD_BATCH as i64;
        let rows = conn.contacts_seen(workspace_id, sync_id, self.run_id, after, batch).await?;
        let Some(last) = rows.last() else { return Ok(None) };
        let planned = self.engine.plan_contacts(conn, &self.context, &rows, Circumstances::default()).await?;
        Ok(Some((last.remote_id.clone(), planned)))
    }

    /// Pairs whose contact was deleted: they end, and their customers wait for a person.
    async fn plan_links_without_contact(&self, conn: &mut dyn Tables, tally: &mut Tally) -> Result<()> {
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        let batch = limits::RECORD_BATCH as i64;
        let mut after = String::new();
        let how = Circumstances { gone: Some(Side::Highlevel), ..Circumstances::default() };
        loop {
            let links = conn.links_without_contact(workspace_id, sync_id, &after, batch).await?;
            let Some(last) = links.last() else { return Ok(()) };
            after.clone_from(&last.contact_id);
            let mut planned = Vec::with_capacity(links.len());
            for link in &links {
                planned.push(self.engine.plan_link(conn, &self.context, link, how).await?);
            }
            self.keep(tally, &planned).await?;
        }
    }

    /// Customers without a contact: counted as left alone, unless the sync creates contacts or a person has a say.
    async fn plan_lone_customers(&self, conn: &mut dyn Tables, tally: &mut Tally) -> Result<()> {
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        let batch = limits::RECORD_BATCH as i64;
        let mut after = String::new();
        loop {
            let rows = conn.lone_customers(workspace_id, sync_id, self.run_id, &after, batch).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after.clone_from(&last.remote_id);
            let how = Circumstances::default();
            let mut planned = self.engine.plan_lone_customers(conn, &self.context, &rows, how, None).await?;
            planned.retain(|one| one.item.reason.code != ReasonCode::CreateContactsOff);
            tally.left_alone += (rows.len() - planned.len()) as i64;
            planned.iter_mut().for_each(|one| tally.withhold(one));
            self.keep(tally, &planned).await?;
        }
    }

    /// Stores a batch of plans. What needs no write is settled here; what is unchanged is only counted.
    async fn keep(&self, tally: &mut Tally, planned: &[Planned]) -> Result<()> {
        if planned.is_empty() {
            return Ok(());
        }
        let now = self.engine.clock().now();
        let dry = self.row.mode == "dry-run";
        let mut batch = ItemBatch::default();
        let mut verdicts: [Vec<(String, &'static str, String)>; 2] = Default::default();
        for one in planned {
            let action = one.item.action;
            tally.counts.read += 1;
            note_verdict(&mut verdicts, one);
            let settled = if needs_settling(one) { None } else { Some(action.outcome_if_done()) };
            if let Some(outcome) = settled {
                let read = tally.counts.read;
                tally.counts.add(outcome);
                tally.counts.read = read;
            } else if matches!(action, Action::CreateCustomer | Action::CreateContact) {
                tally.to_create += 1;
            } else if action.is_write() || matches!(action, Action::Link | Action::Unlink) {
                tally.to_update += 1;
            }
            tally.new_links += i64::from(one.item.new_link);
            let known = &self.context.policy.catalogue;
            tally.highlevel += one.item.calls(Side::Highlevel, known);
            tally.chargify += one.item.calls(Side::Chargify, known);
            let stuck = one.item.problems.iter().any(Problem::stops_the_value);
            if settled == Some(Outcome::Unchanged) && !stuck {
                continue;
            }
            tally.item_no += 1;
            tally.fields.extend(one.item.changes.iter().map(|change| change.field.0.clone()));
            push(&mut batch, tally.item_no, one, settled);
        }
        let mut tx = self.engine.store().begin().await?;
        tx.insert_items(self.context.workspace_id, self.run_id, now, &batch).await?;
        if !dry {
            let [contacts, customers] = &verdicts;
            let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
            tx.set_verdicts(workspace_id, sync_id, Side::Highlevel, contacts).await?;
            tx.set_verdicts(workspace_id, sync_id, Side::Chargify, customers).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

/// Whether something is still to be done about it: a call, or a change of the link that the run shall make.
fn needs_settling(planned: &Planned) -> bool {
    let action = planned.item.action;
    let base_moves = matches!(action, Action::Unchanged | Action::Echo)
        && planned.link.as_ref().is_some_and(|link| link.base != planned.item.base_after);
    action.is_write() || matches!(action, Action::Link | Action::Unlink) || base_moves
}

fn note_verdict(verdicts: &mut [Vec<(String, &'static str, String)>; 2], planned: &Planned) {
    let verdict = match planned.item.action {
        Action::Unchanged | Action::Echo | Action::Link => "in_step",
        Action::Exclude => "left_out",
        Action::Ambiguous | Action::Conflict | Action::Hold | Action::Unlink => "waiting",
        Action::Fail => "failed",
        Action::CreateCustomer | Action::CreateContact => "unpaired",
        Action::UpdateCustomer | Action::UpdateContact | Action::UpdateBoth => "drifted",
    };
    let words = planned.item.reason.words.clone();
    let [contacts, customers] = verdicts;
    if let Some(id) = planned.contact_id() {
        contacts.push((id.to_owned(), verdict, words));
    } else if let Some(id) = planned.customer_id() {
        customers.push((id.to_owned(), verdict, words));
    }
}

fn push(batch: &mut ItemBatch, item_no: i64, planned: &Planned, settled: Option<Outcome>) {
    batch.item_no.push(item_no);
    batch.action.push(planned.item.action.as_str().to_owned());
    batch.contact_id.push(planned.contact_id().map(str::to_owned));
    batch.customer_id.push(planned.customer_id().map(str::to_owned));
    batch.link_id.push(planned.link.as_ref().map(|link| link.id.0));
    batch.display_name.push(planned.display_name());
    batch.email.push(planned.email());
    batch.reason_code.push(reason_code(planned));
    batch.reason.push(planned.item.reason.words.clone());
    batch.changes.push(serde_json::to_value(&planned.item.changes).unwrap_or_default());
    batch.plan.push(planned.stored());
    batch.outcome.push(settled.map(|outcome| outcome.as_str().to_owned()));
    batch.outcome_detail.push(settled.map(|_| planned.item.reason.words.clone()));
}

/// The reason's code as stored.
pub(super) fn reason_code(planned: &Planned) -> String {
    match serde_json::to_value(planned.item.reason.code) {
        Ok(serde_json::Value::String(code)) => code,
        _ => String::new(),
    }
}
