//! Writes of this process that are on their way: nobody else here may look them up and call them not done.

use crate::Engine;
use domain::{IntentId, WorkspaceId};
use std::sync::PoisonError;

/// The write is under way as long as this lives. One whose sender goes away before it knows how the write ended (its job
/// was lost, or cancelled) is left for whoever comes next to look up.
pub(crate) struct UnderWay {
    engine: Engine,
    workspace_id: WorkspaceId,
    intent_id: IntentId,
    is_known: bool,
}

impl UnderWay {
    /// Its sender knows how it ended.
    pub(crate) fn end(mut self) {
        self.is_known = true;
    }
}

impl Engine {
    /// Notes that a write is about to leave.
    pub(crate) fn under_way(&self, workspace_id: WorkspaceId, intent_id: IntentId) -> UnderWay {
        self.shared().under_way.lock().unwrap_or_else(PoisonError::into_inner).insert(intent_id);
        UnderWay { engine: self.clone(), workspace_id, intent_id, is_known: false }
    }

    /// Whether this process is still at the write.
    pub(crate) fn is_under_way(&self, intent_id: IntentId) -> bool {
        self.shared().under_way.lock().unwrap_or_else(PoisonError::into_inner).contains(&intent_id)
    }

    async fn leave_unknown(&self, workspace_id: WorkspaceId, intent_id: IntentId) -> crate::Result<()> {
        let mut conn = self.store().session().await?;
        conn.leave_intents_unknown(workspace_id, &[intent_id.0], self.clock().now()).await?;
        Ok(())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.engine.shared().under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.intent_id);
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if self.is_known {
            return;
        }
        let (engine, workspace_id, intent_id) = (self.engine.clone(), self.workspace_id, self.intent_id);
        runtime.spawn(async move {
            // Should this fail too, the write is found by whoever buries this node.
            if let Err(error) = engine.leave_unknown(workspace_id, intent_id).await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a write whose answer is missing is not marked"
                );
            }
        });
    }
}
