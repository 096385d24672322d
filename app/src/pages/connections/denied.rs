//! What a person has to do about a connection: the service says no to it, its app waits, its token grows old; and what
//! came of an install.

use domain::{Right, denial::Denial, view::ConnectionView};
use leptos::prelude::*;
use time::OffsetDateTime;

use super::app::InstallButton;
use crate::{
    page::{self, Seen},
    parts::{Actions, Glyph, LinkButton, Moment, Notice, Tone},
};

/// That the service does not accept the connection, since when, and what to do about it.
#[component]
pub fn Trouble(connection: ConnectionView, seen: Seen, now: OffsetDateTime) -> impl IntoView {
    match connection.denial() {
        Some(denial) => view! { <Denied denial=denial connection=connection seen=seen now=now /> }.into_any(),
        None => view! { <Refused connection=connection now=now /> }.into_any(),
    }
}

/// What is to be done about a denial.
fn advice(denial: Denial, has_app: bool) -> &'static str {
    match (denial, has_app) {
        (Denial::NotInstalled, _) => "Install it: GoHighLevel asks which location it is for, and sends you back here.",
        (Denial::Uninstalled, _) => "Install it again, or set a private token.",
        (Denial::AccessEnded, _) => {
            "It was uninstalled, or its client secret was changed. Set the present secret if it is another, then install it again."
        }
        (Denial::TokenUnknown, true) => "Not even a new token is taken. Install the app again.",
        (Denial::TokenUnknown, false) => {
            "It expired, was rotated or was deleted. Make a new one in the location under Settings, Private Integrations, and replace it below."
        }
        (Denial::ScopeMissing, true) => {
            "The test below says which. Add it to the app in the Marketplace, which takes a new version of it, then install it again."
        }
        (Denial::ScopeMissing, false) => {
            "The test below says which. Give it to the token under Settings, Private Integrations; the token stays the same. Then test again."
        }
        (Denial::TokenClass | Denial::OtherLocation, true) => "Install the app again and choose this location.",
        (Denial::TokenClass, false) => "Make a token in the location itself, and replace it below.",
        (Denial::OtherLocation, false) => "Check the location id, or replace the token by one made in this location.",
    }
}

#[component]
fn Denied(denial: Denial, connection: ConnectionView, seen: Seen, now: OffsetDateTime) -> impl IntoView {
    let lacks = seen.lacks(Right::ManageConnections);
    let is_waiting = denial == Denial::NotInstalled;
    let app = connection.app.as_ref().map(|app| app.standing.clone());
    let rest = if is_waiting { "" } else { " Its work waits; nothing is lost." };
    let safety = format!("{}{rest}", advice(denial, app.is_some()));
    let button = match app {
        Some(standing) => {
            view! { <InstallButton id=connection.id standing=standing lacks=lacks loud=true /> }.into_any()
        }
        None if denial == Denial::ScopeMissing => view! { <LinkButton text="See the test" href="#test" /> }.into_any(),
        None => view! { <LinkButton text="Replace the token" href="#credentials" /> }.into_any(),
    };
    let since = (!is_waiting).then(|| {
        let since = connection.state_at.instant();
        view! { <span class="meta">"since " <Moment at=since now=now /></span> }
    });
    let tone = if is_waiting { Tone::Accent } else { Tone::Bad };
    view! {
        <Notice tone=tone glyph=Glyph::Key what=denial.sentence() safety=safety>
            <Actions slot>
                {since}
                {button}
            </Actions>
        </Notice>
    }
}

#[component]
fn Refused(connection: ConnectionView, now: OffsetDateTime) -> impl IntoView {
    let service = page::service(connection.side);
    let (what, advice) = match connection.state.as_str() {
        "refused" => (
            format!("{service} refuses this credential."),
            "Test it to see what is missing; if it was revoked, replace it below.",
        ),
        "blocked" => (format!("{service} blocks this account."), "Put it right at the service, then test again."),
        _ => return None,
    };
    let why = connection.state_detail.as_deref().map(page::first_sentence).unwrap_or_default();
    let since = connection.state_at.instant();
    Some(view! {
        <Notice tone=Tone::Bad glyph=Glyph::Key what=what safety=format!("{why} {advice} Its work waits; nothing is lost.")>
            <Actions slot>
                <span class="meta">"since " <Moment at=since now=now /></span>
            </Actions>
        </Notice>
    })
}

/// That a private token should be replaced by now.
#[component]
pub fn OldToken(connection: ConnectionView, now: OffsetDateTime) -> impl IntoView {
    let days = connection.old_token_days(now)?;
    Some(view! {
        <Notice
            tone=Tone::Warn
            glyph=Glyph::Key
            what=format!("This token is {days} days old.")
            safety="It still works. GoHighLevel advises to replace private tokens about every 90 days: rotate it under Settings, Private Integrations, and replace it below."
        >
            <Actions slot>
                <LinkButton text="Replace the token" href="#credentials" />
            </Actions>
        </Notice>
    })
}

/// Why an app was not installed, and that nothing was changed.
#[component]
pub fn NotInstalled(done: String) -> impl IntoView {
    let (what, safety) = match done.strip_prefix("install-")? {
        "unknown-state" => (
            "This install was not asked for in this browser.",
            "It was opened twice, in another browser, or by somebody else’s link. Press Install again on the connection.",
        ),
        "late" => ("Choosing took more than 15 minutes.", "Install it again; the choice itself takes seconds."),
        "declined" => {
            ("The app was not installed: it was declined in GoHighLevel.", "Install it again when you want to.")
        }
        "code-refused" => (
            "GoHighLevel does not take this install.",
            "Its code was used already, or the client id and secret are not the app’s. Check both, then install it again.",
        ),
        "other-location" => (
            "You chose another location than this connection’s.",
            "Install it again and choose the location with the id shown here, or correct the id.",
        ),
        "not-in-location" => (
            "The agency has the app, but this location does not.",
            "Install it again and choose this location, or check the location id.",
        ),
        "no-answer" => ("GoHighLevel did not answer as it should.", "Install it again in a minute."),
        "impossible" => (
            "This app cannot be installed as it is set here.",
            "Its page in the Marketplace is not allowed, or the connection has no app. Check the app below.",
        ),
        _ => return None,
    };
    Some(view! { <Notice tone=Tone::Bad what=what safety=format!("Nothing was changed. {safety}") live=true /> })
}
