//! How a record ended, written in one transaction: intents, copies, link and base, the item's outcome, audit lines, and
//! the run's counters. What a run ends is committed in groups, behind the calls.

use super::{SyncContext, batch_of};
use crate::{
    Engine, EngineError, Result,
    audit::{self, NewAuditLine},
    store::{Tables, intents::IntentResult, items::Settlement, links::NewLink, records::ReadMark},
};
use domain::{
    LinkId, RemoteId, RunId, Side,
    deletes::DeletePolicy,
    merge::Base,
    outcome::{Counts, Outcome},
    record::Record,
};
use std::time::Duration;
use time::OffsetDateTime;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// What becomes of the link.
#[derive(Clone, Debug, Default)]
pub(crate) enum LinkEffect {
    #[default]
    None,
    New {
        contact_id: String,
        customer_id: String,
        matched_by: &'static str,
        base: Base,
    },
    Settle {
        link_id: LinkId,
        base: Base,
    },
    /// A write of ours was found done long after: what it wrote was agreed on then, and is no news.
    Move {
        link_id: LinkId,
        moved: Base,
    },
    Unlink {
        link_id: LinkId,
        reason: String,
        /// The record that is gone, and its partner that is not.
        parted: Option<(Side, RemoteId, String)>,
    },
}

/// A record that is dealt with.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    /// Its place in the run, when it is part of one.
    pub(crate) item_no: Option<i64>,
    pub(crate) outcome: Outcome,
    pub(crate) detail: Option<String>,
    pub(crate) took_ms: i32,
    pub(crate) contact_id: Option<String>,
    pub(crate) customer_id: Option<String>,
    pub(crate) intents: Vec<IntentResult>,
    pub(crate) link: LinkEffect,
    /// Records as the services returned them.
    pub(crate) records: Vec<Record>,
    pub(crate) audit: Vec<NewAuditLine>,
}

impl Ended {
    pub(crate) fn as_outcome(outcome: Outcome, detail: Option<String>) -> Self {
        Self {
            item_no: None,
            outcome,
            detail,
            took_ms: 0,
            contact_id: None,
            customer_id: None,
            intents: Vec::new(),
            link: LinkEffect::None,
            records: Vec::new(),
            audit: Vec::new(),
        }
    }

    fn verdict(&self) -> (&'static str, String) {
        let detail = self.detail.clone().unwrap_or_default();
        match self.outcome {
            Outcome::Created | Outcome::Updated | Outcome::Unchanged | Outcome::Echo => {
                let unlinked = matches!(self.link, LinkEffect::Unlink { .. });
                (if unlinked { "waiting" } else { "in_step" }, detail)
            }
            Outcome::Excluded => ("left_out", detail),
            Outcome::Ambiguous | Outcome::Parked => ("waiting", detail),
            Outcome::Failed => ("failed", detail),
        }
    }
}

/// Where a group of endings belongs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Belongs<'a> {
    pub(crate) context: &'a SyncContext,
    pub(crate) run_id: Option<RunId>,
}

