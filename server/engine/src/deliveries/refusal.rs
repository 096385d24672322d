//! Why an arrival is not taken, and the one trace it may leave.

use crate::{
    Engine, Result,
    audit::{AuditAction, AuditOutcome, NewAuditLine, append},
    store::deliveries::RecipientRow,
};
use domain::WorkspaceId;
use time::Duration;

/// At most one audit line in this time per connection and reason: whoever knows the address must not be able to fill
/// the trail.
const LINE_EVERY: Duration = Duration::minutes(1);

/// Why an arrival was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no signature, or none that could be one.
    Unsigned,
    /// The signature does not belong to these bytes and this key.
    WronglySigned,
    /// The connection holds no key to check signatures with.
    NoKey,
    /// It is genuine, but about another location or site.
    OtherAccount,
    /// It is genuine, but about another app of the Marketplace.
    OtherApp,
    /// A workflow sent it, and the connection takes none of those.
    WorkflowsOff,
    /// A workflow sent it, with another secret.
    WrongSecret,
}

impl Refusal {
    /// What happened, for the audit trail.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Unsigned => "it carries no usable signature",
            Self::WronglySigned => "its signature does not match; if the key was changed, set the new one",
            Self::NoKey => "the connection has no webhook key yet",
            Self::OtherAccount => "it is about another account than the connection's",
            Self::OtherApp => "it is about another app than the connection's",
            Self::WorkflowsOff => "it comes from a workflow, and the connection has no secret for those",
            Self::WrongSecret => "it comes from a workflow, and its secret is not the connection's",
        }
    }
}

impl Engine {
    pub(super) async fn note_refused_delivery(&self, recipient: &RecipientRow, refusal: Refusal) -> Result<()> {
        tracing::warn!(
            connection.id = %recipient.public_id,
            reason = refusal.words(),
            "webhook refused"
        );
        let workspace_id = WorkspaceId(recipient.workspace_id);
        let subject = format!("connection:{}", recipient.connection_id);
        let now = self.clock().now();
        let since = now - LINE_EVERY;
        let mut conn = self.store().session().await?;
        if conn.refused_since(workspace_id, &subject, refusal.words(), since).await? {
            return Ok(());
        }
        drop(conn);
        let mut tx = self.store().begin().await?;
        // Under the trail's lock nobody can have written the same line in between.
        tx.lock_audit_head(workspace_id).await?;
        if !tx.refused_since(workspace_id, &subject, refusal.words(), since).await? {
            let actor = (format!("webhook:{}", recipient.public_id), "webhook".to_owned());
            let line = NewAuditLine::of(actor, AuditAction::DeliveryRefused, now)
                .about(subject, recipient.name.clone())
                .ended(AuditOutcome::Refused)
                .with("reason", refusal.words());
            append(&mut *tx, workspace_id, line).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}
