//! How the webhooks of a connection are doing, and what can be done: register them, test the way they come, fetch what was
//! missed. Plain forms; what was done or refused is told once, on the page they lead back to.

use domain::{
    Right, Side,
    view::{EndpointState, HearingView, SelfTestView, WebhooksView},
};
use leptos::{prelude::*, server_fn::ServerFn as _};
use time::OffsetDateTime;

use crate::{
    AppError,
    error::in_words,
    kept::{self, Kept},
    page::{self, Guarded, Seen},
    parts::{Card, Fact, Facts, Foot, Glyph, Moment, Notice, Press, State, Tone, counted, figure},
};

/// The field of what is kept that says what was done.
const DONE: &str = "done";

/// How the webhooks of a connection are doing.
#[server(endpoint = "webhooks")]
pub async fn webhooks(id: String) -> Result<WebhooksView, AppError> {
    let (viewer, engine) = crate::auth::viewer().await?;
    Ok(engine.webhooks(&viewer, &id).await?)
}

/// Registers our endpoint at Chargify, or puts it right.
#[server(endpoint = "register-webhooks")]
pub async fn register_webhooks(id: String) -> Result<(), AppError> {
    let (keyholder, engine) = crate::auth::keyholder().await?;
    let done = engine.register_webhooks(&keyholder, &id).await.map_err(AppError::from);
    told(&id, done).await
}

/// Sends a signed test to our own public address.
#[server(endpoint = "test-webhooks")]
pub async fn test_webhooks(id: String) -> Result<(), AppError> {
    let (keyholder, engine) = crate::auth::keyholder().await?;
    let done = engine.test_webhooks(&keyholder, &id).await.map_err(AppError::from);
    // What it found stands on the page.
    told(&id, done.map(|_result| Vec::new())).await
}

/// Counts what was missed.
#[server(endpoint = "look-for-missed")]
pub async fn look_for_missed(id: String) -> Result<(), AppError> {
    let (runner, engine) = crate::auth::runner().await?;
    let done = engine.look_for_missed(&runner, &id).await.map_err(AppError::from);
    let done = done.map(|view| vec![looked(view.side, view.missed.map_or(0, |(count, _)| count))]);
    told(&id, done).await
}

/// Fetches what was missed.
#[server(endpoint = "fetch-missed")]
pub async fn fetch_missed(id: String) -> Result<(), AppError> {
    let (runner, engine) = crate::auth::runner().await?;
    let done = engine.fetch_missed(&runner, &id).await.map_err(AppError::from);
    told(&id, done).await
}

/// Leads back to the page, which says once what was done, or what was wrong.
#[cfg(feature = "ssr")]
async fn told(id: &str, done: Result<Vec<String>, AppError>) -> Result<(), AppError> {
    let lines = kept::refused(&form(id), &[], done).await?;
    kept::keep(&form(id), &[(DONE, &lines.join(" "))]).await?;
    page::leave_for(&format!("/connections/{}?done=webhooks#webhooks", page::encoded(id)));
    Ok(())
}

/// What a look found, in words.
#[cfg(feature = "ssr")]
fn looked(side: Side, count: u64) -> String {
    match (side, count) {
        (Side::Chargify, 0) => "Chargify holds no webhook that did not reach Concord.".to_owned(),
        (Side::Chargify, count) => {
            format!("Chargify holds {} that did not reach Concord.", counted(count, "webhook", "webhooks"))
        }
        (Side::Highlevel, 0) => "No contact changed since the last reading.".to_owned(),
        (Side::Highlevel, count) => {
            format!("{} changed since the last reading.", counted(count, "contact", "contacts"))
        }
    }
}

/// Where what is to be told once is kept.
pub(super) fn form(id: &str) -> String {
    format!("webhooks:{id}")
}

