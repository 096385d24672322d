//! The mapping of a sync as a table of real controls: which field goes where, who wins, what is done to the value.

pub mod facts;
pub mod rows;

use domain::{
    Right,
    view::{FieldChoiceView, SyncView},
};
use leptos::{prelude::*, server_fn::ServerFn as _};
use serde::{Deserialize, Serialize};

use self::rows::{AddRow, EditRow, Known, StepsHelp};
use super::{
    Steps,
    draft::{self, Draft, RowForm},
    sync,
};
use crate::{
    AppError,
    page::{self, Guarded, Refused, Seen},
    parts::{
        Badge, Button, Card, Crumb, Foot, Frame, Glyph, Head, LinkButton, Mapping, Mark, Notice, Place, Press,
        TextField, Tone, counted,
    },
};

/// The mapping as the form sends it. `press` says which button was pressed: `save`, `add`, `remove-<place>`,
/// `discard`, or `keep` when a line was ended with the enter key.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct MappingForm {
    pub sync: String,
    #[serde(default)]
    pub version: u32,
    #[serde(default)]
    pub rows: Vec<RowForm>,
    #[serde(default)]
    pub add_highlevel: String,
    #[serde(default)]
    pub add_chargify: String,
    #[serde(default)]
    pub reason: String,
    #[serde(default)]
    pub press: String,
    /// `3` while a new sync is being made.
    #[serde(default)]
    pub step: String,
}

/// The fields a rule can name: GoHighLevel's, then Chargify's.
#[server(endpoint = "field-choices")]
pub async fn field_choices(name: String) -> Result<(Vec<FieldChoiceView>, Vec<FieldChoiceView>), AppError> {
    let (viewer, engine) = crate::auth::viewer().await?;
    Ok(engine.field_choices(&viewer, &name).await?)
}

/// Asks both services which fields there are: those that the accounts made themselves come and go.
#[server(endpoint = "read-fields")]
pub async fn read_fields(name: String) -> Result<(), AppError> {
    let (editor, engine) = crate::auth::editor().await?;
    engine.refresh_fields(&editor, &name).await?;
    page::leave_for(&format!("/syncs/{}/mapping?done=fields", page::encoded(&name)));
    Ok(())
}

/// Saves the mapping as a new version, or changes the draft of it that this person keeps.
#[server(endpoint = "edit-mapping")]
pub async fn edit_mapping(form: MappingForm) -> Result<(), AppError> {
    let (editor, engine) = crate::auth::editor().await?;
    let address = format!("/syncs/{}", page::encoded(&form.sync));
    if form.press == "save" {
        let next = if form.step == "3" { "&step=4" } else { "" };
        let saved = server::save(&engine, &editor, form).await?;
        let done = if saved { "mapping" } else { "same" };
        page::leave_for(&format!("{address}?done={done}{next}"));
    } else {
        let step = if form.step == "3" { "?step=3" } else { "" };
        let anchor = server::change(form).await?;
        page::leave_for(&format!("{address}/mapping{step}{anchor}"));
    }
    Ok(())
}

#[cfg(feature = "ssr")]
mod server {
    use super::{
        MappingForm,
        draft::{Draft, RowForm, server as drafts},
    };
    use crate::{AppError, error::by_form};
    use engine::{Editor, Engine, RuleDraft};

    /// Saves; what is refused stays a draft with its faults. False: it was saved like this already.
    pub(super) async fn save(engine: &Engine, editor: &Editor, form: MappingForm) -> Result<bool, AppError> {
        let MappingForm { sync, version, rows, reason, .. } = form;
        let rules = rows.iter().cloned().map(rule).collect();
        match engine.save_mapping(editor, &sync, rules, &reason).await.map_err(AppError::from) {
            Ok(saved) => {
                drafts::forget(&sync).await?;
                Ok(saved != version)
            }
            Err(AppError::Invalid { problems }) if by_form() => {
                drafts::keep(&sync, Draft { version, rows, reason, problems }).await?;
                Err(AppError::Invalid { problems: Vec::new() })
            }
            Err(error) => Err(error),
        }
    }

