//! What a run will cost, before it starts: calls per side, and time from measured latencies.

use super::SyncContext;
use crate::{Engine, Result, store::Tables};
use domain::limits;

/// Assumed for a service that was never called: a common answer time of both.
const UNMEASURED_MS: f64 = 300.0;

/// A prediction.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Prediction {
    /// All calls of the run: those made for reading and those planned.
    pub(crate) highlevel: i64,
    pub(crate) chargify: i64,
    /// Time of the writing, in milliseconds.
    pub(crate) write_ms: i64,
}

impl Engine {
    /// Predicts from planned writes per side and the calls already made.
    pub(crate) async fn predict(
        &self,
        conn: &mut dyn Tables,
        context: &SyncContext,
        (writes_highlevel, writes_chargify): (i64, i64),
        (calls_highlevel, calls_chargify): (i64, i64),
    ) -> Result<Prediction> {
        let median = |ms: Option<f64>| ms.filter(|ms| *ms > 0.0).unwrap_or(UNMEASURED_MS);
        let highlevel_ms =
            median(conn.median_call_ms(context.workspace_id, context.row.highlevel_connection_id).await?);
        let chargify_ms = median(conn.median_call_ms(context.workspace_id, context.row.chargify_connection_id).await?);
        let slots = f64::from(context.row.slots.max(1));
        let chargify_time = writes_chargify as f64 * chargify_ms / slots;
        // GoHighLevel is bound by its window when it is not bound by its own pace.
        let window_ms = limits::HIGHLEVEL_BURST_WINDOW_S as f64 * 1000.0 / f64::from(limits::HIGHLEVEL_BURST);
        let highlevel_time = writes_highlevel as f64 * (highlevel_ms / HIGHLEVEL_AT_ONCE).max(window_ms);
        Ok(Prediction {
            highlevel: calls_highlevel + writes_highlevel,
            chargify: calls_chargify + writes_chargify,
            write_ms: chargify_time.max(highlevel_time).round() as i64,
        })
    }
}

/// Writes to GoHighLevel at once: its limit is the rate, not the number in flight.
pub(crate) const HIGHLEVEL_AT_ONCE: f64 = 4.0;
