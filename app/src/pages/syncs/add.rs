//! The first steps to a new sync: which two connections, then who takes part. What was chosen stands in the address
//! until the sync is made; mapping, plan and start follow on the sync's own pages.

use domain::{
    Right, Side, limits,
    view::{ConnectionView, SyncDraft},
};
use leptos::{prelude::*, server_fn::ServerFn as _};

use super::{
    Steps,
    fields::{SlotsField, TagFields},
};
use crate::{
    AppError,
    kept::{self, Kept},
    page::{self, Guarded, Refused, Seen, encoded},
    pages::{connections::connections, standing},
    parts::{
        Actions, Button, Card, Check, Choice, Crumb, Empty, Frame, Head, LinkButton, Notice, Place, Press, SelectField,
        TextField, Tone,
    },
};

const FORM: &str = "sync";
const FIELDS: [&str; 6] = ["name", "highlevel", "chargify", "tag", "not_tag", "slots"];

/// Makes a sync with the default mapping, switched off; leads to the mapping.
#[server(endpoint = "create-sync")]
pub async fn create_sync(draft: SyncDraft) -> Result<(), AppError> {
    let (editor, engine) = crate::auth::editor().await?;
    let slots = draft.slots.to_string();
    let kept = draft.clone();
    let values = [
        ("name", kept.name.as_str()),
        ("highlevel", kept.highlevel.as_str()),
        ("chargify", kept.chargify.as_str()),
        ("tag", kept.only_tag.as_str()),
        ("not_tag", kept.not_tag.as_str()),
        ("require_email", if kept.require_email { "true" } else { "" }),
        ("create_contacts", if kept.create_contacts { "true" } else { "" }),
        ("slots", slots.as_str()),
    ];
    let created = engine.create_sync(&editor, draft).await.map_err(AppError::from);
    kept::refused(FORM, &values, created).await?;
    page::leave_for(&format!("/syncs/{}/mapping?step=3", encoded(&kept.name)));
    Ok(())
}

/// The page of the first two steps.
#[component]
pub fn AddSyncPage() -> impl IntoView {
    let chosen = (page::query("highlevel"), page::query("chargify"));
    let refused = page::refused::<CreateSync>();
    let load = async move { Ok((connections().await?, kept::take(FORM).await)) };
    page::loaded("New sync", load, move |seen, (connections, kept)| {
        let crumbs = vec![Crumb::place(Place::Syncs), Crumb::here("New")];
        let chosen = (kept.value("highlevel").unwrap_or(chosen.0), kept.value("chargify").unwrap_or(chosen.1));
        let again = page::query("step") == "1";
        let is_chosen = !again && !chosen.0.is_empty() && !chosen.1.is_empty();
        let content = if is_chosen {
            view! { <ScopeStep seen=seen.clone() chosen=chosen kept=kept /> }.into_any()
        } else {
            view! { <ConnectStep connections=connections chosen=chosen /> }.into_any()
        };
        view! {
            <Frame here=Place::Syncs viewer=seen.viewer() crumbs=crumbs>
                <Head title="New sync" lead_text="Five short steps. Nothing is written before the last one." />
                <Steps at=if is_chosen { 2 } else { 1 } />
                <Refused error=refused />
                {content}
            </Frame>
        }
        .into_any()
    })
}