impl Engine {
    /// Commits a group of endings.
    pub(crate) async fn settle(&self, belongs: Belongs<'_>, group: &[Ended]) -> Result<()> {
        let mut tx = self.store().begin().await?;
        self.settle_in(&mut *tx, belongs, group).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Writes a group of endings on the caller's connection.
    pub(crate) async fn settle_in(&self, conn: &mut dyn Tables, belongs: Belongs<'_>, group: &[Ended]) -> Result<()> {
        let now = self.clock().now();
        let workspace_id = belongs.context.workspace_id;
        let mut settlements = Vec::new();
        let mut lines = Vec::new();
        let intents: Vec<&IntentResult> = group.iter().flat_map(|ended| &ended.intents).collect();
        conn.settle_intents(workspace_id, &intents, now).await?;
        for ended in group {
            let link_id = self.settle_link(conn, belongs, ended, now).await?;
            settlements.extend(ended.item_no.map(|item_no| Settlement {
                item_no,
                outcome: ended.outcome.as_str(),
                detail: ended.detail.clone(),
                contact_id: ended.contact_id.clone(),
                customer_id: ended.customer_id.clone(),
                link_id,
                took_ms: ended.took_ms,
            }));
            lines.extend(ended.audit.iter().cloned());
        }
        settle_copies(conn, belongs.context, group, now).await?;
        if let Some(run_id) = belongs.run_id {
            let settled = conn.settle_items(workspace_id, run_id, now, &settlements).await?;
            let mut counts = Counts::default();
            for ended in group.iter().filter(|ended| ended.item_no.is_some_and(|item_no| settled.contains(&item_no))) {
                if !crate::planted!(ForgetCounts) {
                    counts.add(ended.outcome);
                }
            }
            // `add` counts the record as read; it was counted when the plan was made.
            counts.read = 0;
            conn.add_run_counts(workspace_id, run_id, &counts).await?;
            conn.notify_run(run_id).await?;
        }
        audit::append_many(conn, workspace_id, lines).await?;
        Ok(())
    }

    async fn settle_link(
        &self,
        conn: &mut dyn Tables,
        belongs: Belongs<'_>,
        ended: &Ended,
        now: OffsetDateTime,
    ) -> Result<Option<LinkId>> {
        // A run carries over itself what the contacts it linked have.
        let (context, belongs_to_no_run) = (belongs.context, belongs.run_id.is_none());
        let workspace_id = context.workspace_id;
        let json = |base: &Base| serde_json::to_value(base).unwrap_or_default();
        match &ended.link {
            LinkEffect::None => Ok(None),
            LinkEffect::New { contact_id, customer_id, matched_by, base } => {
                let link_id = LinkId(self.entropy().uuid());
                let base = json(base);
                let sync_id = context.sync_id;
                let new = NewLink {
                    workspace_id,
                    sync_id,
                    link_id,
                    contact_id,
                    customer_id,
                    matched_by,
                    base: &base,
                    at: now,
                };
                if !conn.insert_link(&new).await? {
                    // Linked meanwhile by other work: what it agreed on stays, and the next look compares anew.
                    tracing::info!(contact.id = %contact_id, customer.id = %customer_id, "one of the two is linked already");
                    return Ok(None);
                }
                if context.policy.deletes != DeletePolicy::default() {
                    self.wish_for_no_tag(conn, context, (contact_id, customer_id), now).await?;
                }
                if belongs_to_no_run && context.carries_engagements() {
                    self.carry_engagements_soon(conn, context, contact_id).await?;
                }
                Ok(Some(link_id))
            }
            LinkEffect::Settle { link_id, .. } if crate::planted!(ForgetBase) => Ok(Some(*link_id)),
            LinkEffect::Settle { link_id, base } => {
                conn.settle_link(workspace_id, *link_id, &json(base), now).await?;
                Ok(Some(*link_id))
            }
            LinkEffect::Move { link_id, moved } => {
                conn.move_base(workspace_id, *link_id, &json(moved)).await?;
                Ok(Some(*link_id))
            }
            LinkEffect::Unlink { link_id, reason, parted } => {
                let is_ended = conn.unlink(workspace_id, *link_id, reason, now).await?;
                if let Some((side, gone_id, partner_id)) = parted.as_ref().filter(|_| is_ended) {
                    let of = (*side, gone_id, partner_id.as_str());
                    self.wish_for_partner(conn, context, of, reason, now).await?;
                }
                Ok(Some(*link_id))
            }
        }
    }
}

/// Refreshes the copies, and says on them how the record stands.
async fn settle_copies(
    conn: &mut dyn Tables,
    context: &SyncContext,
    group: &[Ended],
    now: OffsetDateTime,
) -> Result<()> {
    let (workspace_id, sync_id) = (context.workspace_id, context.sync_id);
    for side in Side::BOTH {
        let records: Vec<&Record> =
            group.iter().flat_map(|ended| &ended.records).filter(|record| record.side == side).collect();
        if !records.is_empty() {
            let mark = ReadMark { workspace_id, sync_id, side, run_id: None, read_at: now };
            conn.upsert_records(mark, &batch_of(records)).await?;
        }
        let verdicts: Vec<_> = group
            .iter()
            .filter_map(|ended| {
                let id = match side {
                    Side::Highlevel => ended.contact_id.clone(),
                    Side::Chargify => ended.customer_id.clone(),
                }?;
                let (verdict, detail) = ended.verdict();
                Some((id, verdict, detail))
            })
            .collect();
        if !verdicts.is_empty() {
            conn.set_verdicts(workspace_id, sync_id, side, &verdicts).await?;
        }
    }
    Ok(())
}

/// Endings on their way to the store.
pub(crate) struct Settler {
    endings: mpsc::Receiver<Ended>,
    /// Cancelled when an outcome cannot be written down.
    end: CancellationToken,
}

/// Endings that may wait for the store before calls have to wait too.
const WAITING_MAX: usize = 64;
/// Endings committed together at most.
const GROUP_MAX: usize = 32;

impl Settler {
    /// A settler and the way to it.
    pub(crate) fn new(end: CancellationToken) -> (mpsc::Sender<Ended>, Self) {
        let (sender, endings) = mpsc::channel(WAITING_MAX);
        (sender, Self { endings, end })
    }

