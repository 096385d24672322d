//! Form rows: label above, control, then help or error, tied together by `aria-describedby`. An error says the
//! limit and why.

use leptos::prelude::*;

use super::{Glyph, Icon, Words};

/// The ids a field's pieces refer to each other by.
pub(super) struct Ids {
    pub(super) control: String,
    pub(super) hint: Option<String>,
    pub(super) error: Option<String>,
}

impl Ids {
    pub(super) fn of(id: Words, name: &Words, hint: &Words, error: &Words) -> Self {
        let control = id.get().unwrap_or_else(|| format!("f-{}", name.as_str()));
        let hint = (!hint.is_empty()).then(|| format!("{control}-hint"));
        let error = (!error.is_empty()).then(|| format!("{control}-error"));
        Self { control, hint, error }
    }

    pub(super) fn described_by(&self) -> Option<String> {
        let ids: Vec<&str> = [self.error.as_deref(), self.hint.as_deref()].into_iter().flatten().collect();
        (!ids.is_empty()).then(|| ids.join(" "))
    }
}

/// A row around a control of one's own. The control takes `id=for_id` and describes itself by `{for_id}-hint` and
/// `{for_id}-error`.
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

/// A text field. `id` only where the same `name` stands twice on a page. `fixed` shows a value that cannot be
/// changed (say why in `hint`).
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
