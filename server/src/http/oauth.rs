//! To GoHighLevel's Marketplace and back: a person installs the app of a connection. What was asked for waits in their
//! session; an answer that fits no session is nobody's.
//!
//! Sent away by a link and not by a form: browsers let a form lead nowhere but to ourselves.

use super::visitor;
use app::page::encoded;
use axum::{
    Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Redirect, Response},
    routing::get,
};
use engine::{Engine, EngineError, InstallAnswer, InstallAsked, InstallFault, Installed, Keyholder};
use serde::Deserialize;
use tower_sessions::Session;

/// Where the session keeps what was asked for; a second wish takes the place of the first.
const ASKED: &str = "install";

/// `/oauth/install/{connection}` leads away, `/oauth/callback` is where people come back.
pub(super) fn routes(engine: Engine) -> Router {
    Router::new()
        .route("/oauth/install/{connection}", get(install))
        .route("/oauth/callback", get(callback))
        .with_state(engine)
}

async fn install(
    State(engine): State<Engine>,
    session: Session,
    Path(connection): Path<String>,
    headers: HeaderMap,
) -> Result<Response, StatusCode> {
    // Another site's link must not begin what a person has to decide.
    let site = headers.get("sec-fetch-site").and_then(|site| site.to_str().ok());
    if site.is_some_and(|site| !matches!(site, "same-origin" | "none")) {
        return Err(StatusCode::FORBIDDEN);
    }
    let page = format!("/connections/{}", encoded(&connection));
    let Some(keyholder) = keyholder(&engine, &session).await? else { return Ok(sign_in(&page)) };
    match engine.ask_for_install(&keyholder, &connection).await {
        Ok((address, asked)) => {
            session.insert(ASKED, asked).await.map_err(unkept)?;
            Ok(Redirect::to(&address).into_response())
        }
        Err(EngineError::Invalid(_)) => {
            Ok(Redirect::to(&format!("{page}?done=install-impossible#app")).into_response())
        }
        Err(error) => Err(visitor::status(&error)),
    }
}

/// What the Marketplace adds to the address.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    state: String,
    code: Option<String>,
}

async fn callback(
    State(engine): State<Engine>,
    session: Session,
    Query(answer): Query<Answer>,
) -> Result<Response, StatusCode> {
    let Some(keyholder) = keyholder(&engine, &session).await? else { return Ok(sign_in("/connections")) };
    // Taken out at once: an answer counts once.
    let asked: Option<InstallAsked> = session.remove(ASKED).await.map_err(unkept)?;
    let answer = InstallAnswer { state: answer.state, code: answer.code };
    let failed = |error: EngineError| visitor::status(&error);
    let page = match engine.finish_install(&keyholder, asked, answer).await.map_err(failed)? {
        Installed::Done(connection) => {
            engine.test_connection(&keyholder, &connection).await.map_err(failed)?;
            format!("/connections/{}?done=installed#test", encoded(&connection))
        }
        Installed::Not { connection: Some(connection), fault } => {
            format!("/connections/{}?done=install-{}#app", encoded(&connection), fault.as_str())
        }
        Installed::Not { connection: None, .. } => {
            format!("/connections?done=install-{}", InstallFault::UnknownState.as_str())
        }
    };
    Ok(Redirect::to(&page).into_response())
}

/// `None`: nobody is signed in.
async fn keyholder(engine: &Engine, session: &Session) -> Result<Option<Keyholder>, StatusCode> {
    match visitor::viewer(engine, session).await {
        Ok(viewer) => viewer.keyholder().map(Some).map_err(|error| visitor::status(&error)),
        Err(StatusCode::UNAUTHORIZED) => Ok(None),
        Err(other) => Err(other),
    }
}

fn sign_in(next: &str) -> Response {
    Redirect::to(&format!("/sign-in?next={}", encoded(next))).into_response()
}

fn unkept(error: tower_sessions::session::Error) -> StatusCode {
    tracing::error!(error = &error as &dyn std::error::Error, "a session cannot be read or kept");
    StatusCode::SERVICE_UNAVAILABLE
}