    /// Changes the draft; answers where on the page to go on.
    pub(super) async fn change(form: MappingForm) -> Result<String, AppError> {
        let MappingForm { sync, version, mut rows, add_highlevel, add_chargify, reason, press, .. } = form;
        let mut problems = Vec::new();
        let mut anchor = "#mapping".to_owned();
        if press == "discard" {
            drafts::forget(&sync).await?;
            return Ok(String::new());
        } else if press == "add" && (add_highlevel.is_empty() || add_chargify.is_empty()) {
            problems.push("choose a field on both sides, then add the row".to_owned());
            anchor = "#add".to_owned();
        } else if press == "add" {
            rows.push(RowForm::of(add_highlevel, add_chargify));
            anchor = format!("#row-{}", rows.len());
        } else if let Some(place) = press.strip_prefix("remove-").and_then(|place| place.parse::<usize>().ok())
            && place < rows.len()
        {
            rows.remove(place);
        }
        drafts::keep(&sync, Draft { version, rows, reason, problems }).await?;
        Ok(anchor)
    }

    fn rule(row: RowForm) -> RuleDraft {
        RuleDraft {
            highlevel: row.highlevel,
            chargify: row.chargify,
            direction: row.direction,
            conflict: row.conflict,
            empty: row.empty,
            transform: row.transform,
        }
    }
}

/// The mapping's page; `?step=3` while a new sync is being made.
#[component]
pub fn MappingPage() -> impl IntoView {
    let name = page::param("name");
    let in_steps = page::query("step") == "3";
    let refused =
        page::refused::<EditMapping>().or_else(page::refused::<ReadFields>).or_else(page::refused::<facts::TellFact>);
    let just_told = page::query("done") == "facts";
    let just_read = page::query("done") == "fields";
    let load = async move {
        let choices = field_choices(name.clone()).await?;
        let draft = draft::find(&name).await;
        let facts = facts::billing_facts(name.clone()).await?;
        Ok((sync(name).await?, choices, draft, facts))
    };
    page::loaded("Mapping", load, move |seen, (sync, choices, draft, facts)| {
        let address = format!("/syncs/{}", sync.name);
        let crumbs = vec![Crumb::place(Place::Syncs), Crumb::to(sync.name.clone(), address), Crumb::here("Mapping")];
        let version = sync.mapping_version;
        let badge =
            if draft.is_some() { format!("Draft of version {}", version + 1) } else { format!("Version {version}") };
        let tone = if draft.is_some() { Tone::Accent } else { Tone::Idle };
        let lead = format!("Runs keep using version {version} until you save a new one.");
        view! {
            <Frame here=Place::Syncs viewer=seen.viewer() crumbs=crumbs>
                <Head title="Mapping" lead_text=lead>
                    <Mark slot>
                        <Badge tone=tone glyph=Glyph::Pencil text=badge />
                    </Mark>
                </Head>
                {in_steps.then(|| view! { <Steps at=3 /> })}
                <Refused error=refused />
                {just_read.then(|| view! { <JustRead /> })}
                {just_told.then(|| view! { <facts::JustTold /> })}
                <Fields name=sync.name.clone() lacks=seen.lacks(Right::EditMapping) />
                <Editor seen=seen.clone() sync=sync.clone() choices=choices draft=draft in_steps=in_steps />
                <facts::Facts name=sync.name facts=facts lacks=seen.lacks(Right::EditMapping) />
            </Frame>
        }
        .into_any()
    })
}

#[component]
fn JustRead() -> impl IntoView {
    view! {
        <Notice
            tone=Tone::Ok
            what="The fields of both accounts were read."
            safety="They stand in the lists below. Nothing was written."
            live=true
        />
    }
}

/// Where custom fields and metafields come from.
#[component]
fn Fields(name: String, lacks: Option<String>) -> impl IntoView {
    view! {
        <form class="line" method="post" action=ReadFields::url()>
            <input type="hidden" name="name" value=name />
            <Guarded text="Read the fields of both accounts" lacks=lacks small=true glyph=Glyph::Turning />
            <span class="meta">
                "Custom fields and metafields stand in the lists as last read; a full run reads those it needs."
            </span>
        </form>
    }
}

