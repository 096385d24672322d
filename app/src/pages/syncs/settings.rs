//! The settings of a sync: who takes part, how partners are found, what may be made, and how many calls at once.

use domain::{
    Right,
    deletes::DELETED_TAG,
    view::{SettingsDraft, SyncView},
};
use leptos::{prelude::*, server_fn::ServerFn as _};

use super::{
    fields::{Save, SlotsField, TagFields},
    sync,
};
use crate::{
    AppError,
    kept::{self, Kept},
    page::{self, Guarded, Refused, Seen},
    parts::{
        Card, Check, Choice, Crumb, Frame, Glyph, Head, Item, Items, LinkButton, Notice, Place, Press, SelectField,
        TextField, Tone,
    },
};

const FIELDS: [&str; 5] = ["tag", "not_tag", "prefix", "slots", "reason"];

/// Changes the settings of a sync; leads to its page.
#[server(endpoint = "change-settings")]
pub async fn change_settings(name: String, draft: SettingsDraft) -> Result<(), AppError> {
    let (editor, engine) = crate::auth::editor().await?;
    let changed = engine.change_settings(&editor, &name, &draft).await.map_err(AppError::from);
    let entered = server::entered(&draft);
    let entered: Vec<_> = entered.iter().map(|(field, value)| (*field, value.as_str())).collect();
    let changed = kept::refused(&form(&name), &entered, changed).await?;
    let done = if changed { "settings" } else { "same-settings" };
    page::leave_for(&format!("/syncs/{}?done={done}", page::encoded(&name)));
    Ok(())
}

/// Where a refused form is kept.
fn form(sync: &str) -> String {
    format!("settings:{sync}")
}

#[cfg(feature = "ssr")]
mod server {
    use domain::view::SettingsDraft;

    /// What stood in the form, for the page that says what is wrong with it.
    pub(super) fn entered(draft: &SettingsDraft) -> [(&'static str, String); 16] {
        let ticked = |on: bool| if on { "true".to_owned() } else { String::new() };
        [
            ("require_email", ticked(draft.require_email)),
            ("tag", draft.only_tag.clone()),
            ("not_tag", draft.not_tag.clone()),
            ("match_reference", ticked(draft.match_reference)),
            ("match_email", ticked(draft.match_email)),
            ("match_phone_name", ticked(draft.match_phone_name)),
            ("prefix", draft.prefix.clone()),
            ("create_contacts", ticked(draft.create_contacts)),
            ("write_reference", ticked(draft.write_reference)),
            ("carry_notes", ticked(draft.carry_notes)),
            ("carry_tasks", ticked(draft.carry_tasks)),
            ("carry_appointments", ticked(draft.carry_appointments)),
            ("slots", draft.slots.to_string()),
            ("contact_deleted", draft.contact_deleted.as_str().to_owned()),
            ("customer_deleted", draft.customer_deleted.as_str().to_owned()),
            ("reason", draft.reason.clone()),
        ]
    }
}

/// The page of a sync's settings.
#[component]
pub fn SettingsPage() -> impl IntoView {
    let name = page::param("name");
    let refused = page::refused::<ChangeSettings>();
    let load = async move {
        let kept = kept::take(&form(&name)).await;
        Ok((sync(name).await?, kept))
    };
    page::loaded("Settings", load, move |seen, (sync, kept)| {
        let address = format!("/syncs/{}", sync.name);
        let crumbs = vec![Crumb::place(Place::Syncs), Crumb::to(sync.name.clone(), address), Crumb::here("Settings")];
        let lead = "They hold from the next run on, and for every change carried over from now on. Saving writes to neither service.";
        view! {
            <Frame here=Place::Syncs viewer=seen.viewer() crumbs=crumbs>
                <Head title=format!("Settings of {}", sync.name) lead_text=lead />
                <Refused error=refused />
                <Form seen=seen.clone() sync=sync kept=kept />
            </Frame>
        }
        .into_any()
    })
}

/// What the fields show: what was refused, else what is stored.
#[derive(Clone)]
struct Values {
    kept: Kept,
    stored: SyncView,
}

impl Values {
    fn text(&self, field: &str, stored: impl FnOnce(&SyncView) -> Option<String>) -> String {
        if self.kept.is_empty() {
            return stored(&self.stored).unwrap_or_default();
        }
        self.kept.value(field).unwrap_or_default()
    }

