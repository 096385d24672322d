//! Server-sent events: a run while it goes on.

use super::visitor;
use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{
        IntoResponse as _, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::get,
};
use domain::{RunId, view::RunLiveView};
use engine::{Engine, Viewer};
use futures::{Stream, stream};
use std::{convert::Infallible, time::Duration};
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio_util::sync::CancellationToken;
use tower_sessions::Session;

/// At most four events a second: more than a person can follow, and the queries behind them cost.
const EVERY: Duration = Duration::from_millis(250);
/// A run can go on in another process, whose ticks do not reach us: look now and then.
const LOOK: Duration = Duration::from_secs(2);
/// Proxies drop connections on which nothing moves.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// The browser then connects anew and shows its login again: whoever was shut out stays out.
const LIFE: Duration = Duration::from_secs(60);

/// What the stream needs besides the request.
#[derive(Clone)]
struct Events {
    engine: Engine,
    stop: CancellationToken,
}

/// `/events/runs/{number}`. Streams end by themselves when `stop` is cancelled.
pub(super) fn routes(engine: Engine, stop: CancellationToken) -> Router {
    Router::new().route("/events/runs/{number}", get(run)).with_state(Events { engine, stop })
}

async fn run(
    State(events): State<Events>,
    session: Session,
    Path(number): Path<u64>,
    headers: HeaderMap,
) -> Result<Response, StatusCode> {
    let viewer = visitor::viewer(&events.engine, &session).await?;
    let ticks = events.engine.run_changes();
    let first = events.engine.run_live(&viewer, number).await.map_err(|error| visitor::status(&error))?;
    // A browser that comes back after the end would come back for ever; 204 tells it not to.
    if first.run.finished_at.is_some() && headers.contains_key("last-event-id") {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let watch = Watch { events, viewer, number, ticks, next: Some(first), sent: 0, ended: false };
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE).text("still here");
    Ok(Sse::new(watch.into_stream()).keep_alive(keep_alive).into_response())
}

/// One browser watching one run.
struct Watch {
    events: Events,
    viewer: Viewer,
    number: u64,
    ticks: Receiver<RunId>,
    /// Read already, to be sent next.
    next: Option<RunLiveView>,
    sent: u64,
    ended: bool,
}

impl Watch {
    fn into_stream(self) -> impl Stream<Item = Result<Event, Infallible>> {
        let stop = self.events.stop.clone();
        let events = stream::unfold(self, |mut watch| async {
            let event = watch.event().await?;
            Some((Ok(event), watch))
        });
        futures::StreamExt::take_until(events, async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(LIFE) => {}
            }
        })
    }

    /// The next state of the run; `None` after its last one, and when it cannot be read any more.
    async fn event(&mut self) -> Option<Event> {
        if self.ended {
            return None;
        }
        let view = match self.next.take() {
            Some(view) => view,
            None => {
                tokio::time::sleep(EVERY).await;
                self.tick().await;
                match self.events.engine.run_live(&self.viewer, self.number).await {
                    Ok(view) => view,
                    Err(error) => {
                        tracing::warn!(error = &error as &dyn std::error::Error, "a watched run cannot be read");
                        return None;
                    }
                }
            }
        };
        self.ended = view.run.finished_at.is_some();
        self.sent += 1;
        Event::default().id(self.sent.to_string()).json_data(&view).ok()
    }

    /// Waits until something changed in any run, or for a while. A tick more than needed costs one query.
    async fn tick(&mut self) {
        match tokio::time::timeout(LOOK, self.ticks.recv()).await {
            Ok(Ok(_) | Err(RecvError::Lagged(_))) => while self.ticks.try_recv().is_ok() {},
            // Nobody ticks any more: the engine is ending.
            Ok(Err(RecvError::Closed)) => tokio::time::sleep(LOOK).await,
            Err(_elapsed) => {}
        }
    }
}
