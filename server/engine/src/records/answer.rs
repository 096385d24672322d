//! A person's answer about one record: shown with what it would write, kept, and carried out at once.

use super::{
    question::{candidates_of, kind_of, label},
    resync::seal,
};
use crate::{
    Engine, EngineError, Result, Runner,
    audit::{self, AuditAction, NewAuditLine},
    runs::{Approval, NewRunOf},
    store::{self, Tables, decisions::NewDecision},
    sync::{Decided, LONE_CUSTOMER, Planned, SyncContext},
};
use domain::{
    RunId, Side,
    decision::{Decision, FieldChoice, Partner, may_be_new},
    plan::Action,
    view::{AnswerDraft, QuestionKind, ResyncView},
};

/// Which record is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordAt {
    /// Name of the sync.
    pub sync: String,
    pub side: Side,
    /// The record's id on that side.
    pub id: String,
}

/// What would come of an answer.
struct Supposed {
    planned: Planned,
    decision: Decision,
    /// For the trail: the answer without any value of the record.
    words: String,
}

impl Engine {
    /// Reads both sides now and says what would be written if that were the answer; without a question (any more), what
    /// a resync would write. Nothing is written or kept.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::Upstream`] when a service cannot be read.
    pub async fn plan_answer(&self, by: &Runner, at: &RecordAt, draft: &AnswerDraft) -> Result<ResyncView> {
        let context = self.context_of(by, at).await?;
        let mut conn = self.read_anew(by, &context, at, customer_asked_for(draft)).await?;
        match self.suppose(&mut *conn, &context, at, draft).await {
            Ok(supposed) => self.resync_view(&mut *conn, &context, &supposed.planned, Some(&supposed.decision)).await,
            Err(EngineError::AlreadyDone) => {
                let (planned, _) = self.plan_one(&mut *conn, &context, (at.side, &at.id), None).await?;
                self.resync_view(&mut *conn, &context, &planned, None).await
            }
            Err(error) => Err(error),
        }
    }

    /// Keeps an answer whose effect a person has seen, and queues the run that carries it out; the run's number, or
    /// `None` where nothing is to be written. Decision, audit line and run commit together.
    ///
    /// # Errors
    /// [`EngineError::AlreadyDone`] when what it would write, read anew, is no longer what was shown, or nothing is asked
    /// any more; [`EngineError::Invalid`] while a question is open or when nothing could be written;
    /// [`EngineError::NotFound`]; [`EngineError::Upstream`] when a service cannot be read.
    pub async fn answer(&self, by: &Runner, at: &RecordAt, draft: &AnswerDraft, shown: &str) -> Result<Option<u64>> {
        let context = self.context_of(by, at).await?;
        let mut conn = self.read_anew(by, &context, at, customer_asked_for(draft)).await?;
        let supposed = self.suppose(&mut *conn, &context, at, draft).await?;
        drop(conn);
        if seal(&supposed.planned, Some(&supposed.decision)) != shown {
            return Err(EngineError::AlreadyDone);
        }
        let Supposed { planned, decision, words } = supposed;
        let for_good = decision.partner == Some(Partner::Nobody);
        match planned.item.action {
            Action::Conflict | Action::Ambiguous | Action::Hold => {
                return Err(EngineError::invalid("answer every question about the record first"));
            }
            Action::Fail | Action::Exclude if !for_good => {
                return Err(EngineError::invalid(planned.item.reason.words.clone()));
            }
            _ => {}
        }
        let (side, id) = subject(&planned)?;
        let chosen = [if side == Side::Highlevel { id.to_owned() } else { format!("{LONE_CUSTOMER}{id}") }];
        let mut tx = self.store().begin().await?;
        self.keep_decision(&mut *tx, &context, by, ((side, id), &decision)).await?;
        let run = NewRunOf { context: &context, mode: "resync", chosen: Some(&chosen), approval: Approval::Granted };
        let queued = if for_good {
            let verdict = [(id.to_owned(), "left_out", planned.item.reason.words.clone())];
            tx.set_verdicts(context.workspace_id, context.sync_id, side, &verdict).await?;
            None
        } else {
            Some(self.queue_run_in(&mut *tx, by.actor(), &run).await?)
        };
        let line = self.decision_line(by, AuditAction::RecordDecided, &context, &planned).with("reason", words);
        audit::append(&mut *tx, context.workspace_id, in_run(line, queued.map(|(_, run_id)| run_id))).await?;
        tx.commit().await?;
        Ok(queued.map(|(number, _)| number))
    }

