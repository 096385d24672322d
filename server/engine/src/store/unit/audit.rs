//! The audit trail, as those who write and prove it see it.

use crate::store::audit::{self, AuditLineRow, Columns, Wanted};
use domain::WorkspaceId;
use sqlx::PgConnection;

tables! {
    /// The audit trail: append-only, one chain per workspace.
    trait AuditTrail {
        /// Number and hash of the last line, locked until the unit of work ends; before the first line, 0 and the
        /// genesis.
        fn lock_audit_head(workspace_id: WorkspaceId) -> (i64, Vec<u8>) = audit::lock_head;

        /// Inserts the lines and moves the head to the last. The caller holds the head's lock.
        fn insert_audit_lines(workspace_id: WorkspaceId, columns: &Columns) -> () = audit::insert;

        /// Number and hash of the last line, if there ever was one.
        fn audit_head(workspace_id: WorkspaceId) -> Option<(i64, Vec<u8>)> = audit::head;

        /// Lines after the line of that number, oldest first.
        fn audit_lines_after(workspace_id: WorkspaceId, after: i64, limit: i64) -> Vec<AuditLineRow> = lines_after;

        /// Makes the unit of work see one state throughout, and only read. Its first operation.
        fn freeze() -> () = audit::freeze;
    }
}

async fn lines_after(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    after: i64,
    limit: i64,
) -> sqlx::Result<Vec<AuditLineRow>> {
    audit::page_onwards(conn, workspace_id, Wanted::default(), after, limit).await
}
