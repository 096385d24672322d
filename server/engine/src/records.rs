//! Records as people look at them: find one, see both sides and why it stands as it does, bring it into step by hand.

mod answer;
mod billing;
mod heirs;
mod question;
mod resync;
mod tombstone;
mod trace;

use crate::{
    Engine, EngineError, Result, Viewer,
    store::{
        self, Tables,
        links::LinkRow,
        records::{RecordKey, RecordQuery, RecordRow},
    },
    sync::{Circumstances, Planned, SyncContext},
};
use domain::{
    Right, Side,
    decision::Decision,
    limits,
    merge::{Merged, Sides, Why, merge},
    record::Record,
    value::Value,
    view::{
        At, AuditFilter, FieldView, HistoryView, PairState, RecordFilter, RecordPageView, RecordRowView, RecordView,
    },
};

pub use answer::RecordAt;

impl Engine {
    /// A page of records: those that pass the filter, every one for an empty filter.
    ///
    /// # Errors
    /// [`EngineError::NotAllowed`] without the right to see personal data; [`EngineError::NotFound`] for an unknown sync;
    /// database errors.
    pub async fn records(&self, viewer: &Viewer, filter: &RecordFilter) -> Result<RecordPageView> {
        may_see(viewer)?;
        let mut conn = self.pool().acquire().await?;
        let workspace_id = viewer.workspace_id();
        let before = Some(filter.after.as_str()).filter(|after| !after.is_empty()).map(page_key).transpose()?;
        let sync_id = match filter.sync.as_str() {
            "" => None,
            name => Some(named(&mut conn, viewer, name).await?.sync_id),
        };
        let searches = !filter.search.trim().is_empty();
        let limit = limits::LIST_PAGE + i64::from(!searches);
        let query = RecordQuery { verdict: &filter.state, sync_id, before: before.as_ref(), limit };
        let mut rows = if searches {
            store::records::search(&mut conn, workspace_id, &filter.search, &query).await?
        } else if filter.state == GONE {
            store::records::list_gone(&mut conn, workspace_id, &query).await?
        } else {
            store::records::list(&mut conn, workspace_id, &query).await?
        };
        let page = usize::try_from(limits::LIST_PAGE).unwrap_or(usize::MAX);
        let more = rows.len() > page;
        rows.truncate(page);
        let (contacts, customers, links) = store::records::totals(&mut conn, workspace_id).await?;
        let removals = store::removals::count_waiting(&mut conn, workspace_id).await?;
        let number = |count: i64| u64::try_from(count).unwrap_or(0);
        Ok(RecordPageView {
            next: rows.last().filter(|_| more).map(|row| format!("{}:{}:{}", row.sync_id, row.side, row.remote_id)),
            rows: rows.into_iter().map(listed).collect(),
            total_contacts: number(contacts),
            total_customers: number(customers),
            total_links: number(links),
            removals: number(removals),
        })
    }

    /// One record: both sides as last read, what was agreed on, what would happen now and why, and its history.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::NotAllowed`].
    pub async fn record(&self, viewer: &Viewer, sync: &str, side: Side, id: &str) -> Result<RecordView> {
        may_see(viewer)?;
        let mut conn = self.store().session().await?;
        let context = named(&mut *conn, viewer, sync).await?;
        let ids = [id.to_owned()];
        let known = conn.records_by_ids(context.workspace_id, context.sync_id, side, &ids).await?;
        if let Some(row) = known.first().filter(|row| row.gone_at.is_some()) {
            drop(conn);
            return self.gone_record(viewer, &context, side, row).await;
        }
        let (planned, link) = self.plan_one(&mut *conn, &context, (side, id), None).await?;
        let read_at = |side: Side, id: Option<&str>, rows: &[RecordRow]| {
            rows.iter()
                .find(|row| row.side == side.as_str() && Some(row.remote_id.as_str()) == id)
                .map(|row| At::from(row.read_at))
        };
        let rows = copies(&mut *conn, &context, &planned).await?;
        let row = rows.first().ok_or(EngineError::NotFound("record"))?;
        let state = pair_state(&row.verdict);
        let asked = self.question(&mut *conn, &context, &planned).await?;
        let billing = self.billing_of(&mut *conn, &context, planned.customer_id()).await?;
        drop(conn);
        let ids: Vec<&str> = [planned.contact_id(), planned.customer_id()].into_iter().flatten().collect();
        let history = self.history(viewer, &ids).await?;
        let refused = history.iter().find(|line| line.action == "record.write_refused").map(|line| line.words.as_str());
        let (question, answer, trace) =
            trace::of(&planned, link.is_some(), refused.filter(|_| state == PairState::Failed));
        Ok(RecordView {
            sync: context.row.name.clone(),
            name: planned.display_name(),
            email: planned.email(),
            contact_id: planned.contact_id().map(str::to_owned),
            customer_id: planned.customer_id().map(str::to_owned),
            matched_by: link.as_ref().map(|link| link.matched_by.clone()),
            linked_at: link.as_ref().map(|link| At::from(link.linked_at)),
            state,
            question,
            answer,
            trace,
            fields: fields(&context, &planned),
            history,
            highlevel_read_at: read_at(Side::Highlevel, planned.contact_id(), &rows),
            chargify_read_at: read_at(Side::Chargify, planned.customer_id(), &rows),
            would: planned.item.changes.iter().map(crate::runs::change_view).collect(),
            asked,
            billing,
            gone: None,
        })
    }

