//! Values of metafields: no answer about customers holds them, so they are read apart, for many customers at once.

use super::Reading;
use crate::{EngineError, Result, UpstreamClass};
use domain::{RemoteId, Side, limits};
use time::OffsetDateTime;

impl Reading<'_> {
    /// Reads the mapped metafields of the customers this run has seen, unless they were read since then: a call for every
    /// fifty customers. Where none is mapped, or the service does not show them, they stay as they were known.
    pub(crate) async fn metafields_since(&self, since: OffsetDateTime) -> Result<()> {
        if !self.context.maps_own_fields(Side::Chargify) {
            return Ok(());
        }
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        let mut after = String::new();
        loop {
            let mut conn = self.engine.store().session().await?;
            let whose = (workspace_id, sync_id, self.run_id);
            let limit = i64::from(limits::CHARGIFY_METADATA_IDS);
            let ids = conn.customers_without_metafields(whose, since, &after, limit).await?;
            drop(conn);
            let Some(last) = ids.last() else { return Ok(()) };
            after.clone_from(last);
            let read_at = self.engine.clock().now();
            let ids: Vec<RemoteId> = ids.into_iter().map(RemoteId).collect();
            let told = match self.try_read(|| self.readers.metafields_of(&self.call, &ids)).await {
                Ok(told) => told,
                Err(EngineError::Upstream { class, detail, .. }) if is_withheld(class) => {
                    tracing::warn!(reason = detail, "metafields cannot be read; nothing is written over them");
                    return Ok(());
                }
                Err(error) => return Err(error),
            };
            let (ids, values): (Vec<String>, Vec<_>) =
                told.into_iter().map(|(id, values)| (id.0, serde_json::to_value(values).unwrap_or_default())).unzip();
            let mut conn = self.engine.store().session().await?;
            conn.set_metafields((workspace_id, sync_id), read_at, &ids, &values).await?;
        }
    }
}

/// Refusals of this one reading: the customers themselves were read.
fn is_withheld(class: UpstreamClass) -> bool {
    matches!(class, UpstreamClass::NotFound | UpstreamClass::Rejected | UpstreamClass::Malformed)
}