    /// Commits endings in groups until every sender is gone. A group that cannot be committed is tried again one by
    /// one, as often as the database is only away. What the database refuses is returned, and nothing more is sent.
    pub(crate) async fn run(mut self, engine: &Engine, belongs: Belongs<'_>) -> Vec<Unsettled> {
        let mut group = Vec::new();
        let mut unsettled = Vec::new();
        while self.endings.recv_many(&mut group, GROUP_MAX).await > 0 {
            if let Err(error) = engine.settle(belongs, &group).await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a group of outcomes was not committed; one by one"
                );
                for ended in &group {
                    let left = settle_at_last(engine, belongs, ended).await;
                    if left.is_some() {
                        self.end.cancel();
                    }
                    unsettled.extend(left);
                }
            }
            group.clear();
        }
        unsettled
    }
}

/// An outcome that the database refuses.
#[derive(Clone, Debug)]
pub(crate) struct Unsettled {
    record: String,
    error: String,
}

impl Unsettled {
    /// What is not known, and what to do.
    pub(crate) fn words(unsettled: &[Self]) -> String {
        let records: Vec<&str> = unsettled.iter().take(NAMED_MAX).map(|one| one.record.as_str()).collect();
        let more = unsettled.len().saturating_sub(NAMED_MAX);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let error = unsettled.first().map_or("", |one| one.error.as_str());
        format!(
            "What was sent about {}{more} could not be written down ({error}). Nothing more was sent. Compare these \
                records by hand; the next run looks each of them up before it writes.",
            records.join(", ")
        )
    }
}

/// So many records are named one by one.
const NAMED_MAX: usize = 5;

/// Tries until the database takes it, or refuses it. Then at least the item is settled, as one whose write is to be looked
/// up.
async fn settle_at_last(engine: &Engine, belongs: Belongs<'_>, ended: &Ended) -> Option<Unsettled> {
    let error = settle_stubbornly(engine, belongs, ended).await.err()?;
    tracing::error!(error = &error as &dyn std::error::Error, "an outcome was refused by the database");
    let error = match &error {
        EngineError::Database(error) => error.to_string(),
        other => other.to_string(),
    };
    let words = format!(
        "It was sent, but what came of it could not be written down ({error}). Compare both records by hand; the next \
            run looks it up before it writes."
    );
    let mut bare = Ended::as_outcome(Outcome::Failed, Some(words));
    bare.item_no = ended.item_no;
    bare.intents = ended.intents.iter().map(|intent| IntentResult { phase: "ambiguous", ..intent.clone() }).collect();
    if let Err(error) = settle_stubbornly(engine, belongs, &bare).await {
        tracing::error!(error = &error as &dyn std::error::Error, "nor that it is not known");
    }
    let record = match (&ended.contact_id, &ended.customer_id) {
        (Some(id), _) => format!("contact {id}"),
        (None, Some(id)) => format!("customer {id}"),
        (None, None) => "a record".to_owned(),
    };
    Some(Unsettled { record, error })
}

async fn settle_stubbornly(engine: &Engine, belongs: Belongs<'_>, ended: &Ended) -> Result<()> {
    loop {
        match engine.settle(belongs, std::slice::from_ref(ended)).await {
            Err(error) if error.is_passing() => {
                tracing::error!(error = &error as &dyn std::error::Error, "an outcome was not committed; trying again");
                engine.clock().sleep(Duration::from_millis(500)).await;
            }
            settled => return settled,
        }
    }
}