    fn ticked(&self, field: &str, stored: impl FnOnce(&SyncView) -> bool) -> bool {
        if self.kept.is_empty() { stored(&self.stored) } else { self.kept.value(field).is_some_and(|on| on == "true") }
    }
}

#[component]
fn Form(seen: Seen, sync: SyncView, kept: Kept) -> impl IntoView {
    let lacks = seen.lacks(Right::EditMapping);
    let fixed = lacks.is_some();
    let back = format!("/syncs/{}", sync.name);
    let rest = kept.rest(&FIELDS).into_iter().map(|problem| view! { <Notice tone=Tone::Bad what=problem live=true /> });
    let rest = rest.collect_view();
    let name = sync.name.clone();
    let reason = kept.clone();
    let values = Values { kept, stored: sync };
    view! {
        {rest}
        <form method="post" action=ChangeSettings::url()>
            <input type="hidden" name="name" value=name />
            <fieldset class="stack" disabled=fixed>
                <Scope values=values.clone() />
                <Matching values=values.clone() />
                <Making values=values.clone() />
                <Carrying values=values.clone() />
                <Deletes values=values.clone() />
                <Pace values=values />
                <GuardRails />
                <Save kept=reason>
                    <Guarded text="Save the settings" press=Press::Primary lacks=lacks />
                    <LinkButton text="Leave them as they are" href=back press=Press::Bare />
                </Save>
            </fieldset>
        </form>
    }
}

#[component]
fn Scope(values: Values) -> impl IntoView {
    view! {
        <Card title="Who takes part" note="A pair that no longer takes part stays as it is on both sides.">
            <div class="form">
                <Check
                    label="Only contacts with an e-mail address"
                    name="draft[require_email]"
                    checked=values.ticked("require_email", |sync| sync.require_email)
                    hint="Chargify demands one; without it a contact would be left out anyway."
                />
                <TagFields
                    only=values.text("tag", |sync| sync.only_tag.clone())
                    never=values.text("not_tag", |sync| sync.not_tag.clone())
                    kept=values.kept
                />
            </div>
        </Card>
    }
}

#[component]
fn Matching(values: Values) -> impl IntoView {
    view! {
        <Card title="How a contact finds its customer" note="In this order. More than one candidate is never guessed: a person decides.">
            <div class="form">
                <Check
                    label="By reference"
                    name="draft[match_reference]"
                    checked=values.ticked("match_reference", |sync| sync.match_reference)
                    hint="The customer whose reference is the contact’s id."
                />
                <Check
                    label="By e-mail address"
                    name="draft[match_email]"
                    checked=values.ticked("match_email", |sync| sync.match_email)
                    hint="Only while it belongs to one record on each side."
                />
                <Check
                    label="By phone number and name together"
                    name="draft[match_phone_name]"
                    checked=values.ticked("match_phone_name", |sync| sync.match_phone_name)
                    hint="Both have to agree."
                />
                <TextField
                    label="Prefix of the reference"
                    name="draft[prefix]"
                    id="prefix"
                    optional=true
                    mono=true
                    value=values.text("prefix", |sync| sync.prefix.clone())
                    hint="Stands before the contact’s id. Needed when several locations feed one site."
                    error=values.kept.problem("prefix")
                />
            </div>
        </Card>
    }
}

#[component]
fn Making(values: Values) -> impl IntoView {
    view! {
        <Card title="What may be made">
            <div class="form">
                <Check
                    label="Create contacts for customers that have none"
                    name="draft[create_contacts]"
                    checked=values.ticked("create_contacts", |sync| sync.create_contacts)
                    hint="Off: customers without a contact stay as they are."
                />
                <Check
                    label="Write the contact’s id into the customer’s reference"
                    name="draft[write_reference]"
                    checked=values.ticked("write_reference", |sync| sync.write_reference)
                    hint="It joins the pair for good, even if the e-mail address changes. A reference that is there already is never overwritten."
                />
            </div>
        </Card>
    }
}

/// What becomes of the partner of a deleted record.
#[component]
fn Deletes(values: Values) -> impl IntoView {
    let unlink = |noun: &str| Choice::new("unlink", format!("Leave the {noun} as it is"));
    let delete = |noun: &str| Choice::new("delete", format!("Ask a person whether to delete the {noun} too"));
    view! {
        <Card title="When a record is deleted" note="The pair ends in any case, and nothing is created in its place before a person says so.">
            <div class="form">
                <SelectField
                    label="A contact was deleted in GoHighLevel"
                    name="draft[contact_deleted]"
                    id="contact_deleted"
                    choices=vec![unlink("customer"), delete("customer")]
                    chosen=values.text("contact_deleted", |sync| Some(sync.contact_deleted.as_str().to_owned()))
                    hint="A customer is never deleted without an approval, and not at all while it has subscriptions."
                    error=values.kept.problem("deletes.contact")
                />
                <SelectField
                    label="A customer was deleted in Chargify"
                    name="draft[customer_deleted]"
                    id="customer_deleted"
                    choices=vec![
                        unlink("contact"),
                        Choice::new("tag", format!("Put the tag {DELETED_TAG} on the contact")),
                        delete("contact"),
                    ]
                    chosen=values.text("customer_deleted", |sync| Some(sync.customer_deleted.as_str().to_owned()))
                    hint="The tag is taken off again when the contact has a customer again."
                />
            </div>
        </Card>
    }
}

#[component]
fn Carrying(values: Values) -> impl IntoView {
    let note = "Of contacts that have a customer. Each becomes one note of the customer’s subscription in Chargify, kept up \
        to date there and marked when it is deleted. Nothing comes back from there.";
    view! {
        <Card title="Notes, tasks and appointments" note=note>
            <div class="form">
                <Check
                    label="Carry over notes"
                    name="draft[carry_notes]"
                    checked=values.ticked("carry_notes", |sync| sync.carry_notes)
                    hint="Webhooks bring every change at once. A full run reads each contact’s notes: one call a contact."
                />
                <Check
                    label="Carry over tasks"
                    name="draft[carry_tasks]"
                    checked=values.ticked("carry_tasks", |sync| sync.carry_tasks)
                    hint="One more call a contact. An edited or re-opened task is noticed by the next full run: no webhook tells of it."
                />
                <Check
                    label="Carry over appointments"
                    name="draft[carry_appointments]"
                    checked=values.ticked("carry_appointments", |sync| sync.carry_appointments)
                    hint="One more call a contact. Switched off again, what was written stays as it is."
                />
            </div>
        </Card>
    }
}

#[component]
fn Pace(values: Values) -> impl IntoView {
    view! {
        <Card title="Pace">
            <div class="form">
                <SlotsField
                    value=values.text("slots", |sync| Some(sync.slots.to_string()))
                    error=values.kept.problem("slots")
                />
            </div>
        </Card>
    }
}

/// What holds whatever the settings are.
#[component]
fn GuardRails() -> impl IntoView {
    view! {
        <Card title="Guard rails of a run" note="They hold whatever the settings are.">
            <Items plain=true>
                {super::guard_rails()
                    .into_iter()
                    .map(|(name, note)| view! { <Item name=name note=note glyph=Glyph::Shield tone=Tone::Idle /> })
                    .collect_view()}
            </Items>
        </Card>
    }
}
