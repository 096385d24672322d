//! Adding a connection: which service, then where and with which key. It is tested at once.

use domain::{Right, Side};
use leptos::{prelude::*, server_fn::ServerFn as _};
use serde::{Deserialize, Serialize};

use crate::{
    AppError,
    auth::who,
    kept::{self, Kept},
    page::{self, Guarded, Refused, Seen},
    parts::{
        AreaField, Card, Crumb, Frame, Head, Item, Items, LinkButton, More, Notice, Place, Press, Segments, Tab, Takes,
        TextField, Tone,
    },
};

use super::super::standing;

const FORM: &str = "connection";
const FIELDS: [&str; 11] = [
    "name",
    "account",
    "base_url",
    "webhook_public_key",
    "token",
    "api_key",
    "shared_key",
    "client_id",
    "client_secret",
    "version_id",
    "chooser_url",
];

/// A connection as entered. What is left empty is not there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConnectionForm {
    pub side: Side,
    pub name: String,
    pub account: String,
    #[serde(default)]
    pub base_url: String,
    #[serde(default)]
    pub webhook_public_key: String,
    #[serde(default)]
    pub token: String,
    #[serde(default)]
    pub api_key: String,
    #[serde(default)]
    pub shared_key: String,
    /// Filled in: the connection calls with an app.
    #[serde(default)]
    pub client_id: String,
    #[serde(default)]
    pub client_secret: String,
    #[serde(default)]
    pub version_id: String,
    #[serde(default)]
    pub chooser_url: String,
}

/// Seals the credentials, adds the connection and tests it; leads to its page, where the result stands.
#[server(endpoint = "add-connection")]
pub async fn add_connection(new: ConnectionForm) -> Result<(), AppError> {
    let (keyholder, engine) = crate::auth::keyholder().await?;
    let values = [
        ("name", new.name.as_str()),
        ("account", new.account.as_str()),
        ("base_url", new.base_url.as_str()),
        ("webhook_public_key", new.webhook_public_key.as_str()),
        ("client_id", new.client_id.as_str()),
        ("version_id", new.version_id.as_str()),
        ("chooser_url", new.chooser_url.as_str()),
    ];
    let added = engine.add_connection(&keyholder, server::entered(&new)).await.map_err(AppError::from);
    let id = kept::refused(FORM, &values, added).await?;
    if !new.client_id.trim().is_empty() {
        page::leave_for(&format!("/connections/{id}?done=added-app#app"));
        return Ok(());
    }
    engine.test_connection(&keyholder, &id).await?;
    page::leave_for(&format!("/connections/{id}?done=added"));
    Ok(())
}

#[cfg(feature = "ssr")]
mod server {
    use super::ConnectionForm;
    use engine::{CredentialField, NewApp, NewConnection};

    pub(super) fn entered(form: &ConnectionForm) -> NewConnection {
        let filled = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let credentials = [
            (CredentialField::Token, &form.token),
            (CredentialField::ApiKey, &form.api_key),
            (CredentialField::SharedKey, &form.shared_key),
            (CredentialField::ClientSecret, &form.client_secret),
        ];
        let app = Some(form.client_id.trim()).filter(|id| !id.is_empty()).map(|id| NewApp {
            client_id: id.to_owned(),
            version_id: filled(&form.version_id),
            chooser_url: filled(&form.chooser_url),
        });
        NewConnection {
            name: form.name.trim().to_owned(),
            side: form.side,
            account: form.account.clone(),
            base_url: filled(&form.base_url),
            webhook_public_key: filled(&form.webhook_public_key),
            app,
            credentials: credentials
                .into_iter()
                .filter(|(_, secret)| !secret.trim().is_empty())
                .map(|(field, secret)| (field, secret.clone().into()))
                .collect(),
        }
    }
}

/// The page for a new connection; `?side=` chooses the service.
#[component]
pub fn AddConnectionPage() -> impl IntoView {
    let side = page::query("side").parse::<Side>().ok();
    let with_app = page::query("with") == "app";
    let refused = page::refused::<AddConnection>();
    let load = async move {
        who().await?;
        Ok(kept::take(FORM).await)
    };
    page::loaded("Add a connection", load, move |seen, kept| {
        let crumbs = vec![Crumb::place(Place::Connections), Crumb::here("New")];
        let content = match side {
            Some(side) => {
                view! { <Form seen=seen.clone() side=side with_app=with_app kept=kept refused=refused /> }.into_any()
            }
            None => view! { <WhichService /> }.into_any(),
        };
        view! {
            <Frame here=Place::Connections viewer=seen.viewer() crumbs=crumbs>
                {content}
            </Frame>
        }
        .into_any()
    })
}

