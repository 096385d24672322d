//! The mapping of a sync as a table of real controls: which field goes where, who wins, what is done to the value.

use domain::{
    Right,
    view::{FieldChoiceView, RuleView, SyncView},
};
use leptos::{prelude::*, server_fn::ServerFn as _};
use serde::{Deserialize, Serialize};

use super::{
    Steps,
    draft::{self, Draft, RowForm},
    sync,
};
use crate::{
    AppError,
    page::{self, Guarded, Refused, Seen},
    parts::{
        Badge, Button, Card, Choice, Crumb, Foot, Frame, Glyph, Head, Icon, LinkButton, MapField, MapRow, Mapping,
        Mark, More, Notice, Pair, Place, Press, Rule, Select, TextField, Tone, Wire, counted,
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
            rows.push(RowForm { highlevel: add_highlevel, chargify: add_chargify, ..RowForm::default() });
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
            transform: row.transform,
        }
    }
}

/// A direction in words.
#[must_use]
pub fn direction_words(direction: &str) -> &'static str {
    match direction {
        "to_chargify" => "→ Chargify",
        "to_highlevel" => "← GoHighLevel",
        _ => "↔ both",
    }
}

/// A conflict rule in words.
#[must_use]
pub fn conflict_words(conflict: &str) -> &'static str {
    match conflict {
        "highlevel" => "GoHighLevel wins",
        "chargify" => "Chargify wins",
        "fill_empty" => "Only fill what is empty",
        "ask" => "Ask a person",
        _ => "Newest wins",
    }
}

/// The mapping's page; `?step=3` while a new sync is being made.
#[component]
pub fn MappingPage() -> impl IntoView {
    let name = page::param("name");
    let in_steps = page::query("step") == "3";
    let refused = page::refused::<EditMapping>();
    let load = async move {
        let choices = field_choices(name.clone()).await?;
        let draft = draft::find(&name).await;
        Ok((sync(name).await?, choices, draft))
    };
    page::loaded("Mapping", load, move |seen, (sync, choices, draft)| {
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
                <Editor seen=seen.clone() sync=sync choices=choices draft=draft in_steps=in_steps />
            </Frame>
        }
        .into_any()
    })
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

/// What is known of a row besides what the form holds.
struct Known {
    left: MapField,
    right: MapField,
    locked: bool,
}

impl Known {
    fn of(row: &RowForm, rules: &[RuleView], choices: &(Vec<FieldChoiceView>, Vec<FieldChoiceView>)) -> Self {
        let rule = rules.iter().find(|rule| rule.highlevel == row.highlevel && rule.chargify == row.chargify);
        let label = |choices: &[FieldChoiceView], key: &str| {
            choices
                .iter()
                .find(|choice| choice.key == key)
                .map_or_else(|| key.to_owned(), |choice| choice.label.clone())
        };
        let field = |name: String, sample: Option<&String>, required: bool| MapField {
            name,
            sample: sample.cloned().unwrap_or_default(),
            filled: String::new(),
            required,
        };
        let locked = rule.is_some_and(|rule| rule.locked);
        Self {
            left: field(label(&choices.0, &row.highlevel), rule.and_then(|rule| rule.highlevel_sample.as_ref()), false),
            right: field(label(&choices.1, &row.chargify), rule.and_then(|rule| rule.chargify_sample.as_ref()), locked),
            locked,
        }
    }
}