#[component]
fn Editor(
    seen: Seen,
    sync: SyncView,
    choices: (Vec<FieldChoiceView>, Vec<FieldChoiceView>),
    draft: Option<Draft>,
    in_steps: bool,
) -> impl IntoView {
    let is_draft = draft.is_some();
    let draft = draft.unwrap_or_else(|| Draft {
        version: sync.mapping_version,
        rows: sync.rules.iter().map(RowForm::from).collect(),
        ..Draft::default()
    });
    let overtaken = draft.version != sync.mapping_version;
    let overtaken = overtaken.then(|| {
        view! {
            <Notice
                tone=Tone::Warn
                what=format!("Version {} was saved while you worked on this draft.", sync.mapping_version)
                safety="Saving puts your rows in its place; discarding shows the new version."
            />
        }
    });
    let faults = draft.of_all().into_iter().map(|problem| view! { <Notice tone=Tone::Bad what=problem live=true /> });
    let faults = faults.collect_view();
    let lacks = seen.lacks(Right::EditMapping);
    let may = lacks.is_none();
    let rows = draft.rows.iter().cloned().enumerate();
    let rows = rows
        .map(|(place, row)| {
            let known = Known::of(&row, &sync.rules, &choices);
            let problems = draft.of_row(place);
            view! { <EditRow place=place row=row known=known problems=problems may=may /> }
        })
        .collect_view();
    let note = counted(draft.rows.len() as u64, "rule", "rules");
    let (highlevel, chargify) = choices;
    view! {
        {overtaken}
        {faults}
        <form class="stack" method="post" action=EditMapping::url()>
            <button class="hidden" name="form[press]" value="keep" tabindex="-1" aria-hidden="true">
                "Keep the draft"
            </button>
            <input type="hidden" name="form[sync]" value=sync.name.clone() />
            <input type="hidden" name="form[step]" value=if in_steps { "3" } else { "" } />
            <input type="hidden" name="form[version]" value=draft.version.to_string() />
            <Card title="Fields" note=note id="mapping" flush=true>
                <Mapping caption="Mapping" with_acts=true>
                    {rows}
                </Mapping>
                <Foot slot>
                    <AddRow highlevel=highlevel chargify=chargify may=may />
                </Foot>
            </Card>
            <StepsHelp />
            <Save draft=draft is_draft=is_draft lacks=lacks name=sync.name in_steps=in_steps />
        </form>
    }
}

#[component]
fn Save(draft: Draft, is_draft: bool, lacks: Option<String>, name: String, in_steps: bool) -> impl IntoView {
    let error = draft.of_reason();
    let fixed = lacks.is_some();
    let reason = if draft.reason.is_empty() && in_steps { "first mapping".to_owned() } else { draft.reason };
    let discard = is_draft
        .then(|| view! { <Button text="Discard the draft" press=Press::Bare name="form[press]" value="discard" /> });
    let (skip, skip_text) = if in_steps { (true, "Keep the default mapping") } else { (false, "") };
    let skip = skip.then(|| view! { <LinkButton text=skip_text href=format!("/syncs/{name}?step=4") /> });
    view! {
        <Card title="Save" note="Saving writes to neither service. The next plan shows what the new version changes.">
            <fieldset class="form" disabled=fixed>
                <TextField
                    label="Reason"
                    name="form[reason]"
                    id="reason"
                    value=reason
                    hint="Stands in the history of the mapping and in the audit trail."
                    error=error
                />
                <div class="line">
                    <SaveButton lacks=lacks />
                    {skip}
                    {discard}
                </div>
            </fieldset>
        </Card>
    }
}

#[component]
fn SaveButton(lacks: Option<String>) -> impl IntoView {
    match lacks {
        Some(why) => view! { <Guarded text="Save as a new version" lacks=Some(why) /> }.into_any(),
        None => view! {
            <Button text="Save as a new version" press=Press::Primary name="form[press]" value="save" />
        }
        .into_any(),
    }
}
