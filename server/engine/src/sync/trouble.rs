//! What a refusal means beyond the record at hand: pauses of a lane, and what is known of a connection.

use super::SyncContext;
use crate::{
    Engine, Result, UpstreamClass,
    clients::{CallError, Refusal},
    connections::ConnectionState,
    store,
};
use domain::{Side, limits, retry};
use std::time::Duration;

impl Engine {
    /// Waits out a refusal for too many requests. For Chargify the whole lane pauses, for everybody; a pause that is
    /// already running is only waited for. GoHighLevel's window is the client's own business, so only this work waits.
    pub(crate) async fn pause_lane(
        &self,
        context: &SyncContext,
        side: Side,
        retry_after: Option<Duration>,
        error: &CallError,
    ) -> Result<()> {
        let jitter = self.entropy().next();
        if side == Side::Highlevel {
            self.clock().sleep(retry_after.unwrap_or_else(|| retry::backoff(2, jitter))).await;
            return Ok(());
        }
        let (workspace_id, lane_id) = (context.workspace_id, context.chargify_id());
        let gate = self.gate(workspace_id, lane_id);
        // At once, for everybody here; how long it will be is worked out behind it.
        gate.pause(retry_after.unwrap_or(Duration::from_secs(limits::LANE_PAUSE_FIRST_S)), &error.message);
        let mut conn = self.pool().acquire().await?;
        let lane = store::slots::lane(&mut conn, workspace_id, lane_id).await?;
        let running = lane.as_ref().map_or(0, |lane| lane.paused_ms);
        let pause = if running > 0 {
            Duration::from_millis(u64::try_from(running).unwrap_or(0))
        } else {
            let previous = lane.and_then(|lane| lane.pause_ms).and_then(|ms| u64::try_from(ms).ok());
            let pause = retry::lane_pause(previous.map(Duration::from_millis), retry_after, jitter);
            let pause_ms = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
            store::slots::pause(&mut conn, workspace_id, lane_id, pause_ms, &error.message).await?;
            tracing::warn!(connection.id = %lane_id, pause_ms, "Chargify asked for fewer requests; the lane pauses");
            pause
        };
        drop(conn);
        gate.pause(pause, &error.message);
        self.clock().sleep(pause).await;
        Ok(())
    }

    /// Both services answered: a credential that was refused before is accepted again.
    pub(crate) async fn note_acceptance(&self, context: &SyncContext) -> Result<()> {
        for side in Side::BOTH {
            let connection_id = context.connection_id(side);
            self.note_connection_state(context.workspace_id, connection_id, ConnectionState::Healthy, None).await?;
        }
        Ok(())
    }

    /// Keeps what a refusal says about the connection as a whole.
    pub(crate) async fn note_refusal(&self, context: &SyncContext, error: &CallError) -> Result<()> {
        let state = match error.class {
            UpstreamClass::Auth | UpstreamClass::Permission => ConnectionState::Refused,
            UpstreamClass::AccountBlocked => ConnectionState::Blocked,
            _ => return Ok(()),
        };
        let connection_id = context.connection_id(error.side);
        self.note_connection_state(context.workspace_id, connection_id, state, Some(&error.message)).await?;
        Ok(())
    }
}

/// Whether a refusal stops all work with the connection, not only the record at hand.
pub(crate) fn stops_everything(error: &CallError) -> bool {
    matches!(error.class, UpstreamClass::Auth | UpstreamClass::Permission | UpstreamClass::AccountBlocked)
        || error.refusal == Refusal::DayUsedUp
}
