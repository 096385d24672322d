//! The page of a record that was deleted: what was known of it, when it went, and what became of its partner.

use crate::{
    Engine, EngineError, Result, Viewer,
    store::{
        self,
        records::{RecordRow, TombstoneRow},
    },
    sync::{SyncContext, record_of},
};
use domain::{
    Side,
    deletes::GoneBy,
    limits,
    record::Record,
    view::{At, FieldView, FormerPartnerView, PairState, RecordView, TombstoneView},
};

impl Engine {
    /// What is kept of a record that is gone.
    pub(super) async fn gone_record(
        &self,
        viewer: &Viewer,
        context: &SyncContext,
        side: Side,
        row: &RecordRow,
    ) -> Result<RecordView> {
        let record = record_of(row)?;
        let mut conn = self.pool().acquire().await?;
        let (workspace_id, sync_id) = (context.workspace_id, context.sync_id);
        let kept = store::records::tombstone(&mut conn, workspace_id, sync_id, side, &row.remote_id).await?;
        drop(conn);
        let kept = kept.ok_or(EngineError::NotFound("record"))?;
        let id = Some(row.remote_id.clone());
        let read_at = Some(At::from(row.read_at));
        let (contact_id, customer_id) = if side == Side::Highlevel { (id, None) } else { (None, id) };
        let (highlevel_read_at, chargify_read_at) =
            if side == Side::Highlevel { (read_at, None) } else { (None, read_at) };
        Ok(RecordView {
            sync: context.row.name.clone(),
            name: record.display_name(),
            email: record.email(),
            contact_id,
            customer_id,
            matched_by: None,
            linked_at: None,
            state: PairState::Gone,
            question: format!("What became of this {}?", side.noun()),
            answer: String::new(),
            trace: Vec::new(),
            fields: last_values(context, &record),
            history: self.history(viewer, &[&row.remote_id]).await?,
            highlevel_read_at,
            chargify_read_at,
            would: Vec::new(),
            asked: None,
            billing: None,
            gone: Some(tombstone(side, kept)),
        })
    }
}

fn tombstone(side: Side, row: TombstoneRow) -> TombstoneView {
    let how = row.gone_by.as_deref().and_then(GoneBy::named).unwrap_or(GoneBy::Asked);
    TombstoneView {
        side,
        at: row.gone_at.into(),
        how: how.words().to_owned(),
        kept_until: (row.gone_at + limits::TOMBSTONE_KEPT).into(),
        partner: partner(side.other(), row),
    }
}

fn partner(side: Side, row: TombstoneRow) -> Option<FormerPartnerView> {
    let id = row.partner_id?;
    let (noun, gone_noun) = (side.noun(), side.other().noun());
    let said = |words: Option<String>| words.map(|words| super::trace::sentence(&words)).unwrap_or_default();
    let what = match (row.link_state.as_deref(), row.partner_gone_at, row.partner_of) {
        (Some("parked"), ..) => said(row.link_reason),
        (Some("active"), ..) => format!("The pair ends with the next run, and the {noun} then waits for a decision."),
        (_, Some(_), _) => format!("The {noun} was deleted as well."),
        (_, _, Some(other)) => format!("The {noun} belongs to {gone_noun} {other} now."),
        _ if row.partner_verdict.is_none() => format!("Nothing is kept of the {noun} any more."),
        _ => match row.partner_verdict.as_deref() {
            Some("waiting") => format!("The {noun} waits for a decision. {}", said(row.partner_detail)),
            _ => format!("The {noun} is there. {}", said(row.partner_detail)),
        },
    };
    let is_known = row.partner_verdict.is_some();
    Some(FormerPartnerView {
        side,
        id,
        name: row.partner_name.unwrap_or_default(),
        what: what.trim().to_owned(),
        is_known,
    })
}

/// Every mapped field with the value it had last.
fn last_values(context: &SyncContext, record: &Record) -> Vec<FieldView> {
    let policy = &context.policy;
    let rules = policy.mapping.rules.iter();
    rules
        .map(|rule| {
            let value = record.values.get(rule.field(record.side)).map(domain::value::Value::display);
            let (highlevel, chargify) = if record.side == Side::Highlevel { (value, None) } else { (None, value) };
            FieldView {
                label: policy.catalogue.label(Side::Chargify, &rule.chargify).to_owned(),
                highlevel_field: rule.highlevel.to_string(),
                chargify_field: rule.chargify.to_string(),
                highlevel,
                base: None,
                chargify,
                verdict: "gone".to_owned(),
                detail: String::new(),
            }
        })
        .collect()
}
