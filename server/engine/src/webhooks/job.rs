//! One look at a connection's webhooks: how our endpoint stands, what was missed, whether it is silent; and what follows.

use super::{
    failed_line, is_chargify, line,
    missed::{Looked, Wish, note_endpoint},
};
use crate::{
    Actor, Engine, EngineError, Result,
    audit::AuditAction,
    jobs::Ending,
    store::{connections::ConnectionRow, watches::WatchRow},
};
use domain::{ConnectionId, WorkspaceId, limits, silence::Hearing, view::EndpointState};

impl Engine {
    /// Looks at the webhooks of a connection and fetches what was missed. Doing it twice fetches nothing twice: what was
    /// delivered is known.
    pub(crate) async fn watch_over(&self, workspace_id: WorkspaceId, connection_id: ConnectionId) -> Result<Ending> {
        let mut conn = self.store().session().await?;
        let row = conn.connection(workspace_id, connection_id).await?;
        let known = conn.watch(workspace_id, connection_id).await?;
        drop(conn);
        let Some(row) = row.filter(|row| !matches!(row.state.as_str(), "refused" | "blocked")) else {
            return Ok(Ending::Done);
        };
        let known = known.unwrap_or_else(|| WatchRow::blank(workspace_id, connection_id));
        let fell_silent = self.listen_for_silence(&row, &known).await?;
        let looked = if is_chargify(&row) {
            self.watch_over_chargify(&row, &known).await
        } else {
            let repair = known.outage_from.is_some() || fell_silent;
            if repair { self.make_up_for_outage(&row).await } else { Ok(()) }
        };
        match looked {
            Ok(()) => self.note_watch(&row, |known| known.trouble = None, None).await?,
            // A person must do something, or the service must come back: the next look tries again.
            Err(error @ (EngineError::Upstream { .. } | EngineError::Invalid(_) | EngineError::Sealed(_))) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    connection.id = %row.public_id,
                    "cannot look after the webhooks; trying again later"
                );
                let words = error.words();
                self.note_watch(&row, |known| known.trouble = Some(words), None).await?
            }
            Err(error) => return Err(error),
        };
        Ok(Ending::Done)
    }

    /// Notes that a connection fell silent, or is heard again. True: it fell silent just now.
    async fn listen_for_silence(&self, row: &ConnectionRow, known: &WatchRow) -> Result<bool> {
        let mut conn = self.store().session().await?;
        let (hearing, _) = self.hearing(&mut *conn, row.workspace_id(), row.connection_id()).await?;
        drop(conn);
        let (by, at) = (Actor::system(row.workspace_id()), self.clock().now());
        match (hearing, known.silent_since) {
            (Hearing::Silent { since, expected }, None) => {
                let told = line(&by, AuditAction::WebhooksSilent, row, at).with("expected", expected);
                self.note_watch(row, |known| known.silent_since = Some(since), Some(told)).await?;
                Ok(true)
            }
            (Hearing::Usual | Hearing::Learning | Hearing::Never, Some(_)) => {
                let told = line(&by, AuditAction::WebhooksHeard, row, at);
                self.note_watch(row, |known| known.silent_since = None, Some(told)).await?;
                Ok(false)
            }
            _ => Ok(false),
        }
    }

    async fn watch_over_chargify(&self, row: &ConnectionRow, known: &WatchRow) -> Result<()> {
        let by = Actor::system(row.workspace_id());
        let mut looked = self.look_at_chargify(row, &by.key(), Wish::Untried).await?;
        self.note_stop(&by, row, known, &looked).await?;
        if known.registers && needs_registering(&looked) {
            self.register_webhooks_of(&by, row).await?;
            looked = self.look_at_chargify(row, &by.key(), Wish::Untried).await?;
        }
        if looked.ours.as_ref().is_some_and(|ours| !ours.state.is_stopped()) {
            self.send_again(&by, row, &looked).await?;
            self.note_watch(row, |known| known.outage_from = None, None).await?;
        }
        Ok(())
    }

    /// Writes down how the endpoint stands, and in the trail when it stopped since the last look. What is not even made at
    /// the service can only be read there.
    async fn note_stop(&self, by: &Actor, row: &ConnectionRow, known: &WatchRow, looked: &Looked) -> Result<()> {
        let (before, at) = (EndpointState::named(&known.endpoint_state), self.clock().now());
        let now = looked.ours.as_ref().map_or(EndpointState::Missing, |ours| ours.state);
        let is_lost = now == EndpointState::Missing && before != EndpointState::Unknown;
        let told = (now != before && (now.is_stopped() || is_lost)).then(|| {
            let why = match now {
                EndpointState::Disabled => "too many deliveries failed; Chargify makes no webhooks for it any more",
                EndpointState::Paused => "too many deliveries failed in a row; Chargify keeps webhooks back",
                _ => "Chargify shows no endpoint with our address any more",
            };
            failed_line(by, AuditAction::WebhooksStopped, row, (at, why)).with("state", now.as_str())
        });
        let is_news = told.is_some();
        let missed = i64::try_from(looked.missed.len()).unwrap_or(i64::MAX);
        let change = |known: &mut WatchRow| {
            note_endpoint(known, looked.ours.as_ref(), at);
            (known.missed, known.missed_at) = (missed, Some(at));
        };
        self.note_watch(row, change, told).await?;
        if is_news && now != EndpointState::Paused {
            self.read_changes(by, row).await?;
        }
        Ok(())
    }

    /// Reads what changed while nothing was received. Where another run is in the way, the next look comes soon.
    async fn make_up_for_outage(&self, row: &ConnectionRow) -> Result<()> {
        let by = Actor::system(row.workspace_id());
        let read = self.read_changes(&by, row).await?;
        let soon = self.clock().now() + limits::WATCH_POLL;
        let change = |known: &mut WatchRow| {
            if read.all_started {
                known.outage_from = None;
            } else {
                known.due_at = Some(soon);
            }
        };
        self.note_watch(row, change, None).await?;
        Ok(())
    }
}

fn needs_registering(looked: &Looked) -> bool {
    looked.ours.as_ref().is_none_or(|ours| ours.state.is_stopped())
}
