//! What all pages share: loading before sending, the frame's contents, and the page that says why there is none.

use domain::{Right, Side, view::SessionView};
use leptos::{prelude::*, server_fn::ServerFn};
use leptos_meta::Title;
use leptos_router::{
    hooks::{use_params_map, use_query_map},
    location::RequestUrl,
};
use time::OffsetDateTime;

use crate::{
    AppError,
    auth::who,
    parts::{self, Actions, Button, Door, Frame, Glyph, Head, LinkButton, Notice, Place, Press, Tone, Words},
};

/// The product behind a side, as people call it.
#[must_use]
pub const fn service(side: Side) -> &'static str {
    match side {
        Side::Highlevel => "GoHighLevel",
        Side::Chargify => "Chargify",
    }
}

/// Who is looking at a page.
#[derive(Clone, Debug)]
pub struct Seen {
    pub session: SessionView,
}

impl Seen {
    /// What the frame shows of them.
    #[must_use]
    pub fn viewer(&self) -> parts::Viewer {
        let SessionView { person, role, workspace, many_workspaces, waiting, .. } = self.session.clone();
        parts::Viewer {
            workspace,
            // Whoever may make another one finds the way to it here, too.
            many_workspaces: many_workspaces || role.may(Right::ManageTeam),
            person,
            role: capital(role.as_str()),
            sign_out: crate::pages::sign_in::sign_out_address(),
            counts: vec![(Place::Records, u64::from(waiting))],
        }
    }

    /// The instant the page was made.
    #[must_use]
    pub fn now(&self) -> OffsetDateTime {
        self.session.now.instant()
    }

    /// Whether their role holds the right.
    #[must_use]
    pub fn may(&self, right: Right) -> bool {
        self.session.role.may(right)
    }

    /// Why a button is out of reach for them; `None` when it is not.
    #[must_use]
    pub fn lacks(&self, right: Right) -> Option<String> {
        (!self.may(right)).then(|| format!("Your role, {}, may not {}.", self.session.role, right.words()))
    }
}

/// A word with a capital letter.
#[must_use]
pub fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

/// A page behind the sign-in: who is looking and what they look at are loaded before anything is sent. A stranger is
/// led to the sign-in, and what cannot be loaded is answered by a page that says why.
pub fn loaded<T: Send + 'static>(
    title: impl Into<String>,
    load: impl Future<Output = Result<T, AppError>> + Send + 'static,
    render: impl FnOnce(Seen, T) -> AnyView + Send + 'static,
) -> impl IntoView {
    let title = title.into();
    Suspend::new(async move {
        let seen = match who().await {
            Ok(session) => Seen { session },
            Err(error) => return unseen(&error),
        };
        match load.await {
            Ok(view) => view! {
                <Title text=title />
                {render(seen, view)}
            }
            .into_any(),
            Err(AppError::Unauthenticated) => unseen(&AppError::Unauthenticated),
            Err(error) => view! { <Failure seen=seen error=error /> }.into_any(),
        }
    })
}

/// The answer to somebody who is not signed in, or of whom nothing can be known.
fn unseen(error: &AppError) -> AnyView {
    if matches!(error, AppError::Unauthenticated) {
        leave_for(&sign_in_address());
    }
    let (what, safety) = (error.what(), error.safety());
    view! {
        <Title text="Not signed in" />
        <Door title="This page cannot be shown">
            <Notice tone=Tone::Warn what=what safety=safety />
            <LinkButton text="Sign in" href="/sign-in" press=Press::Primary />
        </Door>
    }
    .into_any()
}

