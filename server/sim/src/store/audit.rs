//! The audit trail in memory.

use super::{
    data::{Data, kept},
    records::first,
    session::Session,
};
use async_trait::async_trait;
use domain::WorkspaceId;
use engine::{
    Result,
    store::{
        AuditTrail,
        audit::{AuditLineRow, Columns, GENESIS},
    },
};
use uuid::Uuid;

impl Data {
    /// A workspace's trail, oldest first.
    pub(super) fn lines_of(&self, workspace_id: Uuid) -> impl Iterator<Item = &AuditLineRow> {
        self.audit_lines.range((workspace_id, i64::MIN)..=(workspace_id, i64::MAX)).map(|(_, line)| line)
    }
}

/// One row of the columns. `None`: they are not of one length.
fn line(columns: &Columns, place: usize) -> Option<AuditLineRow> {
    Some(AuditLineRow {
        line_no: *columns.line_no.get(place)?,
        at: kept(*columns.at.get(place)?),
        actor: columns.actor.get(place)?.clone(),
        actor_name: columns.actor_name.get(place)?.clone(),
        action: columns.action.get(place)?.clone(),
        subject: columns.subject.get(place)?.clone(),
        subject_name: columns.subject_name.get(place)?.clone(),
        outcome: columns.outcome.get(place)?.clone(),
        detail: columns.detail.get(place)?.clone(),
        run_id: *columns.run_id.get(place)?,
        contact_id: columns.contact_id.get(place)?.clone(),
        customer_id: columns.customer_id.get(place)?.clone(),
        previous_hash: columns.previous_hash.get(place)?.clone(),
        hash: columns.hash.get(place)?.clone(),
        run_number: None,
    })
}

#[async_trait]
impl AuditTrail for Session {
    async fn lock_audit_head(&mut self, workspace_id: WorkspaceId) -> Result<(i64, Vec<u8>)> {
        self.act("lock_audit_head", |work| {
            if let Some(head) = work.data.audit_heads.get(&workspace_id.0) {
                return Ok(head.clone());
            }
            let head = (0, GENESIS.to_vec());
            work.data.audit_heads.insert(workspace_id.0, head.clone());
            Ok(head)
        })
        .await
    }

    async fn insert_audit_lines(&mut self, workspace_id: WorkspaceId, columns: &Columns) -> Result<()> {
        self.act("insert_audit_lines", |work| {
            for line in (0..columns.line_no.len()).filter_map(|place| line(columns, place)) {
                work.data.audit_heads.insert(workspace_id.0, (line.line_no, line.hash.clone()));
                work.data.audit_lines.insert((workspace_id.0, line.line_no), line);
            }
            Ok(())
        })
        .await
    }

    async fn audit_head(&mut self, workspace_id: WorkspaceId) -> Result<Option<(i64, Vec<u8>)>> {
        self.act("audit_head", |work| Ok(work.data.audit_heads.get(&workspace_id.0).cloned())).await
    }

    async fn audit_lines_after(
        &mut self,
        workspace_id: WorkspaceId,
        after: i64,
        limit: i64,
    ) -> Result<Vec<AuditLineRow>> {
        self.act("audit_lines_after", |work| {
            let number = |run_id: Option<Uuid>| {
                run_id.and_then(|run_id| work.data.runs.get(&(workspace_id.0, run_id))).map(|run| run.row.number)
            };
            let lines = work.data.lines_of(workspace_id.0).filter(|line| line.line_no > after);
            Ok(first(lines.map(|line| AuditLineRow { run_number: number(line.run_id), ..line.clone() }), limit))
        })
        .await
    }

    async fn freeze(&mut self) -> Result<()> {
        // Units of work take turns: nothing changes meanwhile anyway.
        self.act("freeze", |_| Ok(())).await
    }
}