#[component]
fn WhichService() -> impl IntoView {
    let items = [
        (
            Side::Highlevel,
            "A location id and a private integration token, or an app of the Marketplace.",
            "/connections/new?side=highlevel",
        ),
        (
            Side::Chargify,
            "A subdomain, an API key and, for webhooks, the site's shared key.",
            "/connections/new?side=chargify",
        ),
    ]
    .map(|(side, note, href)| {
        view! {
            <Item name=page::service(side) note=note half=standing::half(side)>
                <LinkButton text=format!("Connect {}", page::service(side)) href=href />
            </Item>
        }
    })
    .collect_view();
    view! {
        <Head title="Add a connection" lead_text="Which service is it? Connecting reads and writes no record." />
        <Card flush=true>
            <Items>{items}</Items>
        </Card>
    }
}

/// What the form of one service says and asks for.
struct Asked {
    lead: &'static str,
    /// A name as an example.
    example: &'static str,
    /// Where its calls go unless told otherwise.
    elsewhere: &'static str,
    fields: [Entry; 2],
    /// A secret beside them.
    shared_key: Option<Entry>,
}

/// One field of a service; `name` is the word its faults begin with.
#[derive(Clone, Copy)]
struct Entry {
    name: &'static str,
    label: &'static str,
    hint: &'static str,
}

impl Entry {
    const fn new(name: &'static str, label: &'static str, hint: &'static str) -> Self {
        Self { name, label, hint }
    }

    /// Everything but what names the account or the app is a credential.
    fn is_secret(self) -> bool {
        !matches!(self.name, "account" | "client_id")
    }
}

const SEALED: &str = "Sealed when saved; it can be replaced, never read.";

const fn asked(side: Side, with_app: bool) -> Asked {
    match side {
        Side::Highlevel if with_app => Asked {
            lead: "The app is made in GoHighLevel’s Marketplace under My Apps. After saving you install it in the location.",
            example: "crm",
            elsewhere: "services.leadconnectorhq.com unless whoever runs this server allows another address.",
            fields: [
                Entry::new(
                    "account",
                    "Location id",
                    "Settings, Business Profile; or paste the address of any page inside the location.",
                ),
                Entry::new("client_id", "Client id", "In the Marketplace under My Apps, Auth, Client Keys."),
            ],
            shared_key: Some(Entry::new("client_secret", "Client secret", SEALED)),
        },
        Side::Highlevel => Asked {
            lead: "The token is made in GoHighLevel under Settings, Private Integrations. It needs to view and edit contacts.",
            example: "crm",
            elsewhere: "services.leadconnectorhq.com unless whoever runs this server allows another address.",
            fields: [
                Entry::new(
                    "account",
                    "Location id",
                    "Settings, Business Profile; or paste the address of any page inside the location.",
                ),
                Entry::new("token", "Private integration token", SEALED),
            ],
            shared_key: None,
        },
        Side::Chargify => Asked {
            lead: "The API key is made in Chargify under Config, Integrations, API Keys. One site has four call slots for everybody.",
            example: "billing",
            elsewhere: "The site’s own address unless whoever runs this server allows another one.",
            fields: [
                Entry::new("account", "Subdomain", "The part before .chargify.com. A pasted address works too."),
                Entry::new("api_key", "API key", SEALED),
            ],
            shared_key: Some(Entry::new(
                "shared_key",
                "Shared key",
                "Config, Settings, Webhooks. Without it no webhook of this site can be believed.",
            )),
        },
    }
}

