//! A record that was gone and is there again: restored at the service, under its old id.

use super::SyncContext;
use crate::{
    Engine, Result,
    audit::{self, AuditAction, NewAuditLine},
    store::records::ReadMark,
};
use domain::{Side, record::Record};

impl Engine {
    /// Takes note that the record itself was read at that instant. If it was known to be gone, it no longer is, and the
    /// pair that ended with it is in force again with what both sides agreed on: values are compared anew.
    pub(crate) async fn note_presence(&self, context: &SyncContext, mark: ReadMark, record: &Record) -> Result<()> {
        let Some(id) = &record.id else { return Ok(()) };
        let (workspace_id, sync_id) = (context.workspace_id, context.sync_id);
        let ids = [id.0.clone()];
        let mut conn = self.store().session().await?;
        let copies = conn.records_by_ids(workspace_id, sync_id, mark.side, &ids).await?;
        drop(conn);
        if copies.iter().all(|copy| copy.gone_at.is_none()) {
            return Ok(());
        }
        let mut tx = self.store().begin().await?;
        if !tx.revive_record(mark, id.as_str()).await? {
            return Ok(());
        }
        let now = self.clock().now();
        let (contact_id, customer_id) = match mark.side {
            Side::Highlevel => (Some(id.as_str()), None),
            Side::Chargify => (None, Some(id.as_str())),
        };
        let relinked = tx.relink(workspace_id, sync_id, (contact_id, customer_id), now).await?;
        self.withdraw_wishes(&mut *tx, context, (mark.side, id.as_str()), now).await?;
        if let Some(pair) = &relinked {
            self.wish_for_no_tag(&mut *tx, context, (&pair.contact_id, &pair.customer_id), now).await?;
        }
        let mut line =
            NewAuditLine::of(("system".to_owned(), "Concord itself".to_owned()), AuditAction::RecordRestored, now)
                .about(format!("{}:{id}", mark.side.noun()), record.display_name())
                .with("side", mark.side.as_str())
                .with("sync", context.row.name.clone());
        line = match &relinked {
            Some(pair) => line
                .with("reason", "it is paired as before, and both sides are compared anew")
                .on_records(Some(&pair.contact_id), Some(&pair.customer_id)),
            None => line.on_records(contact_id, customer_id),
        };
        audit::append(&mut *tx, workspace_id, line).await?;
        tx.commit().await?;
        tracing::info!(record.side = %mark.side, record.id = %id, "a record that was gone is there again");
        Ok(())
    }
}
