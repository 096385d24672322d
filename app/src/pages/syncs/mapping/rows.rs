//! The rows of the mapping table: what they show, and the controls in them.

use domain::view::{FieldChoiceView, RuleView};
use leptos::prelude::*;

use super::{
    super::words::{conflict_words, direction_words, empty_words},
    RowForm,
};
use crate::parts::{Button, Choice, Glyph, Icon, MapField, MapRow, More, Pair, Press, Rule, Select, Wire};

/// What is known of a row besides what the form holds.
pub struct Known {
    left: MapField,
    right: MapField,
    locked: bool,
}

impl Known {
    pub fn of(row: &RowForm, rules: &[RuleView], choices: &(Vec<FieldChoiceView>, Vec<FieldChoiceView>)) -> Self {
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

/// A row with its controls; `place` counts from 0.
#[component]
pub fn EditRow(place: usize, row: RowForm, known: Known, problems: Vec<String>, may: bool) -> impl IntoView {
    let named = format!("{} – {}", known.left.name, known.right.name);
    let name = move |field: &str| format!("form[rows][{place}][{field}]");
    let error_id = format!("row-{}-error", place + 1);
    let described_by = (!problems.is_empty()).then(|| error_id.clone());
    let errors = problems
        .into_iter()
        .map(|problem| view! { <p class="error"><Icon glyph=Glyph::Failed />{problem}</p> })
        .collect_view();
    let is_fact = domain::subscription::is_fact(&row.chargify.as_str().into());
    let ways: &[&str] = if is_fact { &["to_highlevel"] } else { &["both", "to_chargify", "to_highlevel"] };
    let directions = ways.iter().map(|word| Choice::new(*word, direction_words(word))).collect::<Vec<_>>();
    let why_locked = is_fact.then(|| {
        view! { <p class="sub">"One way only: Chargify bills it, and nobody changes it by a field."</p> }
    });
    let direction = match row.direction.as_str() {
        _ if is_fact => "to_highlevel".to_owned(),
        "" => "both".to_owned(),
        _ => row.direction,
    };
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
    let (conflict, empty) = (row.conflict, row.empty);
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
                <Policies place=place named=named conflict=conflict empty=empty may=may />
                {why_locked}
                <div id=described_by.is_some().then_some(error_id)>{errors}</div>
            </Rule>
            {remove}
        </MapRow>
    }
}

/// What happens when both sides changed, and when one was emptied.
#[component]
fn Policies(place: usize, named: String, conflict: String, empty: String, may: bool) -> impl IntoView {
    let conflicts = ["newest", "highlevel", "chargify", "fill_empty", "ask"];
    let conflicts = conflicts.map(|word| Choice::new(word, conflict_words(word))).to_vec();
    let empties = ["clear_only_ours", "copy_empties", "never_clear"];
    let empties = empties.map(|word| Choice::new(word, empty_words(word))).to_vec();
    view! {
        <div class="policies">
            <Select
                name=format!("form[rows][{place}][conflict]")
                label=format!("When both sides of {named} changed")
                choices=conflicts
                chosen=conflict
                slim=true
                disabled=!may
            />
            <Select
                name=format!("form[rows][{place}][empty]")
                label=format!("When one side of {named} was emptied")
                choices=empties
                chosen=empty
                slim=true
                disabled=!may
            />
        </div>
    }
}

/// A field of each side to make a new row of.
#[component]
pub fn AddRow(highlevel: Vec<FieldChoiceView>, chargify: Vec<FieldChoiceView>, may: bool) -> impl IntoView {
    let list = |side: &str, fields: Vec<FieldChoiceView>| {
        let none = Choice::new("", format!("Choose a {side} field"));
        let fields = fields.into_iter().map(|field| {
            let only = if field.read_only.is_some() { ", read only" } else { "" };
            let label = format!("{} ({}{only})", field.label, field.kind);
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

/// What can be written into the field for the steps.
#[component]
pub fn StepsHelp() -> impl IntoView {
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