#[component]
fn ConnectStep(connections: Vec<ConnectionView>, chosen: (String, String)) -> impl IntoView {
    let of = |side: Side| -> Vec<Choice> {
        let ours = connections.iter().filter(|connection| connection.side == side);
        ours.map(|connection| {
            let standing = standing::of_connection(connection);
            let label = format!("{} ({}, {})", connection.name, connection.account, standing.word.to_lowercase());
            Choice::new(connection.name.clone(), label)
        })
        .collect()
    };
    let (highlevel, chargify) = (of(Side::Highlevel), of(Side::Chargify));
    let missing = match (highlevel.is_empty(), chargify.is_empty()) {
        (true, _) => Some(Side::Highlevel),
        (_, true) => Some(Side::Chargify),
        _ => None,
    };
    if let Some(side) = missing {
        let service = page::service(side);
        return view! {
            <Card flush=true>
                <Empty what=format!("{service} is not connected yet") meaning="A sync joins one connection of each side. Add this one first, then come back.">
                    <Actions slot>
                        <LinkButton
                            text=format!("Connect {service}")
                            href=format!("/connections/new?side={side}")
                            press=Press::Primary
                        />
                    </Actions>
                </Empty>
            </Card>
        }
        .into_any();
    }
    view! {
        <Card title="Which two are kept in step?">
            <form class="form" method="get" action="/syncs/new">
                <div class="form two">
                    <SelectField
                        label="GoHighLevel"
                        name="highlevel"
                        choices=highlevel
                        chosen=chosen.0
                        hint="The location whose contacts take part."
                    />
                    <SelectField
                        label="Chargify"
                        name="chargify"
                        choices=chargify
                        chosen=chosen.1
                        hint="The site whose customers take part."
                    />
                </div>
                <div class="line">
                    <Button text="Next: who takes part" press=Press::Primary />
                    <LinkButton text="Cancel" href="/syncs" press=Press::Bare />
                </div>
            </form>
        </Card>
    }
    .into_any()
}

#[component]
fn ScopeStep(seen: Seen, chosen: (String, String), kept: Kept) -> impl IntoView {
    let (highlevel, chargify) = chosen;
    let lacks = seen.lacks(Right::EditMapping);
    let fixed = lacks.is_some();
    let fresh = kept.is_empty();
    let ticked = |field: &str| kept.value(field).is_some_and(|on| on == "true");
    let (require_email, create_contacts) = (fresh || ticked("require_email"), ticked("create_contacts"));
    let rest = kept.rest(&FIELDS).into_iter();
    let sides = ["highlevel", "chargify"].into_iter().filter_map(|field| kept.problem(field));
    let rest = sides.chain(rest).map(|problem| view! { <Notice tone=Tone::Bad what=problem /> }).collect_view();
    let back = format!("/syncs/new?step=1&highlevel={}&chargify={}", encoded(&highlevel), encoded(&chargify));
    let name = kept.value("name").unwrap_or_else(|| "contacts".to_owned());
    view! {
        {rest}
        <Card title="Who takes part?" note=format!("{highlevel} ↔ {chargify}")>
            <form method="post" action=CreateSync::url()>
                <input type="hidden" name="draft[highlevel]" value=highlevel />
                <input type="hidden" name="draft[chargify]" value=chargify />
                <fieldset class="form" disabled=fixed>
                    <TextField
                        label="Name"
                        name="draft[name]"
                        id="name"
                        required=true
                        value=name
                        hint="Stands in addresses and on the command line. Lower-case letters, digits, - and _."
                        error=kept.problem("name")
                    />
                    <Check
                        label="Only contacts with an e-mail address"
                        name="draft[require_email]"
                        checked=require_email
                        hint="Chargify demands one; without it a contact would be left out anyway."
                    />
                    <TagFields
                        only=kept.value("tag").unwrap_or_default()
                        never=kept.value("not_tag").unwrap_or_default()
                        kept=kept.clone()
                    />
                    <Check
                        label="Create contacts for customers that have none"
                        name="draft[create_contacts]"
                        checked=create_contacts
                        hint="Off: customers without a contact stay as they are."
                    />
                    <SlotsField
                        value=kept.value("slots").unwrap_or_else(|| limits::LANE_SLOTS_DEFAULT.to_string())
                        error=kept.problem("slots")
                    />
                    <div class="line">
                        <Guarded text="Make the sync, switched off" press=Press::Primary lacks=lacks />
                        <LinkButton text="Back" href=back press=Press::Bare />
                    </div>
                </fieldset>
            </form>
        </Card>
    }
}
