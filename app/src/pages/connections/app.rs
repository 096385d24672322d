//! The app of GoHighLevel's Marketplace that a connection calls with: installed, how it stands, which one it is.

use domain::{
    Right,
    view::{AppView, ConnectionView},
};
use leptos::{prelude::*, server_fn::ServerFn as _};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{
    AppError,
    kept::{self, Kept},
    page::{self, Guarded, Seen},
    parts::{Card, Fact, Facts, Foot, Glyph, LinkButton, Moment, More, Press, State, Takes, TextField, Tone},
};

/// An app as entered. What is left empty stays as it is (the secret) or has its default.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AppForm {
    pub client_id: String,
    #[serde(default)]
    pub client_secret: String,
    #[serde(default)]
    pub version_id: String,
    #[serde(default)]
    pub chooser_url: String,
}

/// Makes a connection call with this app, in place of a private token or of another app.
#[server(endpoint = "use-app")]
pub async fn use_app(id: String, app: AppForm) -> Result<(), AppError> {
    let (keyholder, engine) = crate::auth::keyholder().await?;
    let values = [
        ("client_id", app.client_id.as_str()),
        ("version_id", app.version_id.as_str()),
        ("chooser_url", app.chooser_url.as_str()),
    ];
    let (new, secret) = server::entered(&app);
    let used = engine.use_app(&keyholder, &id, new, secret).await.map_err(AppError::from);
    let is_new = kept::refused(&form(&id), &values, used).await?;
    let done = if is_new { "app" } else { "same" };
    page::leave_for(&format!("/connections/{}?done={done}#app", page::encoded(&id)));
    Ok(())
}

#[cfg(feature = "ssr")]
pub(super) mod server {
    use super::AppForm;
    use engine::NewApp;

    /// The app, and its secret if one was typed in.
    pub(in super::super) fn entered<Secret: From<String>>(form: &AppForm) -> (NewApp, Option<Secret>) {
        let filled = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let app = NewApp {
            client_id: form.client_id.clone(),
            version_id: filled(&form.version_id),
            chooser_url: filled(&form.chooser_url),
        };
        (app, filled(&form.client_secret).map(Secret::from))
    }
}

/// Where a refused form is kept.
pub(super) fn form(id: &str) -> String {
    format!("app:{id}")
}

/// The card of the app; of a connection with a private token, the way to one. `loud` where nothing else on the page
/// asks for the install.
#[component]
pub fn AppCard(connection: ConnectionView, seen: Seen, kept: Kept, now: OffsetDateTime, loud: bool) -> impl IntoView {
    let lacks = seen.lacks(Right::ManageConnections);
    let id = connection.id.clone();
    match connection.app {
        None => view! {
            <Card title="App" note="not used" id="app">
                <p class="meta">
                    "This connection calls with a private token. An app of the Marketplace is told of changes by webhooks, and its tokens are renewed by themselves."
                </p>
                <ChangeApp id=id app=None kept=kept lacks=lacks />
            </Card>
        }
        .into_any(),
        Some(app) => view! {
            <Card title="App" note="of GoHighLevel’s Marketplace" id="app">
                <Standing app=app.clone() now=now />
                <div class="line">
                    <InstallButton id=id.clone() standing=app.standing.clone() lacks=lacks.clone() loud=loud />
                </div>
                <InThePortal app=app.clone() webhook_url=connection.webhook_url />
                <ChangeApp id=id app=Some(app) kept=kept lacks=lacks />
                <Foot slot>"Installing asks you in GoHighLevel which location it is for. It reads and writes no record."</Foot>
            </Card>
        }
        .into_any(),
    }
}

/// The way to the Marketplace; out of reach with the reason for whoever lacks the right.
#[component]
pub fn InstallButton(id: String, standing: String, lacks: Option<String>, loud: bool) -> impl IntoView {
    let (text, press) = match standing.as_str() {
        "waiting" => ("Install in GoHighLevel", Press::Primary),
        "installed" => ("Install again", Press::Plain),
        _ => ("Install again in GoHighLevel", Press::Primary),
    };
    let press = if loud { press } else { Press::Plain };
    match lacks {
        Some(why) => view! { <Guarded text=text lacks=Some(why) /> }.into_any(),
        None => view! { <LinkButton text=text href=format!("/oauth/install/{}", page::encoded(&id)) press=press /> }
            .into_any(),
    }
}