    /// Lets a record that a person left out take part again. Nothing is written: the rules, or a person, decide anew.
    ///
    /// # Errors
    /// [`EngineError::AlreadyDone`] when it is not left out by a person (any more); [`EngineError::NotFound`].
    pub async fn take_part_again(&self, by: &Runner, at: &RecordAt) -> Result<()> {
        let context = self.context_of(by, at).await?;
        let (workspace_id, sync_id) = (context.workspace_id, context.sync_id);
        let mut tx = self.pool().begin().await?;
        let (planned, _) = self.plan_one(&mut tx, &context, (at.side, &at.id), None).await?;
        let (side, id) = subject(&planned)?;
        let left_out = kind_of(&planned.item) == Some(QuestionKind::LeftOut);
        if !left_out || !store::decisions::delete(&mut tx, workspace_id, sync_id, side, id).await? {
            return Err(EngineError::AlreadyDone);
        }
        let (anew, _) = self.plan_one(&mut tx, &context, (at.side, &at.id), None).await?;
        let verdict = if kind_of(&anew.item).is_some() { "waiting" } else { "unpaired" };
        let verdict = [(id.to_owned(), verdict, anew.item.reason.words.clone())];
        store::records::set_verdicts(&mut tx, workspace_id, sync_id, side, &verdict).await?;
        let line = self.decision_line(by, AuditAction::DecisionTakenBack, &context, &planned);
        audit::append(&mut tx, workspace_id, line).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Plans the record as if the draft were decided.
    async fn suppose(
        &self,
        conn: &mut dyn Tables,
        context: &SyncContext,
        at: &RecordAt,
        draft: &AnswerDraft,
    ) -> Result<Supposed> {
        let place = (at.side, at.id.as_str());
        let (asked, link) = self.plan_one(conn, context, place, None).await?;
        let kind = kind_of(&asked.item).filter(|kind| *kind != QuestionKind::LeftOut);
        let kind = kind.ok_or(EngineError::AlreadyDone)?;
        let (side, id) = subject(&asked)?;
        let ids = [id.to_owned()];
        let decided = Decided::of(conn, context, (side, &ids), None).await?;
        let mut decision = decided.in_force(id, link.as_ref()).cloned().unwrap_or_default();
        let mut words = Vec::new();
        if !draft.partner.is_empty() {
            let partner = partner(&draft.partner, kind, &asked)?;
            words.push(partner_words(&partner, side));
            decision.partner = Some(partner);
        }
        let (mut planned, _) = self.plan_one(conn, context, place, Some(&decision)).await?;
        for conflict in std::mem::take(&mut planned.item.conflicts) {
            let Some(answer) = draft.fields.iter().find(|answer| answer.rule == conflict.rule.0) else { continue };
            words.push(format!("{}: {} is kept", label(context, &conflict), answer.keep.label()));
            let choice = FieldChoice { keep: answer.keep, highlevel: conflict.highlevel, chargify: conflict.chargify };
            decision.fields.insert(conflict.rule, choice);
        }
        let (planned, _) = self.plan_one(conn, context, place, Some(&decision)).await?;
        Ok(Supposed { planned, decision, words: words.join("; ") })
    }

    async fn keep_decision(
        &self,
        conn: &mut dyn Tables,
        context: &SyncContext,
        by: &Runner,
        ((side, remote_id), decision): ((Side, &str), &Decision),
    ) -> Result<()> {
        let answers =
            serde_json::to_value(decision).map_err(|_unstorable| EngineError::Bug("a decision cannot be stored"))?;
        let new = NewDecision {
            workspace_id: context.workspace_id,
            sync_id: context.sync_id,
            side,
            remote_id,
            answers: &answers,
            decided_by: by.actor().name(),
            decided_at: self.clock().now(),
        };
        conn.save_decision(&new).await
    }

    fn decision_line(
        &self,
        by: &Runner,
        action: AuditAction,
        context: &SyncContext,
        planned: &Planned,
    ) -> NewAuditLine {
        let subject = match (planned.contact_id(), planned.customer_id()) {
            (Some(id), _) => format!("contact:{id}"),
            (None, id) => format!("customer:{}", id.unwrap_or_default()),
        };
        NewAuditLine::by(by.actor(), action, self.clock().now())
            .about(subject, planned.display_name())
            .with("sync", context.row.name.clone())
            .on_records(planned.contact_id(), planned.customer_id())
    }
}

fn in_run(line: NewAuditLine, run_id: Option<RunId>) -> NewAuditLine {
    match run_id {
        Some(run_id) => line.in_run(run_id),
        None => line,
    }
}

/// The record a decision is kept under: the contact, or a customer that has none.
fn subject(planned: &Planned) -> Result<(Side, &str)> {
    match (planned.contact_id(), planned.customer_id()) {
        (Some(id), _) => Ok((Side::Highlevel, id)),
        (None, Some(id)) => Ok((Side::Chargify, id)),
        (None, None) => Err(EngineError::NotFound("record")),
    }
}

const CUSTOMER: &str = "customer:";

fn customer_asked_for(draft: &AnswerDraft) -> Option<&str> {
    draft.partner.strip_prefix(CUSTOMER)
}

/// The partner a draft names, where the question allows it.
fn partner(text: &str, kind: QuestionKind, asked: &Planned) -> Result<Partner> {
    let candidates = asked.matched.as_ref().map(candidates_of).unwrap_or_default();
    let in_question = matches!(kind, QuestionKind::Ambiguous | QuestionKind::Merged | QuestionKind::Held);
    let partner = match text {
        "new" if asked.matched.as_ref().is_none_or(may_be_new) => Partner::New { instead_of: candidates.to_vec() },
        "nobody" => Partner::Nobody,
        _ => {
            let named = text.strip_prefix(CUSTOMER);
            let candidate = named.and_then(|named| candidates.iter().find(|id| id.as_str() == named));
            Partner::Customer(candidate.cloned().ok_or(EngineError::AlreadyDone)?)
        }
    };
    if in_question { Ok(partner) } else { Err(EngineError::AlreadyDone) }
}

fn partner_words(partner: &Partner, side: Side) -> String {
    match partner {
        Partner::Customer(id) => format!("it is customer {id}"),
        Partner::New { .. } => format!("a new {} is created", side.other().noun()),
        Partner::Nobody => "it is left out for good".to_owned(),
    }
}
