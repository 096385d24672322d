//! Choosing: lists, check boxes, radio cards.

use leptos::prelude::*;

use super::form::Ids;
use super::{Field, Words};

/// One entry of a list to choose from.
#[derive(Clone, Debug)]
pub struct Choice {
    pub value: String,
    pub label: String,
    /// What choosing it means; radio cards show it.
    pub hint: Option<String>,
}

impl Choice {
    /// An entry with a word.
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into(), hint: None }
    }

    /// Adds what choosing it means.
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

/// A list to choose one from, without a row around it: in tables and filters. `label` is read aloud; `slim` has no
/// edge until hovered.
#[component]
pub fn Select(
    #[prop(into)] name: Words,
    #[prop(optional, into)] label: Words,
    choices: Vec<Choice>,
    #[prop(optional, into)] chosen: Words,
    #[prop(optional, into)] id: Words,
    #[prop(optional, into)] described_by: Words,
    #[prop(optional, into)] form: Words,
    #[prop(optional)] invalid: bool,
    #[prop(optional)] disabled: bool,
    #[prop(optional)] slim: bool,
) -> impl IntoView {
    let options = choices
        .into_iter()
        .map(|choice| {
            let selected = choice.value == chosen.as_str();
            view! {
                <option value=choice.value selected=selected>
                    {choice.label}
                </option>
            }
        })
        .collect_view();
    view! {
        <select
            class=if slim { "input slim" } else { "input" }
            id=id.get()
            name=name.get()
            form=form.get()
            disabled=disabled
            aria-label=label.get()
            aria-invalid=invalid.then_some("true")
            aria-describedby=described_by.get()
        >
            {options}
        </select>
    }
}

/// A list to choose one from, as a form row.
#[component]
pub fn SelectField(
    #[prop(into)] label: Words,
    #[prop(into)] name: Words,
    choices: Vec<Choice>,
    #[prop(optional, into)] chosen: Words,
    #[prop(optional, into)] hint: Words,
    #[prop(optional, into)] error: Words,
    #[prop(optional, into)] id: Words,
    #[prop(optional)] full: bool,
) -> impl IntoView {
    let ids = Ids::of(id, &name, &hint, &error);
    let described_by = ids.described_by();
    let invalid = ids.error.is_some();
    view! {
        <Field label=label for_id=ids.control.clone() hint=hint error=error full=full>
            <Select name=name choices=choices chosen=chosen id=ids.control.clone() described_by=described_by invalid=invalid />
        </Field>
    }
}

/// A check box with its label and, in small type, what it means.
#[component]
pub fn Check(
    #[prop(into)] label: Words,
    #[prop(into)] name: Words,
    #[prop(default = Words::from("true"), into)] value: Words,
    #[prop(optional, into)] hint: Words,
    #[prop(optional)] checked: bool,
    #[prop(optional)] disabled: bool,
) -> impl IntoView {
    view! {
        <label class="check">
            <input type="checkbox" name=name.get() value=value.get() checked=checked disabled=disabled />
            <span>{label.get()} {hint.get().map(|hint| view! { <span class="hint">{hint}</span> })}</span>
        </label>
    }
}

/// A few choices side by side, each saying what it means. `legend` is the question.
#[component]
pub fn Choices(
    #[prop(into)] legend: Words,
    #[prop(into)] name: Words,
    choices: Vec<Choice>,
    #[prop(optional, into)] chosen: Words,
) -> impl IntoView {
    let name = name.text();
    let cards = choices
        .into_iter()
        .map(|choice| {
            let checked = choice.value == chosen.as_str();
            view! {
                <label class="choice">
                    <input type="radio" name=name.clone() value=choice.value checked=checked />
                    <span>
                        <span class="name">{choice.label}</span>
                        {choice.hint.map(|hint| view! { <span class="hint">{hint}</span> })}
                    </span>
                </label>
            }
        })
        .collect_view();
    view! {
        <fieldset class="field">
            <legend>{legend.get()}</legend>
            <div class="choices">{cards}</div>
        </fieldset>
    }
}
