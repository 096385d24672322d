//! What a person is asked about a record, with all that is needed to answer.

use crate::{
    Engine, Result,
    runs::change_view,
    store::{Tables, records::RecordRow},
    sync::{Circumstances, Planned, SyncContext},
};
use domain::{
    RemoteId, Side,
    decision::{Decision, Partner, may_be_new},
    matching::{Ambiguity, Match},
    plan::{Action, FieldConflict, PlanItem, ReasonCode},
    record::Record,
    value::Value,
    view::{At, CandidateView, ConflictView, QuestionKind, QuestionView},
};

/// Candidates shown at most; with more, none of them is the obvious one.
const CANDIDATES: usize = 10;

impl Engine {
    /// The question that keeps the record waiting, or the answer that leaves it out; `None` where nothing is asked.
    pub(super) async fn question(
        &self,
        conn: &mut dyn Tables,
        context: &SyncContext,
        planned: &Planned,
    ) -> Result<Option<QuestionView>> {
        let Some(kind) = kind_of(&planned.item) else { return Ok(None) };
        let mut question = QuestionView {
            kind,
            fields: planned.item.conflicts.iter().map(|conflict| conflict_view(context, conflict)).collect(),
            candidates: Vec::new(),
            may_create: kind == QuestionKind::Held,
            may_leave_out: matches!(kind, QuestionKind::Held | QuestionKind::Ambiguous | QuestionKind::Merged),
            answered: None,
            former: None,
            heirs: Vec::new(),
        };
        if let (QuestionKind::Ambiguous | QuestionKind::Merged, Some(matched)) = (kind, &planned.matched) {
            question.may_create = may_be_new(matched);
            question.candidates = self.candidates(conn, context, planned, candidates_of(matched)).await?;
        }
        if let Some(Match::Ambiguous { why: Ambiguity::Left(former), .. }) = &planned.matched {
            question.former = Some(super::heirs::former(conn, context, former).await?);
        }
        if let (QuestionKind::Held, None, Some(customer_id)) = (kind, planned.contact_id(), planned.customer_id()) {
            question.heirs = super::heirs::heirs(conn, context, customer_id).await?;
        }
        if kind == QuestionKind::LeftOut {
            question.answered = answered(conn, context, planned).await?;
        }
        Ok(Some(question))
    }

    async fn candidates(
        &self,
        conn: &mut dyn Tables,
        context: &SyncContext,
        planned: &Planned,
        ids: &[RemoteId],
    ) -> Result<Vec<CandidateView>> {
        let (workspace_id, sync_id) = (context.workspace_id, context.sync_id);
        let ids: Vec<String> = ids.iter().take(CANDIDATES).map(|id| id.0.clone()).collect();
        let contacts: Vec<String> = planned.contact_id().map(str::to_owned).into_iter().collect();
        let contact = conn.records_by_ids(workspace_id, sync_id, Side::Highlevel, &contacts).await?;
        let links = conn.links_of_records(workspace_id, sync_id, &[], &ids).await?;
        let mut views = Vec::with_capacity(ids.len());
        for row in conn.records_by_ids(workspace_id, sync_id, Side::Chargify, &ids).await? {
            let decision =
                Decision { partner: Some(Partner::Customer(row.remote_id.as_str().into())), ..Decision::default() };
            let how = Circumstances::default();
            let chosen = self.plan_contacts_supposing(conn, context, &contact, how, Some(&decision)).await?.pop();
            let owner = links.iter().find(|link| link.customer_id == row.remote_id);
            views.push(candidate_view(context, &row, chosen, owner.map(|link| link.contact_id.clone()))?);
        }
        Ok(views)
    }
}

/// What is asked by a plan.
pub(super) fn kind_of(item: &PlanItem) -> Option<QuestionKind> {
    match (item.action, item.reason.code) {
        (Action::Conflict, _) => Some(QuestionKind::Conflict),
        (Action::Ambiguous, ReasonCode::PartnerLeft) => Some(QuestionKind::Merged),
        (Action::Ambiguous, _) => Some(QuestionKind::Ambiguous),
        (Action::Hold, _) => Some(QuestionKind::Held),
        (Action::Exclude, ReasonCode::LeftOutByPerson) => Some(QuestionKind::LeftOut),
        _ => None,
    }
}

/// The customers that matching could not tell apart, or was not sure of.
pub(super) fn candidates_of(matched: &Match) -> &[RemoteId] {
    match matched {
        Match::Ambiguous { candidates, .. } => candidates,
        Match::CaseOnlyReference(id) => std::slice::from_ref(id),
        _ => &[],
    }
}

async fn answered(conn: &mut dyn Tables, context: &SyncContext, planned: &Planned) -> Result<Option<(String, At)>> {
    let (side, id) = match (planned.contact_id(), planned.customer_id()) {
        (Some(id), _) => (Side::Highlevel, id),
        (None, Some(id)) => (Side::Chargify, id),
        (None, None) => return Ok(None),
    };
    let ids = [id.to_owned()];
    let rows = conn.decisions_of_records(context.workspace_id, context.sync_id, side, &ids).await?;
    Ok(rows.into_iter().next().map(|row| (row.decided_by, row.decided_at.into())))
}

fn conflict_view(context: &SyncContext, conflict: &FieldConflict) -> ConflictView {
    let rule = context.policy.mapping.rule(&conflict.rule);
    let (highlevel_field, chargify_field) =
        rule.map(|rule| (rule.highlevel.to_string(), rule.chargify.to_string())).unwrap_or_default();
    ConflictView {
        rule: conflict.rule.0.clone(),
        label: label(context, conflict),
        highlevel_field,
        chargify_field,
        base: conflict.base.as_ref().map(|pair| pair.highlevel.display()),
        highlevel: conflict.highlevel.display(),
        chargify: conflict.chargify.display(),
    }
}

/// What people call the field.
pub(super) fn label(context: &SyncContext, conflict: &FieldConflict) -> String {
    let rule = context.policy.mapping.rule(&conflict.rule);
    let label = rule.map(|rule| context.policy.catalogue.label(Side::Chargify, &rule.chargify).to_owned());
    label.unwrap_or_else(|| conflict.rule.0.clone())
}

fn candidate_view(
    context: &SyncContext,
    row: &RecordRow,
    chosen: Option<Planned>,
    belongs_to: Option<String>,
) -> Result<CandidateView> {
    let record: Record = crate::sync::record_of(row)?;
    let text = |key: &str| record.get(key).map(Value::display).filter(|text| !text.is_empty());
    let item = chosen.map(|chosen| chosen.item).filter(|_| belongs_to.is_none());
    Ok(CandidateView {
        customer_id: row.remote_id.clone(),
        name: record.display_name(),
        email: record.email(),
        phone: text("phone"),
        organization: text("organization"),
        reference: text("reference"),
        updated_at: row.updated_at.map(At::from),
        would: item.iter().flat_map(|item| &item.changes).map(change_view).collect(),
        asks: item.iter().flat_map(|item| &item.conflicts).map(|conflict| label(context, conflict)).collect(),
        belongs_to,
    })
}