    /// Plans one record of either side from the copies, as if a person had decided `supposed`, if it is given.
    async fn plan_one(
        &self,
        conn: &mut dyn Tables,
        context: &SyncContext,
        (side, id): (Side, &str),
        supposed: Option<&Decision>,
    ) -> Result<(Planned, Option<LinkRow>)> {
        let (workspace_id, sync_id) = (context.workspace_id, context.sync_id);
        let ids = [id.to_owned()];
        let (contacts, customers): (&[String], &[String]) = match side {
            Side::Highlevel => (&ids, &[]),
            Side::Chargify => (&[], &ids),
        };
        let links = conn.links_of_records(workspace_id, sync_id, contacts, customers).await?;
        let link = links.into_iter().next();
        let contact_id = match (&link, side) {
            (Some(link), _) => Some(link.contact_id.clone()),
            (None, Side::Highlevel) => Some(id.to_owned()),
            (None, Side::Chargify) => None,
        };
        let rows = match &contact_id {
            Some(contact_id) => {
                let ids = [contact_id.clone()];
                conn.records_by_ids(workspace_id, sync_id, Side::Highlevel, &ids).await?
            }
            None => conn.records_by_ids(workspace_id, sync_id, Side::Chargify, &ids).await?,
        };
        let how = Circumstances::default();
        let planned = match contact_id {
            Some(_) => self.plan_contacts_supposing(conn, context, &rows, how, supposed).await?.pop(),
            None => {
                let there: Vec<RecordRow> = rows.into_iter().filter(|row| row.gone_at.is_none()).collect();
                self.plan_lone_customers(conn, context, &there, how, supposed).await?.pop()
            }
        };
        let planned = planned.ok_or(EngineError::NotFound("record"))?;
        Ok((planned, link))
    }

    /// What happened to these records, newest first: each line once, though it is about both of a pair.
    async fn history(&self, viewer: &Viewer, ids: &[&str]) -> Result<Vec<HistoryView>> {
        if !viewer.actor().role().may(Right::SeeAudit) {
            return Ok(Vec::new());
        }
        let mut lines = Vec::new();
        for id in ids {
            let record = (*id).to_owned();
            lines.extend(self.audit_page(viewer, AuditFilter { record, ..AuditFilter::default() }).await?.lines);
        }
        lines.sort_by_key(|line| std::cmp::Reverse(line.line_no));
        lines.dedup_by_key(|line| line.line_no);
        let view = |line: domain::view::AuditLineView| HistoryView {
            at: line.at,
            actor: line.actor_name,
            action: line.action,
            words: line.words,
            outcome: line.outcome,
            changes: line.changes,
            run_number: line.run_number,
        };
        Ok(lines.into_iter().map(view).collect())
    }
}

/// Where the page before ended: sync, side and id.
fn page_key(text: &str) -> Result<RecordKey> {
    let mut parts = text.splitn(3, ':');
    let key = (parts.next().and_then(|sync| sync.parse().ok()), parts.next(), parts.next());
    let (Some(sync_id), Some(side), Some(remote_id)) = key else {
        return Err(EngineError::invalid("after: take the value of the page before"));
    };
    Ok(RecordKey { sync_id, side: side.to_owned(), remote_id: remote_id.to_owned() })
}

/// Stands for the state of records that are gone.
const GONE: &str = "gone";

fn may_see(viewer: &Viewer) -> Result<()> {
    if viewer.actor().role().may(Right::SeePersonalData) {
        Ok(())
    } else {
        Err(EngineError::NotAllowed(Right::SeePersonalData.words()))
    }
}

