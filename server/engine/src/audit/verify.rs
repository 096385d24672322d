//! Reading the whole trail again: is every line still what it was, in its place, and is the last one still there?

use super::chain::{self, Chained, GENESIS};
use crate::{Engine, Result, store::audit::AuditLineRow};
use domain::{WorkspaceId, limits};

/// What reading the whole trail found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditVerdict {
    /// Lines found sound, from the first on.
    pub lines: u64,
    /// The hash of the last sound line in hex: written down elsewhere, it proves later that nothing before it changed.
    pub hash: String,
    pub first_bad: Option<AuditFault>,
}

/// The first place where the trail is not what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditFault {
    pub line_no: u64,
    pub fault: Fault,
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Its content no longer gives its hash.
    Changed,
    /// Its number is not there.
    Missing,
    /// It does not follow the line before it.
    Misplaced,
    /// It ends the trail, but later lines were written.
    Truncated,
    /// It stands behind the trail's recorded end.
    Surplus,
}

impl std::fmt::Display for AuditFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let line_no = self.line_no;
        match self.fault {
            Fault::Changed => write!(f, "line {line_no} was changed after it was written"),
            Fault::Missing => write!(f, "line {line_no} is missing"),
            Fault::Misplaced => write!(f, "line {line_no} does not follow the line before it"),
            Fault::Truncated => write!(f, "lines after {line_no} were written and are missing"),
            Fault::Surplus => write!(f, "line {line_no} stands behind the recorded end of the trail"),
        }
    }
}

/// How far the trail is proved sound.
struct Proven {
    line_no: i64,
    hash: Vec<u8>,
}

impl Engine {
    /// Reads a workspace's whole trail as it is at this moment and proves it, or finds the first bad line.
    ///
    /// # Errors
    /// Database errors.
    pub async fn verify_audit(&self, workspace_id: WorkspaceId) -> Result<AuditVerdict> {
        let mut tx = self.store().begin().await?;
        // Lines appended meanwhile are not seen, so that head and lines belong together.
        tx.freeze().await?;
        let head = tx.audit_head(workspace_id).await?.unwrap_or((0, GENESIS.to_vec()));
        let mut proven = Proven { line_no: 0, hash: GENESIS.to_vec() };
        let mut first_bad = None;
        while first_bad.is_none() {
            let rows = tx.audit_lines_after(workspace_id, proven.line_no, limits::AUDIT_VERIFY_LINES).await?;
            if rows.is_empty() {
                break;
            }
            first_bad = rows.iter().find_map(|row| proven.extend(workspace_id, row, head.0).err());
        }
        tx.commit().await?;
        Ok(AuditVerdict {
            lines: u64::try_from(proven.line_no).unwrap_or_default(),
            first_bad: first_bad.or_else(|| proven.check_end(&head)),
            hash: hex::encode(&proven.hash),
        })
    }
}

impl Proven {
    fn extend(&mut self, workspace_id: WorkspaceId, row: &AuditLineRow, last_no: i64) -> Result<(), AuditFault> {
        let expected_no = self.line_no + 1;
        if row.line_no != expected_no {
            return Err(fault(expected_no, Fault::Missing));
        }
        if row.line_no > last_no {
            return Err(fault(row.line_no, Fault::Surplus));
        }
        if chain::hash(&row.previous_hash, &chained(workspace_id, row)).as_slice() != row.hash {
            return Err(fault(row.line_no, Fault::Changed));
        }
        if row.previous_hash != self.hash {
            return Err(fault(row.line_no, Fault::Misplaced));
        }
        self.line_no = row.line_no;
        self.hash.clone_from(&row.hash);
        Ok(())
    }

    fn check_end(&self, (last_no, last_hash): &(i64, Vec<u8>)) -> Option<AuditFault> {
        if self.line_no < *last_no {
            Some(fault(self.line_no, Fault::Truncated))
        } else if self.hash != *last_hash {
            Some(fault(self.line_no, Fault::Changed))
        } else {
            None
        }
    }
}

fn fault(line_no: i64, fault: Fault) -> AuditFault {
    AuditFault { line_no: u64::try_from(line_no).unwrap_or_default(), fault }
}

fn chained(workspace_id: WorkspaceId, row: &AuditLineRow) -> Chained<'_> {
    Chained {
        workspace_id: workspace_id.0,
        line_no: row.line_no,
        at: row.at,
        texts: [&row.actor, &row.actor_name, &row.action, &row.subject, &row.subject_name, &row.outcome],
        detail: &row.detail,
        run_id: row.run_id,
        contact_id: row.contact_id.as_deref(),
        customer_id: row.customer_id.as_deref(),
    }
}
