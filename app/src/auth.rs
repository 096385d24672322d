//! Who asks. Each guard yields the engine together with the proof its use cases demand, so it cannot be left out.
//!
//! The browser holds an opaque cookie; the session layer keeps the person's id behind it.

#[cfg(feature = "ssr")]
mod guards {
    use crate::AppError;
    use engine::{
        Auditor, Editor, Engine, EngineError, Keyholder, LOGIN_PERSON, LOGIN_WORKSPACE, Manager, Runner, Viewer,
    };
    use leptos::prelude::use_context;
    use tower_sessions::Session;

    /// The engine that serves this request.
    ///
    /// # Errors
    /// [`AppError::Internal`] when the server forgot to provide it.
    pub fn engine() -> Result<Engine, AppError> {
        Ok(use_context::<Engine>().ok_or(EngineError::Bug("no engine in the context of a request"))?)
    }

    /// The browser session of this request.
    ///
    /// # Errors
    /// [`AppError::Internal`] outside of a request or without the session layer.
    pub async fn session() -> Result<Session, AppError> {
        let session = leptos_axum::extract::<Session>().await;
        Ok(session.map_err(|error| {
            tracing::error!(error = %error, "no session layer around a server function");
            EngineError::Bug("no session in a request")
        })?)
    }

    /// Whoever is signed in, and may look.
    ///
    /// # Errors
    /// [`AppError::Unauthenticated`] for a stranger.
    pub async fn viewer() -> Result<(Viewer, Engine), AppError> {
        let engine = engine()?;
        let session = session().await?;
        let unread = |error: tower_sessions::session::Error| {
            tracing::warn!(error = %error, "a login cannot be read");
            EngineError::NotSignedIn
        };
        let person = session.get(LOGIN_PERSON).await.map_err(unread)?.ok_or(EngineError::NotSignedIn)?;
        let workspace = session.get(LOGIN_WORKSPACE).await.map_err(unread)?;
        let viewer = engine.viewer_of_login(person, workspace).await?;
        Ok((viewer, engine))
    }

    /// May plan, start, approve and cancel runs.
    ///
    /// # Errors
    /// [`AppError::Unauthenticated`] for a stranger, [`AppError::Forbidden`] for a role without the right.
    pub async fn runner() -> Result<(Runner, Engine), AppError> {
        let (viewer, engine) = viewer().await?;
        Ok((viewer.runner()?, engine))
    }

    /// May create syncs and edit mappings.
    ///
    /// # Errors
    /// As [`runner`].
    pub async fn editor() -> Result<(Editor, Engine), AppError> {
        let (viewer, engine) = viewer().await?;
        Ok((viewer.editor()?, engine))
    }

    /// May add connections and set credentials.
    ///
    /// # Errors
    /// As [`runner`].
    pub async fn keyholder() -> Result<(Keyholder, Engine), AppError> {
        let (viewer, engine) = viewer().await?;
        Ok((viewer.keyholder()?, engine))
    }

    /// May export the audit trail.
    ///
    /// # Errors
    /// As [`runner`].
    pub async fn auditor() -> Result<(Auditor, Engine), AppError> {
        let (viewer, engine) = viewer().await?;
        Ok((viewer.auditor()?, engine))
    }

    /// May add people and give roles.
    ///
    /// # Errors
    /// As [`runner`].
    pub async fn manager() -> Result<(Manager, Engine), AppError> {
        let (viewer, engine) = viewer().await?;
        Ok((viewer.manager()?, engine))
    }
}

#[cfg(feature = "ssr")]
pub use guards::{auditor, editor, engine, keyholder, manager, runner, session, viewer};

use crate::AppError;
use domain::view::SessionView;
use leptos::prelude::*;

/// Who is looking, for the frame around every page.
#[server(endpoint = "session")]
pub async fn who() -> Result<SessionView, AppError> {
    let (viewer, engine) = viewer().await?;
    Ok(engine.session(&viewer).await?)
}