#[component]
fn Standing(app: AppView, now: OffsetDateTime) -> impl IntoView {
    let (tone, glyph, word) = match app.standing.as_str() {
        "installed" => (Tone::Ok, Glyph::Done, "installed"),
        "uninstalled" => (Tone::Bad, Glyph::Key, "uninstalled in GoHighLevel"),
        "ended" => (Tone::Bad, Glyph::Key, "gets no new tokens"),
        _ => (Tone::Idle, Glyph::Unreached, "not installed yet"),
    };
    let place = if app.of_agency { "for the whole agency" } else { "in this location" };
    let is_installed = app.standing == "installed";
    let since = app.installed_at.filter(|_| is_installed);
    let until = app.expires_at.filter(|_| is_installed);
    view! {
        <Facts>
            <Fact name="State">
                <State tone=tone glyph=glyph text=word />
            </Fact>
            {since.map(|at| view! { <Fact name="Installed"><Moment at=at.instant() now=now /> " " {place}</Fact> })}
            {until.map(|at| view! { <Fact name="Token until"><Moment at=at.instant() now=now /> ", renewed before"</Fact> })}
            <Fact name="Client id">
                <code>{app.client_id}</code>
            </Fact>
        </Facts>
    }
}

/// What the app's own settings must say.
#[component]
fn InThePortal(app: AppView, webhook_url: String) -> impl IntoView {
    let open = app.standing == "waiting";
    let only_https = (!app.callback_url.starts_with("https://")).then(|| {
        view! { <p class="meta">"GoHighLevel takes addresses that begin with https:// only. Give this server one: CONCORD_PUBLIC_URL."</p> }
    });
    view! {
        <More summary="What the app’s settings must say" open=open>
            <Facts>
                <Fact name="Redirect URL"><code>{app.callback_url}</code></Fact>
                <Fact name="Webhook URL"><code>{webhook_url}</code></Fact>
                <Fact name="Scopes"><code>{app.scopes.join(" ")}</code></Fact>
            </Facts>
            {only_https}
        </More>
    }
}

#[component]
fn ChangeApp(id: String, app: Option<AppView>, kept: Kept, lacks: Option<String>) -> impl IntoView {
    let summary = if app.is_some() { "Use another app" } else { "Use an app instead" };
    let is_new = app.is_none();
    let known = |field: &str, stored: Option<String>| kept.value(field).or(stored);
    let client_id = known("client_id", app.as_ref().map(|app| app.client_id.clone()));
    let version_id = known("version_id", app.as_ref().and_then(|app| app.version_id.clone()));
    let chooser_url = known("chooser_url", app.as_ref().and_then(|app| app.chooser_url.clone()));
    let hint = if is_new {
        "Sealed when saved. The private token is forgotten."
    } else {
        "Left empty, the present one stays."
    };
    view! {
        <More summary=summary open=!kept.is_empty()>
            <form class="form" method="post" action=UseApp::url()>
                <input type="hidden" name="id" value=id />
                <TextField
                    label="Client id"
                    name="app[client_id]"
                    id="client_id"
                    mono=true
                    required=true
                    hint="In the Marketplace under My Apps, Auth, Client Keys."
                    value=client_id
                    error=kept.problem("client_id")
                />
                <TextField
                    label="Client secret"
                    name="app[client_secret]"
                    id="client_secret"
                    takes=Takes::Secret
                    required=is_new
                    optional=!is_new
                    hint=hint
                    error=kept.problem("client_secret")
                />
                <TextField
                    label="Version id"
                    name="app[version_id]"
                    id="version_id"
                    mono=true
                    optional=true
                    hint="Private apps need it. It stands in the install link that the Marketplace makes."
                    value=version_id
                    error=kept.problem("version_id")
                />
                <TextField
                    label="Install link"
                    name="app[chooser_url]"
                    id="chooser_url"
                    takes=Takes::Url
                    mono=true
                    optional=true
                    hint="Only for a white-labelled Marketplace. Left empty, marketplace.gohighlevel.com is used."
                    value=chooser_url
                    error=kept.problem("chooser_url")
                />
                <div class="line">
                    <Guarded text="Use this app" press=Press::Plain lacks=lacks />
                </div>
            </form>
        </More>
    }
}