/// The card of a connection's webhooks.
#[component]
pub fn WebhooksCard(webhooks: WebhooksView, seen: Seen, told: Kept) -> impl IntoView {
    let now = seen.now();
    let note = match webhooks.side {
        Side::Highlevel => "What GoHighLevel tells by itself, within seconds",
        Side::Chargify => "What Chargify tells by itself, within seconds",
    };
    let done = told.value(DONE).filter(|done| !done.is_empty());
    let done = done.map(|done| {
        let tone = if webhooks.missed.is_some_and(|(count, _)| count > 0) { Tone::Accent } else { Tone::Ok };
        view! { <Notice tone=tone what=done live=true /> }
    });
    let wrong: String = told.problems().iter().map(|problem| in_words(problem)).collect::<Vec<_>>().join(" ");
    let wrong = (!wrong.is_empty()).then(|| {
        view! { <Notice tone=Tone::Bad what="That was not possible." safety=wrong live=true /> }
    });
    let foot = match webhooks.side {
        Side::Highlevel => {
            "Webhooks of GoHighLevel belong to a Marketplace app: subscribe there to the contact events, with this address. A \
             private integration token gets none; changes are then found by reading, as scheduled."
        }
        Side::Chargify => {
            "Registering switches webhooks on for the whole site and makes, or puts right, one endpoint with this address. \
             Endpoints of others stay as they are."
        }
    };
    view! {
        <Card title="Webhooks" note=note id="webhooks">
            <div class="stack">
                {done}
                {wrong}
                <Troubles webhooks=webhooks.clone() />
                <Figures webhooks=webhooks.clone() now=now />
                <Forms webhooks=webhooks seen=seen />
            </div>
            <Foot slot>{foot}</Foot>
        </Card>
    }
}

/// What is wrong, whether anything is lost, and what to press.
#[component]
fn Troubles(webhooks: WebhooksView) -> impl IntoView {
    let service = page::service(webhooks.side);
    let stopped = match webhooks.endpoint {
        EndpointState::Paused => Some((
            "Chargify paused this endpoint: too many deliveries failed in a row.",
            "What happens meanwhile is kept there. Press Register: it is tested, woken, and what was missed can be fetched.",
        )),
        EndpointState::Disabled => Some((
            "Chargify disabled this endpoint: deliveries failed for too long.",
            "It makes no webhooks any more; runs read what changed. Press Register to switch it on again.",
        )),
        EndpointState::Unknown | EndpointState::Missing | EndpointState::Enabled => None,
    };
    let stopped = stopped.map(|(what, safety)| {
        view! { <Notice tone=Tone::Bad glyph=Glyph::Paused what=what safety=safety /> }
    });
    let silent = match webhooks.hearing {
        HearingView::Silent(expected) => Some(view! {
            <Notice
                tone=Tone::Warn
                glyph=Glyph::Clock
                what=format!("It is silent: at these hours at least {} came each week.", counted(expected, "webhook", "webhooks"))
                safety=format!(
                    "Nothing is lost as long as {service} keeps it or a run reads it. Look for what was missed; then see why none come.",
                )
            />
        }),
        HearingView::Never | HearingView::Learning | HearingView::Usual => None,
    };
    let trouble = webhooks.trouble.map(|trouble| {
        view! { <Notice tone=Tone::Warn what="The last look after the webhooks failed." safety=in_words(&trouble) /> }
    });
    view! {
        {stopped}
        {silent}
        {trouble}
    }
}

#[component]
fn Figures(webhooks: WebhooksView, now: OffsetDateTime) -> impl IntoView {
    let last = match webhooks.last_at {
        Some(at) => view! { <Moment at=at.instant() now=now /> }.into_any(),
        None => "none yet".into_any(),
    };
    let endpoint = (webhooks.side == Side::Chargify)
        .then(|| view! { <Endpoint state=webhooks.endpoint at=webhooks.endpoint_at.map(|at| at.instant()) now=now /> });
    let test = webhooks.test.map(|test| view! { <SelfTest test=test now=now /> });
    let missed = webhooks.missed.map(|(count, at)| {
        view! {
            <Fact name="Not delivered">
                {figure(count)}
                " · looked "
                <Moment at=at.instant() now=now />
            </Fact>
        }
    });
    let fetched = webhooks.fetched.map(|(count, at)| {
        let what = if count == 0 { "by a run of changes".to_owned() } else { figure(count) };
        view! {
            <Fact name="Last fetched">
                {what}
                " · "
                <Moment at=at.instant() now=now />
            </Fact>
        }
    });
    let kept = webhooks.registers.then(|| {
        view! { <Fact name="Kept in order" value="by Concord itself, as the configuration file says" /> }
    });
    let read = webhooks.read_by.into_iter().map(|(sync, when)| view! { <ReadBy sync=sync when=when /> }).collect_view();
    view! {
        <Facts>
            <Fact name="Address">
                <code>{webhooks.url}</code>
            </Fact>
            {endpoint}
            {test}
            <Fact name="Last webhook">{last}</Fact>
            {missed}
            {fetched}
            {kept}
            {read}
        </Facts>
    }
}