async fn named(conn: &mut dyn Tables, viewer: &Viewer, sync: &str) -> Result<SyncContext> {
    by_name(conn, viewer.workspace_id(), sync).await
}

async fn by_name(conn: &mut dyn Tables, workspace_id: domain::WorkspaceId, sync: &str) -> Result<SyncContext> {
    let row = conn.sync_by_name(workspace_id, sync).await?;
    SyncContext::of(row.ok_or(EngineError::NotFound("sync"))?)
}

async fn copies(conn: &mut dyn Tables, context: &SyncContext, planned: &Planned) -> Result<Vec<RecordRow>> {
    let mut rows = Vec::new();
    for (side, id) in [(Side::Highlevel, planned.contact_id()), (Side::Chargify, planned.customer_id())] {
        if let Some(id) = id {
            let ids = [id.to_owned()];
            rows.extend(conn.records_by_ids(context.workspace_id, context.sync_id, side, &ids).await?);
        }
    }
    Ok(rows)
}

fn pair_state(verdict: &str) -> PairState {
    match verdict {
        "in_step" => PairState::InStep,
        "drifted" => PairState::Drifted,
        "waiting" => PairState::Waiting,
        "failed" => PairState::Failed,
        "left_out" => PairState::LeftOut,
        GONE => PairState::Gone,
        _ => PairState::Unpaired,
    }
}

fn listed(row: store::records::ListedRow) -> RecordRowView {
    let is_contact = row.side == Side::Highlevel.as_str();
    let (contact_id, customer_id) =
        if is_contact { (Some(row.remote_id), row.partner_id) } else { (row.partner_id, Some(row.remote_id)) };
    RecordRowView {
        sync: row.sync,
        contact_id,
        customer_id,
        name: row.display_name,
        email: row.email,
        phone: row.phone,
        state: pair_state(&row.verdict),
        detail: row.verdict_detail,
        read_at: row.read_at.into(),
    }
}

/// Every mapped field, with what the merge says of it.
fn fields(context: &SyncContext, planned: &Planned) -> Vec<FieldView> {
    let policy = &context.policy;
    let empty = (Record::new(Side::Highlevel), Record::new(Side::Chargify));
    let highlevel = planned.contact.as_ref().unwrap_or(&empty.0);
    let chargify = planned.customer.as_ref().unwrap_or(&empty.1);
    let paired = planned.contact.is_some() && planned.customer.is_some();
    let text = |value: Option<&Value>| value.map(Value::display);
    policy
        .mapping
        .rules
        .iter()
        .map(|rule| {
            let base = planned.link.as_ref().and_then(|link| link.base.0.get(&rule.key()));
            let sides = Sides { rule, highlevel, chargify, base, catalogue: &policy.catalogue, decided: None };
            let (verdict, detail) = if paired { said(&merge(&sides).merged) } else { ("unpaired", String::new()) };
            FieldView {
                label: policy.catalogue.label(Side::Chargify, &rule.chargify).to_owned(),
                highlevel_field: rule.highlevel.to_string(),
                chargify_field: rule.chargify.to_string(),
                highlevel: text(highlevel.values.get(&rule.highlevel)),
                base: base.map(|pair| pair.highlevel.display()),
                chargify: text(chargify.values.get(&rule.chargify)),
                verdict: verdict.to_owned(),
                detail,
            }
        })
        .collect()
}

fn said(merged: &Merged) -> (&'static str, String) {
    match merged {
        Merged::Agree => ("in_step", String::new()),
        Merged::Nothing(why) => ("left_alone", why_words(*why).to_owned()),
        Merged::Write { to: Side::Chargify, after, .. } => ("to_chargify", after.display()),
        Merged::Write { to: Side::Highlevel, after, .. } => ("to_highlevel", after.display()),
        Merged::Conflict { .. } => ("ask", "It was changed on both sides, and the rule says: ask a person.".to_owned()),
        Merged::Broken(problems) => ("broken", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")),
    }
}

const fn why_words(why: Why) -> &'static str {
    match why {
        Why::Absent => "Not read on one side, so nothing is known of it.",
        Why::NotRead => "The field to be written was not read, and nothing is written over unseen.",
        Why::Direction => "The rule does not go this way.",
        Why::EmptyRule => "The rule does not copy an emptied field.",
        Why::FillEmpty => "The rule only fills empty fields.",
    }
}