/// A page that could not be shown, and why.
#[component]
pub fn Failure(seen: Seen, error: AppError) -> impl IntoView {
    let (title, tone) = match &error {
        AppError::NotFound { .. } => ("There is nothing here", Tone::Idle),
        AppError::Forbidden { .. } => ("This is not open to you", Tone::Warn),
        AppError::Upstream { passes: true, .. } => ("This page has to wait", Tone::Warn),
        _ => ("This page cannot be shown", Tone::Bad),
    };
    let again = matches!(error, AppError::Upstream { .. } | AppError::Internal { .. }).then(|| {
        let here = use_context::<RequestUrl>().map(|url| page_of(url.as_ref())).unwrap_or_default();
        view! { <LinkButton text="Try again" href=here press=Press::Primary /> }
    });
    view! {
        <Title text=title />
        <Frame here=Place::Elsewhere viewer=seen.viewer() crumbs=vec![parts::Crumb::here(title)]>
            <Head title=title />
            <Notice tone=tone what=error.what() safety=error.safety()>
                <Actions slot>
                    {again}
                    <LinkButton text="Overview" href="/" press=Press::Plain />
                </Actions>
            </Notice>
        </Frame>
    }
}

/// Why the change that `S` stands for was refused, when the browser was sent back to this page with its answer.
#[must_use]
pub fn refused<S>() -> Option<AppError>
where
    S: ServerFn<Error = AppError> + Clone + Send + Sync + 'static,
    S::Output: Send + Sync + 'static,
{
    ServerAction::<S>::new().value().with_untracked(|answer| answer.as_ref()?.as_ref().err().cloned())
}

/// What happened, without how to mend it: a text up to its first full stop.
#[must_use]
pub fn first_sentence(text: &str) -> String {
    let first = text.split_once(". ").map_or(text, |(first, _rest)| first);
    format!("{}.", first.trim_end_matches('.'))
}

/// A part of the page's address, as `:name` in its route.
#[must_use]
pub fn param(name: &str) -> String {
    use_params_map().with_untracked(|params| params.get(name)).unwrap_or_default()
}

/// What the page's address asks for after the question mark.
#[must_use]
pub fn query(name: &str) -> String {
    use_query_map().with_untracked(|query| query.get(name)).unwrap_or_default()
}

/// A button that changes something, out of reach with the reason beside it when `lacks` names one.
#[component]
pub fn Guarded(
    #[prop(into)] text: Words,
    lacks: Option<String>,
    #[prop(optional)] press: Press,
    #[prop(optional)] small: bool,
    #[prop(optional)] glyph: Option<Glyph>,
    #[prop(optional, into)] form: Words,
) -> impl IntoView {
    let disabled = lacks.is_some();
    let button = match glyph {
        Some(glyph) => {
            view! { <Button text=text press=press small=small glyph=glyph form=form disabled=disabled /> }.into_any()
        }
        None => view! { <Button text=text press=press small=small form=form disabled=disabled /> }.into_any(),
    };
    view! {
        {button}
        {lacks.map(|why| view! { <span class="meta">{why}</span> })}
    }
}

/// The notice of a refused change.
#[component]
pub fn Refused(error: Option<AppError>) -> impl IntoView {
    error.map(|error| view! { <Notice tone=Tone::Bad what=error.what() safety=error.safety() live=true /> })
}

/// Sends the browser elsewhere after a change. Does nothing in the browser itself.
pub fn leave_for(path: &str) {
    #[cfg(feature = "ssr")]
    leptos_axum::redirect(path);
    #[cfg(not(feature = "ssr"))]
    let _ = path;
}

/// The sign-in, with the way back to the page that was asked for. What a form was told without a session stays behind.
fn sign_in_address() -> String {
    let wanted = use_context::<RequestUrl>().map(|url| page_of(url.as_ref())).unwrap_or_default();
    let (page, told) = wanted.split_once("__path=").map_or((wanted.as_str(), None), |(page, told)| (page, Some(told)));
    let ended = if told.is_some() { "&ended=true" } else { "" };
    match crate::pages::sign_in::way_back(page.trim_end_matches(['?', '&'])) {
        Some(path) if path != "/" => format!("/sign-in?next={}{ended}", encoded(path)),
        _ => "/sign-in".to_owned(),
    }
}

/// Path and question of a request's address; leptos puts a host of its own before them.
fn page_of(address: &str) -> String {
    address.strip_prefix("http://leptos.dev").unwrap_or(address).to_owned()
}

/// A text as one part of an address.
#[must_use]
pub fn encoded(text: &str) -> String {
    let mut address = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            address.push(char::from(byte));
        } else {
            address.push_str(&format!("%{byte:02X}"));
        }
    }
    address
}
