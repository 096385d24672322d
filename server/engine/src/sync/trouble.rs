//! What a refusal means beyond the record at hand: pauses of a lane, and what is known of a connection.

use super::SyncContext;
use crate::{
    Engine, Result, UpstreamClass,
    clients::{CallError, Refusal},
    connections::ConnectionState,
};
use domain::{ConnectionId, Side, WorkspaceId, retry};
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
        if crate::planted!(IgnoreTooMany) {
            return Ok(());
        }
        let pause = match side {
            // Nobody waits for tomorrow in place: whoever works on it is put off.
            Side::Highlevel if error.refusal == Refusal::DayUsedUp => return Err(error.clone().into()),
            Side::Highlevel => retry_after.unwrap_or_else(|| retry::backoff(2, self.entropy().next())),
            // Never sent: the gate said how long.
            Side::Chargify if error.status.is_none() => retry_after.unwrap_or(Duration::from_secs(1)),
            Side::Chargify => {
                let (workspace_id, lane_id) = (context.workspace_id, context.chargify_id());
                self.close_lane(workspace_id, lane_id, retry_after, &error.message).await?
            }
        };
        self.clock().sleep(pause).await;
        Ok(())
    }

    /// Pauses a lane for everybody, unless it is paused already; says for how long.
    pub(crate) async fn close_lane(
        &self,
        workspace_id: WorkspaceId,
        lane_id: ConnectionId,
        retry_after: Option<Duration>,
        reason: &str,
    ) -> Result<Duration> {
        let mut conn = self.store().session().await?;
        let lane = conn.lane(workspace_id, lane_id).await?;
        let running = lane.as_ref().map_or(0, |lane| lane.paused_ms);
        let pause = if running > 0 {
            Duration::from_millis(u64::try_from(running).unwrap_or(0))
        } else {
            let previous = lane.and_then(|lane| lane.pause_ms).and_then(|ms| u64::try_from(ms).ok());
            let pause = retry::lane_pause(previous.map(Duration::from_millis), retry_after, self.entropy().next());
            let pause_ms = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
            conn.pause_lane(workspace_id, lane_id, pause_ms, reason).await?;
            tracing::warn!(connection.id = %lane_id, pause_ms, "Chargify asked for fewer requests; the lane pauses");
            pause
        };
        drop(conn);
        self.gate(workspace_id, lane_id).pause(pause, reason);
        Ok(pause)
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
        self.note_connection_state(context.workspace_id, connection_id, state, Some(&error.told())).await?;
        Ok(())
    }
}

/// Whether a refusal stops all work with the connection, not only the record at hand.
pub(crate) fn stops_everything(error: &CallError) -> bool {
    matches!(error.class, UpstreamClass::Auth | UpstreamClass::Permission | UpstreamClass::AccountBlocked)
        || error.refusal == Refusal::DayUsedUp
}