#[component]
fn Form(seen: Seen, side: Side, with_app: bool, kept: Kept, refused: Option<AppError>) -> impl IntoView {
    let Asked { lead, example, elsewhere, fields, shared_key } = asked(side, with_app);
    let ways = (side == Side::Highlevel).then(|| {
        let tabs = vec![
            Tab::new("Private token", "/connections/new?side=highlevel", !with_app),
            Tab::new("App of the Marketplace", "/connections/new?side=highlevel&with=app", with_app),
        ];
        view! {
            <div class="line">
                <Segments label="What calls are made with" tabs=tabs />
            </div>
        }
    });
    let rest =
        kept.rest(&FIELDS).into_iter().map(|problem| view! { <Notice tone=Tone::Bad what=problem /> }).collect_view();
    let fields =
        fields.map(|entry| view! { <EntryField entry=entry kept=kept.clone() required=true /> }).collect_view();
    let shared_key = shared_key.map(|entry| view! { <EntryField entry=entry kept=kept.clone() required=with_app /> });
    let lacks = seen.lacks(Right::ManageConnections);
    let fixed = lacks.is_some();
    view! {
        <Head title=format!("Connect {}", page::service(side)) lead_text=lead />
        <Refused error=refused />
        {rest}
        {ways}
        <Card>
            <form method="post" action=AddConnection::url()>
                <input type="hidden" name="new[side]" value=side.as_str() />
                <fieldset class="form" disabled=fixed>
                    <TextField
                        label="Name"
                        name="new[name]"
                        id="name"
                        required=true
                        autofocus=true
                        placeholder=example
                        hint="What your team calls it. Lower-case letters, digits, - and _."
                        value=kept.value("name")
                        error=kept.problem("name")
                    />
                    {fields}
                    {shared_key}
                    <Elsewhere side=side with_app=with_app hint=elsewhere kept=kept />
                    <div class="line">
                        <Guarded text=if with_app { "Add" } else { "Add and test" } press=Press::Primary lacks=lacks />
                        <LinkButton text="Cancel" href="/connections" press=Press::Bare />
                    </div>
                </fieldset>
            </form>
        </Card>
    }
}

#[component]
fn EntryField(entry: Entry, kept: Kept, required: bool) -> impl IntoView {
    let Entry { name, label, hint } = entry;
    let secret = entry.is_secret();
    // What was typed into a secret is never kept.
    let value = kept.value(name).filter(|_| !secret);
    view! {
        <TextField
            label=label
            name=format!("new[{name}]")
            id=name
            takes=if secret { Takes::Secret } else { Takes::Text }
            required=required
            optional=!required
            mono=!secret
            hint=hint
            value=value
            error=kept.problem(name)
        />
    }
}

/// Where calls go and how webhooks are believed, for whoever needs another address than the service's own.
#[component]
fn Elsewhere(side: Side, with_app: bool, hint: &'static str, kept: Kept) -> impl IntoView {
    let open = ["base_url", "webhook_public_key", "version_id", "chooser_url"]
        .iter()
        .any(|field| kept.problem(field).is_some() || kept.value(field).is_some_and(|value| !value.is_empty()));
    let public_key = (side == Side::Highlevel).then(|| {
        view! {
            <AreaField
                label="Webhook public key"
                name="new[webhook_public_key]"
                id="webhook_public_key"
                optional=true
                mono=true
                hint="Left empty, webhooks are checked with the key HighLevel publishes."
                value=kept.value("webhook_public_key")
                error=kept.problem("webhook_public_key")
            />
        }
    });
    let of_app = with_app.then(|| {
        view! {
            <TextField
                label="Version id"
                name="new[version_id]"
                id="version_id"
                optional=true
                mono=true
                hint="Private apps need it. It stands in the install link that the Marketplace makes."
                value=kept.value("version_id")
                error=kept.problem("version_id")
            />
            <TextField
                label="Install link"
                name="new[chooser_url]"
                id="chooser_url"
                takes=Takes::Url
                optional=true
                mono=true
                hint="Only for a white-labelled Marketplace."
                value=kept.value("chooser_url")
                error=kept.problem("chooser_url")
            />
        }
    });
    let summary = if with_app { "Private app, another address" } else { "Another address" };
    view! {
        <More summary=summary open=open>
            <div class="form">
                <TextField
                    label="Base URL"
                    name="new[base_url]"
                    id="base_url"
                    takes=Takes::Url
                    optional=true
                    mono=true
                    hint=hint
                    value=kept.value("base_url")
                    error=kept.problem("base_url")
                />
                {public_key}
                {of_app}
            </div>
        </More>
    }
}