#[component]
fn Endpoint(state: EndpointState, at: Option<OffsetDateTime>, now: OffsetDateTime) -> impl IntoView {
    let (tone, glyph, word) = match state {
        EndpointState::Enabled => (Tone::Ok, Glyph::Done, "registered, and sends"),
        EndpointState::Paused => (Tone::Bad, Glyph::Paused, "paused"),
        EndpointState::Disabled => (Tone::Bad, Glyph::Stop, "disabled"),
        EndpointState::Missing => (Tone::Warn, Glyph::Unreached, "not registered"),
        EndpointState::Unknown => (Tone::Idle, Glyph::Unreached, "not looked at yet"),
    };
    let seen = at.map(|at| {
        view! {
            " · seen "
            <Moment at=at now=now />
        }
    });
    view! {
        <Fact name="Endpoint">
            <State tone=tone glyph=glyph text=word />
            {seen}
        </Fact>
    }
}

#[component]
fn SelfTest(test: SelfTestView, now: OffsetDateTime) -> impl IntoView {
    let (tone, glyph, word) = match test.passed {
        true => (Tone::Ok, Glyph::Done, "arrived"),
        false => (Tone::Bad, Glyph::Failed, "failed"),
    };
    view! {
        <Fact name="Self-test">
            <State tone=tone glyph=glyph text=word />
            " · "
            <Moment at=test.at.instant() now=now />
            <p class="meta">{test.detail}</p>
        </Fact>
    }
}

#[component]
fn ReadBy(sync: String, when: Option<String>) -> impl IntoView {
    let href = format!("/syncs/{}/schedule", page::encoded(&sync));
    let words = when.unwrap_or_else(|| "never by itself".to_owned());
    view! {
        <Fact name="Changes read">
            {words}
            " · "
            <a href=href>{sync}</a>
        </Fact>
    }
}

#[component]
fn Forms(webhooks: WebhooksView, seen: Seen) -> impl IntoView {
    let (manages, runs) = (seen.lacks(Right::ManageConnections), seen.lacks(Right::Run));
    let WebhooksView { id, side, missed, .. } = webhooks;
    let missed = missed.map_or(0, |(count, _)| count);
    let press = |action: &'static str, text: String, press: Press, lacks: Option<String>| {
        view! {
            <form method="post" action=action>
                <input type="hidden" name="id" value=id.clone() />
                <Guarded text=text press=press small=true lacks=lacks />
            </form>
        }
    };
    let own = (side == Side::Chargify).then(|| {
        view! {
            {press(RegisterWebhooks::url(), "Register at Chargify".to_owned(), Press::Plain, manages.clone())}
            {press(TestWebhooks::url(), "Test the address".to_owned(), Press::Plain, manages)}
        }
    });
    let fetch = match side {
        Side::Chargify => counted(missed, "webhook", "webhooks"),
        Side::Highlevel => counted(missed, "contact", "contacts"),
    };
    let fetch = (missed > 0).then(|| press(FetchMissed::url(), format!("Fetch {fetch}"), Press::Plain, runs.clone()));
    view! {
        <div class="actions">
            {own}
            {press(LookForMissed::url(), "Look for what was missed".to_owned(), Press::Plain, runs)}
            {fetch}
        </div>
    }
}