#[component]
fn EditRow(place: usize, row: RowForm, known: Known, problems: Vec<String>, may: bool) -> impl IntoView {
    let named = format!("{} – {}", known.left.name, known.right.name);
    let name = move |field: &str| format!("form[rows][{place}][{field}]");
    let error_id = format!("row-{}-error", place + 1);
    let described_by = (!problems.is_empty()).then(|| error_id.clone());
    let errors = problems
        .into_iter()
        .map(|problem| view! { <p class="error"><Icon glyph=Glyph::Failed />{problem}</p> })
        .collect_view();
    let directions =
        ["both", "to_chargify", "to_highlevel"].map(|word| Choice::new(word, direction_words(word))).to_vec();
    let conflicts = ["newest", "highlevel", "chargify", "fill_empty", "ask"];
    let conflicts = conflicts.map(|word| Choice::new(word, conflict_words(word))).to_vec();
    let direction = if row.direction.is_empty() { "both".to_owned() } else { row.direction };
    let remove = (!known.locked && may).then(|| {
        view! {
            <Button
                text=format!("Remove {named}")
                glyph=Glyph::Trash
                press=Press::Bare
                small=true
                icon_only=true
                name="form[press]"
                value=format!("remove-{place}")
            />
        }
    });
    let (direction_label, steps_label) = (format!("Direction of {named}"), format!("Steps of {named}"));
    let conflict_label = format!("When both sides of {named} changed");
    view! {
        <MapRow left=known.left right=known.right>
            <Wire slot>
                <input type="hidden" name=name("highlevel") value=row.highlevel />
                <input type="hidden" name=name("chargify") value=row.chargify />
                <Select
                    name=name("direction")
                    id=format!("row-{}", place + 1)
                    label=direction_label
                    choices=directions
                    chosen=direction
                    disabled=!may
                />
            </Wire>
            <Rule slot>
                <div class="steps">
                    <input
                        class="input mono"
                        name=name("transform")
                        value=row.transform
                        placeholder="as it is"
                        aria-label=steps_label
                        aria-invalid=described_by.is_some().then_some("true")
                        aria-describedby=described_by.clone()
                        disabled=!may
                    />
                </div>
                <div class="policies">
                    <Select
                        name=name("conflict")
                        label=conflict_label
                        choices=conflicts
                        chosen=row.conflict
                        slim=true
                        disabled=!may
                    />
                </div>
                <div id=described_by.is_some().then_some(error_id)>{errors}</div>
            </Rule>
            {remove}
        </MapRow>
    }
}

#[component]
fn AddRow(highlevel: Vec<FieldChoiceView>, chargify: Vec<FieldChoiceView>, may: bool) -> impl IntoView {
    let list = |side: &str, fields: Vec<FieldChoiceView>| {
        let none = Choice::new("", format!("Choose a {side} field"));
        let fields = fields.into_iter().map(|field| {
            let label = if field.read_only.is_some() { format!("{} (read only)", field.label) } else { field.label };
            Choice::new(field.key, label)
        });
        std::iter::once(none).chain(fields).collect::<Vec<_>>()
    };
    if !may {
        return view! { <span>"Your role may look at the mapping, not change it."</span> }.into_any();
    }
    view! {
        <div class="line" id="add">
            <Pair label="Add a row: GoHighLevel">
                <Select name="form[add_highlevel]" choices=list("GoHighLevel", highlevel) />
            </Pair>
            <Pair label="Chargify">
                <Select name="form[add_chargify]" choices=list("Chargify", chargify) />
            </Pair>
            <Button text="Add the row" glyph=Glyph::Plus name="form[press]" value="add" />
        </div>
    }
    .into_any()
}

#[component]
fn StepsHelp() -> impl IntoView {
    let steps = [
        ("trim", "no white space around the text"),
        ("collapse_spaces", "single spaces within, none around"),
        ("lower, upper, title", "letters small, capital, or a capital for each word"),
        ("phone, phone(\"US\")", "the number with + and country code; the country of the record, or this one"),
        ("country", "the two-letter code"),
        ("subdivision", "the state's code, such as TX"),
        ("default(\"—\")", "this text when the field is empty"),
        ("lookup(\"a=b, c=d\")", "the right hand for the left hand"),
        ("template(\"{{firstName}} {{lastName}}\")", "made of other fields; one way only"),
        ("truncate(255)", "at most so many characters"),
    ];
    let lines = steps
        .into_iter()
        .map(|(step, meaning)| {
            view! {
                <dt>
                    <code>{step}</code>
                </dt>
                <dd>{meaning}</dd>
            }
        })
        .collect_view();
    view! {
        <More summary="Steps a value can take, joined by |">
            <dl class="facts small">{lines}</dl>
        </More>
    }
}

#[component]
fn Save(draft: Draft, is_draft: bool, lacks: Option<String>, name: String, in_steps: bool) -> impl IntoView {
    let error = draft.of_reason();
    let reason = if draft.reason.is_empty() && in_steps { "first mapping".to_owned() } else { draft.reason };
    let discard = is_draft
        .then(|| view! { <Button text="Discard the draft" press=Press::Bare name="form[press]" value="discard" /> });
    let (skip, skip_text) = if in_steps { (true, "Keep the default mapping") } else { (false, "") };
    let skip = skip.then(|| view! { <LinkButton text=skip_text href=format!("/syncs/{name}?step=4") /> });
    view! {
        <Card title="Save" note="Saving writes to neither service. The next plan shows what the new version changes.">
            <div class="form">
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
            </div>
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
