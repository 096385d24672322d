//! Signing in and out.

use leptos::{prelude::*, server_fn::ServerFn as _};
use leptos_meta::Title;

use crate::{
    AppError, page,
    pages::setup::setup_pending,
    parts::{Button, Door, Notice, Press, Takes, TextField, Tone},
};

/// Where the sign-out form posts to.
#[must_use]
pub fn sign_out_address() -> String {
    SignOut::url().to_owned()
}

/// Opens a session. Answers a wrong password and an unknown address alike.
#[server(endpoint = "sign-in")]
pub async fn sign_in(email: String, password: String, #[server(default)] next: String) -> Result<(), AppError> {
    let engine = crate::auth::engine()?;
    let person = engine.sign_in(&email, password.into(), &server::address().await).await?;
    server::open(person).await?;
    page::leave_for(way_back(&next).unwrap_or("/"));
    Ok(())
}

/// Ends the session.
#[server(endpoint = "sign-out")]
pub async fn sign_out() -> Result<(), AppError> {
    crate::auth::viewer().await?;
    server::close().await?;
    page::leave_for("/sign-in");
    Ok(())
}

/// The page of ours that `next` names; `None` for everything that leads elsewhere.
#[must_use]
pub fn way_back(next: &str) -> Option<&str> {
    let path = next.split(['?', '#']).next().unwrap_or_default();
    let ours = path.starts_with('/') && !path.starts_with("//") && !path.starts_with("/sign-in");
    let plain = next.bytes().all(|byte| byte.is_ascii_graphic() && !b"\\<>\"".contains(&byte));
    (ours && plain && !path.starts_with("/api/")).then_some(next)
}

/// The sign-in page.
#[component]
pub fn SignInPage() -> impl IntoView {
    let next = page::query("next");
    let ended = (page::query("ended") == "true").then(|| {
        view! {
            <Notice tone=Tone::Warn what="Your session had ended." safety="What you sent last was not done. Sign in and do it again." />
        }
    });
    let refused = page::refused::<SignIn>();
    let pending = Suspend::new(async move {
        let pending = setup_pending().await.unwrap_or(false);
        pending.then(|| {
            view! {
                <Notice
                    tone=Tone::Accent
                    what="Nobody has an account yet."
                    safety="Open the set-up link that the server printed when it started."
                />
            }
        })
    });
    let refused = refused.map(|error| {
        let (what, safety) = match &error {
            AppError::Unauthenticated => (
                "E-mail and password do not belong together.".to_owned(),
                "Check both and try again; an owner can add you if you have no account.".to_owned(),
            ),
            other => (other.what(), other.safety()),
        };
        view! { <Notice tone=Tone::Bad what=what safety=safety live=true /> }
    });
    view! {
        <Title text="Sign in" />
        <Door title="Sign in">
            {pending} {ended} {refused}
            <form class="form" method="post" action=SignIn::url()>
                <input type="hidden" name="next" value=way_back(&next).unwrap_or_default().to_owned() />
                <TextField label="E-mail" name="email" takes=Takes::Email required=true autofocus=true />
                <TextField label="Password" name="password" takes=Takes::Password required=true />
                <Button text="Sign in" press=Press::Primary />
            </form>
        </Door>
    }
}

#[cfg(feature = "ssr")]
pub(super) mod server {
    use crate::{AppError, auth};
    use axum::Extension;
    use domain::PersonId;
    use engine::{EngineError, LOGIN_PERSON};
    use std::net::IpAddr;

    /// Where the request came from, for the throttle.
    pub(super) async fn address() -> String {
        let address = leptos_axum::extract::<Extension<IpAddr>>().await;
        address.map_or_else(|_unknown| "unknown".to_owned(), |Extension(address)| address.to_string())
    }

    /// Puts the person behind a cookie of a new name: what a stranger held before must not become theirs.
    pub(in crate::pages) async fn open(person: PersonId) -> Result<(), AppError> {
        let session = auth::session().await?;
        session.cycle_id().await.map_err(unkept)?;
        session.insert(LOGIN_PERSON, person).await.map_err(unkept)?;
        Ok(())
    }

    pub(super) async fn close() -> Result<(), AppError> {
        auth::session().await?.flush().await.map_err(unkept)?;
        Ok(())
    }

    #[expect(clippy::needless_pass_by_value, reason = "an argument of map_err")]
    fn unkept(error: tower_sessions::session::Error) -> EngineError {
        tracing::error!(error = %error, "a login cannot be kept");
        EngineError::Bug("a login cannot be kept")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_stays_on_this_server() {
        for ours in ["/", "/syncs/contacts?tab=1", "/runs/3#items"] {
            assert_eq!(way_back(ours), Some(ours));
        }
        for not_ours in
            ["", "//evil.example", "https://evil.example", "/\\evil.example", "/sign-in", "/api/sign-out", "/a b"]
        {
            assert_eq!(way_back(not_ours), None, "{not_ours}");
        }
    }
}
