//! Buttons and links that look like buttons. One primary a page; the number of what happens stands in the button.

use leptos::prelude::*;

use super::{Glyph, Icon, Words};

/// How much a button weighs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Press {
    /// The one thing this page is for.
    Primary,
    #[default]
    Plain,
    /// Without an edge: the least of several.
    Bare,
    /// Takes something away.
    Danger,
}

impl Press {
    fn class(self, small: bool, icon_only: bool) -> String {
        let mut class = String::from("btn");
        class.push_str(match self {
            Self::Primary => " primary",
            Self::Plain => "",
            Self::Bare => " bare",
            Self::Danger => " danger",
        });
        if small {
            class.push_str(" small");
        }
        if icon_only {
            class.push_str(" square");
        }
        class
    }
}

/// A button of a form. `busy` keeps its width and shows that it works; give `text` as the gerund then. `name` and
/// `value` travel with the form. `icon_only` hides the text from the eye, not from a reader. A disabled button
/// needs its reason beside it. `unchecked` sends the form though a required field is empty.
#[component]
pub fn Button(
    #[prop(into)] text: Words,
    #[prop(optional)] press: Press,
    #[prop(optional)] small: bool,
    #[prop(optional)] glyph: Option<Glyph>,
    #[prop(optional)] icon_only: bool,
    #[prop(optional)] busy: bool,
    #[prop(optional)] disabled: bool,
    #[prop(optional, into)] name: Words,
    #[prop(optional, into)] value: Words,
    #[prop(optional, into)] form: Words,
    #[prop(optional)] autofocus: bool,
    #[prop(optional)] unchecked: bool,
) -> impl IntoView {
    let class = press.class(small, icon_only);
    let label = icon_only.then(|| text.clone().text());
    let text = (!icon_only).then(|| text.text());
    view! {
        <button
            class=class
            name=name.get()
            value=value.get()
            form=form.get()
            disabled=disabled
            autofocus=autofocus
            formnovalidate=unchecked
            aria-busy=busy.then_some("true")
            aria-label=label.clone()
            title=label
        >
            {glyph.map(|glyph| view! { <Icon glyph=glyph /> })}
            {text}
        </button>
    }
}

/// A link that looks like a button: it leads somewhere, it changes nothing. `after` puts the icon behind the text; `of`
/// is read aloud behind it, where the same word stands in every row.
#[component]
pub fn LinkButton(
    #[prop(into)] text: Words,
    #[prop(into)] href: Words,
    #[prop(optional)] press: Press,
    #[prop(optional)] small: bool,
    #[prop(optional)] glyph: Option<Glyph>,
    #[prop(optional)] after: bool,
    #[prop(optional)] icon_only: bool,
    #[prop(optional, into)] rel: Words,
    #[prop(optional, into)] download: Words,
    #[prop(optional, into)] of: Words,
    #[prop(optional)] autofocus: bool,
) -> impl IntoView {
    let class = press.class(small, icon_only);
    let label = icon_only.then(|| text.clone().text());
    let text = (!icon_only).then(|| text.text());
    let icon = |here: bool| glyph.filter(|_| here).map(|glyph| view! { <Icon glyph=glyph /> });
    view! {
        <a class=class href=href.get() rel=rel.get() download=download.get() autofocus=autofocus aria-label=label.clone() title=label>
            {icon(!after)}
            {text}
            {of.get().map(|of| view! { <span class="hidden">{format!(" of {of}")}</span> })}
            {icon(after)}
        </a>
    }
}
