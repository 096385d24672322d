//! Writes of this process that are on their way: nobody else here may look them up and call them not done.

use crate::Engine;
use domain::IntentId;
use std::sync::PoisonError;

/// The write is under way as long as this lives.
pub(crate) struct UnderWay {
    engine: Engine,
    intent_id: IntentId,
}

impl Engine {
    /// Notes that a write is about to leave.
    pub(crate) fn under_way(&self, intent_id: IntentId) -> UnderWay {
        self.shared().under_way.lock().unwrap_or_else(PoisonError::into_inner).insert(intent_id);
        UnderWay { engine: self.clone(), intent_id }
    }

    /// Whether this process is still at the write.
    pub(crate) fn is_under_way(&self, intent_id: IntentId) -> bool {
        self.shared().under_way.lock().unwrap_or_else(PoisonError::into_inner).contains(&intent_id)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.engine.shared().under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.intent_id);
    }
}
