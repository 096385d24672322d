//! Who asks, for the few addresses that are no pages: taken from the browser's login.

use axum::http::StatusCode;
use domain::{PersonId, WorkspaceId};
use engine::{Engine, EngineError, LOGIN_PERSON, LOGIN_WORKSPACE, Viewer};
use tower_sessions::Session;

/// The signed-in person's proof.
///
/// # Errors
/// The status to answer with: 401 for a stranger, 403 for somebody without a workspace, 503 when it cannot be known.
pub(super) async fn viewer(engine: &Engine, session: &Session) -> Result<Viewer, StatusCode> {
    let unread = |error: tower_sessions::session::Error| {
        tracing::error!(error = &error as &dyn std::error::Error, "a login cannot be read");
        StatusCode::SERVICE_UNAVAILABLE
    };
    let person: Option<PersonId> = session.get(LOGIN_PERSON).await.map_err(unread)?;
    let person = person.ok_or(StatusCode::UNAUTHORIZED)?;
    let workspace: Option<WorkspaceId> = session.get(LOGIN_WORKSPACE).await.map_err(unread)?;
    engine.viewer_of_login(person, workspace).await.map_err(|error| status(&error))
}

/// The status that stands for an engine's error; what is ours is logged.
pub(super) fn status(error: &EngineError) -> StatusCode {
    match error {
        EngineError::NotFound(_) => StatusCode::NOT_FOUND,
        EngineError::AlreadyDone => StatusCode::CONFLICT,
        EngineError::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        EngineError::NotAllowed(_) => StatusCode::FORBIDDEN,
        EngineError::NotSignedIn => StatusCode::UNAUTHORIZED,
        EngineError::Throttled { .. } => StatusCode::TOO_MANY_REQUESTS,
        EngineError::Upstream { .. } => StatusCode::BAD_GATEWAY,
        EngineError::Database(_) => {
            tracing::error!(error = error as &dyn std::error::Error, "the database does not answer as it should");
            StatusCode::SERVICE_UNAVAILABLE
        }
        EngineError::Sealed(_) | EngineError::Bug(_) => {
            tracing::error!(error = error as &dyn std::error::Error, "a request failed");
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }
}
