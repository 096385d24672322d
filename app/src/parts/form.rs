//! Form rows: label above, control, then help or error, tied together by `aria-describedby`. An error says the limit and why.

use leptos::prelude::*;

use super::{Glyph, Icon, Words};

/// The ids a field's pieces refer to each other by.
struct Ids {
    control: String,
    hint: Option<String>,
    error: Option<String>,
}

impl Ids {
    fn of(id: Words, name: &Words, hint: &Words, error: &Words) -> Self {
        let control = id.get().unwrap_or_else(|| format!("f-{}", name.as_str()));
        let hint = (!hint.is_empty()).then(|| format!("{control}-hint"));
        let error = (!error.is_empty()).then(|| format!("{control}-error"));
        Self { control, hint, error }
    }

    fn described_by(&self) -> Option<String> {
        let ids: Vec<&str> = [self.error.as_deref(), self.hint.as_deref()].into_iter().flatten().collect();
        (!ids.is_empty()).then(|| ids.join(" "))
    }
}

/// A row around a control of one's own. The control takes `id=for_id` and describes itself by `{for_id}-hint` and `{for_id}-error`.
#[component]
pub fn Field(
    #[prop(into)] label: Words,
    #[prop(into)] for_id: Words,
    #[prop(optional, into)] hint: Words,
    #[prop(optional, into)] error: Words,
    #[prop(optional)] optional: bool,
    #[prop(optional)] full: bool,
    children: Children,
) -> impl IntoView {
    let id = for_id.text();
    let hint = hint.get().map(|hint| view! { <p class="hint" id=format!("{id}-hint")>{hint}</p> });
    let error = error.get().map(|error| {
        view! {
            <p class="error" id=format!("{id}-error")>
                <Icon glyph=Glyph::Failed />
                {error}
            </p>
        }
    });
    view! {
        <div class=if full { "field full" } else { "field" }>
            <label for=id.clone()>{label.get()} {optional.then(|| view! { <span class="optional">" (optional)"</span> })}</label>
            {children()}
            {error}
            {hint}
        </div>
    }
}

/// What a text field takes; decides the keyboard of a phone and what the browser may fill in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Takes {
    #[default]
    Text,
    Email,
    /// A password that exists.
    Password,
    /// A password being chosen.
    NewPassword,
    /// A key or token: hidden, never filled in by the browser.
    Secret,
    Number,
    Url,
    Search,
    Date,
    /// The six digits of a second factor.
    OneTimeCode,
}

impl Takes {
    /// The type attribute of the input.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Text | Self::OneTimeCode => "text",
            Self::Email => "email",
            Self::Password | Self::NewPassword | Self::Secret => "password",
            Self::Number => "number",
            Self::Url => "url",
            Self::Search => "search",
            Self::Date => "date",
        }
    }

    fn autocomplete(self) -> Option<&'static str> {
        match self {
            Self::Email => Some("username"),
            Self::Password => Some("current-password"),
            Self::NewPassword => Some("new-password"),
            Self::OneTimeCode => Some("one-time-code"),
            Self::Secret => Some("off"),
            Self::Text | Self::Number | Self::Url | Self::Search | Self::Date => None,
        }
    }

    fn input_mode(self) -> Option<&'static str> {
        matches!(self, Self::OneTimeCode).then_some("numeric")
    }
}

/// A text field. `id` only where the same `name` stands twice on a page. `fixed` shows a value that cannot be changed (say why in `hint`).
#[component]
pub fn TextField(
    #[prop(into)] label: Words,
    #[prop(into)] name: Words,
    #[prop(optional, into)] value: Words,
    #[prop(optional)] takes: Takes,
    #[prop(optional, into)] hint: Words,
    #[prop(optional, into)] error: Words,
    #[prop(optional, into)] placeholder: Words,
    #[prop(optional, into)] id: Words,
    #[prop(optional)] required: bool,
    #[prop(optional)] optional: bool,
    #[prop(optional)] fixed: bool,
    #[prop(optional)] mono: bool,
    #[prop(optional)] full: bool,
    #[prop(optional)] autofocus: bool,
) -> impl IntoView {
    let ids = Ids::of(id, &name, &hint, &error);
    let described_by = ids.described_by();
    view! {
        <Field label=label for_id=ids.control.clone() hint=hint error=error optional=optional full=full>
            <input
                class=if mono { "input mono" } else { "input" }
                id=ids.control.clone()
                type=takes.kind()
                name=name.get()
                value=value.get()
                placeholder=placeholder.get()
                autocomplete=takes.autocomplete()
                inputmode=takes.input_mode()
                required=required
                readonly=fixed
                autofocus=autofocus
                aria-invalid=ids.error.is_some().then_some("true")
                aria-describedby=described_by
            />
        </Field>
    }
}

/// A field of several lines.
#[component]
pub fn AreaField(
    #[prop(into)] label: Words,
    #[prop(into)] name: Words,
    #[prop(optional, into)] value: Words,
    #[prop(optional, into)] hint: Words,
    #[prop(optional, into)] error: Words,
    #[prop(optional, into)] id: Words,
    #[prop(optional)] required: bool,
    #[prop(optional)] optional: bool,
    #[prop(optional)] mono: bool,
) -> impl IntoView {
    let ids = Ids::of(id, &name, &hint, &error);
    let described_by = ids.described_by();
    view! {
        <Field label=label for_id=ids.control.clone() hint=hint error=error optional=optional full=true>
            <textarea
                class=if mono { "input mono" } else { "input" }
                id=ids.control.clone()
                name=name.get()
                required=required
                aria-invalid=ids.error.is_some().then_some("true")
                aria-describedby=described_by
            >
                {value.get()}
            </textarea>
        </Field>
    }
}

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

/// A list to choose one from, without a row around it: in tables and filters. `label` is read aloud; `slim` has no edge until hovered.
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
